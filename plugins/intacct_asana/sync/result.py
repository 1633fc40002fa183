"""What applying a plan came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply

NAMED_FAILURES = 5

MOST_TELLING_FIRST: tuple[type[IntacctAsanaError], ...] = (Misconfigured, UnexpectedReply, OutcomeUnknown, TryLater, Refused)
"""What a person must mend, then what a repeat can finish, then what the other side will refuse again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One action that was not done, or not wholly, and why."""

    key: str
    kind: str
    error: IntacctAsanaError

    def __str__(self) -> str:
        return f"{self.kind} {self.key}: {self.error.message}"


@dataclass(slots=True, kw_only=True)
class Result:
    """Counts and money by kind of what was done. `writes` is how many writes Asana answered.

    `already_done` were done by an earlier try of the same plan; `not_started` were dropped when the run stopped early.
    """

    noun: str = "tasks"
    """What the counts are of."""

    done: Counter[str] = field(default_factory=Counter)
    money: dict[str, Decimal] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    writes: int = 0
    already_done: int = 0
    not_started: int = 0

    def counts(self) -> dict[str, int]:
        return dict(self.done)

    def count(self, kind: str, amount: Decimal) -> None:
        self.done[kind] += 1
        self.money[kind] = self.money.get(kind, Decimal(0)) + abs(amount)

    def summary(self) -> dict[str, object]:
        """JSON-able, money as text; for the run's page and the store."""
        return {
            "done": self.counts(),
            "money": {kind: str(amount) for kind, amount in self.money.items()},
            "written": self.writes,
            "already_done": self.already_done,
            "not_started": self.not_started,
            "failed": len(self.failures),
            "failures": [str(failure) for failure in self.failures[:NAMED_FAILURES]],
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
        left = f", {self.not_started} not started" if self.not_started else ""
        return f"{len(self.failures)} {self.noun} failed, {self.done.total()} done{left}. What is done is kept.{listed}{rest}"
