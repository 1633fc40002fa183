"""What a rehearsal says of stamps that are on their way, or that somebody took off; nothing moves meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError

from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import Standing

pytestmark = pytest.mark.airflow


def rehearsed(flow: Standing) -> str:
    """The words of one run of the approvals, as a flow that was switched back to a rehearsal says them."""
    live, before = flow.flow, everything(flow)
    flow.flow, flow.books = live.model_copy(update={"rehearsal": True}), None
    flow.pass_time(1)
    found = flow.read()
    report = flow.settle(plan_id=found["plan_id"])
    assert flow.tell() == {"rehearsal": True, "untold": 0}
    flow.flow, flow.books = live, None
    assert everything(flow) == before
    return "\n".join(report["words"])


def everything(flow: Standing) -> tuple[Any, ...]:
    counters = flow.sandbox.counters()
    writes = [counters.get(f"{system} WRITE", 0) for system in ("asana", "intacct")]
    return writes, flow.decisions(), len(flow.store.evidence()), flow.says(), flow.told()


def test_a_stamp_that_was_taken_off_would_be_written_again(a_flow: Callable[..., Standing]) -> None:
    flow = a_flow()
    flow.approve(ALICE)
    flow.heal()
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
