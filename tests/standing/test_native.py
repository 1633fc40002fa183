"""A decision that Intacct itself carries out, by its own approval or decline, as the last step behind the stamp."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from intacct_asana.operators.preflight import CheckIntacctOperator

from tests.intacct_rest.rest_world import rest_connection
from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import Standing

Flow = Callable[..., Standing]
NATIVE = ("  steps: [stamp]\n", "  steps: [stamp, rest_workflow]\n  rest_workflow: {approve: true, decline: true}\n")


@pytest.fixture
def native(connected: Any, a_flow: Flow, monkeypatch: pytest.MonkeyPatch) -> Standing:
    """One bill that waits for Intacct's own approval."""
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_REST_DEFAULT", json.dumps(rest_connection(connected)))
    return a_flow(replace=NATIVE, make_bill={"state": "Submitted"})


def acts(flow: Standing) -> Counter[str]:
    return Counter(one["act"] for one in flow.sandbox.state("intacct")["approvals"])


def states(flow: Standing) -> list[str]:
    return [str(one.state) for one in flow.decisions()]


def test_an_approval_is_stamped_and_then_approved_in_intacct_itself(native: Standing) -> None:
    native.approve(ALICE)
    native.run()
    native.is_approved()
    assert native.bill()["state"] == "Posted"
    assert "Intacct itself holds it as Posted." in native.told()
    [act] = native.sandbox.state("intacct")["approvals"]
    assert native.decisions()[0].decision_id in act["notes"]
    native.heal()
    native.is_approved()
    assert acts(native) == {"approve": 1}
    assert native.store.verify_evidence() == []


def test_a_rejection_is_stamped_and_declined(native: Standing) -> None:
    native.act(BEN, "comment", text="too dear")
    native.choose(BEN, "Rejected")
    native.run()
    assert native.says() == ("rejected", "Rejected")
    assert native.bill()["state"] == "Declined"
    native.heal()
    assert (native.says(), acts(native)) == (("rejected", "Rejected"), {"decline": 1})


def test_what_intacct_may_not_do_takes_the_stamp_back_in_words(native: Standing) -> None:
    """The stamp is there when the other interface says that the bill is on hold, and that is not for us to pass over."""
    native.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=native.bills[0], changes={"on_hold": True})
    native.sync()
    native.approve(ALICE)
    native.run()
    assert native.says() == ("void", "Pending")
    assert states(native) == ["REJECTED"]
    assert "it is on hold" in native.told()
    assert "Intacct did not take it" not in native.told()
    assert acts(native) == {}


@pytest.mark.parametrize("fault", ["lost_answer", "drop"])
def test_an_answer_that_is_lost_is_looked_for_and_never_doubled(native: Standing, fault: str) -> None:
    native.approve(ALICE)
    native.sandbox.fault("intacct", "REST approve", fault)
    native.cycle()
    native.heal()
    native.is_approved()
    assert (native.bill()["state"], acts(native)) == ("Posted", {"approve": 1})
    assert native.store.verify_evidence() == []


def test_where_nobody_can_tell_whether_it_arrived_a_person_is_asked_once(
    connected: Any, a_flow: Flow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_REST_DEFAULT", json.dumps(rest_connection(connected)))
    allowed = NATIVE[1].replace("approve: true", "approve: true, partly_approved: approve")
    flow = a_flow(replace=(NATIVE[0], allowed), make_bill={"state": "Submitted"})
    connected.settings(approval_levels=3, approvers=[["bokafor"], ["xml_gateway"], ["cruiz"]])
    connected.act("intacct", "bokafor", "approve_bill", record_no=flow.bills[0])
    flow.sync()
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "REST approve", "drop")
    for _ in range(3):
        flow.pass_time(minutes=16)
        assert flow.cycle() != []
        # People are told also when a step before it failed.
        flow.tell()
    asked = [text for text in flow.comments() if "approval history" in text]
    assert (len(asked), states(flow)) == (1, ["SUBMITTED"])
    connected.act("intacct", "bokafor", "set_state", record_no=flow.bills[0], state="Posted")
    flow.heal()
    assert states(flow) == ["CONFIRMED"]


@pytest.mark.parametrize("fault", ["lost_answer", "drop"])
def test_a_bill_that_is_gone_behind_a_lost_answer_ends_the_decision_in_true_words(native: Standing, fault: str) -> None:
    """Whether it was approved before it went nobody can tell, and nothing is left to be approved."""
    native.approve(ALICE)
    native.sandbox.fault("intacct", "REST approve", fault)
    # Nobody can look in the same run.
    native.sandbox.fault("intacct", "REST bill", "drop", on_call=3, times=10)
    native.cycle()
    assert states(native) == ["SUBMITTED"]
    native.sandbox.clear_faults()
    native.sandbox.act("intacct", "mgarcia", "delete_bill", record_no=native.bills[0])
    native.pass_time(minutes=16)
    assert native.cycle() == []
    assert states(native) == ["REJECTED"]
    assert "It is not known whether Intacct had approved it before that." in native.told()
    native.heal()
    assert native.store.verify_evidence() == []


def test_preflight_says_whether_both_connections_are_one_user(native: Standing) -> None:
    rows = native.step(CheckIntacctOperator(task_id="check", flow="small"))
    told = {row["check"]: row["ok"] for row in rows if row["check"].startswith("Intacct REST")}
    assert set(told.values()) == {"yes"}
    assert len(told) == 3
