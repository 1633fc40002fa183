"""Paying bills, as people do it in Intacct's own pages: payments with one detail row for each line paid."""

from __future__ import annotations

from datetime import date
from typing import Any

from sandbox.gateway.rows import Bill, Detail, Payment, User, totals_of

PAYABLE_STATES = frozenset({"Posted", "Partially Paid", "Selected"})


def pay(company: Any, bill: Bill, user: User, *, cents: int, method: str, on: date) -> Payment:
    """Pay `cents` of the bill's currency, spread over its lines in order. Raises ValueError for what cannot be paid."""
    if bill.state not in PAYABLE_STATES:
        raise ValueError(f"bill {bill.record_no} is {bill.state}, so it cannot be paid")
    if bill.on_hold:
        raise ValueError(f"bill {bill.record_no} is on hold, so it cannot be paid")
    if not 0 < cents <= bill.trx_due:
        raise ValueError(f"bill {bill.record_no} owes {bill.trx_due} cents, not {cents}")
    payment = new_payment(company, bill, user, state="Posted", method=method, on=on, at=company.now())
    spread(company, bill, payment, cents)
    company.payments.add(payment)
    for detail in payment.details:
        company.details.add(detail)
    settle(company, bill, user, on)
    return payment


def settle(company: Any, bill: Bill, user: User, on: date | None) -> None:
    """Bring the header in line with what its lines say is paid. Setting `payments_touch_bill` (true) moves WHENMODIFIED."""
    totals = totals_of(bill.lines)
    left = totals["trx_entered"] - totals["trx_paid"]
    state = "Paid" if not left else "Partially Paid" if totals["trx_paid"] else "Posted"
    changes = {**totals, "state": state, "paid_on": on if not left else None, "selected": 0, "trx_selected": 0}
    before = bill.modified_at
    company.change_bill(bill, user, **changes)
    if not company.world.setting("payments_touch_bill", True):
        company.bills.edit(bill, modified_at=before)


def void(company: Any, payment: Payment, user: User) -> None:
    """Take a payment back: it stays as Voided, its bills are owed again."""
    if payment.state == "Voided":
        raise ValueError(f"payment {payment.record_no} is voided already")
    now, touched = company.now(), {}
    for detail in payment.details:
        company.details.edit(detail, state="Voided", modified_at=now)
        line = company.lines.get(detail.line_no)
        if line is not None:
            company.lines.edit(line, paid=line.paid - detail.amount, trx_paid=line.trx_paid - detail.trx_amount)
            touched[detail.bill_no] = company.bills.get(detail.bill_no)
    company.payments.edit(payment, state="Voided", modified_by=user, modified_at=now)
    for bill in touched.values():
        settle(company, bill, user, None)


def new_payment(company: Any, bill: Bill, user: User, *, state: str, method: str, on: date, at: int) -> Payment:
    return Payment(
        record_no=company.next_no(),
        vendor=bill.vendor,
        method=method,
        state=state,
        paid_on=on,
        currency=bill.currency,
        base_currency=bill.base_currency,
        entity=bill.entity,
        created_by=user,
        modified_by=user,
        created_at=at,
        modified_at=at,
        details=[],
        number="" if method == "ACH" else f"{10_000 + company.last_record_no % 90_000}",
    )


def spread(company: Any, bill: Bill, payment: Payment, cents: int, *, count_as_paid: bool = True) -> None:
    """Give `cents` to the bill's lines in order, one detail for each line touched, and add the payment up.

    Paying the whole rest settles every line, discounts too; a part goes to the positive lines only.
    """
    left, is_whole = cents, cents == bill.trx_due
    for line in bill.lines:
        rest = line.trx_amount - line.trx_paid
        share = rest if is_whole else max(0, min(left, rest))
        if not share:
            continue
        left -= share
        base = line.amount - line.paid if share == rest else bill.to_base(share)
        payment.details.append(_detail(company, bill, payment, line.record_no, base, share))
        if count_as_paid:
            company.lines.edit(line, paid=line.paid + base, trx_paid=line.trx_paid + share)
    payment.entered = sum(detail.amount for detail in payment.details)
    payment.trx_entered = sum(detail.trx_amount for detail in payment.details)


def _detail(company: Any, bill: Bill, payment: Payment, line_no: int, amount: int, trx_amount: int) -> Detail:
    return Detail(
        record_no=company.next_no(),
        payment_no=payment.record_no,
        bill_no=bill.record_no,
        line_no=line_no,
        amount=amount,
        trx_amount=trx_amount,
        currency=bill.currency,
        paid_on=payment.paid_on,
        state=payment.state,
        created_by=payment.created_by,
        created_at=payment.created_at,
        modified_at=payment.modified_at,
    )
