"""Payments as the API asks for them: made, replaced, approved, declined. What then happens to the money is in `payments`.

https://developer.intacct.com/api/accounts-payable/ap-payments/
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from lxml import etree

from sandbox.gateway.books import payments
from sandbox.gateway.books.rows import Bill, Payment, User
from sandbox.gateway.texts import cents_of, day_of

_HEADER = {"FINANCIALENTITY": "bank", "DOCNUMBER": "number", "DESCRIPTION": "description"}
_CHANGED = {*_HEADER, "WHENCREATED"}
_ASKED = {"RECORDKEY", "ENTRYKEY", "TRX_PAYMENTAMOUNT", "CURRENCY"}
"""What a detail may say here. Discounts by date, credit memos, adjustments, advances and joint payees are not played."""


def ask_for(company: Any, sent: etree._Element, user: User) -> Payment:
    """A payment as `create` asks for it. A draft, or submitted: without payment approvals that pays at once.

    The vendor's page calls CURRENCY required and leaves it out of its examples; `payment_needs_currency` is who is right.
    """
    parts = _parts(company, sent)
    told = {str(child.tag): (child.text or "").strip() for child in sent}
    needed = ["FINANCIALENTITY", "PAYMENTMETHOD", "VENDORID", "PAYMENTDATE"]
    if company.world.setting("payment_needs_currency", False):
        needed.append("CURRENCY")
    lacking = [name for name in needed if not told.get(name)]
    if lacking or not parts:
        raise ValueError(f"Required field {(*lacking, 'APPYMTDETAILS')[0]} is missing")
    if any(told.get("CURRENCY") not in (None, "", part.bill.currency) for part in parts):
        raise ValueError(f"the bill is in {parts[0].bill.currency}, not in {told['CURRENCY']}")
    return request(
        company,
        parts,
        user,
        vendor_id=told["VENDORID"],
        method=told["PAYMENTMETHOD"],
        on=day_of(told["PAYMENTDATE"]),
        bank=told["FINANCIALENTITY"],
        description=told.get("DESCRIPTION", ""),
        number=told.get("DOCNUMBER", ""),
        action=told.get("ACTION", ""),
    )


def request(
    company: Any,
    parts: Sequence[payments.Part],
    user: User,
    *,
    vendor_id: str,
    method: str,
    on: date,
    bank: str,
    description: str = "",
    number: str = "",
    action: str = "",
) -> Payment:
    """A payment over the API: `action` Draft keeps it a draft, else it is submitted, and paid at once without approvals."""
    if any(part.bill.vendor.vendor_id != vendor_id for part in parts):
        raise ValueError("the bill is another vendor's")
    if action not in ("", "Submit", "Draft"):
        raise ValueError(f"ACTION is {action}; choose Submit or Draft")
    if action != "Draft" and not company.world.setting("payment_approvals_on", True):
        made = payments.pay(company, parts, user, method=method, on=on)
    else:
        made = payments.select(company, parts, user, method=method, on=on, state="Draft" if action == "Draft" else "Submitted")
    made.bank, made.description, made.number = bank, description, number or made.number
    return made


def replace(company: Any, sent: etree._Element, user: User) -> Payment:
    """`update`: of a draft alone, and the details that are sent are all that it has then. Without ACTION it is submitted."""
    key = (sent.findtext("RECORDNO") or "").strip()
    payment = company.payments.get(int(key)) if key.isdigit() else None
    if payment is None:
        raise ValueError(f"there is no payment {key}")
    if payment.state != "Draft":
        raise ValueError(f"payment {key} is {payment.state}; only a draft can be changed")
    told = {str(child.tag): (child.text or "").strip() for child in sent}
    if unknown := sorted(set(told) - _CHANGED - {"RECORDNO", "VENDORID", "ACTION", "APPYMTDETAILS"}):
        raise ValueError(f"{unknown[0]} of a payment can't be changed")
    parts = _parts(company, sent)
    if not parts:
        raise ValueError("Required field APPYMTDETAILS is missing")
    action = told.get("ACTION", "")
    held = {
        number: sum(d.trx_settles for d in payment.details if d.bill_no == number) for number in payments.numbers_of(payment)
    }
    payments.check(parts)
    if any(part.bill.vendor is not payment.vendor for part in parts):
        raise ValueError("the bill is another vendor's")
    for bill, cents in payments.by_bill(parts).items():
        if cents > bill.trx_due - bill.trx_selected + held.get(bill.record_no, 0):
            raise ValueError(f"bill {bill.record_no} is selected already")
    if action not in ("", "Submit", "Draft"):
        raise ValueError(f"ACTION is {action}; choose Submit or Draft")
    pays = action != "Draft" and not company.world.setting("payment_approvals_on", True)
    state = "Draft" if action == "Draft" else "Posted" if pays else "Submitted"
    on = day_of(told["WHENCREATED"]) if told.get("WHENCREATED") else payment.paid_on
    bills = payments.bills_of(company, payment)
    for detail in payment.details:
        company.details.remove(detail)
    changes = {_HEADER[name]: told[name] for name in _HEADER if name in told}
    now = company.now()
    company.payments.edit(payment, **changes, details=[], paid_on=on, state=state, modified_by=user, modified_at=now)
    for part in parts:
        payments.spread_part(company, payment, part, count_as_paid=pays)
    for detail in payment.details:
        company.details.add(detail)
    for bill in dict.fromkeys([*bills, *(part.bill for part in parts)]):
        payments.settle(company, bill, user, on)
    return payment


def _parts(company: Any, sent: etree._Element) -> list[payments.Part]:
    """The details of a request. Raises ValueError for bills and lines that are not there, and for what is not played."""
    parts = []
    for detail in sent.iterfind("APPYMTDETAILS/APPYMTDETAIL"):
        told = {str(child.tag): (child.text or "").strip() for child in detail}
        if odd := sorted(name for name in set(told) - _ASKED if told[name]):
            raise ValueError(f"{odd[0]} of a payment detail is not played here")
        bill = bill_of(company, told.get("RECORDKEY", ""))
        entry = told.get("ENTRYKEY", "")
        line = next((line for line in bill.lines if str(line.record_no) == entry), None)
        if entry and line is None:
            raise ValueError(f"bill {bill.record_no} has no line {entry}")
        cents = cents_of(told.get("TRX_PAYMENTAMOUNT") or "0")
        parts.append(payments.Part(bill=bill, cents=cents, line_no=line.record_no if line else None))
    return parts


def bill_of(company: Any, key: str) -> Bill:
    bill: Bill | None = company.bills.get(int(key)) if key.isdigit() else None
    if bill is None:
        raise ValueError(f"there is no bill {key}")
    return bill


def approve(company: Any, payment: Payment, user: User) -> None:
    """A payment that waits is approved; its money has not moved yet."""
    if payment.state != "Submitted":
        raise ValueError(f"payment {payment.record_no} can't be approved because its state is {payment.state}")
    _set_state(company, payment, user, "Approved")


def confirm(company: Any, payment: Payment, user: User) -> None:
    """The money of an approved payment moves. One that waits for its approval cannot be carried past it."""
    if payment.state != "Approved":
        raise ValueError(f"payment {payment.record_no} can't be confirmed because its state is {payment.state}")
    payments.confirm(company, payment, user)


def decline(company: Any, payment: Payment, user: User) -> None:
    """A payment that waits is declined: its bills are no longer selected."""
    if payment.state != "Submitted":
        raise ValueError(f"payment {payment.record_no} can't be declined because its state is {payment.state}")
    _set_state(company, payment, user, "Declined")
    for bill in payments.bills_of(company, payment):
        payments.settle(company, bill, user, None)


def _set_state(company: Any, payment: Payment, user: User, state: str) -> None:
    now = company.now()
    for detail in payment.details:
        company.details.edit(detail, state=state, modified_at=now)
    company.payments.edit(payment, state=state, modified_by=user, modified_at=now)
