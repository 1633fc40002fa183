"""What the board shows: a project's cards in their columns, and everything about one task."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sandbox.asana.state.model import CustomField, FieldEntry, Project, Task, User
from sandbox.asana.state.shapes import entries, stamp
from sandbox.asana.state.values import plain
from sandbox.asana.state.workspace import Workspace
from sandbox.asana.system import EVERYBODY, attachment_of, story_of

Json = dict[str, Any]
_APPROVES, _REJECTS = re.compile("approv", re.IGNORECASE), re.compile("reject|declin", re.IGNORECASE)


def board_of(space: Workspace, project_gid: str, *, text: str = "", assignee: str = "") -> Json:
    """The cards of a project; with `mine` for its gid those of the assignee, in whatever project or none, subtasks too."""
    if project_gid == "mine":
        tasks = [task for task in space.live_tasks if task.assignee and task.assignee.email == assignee]
        columns, place = ["To do", "Done"], lambda task: "Done" if task.completed else "To do"
        project = None
    else:
        project = space.projects.get(project_gid) or next(iter(space.projects.values()))
        tasks = [task for task in project.tasks.values() if not assignee or (task.assignee and task.assignee.email == assignee)]
        columns = [section.name for section in project.sections]
        place = lambda task: task.places[project.gid].name  # noqa: E731
    found = [task for task in tasks if not text or text in _words(task)]
    return {
        "project": _project(project) if project else {"gid": "mine", "name": "My tasks"},
        "projects": [_project(each) for each in space.projects.values() if not each.archived],
        "people": [person_of(user) | {"guest": _is_guest(space, user)} for user in space.users.values()],
        "columns": [{"name": name, "cards": [card_of(each) for each in found if place(each) == name]} for name in columns],
        "total": len(tasks),
        "found": len(found),
        "now": stamp(space.now()),
    }


def task_of(space: Workspace, gid: str) -> Json | None:
    """Everything about one task; None for one that is not there or in the trash."""
    task = space.tasks.get(gid)
    if task is None or task.trashed:
        return None
    now = space.now()
    return {
        **card_of(task),
        "created_at": stamp(task.created_at),
        "created_by": task.created_by.name if task.created_by else "Asana",
        "completed_at": stamp(task.completed_at) if task.completed_at else None,
        "followers": [user.name for user in task.followers],
        "notes": task.notes,
        "html_notes": task.html_notes,
        "parent": {"gid": task.parent.gid, "name": task.parent.name} if task.parent else None,
        "places": [_place(each.project, each.name) for each in task.places.values()],
        "fields": [_field(entry) for entry in entries(task, EVERYBODY)],
        "stories": [story_of(story) for story in task.stories if story.seen_from is None or story.seen_from <= now],
        "files": [attachment_of(each) for each in task.attachments],
        "subtasks": [card_of(each) for each in task.live_subtasks],
        "people": [person_of(user) for user in space.users.values()],
    }


def card_of(task: Task) -> Json:
    """A task as it shows from outside. `decision` is the option chosen in the field by which people decide, if it has one."""
    rows = [entry for entry in entries(task, EVERYBODY) if entry.custom_field.kind == "enum"]
    deciding = next((entry for entry in rows if decides(entry.custom_field)), None)
    subtasks = task.live_subtasks
    return {
        "gid": task.gid,
        "name": task.name,
        "kind": task.kind,
        "approval_status": task.approval_status,
        "completed": task.completed,
        "decision": None if deciding is None else deciding.value.name if deciding.value else "",
        "marks": [[row.custom_field.name, row.value.name] for row in rows if row.value and row is not deciding],
        "assignee": person_of(task.assignee) if task.assignee else None,
        "due_on": task.due_on,
        "comments": sum(story.kind == "comment_added" for story in task.stories),
        "file_count": len(task.attachments),
        "subtask_count": len(subtasks),
        "open_subtasks": sum(not each.completed for each in subtasks),
        "parent_name": task.parent.name if task.parent else "",
    }


def decides(field: CustomField) -> bool:
    """A choice of which one option approves and another rejects, whatever else they are called."""
    names = [option.name for option in field.options]
    return any(map(_APPROVES.search, names)) and any(map(_REJECTS.search, names))


def person_of(user: User) -> Json:
    return {"gid": user.gid, "name": user.name, "email": user.email}


def _is_guest(space: Workspace, user: User) -> bool:
    return any(each.guest for each in space.site_memberships if each.user is user and each.site is space.site)


def _project(project: Project) -> Json:
    return {"gid": project.gid, "name": project.name, "tasks": len(project.tasks)}


def _place(project: Project, section: str) -> Json:
    return {**_project(project), "section": section, "sections": [each.name for each in project.sections]}


def _field(entry: FieldEntry) -> Json:
    field = entry.custom_field
    return {
        "gid": field.gid,
        "name": field.name,
        "kind": field.kind,
        "value": plain(field, entry.value) or "",
        "options": [option.name for option in field.options if option.enabled or option is entry.value],
        "decides": field.kind == "enum" and decides(field),
        "locked_by": field.locked_by.name if field.locked_by else "",
        "enabled": entry.enabled,
    }


def _words(task: Task) -> str:
    values: Iterable[Any] = (plain(each.custom_field, each.value) for each in task.values.values())
    return " ".join(filter(None, [task.name, task.gid, task.notes, *values])).casefold()
