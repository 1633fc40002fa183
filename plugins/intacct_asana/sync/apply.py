"""Carrying a plan out: so that each record has one task, wherever a run is cut off.

Three habits make it so. A creation is noted in the store before its call leaves. What was noted and never ended is looked
for on the board before anything is created. And each action is saved on its own, from one thread, as soon as it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import datetime
from functools import partial

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, UnexpectedReply
from intacct_asana.journal import each_done
from intacct_asana.ports import Links, TaskBoard
from intacct_asana.records import Link, Task
from intacct_asana.sync.difference import acknowledged, parts_moved, parts_not_taken
from intacct_asana.sync.lookout import Lookout
from intacct_asana.sync.perform import Gone, Outcome, Written, perform
from intacct_asana.sync.piecewise import OPTIONAL, Piecewise
from intacct_asana.sync.plan import Close, Create, Plan, Update, Writing
from intacct_asana.sync.report import Failure, Progress, Report

BATCH = 500
NEEDS_PAID_PLAN = "402"


def apply_plan(
    plan: Plan,
    *,
    board: TaskBoard,
    links: Links,
    project_gid: str,
    key_field_gid: str,
    bot_gid: str,
    names: Mapping[str, str] | None = None,
    workers: int = 8,
    now: Callable[[], datetime],
    on_progress: Callable[[str], None] | None = None,
) -> Report:
    """Does everything in `plan` that can be done and says what failed, by key; raises nothing for a single failure.

    Applying the same plan again is safe: what is done is skipped, and what another run changed since is refused as stale.
    What Asana refuses of a task (a field that was locked since preflight) is left out and fails that action in words;
    the rest of the task is written. `names` gives custom field gids their names.
    `bot_gid` is our own user, who makes our tasks and writes our comments. `now` gives aware UTC instants.
    Board calls run in `workers` threads; the store is used from the calling thread only.
    An interruption (KeyboardInterrupt, a task timeout) comes out at once; what was saved stays saved.
    """
    return _Applier(
        board=board,
        links=links,
        project_gid=project_gid,
        key_field_gid=key_field_gid,
        bot_gid=bot_gid,
        names=names or {},
        workers=workers,
        now=now,
        on_progress=on_progress or (lambda text: None),
    ).run(plan)


class _Applier:
    """One run. Two rounds: the plan's actions, then what the first round left unclear."""

    def __init__(
        self,
        *,
        board: TaskBoard,
        links: Links,
        project_gid: str,
        key_field_gid: str,
        bot_gid: str,
        names: Mapping[str, str],
        workers: int,
        now: Callable[[], datetime],
        on_progress: Callable[[str], None],
    ) -> None:
        self.board = board
        self.links = links
        self.project_gid = project_gid
        self.bot_gid = bot_gid
        self.pieces = Piecewise(board, key_field_gid=key_field_gid, names=names)
        self.lookout = Lookout(board=board, links=links, project_gid=project_gid, key_field_gid=key_field_gid, bot_gid=bot_gid)
        self.workers = workers
        self.clock = now
        self.on_progress = on_progress
        self.result = Report()
        self.known: dict[str, Link] = {}
        self.stopped = False

    def run(self, plan: Plan) -> Report:
        for batch in _batches(plan.writing):
            self.known.update(self.links.of([action.key for action in batch]))
        gone, unclear = self._round([action for action in plan.writing if self._is_due(action)])
        found, missing = self.lookout.without_answer(unclear)
        self._fail_all(missing)
        again = [*gone, *found]
        if again and not self.stopped:
            gone_again, unclear_again = self._round(again)
            self._fail_all((create, Refused(f"task {create.replaces} vanished again")) for create in gone_again)
            self._fail_all(unclear_again)
        elif again:
            self.result.not_started += len(again)
        return self.result

    # Before anything is written.

    def _is_due(self, action: Writing) -> bool:
        """False when an earlier try did it, or when another run moved the task since the plan was made."""
        link = self.known.get(action.key)
        if _stands_as_planned(action, link):
            return True
        if link and not parts_moved(action.desired, link.confirmed) and link.record_no == action.record_no:
            self.result.already_done += 1
            return False
        self._fail(action, Refused("its task changed after the plan was made; clear the planning step to plan anew"))
        return False

    def _round(self, actions: Sequence[Writing]) -> tuple[list[Create], list[tuple[Create, OutcomeUnknown]]]:
        """Does `actions`; the answer is what needs a second look: tasks that are gone, creations without an answer."""
        gone: list[Create] = []
        unclear: list[tuple[Create, OutcomeUnknown]] = []
        ready, kept_back = self.lookout.before_writing(actions)
        self._fail_all(kept_back)
        self._begin(ready)
        work: Callable[[Writing], Outcome] = partial(
            perform, board=self.board, pieces=self.pieces, project_gid=self.project_gid, bot_gid=self.bot_gid
        )
        started = 0
        progress = Progress("tasks dealt with", total=len(ready), now=self.clock, say=self.on_progress)
        with closing(each_done(work, self._until_stopped(ready), workers=self.workers)) as outcomes:
            for action, outcome in outcomes:
                started += 1
                if isinstance(outcome, Gone):
                    gone += self._make_anew(action, outcome)
                elif isinstance(outcome, OutcomeUnknown) and isinstance(action, Create):
                    unclear.append((action, outcome))
                elif isinstance(outcome, Written):
                    self._keep(action, outcome)
                else:
                    self._fail(action, outcome)
                progress.note(started)
        self.result.not_started += len(ready) - started
        return gone, unclear

    def _begin(self, actions: Sequence[Writing]) -> None:
        """Notes every creation, by Asana's own clock, and what of each linked task is to be written, before any call leaves.

        A write that Asana took and whose answer nobody kept would never be looked at again, should Intacct change back.
        """
        creates = [action for action in actions if isinstance(action, Create)]
        # Looking back begins there, and it compares with Asana's times: our clock may be far from them.
        at = self.board.clock() if creates else self.clock()
        for batch in _batches(creates):
            self.links.begin([action.key for action in batch], at=at)
        for batch in _batches([action for action in actions if isinstance(action, Update) and action.changed]):
            self.links.doubt({action.key: action.changed for action in batch if isinstance(action, Update)})

    def _until_stopped(self, actions: Sequence[Writing]) -> Iterator[Writing]:
        for action in actions:
            if self.stopped:
                return
            yield action

    # After each answer.

    def _keep(self, action: Writing, written: Written) -> None:
        """Saves the link with what Asana acknowledged, then reports the parts that it did not take."""
        self.result.writes += bool(written.changed) + written.commented
        task = written.task
        not_shown = parts_not_taken(action.desired, task, changed=written.changed) if task else ()
        missing = (*written.left_out, *not_shown)
        confirmed = acknowledged(action.desired, task, not_taken=missing) if task else action.desired
        before = self.known.get(action.key)
        link = Link(
            key=action.key,
            task_gid=task.gid if task else _linked_gid(action),
            record_no=action.record_no,
            confirmed=confirmed,
            task_url=(task.permalink_url if task else "") or (before.task_url if before else ""),
            linked_at=before.linked_at if before and before.task_gid == (task.gid if task else _linked_gid(action)) else None,
        )
        # A task that does not say everything about its bill does not stand for the new snapshot yet.
        shown = action.snapshot if OPTIONAL.keys() >= set(missing) else None
        try:
            link = link if link.linked_at or not task else replace(link, linked_at=self._linked_at(action, task))
            self.links.save(link, shown=shown, shown_at=self._shown_at(written) if shown else None)
        except IntacctAsanaError as error:
            self._fail(action, error)
            return
        self.known[action.key] = link
        if written.left_out:
            self._fail(action, self.pieces.refusal(written.left_out, rest_is_written=True))
        elif not_shown:
            parts = self.pieces.named(not_shown)
            self._fail(action, UnexpectedReply(f"Asana answered, but task {link.task_gid} does not show {parts}"))
        else:
            self.result.count(action.kind, action.amount)

    def _linked_at(self, action: Writing, task: Task) -> datetime:
        """Asana's time from which the task stands for the record. An adopting write that changes nothing leaves no time."""
        if isinstance(action, Create) and task.modified_at:
            return task.modified_at
        now = self.board.clock()
        return max(now, task.modified_at or now)

    def _shown_at(self, written: Written) -> datetime:
        """Asana's own time of the write. Moving between sections does not touch it, so there it is its clock."""
        if written.task and written.task.modified_at and set(written.changed) - {"section_gid"}:
            return written.task.modified_at
        return self.board.clock()

    def _make_anew(self, action: Writing, gone: Gone) -> list[Create]:
        """A deleted task is made anew, unless it was to be closed: then there is nothing left to close."""
        if isinstance(action, Close):
            self._keep(action, Written(task=None, changed=()))
            return []
        return [
            Create(
                key=action.key,
                record_no=action.record_no,
                amount=action.amount,
                reason=f"its task is gone from Asana ({gone.error.message})",
                desired=action.desired,
                snapshot=action.snapshot,
                replaces=_linked_gid(action),
            )
        ]

    def _fail_all(self, failed: Iterable[tuple[Writing, IntacctAsanaError]]) -> None:
        for action, error in failed:
            self._fail(action, error)

    def _fail(self, action: Writing, error: IntacctAsanaError) -> None:
        self.result.failures.append(Failure(key=action.key, kind=action.kind, error=error))
        # The same for every task, so going on would only repeat it.
        self.stopped = self.stopped or isinstance(error, Misconfigured) or error.code == NEEDS_PAID_PLAN


def _stands_as_planned(action: Writing, link: Link | None) -> bool:
    if isinstance(action, Update):
        return link is not None and (link.task_gid, link.confirmed) == (action.task_gid, action.confirmed)
    return (link.task_gid if link else "") == action.replaces


def _linked_gid(action: Writing) -> str:
    return action.replaces if isinstance(action, Create) else action.task_gid


def _batches(actions: Iterable[Writing]) -> Iterator[list[Writing]]:
    items = list(actions)
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
