"""What was paid on a bill, in the words that people in accounts payable read: a status, a line for each payment, lists."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from intacct_asana.mapping.amounts import money_text
from intacct_asana.mapping.plain_text import one_line
from intacct_asana.records import Bill, BillState, Payment, PaymentState

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
