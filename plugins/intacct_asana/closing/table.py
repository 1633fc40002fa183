"""The close view as people take it away: rows of bills, and sums by what they choose, on the screen and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from intacct_asana.audit.export import defused
from intacct_asana.audit.pack import amount_cell
from intacct_asana.closing.facts import Part
from intacct_asana.closing.view import Row, View
from intacct_asana.errors import Misconfigured

PARTED = frozenset({"account", "project"})
"""What lines differ in: a bill has a place in each, with what its lines there come to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """A bill, or the part of it that its lines of one account and project are."""

    row: Row
    account: str = ""
    project: str = ""
    amount: Decimal


BY: Mapping[str, Callable[[Portion], str]] = MappingProxyType(
    {
        "entity": lambda one: one.row.bill.entity_id,
        "period": lambda one: one.row.bill.period,
        "account": lambda one: one.account,
        "project": lambda one: one.project,
    }
)
"""What sums can be made by. The currency always is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Bills and their amount: all that were open, and those of them that were unposted, unapproved, parked."""

    group: tuple[str, ...]
    currency: str
    open: tuple[int, Decimal]
    unposted: tuple[int, Decimal]
    unapproved: tuple[int, Decimal]
    parked: tuple[int, Decimal]


def by_of(text: str) -> tuple[str, ...]:
    """`entity,period` as names. Raises Misconfigured for what nothing can be summed by."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if wrong := [name for name in names if name not in BY]:
        told = f"write some of {', '.join(BY)}, with commas between"
        raise Misconfigured(f"Bills cannot be summed by {', '.join(wrong)}; {told}.")
    return names


def portions_of(rows: Iterable[Row], by: Sequence[str]) -> Iterator[Portion]:
    """One for each bill; one for each account or project of its lines where it goes by those. They sum up to the bill."""
    for row in rows:
        if not PARTED & set(by):
            yield Portion(row=row, amount=row.bill.amount)
            continue
        sums: dict[tuple[str, str], Decimal] = {}
        for part in _parts(row):
            place = (part.account if "account" in by else "", part.project if "project" in by else "")
            sums[place] = sums.get(place, Decimal(0)) + part.amount
        for (account, project), amount in sums.items():
            yield Portion(row=row, account=account, project=project, amount=amount)


def _parts(row: Row) -> list[Part]:
    """With what the lines do not say: where they were not told, or do not add up to the bill."""
    left = row.bill.amount - sum((part.amount for part in row.bill.parts), Decimal(0))
    return [*row.bill.parts, Part(account="", amount=left)] if left or not row.bill.parts else [*row.bill.parts]


def sums_of(view: View, by: Sequence[str]) -> list[Sum]:
    """By group and currency, in their order; a group in which nothing is held stands with what is open in it."""
    groups: dict[tuple[tuple[str, ...], str], list[Portion]] = {}
    for one in portions_of(view.rows, by):
        groups.setdefault((tuple(BY[name](one) for name in by), one.row.bill.currency), []).append(one)
    return [
        Sum(
            group=group,
            currency=currency,
            open=_sum(ones),
            unposted=_sum(one for one in ones if one.row.is_unposted),
            unapproved=_sum(one for one in ones if one.row.is_unapproved),
            parked=_sum(one for one in ones if one.row.is_parked),
        )
        for (group, currency), ones in sorted(groups.items())
    ]


def _sum(portions: Iterable[Portion]) -> tuple[int, Decimal]:
    taken = list(portions)
    return len({one.row.key for one in taken}), sum((one.amount for one in taken), Decimal(0))


COLUMNS = (
    *("as_of", "flow", "entity", "entity_name", "period", "account", "project", "vendor", "vendor_name", "bill", "record_no"),
    *("state", "posted", "approved", "parked", "on_hold", "bill_date", "posting_date", "due_date", "currency", "amount"),
    "still_due",
    *("bill_currency", "bill_amount", "waits_for", "exceptions", "days_since_bill_date", "days_since_known", "days_waiting"),
    "key",
)
SUMMED = ("open", "unposted", "unapproved", "parked")
SUM_COLUMNS = ("currency", *(f"{name}_{what}" for name in SUMMED for what in ("bills", "amount")))


def rows_csv(view: View, by: Sequence[str] = ()) -> str:
    """What is held, a row a bill, or a row for each of its accounts or projects where it goes by those."""
    return _csv(COLUMNS, (_cells(view, one) for one in portions_of(view.held, by)))


def sums_csv(view: View, by: Sequence[str]) -> str:
    return _csv((*by, *SUM_COLUMNS), (sum_cells(one) for one in sums_of(view, by)))


def sum_cells(one: Sum) -> list[str]:
    pairs = (one.open, one.unposted, one.unapproved, one.parked)
    return [*one.group, one.currency, *(cell for count, amount in pairs for cell in (str(count), amount_cell(amount)))]


def _cells(view: View, one: Portion) -> list[str]:
    row, bill = one.row, one.row.bill
    days = (bill.bill_date, bill.posted_on, bill.due_on)
    ages = (row.since_bill_date, row.since_known, row.waits)
    # What of a part is due still, and what it is in the bill's own currency, nobody told.
    is_whole = one.amount == bill.amount
    return [
        *(view.day.isoformat(), view.flow, bill.entity_id, bill.entity_name, bill.period, one.account, one.project),
        *(bill.vendor_id, bill.vendor_name, bill.number, bill.record_no, str(bill.state)),
        *(_yes(not row.is_unposted), str(row.approved), row.parked, _yes(bill.on_hold)),
        *(day.isoformat() if day else "" for day in days),
        *(bill.currency, amount_cell(one.amount), amount_cell(bill.due) if is_whole else ""),
        *(bill.bill_currency, amount_cell(bill.bill_amount) if is_whole else ""),
        *(row.waits_for, "; ".join(row.exceptions)),
        *("" if age is None else str(age) for age in ages),
        row.key,
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _csv(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """CRLF, every cell quoted, and none of them a formula to a spreadsheet: much of the text is a vendor's."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return "\ufeff" + written.getvalue()
