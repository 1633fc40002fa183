"""What becomes of a decision that Intacct is to approve or decline itself, over the sandbox by HTTP, through the journal."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, Refused, TryLater
from intacct_asana.flow.write_back import RestWorkflow
from intacct_asana.records import Bill, IntentState, Verdict

from tests.intacct_rest.rest_world import ALLOWED, NativeEnd, RestWorld, a_decision

REJECT = Verdict.REJECT


def ended(what: Any, how: str) -> NativeEnd:
    assert isinstance(what, NativeEnd), what
    assert what.how == how, what
    return what


def test_an_approval_posts_the_bill_and_names_person_and_decision(world: RestWorld) -> None:
    bill = world.a_bill()
    end = ended(world.run(a_decision(bill), bill, look=lambda: world.read(bill.record_no)), "done")
    assert end.words == f"Approved in Intacct itself: bill {bill.bill_number} is Posted there."
    assert world.kept[-1].found.bill == world.read(bill.record_no)
    assert world.kept[-1].found.bill.state == "Posted"
    [done] = world.approvals()
    assert (done["act"], done["record_no"], done["level"]) == ("approve", bill.record_no, 1)
    assert done["notes"].startswith("Approved by Carla Ruiz in Asana, 2026-11-23 12:00 UTC, decision d000000000000001.")
    assert done["notes"].isascii()
    states = [str(outcome.intent.state) for outcome in world.kept]
    assert states == ["SENT", "DONE"]


def test_a_rejection_declines_the_bill(world: RestWorld) -> None:
    bill = world.a_bill()
    end = ended(world.run(a_decision(bill, verdict=REJECT), bill), "done")
    assert end.words == f"Declined in Intacct itself: bill {bill.bill_number} is Declined there."
    assert world.read(bill.record_no).state == "Declined"


def test_the_same_decision_is_carried_out_once_however_often_it_is_asked_for(world: RestWorld) -> None:
    bill = world.a_bill()
    first = world.run(a_decision(bill), bill)
    assert [world.run(a_decision(bill), bill) for _ in range(3)] == [first] * 3
    assert world.acts() == {"approve": 1}


def test_one_of_several_approvals_is_recorded_and_the_next_levels_are_left_to_people(world: RestWorld) -> None:
    """`partly` is an end: nothing is sent again, also when the next run finds the bill Partially Approved."""
    world.sandbox.settings(approval_levels=2, approvers=[["xml_gateway"], ["bokafor"]])
    bill = world.a_bill()
    end = ended(world.run(a_decision(bill), bill), "partly")
    assert end.words.endswith("It is Partially Approved there and waits for a further approval.")
    assert world.read(bill.record_no).state == "Partially Approved"
    assert world.run(a_decision(bill), bill) == end
    world.sandbox.act("intacct", "bokafor", "approve_bill", record_no=bill.record_no)
    assert world.read(bill.record_no).state == "Posted"
    assert world.acts() == {"approve": 2}


@pytest.mark.parametrize(("verdict", "state"), [(Verdict.APPROVE, "Posted"), (REJECT, "Declined")])
def test_what_people_did_in_intacct_already_is_not_done_again(world: RestWorld, verdict: Verdict, state: str) -> None:
    bill = world.a_bill()
    world.sandbox.act("intacct", "bokafor", "set_state", record_no=bill.record_no, state=state)
    end = ended(world.run(a_decision(bill, verdict=verdict), bill), "done")
    assert end.words == f"Nothing was left to do in Intacct: bill {bill.bill_number} is {state} there already."
    assert world.acts() == {}


EDITS = {
    "total": ({"amount": "1200.51"}, "its total is 1,200.51 USD, not 1,200.50 USD"),
    "number": ({"bill_number": "OTHER"}, "its number is OTHER, not "),
    "vendor": ({"vendor_id": "{other}"}, "its vendor is "),
}


@pytest.mark.parametrize("state", ["Submitted", "Posted"])
@pytest.mark.parametrize("what", EDITS)
def test_another_number_vendor_or_total_than_the_gateway_told_is_refused(world: RestWorld, what: str, state: str) -> None:
    """Also where the other bill is approved already: then the key is not the record number that it was taken for."""
    bill = world.a_bill(currency="USD")
    changes, said = EDITS[what]
    other = next(each for each in world.sandbox.state("intacct")["vendors"] if each["vendor_id"] != bill.vendor_id)
    changes = {name: other["vendor_id"] if value == "{other}" else value for name, value in changes.items()}
    world.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bill.record_no, changes=changes)
    world.sandbox.act("intacct", "mgarcia", "set_state", record_no=bill.record_no, state=state)
    end = ended(world.run(a_decision(bill), bill), "refused")
    assert said in end.words
    assert end.words.startswith("Intacct was not asked to approve bill ")
    assert world.acts() == {}


def test_a_key_that_means_another_bill_is_refused(world: RestWorld) -> None:
    """That keys are record numbers is documented nowhere."""
    bill, other = world.a_bill(), world.a_bill()
    world.sandbox.settings(rest_key_offset=int(other.record_no) - int(bill.record_no))
    assert "its number is" in ended(world.run(a_decision(bill), bill), "refused").words
    assert world.acts() == {}


UNFIT = {
    "switched off": ({"rules": RestWorkflow()}, {}, "this flow does not approve in Intacct"),
    "from Purchasing": ({}, {"module": "9.PO"}, "it comes from Purchasing"),
    "on hold": ({}, {"on_hold": True}, "it is on hold"),
    "a draft": ({}, {"state": "Draft"}, "it is Draft, and only a bill that is Submitted can be approved"),
    "reversed": ({}, {"state": "Reversed"}, "it is Reversed"),
    "being analyzed": ({}, {"state": "Analyzing"}, "it is Analyzing"),
    "half approved": ({}, {"state": "Partially Approved"}, "leaves further approvals to people in Intacct"),
}


@pytest.mark.parametrize("why", UNFIT)
def test_what_may_not_be_approved_is_refused_in_words(world: RestWorld, why: str) -> None:
    """The settings as they come without being said: everything that is published nowhere is refused."""
    how, about, said = UNFIT[why]
    world.rules = how.get("rules", RestWorkflow(approve=True))
    bill = world.a_bill(**about)
    assert said in ended(world.run(a_decision(bill), bill), "refused").words
    assert world.acts() == {}
    assert [str(outcome.intent.state) for outcome in world.kept] == ["SENT", "REFUSED"]


def test_every_reason_is_told_at_once(world: RestWorld) -> None:
    world.rules = RestWorkflow()
    bill = world.a_bill(on_hold=True, module="9.PO", state="Partially Approved")
    words = ended(world.run(a_decision(bill), bill), "refused").words
    assert words.count(";") == 3


@pytest.mark.parametrize(
    ("rules", "about"),
    [({"on_hold": "send"}, {"on_hold": True}), ({"partly_approved": "approve"}, {"state": "Partially Approved"})],
    ids=["on hold", "half approved"],
)
def test_what_a_flow_allows_is_sent(world: RestWorld, rules: dict[str, Any], about: dict[str, Any]) -> None:
    world.rules = RestWorkflow(approve=True, **rules)
    bill = world.a_bill(**about)
    ended(world.run(a_decision(bill), bill), "done")
    assert world.acts() == {"approve": 1}


def test_a_bill_that_is_gone_is_refused(world: RestWorld) -> None:
    bill = world.a_bill()
    world.sandbox.act("intacct", "mgarcia", "delete_bill", record_no=bill.record_no)
    assert "any more" in ended(world.run(a_decision(bill), bill), "refused").words


NOES = {
    "not an approver": ({"approvers": [["bokafor"]]}, "422", "xml_gateway is not an approver of bill"),
    "no permission": ({"rest_denied": ["approve"]}, "403", "has no permission to approve bills"),
    "on hold": ({"hold_blocks_approval": True}, "422", "is on hold"),
}


@pytest.mark.parametrize("where", ["result", "top"])
@pytest.mark.parametrize("why", NOES)
def test_a_no_of_intacct_is_final_and_told_with_the_bills_state(world: RestWorld, why: str, where: str) -> None:
    world.rules = RestWorkflow(approve=True, on_hold="send")
    settings, code, said = NOES[why]
    world.sandbox.settings(rest_errors=where, **settings)
    bill = world.a_bill(on_hold=why == "on hold")
    end = ended(world.run(a_decision(bill), bill), "refused")
    assert end.code == code
    assert said in end.words
    assert "support id" in end.words
    assert end.words.endswith("The bill is Submitted in Intacct now.")
    assert world.run(a_decision(bill), bill) == end


def test_a_no_from_partially_approved_is_final_too(world: RestWorld) -> None:
    """A clear answer is no guess: nothing arrived."""
    world.rules = RestWorkflow(approve=True, partly_approved="approve")
    world.sandbox.settings(rest_denied=["approve"])
    bill = world.a_bill(state="Partially Approved")
    ended(world.run(a_decision(bill), bill), "refused")


def test_a_guard_right_before_the_write_stops_it_on_the_bill_as_the_gateway_tells_it_now(world: RestWorld) -> None:
    def taken_back(seen: Bill | None) -> None:
        assert seen == bill
        raise Refused("Carla Ruiz took the choice back.", code="unfit")

    bill = world.a_bill()
    end = world.run(a_decision(bill), bill, look=lambda: world.read(bill.record_no), check=taken_back)
    assert ended(end, "refused").words == "Carla Ruiz took the choice back."
    assert world.acts() == {}


def test_a_bill_that_moves_between_reading_and_write_is_left_for_the_next_run(world: RestWorld) -> None:
    """It became Partially Approved by somebody else: what is sent then might be read as ours, so the next run begins anew."""
    world.rules = RestWorkflow(approve=True, partly_approved="approve")
    world.sandbox.settings(approval_levels=2)
    bill = world.a_bill()
    moves = {"user": "bokafor", "action": "approve_bill", "record_no": bill.record_no}
    world.sandbox.fault("intacct", "REST bill", "act_after", on_call=1, detail=moves)
    assert isinstance(world.run(a_decision(bill), bill), TryLater)
    assert world.acts() == {"approve": 1}
    ended(world.run(a_decision(bill), bill), "done")
    assert [each["by"] for each in world.approvals()] == ["bokafor", "xml_gateway"]


def test_an_approval_by_somebody_else_is_not_taken_for_ours(world: RestWorld) -> None:
    """It comes between our reading and our write, which the flow then refuses: nothing of ours is recorded."""
    world.rules = RestWorkflow(approve=True)
    world.sandbox.settings(approval_levels=2)
    bill = world.a_bill()
    moves = {"user": "bokafor", "action": "approve_bill", "record_no": bill.record_no}
    world.sandbox.fault("intacct", "REST bill", "act_after", on_call=1, detail=moves)
    assert "it is Partially Approved" in ended(world.run(a_decision(bill), bill), "refused").words


# Answers that do not come, or say something else


def test_a_lost_answer_is_looked_for_before_anything_is_sent_again(world: RestWorld) -> None:
    bill = world.a_bill()
    with world.strikes("REST approve", "lost_answer"):
        ended(world.run(a_decision(bill), bill), "done")
    assert world.acts() == {"approve": 1}


@pytest.mark.parametrize("action", ["drop", "status:500", "status:503", "html", "status:404"])
def test_from_submitted_what_did_not_arrive_is_sent_once_more(world: RestWorld, action: str) -> None:
    bill = world.a_bill()
    with world.strikes("REST approve", action):
        assert isinstance(world.run(a_decision(bill), bill), TryLater)
    ended(world.run(a_decision(bill), bill), "done")
    assert world.acts() == {"approve": 1}


def test_after_its_repeats_a_person_has_to_look(world: RestWorld) -> None:
    bill = world.a_bill()
    with world.strikes("REST approve", "drop", times=99):
        assert isinstance(world.run(a_decision(bill), bill), TryLater)
        assert isinstance(world.run(a_decision(bill), bill), TryLater)
        end = ended(world.run(a_decision(bill), bill), "unclear")
    assert "approve it there if that is missing" in end.words
    assert world.run(a_decision(bill), bill) == end
    assert world.sandbox.counters()["intacct REST approve"] == 2
    world.sandbox.act("intacct", "bokafor", "approve_bill", record_no=bill.record_no)
    ended(world.run(a_decision(bill), bill), "done")


def test_from_partially_approved_nothing_is_ever_sent_twice(world: RestWorld) -> None:
    """Three levels: after a lost answer the bill is what it was before, whether the approval arrived or not."""
    world.rules = RestWorkflow(approve=True, partly_approved="approve")
    world.sandbox.settings(approval_levels=3)
    bill = world.a_bill()
    world.sandbox.act("intacct", "bokafor", "approve_bill", record_no=bill.record_no)
    with world.strikes("REST approve", "lost_answer"):
        assert isinstance(world.run(a_decision(bill), bill), TryLater)
    end = ended(world.run(a_decision(bill), bill), "unclear")
    for _ in range(3):
        assert world.run(a_decision(bill), bill) == end
    assert [each["by"] for each in world.approvals()] == ["bokafor", "xml_gateway"]
    world.sandbox.act("intacct", "cruiz", "approve_bill", record_no=bill.record_no)
    ended(world.run(a_decision(bill), bill), "done")


def test_a_success_after_which_nothing_moved_is_not_sent_again(world: RestWorld) -> None:
    bill = world.a_bill()
    with world.strikes("REST approve", "lose_stamp"):
        error = world.run(a_decision(bill), bill)
    assert isinstance(error, TryLater)
    assert "with success, but it is Submitted still" in error.message
    ended(world.run(a_decision(bill), bill), "unclear")
    assert world.sandbox.counters()["intacct REST approve"] == 1


@pytest.mark.parametrize("action", ["no_status", "other_function", "half_success", "empty", "truncated", "status_after:500"])
def test_an_odd_answer_to_an_approval_that_happened_is_read_back(world: RestWorld, action: str) -> None:
    bill = world.a_bill()
    with world.strikes("REST approve", action):
        ended(world.run(a_decision(bill), bill), "done")
    assert world.acts() == {"approve": 1}


@pytest.mark.parametrize("action", ["status:429", "end_session", "status:401"])
def test_a_limit_and_a_dead_token_did_nothing_and_the_run_goes_on(world: RestWorld, action: str) -> None:
    bill = world.a_bill()
    with world.strikes("REST approve", action, detail={"retry_after": "0.01"}):
        ended(world.run(a_decision(bill), bill), "done")
    assert world.acts() == {"approve": 1}


def test_a_limit_that_lasts_leaves_the_decision_as_it_was(world: RestWorld) -> None:
    """However often: nothing left, so nothing is in doubt, and no repeat is used up."""
    bill = world.a_bill()
    for _ in range(3):
        with world.strikes("REST approve", "status:429", times=99, detail={"retry_after": "900"}):
            error = world.run(a_decision(bill), bill)
        assert isinstance(error, TryLater)
        assert error.wait_seconds == 900
    ended(world.run(a_decision(bill), bill), "done")


def test_a_read_only_connection_and_a_rehearsal_send_nothing(world: RestWorld) -> None:
    bill, make = world.a_bill(), world.a_hook
    for how in ({"extra": {"read_only": True}}, {"rehearses": True}):
        world.a_hook = lambda how=how: make(**how)  # type: ignore[misc]
        assert isinstance(world.run(a_decision(bill), bill), Misconfigured)
    world.a_hook = make
    ended(world.run(a_decision(bill), bill), "done")
    row = world.row(a_decision(bill))
    assert row is not None
    assert row.state is IntentState.DONE


def test_the_note_keeps_person_and_decision_however_short_it_is(world: RestWorld) -> None:
    world.rules = ALLOWED.model_copy(update={"longest_notes": 90})
    bill = world.a_bill()
    name = "Zoë Müller-Łukasiewicz of the Accounts Payable Department"
    ended(world.run(a_decision(bill, name=name), bill), "done")
    [done] = world.approvals()
    assert len(done["notes"]) <= 90
    assert done["notes"].startswith("Approved by Zoe Mull")
    assert done["notes"].endswith("decision d000000000000001.")


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_bill_that_was_declined_and_submitted_anew_meanwhile_is_a_persons_to_look_at(
    world: RestWorld, verdict: Verdict
) -> None:
    """It is Submitted as before, and yet the first try arrived: that somebody changed the bill since tells."""
    world.sandbox.settings(approval_levels=2)
    bill = world.a_bill()
    decision = a_decision(bill, verdict=verdict)
    act = "approve" if verdict is Verdict.APPROVE else "decline"
    world.sandbox.clock(advance_seconds=5)
    with world.strikes(f"REST {act}", "lost_answer"), world.strikes("REST bill", "status:500", on_call=3, times=99):
        assert isinstance(world.run(decision, bill), TryLater)
    for state in ("Declined", "Submitted"):
        world.sandbox.act("intacct", "mgarcia", "set_state", record_no=bill.record_no, state=state)
    ended(world.run(decision, bill), "unclear")
    assert world.acts() == {act: 1}
