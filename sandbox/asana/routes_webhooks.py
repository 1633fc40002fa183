"""Webhooks: create (with the handshake), list, read, change filters, delete."""

from __future__ import annotations

import hashlib
from typing import Any

from sandbox.asana.calls import Answer, Call, created, done, many, one, route
from sandbox.asana.errors import bad, unknown
from sandbox.asana.model import Webhook
from sandbox.asana.webhooks import drop_dead, heartbeat, shake_hands


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
    await shake_hands(call.space, webhook)
    call.space.webhooks[gid] = webhook
    answer = created(call, webhook)
    # The answer shows the hook as it was when it was asked for, and carries the secret at the top level.
    answer.body["data"]["active"] = False
    told = call.space.world.setting("asana_webhook_secret", "same")
    if told != "none":
        answer.body["X-Hook-Secret"] = secret if told == "same" else "b" * 64
    heartbeat(call.space)
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
    drop_dead(call.space)
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
    drop_dead(call.space)
    webhook = call.space.webhooks.get(call.args["gid"])
    if not webhook or webhook.owner is not call.user:
        raise unknown("webhook", call.args["gid"], in_path=True)
    return webhook
