"""The things a workspace holds. Plain mutable records; the rules are in the modules that change them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(eq=False)
class User:
    """Whoever acts. `author_kind` is the resource type that Asana shows: `user`, `agent`, or whatever comes next; None: none.

    `untold` names attributes, as in `story.is_edited`, that Asana leaves out of its answers to this user, and `odd` values of
    another form, by gid and path.
    """

    gid: str
    name: str
    email: str
    workspaces: list[Site] = field(default_factory=list)
    author_kind: str | None = "user"
    untold: Callable[[], Collection[str]] = tuple
    odd: Callable[[], Mapping[str, Mapping[str, Any]]] = dict


@dataclass(eq=False)
class Team:
    gid: str
    name: str
    people: list[User] = field(default_factory=list)


@dataclass
class TeamMembership:
    """One person in one team. It is made when somebody asks, so its gid comes from theirs."""

    gid: str
    team: Team
    user: User
    guest: bool


@dataclass(eq=False)
class Site:
    """The workspace itself, as the API shows it. `pages` is where links to its tasks and projects lead."""

    gid: str
    name: str
    pages: Callable[[], str] = lambda: "https://app.asana.com"


@dataclass(eq=False)
class SiteMembership:
    gid: str
    user: User
    site: Site
    guest: bool = False
    admin: bool = False
    active: bool = True


@dataclass(eq=False)
class EnumOption:
    gid: str
    name: str
    enabled: bool = True
    color: str = "none"


@dataclass(eq=False)
class CustomField:
    """A field's definition. `locked_by` makes definition and values read-only for everybody else."""

    gid: str
    name: str
    kind: str
    precision: int | None = None
    format: str = "none"
    currency_code: str | None = None
    description: str = ""
    options: list[EnumOption] = field(default_factory=list)
    is_global: bool = True
    created_by: User | None = None
    locked_by: User | None = None
    hidden_from: set[str] = field(default_factory=set)
    privacy: str = "public_with_guests"
    default_access: str = "editor"
    members: dict[str, FieldMembership] = field(default_factory=dict)

    def option(self, gid: object) -> EnumOption | None:
        return next((option for option in self.options if option.gid == gid), None)


@dataclass(eq=False)
class FieldMembership:
    gid: str
    custom_field: CustomField
    member: User | Team
    access_level: str = "admin"


@dataclass(eq=False)
class FieldSetting:
    """A custom field's place on a project."""

    gid: str
    project: Project
    custom_field: CustomField
    is_important: bool = False


@dataclass(eq=False)
class FieldEntry:
    """A custom field as it stands on one task; `enabled` is false when no project of the task has the field any more."""

    custom_field: CustomField
    value: Any
    enabled: bool = True

    @property
    def gid(self) -> str:
        return self.custom_field.gid


@dataclass(eq=False)
class Section:
    gid: str
    name: str
    project: Project
    created_at: datetime


@dataclass(eq=False)
class ProjectMembership:
    gid: str
    project: Project
    member: User | Team
    access_level: str = "editor"


@dataclass(eq=False)
class OlderMembership(ProjectMembership):
    """The same as `/project_memberships` shows it."""


@dataclass(eq=False)
class Project:
    gid: str
    name: str
    site: Site
    created_at: datetime
    notes: str = ""
    sections: list[Section] = field(default_factory=list)
    settings: dict[str, FieldSetting] = field(default_factory=dict)
    tasks: dict[str, Task] = field(default_factory=dict)
    members: dict[str, ProjectMembership] = field(default_factory=dict)
    privacy: str = "private"
    default_access: str = "editor"
    archived: bool = False
    color: str | None = None
    icon: str | None = None
    default_view: str = "list"
    due_on: str | None = None
    start_on: str | None = None
    owner: User | None = None
    followers: list[User] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    modified_at: datetime | None = None
    html_notes: str | None = None

    def levels_of(self, user: User) -> set[str]:
        """What this user may do here, as a member or by a team; nothing at all for outsiders."""
        rows = [each for each in self.members.values() if isinstance(each.member, Team) and user in each.member.people]
        rows += [self.members[user.gid]] if user.gid in self.members else []
        return {each.access_level for each in rows}


@dataclass(eq=False)
class Task:
    """`values` is keyed by field gid, `places` by project gid."""

    gid: str
    site: Site
    created_at: datetime
    modified_at: datetime
    created_by: User | None
    name: str = ""
    kind: str = "default_task"
    notes: str = ""
    html_notes: str | None = None
    completed: bool = False
    completed_at: datetime | None = None
    completed_by: User | None = None
    approval_status: str | None = None
    assignee: User | None = None
    due_on: str | None = None
    due_at: str | None = None
    start_on: str | None = None
    parent: Task | None = None
    followers: list[User] = field(default_factory=list)
    values: dict[str, FieldEntry] = field(default_factory=dict)
    places: dict[str, Section] = field(default_factory=dict)
    stories: list[Story] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    subtasks: list[Task] = field(default_factory=list)
    dependencies: list[Task] = field(default_factory=list)
    dependents: list[Task] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    trashed: bool = False

    @property
    def live_subtasks(self) -> list[Task]:
        return [task for task in self.subtasks if not task.trashed]

    @property
    def ancestors(self) -> list[Task]:
        """What it is a subtask of, nearest first."""
        return [self.parent, *self.parent.ancestors] if self.parent else []


@dataclass(eq=False)
class Tag:
    gid: str
    name: str
    site: Site
    created_at: datetime
    color: str | None = None
    notes: str = ""
    followers: list[User] = field(default_factory=list)


@dataclass(eq=False)
class Story:
    """Readers see it from `seen_from` on. `extra` has what only some subtypes carry (`custom_field`, `new_enum_value`, ...)."""

    gid: str
    task: Task
    kind: str
    text: str
    created_at: datetime
    created_by: User | None
    source: str | None
    html_text: str | None = None
    is_edited: bool = False
    seen_from: datetime | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Attachment:
    gid: str
    name: str
    kind: str
    task: Task | Project
    created_at: datetime
    url: str | None = None
    content: bytes = b""
    content_type: str = ""


@dataclass(eq=False)
class Webhook:
    gid: str
    owner: User
    resource: Project | Task
    target: str
    secret: str
    created_at: datetime
    filters: list[dict[str, Any]] = field(default_factory=list)
    active: bool = True
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_failure_content: str = ""
    delivery_retry_count: int = 0
    next_attempt_after: datetime | None = None
    failure_deletion_timestamp: datetime | None = None
    last_body: bytes = b'{"events":[]}'
    answers: list[dict[str, str]] = field(default_factory=list)
    """What came back for each delivery, forged ones too: for those who look, not a part of Asana."""


@dataclass(eq=False)
class Event:
    """What happened, without proof: no id, no old value, and values only where they are Asana resources."""

    at: datetime
    user: User | None
    action: str
    resource: Task | Story | Section | Project | Attachment
    parent: Task | Project | None = None
    change: dict[str, Any] | None = None
    is_odd: bool = False
    """Told in a form that nobody documents: without what it is about."""
