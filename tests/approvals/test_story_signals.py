"""What counts as a decision, and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from intacct_asana.approvals import signals_of
from intacct_asana.records import DecisionState, Signal, Verdict

from tests.approvals.settle_world import ALICE, APPROVAL, APPROVED, BEN, BOT, PENDING, REJECTED, TASK, World


def signals(world: World) -> list[Signal]:
    return signals_of(world.board.there, world.board.history, world.policy)


def test_each_choice_is_one_signal_in_order() -> None:
    world = World()
    world.board.choose(ALICE, APPROVED)
    world.board.choose(BEN, REJECTED)
    assert [(one.decider_gid, one.verdict) for one in signals(world)] == [(ALICE, Verdict.APPROVE), (BEN, Verdict.REJECT)]
    assert [one.replaced for one in signals(world)] == ["superseded", ""]


def test_a_choice_set_back_between_two_runs_is_still_seen() -> None:
    world = World()
    world.board.choose(ALICE, APPROVED)
    world.board.choose(ALICE, PENDING)
    assert [one.replaced for one in signals(world)] == ["withdrawn"]


def test_our_own_change_of_the_field_is_no_signal_and_withdraws_nothing() -> None:
    world = World()
    world.board.choose(ALICE, APPROVED)
    world.board.choose(BOT, PENDING)
    world.board.choose(BOT, REJECTED)
    assert [(one.verdict, one.replaced) for one in signals(world)] == [(Verdict.APPROVE, "")]


def test_changes_of_other_fields_are_no_signals() -> None:
    world = World()
    world.board.choose(ALICE, APPROVED)
    world.board.history[0] = replace(world.board.history[0], field_gid="99")
    assert all(one.source == "unproven" for one in signals(world))


def test_a_field_without_a_story_is_unproven_under_one_id_whatever_happens_to_the_task() -> None:
    world = World()
    world.board.choose(ALICE, APPROVED, story=False)
    first = signals(world)
    world.board.say(BEN, "Who did this?")
    assert [one.source for one in first] == ["unproven"]
    assert first[0].decider_gid is None
    assert [one.story_gid for one in signals(world)] == [first[0].story_gid]


def test_a_second_choice_without_a_story_is_another_unproven_one() -> None:
    world = World()
    world.board.choose(ALICE, APPROVED, story=False)
    first = signals(world)[0]
    world.board.choose(BOT, PENDING)
    world.board.choose(ALICE, APPROVED, story=False)
    assert signals(world)[0].story_gid != first.story_gid


def test_a_choice_made_after_the_task_was_read_is_not_called_unproven() -> None:
    world = World()
    world.board.choose(ALICE, APPROVED)
    read = world.board.there
    world.board.choose(ALICE, REJECTED)
    assert [one.source for one in signals_of(read, world.board.history, world.policy)] == ["web", "web"]


def test_a_field_whose_last_story_says_something_older_is_unproven() -> None:
    world = World()
    world.board.choose(ALICE, APPROVED)
    world.board.choose(ALICE, PENDING)
    world.board.choose(ALICE, APPROVED, story=False)
    assert [one.source for one in signals(world)] == ["web", "unproven"]


def test_the_reason_field_explains_the_choice() -> None:
    world = World()
    world.board.explain(ALICE, "  Wrong\nvendor ")
    world.board.say(ALICE, "see the field")
    world.board.choose(ALICE, REJECTED)
    assert signals(world)[0].reason == "Wrong vendor"


def test_the_latest_comment_of_the_same_person_explains_it_when_the_field_is_empty() -> None:
    world = World()
    world.board.say(ALICE, "first thought")
    world.board.choose(ALICE, REJECTED)
    world.board.say(ALICE, "the goods never came")
    world.board.say(BEN, "I agree")
    assert signals(world)[0].reason == "the goods never came"


def test_a_comment_of_more_than_a_day_before_explains_nothing() -> None:
    world = World()
    world.board.say(ALICE, "I have questions")
    world.wire.clock += timedelta(hours=25)
    world.board.choose(ALICE, REJECTED)
    assert signals(world)[0].reason == ""


def test_what_explained_a_rejection_is_not_the_reason_of_the_approval_after_it() -> None:
    world = World()
    world.board.explain(ALICE, "The goods never came")
    world.board.say(ALICE, "No!")
    world.board.choose(ALICE, REJECTED)
    world.board.choose(ALICE, APPROVED)
    assert [one.reason for one in signals(world)] == ["The goods never came", ""]
    world.board.explain(ALICE, "They came")
    assert signals(world)[1].reason == "They came"


def test_the_text_in_the_field_goes_on_speaking_for_the_same_verdict() -> None:
    world = World()
    world.board.explain(ALICE, "Wrong vendor")
    world.board.choose(ALICE, REJECTED)
    world.board.choose(BOT, PENDING)
    world.board.choose(ALICE, REJECTED)
    assert signals(world)[1].reason == "Wrong vendor"


def test_the_same_story_read_twice_is_one_decision() -> None:
    world = World()
    world.board.choose(ALICE, APPROVED)
    assert len(world.read()) == 1
    assert world.read() == []
    assert world.last.decision_id.startswith("dec-")
    assert len(world.last.decision_id) == 24
    assert world.last.state is DecisionState.RECORDED
    assert (world.last.signal.task_gid, world.last.signal.decider_gid) == (TASK, ALICE)
    assert world.board.there.fields[APPROVAL] == APPROVED
