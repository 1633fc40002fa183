"""The plan: what happens to each record's task, decided by comparing three states before anything is written.

`desired` is what Intacct says now, `confirmed` what Asana last acknowledged, `actual` what the task says now (known only
where the board was listed). A plan is a value: it can be printed, stored, refused and applied.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, ClassVar

from intacct_asana.codec import by_kind, draft_digest
from intacct_asana.records import Link, LinkDigest, Snapshot, Task, TaskDraft
from intacct_asana.records.remarks import GONE, reference, takes_back
from intacct_asana.sync.difference import (
    APPROVAL,
    REMARK,
    has_news,
    in_order,
    parts_doubted,
    parts_edited,
    parts_moved,
    parts_to_adopt,
)
from intacct_asana.sync.plan_value import PlanValue

WRITING_KINDS = ("create", "adopt", "update", "close", "reopen")
ALL_KINDS = (*WRITING_KINDS, "leave")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What Intacct says about one record: the task it should have, and whether it should have an open one at all.

    `amount` is in the base currency `currency` and counts towards its money limit. `snapshot` is what a decider will be shown.
    `why` says more than "out of scope" about a record that is not.
    """

    draft: TaskDraft
    record_no: str
    amount: Decimal
    in_scope: bool
    currency: str = ""
    snapshot: Snapshot | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Nothing to do. Never touches Asana or the store."""

    kind: ClassVar[str] = "leave"
    key: str
    record_no: str
    amount: Decimal
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """A new task. `replaces` is the task that stood for the record and was not found: it is asked for first, by gid."""

    kind: ClassVar[str] = "create"
    key: str
    record_no: str
    amount: Decimal
    reason: str
    desired: TaskDraft
    snapshot: Snapshot | None = None
    replaces: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """A task that already carries the key is taken for the record's own. `changed` brings it to `desired`; may be empty.

    `replaces` is the task that the link named before, when there was one.
    """

    kind: ClassVar[str] = "adopt"
    key: str
    record_no: str
    amount: Decimal
    reason: str
    desired: TaskDraft
    actual: Task
    changed: tuple[str, ...]
    snapshot: Snapshot | None = None
    replaces: str = ""
    currency: str = ""

    @property
    def task_gid(self) -> str:
        return self.actual.gid


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """The parts of the linked task named by `changed` are written.

    `changed` holds attribute names of TaskDraft, and custom fields as `field:<gid>`. It is empty when only our own note of
    the record moves (its record number, or what its task stands for), and then nothing is written to Asana.
    `confirmed` is what the task was last seen to say when the plan was made.
    """

    kind: ClassVar[str] = "update"
    key: str
    record_no: str
    amount: Decimal
    reason: str
    task_gid: str
    desired: TaskDraft
    confirmed: TaskDraft | None
    changed: tuple[str, ...]
    snapshot: Snapshot | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Update):
    """An Update that completes the task."""

    kind: ClassVar[str] = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopen(Update):
    """An Update that opens a completed task again."""

    kind: ClassVar[str] = "reopen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retire:
    """A task that stands for no record is told so in a comment, once. With `completes` it is ours: it is done then, and one of
    several of a bill (`clears_key`) loses the key. What people made is told and left.
    """

    kind: ClassVar[str] = "retire"
    key: str
    amount: Decimal = Decimal(0)
    currency: str = ""
    reason: str
    task_gid: str
    name: str
    text: str
    completes: bool
    clears_key: bool = False


Writing = Create | Adopt | Update
Action = Writing | Leave | Retire


SAME, ALREADY_CLOSED = "same as confirmed", "out of scope, task already closed"
NOT_READ = "a full read of Intacct did not bring it, so it was deleted or left what this flow reads"

Shown = Callable[[str], Snapshot | None]


@dataclass(frozen=True, kw_only=True)
class Plan(PlanValue[Action]):
    """One action a record."""

    kinds = ALL_KINDS
    actions: tuple[Annotated[Action, *by_kind(Leave, Create, Adopt, Update, Close, Reopen, Retire)], ...]

    @property
    def writing(self) -> tuple[Writing, ...]:
        """What is written on tasks of records."""
        return tuple(action for action in self.actions if isinstance(action, Create | Adopt | Update))

    @property
    def retiring(self) -> tuple[Retire, ...]:
        return tuple(action for action in self.actions if isinstance(action, Retire))

    def counts(self) -> dict[str, int]:
        """Every kind is there; tasks that stand for nothing only where there are some."""
        return super().counts() | ({Retire.kind: len(self.retiring)} if self.retiring else {})

    def money(self) -> dict[str, Decimal]:
        """Absolute base currency amounts of the records, summed by kind; kinds without an action are absent."""
        sums: dict[str, Decimal] = {}
        for action in self.actions:
            sums[action.kind] = sums.get(action.kind, Decimal(0)) + abs(action.amount)
        return sums

    def at_stake(self) -> dict[str, Decimal]:
        """The same of the records that would be written, by base currency: amounts of two cannot be added."""
        sums: dict[str, Decimal] = {}
        for action in self.writing:
            sums[action.currency] = sums.get(action.currency, Decimal(0)) + abs(action.amount)
        return sums

    def pages(self) -> Iterator[Plan]:
        """Itself, as `PagedPlan` gives its parts."""
        yield self


def plan_records(
    wanted: Mapping[str, Wanted],
    *,
    links: Mapping[str, Link],
    found: Mapping[str, Sequence[Task]] | None,
    compares_all: bool = False,
    gone: Mapping[str, str] | None = None,
    shown: Shown | None = None,
    doubts: Mapping[str, Collection[str]] | None = None,
    bot_gid: str = "",
    left_alone: Collection[str] = (),
    owners: Mapping[str, str] | None = None,
) -> Plan:
    """What to do for each record, with a reason. Reads nothing, writes nothing.

    Many records are planned a page of keys at a time. `owners` then says for which record the tasks in `found` stand that
    `links` do not name, by task gid.

    `found` are tasks on the board by key: whatever a listing brought, or None when none was made. With `compares_all`,
    `wanted` is everything in Intacct, `links` every link and `found` the whole board, so what is missing is really gone.
    Without it, `gone` names the linked records that were proven to be gone, with the reason in words.
    `shown` gives the snapshot that a key's task stands for now. With it, a bill that changed in a way that its task does
    not show still moves on, else every decision about it would be refused as made on an older bill.
    `doubts` names parts by key that a write was noted for, and nobody knows whether the task shows them; they are written.
    `bot_gid` is our own user. Only a task that it made may be taken for a record's own: what others made, and gave a key, can
    have been shown to an approver as anything.
    `left_alone` are keys of records that are there and could not be read: nothing follows from what is not known of them.
    """
    board = found or {}
    lists_all = compares_all and found is not None
    owners = {**(owners or {}), **{link.task_gid: key for key, link in links.items()}}
    gone, doubts = gone or {}, doubts or {}
    keys = sorted(({*wanted, *links} if compares_all else {*wanted, *gone}) - {*left_alone})
    actions: list[Action] = []
    notes: list[str] = []
    for key in keys:
        # A task that stands for another record is not this record's, whatever its key field says.
        tasks = sorted((task for task in board.get(key, ()) if owners.get(task.gid, key) == key), key=age)
        strangers = [task.gid for task in board.get(key, ()) if owners.get(task.gid, key) != key]
        notes += [f"{key}: task {gid} carries this key but stands for {owners[gid]}" for gid in strangers]
        link = links.get(key)
        record = wanted.get(key) or _gone(key, link, why=gone.get(key, NOT_READ))
        ours, foreign = _by_maker(tasks, link=link, bot_gid=bot_gid)
        in_doubt = doubts.get(key, ())
        actions.append(_decide(key, record, link=link, tasks=ours, lists_all=lists_all, shown=shown, in_doubt=in_doubt))
        is_there = link is not None and any(task.gid == link.task_gid for task in ours)
        notes += _duplicates(key, tasks if is_there else ours, kept=link)
        notes += [] if is_there else [_of_another(key, task) for task in foreign]
        notes += _of_another_kind(key, record, tasks)
    if compares_all:
        notes += [of_no_record(key, len(board[key])) for key in sorted({*board} - {*keys, *left_alone})]
    return Plan(actions=tuple(actions), notes=tuple(notes))


def of_no_record(key: str, tasks: int) -> str:
    """What people are told about a key that a full pass found on the board only."""
    return f"{key}: {tasks} task(s) on the board, but no such record"


def settled(key: str, wanted: Wanted, standing: LinkDigest) -> Leave | None:
    """What `plan_records` says of a linked record of which nothing moved, told by digests; None where it has to be compared.

    Only where no task was looked at and no write is in doubt: it is not asked what the task says now.
    """
    if not standing.digest:
        return None
    if not wanted.in_scope:
        is_closed = standing.digest == draft_digest(replace(wanted.draft, completed=True))
        return _leave(key, wanted, ALREADY_CLOSED) if is_closed else None
    shows = wanted.snapshot is None or wanted.snapshot.digest == standing.shown_digest
    if shows and wanted.record_no == standing.record_no and standing.digest == draft_digest(wanted.draft):
        return _leave(key, wanted, SAME)
    return None


def _decide(
    key: str,
    wanted: Wanted,
    *,
    link: Link | None,
    tasks: Sequence[Task],
    lists_all: bool,
    shown: Shown | None,
    in_doubt: Collection[str],
) -> Action:
    """The decision table, from top to bottom; the first branch that fits decides."""
    confirmed = link.confirmed if link else None
    actual = next((task for task in tasks if link and task.gid == link.task_gid), None)
    if not wanted.in_scope:
        closed = confirmed if link and confirmed and confirmed.completed and "completed" not in in_doubt else None
        # Closed already, but what the task tells no longer holds, or may not be what we know of: put that right.
        if link and closed and _misleads(wanted.draft, closed, in_doubt=in_doubt):
            return _change(key, _completed(wanted), link=link, actual=None, why="", in_doubt=in_doubt)
        # Out of scope, and its task was completed by us: people may do with it what they like.
        if closed:
            return _leave(key, wanted, ALREADY_CLOSED)
        # Out of scope with an open task: complete it, once.
        if link:
            return _change(
                key, _completed(wanted), link=link, actual=None, why=wanted.why or "out of scope now", in_doubt=in_doubt
            )
        # Out of scope, but an unfinished creation did make a task: take it and complete it.
        if tasks:
            return _adopt(key, _completed(wanted), task=tasks[0], why="out of scope now, and a task with its key is open")
        # Out of scope and never had a task.
        return _leave(key, wanted, "out of scope")
    # The whole board was listed and the linked task was not on it: look on as if there were no link.
    lost = link.task_gid if link and lists_all and actual is None else ""
    if (link is None or lost) and tasks:
        # A task with its key is there (a lost answer, a lost store, a person's copy): take the oldest.
        return _adopt(key, wanted, task=tasks[0], why="a task with its key is on the board", replaces=lost)
    if link is None or lost:
        # No task anywhere: make one.
        why = f"its task {lost} is no longer on the board" if lost else "new in scope"
        return _create(key, wanted, why=why, replaces=lost)
    # Linked and in scope: write what differs, if anything does.
    return _change(key, wanted, link=link, actual=actual, why="", shown=shown, in_doubt=in_doubt)


def _change(
    key: str,
    wanted: Wanted,
    *,
    link: Link,
    actual: Task | None,
    why: str,
    in_doubt: Collection[str],
    shown: Shown | None = None,
) -> Update | Leave:
    """Update, Close or Reopen with exactly the parts that differ; Leave when none does and nothing else moved."""
    desired, confirmed = wanted.draft, link.confirmed
    moved = parts_moved(desired, confirmed)
    edited = parts_edited(desired, actual, confirmed=confirmed) if actual else ()
    doubted = parts_doubted(desired, in_doubt)
    reasons = [why] if why else []
    reasons += [f"changed in Intacct: {', '.join(moved)}"] if moved else []
    put_back = [part for part in edited if part not in moved]
    reasons += [f"edited in Asana: {', '.join(put_back)}"] if put_back else []
    unsure = [part for part in doubted if part not in (*moved, *edited)]
    reasons += [f"a write of it has no kept answer: {', '.join(unsure)}"] if unsure else []
    if wanted.record_no != link.record_no:
        reasons.append(f"record {link.record_no} was made anew as {wanted.record_no}")
    if not reasons and _stands_for_another(key, wanted, shown):
        reasons.append("changed in Intacct in a way its task does not show")
    if not reasons:
        return _leave(key, wanted, SAME)
    return _kind_of_change(desired, confirmed, [*edited, *doubted])(
        key=key,
        record_no=wanted.record_no,
        amount=wanted.amount,
        reason="; ".join(reasons),
        task_gid=link.task_gid,
        desired=desired,
        confirmed=confirmed,
        changed=in_order([*moved, *edited, *doubted]),
        snapshot=wanted.snapshot,
        currency=wanted.currency,
    )


def _misleads(desired: TaskDraft, closed: TaskDraft, *, in_doubt: Collection[str]) -> bool:
    """Whether a task that we closed has to be written again: what was told on it is news now, or nothing of it holds."""
    if REMARK in in_doubt:
        return True
    if not closed.remark:
        return False
    falls_silent = not desired.remark and not takes_back(closed.remark)
    return bool(in_doubt) or falls_silent or has_news(desired, closed)


def _kind_of_change(desired: TaskDraft, confirmed: TaskDraft | None, edited: Sequence[str]) -> type[Update]:
    was_completed = bool(confirmed and confirmed.completed)
    if desired.completed == was_completed and "completed" not in edited:
        return Update
    return Close if desired.completed else Reopen


def _stands_for_another(key: str, wanted: Wanted, shown: Shown | None) -> bool:
    if shown is None or wanted.snapshot is None:
        return False
    before = shown(key)
    return before is None or before.digest != wanted.snapshot.digest


def _create(key: str, wanted: Wanted, *, why: str, replaces: str) -> Create:
    return Create(
        key=key,
        record_no=wanted.record_no,
        amount=wanted.amount,
        reason=why,
        desired=wanted.draft,
        snapshot=wanted.snapshot,
        replaces=replaces,
        currency=wanted.currency,
    )


def _adopt(key: str, wanted: Wanted, *, task: Task, why: str, replaces: str = "") -> Adopt:
    return Adopt(
        key=key,
        record_no=wanted.record_no,
        amount=wanted.amount,
        reason=why,
        desired=wanted.draft,
        actual=task,
        changed=parts_to_adopt(wanted.draft, task),
        snapshot=wanted.snapshot,
        replaces=replaces,
        currency=wanted.currency,
    )


def _leave(key: str, wanted: Wanted, why: str) -> Leave:
    return Leave(key=key, record_no=wanted.record_no, amount=wanted.amount, reason=why)


def _completed(wanted: Wanted) -> Wanted:
    return replace(wanted, draft=replace(wanted.draft, completed=True))


def _gone(key: str, link: Link | None, *, why: str) -> Wanted:
    """A linked record that is no longer there. Its task keeps saying what it said; the amount is unknown, so 0."""
    record_no = link.record_no if link else ""
    before = (link.confirmed if link else None) or TaskDraft(key=key, name="")
    said = f"This task is closed, because its record {record_no} is gone: {why}."
    draft = replace(before, remark=f"{said}\n\n{reference(GONE.format(record_no=record_no))}")
    return Wanted(draft=draft, record_no=record_no, amount=Decimal(0), in_scope=False, why=why)


def _of_another_kind(key: str, wanted: Wanted, tasks: Sequence[Task]) -> list[str]:
    """Whether a task can be made an approval later is not documented, so people do it."""
    others = [task.gid for task in tasks if wanted.in_scope and wanted.draft.kind == APPROVAL != task.kind]
    return [f"{key}: task {gid} is no approval, so nobody can decide on it. Mark it as one in Asana." for gid in others]


def is_own(task: Task, bot_gid: str) -> bool:
    """Whether our own user made the task; not where Asana does not tell."""
    return bool(bot_gid) and task.created_by_gid == bot_gid


def age(task: Task) -> tuple[int, str]:
    """Sorts tasks oldest first: Asana's gids grow, so the shorter, then the smaller, is the older."""
    return len(task.gid), task.gid


def _by_maker(tasks: Sequence[Task], *, link: Link | None, bot_gid: str) -> tuple[list[Task], list[Task]]:
    """Tasks that may stand for the record, and those that somebody else made. The linked one is ours, whoever made it."""
    gids = {task.gid for task in tasks if is_own(task, bot_gid) or (link and task.gid == link.task_gid)}
    return [task for task in tasks if task.gid in gids], [task for task in tasks if task.gid not in gids]


def _of_another(key: str, task: Task) -> str:
    """What people are told about a task that carries a record's key and is not ours."""
    maker = f"user {task.created_by_gid}" if task.created_by_gid else "somebody whom Asana does not name"
    return f"{key}: task {task.gid} carries this key, but was made by {maker} and is not used; remove the key there"


def _duplicates(key: str, tasks: Sequence[Task], *, kept: Link | None) -> list[str]:
    gids = [task.gid for task in tasks]
    keeper = kept.task_gid if kept and kept.task_gid in gids else next(iter(gids), "")
    others = ", ".join(gid for gid in gids if gid != keeper)
    return [f"{key}: task {keeper} is kept; also with this key: {others}. Delete what is a copy."] if others else []
