"""The first step of the approvals DAG: which tasks to look at, and what people decided on them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from intacct_asana.approvals import Policy, decisions_of, signals_of
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OddRecord, Refused, TryLater
from intacct_asana.operators.checks import drift
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, is_closed, policy_of
from intacct_asana.reading.choices import (
    TO_SHOW,
    Hints,
    Look,
    Loss,
    Places,
    is_too_young,
    may_be_news,
    no_approvals,
    says_something_else,
    waiting_for_links,
)
from intacct_asana.records import Cursor, Decision, Link, Mark, Pins, Task, UnreadTask

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from intacct_asana.asana.hook import AsanaHook

MOST_EVENT_PAGES = 100
"""For one run, of 100 events each."""


class ReadDecisionsOperator(FlowOperator):
    """Finds tasks that may hold a decision, reads the proof from their stories, and records each new decision.

    The events' token and the other cursors move in the transaction that records the decisions, and only when every task
    could be asked for; what could be read is recorded all the same. A task or story of another form than Asana documents
    fails that task alone, which is asked for again by each run. A bill's task that was deleted leaves evidence of that.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        board, pins = run.own_board("bill")
        policy, began = policy_of(run, pins), run.now()
        before, drifted = _places(run, pins), drift(run, board, "bill", pins)
        for what in drifted:
            self.log.warning("Changed in Asana since preflight: %s", what)
        hints = self._hints(board, pins, before)
        crawls = hints.tell_too_little or before.crawl_is_due(every_hours=run.flow.approval.crawl_hours, now=began)
        look = Look(crawls=crawls, newest=before.seen_until)
        self._list(run, board, pins, policy, hints.touched | before.owed, look)
        self._ask(run, board, pins, policy, hints, look, before)
        self._name_unread(run, look)
        by_task = run.store.links("bill").by_task(look.tasks)
        look.again += _unlinked(run, pins, look, by_task)
        for task in look.tasks.values():
            if task.gid in by_task and not self._read(run, board, policy, task, by_task[task.gid], look, now=began):
                break
        others = [(task, link) for task, link in no_approvals(look.tasks.values(), by_task, policy) if not is_closed(link)]
        for task, link in others:
            self.log.warning("Task %s of %s is no approval: nobody can decide on it. Convert it in Asana.", task.gid, link.key)
        cursors = [] if look.is_stuck else [*look.places(hints, before, began=began).cursors(), _to_show(run, look)]
        recorded = self._keep(run, look, cursors)
        look.report.raise_if_failed()
        return {
            "events": hints.events,
            "unreadable_events": hints.unreadable,
            "full_crawl": look.crawls,
            "tasks_looked_at": len(by_task),
            "tasks_out_of_the_project": len(look.away),
            "recorded": len(recorded),
            "not_approvals": len(others),
            "drift": drifted,
            "gone": [str(loss) for loss in look.losses],
            "calls": run.calls(),
        }

    def _hints(self, board: AsanaHook, pins: Pins, before: Places) -> Hints:
        """The events since the token, as many as one run reads. A 412 gives a new token; everything is read then."""
        hints = Hints(bot_gid=pins.bot_gid, sync_token=before.sync_token)
        for _ in range(MOST_EVENT_PAGES):
            hints.take(board.events(pins.project_gid, hints.sync_token or None))
            if not hints.more:
                break
        if hints.more:
            self.log.warning("Asana has more events after %s pages; the next run goes on there.", MOST_EVENT_PAGES)
        if hints.unreadable:
            self.log.warning("Events that cannot be read: %s. The whole project is looked at instead.", hints.unreadable)
        return hints

    @staticmethod
    def _list(run: FlowRun, board: AsanaHook, pins: Pins, policy: Policy, touched: Collection[str], look: Look) -> None:
        for page in board.tasks(pins.project_gid, modified_since=look.since, unread=look.tell_unread):
            marks = run.store.marks().of([task.gid for task in page])
            look.list_page(page, marks, policy, touched=touched)

    def _ask(
        self, run: FlowRun, board: AsanaHook, pins: Pins, policy: Policy, hints: Hints, look: Look, before: Places
    ) -> None:
        """Tasks that the listing does not hold, one by one: touched, deleted, or known to be somewhere else.

        A crawl asks for every open bill's task that is not in the project, because no event of it needs to have come.
        """
        links, asked = run.store.links("bill"), {*hints.touched, *hints.deleted, *before.away, *before.owed}
        if look.crawls:
            asked |= {link.task_gid for link in links.all().values() if not is_closed(link)}
        asked -= look.listed
        by_task, marks = links.by_task(asked), run.store.marks().of(asked)
        # The bill may have another task by now, and still nobody reads what was chosen on this one.
        former = links.stood_for(hints.deleted.keys() - by_task.keys())
        for gid in sorted(asked):
            link = by_task.get(gid)
            try:
                task = board.task(gid)
            except OddRecord as error:
                look.tell_unread(UnreadTask(gid=gid, why=error.message))
                continue
            if task is None:
                key = link.key if link else former.get(gid)
                look.losses += self._lost(run, key, gid, hints, marks.get(gid)) if key else []
            elif pins.project_gid in task.project_gids:
                look.tasks[gid] = task
            elif link and not is_closed(link):
                look.away.add(gid)
                is_news = may_be_news(task, marks.get(gid), policy, crawls=look.crawls)
                if gid in hints.touched or gid in before.owed or is_news:
                    look.tasks[gid] = task

    @staticmethod
    def _name_unread(run: FlowRun, look: Look) -> None:
        """Tasks of open bills that cannot be read: no decision comes of them, and each run asks for them again."""
        for gid, link in run.store.links("bill").by_task(look.unread).items():
            if not is_closed(link):
                look.owe(link, OddRecord(look.unread[gid]))

    def _lost(self, run: FlowRun, key: str, task_gid: str, hints: Hints, mark: Mark | None) -> list[Loss]:
        """Once an event: the next run may meet it again."""
        loss = Loss(key=key, task_gid=task_gid, event=hints.deleted.get(task_gid), read_until=mark.read_at if mark else None)
        if loss.is_noted(row.body for row in run.store.evidence(key)):
            return []
        self.log.warning("%s", loss)
        return [loss]

    def _read(
        self, run: FlowRun, board: AsanaHook, policy: Policy, task: Task, link: Link, look: Look, *, now: datetime
    ) -> bool:
        """The task's decisions. False when reading on would only meet the same trouble again."""
        try:
            signals = signals_of(task, board.stories(task.gid), policy, closed_by_us=is_closed(link))
            settled = [one for one in signals if not is_too_young(one, now)]
            before = run.store.decisions().of(link.key)
            known = {one.decision_id for one in before}
            look.decisions += decisions_of(
                settled, flow=run.flow.flow, link=link, board=board, links=run.store.links("bill"), known=known
            )
        except IntacctAsanaError as error:
            if isinstance(error, Refused) and board.task(task.gid) is None:
                self.log.info("Task %s of %s is gone; the next run says by whom", task.gid, link.key)
                return True
            if isinstance(error, OddRecord):
                look.owe(link, error)
            else:
                look.report.fail(link.key, error)
                look.is_stuck = True
            return not isinstance(error, TryLater | Misconfigured)
        look.report.count("read")
        look.note_read(task, signals, settled, policy.way.shown_on(task), now)
        # A choice whose story is late is one all the same: it is waited for.
        is_late, is_elsewhere = len(settled) < len(signals), task.gid in look.away
        if not (is_late or is_elsewhere or is_closed(link)) and says_something_else(task, before, policy):
            look.to_show.add(link.key)
        return True

    def _keep(self, run: FlowRun, look: Look, cursors: list[Cursor]) -> list[Decision]:
        """What was found, the evidence of what is lost, and the cursors: all of it or nothing."""
        decisions, now = run.store.decisions(), run.now()
        with run.store.together():
            recorded = decisions.record(look.decisions, at=now, cursors=cursors)
            for loss in look.losses:
                run.store.note(loss.key, facts=loss.facts, at=now)
            run.store.marks().read(look.marks)
        for decision in recorded:
            self.log.info("Recorded %s: %s on %s", decision.decision_id, decision.signal.verdict, decision.key)
        return recorded


def _places(run: FlowRun, pins: Pins) -> Places:
    names = Places.names(pins.project_gid)
    return Places.of(pins.project_gid, {name: run.store.cursor(name) for name in names})


def _to_show(run: FlowRun, look: Look) -> Cursor:
    waiting = json.loads(run.store.cursor(TO_SHOW) or "[]")
    return Cursor(name=TO_SHOW, value=json.dumps(sorted({*waiting, *look.to_show})))


def _unlinked(run: FlowRun, pins: Pins, look: Look, linked: Mapping[str, Link]) -> list[datetime]:
    """When tasks changed that carry the key of a bill without a task: their links may be saved soon, so look again."""
    key_field = pins.fields[run.flow.bills.key_field].gid
    waiting = list(waiting_for_links(look.tasks.values(), linked=linked, key_field_gid=key_field))
    taken = run.store.links("bill").of({key for key, _ in waiting})
    return [at for key, at in waiting if key not in taken]
