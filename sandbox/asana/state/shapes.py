"""How each thing looks as JSON: its compact and full forms, and any attribute that `opt_fields` names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.asana.state import richtext
from sandbox.asana.state.model import (
    Attachment,
    CustomField,
    EnumOption,
    Event,
    FieldEntry,
    FieldMembership,
    FieldSetting,
    OlderMembership,
    Project,
    ProjectMembership,
    Section,
    Site,
    SiteMembership,
    Story,
    Tag,
    Task,
    Team,
    TeamMembership,
    User,
    Webhook,
)
from sandbox.asana.state.values import display

ABSENT = object()
Tree = dict[str, "Tree"]
_GROUP = re.compile(r"\(([^()]*)\)")
Attribute = Callable[[Any, User], Any]


@dataclass(frozen=True)
class Shape:
    """`opt_in` attributes come only when asked for by name."""

    resource_type: str
    attributes: Mapping[str, Attribute]
    compact: tuple[str, ...]
    opt_in: tuple[str, ...] = ()
    whole: tuple[str, ...] = field(default=())

    def names(self, *, full: bool) -> tuple[str, ...]:
        return tuple(name for name in self.attributes if name not in self.opt_in) if full else self.compact


def show(record: Any, viewer: User, wanted: Tree | None = None, *, full: bool = False) -> dict[str, Any]:
    """The JSON object for `record`. `wanted` replaces the default set of attributes; `gid` always comes."""
    shape = SHAPES[type(record)]
    result: dict[str, Any] = {"gid": record.gid} if hasattr(record, "gid") else {}
    kind, untold = kind_of(record), viewer.untold()
    if kind and (not wanted or "resource_type" in wanted):
        result["resource_type"] = kind
    for name in wanted or shape.names(full=full):
        if name in shape.attributes and f"{shape.resource_type}.{name}" not in untold:
            value = shape.attributes[name](record, viewer)
            if value is not ABSENT:
                result[name] = _shown(value, viewer, (wanted or {}).get(name), full=full and name in shape.whole)
    for path, odd in viewer.odd().get(result.get("gid"), {}).items():
        _bend(result, path.split("."), odd)
    return result


def _bend(shown: Any, path: list[str], odd: Any) -> None:
    """Another value at the path, where the answer has that: `custom_fields.Amount.number_value`, the field by its name."""
    step, *rest = path
    if isinstance(shown, list):
        for each in shown:
            if each.get("name") == step:
                _bend(each, rest, odd)
    elif step in shown and rest:
        _bend(shown[step], rest, odd)
    elif step in shown:
        shown[step] = odd


def kind_of(record: Any) -> str | None:
    """The resource type that Asana shows; an author's own, where it is not a user's."""
    return record.author_kind if isinstance(record, User) else SHAPES[type(record)].resource_type


def _shown(value: Any, viewer: User, wanted: Tree | None, *, full: bool) -> Any:
    if type(value) in SHAPES:
        return show(value, viewer, wanted, full=full)
    if isinstance(value, (list, tuple)):
        return [_shown(each, viewer, wanted, full=full) for each in value]
    if isinstance(value, dict):
        picked = {name: value[name] for name in wanted if name in value} if wanted else value
        return {name: _shown(each, viewer, (wanted or {}).get(name), full=full) for name, each in picked.items()}
    return plain_json(value)


def plain_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return stamp(value) if isinstance(value, datetime) else value


def stamp(at: datetime) -> str:
    """Asana's timestamps: UTC with milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def get(name: str) -> Attribute:
    return lambda record, _viewer: getattr(record, name)


def fixed(value: Any) -> Attribute:
    return lambda _record, _viewer: value


def _plain(*names: str) -> dict[str, Attribute]:
    return {name: get(name) for name in names}


# --- what `opt_fields` asks for


def parse(paths: Iterable[str]) -> Tree:
    """The tree of wanted names; an empty subtree means the thing itself in its compact form.

    `opt_fields` are comma separated paths with groups `(a|b)` and an optional leading `this.`.
    """
    tree: Tree = {}
    for path in paths:
        for plain in _ungrouped(path.strip()):
            branch = tree
            for name in plain.removeprefix("this.").split("."):
                branch = branch.setdefault(name.strip(), {})
    return tree


def _ungrouped(path: str) -> Iterator[str]:
    group = _GROUP.search(path)
    if not group:
        yield from [path] if path else []
        return
    for choice in group.group(1).split("|"):
        yield from _ungrouped(path[: group.start()] + choice.strip() + path[group.end() :])


# --- custom fields, as definitions and as entries on a task


def _definition(attribute: Attribute) -> Attribute:
    """The same attribute, read through an entry."""
    return lambda entry, viewer: attribute(entry.custom_field, viewer)


def _value_of(kind: str) -> Attribute:
    """Only the `*_value` of the field's own type is present."""
    return lambda entry, _viewer: _empty(kind, entry.value) if entry.custom_field.kind == kind else ABSENT


def _empty(kind: str, value: Any) -> Any:
    return [] if value is None and kind in ("multi_enum", "people", "reference") else value


def _read_only(custom_field: CustomField, viewer: User) -> bool:
    return custom_field.locked_by is not None and custom_field.locked_by is not viewer


def _only(kinds: tuple[str, ...], attribute: Attribute) -> Attribute:
    return lambda record, viewer: attribute(record, viewer) if record.kind in kinds else ABSENT


_FIELD: dict[str, Attribute] = {
    "name": get("name"),
    "type": get("kind"),
    "resource_subtype": get("kind"),
    "representation_type": get("kind"),
    "enum_options": _only(("enum", "multi_enum"), get("options")),
    "is_formula_field": fixed(False),
    "is_value_read_only": _read_only,
    "is_global_to_workspace": get("is_global"),
    "precision": _only(("number",), get("precision")),
    "format": get("format"),
    "currency_code": get("currency_code"),
    "custom_label": fixed(None),
    "custom_label_position": fixed(None),
    "id_prefix": fixed(None),
    "has_notifications_enabled": fixed(False),
    "asana_created_field": fixed(None),
    "privacy_setting": lambda record, _viewer: "private" if record.hidden_from else record.privacy,
    "default_access_level": lambda record, _viewer: "user" if record.locked_by else record.default_access,
    "created_by": get("created_by"),
    "description": get("description"),
}
_ENTRY: dict[str, Attribute] = {name: _definition(attribute) for name, attribute in _FIELD.items()} | {
    "enabled": get("enabled"),
    "display_value": lambda entry, _viewer: display(entry.custom_field, entry.value),
    "text_value": _value_of("text"),
    "number_value": _value_of("number"),
    "enum_value": _value_of("enum"),
    "multi_enum_values": _value_of("multi_enum"),
    "date_value": _value_of("date"),
    "people_value": _value_of("people"),
    "reference_value": _value_of("reference"),
}
_FIELD["enabled"] = fixed(True)
_COMPACT_FIELD = (
    "name type representation_type enum_options is_formula_field id_prefix enabled display_value text_value "
    "number_value enum_value multi_enum_values date_value"
)


def entries(task: Task, viewer: User) -> list[FieldEntry]:
    """The task's custom fields: those of its projects, then values whose field is on none of them any more."""
    attached = {gid: setting.custom_field for place in task.places.values() for gid, setting in place.project.settings.items()}
    left_over = {entry.custom_field.gid: entry for entry in task.values.values() if entry.custom_field.gid not in attached}
    rows = [FieldEntry(each, task.values[gid].value if gid in task.values else None) for gid, each in attached.items()]
    rows += [FieldEntry(entry.custom_field, entry.value, enabled=False) for entry in left_over.values()]
    return [row for row in rows if viewer.gid not in row.custom_field.hidden_from]


# --- tasks and their stories


def _permalink(task: Task, _viewer: User) -> str:
    return f"{task.site.pages()}/1/{task.site.gid}/task/{task.gid}"


def _memberships(task: Task, _viewer: User) -> list[dict[str, Any]]:
    return [{"project": section.project, "section": section} for section in task.places.values()]


def _bare(name: str) -> Attribute:
    """Other tasks by their gids only, as their description has it."""
    return lambda task, _viewer: [
        {"gid": each.gid, "resource_type": "task"} for each in getattr(task, name) if not each.trashed
    ]


_TASK: dict[str, Attribute] = {
    **_plain("name"),
    "resource_subtype": get("kind"),
    "approval_status": _only(("approval",), get("approval_status")),
    "assignee": get("assignee"),
    "assignee_status": fixed("upcoming"),
    **_plain("completed", "completed_at", "completed_by", "created_at", "created_by", "due_at", "due_on", "followers"),
    "memberships": _memberships,
    **_plain("modified_at", "notes", "parent"),
    "html_notes": lambda task, _viewer: task.html_notes or richtext.from_plain(task.notes),
    "projects": lambda task, _viewer: [section.project for section in task.places.values()],
    "custom_fields": entries,
    "permalink_url": _permalink,
    "start_at": fixed(None),
    "start_on": get("start_on"),
    "tags": get("tags"),
    "dependencies": _bare("dependencies"),
    "dependents": _bare("dependents"),
    "workspace": get("site"),
    "num_likes": fixed(0),
    "num_hearts": fixed(0),
    "liked": fixed(False),
    "hearted": fixed(False),
    "likes": fixed([]),
    "hearts": fixed([]),
    "num_subtasks": lambda task, _viewer: len(task.live_subtasks),
    "actual_time_minutes": fixed(None),
}


def _extra(name: str) -> Attribute:
    return lambda story, _viewer: story.extra.get(name, ABSENT)


_STORY_EXTRAS = (
    "custom_field old_text_value new_text_value old_number_value new_number_value old_enum_value new_enum_value "
    "old_multi_enum_values new_multi_enum_values old_date_value new_date_value old_people_value new_people_value "
    "old_approval_status new_approval_status old_name new_name old_dates new_dates old_section new_section "
    "old_resource_subtype new_resource_subtype assignee project task"
)
_STORY: dict[str, Attribute] = {
    **_plain("created_at", "created_by"),
    "resource_subtype": get("kind"),
    "text": get("text"),
    "html_text": lambda story, _viewer: story.html_text or richtext.from_plain(story.text),
    "type": lambda story, _viewer: "comment" if story.kind == "comment_added" else "system",
    "target": get("task"),
    "source": lambda story, _viewer: ABSENT if story.source is None else story.source,
    "is_editable": lambda story, viewer: story.kind == "comment_added" and story.created_by is viewer,
    "is_edited": get("is_edited"),
    "is_pinned": fixed(False),
    "num_likes": fixed(0),
    "liked": fixed(False),
    "previews": fixed([]),
    **{name: _extra(name) for name in _STORY_EXTRAS.split()},
}


# --- everything else


_PROJECT: dict[str, Attribute] = {
    **_plain(
        "name", "created_at", "modified_at", "notes", "archived", "color", "icon", "default_view", "due_on", "start_on", "owner"
    ),
    "due_date": get("due_on"),
    "html_notes": lambda project, _viewer: project.html_notes or richtext.from_plain(project.notes),
    "completed": fixed(False),
    "completed_at": fixed(None),
    "completed_by": fixed(None),
    "current_status": fixed(None),
    "current_status_update": fixed(None),
    "created_from_template": fixed(None),
    "project_brief": fixed(None),
    "members": lambda project, _viewer: [each.member for each in project.members.values() if isinstance(each.member, User)],
    "followers": get("followers"),
    "privacy_setting": get("privacy"),
    "default_access_level": get("default_access"),
    "minimum_access_level_for_customization": fixed("editor"),
    "minimum_access_level_for_sharing": fixed("editor"),
    "public": lambda project, _viewer: project.privacy == "public_to_workspace",
    "team": fixed(None),
    "workspace": get("site"),
    "custom_fields": fixed([]),
    "custom_field_settings": lambda project, viewer: visible_settings(project, viewer),
    "permalink_url": lambda project, _viewer: f"{project.site.pages()}/1/{project.site.gid}/project/{project.gid}",
}


def visible_settings(project: Project, viewer: User) -> list[FieldSetting]:
    """Fields that the viewer may not see are silently left out."""
    return [setting for setting in project.settings.values() if viewer.gid not in setting.custom_field.hidden_from]


SHAPES: dict[type, Shape] = {
    User: Shape(
        "user",
        {
            "name": get("name"),
            "email": lambda user, _viewer: user.email or ABSENT,
            "photo": fixed(None),
            # An agent has no address, and one workspace.
            "workspaces": lambda user, _viewer: user.workspaces if user.email else ABSENT,
            "workspace": lambda user, _viewer: ABSENT if user.email else user.workspaces[0],
        },
        ("name",),
    ),
    Team: Shape("team", _plain("name"), ("name",)),
    TeamMembership: Shape(
        "team_membership",
        {
            **_plain("team", "user"),
            "is_guest": get("guest"),
            "is_limited_access": fixed(False),
            "is_admin": fixed(False),
        },
        ("team", "user", "is_guest", "is_limited_access", "is_admin"),
    ),
    Site: Shape(
        "workspace",
        {"name": get("name"), "is_organization": fixed(True), "email_domains": fixed(["northwind.example"])},
        ("name",),
    ),
    SiteMembership: Shape(
        "workspace_membership",
        {
            "user": get("user"),
            "workspace": get("site"),
            "is_active": get("active"),
            "is_admin": get("admin"),
            "is_guest": get("guest"),
            "is_view_only": fixed(False),
        },
        ("user", "workspace"),
    ),
    EnumOption: Shape("enum_option", _plain("name", "enabled", "color"), ("name", "enabled", "color")),
    CustomField: Shape(
        # The compact form has the deprecated `type`, not `resource_subtype`.
        "custom_field",
        _FIELD,
        ("name", "type", "representation_type", "enum_options", "is_formula_field", "id_prefix", "enabled"),
        ("description",),
    ),
    FieldEntry: Shape("custom_field", _ENTRY, tuple(_COMPACT_FIELD.split()), ("description",)),
    FieldSetting: Shape(
        "custom_field_setting",
        {
            "custom_field": get("custom_field"),
            "is_important": get("is_important"),
            "parent": get("project"),
            "project": get("project"),
        },
        (),
        whole=("custom_field",),
    ),
    Project: Shape("project", _PROJECT, ("name",), ("html_notes",)),
    Tag: Shape(
        "tag",
        {
            **_plain("name", "color", "notes", "created_at", "followers"),
            "workspace": get("site"),
            "permalink_url": lambda tag, _viewer: f"{tag.site.pages()}/0/{tag.gid}/list",
        },
        ("name",),
    ),
    ProjectMembership: Shape(
        "membership",
        {"resource_subtype": fixed("project_membership"), "parent": get("project"), **_plain("member", "access_level")},
        ("resource_subtype", "parent", "member", "access_level"),
    ),
    OlderMembership: Shape(
        "project_membership",
        {
            "parent": get("project"),
            **_plain("member", "access_level", "project"),
            "user": lambda row, _viewer: row.member if isinstance(row.member, User) else ABSENT,
            "write_access": lambda row, _viewer: "full_write" if row.access_level in ("admin", "editor") else "comment_only",
        },
        ("parent", "member", "access_level"),
    ),
    FieldMembership: Shape(
        "custom_field_membership",
        {
            "resource_subtype": fixed("custom_field_membership"),
            "parent": get("custom_field"),
            **_plain("member", "access_level"),
        },
        ("resource_subtype", "parent", "member", "access_level"),
    ),
    Section: Shape("section", {**_plain("name", "created_at", "project")}, ("name",)),
    Task: Shape(
        "task",
        _TASK,
        ("name", "resource_subtype"),
        ("html_notes", "num_subtasks", "created_by", "dependencies", "dependents"),
        whole=("custom_fields",),
    ),
    Story: Shape("story", _STORY, ("created_at", "created_by", "resource_subtype", "text"), ("html_text",)),
    Attachment: Shape(
        "attachment",
        {
            "name": get("name"),
            "resource_subtype": get("kind"),
            "created_at": get("created_at"),
            "host": get("kind"),
            "parent": get("task"),
            "connected_to_app": fixed(False),
            "size": lambda record, _viewer: len(record.content) or None,
            "download_url": fixed(None),
            "permanent_url": get("url"),
            "view_url": get("url"),
        },
        ("name", "resource_subtype"),
    ),
    Webhook: Shape(
        "webhook",
        _plain(
            "active",
            "resource",
            "target",
            "created_at",
            "last_success_at",
            "last_failure_at",
            "last_failure_content",
            "delivery_retry_count",
            "next_attempt_after",
            "failure_deletion_timestamp",
            "filters",
        ),
        ("active", "resource", "target"),
    ),
    Event: Shape(
        "",
        {
            "user": get("user"),
            "created_at": get("at"),
            "type": lambda event, _viewer: SHAPES[type(event.resource)].resource_type,
            **_plain("action", "resource", "parent"),
            "change": lambda event, _viewer: event.change if event.change else ABSENT,
        },
        ("user", "created_at", "type", "action", "resource", "parent", "change"),
    ),
}
