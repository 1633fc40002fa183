"""What a rehearsal says of stamps that are on their way, or that somebody took off; nothing moves meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.store import open_store

from sandbox import constants
from tests.conftest import evidence_keys
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN
from tests.standing.standing_world import Standing

pytestmark = pytest.mark.airflow


def rehearsed(flow: Standing) -> str:
    return "\n".join(report_of_rehearsal(flow)["words"])


def report_of_rehearsal(flow: Standing) -> dict[str, Any]:
    """What one run of the approvals reports, as a flow that was switched back to a rehearsal says it."""
    live, store, before = flow.flow, flow.store, everything(flow)
    flow.flow, flow.books = live.model_copy(update={"rehearsal": True}), None
    flow.store = open_store(flow.url, evidence_keys=evidence_keys).for_flow("small", rehearses=True)
    flow.pass_time(1)
    found = flow.read()
    report: dict[str, Any] = flow.settle(plan_id=found["plan_id"])
    assert flow.tell() == {"rehearsal": True, "untold": 0}
    flow.flow, flow.store, flow.books = live, store, None
    assert everything(flow) == before
    return report


def everything(flow: Standing) -> tuple[Any, ...]:
    counters = flow.sandbox.counters()
    writes = [counters.get(f"{system} WRITE", 0) for system in ("asana", "intacct")]
    return writes, flow.decisions(), len(flow.store.evidence()), flow.says(), flow.told()


def test_a_stamp_that_was_taken_off_would_be_written_again(a_flow: Callable[..., Standing]) -> None:
    flow = a_flow(approved=True)
    flow.edit(ASANA_DECISION="", ASANA_DECISION_ID="")
    assert "its stamp is missing on bill" in rehearsed(flow)
    flow.heal()
    flow.is_approved()


def test_a_stamp_whose_answer_was_lost_would_be_looked_for(a_flow: Callable[..., Standing]) -> None:
    flow = a_flow()
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", "lose_stamp")
    flow.read()
    with pytest.raises(IntacctAsanaError):
        flow.settle()
    assert "and not seen yet; it would be looked for, then sent again" in rehearsed(flow)
    flow.heal()
    flow.is_approved()


def test_of_two_choices_the_second_is_judged_after_the_first(a_flow: Callable[..., Standing]) -> None:
    flow = a_flow()
    flow.approve(ALICE)
    flow.act(BEN, "choose", field="Approval", option="Rejected")
    words = rehearsed(flow)
    assert "Alice Martin approved" in words
    assert "would be refused" in words
    assert "Ben Okafor rejected" in words


def test_a_stamp_that_nobody_can_tell_of_would_become_void_where_its_bill_changed(a_flow: Callable[..., Standing]) -> None:
    flow = a_flow(approved=True)
    flow.act(ERIN, "remove", project=constants.BILLS_PROJECT_GID)
    flow.lose_store()
    flow.edit(amount="40000.00")
    report = report_of_rehearsal(flow)
    [said] = report["unknown_stamps"]
    assert "would become void" in "\n".join(report["words"])
    assert "40,000.00 USD" in said
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == "void"


def test_a_decided_task_that_left_the_project_would_be_put_back(a_flow: Callable[..., Standing]) -> None:
    flow = a_flow(approved=True)
    flow.act(BEN, "choose", field="Approval", option="Pending")
    flow.act(ERIN, "remove", project=constants.BILLS_PROJECT_GID)
    flow.pass_time(hours=26)
    [said] = report_of_rehearsal(flow)["put_back_into_the_project"]
    assert "would be put back into it" in said
    assert flow.task()["projects"] == []
    flow.heal()
    assert flow.task()["projects"] == [constants.BILLS_PROJECT_GID]


def test_every_step_of_a_decision_and_every_hold_is_said(a_flow: Callable[..., Standing]) -> None:
    pair = ("  steps: [stamp]\n", "  steps: [stamp, release_hold]\n  intake: [hold]\n")
    flow = a_flow(replace=pair, bills=2)
    flow.approve(ALICE)
    report = report_of_rehearsal(flow)
    [words] = report["words"]
    assert "in Intacct: Approved, 500 USD; then bill NEW-" in words
    assert "would be released from hold (SANDBOX-CO:ap:" in words
    [held] = report["put_on_hold"]
    assert held.endswith("would be put on hold until it is approved")
    flow.heal()
    flow.is_approved()
