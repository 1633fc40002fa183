"""API sessions: opened by a login, kept alive by use, ended by time or on demand."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandbox.core import World


@dataclass(slots=True)
class Session:
    """`entity` is empty at top level. `opened_at` never moves, `used_at` moves with every call."""

    id: str
    login: str
    entity: str
    opened_at: datetime
    used_at: datetime


class Sessions:
    """Settings: `session_minutes` (60) of inactivity end a session; `session_hard_minutes` (none) end it from its login on;
    `sessiontimestamp` says whether answers tell the time of the call (`now`) or of the login (`login`)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.live: dict[str, Session] = {}
        self.issued: list[str] = []
        """Every id ever given out, so that a test can look for them where they must not be."""

    def open(self, login: str, entity: str, *, keep: bool = True) -> Session:
        now = self.world.clock.now()
        session = Session(secrets.token_urlsafe(32), login, entity, now, now)
        self.issued.append(session.id)
        if keep:
            self.live[session.id] = session
        return session

    def use(self, session_id: str) -> Session | None:
        """The live session, with its time moved on; None for an unknown or expired one."""
        session = self.live.get(session_id)
        if session is None:
            return None
        now = self.world.clock.now()
        if now >= self.ends_at(session):
            del self.live[session_id]
            return None
        session.used_at = now
        return session

    def ends_at(self, session: Session) -> datetime:
        idle_end = session.used_at + timedelta(minutes=self.world.setting("session_minutes", 60))
        hard_minutes = self.world.setting("session_hard_minutes", None)
        if hard_minutes is None:
            return idle_end
        return min(idle_end, session.opened_at + timedelta(minutes=hard_minutes))

    def told_times(self, session: Session) -> tuple[str, str]:
        """`sessiontimestamp` and `sessiontimeout` as the gateway writes them. A hard end is not told."""
        from_login = self.world.setting("sessiontimestamp", "now") == "login"
        told_end = session.used_at + timedelta(minutes=self.world.setting("session_minutes", 60))
        return _iso(session.opened_at if from_login else session.used_at), _iso(told_end)

    def end_all(self) -> int:
        ended = len(self.live)
        self.live.clear()
        return ended


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
