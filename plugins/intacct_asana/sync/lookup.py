"""Looking on the board for tasks by the key that they carry: the only way back from a creation whose answer was lost."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from intacct_asana.ports import TaskBoard
from intacct_asana.records import Task

MARGIN = timedelta(minutes=10)
"""How far two clocks may be apart. Looking too far back costs a page; too short a look costs a second task."""


def tasks_by_key(
    board: TaskBoard,
    project_gid: str,
    *,
    key_field_gid: str,
    since: datetime | None = None,
    keys: Collection[str] | None = None,
) -> dict[str, list[Task]]:
    """The project's tasks by their key, oldest first; those without a key are left out.

    `since` (less a margin for clocks) narrows the listing to tasks modified from then on, `keys` the answer.
    """
    modified_since = since - MARGIN if since else None
    found: dict[str, list[Task]] = {}
    for page in board.tasks(project_gid, modified_since=modified_since):
        for task in page:
            key = task.fields.get(key_field_gid)
            if isinstance(key, str) and key and (keys is None or key in keys):
                found.setdefault(key, []).append(task)
    return {key: sorted(tasks, key=age) for key, tasks in found.items()}


def is_own(task: Task, bot_gid: str) -> bool:
    """Whether our own user made the task; not where Asana does not tell."""
    return bool(bot_gid) and task.created_by_gid == bot_gid


def age(task: Task) -> tuple[int, str]:
    """Sorts tasks oldest first: Asana's gids grow, so the shorter, then the smaller, is the older."""
    return len(task.gid), task.gid
