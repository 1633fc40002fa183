"""What a person, the integration or a rule does in Asana's own pages, by names rather than gids."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox import constants
from sandbox.asana.acts import comments, definitions, tasks
from sandbox.asana.acts.edits import Edit
from sandbox.asana.errors import bad
from sandbox.asana.state.deliveries import forge
from sandbox.asana.state.model import CustomField, EnumOption, Project, Task, User
from sandbox.asana.state.shapes import show
from sandbox.asana.state.workspace import Workspace

Args = dict[str, Any]
Action = Callable[[Edit, User, Args], Any]


def act(space: Workspace, user: str, action: str, args: Args) -> dict[str, Any]:
    """Do it, and answer the thing it was done to. `user` is an email, gid or first name; `bot`; `rule` is nobody."""
    if action not in ACTIONS:
        raise bad(f"action: no such action: {action}; known are {', '.join(sorted(ACTIONS))}")
    who = _who(space, user)
    space.current_kind = f"act {action}"
    # Checks about visibility are made as the bot for a rule, because a rule sees the whole project.
    viewer = who or space.users[constants.BOT_GID]
    try:
        done = ACTIONS[action](Edit(space, who, "web"), viewer, args)
    except KeyError as missing:
        raise bad(f"{action}: needs {missing}") from missing
    return {"user": who.email if who else None, "action": action, "result": show(done, viewer, full=True) if done else None}


def _who(space: Workspace, name: str) -> User | None:
    if name in ("rule", "system", ""):
        return None
    gid = constants.BOT_GID if name == "bot" else name
    first = next((user for user in space.users.values() if user.name.split()[0].lower() == name.lower()), None)
    user = space.find_user(gid) or first
    if not user:
        raise bad(f"user: no such person: {name}")
    return user


def _task(edit: Edit, viewer: User, args: Args) -> Task:
    return edit.space.task(str(args["task"]), viewer, in_path=False)


def _project(edit: Edit, args: Args) -> Project:
    """By name or gid; the bills project when none is given."""
    wanted = str(args.get("project", constants.BILLS_PROJECT_GID))
    found = next((each for each in edit.space.projects.values() if wanted in (each.gid, each.name)), None)
    if not found:
        raise bad(f"project: no such project: {wanted}")
    return found


def field_named(edit: Edit, args: Args, task: Task | None = None) -> CustomField:
    """By name or gid: among the fields of the task's projects, else of the named project, else of the workspace."""
    projects = [section.project for section in task.places.values()] if task else [_project(edit, args)]
    near = [setting.custom_field for project in projects for setting in project.settings.values()]
    wanted = str(args["field"])
    for field in (*near, *edit.space.fields.values()):
        if wanted in (field.gid, field.name):
            return field
    raise bad(f"field: no such custom field: {wanted}")


def _option(field: CustomField, wanted: str) -> EnumOption:
    for option in field.options:
        if wanted in (option.gid, option.name):
            return option
    raise bad(f"option: {field.name} has no option {wanted}")


def _write(edit: Edit, viewer: User, args: Args, value: Callable[[CustomField], Any]) -> Task:
    task = _task(edit, viewer, args)
    field = field_named(edit, args, task)
    tasks.update(edit, task, {"custom_fields": {field.gid: value(field)}}, viewer=viewer)
    return task


def _choose(edit: Edit, viewer: User, args: Args) -> Task:
    option = args["option"]
    return _write(edit, viewer, args, lambda field: None if option is None else _option(field, option).gid)


def _set_text(edit: Edit, viewer: User, args: Args) -> Task:
    return _write(edit, viewer, args, lambda _field: args["text"])


def _exact(value: Any) -> Any:
    """A float becomes the Decimal that it was written as."""
    return Decimal(str(value)) if isinstance(value, float) else value


def _set_number(edit: Edit, viewer: User, args: Args) -> Task:
    """`number` may be a JSON number, or text such as "12.50"."""
    number = args["number"]
    return _write(edit, viewer, args, lambda _field: None if number is None else Decimal(str(number)))


def _set_date(edit: Edit, viewer: User, args: Args) -> Task:
    return _write(edit, viewer, args, lambda _field: {"date": args["date"]} if args["date"] else None)


def _set_people(edit: Edit, viewer: User, args: Args) -> Task:
    return _write(edit, viewer, args, lambda _field: args["people"])


def _update(key: str, argument: str = "", **fixed: Any) -> Action:
    """An action that sets one task attribute, from an argument or to a fixed value."""

    def action(edit: Edit, viewer: User, args: Args) -> Task:
        task = _task(edit, viewer, args)
        tasks.update(edit, task, {key: fixed["value"] if "value" in fixed else args[argument]}, viewer=viewer)
        return task

    return action


def _comment(edit: Edit, viewer: User, args: Args) -> Any:
    return comments.comment(edit, _task(edit, viewer, args), {"text": args["text"]})


def _story(edit: Edit, args: Args) -> Any:
    if args["story"] not in edit.space.stories:
        raise bad(f"story: no such story: {args['story']}")
    return edit.space.stories[args["story"]]


def _edit_comment(edit: Edit, _viewer: User, args: Args) -> Any:
    comments.reword(edit, _story(edit, args), {"text": args["text"]})
    return _story(edit, args)


def _delete_comment(edit: Edit, _viewer: User, args: Args) -> None:
    comments.remove(edit, _story(edit, args))


def _unfollow(edit: Edit, viewer: User, args: Args) -> Task:
    task = _task(edit, viewer, args)
    task.followers = [user for user in task.followers if user is not viewer]
    return task


def _delete(edit: Edit, viewer: User, args: Args) -> Task:
    task = _task(edit, viewer, args)
    tasks.delete(edit, task)
    return task


def _restore(edit: Edit, _viewer: User, args: Args) -> Task:
    tasks.restore(edit, edit.space.tasks[args["task"]])
    return edit.space.tasks[args["task"]]


def _move(edit: Edit, viewer: User, args: Args) -> Task:
    """To the section of that name, in the project given or else the task's first."""
    task = _task(edit, viewer, args)
    default = next(iter(task.places), constants.BILLS_PROJECT_GID)
    project = _project(edit, {"project": default, **args})
    section = next((each for each in project.sections if args["section"] in (each.gid, each.name)), None)
    if not section:
        raise bad(f"section: {project.name} has no section {args['section']}")
    tasks.add_to_project(edit, task, project, section)
    return task


def _remove(edit: Edit, viewer: User, args: Args) -> Task:
    task = _task(edit, viewer, args)
    tasks.remove_from_project(edit, task, _project(edit, args))
    return task


def _create(edit: Edit, viewer: User, args: Args) -> Task:
    """A task made by hand; `fields` maps field names to text, number or option name."""
    project = _project(edit, args)
    task = tasks.create(edit, {"name": args["name"], "projects": [project.gid]}, viewer=viewer)
    for name, value in (args.get("fields") or {}).items():
        field = field_named(edit, {**args, "field": name}, task)
        raw = _option(field, value).gid if field.kind == "enum" else _exact(value)
        tasks.update(edit, task, {"custom_fields": {field.gid: raw}}, viewer=viewer)
    return task


def _duplicate(edit: Edit, viewer: User, args: Args) -> Task:
    """A copy with the same values, as people make when they duplicate a task."""
    old = _task(edit, viewer, args)
    copy = tasks.create(edit, {"name": f"Duplicate of {old.name}", "projects": list(old.places)}, viewer=viewer)
    copy.values = dict(old.values)
    return copy


def _rename_field(edit: Edit, viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.update(edit.space, viewer, field, {"name": args["name"]})
    return field


def _option_action(change: Callable[[Args], Args]) -> Action:
    def action(edit: Edit, viewer: User, args: Args) -> CustomField:
        field = field_named(edit, args)
        definitions.update_option(viewer, field, _option(field, args["option"]), change(args))
        return field

    return action


def _add_option(edit: Edit, viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.add_option(edit.space, viewer, field, {"name": args["option"]})
    return field


def _lock(edit: Edit, viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.raise_if_locked(field, viewer)
    field.locked_by = viewer
    return field


def _unlock(edit: Edit, viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.raise_if_locked(field, viewer)
    field.locked_by = None
    return field


def _hide_field(edit: Edit, _viewer: User, args: Args) -> CustomField:
    """Make the field private: `person` (the bot when none is named) no longer sees it."""
    field = field_named(edit, args)
    hidden = _who(edit.space, args.get("person", "bot"))
    field.hidden_from |= {hidden.gid} if hidden else set()
    return field


def _detach_field(edit: Edit, _viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.detach(_project(edit, args), field)
    return field


def _attach_field(edit: Edit, _viewer: User, args: Args) -> CustomField:
    field = field_named(edit, args)
    definitions.attach(edit.space, _project(edit, args), field)
    return field


def _delete_field(edit: Edit, viewer: User, args: Args) -> None:
    definitions.remove(edit.space, viewer, field_named(edit, args))


def _create_field(edit: Edit, viewer: User, args: Args) -> CustomField:
    """`name`, `kind`, and `options` (names) or `precision`; attached to the project."""
    options = [{"name": name} for name in args.get("options") or []]
    data = {"name": args["name"], "resource_subtype": args["kind"], "precision": args.get("precision"), "enum_options": options}
    field = definitions.create(edit.space, viewer, data, is_global=True)
    definitions.attach(edit.space, _project(edit, args), field)
    return field


def _remove_member(edit: Edit, _viewer: User, args: Args) -> None:
    gone = _who(edit.space, args["person"])
    _project(edit, args).members.pop(gone.gid if gone else "", None)


def _revoke_token(edit: Edit, _viewer: User, args: Args) -> None:
    edit.space.revoked_tokens.add(args["token"])


def _heartbeat(edit: Edit, _viewer: User, _args: Args) -> None:
    edit.space.deliveries.heartbeat()


def _forge(edit: Edit, _viewer: User, args: Args) -> None:
    """`how`: one of `deliveries.WAYS`; `times`."""
    forge(edit.space.deliveries, str(args["how"]), times=int(args.get("times", 1)))


def _set_webhooks(active: bool) -> Action:
    def action(edit: Edit, _viewer: User, _args: Args) -> None:
        for webhook in edit.space.webhooks.values():
            webhook.active = active

    return action


def _lose_webhooks(edit: Edit, _viewer: User, _args: Args) -> None:
    """As Asana deletes those that fail for a day: nothing is announced."""
    edit.space.webhooks.clear()


ACTIONS: dict[str, Action] = {
    "choose": _choose,
    "set_text": _set_text,
    "set_number": _set_number,
    "set_date": _set_date,
    "set_people": _set_people,
    "comment": _comment,
    "edit_comment": _edit_comment,
    "delete_comment": _delete_comment,
    "complete": _update("completed", value=True),
    "reopen": _update("completed", value=False),
    "rename": _update("name", "name"),
    "set_notes": _update("notes", "text"),
    "set_due": _update("due_on", "date"),
    "set_kind": _update("resource_subtype", "kind"),
    "set_approval": _update("approval_status", "status"),
    "assign": _update("assignee", "to"),
    "unfollow": _unfollow,
    "delete": _delete,
    "restore": _restore,
    "move": _move,
    "remove": _remove,
    "create": _create,
    "duplicate": _duplicate,
    "create_field": _create_field,
    "rename_field": _rename_field,
    "attach_field": _attach_field,
    "detach_field": _detach_field,
    "delete_field": _delete_field,
    "hide_field": _hide_field,
    "lock_field": _lock,
    "unlock_field": _unlock,
    "rename_option": _option_action(lambda args: {"name": args["name"]}),
    "disable_option": _option_action(lambda _args: {"enabled": False}),
    "enable_option": _option_action(lambda _args: {"enabled": True}),
    "add_option": _add_option,
    "remove_member": _remove_member,
    "revoke_token": _revoke_token,
    "heartbeat": _heartbeat,
    "forge": _forge,
    "lose_webhooks": _lose_webhooks,
    "stop_webhooks": _set_webhooks(active=False),
}
