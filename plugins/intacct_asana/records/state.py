"""What we hold ourselves: snapshots, links, decisions, cursors, vendors' values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple

from intacct_asana.records.asana import TaskDraft
from intacct_asana.records.documents import UNREAD
from intacct_asana.records.intacct import Bill
from intacct_asana.text import amount_text

SNAPSHOT_VERSION = 2
"""Grows with every change of what `snapshot_of` looks at. Snapshots of the first releases name none."""
_AMOUNTS = ("total_entered", "transaction_total_entered")
_UNVERSIONED = frozenset({"vendor_id", "bill_number", "currency", "base_currency", *_AMOUNTS, "due_on", "lines"})
"""What a snapshot without a version holds, with amounts as they came over the wire."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a person deciding about the bill is shown: vendor, amounts, currency, lines, due date, words, attachment and files.

    `digest` is SHA-256 hex.
    """

    digest: str
    body: Mapping[str, object]


def snapshot_of(bill: Bill) -> Snapshot:
    """The part of `bill` that a decision is about, with its SHA-256. Payments and states are left out: guards look at them.

    One content has one digest, however its amounts are written and in whatever order its lines are read.
    """
    body: dict[str, object] = {
        "version": SNAPSHOT_VERSION,
        "vendor_id": bill.vendor_id,
        "bill_number": bill.bill_number,
        "description": bill.description,
        "currency": bill.currency,
        # Where Intacct does not tell it, as it was written down ever since.
        "base_currency": bill.base_currency or bill.currency,
        "total_entered": amount_text(bill.total_entered),
        "transaction_total_entered": amount_text(bill.transaction_total_entered),
        "due_on": bill.due_on.isoformat() if bill.due_on else "",
        "document_id": bill.document_id,
        "document_digest": bill.document_digest,
        "lines": [
            [
                line.account_no,
                line.department_id,
                line.location_id,
                line.project_id,
                line.class_id,
                amount_text(line.transaction_amount),
            ]
            for line in sorted(bill.lines, key=lambda line: line.place)
        ],
    }
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Snapshot(digest=hashlib.sha256(text.encode()).hexdigest(), body=body)


def shows(snapshot: Snapshot, bill: Bill) -> bool:
    """Whether `bill` still is what `snapshot` holds; one of an older release answers for what it looked at, by value.

    Attached files are compared where both were looked at: a flow that brings none says nothing about them.
    """
    if set(snapshot.body) == _UNVERSIONED:
        now = snapshot_of(bill)
        return _canonical(snapshot.body) == {name: now.body[name] for name in _UNVERSIONED}
    held = str(snapshot.body.get("document_digest") or "")
    if not held or not bill.document_digest:
        bill = replace(bill, document_digest=held)
    return snapshot.digest == snapshot_of(bill).digest


def files_differ(snapshot: Snapshot, bill: Bill) -> bool:
    """Whether other files hang under the attachment that the snapshot names, or some that cannot be told from others."""
    held, now = str(snapshot.body.get("document_digest") or ""), bill.document_digest
    same_name = snapshot.body.get("document_id") == bill.document_id
    return same_name and bool(held and now) and (held != now or now == UNREAD)


def is_content(digest: str, bill: Bill) -> bool:
    """Whether a snapshot's digest, of which nothing else is kept, is of `bill` as it is; also one that leaves files out."""
    return digest in {snapshot_of(bill).digest, snapshot_of(replace(bill, document_digest="")).digest}


def _canonical(body: Mapping[str, Any]) -> dict[str, Any]:
    amounts = {name: amount_text(Decimal(body[name])) for name in _AMOUNTS}
    return {**body, **amounts, "lines": [[*line[:-1], amount_text(Decimal(line[-1]))] for line in body["lines"]]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Which task stands for which record, and what we last saw confirmed on it.

    `confirmed` is the draft as Asana acknowledged it (None until the first write was read back). `linked_at` is Asana's
    time of the write that made this task stand for the record: what anybody chose on it before says nothing about the record.
    """

    key: str
    task_gid: str
    record_no: str
    confirmed: TaskDraft | None = None
    task_url: str = ""
    linked_at: datetime | None = None


class LinkDigest(NamedTuple):
    """How a record's link stands, told shortly: `digest` is the confirmed draft's, `shown_digest` that of what its task shows.

    Either is empty where there is nothing to be told of.
    """

    key: str
    task_gid: str
    record_no: str
    digest: str = ""
    shown_digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How far a task's history is known, by Asana's time of the task's last change.

    Its stories were read when it was last changed at `read_at` and showed `value`; we wrote it ourselves at `wrote_at`.
    """

    read_at: datetime
    wrote_at: datetime | None = None
    value: str = ""


class Verdict(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"


class DecisionState(StrEnum):
    """The named states of a decision. Only the arrows of `NEXT_STATES` exist."""

    RECORDED = "RECORDED"
    PARKED = "PARKED"
    """All that speaks against it passes by itself: each run looks again, until it has waited as long as the flow says."""
    CLEARED = "CLEARED"
    GRANTED = "GRANTED"
    """It counts for a step, and others are missing: nothing is written to Intacct."""
    REFUSED = "REFUSED"
    SUBMITTED = "SUBMITTED"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    UNDOING = "UNDOING"
    """Intacct refused a later step of it, or it was taken back between two: what had been written is taken back first."""
    VOIDING = "VOIDING"
    """It stands no more, and the stamp in Intacct may still say that it does."""
    VOID = "VOID"


NEXT_STATES: Mapping[DecisionState, frozenset[DecisionState]] = MappingProxyType(
    {
        # To CONFIRMED at once: its own stamp was found on the bill, from before this store knew the decision.
        DecisionState.RECORDED: frozenset(
            {
                DecisionState.PARKED,
                DecisionState.CLEARED,
                DecisionState.GRANTED,
                DecisionState.REFUSED,
                DecisionState.CONFIRMED,
            }
        ),
        DecisionState.PARKED: frozenset(
            {DecisionState.CLEARED, DecisionState.GRANTED, DecisionState.REFUSED, DecisionState.CONFIRMED}
        ),
        # To GRANTED: another step's approval, with which it was the last one, does not count any more.
        DecisionState.CLEARED: frozenset(
            {DecisionState.PARKED, DecisionState.SUBMITTED, DecisionState.GRANTED, DecisionState.REFUSED}
        ),
        DecisionState.GRANTED: frozenset({DecisionState.VOID}),
        # To itself: its next step, or one sent again under another control id, after reading back proved twice that nothing
        # was there. To VOIDING: it landed on a bill that somebody changed in that very second, or between two steps.
        DecisionState.SUBMITTED: frozenset(
            {
                DecisionState.SUBMITTED,
                DecisionState.CONFIRMED,
                DecisionState.REJECTED,
                DecisionState.UNDOING,
                DecisionState.VOIDING,
            }
        ),
        DecisionState.REFUSED: frozenset(),
        # To itself: stamped again, because the stamp was taken off a bill that is still what was decided on.
        DecisionState.CONFIRMED: frozenset({DecisionState.CONFIRMED, DecisionState.VOIDING}),
        # To VOIDING: a stamp that was given up landed after all.
        DecisionState.REJECTED: frozenset({DecisionState.VOIDING}),
        # To themselves: one of several writes of theirs was taken back.
        DecisionState.UNDOING: frozenset({DecisionState.UNDOING, DecisionState.REJECTED}),
        DecisionState.VOIDING: frozenset({DecisionState.VOIDING, DecisionState.VOID}),
        DecisionState.VOID: frozenset({DecisionState.VOIDING}),
    }
)
ON_THE_WAY = frozenset(
    {
        DecisionState.RECORDED,
        DecisionState.PARKED,
        DecisionState.CLEARED,
        DecisionState.SUBMITTED,
        DecisionState.UNDOING,
        DecisionState.VOIDING,
    },
)
"""States in which a run has something to do about a decision. In all others people can be told how it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A decision as Asana's stories prove it: who chose what, when, on which task, in which story.

    `said` is how Asana had it: the option's name, the approval status, the comment's text (its first thousand characters).
    `replaced` is empty, or says that the person's word no longer stood when it was read: `superseded` by a later choice,
    `withdrawn` by setting the field back.
    """

    task_gid: str
    story_gid: str
    verdict: Verdict
    decider_gid: str | None
    decider_name: str
    decided_at: datetime
    source: str
    reason: str = ""
    replaced: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision on its way from Asana into Intacct.

    `decision_id` is made from flow, task and story, so reading the same story twice finds the same decision.
    `shown_digest` is the snapshot that the task showed when the person decided (empty if unknown).
    `outcome` is the plain sentence for people: why refused, what Intacct said, or what was recorded.
    `REJECTED` means that Intacct refused the write; a person's "no" is `verdict` REJECT and can well be `CONFIRMED`.
    `progress` is how far the bill's steps are since then, in words.
    `granted` is the step that it was given for while others were missing, and `good_until` how long that holds.
    `editor` is the login of whoever changed the bill last before we wrote on it, which Intacct itself no longer tells then.
    """

    decision_id: str
    key: str
    task_gid: str
    task_url: str
    record_no: str
    signal: Signal
    shown_digest: str
    state: DecisionState = DecisionState.RECORDED
    decider_email: str = ""
    control_id: str = ""
    rule: str = ""
    outcome: str = ""
    acknowledged: bool = False
    editor: str = ""
    progress: str = ""
    granted: str = ""
    good_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A position in a stream of changes: an Intacct watermark or an Asana sync token. `value` is opaque text."""

    name: str
    value: str


class ValueState(StrEnum):
    """Where a value stands on its way from Asana into Intacct."""

    AGREED = "AGREED"
    """Both sides say the same."""
    SENT = "SENT"
    """A write of it left, as the journal knows it; nothing is proven until the vendor is read back."""
    WAITING = "WAITING"
    """Intacct took it, and it waits for the vendor's approval over there."""
    REFUSED = "REFUSED"
    """Declined or refused in Intacct. It is not tried again until somebody changes the value in Asana."""
    HELD = "HELD"
    """Not written now, for the reason that it carries. Each run looks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorValue:
    """One field of one vendor. `field` is its name in Intacct, or its name in the flow where it is kept here only.

    `agreed` is the last value that both sides had, None when there was none yet; `wanted` is the value of Asana that `state`
    is about. `replaced` is what Intacct said before, `changed_by` and `changed_at` who set the value in Asana and when, as
    `story_gid` tells. `told` is False while people on the task have to hear of it.
    """

    key: str
    field: str
    state: ValueState
    agreed: str | None
    wanted: str
    at: datetime
    reason: str = ""
    replaced: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None
    story_gid: str = ""
    told: bool = True


class IntentState(StrEnum):
    """How far a write has come. What is SENT or UNKNOWN is looked for over there before it is sent again."""

    NOTED = "NOTED"
    """To be sent. Nothing that we know of left for it."""

    SENT = "SENT"
    """Its call is leaving, or left and nobody kept the answer."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    """It left, no clear answer came, and it was not seen over there when we last looked."""

    @property
    def is_open(self) -> bool:
        return self in (IntentState.NOTED, IntentState.SENT, IntentState.UNKNOWN)

    @property
    def is_in_doubt(self) -> bool:
        return self in (IntentState.SENT, IntentState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is to be written, and how far that has come.

    `intent_id` is made from what the write is, so that whoever wants the same thing finds the same row. `subject` is what
    it is about: a bill key, a task gid, a project gid. `body` is what goes out, as JSON can carry it. `since` is the other
    system's own clock when it was first noted: looking back begins there.

    `turn` counts the times that it was sent in all, `tries` those with this body under this control id. `answer` is what
    became of it: the gid that was made, the words of a refusal. `claimed_by` is sending it, until `claimed_until` at most.
    """

    intent_id: str
    kind: str
    subject: str
    body: Mapping[str, object]
    since: datetime | None = None
    state: IntentState = IntentState.NOTED
    control_id: str = ""
    turn: int = 0
    tries: int = 0
    noted_at: datetime | None = None
    answer: Mapping[str, object] = field(default_factory=dict)
    claimed_by: str = ""
    claimed_until: datetime | None = None
