"""Carry a plan for vendors' fields out: one vendor at a time, one request each, and nothing believed that was not seen.

Every write goes through the journal, which looks at the vendor before and after it. What was seen is judged by the one
decision table: a field whose verdict is no longer "write" needs no write, or no other one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count, groupby

from intacct_asana.errors import OutcomeUnknown, Refused
from intacct_asana.journal import TWICE, Kind, Outcome, carry_out
from intacct_asana.ports import Journal, TaskBoard, VendorBooks, VendorValues
from intacct_asana.records import Intent, IntentState, Story, ValueState, Vendor, VendorValue
from intacct_asana.sync.report import Progress, Report
from intacct_asana.text import short
from intacct_asana.vendors.decide import Step
from intacct_asana.vendors.plan import Change, VendorPlan, change_of, standing
from intacct_asana.vendors.rules import VendorPolicy, VendorRule

APPROVED = "approved in Intacct"
LONGEST_WORDS = 400
STATE_OF = {
    Step.AGREE: ValueState.AGREED,
    Step.WAIT: ValueState.WAITING,
    Step.REFUSE: ValueState.REFUSED,
    Step.HOLD: ValueState.HELD,
}


def write_vendors(
    plan: VendorPlan,
    *,
    policy: VendorPolicy,
    books: VendorBooks,
    board: TaskBoard,
    values: VendorValues,
    journal: Journal,
    owner: str,
    now: Callable[[], datetime],
    on_progress: Callable[[str], None] | None = None,
) -> Report:
    """Does everything in `plan` that can be done and says what failed, by vendor; raises nothing for a single failure.

    Applying a plan again is safe. A Misconfigured stops everything, because it would meet every vendor. `owner` is who
    writes, as the journal wants it; `now` gives aware UTC instants.
    """
    writer = _Writer(policy=policy, books=books, board=board, values=values, journal=journal, owner=owner, now=now)
    by_vendor = [(key, list(changes)) for key, changes in groupby(plan.actions, key=lambda change: change.key)]
    progress = Progress("vendors dealt with", total=len(by_vendor), now=now, say=on_progress or (lambda text: None))
    report, done = writer.report, count()

    def act(vendor: tuple[str, list[Change]]) -> None:
        progress.note(next(done))
        writer.act(*vendor)

    report.each(by_vendor, act, key=lambda vendor: vendor[0])
    return report


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The vendor at one look, and what is decided about each field."""

    vendor: Vendor | None
    changes: Sequence[Change]

    @property
    def to_write(self) -> list[Change]:
        return [change for change in self.changes if change.kind == Step.WRITE]


@dataclass(slots=True, kw_only=True)
class VendorWrite(Kind):
    """The fields of one vendor. Done when none of them is to be written any more: each is there, waits, or is held.

    `rows` are the fields' rows as they are kept, and move on with the journal's states.
    """

    name = "vendor fields"
    looks_first = True

    planned: Sequence[Change]
    rows: dict[str, VendorValue]
    policy: VendorPolicy
    books: VendorBooks
    board: TaskBoard
    seen: Seen | None = None
    stories: Sequence[Story] = ()
    taken: bool | None = None

    def send(self, intent: Intent) -> None:
        """Only what the last look showed to be lacking. A success proves nothing: the change may wait or be lost."""
        assert self.seen is not None, "it is looked at before it is sent"
        assert self.seen.vendor is not None, "nothing is written to what is gone"
        values = {self.rule(change).intacct_field: change.wanted for change in self.seen.to_write}
        try:
            self.books.update_vendor(self.seen.vendor.record_no, values=values, control_id=intent.control_id)
        except OutcomeUnknown:
            # So Intacct answers a control id that it knows: where edits wait unseen, the first one is in the queue.
            self.taken = True if self.policy.edits_wait and intent.tries >= TWICE else None
            raise
        except Refused:
            self.taken = False
            raise
        self.taken = True

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Seen]:
        return {intent.intent_id: self.look() for intent in intents}

    def same(self, intent: Intent, found: Seen) -> bool:
        return not found.to_write

    def next_control_id(self, intent: Intent) -> str:
        """31 characters. The same write has the same, so that Intacct itself refuses a repeat.

        The turn makes a value that comes back after another one a new write and not a repeat.
        """
        text = json.dumps([self.policy.flow, intent.subject, intent.body, intent.turn], sort_keys=True)
        return f"ia-vendor-{hashlib.sha256(text.encode()).hexdigest()[:20]}"

    def look(self) -> Seen:
        """The vendor as it is now: time has passed since the plan was made, and an earlier try may have written."""
        vendor = self.books.vendor(self.planned[0].vendor_id)
        self.seen = Seen(vendor=vendor, changes=[self._judged(change, vendor) for change in self.planned])
        if self.seen.to_write and not self.stories:
            self.stories = self._history()
        return self.seen

    def rule(self, change: Change) -> VendorRule:
        return next(rule for rule in self.policy.rules if rule.key == change.field)

    def _judged(self, change: Change, vendor: Vendor | None) -> Change:
        return change_of(
            self.rule(change),
            self.policy,
            key=change.key,
            task_gid=change.task_gid,
            wanted=change.wanted,
            vendor=vendor,
            row=self.rows.get(change.field),
            taken=self.taken,
        )

    def _history(self) -> Sequence[Story]:
        """Who set the fields. A task that is gone by now names nobody; the value was seen on it, and that counts."""
        try:
            return self.board.stories(self.planned[0].task_gid)
        except Refused:
            return ()


@dataclass(slots=True, kw_only=True)
class _Writer:
    """One run."""

    policy: VendorPolicy
    books: VendorBooks
    board: TaskBoard
    values: VendorValues
    journal: Journal
    owner: str
    now: Callable[[], datetime]
    report: Report = field(default_factory=lambda: Report(noun="vendors"))

    def act(self, key: str, changes: Sequence[Change]) -> None:
        fields = {rule.key for rule in self.policy.rules}
        rows = dict(self.values.of([key]).get(key, {}))
        due = [change for change in changes if change.field in fields and self._is_due(change, rows)]
        sent = [change for change in due if change.kind == Step.WRITE or _is_sent(rows.get(change.field))]
        self._count(self._keep([change for change in due if change not in sent], rows))
        if sent:
            self._write(key, sent, rows)

    def _is_due(self, change: Change, rows: Mapping[str, VendorValue]) -> bool:
        """False when a later run moved the field on: what this plan wanted is old then."""
        row = rows.get(change.field)
        begun = change.kind == Step.WRITE and row is not None and row.wanted == change.wanted
        due = begun or standing(row) == change.before
        self.report.already_done += not due
        return due

    def _write(self, key: str, changes: Sequence[Change], rows: dict[str, VendorValue]) -> None:
        """One intent a vendor, so that what is wanted now takes the place of an earlier wish, and ends its doubt."""
        kind = VendorWrite(planned=changes, rows=rows, policy=self.policy, books=self.books, board=self.board)
        wanted = {change.field: change.wanted for change in changes}
        intent = Intent(intent_id=f"vendor:{key}", kind=kind.name, subject=key, body=wanted)
        kept: list[VendorValue] = []
        drift: list[Change] = []

        def keep(outcome: Outcome) -> None:
            if outcome.intent.state is IntentState.SENT:
                drift[:] = [change for change in kind.seen.to_write if change.drift] if kind.seen else []
                self._keep_sent(kind, outcome.intent)
            elif outcome.found:
                kept[:] = self._keep(list(_ends(outcome)), rows, answer=_answer(kind, outcome))

        steps = carry_out([intent], kinds=[kind], journal=self.journal, keep=keep, owner=self.owner, now=self.now, workers=1)
        with closing(steps) as outcomes:
            for outcome in outcomes:
                if outcome.error and outcome.intent.state is not IntentState.REFUSED:
                    raise outcome.error
                self._count(kept)
                if outcome.is_done:
                    self._say_drift(kind, drift)

    def _keep_sent(self, kind: VendorWrite, intent: Intent) -> None:
        """Before the call, with who last changed each field in Asana, as far as a story proves it."""
        assert kind.seen is not None, "it is looked at before it is sent"
        assert kind.seen.vendor is not None, "nothing is written to what is gone"
        self.report.writes += 1
        sent = [self._sent(kind, change) for change in kind.seen.to_write]
        written = {kind.rule(change).intacct_field: change.wanted for change in kind.seen.to_write}
        facts = {"vendor_record": kind.seen.vendor.record_no, "values": written, "control_id": intent.control_id}
        self.values.save(sent, facts=facts)
        kind.rows |= {row.field: row for row in sent}

    def _sent(self, kind: VendorWrite, change: Change) -> VendorValue:
        story = _last_change(kind.rule(change), kind.stories, bot_gid=self.policy.bot_gid)
        return VendorValue(
            key=change.key,
            field=change.field,
            state=ValueState.SENT,
            agreed=change.agreed,
            wanted=change.wanted,
            at=self.now(),
            replaced=change.actual or "",
            changed_by=story.author_name if story else "",
            changed_at=story.created_at if story else None,
            story_gid=story.gid if story else "",
        )

    def _keep(
        self, changes: Sequence[Change], rows: Mapping[str, VendorValue], *, answer: str = "found when the vendor was read"
    ) -> list[VendorValue]:
        """The rows that follow; what ends a write of ours leaves evidence."""
        moved = [_moved(rows.get(change.field), change, at=self.now()) for change in changes if Step(change.kind) in STATE_OF]
        proven = [row for row in moved if _is_ours(rows.get(row.field))]
        self.values.save([row for row in moved if row not in proven])
        self.values.save(proven, facts={"answer": answer})
        return moved

    def _count(self, rows: Sequence[VendorValue]) -> None:
        for row in rows:
            self.report.count(str(row.state))
            if row.reason:
                self.report.say(str(row.state).lower(), f"{row.key}, {row.field}: {row.reason}")

    def _say_drift(self, kind: VendorWrite, changes: Sequence[Change]) -> None:
        for change in changes:
            over = f"Intacct said {change.actual or ''!r}; {change.wanted!r} of Asana goes over it ({change.why})"
            self.report.say("drift", f"{change.key}, {kind.rule(change).name}: {over}")


def _ends(outcome: Outcome) -> Iterator[Change]:
    """What became of each field. Where Intacct said no, that is the end of what it did not take."""
    for change in outcome.found.changes:
        if change.kind == Step.WRITE and outcome.intent.state is IntentState.REFUSED and outcome.error:
            words = short(outcome.error.message, longest=LONGEST_WORDS)
            yield replace(change, kind=str(Step.REFUSE), why=f"Intacct did not take it: {words}")
        else:
            yield change


def _answer(kind: VendorWrite, outcome: Outcome) -> str:
    if outcome.error:
        return outcome.error.message
    return "success" if kind.taken else "found when the vendor was read"


def _last_change(rule: VendorRule, stories: Sequence[Story], *, bot_gid: str) -> Story | None:
    own = [story for story in stories if story.field_gid == rule.field_gid and story.author_gid != bot_gid]
    return max(own, key=lambda story: story.created_at, default=None)


def _is_sent(row: VendorValue | None) -> bool:
    """Whether a write left of which nothing is known yet."""
    return row is not None and row.state is ValueState.SENT


def _is_ours(row: VendorValue | None) -> bool:
    """Whether a write of ours is under way."""
    return row is not None and row.state in (ValueState.SENT, ValueState.WAITING)


def _moved(row: VendorValue | None, change: Change, *, at: datetime) -> VendorValue:
    """The field's row after a step. What both sides agreed on stays known until they agree again."""
    state = STATE_OF[Step(change.kind)]
    was_waiting = row is not None and row.state is ValueState.WAITING
    agrees = state is ValueState.AGREED
    fresh = VendorValue(
        key=change.key, field=change.field, state=state, agreed=None, wanted="", at=at, replaced=change.actual or ""
    )
    return replace(
        row if row and _is_ours(row) else fresh,
        state=state,
        agreed=change.wanted if agrees else change.agreed,
        wanted=change.wanted,
        at=at,
        reason=change.why if not agrees else APPROVED if was_waiting else "",
        told=agrees and not was_waiting,
    )
