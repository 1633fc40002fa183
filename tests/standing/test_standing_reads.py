"""What a run costs goes by what changed, not by how much was decided before."""

from __future__ import annotations

from collections.abc import Callable

from tests.reconciliation.reconciliation_world import ALICE
from tests.standing.standing_world import Standing

Flow = Callable[..., Standing]
FEW, MANY = 2, 6


def calls_of_a_quiet_cycle(flow: Standing) -> dict[str, int]:
    """All bills are decided, nothing has changed for an hour, and the last look at everything is an hour old."""
    for bill in range(len(flow.bills)):
        flow.approve(ALICE, bill=bill)
    flow.heal()
    flow.heal(hours=26)
    for bill in range(len(flow.bills)):
        flow.is_approved(bill)
    flow.pass_time(hours=1)
    assert flow.cycle() == []
    flow.sandbox.zero_counters()
    assert flow.cycle() == []
    return flow.sandbox.counters()


def test_calls_of_a_run_do_not_grow_with_decided_bills_that_did_not_change(
    a_flow: Flow, figures: Callable[[str, object], None]
) -> None:
    """Each decided bill that is looked at again would be a call more in every run."""
    few = calls_of_a_quiet_cycle(a_flow(bills=FEW))
    many = calls_of_a_quiet_cycle(a_flow(bills=MANY))
    assert many == few
    figures(f"calls of a bill sync and a run of the approvals, {FEW} and {MANY} decided bills", sum(many.values()))


def test_one_decided_bill_that_changed_costs_the_same_among_many(a_flow: Flow) -> None:
    """What one change costs is the change's own."""

    def calls_after_an_edit(flow: Standing) -> dict[str, int]:
        calls_of_a_quiet_cycle(flow)
        flow.edit(amount="600.00")
        flow.sandbox.zero_counters()
        assert flow.cycle() == []
        assert flow.says()[0] == "void"
        return flow.sandbox.counters()

    assert calls_after_an_edit(a_flow(bills=MANY)) == calls_after_an_edit(a_flow(bills=FEW))
