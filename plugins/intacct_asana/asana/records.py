"""Asana's JSON as records: shapes, typed values, tasks, stories, people, fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal, DecimalException
from typing import Any

from intacct_asana.errors import Refused, UnexpectedReply
from intacct_asana.records import (
    Access,
    EnumOption,
    Event,
    EventPage,
    FieldDefinition,
    FieldValue,
    Person,
    Section,
    Story,
    Task,
    UnreadTask,
)
from intacct_asana.records.access import WorkspaceMember
from intacct_asana.text import rounded, short

Json = Mapping[str, Any]


def an_object(value: object, *, what: str) -> Json:
    """`value` itself, when it is a JSON object."""
    if isinstance(value, dict):
        return value
    raise UnexpectedReply(f"{what} should be an object and is {_kind(value)}")


def objects(value: object, *, what: str) -> list[Json]:
    """`value` as a list of JSON objects; absent is empty."""
    if value is None:
        return []
    if isinstance(value, list):
        return [an_object(item, what=f"each of {what}") for item in value]
    raise UnexpectedReply(f"{what} should be a list and is {_kind(value)}")


def maybe(body: Json, key: str) -> Json | None:
    """The object at `key`, or None where it is absent or null."""
    value = body.get(key)
    return None if value is None else an_object(value, what=key)


def gid(body: Json) -> str:
    """The object's gid. Asana's gids are strings: a number would already have lost digits on its way."""
    value = body.get("gid")
    if isinstance(value, str) and value:
        return value
    raise UnexpectedReply(f"a gid should be text and is {_kind(value)}")


def gid_at(body: Json, key: str) -> str | None:
    """The gid of the object at `key`, or None where there is none."""
    found = maybe(body, key)
    return gid(found) if found is not None else None


def text(body: Json, key: str) -> str:
    """The text at `key`; empty where it is absent or null."""
    value = body.get(key)
    if value is None or isinstance(value, str):
        return value or ""
    raise UnexpectedReply(f"{key} should be text and is {_kind(value)}")


def switch(body: Json, key: str, *, default: bool) -> bool:
    """The boolean at `key`; `default` where it is absent or null."""
    value = body.get(key)
    if value is None or isinstance(value, bool):
        return default if value is None else value
    raise UnexpectedReply(f"{key} should be true or false and is {_kind(value)}")


def number(body: Json, key: str) -> Decimal | None:
    """The number at `key` with exactly the digits of the wire, or None."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    said = f" {short(value, longest=40)!r}" if isinstance(value, str) else ""
    raise UnexpectedReply(f"{key} should be a number and is {_kind(value)}{said}")


def day(body: Json, key: str) -> date | None:
    """The `YYYY-MM-DD` at `key`, or None."""
    value = text(body, key)
    try:
        return date.fromisoformat(value) if value else None
    except ValueError as error:
        raise UnexpectedReply(f"{key} should be a day such as 2026-11-23 and is {value[:40]!r}") from error


def instant(body: Json, key: str) -> datetime | None:
    """The ISO 8601 instant at `key` as aware UTC, or None."""
    value = text(body, key)
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            raise ValueError("no offset")
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnexpectedReply(f"{key} should be an instant such as 2026-11-23T08:00:00Z and is {value[:40]!r}") from error


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "absent"}
    return names.get(type(value), "a number")


TEXT_LIMIT = 1024
"""Characters in a text custom field. Source: developers.asana.com/reference/custom-fields."""


def value_to_wire(field_gid: str, value: FieldValue) -> Any:
    """`value` as `custom_fields` of a task request takes it. Raises Refused for what Asana cannot hold exactly.

    Source: developers.asana.com/docs/custom-fields-guide. A wrong shape is stored as nothing and still answered 200.
    """
    if isinstance(value, Decimal):
        return number_to_wire(field_gid, value)
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str) and len(value) > TEXT_LIMIT:
        too_long = f"custom field {field_gid}: text of {len(value)} characters; Asana holds {TEXT_LIMIT} at most"
        raise Refused(too_long).naming(field_gid)
    return value


def number_to_wire(field_gid: str, value: Decimal) -> int | float:
    """`value` as a JSON number that reads back as the very same decimal.

    Asana keeps a number as a binary double. Its shortest text must be `value`, else cents would change on the way.
    """
    if not value.is_finite() or Decimal(repr(float(value))) != value:
        digits = len(value.as_tuple().digits)
        raise Refused(f"custom field {field_gid}: a number of {digits} digits cannot be carried exactly").naming(field_gid)
    return int(value) if value == value.to_integral_value() else float(value)


def value_from_wire(body: Json) -> FieldValue:
    """What one entry of a task's `custom_fields` holds. A type that Asana adds later is read as the text it displays."""
    kind = kind_of(body)
    match kind:
        case "text":
            return text(body, "text_value") or None
        case "number":
            return _number(body)
        case "enum":
            return gid_at(body, "enum_value")
        case "date":
            return _day(body)
        case "multi_enum":
            return _gids(body, "multi_enum_values")
        case "people":
            return _gids(body, "people_value")
        case "reference":
            return _gids(body, "reference_value")
    return text(body, "display_value") or None


def kind_of(body: Json) -> str:
    """text, number, enum, date, ... `type` is the deprecated name of the same."""
    return text(body, "resource_subtype") or text(body, "type")


def precision_of(body: Json) -> int | None:
    """Decimal places of a number field, 0 to 6."""
    found = number(body, "precision")
    if found is None:
        return None
    if found not in range(7):
        raise UnexpectedReply(f"precision should be 0 to 6 and is {found:.3}")
    return int(found)


def _number(body: Json) -> Decimal | None:
    value, precision = number(body, "number_value"), precision_of(body)
    if value is None:
        return None
    try:
        if precision is None:
            return value.normalize()
        return rounded(value, places=_places(body, precision))
    except DecimalException as error:
        raise UnexpectedReply("number_value is too large for any amount") from error


def _places(body: Json, precision: int) -> int:
    """A percentage counts its digits on what it shows: 25% is 0.25 with precision 0."""
    return precision + 2 if text(body, "format") == "percentage" else precision


def _day(body: Json) -> date | None:
    """Only the day counts. Where Asana holds an instant, `date` is the day of it."""
    found = maybe(body, "date_value")
    return day(found, "date") if found is not None else None


def _gids(body: Json, key: str) -> tuple[str, ...]:
    """Sorted, because Asana's order means nothing."""
    return tuple(sorted(gid(item) for item in objects(body.get(key), what=key)))


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
        created_by_gid=gid_at(body, "created_by"),
        created_by_kind=_kind_of(maybe(body, "created_by")),
        fields=_fields(entries),
        places={gid(one): _places(one, told) for one in entries if (told := precision_of(one)) is not None},
    )


def task_or_unread(body: Json, *, project_gid: str) -> Task | UnreadTask:
    """The task, or what can be told of it all the same. Raises UnexpectedReply for one without a gid: nobody can find that."""
    try:
        return task_from(body, project_gid=project_gid)
    except UnexpectedReply as error:
        why = f"Task {gid(body)} cannot be read: {error.message}. Correct or delete it in Asana; each run asks for it again."
        return UnreadTask(gid=gid(body), why=why, texts=_readable_texts(body))


def _readable_texts(body: Json) -> dict[str, str]:
    texts: dict[str, str] = {}
    entries = body.get("custom_fields")
    for entry in entries if isinstance(entries, list) else ():
        with suppress(UnexpectedReply):
            value = value_from_wire(an_object(entry, what="a custom field"))
            texts |= {gid(entry): value} if isinstance(value, str) else {}
    return texts


def _fields(entries: Sequence[Json]) -> dict[str, FieldValue]:
    """Values by field. One that comes twice with two values has none that anybody could believe."""
    found: dict[str, FieldValue] = {}
    for entry in entries:
        try:
            value = value_from_wire(entry)
        except UnexpectedReply as error:
            raise error.at(f"field {entry.get('name') or gid(entry)!r}") from error.__cause__
        if found.setdefault(gid(entry), value) != value:
            raise UnexpectedReply(f"custom field {gid(entry)} comes twice, with two values")
    return found


def _kind_of(actor: Json | None) -> str:
    """`user` for a person. Agents, apps and whatever comes next say so themselves; empty where Asana does not tell."""
    return text(actor, "resource_type") if actor is not None else ""


def story_from(body: Json) -> Story:
    """One entry of a task's history. It is evidence, so one without a time, a kind, or a comment's text is not believed:
    it may be what took an earlier choice back.
    """
    created_at, kind = instant(body, "created_at"), text(body, "resource_subtype")
    if created_at is None:
        raise UnexpectedReply("a story has no created_at")
    if not kind or (kind == "comment_added" and body.get("text") is None):
        raise UnexpectedReply(f"story {gid(body)} has no {'text' if kind else 'resource_subtype'}")
    author, chosen = maybe(body, "created_by"), maybe(body, "new_enum_value")
    return Story(
        gid=gid(body),
        created_at=created_at,
        author_gid=gid(author) if author is not None else None,
        author_name=text(author, "name") if author is not None else "",
        kind=kind,
        source=text(body, "source"),
        text=text(body, "text"),
        field_gid=gid_at(body, "custom_field"),
        old_enum_gid=gid_at(body, "old_enum_value"),
        new_enum_gid=gid(chosen) if chosen is not None else None,
        new_enum_name=text(chosen, "name") if chosen is not None else "",
        new_approval_status=text(body, "new_approval_status") or None,
        html=text(body, "html_text"),
        is_edited=switch(body, "is_edited", default=False) if body.get("is_edited") is not None else None,
        author_kind=_kind_of(author),
    )


def event_page_from(body: Json, *, reset: bool = False) -> EventPage:
    """One answer of the events API; `reset` where it is the 412 that hands out a new token."""
    token = text(body, "sync")
    if not token:
        raise UnexpectedReply("the events answer has no sync token")
    data = body.get("data") or []
    if not isinstance(data, list):
        raise UnexpectedReply(f"events should be a list and is {_kind(data)}")
    found = [] if reset else [_event_or_none(item) for item in data]
    return EventPage(
        events=tuple(event for event in found if event),
        unreadable=found.count(None),
        sync_token=token,
        has_more=switch(body, "has_more", default=False),
        reset=reset,
    )


def _event_or_none(item: object) -> Event | None:
    """None for one that cannot be read: the others are read all the same, and the token goes on."""
    try:
        return event_from(an_object(item, what="an event"))
    except UnexpectedReply:
        return None


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
        privacy=text(body, "privacy_setting"),
        default_access=text(body, "default_access_level"),
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


def named_from(body: Json) -> tuple[str, str]:
    """Anything as (gid, name)."""
    return gid(body), text(body, "name")


def guest_from(body: Json) -> tuple[str, bool | None]:
    """A workspace membership as (user gid, is a guest); None where it does not tell: absent is not a no."""
    told = body.get("is_guest") is not None
    user = an_object(body.get("user"), what="user of a membership")
    return gid(user), switch(body, "is_guest", default=False) if told else None


def workspace_member_from(body: Json) -> WorkspaceMember:
    """A workspace membership with what it tells; None for what it does not."""

    def told(name: str) -> bool | None:
        return None if body.get(name) is None else switch(body, name, default=False)

    user = an_object(body.get("user"), what="user of a membership")
    return WorkspaceMember(gid=gid(user), is_guest=told("is_guest"), is_admin=told("is_admin"), is_active=told("is_active"))


def access_from(body: Json) -> Access:
    """A membership of a project or a custom field."""
    member = an_object(body.get("member"), what="member of a membership")
    return Access(
        gid=gid(member), name=text(member, "name"), kind=text(member, "resource_type"), level=text(body, "access_level")
    )


def sharing_from(body: Json) -> tuple[str, str]:
    """How a project is shared, as (privacy, default access level), in Asana's words."""
    return text(body, "privacy_setting"), text(body, "default_access_level")


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
