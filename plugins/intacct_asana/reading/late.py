"""How far a run reads behind its cursors, because Intacct shows some rows long after the time that they tell.

Each run reads some minutes behind. Once an hour, and once a day, one reads hours behind where each stream stood at the last
look of that kind: so whatever comes to light within those hours is in one of them, however the runs fall.

What a look finds again word for word need not be read into again (`Answers`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Protocol

from intacct_asana.flow.model import BillScope

EVERY = {"hourly": timedelta(hours=1), "daily": timedelta(days=1)}
"""Wide looks, by the name of the cursor that holds when the last one was made and where the streams stood then."""


SHORT, READS_ALL = "short", "daily"
A_SECOND = timedelta(seconds=1)
MOST_ANSWERS = 100
"""More than that are not kept, and read each time."""


class Texts(Protocol):
    """What counts with the server's own texts of time."""

    def earlier(self, text: str, *, minutes: float) -> str: ...

    def latest(self, texts: Sequence[str]) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WideLook:
    """`hours` behind where the streams `stood` at the last look of this name, which was `made_at` by our own clock."""

    name: str
    hours: int
    made_at: datetime | None = None
    stood: Mapping[str, str] = field(default_factory=dict)

    def is_due(self, now: datetime) -> bool:
        if self.made_at is None:
            return self.hours > 0
        # A clock that was ahead once must not put it off for ever.
        return self.hours > 0 and not timedelta(0) <= now - self.made_at < EVERY[self.name]


class LookBack:
    """One run's way back. `kept` gives the cursors of the wide looks by name."""

    def __init__(self, scope: BillScope, *, kept: Callable[[str], str | None], texts: Texts, now: datetime) -> None:
        self.minutes, self.kept, self.texts, self.now = scope.look_back_minutes, kept, texts, now
        self.hours = {"hourly": scope.hourly_look_back_hours, "daily": scope.daily_look_back_hours}

    @cached_property
    def due(self) -> list[WideLook]:
        """The wide looks that this run makes."""
        looks = [_kept(name, hours, self.kept(name)) for name, hours in self.hours.items()]
        return [look for look in looks if look.is_due(self.now)]

    @property
    def says(self) -> str:
        """For people; empty for the short way."""
        hours = max((look.hours for look in self.due), default=0)
        return f", {hours} hours back for what came late" if hours else ""

    def begin(self, stream: str, cursor: str) -> str:
        """Where reading of a stream begins, as the server's text; empty for its beginning, where it had not begun then."""
        if not cursor:
            return ""
        texts, first = self.texts, self.texts.earlier(cursor, minutes=self.minutes)
        for look in self.due:
            stood = look.stood.get(stream, cursor)
            if not stood:
                return ""
            wide = texts.earlier(stood, minutes=look.hours * 60)
            first = wide if texts.latest([wide, first]) == first else first
        return first

    def made(self, stood: Mapping[str, str | None]) -> dict[str, str]:
        """The cursors of the looks that this run makes, which began where the streams `stood`."""
        return dict.fromkeys((look.name for look in self.due), self._mark(stood))

    def made_all(self, stood: Mapping[str, str | None]) -> dict[str, str]:
        """The same after everything was read."""
        return dict.fromkeys(EVERY, self._mark(stood))

    def _mark(self, stood: Mapping[str, str | None]) -> str:
        known = {stream: text for stream, text in stood.items() if text is not None}
        return json.dumps({"made_at": self.now.isoformat(), "stood": known}, sort_keys=True)


class Answers:
    """Answers that looking back brings again, row for row as they were, so that what belongs to their rows is not read again.

    An answer is all that its rows say, their times among it. Times have seconds, so a row may change twice within one; the
    second change may come to light as late as looking back allows for, and show in a line or a payment alone. So an answer is
    known only when all that belongs to it was read by a run that began longer than the way back after it had come first.
    Until then each run reads into it, and the daily look always does.

    What was read is in the tasks only as long as nothing else is written there. Rows that this integration loses sight of for a
    while come again word for word, and so does what a plan of another look, a window, or of long ago takes for old. So a plan
    forgets all answers before it writes; when all is written, those of its own look are known again, unless it did not see a
    record that was there (`to_read_again`).

    `kept` is the text with which the last run ended whose plan was applied. Our own `clock` tells how long ago that was; what
    lies ahead of it counts for nothing.
    """

    def __init__(self, kept: str | None, *, back: LookBack, clock: Callable[[], datetime]) -> None:
        self.told: dict[str, dict[str, tuple[str, str]]] = json.loads(kept) if kept else {}
        self.back, self.clock = back, clock
        self.met: dict[str, tuple[str, str]] = {}

    @cached_property
    def look(self) -> str:
        """Which answers these are: a wide look has others than the short way back, and further to go."""
        return " ".join(look.name for look in self.back.due) or SHORT

    @cached_property
    def settles_after(self) -> timedelta:
        hours = max((look.hours for look in self.back.due), default=0)
        return max(timedelta(minutes=self.back.minutes), timedelta(hours=hours)) + A_SECOND

    def knows(self, digest: str) -> bool:
        """Whether nothing of this answer need be read. Where it says no, this run has to read all that belongs to its rows."""
        if READS_ALL in self.look:
            return False
        first, read = self._noted(digest) or (self.clock(), self.back.now)
        is_known = read - first >= self.settles_after
        if len(self.met) < MOST_ANSWERS:
            self.met[digest] = first.isoformat(), (read if is_known else self.back.now).isoformat()
        return is_known

    def _noted(self, digest: str) -> tuple[datetime, datetime] | None:
        """When the answer came first, and when the last run began that read all that belongs to it."""
        noted = self.told.get(self.look, {}).get(digest)
        if noted is None:
            return None
        first, read = map(datetime.fromisoformat, noted)
        return (first, read) if max(first, read) <= self.back.now else None

    @property
    def text(self) -> str:
        """For the next run, when the plan of this one is applied."""
        met = {} if READS_ALL in self.look else {self.look: self.met}
        return json.dumps({**self.told, **met}, sort_keys=True)


def to_read_again(text: str, *, but: str = "") -> str:
    """The text of `Answers` by which the next run reads into all of them, but those of the look `but`. When each came stays."""
    told: dict[str, dict[str, tuple[str, str]]] = json.loads(text) if text else {}
    anew = {look: {each: (first, first) for each, (first, _) in noted.items()} for look, noted in told.items() if look != but}
    return json.dumps({**told, **anew}, sort_keys=True) if told else ""


def _kept(name: str, hours: int, text: str | None) -> WideLook:
    if not text:
        return WideLook(name=name, hours=hours)
    told = json.loads(text)
    return WideLook(name=name, hours=hours, made_at=datetime.fromisoformat(told["made_at"]), stood=told["stood"])
