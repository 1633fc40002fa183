"""Who may come in: a handshake that we wait for, and deliveries that Asana signed. Decides; answers nothing itself."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Protocol

from intacct_asana.approvals import touched_task
from intacct_asana.errors import UnexpectedReply
from intacct_asana.protocol.asana_deliveries import digest_of_secret, events_in, is_signed
from intacct_asana.records import Registered, Registration

HOOK_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
SECRET = re.compile(r"[!-~]{16,512}", re.ASCII)
SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)
MOST_REMEMBERED = 1000


class Registrations(Protocol):
    """One flow's registrations, as the store keeps them."""

    def find(self, hook_id: str) -> Registered | None: ...

    def shake(self, hook_id: str, *, secret_digest: str, sealed_secret: str, at: datetime) -> bool: ...


class Seal(Protocol):
    """Encrypts with Airflow's key. Raises Misconfigured when there is none: a secret is never kept in clear."""

    def close(self, secret: str) -> str: ...

    def open(self, sealed: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """The HTTP status to answer with, and whether there is news that is worth a run."""

    status: int
    is_news: bool = False


class Memory:
    """Signatures of bodies that came: Asana repeats what it takes for lost, and so could somebody else. Thread-safe."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def is_first(self, signature: str) -> bool:
        with self._lock:
            is_first = signature not in self._seen
            self._seen[signature] = None
            if len(self._seen) > MOST_REMEMBERED:
                self._seen.popitem(last=False)
            return is_first


class Door:
    """The door of one flow. Thread-safe."""

    def __init__(
        self, registrations: Registrations, seal: Seal, *, now: Callable[[], datetime], memory: Memory | None = None
    ) -> None:
        self._registrations, self._seal, self._now = registrations, seal, now
        self.memory = memory or Memory()

    def shake(self, hook_id: str, secret: str) -> Verdict:
        """200 for the one handshake that our own registration waits for; 403 for any other."""
        if not HOOK_ID.fullmatch(hook_id) or not SECRET.fullmatch(secret):
            return Verdict(403)
        known = self._registrations.find(hook_id)
        if known is None or not known.in_flight(self._now()):
            return Verdict(403)
        sealed, digest = self._seal.close(secret), digest_of_secret(secret)
        taken = self._registrations.shake(hook_id, secret_digest=digest, sealed_secret=sealed, at=self._now())
        return Verdict(200 if taken else 403)

    def deliver(self, hook_id: str, signature: str, body: bytes) -> Verdict:
        """404 for a webhook that we do not know, 401 for a body that Asana did not sign, 503 before its secret is proven."""
        if not HOOK_ID.fullmatch(hook_id):
            return Verdict(404)
        if not SIGNATURE.fullmatch(signature):
            return Verdict(401)
        known = self._registrations.find(hook_id)
        if known is None:
            return Verdict(404)
        if known.state is not Registration.ACTIVE:
            return Verdict(503)
        if not is_signed(self._seal.open(known.sealed_secret), body, signature):
            return Verdict(401)
        return Verdict(200, is_news=self.memory.is_first(signature) and has_news(body, known.bot_gid))


def has_news(body: bytes, bot_gid: str) -> bool:
    """Whether a signed body tells of a task that people touched. What cannot be read is worth a look."""
    try:
        return any(touched_task(event, bot_gid) for event in events_in(body))
    except UnexpectedReply:
        return True
