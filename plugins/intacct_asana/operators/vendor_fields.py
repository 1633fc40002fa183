"""Vendors' fields that people own in Asana: plan what flows into Intacct, write it, tell people what waits or was refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from intacct_asana.codec import plan_from_json, plan_to_json
from intacct_asana.errors import Misconfigured, OddRecord
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, StoredPlanOperator
from intacct_asana.operators.runs.resting import RESTS, quiet_cursor, quiet_of
from intacct_asana.reading.following import CHANGED, Reading, reading_of
from intacct_asana.reading.late import LookBack
from intacct_asana.reading.vendors import SeenVendors, ids_of, newest_change, same_names
from intacct_asana.records import Cursor, Pins, ReadWindow, UnreadTask
from intacct_asana.store import StoredPlan
from intacct_asana.sync import Report, tasks_by_key
from intacct_asana.vendors import (
    VendorPlan,
    plan_fields,
    raise_if_unsafe,
    tell_people,
    vendor_policy,
    write_vendors,
)

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from intacct_asana.asana.hook import AsanaHook

KIND = "vendor_fields"


class PlanVendorFieldsOperator(FlowOperator):
    """Compares the fields that people own on vendors' tasks with what was agreed and with Intacct, and stores a plan.

    Looks at tasks and vendors modified since the last run, with an overlap, and at values that are on their way; at everything
    on a full pass. Writes nothing to either system.
    """

    rehearses_when_dry = False

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        board, pins = run.own_board("vendor")
        policy = vendor_policy(run.flow, pins)
        back = LookBack(
            run.flow.bills, kept=lambda name: run.store.cursor(_wide_cursor(run, name)), texts=run.books, now=run.now()
        )
        reading = self._reading(context, run, back)
        self.log.info("Reading vendors' fields: %s", reading.why)
        seen, cursors = SeenVendors(), dict[str, str]()
        quiet = quiet_of(context, run, KIND)
        # What people set in Asana flows all the same: a vendor is read where its task changed.
        if quiet and reading.moves_cursor and not reading.compares_all and quiet.rests():
            self.log.info("%s, but for vendors whose tasks changed", RESTS)
        else:
            self._read_vendors(run, reading, seen, cursors, back)
        if reading.moves_cursor:
            self._read_tasks(run, board, pins, reading, seen, cursors)
        values = run.store.vendor_values()
        open_keys = {row.key for row in values.unsettled()} | _owed(run) if reading.moves_cursor else set()
        keys = {*seen.tasks, *seen.vendors, *open_keys}
        rows = values.of(keys)
        if not (reading.compares_all or reading.window.vendor_ids):
            keys = seen.worth_a_look(policy, rows) | open_keys
        self._complete(run, board, keys, seen)
        keys -= seen.unread.keys()
        for why in seen.unread.values():
            self.log.warning("Not looked at: %s", why)
        tasks = {key: seen.tasks[key] for key in keys if key in seen.tasks}
        gone, notes = frozenset(seen.gone), tuple(seen.notes)
        plan = plan_fields(policy, tasks=tasks, vendors=seen.vendors, rows=rows, gone=gone, notes=notes)
        self.log.info("The plan\n%s", plan.render(names=policy.names))
        if quiet and _vendors_cursor(run) in cursors:
            mark = quiet_cursor(KIND, quiet, changed=bool(plan.acting().actions))
            cursors[mark.name] = mark.value
        allowed = context["params"].get("allow_unsafe_plan")
        refused = "" if allowed else self.refused(lambda: self._check_limits(run, plan, seen))
        if reading.moves_cursor:
            # One without an id can have no task, so nobody asks for it again.
            cursors[_owed_cursor(run)] = json.dumps(sorted(key for key in seen.unread if ":" in key))
        return self._store(context, run, plan, reading, cursors, seen.unread, would_stop=refused)

    @staticmethod
    def _check_limits(run: FlowRun, plan: VendorPlan, seen: SeenVendors) -> None:
        limits = run.flow.limits
        agreed = run.store.vendor_values().agreed_count() if limits.empty_side else 0
        raise_if_unsafe(plan, vendor_writes=limits.vendor_writes, agreed=agreed, nothing_listed=seen.shows_none)

    # Reading

    def _reading(self, context: Context, run: FlowRun, back: LookBack) -> Reading:
        start, end = context.get("data_interval_start"), context.get("data_interval_end")
        text = run.store.cursor(_vendors_cursor(run)) or ""
        run_type = context["dag_run"].run_type
        return reading_of(
            context["params"],
            run_type=str(getattr(run_type, "value", run_type)),
            interval=(start, end) if start and end else None,
            since_text=back.begin(CHANGED, text),
            scope=ReadWindow(),
        )

    def _read_vendors(self, run: FlowRun, reading: Reading, seen: SeenVendors, cursors: dict[str, str], back: LookBack) -> None:
        """What changed in Intacct. A full pass goes by record number, so its cursor is from before it began."""
        newest = run.books.trails.newest_change("vendor") if reading.compares_all else ""
        known = run.store.cursor(_vendors_cursor(run)) or ""
        for page in run.books.vendors(reading.window, unread=seen.tell_unread):
            seen.vendors.update((vendor.vendor_key, vendor) for vendor in page)
        if reading.compares_all:
            seen.notes += same_names(seen.vendors.values())
        elif reading.moves_cursor:
            newest = run.books.latest([known, *(vendor.modified_at_text for vendor in seen.vendors.values())])
        if reading.moves_cursor and newest:
            cursors[_vendors_cursor(run)] = newest
            wide = back.made_all({CHANGED: newest}) if reading.compares_all else back.made({CHANGED: known})
            cursors |= {_wide_cursor(run, name): mark for name, mark in wide.items()}

    def _read_tasks(
        self, run: FlowRun, board: AsanaHook, pins: Pins, reading: Reading, seen: SeenVendors, cursors: dict[str, str]
    ) -> None:
        """Tasks that changed in Asana, or all of them."""
        known = run.store.cursor(_tasks_cursor(run))
        since = datetime.fromisoformat(known) if known and not reading.compares_all else None
        key_field = pins.fields[run.flow.vendors.key_field].gid
        unread = list[UnreadTask]()
        found = tasks_by_key(board, pins.project_gid, key_field_gid=key_field, since=since, unread=unread.append)
        linked = run.store.links("vendor").by_task([task.gid for task in unread])
        seen.unread |= {linked[task.gid].key: task.why for task in unread if task.gid in linked}
        seen.take_listing(found, links=run.store.links("vendor").of(found), lists_all=since is None)
        if newest := newest_change((task for tasks in found.values() for task in tasks), known=known):
            cursors[_tasks_cursor(run)] = newest

    def _complete(self, run: FlowRun, board: AsanaHook, keys: Collection[str], seen: SeenVendors) -> None:
        """The other side of every key: the task where the vendor changed, the vendor where the task did."""
        for key, link in run.store.links("vendor").of(seen.without_task(keys)).items():
            try:
                if task := board.task(link.task_gid):
                    seen.tasks[key] = task
            except OddRecord as error:
                seen.unread[key] = error.message
        for asked in seen.without_vendor(keys):
            pages = run.books.vendors(ReadWindow(vendor_ids=ids_of(asked)), unread=seen.tell_unread)
            seen.take_answer(asked, [vendor for page in pages for vendor in page])

    # The plan

    def _store(
        self,
        context: Context,
        run: FlowRun,
        plan: VendorPlan,
        reading: Reading,
        cursors: dict[str, str],
        unread: Mapping[str, str],
        *,
        would_stop: str,
    ) -> dict[str, Any]:
        now = run.now()
        summary = {
            "why": reading.why,
            "counts": plan.counts(),
            "notes": list(plan.notes[:20]),
            "dry_run": self.is_dry(context),
            "rehearsal": run.flow.rehearsal,
            **({"would_stop": would_stop} if would_stop else {}),
            "calls": run.calls(),
        }
        stored = StoredPlan(
            plan_id=f"{KIND}-{now:%Y%m%dT%H%M%S%f}",
            kind=KIND,
            created_at=now,
            run_id=str(context["run_id"]),
            summary={**summary, "cursors": cursors, "failed": dict(unread)},
            body=plan_to_json(plan.acting()),
        )
        run.store.save_plan(stored)
        return {"plan_id": stored.plan_id, **summary}


class WriteVendorsOperator(StoredPlanOperator):
    """Writes a stored plan for vendors' fields into Intacct, one vendor a request, each read back and compared.

    A failed vendor does not stop the others; the task fails at the end and names them, and the cursors stay.
    """

    def carry_out(self, run: FlowRun, stored: StoredPlan) -> dict[str, Any]:
        board, pins = run.own_board("vendor")
        plan = plan_from_json(VendorPlan, stored.body)
        if run.books.read_only and (count := plan.counts()["vendors_to_write"]):
            what = f"Connection {run.books.conn_id} is read-only, so {count} vendors were not written."
            raise Misconfigured(
                f'{what} Their values wait; take "read_only" out of its extra if it may write.', code="read_only"
            )
        values = run.store.vendor_values()
        written = write_vendors(
            plan,
            policy=vendor_policy(run.flow, pins),
            books=run.books,
            board=board,
            values=values,
            journal=run.store.intents(),
            owner=stored.plan_id,
            now=run.now,
            on_progress=lambda text: self.log.info("%s", text),
        )
        waiting = [f"{row.key}, {row.field}: {row.wanted!r}" for row in values.unsettled() if row.reason]
        is_whole = not written.failures
        for key, why in stored.summary.get("failed", {}).items():
            written.fail(key, Misconfigured(why))
        report = _reported(self, run, written) | {"open": waiting[:20]}
        if is_whole:
            cursors = [Cursor(name=name, value=value) for name, value in stored.summary.get("cursors", {}).items()]
            run.store.finish_plan(stored.plan_id, cursors=cursors, result=report, at=run.now())
        written.raise_if_failed()
        return report


class TellVendorPeopleOperator(FlowOperator):
    """Comments once on the vendor's task when a value waits for approval, was approved, refused, or is held back."""

    rehearses_when_dry = False

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        if self.is_dry(context):
            untold = len(run.store.vendor_values().untold())
            self.log.info("Nobody is told: this run only says what it would do. %d values of earlier runs wait.", untold)
            return {"dry_run": True, "written": 0}
        board, pins = run.own_board("vendor")
        told = tell_people(
            policy=vendor_policy(run.flow, pins),
            board=board,
            links=run.store.links("vendor"),
            values=run.store.vendor_values(),
            journal=run.store.intents(),
            owner=f"{self.task_id} of {context['run_id']}",
            now=run.now,
        )
        report = _reported(self, run, told)
        told.raise_if_failed()
        return report


def _reported(operator: FlowOperator, run: FlowRun, written: Report) -> dict[str, Any]:
    report: dict[str, Any] = written.summary() | {"calls": run.calls()}
    operator.log.info("%s", json.dumps(report))
    return report


def _vendors_cursor(run: FlowRun) -> str:
    return f"{KIND}:{run.flow.fingerprint('vendor')}"


def _wide_cursor(run: FlowRun, name: str) -> str:
    return f"{KIND}_{name}:{run.flow.fingerprint('vendor')}"


def _owed_cursor(run: FlowRun) -> str:
    """Keys of vendors that could not be read and that the other cursors went past."""
    return f"{KIND}_owed:{run.flow.fingerprint('vendor')}"


def _owed(run: FlowRun) -> set[str]:
    return set(json.loads(run.store.cursor(_owed_cursor(run)) or "[]"))


def _tasks_cursor(run: FlowRun) -> str:
    return f"{KIND}_tasks:{run.flow.fingerprint('vendor')}"
