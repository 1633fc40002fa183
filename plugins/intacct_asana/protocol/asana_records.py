"""Asana's JSON into our records: the only place that knows which key holds what."""

from __future__ import annotations

from intacct_asana.errors import UnexpectedReply
from intacct_asana.protocol.asana_shapes import (
    Json,
    an_object,
    day,
    gid,
    gid_at,
    instant,
    maybe,
    objects,
    switch,
    text,
)
from intacct_asana.protocol.asana_values import kind_of, precision_of, value_from_wire
from intacct_asana.records import (
    EnumOption,
    Event,
    EventPage,
    FieldDefinition,
    Person,
    Section,
    Story,
    Task,
)


def task_from(body: Json, *, project_gid: str | None = None) -> Task:
    """One task. `section_gid` is its section in `project_gid`, or in the first of its projects when none is named."""
    places = objects(body.get("memberships"), what="memberships")
    projects = tuple(found for place in places if (found := gid_at(place, "project")))
    here = [place for place in places if project_gid is None or gid_at(place, "project") == project_gid]
    entries = objects(body.get("custom_fields"), what="custom_fields")
    return Task(
        gid=gid(body),
        name=text(body, "name"),
        project_gids=projects,
        section_gid=gid_at(here[0], "section") if here else None,
        completed=_completed(body),
        due_on=day(body, "due_on"),
        notes=text(body, "notes"),
        assignee_gid=gid_at(body, "assignee"),
        kind=text(body, "resource_subtype") or "default_task",
        approval_status=text(body, "approval_status") or None,
        permalink_url=text(body, "permalink_url"),
        modified_at=instant(body, "modified_at"),
        fields={gid(entry): value_from_wire(entry) for entry in entries},
    )


def story_from(body: Json) -> Story:
    """One entry of a task's history. Its time is evidence, so a story without one is not believed."""
    created_at = instant(body, "created_at")
    if created_at is None:
        raise UnexpectedReply("a story has no created_at")
    author, chosen = maybe(body, "created_by"), maybe(body, "new_enum_value")
    return Story(
        gid=gid(body),
        created_at=created_at,
        author_gid=gid(author) if author is not None else None,
        author_name=text(author, "name") if author is not None else "",
        kind=text(body, "resource_subtype"),
        source=text(body, "source"),
        text=text(body, "text"),
        field_gid=gid_at(body, "custom_field"),
        old_enum_gid=gid_at(body, "old_enum_value"),
        new_enum_gid=gid(chosen) if chosen is not None else None,
        new_enum_name=text(chosen, "name") if chosen is not None else "",
        new_approval_status=text(body, "new_approval_status") or None,
        html=text(body, "html_text"),
        is_edited=switch(body, "is_edited", default=False),
    )


def event_page_from(body: Json, *, reset: bool = False) -> EventPage:
    """One answer of the events API; `reset` where it is the 412 that hands out a new token."""
    token = text(body, "sync")
    if not token:
        raise UnexpectedReply("the events answer has no sync token")
    found = [] if reset else objects(body.get("data"), what="events")
    return EventPage(
        events=tuple(event_from(item) for item in found),
        sync_token=token,
        has_more=switch(body, "has_more", default=False),
        reset=reset,
    )


def event_from(body: Json) -> Event:
    """One hint. A system event has no user."""
    resource = an_object(body.get("resource"), what="an event's resource")
    parent = maybe(body, "parent")
    return Event(
        action=text(body, "action"),
        resource_gid=gid(resource),
        resource_type=text(resource, "resource_type"),
        parent_gid=gid(parent) if parent is not None else None,
        parent_type=text(parent, "resource_type") if parent is not None else None,
        user_gid=gid_at(body, "user"),
        created_at=instant(body, "created_at"),
    )


def definition_from(body: Json) -> FieldDefinition:
    """A custom field. A computed or read-only one cannot be written by us."""
    computed = switch(body, "is_formula_field", default=False) or text(body, "representation_type") in ("formula", "custom_id")
    return FieldDefinition(
        gid=gid(body),
        name=text(body, "name"),
        kind=kind_of(body),
        precision=precision_of(body),
        format=text(body, "format"),
        currency=text(body, "currency_code"),
        options=tuple(option_from(item) for item in objects(body.get("enum_options"), what="enum_options")),
        writable=not computed and not switch(body, "is_value_read_only", default=False),
        enabled=switch(body, "enabled", default=True),
    )


def setting_from(body: Json) -> FieldDefinition:
    """The custom field that a project's setting attaches."""
    return definition_from(an_object(body.get("custom_field"), what="custom_field of a setting"))


def option_from(body: Json) -> EnumOption:
    return EnumOption(gid=gid(body), name=text(body, "name"), enabled=switch(body, "enabled", default=True))


def section_from(body: Json) -> Section:
    return Section(gid=gid(body), name=text(body, "name"))


def person_from(body: Json) -> Person:
    return Person(gid=gid(body), name=text(body, "name"), email=text(body, "email"))


def workspaces_from(body: Json) -> tuple[str, ...]:
    """Gids of the workspaces that a user belongs to."""
    return tuple(gid(item) for item in objects(body.get("workspaces"), what="workspaces"))


def guest_from(body: Json) -> tuple[str, bool]:
    """A workspace membership as (user gid, is a guest)."""
    return gid(an_object(body.get("user"), what="user of a membership")), switch(body, "is_guest", default=False)


def project_from(body: Json) -> tuple[str, str, str]:
    """A project as (gid, name, workspace gid)."""
    workspace = gid_at(body, "workspace")
    if workspace is None:
        raise UnexpectedReply("a project has no workspace")
    return gid(body), text(body, "name"), workspace


def _completed(body: Json) -> bool:
    """Whether the task is done. Never guessed: an absent answer would reopen or close a bill's task."""
    if body.get("completed") is None:
        raise UnexpectedReply(f"task {gid(body)} came without completed")
    return switch(body, "completed", default=False)
