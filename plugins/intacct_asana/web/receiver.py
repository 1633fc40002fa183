"""The HTTP side of the receiver: method, content type, size; then the door decides, and the answer goes out at once."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from intacct_asana.errors import IntacctAsanaError
from intacct_asana.protocol.asana_deliveries import SECRET_HEADER, SIGNATURE_HEADER
from intacct_asana.web.door import Door, Verdict

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
