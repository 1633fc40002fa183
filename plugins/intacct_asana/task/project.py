"""A bill or vendor projected onto the task that it should have: fields, description, and the news of a bill's payments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow.model import BillScope, Flow, VendorScope
from intacct_asana.flow.rules import PAIR_FORMAT, FieldRule
from intacct_asana.flow.sources import (
    BILL_SOURCES,
    PAID,
    PARTLY_PAID,
    REVERSED,
    SELECTED,
    TAKEN_BACK,
    VENDOR_SOURCES,
    VOIDED,
    Plain,
    Shape,
    Source,
    payment_status,
    payment_text,
    told_payments,
)
from intacct_asana.flow.words import filled, placeholders
from intacct_asana.records import Bill, BillLine, BillState, FieldValue, Payment, PinnedField, Pins, TaskDraft, Vendor
from intacct_asana.records.documents import WantedDocument
from intacct_asana.records.remarks import NOTHING, reference
from intacct_asana.text import (
    WIDE,
    amount_text,
    as_html,
    html_link,
    is_web_address,
    joined,
    money_text,
    one_line,
    rounded,
    short,
)

Record = TypeVar("Record", Bill, Vendor)

NAME_CHARACTERS = 300


def project_bill(
    bill: Bill, flow: Flow, pins: Pins, *, people: Mapping[str, str] | None = None, vendor_person: str = ""
) -> TaskDraft:
    """The task that `bill` should have: its Intacct-owned fields, and first values for the ones that people own.

    `people` maps e-mails to user gids; who is not in it is left out, so that an unknown person never loses a bill.
    `vendor_person` is the e-mail that the bill's vendor names, empty when it names nobody. Numbers have exactly the field's
    decimal places, enums are option gids, text fits Asana. The task is completed when the bill is in none of the flow's
    states. Raises NoPlace for a value that no option stands for, Misconfigured for what preflight has not pinned.
    """
    scope = flow.bills
    completed = bill.state not in scope.states
    initial = _initial(scope, pins) | _pending(flow, pins)
    return TaskDraft(
        key=bill.bill_key,
        name=_name(scope.task_name, BILL_SOURCES, bill) or bill.bill_key,
        html_notes=bill_notes(bill) if scope.notes == "lines" else "",
        due_on=bill.due_on if scope.due_date else None,
        completed=completed,
        section_gid=_section(scope, pins, bill.state, completed=completed),
        assignee=(people or {}).get(vendor_person or _anybody(scope)),
        followers=tuple(sorted({gid for email in scope.followers if (gid := (people or {}).get(email))})),
        fields={pinned(pins, scope.key_field).gid: bill.bill_key} | _fields(scope, bill, pins),
        initial_fields=initial,
        remark=payment_remark(bill),
        kind="approval" if flow.approval.signal.kind == "approval_task" else "default_task",
    )


def _anybody(scope: BillScope) -> str:
    return (scope.assignee.email if scope.assignee else None) or ""


def project_vendor(vendor: Vendor, flow: Flow, pins: Pins) -> TaskDraft:
    """The task that `vendor` should have. The same rules as for bills."""
    scope = flow.vendors
    return TaskDraft(
        key=vendor.vendor_key,
        name=_name(scope.task_name, VENDOR_SOURCES, vendor) or vendor.vendor_key,
        html_notes=vendor_notes(vendor),
        completed=vendor.status not in scope.statuses,
        fields={pinned(pins, scope.key_field).gid: vendor.vendor_key} | _fields(scope, vendor, pins),
        initial_fields=_initial(scope, pins),
    )


def pinned(pins: Pins, name: str) -> PinnedField:
    """The field as preflight resolved it. Raises Misconfigured when it did not."""
    if pin := pins.fields.get(name):
        return pin
    raise _not_pinned(pins, f"the field {name!r} is not pinned")


def _not_pinned(pins: Pins, what: str) -> Misconfigured:
    problem = Problem(where=f"Asana project {pins.project_gid}", what=what, mend="run the flow's preflight again")
    return Misconfigured("The flow file names something that preflight has not resolved yet.", problems=(problem,))


def _name(template: str, sources: Mapping[str, Source[Record]], record: Record) -> str:
    values = name_values(sources, placeholders(template), record)
    return short(filled(template, values), longest=NAME_CHARACTERS)


def _fields(scope: BillScope | VendorScope, record: Bill | Vendor, pins: Pins) -> dict[str, FieldValue]:
    rules = [rule for rule in scope.fields if rule.owner == "intacct"]
    pairs = [(rule, pinned(pins, rule.name)) for rule in rules]
    return {pin.gid: field_value(rule, record, pin) for rule, pin in pairs}


def _initial(scope: BillScope | VendorScope, pins: Pins) -> dict[str, FieldValue]:
    """First values of the fields that people own. A field without one is left empty and is not written at all."""
    rules = [rule for rule in scope.fields if rule.owner == "asana" and rule.initial is not None]
    return {pinned(pins, rule.name).gid: _initial_value(rule, pins) for rule in rules}


def _initial_value(rule: FieldRule, pins: Pins) -> FieldValue:
    value = rule.initial or ""
    if rule.kind not in ("enum", "multi_enum"):
        return one_line(value)
    gid = _option(pins, rule.name, value)
    return (gid,) if rule.kind == "multi_enum" else gid


def _pending(flow: Flow, pins: Pins) -> dict[str, FieldValue]:
    signal = flow.approval.signal
    if signal.kind != "enum":
        return {}
    return {pinned(pins, signal.field).gid: _option(pins, signal.field, signal.pending)}


def _option(pins: Pins, field: str, option: str) -> str:
    pin = pinned(pins, field)
    if option not in pin.options:
        raise _not_pinned(pins, f"the option {option!r} of the field {field!r} is not pinned")
    return pin.options[option]


def _section(scope: BillScope, pins: Pins, state: BillState, *, completed: bool) -> str | None:
    if scope.sections is None:
        return None
    name = scope.sections.by_state.get(state) or (scope.sections.closed if completed else scope.sections.open)
    if name not in pins.sections:
        raise _not_pinned(pins, f"the section {name!r} is not pinned")
    return pins.sections[name]


DOCUMENT_NAME_CHARACTERS = 200


def document_of(bill: Bill, flow: Flow) -> WantedDocument | None:
    """The document of a bill in scope; None when the flow wants none, or the bill has none.

    A link leads to the bill in Intacct, where its attachment opens: Intacct gives the attachment no address of its own.
    """
    scope = flow.bills
    if scope.attachments == "none" or bill.state not in scope.states or not bill.document_id:
        return None
    if scope.attachments == "link" and not is_web_address(bill.record_url):
        return None
    number = one_line(bill.bill_number)[:DOCUMENT_NAME_CHARACTERS]
    return WantedDocument(
        key=bill.bill_key,
        form=scope.attachments,
        document_id=bill.document_id,
        name=f"Attachment {one_line(bill.document_id)} of bill {number} in Intacct",
        url=one_line(bill.record_url) if scope.attachments == "link" else "",
    )


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
    return as_html(short(text, longest=WORDS_CHARACTERS))


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
        facts = [status, amount_text(bill.transaction_total_paid), amount_text(bill.total_selected)]
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
        *map(amount_text, (payment.transaction_amount, payment.discount, payment.credit)),
        payment.method,
        payment.document_no,
        *(day.isoformat() if day else "" for day in days),
    ]


def field_value(rule: FieldRule, record: Bill | Vendor, pin: PinnedField) -> FieldValue:
    """The value of `rule` for `record`; None clears the field. Raises Misconfigured when an enum has no option for it."""
    source = rule.reads
    if source is None:
        return None
    if rule.kind == "number":
        amount = plain_value(source, record)
        return rounded(amount, places=rule.places or 0) if isinstance(amount, Decimal) else None
    if rule.kind == "date":
        day = plain_value(source, record)
        return day if isinstance(day, date) else None
    texts = texts_of(source, record, format=rule.format)
    if rule.kind == "text":
        return joined(texts) or None
    gids = [option_gid(rule, text, pin) for text in texts]
    if rule.kind == "enum":
        return gids[0] if gids else None
    return tuple(sorted(set(gids)))


class NoPlace(Misconfigured):
    """A value of one record has no place in Asana. The others may all have theirs."""


def option_gid(rule: FieldRule, value: str, pin: PinnedField) -> str:
    """gid of the option that stands for `value`, or of `other`; runs of blanks make no difference, since Intacct has some.

    Raises NoPlace where neither is there.
    """
    name = rule.choices.get(one_line(value), rule.other)
    if name is None:
        mend = f"add {value!r} to its `options` in the flow file, or name an `other`"
        raise NoPlace(f"field {rule.name!r}: no option for {value!r} ({mend}).")
    if name not in pin.options:
        problem = Problem(
            where=f"field {rule.name!r}", what=f"the option {name!r} is not pinned", mend="run the flow's preflight again"
        )
        raise Misconfigured("A value has no place in Asana.", problems=(problem,))
    return pin.options[name]


def plain_value(source: Source[Record], record: Record) -> Plain:
    return source.read(record) if source.read else None


def texts_of(source: Source[Record], record: Record, *, format: str | None = None) -> tuple[str, ...]:
    """The source as text: none when it is empty, several for lines that differ, the largest amount first."""
    if source.line and isinstance(record, Bill):
        return by_amount([(pair_text(source.line(line), format), line) for line in record.lines])
    if source.pair:
        text = pair_text(source.pair(record), format)
    else:
        text = plain_text(plain_value(source, record))
    return (text,) if text else ()


def by_amount(named: Sequence[tuple[str, BillLine]]) -> tuple[str, ...]:
    """Distinct texts by the sum of their lines' amounts without sign, largest first; equal sums by text."""
    sums: dict[str, Decimal] = {}
    for text, line in named:
        if text:
            sums[text] = WIDE.add(sums.get(text, Decimal(0)), abs(line.amount))
    return tuple(sorted(sums, key=lambda text: (-sums[text], text)))


def pair_text(pair: tuple[str, str], format: str | None = None) -> str:
    """`6100 Office supplies`. A pair without an id and a name is empty, whatever the format adds."""
    known = {"id": one_line(pair[0]), "name": one_line(pair[1])}
    return one_line(filled(format or PAIR_FORMAT, known)) if any(known.values()) else ""


def plain_text(value: Plain) -> str:
    """A value as a text field shows it: amounts with a point and no thousands marks, days as 2026-01-31."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return one_line(value or "")


def name_text(source: Source[Record], record: Record) -> str:
    """A value as a task's name shows it: amounts with thousands marks, because people read them."""
    value = plain_value(source, record)
    if isinstance(value, Decimal) and source.shape is Shape.MONEY:
        return money_text(value)
    return "; ".join(texts_of(source, record))


def name_values(sources: Mapping[str, Source[Record]], wanted: Sequence[str], record: Record) -> dict[str, str]:
    return {word: name_text(sources[word], record) for word in wanted}
