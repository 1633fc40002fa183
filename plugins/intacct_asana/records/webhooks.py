"""Webhooks: what Asana holds of one, and what our own store knows about the one that it registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A webhook as Asana shows it. `delivery_retry_count` counts the tries of what could not be delivered yet."""

    gid: str
    target: str
    active: bool
    created_at: datetime | None = None
    filters: tuple[Mapping[str, object], ...] = ()
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_failure_content: str = ""
    delivery_retry_count: int = 0
    next_attempt_after: datetime | None = None
    failure_deletion_timestamp: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """A webhook that was just made, with the secret that signs its deliveries."""

    webhook: Webhook
    secret: str = field(repr=False)


class Registration(StrEnum):
    """How far the registration of a webhook has come."""

    BEGUN = "begun"
    """We are about to ask Asana for it."""

    SHAKEN = "shaken"
    """Its handshake came, and the answer to our own call is not there yet."""

    ACTIVE = "active"
    """Asana's answer to our call carried the very secret of the handshake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One registration in our store. `hook_id` stands in the target's query string and is no secret.

    `secret_digest` is the SHA-256 of the secret, `sealed_secret` the secret as the API server encrypted it.
    """

    hook_id: str
    state: Registration
    project_gid: str
    bot_gid: str
    expires_at: datetime
    webhook_gid: str = ""
    secret_digest: str = field(default="", repr=False)
    sealed_secret: str = field(default="", repr=False)
    checked_at: datetime | None = None

    def in_flight(self, now: datetime) -> bool:
        return self.state is not Registration.ACTIVE and now < self.expires_at
