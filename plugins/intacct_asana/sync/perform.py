"""One action against the board. Runs in a worker thread, so it touches nothing but the board."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused
from intacct_asana.ports import TaskBoard
from intacct_asana.records import Task
from intacct_asana.records.remarks import last_said, reference_of
from intacct_asana.sync.difference import REMARK, has_news, parts_to_restore
from intacct_asana.sync.piecewise import Piecewise
from intacct_asana.sync.plan import Adopt, Create, Update, Writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """`task` as Asana answered it, and the parts that were written; None and none where nothing had to be.

    `left_out` are parts that Asana refused while it took the others.
    """

    task: Task | None
    changed: tuple[str, ...]
    left_out: Mapping[str, IntacctAsanaError] = field(default_factory=dict)
    commented: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """The task to be written no longer exists for us; `error` is what Asana said."""

    error: Refused


Outcome = Written | Gone | IntacctAsanaError


def perform(action: Writing, *, board: TaskBoard, pieces: Piecewise, project_gid: str, bot_gid: str) -> Outcome:
    """Writes what `action` says. Our own errors are answers here, so that one failure does not end the batch.

    `pieces` writes tasks on `board`. `bot_gid` is the user that our comments are written by.
    """
    try:
        if isinstance(action, Create):
            return _create(action, board=board, pieces=pieces, project_gid=project_gid)
        return _write(action, board=board, pieces=pieces, bot_gid=bot_gid)
    except IntacctAsanaError as error:
        return error


def _create(action: Create, *, board: TaskBoard, pieces: Piecewise, project_gid: str) -> Written:
    """A task missing from the listing may have lost its key only, so the one it replaces is asked for first."""
    before = board.task(action.replaces) if action.replaces else None
    if before and project_gid in (before.project_gids or (project_gid,)):
        piece = pieces.update(before.gid, action.desired, changed=parts_to_restore(action.desired, before))
    else:
        piece = pieces.create(project_gid, action.desired)
    return Written(task=piece.task, changed=piece.changed, left_out=piece.left_out)


def _write(action: Adopt | Update, *, board: TaskBoard, pieces: Piecewise, bot_gid: str) -> Written | Gone:
    if not action.changed:
        return Written(task=action.actual if isinstance(action, Adopt) else None, changed=())
    try:
        return _parts_then_remark(action, board=board, pieces=pieces, bot_gid=bot_gid)
    except Refused as no:
        if board.task(action.task_gid) is None:
            return Gone(error=no)
        raise


def _parts_then_remark(action: Adopt | Update, *, board: TaskBoard, pieces: Piecewise, bot_gid: str) -> Written:
    """The comment comes last, so that the task shows already what it speaks of.

    When it fails, the action fails and nothing of it is kept: the next try writes the same parts again and looks for it.
    """
    parts = tuple(part for part in action.changed if part != REMARK)
    if "assignee" in parts and _is_handed_over(action, board=board):
        parts = tuple(part for part in parts if part != "assignee")
    piece = pieces.update(action.task_gid, action.desired, changed=parts) if parts else None
    commented = REMARK in action.changed and _say(action, board=board, bot_gid=bot_gid)
    if piece is None:
        return Written(task=None, changed=parts, commented=commented)
    return Written(task=piece.task, changed=piece.changed, left_out=piece.left_out, commented=commented)


def _is_handed_over(action: Adopt | Update, *, board: TaskBoard) -> bool:
    """Whether somebody gave the task to another person, or to nobody, since we last said whose it is: then it stays so."""
    confirmed = action.confirmed if isinstance(action, Update) else None
    task = board.task(action.task_gid)
    return task is not None and task.assignee_gid != (confirmed.assignee if confirmed else None)


def _say(action: Adopt | Update, *, board: TaskBoard, bot_gid: str) -> bool:
    """Posts the remark, unless an earlier try whose answer was lost did it. True when it was posted now.

    Where it is no news, but another comment may have been written that nobody kept, it is posted over that one only.
    """
    remark = action.desired.remark
    mark = reference_of(remark)
    if not (mark and bot_gid):
        # Without either, the comment could not be found again and would be written twice.
        lacking = "its comment has no reference line" if bot_gid else "who writes our comments is not pinned; run preflight"
        raise Misconfigured(f"The task of {action.key}: {lacking}.")
    before = last_said(mark, board.stories(action.task_gid), author_gid=bot_gid)
    is_news = has_news(action.desired, action.confirmed if isinstance(action, Update) else None)
    if before == mark or not (before or is_news):
        return False
    board.comment(action.task_gid, remark)
    return True
