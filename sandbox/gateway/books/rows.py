"""The rows of the stand-in's company. Slots keep 200,000 bills with their lines in a few hundred megabytes.

Money is in integer cents, instants are whole seconds since 1970 (Intacct's resolution), days are `date`. `modified_at` is
None where Intacct would hold no value.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any


@dataclass(slots=True, kw_only=True, eq=False)
class User:
    record_no: int
    login: str
    name: str
    email: str = ""
    status: str = "active"
    web_services_only: bool = False
    admin: str = "off"


NOBODY = User(record_no=0, login="", name="")
"""Stands where a record does not say who made it."""


@dataclass(slots=True, kw_only=True, eq=False)
class Purchase:
    """A document of Purchasing that a bill comes from."""

    record_no: int
    name: str
    state: str = "Approved"
    approved_by: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True, eq=False)
class Summary:
    """The bills that are posted on one day. A closed one takes no changes."""

    record_no: int
    day: date


@dataclass(slots=True, kw_only=True, eq=False)
class Dimension:
    """A GL account, department, location, class or project. Entities are locations of their own currency."""

    record_no: int
    id: str
    name: str
    status: str = "active"
    parent: str = ""
    currency: str = ""
    entity: str = ""
    kind: str = ""
    created_at: int = 0
    modified_at: int | None = None


NOTHING = Dimension(record_no=0, id="", name="")
"""Stands where a line has no department, project and so on, so that getters need no condition."""


LACKING: dict[str, Any] = {"created_by": NOBODY, "number": "", "entity": NOTHING, "bill_date": None, "due_on": None}
"""What bills of live companies come without, by attribute."""


@dataclass(slots=True, kw_only=True, eq=False)
class Vendor:
    record_no: int
    vendor_id: str
    name: str
    created_by: User
    modified_by: User
    created_at: int
    modified_at: int | None
    status: str = "active"
    state: str = "A"
    on_hold: bool = False
    one_time: bool = False
    kind: str = ""
    term: str = "Net 30"
    currency: str = "USD"
    credit_limit: int | None = None
    total_due: int = 0
    priority: str = "Normal"
    comments: str = ""
    tax_id: str = ""
    entity: Dimension = NOTHING
    custom: dict[str, str] = field(default_factory=dict)
    contacts: tuple[str, ...] = ("Main contact",)
    """The contact list: names, with their category in front where one was sent."""
    kept: dict[str, Any] | None = None
    """What was written into fields that nothing else here depends on, by field; the contacts' too."""
    waiting: dict[str, Any] | None = None
    before: dict[str, Any] | None = None


NO_VENDOR = Vendor(
    record_no=0,
    vendor_id="",
    name="",
    created_by=NOBODY,
    modified_by=NOBODY,
    created_at=0,
    modified_at=None,
    term="",
    currency="",
    contacts=(),
)
"""Stands where a draft has no vendor yet."""


@dataclass(slots=True, kw_only=True, eq=False)
class Line:
    record_no: int
    bill_no: int
    line_no: int
    account: Dimension
    amount: int
    trx_amount: int
    created_at: int
    modified_at: int | None
    description: str = ""
    department: Dimension = NOTHING
    location: Dimension = NOTHING
    project: Dimension = NOTHING
    cls: Dimension = NOTHING
    released: bool = True
    paid: int = 0
    trx_paid: int = 0
    kept: dict[str, Any] | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Bill:
    record_no: int
    number: str
    vendor: Vendor
    state: str
    bill_date: date | None
    due_on: date | None
    currency: str
    base_currency: str
    rate: int
    entity: Dimension
    created_by: User
    modified_by: User
    created_at: int
    modified_at: int | None
    lines: list[Line]
    posted_on: date | None = None
    paid_on: date | None = None
    reference: str = ""
    description: str = ""
    document_id: str = ""
    module: str = "3.AP"
    source_key: int | None = None
    entered: int = 0
    selected: int = 0
    paid: int = 0
    trx_entered: int = 0
    trx_selected: int = 0
    trx_paid: int = 0
    on_hold: bool = False
    priority: str = "normal"
    term: str = "Net 30"
    attachment: str = ""
    approved_by: tuple[str, ...] = ()
    """Who approved it since it was submitted, a login for each level."""
    custom: dict[str, str] = field(default_factory=dict)
    kept: dict[str, Any] | None = None

    @property
    def due(self) -> int:
        return self.entered - self.paid

    @property
    def summary_day(self) -> date:
        return self.posted_on or self.bill_date or datetime.fromtimestamp(self.created_at, UTC).date()

    @property
    def trx_due(self) -> int:
        return self.trx_entered - self.trx_paid

    def to_base(self, cents: int) -> int:
        """`cents` of the bill's currency in the base currency. `rate` is in millionths, half rounds up."""
        whole = (abs(cents) * self.rate + 500_000) // 1_000_000
        return whole if cents >= 0 else -whole


def totals_of(lines: Iterable[Line]) -> dict[str, int]:
    """A bill's header totals from its lines, by attribute name."""
    listed = list(lines)
    return {
        "entered": sum(line.amount for line in listed),
        "trx_entered": sum(line.trx_amount for line in listed),
        "paid": sum(line.paid for line in listed),
        "trx_paid": sum(line.trx_paid for line in listed),
    }


@dataclass(slots=True, kw_only=True, eq=False)
class Detail:
    """One row of APPYMTDETAIL: what a payment gives to one line of a bill, or, without a bill, to a credit memo.

    `amount` is money; `discount` and `credit` settle the line beside it.
    """

    record_no: int
    payment_no: int
    bill_no: int | None
    line_no: int | None
    amount: int
    trx_amount: int
    currency: str
    paid_on: date
    state: str
    created_by: User
    created_at: int
    modified_at: int | None
    discount: int = 0
    trx_discount: int = 0
    credit: int = 0
    trx_credit: int = 0
    memo_no: int | None = None

    @property
    def settles(self) -> int:
        return self.amount + self.discount + self.credit

    @property
    def trx_settles(self) -> int:
        return self.trx_amount + self.trx_discount + self.trx_credit


@dataclass(slots=True, kw_only=True, eq=False)
class Payment:
    """`is_taken_back` holds whatever shows of it: a void need not change the payment's own row."""

    record_no: int
    vendor: Vendor
    method: str
    state: str
    paid_on: date
    currency: str
    base_currency: str
    entity: Dimension
    created_by: User
    modified_by: User
    created_at: int
    modified_at: int | None
    details: list[Detail]
    bank: str = "OPER_CHK"
    number: str = ""
    description: str = ""
    entered: int = 0
    trx_entered: int = 0
    cleared: bool = False
    is_taken_back: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Audit:
    record_no: int
    id: str
    object_type: str
    object_key: str
    mode: str
    at: int
    user: str
    source: str
    action: str = ""
    changed: dict[str, Any] | None = None
    """What an update over the API turned into what; no API tells it."""
    named: str = ""
    """The fields that it changed; shown by a company whose history names them."""
