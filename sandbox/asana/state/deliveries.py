"""Webhooks: the handshake while one is created, signed deliveries in the background, heartbeats, deletion after a day; and what
people send who are not Asana: forged, repeated, oversized deliveries and handshakes. Each answer is kept to be seen."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from sandbox.asana.errors import bad, forbidden
from sandbox.asana.state.model import Event, Webhook
from sandbox.asana.state.shapes import SHAPES, kind_of, stamp
from sandbox.core import World

ANSWER_SECONDS = 10
GATHER_SECONDS = 0.05
ATTEMPTS = 4
DELETE_AFTER = timedelta(hours=24)
MOST_ANSWERS = 200
JSON_TYPE = {"Content-Type": "application/json"}


class Deliveries:
    """What is still to be told to each webhook. Delivered together shortly after the first of them."""

    def __init__(self, world: World, webhooks: dict[str, Webhook]) -> None:
        self.world = world
        self.webhooks = webhooks
        self.waiting: dict[str, list[dict[str, Any]]] = {}
        self.running: set[asyncio.Task[None]] = set()

    def queue(self, event: Event, streams: list[str]) -> None:
        for webhook in list(self.webhooks.values()):
            if webhook.active and webhook.resource.gid in streams and passes(webhook, event):
                self.start(webhook, [compact(event)])

    def start(self, webhook: Webhook, events: list[dict[str, Any]]) -> None:
        idle = webhook.gid not in self.waiting
        self.waiting.setdefault(webhook.gid, []).extend(events)
        if idle:
            task = asyncio.get_running_loop().create_task(self._deliver(webhook))
            self.running.add(task)
            task.add_done_callback(self.running.discard)

    async def _deliver(self, webhook: Webhook) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        body = json.dumps({"events": self.waiting.pop(webhook.gid, [])}, separators=(",", ":")).encode()
        for attempt in range(ATTEMPTS):
            if webhook.gid not in self.webhooks or await self._send(webhook, body):
                return
            webhook.delivery_retry_count += 1
            await asyncio.sleep(float(self.world.setting("asana_webhook_retry_seconds", 0.2)) * 2**attempt)

    async def _send(self, webhook: Webhook, body: bytes) -> bool:
        """One signed delivery; true when it was taken within ten seconds."""
        webhook.last_body = body
        said = await post(webhook, webhook.target, signed(webhook.secret, body), body, what="delivery")
        now = self.world.clock.now()
        if said in ("200", "204"):
            webhook.last_success_at, webhook.delivery_retry_count = now, 0
            webhook.next_attempt_after = webhook.failure_deletion_timestamp = None
            return True
        webhook.last_failure_at, webhook.last_failure_content = now, said
        webhook.next_attempt_after = now + timedelta(seconds=1)
        webhook.failure_deletion_timestamp = (webhook.last_success_at or webhook.created_at) + DELETE_AFTER
        return False

    def heartbeat(self) -> None:
        """An empty delivery to every webhook; Asana sends one every eight hours."""
        for webhook in self.webhooks.values():
            self.start(webhook, [])

    def drop_dead(self) -> None:
        """Forget webhooks that took nothing for a day after failing. Nothing is announced."""
        for webhook in list(self.webhooks.values()):
            since = webhook.last_success_at or webhook.created_at
            if webhook.last_failure_at and webhook.last_failure_at > since and self.world.clock.now() - since >= DELETE_AFTER:
                del self.webhooks[webhook.gid]


async def post(webhook: Webhook, target: str, headers: dict[str, str], body: bytes, *, what: str) -> str:
    """The status that came back, or the name of what went wrong. It is kept with the webhook, for those who look."""
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as http:
            said = str((await http.post(target, content=body, headers=headers)).status_code)
    except httpx.HTTPError as error:
        said = type(error).__name__
    webhook.answers = [*webhook.answers[-MOST_ANSWERS:], {"what": what, "answer": said}]
    return said


def signed(secret: str, body: bytes) -> dict[str, str]:
    """The headers of a delivery that was signed with `secret`."""
    return JSON_TYPE | {"X-Hook-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


async def shake_hands(world: World, webhook: Webhook) -> None:
    """The target must echo the secret. Raises 400, and then there is no webhook; 403 for this machine, where Asana would."""
    if not world.setting("asana_webhook_loopback", True) and _is_loopback(webhook.target):
        raise forbidden("The target's host is not allowed.")
    try:
        async with httpx.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False) as http:
            answer = await http.post(webhook.target, headers={"X-Hook-Secret": webhook.secret}, content=b"{}")
    except (httpx.HTTPError, httpx.InvalidURL):
        raise bad("The remote server did not respond to the handshake request.") from None
    if answer.status_code not in (200, 204) or answer.headers.get("X-Hook-Secret") != webhook.secret:
        raise bad("The remote server did not respond with the handshake secret.")


def _is_loopback(target: str) -> bool:
    return urlsplit(target).hostname in ("localhost", "127.0.0.1", "::1")


def passes(webhook: Webhook, event: Event) -> bool:
    """True when there is no filter, or any filter fits."""
    return not webhook.filters or any(_fits(each, event) for each in webhook.filters)


def _fits(wanted: dict[str, Any], event: Event) -> bool:
    kind = getattr(event.resource, "kind", None)
    return (
        wanted.get("resource_type", SHAPES[type(event.resource)].resource_type) == SHAPES[type(event.resource)].resource_type
        and wanted.get("resource_subtype", kind) == kind
        and wanted.get("action", event.action) == event.action
        and (not wanted.get("fields") or (event.change or {}).get("field") in wanted["fields"])
    )


def compact(event: Event) -> dict[str, Any]:
    """The event as webhooks carry it: gids and types only."""
    told: dict[str, Any] = {
        "user": _pointer(event.user),
        "created_at": stamp(event.at),
        "action": event.action,
        "resource": _pointer(event.resource),
        "parent": _pointer(event.parent),
    }
    if event.change:
        value = event.change.get("new_value")
        pointer = _pointer(value)
        told["change"] = (
            {**event.change, "new_value": pointer} if pointer else {k: v for k, v in event.change.items() if k != "new_value"}
        )
    return told


def _pointer(thing: Any) -> dict[str, str] | None:
    if isinstance(thing, dict):
        return {key: thing[key] for key in ("gid", "resource_type")}
    if thing is None:
        return None
    kind = kind_of(thing)
    pointer = {"gid": thing.gid} | ({"resource_type": kind} if kind else {})
    return pointer | ({"resource_subtype": thing.kind} if getattr(thing, "kind", None) else {})


# --- what people send who are not Asana


NEWS = (
    b'{"events":[{"action":"changed","resource":{"gid":"1","resource_type":"task"},"user":{"gid":"2","resource_type":"user"}}]}'
)
OVERSIZED = 4 << 20
Sent = tuple[str, dict[str, str], bytes]
"""Target, headers, body."""


def _unsigned(hook: Webhook) -> Sent:
    return hook.target, JSON_TYPE, NEWS


def _wrong_key(hook: Webhook) -> Sent:
    return hook.target, signed("0" * 64, NEWS), NEWS


def _changed_body(hook: Webhook) -> Sent:
    """Asana's own signature over another body."""
    return hook.target, signed(hook.secret, hook.last_body), NEWS


def _replay(hook: Webhook) -> Sent:
    """What was delivered last, once more."""
    return hook.target, signed(hook.secret, hook.last_body), hook.last_body


def _wrong_id(hook: Webhook) -> Sent:
    """Rightly signed, for a webhook that nobody registered."""
    parts = urlsplit(hook.target)
    return urlunsplit(parts._replace(query="id=" + "f" * 32)), signed(hook.secret, NEWS), NEWS


def _oversized(hook: Webhook) -> Sent:
    body = b'{"events":[]' + b" " * OVERSIZED + b"}"
    return hook.target, signed(hook.secret, body), body


def _form(hook: Webhook) -> Sent:
    """Rightly signed, but not JSON by its content type."""
    headers = signed(hook.secret, NEWS) | {"Content-Type": "application/x-www-form-urlencoded"}
    return hook.target, headers, NEWS


def _handshake(hook: Webhook) -> Sent:
    """An attacker's secret in place of Asana's."""
    return hook.target, {"X-Hook-Secret": "a" * 64}, b"{}"


WAYS: dict[str, Callable[[Webhook], Sent]] = {
    "unsigned": _unsigned,
    "wrong_key": _wrong_key,
    "changed_body": _changed_body,
    "replay": _replay,
    "wrong_id": _wrong_id,
    "oversized": _oversized,
    "form": _form,
    "handshake": _handshake,
}


def forge(deliveries: Deliveries, how: str, *, times: int = 1) -> None:
    """Send it to every webhook's target in the background. The answers show in the dumped state."""
    if how not in WAYS:
        raise bad(f"how: no such forgery: {how}; known are {', '.join(WAYS)}")
    for hook in list(deliveries.webhooks.values()):
        for _ in range(times):
            task = asyncio.get_running_loop().create_task(_send_forged(hook, how))
            deliveries.running.add(task)
            task.add_done_callback(deliveries.running.discard)


async def _send_forged(hook: Webhook, how: str) -> None:
    target, headers, body = WAYS[how](hook)
    await post(hook, target, headers, body, what=how)
