"""The generated company: believable, complete, and right to the cent."""

from __future__ import annotations

import time
from collections import Counter, defaultdict

import pytest

from sandbox.core import World
from sandbox.gateway.books.state import OWED_STATES, Company
from sandbox.gateway.functions.objects import BILL_STATES


@pytest.fixture(scope="module")
def company() -> Company:
    return Company(World(), seed=11, vendors=60, bills=1500)


def test_headers_are_the_sum_of_their_lines_and_due_is_what_is_not_paid(company: Company) -> None:
    for bill in company.bills:
        assert bill.entered == sum(line.amount for line in bill.lines)
        assert bill.trx_entered == sum(line.trx_amount for line in bill.lines)
        assert bill.paid == sum(line.paid for line in bill.lines)
        assert bill.due == bill.entered - bill.paid
        assert 1 <= len(bill.lines) <= 8
        assert (bill.entered < 0) == (bill.state == "Reversal")


def test_states_agree_with_what_is_paid(company: Company) -> None:
    for bill in company.bills:
        if bill.state in ("Paid", "Reversed", "Reversal"):
            assert (bill.due, bill.trx_due) == (0, 0)
        elif bill.state == "Partially Paid":
            assert 0 < bill.trx_paid < bill.trx_entered
        else:
            assert bill.paid == 0
        assert (bill.paid_on is not None) == (bill.state == "Paid")


def test_payments_tie_to_the_lines_that_they_pay(company: Company) -> None:
    given: dict[int, int] = defaultdict(int)
    for payment in company.payments:
        assert payment.entered == sum(detail.amount for detail in payment.details)
        for detail in payment.details:
            given[detail.bill_no] += detail.amount
    for bill in company.bills:
        if bill.state in ("Paid", "Partially Paid"):
            assert given[bill.record_no] == bill.paid
        elif bill.state == "Selected":
            assert given[bill.record_no] == bill.selected == bill.due


def test_vendors_are_owed_what_their_posted_bills_say(company: Company) -> None:
    owed: dict[str, int] = defaultdict(int)
    for bill in company.bills:
        owed[bill.vendor.vendor_id] += bill.due if bill.state in OWED_STATES else 0
    assert all(vendor.total_due == owed[vendor.vendor_id] for vendor in company.vendors)


def test_every_state_occurs_and_most_bills_are_waiting_or_posted(company: Company) -> None:
    counted = Counter(bill.state for bill in company.bills)
    assert set(counted) == set(BILL_STATES)
    assert sum(counted[state] for state in ("Submitted", "Posted", "Partially Approved")) > 0.65 * len(company.bills)


def test_due_dates_lie_around_today_and_nothing_is_from_the_future(company: Company) -> None:
    days = [(bill.due_on - company.today()).days for bill in company.bills]
    assert min(days) < -10
    assert max(days) > 10
    assert all(bill.created_at <= (bill.modified_at or bill.created_at) <= company.now() for bill in company.bills)


def test_small_companies_hold_the_odd_ones_too() -> None:
    small = Company(World(), seed=7, vendors=8, bills=20)
    bills = list(small.bills)
    assert any(not bill.number for bill in bills)
    assert len({bill.number for bill in bills}) < len(bills)
    assert any(bill.module == "9.PO" and bill.source_key for bill in bills)
    assert any(bill.created_by.login == "amartin" and bill.state == "Submitted" for bill in bills)
    assert any(bill.modified_at is None for bill in bills)
    assert any(vendor.modified_at is None for vendor in small.vendors)
    names = " ".join(vendor.name for vendor in small.vendors)
    assert all(odd in names for odd in ("&", '"', "é", "🍳", "'"))


def test_without_null_change_times_there_are_none() -> None:
    company = Company(World(), seed=7, vendors=20, bills=200, null_modified=0)
    assert all(row.modified_at is not None for table in (company.bills, company.vendors) for row in table)


@pytest.mark.slow
@pytest.mark.contract
def test_two_hundred_thousand_bills_are_made_within_a_minute() -> None:
    start = time.monotonic()
    company = Company(World(), seed=7, vendors=3000, bills=200_000)
    assert len(company.bills) == 200_000
    assert time.monotonic() - start < 60
