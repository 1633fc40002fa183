"""What writing vendors' fields came to, for the run's report, and the one error it fails with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, TryLater, UnexpectedReply
from intacct_asana.records import VendorValue

MOST_NAMED = 20
MOST_TELLING_FIRST: tuple[type[IntacctAsanaError], ...] = (Misconfigured, UnexpectedReply, OutcomeUnknown, TryLater)


@dataclass(slots=True, kw_only=True)
class Written:
    """Fields by the state they ended in, sentences for people, and failures by vendor key. `writes` were sent to Intacct."""

    states: Counter[str] = field(default_factory=Counter)
    writes: int = 0
    stale: int = 0
    not_started: int = 0
    drift: list[str] = field(default_factory=list)
    said: dict[str, list[str]] = field(default_factory=dict)
    failures: dict[str, IntacctAsanaError] = field(default_factory=dict)

    def count(self, row: VendorValue) -> None:
        self.states[str(row.state)] += 1
        if row.reason:
            self.said.setdefault(str(row.state).lower(), []).append(f"{row.key}, {row.field}: {row.reason}")

    def summary(self) -> dict[str, object]:
        """JSON-able, the first few sentences of each kind."""
        return {
            "states": dict(self.states),
            "written": self.writes,
            "stale": self.stale,
            "not_started": self.not_started,
            "drift": self.drift[:MOST_NAMED],
            **{name: lines[:MOST_NAMED] for name, lines in self.said.items()},
            "failed": len(self.failures),
            "failures": {key: error.message for key, error in list(self.failures.items())[:MOST_NAMED]},
        }

    def raise_if_failed(self) -> None:
        """Raises the most telling kind of failure, naming the first few vendors."""
        for kind in (*MOST_TELLING_FIRST, IntacctAsanaError):
            if found := [error for error in self.failures.values() if isinstance(error, kind)]:
                raise self._summed(kind if kind is not IntacctAsanaError else type(found[0]), found)

    def _summed(self, kind: type[IntacctAsanaError], found: list[IntacctAsanaError]) -> IntacctAsanaError:
        listed = "".join(f"\n  - {key}: {error.message}" for key, error in list(self.failures.items())[:MOST_NAMED])
        behind = f", {self.not_started} not started" if self.not_started else ""
        done = f"{len(self.failures)} vendors failed, {self.states.total()} fields done{behind}. What is done is kept."
        if kind is TryLater:
            waits = [error.wait_seconds for error in found if isinstance(error, TryLater) and error.wait_seconds]
            return TryLater(done + listed, code=found[0].code, wait_seconds=max(waits, default=None))
        return kind(done + listed, code=found[0].code)
