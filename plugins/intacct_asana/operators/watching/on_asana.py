"""Alerts in Asana: a task that is made for an incident and completed when it is over, or comments on a task. Each once.

They go through the journal, so an answer that got lost is looked for before anything is written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.exceptions.writes import NewTask, StepKind, Stepped
from intacct_asana.flow.running.alerts import Notifier
from intacct_asana.journal import Outcome, carry_out
from intacct_asana.records import Intent, Task
from intacct_asana.records.remarks import reference, reference_of
from intacct_asana.reports.incidents import Incident, message, subject
from intacct_asana.sync.writes import MARGIN

if TYPE_CHECKING:
    from intacct_asana.operators.flow_run import FlowRun

ALERT_TASK, ALERT_STEP = "alert task", "alert step"
MOST_AT_ONCE = 20
"""Incidents that one look tells in Asana; the next look goes on with the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTask(NewTask):
    """A new task about an incident."""

    name: str = ALERT_TASK

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


def tell_on_asana(
    run: FlowRun,
    notifier: Notifier,
    name: str,
    incidents: Iterable[Incident],
    *,
    page: str,
    keep: Callable[[Incident], None],
) -> tuple[dict[str, str], list[str]]:
    """gid of the task that tells of each, by the incident's key; and a sentence for each that could not be told.

    `keep` keeps an incident as it is when it was told, in the transaction that ends the write. Raises ours where nothing of it
    can be told. `name` is the notifier's.
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
    by_key = {one.key: one for one in chosen}

    def kept(outcome: Outcome) -> None:
        task = _task_of(outcome)
        if outcome.is_done and (task is not None or notifier.kind != "asana_comment"):
            keep(told_by(by_key[keys[outcome.intent.intent_id]], name, task.gid if task else ""))

    steps = carry_out(timed, kinds=kinds, journal=run.store.intents(), keep=kept, owner="alerts", now=run.now)
    with closing(steps) as outcomes:
        for outcome in outcomes:
            task = _task_of(outcome)
            if outcome.error or not outcome.is_done:
                wrong.append(outcome.error.message if outcome.error else f"{outcome.intent.subject}: not done")
            elif task is None and notifier.kind == "asana_comment":
                wrong.append(str(_no_such_task(outcome.intent.subject).message))
            else:
                done[keys[outcome.intent.intent_id]] = task.gid if task else ""
    return done, wrong


def _task_of(outcome: Outcome) -> Task | None:
    found = outcome.found.task if isinstance(outcome.found, Stepped) else outcome.found
    return found if isinstance(found, Task) else None


def told_by(one: Incident, name: str, task: str) -> Incident:
    """The incident after the notifier `name` told it, by a task of its own where there is one."""
    over = () if one.is_open else (*one.told_over, name)
    told = one.told if name in one.told else (*one.told, name)
    return replace(one, told=told, told_over=over, tasks={**one.tasks, **({name: task} if task else {})})


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
