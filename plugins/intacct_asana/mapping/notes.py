"""The task's description: the bill in short and its lines, as the small XML that Asana calls rich text.

Only tags that Asana takes are used: body, strong, ul, li, a. https://developers.asana.com/docs/rich-text
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from intacct_asana.mapping.amounts import money_text
from intacct_asana.mapping.payments import payment_text, told_payments
from intacct_asana.mapping.plain_text import as_html, cut, html_link, one_line
from intacct_asana.mapping.values import pair_text, plain_text
from intacct_asana.records import Bill, BillLine, Vendor

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
        ("Amount", amount if bill.currency == bill.base_currency else f"{amount}, which is {in_base}"),
        ("Bill date", plain_text(bill.bill_date)),
        ("Due", plain_text(bill.due_on)),
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
