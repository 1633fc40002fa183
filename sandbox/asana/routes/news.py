"""What tells of changes: webhooks (with their handshake), and events since a sync token."""

from __future__ import annotations

import hashlib
from typing import Any

from sandbox.asana.errors import bad, unknown
from sandbox.asana.routes.calls import Answer, Call, created, done, many, one, route
from sandbox.asana.state.deliveries import shake_hands
from sandbox.asana.state.model import Webhook
from sandbox.asana.state.shapes import parse, show


@route("POST", "/webhooks")
async def create_webhook(call: Call) -> Answer:
    """201 with the secret beside `data`; 400 when the target does not echo it. Settings play what is not documented."""
    resource, target = str(call.given("resource")), call.given("target")
    if not isinstance(target, str) or not target.startswith(("http://", "https://")):
        raise bad(f"target: Not a valid URL: {target}")
    thing = call.space.projects.get(resource) or call.space.tasks.get(resource)
    if not thing:
        raise unknown("resource", resource)
    gid = call.space.new_gid()
    secret = hashlib.sha256(f"{call.space.events.seed} webhook {gid}".encode()).hexdigest()
    webhook = Webhook(gid, call.user, thing, target, secret, call.space.now(), _filters(call.data.get("filters")))
    await shake_hands(call.space.world, webhook)
    call.space.webhooks[gid] = webhook
    answer = created(call, webhook)
    # The answer shows the hook as it was when it was asked for, and carries the secret at the top level.
    answer.body["data"]["active"] = False
    told = call.space.world.setting("asana_webhook_secret", "same")
    if told != "none":
        answer.body["X-Hook-Secret"] = secret if told == "same" else "b" * 64
    call.space.deliveries.heartbeat()
    return answer


def _filters(given: Any) -> list[dict[str, Any]]:
    filters = given or []
    if not isinstance(filters, list) or not all(isinstance(each, dict) for each in filters):
        raise bad(f"filters: Value is not an array: {given}")
    for each in filters:
        if each.get("fields") and each.get("action") != "changed":
            raise bad("filters: fields may only be given with action changed")
    return filters


@route("GET", "/webhooks")
def list_webhooks(call: Call) -> Answer:
    """Only the caller's own, of the workspace and optionally of one resource."""
    call.space.site_of(call.asked("workspace"))
    call.space.deliveries.drop_dead()
    wanted = call.query.get("resource")
    mine = [each for each in call.space.webhooks.values() if each.owner is call.user]
    return many(call, [each for each in mine if wanted in (None, each.resource.gid)])


@route("GET", "/webhooks/{gid}")
def get_webhook(call: Call) -> Answer:
    return one(call, _mine(call))


@route("PUT", "/webhooks/{gid}")
def change_filters(call: Call) -> Answer:
    webhook = _mine(call)
    webhook.filters = _filters(call.given("filters"))
    return one(call, webhook)


@route("DELETE", "/webhooks/{gid}")
def delete_webhook(call: Call) -> Answer:
    del call.space.webhooks[_mine(call).gid]
    return done()


def _mine(call: Call) -> Webhook:
    call.space.deliveries.drop_dead()
    webhook = call.space.webhooks.get(call.args["gid"])
    if not webhook or webhook.owner is not call.user:
        raise unknown("webhook", call.args["gid"], in_path=True)
    return webhook


# --- events since a sync token


USUAL = parse(
    [
        "user.(resource_type|name)",
        "created_at",
        "type",
        "action",
        "(resource|parent).(resource_type|resource_subtype|name)",
        "change",
    ]
)
"""What an event says unless opt_fields asks for something else: names and types, no contents."""


@route("GET", "/events")
def events(call: Call) -> Answer:
    return _page(call, call.asked("resource"))


@route("GET", "/projects/{gid}/events")
def project_events(call: Call) -> Answer:
    return _page(call, call.args["gid"])


@route("GET", "/tasks/{gid}/events")
def task_events(call: Call) -> Answer:
    return _page(call, call.args["gid"])


def _page(call: Call, resource: str) -> Answer:
    if resource in call.space.projects:
        call.space.project(resource, call.user, in_path=False)
    elif resource in call.space.tasks:
        call.space.task(resource, call.user, in_path=False)
    else:
        raise unknown("resource", resource)
    found, token, more = call.space.events.page(resource, call.query.get("sync"))
    shown = [(each, show(each, call.user, call.wanted or USUAL)) for each in found]
    data = [
        {name: value for name, value in body.items() if name != "resource"} if each.is_odd else body for each, body in shown
    ]
    more = more or bool(call.space.world.setting("asana_events_never_end", False))
    return Answer({"data": data, "sync": token, "has_more": more})
