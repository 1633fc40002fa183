"""What can be shown of a bill, its lines and payments, or a vendor, by the name that a flow file uses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

from intacct_asana.records import Bill, BillLine, BillState, Payment, PaymentState, Vendor
from intacct_asana.text import money_text, one_line

UNPAID, PARTLY_PAID, PAID = "Unpaid", "Partly paid", "Paid"
SELECTED, REVERSED = "Selected for payment", "Reversed"
VOIDED, TAKEN_BACK = "Payment voided", "Payment reversed"
PAYMENT_STATUSES = (UNPAID, SELECTED, PARTLY_PAID, PAID, VOIDED, TAKEN_BACK, REVERSED)
"""`Reversed` is said of the bill itself; `Payment voided` and `Payment reversed` of bills that are owed again."""


def payment_status(bill: Bill) -> str:
    """One word for where the money is. The state speaks first; amounts say what the state leaves open.

    Of a bill on which nothing is paid, the newest payment says whether it was paid before.
    """
    if bill.state in (BillState.REVERSED, BillState.REVERSAL):
        return REVERSED
    if bill.state is BillState.PAID or (bill.total_paid and not bill.total_due):
        return PAID
    if bill.state is BillState.SELECTED or bill.total_selected:
        return SELECTED
    if bill.state is BillState.PARTIALLY_PAID or bill.total_paid:
        return PARTLY_PAID
    taken_back = {PaymentState.VOIDED: VOIDED, PaymentState.REVERSED: TAKEN_BACK, PaymentState.REVERSAL: TAKEN_BACK}
    return taken_back.get(bill.payments[-1].state, UNPAID) if bill.payments else UNPAID


def told_payments(bill: Bill) -> list[Payment]:
    """The payments that people are told of, oldest first. A reversal is told with the payment that it took back."""
    matched = any(payment.state is PaymentState.REVERSED for payment in bill.payments)
    return [one for one in bill.payments if not (matched and one.state is PaymentState.REVERSAL)]


def payment_text(payment: Payment) -> str:
    """`1,200.00 USD by Printed Check 10023 on 2026-11-20, voided`."""
    words = [_amounts(payment), _how(payment), _when(payment)]
    return " ".join(word for word in words if word) + _what_became(payment)


def payment_summary(bill: Bill) -> str:
    return "; ".join(payment_text(payment) for payment in told_payments(bill))


def payment_methods(bill: Bill) -> str:
    return _listed(payment.method for payment in _in_force(bill))


def payment_numbers(bill: Bill) -> str:
    return _listed(payment.document_no for payment in _in_force(bill))


def last_paid_on(bill: Bill) -> date | None:
    """The day of the newest payment that stands."""
    return max((one.paid_on for one in bill.payments if one.state is PaymentState.PAID and one.paid_on), default=None)


def _in_force(bill: Bill) -> list[Payment]:
    return [one for one in bill.payments if one.state in (PaymentState.PAID, PaymentState.SELECTED)]


def _listed(texts: Iterable[str]) -> str:
    """Each text once, in the order of the payments."""
    return "; ".join(dict.fromkeys(text for raw in texts if (text := one_line(raw))))


def _amounts(payment: Payment) -> str:
    """The money, and what settled the bill beside it. A payment without money is told by the rest alone."""
    beside = [(payment.discount, "discount"), (payment.credit, "credit")]
    others = [f"{money_text(amount, payment.currency)} {name}" for amount, name in beside if amount]
    if others and not payment.transaction_amount:
        return " and ".join(others)
    money = money_text(payment.transaction_amount, payment.currency)
    return f"{money} (and {' and '.join(others)})" if others else money


def _how(payment: Payment) -> str:
    how = " ".join(text for text in (one_line(payment.method), one_line(payment.document_no)) if text)
    return f"by {how}" if how and (payment.transaction_amount or not payment.credit) else ""


def _when(payment: Payment) -> str:
    if payment.paid_on is None:
        return ""
    return f"{'planned for' if payment.state is PaymentState.SELECTED else 'on'} {payment.paid_on.isoformat()}"


def _what_became(payment: Payment) -> str:
    if payment.state is PaymentState.REVERSED:
        return f", reversed on {payment.taken_back_on.isoformat()}" if payment.taken_back_on else ", reversed"
    endings = {PaymentState.VOIDED: ", voided", PaymentState.DECLINED: ", declined", PaymentState.REVERSAL: ", a reversal"}
    return endings.get(payment.state, "")


Record = TypeVar("Record")
Pair = tuple[str, str]
Plain = str | Decimal | date | None


class Shape(StrEnum):
    """What a source gives. It decides which kinds of Asana field can show it."""

    TEXT = "text"
    CHOICE = "choice"
    PAIR = "id and name"
    LINES = "id and name of each line"
    MONEY = "money"
    COUNT = "count"
    DAY = "day"


FITS: Mapping[str, frozenset[Shape]] = MappingProxyType(
    {
        "text": frozenset(Shape),
        "number": frozenset({Shape.MONEY, Shape.COUNT}),
        "date": frozenset({Shape.DAY}),
        "enum": frozenset({Shape.TEXT, Shape.CHOICE, Shape.PAIR, Shape.LINES}),
        "multi_enum": frozenset({Shape.LINES}),
        "people": frozenset(),
    }
)
"""Which shapes a kind of Asana field can show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source(Generic[Record]):
    """One source. `read` gives its value, `pair` its id and name, `line` the id and name of one bill line."""

    what: str
    shape: Shape
    read: Callable[[Record], Plain] | None = None
    pair: Callable[[Record], Pair] | None = None
    line: Callable[[BillLine], Pair] | None = None
    choices: tuple[str, ...] = ()


def _text(what: str, read: Callable[[Record], Plain]) -> Source[Record]:
    return Source(what=what, shape=Shape.TEXT, read=read)


def _money(what: str, read: Callable[[Record], Plain]) -> Source[Record]:
    return Source(what=what, shape=Shape.MONEY, read=read)


def _day(what: str, read: Callable[[Record], Plain]) -> Source[Record]:
    return Source(what=what, shape=Shape.DAY, read=read)


def _choice(what: str, read: Callable[[Record], Plain], *choices: str) -> Source[Record]:
    return Source(what=what, shape=Shape.CHOICE, read=read, choices=choices)


def _pair(what: str, pair: Callable[[Record], Pair]) -> Source[Record]:
    return Source(what=what, shape=Shape.PAIR, pair=pair)


def _line(what: str, line: Callable[[BillLine], Pair]) -> Source[Bill]:
    return Source(what=f"{what} of the lines: the one, or all, largest amount first", shape=Shape.LINES, line=line)


def yes_or_no(value: bool) -> str:
    return "Yes" if value else "No"


def yes_or_no_if_told(value: bool | None) -> str:
    return "" if value is None else yes_or_no(value)


HELD, RELEASED = "Held", "Released to pay"


def _hold(line: BillLine) -> str:
    """A line that is not released to pay is held. Nothing where the company does not release lines."""
    return "" if line.released is None else RELEASED if line.released else HELD


def _retained(line: BillLine) -> Pair:
    return (format(line.retained, "f"), "") if line.retained else ("", "")


BILL_SOURCES: Mapping[str, Source[Bill]] = MappingProxyType(
    {
        "bill_number": _text("Bill number as the vendor wrote it", lambda bill: bill.bill_number),
        "reference": _text("Reference number, often the purchase order", lambda bill: bill.reference),
        "description": _text("Description of the bill", lambda bill: bill.description),
        "record_no": _text("Intacct's own record number", lambda bill: bill.record_no),
        "record_url": _text("Link to the bill in Intacct", lambda bill: bill.record_url),
        "source_document": _text("Source document of a bill that Purchasing made", lambda bill: bill.source_document),
        "module": _choice(
            "Where the bill was made",
            lambda bill: {"3.AP": "Accounts Payable", "9.PO": "Purchasing"}.get(bill.module, bill.module),
            "Accounts Payable",
            "Purchasing",
        ),
        "vendor": _pair("Vendor id and name", lambda bill: (bill.vendor_id, bill.vendor_name)),
        "vendor_id": _text("Vendor id", lambda bill: bill.vendor_id),
        "vendor_name": _text("Vendor name", lambda bill: bill.vendor_name),
        "state": _choice("State of the bill in Intacct", lambda bill: bill.state.value, *(state.value for state in BillState)),
        "payment_status": _choice("Where the money is, from state, amounts and payments", payment_status, *PAYMENT_STATUSES),
        "payment_summary": _text("Each payment: amount, how, number, day, and whether it was taken back", payment_summary),
        "payment_methods": _text("How the bill was paid or is to be", payment_methods),
        "payment_numbers": _text("Numbers of the checks or other documents that pay the bill", payment_numbers),
        "last_paid_on": _day("Day of the newest payment that stands, also of a part", last_paid_on),
        "on_hold": _choice("Whether the bill is on hold", lambda bill: yes_or_no(bill.on_hold), "Yes", "No"),
        "payment_priority": _text("Payment priority", lambda bill: bill.payment_priority),
        "term": _text("Payment terms", lambda bill: bill.term),
        "bill_date": _day("Date of the bill", lambda bill: bill.bill_date),
        "due_on": _day("Day on which the bill is due", lambda bill: bill.due_on),
        "posted_on": _day("Day on which the bill was posted to the general ledger", lambda bill: bill.posted_on),
        "paid_on": _day("Day on which the bill was paid in full", lambda bill: bill.paid_on),
        "discount_on": _day("Last day on which the discount may be taken", lambda bill: bill.discount_on),
        "recommended_on": _day("Day on which it is recommended to pay", lambda bill: bill.recommended_on),
        "pay_to": _text("Contact that the money goes to", lambda bill: bill.pay_to),
        "return_to": _text("Contact that goods are returned to", lambda bill: bill.return_to),
        "tax_included": _choice(
            "Whether the lines' amounts include tax", lambda bill: yes_or_no_if_told(bill.tax_included), "Yes", "No"
        ),
        "currency": _text("Currency that the bill is in", lambda bill: bill.currency),
        "base_currency": _text("Base currency of the bill's entity", lambda bill: bill.base_currency or bill.currency),
        "total_entered": _money("Amount of the bill, base currency", lambda bill: bill.total_entered),
        "total_due": _money("Amount still due, base currency", lambda bill: bill.total_due),
        "total_paid": _money("Amount paid, base currency", lambda bill: bill.total_paid),
        "total_selected": _money("Amount selected for payment, base currency", lambda bill: bill.total_selected),
        "transaction_total_entered": _money("Amount, the bill's own currency", lambda bill: bill.transaction_total_entered),
        "transaction_total_due": _money("Amount still due, the bill's own currency", lambda bill: bill.transaction_total_due),
        "transaction_total_paid": _money("Amount paid, the bill's own currency", lambda bill: bill.transaction_total_paid),
        "total_retained": _money("Amount retained, base currency", lambda bill: bill.total_retained),
        "transaction_total_retained": _money(
            "Amount retained, the bill's own currency", lambda bill: bill.transaction_total_retained
        ),
        "transaction_total_released": _money(
            "Retained amount that was released, the bill's own currency", lambda bill: bill.transaction_total_released
        ),
        "entity": _pair("Entity id and name", lambda bill: (bill.entity_id, bill.entity_name)),
        "entity_id": _text("Entity id", lambda bill: bill.entity_id),
        "entity_name": _text("Entity name", lambda bill: bill.entity_name),
        "created_by": _text("Intacct login of the person who entered the bill", lambda bill: bill.created_by),
        "modified_by": _text("Intacct login of the person who last changed the bill", lambda bill: bill.modified_by),
        "line_count": Source(what="Number of lines", shape=Shape.COUNT, read=lambda bill: Decimal(len(bill.lines))),
        "gl_account": _line("GL account", lambda line: (line.account_no, line.account_title)),
        "department": _line("Department (cost center)", lambda line: (line.department_id, line.department_name)),
        "location": _line("Location", lambda line: (line.location_id, line.location_name)),
        "project": _line("Project", lambda line: (line.project_id, line.project_name)),
        "class": _line("Class", lambda line: (line.class_id, line.class_name)),
        "customer": _line("Customer", lambda line: (line.customer_id, line.customer_name)),
        "item": _line("Item", lambda line: (line.item_id, line.item_name)),
        "form_1099": _line("1099 form and box", lambda line: (line.form_1099_type, line.form_1099_box)),
        "purchase_order": _line("Document in Purchasing", lambda line: (line.purchase_order, "")),
        "line_hold": _line("Hold of a line", lambda line: (_hold(line), "")),
        "line_retained": _line("Amount retained, the bill's own currency,", _retained),
        "line_description": _line("Description", lambda line: ("", line.description)),
    }
)
"""Sources of a bill's fields."""

VENDOR_STATUSES = ("active", "active non-posting", "inactive")

VENDOR_SOURCES: Mapping[str, Source[Vendor]] = MappingProxyType(
    {
        "vendor": _pair("Vendor id and name", lambda vendor: (vendor.vendor_id, vendor.name)),
        "vendor_id": _text("Vendor id", lambda vendor: vendor.vendor_id),
        "name": _text("Vendor name", lambda vendor: vendor.name),
        "record_no": _text("Intacct's own record number", lambda vendor: vendor.record_no),
        "record_url": _text("Link to the vendor in Intacct", lambda vendor: vendor.record_url),
        "status": _choice("Status of the vendor", lambda vendor: vendor.status, *VENDOR_STATUSES),
        "approval_state": _text("State of the vendor's own approval", lambda vendor: vendor.approval_state),
        "on_hold": _choice("Whether the vendor is on hold", lambda vendor: yes_or_no(vendor.on_hold), "Yes", "No"),
        "term": _text("Payment terms", lambda vendor: vendor.term),
        "currency": _text("Default currency", lambda vendor: vendor.currency),
        "total_due": _money("Total due to the vendor", lambda vendor: vendor.total_due),
        "credit_limit": _money("Credit limit", lambda vendor: vendor.credit_limit),
        "entity_id": _text("Entity id", lambda vendor: vendor.entity_id),
    }
)
"""Sources of a vendor's fields. Bank and tax fields are not here, because they are never read."""
