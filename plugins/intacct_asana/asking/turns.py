"""Whose turn it is: a bill's task is assigned to who is next, each time a step begins.

A row of the journal for each bill says which step was begun for whom, and what it was worked out from (`seen`). As long as
the store holds the same, nothing is read. Whoever is assigned by hand stays so until the next step.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from intacct_asana.approvals.policy import VendorPerson
from intacct_asana.approvals.routing import NameOf, decides_on, due_words
from intacct_asana.approvals.standing import AnswerKind
from intacct_asana.asking.waiting import LEFT, Asker, Said, Waiting
from intacct_asana.errors import TryLater
from intacct_asana.flow.rules import Approval, text_of
from intacct_asana.journal import Kind
from intacct_asana.ports import TaskBoard
from intacct_asana.records import Bill, BillState, Decision, Intent, IntentState, Link, Snapshot, Task
from intacct_asana.records.remarks import reference

TURN, NEXT = "turn", "next"
"""The journal's names for assigning, and for the comment that says so."""


def policy_of_day(approval: Approval, on: date) -> str:
    """A digest of what the policy says that day, also by who is away."""
    parts = (
        approval.policy_version,
        [one.email for one in approval.approvers if decides_on(one, on)],
        [(one.absent, one.deputy) for one in approval.delegations if one.first_day <= on <= one.last_day],
    )
    return _digest(parts)


def seen_of(
    link: Link,
    snapshot: Snapshot | None,
    decided: Sequence[Decision],
    *,
    policy: str,
    fields: Sequence[str],
    vendor_person: VendorPerson,
) -> str:
    """A digest of everything in the store that says who is next. `policy` is the day's, `fields` of vendors name people."""
    vendor = Bill(
        bill_key=link.key,
        record_no=link.record_no,
        bill_number="",
        vendor_id=str(snapshot.body["vendor_id"]) if snapshot else "",
        vendor_name="",
        state=BillState.POSTED,
    )
    parts = (
        (link.task_gid, link.record_no, snapshot.digest if snapshot else "", policy),
        [(one.decision_id, str(one.state)) for one in decided],
        [vendor_person(name, vendor) for name in fields],
    )
    return _digest(parts)


def _digest(parts: object) -> str:
    return hashlib.sha256(text_of(parts).encode()).hexdigest()[:20]


def turn_id(key: str) -> str:
    return f"{TURN}-{key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignKind(Kind):
    """Giving a task to somebody. It may be repeated, so what is in doubt is looked for only to send less."""

    board: TaskBoard
    name: str = field(default=TURN, init=False)
    exclusive: bool = field(default=False, init=False)
    looks_first: bool = field(default=False, init=False)
    remembered: bool = field(default=True, init=False)

    def send(self, intent: Intent) -> Task:
        return self.board.assign(intent.subject, str(intent.body["assignee"]))

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Task]:
        found = {intent.intent_id: self.board.task(intent.subject) for intent in intents}
        return {intent_id: task for intent_id, task in found.items() if task}

    def same(self, intent: Intent, found: Any) -> bool:
        return isinstance(found, Task) and found.assignee_gid == intent.body["assignee"]


def looked_as(link: Link, today: date) -> str:
    """When it is worth reading a bill again of which nobody was due. Its state is in no snapshot, and may have been why."""
    return _digest((today.isoformat(), str(link.confirmed)))


def has_turn(row: Intent | None, *, seen: str, looked: str | None) -> bool:
    """Whether it has to be worked out who is next; `looked` is None for a bill that is decided."""
    if row is None or row.state.is_open or row.body["seen"] != seen:
        return True
    return looked is not None and not row.body["step"] and row.body.get("looked") != looked


def begin_turn(link: Link, waiting: Waiting | None, *, seen: str, looked: str, before: Intent | None, asker: Asker) -> None:
    """Assign the task to who is next, where a step began, and say so, where somebody else was due before."""
    body: dict[str, object] = {"seen": seen, "looked": looked, "step": "", "next": "", "due": [], "assignee": ""}
    if waiting is None:
        _keep(link, body, None, asker)
        return
    step, due = _step_of(waiting), waiting.people
    body |= {"step": step, "due": due}
    was: Mapping[str, Any] = before.body if before else {}
    if was.get("step") == step and was.get("next") in due:
        left_over = before is not None and before.state.is_open
        _keep(link, {**body, "next": was["next"], "assignee": was["assignee"] if left_over else ""}, None, asker)
        return
    task = asker.board.task(link.task_gid)
    person = _next_person(waiting, task, asker) if task else ""
    body["next"] = person
    is_assigned = task is not None and task.assignee_gid == asker.gid_of(person)
    body["assignee"] = "" if is_assigned or not person else asker.gid_of(person)
    is_news = bool(person) and before is not None and was.get("due") != due
    _keep(link, body, _next_said(waiting) if is_news else None, asker)
    if person:
        asker.report.count("next")


def _step_of(waiting: Waiting) -> str:
    return f"{waiting.progress.route.rule.name}, {waiting.progress.place}"


def _next_person(waiting: Waiting, task: Task, asker: Asker) -> str:
    """Who has the task already, if they are due; else the first of the rule who is not away, else the first at all.

    Who entered or last changed the bill may not decide on it where duties are kept apart, so they come last.
    """
    known = [email for email in waiting.people if asker.gid_of(email)]
    has_it = [email for email in known if asker.gid_of(email) == task.assignee_gid]
    away = {place for email, place in waiting.due if email != place}
    free = [email for email in known if not _touched(email, waiting.bill, asker.policy.approval)]
    there = [email for email in free if email not in away]
    return next(iter([*has_it, *there, *free, *known]), "")


def _touched(email: str, bill: Bill, approval: Approval) -> bool:
    if not approval.segregation_of_duties:
        return False
    logins = {login.casefold() for one in approval.approvers if one.email.casefold() == email for login in one.logins}
    return bool(logins & {bill.created_by.casefold(), bill.modified_by.casefold()})


def _next_said(waiting: Waiting) -> Said:
    step = f", {waiting.step}" if waiting.step else ""

    def said(name_of: NameOf) -> str:
        return f"Next: {due_words(waiting.progress, on=waiting.on, name_of=name_of)}{step}."

    return said


def _keep(link: Link, body: Mapping[str, object], said: Said | None, asker: Asker) -> None:
    """Note what is to be written, both in one transaction, then write it; without an assignment the row alone is kept."""
    turn = Intent(intent_id=turn_id(link.key), kind=TURN, subject=link.task_gid, body=body)
    if asker.rehearses:
        if body["assignee"]:
            name = asker.name_of(str(body["next"]))
            asker.report.say(link.key, f"{link.key}: its task would be assigned to {name}, who is next")
        return
    comment = _comment(link, str(body["seen"]), said, asker) if said else None
    with asker.journal.together():
        noted = asker.journal.note([one for one in (turn, comment) if one], at=asker.now())
        if not body["assignee"]:
            ended = replace(noted[turn.intent_id], state=IntentState.DONE, answer={LEFT: "nothing to assign"})
            asker.journal.move(noted[turn.intent_id], ended, at=asker.now())
    if body["assignee"]:
        asker.carry(turn, AssignKind(board=asker.board))
    if comment:
        asker.carry(comment, _kind(asker))


def _comment(link: Link, seen: str, said: Said, asker: Asker) -> Intent:
    mark = reference(f"{NEXT}-{seen}")
    body = {"html": asker.html_of(said, mark), "reference": mark}
    return Intent(intent_id=f"{NEXT}-{link.key}-{seen}", kind=NEXT, subject=link.task_gid, body=body)


def _kind(asker: Asker) -> AnswerKind:
    return AnswerKind(board=asker.board, bot_gid=asker.policy.bot_gid, name=NEXT)


def finish_comments(seen: Mapping[str, str], asker: Asker) -> None:
    """Comments that an earlier run noted and did not make. One about a step that is over is forgotten."""
    wanted = {f"{NEXT}-{key}-{digest}" for key, digest in seen.items()}
    for intent in asker.journal.open(NEXT):
        if intent.intent_id in wanted:
            asker.report.each([intent], lambda one: asker.carry(one, _kind(asker)), key=lambda one: one.subject)
        else:
            with suppress(TryLater):
                asker.journal.drop(intent)
