"""The receiver of Asana's webhooks: whose a delivery is, whether its seal fits, and what is answered."""

from __future__ import annotations

import logging
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Protocol

from airflow.sdk.crypto import get_fernet
from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from intacct_asana.asana.webhooks import SECRET_HEADER, SIGNATURE_HEADER, digest_of_secret, events_in, is_signed
from intacct_asana.errors import IntacctAsanaError, Misconfigured, UnexpectedReply
from intacct_asana.reading.watch import touched_task
from intacct_asana.records import Registered, Registration


class FernetSeal:
    """Seals with `[core] fernet_key`; several keys, comma-separated, open what an older one sealed."""

    def close(self, secret: str) -> str:
        fernet = get_fernet()
        if not fernet.is_encrypted:
            raise Misconfigured("Airflow has no fernet_key, so a webhook's secret could not be kept safely. Set one.")
        return fernet.encrypt(secret.encode()).decode()

    def open(self, sealed: str) -> str:
        from cryptography.fernet import InvalidToken

        try:
            return get_fernet().decrypt(sealed.encode()).decode()
        except InvalidToken as error:
            raise Misconfigured(
                "The webhook's secret was sealed with a Fernet key that Airflow no longer has. Add the old key to "
                "fernet_key, or wait: a webhook whose deliveries fail is made anew."
            ) from error


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


MOST_BYTES = 1 << 20
"""Asana's deliveries are gids and types: a thousand events are a quarter of that."""

MOST_HANDSHAKE_BYTES = 1 << 10
MOST_AT_ONCE = 4
"""Threads that ask the store. Airflow's own pages share one pool of threads, which ours must not use up."""

FLOW = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)

log = logging.getLogger(__name__)


def build(door_of: Callable[[str], Door | None], wake: Callable[[str], None]) -> FastAPI:
    """The app. `door_of` gives a flow's door, None where no flow of that name has a webhook; `wake` returns at once."""
    threads = CapacityLimiter(MOST_AT_ONCE)
    app = FastAPI(title="Asana webhooks", docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/webhooks/{flow}")
    async def receive(flow: str, request: Request) -> Response:
        """Asana's handshakes and deliveries."""
        secrets = request.headers.getlist(SECRET_HEADER)
        signatures = request.headers.getlist(SIGNATURE_HEADER)
        hook_ids = request.query_params.getlist("id")
        if not FLOW.fullmatch(flow) or len(hook_ids) != 1:
            return Response(status_code=404)
        if len(secrets) + len(signatures) != 1:
            return Response(status_code=400 if secrets else 401)
        if signatures and not _is_json(request):
            return Response(status_code=415)
        body = await _body(request, most=MOST_HANDSHAKE_BYTES if secrets else MOST_BYTES)
        if body is None:
            return Response(status_code=413)
        verdict = await to_thread.run_sync(_decide, door_of, flow, hook_ids[0], secrets, signatures, body, limiter=threads)
        if verdict.is_news:
            wake(flow)
        headers = {SECRET_HEADER: secrets[0]} if secrets and verdict.status == 200 else {}
        return Response(status_code=verdict.status, headers=headers)

    return app


def _is_json(request: Request) -> bool:
    kind = request.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == "application/json"


async def _body(request: Request, *, most: int) -> bytes | None:
    """The raw body, or None when it is bigger than `most`: what is said to be too big is not read at all."""
    said = request.headers.get("content-length", "0")
    if not said.isascii() or not said.isdigit() or int(said[:18]) > most or len(said) > 18:
        return None
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                return None
    except ClientDisconnect:
        return None
    return bytes(body)


def _decide(
    door_of: Callable[[str], Door | None], flow: str, hook_id: str, secrets: list[str], signatures: list[str], body: bytes
) -> Verdict:
    """Blocking: the store is asked."""
    try:
        door = door_of(flow)
        if door is None:
            return Verdict(404)
        verdict = door.shake(hook_id, secrets[0]) if secrets else door.deliver(hook_id, signatures[0], body)
    except IntacctAsanaError as error:
        # Asana tries again for a day.
        log.warning("The webhook of flow %s cannot be served now: %s", flow, error.message)
        return Verdict(503)
    if verdict.status not in (200, 503):
        log.warning("Turned away at the webhook of flow %s: %s, answer %d", flow, _what(secrets), verdict.status)
    return verdict


def _what(secrets: list[str]) -> str:
    return "a handshake that nobody waits for" if secrets else "a delivery that is not Asana's"
