"""Custom field definitions: create, rename, attach to projects; enum options are disabled, never deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.asana.errors import bad, forbidden, needs_payment
from sandbox.asana.state.model import CustomField, EnumOption, FieldMembership, FieldSetting, Project, User
from sandbox.asana.state.values import KINDS
from sandbox.asana.state.workspace import Workspace

BUILT_IN = frozenset({"due date", "assignee", "name", "task name", "created on", "last modified on", "completed on"})
FORMATS = frozenset({"currency", "identifier", "percentage", "custom", "duration", "none"})
OPTION_LIMIT = 500
CHANGEABLE = frozenset({"name", "description", "precision", "format", "currency_code", "has_notifications_enabled"})


def needs_paid_plan(space: Workspace) -> None:
    if space.world.setting("asana_free_plan", False):
        raise needs_payment("Custom Field Settings are not available for free users.")


def create(space: Workspace, user: User, data: dict[str, Any], *, is_global: bool) -> CustomField:
    """A new definition. Raises 400 for a missing or wrong property."""
    needs_paid_plan(space)
    kind = data.get("resource_subtype") or data.get("type")
    for key, value in (("name", data.get("name")), ("resource_subtype", kind)):
        if not value:
            raise bad(f"{key}: Missing input")
    if kind not in KINDS:
        raise bad(f"resource_subtype: Not a recognized custom field type: {kind}")
    unique = is_global or bool(space.world.setting("asana_local_names_unique", False))
    field = CustomField(space.new_gid(), _free_name(space, data["name"], is_global=unique), kind, is_global=is_global)
    _set_format(field, data)
    field.description, field.created_by = data.get("description") or "", user
    field.members[user.gid] = FieldMembership(space.new_gid(), field, user)
    for option in data.get("enum_options") or []:
        add_option(space, user, field, option)
    space.fields[field.gid] = field
    return field


def _free_name(space: Workspace, name: object, *, is_global: bool, but: CustomField | None = None) -> str:
    if not isinstance(name, str):
        raise bad(f"name: Value is not a string: {name}")
    if name.strip().lower() in BUILT_IN:
        raise bad(f"name: '{name}' is the name of a built-in field")
    taken = (field for field in space.fields.values() if field.is_global and field is not but)
    if is_global and any(field.name.lower() == name.strip().lower() for field in taken):
        raise bad(f"name: A custom field with the name '{name}' already exists in this workspace")
    return name


def _set_format(field: CustomField, data: dict[str, Any]) -> None:
    form = data.get("format", field.format) or "none"
    precision = data.get("precision", field.precision)
    if form not in FORMATS:
        raise bad(f"format: Not a recognized format: {form}")
    if field.kind == "number":
        if not isinstance(precision or 0, int) or not 0 <= (precision or 0) <= 6:
            raise bad(f"precision: Must be between 0 and 6, not: {precision}")
        field.precision = 0 if form == "identifier" else precision or 0
    field.format = form
    field.currency_code = data.get("currency_code", field.currency_code) if form == "currency" else None


def update(space: Workspace, user: User, field: CustomField, data: dict[str, Any]) -> None:
    raise_if_locked(field, user)
    odd = sorted(set(data) - CHANGEABLE)
    if odd:
        raise bad(f"{odd[0]}: Cannot write this property")
    if "name" in data:
        field.name = _free_name(space, data["name"], is_global=field.is_global, but=field)
    field.description = data.get("description", field.description)
    _set_format(field, data)


def remove(space: Workspace, user: User, field: CustomField) -> None:
    raise_if_locked(field, user)
    del space.fields[field.gid]
    for project in space.projects.values():
        project.settings.pop(field.gid, None)
    for task in space.tasks.values():
        task.values.pop(field.gid, None)


def add_option(space: Workspace, user: User, field: CustomField, data: dict[str, Any]) -> EnumOption:
    raise_if_locked(field, user)
    if field.kind not in ("enum", "multi_enum"):
        raise bad("custom_field: Only enum and multi_enum fields have options")
    if not data.get("name"):
        raise bad("name: Missing input")
    if len(field.options) >= OPTION_LIMIT:
        raise bad(f"enum_options: A custom field may have at most {OPTION_LIMIT} options")
    option = EnumOption(space.new_gid(), data["name"], data.get("enabled", True), data.get("color") or "none")
    field.options.insert(_place(field, data), option)
    return option


def _place(field: CustomField, data: dict[str, Any]) -> int:
    for key, after in (("insert_before", 0), ("insert_after", 1)):
        if data.get(key):
            neighbour = field.option(data[key])
            if not neighbour:
                raise bad(f"{key}: Unknown object: {data[key]}")
            return field.options.index(neighbour) + after
    return len(field.options)


def update_option(space: Workspace, user: User, field: CustomField, option: EnumOption, data: dict[str, Any]) -> None:
    """Rename, recolour, enable or disable. One enabled option must remain."""
    raise_if_locked(field, user)
    others = [each for each in field.options if each.enabled and each is not option]
    if data.get("enabled") is False and not others:
        raise bad("enabled: At least one enum option must remain enabled")
    option.name = data.get("name", option.name)
    if space.world.setting("asana_option_names_in_stories", "then") == "now":
        for told in _told_options(space, option.gid):
            told.name = option.name
    option.color = data.get("color", option.color)
    option.enabled = data.get("enabled", option.enabled)


def _told_options(space: Workspace, gid: str) -> Iterator[EnumOption]:
    """The option as it stands in stories, which keep its name of then."""
    for story in space.stories.values():
        for value in story.extra.values():
            yield from (each for each in (value if isinstance(value, list) else [value]) if getattr(each, "gid", "") == gid)


def attach(space: Workspace, project: Project, field: CustomField, *, is_important: bool = False) -> FieldSetting:
    needs_paid_plan(space)
    if field.gid in project.settings:
        raise bad(f"custom_field: Custom field {field.gid} is already on this project")
    most = space.world.setting("asana_fields_per_project", None)
    if most is not None and len(project.settings) >= int(most):
        raise bad(f"custom_field: A project can have at most {most} custom fields")
    setting = FieldSetting(space.new_gid(), project, field, is_important)
    project.settings[field.gid] = setting
    return setting


def detach(project: Project, field: CustomField) -> None:
    """Values stay on the tasks, disabled."""
    if project.settings.pop(field.gid, None) is None:
        raise bad(f"custom_field: Custom field {field.gid} is not on this project")


def raise_if_locked(field: CustomField, user: User | None) -> None:
    if field.locked_by is not None and field.locked_by is not user:
        raise forbidden(f"You do not have permission to edit custom field {field.gid}: it is locked")
