"""Webhooks: what is asked about them, and whether a delivery is signed as it must be."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from intacct_asana.asana.records import Json, an_object, event_from, gid, instant, number, objects, switch, text
from intacct_asana.asana.request import Request, get_list, segment, send
from intacct_asana.errors import UnexpectedReply
from intacct_asana.records import Event, NewWebhook, Webhook

DELIVERY_FIELDS = (
    "last_success_at",
    "last_failure_at",
    "last_failure_content",
    "delivery_retry_count",
    "next_attempt_after",
    "failure_deletion_timestamp",
)
"""How its deliveries go. Our record has the same names."""

WEBHOOK_FIELDS = ("active", "created_at", "target", "filters", *DELIVERY_FIELDS)

FILTERS: tuple[dict[str, Any], ...] = (
    # A choice, a comment, an approval: each leaves a story, also where Asana forgets to tell of the change itself.
    {"resource_type": "story", "action": "added"},
    {"resource_type": "task", "action": "changed", "fields": ["completed", "custom_fields"]},
)
"""What is worth a run. Any one of them lets an event through."""


def read_webhooks(workspace_gid: str, project_gid: str) -> Request:
    """The webhooks of this token's user on a project. Source: developers.asana.com/reference/getwebhooks."""
    asked = f"reading the webhooks of project {project_gid}"
    return get_list("/webhooks", asked=asked, fields=WEBHOOK_FIELDS, workspace=workspace_gid, resource=project_gid)


def create_webhook(project_gid: str, target: str) -> Request:
    """Asana shakes hands with `target` before it answers. Source: developers.asana.com/reference/createwebhook."""
    return send(
        "POST",
        "/webhooks",
        asked=f"registering a webhook for project {project_gid}",
        data={"resource": project_gid, "target": target, "filters": list(FILTERS)},
        fields=WEBHOOK_FIELDS,
        repeatable=False,
    )


def change_filters(webhook_gid: str) -> Request:
    """Replaces all filters. Source: developers.asana.com/reference/updatewebhook."""
    asked = f"changing the filters of webhook {webhook_gid}"
    data = {"filters": list(FILTERS)}
    return send("PUT", f"/webhooks/{segment(webhook_gid)}", asked=asked, data=data, fields=WEBHOOK_FIELDS, repeatable=True)


def delete_webhook(webhook_gid: str) -> Request:
    """For good. What is on its way may still arrive. Source: developers.asana.com/reference/deletewebhook."""
    return Request(method="DELETE", path=f"/webhooks/{segment(webhook_gid)}", asked=f"deleting webhook {webhook_gid}")


def webhook_from(body: Json) -> Webhook:
    return Webhook(
        gid=gid(body),
        target=text(body, "target"),
        active=switch(body, "active", default=False),
        created_at=instant(body, "created_at"),
        filters=tuple(objects(body.get("filters"), what="filters")),
        last_success_at=instant(body, "last_success_at"),
        last_failure_at=instant(body, "last_failure_at"),
        last_failure_content=text(body, "last_failure_content"),
        delivery_retry_count=int(number(body, "delivery_retry_count") or 0),
        next_attempt_after=instant(body, "next_attempt_after"),
        failure_deletion_timestamp=instant(body, "failure_deletion_timestamp"),
    )


def new_webhook_from(envelope: Json) -> NewWebhook:
    """The answer to `create_webhook`: the secret stands beside `data`, under the header's name."""
    secret = text(envelope, "X-Hook-Secret")
    if not secret:
        raise UnexpectedReply("the new webhook came without its secret")
    return NewWebhook(webhook=webhook_from(an_object(envelope.get("data"), what="data")), secret=secret)


def has_our_filters(webhook: Webhook) -> bool:
    """Whether its filters are the ones that we ask for, however Asana orders and fills them up."""
    return sorted(map(_canonical, webhook.filters)) == sorted(map(_canonical, FILTERS))


def _canonical(one: Json) -> str:
    said = {key: sorted(value) if isinstance(value, list) else value for key, value in one.items() if value not in (None, [])}
    return repr(sorted(said.items()))


SECRET_HEADER = "x-hook-secret"  # noqa: S105  (the header's name)
SIGNATURE_HEADER = "x-hook-signature"


def signature_of(secret: str, body: bytes) -> str:
    """Lower-case hex HMAC-SHA256 over the raw body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def is_signed(secret: str, body: bytes, signature: str) -> bool:
    """Whether `signature` is this body's, compared in constant time."""
    return hmac.compare_digest(signature_of(secret, body).encode(), signature.encode("utf-8", "replace"))


def digest_of_secret(secret: str) -> str:
    """What may be kept and compared in place of the secret: Asana's are 256 random bits, so nobody finds one from it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def events_in(body: bytes) -> list[Event]:
    """The events of a delivery; none in a heartbeat. Raises UnexpectedReply."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnexpectedReply("a delivery is not JSON") from error
    return [event_from(item) for item in objects(an_object(found, what="a delivery").get("events"), what="events")]
