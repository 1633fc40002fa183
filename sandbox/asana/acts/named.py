"""Things by the names that people call them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox import constants
from sandbox.asana.acts.edits import Edit
from sandbox.asana.errors import AsanaError, bad
from sandbox.asana.state.model import CustomField, EnumOption, Project, Site, Task, User
from sandbox.asana.state.workspace import Workspace

Args = dict[str, Any]
Action = Callable[[Edit, User, Args], Any]


def who_named(space: Workspace, name: str) -> User | None:
    if name in ("rule", "system", ""):
        return None
    gid = constants.BOT_GID if name == "bot" else name
    first = next((user for user in space.users.values() if user.name.split()[0].lower() == name.lower()), None)
    actor = next(
        (each for each in space.actors.values() if each.gid not in space.users and name in (each.gid, each.name)), None
    )
    user = space.find_user(gid) or first or actor
    if not user:
        raise bad(f"user: no such person: {name}")
    return user


def person_named(edit: Edit, args: Args, key: str = "person") -> User:
    person = who_named(edit.space, str(args[key]))
    if not person:
        raise bad(f"{key}: nobody")
    return person


def author_named(space: Workspace, name: str, args: Args) -> User | None:
    """Who acts, as `author_kind` shows them where it is told. A name that nobody has is an actor's then, no person's."""
    if "author_kind" not in args:
        return who_named(space, name)
    kind = args.pop("author_kind")
    try:
        return space.actor(who_named(space, name) or name, kind)
    except AsanaError:
        return space.actor(name, kind)


def workspace_named(edit: Edit, args: Args) -> Site:
    """By name or gid; the first workspace when none is given."""
    wanted = str(args.get("workspace", constants.WORKSPACE_GID))
    found = next((each for each in edit.space.sites.values() if wanted in (each.gid, each.name)), None)
    if not found:
        raise bad(f"workspace: no such workspace: {wanted}")
    return found


def task_named(edit: Edit, viewer: User, args: Args) -> Task:
    return edit.space.task(str(args["task"]), viewer, in_path=False)


def project_named(edit: Edit, args: Args) -> Project:
    """By name or gid; the bills project when none is given."""
    wanted = str(args.get("project", constants.BILLS_PROJECT_GID))
    found = next((each for each in edit.space.projects.values() if wanted in (each.gid, each.name)), None)
    if not found:
        raise bad(f"project: no such project: {wanted}")
    return found


def field_named(edit: Edit, args: Args, task: Task | None = None) -> CustomField:
    """By name or gid: among the fields of the task's projects, else of the named project, else of the workspace."""
    projects = [section.project for section in task.places.values()] if task else [project_named(edit, args)]
    near = [setting.custom_field for project in projects for setting in project.settings.values()]
    wanted = str(args["field"])
    for field in (*near, *edit.space.fields.values()):
        if wanted in (field.gid, field.name):
            return field
    raise bad(f"field: no such custom field: {wanted}")


def raw_value(field: CustomField, value: Any) -> Any:
    """What the API takes for a value as people read it: option names, a day, e-mail addresses, a number as text or number."""
    if value in (None, ""):
        return None
    if field.kind == "enum":
        return option_named(field, value).gid
    if field.kind == "multi_enum":
        return [option_named(field, each).gid for each in value]
    if field.kind == "date":
        return {"date": value}
    return Decimal(str(value)) if field.kind == "number" else value


def option_named(field: CustomField, wanted: str) -> EnumOption:
    for option in field.options:
        if wanted in (option.gid, option.name):
            return option
    raise bad(f"option: {field.name} has no option {wanted}")
