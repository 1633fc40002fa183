"""Plan and apply: the two steps that turn records into tasks, for bills and for vendors alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from intacct_asana.codec import plan_to_json
from intacct_asana.errors import Misconfigured, UnsafePlan
from intacct_asana.operators.checks import drift
from intacct_asana.operators.closing.keeping import keep_bills
from intacct_asana.operators.flow_run import WAITS, FlowOperator, FlowRun, StoredPlanOperator, utc_now
from intacct_asana.operators.planning.planner import Planner
from intacct_asana.operators.planning.spilling import Spilled, in_pages
from intacct_asana.operators.release.held import hold_back, holds
from intacct_asana.operators.runs.resting import RESTS, forget_quiet, quiet_cursor, quiet_of, reading_rests
from intacct_asana.pins import draft_words, required_people
from intacct_asana.reading.documents import ANY, as_shown
from intacct_asana.reading.following import (
    ANSWERS,
    CHANGED,
    OWED,
    BillFollower,
    Follower,
    Reading,
    Sight,
    VendorFollower,
    bill_window,
    cursor_name,
    reading_of,
)
from intacct_asana.reading.late import to_read_again
from intacct_asana.records import Bill, Cursor, Pins, Snapshot, Vendor, files_differ, snapshot_of
from intacct_asana.records.documents import UNREAD
from intacct_asana.reports.plan_words import cost_words, plan_text
from intacct_asana.store import StoredPlan
from intacct_asana.sync import (
    Adopt,
    Create,
    NotPutBack,
    PagedPlan,
    Progress,
    Report,
    Update,
    Wanted,
    apply_plan,
    open_writes,
    parts_of,
    raise_if_unsafe,
    stored_plan,
)
from intacct_asana.sync.plan import WRITING_KINDS
from intacct_asana.sync.report import MOST_SAID
from intacct_asana.task.project import document_of, project_bill, project_vendor

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from intacct_asana.asana.hook import AsanaHook

MOST_SHOWN = 5
"""Tasks that a rehearsal shows in full."""


class PlanTasksOperator(FlowOperator):
    """Reads what changed in Intacct, compares it with what the tasks were last confirmed to say, and stores a plan.

    Writes nothing to either system. Returns `{"plan_id", "why", "counts", "money", ...}` for the next step and the UI.
    """

    kind: str
    rehearses_when_dry = False
    glances: ClassVar[bool] = False
    """Whether a quiet time is looked into between two readings."""

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        quiet = quiet_of(context, run, self.kind)
        if quiet and not self._follower(run).owed and reading_rests(run, quiet, kind=self.kind, glances=self.glances):
            self.log.info("%s", RESTS)
            return {"plan_id": "", "rests": RESTS, "calls": run.calls()}
        if quiet:
            forget_quiet(run, self.kind)
        board, pins = run.own_board(self.kind)
        drifted = drift(run, board, self.kind, pins)
        for what in drifted:
            self.log.warning("Changed in Asana since preflight: %s", what)
        self.check_scope(run)
        follower = self._follower(run)
        reading = self._reading(context, follower)
        self.log.info("Reading %ss: %s", self.kind, reading.why)
        sight = _look(follower, reading)
        self.log.info("Deleted %ss: %s", self.kind, sight.deletions)
        sight = replace(sight, records=self.whole(run, sight))
        planner = Planner(
            run=run,
            board=board,
            pins=pins,
            kind=self.kind,
            follower=follower,
            sight=sight,
            reading=reading,
            key_field_gid=pins.fields[self.key_field(run)].gid,
            wanted=lambda record: self.wanted(record, run, pins),
            name_of=self.name_of,
        )
        plan, owed = planner.plan(), planner.owed
        for one in owed:
            self.log.warning("Not written: %s", one.why)
        if run.unknown_people:
            self.log.warning("Not users in Asana, so tasks are made without them: %s", ", ".join(run.unknown_people))
        self.log.info("The plan\n%s\n%s", plan_text(plan, pins, records=sight.records), cost_words(plan))
        if run.flow.rehearsal:
            self._show_first(plan, pins)
        refused, unsafe = "", None
        try:
            refused = self.refused(lambda: self._check_limits(context, run, plan, sight, reading))
        except UnsafePlan as error:
            if not holds(run) or self.is_dry(context):
                raise
            unsafe = error
        self.want_documents(run, sight.records, is_dry=self.is_dry(context))
        summary = {"why": reading.why, "read": len(sight.records), "deletions": sight.deletions, "drift": drifted}
        summary |= {"would_stop": refused} if refused else {}
        summary |= {"owed": [one.why for one in owed[:MOST_SAID]]} if owed else {}
        numbers = json.dumps(sorted({one.record_no for one in owed}))
        ends = {**sight.cursors, OWED: numbers} if reading.moves_cursor else {}
        stands = {stream: follower.known[stream] for stream in ends}
        if ends and plan.first(1):
            # The step that writes forgets them before it begins.
            seen = "" if sight.gone else follower.answers.look
            ends[ANSWERS], stands[ANSWERS] = to_read_again(ends[ANSWERS], but=seen), ""
        cursors = {follower.cursor_name(stream): text for stream, text in ends.items()}
        stood = {follower.cursor_name(stream): text for stream, text in stands.items()}
        if quiet:
            mark = quiet_cursor(self.kind, quiet, changed=bool(plan.how_many()))
            cursors[mark.name], stood[mark.name] = mark.value, run.store.cursor(mark.name)
        failed = {one.key or one.record_no: one.why for one in owed}
        unplaced = [one.key for one in owed if one.has_no_place]
        kept = {"cursors": cursors, "stood": stood, "failed": failed, "unplaced": unplaced}
        summary |= self._summary(context, run, plan)
        stored = self._stored(context, run, plan, {**summary, **kept})
        if holds(run) and not self.is_dry(context):
            scope = "" if reading.moves_cursor else stored.run_id
            waits = hold_back(run, plan, stored, unsafe=unsafe, scope=scope, dag_id=context["dag"].dag_id)
            if waits:
                self.log.warning("%s", waits)
                stored = replace(stored, summary={**stored.summary, WAITS: waits})
                summary |= {WAITS: waits}
        with nullcontext() if run.flow.rehearsal else run.store.together():
            run.store.save_plan(stored)
            if not run.flow.rehearsal:
                self.keep_read(run, follower, sight, reading)
        return {"plan_id": stored.plan_id, **summary}

    def _show_first(self, plan: PagedPlan, pins: Pins) -> None:
        """A few tasks as people would see them: the plan says which records, and not whether the flow shows them well."""
        for action in (each for each in plan.first(MOST_SHOWN) if isinstance(each, Create | Adopt | Update)):
            self.log.info("%s %s, and the task would say: %s", action.kind, action.key, draft_words(action.desired, pins))

    def _follower(self, run: FlowRun) -> Follower:
        return self.follower(run.flow, books=run.books, store=run.store, now=run.now, keeps=Spilled)

    def _reading(self, context: Context, follower: Follower) -> Reading:
        dag_run = context["dag_run"]
        start, end = context.get("data_interval_start"), context.get("data_interval_end")
        reading = reading_of(
            context["params"],
            run_type=str(getattr(dag_run.run_type, "value", dag_run.run_type)),
            interval=(start, end) if start and end else None,
            since_text=follower.since_text(CHANGED) if follower.knows_its_place else "",
            scope=follower.window,
        )
        goes_on = reading.moves_cursor and not reading.compares_all
        return replace(reading, why=reading.why + follower.back.says) if goes_on else reading

    def _check_limits(self, context: Context, run: FlowRun, plan: PagedPlan, sight: Sight, reading: Reading) -> None:
        if context["params"].get("allow_unsafe_plan"):
            return
        limits = run.flow.limits
        # Not one record of all that tasks stand for is no longer a deletion, but something wrong with the reading.
        asked_for_all = reading.compares_all or (sight.swept and bool(sight.gone))
        raise_if_unsafe(
            plan,
            creates=limits.creates,
            closes=limits.closes,
            updates=limits.updates,
            money=limits.money if self.kind == "bill" else None,
            existing=run.store.links(self.kind).count(),
            nothing_read=asked_for_all and not (sight.records or sight.unread) and limits.empty_side,
        )

    def _summary(self, context: Context, run: FlowRun, plan: PagedPlan) -> dict[str, Any]:
        return {
            "counts": plan.counts(),
            "money": {name: str(amount) for name, amount in plan.money().items()},
            "worth": {currency: str(amount) for currency, amount in plan.at_stake().items() if currency},
            "dry_run": self.is_dry(context),
            "rehearsal": run.flow.rehearsal,
            "unknown_people": list(run.unknown_people),
            "calls": run.calls(),
            **({"cost": cost} if (cost := cost_words(plan)) else {}),
        }

    def _stored(self, context: Context, run: FlowRun, plan: PagedPlan, summary: Mapping[str, Any]) -> StoredPlan:
        """The plan as it is kept: some of `summary` is for the step that writes, not for people."""
        now = utc_now()
        return StoredPlan(
            plan_id=f"{self.kind}-{now:%Y%m%dT%H%M%S%f}",
            kind=self.kind,
            created_at=now,
            run_id=str(context["run_id"]),
            summary=summary,
            body=plan_to_json(plan.head),
            more=plan.more,
        )

    # What differs between bills and vendors.

    follower: ClassVar[type[Follower]]

    def key_field(self, run: FlowRun) -> str:
        raise NotImplementedError

    def check_scope(self, run: FlowRun) -> None:
        """Raises Misconfigured when what the flow names cannot be read: it would look as if there was nothing to do."""

    def whole(self, run: FlowRun, sight: Sight) -> MutableMapping[str, Any]:
        """The records with what another call has to tell about them."""
        return sight.records

    def keep_read(self, run: FlowRun, follower: Follower, sight: Sight, reading: Reading) -> None:
        """Keeps by time what was read, for whoever looks back."""

    def want_documents(self, run: FlowRun, records: Mapping[str, Any], *, is_dry: bool) -> None:
        """Notes which documents the tasks should carry; nothing for records that have none."""

    def wanted(self, record: Any, run: FlowRun, pins: Pins) -> Wanted:
        raise NotImplementedError

    def name_of(self, record: Any) -> str:
        """The record as people find it."""
        raise NotImplementedError


class PlanBillsOperator(PlanTasksOperator):
    """The plan for bills: one task for each bill in the flow's states."""

    kind = "bill"
    glances = True

    follower = BillFollower

    def key_field(self, run: FlowRun) -> str:
        return run.flow.bills.key_field

    def check_scope(self, run: FlowRun) -> None:
        if problems := run.books.unreadable_entities(run.flow.bills.entities):
            what = f"Flow {run.flow.flow} names entities whose bills cannot be read. Nothing was planned."
            raise Misconfigured(what, problems=tuple(problems))

    def wanted(self, record: Bill, run: FlowRun, pins: Pins) -> Wanted:
        person = run.person_of(record)
        people = run.people((*required_people(run.flow, "bill"), *([person] if person else [])))
        return Wanted(
            draft=project_bill(record, run.flow, pins, people=people, vendor_person=person),
            record_no=record.record_no,
            amount=record.total_entered,
            currency=record.base_currency or run.flow.approval.base_currency or "",
            in_scope=record.state in run.flow.bills.states and bill_window(run.flow.bills).covers(record),
            snapshot=snapshot_of(record),
        )

    def name_of(self, record: Bill) -> str:
        return f"Bill {record.bill_number or 'without a number'} (record {record.record_no})"

    def whole(self, run: FlowRun, sight: Sight) -> MutableMapping[str, Bill]:
        """With the digest of their files. What a task shows already is not read again, but once a day and where something made
        us doubt it."""
        records: MutableMapping[str, Bill] = sight.records
        if not run.files.compared:
            return records
        links, done = run.store.links(self.kind), 0
        doubted = parts_of(open_writes(run.store.intents(), self.kind)).keys()
        named = [key for key, bill in records.items() if bill.document_id]
        progress = Progress("attachments looked at", total=len(named), now=utc_now, say=self.log.info)
        for page in in_pages(records, named):
            shown = links.showing(page.keys())
            for key, bill in page.items():
                kept = None if key in doubted else as_shown(bill, shown.get(key))
                wanted = bill.state in run.flow.bills.states and (sight.files_anew or not kept)
                read = run.files.of(bill, unread=ANY) if wanted else replace(bill, document_digest=UNREAD)
                # What cannot be read just now says nothing against what is known.
                records[key] = kept if kept and read.document_digest == UNREAD else read
                progress.note(done := done + 1)
        return records

    def keep_read(self, run: FlowRun, follower: Follower, sight: Sight, reading: Reading) -> None:
        unread = {one.key for one in sight.unread}
        unread |= run.store.links(self.kind).by_record_no([one.record_no for one in sight.unread]).keys()
        all_but = unread if reading.compares_all else None
        keep_bills(run, sight.records, gone=sight.gone, all_but=all_but, read_at=follower.now)
        if reading.moves_cursor:
            run.store.history().looked(whole=reading.compares_all or sight.swept, at=run.now())

    def want_documents(self, run: FlowRun, records: Mapping[str, Bill], *, is_dry: bool) -> None:
        if run.flow.bills.attachments == "none":
            return
        named = [key for key, bill in records.items() if document_of(bill, run.flow)]
        self.log.info("%d of the bills read have an attachment for their task", len(named))
        if is_dry:
            return
        documents, links = run.store.documents(self.kind), run.store.links(self.kind)
        with run.store.together():
            for page in in_pages(records):
                wanted = [one for bill in page.values() if (one := document_of(bill, run.flow))]
                documents.want(wanted, keys=page.keys())
                shown = links.showing([one.key for one in wanted])
                documents.want_again([one for one in wanted if one.key in shown and _is_new(shown[one.key], page[one.key])])


class PlanVendorsOperator(PlanTasksOperator):
    """The plan for vendors: one task for each vendor in the flow's statuses."""

    kind = "vendor"

    follower = VendorFollower

    def key_field(self, run: FlowRun) -> str:
        return run.flow.vendors.key_field

    def wanted(self, record: Vendor, run: FlowRun, pins: Pins) -> Wanted:
        return Wanted(
            draft=project_vendor(record, run.flow, pins),
            record_no=record.record_no,
            amount=record.total_due,
            in_scope=record.status in run.flow.vendors.statuses,
            snapshot=None,
        )

    def name_of(self, record: Vendor) -> str:
        return f"Vendor {record.vendor_id} (record {record.record_no})"


class ApplyPlanOperator(StoredPlanOperator):
    """Carries out a stored plan, action by action, and moves the cursor with the last of them.

    A failed action does not stop the others; the task fails at the end and names them, and the cursor stays, so the next
    run meets them again. It goes on past a task that may not be put back into the project, whose record every run reads
    again, and past a record that the plan left out because it could not be read, which each run asks for by its number.
    Returns the counts and the calls used.
    """

    def carry_out(self, run: FlowRun, stored: StoredPlan) -> dict[str, Any]:
        plan = stored_plan(stored.body, stored.more)
        # A plan that changes nothing needs nobody: no connection is read, and Asana is not asked who we are.
        result = self._written(run, stored, plan) if plan.first(1) else Report()
        # A task that may not be put back is noted, and its record is read again by every run.
        is_whole = all(isinstance(failure.error, NotPutBack) for failure in result.failures)
        left = {failure.key: failure.error.message for failure in result.failures if isinstance(failure.error, NotPutBack)}
        for key, why in stored.summary.get("failed", {}).items():
            result.fail(key, Misconfigured(why), kind=stored.kind)
        summary = result.summary() | ({"not_put_back": left} if left else {}) | {"calls": run.calls()}
        self.log.info("%s", json.dumps(summary))
        if is_whole:
            # By the names that they had when Intacct was read: the flow file may have changed since.
            moved = [Cursor(name=name, value=text) for name, text in stored.summary.get("cursors", {}).items()]
            stood = stored.summary.get("stood", {})
            run.store.finish_plan(stored.plan_id, cursors=moved, stood=stood, result=summary, at=run.now())
        result.raise_if_failed()
        return summary

    def _written(self, run: FlowRun, stored: StoredPlan, plan: PagedPlan) -> Report:
        # Whatever is written now, or was when this breaks off, is not what the answers known until now were read into.
        run.store.save_cursor(Cursor(name=cursor_name(run.flow, stored.kind, ANSWERS), value=""))
        board, pins = run.own_board(stored.kind)
        scope = run.flow.bills if stored.kind == "bill" else run.flow.vendors
        counts = stored.summary.get("counts", {})
        return apply_plan(
            plan,
            kind=stored.kind,
            board=board,
            links=run.store.links(stored.kind),
            journal=run.store.intents(),
            project_gid=pins.project_gid,
            key_field_gid=pins.fields[scope.key_field].gid,
            bot_gid=pins.bot_gid,
            owner=stored.plan_id,
            now=run.now,
            names={pin.gid: name for name, pin in pins.fields.items()},
            workers=board.max_writes,
            total=sum(counts.get(kind, 0) for kind in WRITING_KINDS),
            on_progress=lambda text: self.log.info("%s", text),
            after_batch=lambda: self._keep_marks(run, board, stored.kind),
        )

    def _keep_marks(self, run: FlowRun, board: AsanaHook, kind: str) -> None:
        """Of what was written just now; a mark too little costs one more read."""
        made, wrote, board.made, board.wrote = board.made, board.wrote, {}, {}
        if kind == "bill":
            run.store.marks().made(made)
            run.store.marks().wrote(wrote)


def _is_new(shown: Snapshot, bill: Bill) -> bool:
    return bill.document_digest != UNREAD and files_differ(shown, bill)


def _look(follower: Follower, reading: Reading) -> Sight:
    if not reading.moves_cursor:
        return follower.just(reading.window)
    return follower.everything(reading.window) if reading.compares_all else follower.changes(reading.window)
