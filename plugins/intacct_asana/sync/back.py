"""Tasks that left their project, put back into it: their comments and what was decided on them are the record.

Only a task that is deleted is ever made anew. The write of a task puts it back on its way (`sync/writes.py`); where nothing
else is to be written, it is a write of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from intacct_asana.errors import Refused
from intacct_asana.journal import Kind, carry_out
from intacct_asana.ports import Journal, TaskBoard
from intacct_asana.records import Intent, Link, Task


class NotPutBack(Refused):
    """A task left the project and may not be put back. It stands for its record all the same, and no second one is made."""


def put_into(board: TaskBoard, task_gid: str, project_gid: str, *, key: str, section_gid: str | None = None) -> None:
    """Puts a record's task back into the project. Raises NotPutBack in a sentence for people."""
    try:
        board.add_to_project(task_gid, project_gid, section_gid=section_gid)
    except Refused as no:
        raise NotPutBack(
            f"task {task_gid} of {key} left project {project_gid} and could not be put back ({no.message}). No second task is "
            "made; put it back in Asana, or let this integration's user edit the task and the project.",
            code=no.code,
        ) from no


def was_put_back(task_gid: str, key: str) -> str:
    """What a run's summary says of it."""
    return f"{key}: task {task_gid} had left the project and was put back into it"


def would_be_put_back(task_gid: str, key: str) -> str:
    """The same of a run that writes nothing."""
    return f"{key}: task {task_gid} left the project and would be put back into it"


@dataclass(slots=True, kw_only=True)
class PutBack(Kind):
    """Puts a task into the project, where it was last as far as we know; what it finds is the task. Twice is the same."""

    board: TaskBoard
    project_gid: str
    link: Link
    name: str = field(default="put back", init=False)
    remembered = False

    def send(self, intent: Intent) -> Task | None:
        section_gid = self.link.confirmed.section_gid if self.link.confirmed else None
        put_into(self.board, intent.subject, self.project_gid, key=self.link.key, section_gid=section_gid)
        return self.board.task(intent.subject)

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Task]:
        tasks = {one.intent_id: self.board.task(one.subject) for one in intents}
        return {intent_id: task for intent_id, task in tasks.items() if task}

    def same(self, intent: Intent, found: Any) -> bool:
        return self.project_gid in found.project_gids


def put_back(
    link: Link, *, board: TaskBoard, project_gid: str, journal: Journal, owner: str, now: Callable[[], datetime]
) -> None:
    """The record's task is in the project afterwards. Raises NotPutBack, or what kept it from being known."""
    kind = PutBack(board=board, project_gid=project_gid, link=link)
    gid = link.task_gid
    intent = Intent(intent_id=f"back:{gid}", kind=kind.name, subject=gid, body={"project_gid": project_gid})
    with closing(carry_out([intent], kinds=[kind], journal=journal, owner=owner, now=now, workers=1)) as outcomes:
        for outcome in outcomes:
            if outcome.error:
                raise outcome.error
