"""What is kept of a bill whenever something of it changed, and of what else says who held it: facts that nobody changes later.

A fact is text under a kind and a key. Only a change is kept, so what a day looked like is the last fact before its end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from intacct_asana.records import Bill, BillState

BILL, EXCEPTION, RULES, LOOK = "bill", "exception", "rules", "look"
"""Kinds of facts: a bill, an exception with its owner, the approval rules of the flow file, and when bills were read."""
APPROVAL = "approval"
"""The fact that holds the approval rules of the flow file."""
WHOLE = "whole"
"""The fact that all open bills had been read; every other one of its kind is an hour in which bills were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """`text` is what holds now. What is not open holds nothing any more, and keeps the text that it had."""

    text: str
    is_open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A fact as the store has it. `at` is our clock, UTC."""

    kind: str
    key: str
    at: datetime
    text: str
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One row of the evidence about a bill's decision."""

    key: str
    decision_id: str
    at: datetime
    said: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What the lines of one account, project and department come to, in the base currency."""

    account: str
    account_title: str = ""
    project: str = ""
    project_name: str = ""
    department: str = ""
    amount: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillThen:
    """A bill as it was read. `amount` and `due` are in `currency`, its base currency; `bill_amount` in the bill's own.

    `named` are the addresses that fields of its vendor named then, for the steps that go by one.
    """

    record_no: str
    number: str
    vendor_id: str
    vendor_name: str
    state: BillState
    entity_id: str = ""
    entity_name: str = ""
    bill_date: date | None = None
    posted_on: date | None = None
    due_on: date | None = None
    currency: str = ""
    amount: Decimal = Decimal(0)
    due: Decimal = Decimal(0)
    bill_currency: str = ""
    bill_amount: Decimal = Decimal(0)
    on_hold: bool = False
    created_by: str = ""
    url: str = ""
    parts: tuple[Part, ...] = ()
    named: Mapping[str, str] = field(default_factory=dict)

    @property
    def period(self) -> str:
        """The month of the posting date, or of the bill date where there is none; empty without either."""
        day = self.posted_on or self.bill_date
        return f"{day:%Y-%m}" if day else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionThen:
    """An exception that has an owner, about the bill with the key `about`."""

    about: str
    kind: str
    title: str
    owner: str
    opened_at: datetime


def bill_then(bill: Bill, *, base_currency: str = "", named: Mapping[str, str] | None = None) -> BillThen:
    """`base_currency` is the company's, where the bill does not say it."""
    return BillThen(
        record_no=bill.record_no,
        number=bill.bill_number,
        vendor_id=bill.vendor_id,
        vendor_name=bill.vendor_name,
        state=bill.state,
        entity_id=bill.entity_id,
        entity_name=bill.entity_name,
        bill_date=bill.bill_date,
        posted_on=bill.posted_on,
        due_on=bill.due_on,
        currency=bill.base_currency or base_currency,
        amount=bill.total_entered,
        due=bill.total_due,
        bill_currency=bill.currency,
        bill_amount=bill.transaction_total_entered,
        on_hold=bill.on_hold,
        created_by=bill.created_by,
        url=bill.record_url,
        parts=_parts(bill),
        named=dict(named or {}),
    )


def _parts(bill: Bill) -> tuple[Part, ...]:
    """Lines of one account, project and department together, in the order of the bill."""
    sums: dict[tuple[str, str, str], Decimal] = {}
    names: dict[tuple[str, str, str], tuple[str, str]] = {}
    for line in sorted(bill.lines, key=lambda line: line.place):
        place = line.account_no, line.project_id, line.department_id
        sums[place] = sums.get(place, Decimal(0)) + line.amount
        names.setdefault(place, (line.account_title, line.project_name))
    return tuple(
        Part(
            account=place[0],
            account_title=names[place][0],
            project=place[1],
            project_name=names[place][1],
            department=place[2],
            amount=amount,
        )
        for place, amount in sums.items()
    )
