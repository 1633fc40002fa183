"""Bills that may be entered twice: the same invoice, whoever typed it how, by hand or through Purchasing.

Two bills are compared as a pair, and a short table of rules says which pairs are told. Nothing is scored: each rule names
what has to be the same, and people read exactly that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from intacct_asana.control_ports import Ledger
from intacct_asana.controls.frame import bill_words
from intacct_asana.flow.controls import DuplicateRule
from intacct_asana.records import BillState
from intacct_asana.records.concerns import BillFacts, Concern, concern_id_of
from intacct_asana.text import money_text, short

DUPLICATE = "duplicate"
MOST_TWINS = 3
"""Of a bill that looks like many, so many are told: the nearest in days."""
MONEY_MOVED = (BillState.PAID, BillState.PARTIALLY_PAID, BillState.SELECTED)
PURCHASING = "9.PO"
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two bills, the older one first, and what is the same of them."""

    older: BillFacts
    newer: BillFacts
    rules: DuplicateRule

    @property
    def days(self) -> int | None:
        """From the date of the older one to that of the newer one. None where one has no date."""
        if self.older.bill_date is None or self.newer.bill_date is None:
            return None
        return (self.newer.bill_date - self.older.bill_date).days

    @property
    def is_near(self) -> bool:
        return self.days is not None and abs(self.days) <= self.rules.near_days

    @property
    def is_in_window(self) -> bool:
        """A bill without a date may be of any day."""
        return self.days is None or abs(self.days) <= self.rules.window_days

    @property
    def same_vendor(self) -> bool:
        return self.older.vendor_id == self.newer.vendor_id

    @property
    def alike_vendors(self) -> bool:
        """One vendor, or two that are called the same but for how it is written."""
        return self.same_vendor or (bool(self.older.vendor_like) and self.older.vendor_like == self.newer.vendor_like)

    @property
    def same_number(self) -> bool:
        """As people mean it, also where one has something behind it. `42A` and `42B` are two numbers."""
        one, other = self.older, self.newer
        likes = one.number_like, other.number_like
        return all(likes) and (likes[0] == likes[1] or one.number_stem == likes[1] or other.number_stem == likes[0])

    @property
    def lacks_a_number(self) -> bool:
        return not (self.older.number_like and self.newer.number_like)

    @property
    def swaps_two(self) -> bool:
        """Whether one number is the other with two characters that follow each other the other way round."""
        one, other = self.older.number_like, self.newer.number_like
        differ = [place for place, (mine, theirs) in enumerate(zip(one, other, strict=False)) if mine != theirs]
        return len(one) == len(other) and len(differ) == 2 and differ[1] - differ[0] == 1 and sorted(one) == sorted(other)

    @property
    def same_amount(self) -> bool:
        return (self.older.currency, self.older.amount) == (self.newer.currency, self.newer.amount)

    @property
    def same_attachment(self) -> bool:
        return bool(self.older.document_id) and self.older.document_id == self.newer.document_id


RULES: tuple[tuple[str, Callable[[Pair], bool]], ...] = (
    ("number and amount", lambda p: p.alike_vendors and p.same_number and p.same_amount and p.is_in_window),
    ("number and day", lambda p: p.same_vendor and p.same_number and p.is_near),
    ("attachment and day", lambda p: p.same_attachment and p.same_amount and p.is_near),
    ("attachment", lambda p: p.same_attachment and p.same_amount and p.lacks_a_number and p.is_in_window),
    ("slip and day", lambda p: p.same_vendor and p.swaps_two and p.same_amount and p.is_near),
    ("amount and day", lambda p: p.same_vendor and p.lacks_a_number and p.same_amount and p.is_near),
)
"""What has to be the same, by the name of the rule. The first that holds counts."""


def rule_of(pair: Pair) -> str:
    """By which rule the two may be one bill; empty where they are two."""
    return next((name for name, holds in RULES if holds(pair)), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """The control. `at` is when this run looks."""

    rules: DuplicateRule
    at: datetime

    @property
    def kind(self) -> str:
        return DUPLICATE

    def concerns(self, changed: Sequence[BillFacts], ledger: Ledger) -> Iterable[Concern]:
        for bill in changed:
            for pair, rule in self._pairs(bill, ledger):
                yield from self._told(pair, rule)

    def _pairs(self, bill: BillFacts, ledger: Ledger) -> list[tuple[Pair, str]]:
        if not self._counts(bill):
            return []
        others = {one.key: one for one in self._like(bill, ledger) if one.key != bill.key and self._counts(one)}
        pairs = [self._pair(bill, one) for one in others.values()]
        told = [(pair, rule) for pair in pairs if (rule := rule_of(pair))]
        return sorted(told, key=lambda one: (abs(one[0].days or 0), one[0].older.came, one[0].newer.came))[:MOST_TWINS]

    def _counts(self, bill: BillFacts) -> bool:
        return bill.is_there and bill.vendor_id not in self.rules.except_vendors

    def _like(self, bill: BillFacts, ledger: Ledger) -> Iterator[BillFacts]:
        """Bills of which something is the same. Two bills without a date are no pair by their amount."""
        yield from ledger.same_number(bill.number_like, bill.number_stem)
        yield from ledger.same_document(bill.document_id)
        if bill.bill_date:
            since = _before(bill.bill_date, self.rules.near_days)
            yield from ledger.same_amount(bill.currency, bill.amount, since=since)

    def _pair(self, one: BillFacts, other: BillFacts) -> Pair:
        older, newer = sorted((one, other), key=lambda bill: bill.came)
        return Pair(older=older, newer=newer, rules=self.rules)

    def _told(self, pair: Pair, rule: str) -> Iterator[Concern]:
        """On the newer bill, which waits where the flow blocks, and on the older one as long as that is open."""
        older, newer = pair.older, pair.newer
        if newer.is_open:
            yield self._concern(newer, older, f"{rule}|{older.key}", _twice(pair), blocks=self.rules.mode == "block")
        if older.is_open:
            yield self._concern(older, newer, f"{rule}|{newer.key}", _once_more(pair), blocks=False)

    def _concern(self, bill: BillFacts, other: BillFacts, cause: str, words: str, *, blocks: bool) -> Concern:
        return Concern(
            concern_id=concern_id_of(bill.key, DUPLICATE, cause),
            key=bill.key,
            kind=DUPLICATE,
            cause=cause,
            words=words,
            blocks=blocks,
            found_at=self.at,
            others=(other.key,),
            release_word=self.rules.release_word if blocks else "",
        )


def _before(day: date, days: int) -> date:
    return day - timedelta(days=min(days, (day - date.min).days))


# What people read.


def _twice(pair: Pair) -> str:
    newer, older = pair.newer, pair.older
    days = None if pair.days is None else -pair.days
    return f"{_capital(bill_words(newer))} may be entered twice: {_told_of(older, newer, pair, days)}."


def _once_more(pair: Pair) -> str:
    newer, older = pair.newer, pair.older
    return f"{_capital(bill_words(older))} may have been entered once more: {_told_of(newer, older, pair, pair.days)}."


def _told_of(other: BillFacts, bill: BillFacts, pair: Pair, days: int | None) -> str:
    """The other bill in words: whose, how much, when, and by which way it came."""
    too = f"{money_text(other.amount, other.currency)} too"
    instead = f"{money_text(other.amount, other.currency)} instead of {money_text(bill.amount, bill.currency)}"
    parts = [
        f"{bill_words(other)} of {_whose(other, pair)}",
        too if pair.same_amount else instead,
        _dated(days),
        "with the same attachment" if pair.same_attachment else "",
        _route(other, bill),
        f"in entity {short(other.entity_id, longest=LONGEST_NAME)}" if other.entity_id not in ("", bill.entity_id) else "",
        f"{other.state} in Intacct" if other.state in MONEY_MOVED else "",
    ]
    return ", ".join(part for part in parts if part)


def _whose(other: BillFacts, pair: Pair) -> str:
    if pair.same_vendor:
        return "the same vendor"
    named = f"{short(other.vendor_name, longest=LONGEST_NAME)} ({short(other.vendor_id, longest=LONGEST_NAME)})"
    return f"{named}, a vendor of the same name" if pair.alike_vendors else f"another vendor, {named}"


def _dated(days: int | None) -> str:
    if days is None:
        return "one of them without a date"
    if not days:
        return "dated the same day"
    return f"dated {abs(days)} day{'s' if abs(days) > 1 else ''} {'later' if days > 0 else 'earlier'}"


def _route(other: BillFacts, bill: BillFacts) -> str:
    if (other.module == PURCHASING) == (bill.module == PURCHASING):
        return ""
    return "made by Purchasing" if other.module == PURCHASING else "entered by hand"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
