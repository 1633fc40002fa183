"""Plan and apply: the two steps that turn records into tasks, for bills and for vendors alike."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from intacct_asana.errors import Misconfigured
from intacct_asana.mapping import project_bill, project_vendor, required_people
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, utc_now
from intacct_asana.operators.reading import Reading, reading_of
from intacct_asana.records import Bill, Cursor, Pins, ReadWindow, Task, Vendor, snapshot_of
from intacct_asana.store import StoredPlan
from intacct_asana.sync import (
    Plan,
    Wanted,
    apply_plan,
    plan_from_json,
    plan_records,
    plan_to_json,
    raise_if_unsafe,
    tasks_by_key,
)

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

LATEST_ARRIVAL = timedelta(hours=1)
"""A task whose creation got no answer shows up within this time, or it was never made."""


class PlanTasksOperator(FlowOperator):
    """Reads what changed in Intacct, compares it with what the tasks were last confirmed to say, and stores a plan.

    Writes nothing to either system. Returns `{"plan_id", "why", "counts", "money", ...}` for the next step and the UI.
    """

    kind: str

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        pins = run.pins(self.kind)
        reading = self._reading(context, run)
        self.log.info("Reading %ss: %s", self.kind, reading.why)
        pass_began = run.books.newest_change(self.kind) if reading.compares_all else ""
        records = self._records(run, reading.window)
        plan = self._plan(run, pins, records, reading)
        if run.unknown_people:
            self.log.warning("Not users in Asana, so tasks are made without them: %s", ", ".join(run.unknown_people))
        self.log.info("The plan\n%s", plan.render(names={pin.gid: name for name, pin in pins.fields.items()}))
        self._check_limits(context, run, plan, records, reading)
        summary = {"why": reading.why, "read": len(records), **self._summary(context, run, plan)}
        return self._store(context, run, plan, summary, cursor=self._new_cursor(run, records, reading, pass_began))

    def _reading(self, context: Context, run: FlowRun) -> Reading:
        dag_run = context["dag_run"]
        start, end = context.get("data_interval_start"), context.get("data_interval_end")
        text = run.store.cursor(self.cursor_name(run)) or ""
        return reading_of(
            context["params"],
            run_type=str(getattr(dag_run.run_type, "value", dag_run.run_type)),
            interval=(start, end) if start and end else None,
            since_text=run.books.earlier(text, minutes=self.look_back_minutes(run)) if text else "",
            scope=self.scope(run),
        )

    def _plan(self, run: FlowRun, pins: Pins, records: Mapping[str, Any], reading: Reading) -> Plan:
        wanted = {key: self.wanted(record, run, pins) for key, record in records.items()}
        links = run.store.links(self.kind)
        found = self._found(run, pins, reading)
        self._forget_proven_absent(run, wanted.keys(), found)
        return plan_records(
            wanted,
            links=links.all() if reading.compares_all else links.of(wanted.keys()),
            found=found,
            compares_all=reading.compares_all,
            shown=links.showing(wanted.keys()).get,
        )

    def _found(self, run: FlowRun, pins: Pins, reading: Reading) -> Mapping[str, list[Task]] | None:
        """Tasks on the board by key: all of them for a full pass, else only around creations that never ended.

        Without a cursor no full pass was ever finished with this store, so even a narrowed run looks at the whole board:
        after a lost store the tasks are there, and must be found instead of made again.
        """
        unfinished = run.store.links(self.kind).unfinished()
        looks_at_all = reading.compares_all or run.store.cursor(self.cursor_name(run)) is None
        if not looks_at_all and not unfinished:
            return None
        since = None if looks_at_all else min(unfinished.values())
        key_field = pins.fields[self.key_field(run)].gid
        return tasks_by_key(run.board, pins.project_gid, key_field_gid=key_field, since=since)

    def _forget_proven_absent(self, run: FlowRun, wanted: Collection[str], found: Mapping[str, list[Task]] | None) -> None:
        """Give up creations that never reached the board and are not wanted any more, or every run would look for them."""
        links = run.store.links(self.kind)
        long_ago = utc_now() - LATEST_ARRIVAL
        absent = [
            key
            for key, begun_at in links.unfinished().items()
            if found is not None and key not in found and key not in wanted and begun_at < long_ago
        ]
        if absent:
            links.forget(absent)

    def _check_limits(self, context: Context, run: FlowRun, plan: Plan, records: Mapping[str, Any], reading: Reading) -> None:
        if context["params"].get("allow_unsafe_plan"):
            return
        limits = run.flow.limits
        raise_if_unsafe(
            plan,
            creates=limits.creates,
            closes=limits.closes,
            updates=limits.updates,
            money=limits.money,
            existing=run.store.links(self.kind).count(),
            nothing_read=reading.compares_all and not records and limits.empty_side,
        )

    @staticmethod
    def _summary(context: Context, run: FlowRun, plan: Plan) -> dict[str, Any]:
        return {
            "counts": plan.counts(),
            "money": {name: str(amount) for name, amount in plan.money().items()},
            "dry_run": bool(context["params"].get("dry_run")),
            "unknown_people": list(run.unknown_people),
            "calls": run.calls(),
        }

    def _store(self, context: Context, run: FlowRun, plan: Plan, summary: Mapping[str, Any], *, cursor: str) -> dict[str, Any]:
        now = utc_now()
        stored = StoredPlan(
            plan_id=f"{self.kind}-{now:%Y%m%dT%H%M%S%f}",
            kind=self.kind,
            created_at=now,
            run_id=str(context["run_id"]),
            summary={**summary, "cursor": cursor},
            body=plan_to_json(plan),
        )
        run.store.save_plan(stored)
        return {"plan_id": stored.plan_id, **summary}

    def _new_cursor(self, run: FlowRun, records: Mapping[str, Any], reading: Reading, pass_began: str) -> str:
        """The newest server text of this reading, or empty when this reading may not move the cursor.

        After a full pass it is the newest change from before the pass, because the pass does not go by time.
        """
        if not reading.moves_cursor:
            return ""
        if reading.compares_all:
            return pass_began
        known = run.store.cursor(self.cursor_name(run)) or ""
        return run.books.latest([known, *(record.modified_at_text for record in records.values())])

    # What differs between bills and vendors.

    def cursor_name(self, run: FlowRun) -> str:
        """A cursor belongs to one way of projecting: a changed mapping starts with a full pass."""
        return f"{self.kind}:{run.flow.fingerprint(self.kind)}"

    def look_back_minutes(self, run: FlowRun) -> int:
        return run.flow.bills.look_back_minutes

    def scope(self, run: FlowRun) -> ReadWindow:
        raise NotImplementedError

    def key_field(self, run: FlowRun) -> str:
        raise NotImplementedError

    def _records(self, run: FlowRun, window: ReadWindow) -> Mapping[str, Any]:
        raise NotImplementedError

    def wanted(self, record: Any, run: FlowRun, pins: Pins) -> Wanted:
        raise NotImplementedError


class PlanBillsOperator(PlanTasksOperator):
    """The plan for bills: one task for each bill in the flow's states."""

    kind = "bill"

    def scope(self, run: FlowRun) -> ReadWindow:
        bills = run.flow.bills
        return ReadWindow(entity_ids=tuple(bills.entities), bill_date_from=bills.bill_date_from)

    def key_field(self, run: FlowRun) -> str:
        return run.flow.bills.key_field

    def _records(self, run: FlowRun, window: ReadWindow) -> Mapping[str, Bill]:
        records: dict[str, Bill] = {}
        for page in run.books.bills(window, page_size=run.flow.bills.page_size):
            records.update((bill.bill_key, bill) for bill in page)
            self.log.info("%d bills read", len(records))
        return records

    def wanted(self, record: Bill, run: FlowRun, pins: Pins) -> Wanted:
        return Wanted(
            draft=project_bill(record, run.flow, pins, people=run.people(required_people(run.flow, "bill"))),
            record_no=record.record_no,
            amount=record.total_entered,
            in_scope=record.state in run.flow.bills.states,
            snapshot=snapshot_of(record),
        )


class PlanVendorsOperator(PlanTasksOperator):
    """The plan for vendors: one task for each vendor in the flow's statuses."""

    kind = "vendor"

    def scope(self, run: FlowRun) -> ReadWindow:
        return ReadWindow()

    def key_field(self, run: FlowRun) -> str:
        return run.flow.vendors.key_field

    def _records(self, run: FlowRun, window: ReadWindow) -> Mapping[str, Vendor]:
        records: dict[str, Vendor] = {}
        for page in run.books.vendors(window):
            records.update((vendor.vendor_key, vendor) for vendor in page)
        return records

    def wanted(self, record: Vendor, run: FlowRun, pins: Pins) -> Wanted:
        return Wanted(
            draft=project_vendor(record, run.flow, pins),
            record_no=record.record_no,
            amount=record.total_due,
            in_scope=record.status in run.flow.vendors.statuses,
            snapshot=None,
        )


class ApplyPlanOperator(FlowOperator):
    """Carries out a stored plan, action by action, and moves the cursor with the last of them.

    A failed action does not stop the others; the task fails at the end and names them, and the cursor stays, so the next
    run meets them again. Returns the counts and the calls used.
    """

    template_fields: Sequence[str] = ("plan_id",)

    def __init__(self, *, plan_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_id = plan_id

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        stored = run.store.plan(self.plan_id)
        if stored is None:
            raise Misconfigured(f"Plan {self.plan_id} is not in the store; clear the planning task and run it again.")
        if stored.summary.get("dry_run"):
            self.log.info("Dry run: %s planned, nothing written", json.dumps(stored.summary.get("counts")))
            return {"dry_run": True, "written": 0}
        return self._apply(run, stored)

    def _apply(self, run: FlowRun, stored: StoredPlan) -> dict[str, Any]:
        pins = run.pins(stored.kind)
        scope = run.flow.bills if stored.kind == "bill" else run.flow.vendors
        result = apply_plan(
            plan_from_json(stored.body),
            board=run.board,
            links=run.store.links(stored.kind),
            project_gid=pins.project_gid,
            key_field_gid=pins.fields[scope.key_field].gid,
            bot_gid=pins.bot_gid,
            names={pin.gid: name for name, pin in pins.fields.items()},
            workers=run.board.max_writes,
            now=utc_now,
            on_progress=lambda text: self.log.info("%s", text),
        )
        if stored.kind == "bill":
            run.store.marks().made(run.board.made)
            run.store.marks().wrote(run.board.wrote)
        summary = result.summary() | {"calls": run.calls()}
        self.log.info("%s", json.dumps(summary))
        if not result.failures:
            cursor = str(stored.summary.get("cursor") or "")
            moved = [Cursor(name=self._cursor_name(run, stored.kind), value=cursor)] if cursor else []
            run.store.finish_plan(stored.plan_id, cursors=moved, result=summary, at=utc_now())
        result.raise_if_failed()
        return summary

    @staticmethod
    def _cursor_name(run: FlowRun, kind: str) -> str:
        return f"{kind}:{run.flow.fingerprint(kind)}"
