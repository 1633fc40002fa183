"""Plan and apply: the two steps that turn records into tasks, for bills and for vendors alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from intacct_asana.codec import plan_from_json, plan_to_json
from intacct_asana.errors import Misconfigured, UnsafePlan
from intacct_asana.operators.checks import drift
from intacct_asana.operators.closing.keeping import keep_bills
from intacct_asana.operators.flow_run import WAITS, FlowOperator, FlowRun, StoredPlanOperator, utc_now
from intacct_asana.operators.release.held import hold_back, holds
from intacct_asana.operators.runs.resting import RESTS, forget_quiet, quiet_cursor, quiet_of, reading_rests
from intacct_asana.pins import draft_words, required_people
from intacct_asana.reading.documents import ANY, as_shown
from intacct_asana.reading.following import (
    CHANGED,
    OWED,
    BillFollower,
    Follower,
    Reading,
    Sight,
    VendorFollower,
    bill_window,
    reading_of,
)
from intacct_asana.records import (
    Bill,
    Cursor,
    Intent,
    Pins,
    Snapshot,
    Task,
    Unread,
    UnreadTask,
    Vendor,
    files_differ,
    snapshot_of,
)
from intacct_asana.records.documents import UNREAD
from intacct_asana.reports.plan_words import cost_words, plan_text
from intacct_asana.store import StoredPlan
from intacct_asana.sync import (
    Adopt,
    Create,
    Leave,
    NotPutBack,
    Plan,
    Progress,
    Update,
    Wanted,
    apply_plan,
    creations_in_doubt,
    open_writes,
    parts_of,
    plan_records,
    raise_if_unsafe,
    tasks_by_key,
)
from intacct_asana.sync.report import MOST_SAID
from intacct_asana.task.project import NoPlace, document_of, project_bill, project_vendor

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from intacct_asana.asana.hook import AsanaHook

LATEST_ARRIVAL = timedelta(hours=24)
"""A task whose creation was noted shows up within this time, or it was never made: by then every try of the step that noted
it is over. A shorter time would give up creations of a long step that still goes on, when a backfill plans beside it."""


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
        plan, owed = self._plan(run, board, pins, follower, sight, reading)
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
        cursors = {follower.cursor_name(stream): text for stream, text in ends.items()}
        stood = {follower.cursor_name(stream): follower.known[stream] for stream in ends}
        if quiet:
            mark = quiet_cursor(self.kind, quiet, changed=bool(plan.writing))
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

    def _show_first(self, plan: Plan, pins: Pins) -> None:
        """A few tasks as people would see them: the plan says which records, and not whether the flow shows them well."""
        for action in [each for each in plan.writing if isinstance(each, Create | Adopt | Update)][:MOST_SHOWN]:
            self.log.info("%s %s, and the task would say: %s", action.kind, action.key, draft_words(action.desired, pins))

    def _follower(self, run: FlowRun) -> Follower:
        return self.follower(run.flow, books=run.books, store=run.store, now=run.now)

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

    def _plan(
        self, run: FlowRun, board: AsanaHook, pins: Pins, follower: Follower, sight: Sight, reading: Reading
    ) -> tuple[Plan, list[Unread]]:
        """The plan, and what of all that was read is owed: it cannot be read, or has no place in Asana."""
        links = run.store.links(self.kind)
        wanted, owed = self._all_wanted(run, pins, sight.records)
        owed += sight.unread
        unsure = open_writes(run.store.intents(), self.kind)
        unread = list[UnreadTask]()
        found = self._found(run, board, pins, follower, reading, wanted, unsure, unread)
        owed += self._of_unread_tasks(run, pins, unread, wanted)
        left_alone = {one.key for one in owed} | links.by_record_no([one.record_no for one in owed if not one.key]).keys()
        plan = plan_records(
            wanted,
            links=links.all() if reading.compares_all else links.of({*wanted, *sight.gone}),
            found=found,
            compares_all=reading.compares_all,
            gone=sight.gone,
            shown=links.showing(wanted.keys()).get,
            doubts=parts_of(unsure),
            bot_gid=pins.bot_gid,
            left_alone=left_alone,
        )
        self._give_up(run, unsure, plan, found)
        return plan, owed

    def _of_unread_tasks(
        self, run: FlowRun, pins: Pins, unread: Sequence[UnreadTask], wanted: Mapping[str, Wanted]
    ) -> list[Unread]:
        """The records whose tasks cannot be read: nobody knows what those say, and a second task would be worse."""
        linked = run.store.links(self.kind).by_task([task.gid for task in unread])
        key_field = pins.fields[self.key_field(run)].gid
        owed = []
        for task in unread:
            link, key = linked.get(task.gid), task.texts.get(key_field, "")
            if link:
                owed.append(Unread(record_no=link.record_no, key=link.key, why=f"{link.key}: {task.why}"))
            elif key in wanted:
                owed.append(Unread(record_no=wanted[key].record_no, key=key, why=f"{key}: {task.why}"))
            else:
                self.log.warning("%s", task.why)
        return owed

    def _all_wanted(self, run: FlowRun, pins: Pins, records: Mapping[str, Any]) -> tuple[dict[str, Wanted], list[Unread]]:
        """What each record wants, and those of which a value has no place in Asana: they are named, and hold up no other."""
        progress = Progress(f"{self.kind}s planned", total=len(records), now=utc_now, say=self.log.info)
        wanted: dict[str, Wanted] = {}
        unplaced: list[Unread] = []
        for number, (key, record) in enumerate(records.items(), 1):
            try:
                wanted[key] = self.wanted(record, run, pins)
            except NoPlace as error:
                why = f"{self.name_of(record)}, {error.message}"
                unplaced.append(Unread(record_no=record.record_no, key=key, why=why, has_no_place=True))
            progress.note(number)
        return wanted, unplaced

    def _found(
        self,
        run: FlowRun,
        board: AsanaHook,
        pins: Pins,
        follower: Follower,
        reading: Reading,
        wanted: Mapping[str, Wanted],
        unsure: Sequence[Intent],
        unread: list[UnreadTask],
    ) -> Mapping[str, list[Task]] | None:
        """Tasks on the board by key: all of them for a full pass, else only around creations that never ended.

        Without a cursor no full pass was ever finished with this store, so even a narrowed run looks at the whole board:
        after a lost store the tasks are there, and must be found instead of made again. A record that was owed since then
        was left out of that look.
        """
        unfinished = creations_in_doubt(unsure)
        late = {key for key, one in wanted.items() if one.record_no in follower.owed}
        no_look_yet = follower.known[CHANGED] is None or bool(late - run.store.links(self.kind).of(late).keys())
        looks_at_all = reading.compares_all or no_look_yet
        if not looks_at_all and not unfinished:
            return None
        since = None if looks_at_all else min(unfinished.values())
        key_field = pins.fields[self.key_field(run)].gid
        return tasks_by_key(board, pins.project_gid, key_field_gid=key_field, since=since, unread=unread.append)

    def _give_up(self, run: FlowRun, unsure: Sequence[Intent], plan: Plan, found: Mapping[str, list[Task]] | None) -> None:
        """Old writes that this plan has no use for: creations that never reached the board, parts that nobody speaks of now.

        They would be looked for, and their records be read, by every run.
        """
        if run.flow.rehearsal:
            return
        journal, long_ago = run.store.intents(), run.now() - LATEST_ARRIVAL
        left = {action.key for action in plan.actions if isinstance(action, Leave)}
        written = {action.key for action in plan.writing}
        for write in unsure:
            may_be_there = bool(write.since) and write.state.is_in_doubt
            is_absent = found is not None and write.subject not in found
            is_idle = is_absent if may_be_there else bool(write.since) or write.subject in left
            if is_idle and write.subject not in written and write.noted_at and write.noted_at < long_ago:
                journal.drop(write)

    def _check_limits(self, context: Context, run: FlowRun, plan: Plan, sight: Sight, reading: Reading) -> None:
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

    def _summary(self, context: Context, run: FlowRun, plan: Plan) -> dict[str, Any]:
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

    def _stored(self, context: Context, run: FlowRun, plan: Plan, summary: Mapping[str, Any]) -> StoredPlan:
        """The plan as it is kept: some of `summary` is for the step that writes, not for people."""
        now = utc_now()
        return StoredPlan(
            plan_id=f"{self.kind}-{now:%Y%m%dT%H%M%S%f}",
            kind=self.kind,
            created_at=now,
            run_id=str(context["run_id"]),
            summary=summary,
            body=plan_to_json(plan),
        )

    # What differs between bills and vendors.

    follower: ClassVar[type[Follower]]

    def key_field(self, run: FlowRun) -> str:
        raise NotImplementedError

    def check_scope(self, run: FlowRun) -> None:
        """Raises Misconfigured when what the flow names cannot be read: it would look as if there was nothing to do."""

    def whole(self, run: FlowRun, sight: Sight) -> Mapping[str, Any]:
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

    def whole(self, run: FlowRun, sight: Sight) -> Mapping[str, Bill]:
        """With the digest of their files. What a task shows already is not read again, but once a day and where something made
        us doubt it."""
        records: Mapping[str, Bill] = sight.records
        if not run.files.compared:
            return records
        named = {key: bill for key, bill in records.items() if bill.document_id}
        links = run.store.links(self.kind)
        shown, doubted = links.showing(named.keys()), parts_of(open_writes(run.store.intents(), self.kind)).keys()
        progress = Progress("attachments looked at", total=len(named), now=utc_now, say=self.log.info)
        for number, (key, bill) in enumerate(named.items(), 1):
            kept = None if key in doubted else as_shown(bill, shown.get(key))
            wanted = bill.state in run.flow.bills.states and (sight.files_anew or not kept)
            read = run.files.of(bill, unread=ANY) if wanted else replace(bill, document_digest=UNREAD)
            # What cannot be read just now says nothing against what is known.
            named[key] = kept if kept and read.document_digest == UNREAD else read
            progress.note(number)
        return {**records, **named}

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
        wanted = [one for bill in records.values() if (one := document_of(bill, run.flow))]
        self.log.info("%d of the bills read have an attachment for their task", len(wanted))
        if is_dry:
            return
        documents, shown = run.store.documents(self.kind), run.store.links(self.kind).showing(records.keys())
        documents.want(wanted, keys=records.keys())
        documents.want_again([one for one in wanted if one.key in shown and _is_new(shown[one.key], records[one.key])])


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
        board, pins = run.own_board(stored.kind)
        scope = run.flow.bills if stored.kind == "bill" else run.flow.vendors
        result = apply_plan(
            plan_from_json(Plan, stored.body),
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
            on_progress=lambda text: self.log.info("%s", text),
        )
        if stored.kind == "bill":
            run.store.marks().made(board.made)
            run.store.marks().wrote(board.wrote)
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


def _is_new(shown: Snapshot, bill: Bill) -> bool:
    return bill.document_digest != UNREAD and files_differ(shown, bill)


def _look(follower: Follower, reading: Reading) -> Sight:
    if not reading.moves_cursor:
        return follower.just(reading.window)
    return follower.everything(reading.window) if reading.compares_all else follower.changes(reading.window)
