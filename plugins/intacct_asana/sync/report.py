"""What a run over many things came to, the one error that it fails with, and how far it is while it works."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply

Item = TypeVar("Item")
NAMED_FAILURES = 5
MOST_SAID = 20
SAY_EVERY = timedelta(seconds=15)

MOST_TELLING_FIRST: tuple[type[IntacctAsanaError], ...] = (Misconfigured, UnexpectedReply, OutcomeUnknown, TryLater, Refused)
"""What a person must mend, then what a repeat can finish, then what the other side will refuse again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that was not done, or not wholly, and why. `kind` says what was to be done with it; may be empty."""

    key: str
    error: IntacctAsanaError
    kind: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.error.message}".lstrip()


@dataclass(slots=True, kw_only=True)
class Report:
    """Counts and money by kind of what was done, or by how it ended; money by base currency, too.

    `writes` is how many writes were sent.
    `already_done` were seen to by another try or run; `waiting` stay behind one that failed; `not_started` were dropped when
    the run stopped early. `said` are sentences for people, by what they are about.
    """

    noun: str = "tasks"
    """What fails, when something does."""

    done: Counter[str] = field(default_factory=Counter)
    money: dict[str, Decimal] = field(default_factory=dict)
    by_currency: dict[str, Decimal] = field(default_factory=dict)
    said: dict[str, list[str]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    writes: int = 0
    already_done: int = 0
    waiting: int = 0
    not_started: int = 0

    def counts(self) -> dict[str, int]:
        return dict(self.done)

    def count(self, kind: str, amount: Decimal | None = None, *, currency: str = "") -> None:
        """`amount` is in the base currency `currency`, where that is known."""
        self.done[kind] += 1
        if amount is not None:
            self.money[kind] = self.money.get(kind, Decimal(0)) + abs(amount)
            if currency:
                self.by_currency[currency] = self.by_currency.get(currency, Decimal(0)) + abs(amount)

    def say(self, about: str, sentence: str) -> None:
        self.said.setdefault(about, []).append(sentence)

    def fail(self, key: str, error: IntacctAsanaError, *, kind: str = "") -> None:
        self.failures.append(Failure(key=key, kind=kind, error=error))

    def each(self, items: Sequence[Item], work: Callable[[Item], None], *, key: Callable[[Item], str]) -> None:
        """Does `work` with each. One that fails does not stop the others, but a Misconfigured does: it would meet them all."""
        for place, item in enumerate(items, 1):
            try:
                work(item)
            except IntacctAsanaError as error:
                self.fail(key(item), error)
                if isinstance(error, Misconfigured):
                    self.not_started += len(items) - place
                    return

    def summary(self) -> dict[str, object]:
        """JSON-able, money as text, the first few sentences; for the run's page and the store."""
        more: dict[str, object] = {
            "money": {kind: str(amount) for kind, amount in self.money.items()},
            "worth": {currency: str(amount) for currency, amount in self.by_currency.items()},
            "waiting": self.waiting,
            "said": {about: sentences[:MOST_SAID] for about, sentences in self.said.items()},
        }
        return {
            "done": self.counts(),
            "written": self.writes,
            "already_done": self.already_done,
            "not_started": self.not_started,
            "failed": len(self.failures),
            "failures": [str(failure) for failure in self.failures[:MOST_SAID]],
            **{name: value for name, value in more.items() if value},
        }

    def raise_if_failed(self) -> None:
        """Raises one of our errors when anything failed: the most telling kind, naming the first few keys."""
        for kind in MOST_TELLING_FIRST:
            if errors := [failure.error for failure in self.failures if isinstance(failure.error, kind)]:
                raise self._summed(kind, errors)
        if self.failures:
            raise self._summed(UnexpectedReply, [failure.error for failure in self.failures])

    def _summed(self, kind: type[IntacctAsanaError], errors: list[IntacctAsanaError]) -> IntacctAsanaError:
        message, code = self._message(kind), errors[0].code
        if kind is TryLater:
            waits = [error.wait_seconds for error in errors if isinstance(error, TryLater) and error.wait_seconds]
            return TryLater(message, code=code, wait_seconds=max(waits, default=None))
        if kind is Misconfigured:
            problems = [problem for error in errors if isinstance(error, Misconfigured) for problem in error.problems]
            return Misconfigured(message, problems=tuple(dict.fromkeys(problems)), code=code)
        return kind(message, code=code)

    def _message(self, kind: type[IntacctAsanaError]) -> str:
        """The failures of the telling kind first, so that the message explains the class of the error."""
        ordered = sorted(self.failures, key=lambda failure: not isinstance(failure.error, kind))
        listed = "".join(f"\n  - {failure}" for failure in ordered[:NAMED_FAILURES])
        more = len(ordered) - NAMED_FAILURES
        rest = f"\n  - and {more} more" if more > 0 else ""
        left = f", {self.waiting} waiting behind them" if self.waiting else ""
        left += f", {self.not_started} not started" if self.not_started else ""
        return f"{len(self.failures)} {self.noun} failed, {self.done.total()} done{left}. What is done is kept.{listed}{rest}"


class Progress:
    """Says a line about every 15 seconds while something gets done, so that short work says nothing and long work is no riddle.

    `what` is what is counted and how ("tasks written"); `total` is None where nobody knows it beforehand. `now` gives aware
    UTC instants.
    """

    def __init__(self, what: str, *, total: int | None, now: Callable[[], datetime], say: Callable[[str], None]) -> None:
        self.what, self.total = what, total
        self.now, self.say = now, say
        self.began_at = self.said_at = now()

    def note(self, done: int) -> None:
        """`done` of all are done by now."""
        at = self.now()
        if at - self.said_at >= SAY_EVERY:
            self.said_at = at
            self.say(self.line(done, at=at))

    def line(self, done: int, *, at: datetime) -> str:
        minutes = (at - self.began_at) / timedelta(minutes=1)
        per_minute = done / minutes if minutes > 0 else 0
        speed = f"{per_minute:,.0f} a minute"
        if self.total is None:
            return f"{done:,} {self.what}, {speed}"
        to_do = max(0, self.total - done)
        left = f", {_duration(to_do / per_minute)} left" if per_minute else ""
        return f"{done:,} of {self.total:,} {self.what}, {to_do:,} to do, {speed}{left}"


def _duration(minutes: float) -> str:
    """To the minute where it is long, to the second where it is short."""
    seconds = round(minutes * 60)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 600:
        return f"{seconds // 60} min {seconds % 60} s"
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"
