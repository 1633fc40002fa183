"""What becomes of one write, and of many, whatever the other side answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply
from intacct_asana.journal import Outcome
from intacct_asana.records import Cursor, Intent, IntentState
from intacct_asana.store import FlowStore
from sqlalchemy import event

from tests.journal.journal_world import NOON, Crash, Creation, Stamp, World, a_stamp, a_task, how


@pytest.fixture
def world(flow: FlowStore) -> World:
    return World(flow)


def test_a_write_is_noted_then_sent_then_done_and_its_row_goes(world: World) -> None:
    outcomes = world.run(a_task("a"), a_task("b"))
    assert how(outcomes) == [("task:a", "DONE", None), ("task:b", "DONE", None)]
    assert [one.intent.state for one in world.kept] == [IntentState.SENT] * 2 + [IntentState.DONE] * 2
    assert [one.turn for one in world.there.sent] == [1, 1]
    assert world.there.looks == {}, "nothing was in doubt, so nobody looked"
    assert world.flow.intents().open("task") == []
    assert world.row(a_task("a")) is None


def test_a_row_says_sent_before_its_call_leaves(world: World) -> None:
    seen: list[Intent | None] = []

    class Watching(Creation):
        def send(self, intent: Intent) -> Any:
            seen.append(world.row(intent))
            return super().send(intent)

    world.run(a_task(), kinds=[Watching(world.there)])
    assert seen[0] is not None
    assert (seen[0].state, seen[0].claimed_by, seen[0].turn, seen[0].since) == (IntentState.SENT, "run-1", 1, NOON)


def test_a_lost_answer_is_found_and_nothing_sent_twice(world: World) -> None:
    world.wire.faults = ["lost", "", "lost"]
    assert {state for _, state, _ in how(world.run(a_task("a"), a_task("b"), a_task("c")))} == {"DONE"}
    assert len(world.there.made) == 3
    assert world.there.looks == {"task": 1}, "one look for all that is unclear"


def test_a_write_that_never_arrived_is_looked_for_by_the_next_run_and_sent_once_more(world: World) -> None:
    world.wire.faults = ["dropped"]
    assert how(world.run(a_stamp())) == [("stamp:d1", "UNKNOWN", OutcomeUnknown)]
    assert len(world.there.sent) == 1, "not again in this run: the call may still be under way"
    row = world.row(a_stamp())
    assert row
    assert (row.state, row.claimed_by, row.answer["said"]) == (IntentState.UNKNOWN, "", "the line went dead")
    world.there.looks.clear()
    assert how(world.run(a_stamp(), owner="run-2")) == [("stamp:d1", "DONE", None)]
    assert world.there.looks == {"stamp": 2}, "before it was sent, and because its answer proves nothing"
    assert [one.control_id for one in world.there.sent] == ["stamp:d1-0"] * 2, "so that the other side refuses a repeat"


def test_what_was_sent_twice_and_was_absent_twice_goes_out_under_another_control_id(world: World) -> None:
    for _ in range(3):
        world.wire.faults = ["dropped"]
        world.run(a_stamp())
    assert [one.control_id for one in world.there.sent] == ["stamp:d1-0", "stamp:d1-0", "stamp:d1-2"]
    world.crash(a_stamp(), cut_at=4)
    world.later()
    world.run(a_stamp())
    assert world.there.sent[-1].control_id == "stamp:d1-4", "also when the second try died on its way"


def test_a_repeat_that_is_refused_was_carried_out_before(world: World) -> None:
    world.wire.faults = ["dropped"]
    world.run(a_stamp())
    world.there.used.add("stamp:d1-0")
    world.there.stamped = [("bill-1", "d1")]

    class Late(Stamp):
        looks = 0

        def find(self, intents: Any) -> Any:
            """The first write arrives just after we looked."""
            self.looks += 1
            return {} if self.looks == 1 else super().find(intents)

    assert how(world.run(a_stamp(), kinds=[Late(world.there)])) == [("stamp:d1", "DONE", None)]
    assert world.there.stamped == [("bill-1", "d1")]


def test_a_refusal_is_kept_with_its_words(world: World) -> None:
    world.wire.faults = ["no"]
    (outcome,) = world.run(a_stamp())
    assert how([outcome]) == [("stamp:d1", "REFUSED", Refused)]
    row = world.row(a_stamp())
    assert row
    assert row.answer == {"error": "Refused", "said": "it is locked", "code": "BL01"}
    assert world.held(a_stamp()) == "REFUSED"


def test_try_later_means_that_nothing_happened_and_no_look_is_needed(world: World) -> None:
    world.wire.faults = ["busy"]
    assert how(world.run(a_task())) == [("task:a", "NOTED", TryLater)]
    assert how(world.run(a_task())) == [("task:a", "DONE", None)]
    assert world.there.looks == {}


def test_try_later_after_a_lost_answer_leaves_the_doubt(world: World) -> None:
    world.wire.faults = ["dropped"]
    world.run(a_task())
    world.wire.faults = ["busy"]
    assert how(world.run(a_task())) == [("task:a", "UNKNOWN", TryLater)]


def test_what_nobody_can_look_for_is_not_sent(world: World) -> None:
    world.wire.faults = ["dropped"]
    world.run(a_task())
    world.wire.blind = 1
    assert how(world.run(a_task("a"), a_task("b"))) == [("task:a", "UNKNOWN", TryLater), ("task:b", "DONE", None)]
    assert len(world.there.sent) == 2


def test_success_that_no_look_shows_is_no_success(world: World) -> None:
    class Deaf(Stamp):
        def find(self, intents: Any) -> Any:
            return {}

    assert how(world.run(a_stamp(), kinds=[Deaf(world.there)])) == [("stamp:d1", "UNKNOWN", UnexpectedReply)]


def test_one_wrong_setting_stops_the_batch_and_leaves_the_rest_as_it_was(world: World) -> None:
    world.wire.faults = ["wrong"]
    outcomes = world.run(*[a_task(f"{number:02}") for number in range(20)])
    assert how(outcomes)[0] == ("task:00", "NOTED", Misconfigured)
    assert len(outcomes) + len(world.there.made) < 10
    states = {row.state for row in world.flow.intents().open("task")}
    assert states == {IntentState.NOTED}, "nothing that was not sent is in doubt"
    assert len(world.run(*[a_task(f"{number:02}") for number in range(20)])) == 20


def test_what_is_kept_and_the_new_state_are_one_transaction(world: World) -> None:
    def keep(outcome: Outcome) -> None:
        if outcome.is_done:
            world.flow.save_cursor(Cursor(name="half", value="kept"))
            raise Refused("the task stands for another bill")

    assert how(world.run(a_task(), keep=keep)) == [("task:a", "UNKNOWN", Refused)]
    assert world.flow.cursor("half") is None
    assert how(world.run(a_task(), owner="run-2")) == [("task:a", "DONE", None)]
    assert len(world.there.made) == 1


def test_what_cannot_be_kept_before_the_call_keeps_the_call_from_leaving(world: World) -> None:
    def keep(outcome: Outcome) -> None:
        if outcome.intent.subject == "a":
            world.flow.save_cursor(Cursor(name="half", value="kept"))
            raise Refused("another run moved it")

    assert how(world.run(a_task("a"), a_task("b"), keep=keep)) == [("task:b", "DONE", None), ("task:a", "NOTED", Refused)]
    assert [one.subject for one in world.there.sent] == ["b"]
    assert world.flow.cursor("half") is None


def test_what_another_process_is_sending_is_left_to_it_until_it_is_taken_for_dead(world: World) -> None:
    world.crash(a_task(), cut_at=3, after=True, owner="worker one")
    (outcome,) = world.run(a_task(), owner="worker two")
    assert isinstance(outcome.error, TryLater)
    assert "worker one is doing this just now" in outcome.error.message
    assert "again after 2026-11-23 12:15 UTC" in outcome.error.message
    world.later()
    assert how(world.run(a_task(), owner="worker two")) == [("task:a", "DONE", None)]


def test_a_retry_under_the_same_name_goes_on_at_once(world: World) -> None:
    world.crash(a_task(), cut_at=3, after=True)
    assert how(world.run(a_task())) == [("task:a", "DONE", None)]


def test_an_interruption_comes_out_at_once_and_what_was_kept_stays(world: World) -> None:
    gate, waited = threading.Event(), list[Intent]()

    class Slow(Creation):
        def send(self, intent: Intent) -> Any:
            if intent.subject != "a":
                gate.wait(20)
                waited.append(intent)
            return super().send(intent)

    outcomes = world.start(a_task("a"), a_task("b"), a_task("c"), kinds=[Slow(world.there)])
    with pytest.raises(KeyboardInterrupt), closing(outcomes):
        _interrupted_after_the_first(outcomes)
    assert not waited, "it waited for what was under way"
    assert world.held(a_task("a")) == "DONE"
    gate.set()
    world.revive()
    world.run(a_task("b"), a_task("c"))
    assert sorted(one for one, _ in world.there.made) == ["task:a", "task:b", "task:c"]


def test_only_one_write_about_a_subject_is_under_way_where_its_kind_says_so(world: World) -> None:
    world.wire.faults = ["dropped"]
    outcomes = world.run(a_stamp("d1"), a_stamp("d2"), a_stamp("d3", bill="bill-2"))
    assert how(outcomes) == [
        ("stamp:d2", "NOTED", TryLater),
        ("stamp:d1", "UNKNOWN", OutcomeUnknown),
        ("stamp:d3", "DONE", None),
    ]
    assert "waits until stamp:d1 about the same is settled" in str(outcomes[0].error)
    assert [one.intent_id for one in world.there.sent] == ["stamp:d1", "stamp:d3"]
    world.run(a_stamp("d1"))
    world.run(a_stamp("d2"))
    assert world.there.stamped == [("bill-2", "d3"), ("bill-1", "d1"), ("bill-1", "d2")]


def test_an_exclusive_write_keeps_its_place_when_the_other_side_is_busy(world: World) -> None:
    world.wire.faults = ["busy"]
    world.run(a_stamp("d1"))
    assert how(world.run(a_stamp("d2")))[0][1:] == ("NOTED", TryLater)
    assert how(world.run(a_stamp("d1")))[0][1:] == ("DONE", None)


def test_five_hundred_are_noted_in_one_transaction_and_looked_for_once(world: World) -> None:
    tasks = [a_task(f"{number:03}") for number in range(500)]
    commits: list[Any] = []
    engine = world.flow._database._engine
    event.listen(engine, "commit", commits.append)
    noted = world.flow.intents().note(tasks, at=NOON)
    assert len(commits) == 1
    with world.flow.together():
        for before in noted.values():
            world.flow.intents().move(before, replace(before, state=IntentState.SENT, turn=1, tries=1), at=NOON)
    assert len(commits) == 2
    world.there.made = [(task.intent_id, "gid") for task in tasks]
    assert {state for _, state, _ in how(world.run(*tasks[:50]))} == {"DONE"}
    assert world.there.looks == {"task": 1}
    assert world.there.sent == []


def test_a_task_that_is_updated_for_ever_has_one_row(world: World) -> None:
    kinds = [Stamp(world.there)]
    for number in range(4):
        assert how(world.run(a_stamp(body={"value": f"v{number}"}), kinds=kinds)) == [("stamp:d1", "DONE", None)]
    row = world.row(a_stamp())
    assert row
    assert (row.turn, row.tries) == (4, 1)
    assert len(world.flow.intents().about(["bill-1"])) == 1
    assert len({one.control_id for one in world.there.sent}) == 4, "a value that comes back is a new write and no repeat"


def test_another_wish_while_the_first_is_in_doubt_goes_out_after_a_look(world: World) -> None:
    world.wire.faults = ["dropped"]
    world.run(a_stamp(body={"value": "old"}, since=NOON))
    row = world.row(a_stamp())
    world.run(a_stamp(body={"value": "new"}, since=NOON + timedelta(hours=1)))
    assert world.there.stamped == [("bill-1", "new")]
    assert [one.control_id for one in world.there.sent] == ["stamp:d1-0", "stamp:d1-1"]
    assert row
    assert world.there.sent[-1].since == row.since == NOON, "looking back still reaches the first try"


def test_the_same_write_twice_in_a_batch_is_refused_before_anything_leaves(world: World) -> None:
    with pytest.raises(Refused, match="the same one"):
        world.run(a_task(), a_task())
    assert world.there.sent == []


def test_a_crash_is_nobodys_answer(world: World) -> None:
    world.wire.cut_at = 3
    with pytest.raises(Crash):
        world.run(a_task())


def _interrupted_after_the_first(outcomes: Iterator[Outcome]) -> None:
    for _ in outcomes:
        raise KeyboardInterrupt
