"""From a choice to a proven stamp, and what people are told."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from intacct_asana.approvals.words import comment_of, stamp_values
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Problem, Refused, TryLater, UnexpectedReply
from intacct_asana.records import BillState, DecisionState
from intacct_asana.records.anchors import without_anchors
from intacct_asana.records.remarks import reference
from intacct_asana.text import short

from tests.approvals.settle_world import (
    ALICE,
    APPROVED,
    BEN,
    BOT,
    ERIN,
    PENDING,
    REJECTED,
    Crash,
    World,
    a_policy,
)


def a_chosen_world(option: str = APPROVED, *, who: str = ALICE, **policy: object) -> World:
    world = World(**policy)
    if option == REJECTED:
        world.board.explain(who, "The goods never came")
    world.board.choose(who, option)
    return world


def failure_of(world: World) -> IntacctAsanaError:
    world.read()
    with pytest.raises(IntacctAsanaError) as caught:
        world.settle().raise_if_failed()
    return caught.value


def test_an_approval_is_stamped_read_back_and_told_once() -> None:
    world = a_chosen_world()
    for _ in range(3):
        world.run_in_peace()
    decision = world.last
    assert decision.state is DecisionState.CONFIRMED
    assert world.bill.custom == {
        "D": "Approved",
        "BY": "Alice Martin <alice@x.example>",
        "AT": "2026-11-23T10:00:03Z",
        "ID": f"{decision.decision_id} #2:{'a' * 16}",
        "WHY": "none given",
        "URL": "https://asana.example/5001",
    }
    assert world.books.stamped == [f"ia-{decision.decision_id}-stamp"]
    assert world.board.comments() == [
        "Approved by Alice Martin. Recorded in Intacct on bill INV-4711 at 2026-11-23 10:00 UTC.\n"
        f"#3:{'a' * 16}\nReference: {decision.decision_id}"
    ]
    assert world.shows == APPROVED


def test_a_rejection_carries_its_reason() -> None:
    world = a_chosen_world(REJECTED)
    world.run_in_peace()
    assert (world.bill.custom["D"], world.bill.custom["WHY"]) == ("Rejected", "The goods never came")
    assert "Reason: The goods never came" in world.board.comments()[0]


def test_a_refusal_is_explained_and_the_field_goes_back_to_pending() -> None:
    world = a_chosen_world(who=ERIN)
    world.run_in_peace()
    assert world.last.state is DecisionState.REFUSED
    assert (world.last.rule, world.shows, world.books.stamped) == ("approver list", PENDING, [])
    assert world.board.comments() == [
        "Erin Wolf chose Approved, but it was not carried out and counts for nothing:\n"
        "- Erin Wolf is not on the approver list of this flow. Ask somebody who is.\n"
        "Approval is set back to Pending.\n"
        f"#1:{'a' * 16}\nReference: {world.last.decision_id}"
    ]


def test_a_person_who_changes_their_mind_is_counted_by_the_last_choice_and_told_once() -> None:
    world = a_chosen_world()
    world.board.explain(ALICE, "Wrong vendor")
    world.board.choose(ALICE, REJECTED)
    world.run_in_peace()
    assert [(one.state, one.rule) for one in world.decisions] == [("REFUSED", "superseded"), ("CONFIRMED", "")]
    assert [one.acknowledged for one in world.decisions] == [True, True]
    assert (len(world.board.comments()), world.shows, world.bill.custom["D"]) == (1, REJECTED, "Rejected")
    assert [step for _, step, _ in world.store.evidence].count("REFUSED") == 1


def test_a_choice_that_is_taken_back_is_kept_as_evidence_and_nothing_is_said() -> None:
    world = a_chosen_world()
    world.board.choose(ALICE, PENDING)
    world.run_in_peace()
    assert (world.last.rule, world.board.comments(), world.books.stamped) == ("withdrawn", [], [])


def test_somebody_whose_choice_another_person_changed_is_told() -> None:
    world = a_chosen_world()
    world.board.choose(ERIN, PENDING)
    world.run_in_peace()
    assert "Erin Wolf took the choice back" in world.board.comments()[0]
    assert world.books.stamped == []


def test_a_choice_taken_back_after_it_was_recorded_is_not_stamped() -> None:
    world = a_chosen_world()
    world.read()
    world.board.choose(ALICE, PENDING)
    world.run_in_peace()
    assert (world.last.rule, world.books.stamped) == ("withdrawn", [])


def test_a_field_without_a_story_is_refused_once_and_asked_for_again() -> None:
    world = World()
    world.board.choose(None, APPROVED, story=False)
    for _ in range(3):
        world.run_in_peace()
    assert [one.rule for one in world.decisions] == ["unproven"]
    assert "no record of who chose it. Please choose again." in world.board.comments()[0]
    assert (len(world.board.comments()), world.shows) == (1, PENDING)


def test_a_bill_that_changed_is_refused_and_can_be_decided_again_once_shown() -> None:
    world = a_chosen_world()
    world.books.edit(amount=Decimal("950.00"))
    world.run_in_peace()
    assert (world.last.rule, world.shows) == ("unchanged since shown", PENDING)
    world.show()
    world.board.choose(ALICE, APPROVED)
    world.run_in_peace()
    assert (world.last.state, world.shows) == (DecisionState.CONFIRMED, APPROVED)


def test_a_second_choice_on_a_decided_bill_is_refused_and_the_field_shows_what_intacct_holds() -> None:
    world = a_chosen_world()
    world.run_in_peace()
    world.board.explain(BEN, "Too dear")
    world.board.choose(BEN, REJECTED)
    world.run_in_peace()
    assert (world.last.rule, world.shows, world.bill.custom["D"]) == ("already decided", APPROVED, "Approved")
    assert "Approval is set back to Approved." in world.board.comments()[1]


def test_a_changed_bill_can_be_rejected_after_an_approval() -> None:
    world = a_chosen_world()
    world.run_in_peace()
    world.books.edit(amount=Decimal("950.00"))
    world.show()
    world.board.explain(BEN, "Too dear")
    world.board.choose(BEN, REJECTED)
    world.run_in_peace()
    assert (world.last.state, world.bill.custom["D"]) == (DecisionState.CONFIRMED, "Rejected")


def test_a_bill_that_purchasing_recreated_is_stamped_under_its_new_number() -> None:
    world = a_chosen_world()
    world.books.edit(record_no="66", custom={})
    world.run_in_peace()
    assert (world.last.record_no, world.bill.custom["D"]) == ("66", "Approved")


def test_a_stamp_that_landed_on_a_bill_recreated_before_the_read_back_is_written_to_the_new_one() -> None:
    world = a_chosen_world()
    world.read()
    world.wire.revive(cut_at=calls_to_the_stamp(), moment="after")
    with suppress(Crash):
        world.settle()
    world.wire.revive()
    world.books.edit(record_no="66", custom={})
    world.run_in_peace()
    first = f"ia-{world.last.decision_id}-stamp"
    assert (world.last.state, world.bill.custom["D"]) == (DecisionState.CONFIRMED, "Approved")
    assert world.books.stamped == [first, f"{first}-66"]


def test_a_stamp_that_is_on_the_bill_already_is_not_written_again() -> None:
    world = a_chosen_world()
    world.read()
    world.wire.revive(cut_at=calls_to_the_stamp(), moment="after")
    with suppress(Crash):
        world.settle()
    world.wire.revive()
    world.settle().raise_if_failed()
    assert world.last.state is DecisionState.CONFIRMED
    assert "stamp_bill" not in world.wire.names


def test_observing_writes_nothing_and_says_so() -> None:
    world = a_chosen_world(stamp=None)
    world.run_in_peace()
    assert (world.last.state, world.books.stamped, world.last.control_id) == (DecisionState.CONFIRMED, [], "")
    assert "Observed only: Intacct was not changed for bill INV-4711." in world.board.comments()[0]


def test_what_intacct_refuses_is_told_in_its_words() -> None:
    world = a_chosen_world()
    world.books.refusal = Refused("BL34000075 The bill is\nlocked by period close", code="BL34000075")
    world.run_in_peace()
    assert (world.last.state, world.shows) == (DecisionState.REJECTED, PENDING)
    assert "- Intacct did not take it: BL34000075 The bill is locked by period close" in world.board.comments()[0]
    assert world.store.evidence[-1][2]["code"] == "BL34000075"


def test_a_lost_answer_is_looked_up_at_once() -> None:
    world = a_chosen_world()
    world.read()
    world.wire.revive(cut_at=calls_to_the_stamp(), moment="lost")
    world.settle().raise_if_failed()
    assert world.last.state is DecisionState.CONFIRMED
    assert "found on the bill" in str(world.store.evidence[-1][2]["answer"])


def calls_to_the_stamp() -> int:
    """The number of the call that stamps."""
    twin = a_chosen_world()
    twin.read()
    twin.wire.revive()
    twin.settle()
    return twin.wire.names.index("stamp_bill") + 1


def test_a_write_that_never_arrived_is_sent_again_under_the_same_control_id_by_the_next_run() -> None:
    world = a_chosen_world()
    world.read()
    world.wire.revive(cut_at=calls_to_the_stamp(), moment="unsent")
    with pytest.raises(TryLater, match="stays SUBMITTED"):
        world.settle().raise_if_failed()
    assert world.last.state is DecisionState.SUBMITTED
    world.run_in_peace()
    assert world.books.stamped == [world.last.control_id]


def test_a_stamp_that_success_answered_and_nobody_can_see_is_never_confirmed() -> None:
    world = a_chosen_world()
    world.books.loses_stamp = True
    error = failure_of(world)
    assert isinstance(error, UnexpectedReply)
    assert "answered with success, but a read-back does not show D, BY, AT, ID, WHY, URL" in str(error)
    assert world.last.state is DecisionState.SUBMITTED
    assert isinstance(failure_of(world), TryLater), "the repeat is refused as a duplicate, which proves nothing"
    assert (world.last.state, world.board.comments()) == (DecisionState.SUBMITTED, [])


def test_one_field_that_does_not_hold_its_value_is_enough_not_to_confirm() -> None:
    world = a_chosen_world()
    world.books.keeps = lambda values: {**values, "BY": "Alice M"}
    assert "does not show BY" in str(failure_of(world))


@pytest.mark.parametrize("state", [DecisionState.CLEARED, DecisionState.SUBMITTED])
def test_a_bill_that_changed_while_a_decision_was_cut_off_is_not_stamped(state: DecisionState) -> None:
    world = a_chosen_world()
    world.read()
    stopped_after(world, state)
    world.books.edit(amount=Decimal("950.00"))
    world.run_in_peace()
    ends = {DecisionState.CLEARED: "REFUSED", DecisionState.SUBMITTED: "REJECTED"}
    assert (world.last.state, world.last.rule) == (ends[state], "unchanged since shown")
    assert (world.books.stamped, world.shows) == ([], PENDING)


@pytest.mark.parametrize("state", [DecisionState.CLEARED, DecisionState.SUBMITTED])
def test_somebody_taken_off_the_list_while_their_decision_was_cut_off_is_not_stamped(state: DecisionState) -> None:
    world = a_chosen_world()
    world.read()
    stopped_after(world, state)
    world.policy = a_policy(approvers=world.policy.approval.approvers[1:])
    world.run_in_peace()
    assert (world.last.rule, world.books.stamped, world.shows) == ("approver list", [], PENDING)


def stopped_after(world: World, state: DecisionState) -> None:
    twin = a_chosen_world()
    twin.read()
    twin.wire.revive()
    twin.settle()
    # What is kept together with its state in the journal is kept when the call after both begins.
    last = "stamp_bill" if state is DecisionState.SUBMITTED else f"advance to {state}"
    moment = "before" if state is DecisionState.SUBMITTED else "after"
    world.wire.revive(cut_at=twin.wire.names.index(last) + 1, moment=moment)
    with suppress(Crash):
        world.settle()
    world.wire.revive()
    assert world.last.state is state


def test_a_later_choice_replaces_one_whose_stamp_never_arrived() -> None:
    world = a_chosen_world()
    world.books.loses_stamp = True
    failure_of(world)
    world.board.explain(ALICE, "No")
    world.board.choose(ALICE, REJECTED)
    world.read()
    summary = world.settle()
    assert (summary.waiting, len(summary.failures)) == (0, 1)
    assert [one.state for one in world.decisions] == [DecisionState.REJECTED, DecisionState.SUBMITTED]


def test_a_later_choice_is_not_settled_on_its_own_past_one_that_is_under_way() -> None:
    world = a_chosen_world()
    world.books.loses_stamp = True
    failure_of(world)
    world.board.explain(ALICE, "No")
    world.board.choose(ALICE, REJECTED)
    [later] = world.read()
    with pytest.raises(TryLater, match="waits until"):
        world.settler.settle(later)


def test_what_the_task_showed_when_the_person_chose_counts_and_not_what_it_shows_now() -> None:
    world = a_chosen_world()
    world.books.edit(amount=Decimal("950.00"))
    world.show()
    world.run_in_peace()
    assert (world.last.rule, world.books.stamped) == ("unchanged since shown", [])


def test_a_misconfigured_connection_leaves_the_other_bills_for_the_next_run() -> None:
    world = a_chosen_world()
    world.read()
    other = replace(world.last, decision_id="dec-other", key="co:ap:77")
    world.store.kept[other.decision_id] = other
    world.books.refusal = Misconfigured("no permission")
    summary = world.settle()
    assert (len(summary.failures), summary.not_started) == (1, 1)


def test_a_misconfigured_connection_stops_the_run() -> None:
    world = a_chosen_world()
    world.books.refusal = Misconfigured("no permission", problems=(Problem(where="a", what="b"),))
    error = failure_of(world)
    assert isinstance(error, Misconfigured)
    assert error.problems


def test_a_comment_without_an_answer_is_looked_for_before_it_is_repeated() -> None:
    world = a_chosen_world()
    world.board.failing = OutcomeUnknown("no answer")
    world.read()
    world.settle().raise_if_failed()
    with pytest.raises(OutcomeUnknown, match="1 decisions failed"):
        world.tell().raise_if_failed()
    world.board.failing = None
    text = comment_of(world.last, world.policy, goes_back_to="")
    world.board.say(BOT, text)
    world.tell().raise_if_failed()
    assert world.board.comments() == [text]
    assert world.last.acknowledged


def test_a_quoted_reference_is_not_taken_for_our_comment() -> None:
    world = a_chosen_world()
    world.read()
    world.board.say(BOT, f"Reason: see {reference(world.last.decision_id)} for more")
    world.board.say(ALICE, reference(world.last.decision_id))
    world.run_in_peace()
    assert len(world.board.comments()) == 2


def test_the_field_is_left_alone_when_somebody_chose_again() -> None:
    world = a_chosen_world(who=ERIN)
    world.read()
    world.settle()
    world.board.choose(ALICE, PENDING)
    world.board.choose(ALICE, APPROVED)
    world.tell().raise_if_failed()
    assert world.shows == APPROVED
    world.run_in_peace()
    assert (world.last.state, world.shows) == (DecisionState.CONFIRMED, APPROVED)


def test_a_task_that_is_gone_ends_its_decision_quietly() -> None:
    world = a_chosen_world()
    world.read()
    world.board.deleted = True
    world.settle().raise_if_failed()
    world.tell().raise_if_failed()
    assert (world.last.rule, world.last.acknowledged, world.books.stamped) == ("unproven", True, [])


def test_the_evidence_says_who_what_by_which_rules_and_what_changed_and_is_plain_json() -> None:
    world = a_chosen_world()
    world.run_in_peace()
    cleared, submitted, confirmed = (facts for _, _, facts in world.store.evidence)
    assert json.loads(json.dumps(world.store.evidence))
    assert cleared["who"] == {"gid": ALICE, "name": "Alice Martin", "email": "alice@x.example", "is_guest": False}
    assert cleared["chosen"]["story_gid"] == "s1"
    assert cleared["limits"] == {"USD": "10000.00"}
    assert cleared["policy_version"] == world.policy.version
    assert cleared["bill"]["digest"] == cleared["shown_digest"]
    assert {one["rule"] for one in cleared["rules"]} >= {"limit", "segregation of duties", "approver list"}
    assert set(submitted["before"].values()) == {""}
    assert submitted["values"] == {name: without_anchors(text) for name, text in confirmed["after"].items()}
    assert (confirmed["answer"], confirmed["control_id"]) == ("success", world.last.control_id)


def test_stamped_text_is_one_bounded_line_of_characters_that_every_database_takes() -> None:
    world = a_chosen_world()
    world.read()
    signal = replace(world.last.signal, reason="no\x00\u202e\n\ud800 \U0001f600 " + "x" * 500, decider_name="A\tB")
    values = stamp_values(replace(world.last, signal=signal), world.bill, world.policy.stamp, longest=60)
    assert values["WHY"].startswith("no ? xxx")
    assert len(values["WHY"]) == 60
    assert values["BY"] == "A B <alice@x.example>"
    assert short("a\ufffeb\uffff", longest=9) == "a b"


def test_a_draft_is_never_stamped() -> None:
    world = a_chosen_world()
    world.books.edit(state=BillState.DRAFT)
    world.run_in_peace()
    assert (world.last.rule, world.books.stamped) == ("still open", [])
