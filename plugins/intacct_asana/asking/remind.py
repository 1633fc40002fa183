"""Reminders by a bill's due date, and the one message when nobody decides: which is due, what it says, that it was said.

What was said stands in the journal, a row for each message. A row that was `left` says that there was nobody to tell that
day, so that the bill is not read again before the next.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date

from intacct_asana.approvals.intake import IS_HELD, OWN
from intacct_asana.approvals.routing import NameOf, due_words
from intacct_asana.approvals.standing import AnswerKind
from intacct_asana.asking.waiting import LEFT, Asker, Said, Waiting
from intacct_asana.flow.policy import Reminders
from intacct_asana.records import Intent, IntentState, Link
from intacct_asana.records.remarks import reference

REMINDER = "reminder"
"""The journal's name for them."""
ESCALATION = "escalation"


def message_due(due_on: date, *, today: date, rules: Reminders, said: Collection[str]) -> str:
    """Which message a bill gets that day: `before-3`, `after-1`, `escalation`, or empty for none.

    A day on which no run came is made up for, with the newest message only. After the escalation only days later than it
    count.
    """
    late, last = (today - due_on).days, rules.escalate_after_days
    if last is not None and late >= last and ESCALATION not in said:
        return ESCALATION
    days = [-day for day in rules.before_days] + list(rules.after_days)
    newest = max((day for day in days if day <= late), default=None)
    if newest is None or (last is not None and newest <= last <= late):
        return ""
    name = f"after-{newest}" if newest > 0 else f"before-{-newest}"
    return "" if name in said else name


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One that is due: about which bill, with which due date."""

    link: Link
    due_on: date
    what: str
    day: date

    @property
    def intent_id(self) -> str:
        return f"{REMINDER}-{self.link.key}-{self.due_on}-{self.what}"

    @property
    def mark(self) -> str:
        return reference(f"{REMINDER}-{self.due_on}-{self.what}")


def wanted_message(link: Link, due_on: date, *, today: date, rules: Reminders, rows: Sequence[Intent]) -> Message | None:
    """The message that is due and not said, given the rows of those about the task. One a day, also when the due date moves."""
    ended = [row for row in rows if not row.state.is_open]
    if any(row.body["day"] == today.isoformat() for row in ended):
        return None
    told = [row for row in ended if LEFT not in row.answer and row.body["due_on"] == due_on.isoformat()]
    what = message_due(due_on, today=today, rules=rules, said={str(row.body["what"]) for row in told})
    message = Message(link=link, due_on=due_on, what=what, day=today)
    doubtful = [row for row in rows if row.state.is_in_doubt and row.body["day"] == today.isoformat()]
    return message if what and all(row.intent_id == message.intent_id for row in doubtful) else None


def remind(message: Message, waiting: Waiting | None, asker: Asker) -> None:
    """Say it, once; or note that there is nobody to tell that day."""
    rules = asker.policy.approval.remind
    assert rules
    told = _told(message, waiting, rules) if waiting else []
    why = "nobody is to be told" if not told else "it is on hold" if waiting and _is_held(waiting, asker) else ""
    if why or waiting is None:
        _leave(message, why, asker)
        return
    said = _escalated(message, waiting, told) if message.what == ESCALATION else _reminded(message, waiting)
    if asker.rehearses:
        asker.report.say(message.link.key, f"{message.link.key}: would be told on its task: {said(asker.name_of)}")
    else:
        asker.carry(_intent(message, html=asker.html_of(said, message.mark)), _kind(asker))
    asker.report.count("escalated" if message.what == ESCALATION else "reminded")


def _told(message: Message, waiting: Waiting, rules: Reminders) -> list[str]:
    if message.what != ESCALATION:
        return waiting.people
    return waiting.deputies or ([rules.escalate_to] if rules.escalate_to else [])


def _is_held(waiting: Waiting, asker: Asker) -> bool:
    """By somebody: a hold of ours waits for the very approval."""
    row = asker.journal.of([OWN + waiting.link.key]).get(OWN + waiting.link.key)
    return waiting.bill.on_hold and not (row and row.answer.get(IS_HELD) == "by us")


def _leave(message: Message, why: str, asker: Asker) -> None:
    if asker.rehearses:
        return
    intent = _intent(message, html="")
    with asker.journal.together():
        noted = asker.journal.note([intent], at=asker.now())[intent.intent_id]
        if not noted.state.is_in_doubt:
            asker.journal.move(noted, replace(noted, state=IntentState.DONE, answer={LEFT: why}), at=asker.now())


def _intent(message: Message, *, html: str) -> Intent:
    body = {
        "html": html,
        "reference": message.mark,
        "what": message.what,
        "due_on": message.due_on.isoformat(),
        "day": message.day.isoformat(),
    }
    return Intent(intent_id=message.intent_id, kind=REMINDER, subject=message.link.task_gid, body=body)


def _kind(asker: Asker) -> AnswerKind:
    return AnswerKind(board=asker.board, bot_gid=asker.policy.bot_gid, name=REMINDER, remembered=True)


# What people read.


def _reminded(message: Message, waiting: Waiting) -> Said:
    when = "is due on" if message.day <= message.due_on else "was due on"
    step = f", {waiting.step}" if waiting.step else ""

    def said(name_of: NameOf) -> str:
        due = due_words(waiting.progress, on=waiting.on, name_of=name_of)
        return f"This bill {when} {message.due_on} and waits for {due}{step}."

    return said


def _escalated(message: Message, waiting: Waiting, told: Sequence[str]) -> Said:
    days = (message.day - message.due_on).days
    since = f"{days} day{'s' if days > 1 else ''}"
    has, are = "has" if len(waiting.places) == 1 else "have", "is" if len(told) == 1 else "are"

    def said(name_of: NameOf) -> str:
        slow, heard = (" and ".join(name_of(one) for one in people) for people in (waiting.places, told))
        first = f"This bill was due on {message.due_on}. {slow} {has} not decided in the {since} since; {heard} {are} told."
        return f"{first} That changes nothing about who may decide."

    return said
