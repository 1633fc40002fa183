"""Payments that do not touch their bill's change time reach its task all the same."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def quiet(company: Any) -> Any:
    """A synced company in which a payment leaves its bill's change time alone."""
    company.sandbox.settings(payments_touch_bill=False)
    company.sync()
    company.sandbox.clock(advance_seconds=3600)
    return company


def payable(company: Any) -> dict[str, Any]:
    return next(bill for bill in company.bills().values() if bill["state"] == "Posted" and not bill["on_hold"])


def test_a_paid_and_a_partly_paid_bill_are_seen(quiet: Any) -> None:
    first = payable(quiet)
    quiet.act("pay_bill", record_no=first["record_no"])
    quiet.act("pay_bill", record_no=payable(quiet)["record_no"], amount="1.00")
    assert quiet.bills()[first["record_no"]]["modified_at"] == first["modified_at"]
    quiet.sync()
    assert quiet.differences() == []
    assert quiet.task(first["record_no"])["completed"]


def test_a_voided_payment_opens_the_task_again(quiet: Any) -> None:
    bill = payable(quiet)
    payment = quiet.act("pay_bill", record_no=bill["record_no"])["payment"]["record_no"]
    quiet.sync()
    quiet.sandbox.clock(advance_seconds=3600)
    quiet.act("void_payment", record_no=payment)
    quiet.sync()
    assert quiet.differences() == []
    assert not quiet.task(bill["record_no"])["completed"]


def test_the_first_payment_that_a_company_ever_makes_is_seen(company: Any) -> None:
    company.sandbox.reset(vendors=3, bills=0)
    company.pin()
    company.sandbox.settings(payments_touch_bill=False)
    number = company.a_bill(state="Posted", amount="10.00")
    company.sandbox.clock(advance_seconds=86_400)
    company.a_bill(state="Posted", amount="20.00")
    company.sync()
    assert company.cursors()["bill_payments"] == ""
    company.sandbox.clock(advance_seconds=86_400 * 30)
    company.act("pay_bill", record_no=number)
    company.sync()
    assert company.task(number)["completed"]
    assert company.cursors()["bill_payments"]


def test_payments_are_seen_in_a_company_in_which_none_has_a_change_time(company: Any) -> None:
    company.sandbox.reset(vendors=3, bills=0)
    company.pin()
    company.sandbox.settings(payments_touch_bill=False, payment_modified_when_made=False)
    first, second = (company.a_bill(state="Posted", amount="10.00") for _ in range(2))
    company.sandbox.clock(advance_seconds=86_400)
    company.a_bill(state="Posted", amount="20.00")
    company.sync()
    for number in (first, second):
        company.sandbox.clock(advance_seconds=86_400 * 30)
        company.act("pay_bill", record_no=number)
        company.sync()
        assert company.task(number)["completed"]
    cursors = company.cursors()
    assert (cursors["bill_payments"], bool(cursors["bill_payments_created"])) == ("", True)


def test_a_payment_without_a_change_time_is_read_again_only_as_long_as_looking_back_reaches(company: Any) -> None:
    company.sandbox.reset(vendors=3, bills=0)
    company.pin()
    company.sandbox.settings(payments_touch_bill=False, payment_modified_when_made=False)
    company.flow(hourly_look_back_hours=0, daily_look_back_hours=0)
    first, second = (company.a_bill(state="Posted", amount="10.00") for _ in range(2))
    company.sync()
    for number in (first, second):
        company.act("pay_bill", record_no=number, amount="1.00")
        company.sandbox.clock(advance_seconds=1800)
    company.a_bill(state="Posted")
    company.sync()
    assert company.plan["read"] == 3
    company.sync()
    assert company.plan["read"] == 2
