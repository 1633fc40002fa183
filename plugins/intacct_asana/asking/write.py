"""Subtasks that ask people, and their end, as kinds of writes: how each is sent, and how it is found again.

A subtask is found among those of the bill's task by the last line of its notes, and only one of our own counts: who copies
one copies its notes too. It is ended in the order comment, no approval any more, completed, because completing an approval
approves it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from intacct_asana.asking.plan import NewAsk
from intacct_asana.errors import IntacctAsanaError, Refused
from intacct_asana.journal import Kind
from intacct_asana.ports import AskBoard
from intacct_asana.records import Intent, Story, Task
from intacct_asana.records.asks import Ask
from intacct_asana.records.remarks import comment_with, reference, reference_of

ASK, ASK_END = "ask", "ask end"


def ask_intent(new: NewAsk) -> Intent:
    body = {"name": new.name, "notes": new.notes, "assignee": new.person_gid, "due_on": new.due_on}
    return Intent(intent_id=new.ask.ask_id, kind=ASK, subject=new.ask.task_gid, body=body)


def end_intent(ask: Ask) -> Intent:
    """Of an ask whose subtask is there."""
    mark = reference(f"{ask.ask_id}-end")
    body = {"text": f"{ask.why}\n{mark}", "reference": mark}
    return Intent(intent_id=f"end-{ask.ask_id}", kind=ASK_END, subject=ask.subtask_gid, body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskKind(Kind):
    """An approval below the bill's task. A look costs a call and comes before each, for a store may have been lost."""

    board: AskBoard
    bot_gid: str
    name: str = ASK
    exclusive: bool = False
    looks_first: bool = True
    remembered: bool = False

    def send(self, intent: Intent) -> Task:
        told = {name: str(intent.body[name]) for name in ("name", "notes", "assignee", "due_on")}
        return self.board.create_approval(intent.subject, **told)

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Task | IntacctAsanaError]:
        found: dict[str, Task | IntacctAsanaError] = {}
        for task_gid in dict.fromkeys(intent.subject for intent in intents):
            asked = {reference(one.intent_id): one.intent_id for one in intents if one.subject == task_gid}
            for task in self._own(task_gid):
                if intent_id := asked.get(reference_of(task.notes)):
                    found.setdefault(intent_id, task)
        return found

    def _own(self, task_gid: str) -> list[Task]:
        try:
            subtasks = self.board.subtasks(task_gid)
        except Refused:
            if self.board.task(task_gid) is None:
                return []
            raise
        return [task for task in subtasks if task.created_by_gid == self.bot_gid]

    def same(self, intent: Intent, found: Any) -> bool:
        return isinstance(found, Task) and found.kind == "approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a subtask stands that is to be ended: None when it is gone, and whether it says why."""

    task: Task | None
    told: bool = True

    @property
    def is_over(self) -> bool:
        """Off its person's list, and nothing that reads as an approval of ours."""
        if self.task is None:
            return True
        is_off = self.task.completed if self.task.kind != "approval" else self.task.assignee_gid is None
        return self.told and is_off


@dataclass(frozen=True, slots=True, kw_only=True)
class EndKind(Kind):
    """The end of an ask nobody waits for: the reason, then a completed task that is no approval any more.

    Where Asana does not make an approval an ordinary task, it stays pending and is taken off the person's list.
    """

    board: AskBoard
    bot_gid: str
    name: str = ASK_END
    exclusive: bool = False
    looks_first: bool = False
    remembered: bool = False

    def send(self, intent: Intent) -> Ended:
        seen = self._look(intent)
        if seen.task is None or seen.is_over:
            return seen
        if not seen.told:
            self.board.comment(intent.subject, str(intent.body["text"]))
        task = self._ordinary(seen.task)
        if task.kind == "approval":
            return Ended(task=self.board.unassign(task.gid))
        return Ended(task=task if task.completed else self.board.complete(task.gid))

    def _ordinary(self, task: Task) -> Task:
        if task.kind != "approval":
            return task
        try:
            return self.board.make_ordinary(task.gid)
        except Refused:
            return task

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Ended]:
        return {one.intent_id: self._look(one) for one in intents}

    def _look(self, intent: Intent) -> Ended:
        task = self.board.task(intent.subject)
        stories: Sequence[Story] = self.board.stories(intent.subject) if task else ()
        mark = str(intent.body["reference"])
        return Ended(task=task, told=bool(comment_with(mark, stories, author_gid=self.bot_gid)))

    def same(self, intent: Intent, found: Any) -> bool:
        return isinstance(found, Ended) and found.is_over
