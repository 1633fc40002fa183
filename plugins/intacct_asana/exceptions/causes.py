"""What holds now and needs a person: out of decisions, drift, bills that are owed, writes that fail, and concerns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from intacct_asana.approvals.choices import SUPERSEDED, WITHDRAWN
from intacct_asana.approvals.guards.concerns import OPEN_CONCERN
from intacct_asana.approvals.rules import FOUND, FOUND_AS, NOTHING_LEFT
from intacct_asana.approvals.words import who
from intacct_asana.records import Decision, DecisionState, Intent, Link, Snapshot
from intacct_asana.records.concerns import Concern
from intacct_asana.records.drift import Drift, Drifted
from intacct_asana.records.matters import CONCERN, PARKED, REFUSED, REJECTED, UNMAPPED, UNREAD, UNWRITTEN, Cause
from intacct_asana.text import one_line, short

NO_WORK = frozenset({WITHDRAWN, SUPERSEDED, FOUND, *FOUND_AS.values(), *NOTHING_LEFT})
"""Rules of refusals that leave nothing to do: somebody chose otherwise, or the bill is done."""
LONGEST_TITLE = 120

TITLES: dict[str, str] = {
    PARKED: "A decision waits",
    REFUSED: "A decision was refused",
    REJECTED: "Intacct refused a decision",
    UNMAPPED: "A value has no option in Asana",
    UNREAD: "A bill cannot be read",
    UNWRITTEN: "A task cannot be written",
    CONCERN: "To be cleared up",
    Drift.MISSING: "A bill has no task",
    Drift.STALE: "A task does not say what its bill says",
    Drift.EXTRA: "A task of somebody else carries a bill's key",
    Drift.DUPLICATE: "A bill has several tasks",
    Drift.ORPHANED: "A task has no bill any more",
    Drift.UNRECORDED: "Decided without a record",
    Drift.BYPASS: "Went past its approval",
}
ENDS: dict[str, str] = {
    PARKED: "What it waits for comes to pass, or it has waited long enough.",
    REFUSED: "Somebody decides anew, the bill changes, or nothing is left to decide about it.",
    REJECTED: "Somebody decides anew, the bill changes, or nothing is left to decide about it.",
    UNMAPPED: "The value gets an option in the flow file and in Asana, and the bill sync writes the bill.",
    UNREAD: "The value is corrected, and the bill sync reads the bill.",
    UNWRITTEN: "A run can write the task.",
    CONCERN: "Somebody releases the bill by a comment on the bill's own task, which says how, or what was found holds no more. "
    "Nothing that is written here releases it.",
    **dict.fromkeys(Drift, "The next audit of both sides does not find it any more."),
    Drift.BYPASS: "The payment is taken back; then the bill can be approved. One that is only Posted can be approved as it is. "
    "The next audit sees that.",
}
"""What the task says of its end, by kind."""
ENDS_OF_FRAUD = (
    "The vendor's record is put right in Intacct; that is called back anew. Nothing that is written here releases the bill."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the store holds, as far as it may need a person. `links` and `showing` are of the bills that decisions are about.

    `owed` are reasons by key, or by record number where the key is not known; `unplaced` those of them that lack an option.
    `called_back` are causes of concerns that have a call-back, which is one task with an owner for all of their bills.
    """

    decisions: Mapping[str, Sequence[Decision]] = field(default_factory=dict)
    links: Mapping[str, Link] = field(default_factory=dict)
    showing: Mapping[str, Snapshot] = field(default_factory=dict)
    drifted: Sequence[tuple[Drifted, datetime]] = ()
    owed: Mapping[str, str] = field(default_factory=dict)
    unplaced: frozenset[str] = frozenset()
    not_put_back: Mapping[str, str] = field(default_factory=dict)
    failing: Sequence[Intent] = ()
    concerns: Sequence[Concern] = ()
    called_back: frozenset[str] = frozenset()


def causes_of(held: Held, *, at: datetime) -> list[Cause]:
    """Each thing once. `at` stands for since when where nobody noted that."""
    found = [
        *(cause for decisions in held.decisions.values() for cause in _of_decisions(decisions, held)),
        *(_of_drift(one, since) for one, since in held.drifted),
        *_owed(held, at),
        *(_of_concern(one, held) for one in held.concerns if _holds_up(one, held) and one.cause not in held.called_back),
    ]
    return list({(one.kind, one.subject): one for one in found}.values())


def _of_decisions(decisions: Sequence[Decision], held: Held) -> Iterator[Cause]:
    is_told = any(one.key == decisions[0].key and _holds_up(one, held) for one in held.concerns)
    for decision in decisions:
        # What waits for a concern is one thing to see to, and that is the concern; once it is over the next run goes on.
        if decision.state is DecisionState.PARKED and not is_told and decision.rule != OPEN_CONCERN:
            yield _of_decision(PARKED, decision, held, subject=decision.decision_id, did="and that waits")
    last = decisions[-1] if decisions else None
    if last is None or any(one.state is DecisionState.CONFIRMED for one in decisions) or not _needs_work(last, held):
        return
    kind = REFUSED if last.state is DecisionState.REFUSED else REJECTED
    yield _of_decision(kind, last, held, subject=last.key, did="and that was not carried out")


def _needs_work(last: Decision, held: Held) -> bool:
    """Whether it was refused, and the bill is still what the person saw and still to be decided."""
    if last.state not in (DecisionState.REFUSED, DecisionState.REJECTED) or last.rule in NO_WORK:
        return False
    shown = held.showing.get(last.key)
    is_same = shown is None or not last.shown_digest or shown.digest == last.shown_digest
    return is_same and _has_open_task(last.key, held)


def _holds_up(concern: Concern, held: Held) -> bool:
    """Whether an approval would wait for it. It is found of every bill of the company, and decided on tasks only."""
    return concern.blocks and concern.is_open and _has_open_task(concern.key, held)


def _has_open_task(key: str, held: Held) -> bool:
    link = held.links.get(key)
    return link is not None and not (link.confirmed and link.confirmed.completed)


def _of_decision(kind: str, decision: Decision, held: Held, *, subject: str, did: str) -> Cause:
    verb = "approved" if decision.signal.verdict == "approve" else "rejected"
    name = _name(decision.key, held)
    why = " ".join(decision.outcome.split())
    return Cause(
        kind=kind,
        subject=subject,
        cause=f"{decision.decision_id} {decision.rule}",
        title=_title(kind, name),
        words=f"{who(decision)} {verb} {name}, {did}: {why}",
        since=decision.signal.decided_at,
        ends=ENDS[kind],
        about=decision.key,
        task_url=decision.task_url,
    )


def _of_drift(one: Drifted, since: datetime) -> Cause:
    return Cause(
        kind=str(one.drift),
        subject=one.finding_id,
        cause=one.cause,
        title=_title(one.drift, one.name or one.key),
        words=one.words,
        since=since,
        ends=ENDS[one.drift],
        about=one.key,
        task_url=one.task_url,
    )


def _owed(held: Held, at: datetime) -> Iterator[Cause]:
    """A bill that is owed for two reasons is one exception."""
    for key, why in held.owed.items():
        yield _of_key(UNMAPPED if key in held.unplaced else UNREAD, key, why, held, at)
    failing = {one.subject: str(one.answer.get("said") or "its answer was lost") for one in held.failing}
    for key, why in {**failing, **held.not_put_back}.items():
        if key not in held.owed:
            yield _of_key(UNWRITTEN, key, why, held, at)


def _of_key(kind: str, key: str, why: str, held: Held, at: datetime) -> Cause:
    words, url = " ".join(why.split()), held.links[key].task_url if key in held.links else ""
    title = _title(kind, _name(key, held))
    about = key if ":" in key else ""
    ends = ENDS[kind]
    return Cause(kind=kind, subject=key, cause=words, title=title, words=words, since=at, ends=ends, about=about, task_url=url)


def _of_concern(concern: Concern, held: Held) -> Cause:
    link = held.links.get(concern.key)
    return Cause(
        kind=CONCERN,
        subject=concern.concern_id,
        cause=concern.cause,
        title=_title(CONCERN, _name(concern.key, held)),
        words=" ".join(concern.words.split()),
        since=concern.found_at,
        ends=ENDS[CONCERN] if concern.release_word else ENDS_OF_FRAUD,
        about=concern.key,
        task_url=link.task_url if link else "",
    )


def _name(key: str, held: Held) -> str:
    """What the bill's task is called."""
    link = held.links.get(key)
    return one_line(link.confirmed.name) if link and link.confirmed else key


def _title(kind: str, name: str) -> str:
    return short(f"{TITLES[kind]}: {name}", longest=LONGEST_TITLE)
