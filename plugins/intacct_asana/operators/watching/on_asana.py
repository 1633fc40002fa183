"""Alerts in Asana: a task that is made for an incident and completed when it is over, or comments on a task. Each once.

They go through the journal, so an answer that got lost is looked for before anything is written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.exceptions.writes import StepKind, Stepped
from intacct_asana.flow.running.alerts import Notifier
from intacct_asana.journal import Kind, carry_out
from intacct_asana.ports import TaskBoard
from intacct_asana.records import Intent, Task, TaskDraft
from intacct_asana.records.remarks import reference, reference_of
from intacct_asana.reports.incidents import Incident, message, subject
from intacct_asana.sync.writes import MARGIN

if TYPE_CHECKING:
    from intacct_asana.operators.flow_run import FlowRun

ALERT_TASK, ALERT_STEP = "alert task", "alert step"
MOST_AT_ONCE = 20
"""Incidents that one look tells in Asana; the next look goes on with the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTask(Kind):
    """A new task about an incident. One whose answer was lost is looked for among those that changed since it was noted."""

    board: TaskBoard
    bot_gid: str
    name: str = ALERT_TASK
    exclusive: bool = False
    looks_first: bool = False
    remembered: bool = False

    def send(self, intent: Intent) -> Task:
        name, notes, assignee = (str(intent.body[part]) for part in ("name", "notes", "assignee"))
        draft = TaskDraft(key=intent.intent_id, name=name, notes=notes, assignee=assignee)
        return self.board.create_task(intent.subject, draft)

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Task]:
        found: dict[str, Task] = {}
        for intent in intents:
            since = intent.since - MARGIN if intent.since else None
            pages = self.board.tasks(intent.subject, modified_since=since, unread=lambda one: None)
            mark = str(intent.body["reference"])
            ours = (one for page in pages for one in page if one.created_by_gid == self.bot_gid)
            if task := next((one for one in ours if reference_of(one.notes) == mark), None):
                found[intent.intent_id] = task
        return found

    def same(self, intent: Intent, found: Any) -> bool:
        return isinstance(found, Task)


def tell_on_asana(
    run: FlowRun, notifier: Notifier, name: str, incidents: Iterable[Incident], *, page: str
) -> tuple[dict[str, str], list[str]]:
    """gid of the task that tells of each, by the incident's key; and a sentence for each that could not be told.

    Raises ours where nothing of it can be told. `name` is the notifier's.
    """
    chosen = list(incidents)[:MOST_AT_ONCE]
    board, pins = run.own_board("bill")
    since = board.clock()
    wanted = {one.key: _intent(one, notifier, name, page=page) for one in chosen}
    intents = [intent for intent in wanted.values() if intent]
    kinds = [
        AlertTask(board=board, bot_gid=pins.bot_gid),
        StepKind(board=board, bot_gid=pins.bot_gid, name=ALERT_STEP),
    ]
    # What never had a task needs none when it is over.
    done, wrong = {key: "" for key, intent in wanted.items() if intent is None}, list[str]()
    keys = {intent.intent_id: key for key, intent in wanted.items() if intent}
    timed = [_since(intent, since) for intent in intents]
    steps = carry_out(timed, kinds=kinds, journal=run.store.intents(), owner="alerts", now=run.now)
    with closing(steps) as outcomes:
        for outcome in outcomes:
            task = outcome.found.task if isinstance(outcome.found, Stepped) else outcome.found
            if outcome.error or not outcome.is_done:
                wrong.append(outcome.error.message if outcome.error else f"{outcome.intent.subject}: not done")
            elif task is None and notifier.kind == "asana_comment":
                wrong.append(str(_no_such_task(outcome.intent.subject).message))
            else:
                done[keys[outcome.intent.intent_id]] = task.gid if task else ""
    return done, wrong


def _no_such_task(gid: str) -> IntacctAsanaError:
    return Misconfigured(f"Asana shows no task {gid}: mend `task` in the flow file's alerts, or share the task with our user")


def _since(intent: Intent, since: datetime) -> Intent:
    return replace(intent, since=since) if intent.kind == ALERT_TASK else intent


def _intent(one: Incident, notifier: Notifier, name: str, *, page: str) -> Intent | None:
    mark = reference(f"{one.incident_id}{'' if one.is_open else '-over'}")
    text = message([one], page=page)
    if notifier.kind == "asana_task" and one.is_open:
        body = {"name": subject([one]), "notes": f"{text}\n{mark}", "assignee": notifier.assignee or "", "reference": mark}
        return Intent(intent_id=f"{one.incident_id}:{name}", kind=ALERT_TASK, subject=notifier.project or "", body=body)
    task = notifier.task or one.tasks.get(name, "")
    if not task:
        return None
    step: dict[str, object] = {"text": f"{text}\n{mark}", "reference": mark}
    step |= {"completes": True} if notifier.kind == "asana_task" else {"completes": None}
    end = "open" if one.is_open else "over"
    return Intent(intent_id=f"{one.incident_id}:{name}:{end}", kind=ALERT_STEP, subject=task, body=step)
