"""The step that makes exceptions somebody's work: a task for each, with an owner, until it is over."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from intacct_asana.codec import from_json, json_text
from intacct_asana.errors import IntacctAsanaError, Problem, Refused, TryLater
from intacct_asana.exceptions import (
    EXCEPTION,
    STEP,
    Held,
    Move,
    OpenKind,
    StepKind,
    adopted,
    causes_of,
    intent_of,
    looked_at,
    plan_matters,
)
from intacct_asana.flow.controls import Exceptions
from intacct_asana.journal import Outcome, carry_out
from intacct_asana.operators.checks import Row, failed, passed, tried
from intacct_asana.operators.closing.keeping import keep_owners
from intacct_asana.operators.drift.comparing import AUDITED
from intacct_asana.operators.flow_run import FlowOperator, FlowRun
from intacct_asana.records import Cursor, Decision, DecisionState, Intent, Task
from intacct_asana.records.matters import PARKED, REFUSED, REJECTED, Cause, Matter, MatterState, matter_id_of
from intacct_asana.records.payee import PayeeState
from intacct_asana.store.retention import LEAST
from intacct_asana.sync.report import Report
from intacct_asana.sync.writes import MARGIN, remark_kind, task_kind

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from intacct_asana.asana.hook import AsanaHook

LOOKED, EVIDENCE = "exceptions_looked", "exceptions_evidence"
"""Cursors: Asana's clock when the tasks were last looked at, by project, and the evidence that was looked through."""
LOOK_EVERY = timedelta(hours=1)
STILL_TRIED = timedelta(days=2)
"""A failing write that no run tried again for so long is wanted no more."""
LOOKS_LOST = timedelta(hours=1)
"""A write without an answer is looked for by every run; one that is in doubt for so long needs a person."""
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
"""Whoever accepted what an older store knew did so before this one began."""
ABOUT_ACCEPTANCE = "exception accepted"
"""What such evidence is about."""


class KeepExceptionsOperator(FlowOperator):
    """Opens, updates and completes the tasks of exceptions, as the causes in the store say, and heeds what people do with them.

    It calls Asana only when a cause came, went or changed, and once an hour while there are exceptions; with `looks_at_all`
    every task of theirs is looked at. In a rehearsal it says what would be done.
    """

    is_for_all_bills = True

    def __init__(self, *, looks_at_all: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.looks_at_all = looks_at_all

    def work(self, context: Context) -> dict[str, Any]:
        run, report = self.run_parts, Report(noun="exceptions")
        rules = run.flow.exceptions
        if rules is None:
            return report.summary()
        keeper = Keeper(run, rules, report)
        if run.flow.rehearsal:
            keeper.say()
        else:
            try:
                with run.store.lease("keeping exceptions", now=run.now()):
                    keeper.keep(looks_at_all=self.looks_at_all)
            except TryLater as error:
                report.say("waits", error.message)
        states = Counter(str(one.state) for one in keeper.known.values())
        result = {**report.summary(), "states": dict(states), "too_many": keeper.is_flood, "calls": run.calls()}
        for line in (line for lines in report.said.values() for line in lines):
            self.log.info("%s", line)
        self.log.info("%s", json.dumps(result))
        report.raise_if_failed()
        return result


class Keeper:
    """One run's exceptions."""

    def __init__(self, run: FlowRun, rules: Exceptions, report: Report) -> None:
        self.run, self.rules, self.report = run, rules, report
        self.store, self.now, self.is_flood = run.store, run.now(), False
        self.project = rules.project or run.flow.bills.project
        self.looked_name = f"{LOOKED}:{self.project}"
        self.known: Mapping[str, Matter] = self.store.matters().live()

    @cached_property
    def board(self) -> AsanaHook:
        return self.run.own_board("bill")[0]

    @cached_property
    def bot_gid(self) -> str:
        return self.run.own_board("bill")[1].bot_gid

    def say(self) -> None:
        for move in self._moves(self._causes()[0]):
            self.report.say("would", f"Rehearsal: would {move.does} the exception {move.after.title!r}: {move.after.words}")

    def keep(self, *, looks_at_all: bool) -> None:
        self._finish()
        causes, evidence = self._causes()
        self._look(causes, looks_at_all=looks_at_all)
        moves = self._moves(causes)
        for move in moves:
            if not move.writes:
                self._settle(move)
        self._write([move for move in moves if move.writes])
        if not self.report.failures and not self.is_flood:
            self._save_cursor(EVIDENCE, str(evidence))
        self.known = self.store.matters().live()
        keep_owners(self.run, self.known)

    def _finish(self) -> None:
        """What was sent, and nobody knows what became of, comes first. What never left may not be wanted any more."""
        journal = self.store.intents()
        noted = journal.open(EXCEPTION, STEP)
        sent = [one for one in noted if one.state.is_in_doubt and (one.kind == STEP or one.subject == self.project)]
        for one in noted:
            if one not in sent:
                with suppress(TryLater):
                    journal.drop(one)
        self._carry_out(sent)

    # Which causes hold.

    def _causes(self) -> tuple[list[Cause], int]:
        """With the number of the newest evidence that they go by. Decisions from before the first run are history."""
        kept = self.store.cursor(EVIDENCE)
        changed, newest = self.store.asks().decided_since(int(kept or 0))
        parked = {one.key for one in self.store.decisions().unsettled() if one.state is DecisionState.PARKED}
        held = {one.about for one in self.known.values() if one.kind in (PARKED, REFUSED, REJECTED)}
        keys = parked | held | (changed if kept is not None else frozenset())
        decisions: dict[str, list[Decision]] = {}
        for one in self.store.decisions().about(keys):
            decisions.setdefault(one.key, []).append(one)
        # What controls found that the flow file names no more holds nothing, and where it names none, no step ends it.
        concerns = self.store.concerns().open() if self.run.flow.controls.declared else []
        plan = self.store.newest_whole_plan("bill")
        owed: Mapping[str, str] = plan.summary.get("failed", {}) if plan else {}
        left: Mapping[str, str] = (plan.result or {}).get("not_put_back", {}) if plan else {}
        kinds = (task_kind("bill"), remark_kind("bill"))
        failing = self.store.intents().failing(*kinds, since=self.now - STILL_TRIED, before=self.now - LOOKS_LOST)
        links, changes = self.store.links("bill"), self.store.payees().named(one.cause for one in concerns)
        found = Held(
            decisions=decisions,
            links=links.of({*keys, *owed, *left, *(one.subject for one in failing), *(one.key for one in concerns)}),
            showing=links.showing(decisions),
            drifted=self.store.findings().open(),
            owed=owed,
            unplaced=frozenset(plan.summary.get("unplaced", ())) if plan else frozenset(),
            not_put_back=left,
            failing=failing,
            concerns=concerns,
            called_back=frozenset(one.change_id for one in changes if one.state is PayeeState.OPEN),
        )
        return causes_of(found, at=self.now), newest

    def _moves(self, causes: Sequence[Cause]) -> list[Move]:
        matters = self.store.matters()
        known = {**matters.of({matter_id_of(self.run.flow.flow, one) for one in causes}), **matters.live()}
        moves, self.is_flood = plan_matters(causes, known, flow=self.run.flow.flow, at=self.now, most=self.rules.most)
        return moves

    # What people did with the tasks.

    def _look(self, causes: Sequence[Cause], *, looks_at_all: bool) -> None:
        """Those that changed since the last look, where one is due; all of them at first, and where all are asked for."""
        matters, known = self.store.matters(), self.store.cursor(self.looked_name)
        since = datetime.fromisoformat(known) if known else None
        is_due = since is None or self.now - since >= LOOK_EVERY or looks_at_all
        sees_all = looks_at_all or since is None
        if is_due := is_due and bool(since is None or matters.live() or matters.adopted()):
            at = self.board.clock()
            there = self._listed(since=None if sees_all else since)
        else:
            at, there = self.now, {}
        if is_due and sees_all:
            self._adopt(there, is_first=since is None)
        recognised = self._recognise(causes)
        if is_due and looks_at_all and self.store.cursor(AUDITED):
            self._sort_out(there)
        for matter_id, matter in matters.live().items():
            is_asked = matter.task_gid and matter_id not in there and ((is_due and sees_all) or matter_id in recognised)
            task = self.board.task(matter.task_gid) if is_asked else there.get(matter_id)
            if task:
                self._heed(matter, task)
            elif is_asked:
                # Somebody deleted it: as long as the cause holds it is made anew.
                matters.save(replace(matter, task_gid=""), at=self.now)
        if is_due and not self.report.failures:
            self._save_cursor(self.looked_name, at.isoformat())

    def _listed(self, *, since: datetime | None) -> dict[str, Task]:
        # One that cannot be read may be anything but ours: we write plain text.
        pages = self.board.tasks(self.project, modified_since=since and since - MARGIN, unread=lambda one: None)
        known = {one.task_gid for one in self.store.matters().live().values()}
        return adopted(pages, flow=self.run.flow.flow, bot_gid=self.bot_gid, known=known)

    # What another store of the flow made.

    def _adopt(self, there: Mapping[str, Task], *, is_first: bool) -> None:
        """Tasks of ours that this store does not know. An older one may have been lost; its exceptions go on.

        A store that looked before has forgotten what was over long ago (`store prune`): that stays forgotten.
        """
        known, matters = self.store.matters().of(there), self.store.matters()
        for matter_id, task in there.items():
            is_old = task.modified_at is not None and task.modified_at < self.now - LEAST
            if matter_id not in known and (is_first or not (task.completed and is_old)):
                matters.save(
                    Matter(
                        matter_id=matter_id,
                        kind="",
                        cause="",
                        title=task.name,
                        words="",
                        opened_at=self.now,
                        caused_at=LONG_AGO,
                        state=MatterState.ADOPTED,
                        task_gid=task.gid,
                        task_url=task.permalink_url,
                    ),
                    at=self.now,
                )

    def _recognise(self, causes: Sequence[Cause]) -> set[str]:
        """Those whose cause holds are as if this store had made them, accepted ones too."""
        adopted_ones, matters = self.store.matters().adopted(), self.store.matters()
        holding = {matter_id_of(self.run.flow.flow, cause): cause for cause in causes} if adopted_ones else {}
        for matter_id in adopted_ones.keys() & holding.keys():
            matter, cause = adopted_ones[matter_id], holding[matter_id]
            now = replace(matter, kind=cause.kind, cause=cause.cause, title=cause.title, words=cause.words)
            since = min(cause.since, self.now)
            matters.save(replace(now, state=MatterState.OPEN, opened_at=since, about=cause.about), at=self.now)
        return adopted_ones.keys() & holding.keys()

    def _sort_out(self, there: Mapping[str, Task]) -> None:
        """After an audit with this store every cause is known: what is open still without one is over, and completed next."""
        for matter_id, matter in self.store.matters().adopted().items():
            is_open = matter_id in there and not there[matter_id].completed
            # How often the lost store told that it was over, or back, nobody knows: what comes next needs a number of its own.
            over = replace(matter, state=MatterState.ENDED, turns=int(self.now.timestamp()))
            self.store.matters().save(replace(matter, state=MatterState.OPEN) if is_open else over, at=self.now)

    def _heed(self, matter: Matter, task: Task) -> None:
        try:
            is_asked = task.completed and matter.state is not MatterState.ACCEPTED
            stories = self.board.stories(task.gid) if is_asked else ()
        except IntacctAsanaError as error:
            self.report.fail(matter.matter_id, error)
            return
        sources = self.run.flow.approval.sources
        move = looked_at(matter, task, stories, bot_gid=self.bot_gid, sources=sources)
        if move and move.writes:
            self._write([move])
        elif move:
            self._settle(move)

    def _settle(self, move: Move) -> None:
        """What moves in the store alone. Who accepted what, and why, stands in the evidence of its bill."""
        after = move.after
        with self.store.together():
            self.store.matters().save(after, at=self.now)
            if move.does == "accepted" and after.about:
                facts = {"about": ABOUT_ACCEPTANCE, "kind": after.kind, "cause": after.cause, "words": after.words}
                who = {"accepted_by": after.accepted_by, "user_gid": after.accepted_gid, "reason": move.reason}
                self.store.note(after.about, facts={**facts, **who, "task_gid": after.task_gid}, at=self.now)
        self.report.count(move.does)
        said = f": {after.accepted_by} accepted it, because {after.why}" if move.does == "accepted" else ""
        self.report.say(move.does, f"{after.title}{said}")

    # Writing.

    def _write(self, moves: Sequence[Move]) -> None:
        if not moves:
            return
        since = self.board.clock()
        intents = [
            intent_of(move, project=self.project, owner=self.rules.owner_of(move.after.kind), since=since) for move in moves
        ]
        self._carry_out(intents)

    def _carry_out(self, intents: Sequence[Intent]) -> None:
        if not intents:
            return
        kinds = [
            OpenKind(board=self.board, bot_gid=self.bot_gid, flow=self.run.flow.flow),
            StepKind(board=self.board, bot_gid=self.bot_gid),
        ]
        steps = carry_out(
            intents, kinds=kinds, journal=self.store.intents(), keep=self._keep, owner="keep_exceptions", now=self.run.now
        )
        with closing(steps) as outcomes:
            for outcome in outcomes:
                title = str(_after(outcome.intent).title)
                if outcome.error:
                    self.report.fail(title, outcome.error)
                else:
                    self.report.writes += 1
                    self.report.count(outcome.intent.kind)

    def _keep(self, outcome: Outcome) -> None:
        """In the transaction that ends the write. A task that somebody deleted is made anew while its cause holds."""
        if not outcome.is_done:
            return
        after, found = _after(outcome.intent), outcome.found
        task: Task | None = found if isinstance(found, Task) else found.task
        gid, url = (task.gid, task.permalink_url) if task else ("", "")
        self.store.matters().save(replace(after, task_gid=gid, task_url=url), at=self.now)

    def _save_cursor(self, name: str, value: str) -> None:
        if self.store.cursor(name) != value:
            self.store.save_cursor(Cursor(name=name, value=value))


def _after(intent: Intent) -> Matter:
    return from_json(Matter, json_text(intent.body["after"]))


def rows_of_exceptions(run: FlowRun, board: AsanaHook) -> list[Row]:
    """Whether the project of exceptions can be written, and its owners are users."""
    rules = run.flow.exceptions
    if rules is None:
        return []
    rows: list[Row] = []
    if project := rules.project:
        rows.append(tried("Asana exceptions project", lambda: f"{board.project(project)[1]!r}"))
    for email in dict.fromkeys((rules.owner, *rules.owners.values())):
        check = f"owner of exceptions {email}"
        try:
            person = board.person(email)
        except Refused as error:
            rows.append({"check": check, "result": error.message, "mend": "", "ok": "no"})
            continue
        mend = "mend the e-mail in the flow file's exceptions"
        missing = Problem(where="Asana", what="no such user", mend=mend)
        rows.append(passed(check, f"is {person.name}") if person else failed(check, missing))
    return rows
