"""What Asana sends to a webhook: is it from Asana, and is it news? Source: developers.asana.com/docs/webhooks-guide."""

from __future__ import annotations

import hashlib
import hmac
import json

from intacct_asana.errors import UnexpectedReply
from intacct_asana.protocol.asana_records import event_from
from intacct_asana.protocol.asana_shapes import an_object, objects
from intacct_asana.records import Event

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
