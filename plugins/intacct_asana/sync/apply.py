"""Carrying a plan out: so that each record has one task, wherever a run is cut off.

Tasks are written first, then what is to be said on them, both through the journal; a task that turns out to be gone is made
anew. What Asana acknowledged is kept in the transaction that ends the write.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeGuard, cast

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused, TryLater, UnexpectedReply
from intacct_asana.journal import Kind, Outcome, carry_out
from intacct_asana.ports import Journal, Links, TaskBoard
from intacct_asana.records import Intent, IntentState, Link, Snapshot, Task
from intacct_asana.sync.back import NotPutBack, was_put_back
from intacct_asana.sync.difference import REMARK, acknowledged, forms_kept, parts_moved, parts_not_taken, said
from intacct_asana.sync.paged import PagedPlan
from intacct_asana.sync.piecewise import OPTIONAL, Piecewise
from intacct_asana.sync.plan import Adopt, Create, Plan, Retire, Update, Writing
from intacct_asana.sync.report import Progress, Report
from intacct_asana.sync.retire import RetireKind, retire_intent, retire_kind
from intacct_asana.sync.writes import (
    Gone,
    RemarkWrite,
    TaskWrite,
    Written,
    remark_intent,
    remark_kind,
    task_intent,
    task_kind,
    write_anew,
)

BATCH = 500
"""Writes that are noted at once, before the first of them leaves."""


class Done(Refused):
    """Nothing is left to do: an earlier try or another run did it."""


class Stale(Refused):
    """Another run wrote the task after the plan was made. Which of the two knows better shows when the record is read anew."""


def apply_plan(
    plan: Plan | PagedPlan,
    *,
    kind: str,
    board: TaskBoard,
    links: Links,
    journal: Journal,
    project_gid: str,
    key_field_gid: str,
    bot_gid: str,
    owner: str,
    now: Callable[[], datetime],
    names: Mapping[str, str] | None = None,
    workers: int = 8,
    total: int | None = None,
    on_progress: Callable[[str], None] | None = None,
    after_batch: Callable[[], None] | None = None,
) -> Report:
    """Does everything in `plan` that can be done and says what failed, by key; raises nothing for a single failure.

    Applying the same plan again is safe: what is done is skipped, and what another run changed since is refused as stale.
    What Asana refuses of a task (a field that was locked since preflight) is left out and fails that action in words;
    the rest of the task is written. `names` gives custom field gids their names. `kind` is that of the records.
    `bot_gid` is our own user, who makes our tasks and writes our comments. `now` gives aware UTC instants. `owner` is who
    writes, as the journal wants it.
    Board calls run in `workers` threads; the store is used from the calling thread only. Of a paged plan one page after the
    other is in memory. `total` is how many tasks are to be written, where that is known. `after_batch` is called when no write
    is under way.
    An interruption (KeyboardInterrupt, a task timeout) comes out at once; what was saved stays saved.
    """
    if isinstance(plan, Plan):
        total = len(plan.writing)
    pieces = Piecewise(board, project_gid=project_gid, key_field_gid=key_field_gid, names=names or {})
    tasks = TaskWrite(
        name=task_kind(kind),
        board=board,
        pieces=pieces,
        project_gid=project_gid,
        key_field_gid=key_field_gid,
        bot_gid=bot_gid,
    )
    applier = _Applier(
        kind=kind,
        board=board,
        links=links,
        journal=journal,
        tasks=tasks,
        remarks=RemarkWrite(name=remark_kind(kind), board=board, bot_gid=bot_gid),
        pieces=pieces,
        owner=owner,
        workers=workers,
        now=now,
        progress=Progress("tasks dealt with", total=total, now=now, say=on_progress or (lambda text: None)),
    )
    for page in plan.pages():
        writing = page.writing
        for start in range(0, len(writing), BATCH):
            applier.act(writing[start : start + BATCH])
            if after_batch:
                after_batch()
    retire = RetireKind(name=retire_kind(kind), board=board, bot_gid=bot_gid, key_field_gid=key_field_gid)
    for page in plan.pages():
        applier.retire(page.retiring, retire)
    return applier.report


@dataclass(slots=True, kw_only=True)
class _Applier:
    """One run. `known` are the links of a batch as they stand; `unsaid` is what tasks show whose remark is not there yet."""

    kind: str
    board: TaskBoard
    links: Links
    journal: Journal
    tasks: TaskWrite
    remarks: RemarkWrite
    pieces: Piecewise
    owner: str
    workers: int
    now: Callable[[], datetime]
    progress: Progress
    report: Report = field(default_factory=Report)
    known: dict[str, Link] = field(default_factory=dict)
    unsaid: dict[str, tuple[Snapshot | None, datetime | None]] = field(default_factory=dict)
    dealt_with: int = 0

    def act(self, actions: Sequence[Writing]) -> None:
        """Each action of a batch; what turns out to be gone is made anew at the end."""
        self.known = dict(self.links.of([action.key for action in actions]))
        to_write: list[Writing] = []
        to_say: list[Update] = []
        for action in actions:
            try:
                is_whole = self._left(action) is None
                if is_whole and not _is_our_note(action):
                    to_write.append(action)
                    continue
                if is_whole:
                    self._keep_our_note(action)
                if _says(action):
                    to_say.append(action)
            except Done:
                self.report.already_done += 1
            except Stale:
                self._leave_to_the_next(action)
            except IntacctAsanaError as error:
                self._fail(action, error)
        gone = self._write(to_write, to_say)
        for action in self._write(gone, []):
            self._fail(action, Refused(f"task {action.replaces} vanished again"))
        # Nothing is looked up in what is over.
        for held in (self.tasks.actions, self.tasks.made, self.remarks.actions, self.unsaid):
            held.clear()

    def retire(self, actions: Sequence[Retire], kind: RetireKind) -> None:
        """Tells and completes tasks that stand for nothing. One that another run has linked since stands for something."""
        linked = self.links.by_task([action.task_gid for action in actions]) if actions else {}
        wanted = {(one := retire_intent(action, kind=self.kind)).intent_id: (one, action) for action in actions}
        intents = [intent for intent, action in wanted.values() if action.task_gid not in linked]
        self.report.already_done += len(wanted) - len(intents)
        for outcome in self._carried_out(intents, kind, keep=lambda outcome: None):
            _, action = wanted[outcome.intent.intent_id]
            if outcome.error:
                self.report.fail(action.key, outcome.error, kind=action.kind)
            else:
                self.report.writes += 1
                self.report.count(action.kind)

    def _left(self, action: Writing) -> str | None:
        """Nothing but the remark where an earlier try came so far, None for all of it.

        Raises Done, and Stale when another run moved the task since the plan was made.
        """
        link = self.known.get(action.key)
        if _stands_as_planned(action, link):
            return None
        left = parts_moved(action.desired, link.confirmed) if link and link.record_no == action.record_no else None
        if left == ():
            raise Done("an earlier try or another run did it")
        if left == (REMARK,) and _says(action):
            return REMARK
        raise Stale("another run wrote its task after the plan was made")

    # Through the journal

    def _write(self, actions: Sequence[Writing], to_say: Sequence[Update]) -> list[Create]:
        """Writes tasks, then what is to be said on them and on others. The answer: what has to be made anew."""
        # Looking back begins there, and it compares with Asana's times: our clock may be far from them.
        since = self.board.clock() if any(isinstance(action, Create | Adopt) for action in actions) else None
        intents = [task_intent(action, kind=self.kind, since=since) for action in actions]
        self.tasks.actions |= {intent.intent_id: action for intent, action in zip(intents, actions, strict=True)}
        gone: list[Create] = []
        to_say = list(to_say)
        for outcome in self._carried_out(intents, self.tasks, keep=self._keep_task):
            action = self.tasks.actions[outcome.intent.intent_id]
            if outcome.is_done:
                self._end(action, outcome.found)
                to_say += [action] if _says(action) else []
            else:
                gone += self._not_done(action, outcome)
            self.dealt_with += 1
            self.progress.note(self.dealt_with)
        return [*gone, *self._say(to_say)]

    def _say(self, actions: Sequence[Update]) -> list[Create]:
        intents = [remark_intent(action, kind=self.kind) for action in actions]
        self.remarks.actions |= {intent.intent_id: action for intent, action in zip(intents, actions, strict=True)}
        gone: list[Create] = []
        failed = {failure.key for failure in self.report.failures}
        for outcome in self._carried_out(intents, self.remarks, keep=self._keep_remark):
            action = self.remarks.actions[outcome.intent.intent_id]
            if not outcome.is_done:
                gone += self._not_done(action, outcome)
                continue
            self.report.writes += outcome.found.now
            if action.key not in failed:
                self.report.count(action.kind, action.amount, currency=action.currency)
        return gone

    def _carried_out(self, intents: Sequence[Intent], kind: Kind, *, keep: Callable[[Outcome], None]) -> Generator[Outcome]:
        started = 0
        # What a person has to mend would meet every task.
        if not any(isinstance(failure.error, Misconfigured) for failure in self.report.failures):
            steps = carry_out(
                intents,
                kinds=[kind],
                journal=self.journal,
                keep=keep,
                owner=self.owner,
                now=self.now,
                workers=self.workers,
            )
            with closing(steps) as outcomes:
                for outcome in outcomes:
                    started += 1
                    yield outcome
        self.report.not_started += len(intents) - started

    def _not_done(self, action: Writing, outcome: Outcome) -> list[Create]:
        """Says why, unless there is nothing to do, or the task is to be made anew."""
        error, is_remark = outcome.error, outcome.intent.kind == self.remarks.name
        if isinstance(error, Done) or (isinstance(error, Gone) and is_remark):
            # Nothing is to be written any more, or not there.
            with suppress(TryLater):
                self.journal.drop(outcome.intent)
        if isinstance(error, Gone):
            return [_made_anew(action, error)]
        if isinstance(error, NotPutBack):
            # Owed: its record is read and its task written by every run, until it may be put back.
            parts = task_intent(action, kind=self.kind, since=None).body["parts"]
            with suppress(TryLater):
                write_anew(self.journal, kind=self.kind, key=action.key, parts=cast("Sequence[str]", parts), at=self.now())
        if isinstance(error, Done):
            self.report.already_done += 1
        elif isinstance(error, Stale):
            self._leave_to_the_next(action)
        elif error:
            self._fail(action, error)
        return []

    def _leave_to_the_next(self, action: Writing) -> None:
        """The next run reads the record and writes these parts: two runs at once end like one after the other."""
        parts = action.changed if isinstance(action, Update) else ("name",)
        try:
            write_anew(self.journal, kind=self.kind, key=action.key, parts=[*parts], at=self.now())
        except TryLater as error:
            self._fail(action, error)
        else:
            self.report.say("left to the next run", f"{action.key}: another run wrote its task after this plan was made")

    # In the store, in the transaction that moves the intent

    def _keep_task(self, outcome: Outcome) -> None:
        action = self.tasks.actions[outcome.intent.intent_id]
        if outcome.intent.state is IntentState.SENT:
            self._refuse_if_moved(action)
        elif outcome.is_done:
            self._save(action, outcome.found)

    def _keep_our_note(self, action: Writing) -> None:
        with self.journal.together():
            self._refuse_if_moved(action)
            self._save(action, Written(kind=action.kind))
        self._end(action, Written(kind=action.kind))

    def _refuse_if_moved(self, action: Writing) -> None:
        """Another run may have done it, or have taken the task for another record, since we looked."""
        self.known.pop(action.key, None)
        self.known.update(self.links.of([action.key]))
        if self._left(action):
            raise TryLater("another run wrote this just now and comments on it next")
        if found := self.tasks.taken(action):
            owner = self.links.by_task([found.gid]).get(found.gid)
            if owner and owner.key != action.key:
                raise Refused(f"the task with this key stands for {owner.key}; correct its key field in Asana")

    def _save(self, action: Writing, written: Written) -> None:
        """The link, with what Asana acknowledged. The remark counts as said, and the whole as shown, when it is there."""
        task, before = written.task, self.known.get(action.key)
        missing = _missing(action, written)
        known = before.confirmed if before and before.task_gid == _linked_gid(action) else None
        forms = forms_kept(action.desired, known, written=written.changed) | dict(written.shown_as)
        confirmed = replace(action.desired, shown_as=forms)
        if task:
            confirmed = acknowledged(action.desired, task, not_taken=missing, shown_as=forms)
        gid = task.gid if task else _linked_gid(action)
        # A task that does not say everything about its bill does not stand for the new snapshot yet.
        shown = action.snapshot if OPTIONAL.keys() >= set(missing) else None
        shown_at = self._shown_at(written) if shown else None
        if _says(action):
            confirmed = replace(confirmed, remark=before.confirmed.remark if before and before.confirmed else "")
            self.unsaid[action.key] = shown, shown_at
            shown = shown_at = None
            # With the link, or nobody would know that there is something to be said when the bill changes back.
            self.journal.note([remark_intent(action, kind=self.kind)], at=self.now())
        link = Link(
            key=action.key,
            task_gid=gid,
            record_no=action.record_no,
            confirmed=confirmed,
            task_url=(task.permalink_url if task else "") or (before.task_url if before else ""),
            linked_at=before.linked_at if before and before.task_gid == gid else None,
        )
        if task and not link.linked_at:
            link = replace(link, linked_at=self._linked_at(written, task))
        self.links.save(link, shown=shown, shown_at=shown_at)

    def _keep_remark(self, outcome: Outcome) -> None:
        if not outcome.is_done:
            return
        action = self.remarks.actions[outcome.intent.intent_id]
        link = self.links.of([action.key])[action.key]
        shown, shown_at = self.unsaid.get(action.key, (action.snapshot, None))
        if {*parts_moved(action.desired, link.confirmed)} - {REMARK}:
            # Another run wrote the task since, and kept what it shows now.
            shown = None
        confirmed = replace(link.confirmed or action.desired, remark=action.desired.remark)
        shown_at = (shown_at or self.board.clock()) if shown else None
        self.links.save(replace(link, confirmed=confirmed), shown=shown, shown_at=shown_at)

    def _linked_at(self, written: Written, task: Task) -> datetime:
        """Asana's time from which the task stands for the record. An adopting write that changes nothing leaves no time."""
        if written.kind == Create.kind and task.modified_at:
            return task.modified_at
        now = self.board.clock()
        return max(now, task.modified_at or now)

    def _shown_at(self, written: Written) -> datetime:
        """Asana's own time of the write. Moving between sections does not touch it, so there it is its clock."""
        if written.task and written.task.modified_at and set(written.changed) - {"section_gid"}:
            return written.task.modified_at
        return self.board.clock()

    # In the report

    def _end(self, action: Writing, written: Written) -> None:
        """Counts what is done, and reports the parts that Asana did not take."""
        self.report.writes += bool(written.changed)
        if written.put_back and written.task:
            self.report.say("put back", was_put_back(written.task.gid, action.key))
        not_shown = [part for part in _missing(action, written) if part not in written.left_out]
        if written.left_out:
            self._fail(action, self.pieces.refusal(written.left_out, rest_is_written=True))
        elif not_shown and written.task:
            parts = self.pieces.named(not_shown)
            self._fail(action, UnexpectedReply(f"Asana answered, but task {written.task.gid} does not show {parts}"))
        elif not _says(action):
            self.report.count(written.kind, action.amount, currency=action.currency)
        for part, shown in written.shown_as.items():
            what = f"{self.pieces.named([part])} as {str(shown)!r} where {str(said(action.desired, part))!r} was written"
            ends = "no write changes that, and no choice on that task counts"
            self.report.say("shown otherwise", f"{action.key}: Asana shows {what}; {ends}")

    def _fail(self, action: Writing, error: IntacctAsanaError) -> None:
        self.report.fail(action.key, error, kind=action.kind)


def _is_our_note(action: Writing) -> bool:
    """Whether nothing of the task itself is written: a record number moved, or there is just something to be said."""
    return isinstance(action, Update) and not {*action.changed} - {REMARK}


def _says(action: Writing) -> TypeGuard[Update]:
    return isinstance(action, Update) and REMARK in action.changed


def _missing(action: Writing, written: Written) -> tuple[str, ...]:
    """Parts that Asana refused, and those that it answered without."""
    not_shown = parts_not_taken(action.desired, written.task, changed=written.changed) if written.task else ()
    return (*written.left_out, *(part for part in not_shown if part not in written.shown_as))


def _made_anew(action: Writing, gone: Gone) -> Create:
    return Create(
        key=action.key,
        record_no=action.record_no,
        amount=action.amount,
        reason=gone.message,
        desired=action.desired,
        snapshot=action.snapshot,
        replaces=_linked_gid(action) if isinstance(action, Update) else action.replaces,
        currency=action.currency,
    )


def _stands_as_planned(action: Writing, link: Link | None) -> bool:
    if isinstance(action, Update):
        return link is not None and (link.task_gid, link.confirmed) == (action.task_gid, action.confirmed)
    return (link.task_gid if link else "") == action.replaces


def _linked_gid(action: Writing) -> str:
    return action.replaces if isinstance(action, Create) else action.task_gid
