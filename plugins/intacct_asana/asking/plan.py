"""Who has to be asked about a bill as it is now, by a subtask of their own, and whose subtask is wanted no more.

From the bill, its decisions, what its task shows and what was asked before. Without a memory: the asks are the memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.routing import Progress, decides_on, progress_of, route_of
from intacct_asana.approvals.rules import NOT_READY
from intacct_asana.approvals.seen import is_as_shown, voice_of
from intacct_asana.approvals.words import bill_name, capital, changes, content_of, is_stamp_of, money, read_stamp, who
from intacct_asana.approvals.write_steps import SUBMITTED
from intacct_asana.flow.signals import ApprovalSubtasksSignal
from intacct_asana.records import (
    ON_THE_WAY,
    SETTLED_STATES,
    Bill,
    BillState,
    Decision,
    DecisionState,
    Link,
    Snapshot,
    Verdict,
    shows,
)
from intacct_asana.records.asks import Ask, AskState
from intacct_asana.records.remarks import reference
from intacct_asana.text import one_line, short

LONGEST_NAME = 250
DONE_WITH = "Nothing is left for you to do here."
STANDS = (DecisionState.GRANTED, DecisionState.CONFIRMED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is looked at of one bill. `shown` is what its task shows now, `shown_at` what it showed when somebody was asked.

    `decided` is every decision about the bill, `shown_to` what each decider saw. `on` is today in the flow's time zone.
    """

    bill: Bill
    link: Link
    policy: Policy
    decided: Sequence[Decision]
    asks: Sequence[Ask]
    shown: Snapshot | None
    shown_at: Callable[[Ask], Snapshot | None]
    shown_to: Callable[[Decision], Snapshot | None]
    now: datetime
    on: date
    name_of: Callable[[str], str]

    @property
    def stands_on(self) -> set[str]:
        """Subtasks on which a choice was made that stands."""
        return {one.signal.task_gid for one in self.decided if one.state in STANDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAsk:
    """An ask to be made, with what its subtask says. `due_on` is ISO text, empty for none."""

    ask: Ask
    person_gid: str
    name: str
    notes: str
    due_on: str


@dataclass(slots=True, kw_only=True)
class Plan:
    """What is to be done about the asks of one bill. `closed` carry the reason for their people.

    `waits`: the task has to show the bill as it is first. `unknown` are people whose account nobody pinned, `left` those who
    deleted their subtask twice.
    """

    waits: bool = False
    new: list[NewAsk] = field(default_factory=list)
    closed: list[Ask] = field(default_factory=list)
    kept: list[Ask] = field(default_factory=list)
    """Asks that moved without a word to anybody: answered, or open again."""
    unknown: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """One person who is due, and whose place they would take."""

    email: str
    place_of: str
    step: str
    progress: Progress


def plan_asks(seen: Seen) -> Plan:
    """What to do about the bill's asks. Nothing while a decision about it is on its way: that comes first."""
    if any(one.state in ON_THE_WAY for one in seen.decided):
        return Plan()
    ended = _ended(seen)
    if not ended and (seen.shown is None or not shows(seen.shown, seen.bill)):
        return Plan(waits=True)
    progress = None if ended else _progress(seen)
    wanted = _wanted(seen, progress) if progress else []
    return _compared(seen, wanted, ended=ended, progress=progress)


def _ended(seen: Seen) -> str:
    """Why nobody has to be asked about the bill at all; empty where somebody may have to."""
    bill, policy = seen.bill, seen.policy
    is_draft_to_submit = bill.state is BillState.DRAFT and SUBMITTED.word in policy.steps_for(Verdict.APPROVE)
    not_ready = bill.state in NOT_READY and not is_draft_to_submit
    if bill.state in SETTLED_STATES or not_ready or bill.state not in policy.approval.states:
        return f"{capital(bill_name(bill))} is {bill.state} in Intacct."
    confirmed = [one for one in seen.decided if one.state is DecisionState.CONFIRMED]
    standing = [one for one in confirmed if is_as_shown(one, seen.shown_to(one), bill)]
    if standing:
        did = "approved" if standing[-1].signal.verdict is Verdict.APPROVE else "rejected"
        return f"{who(standing[-1])} {did} {bill_name(bill)}."
    stamp = read_stamp(bill, policy.stamp)
    is_ours = stamp is not None and any(is_stamp_of(stamp, one) for one in seen.decided)
    if stamp and stamp.verdict and not is_ours and content_of(stamp, bill) is not False:
        return f"{capital(bill_name(bill))} carries a decision in Intacct already."
    return ""


def _progress(seen: Seen) -> Progress | None:
    """What was given of the bill's steps; None where no rule fits it, and then nobody is due."""
    policy = seen.policy
    route = route_of(seen.bill, policy.approval, vendor_person=policy.vendor_person)
    granted = [one for one in seen.decided if one.state is DecisionState.GRANTED] if policy.approval.rules else []
    counted = [one for one in granted if is_as_shown(one, seen.shown_to(one), seen.bill)]
    return progress_of(route, [voice for one in counted if (voice := voice_of(one, policy))]) if route else None


def _wanted(seen: Seen, progress: Progress) -> list[Want]:
    if progress.is_complete:
        return []
    step = progress.route.steps[progress.place].step.name
    due = [one for one in progress.due(seen.on) if any(decides_on(entry, seen.on) for entry in seen.policy.entries(one[0]))]
    return [Want(email=email, place_of=place_of, step=step, progress=progress) for email, place_of in due]


def _compared(seen: Seen, wanted: Sequence[Want], *, ended: str, progress: Progress | None) -> Plan:
    plan, stands_on = Plan(), seen.stands_on
    live = [one for one in seen.asks if one.is_live]
    free = [one for one in live if one.subtask_gid not in stands_on]
    kept: set[str] = set()
    for want in wanted:
        same = [one for one in free if _is_for(one, want, seen)]
        if same:
            kept.add(same[0].ask_id)
            plan.kept += [replace(same[0], state=AskState.OPEN)] if same[0].state is not AskState.OPEN else []
        else:
            _ask(seen, want, plan)
    for ask in live:
        if ask.ask_id in kept:
            continue
        if ask.subtask_gid in stands_on:
            plan.kept += [replace(ask, state=AskState.ANSWERED)] if ask.state is not AskState.ANSWERED else []
        else:
            why = f"{ended or _why(ask, seen, progress)} {DONE_WITH}"
            plan.closed.append(replace(ask, state=AskState.CLOSED, closed_at=seen.now, why=why))
    return plan


def _is_for(ask: Ask, want: Want, seen: Seen) -> bool:
    digest = seen.shown.digest if seen.shown else ""
    return (ask.task_gid, ask.step, ask.email, ask.digest) == (seen.link.task_gid, want.step, want.email, digest)


def _why(ask: Ask, seen: Seen, progress: Progress | None) -> str:
    """Why this person is not asked any more, though the bill is open."""
    if ask.task_gid != seen.link.task_gid:
        return f"Another task stands for {bill_name(seen.bill)} now: {seen.link.task_url or seen.link.task_gid}."
    if seen.shown and ask.digest != seen.shown.digest:
        told = [change.whole for change in changes(seen.shown_at(ask), seen.bill)]
        return " ".join([f"{capital(bill_name(seen.bill))} was changed in Intacct.", *told])
    if progress:
        steps = zip(progress.route.steps, progress.given, strict=True)
        given = [one for at, places in steps if at.step.name == ask.step for one in places]
        if given:
            names = " and ".join(seen.name_of(one.voice.email) for one in given)
            return f"{names} approved {bill_name(seen.bill)} for this step."
    return "You are not among those who are due any more."


def _ask(seen: Seen, want: Want, plan: Plan) -> None:
    """Somebody who deleted theirs is asked once more and no further time."""
    earlier = [one for one in seen.asks if _is_for(one, want, seen)]
    if sum(one.state is AskState.GONE for one in earlier) > 1:
        plan.left.append(want.email)
        return
    person_gid = seen.policy.pinned(want.email)
    if not person_gid:
        plan.unknown.append(want.email)
        return
    assert seen.shown
    parts = (seen.policy.flow, seen.link.key, seen.link.task_gid, want.step, want.email, seen.shown.digest, str(len(earlier)))
    ask = Ask(
        ask_id=f"ask-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:20]}",
        key=seen.link.key,
        task_gid=seen.link.task_gid,
        step=want.step,
        email=want.email,
        digest=seen.shown.digest,
        opened_at=seen.now,
    )
    plan.new.append(
        NewAsk(ask=ask, person_gid=person_gid, name=_name(seen, want), notes=_notes(ask, seen, want), due_on=_due_on(seen))
    )


# What the subtask says


def _name(seen: Seen, want: Want) -> str:
    """`Approve bill 4711 of Contoso Ltd, 500.00 USD: manager`."""
    step = f": {want.step}" if seen.policy.approval.rules else ""
    return short(f"Approve {_what(seen.bill)}{step}", longest=LONGEST_NAME)


def _what(bill: Bill) -> str:
    vendor = one_line(bill.vendor_name) or bill.vendor_id
    return f"{bill_name(bill)} of {vendor}, {money(bill.total_entered, bill.base_currency or bill.currency)}"


def _notes(ask: Ask, seen: Seen, want: Want) -> str:
    name = seen.name_of(want.email)
    absent = f" for {seen.name_of(want.place_of)}" if want.place_of != want.email else ""
    route = want.progress.route
    by = f" Rule {route.rule.name}, {route.name_of(want.progress.place)}." if seen.policy.approval.rules else ""
    due = f", due {seen.bill.due_on}" if seen.bill.due_on else ""
    return "\n".join(
        [
            f"{name}{absent} is asked to decide on {_what(seen.bill)}{due}.{by}",
            f"The bill's task: {seen.link.task_url or seen.link.task_gid}",
            "Approve or reject right here. A rejection needs a comment that says why, on this subtask and before it.",
            reference(ask.ask_id),
        ]
    )


def _due_on(seen: Seen) -> str:
    signal = seen.policy.approval.signal
    days = signal.due_in_days if isinstance(signal, ApprovalSubtasksSignal) else None
    due = seen.bill.due_on if days is None else seen.on + timedelta(days=days)
    return due.isoformat() if due else ""
