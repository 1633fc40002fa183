"""Exceptions' tasks as kinds of writes: how each is made, changed, closed and opened, and how it is found again.

A task is found by the last line of its notes, and only one of our own counts: who copies one copies its notes too. What the
exception is after the write stands in the intent's body, so that whoever goes on after a cut keeps the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from intacct_asana.approvals.words import minute
from intacct_asana.codec import plain
from intacct_asana.exceptions.plan import HOW_TO_ACCEPT, Move
from intacct_asana.journal import Kind
from intacct_asana.ports import TaskBoard
from intacct_asana.records import Intent, Story, Task, TaskDraft
from intacct_asana.records.matters import Cause, Matter, prefix_of
from intacct_asana.records.remarks import LABEL, comment_with, reference, reference_of
from intacct_asana.sync.plan import age
from intacct_asana.sync.writes import MARGIN

EXCEPTION, STEP = "exception", "exception step"


def intent_of(move: Move, *, project: str, owner: str, since: datetime) -> Intent:
    """`since` is Asana's clock, from which on a task of this intent may be there."""
    after = move.after
    body: dict[str, object] = {"after": plain(after)}
    if move.cause:
        body |= {"name": after.title, "notes": notes_of(after, move.cause)}
    if move.does == "open":
        body |= {"assignee": owner}
        return Intent(intent_id=after.matter_id, kind=EXCEPTION, subject=project, body=body, since=since)
    body |= {"text": f"{move.text}\n{move.mark}", "reference": move.mark, "completes": move.completes}
    name = f"{after.matter_id}:{move.mark.removeprefix(LABEL)}"
    return Intent(intent_id=name, kind=STEP, subject=after.task_gid, body=body)


def notes_of(matter: Matter, cause: Cause) -> str:
    lines = [cause.words, "", f"Since {minute(matter.opened_at)}."]
    lines += [f"The bill's task: {cause.task_url}"] if cause.task_url else []
    lines += [f"What ends it: {cause.ends}", HOW_TO_ACCEPT, reference(matter.matter_id)]
    return "\n".join(lines)


def adopted(pages: Iterable[Iterable[Task]], *, flow: str, bot_gid: str, known: Collection[str] = ()) -> dict[str, Task]:
    """The flow's exceptions in a project, by id; of several tasks the one that is `known`, else the oldest.

    There are several where something is back of which the store has forgotten that it ever was.
    """
    begins, found = reference(prefix_of(flow)), dict[str, Task]()
    for task in (task for page in pages for task in page):
        mark = reference_of(task.notes)
        if task.created_by_gid == bot_gid and mark.startswith(begins):
            name = mark.removeprefix(LABEL)
            found[name] = min(found.get(name, task), task, key=lambda one: (one.gid not in known, age(one)))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTask(Kind):
    """A task for people, in the project that is the intent's subject: `name`, `notes` and `assignee` stand in its body.

    One whose answer was lost is looked for among the tasks that changed since it was noted.
    """

    board: TaskBoard
    bot_gid: str
    exclusive: bool = False
    looks_first: bool = False
    remembered: bool = False

    def send(self, intent: Intent) -> Task:
        name, notes, assignee = (str(intent.body[part]) for part in ("name", "notes", "assignee"))
        draft = TaskDraft(key=intent.intent_id, name=name, notes=notes, assignee=assignee)
        return self.board.create_task(intent.subject, draft)

    def same(self, intent: Intent, found: Any) -> bool:
        return isinstance(found, Task)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenKind(NewTask):
    """A new exception."""

    flow: str
    name: str = EXCEPTION

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Task]:
        found: dict[str, Task] = {}
        for project in dict.fromkeys(intent.subject for intent in intents):
            wanted = {one.intent_id for one in intents if one.subject == project}
            since = min((one.since for one in intents if one.since and one.subject == project), default=None)
            # One that cannot be read may be anything but ours: we write plain text.
            pages = self.board.tasks(project, modified_since=since - MARGIN if since else None, unread=lambda one: None)
            there = adopted(pages, flow=self.flow, bot_gid=self.bot_gid)
            found |= {name: task for name, task in there.items() if name in wanted}
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """How a task stands after a step: None when somebody deleted it, and whether it says why."""

    task: Task | None
    told: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class StepKind(Kind):
    """Something told on an exception's task, then what it says, and whether it is done. The comment comes first, once."""

    board: TaskBoard
    bot_gid: str
    name: str = STEP
    exclusive: bool = False
    looks_first: bool = False
    remembered: bool = False

    def send(self, intent: Intent) -> Stepped:
        seen = self._look(intent)
        if seen.task is None:
            return seen
        if not seen.told:
            self.board.comment(intent.subject, str(intent.body["text"]))
        parts = self._parts(intent, seen.task)
        task = self.board.update_task(seen.task.gid, self._draft(intent, seen.task), changed=parts) if parts else seen.task
        return Stepped(task=task)

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Stepped]:
        return {one.intent_id: self._look(one) for one in intents}

    def same(self, intent: Intent, found: Any) -> bool:
        if not isinstance(found, Stepped):
            return False
        return found.task is None or (found.told and not self._parts(intent, found.task))

    def _look(self, intent: Intent) -> Stepped:
        task = self.board.task(intent.subject)
        stories: Sequence[Story] = self.board.stories(intent.subject) if task else ()
        mark = str(intent.body["reference"])
        return Stepped(task=task, told=bool(comment_with(mark, stories, author_gid=self.bot_gid)))

    def _draft(self, intent: Intent, task: Task) -> TaskDraft:
        completes = intent.body.get("completes")
        draft = TaskDraft(key=intent.intent_id, name=task.name, notes=task.notes, completed=task.completed)
        draft = replace(draft, completed=bool(completes)) if completes is not None else draft
        name, notes = (str(intent.body.get(part, getattr(task, part))) for part in ("name", "notes"))
        return replace(draft, name=name, notes=notes)

    def _parts(self, intent: Intent, task: Task) -> list[str]:
        wanted = self._draft(intent, task)
        return [part for part in ("name", "notes", "completed") if _shown(wanted, part) != _shown(task, part)]


def _shown(of: TaskDraft | Task, part: str) -> object:
    value = getattr(of, part)
    return value.split() if isinstance(value, str) else value
