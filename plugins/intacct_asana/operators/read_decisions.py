"""The first step of the approvals DAG: which tasks to look at, and what people decided on them.

Three nets, because none of Asana's own holds everything. Events are delivered at most once. The listing by time of change
brings what events lost, but not a task that came back from another project. The crawl, at least every `crawl_hours`, brings
both. All of them only say where to look: what counts is in the task's stories.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from intacct_asana.approvals import UNPROVEN, Policy, decisions_of, signals_of, touched_task
from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused, TryLater, UnexpectedReply
from intacct_asana.operators.approval_policy import policy_of
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, is_closed
from intacct_asana.records import Cursor, Decision, Link, Mark, Pins, Signal, Task

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from intacct_asana.asana.hook import AsanaHook

OVERLAP = timedelta(minutes=10)
"""How far the listing by time of change reaches behind the last one."""
SETTLES = timedelta(minutes=10)
"""How long a task's history may still fill up after its last change. Until then it is read again."""
MOST_EVENT_PAGES = 10_000


@dataclass(slots=True)
class Hints:
    """What Asana's events say may have changed: tasks that people touched, and where to read on next time."""

    task_gids: set[str] = field(default_factory=set)
    sync_token: str = ""
    reset: bool = False
    events: int = 0


@dataclass(slots=True)
class Look:
    """One run's look at the project: tasks worth reading, newest change seen, and what has to be looked at again."""

    crawls: bool
    tasks: dict[str, Task] = field(default_factory=dict)
    newest: datetime | None = None
    again: list[datetime] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    failures: dict[str, IntacctAsanaError] = field(default_factory=dict)

    @property
    def seen_until(self) -> datetime | None:
        return min([*self.again, self.newest]) if self.newest else None


class ReadDecisionsOperator(FlowOperator):
    """Finds tasks that may hold a decision, reads the proof from their stories, and records each new decision.

    The events' token and the other cursors move in the transaction that records the decisions, and only when every task
    could be read; those that could are recorded all the same.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        board, pins = run.own_board("bill")
        policy, began = policy_of(run, pins), run.now()
        hints = self._hints(run, board, pins)
        look = Look(crawls=hints.reset or _crawl_is_due(run, pins, began))
        self._find(run, board, pins, policy, hints, look)
        by_task = run.store.links("bill").by_task(look.tasks)
        look.again += _unlinked(run, pins, look.tasks, by_task)
        for task in look.tasks.values():
            if task.gid in by_task and not self._read(run, board, policy, task, by_task[task.gid], look, now=began):
                break
        others = self._of_another_kind(policy, look, by_task)
        cursors = [] if look.failures else _cursors(pins, hints, look, began)
        recorded = run.store.decisions().record(look.decisions, at=run.now(), cursors=cursors)
        run.store.marks().read(look.marks)
        for decision in recorded:
            self.log.info("Recorded %s: %s on %s", decision.decision_id, decision.signal.verdict, decision.key)
        _raise_if_failed(look)
        return {
            "events": hints.events,
            "full_crawl": look.crawls,
            "tasks_looked_at": len(by_task),
            "recorded": len(recorded),
            "not_approvals": len(others),
            "calls": run.calls(),
        }

    def _of_another_kind(self, policy: Policy, look: Look, by_task: Mapping[str, Link]) -> list[str]:
        """Tasks that are no approvals, where people decide by approval: nothing that is done on them can be a decision."""
        if not policy.way.completes:
            return []
        linked = [(task, by_task[task.gid]) for task in look.tasks.values() if task.gid in by_task]
        others = [(task, link) for task, link in linked if task.kind != "approval" and not is_closed(link)]
        for task, link in others:
            self.log.warning("Task %s of %s is no approval: nobody can decide on it. Convert it in Asana.", task.gid, link.key)
        return [task.gid for task, _ in others]

    def _hints(self, run: FlowRun, board: AsanaHook, pins: Pins) -> Hints:
        """Every event since the token. A 412 gives a new token; everything is then read, and events go on from there."""
        hints = Hints(sync_token=run.store.cursor(_events_name(pins)) or "")
        for _ in range(MOST_EVENT_PAGES):
            page = board.events(pins.project_gid, hints.sync_token or None)
            hints.sync_token = page.sync_token
            hints.reset = hints.reset or page.reset
            hints.events += len(page.events)
            hints.task_gids.update(gid for event in page.events if (gid := touched_task(event, pins.bot_gid)))
            if not page.has_more:
                return hints
        raise UnexpectedReply(f"Asana still has more events after {MOST_EVENT_PAGES} pages for project {pins.project_gid}.")

    def _find(self, run: FlowRun, board: AsanaHook, pins: Pins, policy: Policy, hints: Hints, look: Look) -> None:
        """Tasks whose stories are worth reading: those that events name, and those that somebody else changed."""
        seen = run.store.cursor(_seen_name(pins))
        look.newest = datetime.fromisoformat(seen) if seen else None
        since = look.newest - OVERLAP if look.newest and not look.crawls else None
        for page in board.tasks(pins.project_gid, modified_since=since):
            marks = run.store.marks().of([task.gid for task in page])
            for task in page:
                look.newest = max((at for at in (look.newest, task.modified_at) if at), default=None)
                if task.gid in hints.task_gids or _may_be_news(task, marks.get(task.gid), policy, crawls=look.crawls):
                    look.tasks[task.gid] = task
        for gid in sorted(hints.task_gids - look.tasks.keys()):
            touched = board.task(gid)
            if touched and pins.project_gid in touched.project_gids:
                look.tasks[gid] = touched

    def _read(
        self, run: FlowRun, board: AsanaHook, policy: Policy, task: Task, link: Link, look: Look, *, now: datetime
    ) -> bool:
        """The task's decisions. False when reading on would only meet the same trouble again."""
        try:
            signals = signals_of(task, board.stories(task.gid), policy, closed_by_us=is_closed(link))
            settled = [one for one in signals if not _is_too_young(one, now)]
            known = {one.decision_id for one in run.store.decisions().of(link.key)}
            look.decisions += decisions_of(
                settled, flow=run.flow.flow, link=link, board=board, links=run.store.links("bill"), known=known
            )
        except IntacctAsanaError as error:
            if isinstance(error, Refused) and board.task(task.gid) is None:
                self.log.info("Task %s of %s is gone; nothing can be proven from it", task.gid, link.key)
                return True
            look.failures[link.key] = error
            return not isinstance(error, TryLater | Misconfigured)
        if task.modified_at is None or task.modified_at > now - SETTLES:
            look.again += [task.modified_at] if task.modified_at and len(settled) < len(signals) else []
        else:
            look.marks[task.gid] = Mark(read_at=task.modified_at, value=policy.way.shown_on(task))
        return True


def _may_be_news(task: Task, mark: Mark | None, policy: Policy, *, crawls: bool) -> bool:
    """Whether somebody else may have changed the task since its stories were read.

    A crawl goes by what was read alone. Between two crawls our own writes count as known, or a bill sync that wrote
    thousands of tasks would have all of them read; what a person did just before such a write is brought by its event, by
    the verdict that the task shows now, or by the next crawl.
    """
    if mark is None or task.modified_at is None:
        return True
    if task.modified_at <= mark.read_at:
        return False
    if crawls or mark.wrote_at is None or task.modified_at > mark.wrote_at:
        return True
    shown = policy.way.shown_on(task)
    return shown in policy.way.verdicts and shown != mark.value


def _is_too_young(signal: Signal, now: datetime) -> bool:
    """Asana may write the story a little after the change. Nobody is told that it is missing before it is really late."""
    return signal.source == UNPROVEN and signal.decided_at > now - SETTLES


def _unlinked(run: FlowRun, pins: Pins, tasks: Mapping[str, Task], linked: Collection[str]) -> Iterator[datetime]:
    """When tasks changed that carry the key of a bill without a task: their links may be saved soon, so look again."""
    key_field = pins.fields[run.flow.bills.key_field].gid
    waiting = {
        task.gid: (key, task.modified_at)
        for task in tasks.values()
        if task.gid not in linked and task.modified_at and isinstance(key := task.fields.get(key_field), str)
    }
    taken = run.store.links("bill").of({key for key, _ in waiting.values()})
    yield from (at for key, at in waiting.values() if key not in taken)


def _crawl_is_due(run: FlowRun, pins: Pins, now: datetime) -> bool:
    last = run.store.cursor(_crawl_name(pins))
    return last is None or now - datetime.fromisoformat(last) >= timedelta(hours=run.flow.approval.crawl_hours)


def _cursors(pins: Pins, hints: Hints, look: Look, began: datetime) -> list[Cursor]:
    cursors = [Cursor(name=_events_name(pins), value=hints.sync_token)]
    cursors += [Cursor(name=_seen_name(pins), value=look.seen_until.isoformat())] if look.seen_until else []
    return cursors + ([Cursor(name=_crawl_name(pins), value=began.isoformat())] if look.crawls else [])


def _events_name(pins: Pins) -> str:
    return f"asana_events:{pins.project_gid}"


def _seen_name(pins: Pins) -> str:
    return f"asana_seen:{pins.project_gid}"


def _crawl_name(pins: Pins) -> str:
    return f"asana_crawl:{pins.project_gid}"


def _raise_if_failed(look: Look) -> None:
    """One error for all of them: the kind of the last, which is the one that stopped the reading, if any did."""
    if not look.failures:
        return
    last = list(look.failures.values())[-1]
    listed = "".join(f"\n  - {key}: {error.message}" for key, error in list(look.failures.items())[:5])
    last.message = (
        f"{len(look.failures)} tasks could not be read; the others are, and the next run looks at all of them again.{listed}"
    )
    last.args = (last.message,)
    raise last
