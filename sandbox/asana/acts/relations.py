"""What ties tasks to one another and to tags: dependencies, parents, tags."""

from __future__ import annotations

from typing import Any

from sandbox.asana.acts.edits import Edit
from sandbox.asana.errors import bad
from sandbox.asana.state.model import Tag, Task, User

MOST_TIES = 30
"""Of dependencies and dependents together, on one task."""
_HUES = ("pink", "green", "blue", "red", "teal", "brown", "orange", "purple", "warm-gray")
COLORS = frozenset(f"{shade}-{hue}" for shade in ("dark", "light") for hue in _HUES)


def tie(edit: Edit, task: Task, others: list[Task]) -> None:
    """`task` waits for the others from now on. Nothing happens to those for which it waits already."""
    fresh = [other for other in dict.fromkeys(others) if other not in task.dependencies]
    for one, more in ((task, len(fresh)), *((other, 1) for other in fresh)):
        if len(one.dependencies) + len(one.dependents) + more > MOST_TIES:
            raise bad(f"dependencies: A task can have at most {MOST_TIES} dependents and dependencies combined")
    for other in fresh:
        if other is task or _waits_for(other, task):
            raise bad(f"dependencies: Task {other.gid} already waits for task {task.gid}")
        task.dependencies.append(other)
        other.dependents.append(task)
        edit.story(task, "dependency_added", f"{edit.name} marked this task as blocked by {other.name}")
        edit.story(other, "dependent_added", f"{edit.name} marked this task as blocking {task.name}")


def untie(task: Task, others: list[Task]) -> None:
    for other in others:
        if other in task.dependencies:
            task.dependencies.remove(other)
            other.dependents.remove(task)


def _waits_for(task: Task, wanted: Task) -> bool:
    return any(each is wanted or _waits_for(each, wanted) for each in task.dependencies)


def set_parent(edit: Edit, task: Task, parent: Task | None, *, before: Task | None, after: Task | None) -> None:
    """Below another task, or, with none, on its own again. Its place among the siblings is that beside `before` or `after`."""
    neighbour = before or after
    if before and after:
        raise bad("insert_before: You may only provide one of insert_before or insert_after!")
    if parent and (parent is task or task in parent.ancestors):
        raise bad("parent: A task cannot be a subtask of itself")
    if neighbour and (parent is None or neighbour not in parent.subtasks):
        raise bad("insert_before: Not a subtask of the given parent")
    if task.parent:
        task.parent.subtasks.remove(task)
    task.parent = parent
    if parent:
        at = parent.subtasks.index(neighbour) + bool(after) if neighbour else len(parent.subtasks)
        parent.subtasks.insert(at, task)
    edit.changed(task, "parent")


def create_tag(edit: Edit, data: dict[str, Any], *, viewer: User) -> Tag:
    site = edit.space.site_of(data.get("workspace"))
    if not isinstance(data.get("name"), str):
        raise bad("name: Missing input")
    tag = Tag(edit.space.new_gid(), "", site, edit.space.now(), followers=[viewer])
    change_tag(tag, {key: value for key, value in data.items() if key not in ("workspace", "followers")})
    edit.space.tags[tag.gid] = tag
    return tag


def change_tag(tag: Tag, data: dict[str, Any]) -> None:
    for key, value in data.items():
        if key not in ("name", "color", "notes"):
            raise bad(f"{key}: Cannot write this property")
        if key == "color" and value is not None and value not in COLORS:
            raise bad(f"color: Not a recognized color: {value}")
        if key != "color" and not isinstance(value, str):
            raise bad(f"{key}: Value is not a string: {value}")
    for key, value in data.items():
        setattr(tag, key, value)


def delete_tag(edit: Edit, tag: Tag) -> None:
    del edit.space.tags[tag.gid]
    for task in edit.space.tasks.values():
        if tag in task.tags:
            task.tags.remove(tag)


def put_tag(edit: Edit, task: Task, tag: Tag) -> None:
    if tag not in task.tags:
        task.tags.append(tag)
        edit.story(task, "added_to_tag", f"{edit.name} added to {tag.name}")


def take_tag(edit: Edit, task: Task, tag: Tag) -> None:
    if tag in task.tags:
        task.tags.remove(tag)
        edit.story(task, "removed_from_tag", f"{edit.name} removed from {tag.name}")
