"""A decision that waits for closed books: visible, told once, tried again by each run, refused when it has waited enough."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import Standing
from tests.standing.test_rehearsed import rehearsed

pytestmark = pytest.mark.airflow
Flow = Callable[..., Standing]
WAITS = {"approval": "  closed_books: 10", "settings": {"books_closed_through": "2026-12-31"}}


def states(flow: Standing) -> list[str]:
    return [str(one.state) for one in flow.decisions()]


def test_a_decision_waits_for_closed_books_and_is_carried_out_when_they_open(a_flow: Flow) -> None:
    flow = a_flow(**WAITS)
    flow.approve(ALICE)
    assert "would wait" in rehearsed(flow)
    reports = [flow.steps() for _ in range(3)]
    assert [report["states"] for report in reports] == [{"PARKED": 1}] * 3
    assert flow.says() == ("", "Approved")
    [told] = flow.comments()
    assert "and that waits: The books of bill" in told
    assert "until 2026-12-03 08:00 UTC" in told
    flow.sandbox.settings(books_closed_through="")
    flow.heal()
    flow.is_approved()
    assert flow.store.verify_evidence() == []


def test_a_decision_that_waited_long_enough_is_refused(a_flow: Flow) -> None:
    flow = a_flow(**WAITS)
    flow.approve(ALICE)
    flow.heal()
    flow.heal(hours=24 * 11)
    flow.is_unapproved()
    assert states(flow) == ["REFUSED"]
    assert "The books of bill" in flow.comments()[-1]


def test_what_else_speaks_against_it_ends_the_wait(a_flow: Flow) -> None:
    """A bill that changes, and a later choice by somebody else."""
    flow = a_flow(bills=2, **WAITS)
    for bill in (0, 1):
        flow.approve(ALICE, bill=bill)
    flow.heal()
    flow.edit(bill=0, amount="40000.00")
    flow.act(BEN, "comment", bill=1, text="too dear")
    flow.choose(BEN, "Rejected", bill=1)
    flow.heal()
    assert states(flow) == ["REFUSED"]
    assert [str(one.state) for one in flow.decisions(1)] == ["REFUSED", "PARKED"]
    flow.sandbox.settings(books_closed_through="")
    flow.heal()
    assert flow.says(1) == ("rejected", "Rejected")
