"""A payment request for an approved bill: one for each decision, found again by the decision's id, never for more than is due.

The request is a payment of one bill that moves no money by itself as long as it is a draft. What Intacct does with one that is
submitted goes by its payment approvals, and without those it pays at once; so submitting is the flow's choice.
Source: developer.intacct.com/api/accounts-payable/ap-payments/#create-ap-payment
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.seen import day_of
from intacct_asana.approvals.words import bill_name, capital, money
from intacct_asana.approvals.write_steps import UNFIT, Step
from intacct_asana.errors import Refused, UnexpectedReply
from intacct_asana.ports import Books
from intacct_asana.records import Bill, BillState, Decision, PaymentOrder, PaymentState
from intacct_asana.text import amount_text

PAYABLE = (BillState.POSTED, BillState.PARTIALLY_PAID)
TAKEN = (BillState.SELECTED, BillState.PAID)
MARKER, AMOUNT, PAY_ON, ACCOUNT, METHOD, ACTION = "marker", "amount", "pay_on", "account", "method", "action"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRequest(Step):
    """Comes last: a bill that is selected for payment takes no other step, and a payment is not ours to take back."""

    word: str = "payment_request"
    noun: str = "payment request"
    stays: str = "Its payment request stays in Intacct."
    warns: str = "Its payment request is in Intacct still: whoever pays has to take it back there."
    is_sent_once: bool = True

    def values(self, decision: Decision, bill: Bill, policy: Policy) -> dict[str, str]:
        rule, day = policy.payment_request, day_of(decision, policy)
        assert rule
        return {
            MARKER: decision.decision_id,
            AMOUNT: amount_text(bill.transaction_total_due),
            PAY_ON: max(bill.due_on or day, day).isoformat(),
            ACCOUNT: rule.account,
            METHOD: rule.method,
            ACTION: rule.action,
        }

    def on_bill(self, bill: Bill, values: Mapping[str, str]) -> dict[str, str]:
        """A bill does not tell by which request it was selected, so that it is taken has to do where nobody asks further."""
        return dict(values) if bill.state in TAKEN else {}

    def shown(self, books: Books, bill: Bill, values: Mapping[str, str]) -> dict[str, str]:
        """What carries the decision's id. Raises UnexpectedReply where that is anything else than was asked for."""
        found = books.requested_payments(values[MARKER])
        if not found:
            return {}
        one = found[0]
        if len(found) > 1 or (one.bill_no, amount_text(one.amount)) != (bill.record_no, values[AMOUNT]):
            told = "; ".join(f"payment {each.record_no} over {amount_text(each.amount)}" for each in found)
            raise UnexpectedReply(
                f"{capital(bill_name(bill))}: what carries the id {values[MARKER]} in Intacct is not the one request over "
                f"{values[AMOUNT]} that was asked for: {told}. Nothing more is sent. Somebody has to look at it there."
            )
        return {**values, "payment": one.record_no, "state": str(one.state)}

    def why_not(self, bill: Bill) -> str:
        name = capital(bill_name(bill))
        if bill.state is BillState.SELECTED or bill.total_selected or _is_selected(bill):
            return f"{name} is selected for a payment in Intacct already, and it is not asked for twice."
        if bill.state not in PAYABLE:
            return f"{name} is {bill.state} in Intacct, and a payment can be asked for once it is posted."
        if bill.transaction_total_due <= 0:
            return f"Nothing is due on {bill_name(bill)} in Intacct."
        return ""

    def send(self, books: Books, bill: Bill, values: Mapping[str, str], *, control_id: str, policy: Policy) -> None:
        amount, due = Decimal(values[AMOUNT]), bill.transaction_total_due
        if amount > due:
            said = (
                f"{money(due, bill.currency)} is due on {bill_name(bill)}, and {money(amount, bill.currency)} was to be paid."
            )
            raise Refused(f"{said} Nothing was asked for.", code=UNFIT)
        if bill.on_hold:
            raise Refused(f"{capital(bill_name(bill))} is on hold in Intacct. No payment was asked for.", code=UNFIT)
        order = PaymentOrder(
            bill_no=bill.record_no,
            vendor_id=bill.vendor_id,
            amount=amount,
            currency=bill.currency,
            account=values[ACCOUNT],
            method=values[METHOD],
            pay_on=date.fromisoformat(values[PAY_ON]),
            marker=values[MARKER],
            submits=values[ACTION] == "submit",
        )
        books.request_payment(order, control_id=control_id)

    def did(self, bill: Bill) -> str:
        return "Its payment is requested there."

    def would(self, bill: str) -> str:
        return f"the payment of {bill} would be requested"


def _is_selected(bill: Bill) -> bool:
    return any(payment.state is PaymentState.SELECTED for payment in bill.payments)


PAYMENT_REQUEST = PaymentRequest()
