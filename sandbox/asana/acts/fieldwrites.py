"""Custom field values of a task: who may write them, and the story that each change leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sandbox.asana.acts.definitions import raise_if_locked
from sandbox.asana.acts.edits import Edit
from sandbox.asana.errors import AsanaError, bad, needs_payment
from sandbox.asana.state.model import CustomField, FieldEntry, Task, User
from sandbox.asana.state.values import KEEP, accept, display
from sandbox.asana.state.workspace import Workspace

_STORY_VALUES = {
    "text": "text_value",
    "number": "number_value",
    "enum": "enum_value",
    "multi_enum": "multi_enum_values",
    "date": "date_value",
    "people": "people_value",
    "reference": "reference_value",
}


def prepare_fields(task: Task, given: Any, viewer: User, space: Workspace) -> list[Callable[[Edit], None]]:
    """What writing `given` (field gid to value) will do. Raises 400, 402 or 403 before anything is done."""
    if not isinstance(given, dict):
        raise bad(f"custom_fields: Value is not a JSON object: {given}")
    if given and space.world.setting("asana_free_plan", False):
        raise needs_payment("Custom Fields are not available for free users or guests.")
    effects = []
    for gid, raw in given.items():
        field = _named(space, lambda gid=gid, raw=raw: _writable(task, gid, raw, viewer))
        value = kept(space, field.name, accept(field, raw, lambda who: space.find_user(who, me=viewer)))
        if value is not KEEP:
            effects.append(_setter(task, field, value))
    return effects


def kept(space: Workspace, name: str, value: Any) -> Any:
    """What becomes of a written text or day, by the setting `asana_keeps_otherwise`."""
    how, _, number = str(space.world.setting("asana_keeps_otherwise", {}).get(name, "")).partition(":")
    if how == "trimmed" and isinstance(value, str):
        return " ".join(value.split())
    if how == "cut" and isinstance(value, str):
        return value[: int(number)]
    if how == "days" and value:
        day = date.fromisoformat(value["date"] if isinstance(value, dict) else value) + timedelta(days=int(number))
        return {**value, "date": day.isoformat()} if isinstance(value, dict) else day.isoformat()
    return value


def _named(space: Workspace, find: Callable[[], CustomField]) -> CustomField:
    """The field, or a refusal that names it, as far as Asana does: its words for a locked field are not documented."""
    try:
        return find()
    except AsanaError as error:
        if space.world.setting("asana_names_refused_fields", True):
            raise
        raise AsanaError(error.status_code, "You are not allowed to do that.") from None


def _writable(task: Task, gid: str, raw: Any, viewer: User) -> CustomField:
    """The field, when it is on one of the task's projects; a disabled value can only be cleared."""
    for section in task.places.values():
        setting = section.project.settings.get(gid)
        if setting and viewer.gid not in setting.custom_field.hidden_from:
            raise_if_locked(setting.custom_field, viewer)
            return setting.custom_field
    if gid in task.values and raw is None:
        return task.values[gid].custom_field
    raise bad(f"Custom field with ID {gid} is not on given object")


def _setter(task: Task, field: CustomField, value: Any) -> Callable[[Edit], None]:
    return lambda edit: set_value(edit, task, field, value)


def set_value(edit: Edit, task: Task, field: CustomField, value: Any) -> None:
    """Keep the value, and write story and event; nothing at all when it is what was there."""
    entry = task.values.get(field.gid)
    old = entry.value if entry else None
    if old == value:
        return
    if value is None:
        task.values.pop(field.gid, None)
    else:
        task.values[field.gid] = FieldEntry(field, value)
    name = _STORY_VALUES[field.kind]
    extra = {"custom_field": field, f"old_{name}": _in_story(field, old), f"new_{name}": _in_story(field, value)}
    edit.story(task, f"{field.kind}_custom_field_changed", _text(edit, field, old, value), **extra)
    # The event names the field, and the option where the new value is one; never the old value.
    about = {"gid": field.gid, "resource_type": "custom_field"} | ({"enum_value": value} if field.kind == "enum" else {})
    edit.changed(task, "custom_fields", new_value=about)


def _in_story(field: CustomField, value: Any) -> Any:
    """Stories have their own form of a day, options their names of that moment, and an empty list where nothing is chosen."""
    if field.kind == "date":
        day = value or {"date": None, "date_time": None}
        return {"start_on": None, "due_at": day["date_time"], "due_on": day["date"]}
    if field.kind == "enum" and value is not None:
        return replace(value)
    if field.kind == "multi_enum":
        return [replace(option) for option in value or ()]
    return [] if value is None and field.kind in ("people", "reference") else value


def _text(edit: Edit, field: CustomField, old: Any, new: Any) -> str:
    before, after = display(field, old), display(field, new)
    if after is None:
        return f"{edit.name} cleared {field.name}"
    return (
        f'{edit.name} changed {field.name} from "{before}" to "{after}"'
        if before
        else f'{edit.name} changed {field.name} to "{after}"'
    )
