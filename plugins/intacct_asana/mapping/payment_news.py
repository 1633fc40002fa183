"""The comment that a change of a bill's payments makes on its task: what holds now, and each payment on a line."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

from intacct_asana.mapping.amounts import WIDE, money_text
from intacct_asana.mapping.payments import (
    PAID,
    PARTLY_PAID,
    REVERSED,
    SELECTED,
    TAKEN_BACK,
    VOIDED,
    payment_status,
    payment_text,
    told_payments,
)
from intacct_asana.records import Bill, Payment
from intacct_asana.records.remarks import NOTHING, reference

FAMILY = "payments"
MOST_LISTED = 10
"""The newest payments; the description lists more."""


def payment_remark(bill: Bill) -> str:
    """What the task is told when the bill's payments change; it ends in its reference. Empty for a reversed bill.

    A bill without any payment has a remark too: it takes back what was said before, where something was.
    """
    status = payment_status(bill)
    if status == REVERSED:
        return ""
    listed = told_payments(bill)
    newest = listed[-MOST_LISTED:]
    lines = [_headline(bill, status), *(f"- {payment_text(payment)}" for payment in newest)]
    lines += [f"- and {len(listed) - len(newest)} earlier ones"] if len(newest) < len(listed) else []
    return "\n".join([*lines, reference(news_id(bill, status))])


def news_id(bill: Bill, status: str) -> str:
    """The same payments in the same state always have the same id, whatever else of the bill changes."""
    if bill.payments:
        facts: list[object] = [status, *(_facts(payment) for payment in bill.payments)]
    elif bill.total_paid or bill.total_selected:
        facts = [status, _plain(bill.transaction_total_paid), _plain(bill.total_selected)]
    else:
        return f"{FAMILY}-{NOTHING}"
    text = json.dumps(facts, separators=(",", ":"))
    return f"{FAMILY}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _headline(bill: Bill, status: str) -> str:
    whole, paid, due = (
        money_text(amount, bill.currency)
        for amount in (bill.transaction_total_entered, bill.transaction_total_paid, bill.transaction_total_due)
    )
    if status == PAID:
        return f"Paid in full: {whole}."
    if status == PARTLY_PAID:
        return f"Partly paid: {paid} of {whole}. {due} is still due."
    if status == SELECTED:
        before = f" {paid} of {whole} was paid before." if bill.total_paid else ""
        return f"Selected for payment.{before}"
    if status in (VOIDED, TAKEN_BACK):
        return f"The payment was {'voided' if status == VOIDED else 'reversed'}. {due} is due again."
    return f"Nothing is paid or selected for payment any more. {due} is due."


def _facts(payment: Payment) -> list[str]:
    days = (payment.paid_on, payment.taken_back_on)
    return [
        payment.record_no,
        str(payment.state),
        *map(_plain, (payment.transaction_amount, payment.discount, payment.credit)),
        payment.method,
        payment.document_no,
        *(day.isoformat() if day else "" for day in days),
    ]


def _plain(amount: Decimal) -> str:
    """The same text for 1.5 and 1.50."""
    return format(WIDE.normalize(amount), "f") if amount else "0"
