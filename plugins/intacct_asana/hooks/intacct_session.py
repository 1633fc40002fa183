"""One Intacct session for a whole run: kept on the hook, shared through an Airflow Variable, else a fresh login.

No lock: two tasks that log in at once both succeed, and the last one's session is the one that is shared.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from intacct_asana.errors import Misconfigured
from intacct_asana.hooks.intacct_connection import IntacctSettings
from intacct_asana.protocol.intacct_replies import Reply

log = logging.getLogger(__name__)

LIFETIME_UNSAID = timedelta(minutes=50)
LONGEST_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A live session. `expires_at` is on our clock, margin taken off; `ahead_seconds` is our clock less the server's."""

    session_id: str = field(repr=False)
    endpoint: str
    expires_at: datetime
    lifetime_seconds: float
    ahead_seconds: float | None = None


def session_from(session_id: str, endpoint: str, reply: Reply, *, now: datetime) -> Session:
    """The session that a login's reply opened. Its life is the server's own difference of two times, not our clock's."""
    start, end = reply.session_from, reply.session_until
    lifetime = end - start if start and end and end > start else None
    return Session(
        session_id=session_id,
        endpoint=endpoint,
        expires_at=now + (lifetime - margin(lifetime) if lifetime else LIFETIME_UNSAID),
        lifetime_seconds=(lifetime or LIFETIME_UNSAID).total_seconds(),
        ahead_seconds=(now - start).total_seconds() if start else None,
    )


def renewed(session: Session, reply: Reply) -> Session:
    """The session with the end that the newest answer told; unchanged when that cannot be put on our clock.

    Only the end is taken from later answers, since some tell the login's time as their start.
    """
    if reply.session_until is None or session.ahead_seconds is None:
        return session
    lifetime = timedelta(seconds=session.lifetime_seconds)
    end = reply.session_until + timedelta(seconds=session.ahead_seconds) - margin(lifetime)
    return replace(session, expires_at=end)


def margin(lifetime: timedelta) -> timedelta:
    return min(LONGEST_MARGIN, lifetime / 10)


class SharedSession:
    """The Variable `intacct_session_token__<conn_id>__<entity>`. Airflow encrypts it and masks it, as its name says token.

    Where Variables do not work (outside a task, or no rights) the hook's own memory is all there is, and that is enough.
    """

    def __init__(self, settings: IntacctSettings) -> None:
        self.name = f"intacct_session_token__{settings.conn_id}__{settings.login.entity_id or 'top'}"
        self.fingerprint = settings.fingerprint

    def load(self) -> Session | None:
        """The shared session of the same credentials, live or not; None for none, for another's, for an unreadable one."""
        try:
            from airflow.sdk import Variable

            stored = Variable.get(self.name, default=None)
        except Exception as error:  # noqa: BLE001 - whatever it is, a login still works
            log.debug("No shared Intacct session: %s", type(error).__name__)
            return None
        return self._read(stored)

    def _read(self, stored: Any) -> Session | None:
        try:
            kept = json.loads(stored)
            if kept.pop("fingerprint") != self.fingerprint:
                return None
            expires_at = datetime.fromisoformat(kept.pop("expires_at")).astimezone(UTC)
            session = Session(**kept | {"expires_at": expires_at, "lifetime_seconds": float(kept["lifetime_seconds"])})
        except (TypeError, ValueError, KeyError, AttributeError):
            return None
        hide(session.session_id)
        return session

    def save(self, session: Session) -> None:
        body = asdict(session) | {"fingerprint": self.fingerprint, "expires_at": session.expires_at.isoformat()}
        try:
            from airflow.sdk import Variable

            Variable.set(self.name, json.dumps(body), description="Live Intacct session, shared by tasks; safe to delete")
        except Exception as error:  # noqa: BLE001 - sharing is a saving, not a need
            log.debug("The Intacct session is not shared: %s", type(error).__name__)


class SessionKeeper:
    """Gives a live session and takes back dead ones. `login` opens one; `now` is our clock, aware UTC."""

    def __init__(self, settings: IntacctSettings, *, login: Callable[[], Session], now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.login = login
        self.now = now
        self.shared = SharedSession(settings)
        self.current: Session | None = None
        self.saved_until: datetime | None = None
        self.dead: set[str] = set()

    def session(self) -> Session:
        """Ours, else the shared one, else a new one."""
        if not self._is_live(self.current):
            self.current = self._shared() or self._open()
        assert self.current is not None
        return self.current

    def drop(self, session: Session) -> None:
        """Intacct no longer knows `session`: neither ours nor the shared copy is used again."""
        self.dead.add(session.session_id)
        if self.current and self.current.session_id == session.session_id:
            self.current = None

    def note(self, session: Session, reply: Reply) -> None:
        """Take the newer end that an answer told. It is shared only when the shared copy has lived half its time."""
        self.current = renewed(session, reply)
        half = timedelta(seconds=session.lifetime_seconds / 2)
        if self.saved_until is None or self.current.expires_at - self.saved_until > half:
            self._save(self.current)

    def _shared(self) -> Session | None:
        session = self.shared.load()
        if not self._is_live(session) or session is None:
            return None
        try:
            # Whoever may edit Variables must not be able to send our session elsewhere.
            self.settings.checked_endpoint(session.endpoint)
        except Misconfigured:
            return None
        self.saved_until = session.expires_at
        return session

    def _open(self) -> Session:
        session = self.login()
        hide(session.session_id)
        self._save(session)
        return session

    def _save(self, session: Session) -> None:
        self.shared.save(session)
        self.saved_until = session.expires_at

    def _is_live(self, session: Session | None) -> bool:
        return session is not None and session.session_id not in self.dead and session.expires_at > self.now()


def hide(secret: str) -> None:
    """Keep `secret` out of every log line from now on."""
    from airflow.sdk.log import mask_secret

    mask_secret(secret)
