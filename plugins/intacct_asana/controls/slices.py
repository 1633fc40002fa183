"""A limit cut into bills: several bills that are each just under a line, and together over it.

A line is what somebody would cut an amount for: an approver's limit, or an amount at which a rule of the policy begins or ends.
A bill is looked at in the fullest run of days that it is in, among the bills of its vendor, of vendors that are called the
same, or of whoever entered it. Being just under a line is no sign by itself: what comes every month, what is usual for the
vendor, and what is lost among smaller bills or those just over the line, is ordinary.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from intacct_asana.control_ports import Ledger
from intacct_asana.controls.frame import bill_words
from intacct_asana.flow.controls import SliceRule
from intacct_asana.flow.rules import Approval
from intacct_asana.records.concerns import BillFacts, Concern, concern_id_of
from intacct_asana.text import amount_text, money_text, one_line, short

SLICE = "slice"
LONGEST_NAME = 80
MOST_NAMED = 10
"""Bills and names that are told in one sentence."""
A_MONTH = range(26, 36)
"""Days between two bills of one amount that come every month, or every four weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A line in one base currency. A limit may be reached; at an amount at which a rule begins or ends, it is crossed."""

    currency: str
    amount: Decimal
    may_be_reached: bool
    names: tuple[str, ...]

    def has_under_it(self, bill: BillFacts, percent: int) -> bool:
        least = self.amount * (100 - percent) / 100
        below = bill.base_amount <= self.amount if self.may_be_reached else bill.base_amount < self.amount
        return bill.base_currency == self.currency and least <= bill.base_amount and below

    def is_just_over(self, bill: BillFacts, percent: int) -> bool:
        return self.amount < bill.base_amount <= self.amount * (100 + percent) / 100


def edges_of(approval: Approval) -> list[Edge]:
    """Every line of the policy, lowest first; one for all that is at the same amount."""
    told: dict[tuple[str, Decimal], list[tuple[bool, str]]] = {}
    for approver in approval.approvers:
        for currency, amount in approver.limits.items():
            told.setdefault((currency, amount), []).append((True, f"the limit of {approver.email}"))
    for rule in approval.rules:
        for amounts in (rule.when.amount_from, rule.when.amount_below):
            for currency, amount in amounts.items():
                told.setdefault((currency, amount), []).append((False, f"the rule {rule.name}"))
    edges = [
        Edge(
            currency=currency,
            amount=amount,
            may_be_reached=any(reached for reached, _ in names),
            names=tuple(dict.fromkeys(name for _, name in names)),
        )
        for (currency, amount), names in told.items()
        if amount > 0
    ]
    return sorted(edges, key=lambda edge: (edge.currency, edge.amount))


class Group:
    """Bills that may belong together, in the order of their days."""

    def __init__(self, bills: Iterable[BillFacts], *, rules: SliceRule, by_creator: bool) -> None:
        self.bills = sorted(bills, key=lambda one: (_day(one), one.came))
        self.by_creator, self._rules = by_creator, rules
        self._days = [_day(one) for one in self.bills]
        self._under: dict[Edge, list[BillFacts]] = {}
        self._months: dict[tuple[str, Decimal], list[date]] = {}
        for one in self.bills:
            self._months.setdefault((one.vendor_id, one.base_amount), []).append(_day(one))

    def between(self, first: date, end: date) -> list[BillFacts]:
        """From the first day on; the end does not count."""
        return self.bills[bisect_left(self._days, first) : bisect_left(self._days, end)]

    def under(self, edge: Edge) -> list[BillFacts]:
        """Those just under it that do not come every month."""
        if edge not in self._under:
            percent = self._rules.under_by_percent
            found = (one for one in self.bills if edge.has_under_it(one, percent))
            self._under[edge] = [one for one in found if not self._comes_monthly(one)]
        return self._under[edge]

    def _comes_monthly(self, bill: BillFacts) -> bool:
        """Whether another bill of the vendor has its amount and is about a month away: a rent, a subscription."""
        days = self._months[bill.vendor_id, bill.base_amount]
        return any(abs((day - _day(bill)).days) in A_MONTH for day in days)

    def run_with(self, bill: BillFacts, edge: Edge) -> tuple[BillFacts, ...]:
        """The fullest run of days with this bill in it, of bills under the line; nothing where that is ordinary."""
        length = timedelta(days=self._rules.window_days)
        near = [one for one in self.under(edge) if abs(_day(one) - _day(bill)) < length]
        firsts = {_day(one) for one in near if _day(one) <= _day(bill)}
        runs = [tuple(one for one in near if first <= _day(one) < first + length) for first in sorted(firsts)]
        run = max(runs, key=len, default=())
        if bill not in run or len(run) < self._rules.at_least or total_of(run) <= edge.amount:
            return ()
        return run if self._is_unusual(run, edge) else ()

    def _is_unusual(self, run: Sequence[BillFacts], edge: Edge) -> bool:
        """More than twice as many as are usual, most of the money under the line, and few that are just over it."""
        rules, first = self._rules, _day(run[0])
        length, history = timedelta(days=rules.window_days), timedelta(days=rules.usual_days)
        before = [one for one in self.between(first - history, first) if edge.has_under_it(one, rules.under_by_percent)]
        begins = first - (length - (_day(run[-1]) - first)) / 2
        same_days = [one for one in self.between(begins, begins + length) if one.base_currency == edge.currency]
        below = [one for one in same_days if one.base_amount <= edge.amount]
        over = [one for one in same_days if edge.is_just_over(one, rules.under_by_percent)]
        is_usual = len(run) <= 2 * len(before) * length / history
        return not is_usual and 2 * total_of(run) > total_of(below) and 2 * len(over) < len(run)


def groups_of(bills: Iterable[BillFacts], rules: SliceRule) -> dict[str, list[Group]]:
    """By bill its groups, the vendor's first: within an entity, or across. A vendor goes by the name that it has now."""
    bills = [one for one in bills if one.is_there and one.bill_date]
    names = {one.vendor_id: one.vendor_like for one in sorted(bills, key=lambda one: (_day(one), one.came))}
    together: dict[tuple[str, str, str], list[BillFacts]] = {}
    for one in bills:
        entity = "" if rules.across_entities else one.entity_id
        together.setdefault(("vendor", names[one.vendor_id] or f"id {one.vendor_id}", entity), []).append(one)
        if rules.by_creator and one.created_by:
            together.setdefault(("creator", one.created_by.casefold(), entity), []).append(one)
    found: dict[str, list[Group]] = {}
    for (what, *_), members in sorted(together.items(), reverse=True):
        group = Group(members, rules=rules, by_creator=what == "creator")
        for one in members:
            found.setdefault(one.key, []).append(group)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """Bills under one line, in the order of their days, and whether it is only who entered them that they have in common."""

    edge: Edge
    bills: tuple[BillFacts, ...]
    by_creator: bool = False


def slices_with(bill: BillFacts, groups: Sequence[Group], edges: Sequence[Edge], *, percent: int) -> Slices | None:
    """Those of one vendor before those of one creator, then the most bills, then those under the lowest line."""
    found = [
        Slices(edge=edge, bills=run, by_creator=group.by_creator)
        for edge in edges
        if edge.has_under_it(bill, percent)
        for group in groups
        if (run := group.run_with(bill, edge)) and not (group.by_creator and len({one.vendor_id for one in run}) == 1)
    ]
    return max(found, key=lambda one: (not one.by_creator, len(one.bills), -one.edge.amount), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicedLimits:
    """The control. `at` is when this run looks."""

    rules: SliceRule
    approval: Approval
    at: datetime

    @property
    def kind(self) -> str:
        return SLICE

    def concerns(self, changed: Sequence[BillFacts], ledger: Ledger) -> Iterable[Concern]:
        """Of these bills, and of those that may be cut from the same amount. A bill that is under no line is in nothing."""
        edges, percent = edges_of(self.approval), self.rules.under_by_percent

        def is_under(one: BillFacts) -> bool:
            return one.is_there and one.bill_date is not None and any(edge.has_under_it(one, percent) for edge in edges)

        asked = {one.key: one for one in changed if is_under(one)}
        if not asked:
            return
        since = min(_day(one) for one in asked.values()) - timedelta(days=self.rules.known_days)
        known = ledger.dated(since=since)
        groups = groups_of(known, self.rules)
        length = timedelta(days=self.rules.window_days - 1)
        near = {
            one.key: one
            for bill in asked.values()
            for group in groups[bill.key]
            for one in group.between(_day(bill) - length, _day(bill) + length + timedelta(days=1))
        }
        for bill in {**near, **asked}.values():
            if bill.is_open and is_under(bill) and (found := slices_with(bill, groups[bill.key], edges, percent=percent)):
                yield self._concern(bill, found)

    def _concern(self, bill: BillFacts, found: Slices) -> Concern:
        blocks = self.rules.mode == "block"
        cause = f"{amount_text(found.edge.amount)} {found.edge.currency}|{','.join(sorted(one.key for one in found.bills))}"
        return Concern(
            concern_id=concern_id_of(bill.key, SLICE, cause),
            key=bill.key,
            kind=SLICE,
            cause=cause,
            words=slice_words(bill, found),
            blocks=blocks,
            found_at=self.at,
            others=tuple(one.key for one in found.bills if one.key != bill.key),
            release_word=self.rules.release_word if blocks else "",
        )


def total_of(bills: Iterable[BillFacts]) -> Decimal:
    return sum((one.base_amount for one in bills), Decimal(0))


def _day(bill: BillFacts) -> date:
    """Of a bill that has one."""
    assert bill.bill_date
    return bill.bill_date


# What people read.


def slice_words(bill: BillFacts, found: Slices) -> str:
    """`Bill INV-3 is one of 5 bills of Office Depot, within 9 days, each just under 1,000.00 USD (the limit of ...) ...`"""
    edge, others = found.edge, [one for one in found.bills if one.key != bill.key]
    days = (_day(found.bills[-1]) - _day(found.bills[0])).days
    when = f"within {days + 1} days" if days else "on one day"
    name = bill_words(bill)
    said = f"{name[:1].upper()}{name[1:]} is one of {len(found.bills)} bills {_whose(bill, found)}, dated {when}, that are"
    said += f" each just under {money_text(edge.amount, edge.currency)} ({_listed(edge.names)}) and"
    said += f" {money_text(total_of(found.bills), edge.currency)} together. The others: "
    return said + _listed([f"{bill_words(one).removeprefix('bill ')} {money_text(one.base_amount)}" for one in others]) + "."


def _whose(bill: BillFacts, found: Slices) -> str:
    names = list(dict.fromkeys(short(one.vendor_name, longest=LONGEST_NAME) or one.vendor_id for one in found.bills))
    if found.by_creator:
        return f"that {one_line(bill.created_by)} entered ({_listed(names)})"
    ids = list(dict.fromkeys(one.vendor_id for one in found.bills))
    return f"of {_listed(names)}" + (f" (vendors {_listed(ids)})" if len(ids) > 1 else "")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
