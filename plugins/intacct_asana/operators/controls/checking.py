"""The step that looks around bills before anything is settled: the ledger of all bills, the controls over it, the telling."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from intacct_asana.approvals.guards.concerns import Watch
from intacct_asana.approvals.standing import AnswerKind
from intacct_asana.control_ports import Ledger
from intacct_asana.controls import OWN_KINDS, declared
from intacct_asana.controls.frame import CONCERN, NOT_DECLARED, comment_on, end, judged, to_examine
from intacct_asana.controls.ledger import FORM, HeldLedger, facts_of
from intacct_asana.controls.slices import edges_of
from intacct_asana.errors import IntacctAsanaError, OddRecord, Refused
from intacct_asana.flow.rules import digest_of
from intacct_asana.journal import Outcome, carry_out
from intacct_asana.operators.controls.callbacks import look_at_payees
from intacct_asana.operators.controls.payees import SEEN, Bills, begin, standing, unlooked
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, is_closed
from intacct_asana.reading.ledger import LEDGER, LedgerReading, Read, without_fields
from intacct_asana.records import Cursor, Link, Unread
from intacct_asana.records.concerns import GONE, BillFacts, Concern
from intacct_asana.sync.report import Report

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

MOST_TOLD = 100
"""Concerns that one run tells. The next run goes on."""
SHUT = "shut"
"""In the cursor: bills of open concerns whose task was closed when they were asked for."""


def watch_of(run: FlowRun) -> Watch:
    """What the controls found, for whoever judges decisions. A flow without controls has nothing to watch."""
    controls = run.flow.controls.declared
    return Watch(
        ledger=run.store.ledger(),
        concerns=run.store.concerns(),
        now=run.now,
        has_controls=bool(controls) and (run.is_dry_run or not run.flow.rehearsal),
        blocks=any(one.mode == "block" for one in controls),
        unlooked=unlooked(run),
    )


class CheckBillsOperator(FlowOperator):
    """Reads what changed among all bills, asks each control about it, keeps what was found and tells it on the tasks, once.

    Facts, concerns and cursor are kept in one transaction; what was kept and not told yet is told by the next run. When this
    step fails, approvals of bills that it did not see as they are wait where a control blocks (`approvals.guards.concerns`).
    In a rehearsal everything is read each time, and what would be told is said.
    """

    def work(self, context: Context) -> dict[str, Any]:
        run, report = self.run_parts, Report(noun="bills")
        if run.is_dry_run:
            self.log.info("Dry run: approvals are judged by what the checks of the runs before found.")
            return {"dry_run": True}
        checks = Checks(run, report)
        stood = run.store.cursor(LEDGER)
        begin(run)
        checks.look()
        payees = look_at_payees(run, report, checks.bills(stood))
        if not run.flow.rehearsal:
            tell(run, report)
        result: dict[str, Any] = {**report.summary(), **checks.report(), **payees, "calls": run.calls()}
        for line in (line for lines in report.said.values() for line in lines):
            self.log.info("%s", line)
        for one in checks.kept if not run.flow.rehearsal else ():
            self.log.info("%s, %s: %s", one.key, one.kind, one.words if one.is_open else f"over, since {one.why}")
        self.log.info("%s", json.dumps(result))
        report.raise_if_failed()
        return result


class Checks:
    """One run's look at bills."""

    def __init__(self, run: FlowRun, report: Report) -> None:
        self.run, self._report, self.at = run, report, run.now()
        self.controls = declared(run.flow.controls, at=self.at, approval=run.flow.approval)
        self.changed: dict[str, BillFacts] = {}
        self.kept: list[Concern] = []

    def report(self) -> dict[str, object]:
        opened = [one for one in self.kept if one.is_open]
        ended = len(self.kept) - len(opened)
        return {"bills_looked_at": len(self.changed), "concerns_found": len(opened), "concerns_ended": ended}

    @cached_property
    def reading(self) -> LedgerReading[BillFacts]:
        run, controls, context = self.run, self.run.flow.controls, self.run.flow.context
        edges = edges_of(run.flow.approval) if controls.slices else ()
        return LedgerReading(
            run.books,
            scope=run.flow.bills,
            kept=run.store.cursor(LEDGER),
            form=f"{FORM} {digest_of(controls, run.flow.connections.intacct, *edges)}",
            days=max(controls.known_days, context.ledger_days(self.at.date()) if context else 0),
            now=self.at,
            keep=facts_of,
        )

    def bills(self, stood: str | None) -> Bills:
        """What this run knows of bills, for a control that looks at vendors. `stood` is the ledger's cursor before it."""
        store = self.run.store
        is_missing = store.cursor(SEEN) != standing(stood)
        ledger: Ledger = store.ledger()
        if self.run.flow.rehearsal:
            ledger = HeldLedger({one.key: one for one in [*store.ledger().all(), *self.changed.values()]}.values())
        return Bills(ledger=ledger, changed=self.changed, all_of_them=is_missing or self.reading.is_first)

    def look(self) -> None:
        store = self.run.store
        try:
            read = self.reading.everything(self._again)
        except IntacctAsanaError:
            if not self.run.flow.rehearsal:
                store.save_cursor(Cursor(name=LEDGER, value=without_fields(store.cursor(LEDGER))))
            raise
        self.changed = self._changed(read)
        if self.reading.is_first or self.run.flow.rehearsal:
            # So many at once are compared in memory; in a rehearsal, because nothing is kept.
            self._judge(HeldLedger({one.key: one for one in [*store.ledger().all(), *self.changed.values()]}.values()))
        if self.run.flow.rehearsal:
            for one in (one for one in self.kept if one.is_open):
                self._report.say(one.key, f"{one.key}: would be told on its task: {one.words}")
        else:
            with store.together():
                store.ledger().save(self.changed.values())
                if not self.reading.is_first:
                    self._judge(store.ledger())
                store.concerns().save(self.kept)
                store.save_cursor(Cursor(name=LEDGER, value=read.cursor))
        self._name(read.unread.values())

    def _name(self, unread: Collection[Unread]) -> None:
        """Those that cannot be read. Of one that this flow has no task of it is said, and fails nothing."""
        links = self.run.store.links("bill").of({one.key for one in unread} if unread else ())
        for one in unread:
            if one.key in links:
                self._report.fail(one.key, OddRecord(one.why))
            else:
                self._report.say(one.key or one.record_no, one.why)

    # Which bills.

    def _again(self, came: Collection[str]) -> set[str]:
        """Numbers of bills to ask for beside those that came: whose decision waits and that are not known, all with an open
        task at first, and those of open concerns whose task was closed or, daily, that may be gone."""
        store = self.run.store
        links = store.links("bill")
        waits = {one.key: one.record_no for one in store.decisions().unsettled()}
        if self.reading.is_first:
            waits |= {key: link.record_no for key, link in links.all().items() if not is_closed(link)}
        known = store.ledger().of(waits)
        asked = {number for key, number in waits.items() if key not in known or self.reading.is_first}
        return (asked | self._suspects()) - set(came)

    def _suspects(self) -> set[str]:
        """A bill that is deleted tells nothing by itself. The bill sync, which asks for deletions, closes its task."""
        opened = self.run.store.concerns().open()
        keys = {key for one in opened for key in (one.key, *one.others)}
        if not keys:
            return set()
        known, links = self.run.store.ledger().of(keys), self.run.store.links("bill").of(keys)
        there = {key: facts for key, facts in known.items() if facts.is_open}
        shut = {key for key in there if key in links and is_closed(links[key])}
        # One that is there all the same, in a state that has no task, is asked for once.
        due = set(there) if self.reading.sweeps else shut - set(self.reading.kept.get(SHUT, ()))
        self.reading.told[SHUT] = sorted(shut)
        return {there[key].record_no for key in due}

    def _changed(self, read: Read[BillFacts]) -> dict[str, BillFacts]:
        """Those that are not as they were kept. One that is gone stays, as gone, unless Purchasing made it anew."""
        ledger = self.run.store.ledger()
        known = ledger.of(read.bills)
        now = {key: replace(one, first_no=known[key].first_no) if key in known else one for key, one in read.bills.items()}
        for one in ledger.by_record_no(read.gone):
            if one.key not in now:
                now[one.key] = replace(one, state=GONE)
                known = {**known, one.key: one}
        return {key: one for key, one in now.items() if one != known.get(key)}

    # What is found about them.

    def _judge(self, ledger: Ledger) -> None:
        stored = self.run.store.concerns()
        opened = stored.open()
        examined = to_examine(self.changed, opened)
        if self.reading.is_first:
            # Bills that did not change may be something else by what the flow file says now.
            examined |= {*self.reading.read.bills, *(one.key for one in opened if one.kind in OWN_KINDS)}
        found, look_at = dict[str, Concern](), {*examined}
        while look_at:
            # Whoever something was found about is looked at whole, so that what it takes the place of ends.
            facts = [*ledger.of(look_at).values()]
            found |= {one.concern_id: one for control in self.controls for one in control.concerns(facts, ledger)}
            look_at = {one.key for one in found.values()} - examined
            examined |= look_at
        kinds = {control.kind for control in self.controls}
        about = [one for one in stored.of({*examined, *(one.key for one in found.values())}) if one.kind in kinds]
        self.kept = judged(found.values(), about, examined=examined, at=self.at)
        undeclared = [one for one in opened if one.kind in OWN_KINDS and one.kind not in kinds]
        self.kept += [end(one, why=NOT_DECLARED, at=self.at) for one in undeclared]


def tell(run: FlowRun, report: Report) -> None:
    """One comment for each open concern on its bill's open task, also on one that took the place of another."""
    concerns, journal = run.store.concerns(), run.store.intents()
    opened, told_on = concerns.open(), concerns.told_on()
    links: Mapping[str, Link] = run.store.links("bill").of({key for one in opened for key in (one.key, *one.others)})
    shown = [one for one in opened if one.key in links and not is_closed(links[one.key])]
    untold = {one.concern_id: one for one in shown if told_on[one.concern_id] != links[one.key].task_gid}
    due = [untold[concern_id] for concern_id in run.in_turn(untold, name="concerns_behind", most=MOST_TOLD)]
    if not due:
        return
    board, pins = run.own_board("bill")
    others = run.store.ledger().of({key for one in due for key in one.others})
    intents = [comment_on(one, links[one.key], others=others, links=links) for one in due]
    by_id = {intent.intent_id: one for intent, one in zip(intents, due, strict=True)}

    def keep(outcome: Outcome) -> None:
        if outcome.is_done:
            concerns.tell(by_id[outcome.intent.intent_id], task_gid=outcome.intent.subject)

    kind = AnswerKind(board=board, bot_gid=pins.bot_gid, name=CONCERN, looks_first=True)
    steps = carry_out(intents, kinds=[kind], journal=journal, keep=keep, owner="check_bills", now=run.now, workers=1)
    with closing(steps) as outcomes:
        for outcome in outcomes:
            one = by_id[outcome.intent.intent_id]
            if isinstance(outcome.error, Refused) and board.task(outcome.intent.subject) is None:
                # Nobody is left to hear of it there; the bill sync makes another task.
                continue
            if outcome.error:
                report.fail(one.key, outcome.error)
            report.writes += int(outcome.is_done)
    run.store.marks().wrote(board.wrote)
