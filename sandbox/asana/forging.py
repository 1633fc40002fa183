"""What people do who are not Asana: forged, repeated, oversized deliveries and handshakes. Each answer is kept to be seen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from sandbox.asana.errors import bad
from sandbox.asana.model import Webhook
from sandbox.asana.webhooks import JSON_TYPE, post, signed

if TYPE_CHECKING:
    from sandbox.asana.state import Workspace

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


def forge(space: Workspace, how: str, *, times: int = 1) -> None:
    """Send it to every webhook's target in the background. The answers show in the dumped state."""
    if how not in WAYS:
        raise bad(f"how: no such forgery: {how}; known are {', '.join(WAYS)}")
    for hook in list(space.webhooks.values()):
        for _ in range(times):
            task = asyncio.get_running_loop().create_task(_send(hook, how))
            space.deliveries.running.add(task)
            task.add_done_callback(space.deliveries.running.discard)


async def _send(hook: Webhook, how: str) -> None:
    target, headers, body = WAYS[how](hook)
    await post(hook, target, headers, body, what=how)
