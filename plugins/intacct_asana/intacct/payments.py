"""APPYMT and APPYMTDETAIL as payments of bills: the one place that knows how Intacct writes a payment.

One detail row pays one line of a bill, so rows are added up by payment and bill. How a payment that was taken back shows in
the details is not documented; each plausible shape is read: details in state V, a payment in state V whose details did not
change, and a second payment with negative amounts. Source: developer.intacct.com/api/accounts-payable/ap-payments/.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from intacct_asana.errors import UnexpectedReply
from intacct_asana.intacct.records import NOTHING, Row, money, told
from intacct_asana.intacct.timestamps import day_of, day_text
from intacct_asana.intacct.xml import Element, element, record
from intacct_asana.records.intacct import Payment, PaymentOrder, PaymentState, RequestedPayment
from intacct_asana.text import amount_text

PAYMENT, DETAIL = "APPYMT", "APPYMTDETAIL"
PAID_BILL, PAID_BY, DETAIL_CREATED = "RECORDKEY", "PAYMENTKEY", "WHENCREATED"

PAYMENT_MADE = "AUWHENCREATED"
"""When a payment was made; WHENCREATED of a document is its day."""
PAID_STATES = ("Posted", "Confirmed", "Delivered", "Quick Delivery", "C")
"""What a query calls payments that moved money. One in another state is no sign that the vendor was paid."""

MARKER = "DESCRIPTION"
"""Where a payment that was asked for from here says by which decision."""
ORDER_SELECT = ("RECORDNO", MARKER, "STATE", "TRX_TOTALENTERED")
DETAIL_NEEDED = ("RECORDNO", "RECORDKEY", "PAYMENTKEY", "PAYMENTAMOUNT", "WHENMODIFIED")
CREDITS = ("ADJUSTMENTAMOUNT", "INLINEAMOUNT", "POSTEDADVANCEAMOUNT")
"""What else may settle a bill beside money: credit memos, negative bills, advances."""
NAMED_AMOUNTS = ("DISCOUNTAMOUNT", *CREDITS)
DETAIL_WISHED = (
    "TRX_PAYMENTAMOUNT",
    *NAMED_AMOUNTS,
    *(f"TRX_{name}" for name in NAMED_AMOUNTS),
    "PAYMENTDATE",
    "CURRENCY",
    "STATE",
    "WHENCREATED",
)
PAYMENT_NEEDED = ("RECORDNO", "STATE", "WHENMODIFIED")
PAYMENT_WISHED = (
    "RAWSTATE",
    "DISPLAYSTATE",
    "PAYMENTMETHOD",
    "DOCNUMBER",
    "WHENCREATED",
    "BASECURR",
    "CURRENCY",
    "VENDORID",
    "VENDORNAME",
)

STATE_WORDS: Sequence[tuple[PaymentState, frozenset[str]]] = (
    (PaymentState.VOIDED, frozenset({"v", "void", "voided", "print voided"})),
    (PaymentState.REVERSED, frozenset({"reversed"})),
    (PaymentState.REVERSAL, frozenset({"reversal"})),
    (PaymentState.DECLINED, frozenset({"declined"})),
    (PaymentState.PAID, frozenset({"c", "posted", "confirmed", "delivered", "quick delivery"})),
    (PaymentState.SELECTED, frozenset({"d", "draft", "s", "submitted", "a", "approved", "partially approved"})),
)
"""Codes of readByQuery, words of query and of DISPLAYSTATE. Of several that a payment shows, the first here counts."""


def order_fields(order: PaymentOrder) -> dict[str, str]:
    """The header of a payment to be made. CURRENCY is said to be required, though samples do without."""
    return {
        "FINANCIALENTITY": order.account,
        "PAYMENTMETHOD": order.method,
        "VENDORID": order.vendor_id,
        MARKER: order.marker,
        "PAYMENTDATE": day_text(order.pay_on),
        **({"CURRENCY": order.currency} if order.currency else {}),
        "ACTION": "Submit" if order.submits else "Draft",
    }


def order_detail(order: PaymentOrder) -> Element:
    """Without a line's number Intacct itself spreads the amount over the bill's lines."""
    paid = {PAID_BILL: order.bill_no, "TRX_PAYMENTAMOUNT": amount_text(order.amount)}
    return element("APPYMTDETAILS", record(DETAIL, paid))


def requested_of(headers: Iterable[Row], details: Iterable[Row]) -> list[RequestedPayment]:
    """Each header with the bill that its details name: a payment without details is one all the same."""
    bills: defaultdict[str, set[str]] = defaultdict(set)
    for row in details:
        bills[row.get(PAID_BY, "")].add(row.get(PAID_BILL, ""))
    return [
        RequestedPayment(
            record_no=row["RECORDNO"],
            state=row.get("STATE", ""),
            bill_no=next(iter(of)) if len(of := bills[row["RECORDNO"]]) == 1 else "",
            amount=_money(row, "TRX_TOTALENTERED"),
        )
        for row in headers
    ]


def payments_of(
    details: Iterable[Row], headers: Iterable[Row], *, wrong: dict[str, UnexpectedReply] | None = None
) -> dict[str, tuple[Payment, ...]]:
    """The payments of each bill by the bill's record number, oldest record first.

    `details` are rows of APPYMTDETAIL, `headers` the rows of APPYMT that they name; a header that may not be read is done
    without. Rows that pay no bill (credit memos) are left out. `wrong` takes by bill what cannot be read (a state that nobody
    documented, an amount that is none); without it that is raised.
    """
    known = {row["RECORDNO"]: row for row in headers}
    by_bill: defaultdict[str, defaultdict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in details:
        if row.get(PAID_BILL):
            by_bill[row[PAID_BILL]][row.get(PAID_BY, "")].append(row)
    found: dict[str, tuple[Payment, ...]] = {}
    for bill, paid_by in by_bill.items():
        try:
            payments = [_payment(number, rows, known.get(number, {})) for number, rows in paid_by.items()]
        except UnexpectedReply as error:
            if wrong is None:
                raise
            wrong.setdefault(bill, error)
        else:
            found[bill] = with_reversals(payments)
    return found


def with_reversals(payments: Iterable[Payment]) -> tuple[Payment, ...]:
    """A bill's payments, those of them marked that a later one with the same amount below zero takes back.

    A negative payment that matches none stays as it is: it pays a negative bill, or takes a part back.
    """
    found = sorted(payments, key=lambda payment: _order(payment.record_no))
    taken: set[int] = set()
    for place, taking in enumerate(found):
        if _settled(taking) >= 0 or taking.state not in (PaymentState.PAID, PaymentState.REVERSAL):
            continue
        at = next((at for at in reversed(range(place)) if at not in taken and _can_take_back(found[at], taking)), None)
        if at is not None:
            taken.add(at)
            found[at] = replace(found[at], state=PaymentState.REVERSED, taken_back_on=taking.paid_on)
            found[place] = replace(taking, state=PaymentState.REVERSAL)
    return tuple(found)


def _can_take_back(payment: Payment, by: Payment) -> bool:
    stood = payment.state in (PaymentState.PAID, PaymentState.VOIDED, PaymentState.REVERSED)
    return stood and _settled(payment) == -_settled(by) and payment.currency == by.currency


def _settled(payment: Payment) -> Decimal:
    return payment.transaction_amount + payment.discount + payment.credit


def _payment(record_no: str, rows: Sequence[Row], header: Row) -> Payment:
    standing = [row for row in rows if _said(row.get("STATE", "")) is not PaymentState.VOIDED]
    state = _state(record_no, header, rows) if standing else PaymentState.VOIDED
    # A payment that was taken back whole still says how much it was.
    counted = standing or rows
    first = counted[0]
    return Payment(
        record_no=record_no,
        state=state,
        amount=sum((_money(row, "PAYMENTAMOUNT") for row in counted), NOTHING),
        transaction_amount=_sum(counted, "PAYMENTAMOUNT"),
        discount=_sum(counted, "DISCOUNTAMOUNT"),
        credit=sum((_sum(counted, name) for name in CREDITS), NOTHING),
        currency=first.get("CURRENCY") or header.get("CURRENCY", ""),
        base_currency=header.get("BASECURR", ""),
        paid_on=_paid_on(first, header),
        method=header.get("PAYMENTMETHOD", ""),
        document_no=header.get("DOCNUMBER", ""),
        vendor_id=header.get("VENDORID", ""),
        vendor_name=header.get("VENDORNAME", ""),
    )


def _sum(rows: Iterable[Row], name: str) -> Decimal:
    """The sum in the payment's own currency; without a second currency the base amount is it."""
    return sum((_money(row, f"TRX_{name}", name) for row in rows), NOTHING)


def _money(row: Row, *names: str) -> Decimal:
    """The first of these amounts that says something."""
    name = next((name for name in names if row.get(name)), names[0])
    return told(row, (name,), money, record=_name).get(name, NOTHING)


def _paid_on(detail: Row, header: Row) -> date | None:
    row, name = (detail, "PAYMENTDATE") if detail.get("PAYMENTDATE") else (header, "WHENCREATED")
    return told(row, (name,), day_of, record=_name).get(name)


def _name(row: Row) -> str:
    return f"payment {row.get(PAID_BY) or row.get('RECORDNO', '')}"


def _state(record_no: str, header: Row, rows: Sequence[Row]) -> PaymentState:
    words = [header.get(name, "") for name in ("STATE", "RAWSTATE", "DISPLAYSTATE")]
    words = [word for word in words if word] or [row.get("STATE", "") for row in rows]
    said = {_said(word) for word in words}
    state = next((state for state, _ in STATE_WORDS if state in said), None)
    if state is None:
        raise UnexpectedReply(
            f"Payment {record_no} has the state {' / '.join(dict.fromkeys(words)) or '(none)'}, which is none of the known "
            "ones. With `payments: totals` in the flow file's bills, payments are not read one by one."
        )
    return state


def _said(word: str) -> PaymentState | None:
    return next((state for state, words in STATE_WORDS if word.strip().lower() in words), None)


def _order(record_no: str) -> tuple[int, str]:
    """Record numbers grow; what is not a number comes first."""
    return int(record_no) if re.fullmatch("[0-9]{1,18}", record_no) else 0, record_no
