"""Event streams and their sync tokens, one stream for each project and task.

Rules (reference: events): 412 with a new token for a missing, unknown or expired one; 100 events a page; re-asking with
the current token gives the same answer; delivery is at most once, so faults may swallow events.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.asana.errors import STALE_SYNC, AsanaError
from sandbox.asana.state.model import Event
from sandbox.core import World

PAGE = 100


@dataclass
class Position:
    """What a sync token stands for. `end` is where its page stopped, once it was asked and had events."""

    stream: str
    start: int
    issued_at: datetime
    parent: str = ""
    end: int | None = None
    superseded: bool = False


class Events:
    """All streams of one workspace."""

    def __init__(self, world: World, *, seed: int) -> None:
        self.world = world
        self.seed = seed
        self.streams: defaultdict[str, list[Event]] = defaultdict(list)
        self.late: list[tuple[datetime, Event, list[str]]] = []
        self.tokens: dict[str, Position] = {}
        self.issued = 0

    def record(self, event: Event, streams: Iterable[str], *, lateness: timedelta = timedelta()) -> None:
        """Onto the streams, now or later: a late event comes behind what happened after it."""
        self.late.append((self.world.clock.now() + lateness, event, list(streams)))
        self._arrive()

    def _arrive(self) -> None:
        now = self.world.clock.now()
        for _, event, streams in sorted((one for one in self.late if one[0] <= now), key=lambda one: one[0]):
            for gid in streams:
                self.streams[gid].append(event)
        self.late = [one for one in self.late if one[0] > now]

    def page(self, stream: str, token: str | None) -> tuple[list[Event], str, bool]:
        """Events after `token`, the next token, and whether more wait. Raises the 412 with a new token in it."""
        self._arrive()
        position = self._position(stream, token)
        if position is None or token is None:
            raise AsanaError(412, STALE_SYNC, sync=self._issue(stream, len(self.streams[stream])))
        if position.parent in self.tokens:
            self.tokens[position.parent].superseded = True
        ready = self._ready(stream)
        end = position.end if position.end is not None else min(position.start + PAGE, ready)
        if end > position.start:
            position.end = end
        return self.streams[stream][position.start : end], self._issue(stream, end, parent=token), end < ready

    def expire_all(self) -> None:
        self.tokens.clear()

    def _position(self, stream: str, token: str | None) -> Position | None:
        position = self.tokens.get(token or "")
        if position is None or position.stream != stream:
            return None
        lifetime = timedelta(hours=float(self.world.setting("asana_sync_token_hours", 24)))
        stale = self.world.clock.now() - position.issued_at >= lifetime
        refused = position.superseded and self.world.setting("asana_refuse_older_tokens", False)
        return None if stale or refused else position

    def _ready(self, stream: str) -> int:
        """How many events of the stream have arrived, where a setting makes Asana slow to deliver them."""
        events = self.streams[stream]
        delay = timedelta(seconds=float(self.world.setting("asana_event_delay_seconds", 0)))
        if not delay:
            return len(events)
        until = self.world.clock.now() - delay
        return next((index for index, event in enumerate(events) if event.at > until), len(events))

    def _issue(self, stream: str, start: int, *, parent: str = "") -> str:
        self.issued += 1
        token = hashlib.sha256(f"{self.seed} {stream} {self.issued}".encode()).hexdigest()[:32]
        self.tokens[token] = Position(stream, start, self.world.clock.now(), parent)
        if len(self.tokens) > 20_000:
            self.tokens.pop(next(iter(self.tokens)))
        return token
