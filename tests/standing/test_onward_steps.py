"""Steps that have Intacct do something further with an approved bill: submit it, ask for its payment, approve its document."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import Standing
from tests.standing.test_rehearsed import rehearsed
from tests.standing.test_write_steps import STAMPED, states, writes

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
