"""The first step of the approvals DAG: which tasks to look at, and what people decided on them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from intacct_asana.approvals import Decided, Policy, Settler, decisions_of, signals_of
from intacct_asana.approvals.rehearse import found_to_json
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OddRecord, Refused, TryLater, UnexpectedReply
from intacct_asana.operators.checks import drift
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, is_closed, note_words, policy_of
from intacct_asana.operators.runs.narrowing import narrowed_to, since_of, waiting_among
from intacct_asana.reading.choices import (
    TO_LOOK_AT,
    TO_SHOW,
    Copy,
    Hints,
    Look,
    Loss,
    Places,
    chosen_by_people,
    is_taken_back,
    is_too_young,
    is_young,
    may_be_chosen_on,
    may_be_news,
    no_approvals,
    says_something_else,
    unlinked,
)
from intacct_asana.records import Cursor, Decision, DecisionState, Link, Mark, Pins, Task, UnreadTask
from intacct_asana.records.asks import AskState
from intacct_asana.store import StoredPlan

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

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        board, pins = run.own_board("bill")
        began, began_there = run.now(), _clock_of(board)
        if not run.flow.rehearsal:
            note_words(run, at=began_there or began)
        policy = policy_of(run, pins)
        before, drifted = _places(run, pins), drift(run, board, "bill", pins)
        for what in drifted:
            self.log.warning("Changed in Asana since preflight: %s", what)
        only, since = narrowed_to(context, run), since_of(context)
        if only is not None or since:
            hints, look = self._narrowed(run, board, pins, policy, only, since)
        else:
            hints = self._hints(board, pins, before)
            crawls = hints.tell_too_little or before.crawl_is_due(every_hours=run.flow.approval.crawl_hours, now=began)
            look = Look(crawls=crawls, newest=before.seen_until, began_at=began_there)
            self._list(run, board, pins, policy, hints.touched | before.owed, look)
            asked = self._read_asked(run, board, policy, hints, look, before) if policy.way.on_subtasks else frozenset()
            self._ask(run, board, pins, policy, hints, look, before, but=asked)
        self._name_unread(run, look)
        by_task = run.store.links("bill").by_task(look.tasks)
        self._look_at_unlinked(run, board, pins, policy, look, by_task)
        for task in look.tasks.values() if not policy.way.on_subtasks else ():
            if task.gid in by_task and not self._read(run, board, policy, task, by_task[task.gid], look, now=began):
                break
        others = [(task, link) for task, link in no_approvals(look.tasks.values(), by_task, policy) if not is_closed(link)]
        for task, link in others:
            self.log.warning("Task %s of %s is no approval: nobody can decide on it. Convert it in Asana.", task.gid, link.key)
        more = [_added_to(run, TO_SHOW, look.to_show), _added_to(run, TO_LOOK_AT, look.taken_back)]
        places = [] if only is not None or since else look.places(hints, before, began=began).cursors()
        cursors = [] if look.is_stuck else [*places, *more]
        plan = self._kept_for_rehearsal(context, run, look) if run.flow.rehearsal else {}
        recorded = [] if run.flow.rehearsal else self._keep(run, policy, look, cursors)
        look.report.raise_if_failed()
        return {
            "events": hints.events,
            "unreadable_events": hints.unreadable,
            "full_crawl": look.crawls and not since,
            "tasks_listed": len(look.listed),
            "tasks_looked_at": len(by_task),
            "tasks_out_of_the_project": len(look.away),
            "recorded": len(recorded),
            "not_approvals": len(others),
            "drift": drifted,
            "gone": [str(loss) for loss in look.losses],
            "copies": [str(copy) for copy in look.copies],
            **plan,
            "calls": run.calls(),
        }

    def _narrowed(
        self,
        run: FlowRun,
        board: AsanaHook,
        pins: Pins,
        policy: Policy,
        only: frozenset[str] | None,
        since: datetime | None,
    ) -> tuple[Hints, Look]:
        """Tasks of these bills, or those that changed since then. No place moves, so the next run meets all there is.

        Whatever is read is read whole and recorded, or left unmarked: to look at a part loses nothing.
        """
        hints, nowhere = Hints(bot_gid=pins.bot_gid), Places(project_gid=pins.project_gid)
        look = Look(crawls=only is None)
        if only is None:
            for page in board.tasks(pins.project_gid, modified_since=since, unread=look.tell_unread):
                look.list_page(page, {}, policy, touched=())
        else:
            hints.touched |= {link.task_gid for link in run.store.links("bill").of(only).values()}
            asks = (ask for asked in run.store.asks().of(only).values() for ask in asked)
            hints.touched |= {ask.subtask_gid for ask in asks if ask.subtask_gid}
        asked = self._read_asked(run, board, policy, hints, look, nowhere) if policy.way.on_subtasks else frozenset()
        if only is not None:
            self._ask(run, board, pins, policy, hints, look, nowhere, but=asked)
        return hints, look

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
        self,
        run: FlowRun,
        board: AsanaHook,
        pins: Pins,
        policy: Policy,
        hints: Hints,
        look: Look,
        before: Places,
        *,
        but: Collection[str],
    ) -> None:
        """Tasks that the listing does not hold, one by one: touched, deleted, or known to be somewhere else.

        A crawl asks for every open bill's task that is not in the project, because no event of it needs to have come.
        """
        links, asked = run.store.links("bill"), {*hints.touched, *hints.deleted, *before.away, *before.owed}
        if look.crawls:
            asked |= {link.task_gid for link in links.all().values() if not is_closed(link)}
        asked -= {*look.listed, *but}
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
                continue
            is_here = pins.project_gid in task.project_gids
            if not is_here and link and not is_closed(link):
                look.away.add(gid)
            # In the project once more it may have been brought back by somebody, or by us.
            is_touched = gid in hints.touched or gid in hints.deleted
            is_touched = is_touched or gid in before.owed
            if (is_here or gid in look.away) and (is_touched or may_be_news(task, marks.get(gid), policy, crawls=look.crawls)):
                look.tasks[gid] = task

    def _read_asked(
        self, run: FlowRun, board: AsanaHook, policy: Policy, hints: Hints, look: Look, before: Places
    ) -> frozenset[str]:
        """Choices on the subtasks by which people were asked: on those that people touched, and that may still fill up.

        No listing of the project holds them, so a look at the whole project asks for each that is open, or that waits for
        others. The answer holds all subtasks of ours that something hinted at.
        """
        asks, links = run.store.asks(), run.store.links("bill")
        hinted = asks.by_subtask({*hints.touched, *hints.deleted, *before.owed})
        wanted = dict(hinted)
        if look.crawls:
            waiting = {one.signal.task_gid for one in run.store.decisions().granted()}
            wanted |= {one.subtask_gid: one for one in asks.open() if one.subtask_gid} | dict(asks.by_subtask(waiting))
        linked, marks = links.of({ask.key for ask in wanted.values()}), run.store.marks().of(wanted)
        for gid, ask in sorted(wanted.items()):
            link = linked.get(ask.key)
            if link is None or link.task_gid != ask.task_gid:
                continue
            try:
                task = board.task(gid)
            except IntacctAsanaError as error:
                if isinstance(error, TryLater | Misconfigured):
                    raise
                look.report.fail(f"{ask.key}, subtask {gid}", error)
                look.owed.add(gid)
                continue
            is_news = gid in hinted or (task and may_be_news(task, marks.get(gid), policy, crawls=True))
            if task is None:
                look.gone += [ask] if ask.is_live else []
                # What was given on it has no proof any more.
                look.taken_back |= {ask.key} if ask.state is AskState.ANSWERED else set()
            elif is_news and not self._read(run, board, policy, task, link, look, now=run.now(), asked_about=ask.digest):
                break
        return frozenset(hinted)

    @staticmethod
    def _name_unread(run: FlowRun, look: Look) -> None:
        """Tasks of open bills that cannot be read: no decision comes of them, and each run asks for them again."""
        for gid, link in run.store.links("bill").by_task(look.unread).items():
            if not is_closed(link):
                look.owe(link, gid, OddRecord(look.unread[gid]))

    def _lost(self, run: FlowRun, key: str, task_gid: str, hints: Hints, mark: Mark | None) -> list[Loss]:
        """Once an event: the next run may meet it again."""
        loss = Loss(key=key, task_gid=task_gid, event=hints.deleted.get(task_gid), read_until=mark.read_at if mark else None)
        if loss.is_noted(row.body for row in run.store.evidence(key)):
            return []
        self.log.warning("%s", loss)
        return [loss]

    def _read(
        self,
        run: FlowRun,
        board: AsanaHook,
        policy: Policy,
        task: Task,
        link: Link,
        look: Look,
        *,
        now: datetime,
        asked_about: str = "",
    ) -> bool:
        """The task's decisions. False when reading on would only meet the same trouble again."""
        try:
            stories = board.stories(task.gid)
            signals = signals_of(task, stories, policy, closed_by_us=is_closed(link))
            settled = [one for one in signals if not is_too_young(one, now)]
            before = run.store.decisions().of(link.key)
            known = {one.decision_id for one in before}
            look.decisions += decisions_of(
                settled,
                flow=run.flow.flow,
                link=link,
                board=board,
                links=run.store.links("bill"),
                known=known,
                asked_about=asked_about,
            )
        except IntacctAsanaError as error:
            if isinstance(error, Refused) and board.task(task.gid) is None:
                self.log.info("Task %s of %s is gone; the next run says by whom", task.gid, link.key)
                return True
            if isinstance(error, OddRecord):
                look.owe(link, task.gid, error)
            else:
                look.report.fail(link.key, error)
                look.is_stuck = True
            return not isinstance(error, TryLater | Misconfigured)
        if any(is_taken_back(one, stories, policy) for one in before if one.signal.task_gid in (task.gid, one.task_gid)):
            look.taken_back.add(link.key)
        look.report.count("read")
        if policy.way.on_subtasks and is_young(task, now):
            look.owed.add(task.gid)
        look.note_read(task, signals, settled, policy.way.shown_on(task), now)
        # A choice whose story is late is one all the same: it is waited for.
        is_late = len(settled) < len(signals)
        if not (is_late or is_closed(link)) and says_something_else(task, before, policy):
            look.to_show.add(link.key)
        return True

    def _kept_for_rehearsal(self, context: Context, run: FlowRun, look: Look) -> dict[str, Any]:
        """A plan with what was found, which the next step judges. Nothing else is kept."""
        if not run.store.links("bill").count():
            self.log.info("No bill has a task yet, so nobody can have decided: bill_sync makes them after the rehearsal.")
        found, now = [one.decision_id for one in look.decisions], run.now()
        self.log.info("Rehearsal: %d choices found, not recorded; settle_decisions says what would become of them", len(found))
        stored = StoredPlan(
            plan_id=f"decisions-{now:%Y%m%dT%H%M%S%f}",
            kind="decisions",
            created_at=now,
            run_id=str(context["run_id"]),
            summary={"found": found},
            body=found_to_json(look.decisions),
        )
        run.store.save_plan(stored)
        return {"rehearsal": True, "found": len(found), "plan_id": stored.plan_id}

    def _look_at_unlinked(
        self, run: FlowRun, board: AsanaHook, pins: Pins, policy: Policy, look: Look, linked: Mapping[str, Link]
    ) -> None:
        """Tasks with the key of a bill without a task: their links may be saved soon, so look again. The others are copies."""
        found = list(unlinked(look.tasks.values(), linked=linked, key_field_gid=pins.fields[run.flow.bills.key_field].gid))
        taken = run.store.links("bill").of({key for key, _ in found})
        look.again += [task.modified_at for key, task in found if key not in taken and task.modified_at]
        for key, task in found:
            if key in taken:
                self._look_at_copy(board, policy, look, Copy(task=task, link=taken[key]), now=run.now())

    def _look_at_copy(self, board: AsanaHook, policy: Policy, look: Look, copy: Copy, *, now: datetime) -> None:
        task = copy.task
        if may_be_chosen_on(task, policy):
            try:
                chosen = chosen_by_people(signals_of(task, board.stories(task.gid), policy))
            except IntacctAsanaError as error:
                if not isinstance(error, Refused):
                    look.report.fail(f"copy {task.gid} of the task of {copy.link.key}", error)
                return
            copy = replace(copy, chosen=chosen)
            look.note_read(task, (), (), policy.way.shown_on(task), now)
        look.copies.append(copy)
        self.log.warning("%s", copy)

    def _keep(self, run: FlowRun, policy: Policy, look: Look, cursors: list[Cursor]) -> list[Decision]:
        """What was found, the evidence of what is lost, what has to be said on copies, and the cursors: all or nothing."""
        decisions, now = run.store.decisions(), run.now()
        with run.store.together():
            recorded = decisions.record(look.decisions, at=now, cursors=cursors)
            for loss in look.losses:
                run.store.note(loss.key, facts=loss.facts, at=now)
            answers = {one.intent_id: one for copy in look.copies if (one := copy.answer(policy))}
            known = run.store.intents().of(answers)
            run.store.intents().note([one for name, one in answers.items() if name not in known], at=now)
            run.store.marks().read(look.marks)
            if look.gone:
                run.store.asks().save([replace(ask, state=AskState.GONE, closed_at=now) for ask in look.gone])
                run.store.asks().work_out_again({ask.key for ask in look.gone})
        for decision in recorded:
            self.log.info("Recorded %s: %s on %s", decision.decision_id, decision.signal.verdict, decision.key)
        return recorded


def _clock_of(board: AsanaHook) -> datetime | None:
    """Without it the listing goes on from the newest change that it brought."""
    try:
        return board.clock()
    except UnexpectedReply:
        return None


def _places(run: FlowRun, pins: Pins) -> Places:
    return Places.of(pins.project_gid, run.store.cursors(Places.names(pins.project_gid)))


def _added_to(run: FlowRun, name: str, keys: Collection[str]) -> Cursor:
    waiting = json.loads(run.store.cursor(name) or "[]")
    return Cursor(name=name, value=json.dumps(sorted({*waiting, *keys})))


def look_at_taken_back(run: FlowRun, settler: Settler, summary: Decided, *, only: frozenset[str] | None = None) -> None:
    """Bills of which the reading found that somebody took a step back; those that fail wait for the next run."""
    keys, failed = waiting_among(run, TO_LOOK_AT, only)
    for key in keys:
        try:
            granted = [one for one in run.store.decisions().of(key) if one.state is DecisionState.GRANTED]
            bill = settler.find_whole(granted[-1]) if granted else None
            for decision in settler.look(key, bill) if bill else ():
                summary.note(decision)
        except IntacctAsanaError as error:
            failed.append(key)
            summary.fail(key, error)
    if keys and not run.flow.rehearsal:
        run.store.save_cursor(Cursor(name=TO_LOOK_AT, value=json.dumps(failed)))
