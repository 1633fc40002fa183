"""Tasks that stand for no record, told so and completed: copies, tasks whose record is gone, tasks of others with its key.

The comment comes first and is found again by its last line, so that it is made once. What somebody changed on the task since
the plan was made (it stands for a record now, it has another key) leaves it alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intacct_asana.journal import Kind
from intacct_asana.ports import TaskBoard
from intacct_asana.records import Intent, Task, TaskDraft
from intacct_asana.records.remarks import comment_with, reference_of
from intacct_asana.sync.plan import Retire


def retire_kind(kind: str) -> str:
    """The journal's name for such writes about records of this kind."""
    return f"{kind} retire"


def retire_intent(action: Retire, *, kind: str) -> Intent:
    body = {"key": action.key, "text": action.text, "completes": action.completes, "clears_key": action.clears_key}
    name = f"retire:{kind}:{action.task_gid}:{action.key}"
    return Intent(intent_id=name, kind=retire_kind(kind), subject=action.task_gid, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """How the task stands: None where it is gone, or is another task's business now. `told` by a comment of ours."""

    task: Task | None
    told: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RetireKind(Kind):
    """`remembered`, so that people are told once."""

    name: str
    board: TaskBoard
    bot_gid: str
    key_field_gid: str
    exclusive: bool = False
    looks_first: bool = False
    remembered: bool = True

    def send(self, intent: Intent) -> Retired:
        seen = self._look(intent)
        if seen.task is None:
            return seen
        if not seen.told:
            self.board.comment(intent.subject, str(intent.body["text"]))
        task = seen.task
        if intent.body["completes"] and not task.completed:
            draft = TaskDraft(key=str(intent.body["key"]), name=task.name, completed=True)
            task = self.board.update_task(task.gid, draft, changed=["completed"])
        if intent.body["clears_key"] and task.fields.get(self.key_field_gid):
            task = self.board.set_fields(task.gid, {self.key_field_gid: None})
        return Retired(task=task)

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Retired]:
        return {one.intent_id: self._look(one) for one in intents}

    def same(self, intent: Intent, found: Any) -> bool:
        if not isinstance(found, Retired):
            return False
        task = found.task
        is_done = task is None or not intent.body["completes"] or task.completed
        has_key = task is not None and intent.body["clears_key"] and task.fields.get(self.key_field_gid)
        return found.told and is_done and not has_key

    def _look(self, intent: Intent) -> Retired:
        task = self.board.task(intent.subject)
        # A key that we took out ourselves, before we were cut off, is no reason to leave the rest.
        keys = (intent.body["key"], None, "") if intent.body["clears_key"] else (intent.body["key"],)
        if task is None or task.fields.get(self.key_field_gid) not in keys:
            return Retired(task=None)
        mark = reference_of(str(intent.body["text"]))
        return Retired(task=task, told=bool(comment_with(mark, self.board.stories(task.gid), author_gid=self.bot_gid)))
