"""A bill's description in full, and the news of its payments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal

from intacct_asana.flow.sources import (
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
from intacct_asana.records import Bill, BillLine, Payment, Vendor
from intacct_asana.records.remarks import NOTHING, reference
from intacct_asana.task.values import pair_text, plain_text
from intacct_asana.text import WIDE, as_html, cut, html_link, money_text, one_line

MOST_CHARACTERS = 60_000
"""Our own bound: Asana does not publish how much a description holds."""

ROOM_FOR_THE_END = 100
ROOM_FOR_PAYMENTS = 10_000
WORDS_CHARACTERS = 300
"""No single text of a vendor fills the description."""

SOURCE_WORDS = "From Sage Intacct. Changes to this text are replaced; write comments instead."


def bill_notes(bill: Bill) -> str:
    """A well-formed `<body>` with the bill's summary, as many lines as fit, and its payments, the newest if not all fit."""
    head = _head(_bill_facts(bill), bill.record_url, link="Open the bill in Intacct")
    paid = _payments(bill, room=ROOM_FOR_PAYMENTS)
    return f"<body>{head}{_lines(bill, room=MOST_CHARACTERS - len(head) - len(paid))}{paid}</body>"


def vendor_notes(vendor: Vendor) -> str:
    """A well-formed `<body>` that says where the vendor comes from."""
    facts = [("Vendor", pair_text((vendor.vendor_id, vendor.name))), ("Terms", vendor.term), ("Currency", vendor.currency)]
    return f"<body>{_head(facts, vendor.record_url, link='Open the vendor in Intacct')}</body>"


def _bill_facts(bill: Bill) -> list[tuple[str, str]]:
    amount = money_text(bill.transaction_total_entered, bill.currency)
    in_base = money_text(bill.total_entered, bill.base_currency)
    return [
        ("Vendor", pair_text((bill.vendor_id, bill.vendor_name))),
        ("Bill", bill.bill_number),
        ("Reference", bill.reference),
        ("Description", bill.description),
        ("Amount", amount if bill.base_currency in ("", bill.currency) else f"{amount}, which is {in_base}"),
        ("Bill date", plain_text(bill.bill_date)),
        ("Due", plain_text(bill.due_on)),
        ("Look at", f"{' and '.join(bill.strange_days)} can hardly be meant" if bill.strange_days else ""),
        ("Terms", bill.term),
        ("Entity", pair_text((bill.entity_id, bill.entity_name))),
        ("Entered by", bill.created_by),
    ]


def _head(facts: Iterable[tuple[str, str]], url: str, *, link: str) -> str:
    items = "".join(f"<li>{name}: {_words(value)}</li>" for name, value in facts if one_line(value))
    address = html_link(url, text=link) if len(url) <= 2000 else ""
    return f"{SOURCE_WORDS}\n{address}<ul>{items}</ul>" if items else f"{SOURCE_WORDS}\n{address}"


def _words(text: str) -> str:
    return as_html(cut(one_line(text), characters=WORDS_CHARACTERS))


def _lines(bill: Bill, *, room: int) -> str:
    """Lines until the room is used up, then how many are left out."""
    if not bill.lines:
        return ""
    title = f"<strong>Lines ({len(bill.lines)})</strong>"
    items = _that_fit([_line(line, bill.currency) for line in bill.lines], room=room - len(title) - ROOM_FOR_THE_END)
    left_out = len(bill.lines) - len(items)
    more = f"and {left_out:,} more lines" if left_out else ""
    return f"{title}<ul>{''.join(items)}</ul>{more}"


def _payments(bill: Bill, *, room: int) -> str:
    """Payments, oldest first, after what is still due."""
    listed = told_payments(bill)
    if not listed:
        return ""
    due = as_html(money_text(bill.transaction_total_due, bill.currency))
    title = f"<strong>Payments ({len(listed)}), {due} due</strong>"
    newest_first = [f"<li>{_words(payment_text(payment))}</li>" for payment in reversed(listed)]
    items = _that_fit(newest_first, room=room - len(title) - ROOM_FOR_THE_END)[::-1]
    left_out = len(listed) - len(items)
    more = f"and {left_out:,} earlier ones" if left_out else ""
    return f"{title}<ul>{''.join(items)}</ul>{more}"


def _that_fit(items: Sequence[str], *, room: int) -> list[str]:
    fitting: list[str] = []
    for item in items:
        room -= len(item)
        if room < 0:
            break
        fitting.append(item)
    return fitting


def _line(line: BillLine, currency: str) -> str:
    """`1. 6100 Office supplies: 120.00 USD. Paper. Department 20 Finance, Location 100 Lisbon`."""
    dimensions = [
        ("Department", line.department_id, line.department_name),
        ("Location", line.location_id, line.location_name),
        ("Project", line.project_id, line.project_name),
        ("Class", line.class_id, line.class_name),
    ]
    named = ((kind, pair_text((number, name))) for kind, number, name in dimensions)
    where = ", ".join(f"{kind} {text}" for kind, text in named if text)
    account = _words(pair_text((line.account_no, line.account_title)))
    rest = [_words(text) for text in (line.description, where) if one_line(text)]
    amount = as_html(money_text(line.transaction_amount, currency))
    return f"<li>{'. '.join([f'{line.line_no}. {account}: {amount}', *rest])}</li>"


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
