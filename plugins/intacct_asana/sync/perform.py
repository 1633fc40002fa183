"""One action against the board. Runs in a worker thread, so it touches nothing but the board."""

from __future__ import annotations

from dataclasses import dataclass

from intacct_asana.errors import IntacctAsanaError, Refused
from intacct_asana.ports import TaskBoard
from intacct_asana.records import Task
from intacct_asana.sync.actions import Adopt, Create, Update, Writing
from intacct_asana.sync.difference import created_parts, parts_moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`task` as Asana answered it, and the parts that were written; None and none where nothing had to be."""

    task: Task | None
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The task to be written no longer exists for us; `error` is what Asana said."""

    error: Refused


Outcome = Written | Gone | IntacctAsanaError


def perform(action: Writing, *, board: TaskBoard, project_gid: str) -> Outcome:
    """Writes what `action` says. Our own errors are answers here, so that one failure does not end the batch."""
    try:
        if isinstance(action, Create):
            return _create(action, board=board, project_gid=project_gid)
        return _write(action, board=board)
    except IntacctAsanaError as error:
        return error


def _create(action: Create, *, board: TaskBoard, project_gid: str) -> Written:
    """A task missing from the listing may have lost its key only, so the one it replaces is asked for first."""
    before = board.task(action.replaces) if action.replaces else None
    if before and project_gid in (before.project_gids or (project_gid,)):
        changed = parts_moved(action.desired, None)
        return Written(task=board.update_task(before.gid, action.desired, changed=changed), changed=changed)
    return Written(task=board.create_task(project_gid, action.desired), changed=created_parts(action.desired))


def _write(action: Adopt | Update, *, board: TaskBoard) -> Written | Gone:
    if not action.changed:
        return Written(task=action.actual if isinstance(action, Adopt) else None, changed=())
    try:
        task = board.update_task(action.task_gid, action.desired, changed=action.changed)
    except Refused as no:
        if board.task(action.task_gid) is None:
            return Gone(error=no)
        raise
    return Written(task=task, changed=action.changed)
