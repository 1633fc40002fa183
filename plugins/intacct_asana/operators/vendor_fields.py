"""Vendors' fields that people own in Asana: plan what flows into Intacct, write it, tell people what waits or was refused."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from intacct_asana.errors import Misconfigured
from intacct_asana.operators.flow_run import FlowOperator, FlowRun
from intacct_asana.operators.stored_plans import StoredPlanOperator
from intacct_asana.operators.vendor_rules import vendor_policy
from intacct_asana.reading.window import Reading, reading_of
from intacct_asana.records import Cursor, Link, Pins, ReadWindow, Task, Vendor, VendorValue
from intacct_asana.store import StoredPlan
from intacct_asana.sync import tasks_by_key
from intacct_asana.vendors import (
    VendorPlan,
    VendorPolicy,
    Written,
    plan_fields,
    plan_from_json,
    plan_to_json,
    raise_if_unsafe,
    tell_people,
    vendor_id_of,
    write_vendors,
)

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from intacct_asana.asana.hook import AsanaHook

KIND = "vendor_fields"
Rows = Mapping[str, Mapping[str, VendorValue]]
CHUNK = 200
"""Vendor ids in one query."""


@dataclass(slots=True, kw_only=True)
class Seen:
    """What a planning step has read so far, by vendor key."""

    tasks: dict[str, Task] = field(default_factory=dict)
    vendors: dict[str, Vendor] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    cursors: dict[str, str] = field(default_factory=dict)
    listed: int | None = None


class PlanVendorFieldsOperator(FlowOperator):
    """Compares the fields that people own on vendors' tasks with what was agreed and with Intacct, and stores a plan.

    Looks at tasks and vendors modified since the last run, with an overlap, and at values that are on their way; at everything
    on a full pass. Writes nothing to either system.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        board, pins = run.own_board("vendor")
        policy = vendor_policy(run.flow, pins)
        reading = self._reading(context, run)
        self.log.info("Reading vendors' fields: %s", reading.why)
        seen = Seen()
        self._read_vendors(run, reading, seen)
        self._read_tasks(run, board, pins, reading, seen)
        values = run.store.vendor_values()
        open_keys = {row.key for row in values.unsettled()} if reading.moves_cursor else set()
        rows = values.of({*seen.tasks, *seen.vendors, *open_keys})
        everything = reading.compares_all or bool(reading.window.vendor_ids)
        keys = self._worth_a_look(policy, seen, rows, everything=everything) | open_keys
        self._complete(run, board, keys, seen)
        plan = plan_fields(
            policy,
            tasks={key: seen.tasks[key] for key in keys if key in seen.tasks},
            vendors=seen.vendors,
            rows=rows,
            gone=frozenset(seen.gone),
            notes=tuple(seen.notes),
        )
        self.log.info("The plan\n%s", plan.render(names=policy.names))
        if not context["params"].get("allow_unsafe_plan"):
            nothing = reading.compares_all and seen.listed == 0 and run.flow.limits.empty_side
            agreed = values.agreed_count() if run.flow.limits.empty_side else 0
            raise_if_unsafe(plan, vendor_writes=run.flow.limits.vendor_writes, agreed=agreed, nothing_listed=nothing)
        return self._store(context, run, plan, reading, seen)

    # Reading

    def _reading(self, context: Context, run: FlowRun) -> Reading:
        start, end = context.get("data_interval_start"), context.get("data_interval_end")
        text = run.store.cursor(_vendors_cursor(run)) or ""
        run_type = context["dag_run"].run_type
        return reading_of(
            context["params"],
            run_type=str(getattr(run_type, "value", run_type)),
            interval=(start, end) if start and end else None,
            since_text=run.books.earlier(text, minutes=run.flow.bills.look_back_minutes) if text else "",
            scope=ReadWindow(),
        )

    def _read_vendors(self, run: FlowRun, reading: Reading, seen: Seen) -> None:
        """What changed in Intacct. A full pass goes by record number, so its cursor is from before it began."""
        newest = run.books.trails.newest_change("vendor") if reading.compares_all else ""
        for page in run.books.vendors(reading.window):
            seen.vendors.update((vendor.vendor_key, vendor) for vendor in page)
        if reading.compares_all:
            seen.notes += _same_names(seen.vendors.values())
        elif reading.moves_cursor:
            known = run.store.cursor(_vendors_cursor(run)) or ""
            newest = run.books.latest([known, *(vendor.modified_at_text for vendor in seen.vendors.values())])
        if reading.moves_cursor and newest:
            seen.cursors[_vendors_cursor(run)] = newest

    def _read_tasks(self, run: FlowRun, board: AsanaHook, pins: Pins, reading: Reading, seen: Seen) -> None:
        """Tasks that changed in Asana, or all of them. A copy of a task carries its key; only the linked one speaks."""
        if not reading.moves_cursor:
            return
        known = run.store.cursor(_tasks_cursor(run))
        since = datetime.fromisoformat(known) if known and not reading.compares_all else None
        key_field = pins.fields[run.flow.vendors.key_field].gid
        found = tasks_by_key(board, pins.project_gid, key_field_gid=key_field, since=since)
        links = run.store.links("vendor").of(found)
        for key, tasks in found.items():
            seen.tasks.update((key, task) for task in tasks if _stands_for(task, links.get(key)))
            seen.notes += [
                f"{key}: task {task.gid} carries this key too; only what its own task says counts"
                for task in tasks
                if not _stands_for(task, links.get(key))
            ]
        times = [task.modified_at for tasks in found.values() for task in tasks if task.modified_at]
        if newest := max([*times, *([datetime.fromisoformat(known)] if known else [])], default=None):
            seen.cursors[_tasks_cursor(run)] = newest.isoformat()
        seen.listed = len(found) if since is None else None

    @staticmethod
    def _worth_a_look(policy: VendorPolicy, seen: Seen, rows: Rows, *, everything: bool) -> set[str]:
        """Keys whose task or vendor says something else than was agreed, so that unchanged vendors cost no call."""

        def differs(key: str) -> bool:
            known = rows.get(key, {})
            for rule in policy.rules:
                row = known.get(rule.key)
                agreed = (row.agreed if row else None) or ""
                if key in seen.tasks and rule.wanted(seen.tasks[key]) != agreed:
                    return True
                if rule.intacct_field and key in seen.vendors and rule.actual(seen.vendors[key]) != agreed:
                    return True
            return False

        keys = {*seen.tasks, *seen.vendors}
        return keys if everything else {key for key in keys if differs(key)}

    def _complete(self, run: FlowRun, board: AsanaHook, keys: Collection[str], seen: Seen) -> None:
        """The other side of every key: the task where the vendor changed, the vendor where the task did."""
        links = run.store.links("vendor").of([key for key in keys if key not in seen.tasks])
        if seen.listed is None:
            for key, link in links.items():
                if task := board.task(link.task_gid):
                    seen.tasks[key] = task
        lacking = sorted(key for key in keys if key not in seen.vendors)
        for start in range(0, len(lacking), CHUNK):
            asked = {vendor_id_of(key): key for key in lacking[start : start + CHUNK]}
            for page in run.books.vendors(ReadWindow(vendor_ids=tuple(asked))):
                # Ids are case sensitive, whatever a query matches.
                seen.vendors.update((one.vendor_key, one) for one in page if one.vendor_key in asked.values())
            seen.gone.update(key for key in asked.values() if key not in seen.vendors)

    # The plan

    def _store(self, context: Context, run: FlowRun, plan: VendorPlan, reading: Reading, seen: Seen) -> dict[str, Any]:
        now = run.now()
        summary = {
            "why": reading.why,
            "counts": plan.counts(),
            "notes": list(plan.notes[:20]),
            "dry_run": bool(context["params"].get("dry_run")),
            "calls": run.calls(),
        }
        stored = StoredPlan(
            plan_id=f"{KIND}-{now:%Y%m%dT%H%M%S%f}",
            kind=KIND,
            created_at=now,
            run_id=str(context["run_id"]),
            summary={**summary, "cursors": seen.cursors},
            body=plan_to_json(plan),
        )
        run.store.save_plan(stored)
        return {"plan_id": stored.plan_id, **summary}


class WriteVendorsOperator(StoredPlanOperator):
    """Writes a stored plan for vendors' fields into Intacct, one vendor a request, each read back and compared.

    A failed vendor does not stop the others; the task fails at the end and names them, and the cursors stay.
    """

    def carry_out(self, run: FlowRun, stored: StoredPlan) -> dict[str, Any]:
        board, pins = run.own_board("vendor")
        plan = plan_from_json(stored.body)
        if run.books.read_only and (count := plan.counts()["vendors_to_write"]):
            what = f"Connection {run.books.conn_id} is read-only, so {count} vendors were not written."
            raise Misconfigured(
                f'{what} Their values wait; take "read_only" out of its extra if it may write.', code="read_only"
            )
        written = write_vendors(
            plan,
            policy=vendor_policy(run.flow, pins),
            books=run.books,
            board=board,
            values=run.store.vendor_values(),
            now=run.now,
            on_progress=lambda text: self.log.info("%s", text),
        )
        waiting = [f"{row.key}, {row.field}: {row.wanted!r}" for row in run.store.vendor_values().unsettled() if row.reason]
        report = _reported(self, run, written) | {"open": waiting[:20]}
        if not written.failures:
            cursors = [Cursor(name=name, value=value) for name, value in stored.summary.get("cursors", {}).items()]
            run.store.finish_plan(stored.plan_id, cursors=cursors, result=report, at=run.now())
        written.raise_if_failed()
        return report


class TellVendorPeopleOperator(FlowOperator):
    """Comments once on the vendor's task when a value waits for approval, was approved, refused, or is held back."""

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        if context["params"].get("dry_run"):
            return {"dry_run": True, "written": 0}
        board, pins = run.own_board("vendor")
        told = tell_people(
            policy=vendor_policy(run.flow, pins),
            board=board,
            links=run.store.links("vendor"),
            values=run.store.vendor_values(),
        )
        report = _reported(self, run, told)
        told.raise_if_failed()
        return report


def _reported(operator: FlowOperator, run: FlowRun, written: Written) -> dict[str, Any]:
    report: dict[str, Any] = written.summary() | {"calls": run.calls()}
    operator.log.info("%s", json.dumps(report))
    return report


def _stands_for(task: Task, link: Link | None) -> bool:
    return link is not None and link.task_gid == task.gid


def _same_names(vendors: Collection[Vendor]) -> list[str]:
    """Two vendors of one name are two vendors: their ids tell them apart, and people are told."""
    by_name: dict[str, list[str]] = {}
    for vendor in vendors:
        by_name.setdefault(" ".join(vendor.name.casefold().split()), []).append(vendor.vendor_id)
    counted = Counter({name: len(ids) for name, ids in by_name.items() if len(ids) > 1})
    return [
        f"vendors {', '.join(sorted(by_name[name]))} have the same name; one may be a duplicate" for name in sorted(counted)
    ]


def _vendors_cursor(run: FlowRun) -> str:
    return f"{KIND}:{run.flow.fingerprint('vendor')}"


def _tasks_cursor(run: FlowRun) -> str:
    return f"{KIND}_tasks:{run.flow.fingerprint('vendor')}"
