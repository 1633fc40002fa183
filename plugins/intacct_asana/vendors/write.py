"""Carry a plan for vendors' fields out: one vendor at a time, one request each, and nothing believed that was not seen.

    plan -> SENT (row and control id written before the call) -> AGREED, WAITING or REFUSED

Whatever interrupts it, the next try reads the vendor before it writes. A write that was sent twice and proven absent twice
goes out under another control id, because Intacct would refuse the first one for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, UnexpectedReply
from intacct_asana.ports import TaskBoard, VendorBooks, VendorValues
from intacct_asana.records import Story, ValueState, Vendor, VendorValue
from intacct_asana.vendors.after import conclude
from intacct_asana.vendors.control import control_id_of
from intacct_asana.vendors.decide import Step
from intacct_asana.vendors.plan import Change, VendorAction, VendorPlan, change_of, facts_of, standing
from intacct_asana.vendors.result import Written
from intacct_asana.vendors.rules import VendorPolicy, VendorRule

APPROVED = "approved in Intacct"
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
    now: Callable[[], datetime],
    on_progress: Callable[[str], None] | None = None,
) -> Written:
    """Does everything in `plan` that can be done and says what failed, by vendor; raises nothing for a single failure.

    Applying a plan again is safe. A Misconfigured stops everything, because it would meet every vendor. `now` gives aware
    UTC instants.
    """
    writer = _Writer(policy=policy, books=books, board=board, values=values, now=now)
    for place, action in enumerate(plan.actions, 1):
        try:
            writer.act(action)
        except IntacctAsanaError as error:
            writer.result.failures[action.key] = error
            if isinstance(error, Misconfigured):
                writer.result.not_started = len(plan.actions) - place
                break
        if on_progress and place % 50 == 0:
            on_progress(f"{place} of {len(plan.actions)} vendors done")
    return writer.result


@dataclass(slots=True, kw_only=True)
class _Case:
    """One field that is about to be written."""

    rule: VendorRule
    change: Change
    row: VendorValue | None

    @property
    def actual(self) -> str:
        return self.change.actual or ""


@dataclass(slots=True, kw_only=True)
class _Writer:
    """One run."""

    policy: VendorPolicy
    books: VendorBooks
    board: TaskBoard
    values: VendorValues
    now: Callable[[], datetime]
    result: Written = field(default_factory=Written)

    def act(self, action: VendorAction) -> None:
        rules = {rule.key: rule for rule in self.policy.rules}
        rows = self.values.of([action.key]).get(action.key, {})
        due = [change for change in action.changes if change.field in rules and self._is_due(change, rows)]
        planned = [change for change in due if change.step == Step.WRITE]
        self._keep(action.key, [change for change in due if change not in planned], rows)
        if not planned:
            return
        # Time has passed since the plan was made, and an earlier try may have written: look first.
        vendor = self.books.vendor(action.vendor_id)
        judged = [self._judged(rules[change.field], change, vendor, rows.get(change.field)) for change in planned]
        self._keep(action.key, [change for change in judged if change.step != Step.WRITE], rows)
        cases = [
            _Case(rule=rules[change.field], change=change, row=rows.get(change.field))
            for change in judged
            if change.step == Step.WRITE
        ]
        if cases and vendor:
            self._write(action, vendor, cases)

    def _judged(self, rule: VendorRule, change: Change, vendor: Vendor | None, row: VendorValue | None) -> Change:
        """The same decision on the vendor as it is now."""
        facts = facts_of(rule, self.policy, wanted=change.wanted, vendor=vendor, row=row)
        return change_of(rule.key, facts)

    def _is_due(self, change: Change, rows: Mapping[str, VendorValue]) -> bool:
        """False when a later run moved the field on: what this plan wanted is old then."""
        row = rows.get(change.field)
        begun = change.step == Step.WRITE and row is not None and row.wanted == change.wanted
        due = begun or standing(row) == change.before
        self.result.stale += not due
        return due

    # Fields that are not written

    def _keep(self, key: str, changes: Sequence[Change], rows: Mapping[str, VendorValue]) -> None:
        kept = [
            _moved(rows.get(change.field), key, change, at=self.now()) for change in changes if Step(change.step) in STATE_OF
        ]
        proven = [row for row in kept if _is_ours(rows.get(row.field))]
        self.values.save([row for row in kept if row not in proven])
        self.values.save(proven, facts={"answer": "found when the vendor was read"})
        for row in kept:
            self.result.count(row)

    # Fields that are written

    def _write(self, action: VendorAction, vendor: Vendor, cases: Sequence[_Case]) -> None:
        """SENT is stored before the call; after it the vendor is read back, whatever was answered."""
        sent_before = all(case.row is not None and case.row.state is ValueState.SENT for case in cases)
        written = {case.rule.intacct_field: case.change.wanted for case in cases}
        turn = max(_turn(case.row) for case in cases)
        control_id = control_id_of(self.policy.flow, action.key, written, turn=turn)
        sent_before = sent_before and all(case.row and case.row.control_id == control_id for case in cases)
        sent = self._sent(action, cases, turn=turn, control_id=control_id)
        self.values.save(sent, facts={"vendor_record": vendor.record_no, "values": written})
        problem: Refused | OutcomeUnknown | None = None
        self.result.writes += 1
        try:
            self.books.update_vendor(vendor.record_no, values=written, control_id=control_id)
        except (Refused, OutcomeUnknown) as error:
            problem = error
        after = self.books.vendor(action.vendor_id)
        ends = [
            conclude(row, after, rule=case.rule, policy=self.policy, problem=problem, sent_before=sent_before, at=self.now())
            for row, case in zip(sent, cases, strict=True)
        ]
        answer = problem.message if problem else "success"
        self.values.save([row for row in ends if row.state is not ValueState.SENT], facts={"answer": answer})
        self._count(ends, cases)
        open_ends = [row for row in ends if row.state is ValueState.SENT]
        if open_ends:
            self._give_up(open_ends, problem, sent_before=sent_before)

    def _count(self, ends: Sequence[VendorValue], cases: Sequence[_Case]) -> None:
        for row, case in zip(ends, cases, strict=True):
            if row.state is not ValueState.SENT:
                self.result.count(row)
            if case.change.drift and row.state is not ValueState.REFUSED:
                over = f"Intacct said {case.actual!r}; {row.wanted!r} of Asana goes over it ({case.change.why})"
                self.result.drift.append(f"{row.key}, {case.rule.name}: {over}")

    def _give_up(self, rows: Sequence[VendorValue], problem: IntacctAsanaError | None, *, sent_before: bool) -> None:
        """The write is not there. Nothing more is sent in this try; the rows stay SENT for the next one."""
        names = ", ".join(row.field for row in rows)
        what = f"The write of {names} (control id {rows[0].control_id})"
        if problem is None:
            raise UnexpectedReply(
                f"{what} was answered with success, but the vendor read back does not show it. The next run reads it again "
                "before it writes. If this company approves vendor changes, say `edits_wait_for_approval` in the flow file."
            )
        if sent_before:
            # Sent twice and proven absent twice: Intacct may refuse this control id for ever, so the next try has another.
            again = [replace(row, turn=row.turn + 1) for row in rows]
            self.values.save(again, facts={"answer": problem.message, "next_turn": again[0].turn})
        raise OutcomeUnknown(f"{what} had no clear answer ({problem.message}) and is not on the vendor.", code=problem.code)

    def _sent(self, action: VendorAction, cases: Sequence[_Case], *, turn: int, control_id: str) -> list[VendorValue]:
        """Rows that are kept before the call, with who last changed the field in Asana, as far as a story proves it."""
        stories = self._stories(action.task_gid)
        seen = [(case, _last_change(case.rule, stories, bot_gid=self.policy.bot_gid)) for case in cases]
        return [
            VendorValue(
                key=action.key,
                field=case.rule.key,
                state=ValueState.SENT,
                agreed=case.change.agreed,
                wanted=case.change.wanted,
                at=self.now(),
                control_id=control_id,
                turn=turn,
                replaced=case.actual,
                changed_by=story.author_name if story else "",
                changed_at=story.created_at if story else None,
                story_gid=story.gid if story else "",
            )
            for case, story in seen
        ]

    def _stories(self, task_gid: str) -> Sequence[Story]:
        """The task's history. A task that is gone by now names nobody; the value was seen on it, and that counts."""
        try:
            return self.board.stories(task_gid)
        except Refused:
            return ()


def _turn(row: VendorValue | None) -> int:
    """The same turn while a write's outcome is unknown, so that Intacct itself refuses a repeat; else the next one."""
    if row is None:
        return 1
    return row.turn if row.state is ValueState.SENT else row.turn + 1


def _last_change(rule: VendorRule, stories: Sequence[Story], *, bot_gid: str) -> Story | None:
    own = [story for story in stories if story.field_gid == rule.field_gid and story.author_gid != bot_gid]
    return max(own, key=lambda story: story.created_at, default=None)


def _is_ours(row: VendorValue | None) -> bool:
    """Whether a write of ours is under way."""
    return row is not None and row.state in (ValueState.SENT, ValueState.WAITING)


def _moved(row: VendorValue | None, key: str, change: Change, *, at: datetime) -> VendorValue:
    """The field's row after a step that writes nothing. What both sides agreed on stays known until they agree again."""
    state = STATE_OF[Step(change.step)]
    was_waiting = row is not None and row.state is ValueState.WAITING
    agrees = state is ValueState.AGREED
    fresh = VendorValue(
        key=key,
        field=change.field,
        state=state,
        agreed=None,
        wanted="",
        at=at,
        turn=row.turn if row else 0,
        replaced=change.actual or "",
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
