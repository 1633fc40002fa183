"""How far a long piece of work is: done, to do, per minute, time left. For the log of the task that works."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

SAY_EVERY = timedelta(seconds=15)


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
