"""What a watcher makes of Asana's events: is it worth a run, and how long to wait before the next look. No clock, no calls."""

from __future__ import annotations

from dataclasses import dataclass, field

from intacct_asana.errors import IntacctAsanaError, TryLater
from intacct_asana.records import Event, EventPage

CEILING_SECONDS = 300.0
"""The longest wait between two looks when they keep failing, unless Asana asks for more."""


def touched_task(event: Event, bot_gid: str) -> str:
    """Gid of the task that the event is about; empty for our own changes and for other things."""
    if event.user_gid == bot_gid:
        return ""
    if event.resource_type == "task":
        return event.resource_gid
    return (event.parent_gid or "") if event.resource_type == "story" else ""


@dataclass(slots=True)
class Watch:
    """One watcher's memory. Losing it costs nothing: the schedule, and the run's own cursor, see everything anyway."""

    poll_seconds: float
    bot_gid: str = ""
    """Whose changes are our own. Learnt with the first look."""
    sync_token: str | None = None
    wait_seconds: float = 0
    """Seconds to wait before the next look."""
    misses: int = 0
    """Looks that failed since the last good one."""
    told: set[str] = field(default_factory=set)
    """Kinds of trouble that were said since the last good look."""

    def saw(self, page: EventPage) -> int:
        """How many tasks people touched, or may have: what cannot be read may be such an event.

        None where Asana no longer knew the token: what was lost waits for the schedule.
        """
        had_token, self.sync_token = self.sync_token is not None, page.sync_token
        if page.reset:
            self._missed(1 if had_token else 0)
            return 0
        self.misses, self.wait_seconds = 0, self.poll_seconds
        return len({gid for event in page.events if (gid := touched_task(event, self.bot_gid))}) + page.unreadable

    def failed(self, error: Exception) -> bool:
        """Wait longer each time, up to a ceiling, and at least as long as was asked. True when this kind is new."""
        self._missed(1)
        if isinstance(error, TryLater) and error.wait_seconds:
            self.wait_seconds = max(self.wait_seconds, error.wait_seconds)
        code = error.code if isinstance(error, IntacctAsanaError) else None
        kind = f"{type(error).__name__} {code or ''}"
        is_new = kind not in self.told
        self.told.add(kind)
        return is_new

    def recovered(self) -> bool:
        """True once after trouble that was told, when a look was good again."""
        if self.misses or not self.told:
            return False
        self.told.clear()
        return True

    def _missed(self, count: int) -> None:
        self.misses += count
        self.wait_seconds = min(CEILING_SECONDS, self.poll_seconds * 2 ** min(self.misses, 16))
