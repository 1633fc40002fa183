"""What was paid on a bill: one payment as far as it touches one bill."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


class PaymentState(StrEnum):
    """Where the money of a payment is, in our own words: Intacct writes it in several ways."""

    SELECTED = "Selected"
    """Drafted, submitted or approved; no money has moved."""
    PAID = "Paid"
    VOIDED = "Voided"
    REVERSED = "Reversed"
    """Taken back by another payment, which is the reversal."""
    REVERSAL = "Reversal"
    DECLINED = "Declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """One payment as it touches one bill, added up over the bill's lines.

    `amount` is in the base currency, `transaction_amount` in the payment's own; both are money only. What else the payment
    settled on the bill is named in `discount` and `credit` (adjustments, negative bills and advances that were applied), in
    the payment's own currency; neither is part of the amounts. A reversal's amounts are negative; `taken_back_on` is its
    day, on the payment that it took back.
    """

    record_no: str
    state: PaymentState
    amount: Decimal
    transaction_amount: Decimal
    discount: Decimal = Decimal(0)
    credit: Decimal = Decimal(0)
    currency: str = ""
    base_currency: str = ""
    paid_on: date | None = None
    taken_back_on: date | None = None
    method: str = ""
    document_no: str = ""
    vendor_id: str = ""
    vendor_name: str = ""
