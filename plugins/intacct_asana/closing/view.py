"""What was open at the end of a day, and who held it: worked out from facts and evidence of before that end alone.

Nothing that happened later is looked at, so the same question has the same answer, whenever it is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import takewhile
from zoneinfo import ZoneInfo

from intacct_asana.approvals.routing import Voice, due_words, progress_of, route_of
from intacct_asana.closing.facts import BillThen, ExceptionThen, Told
from intacct_asana.flow.rules import Approval
from intacct_asana.records import ON_THE_WAY, Bill, BillLine, BillState, DecisionState, Verdict
from intacct_asana.records.recorded import Recorded, recorded_in
from intacct_asana.text import short

POSTED = frozenset({BillState.POSTED, BillState.SELECTED, BillState.PARTIALLY_PAID})
"""Open states in which a bill is in the general ledger. What `No Value` means is documented nowhere: it is not among them."""
LONGEST_WORDS = 300
LATE = timedelta(minutes=15)
"""A run that began before the end of a day may keep what it read so long after it."""


class Approved(StrEnum):
    """How the approval of a bill stood."""

    YES = "approved"
    REJECTED = "rejected"
    ON_THE_WAY = "on its way"
    PARKED = "parked"
    PARTLY = "partly"
    NO = "no"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A bill as it was from `at` on. Once it was over, `bill` is what it was until then."""

    at: datetime
    bill: BillThen
    is_open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """All that was known at the end of `day`, in `zone`. `bills` are those that were open, each with what it was, oldest first.

    `began_at` is when the first bill was kept, `whole_at` when all open ones had been read first, `looked_at` when bills were
    read last; None for never. `approval` are the rules of then; None where nobody knows them.
    """

    flow: str
    day: date
    zone: ZoneInfo
    bills: Mapping[str, Sequence[Seen]]
    unread: Sequence[str] = ()
    """Keys of open bills that another release kept in a way that this one does not know."""

    told: Sequence[Told] = ()
    exceptions: Sequence[ExceptionThen] = ()
    approval: Approval | None = None
    first_shown: Mapping[str, datetime] = field(default_factory=dict)
    began_at: datetime | None = None
    whole_at: datetime | None = None
    looked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One open bill. Ages are whole days until the day of the view; None where the day is not known."""

    key: str
    bill: BillThen
    approved: Approved
    parked: str
    waits_for: str
    exceptions: tuple[str, ...]
    since_bill_date: int | None
    since_known: int
    waits: int

    @property
    def is_unposted(self) -> bool:
        return self.bill.state not in POSTED

    @property
    def is_unapproved(self) -> bool:
        return self.approved is not Approved.YES

    @property
    def is_parked(self) -> bool:
        return bool(self.parked)

    @property
    def kinds(self) -> tuple[str, ...]:
        """What somebody has to see to before the books are closed."""
        held = {"unposted": self.is_unposted, "unapproved": self.is_unapproved, "parked": self.is_parked}
        return tuple(name for name, is_so in held.items() if is_so)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The bills that were open, held or not, in a fixed order; `notes` are what people have to know about them first."""

    flow: str
    day: date
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    @property
    def held(self) -> list[Row]:
        return [row for row in self.rows if row.kinds]


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The instant at which the day is over there: midnight, which belongs to the next one."""
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=zone)


def view_of(known: Known) -> View:
    decisions = _decisions(known.told)
    owned: dict[str, list[str]] = {}
    for one in sorted(known.exceptions, key=lambda one: (one.about, one.title, one.owner)):
        owned.setdefault(one.about, []).append(short(f"{one.owner}: {one.title}", longest=LONGEST_WORDS))
    holding = (
        _Holding(known=known, key=key, seen=seen, decided=decisions.get(key, ()), owned=owned.get(key, ()))
        for key, seen in known.bills.items()
    )
    rows = [one.row() for one in holding]
    order = sorted(rows, key=lambda row: (row.bill.entity_id, row.bill.period, row.bill.vendor_id, row.bill.number, row.key))
    return View(flow=known.flow, day=known.day, rows=tuple(order), notes=tuple(_notes(known)))


def _notes(known: Known) -> Iterator[str]:
    """The same for the same day, whenever it is asked."""
    end, zone = end_of(known.day, known.zone), known.zone
    if known.began_at is None:
        yield f"Nothing was known at the end of {known.day}: what bills said is kept since a later day."
        return
    if known.whole_at is None:
        began = known.began_at.astimezone(zone)
        yield (
            f"What bills said is kept since {began:%Y-%m-%d %H:%M}, and by the end of {known.day} not every open bill had been "
            "read since: some are missing here."
        )
    if known.looked_at and end - known.looked_at > timedelta(hours=2):
        last = known.looked_at.astimezone(zone)
        yield f"Bills were read last on {last:%Y-%m-%d at about %H:00}; what changed in Intacct after that is not in here."
    if known.unread:
        keys = short(", ".join(known.unread), longest=LONGEST_WORDS)
        yield (
            f"{len(known.unread)} open bill(s) missing here, since another release kept what they said: {keys}. "
            "The release that did shows them."
        )
    if known.approval is None:
        yield "The approval rules of that day are not known, so nobody is named whose turn it was."


def not_over(day: date, zone: ZoneInfo, *, now: datetime) -> str:
    """What to say of a day that is not over yet, or only just: asked again, it may show more. Empty for any other."""
    if now >= end_of(day, zone) + LATE:
        return ""
    return f"{day} is not over yet: this is what is known so far, and asked again it may show something else."


# Decisions as they were.


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    """A decision with its last state, since when, and what was said of it."""

    recorded: Recorded
    state: DecisionState
    since: datetime
    words: str


def _decisions(told: Sequence[Told]) -> dict[str, list[_Decided]]:
    last: dict[str, tuple[DecisionState, datetime, str]] = {}
    for row in told:
        if (step := row.said.get("step")) in set(DecisionState):
            last[row.decision_id] = DecisionState(str(step)), row.at, str(row.said.get("outcome") or "")
    found: dict[str, list[_Decided]] = {}
    for one in recorded_in((row.key, row.decision_id, row.said) for row in told):
        if one.decision_id in last:
            state, since, words = last[one.decision_id]
            found.setdefault(one.key, []).append(_Decided(recorded=one, state=state, since=since, words=words))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holding:
    """One bill, and what says who held it."""

    known: Known
    key: str
    seen: Sequence[Seen]
    decided: Sequence[_Decided]
    owned: Sequence[str]

    def row(self) -> Row:
        bill, day = self.bill, self.known.day
        return Row(
            key=self.key,
            bill=bill,
            approved=self.approved,
            parked=self.parked,
            waits_for=self._waits_for(),
            exceptions=tuple(self.owned),
            since_bill_date=(day - bill.bill_date).days if bill.bill_date else None,
            since_known=self._days(self._known_since()),
            waits=self._days(self._waits_since()),
        )

    @property
    def bill(self) -> BillThen:
        return self.seen[-1].bill

    def _in(self, *states: DecisionState) -> list[_Decided]:
        return sorted((one for one in self.decided if one.state in states), key=_order)

    @property
    def approved(self) -> Approved:
        if confirmed := self._in(DecisionState.CONFIRMED):
            # A rejection may have countered an approval.
            return Approved.YES if confirmed[-1].recorded.verdict is Verdict.APPROVE else Approved.REJECTED
        if self.parked:
            return Approved.PARKED
        if self._in(*ON_THE_WAY):
            return Approved.ON_THE_WAY
        return Approved.PARTLY if self._in(DecisionState.GRANTED) else Approved.NO

    @property
    def parked(self) -> str:
        """What decisions wait for, in the words that their tasks were told; empty where none does."""
        return "; ".join(_line(one.words) for one in self._in(DecisionState.PARKED))

    # Who held it.

    def _waits_for(self) -> str:
        approved, state = self.approved, self.bill.state
        if self.parked:
            return f"parked: {self.parked}"
        if approved is Approved.ON_THE_WAY:
            return "the integration: a decision is on its way"
        if approved is Approved.REJECTED:
            rejected = self._in(DecisionState.CONFIRMED)[-1].recorded
            return f"rejected by {rejected.email or rejected.name}: {_line(rejected.reason)}"
        if approved is Approved.YES:
            return "" if state in POSTED else f"Intacct: {state}"
        if not self._is_decidable(self.bill):
            by = f", entered by {self.bill.created_by}" if self.bill.created_by else ""
            return f"Intacct: {state}{by}"
        return self._due()

    def _is_decidable(self, bill: BillThen) -> bool:
        return self.known.approval is None or bill.state in self.known.approval.states

    def _due(self) -> str:
        if self.known.approval is None:
            return "not known"
        given = [one.recorded for one in self._in(DecisionState.GRANTED)]
        voices = [
            Voice(email=one.email.casefold(), on=one.at.astimezone(self.known.zone).date(), decision_id=one.decision_id)
            for one in given
        ]
        return due_of(self.key, self.bill, self.known.approval, voices, on=self.known.day).words

    # Since when.

    def _known_since(self) -> datetime:
        first = self.seen[0].at
        return min(first, self.known.first_shown.get(self.key, first))

    def _waits_since(self) -> datetime:
        """From when it was somebody's turn: since what happened last to it or to its decisions."""
        of_decisions = max((one.since for one in self.decided), default=None)
        if self.approved in (Approved.PARKED, Approved.ON_THE_WAY, Approved.REJECTED) and of_decisions:
            return of_decisions
        if self.approved is Approved.YES or not self._is_decidable(self.bill):
            return self._since(lambda bill: bill.state is self.bill.state)
        turn = self._since(self._is_decidable)
        return max(turn, of_decisions) if of_decisions else turn

    def _since(self, holds: Callable[[BillThen], bool]) -> datetime:
        """From when on it was so without a break, as far as we know."""
        so_far = [seen.at for seen in takewhile(lambda seen: seen.is_open and holds(seen.bill), reversed(self.seen))]
        return self._known_since() if len(so_far) == len(self.seen) else so_far[-1]

    def _days(self, at: datetime) -> int:
        return (self.known.day - at.astimezone(self.known.zone).date()).days


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Who may give the step that is due, in words, and which step that is; empty where there is no rule, or one step alone."""

    words: str
    step: str = ""


def due_of(key: str, then: BillThen, approval: Approval, voices: Sequence[Voice], *, on: date) -> Due:
    """By the rules, given the approvals that count so far, oldest first."""
    route = route_of(_bill(key, then), approval, vendor_person=lambda field, bill: then.named.get(field, ""))
    if route is None:
        return Due(words="nobody: no rule of the policy is for it")
    progress = progress_of(route, voices)
    is_named = bool(approval.rules) and not progress.is_complete
    return Due(
        words=due_words(progress, on=on, name_of=str) if not progress.is_complete else "the integration",
        step=route.name_of(progress.place) if is_named else "",
    )


def _order(one: _Decided) -> tuple[datetime, str]:
    return one.recorded.at, one.recorded.decision_id


def _line(words: str) -> str:
    return short(words, longest=LONGEST_WORDS)


def _bill(key: str, then: BillThen) -> Bill:
    """As rules look at it."""
    return Bill(
        bill_key=key,
        record_no=then.record_no,
        bill_number=then.number,
        vendor_id=then.vendor_id,
        vendor_name=then.vendor_name,
        state=then.state,
        base_currency=then.currency,
        total_entered=then.amount,
        entity_id=then.entity_id,
        lines=tuple(
            BillLine(
                record_no=str(place),
                line_no=place,
                account_no=part.account,
                account_title=part.account_title,
                amount=part.amount,
                transaction_amount=part.amount,
                department_id=part.department,
                project_id=part.project,
            )
            for place, part in enumerate(then.parts, start=1)
        ),
    )
