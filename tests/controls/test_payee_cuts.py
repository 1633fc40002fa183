"""A cut at every call of opening a call-back and of releasing: one task, one word to each, one hold, and the same end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.controls.payee_world import BLOCK, CALLED, Payees
from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN
from tests.standing.test_standing_cuts import CRASH_BEFORE, KINDS, Cutter, a_cutter, heal

__all__ = ["a_cutter"]
pytestmark = [pytest.mark.cuts, pytest.mark.airflow]
SAMPLES = 4
"""Cuts of each story in the short half, half of them on each database."""
Cut = tuple[int, str]


def is_changed(flow: Payees, bill: int) -> None:
    """Between the approval and the stamp."""
    flow.approve(ALICE, bill=bill)
    flow.change_bank(vendor=flow.vendor_of(bill))


def is_released(flow: Payees, bill: int) -> None:
    is_changed(flow, bill)
    flow.run()
    flow.say(ERIN, CALLED, bill=bill)
    flow.say(BEN, "release", bill=bill)


def is_released_by_the_caller(flow: Payees, bill: int) -> None:
    is_changed(flow, bill)
    flow.run()
    flow.say(BEN, CALLED, bill=bill)
    flow.say(BEN, "release", bill=bill)


def is_changed_again(flow: Payees, bill: int) -> None:
    is_changed(flow, bill)
    flow.run()
    flow.change_bank(vendor=flow.vendor_of(bill))


STORIES: dict[str, tuple[Callable[[Payees, int], None], str, bool, list[tuple[bool, int]]]] = {
    "opened": (is_changed, "", True, [(False, 0)]),
    "released": (is_released, "Approved", False, [(True, 1)]),
    "refused": (is_released_by_the_caller, "", True, [(False, 1)]),
    "changed again": (is_changed_again, "", True, [(True, 1), (False, 0)]),
}
"""What happens before the run that is cut; then the stamp, the hold, and whether each call-back ended, with our words there."""


@pytest.fixture
def payees(connected: Any, tmp_path: Path, new_store: NewStore) -> Callable[..., Payees]:
    return lambda **how: Payees(connected, tmp_path, new_store, rule=f"{BLOCK}, hold: true", **how)


def told_of(flow: Payees, cutter: Cutter, name: str, cut: Cut = (0, "")) -> tuple[int, object]:
    """Play the story on a bill of a vendor of its own; the calls of the run that was cut, and how it ended."""
    before, stamp, on_hold, call_backs = STORIES[name]
    flow.pass_time(minutes=25)
    flow.sandbox.clear_faults()
    vendor = f"NEW-{len(flow.bills)}"
    flow.sandbox.act("intacct", "mgarcia", "create_vendor", vendor_id=vendor, name=f"Vendor {vendor}")
    flow.enter(vendor_id=vendor)
    flow.run()
    bill = len(flow.bills) - 1
    before(flow, bill)
    flow.pass_time(1)
    with cutter.cutting(*cut):
        for step in (flow.read, flow.check, flow.settle, flow.tell):
            step()
    calls = cutter.made
    flow.sandbox.clear_faults()
    heal(flow)
    assert (flow.held(bill)["ASANA_DECISION"], flow.bill(bill)["on_hold"]) == (stamp, on_hold), cut
    ended = [(one["completed"], len(flow.said_on(one))) for one in flow.call_backs(vendor)]
    assert ended == call_backs, cut
    assert flow.store.intents().open("call back", "call back answer", "call back end", "concern") == [], cut
    holds = [one["step"] for one in flow.proofs(bill, about="hold")]
    return calls, (len(flow.warned(bill)), len(flow.comments(bill)), len(flow.proofs(bill)), holds)


def play(flow: Payees, cutter: Cutter, name: str, pick: Callable[[Sequence[Cut]], Sequence[Cut]]) -> int:
    calls, whole = told_of(flow, cutter, name)
    cuts = pick([(at, kind) for at in range(1, calls + 1) for kind in KINDS])
    struck = 0
    for cut in cuts:
        made, end = told_of(flow, cutter, name, cut)
        struck += made >= cut[0]
        assert end == whole, cut
    assert flow.store.verify_evidence() == []
    assert struck >= len(cuts) * 0.9
    return struck


@pytest.mark.parametrize("name", ["opened", "released"])
def test_a_cut_of_a_call_back_ends_as_without_it(
    payees: Callable[..., Payees], a_cutter: Cutter, new_store: NewStore, name: str, figures: Callable[[str, object], None]
) -> None:
    def some(cuts: Sequence[Cut]) -> Sequence[Cut]:
        step = max(1, len(cuts) // SAMPLES) | 1
        return list(new_store.share(cuts[step // 2 :: step][:SAMPLES]))

    figures(f"cuts of a call-back, {name}", play(payees(), a_cutter, name, some))


def test_a_bill_that_a_run_took_in_before_it_died_is_looked_at_by_the_next(
    payees: Callable[..., Payees], a_cutter: Cutter
) -> None:
    """Between the ledger of bills, which goes on, and the history."""
    flow = payees()
    flow.change_bank()
    flow.run()
    flow.enter()
    with a_cutter.cutting(2, CRASH_BEFORE):
        flow.check()
    assert (flow.store.ledger().of([flow.key(1)]) != {}, flow.concerns(1)) == (True, [])
    flow.run()
    assert [one.is_open for one in flow.concerns(1)] == [True]


@pytest.mark.slow
@pytest.mark.parametrize("name", STORIES)
def test_every_cut_of_a_call_back_ends_as_without_it(
    payees: Callable[..., Payees], a_cutter: Cutter, name: str, figures: Callable[[str, object], None]
) -> None:
    figures(f"every cut of a call-back, {name}", play(payees(), a_cutter, name, list))
