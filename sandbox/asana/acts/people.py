"""What a person, the integration or a rule does in Asana's own pages, by names rather than gids."""

from __future__ import annotations

from typing import Any

from sandbox import constants
from sandbox.asana.acts import around, comments, tasks
from sandbox.asana.acts.edits import Edit
from sandbox.asana.acts.named import Action, Args, author_named, field_named, project_named, raw_value, task_named
from sandbox.asana.errors import bad
from sandbox.asana.state.model import Task, User
from sandbox.asana.state.shapes import show
from sandbox.asana.state.workspace import Workspace


def act(space: Workspace, user: str, action: str, args: Args) -> dict[str, Any]:
    """Do it, and answer the thing it was done to. `user` is an email, gid or first name; `bot`; `rule` is nobody.

    Every action also takes `source`, which its stories tell (None: they tell none), and `author_kind` (see `author_named`).
    """
    if action not in ACTIONS:
        raise bad(f"action: no such action: {action}; known are {', '.join(sorted(ACTIONS))}")
    source = args.pop("source", "web")
    who = author_named(space, user, args)
    space.current_kind = f"act {action}"
    # Checks about visibility are made as the bot for a rule or an agent, because those see the whole project.
    viewer = space.users[who.gid if who and who.gid in space.users else constants.BOT_GID]
    try:
        done = ACTIONS[action](Edit(space, who, source), viewer, args)
    except KeyError as missing:
        raise bad(f"{action}: needs {missing}") from missing
    return {"user": who.email if who else None, "action": action, "result": show(done, viewer, full=True) if done else None}


def _write(argument: str) -> Action:
    """An action that sets one custom field to the value of that argument, as people read it."""

    def action(edit: Edit, viewer: User, args: Args) -> Task:
        task = task_named(edit, viewer, args)
        field = field_named(edit, args, task)
        tasks.update(edit, task, {"custom_fields": {field.gid: raw_value(field, args[argument])}}, viewer=viewer)
        return task

    return action


def _update(key: str, argument: str = "", **fixed: Any) -> Action:
    """An action that sets one task attribute, from an argument or to a fixed value."""

    def action(edit: Edit, viewer: User, args: Args) -> Task:
        task = task_named(edit, viewer, args)
        tasks.update(edit, task, {key: fixed["value"] if "value" in fixed else args[argument]}, viewer=viewer)
        return task

    return action


def _comment(edit: Edit, viewer: User, args: Args) -> Any:
    return comments.comment(edit, task_named(edit, viewer, args), {"text": args["text"]})


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
    task = task_named(edit, viewer, args)
    task.followers = [user for user in task.followers if user is not viewer]
    return task


def _delete(edit: Edit, viewer: User, args: Args) -> Task:
    task = task_named(edit, viewer, args)
    tasks.delete(edit, task)
    return task


def _restore(edit: Edit, _viewer: User, args: Args) -> Task:
    tasks.restore(edit, edit.space.tasks[args["task"]])
    return edit.space.tasks[args["task"]]


def _move(edit: Edit, viewer: User, args: Args) -> Task:
    """To the section of that name, in the project given or else the task's first."""
    task = task_named(edit, viewer, args)
    default = next(iter(task.places), constants.BILLS_PROJECT_GID)
    project = project_named(edit, {"project": default, **args})
    section = next((each for each in project.sections if args["section"] in (each.gid, each.name)), None)
    if not section:
        raise bad(f"section: {project.name} has no section {args['section']}")
    tasks.add_to_project(edit, task, project, section)
    return task


def _remove(edit: Edit, viewer: User, args: Args) -> Task:
    task = task_named(edit, viewer, args)
    tasks.remove_from_project(edit, task, project_named(edit, args))
    return task


def _move_to_project(edit: Edit, viewer: User, args: Args) -> Task:
    """Out of every project it is in, and into this one."""
    task, project = task_named(edit, viewer, args), project_named(edit, args)
    for place in list(task.places.values()):
        if place.project is not project:
            tasks.remove_from_project(edit, task, place.project)
    tasks.add_to_project(edit, task, project, None)
    return task


def _create(edit: Edit, viewer: User, args: Args) -> Task:
    """A task made by hand; `fields` maps field names to values as people read them."""
    project = project_named(edit, args)
    task = tasks.create(edit, {"name": args["name"], "projects": [project.gid]}, viewer=viewer)
    for name, value in (args.get("fields") or {}).items():
        field = field_named(edit, {**args, "field": name}, task)
        tasks.update(edit, task, {"custom_fields": {field.gid: raw_value(field, value)}}, viewer=viewer)
    return task


def _duplicate(edit: Edit, viewer: User, args: Args) -> Task:
    """A copy with the same values, as people make when they duplicate a task."""
    old = task_named(edit, viewer, args)
    copy = tasks.create(edit, {"name": f"Duplicate of {old.name}", "projects": list(old.places)}, viewer=viewer)
    copy.values = dict(old.values)
    return copy


ACTIONS: dict[str, Action] = {
    "choose": _write("option"),
    "set_text": _write("text"),
    "set_number": _write("number"),
    "set_date": _write("date"),
    "set_people": _write("people"),
    "write": _write("value"),
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
    "move_to_project": _move_to_project,
    "create": _create,
    "duplicate": _duplicate,
    **around.ACTIONS,
}
