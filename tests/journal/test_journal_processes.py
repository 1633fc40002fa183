"""Two real processes on one database want to write the same thing at the same moment."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.errors import TryLater
from intacct_asana.journal import Kind, carry_out
from intacct_asana.records import Intent, IntentState
from intacct_asana.store import open_store

from tests.journal.journal_world import NOON, a_stamp, a_task
from tests.store.store_world import crowd, run_sql


class Appending(Kind):
    """Adds a line to a file, and takes until the others have run out."""

    def __init__(self, name: str, file: Path, *, exclusive: bool = False, others: int) -> None:
        self.name, self.file, self.exclusive, self.others = name, file, exclusive, others

    def send(self, intent: Intent) -> str:
        with self.file.open("a") as lines:
            lines.write(f"{intent.intent_id}\n")
        for _ in range(2000):
            if len(list(self.file.parent.glob("over *"))) >= self.others:
                break
            time.sleep(0.01)
        return intent.intent_id

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Any]:
        return {line: line for line in self.file.read_text().splitlines()} if self.file.exists() else {}

    def same(self, intent: Intent, found: Any) -> bool:
        return bool(found == intent.intent_id)


def fight(url: str, folder: Path, wanted: Sequence[Intent], *, exclusive: bool = False) -> tuple[list[str], list[str]]:
    """One process for each of `wanted`: how each ended, and what was written."""
    kind = Appending(wanted[0].kind, folder / "written", exclusive=exclusive, others=len(wanted) - 1)

    def work(number: int) -> str:
        journal = open_store(url).for_flow("demo").intents()
        (outcome,) = carry_out([wanted[number]], kinds=[kind], journal=journal, owner=f"run {number}", now=lambda: NOON)
        (folder / f"over {number}").touch()
        return type(outcome.error).__name__ if outcome.error else str(outcome.intent.state)

    open_store(url)
    return sorted(crowd(len(wanted), work)), (folder / "written").read_text().splitlines()


@pytest.mark.parametrize("attempt", range(3))
def test_one_write_that_four_processes_want_is_sent_by_one(url: str, tmp_path: Path, attempt: int) -> None:
    assert fight(url, tmp_path, [a_task()] * 4) == (["DONE", "TryLater", "TryLater", "TryLater"], ["task:a"])


@pytest.mark.parametrize("attempt", range(3))
def test_of_two_writes_about_one_bill_one_waits(url: str, tmp_path: Path, attempt: int) -> None:
    ends, written = fight(url, tmp_path, [a_stamp("d1"), a_stamp("d2")], exclusive=True)
    assert ends == ["DONE", "TryLater"]
    assert len(written) == 1


def test_the_same_batch_in_two_processes_is_written_once(url: str, tmp_path: Path) -> None:
    """Each sends a part of it; what one has, the other leaves alone."""
    wanted = [a_task(f"{number:02}") for number in range(60)]

    class Quick(Appending):
        def send(self, intent: Intent) -> str:
            with self.file.open("a") as lines:
                lines.write(f"{intent.intent_id}\n")
            return intent.intent_id

    kind = Quick("task", tmp_path / "written", others=0)

    def work(number: int) -> int:
        journal = open_store(url).for_flow("demo").intents()
        outcomes = carry_out(wanted, kinds=[kind], journal=journal, owner=f"run {number}", now=lambda: NOON)
        return sum(one.is_done for one in outcomes)

    open_store(url)
    done = crowd(2, work)
    written = (tmp_path / "written").read_text().splitlines()
    assert len(written) == sum(done)
    assert sorted(set(written)) == [one.intent_id for one in wanted]


def test_a_process_that_dies_while_it_sends_gives_way_after_a_while(url: str, tmp_path: Path) -> None:
    class Deadly(Appending):
        def send(self, intent: Intent) -> str:
            super().send(intent)
            os._exit(9)

    def work(number: int) -> None:
        journal = open_store(url).for_flow("demo").intents()
        kind = Deadly("task", tmp_path / "written", others=0)
        list(carry_out([a_task()], kinds=[kind], journal=journal, owner="the dead one", now=lambda: NOON))

    open_store(url)
    assert crowd(1, work) == [None]
    journal = open_store(url).for_flow("demo").intents()
    given: dict[str, Any] = {"kinds": [Appending("task", tmp_path / "written", others=0)], "journal": journal, "owner": "me"}
    (busy,) = carry_out([a_task()], now=lambda: NOON, **given)
    assert isinstance(busy.error, TryLater)
    assert "the dead one is doing this just now" in busy.error.message
    (done,) = carry_out([a_task()], now=lambda: NOON + timedelta(minutes=16), **given)
    assert done.is_done
    assert (tmp_path / "written").read_text().splitlines() == ["task:a"]


def test_the_database_itself_refuses_a_second_one_under_way(url: str) -> None:
    journal = open_store(url).for_flow("demo").intents()
    (before,) = journal.note([a_stamp()], at=NOON).values()
    journal.move(before, replace(before, state=IntentState.SENT), exclusive=True, at=NOON)
    columns = "flow, kind, subject, state, body, control_id, turn, tries, noted_at, changed_at, answer, claimed_by, flying"
    with pytest.raises(Exception, match=r"(?i)unique"):
        run_sql(url, f"INSERT INTO ia_intents (intent_id, {columns}) SELECT 'other', {columns} FROM ia_intents")
