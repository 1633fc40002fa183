"""What a run over many decisions came to, and the one error it fails with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply
from intacct_asana.records import Decision

NAMED_FAILURES = 5
MOST_TELLING_FIRST: tuple[type[IntacctAsanaError], ...] = (Misconfigured, UnexpectedReply, Refused, OutcomeUnknown, TryLater)
"""What a person has to look at comes before what the next run can finish by itself."""


@dataclass(slots=True)
class Summary:
    """Decisions by end state, refusals by rule, failures by key.

    `waiting` stayed behind a failed decision about the same bill; `not_started` were dropped when the run stopped early.
    """

    states: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    failures: dict[str, IntacctAsanaError] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    """One for each decision that ended, for the log."""
    waiting: int = 0
    not_started: int = 0
    put_back: int = 0
    """Newer choices that a value of ours was written over, and that the task shows again."""

    shown_again: int = 0
    """Tasks of bills that stand as they were, made to show so again."""

    def count(self, decision: Decision) -> None:
        self.states[str(decision.state)] += 1
        self.rules.update([decision.rule] if decision.rule else [])
        rule = f" ({decision.rule})" if decision.rule else ""
        self.lines.append(f"{decision.decision_id} on {decision.key}: {decision.state}{rule}")

    def fail(self, decision: Decision, error: IntacctAsanaError) -> None:
        self.failures[f"{decision.key} ({decision.decision_id})"] = error

    def as_json(self) -> dict[str, object]:
        return {
            "states": dict(self.states),
            "rules": dict(self.rules),
            "failures": {key: error.message for key, error in self.failures.items()},
            "waiting": self.waiting,
            "not_started": self.not_started,
            "put_back": self.put_back,
            "shown_again": self.shown_again,
        }

    def raise_if_failed(self) -> None:
        """Raises the most telling kind of failure; its message names the first few keys and what the other side said."""
        for kind in MOST_TELLING_FIRST:
            if found := [error for error in self.failures.values() if isinstance(error, kind)]:
                raise self._summed(kind, found)

    def _summed(self, kind: type[IntacctAsanaError], found: list[IntacctAsanaError]) -> IntacctAsanaError:
        message, code = self._message(kind), found[0].code
        if kind is TryLater:
            waits = [error.wait_seconds for error in found if isinstance(error, TryLater) and error.wait_seconds]
            return TryLater(message, code=code, wait_seconds=max(waits, default=None))
        if kind is Misconfigured:
            problems = [problem for error in found if isinstance(error, Misconfigured) for problem in error.problems]
            return Misconfigured(message, problems=tuple(dict.fromkeys(problems)), code=code)
        return kind(message, code=code)

    def _message(self, kind: type[IntacctAsanaError]) -> str:
        ordered = sorted(self.failures.items(), key=lambda item: not isinstance(item[1], kind))
        listed = "".join(f"\n  - {key}: {error.message}" for key, error in ordered[:NAMED_FAILURES])
        more = f"\n  - and {len(ordered) - NAMED_FAILURES} more" if len(ordered) > NAMED_FAILURES else ""
        behind = f", {self.waiting} waiting behind them" if self.waiting else ""
        behind += f", {self.not_started} not started" if self.not_started else ""
        return f"{len(ordered)} decisions failed, {self.states.total()} done{behind}. What is done is kept.{listed}{more}"
