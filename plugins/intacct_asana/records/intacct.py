"""What Intacct holds: bills with their lines and payments, vendors, and the facts preflight asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentOrder:
    """One payment of one bill to be asked for. `marker` is how it is found again; `account` is an id, and no bank number."""

    bill_no: str
    vendor_id: str
    amount: Decimal
    currency: str
    account: str
    method: str
    pay_on: date
    marker: str
    submits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedPayment:
    """A payment as far as it tells what was asked for. `bill_no` is empty where it pays several bills, or none."""

    record_no: str
    state: str
    bill_no: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchasingDocument:
    """A document of Purchasing: `name` is how it is called there, as in `Purchase Order-PO0213`."""

    record_no: str
    name: str
    state: str


class BillState(StrEnum):
    """The twelve display values of an AP bill's STATE, as `query` returns them."""

    DRAFT = "Draft"
    PARTIALLY_APPROVED = "Partially Approved"
    SUBMITTED = "Submitted"
    DECLINED = "Declined"
    NO_VALUE = "No Value"
    POSTED = "Posted"
    PAID = "Paid"
    PARTIALLY_PAID = "Partially Paid"
    SELECTED = "Selected"
    REVERSED = "Reversed"
    REVERSAL = "Reversal"
    ANALYZING = "Analyzing"


SETTLED_STATES = frozenset({BillState.PAID, BillState.REVERSED, BillState.REVERSAL})
"""States in which nobody can decide anything about a bill any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillLine:
    """One line of a bill. `amount` is in the base currency, `transaction_amount` in the bill's own.

    `purchase_order` is the document that Purchasing made the line from.
    """

    record_no: str
    line_no: int
    account_no: str
    account_title: str
    amount: Decimal
    transaction_amount: Decimal
    description: str = ""
    department_id: str = ""
    department_name: str = ""
    location_id: str = ""
    location_name: str = ""
    project_id: str = ""
    project_name: str = ""
    class_id: str = ""
    class_name: str = ""
    customer_id: str = ""
    customer_name: str = ""
    item_id: str = ""
    item_name: str = ""
    form_1099_type: str = ""
    form_1099_box: str = ""
    purchase_order: str = ""
    retained: Decimal | None = None
    """In the bill's own currency; None where the company does not tell."""
    released: bool | None = None
    """Whether the line may be paid; a line that is not released is held."""

    @property
    def place(self) -> tuple[int, int]:
        """Sorts the lines of a bill. Where a company does not number them they keep the order of their records."""
        return self.line_no, int(self.record_no) if re.fullmatch("[0-9]{1,18}", self.record_no) else 0


LIKELY_YEARS = range(1970, 2100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """One AP bill as Intacct holds it now.

    `bill_key` survives Purchasing's delete-and-recreate: `<company>:po:<source document>` for bills of module 9.PO, else
    `<company>:ap:<record_no>`. `modified_at_text` and `created_at_text` are the server's own texts, used as cursors, never
    converted and never compared with each other (one record mixes zones); empty where Intacct holds no value.

    `created_by` and `modified_by` are logins, `created_by_no` and `modified_by_no` the record numbers of the same users; each
    is empty where the company does not tell. `document_digest` is of the files under `document_id`: Intacct does not tell
    it, so it is empty until somebody who read the files fills it in. `summary_no` is the summary that the bill is posted with.
    What is retained and whether tax is included are None where the company does not tell.
    """

    bill_key: str
    record_no: str
    bill_number: str
    vendor_id: str
    vendor_name: str
    state: BillState
    reference: str = ""
    description: str = ""
    module: str = "3.AP"
    source_document: str = ""
    bill_date: date | None = None
    due_on: date | None = None
    posted_on: date | None = None
    paid_on: date | None = None
    discount_on: date | None = None
    recommended_on: date | None = None
    currency: str = ""
    base_currency: str = ""
    total_entered: Decimal = Decimal(0)
    total_selected: Decimal = Decimal(0)
    total_paid: Decimal = Decimal(0)
    total_due: Decimal = Decimal(0)
    transaction_total_entered: Decimal = Decimal(0)
    transaction_total_paid: Decimal = Decimal(0)
    transaction_total_due: Decimal = Decimal(0)
    total_retained: Decimal | None = None
    transaction_total_retained: Decimal | None = None
    transaction_total_released: Decimal | None = None
    tax_included: bool | None = None
    pay_to: str = ""
    return_to: str = ""
    on_hold: bool = False
    payment_priority: str = ""
    term: str = ""
    entity_id: str = ""
    entity_name: str = ""
    created_by: str = ""
    created_by_no: str = ""
    modified_by: str = ""
    modified_by_no: str = ""
    modified_at_text: str = ""
    created_at_text: str = ""
    record_url: str = ""
    document_id: str = ""
    document_digest: str = ""
    summary_no: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[BillLine, ...] = ()
    payments: tuple[Payment, ...] = ()

    @property
    def strange_days(self) -> tuple[str, ...]:
        """Days that are hardly meant, in words: a year typed with two digits is the year 26."""
        days = {"bill date": self.bill_date, "due date": self.due_on, "posting date": self.posted_on}
        return tuple(f"{name} {day.isoformat()}" for name, day in days.items() if day and day.year not in LIKELY_YEARS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One vendor. Bank and tax fields are not here, because they are never read. Who made and changed it is as for bills."""

    vendor_key: str
    record_no: str
    vendor_id: str
    name: str
    status: str = "active"
    approval_state: str = ""
    created_by: str = ""
    created_by_no: str = ""
    modified_by: str = ""
    modified_by_no: str = ""
    on_hold: bool = False
    term: str = ""
    currency: str = ""
    total_due: Decimal = Decimal(0)
    credit_limit: Decimal | None = None
    entity_id: str = ""
    modified_at_text: str = ""
    created_at_text: str = ""
    record_url: str = ""
    custom: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntacctUser:
    """One user of the company. `status` is active, inactive or lockedout; empty where the company does not tell.

    A `web_services_only` user is a program: nobody can sign in as it. `admin` is Intacct's own word for admin privileges.
    """

    record_no: str
    login: str
    name: str = ""
    email: str = ""
    status: str = ""
    web_services_only: bool = False
    admin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntacctIdentity:
    """Who the gateway says we are, and the user's formatting, for preflight."""

    company_id: str
    user_id: str
    entity_id: str = ""
    session_minutes: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserFormatting:
    """`readUserFormatting`'s answer: how this API user's timestamps are written."""

    locale: str
    date_format: str
    gmt_offset: str
    clock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectField:
    """One field of an Intacct object, from `lookup`."""

    name: str
    label: str
    data_type: str
    read_only: bool
    required: bool
    is_custom: bool
    valid_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWindow:
    """Which records a run reads.

    `since_text` is a cursor in the server's own text, and `created_since_text` one for records without a change time (all
    of them when it is empty). `modified_from` / `modified_to` bound a backfill or window run, [from, to). All absent means
    everything.
    """

    since_text: str = ""
    created_since_text: str = ""
    modified_from: datetime | None = None
    modified_to: datetime | None = None
    vendor_ids: tuple[str, ...] = ()
    bill_numbers: tuple[str, ...] = ()
    record_nos: tuple[str, ...] = ()
    entity_ids: tuple[str, ...] = ()
    bill_date_from: date | None = None

    def covers(self, bill: Bill) -> bool:
        """Whether a bill that was read by its number belongs to this window's entities and days."""
        in_time = not self.bill_date_from or (bill.bill_date is not None and bill.bill_date >= self.bill_date_from)
        return in_time and (not self.entity_ids or bill.entity_id in self.entity_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A record that came with a value that cannot be read, or has no place in Asana. It is there, so it is never gone.

    `key` is empty where the row does not even tell that; `why` names record, field and value, and says how to mend it. The
    texts are the server's own times of change and creation, for the cursor. `has_no_place` says that Asana is what lacks it.
    """

    record_no: str
    key: str
    why: str
    modified_at_text: str = ""
    created_at_text: str = ""
    has_no_place: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """What a stream of changes named since a cursor: the records to look at again, and how far the stream went.

    `newest_text` and `newest_created_text` are the server's own texts, empty where nothing came.
    """

    keys: frozenset[str] = frozenset()
    newest_text: str = ""
    newest_created_text: str = ""
