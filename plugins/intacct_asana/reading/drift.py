"""Where bills, tasks and decisions do not fit together: the classes of drift, each by a function that names what it found.

Pure. What the next run of the bill sync or of the approvals sees to by itself is on its way and no drift. Whoever calls it
reads what was found a second time, so that nothing counts that moved while it was read.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from intacct_asana.approvals import Policy, Stands, standing_of
from intacct_asana.approvals.routing import route_of
from intacct_asana.approvals.rules import FOUND_AS
from intacct_asana.approvals.standing import BY_VERDICT
from intacct_asana.approvals.words import bill_name, capital, content_of, is_stamp_of, money, read_stamp
from intacct_asana.audit.pack import amount_cell
from intacct_asana.reading.both_sides import Sides
from intacct_asana.records import (
    ON_THE_WAY,
    SETTLED_STATES,
    Bill,
    BillState,
    Decision,
    DecisionState,
    Link,
    Mark,
    Snapshot,
    Task,
    Verdict,
)
from intacct_asana.records.drift import Drift, Drifted
from intacct_asana.sync.difference import FIELD, parts_edited, parts_moved
from intacct_asana.sync.plan import age, is_own
from intacct_asana.task.project import NoPlace, project_bill
from intacct_asana.text import one_line

MONEY_MOVES = frozenset({BillState.SELECTED, BillState.PARTIALLY_PAID, BillState.PAID})
"""States in which somebody went on with a bill as if it were approved. Posted is one where the flow says so."""
PARTS = {"name": "its name", "notes": "its description", "due_on": "its due date", "completed": "whether it is done"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the store holds about bills and tasks, and what is on its way.

    `comes` says that the next bill sync reads a bill again, and `made_since` that the bill was made after the flow had begun to
    decide. `began_at` is when that was, None before it. `busy` are keys of bills that a write is noted for or that are owed.
    """

    links: Mapping[str, Link]
    decisions: Mapping[str, Sequence[Decision]]
    shown: Callable[[Decision], Snapshot | None]
    marks: Mapping[str, Mark]
    busy: frozenset[str]
    to_show: frozenset[str]
    comes: Callable[[Bill], bool]
    made_since: Callable[[Bill], bool]
    began_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Comparison:
    """Bills by key against the tasks of the project. `elsewhere` are bills that tasks name and the flow does not read."""

    sides: Sides
    policy: Policy
    kept: Kept
    posted_counts: bool
    bills: Mapping[str, Bill]
    tasks: Sequence[Task]
    elsewhere: Mapping[str, Bill] = field(default_factory=dict)
    left_alone: frozenset[str] = frozenset()
    """Keys of bills and gids of tasks that could not be read: nothing follows from what is not known of them."""
    waiting: set[str] = field(default_factory=set)
    """Keys of bills that differ, and that the next run sees to."""
    _by_key: dict[str, list[Task]] = field(default_factory=dict)
    _by_gid: dict[str, Task] = field(default_factory=dict)

    def __post_init__(self) -> None:
        owners = {link.task_gid: key for key, link in self.kept.links.items()}
        self._by_gid = {task.gid: task for task in self.tasks}
        by_key: dict[str, list[Task]] = defaultdict(list)
        for task in self.tasks:
            key = owners.get(task.gid) or self.sides.shown(task, self.sides.flow.bills.key_field)
            if isinstance(key, str) and key:
                by_key[key].append(task)
        self._by_key = {key: sorted(tasks, key=age) for key, tasks in by_key.items()}

    def strays(self) -> list[str]:
        """Keys of open tasks of ours whose bills were not read: they are to be asked for one by one."""
        tasks = ((key, task) for key, found in self._by_key.items() if key not in self.bills for task in found)
        return sorted({key for key, task in tasks if not task.completed and self._is_ours(key, task)})

    def drifted(self) -> list[Drifted]:
        found = [one for key in sorted(self.bills) for one in self._of_bill(self.bills[key], self._by_key.get(key, []))]
        found += [one for key in sorted(self._by_key.keys() - self.bills.keys()) for one in self._of_stray(key)]
        return [one for one in found if one.key not in self.left_alone]

    # One bill.

    def _of_bill(self, bill: Bill, tasks: Sequence[Task]) -> Iterator[Drifted]:
        link = self.kept.links.get(bill.bill_key)
        own = [task for task in tasks if self._is_ours(bill.bill_key, task)]
        stands = self._by_gid.get(link.task_gid) if link else None
        is_wanted = bill.state in self.sides.flow.bills.states
        if is_wanted and stands is None:
            yield from self._missing(bill, link, own)
        if stands is not None and link is not None:
            yield from self._stale(bill, link, stands)
        yield from self._duplicates(bill, own, kept=stands or next(iter(own), None))
        for task in tasks:
            if not self._is_ours(bill.bill_key, task):
                yield self._extra(bill.bill_key, task, bill)
        yield from self._unrecorded_task(bill, link, stands)
        yield from self._unrecorded_stamp(bill)
        yield from self._bypass(bill, stands)

    def _missing(self, bill: Bill, link: Link | None, own: Sequence[Task]) -> Iterator[Drifted]:
        if bill.bill_key in self.kept.busy or (link is None and self.kept.comes(bill)):
            self.waiting.add(bill.bill_key)
            return
        why = f"its task {link.task_gid} is not in the project" if link else "it has no task"
        why = f"task {own[0].gid} carries its key, and nothing here says that it stands for it" if own and not link else why
        words = f"{capital(bill_name(bill))} is {bill.state}, and {why}."
        # A linked task that turns out to be gone when it is written is made anew.
        found = self._named(Drift.MISSING, bill, cause=why, words=words, parts=("name",) if link else ())
        yield found if link else replace(found, record_no=bill.record_no)

    def _stale(self, bill: Bill, link: Link, task: Task) -> Iterator[Drifted]:
        """What people changed on the task no incremental run looks for; what Intacct changed, the next run may still bring."""
        confirmed = link.confirmed
        if confirmed is None or (confirmed.completed and bill.state not in self.sides.flow.bills.states):
            return
        try:
            desired = project_bill(bill, self.sides.flow, self.sides.pins)
        except NoPlace:
            return
        moved = {part for part in parts_moved(desired, confirmed) if part in PARTS or part.startswith(FIELD)}
        differs = [part for part in parts_edited(desired, task, confirmed=confirmed) if part in PARTS or part.startswith(FIELD)]
        if self._is_seen_to(bill):
            self.waiting |= {bill.bill_key} if moved & {*differs} else set()
            differs = [part for part in differs if part not in moved]
        if not differs or bill.bill_key in self.kept.busy:
            return
        names = {FIELD + pin.gid: f"field {name}" for name, pin in self.sides.pins.fields.items()}
        told = ", ".join(PARTS.get(part) or names.get(part, part) for part in differs)
        edited = [part for part in differs if part not in moved]
        who = "somebody changed it in Asana" if len(edited) == len(differs) else "a change in Intacct did not reach it"
        words = f"The task of {bill_name(bill)} does not show {told} as Intacct has it: {who}."
        yield self._named(Drift.STALE, bill, task=task, cause=f"{who}: {told}", words=words, parts=tuple(differs))

    def _duplicates(self, bill: Bill, own: Sequence[Task], *, kept: Task | None) -> Iterator[Drifted]:
        copies = tuple(task.gid for task in own if kept and task.gid != kept.gid)
        if kept and copies:
            others = ", ".join(copies)
            words = f"{capital(bill_name(bill))} has task {kept.gid} and also {others}. Delete what is a copy."
            yield replace(self._named(Drift.DUPLICATE, bill, task=kept, cause=others, words=words), others=copies)

    def _extra(self, key: str, task: Task, bill: Bill | None) -> Drifted:
        maker = f"user {task.created_by_gid}" if task.created_by_gid else "somebody whom Asana does not name"
        of = bill_name(bill) if bill else key
        words = f"Task {task.gid} carries the key of {of} and was made by {maker}: what is chosen on it counts for nothing."
        return Drifted(
            drift=Drift.EXTRA,
            key=key,
            cause=task.gid,
            words=words,
            name=task.name,
            task_gid=task.gid,
            task_url=task.permalink_url,
        )

    def _of_stray(self, key: str) -> Iterator[Drifted]:
        """Tasks whose bill the flow does not read: because it is gone, or lies outside of what the flow is for."""
        is_there = key in self.elsewhere
        for task in self._by_key[key]:
            if not self._is_ours(key, task):
                yield self._extra(key, task, self.elsewhere.get(key))
            elif not task.completed and not is_there and key not in self.kept.busy:
                words = f"Task {task.gid} is open, and Intacct has no bill {key} any more."
                yield _on_a_task(Drift.ORPHANED, key, task, words=words)

    # Decisions.

    def _unrecorded_task(self, bill: Bill, link: Link | None, task: Task | None) -> Iterator[Drifted]:
        says = self.sides.approval_on(task) if task else ""
        verdict = self.sides.meaning(says)
        if task is None or verdict is None or self._is_closed(link) or self._is_open_question(bill.bill_key, task):
            return
        if self._stands(bill) is not BY_VERDICT[verdict]:
            words = f"The task of {bill_name(bill)} says {says}, and no decision that stands is behind it."
            yield self._named(Drift.UNRECORDED, bill, task=task, cause=f"task says {says}", words=words)

    def _unrecorded_stamp(self, bill: Bill) -> Iterator[Drifted]:
        """A stamp from before this store began is a fact that nobody here can prove or doubt."""
        if self._forged(bill):
            stamp = read_stamp(bill, self.policy.stamp)
            assert stamp is not None
            told = f"{stamp.says or 'a decision'} under {one_line(stamp.decision_id) or 'no id'}"
            words = f"{capital(bill_name(bill))} carries the stamp {told}, and no decision here is behind it."
            yield self._named(Drift.UNRECORDED, bill, cause=f"stamp says {told}", words=words)

    def _forged(self, bill: Bill) -> bool:
        stamp = read_stamp(bill, self.policy.stamp)
        known = self.kept.decisions.get(bill.bill_key, ())
        if stamp is None or stamp.verdict is None or self.kept.began_at is None:
            return False
        if any(is_stamp_of(stamp, one) or one.rule in FOUND_AS.values() for one in known):
            return False
        at = self._stamped_at(bill)
        return self.kept.made_since(bill) or (at is not None and at > self.kept.began_at)

    def _stamped_at(self, bill: Bill) -> datetime | None:
        names = self.policy.stamp
        try:
            at = datetime.fromisoformat(bill.custom.get(names.decided_at, "") if names else "")
        except ValueError:
            return None
        return at if at.tzinfo else None

    def _bypass(self, bill: Bill, task: Task | None) -> Iterator[Drifted]:
        """Absent is no yes, and no alarm either: what nobody can tell of a bill leaves it alone."""
        counts = MONEY_MOVES | ({BillState.POSTED} if self.posted_counts else set())
        if bill.state not in counts or bill.total_entered <= 0 or not self.kept.made_since(bill):
            return
        if route_of(bill, self.policy.approval, vendor_person=self.policy.vendor_person) is None or self._is_approved(bill):
            return
        on_the_way = {one.state for one in self.kept.decisions.get(bill.bill_key, ()) if one.state in ON_THE_WAY}
        if on_the_way - {DecisionState.PARKED} or (task is not None and self._has_unread_approval(task)):
            self.waiting.add(bill.bill_key)
            return
        amount = money(bill.total_entered, self.sides.currency_of(bill))
        waits = "; an approval of it waits" if on_the_way else ""
        words = (
            f"{capital(bill_name(bill))} of {one_line(bill.vendor_name)} over {amount} is {bill.state}, and nobody approved it"
        )
        yield self._named(Drift.BYPASS, bill, task=task, cause=str(bill.state), words=f"{words} as it is{waits}.")

    def _is_approved(self, bill: Bill) -> bool:
        stamp = read_stamp(bill, self.policy.stamp)
        is_found = stamp is not None and stamp.verdict is Verdict.APPROVE and content_of(stamp, bill) is not False
        return (is_found and not self._forged(bill)) or self._stands(bill) is Stands.APPROVED

    def _stands(self, bill: Bill) -> Stands:
        known = self.kept.decisions.get(bill.bill_key, ())
        shown = {} if bill.state in SETTLED_STATES else {one.decision_id: self.kept.shown(one) for one in known}
        return standing_of(known, bill, None, self.policy, shown=shown).state

    # What is on its way, and what is whose.

    def _is_open_question(self, key: str, task: Task) -> bool:
        """Whether somebody may have chosen what no run has read, settled or told yet."""
        known = self.kept.decisions.get(key, ())
        untold = any(one.state in ON_THE_WAY or not one.acknowledged for one in known)
        return key in self.kept.to_show or untold or self._is_unread(task)

    def _has_unread_approval(self, task: Task) -> bool:
        says = self.sides.approval_on(task)
        return self._is_unread(task) and (not says or self.sides.meaning(says) is Verdict.APPROVE)

    def _is_unread(self, task: Task) -> bool:
        mark = self.kept.marks.get(task.gid)
        until = max((at for at in (mark.read_at, mark.wrote_at) if at), default=None) if mark else None
        return until is None or (task.modified_at is not None and task.modified_at > until)

    def _is_seen_to(self, bill: Bill) -> bool:
        return bill.bill_key in self.kept.busy or self.kept.comes(bill)

    def _is_ours(self, key: str, task: Task) -> bool:
        link = self.kept.links.get(key)
        return is_own(task, self.policy.bot_gid) or (link is not None and link.task_gid == task.gid)

    @staticmethod
    def _is_closed(link: Link | None) -> bool:
        return bool(link and link.confirmed and link.confirmed.completed)

    def _named(
        self, drift: Drift, bill: Bill, *, cause: str, words: str, task: Task | None = None, parts: tuple[str, ...] = ()
    ) -> Drifted:
        link = self.kept.links.get(bill.bill_key)
        return Drifted(
            drift=drift,
            key=bill.bill_key,
            cause=cause,
            words=words,
            name=capital(bill_name(bill)),
            task_gid=task.gid if task else (link.task_gid if link else ""),
            task_url=task.permalink_url if task else (link.task_url if link else ""),
            entity=bill.entity_id,
            currency=self.sides.currency_of(bill),
            amount=bill.total_entered,
            parts=parts,
        )

    # Control totals.

    def totals(self) -> list[dict[str, object]]:
        """Open bills and the tasks that stand for them, counted and added up for each entity and currency.

        An amount that a task does not show is counted, and adds nothing.
        """
        scope, sums = self.sides.flow.bills, defaultdict[tuple[str, str], list[Decimal]](lambda: [Decimal(0)] * 4)
        for key, bill in self.bills.items():
            if bill.state not in scope.states or key in self.left_alone:
                continue
            link = self.kept.links.get(key)
            task = self._by_gid.get(link.task_gid) if link else None
            shown = self.sides.amount_on(task) if task and not task.completed else None
            here = sums[bill.entity_id, self.sides.currency_of(bill)]
            is_there = task is not None and not task.completed
            for place, more in enumerate((Decimal(1), bill.total_entered, Decimal(is_there), shown or Decimal(0))):
                here[place] += more
        return [
            {
                "entity": entity,
                "currency": currency,
                "bills": int(bills),
                "in_intacct": amount_cell(amount),
                "tasks": int(tasks),
                "in_asana": amount_cell(shown),
                "difference": amount_cell(amount - shown),
            }
            for (entity, currency), (bills, amount, tasks, shown) in sorted(sums.items())
        ]


def _on_a_task(drift: Drift, key: str, task: Task, *, words: str) -> Drifted:
    url = task.permalink_url
    return Drifted(drift=drift, key=key, cause=task.gid, words=words, name=task.name, task_gid=task.gid, task_url=url)


def counts_of(found: Iterable[Drifted]) -> dict[str, int]:
    listed = [one.drift for one in found]
    return {str(drift): listed.count(drift) for drift in Drift if drift in listed}
