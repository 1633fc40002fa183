"""What the loop needs of the store: one transaction for all that belongs together, and older stores carried over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from intacct_asana.errors import Refused, TryLater
from intacct_asana.records import Cursor, IntentState
from intacct_asana.store import FlowStore, open_store
from sqlalchemy import event

from tests.journal.journal_world import NOON, a_task
from tests.store.store_world import make_older


def keep_and_fail(flow: FlowStore) -> None:
    with flow.together():
        flow.save_cursor(Cursor(name="part", value="kept"))
        raise Refused("no")


def test_what_is_kept_together_is_kept_or_lost_together(flow: FlowStore) -> None:
    with flow.together():
        flow.save_cursor(Cursor(name="bills", value="1"))
        assert flow.cursor("bills") == "1", "what was written is seen within"
    with pytest.raises(Refused):
        keep_and_fail(flow)
    assert (flow.cursor("bills"), flow.cursor("part")) == ("1", None)


def test_a_part_that_fails_is_undone_alone(flow: FlowStore) -> None:
    with flow.together():
        flow.save_cursor(Cursor(name="bills", value="1"))
        with pytest.raises(Refused):
            keep_and_fail(flow)
        flow.save_cursor(Cursor(name="vendors", value="2"))
    assert [flow.cursor(name) for name in ("bills", "part", "vendors")] == ["1", None, "2"]


def test_a_write_that_another_run_finishes_while_it_is_noted_is_noted_anew(flow: FlowStore) -> None:
    """Such a run died of a KeyError. SQLite lets nobody in between."""
    (there,) = flow.intents().note([a_task()], at=NOON).values()
    finished: list[str] = []

    def finish(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "FOR UPDATE" in statement and not finished:
            finished.append(statement)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(flow.intents().drop, there).result(10)

    later = NOON + timedelta(minutes=1)
    event.listen(flow._database._engine, "before_cursor_execute", finish)
    (anew,) = flow.intents().note([a_task()], at=later).values()
    assert (anew.state, len(flow.intents().open(anew.kind))) == (IntentState.NOTED, 1)
    assert anew.noted_at == later
    assert bool(finished) == flow._database.name.startswith("postgresql")


def test_a_store_of_the_sixth_version_learns_about_intents_and_gives_its_leases_up(url: str) -> None:
    old = open_store(url).for_flow("demo")
    old.save_cursor(Cursor(name="bills", value="here"))
    old.save_cursor(Cursor(name="lease:making", value="2026-11-23T12:15:00.000000Z"))
    make_older(url, 6)
    flow = open_store(url).for_flow("demo")
    assert (flow.cursor("bills"), flow.cursor("lease:making")) == ("here", None)
    assert flow.intents().note([a_task()], at=NOON)
    with flow.lease("making", now=NOON), pytest.raises(TryLater), flow.lease("making", now=NOON):
        pass
