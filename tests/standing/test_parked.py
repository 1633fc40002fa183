"""A decision that waits for closed books, a locked bill, or Intacct: visible, told once, tried by each run, with an end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from intacct_asana.errors import IntacctAsanaError

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


# A bill that is locked

LOCKS = {"approval": "  locked_bills: 10"}


def select(flow: Standing) -> str:
    flow.pass_time(1)
    made = flow.sandbox.act("intacct", "mgarcia", "select_bill", record_no=flow.bills[0])
    number: str = made["payment"]["record_no"]
    return number


def test_a_decision_waits_for_a_bill_that_is_in_a_payment_run(a_flow: Flow) -> None:
    flow = a_flow(**LOCKS)
    payment = select(flow)
    flow.approve(ALICE)
    assert [flow.steps()["states"] for _ in range(2)] == [{"PARKED": 1}] * 2
    [told] = [text for text in flow.comments() if "that waits" in text]
    assert "is locked in Intacct: it is Selected, chosen for a payment." in told
    flow.sandbox.act("intacct", "mgarcia", "drop_payment", record_no=payment)
    flow.heal()
    flow.is_approved()
    assert flow.store.verify_evidence() == []


@pytest.mark.parametrize("end", ["paid", "too long", "both"])
def test_a_bill_that_does_not_come_free_ends_the_wait(a_flow: Flow, end: str) -> None:
    """Paid, or locked for too long; a wait for two things is as long as the shorter one."""
    how = {"approval": "  locked_bills: 20\n  closed_books: 10", "settings": WAITS["settings"]} if end == "both" else LOCKS
    flow = a_flow(**how)
    payment = select(flow)
    flow.approve(ALICE)
    flow.heal()
    assert states(flow) == ["PARKED"]
    if end == "paid":
        flow.sandbox.act("intacct", "mgarcia", "confirm_payment", record_no=payment)
        flow.heal()
    else:
        flow.heal(hours=24 * 11)
    assert states(flow) == ["REFUSED"]


def test_without_the_setting_a_locked_bill_is_refused_as_ever(a_flow: Flow) -> None:
    flow = a_flow()
    select(flow)
    flow.approve(ALICE)
    flow.heal()
    assert states(flow) == ["REFUSED"]
    assert "so a decision comes too late" in flow.told()


# Intacct that does not answer


def is_away(flow: Standing, times: int = 200) -> None:
    flow.sandbox.fault("intacct", "query APBILL", "html", times=times)


def try_to_settle(flow: Standing) -> None:
    """Reading and telling need Asana alone."""
    flow.pass_time(minutes=6)
    flow.read()
    with contextlib.suppress(IntacctAsanaError):
        flow.settle()
    flow.tell()


def is_parked_for_intacct(flow: Standing) -> None:
    is_away(flow)
    try_to_settle(flow)
    flow.pass_time(hours=2)
    try_to_settle(flow)
    assert states(flow) == ["PARKED"]


def test_people_hear_once_that_intacct_is_away_for_long_and_the_decision_is_carried_out_when_it_is_back(a_flow: Flow) -> None:
    flow = a_flow(approval="  park_after: 2")
    flow.approve(ALICE)
    is_away(flow)
    try_to_settle(flow)
    assert (states(flow), flow.comments()) == (["RECORDED"], [])
    flow.pass_time(hours=2)
    for _ in range(2):
        try_to_settle(flow)
    assert states(flow) == ["PARKED"]
    [told] = flow.comments()
    assert "and that waits: Intacct does not answer. Every run looks again" in told
    flow.sandbox.clear_faults()
    flow.heal()
    flow.is_approved()
    assert len(flow.comments()) == 2
    assert flow.store.verify_evidence() == []


def test_a_decision_that_waited_for_intacct_for_a_month_counts_no_more(a_flow: Flow) -> None:
    flow = a_flow(approval="  park_after: 2")
    flow.approve(ALICE)
    is_parked_for_intacct(flow)
    flow.pass_time(hours=24 * 30)
    try_to_settle(flow)
    assert states(flow) == ["REFUSED"]
    flow.sandbox.clear_faults()
    flow.heal()
    flow.is_unapproved()
    assert "Intacct did not answer for 30 days" in flow.told()


@pytest.mark.parametrize("first", ["books", "away"])
def test_one_hiccup_ends_no_wait_for_something_else(a_flow: Flow, first: str) -> None:
    """A decision may wait for its books longer than for Intacct, and it is for the books that it does."""
    flow = a_flow(approval="  closed_books: 60\n  park_after: 2", settings=WAITS["settings"])
    flow.approve(ALICE)
    if first == "away":
        is_parked_for_intacct(flow)
        flow.sandbox.clear_faults()
    for _ in range(2):
        flow.heal()
    told = [text for text in flow.comments() if "and that waits" in text]
    assert ["The books of bill" in text for text in told] == [False, True][-len(told) :]
    assert len(told) == (2 if first == "away" else 1)
    flow.pass_time(hours=24 * 40)
    is_away(flow)
    try_to_settle(flow)
    assert states(flow) == ["PARKED"]
    flow.sandbox.clear_faults()
    flow.sandbox.settings(books_closed_through="")
    flow.heal()
    flow.is_approved()


def test_one_failed_answer_is_no_long_time_however_old_the_choice_is(a_flow: Flow) -> None:
    """The DAG was paused, and Intacct fails in the first run after that; then it answers, and fails once more."""
    flow = a_flow(approval="  park_after: 2", bills=2)
    for bill in (0, 1):
        flow.approve(ALICE, bill=bill)
        flow.pass_time(hours=5)
        is_away(flow)
        try_to_settle(flow)
        flow.sandbox.clear_faults()
        assert [str(one.state) for one in flow.decisions(bill)] == ["RECORDED"]
        flow.heal()
        flow.is_approved(bill)
    assert not [text for bill in (0, 1) for text in flow.comments(bill) if "that waits" in text]
