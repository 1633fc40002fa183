"""A choice that is taken back: before it is written it wins; after that the task says what can still be done, or it is done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import Standing
from tests.standing.test_write_steps import rejects, write_back, writes

pytestmark = pytest.mark.airflow
Flow = Callable[..., Standing]


def test_a_choice_taken_back_before_the_write_arrives_wins(a_flow: Flow) -> None:
    flow = a_flow()
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", "drop")
    flow.cycle()
    flow.choose(ALICE, "Pending")
    assert writes(flow, flow.heal) == 0
    assert flow.says() == ("", "Pending")


def test_a_rejection_of_what_is_in_intacct_says_what_can_still_be_done(a_flow: Flow) -> None:
    flow = a_flow()
    flow.approve(ALICE)
    flow.heal()
    rejects(flow)
    flow.heal()
    flow.is_approved()
    assert "To stop it, put it on hold in Intacct, or reverse it there." in flow.told()


@pytest.mark.parametrize(("how", "stamp"), [("hold", "approved"), ("stamp", "rejected")])
def test_a_counter_decision_is_carried_out_with_evidence_of_its_own(a_flow: Flow, how: str, stamp: str) -> None:
    flow = a_flow(approval=f"  counter_decision: {how}", replace=write_back("stamp, release_hold", on_reject="stamp, hold"))
    flow.approve(ALICE)
    flow.heal()
    rejects(flow)
    flow.heal()
    assert flow.says() == (stamp, "Rejected")
    assert flow.bill()["on_hold"]
    assert [(str(one.state), one.rule) for one in flow.decisions()] == [("CONFIRMED", ""), ("CONFIRMED", "counter-decision")]
    assert "it counters dec-" in flow.noted()
    assert writes(flow, lambda: flow.heal(hours=25)) == 0
    flow.approve(BEN)
    flow.heal()
    assert flow.says() == (stamp, "Rejected")
    flow.edit(amount="700.00")
    flow.heal()
    assert flow.says() == ("void", "Pending")
    assert flow.bill()["on_hold"]
    flow.approve(BEN)
    flow.heal()
    flow.is_approved()
    assert not flow.bill()["on_hold"]
    assert flow.store.verify_evidence() == []
