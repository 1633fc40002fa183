"""Tasks: created, changed, moved, deleted. Everything is checked before anything happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.asana.acts.edits import Edit
from sandbox.asana.acts.fieldwrites import kept, prepare_fields
from sandbox.asana.errors import AsanaError, bad, forbidden
from sandbox.asana.state import richtext
from sandbox.asana.state.model import Project, Section, Task, User
from sandbox.asana.state.values import parse_day, parse_instant

Effect = Callable[[Edit], None]
APPROVALS = ("pending", "approved", "rejected", "changes_requested")
KINDS = ("default_task", "milestone", "approval", "custom")
CREATE_ONLY = frozenset({"projects", "memberships", "tags", "followers", "workspace", "parent"})
PROJECT_LIMIT = 20
WRITERS_LEVELS = {"admin", "editor"}
NO_CONTAINER = "You should specify one of workspace, parent, projects"


def create(edit: Edit, data: dict[str, Any], *, viewer: User) -> Task:
    """A new task, in its projects and sections. A task with a parent is silently not put into `projects`."""
    places = _places(edit, data, viewer)
    parent = edit.space.task(data["parent"], viewer, in_path=False, key="parent") if data.get("parent") else None
    if not (places or parent or data.get("workspace")):
        raise bad(NO_CONTAINER)
    if data.get("workspace"):
        edit.space.site_of(data["workspace"])
    now = edit.space.now()
    site = next((section.project.site for section in places), parent.site if parent else edit.space.site)
    task = Task(edit.space.new_gid(), site, now, now, edit.user, parent=parent)
    task.places = {} if parent else {section.project.gid: section for section in places}
    task.followers = [_user(edit, each, viewer, "followers") for each in data.get("followers") or []]
    own = {key: value for key, value in data.items() if key not in CREATE_ONLY}
    effects = prepare(edit, task, own, viewer=viewer, creating=True)
    _register(edit, task)
    stories_too = edit.space.world.setting("asana_field_stories_on_create", False)
    silent = edit if stories_too else Edit(edit.space, edit.user, edit.source, quiet=True)
    for effect in effects:
        effect(silent)
    _announce(edit, task)
    return task


def _register(edit: Edit, task: Task) -> None:
    edit.space.tasks[task.gid] = task
    if task.parent:
        task.parent.subtasks.append(task)
    for section in task.places.values():
        section.project.tasks[task.gid] = task


def _announce(edit: Edit, task: Task) -> None:
    for section in task.places.values():
        edit.event("added", task, parent=section.project, task=task)
        text = f"{edit.name} added to {section.project.name}"
        edit.story(task, "added_to_project", text, touch=False, project=section.project)
    if task.parent:
        edit.event("added", task, parent=task.parent, task=task)


def _places(edit: Edit, data: dict[str, Any], viewer: User) -> list[Section]:
    """The sections in which the new task lands: as `memberships` says, else the first of each project."""
    chosen: dict[str, Section] = {}
    for index, gid in enumerate(_list(data, "projects")):
        project = edit.space.project(gid, viewer, in_path=False, key=f"projects: [{index}]")
        chosen[project.gid] = project.sections[0]
    for membership in _list(data, "memberships"):
        project = edit.space.project(membership.get("project"), viewer, in_path=False)
        section = edit.space.section(membership["section"], viewer, in_path=False) if membership.get("section") else None
        chosen[project.gid] = _section_of(project, section)
    if len(chosen) > PROJECT_LIMIT:
        raise bad(f"projects: A task may be in at most {PROJECT_LIMIT} projects")
    return list(chosen.values())


def _list(data: dict[str, Any], key: str) -> list[Any]:
    value = data.get(key) or []
    if not isinstance(value, list):
        raise bad(f"{key}: Value is not an array: {value}")
    return value


def _section_of(project: Project, section: Section | None) -> Section:
    if section and section.project is not project:
        raise bad(f"section: Not in project: {project.gid}")
    return section or project.sections[0]


def update(edit: Edit, task: Task, data: dict[str, Any], *, viewer: User) -> None:
    """Raises 403 where every project of the task lets this user only look or comment."""
    levels = [section.project.levels_of(viewer) for one in (task, *task.ancestors) for section in one.places.values()]
    if any(levels) and not set().union(*levels) & WRITERS_LEVELS:
        raise forbidden("You do not have permission to edit this task.")
    for effect in prepare(edit, task, data, viewer=viewer):
        effect(edit)


def prepare(edit: Edit, task: Task, data: dict[str, Any], *, viewer: User, creating: bool = False) -> list[Effect]:
    """What `data` will do to the task. Raises 400 or 403 before anything is done."""
    if data.get("due_on") and data.get("due_at"):
        raise bad("You may only provide one of due_on or due_at!")
    if data.get("start_on") and not (data.get("due_on") or data.get("due_at")):
        raise bad("start_on: A start date needs a due date in the same request")
    if data.get("notes") is not None and data.get("html_notes") is not None:
        raise bad("You may only provide one of notes or html_notes!")
    effects: list[Effect] = []
    # The kind first: it decides whether `approval_status` may be set in the same request.
    for key in sorted(data, key=lambda name: name != "resource_subtype"):
        if key == "custom_fields":
            effects += prepare_fields(task, data[key], viewer, edit.space)
        elif key in WRITERS:
            effects.append(WRITERS[key](edit, task, data[key], viewer, creating))
        else:
            raise bad(f"{key}: Cannot write this property")
    return effects


def _name(edit: Edit, task: Task, value: Any, _viewer: User, _creating: bool) -> Effect:
    if not isinstance(value, str):
        raise bad(f"name: Value is not a string: {value}")

    def effect(edit: Edit) -> None:
        old, task.name = task.name, kept(edit.space, "name", value)
        if old != task.name:
            edit.story(task, "name_changed", f'{edit.name} changed the name to "{value}"', old_name=old, new_name=value)
            edit.changed(task, "name")

    return effect


def _notes(edit: Edit, task: Task, value: Any, _viewer: User, _creating: bool) -> Effect:
    if not isinstance(value, str):
        raise bad(f"notes: Value is not a string: {value}")
    return lambda edit: _set_notes(edit, task, value, None)


def _html_notes(edit: Edit, task: Task, value: Any, _viewer: User, creating: bool) -> Effect:
    try:
        html, text = richtext.accepted(value, key="html_notes")
    except AsanaError:
        if creating:  # Reported of the live service: malformed markup on create is answered with this unrelated text.
            raise bad(NO_CONTAINER) from None
        raise
    return lambda edit: _set_notes(edit, task, text, html)


def _set_notes(edit: Edit, task: Task, text: str, html: str | None) -> None:
    before = (task.notes, task.html_notes)
    task.notes, task.html_notes = text, html
    if before != (text, html):
        edit.story(task, "notes_changed", f"{edit.name} changed the description")
        edit.changed(task, "notes")


def _completed(edit: Edit, task: Task, value: Any, _viewer: User, _creating: bool) -> Effect:
    if not isinstance(value, bool):
        raise bad(f"completed: Value is not a boolean: {value}")

    def effect(edit: Edit) -> None:
        if task.kind == "approval" and value != task.completed:
            _set_approval(edit, task, "approved" if value else "pending", ticked=True)
        elif value != task.completed:
            _set_completed(edit, task, value)
            kind, done = ("marked_complete", "completed") if value else ("marked_incomplete", "reopened")
            edit.story(task, kind, f"{edit.name} {done} this task")

    return effect


def _set_completed(edit: Edit, task: Task, completed: bool) -> None:
    task.completed = completed
    task.completed_at = edit.space.now() if completed else None
    task.completed_by = edit.user if completed else None
    edit.changed(task, "completed")


def _approval_status(edit: Edit, task: Task, value: Any, _viewer: User, _creating: bool) -> Effect:
    if value not in APPROVALS:
        raise bad(f"approval_status: Not a recognized approval status: {value}")

    def effect(edit: Edit) -> None:
        if task.kind == "approval" and value != task.approval_status:
            _set_approval(edit, task, value)

    return effect


def _set_approval(edit: Edit, task: Task, status: str, *, ticked: bool = False) -> None:
    """The status and `completed` go together: everything but pending completes the task, a rejection too.

    How the history tells of an approval that was ticked is not documented: by the status, or as of any task (a setting).
    """
    old, task.approval_status = task.approval_status, status
    text = f"{edit.name} changed the approval status to {status}"
    if ticked and edit.space.world.setting("asana_ticked_approval_story", "status") == "completion":
        edit.story(task, "marked_incomplete" if status == "pending" else "marked_complete", text)
    else:
        edit.story(task, "approval_status_changed", text, old_approval_status=old, new_approval_status=status)
    edit.changed(task, "approval_status")
    if task.completed != (status != "pending"):
        _set_completed(edit, task, status != "pending")


def _kind(edit: Edit, task: Task, value: Any, _viewer: User, _creating: bool) -> Effect:
    if value not in KINDS:
        raise bad(f"resource_subtype: Not a recognized task subtype: {value}")

    # Whether Asana makes an approval an ordinary task when it is told to is not documented.
    stays = task.kind == "approval" and edit.space.world.setting("asana_approvals_stay_approvals", False)

    def effect(edit: Edit) -> None:
        if value != task.kind and not stays:
            old, task.kind = task.kind, value
            task.approval_status = ("approved" if task.completed else "pending") if value == "approval" else None
            extra = {"old_resource_subtype": old, "new_resource_subtype": value}
            edit.story(task, "resource_subtype_changed", f"{edit.name} changed the task type", **extra)
            edit.changed(task, "resource_subtype")

    return effect


def _user(edit: Edit, value: Any, viewer: User, key: str) -> User:
    user = edit.space.find_user(value, me=viewer)
    if not user:
        raise bad(f"{key}: Not a user in Organization: {value}")
    return user


def _assignee(edit: Edit, task: Task, value: Any, viewer: User, _creating: bool) -> Effect:
    user = None if value is None else _user(edit, value, viewer, "assignee")

    def effect(edit: Edit) -> None:
        if user is not task.assignee:
            task.assignee = user
            kind, text = (
                ("assigned", f"{edit.name} assigned to {user.name}") if user else ("unassigned", f"{edit.name} unassigned")
            )
            edit.story(task, kind, text, assignee=user)
            edit.changed(task, "assignee", new_value=user)

    return effect


def _date(key: str) -> Callable[..., Effect]:
    def prepared(edit: Edit, task: Task, value: Any, _viewer: User, _creating: bool) -> Effect:
        if value is not None:
            parse_instant(value, key=key) if key == "due_at" else parse_day(value, key=key)
        return lambda edit: _set_date(edit, task, key, value)

    return prepared


def _set_date(edit: Edit, task: Task, key: str, value: str | None) -> None:
    value = kept(edit.space, key, value)
    if getattr(task, key) == value:
        return
    before = {"due_on": task.due_on, "due_at": task.due_at, "start_on": task.start_on}
    setattr(task, key, value)
    if key == "due_at":
        task.due_on = value[:10] if value else None
    elif key == "due_on":
        task.due_at = None
    after = {"due_on": task.due_on, "due_at": task.due_at, "start_on": task.start_on}
    text = f"{edit.name} changed the due date to {value}" if value else f"{edit.name} removed the due date"
    edit.story(task, "due_date_changed", text, old_dates=before, new_dates=after)
    edit.changed(task, key)


WRITERS: dict[str, Callable[..., Effect]] = {
    "name": _name,
    "notes": _notes,
    "html_notes": _html_notes,
    "completed": _completed,
    "approval_status": _approval_status,
    "resource_subtype": _kind,
    "assignee": _assignee,
    "due_on": _date("due_on"),
    "due_at": _date("due_at"),
    "start_on": _date("start_on"),
}


def delete(edit: Edit, task: Task) -> None:
    """Into the trash, with its subtasks: it vanishes from lists; readers learn of it by a `deleted` event or by its absence."""
    for subtask in task.live_subtasks:
        delete(edit, subtask)
    edit.touch(task)
    edit.event("deleted", task, task=task)
    task.trashed = True
    for section in task.places.values():
        section.project.tasks.pop(task.gid, None)


def restore(edit: Edit, task: Task) -> None:
    """Out of the trash; only people can do that, there is no API for it."""
    task.trashed = False
    for section in task.places.values():
        section.project.tasks[task.gid] = task
    edit.event("undeleted", task, task=task)


def add_to_project(edit: Edit, task: Task, project: Project, section: Section | None) -> None:
    """Into a project, or into another section of one. Where a task is does not move its `modified_at`."""
    target = _section_of(project, section)
    here = task.places.get(project.gid)
    if here:
        return _move(edit, task, here, target if section else here)
    if len(task.places) >= PROJECT_LIMIT:
        raise bad(f"projects: A task may be in at most {PROJECT_LIMIT} projects")
    task.places[project.gid] = target
    project.tasks[task.gid] = task
    edit.event("added", task, parent=project, task=task)
    edit.story(task, "added_to_project", f"{edit.name} added to {project.name}", touch=False, project=project)


def _move(edit: Edit, task: Task, here: Section, target: Section) -> None:
    if here is target:
        return
    task.places[target.project.gid] = target
    text = f'{edit.name} moved this task from "{here.name}" to "{target.name}" in {target.project.name}'
    edit.story(task, "section_changed", text, touch=False, old_section=here, new_section=target, project=target.project)


def add_followers(edit: Edit, task: Task, followers: Any, *, viewer: User) -> None:
    if not isinstance(followers, list):
        raise bad(f"followers: Value is not an array: {followers}")
    wanted = [_user(edit, each, viewer, "followers") for each in followers]
    task.followers += [user for user in wanted if user not in task.followers]


def remove_followers(edit: Edit, task: Task, followers: Any, *, viewer: User) -> None:
    if not isinstance(followers, list):
        raise bad(f"followers: Value is not an array: {followers}")
    gone = [_user(edit, each, viewer, "followers") for each in followers]
    task.followers = [user for user in task.followers if user not in gone]


def remove_from_project(edit: Edit, task: Task, project: Project) -> None:
    if task.places.pop(project.gid, None) is None:
        raise bad(f"project: Not in project: {project.gid}")
    project.tasks.pop(task.gid, None)
    edit.event("removed", task, parent=project, task=task, also=project.gid)
    text = f"{edit.name} removed from {project.name}"
    edit.story(task, "removed_from_project", text, touch=False, project=project)
