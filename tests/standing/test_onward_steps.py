"""Steps that have Intacct do something further with an approved bill: submit it, ask for its payment, approve its document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.approvals.onward.payment_request import PAYMENT_REQUEST
from intacct_asana.errors import UnexpectedReply
from intacct_asana.intacct.records import sample_bill
from intacct_asana.operators.preflight import CheckIntacctOperator
from intacct_asana.records import RequestedPayment

from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import Standing
from tests.standing.test_rehearsed import rehearsed
from tests.standing.test_write_steps import STAMPED, states, write_back, writes

pytestmark = pytest.mark.airflow
Flow = Callable[..., Standing]
NO = {"errorno": "BL34000075", "description2": "This bill may not be changed now."}


# Submit

DRAFT = {"state": "Draft"}
SUBMITS = {
    "replace": (STAMPED, "  steps: [submit, stamp]\n  submit_may_post: true\n"),
    "approval": "  states: [Draft, Submitted, Posted]",
    "bill_states": "[Draft, Submitted, Posted, Selected]",
    "make_bill": DRAFT,
}


@pytest.mark.parametrize(("approvals_on", "state"), [(True, "Submitted"), (False, "Posted")])
def test_an_approved_draft_is_submitted_and_then_stamped(a_flow: Flow, approvals_on: bool, state: str) -> None:
    flow = a_flow(**SUBMITS, settings={"approvals_on": approvals_on, "draft_update_submits": False})
    flow.approve(ALICE)
    assert "would be submitted; then" in rehearsed(flow)
    assert writes(flow, flow.run) == 2
    flow.is_approved()
    assert flow.bill()["state"] == state
    assert f"It was submitted, and is {state} there." in flow.told()
    assert writes(flow, flow.heal) == 0
    assert flow.store.verify_evidence() == []


def test_a_bill_that_was_submitted_before_is_only_stamped(a_flow: Flow) -> None:
    flow = a_flow(**SUBMITS | {"make_bill": {"state": "Submitted"}})
    flow.approve(ALICE)
    assert writes(flow, flow.run) == 1
    flow.is_approved()


def test_a_draft_is_neither_rejected_nor_written_on(a_flow: Flow) -> None:
    """A stamp might submit it unseen."""
    flow = a_flow(**SUBMITS)
    flow.act(BEN, "comment", text="too dear")
    flow.choose(BEN, "Rejected")
    assert writes(flow, flow.heal) == 0
    assert (flow.says(), flow.bill()["state"]) == (("", "Pending"), "Draft")
    assert "Submit it in Intacct first" in flow.told()


def test_a_submission_that_intacct_refuses_is_told_and_nothing_else_is_written(a_flow: Flow) -> None:
    flow = a_flow(**SUBMITS)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", "refuse", detail=NO)
    flow.run()
    assert (flow.says(), flow.bill()["state"], states(flow)) == (("", "Pending"), "Draft", ["REJECTED"])
    assert "This bill may not be changed now." in flow.told()


def test_what_was_submitted_stays_so_when_the_stamp_is_refused(a_flow: Flow) -> None:
    flow = a_flow(**SUBMITS)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", "refuse", on_call=2, detail=NO)
    flow.run()
    assert (flow.says(), flow.bill()["state"], states(flow)) == (("", "Pending"), "Submitted", ["REJECTED"])
    assert "It stays submitted in Intacct." in flow.told()


def test_a_bill_that_is_a_draft_again_between_both_writes_takes_no_stamp(a_flow: Flow) -> None:
    flow = a_flow(**SUBMITS)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", "drop", on_call=2)
    flow.cycle()
    flow.sandbox.act("intacct", "mgarcia", "set_state", record_no=flow.bills[0], state="Draft")
    flow.heal()
    assert (flow.says(), flow.bill()["state"], states(flow)) == (("", "Pending"), "Draft", ["REJECTED"])


@pytest.mark.parametrize("fault", ["drop", "lost_answer", "lose_stamp"])
def test_a_submission_without_an_answer_is_looked_for(a_flow: Flow, fault: str) -> None:
    flow = a_flow(**SUBMITS)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", fault)
    flow.cycle()
    flow.heal()
    flow.is_approved()
    assert flow.sandbox.state("intacct")["api_updates"][flow.bills[0]] == 2


# A payment request

PAYS = "  payment_request: {account: OPER_CHK, method: ACH}\n"
ASKS = {"replace": (STAMPED, "  steps: [stamp, payment_request]\n" + PAYS)}


def payments(flow: Standing) -> list[dict[str, Any]]:
    return list(flow.sandbox.state("intacct")["payments"])


def test_an_approval_asks_for_the_payment_of_what_is_due(a_flow: Flow) -> None:
    flow = a_flow(**ASKS)
    flow.approve(ALICE)
    assert "the payment of bill" in rehearsed(flow)
    flow.run()
    flow.is_approved()
    [made] = payments(flow)
    assert (made["state"], made["transaction_total_entered"], made["method"]) == ("Draft", "500.00", "ACH")
    assert made["description"] == flow.decisions()[0].decision_id
    assert flow.bill()["state"] == "Selected"
    assert "Its payment is requested there." in flow.told()
    flow.heal(hours=25)
    flow.is_approved()
    assert len(payments(flow)) == 1
    assert flow.store.verify_evidence() == []


@pytest.mark.parametrize(("approvals_on", "state", "bill"), [(True, "Submitted", "Selected"), (False, "Posted", "Paid")])
def test_a_request_that_the_flow_submits_pays_at_once_without_approvals(
    a_flow: Flow, approvals_on: bool, state: str, bill: str
) -> None:
    how = PAYS.replace("ACH", "ACH, action: submit")
    flow = a_flow(replace=(STAMPED, ASKS["replace"][1].replace(PAYS, how)), settings={"payment_approvals_on": approvals_on})
    flow.approve(ALICE)
    flow.run()
    assert [one["state"] for one in payments(flow)] == [state]
    assert (flow.bill()["state"], states(flow)) == (bill, ["CONFIRMED"])


@pytest.mark.parametrize("fault", ["drop", "lost_answer"])
def test_a_request_without_an_answer_is_looked_for_by_the_decisions_id(a_flow: Flow, fault: str) -> None:
    flow = a_flow(**ASKS)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "create APPYMT", fault)
    flow.cycle()
    flow.heal()
    flow.is_approved()
    assert len(payments(flow)) == 1


def test_a_request_that_is_not_found_again_never_goes_out_under_another_id(a_flow: Flow) -> None:
    """Taken and not shown: Intacct itself refuses the same id, and nobody pays twice."""
    flow = a_flow(**ASKS)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "create APPYMT", "lose_stamp")
    for _ in range(4):
        flow.pass_time(minutes=16)
        assert flow.cycle()
    assert (payments(flow), states(flow)) == ([], ["SUBMITTED"])
    flow.choose(ALICE, "Pending")
    flow.heal()
    assert (flow.says(), payments(flow)) == (("void", "Pending"), [])


@pytest.mark.parametrize(
    ("make", "said"),
    [({"state": "Submitted"}, "once it is posted"), ({"state": "Posted", "on_hold": True}, "is on hold in Intacct")],
)
def test_what_cannot_be_paid_is_not_asked_for(a_flow: Flow, make: dict[str, Any], said: str) -> None:
    flow = a_flow(**ASKS, make_bill=make)
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()
    assert (payments(flow), states(flow)) == ([], ["REJECTED"])
    assert said in flow.told()
    assert "Intacct did not take it" not in flow.told()


def test_a_bill_that_is_selected_already_is_not_paid_twice(a_flow: Flow) -> None:
    flow = a_flow(**ASKS, approval="  states: [Posted, Selected]")
    flow.sandbox.act("intacct", "mgarcia", "select_bill", record_no=flow.bills[0], amount="100.00")
    flow.sync()
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()
    assert len(payments(flow)) == 1
    assert "it is not asked for twice" in flow.told()


def test_never_more_is_asked_for_than_is_due(a_flow: Flow) -> None:
    """Somebody pays a part between both writes."""
    flow = a_flow(**ASKS, approval="  states: [Posted, Partially Paid]")
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "create APPYMT", "drop")
    flow.cycle()
    flow.sandbox.act("intacct", "mgarcia", "pay_bill", record_no=flow.bills[0], amount="100.00")
    flow.heal()
    assert (flow.says(), len(payments(flow))) == (("void", "Pending"), 1)
    assert "400.00 USD is due on bill" in flow.told()


def test_a_bill_that_changes_behind_its_payment_request_says_that_it_is_there(a_flow: Flow) -> None:
    flow = a_flow(**ASKS)
    flow.approve(ALICE)
    flow.heal()
    flow.edit(description="another one")
    flow.heal()
    assert flow.says() == ("void", "Pending")
    assert "whoever pays has to take it back there" in flow.told()


def test_a_request_that_was_paid_before_its_answer_was_seen_is_no_reason_for_another(a_flow: Flow) -> None:
    flow = a_flow(**ASKS)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "create APPYMT", "lost_answer")
    flow.cycle()
    [made] = payments(flow)
    flow.sandbox.act("intacct", "mgarcia", "confirm_payment", record_no=made["record_no"])
    flow.heal()
    assert (len(payments(flow)), states(flow)) == (1, ["CONFIRMED"])


class Found:
    """Intacct, as far as it tells of payments with a marker."""

    def __init__(self, *found: RequestedPayment) -> None:
        self.found = list(found)

    def requested_payments(self, marker: str) -> list[RequestedPayment]:
        return self.found


ASKED = RequestedPayment(record_no="9", state="Draft", bill_no="7", amount=Decimal("500.00"))


@pytest.mark.parametrize(
    "found",
    [
        (replace(ASKED, amount=Decimal("400.00")),),
        (replace(ASKED, bill_no="8"),),
        (replace(ASKED, bill_no=""),),
        (ASKED, replace(ASKED, record_no="10")),
    ],
)
def test_what_carries_the_decisions_id_and_was_not_asked_for_stops_it(found: tuple[RequestedPayment, ...]) -> None:
    """Sent once more, it would be a second payment."""
    bill, values = replace(sample_bill(), record_no="7"), {"marker": "dec-1", "amount": "500"}
    assert PAYMENT_REQUEST.shown(Found(ASKED), bill, values)["payment"] == "9"  # type: ignore[arg-type]
    with pytest.raises(UnexpectedReply, match="Nothing more is sent"):
        PAYMENT_REQUEST.shown(Found(*found), bill, values)  # type: ignore[arg-type]


# Purchasing

DOCUMENTS = {"replace": write_back("stamp, purchasing"), "make_bill": {"module": "9.PO"}}


def document(flow: Standing) -> tuple[str, list[str]]:
    [found] = [one for one in flow.sandbox.state("intacct")["documents"] if one["state"] or one["approved_by"]][-1:]
    return found["state"], found["approved_by"]


def waits(flow: Standing, state: str = "Submitted") -> None:
    flow.sandbox.act("intacct", "mgarcia", "set_document_state", record_no=flow.bills[0], state=state)


def test_the_document_behind_a_bill_is_approved_once(a_flow: Flow) -> None:
    flow = a_flow(**DOCUMENTS)
    waits(flow)
    flow.approve(ALICE)
    flow.run()
    assert (states(flow), document(flow)) == (["CONFIRMED"], ("Approved", ["xml_gateway"]))
    assert "is approved in Purchasing" in flow.told()
    flow.heal()
    assert document(flow) == ("Approved", ["xml_gateway"])
    assert flow.store.verify_evidence() == []


def test_a_document_that_is_approved_already_is_left(a_flow: Flow) -> None:
    flow = a_flow(**DOCUMENTS)
    flow.approve(ALICE)
    flow.run()
    assert (states(flow), document(flow)) == (["CONFIRMED"], ("Approved", []))


def test_a_bill_from_nowhere_else_says_so(a_flow: Flow) -> None:
    flow = a_flow(replace=DOCUMENTS["replace"])
    flow.approve(ALICE)
    flow.run()
    flow.is_approved()
    assert "It does not come from Purchasing" in flow.told()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"state": "Partially Approved"}, "one approval does not approve that"),
        ({"state": "Declined"}, "one approval does not approve that"),
        ({"approvers": ["bokafor"]}, "is not an approver of"),
    ],
)
def test_what_one_approval_of_ours_does_not_approve_is_told(a_flow: Flow, how: dict[str, Any], said: str) -> None:
    flow = a_flow(**DOCUMENTS, settings={"document_approvers": how.get("approvers", [])})
    waits(flow, how.get("state", "Submitted"))
    flow.approve(ALICE)
    flow.run()
    assert states(flow) == ["REJECTED"]
    assert said in flow.told()
    assert document(flow)[1] == []


def test_a_document_that_needs_a_second_approval_is_left_to_people(a_flow: Flow) -> None:
    flow = a_flow(**DOCUMENTS, settings={"document_levels": 2})
    waits(flow)
    flow.approve(ALICE)
    flow.cycle()
    flow.heal()
    assert (states(flow), document(flow)) == (["REJECTED"], ("Partially Approved", ["xml_gateway"]))
    assert "It has to be approved there." in flow.told()


@pytest.mark.parametrize("fault", ["drop", "lost_answer"])
def test_an_approval_in_purchasing_without_an_answer_is_looked_for(a_flow: Flow, fault: str) -> None:
    flow = a_flow(**DOCUMENTS)
    waits(flow)
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "approve PODOCUMENT", fault)
    flow.cycle()
    flow.heal()
    assert (states(flow), document(flow)) == (["CONFIRMED"], ("Approved", ["xml_gateway"]))


@pytest.mark.parametrize(("how", "name"), [(ASKS, "APPYMT"), (DOCUMENTS, "PODOCUMENT")])
def test_preflight_says_whether_the_role_may_do_what_a_step_needs(a_flow: Flow, how: dict[str, Any], name: str) -> None:
    flow = a_flow(**how | {"bills": 0})
    rows = lambda: {  # noqa: E731 - as they are then
        row["check"]: (row["ok"], row["result"]) for row in flow.step(CheckIntacctOperator(task_id="check", flow="small"))
    }
    step = f"Intacct step {'payment_request' if name == 'APPYMT' else 'purchasing'}"
    assert rows()[step][0] == "yes"
    lacking = {"missing_fields": ["APPYMT.DESCRIPTION", "PODOCUMENT.DOCID"]}
    for setting, said in ((lacking, "does not exist"), ({"denied_objects": [name]}, "permission")):
        flow.sandbox.settings(**setting)
        flow.books = None
        ok, result = rows()[step]
        assert (ok, said in result) == ("no", True)
