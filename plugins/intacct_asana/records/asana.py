"""What a typed custom field can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from intacct_asana.codec import TAGGED

FieldValue = Annotated[str | Decimal | date | tuple[str, ...] | None, *TAGGED]
"""Text (or an enum option's gid), a number, a day, gids (multi-enum, people), or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An Asana user. `email` is empty where Asana does not show it; `is_guest` is None where it was not asked."""

    gid: str
    name: str = ""
    email: str = ""
    is_guest: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may do what with a project or a custom field. `kind` is `user` or `team`, `level` Asana's word for the access."""

    gid: str
    name: str = ""
    kind: str = ""
    level: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumOption:
    gid: str
    name: str
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDefinition:
    """A custom field as attached to a project. `kind` is Asana's resource_subtype (text, number, enum, date, ...).

    `format` is how a number is shown (`currency`, `percentage`, ...), `currency` the code for the first of these. `privacy` and
    `default_access` say who may write it, in Asana's words; empty where Asana does not tell.
    """

    gid: str
    name: str
    kind: str
    precision: int | None = None
    format: str = ""
    currency: str = ""
    options: tuple[EnumOption, ...] = ()
    writable: bool = True
    enabled: bool = True
    privacy: str = ""
    default_access: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    gid: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A task as Asana holds it now. `fields` is keyed by custom field gid; enum values are option gids."""

    gid: str
    name: str
    project_gids: tuple[str, ...] = ()
    section_gid: str | None = None
    completed: bool = False
    due_on: date | None = None
    notes: str = ""
    assignee_gid: str | None = None
    kind: str = "default_task"
    approval_status: str | None = None
    permalink_url: str = ""
    modified_at: datetime | None = None
    created_by_gid: str | None = None
    created_by_kind: str = ""
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    places: Mapping[str, int] = field(default_factory=dict)
    """How many decimal places its number fields show, where Asana tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadTask:
    """A task that is there and cannot be read as a whole. `texts` are those of its text fields that can, by field gid."""

    gid: str
    why: str
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskDraft:
    """What a task should say. Fields that a person owns are absent, so that they are never overwritten.

    `initial_fields` are written when the task is created and never again (the Approval field's Pending).
    `remark` is news for the people on the task, ending in a reference line (`records.remarks`). It is posted as a comment,
    once, when it says something else than the confirmed draft's; a new task never gets one.
    `assignee` and `followers` are user gids or e-mails; followers are only ever added. `kind` is Asana's resource_subtype,
    said when the task is created: whether it can be changed later is not documented.
    `shown_as` is known of a confirmed draft only: parts that Asana shows in a form of its own, however often they are written.
    """

    key: str
    name: str
    notes: str = ""
    html_notes: str = ""
    due_on: date | None = None
    completed: bool = False
    section_gid: str | None = None
    assignee: str | None = None
    followers: tuple[str, ...] = ()
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    initial_fields: Mapping[str, FieldValue] = field(default_factory=dict)
    remark: str = ""
    kind: str = "default_task"
    shown_as: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One entry of a task's history: the only witness of who changed what, and when.

    `author_gid` is None for system changes. The `*_enum_gid` values are set for enum custom field changes; the name is what
    that option is called now. `text` is the comment's text for comments and must not be parsed for anything else (it is
    localised). `html` is its markup, and `is_edited` whether its author changed it later, None where Asana does not tell.
    `author_kind` is the author's resource type (`user` for a person), empty where Asana does not tell.
    """

    gid: str
    created_at: datetime
    author_gid: str | None
    author_name: str = ""
    kind: str = ""
    source: str = ""
    text: str = ""
    field_gid: str | None = None
    old_enum_gid: str | None = None
    new_enum_gid: str | None = None
    new_enum_name: str = ""
    new_approval_status: str | None = None
    html: str = ""
    is_edited: bool | None = None
    author_kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A hint that something happened. It carries no proof: the task and its stories are read as they stand."""

    action: str
    resource_gid: str
    resource_type: str
    parent_gid: str | None = None
    parent_type: str | None = None
    user_gid: str | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """One answer of the events API. `reset` is the 412: the token was missing, bad or too old, and everything must be read.

    `unreadable` counts events of a form that nobody documents: what they hint at is unknown, so everything may have changed.
    """

    events: tuple[Event, ...]
    sync_token: str
    unreadable: int = 0
    has_more: bool = False
    reset: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedField:
    """A custom field as preflight resolved it. `options` maps option name to gid."""

    name: str
    gid: str
    kind: str
    precision: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """What preflight resolved once for one project: names to gids, so that a rename in Asana does not break the flow.

    `people` are the approvers' user gids by e-mail address in lower case, `workspace_gid` the workspace of the project,
    `company_id` the company in Intacct whose records its tasks are. Pins of older releases have none of them.
    """

    project_gid: str
    fields: Mapping[str, PinnedField]
    sections: Mapping[str, str] = field(default_factory=dict)
    bot_gid: str = ""
    people: Mapping[str, str] = field(default_factory=dict)
    workspace_gid: str = ""
    company_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldNeed:
    """A custom field that the flow needs on a project: what preflight must find, or create when it is told to.

    `name` may be a gid. `options` are the enum options that must exist, by name.
    """

    name: str
    kind: str
    precision: int | None = None
    currency: str = ""
    options: tuple[str, ...] = ()


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
