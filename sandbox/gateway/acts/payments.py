"""What people do with payments in Intacct's own pages: pay, select, void, reverse."""

from __future__ import annotations

from datetime import date
from typing import Any

from sandbox.gateway.acts.named import bill_named, told
from sandbox.gateway.books import payments
from sandbox.gateway.books.dumps import bill_of, payment_of
from sandbox.gateway.books.rows import Payment, User
from sandbox.gateway.texts import cents_of


def pay_bill(
    company: Any,
    user: User,
    *,
    record_no: str,
    amount: str = "",
    method: str = "ACH",
    on: str = "",
    discount: str = "",
    credit: str = "",
) -> dict[str, Any]:
    """Pay a bill, all that is due or `amount` of its currency; `discount` and `credit` settle a part of it without money."""
    bill = bill_named(company, record_no)
    off = {"discount": _cents(discount), "credit": _cents(credit)}
    cents = cents_of(amount) if amount else bill.trx_due - sum(off.values())
    part = payments.Part(bill=bill, cents=cents, **off)
    payment = payments.pay(company, [part], user, method=method, on=_day(company, on))
    return told(bill) | {"payment": payment_of(payment)}


def pay_bills(
    company: Any,
    user: User,
    *,
    bills: list[dict[str, str]],
    method: str = "Printed Check",
    on: str = "",
    credit_memo: str = "",
) -> dict[str, Any]:
    """One payment for several bills of a vendor: `[{"record_no": "12", "amount": "100.00"}]`, without amounts all is paid.

    `credit_memo` is an amount of the payment that pays a positive adjustment: a detail row without a bill.
    """
    parts = []
    for part in bills:
        bill = bill_named(company, part["record_no"])
        parts.append(payments.Part(bill=bill, cents=cents_of(part["amount"]) if part.get("amount") else bill.trx_due))
    payment = payments.pay(company, parts, user, method=method, on=_day(company, on), memo_cents=_cents(credit_memo))
    return {"payment": payment_of(payment), "bills": [bill_of(part.bill) for part in parts]}


def select_bill(
    company: Any,
    user: User,
    *,
    record_no: str,
    amount: str = "",
    method: str = "Printed Check",
    on: str = "",
    state: str = "Submitted",
) -> dict[str, Any]:
    """Choose a bill to be paid: a payment in `state` (Draft, Submitted, Approved) that has moved no money yet."""
    bill = bill_named(company, record_no)
    part = payments.Part(bill=bill, cents=cents_of(amount) if amount else bill.trx_due - bill.trx_selected)
    payment = payments.select(company, [part], user, method=method, on=_day(company, on), state=state)
    return told(bill) | {"payment": payment_of(payment)}


def confirm_payment(company: Any, user: User, *, record_no: str) -> dict[str, Any]:
    """The money of a selected payment moves."""
    return _payment_told(company, payments.confirm(company, _payment(company, record_no), user))


def drop_payment(company: Any, user: User, *, record_no: str) -> dict[str, Any]:
    """Take a selection back: the payment that moved no money is deleted."""
    payments.drop(company, _payment(company, record_no), user)
    return {"record_no": str(record_no), "deleted": True}


def void_payment(company: Any, user: User, *, record_no: str) -> dict[str, Any]:
    return _payment_told(company, payments.void(company, _payment(company, record_no), user))


def reverse_payment(company: Any, user: User, *, record_no: str, on: str = "") -> dict[str, Any]:
    """A second payment with negative amounts takes the first one back."""
    return _payment_told(company, payments.reverse(company, _payment(company, record_no), user, on=_day(company, on)))


def _payment(company: Any, record_no: str) -> Payment:
    payment: Payment | None = company.payments.get(int(record_no)) if str(record_no).isdigit() else None
    if payment is None:
        raise ValueError(f"there is no payment {record_no}")
    return payment


def _payment_told(company: Any, payment: Payment) -> dict[str, Any]:
    return {"record_no": str(payment.record_no), "payment": payment_of(payment)}


def _day(company: Any, on: str) -> date:
    return date.fromisoformat(on) if on else company.today()  # type: ignore[no-any-return]


def _cents(text: str) -> int:
    return cents_of(text) if text else 0
