"""The steps of the daily audit: read both sides, compare them with what the store holds, keep and report what drifted."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from intacct_asana.approvals.seen import shown_to
from intacct_asana.codec import plain
from intacct_asana.errors import IntacctAsanaError, Misconfigured, UnexpectedReply
from intacct_asana.operators.closing.keeping import keep_bills
from intacct_asana.operators.drift.repairing import hand_over, plan_repair
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, policy_of
from intacct_asana.operators.runs.reporting import ReportRunOperator
from intacct_asana.reading.both_sides import Sides
from intacct_asana.reading.choices import TO_SHOW
from intacct_asana.reading.drift import Comparison, Kept, counts_of
from intacct_asana.reading.following import CHANGED, CREATED, DELETIONS, BillFollower
from intacct_asana.records import Bill, Cursor, Decision, Task, UnreadTask
from intacct_asana.records.drift import Drift, Drifted
from intacct_asana.reports.summary import StepEnd
from intacct_asana.sync import open_writes
from intacct_asana.text import money_text

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

log = logging.getLogger(__name__)

AUDITED = "drift_audited"
"""Cursor: when both sides were last compared."""
IN_EVIDENCE = frozenset({Drift.BYPASS, Drift.UNRECORDED})
ABOUT_DRIFT = "drift"
"""What such evidence is about."""
MOST_SHOWN = 100
"""Findings in the log and in what the step returns. The store keeps all of them."""
MOST_READ_AGAIN = 500
A_DAY = timedelta(days=1)
"""How much later than the first evidence a bill has to be made to count as made after it: Intacct's times are of any zone."""


class CompareSidesOperator(FlowOperator):
    """Every bill, task and link of the flow compared; what drifted is kept in the store, by class, until it is over.

    Reads only. What was found is read a second time before it counts. With the param `repair` the next run of the bill sync is
    told what of it to write, by its own plan and within its limits, and a plan is made for tasks that stand for no bill, which
    the step `apply_repair` carries out. In a rehearsal nothing is kept.
    """

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        audit = Audit(run)
        found, comparison = audit.found()
        report = audit.report(found, comparison)
        if not run.flow.rehearsal:
            audit.keep(found, comparison)
            if context["params"].get("repair"):
                report["handed_to_the_bill_sync"] = hand_over(run, audit.follower, found)
                links = comparison.kept.links
                run_id = str(context["run_id"])
                report |= plan_repair(run, found, links=links, bot_gid=audit.pins.bot_gid, run_id=run_id)
        self.log.info("%s", words_of(report, found))
        self.log.info("%s", json.dumps(report))
        return report


class ReportDriftOperator(ReportRunOperator):
    """The last step. It fails the run, too, where the first one found drift of a class that `drift.fail_on` names.

    Nobody but this step tells of that, so its alerts are the flow's.
    """

    def wrong(self, ends: Sequence[StepEnd]) -> str:
        report = ends[0].result
        fatal = {name: count for name, count in report.get("counts", {}).items() if name in self.run_parts.flow.drift.fail_on}
        if not fatal:
            return ""
        listed = "".join(f"\n  - {one['words']}" for one in report["findings"] if one["drift"] in fatal)
        told = ", ".join(f"{count} {name}" for name, count in fatal.items())
        return f"The audit of flow {self.flow} found {told}, and the flow fails on these.{listed}"


class Audit:
    """One reading of both sides."""

    def __init__(self, run: FlowRun) -> None:
        self.run = run
        self.board, self.pins = run.own_board("bill")
        self.policy = policy_of(run, self.pins)
        self.follower = BillFollower(run.flow, books=run.books, store=run.store, now=run.now)
        self.unread_tasks: list[UnreadTask] = []
        login = run.books.settings.login
        self.sides = Sides(
            flow=run.flow,
            books=run.books,
            board=self.board,
            pins=self.pins,
            company_id=login.company_id,
            login=login.user_id,
            now=run.now,
        )

    def found(self) -> tuple[list[Drifted], Comparison]:
        """What drifted, in the order of the bills, and everything it was found in."""
        bills, tasks = self._bills(), self._tasks()
        self._raise_if_a_side_is_empty(bills, tasks)
        whole = self._compared(bills, tasks)
        found = whole.drifted()
        if not found or len(found) > MOST_READ_AGAIN:
            return found, whole
        # What moved while it was read shows otherwise the second time.
        again = self._again(whole, {one.key for one in found})
        still = {(one.finding_id, one.cause) for one in again.drifted()}
        return [one for one in found if (one.finding_id, one.cause) in still], whole

    def _raise_if_a_side_is_empty(self, bills: Mapping[str, Bill], tasks: Sequence[Task]) -> None:
        """What one system does not show at all is a matter of rights and no drift of every bill."""
        flow, linked = self.run.flow, self.run.store.links("bill").count()
        if problems := self.run.books.unreadable_entities(flow.bills.entities):
            told = f"Flow {flow.flow} names entities whose bills cannot be read. Nothing was compared."
            raise Misconfigured(told, problems=tuple(problems))
        empty = [side for side, read in (("Intacct showed no bill", bills), ("Asana showed no task", tasks)) if not read]
        if empty and linked and not (self.follower.unread or self.unread_tasks):
            told = f"{' and '.join(empty)} to flow {flow.flow}, and {linked} tasks are linked. Nothing was compared."
            raise UnexpectedReply(f"{told} Look at the rights of its connections, and at the scope in its file.")

    def _bills(self) -> dict[str, Bill]:
        return {bill.bill_key: bill for page in self.follower.read(self.follower.window) for bill in page}

    def _tasks(self) -> list[Task]:
        unread = self.unread_tasks
        return [task for page in self.board.tasks(self.run.flow.bills.project, unread=unread.append) for task in page]

    def _compared(self, bills: Mapping[str, Bill], tasks: Sequence[Task]) -> Comparison:
        kept = self._kept(bills, tasks)
        comparison = Comparison(
            sides=self.sides,
            policy=self.policy,
            kept=kept,
            posted_counts=self.run.flow.drift.posted_counts,
            bills=bills,
            tasks=tasks,
            left_alone=self._unreadable(kept),
        )
        strays = comparison.strays()
        if not strays:
            return comparison
        there = self._by_number(strays, kept)
        deleted = self._just_deleted({*strays} - there.keys())
        left_alone = comparison.left_alone | deleted
        return replace(comparison, elsewhere=there, left_alone=left_alone, waiting=comparison.waiting | deleted)

    def _just_deleted(self, keys: Collection[str]) -> frozenset[str]:
        """Those of which the audit history tells the next run of the bill sync, which completes their tasks."""
        follower = self.follower
        if not keys or self.run.flow.bills.deletions != "audit" or follower.known[DELETIONS] is None:
            return frozenset()
        try:
            trail = self.run.books.trails.deletions("bill", since_text=follower.since_text(DELETIONS))
        except IntacctAsanaError as error:
            log.warning("The audit history cannot be read: %s", error.message)
            return frozenset()
        return frozenset(follower.linked(trail.keys)) & frozenset(keys)

    def _again(self, whole: Comparison, keys: Collection[str]) -> Comparison:
        """The same bills and tasks, one by one, with what the store holds by now."""
        bills = self._by_number([key for key in keys if key in whole.bills], whole.kept)
        gids = {whole.kept.links[key].task_gid for key in keys if key in whole.kept.links}
        key_field = self.run.flow.bills.key_field
        gids |= {task.gid for task in whole.tasks if self.sides.shown(task, key_field) in keys}
        project = self.run.flow.bills.project
        tasks = [task for gid in sorted(gids) if (task := self.board.task(gid)) and project in task.project_gids]
        return self._compared(bills, tasks)

    def _by_number(self, keys: Collection[str], kept: Kept) -> dict[str, Bill]:
        """Bills of these keys, wherever they are: also those that Purchasing made anew."""
        numbers = {kept.links[key].record_no for key in keys if key in kept.links}
        numbers |= {key.rpartition(":")[2] for key in keys if key not in kept.links and ":ap:" in key}
        pages = self.run.books.bills_again(numbers, unread=self.follower.tell_unread) if numbers else ()
        found = {bill.bill_key: bill for page in pages for bill in page if bill.bill_key in keys}
        if remade := [key for key in keys if key not in found and ":po:" in key]:
            pages = self.run.books.bills_made_anew(remade, unread=self.follower.tell_unread)
            found |= {bill.bill_key: bill for page in pages for bill in page}
        return found

    # What the store holds, and what is on its way.

    def _kept(self, bills: Mapping[str, Bill], tasks: Sequence[Task]) -> Kept:
        store = self.run.store
        links, comes, began = store.links("bill"), self.coming, store.evidence_began_at()
        owed = links.by_record_no(self.follower.owed)
        busy = {one.subject for one in open_writes(store.intents(), "bill")} | owed.keys()
        by_key: dict[str, list[Decision]] = {}
        for decision in store.decisions().about(bills):
            by_key.setdefault(decision.key, []).append(decision)
        clock = self.run.books.settings.clock
        since = clock.text_of(began + A_DAY) if began else ""

        def made_since(bill: Bill) -> bool:
            made = bill.created_at_text
            return bool(since and made) and self.run.books.latest([since, made]) == made

        return Kept(
            links=links.all(),
            decisions=by_key,
            shown=lambda decision: shown_to(decision, links),
            marks=store.marks().of([task.gid for task in tasks]),
            busy=frozenset(busy | {key for key, bill in bills.items() if bill.record_no in self.follower.owed}),
            to_show=frozenset(json.loads(store.cursor(TO_SHOW) or "[]")),
            comes=lambda bill: comes is None or bill.record_no in comes,
            made_since=made_since,
            began_at=began,
        )

    @cached_property
    def coming(self) -> frozenset[str] | None:
        """Record numbers that the next run of the bill sync reads anyway; None for all of them, as before the first one."""
        follower = self.follower
        if not follower.knows_its_place:
            return None
        changed, created = follower.since_text(CHANGED), follower.since_text(CREATED)
        named, _ = follower.named_by_others()
        window = replace(follower.window, bill_date_from=None, since_text=changed, created_since_text=created)
        return named | {bill.record_no for page in follower.news(window) for bill in page}

    def _unreadable(self, kept: Kept) -> frozenset[str]:
        gids = {one.gid for one in self.unread_tasks}
        keys = {key for key, link in kept.links.items() if link.task_gid in gids or link.record_no in self.follower.unread}
        pin = self.pins.fields[self.run.flow.bills.key_field].gid
        keys |= {one.texts[pin] for one in self.unread_tasks if pin in one.texts}
        return frozenset(keys | {one.key for one in self.follower.unread.values() if one.key})

    def keep(self, found: Sequence[Drifted], comparison: Comparison) -> None:
        """What went past the approval stands in the evidence too, once, so that nobody can say that it was never found.

        All bills were read, so what the close view holds and is not among them is gone.
        """
        store, at, left_alone = self.run.store, self.run.now(), comparison.left_alone
        with store.together():
            keep_bills(self.run, comparison.bills, all_but=left_alone, read_at=self.follower.now)
            store.history().looked(whole=True, at=at)
            for one in store.findings().keep(found, left_alone=left_alone, at=at):
                if one.drift in IN_EVIDENCE:
                    store.note(one.key, facts={"about": ABOUT_DRIFT, **plain(one)}, at=at)
            store.save_cursor(Cursor(name=AUDITED, value=at.isoformat()))

    def report(self, found: Sequence[Drifted], comparison: Comparison) -> dict[str, Any]:
        open_bills = [bill for bill in comparison.bills.values() if bill.state in self.run.flow.bills.states]
        unread = [*(one.why for one in self.follower.unread.values()), *(one.why for one in self.unread_tasks)]
        return {
            "bills": len(comparison.bills),
            "open": len(open_bills),
            "tasks": len(comparison.tasks),
            "counts": counts_of(found),
            "findings": [plain(one) for one in found[:MOST_SHOWN]],
            "totals": comparison.totals(),
            "on_their_way": len(comparison.waiting),
            "unread": unread[:MOST_SHOWN],
            "calls": self.run.calls(),
        }


def words_of(report: Mapping[str, Any], found: Sequence[Drifted]) -> str:
    """The report as people read it in the log."""
    told = ", ".join(f"{count} {name}" for name, count in report["counts"].items()) or "nothing drifted"
    lines = [f"{report['bills']:,} bills ({report['open']:,} open) against {report['tasks']:,} tasks of the project: {told}."]
    for one in report["totals"]:
        name = f"  {one['entity'] or 'no entity'} {one['currency'] or 'no currency'}:"
        books = f"{one['bills']:,} open bills, {money_text(Decimal(one['in_intacct']))}"
        lines.append(f"{name} {books}; {one['tasks']:,} tasks, {money_text(Decimal(one['in_asana']))}")
    lines += [f"  {one.drift}: {one.words}" for one in found[:MOST_SHOWN]]
    lines += [f"  and {len(found) - MOST_SHOWN:,} more"] if len(found) > MOST_SHOWN else []
    lines += [f"  could not be read: {why}" for why in report["unread"]]
    if "handed_to_the_bill_sync" in report:
        counts = ", ".join(
            f"{count} to {kind}" for kind, count in report.get("repair", {}).items() if count and kind != "leave"
        )
        lines.append(f"  mended: {report['handed_to_the_bill_sync']} by the next bill sync; here: {counts or 'nothing'}")
        lines += [f"  stays: {one['count']} {one['drift']}, for {one['for']}" for one in report["stays"]]
    if report["on_their_way"]:
        lines.append(f"  {report['on_their_way']:,} more differ, and the next runs see to them by themselves")
    return "\n".join(lines)
