"""Whether a scheduled run may leave Intacct alone, as the flow's `schedules.idle` says."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from intacct_asana.codec import from_json
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.reading.quiet import Quiet, Stood
from intacct_asana.records import Cursor
from intacct_asana.sync import open_writes

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

RESTS = "a quiet time: Intacct is not asked in this run"
SCHEDULED = ("scheduled", "asset_triggered")
WOKEN = "webhook__"
"""What the ids of runs begin with that a webhook started."""


def quiet_of(context: Context, run: FlowRun, name: str) -> Quiet | None:
    """None where a person started the run, where it is a backfill, and where the flow declares no quiet time."""
    rule, dag_run = run.flow.schedules.idle, context["dag_run"]
    kind = str(getattr(dag_run.run_type, "value", dag_run.run_type))
    is_ours = kind in SCHEDULED or str(context["run_id"]).startswith(WOKEN)
    at: Any = getattr(dag_run, "run_after", None)
    if rule is None or run.flow.rehearsal or not is_ours or not isinstance(at, datetime):
        return None
    start, end = context.get("data_interval_start"), context.get("data_interval_end")
    # Who is woken knows no next run; the schedule's own run looks at when that comes.
    interval = end - start if start and end else at - at
    return Quiet.of(run.store.cursor(cursor_name(name)), rule=rule, at=at, interval=interval)


def reading_rests(run: FlowRun, quiet: Quiet, *, kind: str, glances: bool) -> bool:
    """Whether the reading of bills or vendors does. Never while a write is not known to be done: then it is no quiet time.

    With `glances` Intacct is asked now and then, in two calls, when any record of the kind was changed or made last.
    """

    def glance() -> str:
        trails = run.books.trails
        return json.dumps([trails.newest_change(kind), trails.newest_creation(kind)])

    if open_writes(run.store.intents(), kind):
        return False
    rests = quiet.rests(glance if glances else None)
    if rests and quiet.glanced:
        run.store.save_cursor(Cursor(name=cursor_name(kind), value=quiet.glanced))
    return rests


def quiet_state(run: FlowRun, name: str) -> Stood | None:
    """How another step's reading stands; None where it never rested or read."""
    text = run.store.cursor(cursor_name(name))
    return from_json(Stood, text) if text else None


def cursor_name(name: str) -> str:
    return f"quiet_{name}"


def forget_quiet(run: FlowRun, name: str) -> None:
    """Before something is read: where that fails, the next run reads whatever the time, and no green one hides it."""
    run.store.save_cursor(Cursor(name=cursor_name(name), value=""))


def quiet_cursor(name: str, quiet: Quiet, *, changed: bool) -> Cursor:
    """To be saved with what was read."""
    return Cursor(name=cursor_name(name), value=quiet.text(changed=changed))
