"""The trigger form of the approvals: a dry run, some bills only, tasks since a time. What a run leaves out is not lost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.airflow.test_whole_run import ALICE, bills_for, choose, held

pytestmark = pytest.mark.airflow
JOB = "approval_reconciliation"
PLAIN: dict[str, Any] = {"dry_run": False, "bill_numbers": None}
"""Said out loud, because in one process a DAG keeps what the form of the run before said."""
TO_DO_LISTS = {"approvals_to_show", "approvals_taken_back"}
"""Notes of work to be done, which are no places in a stream."""


@pytest.fixture
def chosen(world: Any) -> tuple[Any, list[dict[str, Any]]]:
    """A world in which Alice approved two bills, of which no run heard yet."""
    world.have_run("bill_sync", JOB)
    bills = bills_for(world)[:2]
    for bill in bills:
        choose(world, ALICE, bill, "Approved")
    return world, bills


def stamps(world: Any, bills: list[dict[str, Any]]) -> list[str]:
    return [held(world, bill)["ASANA_DECISION"] for bill in bills]


def places(world: Any) -> dict[str, str]:
    return {name: value for name, value in world.cursors().items() if name not in TO_DO_LISTS}


def test_a_dry_run_says_what_would_be_stamped_and_changes_nothing(chosen: Any) -> None:
    world, bills = chosen
    before = world.writes(), world.cursors(), len(world.store().evidence())
    world.must(JOB, dry_run=True)
    assert (world.writes(), world.cursors(), len(world.store().evidence())) == before
    report = world.store().run_reports().newest(JOB)
    assert report.is_dry
    assert f"bill {bills[0]['bill_number']} of " in report.words
    assert "would be stamped" in report.words
    world.must(JOB, **PLAIN)
    assert stamps(world, bills) == ["Approved", "Approved"]


def test_a_run_about_one_bill_carries_its_decision_out_and_leaves_the_other_for_the_next(chosen: Any) -> None:
    world, bills = chosen
    before = places(world)
    world.must(JOB, bill_numbers=[bills[0]["bill_number"]])
    assert stamps(world, bills) == ["Approved", ""]
    assert places(world) == before
    world.must(JOB, **PLAIN)
    assert stamps(world, bills) == ["Approved", "Approved"]
    assert world.evidence_is_sound()


def test_an_unknown_bill_number_is_refused_before_anything_is_done(chosen: Any) -> None:
    world, bills = chosen
    states = world.run(JOB, bill_numbers=["no such bill"])
    assert set(states.values()) == {"failed"}
    assert stamps(world, bills) == ["", ""]
    assert "shows a bill no such bill" in world.store().run_reports().newest(JOB).failures[0]


def test_tasks_since_a_time_are_read_again_and_the_cursor_stays(chosen: Any) -> None:
    world, bills = chosen
    before = world.cursors()
    world.must(JOB, since=(datetime.now(UTC) + timedelta(days=1)).isoformat())
    assert stamps(world, bills) == ["", ""]
    world.must(JOB, since=(datetime.now(UTC) - timedelta(days=1)).isoformat())
    assert stamps(world, bills) == ["Approved", "Approved"]
    reading = {name: value for name, value in before.items() if name.startswith("asana_")}
    assert {name: value for name, value in world.cursors().items() if name.startswith("asana_")} == reading
