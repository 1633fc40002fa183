"""Writes to tasks in the store: what is open of them, what adds up, two runs at once, and what an older release had noted."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from intacct_asana.errors import TryLater
from intacct_asana.records import Intent, IntentState, Task, TaskDraft
from intacct_asana.store import FlowStore, open_store
from intacct_asana.sync import Create, Plan, Report, apply_plan, creations_in_doubt, open_writes, parts_of, plan_records
from intacct_asana.sync.writes import parts_under_way, task_intent, write_anew

from tests.store.store_world import NOON, a_link, crowd, everything, make_older, minutes, run_sql
from tests.sync.sync_world import BOT, KEY, PROJECT, Board, Wire, wanted


def a_creation(key: str = "bill-1", *, kind: str = "bill", since: float = 0) -> Intent:
    record = wanted(key)
    action = Create(key=key, record_no="17", amount=record.amount, reason="", desired=record.draft)
    return task_intent(action, kind=kind, since=minutes(since))


def left(flow: FlowStore, intent: Intent) -> None:
    """Its call left, and nobody kept the answer."""
    journal = flow.intents()
    (noted,) = journal.note([intent], at=NOON).values()
    journal.move(noted, replace(noted, state=IntentState.SENT, turn=noted.turn + 1), at=NOON)


def open_of(flow: FlowStore, kind: str = "bill") -> list[Intent]:
    return open_writes(flow.intents(), kind)


def test_a_creation_is_in_doubt_only_when_its_call_left(flow: FlowStore) -> None:
    flow.intents().note([a_creation("noted")], at=NOON)
    left(flow, a_creation("sent", since=3))
    assert creations_in_doubt(open_of(flow)) == {"sent": minutes(3)}
    assert parts_of(open_of(flow)).keys() == {"noted", "sent"}


def test_flows_and_kinds_of_records_do_not_see_each_others_writes(flow: FlowStore, url: str) -> None:
    left(flow, a_creation())
    assert open_of(flow, "vendor") == open_of(open_store(url).for_flow("other")) == []
    left(flow, a_creation(kind="vendor"))
    assert len(open_of(flow)) == len(open_of(flow, "vendor")) == 1


def test_a_write_moves_and_ends_in_its_own_flow_only(flow: FlowStore, url: str) -> None:
    """Two flows may note the same write in the same moment."""
    other = open_store(url).for_flow("other").intents()
    for journal in (flow.intents(), other):
        journal.note([a_creation()], at=NOON)
    left(flow, a_creation())
    (there,) = other.open("bill task")
    assert (there.state, there.turn) == (IntentState.NOTED, 0)
    other.drop(there)
    assert [one.state for one in open_of(flow)] == [IntentState.SENT]


def test_who_saw_a_write_a_turn_ago_neither_moves_nor_ends_it(flow: FlowStore) -> None:
    """Another process sent it once more meanwhile, and it is in the same doubt as before."""
    left(flow, a_creation())
    journal = flow.intents()
    (seen,) = open_of(flow)
    journal.move(seen, replace(seen, turn=seen.turn + 1), at=minutes(1))
    for late in (lambda: journal.move(seen, replace(seen, state=IntentState.DONE), at=minutes(2)), lambda: journal.drop(seen)):
        with pytest.raises(TryLater, match="another run has it"):
            late()
    assert [one.turn for one in open_of(flow)] == [seen.turn + 1]


def test_a_creation_in_doubt_that_is_wanted_again_keeps_its_first_time(flow: FlowStore) -> None:
    left(flow, a_creation())
    again = flow.intents().note([a_creation(since=5), a_creation("new", since=5)], at=minutes(5))
    assert {one.subject: one.since for one in again.values()} == {"bill-1": NOON, "new": minutes(5)}


def test_a_write_in_doubt_that_becomes_a_creation_has_the_time_of_the_creation(flow: FlowStore) -> None:
    left(flow, replace(a_creation(), since=None))
    (again,) = flow.intents().note([a_creation(since=5)], at=minutes(5)).values()
    assert (again.state, again.since) == (IntentState.SENT, minutes(5))


def test_what_is_to_be_written_anew_adds_up(flow: FlowStore) -> None:
    journal = flow.intents()
    write_anew(journal, kind="bill", key="bill-1", parts=("name", "field:1"), at=NOON)
    write_anew(journal, kind="bill", key="bill-1", parts=("completed", "name"), at=minutes(1))
    assert parts_of(open_of(flow)) == {"bill-1": {"completed", "field:1", "name"}}
    assert parts_under_way(journal, kind="bill", key="bill-1") == frozenset(), "nothing of ours left"


def test_what_is_to_be_written_anew_stands_beside_a_write_in_doubt_which_cannot_end_it(flow: FlowStore) -> None:
    left(flow, replace(a_creation(), body={"parts": ["name"]}))
    (under_way,) = open_of(flow)
    write_anew(flow.intents(), kind="bill", key="bill-1", parts=("field:1",), at=minutes(1))
    (now,) = open_of(flow)
    assert (now.state, now.since, parts_of([now])) == (IntentState.SENT, NOON, {"bill-1": {"field:1", "name"}})
    assert parts_under_way(flow.intents(), kind="bill", key="bill-1") == {"name"}, "what others altered is no write of ours"
    with pytest.raises(TryLater):
        flow.intents().drop(under_way)


def test_what_a_crowd_wants_anew_of_one_task_adds_up(flow: FlowStore) -> None:
    write_anew(flow.intents(), kind="bill", key="bill-1", parts=("name",), at=NOON)

    def doubt(number: int) -> int:
        """How many of 25 it could add; of two at the same moment one is told to try later."""
        added = 0
        for turn in range(25):
            try:
                at = minutes(1 + number + 10 * turn)
                write_anew(flow.intents(), kind="bill", key="bill-1", parts=(f"field:{number}-{turn:02}",), at=at)
                added += 1
            except TryLater:
                time.sleep(0.001)
        return added

    added = crowd(4, doubt)
    assert len(parts_of(open_of(flow))["bill-1"]) == 1 + sum(added)
    assert sum(added) >= 25


class SlowBoard(Board):
    """A board of which each process has a copy; what they make is counted in a file."""

    def __init__(self, file: Path) -> None:
        super().__init__(Wire())
        self.file = file

    def create_task(self, project_gid: str, draft: TaskDraft) -> Task:
        with self.file.open("a") as lines:
            lines.write(f"{draft.key}\n")
        time.sleep(0.002)
        return replace(super().create_task(project_gid, draft), gid=f"task of {draft.key}")


@pytest.mark.parametrize("attempt", range(3))
def test_a_plan_that_three_processes_carry_out_at_once_makes_each_task_once(url: str, tmp_path: Path, attempt: int) -> None:
    keys = [f"bill-{number:02}" for number in range(40)]
    plan = plan_records({key: wanted(key) for key in keys}, links={}, found=None, bot_gid=BOT)
    board = SlowBoard(tmp_path / "made")

    def work(number: int) -> tuple[int, list[str]]:
        report = carried_out(plan, open_store(url).for_flow("demo"), board, owner=f"run {number}")
        return report.done["create"], [type(one.error).__name__ for one in report.failures]

    open_store(url)
    answers = crowd(3, work)
    flow = open_store(url).for_flow("demo")
    again = carried_out(plan, flow, board, owner="run 0")
    again.raise_if_failed()
    assert sorted(board.file.read_text().splitlines()) == keys
    assert {error for _, errors in answers for error in errors} <= {"TryLater"}
    assert sum(done for done, _ in answers) + again.done["create"] == len(keys)
    assert flow.links("bill").all().keys() == set(keys)
    assert open_of(flow) == []


def carried_out(plan: Plan, flow: FlowStore, board: Board, *, owner: str) -> Report:
    return apply_plan(
        plan,
        kind="bill",
        board=board,
        links=flow.links("bill"),
        journal=flow.intents(),
        project_gid=PROJECT,
        key_field_gid=KEY,
        bot_gid=BOT,
        owner=owner,
        workers=2,
        now=board.wire.now,
    )


def test_what_an_older_store_had_begun_and_doubted_are_writes_in_doubt(url: str) -> None:
    links = open_store(url).for_flow("demo").links("bill")
    links.save(a_link("doubted"))
    links.save(a_link("both"))
    links.save(a_link("sound"))
    make_older(url, 9)
    begun = ", ".join(f"('demo', 'bill', '{key}', '2026-11-23T12:00:00.000000Z')" for key in ("begun", "both"))
    run_sql(
        url,
        f"INSERT INTO ia_creations VALUES {begun}, ('demo', 'vendor', 'v', '2026-11-23T12:00:00.000000Z')",
        """UPDATE ia_links SET in_doubt = '["field:12", "name"]' WHERE key IN ('doubted', 'both')""",
    )
    flow = open_store(url).for_flow("demo")
    assert {one.state for one in open_of(flow)} == {IntentState.UNKNOWN}
    assert creations_in_doubt(open_of(flow)) == {"begun": NOON, "both": NOON}
    assert creations_in_doubt(open_of(flow, "vendor")) == {"v": NOON}
    doubted = {"field:12", "name"}
    assert parts_of(open_of(flow)) == {"begun": set(), "both": doubted, "doubted": doubted}
    assert flow.links("bill").all().keys() == {"doubted", "both", "sound"}
    assert "ia_creations" not in everything(url)


def test_a_creation_of_an_older_store_is_looked_for_before_it_is_sent(url: str, tmp_path: Path) -> None:
    open_store(url)
    make_older(url, 9)
    run_sql(url, "INSERT INTO ia_creations VALUES ('demo', 'bill', 'a', '2026-03-02T08:00:00.000000Z')")
    board = SlowBoard(tmp_path / "made")
    Board.create_task(board, PROJECT, wanted("a").draft)
    plan = plan_records({"a": wanted("a")}, links={}, found=None, bot_gid=BOT)
    flow = open_store(url).for_flow("demo")
    report = carried_out(plan, flow, board, owner="run")
    assert report.counts() == {"adopt": 1}
    assert not board.file.exists()
    assert flow.links("bill").all()["a"].task_gid == "5001"
