"""A quiet time: nothing changed for so long that runs may leave out what Intacct would be asked, as long as the flow says.

Nothing that people decide waits for it, and nothing waits longer than is declared: a run reads whenever the next one would
come too late.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from intacct_asana.codec import from_json, to_json
from intacct_asana.flow.running.meter import Idle


@dataclass(frozen=True, slots=True, kw_only=True)
class Stood:
    """What is kept from run to run: when all was read last, when anything changed last, and what the last glance showed."""

    read_at: datetime
    changed_at: datetime
    glanced_at: datetime
    shown: str = ""


@dataclass(slots=True, kw_only=True)
class Quiet:
    """One scheduled run's choice. `at` is when the run was due, `interval` how long until the next one."""

    rule: Idle
    at: datetime
    interval: timedelta
    stood: Stood | None
    shown: str = ""

    @classmethod
    def of(cls, text: str | None, *, rule: Idle, at: datetime, interval: timedelta) -> Quiet:
        return cls(rule=rule, at=at, interval=interval, stood=from_json(Stood, text) if text else None)

    def rests(self, glance: Callable[[], str] | None = None, *, changed_at: datetime | None = None) -> bool:
        """Whether this run leaves Intacct alone. `glance` gives in a few calls what tells of most changes.

        `changed_at` is when somebody else found a change last.
        """
        stood, rule = self.stood, self.rule
        if stood is None:
            return False
        last = max(stood.changed_at, changed_at or stood.changed_at)
        if last > stood.read_at or self.at - last < timedelta(minutes=rule.after_minutes):
            return False
        is_due = self._is_due(stood.read_at, rule.every_minutes)
        if glance is None or rule.glance_minutes is None:
            return not is_due
        if is_due or self._is_due(stood.glanced_at, rule.glance_minutes):
            self.shown = glance()
            return not is_due and self.shown == stood.shown
        return True

    def _is_due(self, last: datetime, minutes: int) -> bool:
        return self.at - last + self.interval > timedelta(minutes=minutes)

    def text(self, *, changed: bool) -> str:
        """To be kept with what was read."""
        before = self.stood.changed_at if self.stood else self.at
        stood = Stood(read_at=self.at, changed_at=self.at if changed else before, glanced_at=self.at, shown=self.shown)
        return to_json(stood)

    @property
    def glanced(self) -> str:
        """To be kept when a glance showed what it showed before; empty where none was taken."""
        return to_json(replace(self.stood, glanced_at=self.at)) if self.stood and self.shown else ""
