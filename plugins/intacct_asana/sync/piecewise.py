"""A task written as far as Asana lets us: what it refuses of a task is left out and named, and the rest is written.

Asana takes a write as a whole or not at all. So a field that somebody locked, hid or took off the project after preflight
would keep every other field of every task from being written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, TryLater
from intacct_asana.ports import TaskBoard
from intacct_asana.records import Task, TaskDraft
from intacct_asana.sync.difference import FIELD, created_parts, said

LOCKED = "403"
PARTLY = frozenset({"400", LOCKED})
"""Answers that can be about one part of a task. A 404 is about the task, a 401 and a 402 about everything."""

OPTIONAL: Mapping[str, Any] = {"section_gid": None, "assignee": None, "followers": ()}
"""Attributes that a task can do without, and what it has then."""

WORDS = {"memberships": "section_gid", "section": "section_gid"}
"""What Asana calls a part, where it differs from ours."""

Left = dict[str, IntacctAsanaError]


class Away(Refused):
    """The task left the project, and with it the project's fields: nothing is known to be wrong with any part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """`task` as Asana answered it, the parts that were written, and why the others were not."""

    task: Task
    changed: tuple[str, ...]
    left_out: Mapping[str, IntacctAsanaError]


class Piecewise:
    """The writes of one run. A field found locked is left out of the run's later writes too. Used from several threads."""

    def __init__(self, board: TaskBoard, *, project_gid: str, key_field_gid: str, names: Mapping[str, str]) -> None:
        self._board, self._project_gid = board, project_gid
        self._key_part = FIELD + key_field_gid
        self._names = names
        self._locked: Left = {}

    def create(self, project_gid: str, draft: TaskDraft) -> Piece:
        """A new task with every part that Asana takes. Raises when it would be without its key: it could not be found again.

        A refused creation made nothing, so it may be sent again without what was refused.
        """
        parts = created_parts(draft)
        left = self._known_locked(parts)
        while True:
            kept = _but(parts, left)
            try:
                task = self._board.create_task(project_gid, _without(draft, left))
                return Piece(task=task, changed=kept, left_out=left)
            except (Refused, Misconfigured) as error:
                blamed = self._blamed(error, draft, kept)
                if self._key_part in blamed or not (blamed or error.code in PARTLY):
                    raise
                if not blamed:
                    return self._create_then_fill(project_gid, draft, left, error)
                left |= dict.fromkeys(blamed, error)

    def update(self, task_gid: str, draft: TaskDraft, *, changed: Collection[str]) -> Piece:
        """The task after writing what Asana takes of `changed`. Raises Refused in words when it takes nothing of it.

        Raises Away, with nothing left out, when it is refused because the task is not in the project.
        """
        left, is_here = self._known_locked(changed), False
        while kept := _but(changed, left):
            try:
                task = self._board.update_task(task_gid, draft, changed=kept)
                return Piece(task=task, changed=kept, left_out=left)
            except (Refused, Misconfigured) as error:
                is_here = is_here or self._is_here(task_gid, error)
                blamed = self._blamed(error, draft, kept)
                if not (blamed or error.code in PARTLY):
                    raise
                if not blamed:
                    return self._one_by_one(task_gid, draft, kept, left, error)
                left |= dict.fromkeys(blamed, error)
        raise self.refusal(left, rest_is_written=False)

    def _is_here(self, task_gid: str, error: IntacctAsanaError) -> bool:
        """Asked once a task, and only after a no. One that is gone is told by what follows."""
        task = self._board.task(task_gid) if error.code in PARTLY else None
        if task is not None and self._project_gid not in task.project_gids:
            raise Away(error.message, code=error.code) from error
        return task is not None

    def refusal(self, left_out: Mapping[str, IntacctAsanaError], *, rest_is_written: bool) -> Refused:
        """One sentence: which parts, whether the rest is there, and what Asana said."""
        first = next(iter(left_out.values()))
        rest = ", the rest of the task was" if rest_is_written else ""
        was = "was" if len(left_out) == 1 else "were"
        return Refused(f"{self.named(left_out)} {was} not written{rest}: {first.message}", code=first.code)

    def named(self, parts: Iterable[str]) -> str:
        """Parts as people call them."""
        gids = {part: part.removeprefix(FIELD) for part in parts}
        known = {part: f"field {self._names.get(gid, gid)!r}" if gid != part else part for part, gid in gids.items()}
        return ", ".join(known.values())

    def _create_then_fill(self, project_gid: str, draft: TaskDraft, left: Left, error: IntacctAsanaError) -> Piece:
        """For a no that does not say what it is about: the task with its key alone, then one field after the other."""
        fields = [part for part in _but(created_parts(draft), left) if part.startswith(FIELD) and part != self._key_part]
        if not fields:
            raise error
        task = self._board.create_task(project_gid, _without(draft, {**left, **dict.fromkeys(fields, error)}))
        written = [part for part in _but(created_parts(draft), left) if part not in fields]
        for part in fields:
            try:
                task = self._board.update_task(task.gid, draft, changed=(part,))
                written.append(part)
            except (Refused, Misconfigured) as no:
                self._leave(left, (part,), no)
            except TryLater as busy:
                # Nothing happened, but for the task that is there: it is looked for, and not made once more.
                raise OutcomeUnknown(f"task {task.gid} was made, and not filled yet: {busy.message}", code=busy.code) from busy
        return Piece(task=task, changed=tuple(written), left_out=left)

    def _one_by_one(
        self, task_gid: str, draft: TaskDraft, kept: Collection[str], left: Left, error: IntacctAsanaError
    ) -> Piece:
        """The attributes together, each field for itself."""
        task = self._board.task(task_gid)
        if task is None or len(kept) == 1:
            # Hidden or deleted, or there is nothing to tell apart.
            raise error if task is None else self.refusal({**left, **dict.fromkeys(kept, error)}, rest_is_written=False)
        attributes = tuple(part for part in kept if not part.startswith(FIELD))
        groups = [attributes] if attributes else []
        written: list[str] = []
        for group in [*groups, *((part,) for part in kept if part.startswith(FIELD))]:
            try:
                task = self._board.update_task(task_gid, draft, changed=group)
                written += group
            except (Refused, Misconfigured) as no:
                self._leave(left, group, no)
        if not written:
            raise self.refusal(left, rest_is_written=False)
        return Piece(task=task, changed=tuple(written), left_out=left)

    def _blamed(self, error: IntacctAsanaError, draft: TaskDraft, parts: Iterable[str]) -> tuple[str, ...]:
        """The parts that `error` names: a field by its own gid or by the gid of the option that it was to hold."""
        about = {WORDS.get(word, word) for word in error.about}
        can_go = [part for part in parts if part.startswith(FIELD) or part in OPTIONAL]
        blamed = tuple(part for part in can_go if about & {part.removeprefix(FIELD), *_gids(said(draft, part))})
        self._note_locked(blamed, error)
        return blamed

    def _leave(self, left: Left, parts: Iterable[str], error: IntacctAsanaError) -> None:
        left |= dict.fromkeys(parts, error)
        self._note_locked(parts, error)

    def _note_locked(self, parts: Iterable[str], error: IntacctAsanaError) -> None:
        """A lock holds for every task; that a field is not on a task can be that task's own business."""
        if error.code == LOCKED:
            self._locked.update({part: error for part in parts if part.startswith(FIELD)})

    def _known_locked(self, parts: Iterable[str]) -> Left:
        locked = dict(self._locked)
        return {part: locked[part] for part in parts if part in locked and part != self._key_part}


def _but(parts: Iterable[str], left: Collection[str]) -> tuple[str, ...]:
    return tuple(part for part in parts if part not in left)


def _without(draft: TaskDraft, left: Collection[str]) -> TaskDraft:
    """The draft of a new task without these parts."""
    if not left:
        return draft
    return replace(
        draft,
        fields={gid: value for gid, value in draft.fields.items() if FIELD + gid not in left},
        initial_fields={gid: value for gid, value in draft.initial_fields.items() if FIELD + gid not in left},
        **{part: empty for part, empty in OPTIONAL.items() if part in left},
    )


def _gids(value: object) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return value
    return (value,) if isinstance(value, str) and value.isdigit() else ()
