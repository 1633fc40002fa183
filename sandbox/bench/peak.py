"""One reading in a process of its own, so that its peak is its own: `python -m sandbox.bench.peak bills` prints one line."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from types import SimpleNamespace
from typing import Any

from sandbox.bench.first_sync import FLOW


def peak_mb() -> float:
    """The most memory that this process ever held, in MB of 1,000,000 bytes. Linux counts in units of 1,024 bytes."""
    return getrusage(RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def without_waiting_for_the_disk() -> None:
    """SQLite's commits return at once from now on in this process: how long a disk takes for them is another question."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    # Behind the store's own words on a new connection, which ask for the opposite.
    @event.listens_for(Engine, "engine_connect")
    def connected(connection: Any) -> None:
        made = connection.connection.dbapi_connection
        if isinstance(made, sqlite3.Connection):
            made.execute("PRAGMA synchronous = OFF")


def make_fields() -> int:
    """What preflight makes on an empty board; a plan needs it."""
    from intacct_asana.operators.preflight import CheckAsanaOperator

    CheckAsanaOperator(task_id="check_asana", flow=FLOW, create_missing=True).execute(a_context())
    return 0


def read_bills() -> int:
    """Every bill of the company with its lines, page after page, as the flow reads them; kept are none."""
    from intacct_asana.deployment import flow_named
    from intacct_asana.operators.flow_run import FlowRun
    from intacct_asana.reading.following import bill_window

    flow = flow_named(FLOW)
    pages = FlowRun(flow).books.bills(bill_window(flow.bills), page_size=flow.bills.page_size)
    return sum(len(page) for page in pages)


def plan_bills() -> int:
    """A first bill sync's plan by the DAG's own operator."""
    from intacct_asana.operators.syncing import PlanBillsOperator

    planned = PlanBillsOperator(task_id="plan_tasks", flow=FLOW).execute(a_context())
    PLAN.write_text(planned["plan_id"])
    read: int = planned["read"]
    return read


def apply_bills() -> int:
    """The plan that another process made, carried out by the DAG's own operator."""
    from intacct_asana.operators.syncing import ApplyPlanOperator

    result = ApplyPlanOperator(task_id="apply_plan", flow=FLOW, plan_id=PLAN.read_text()).execute(a_context())
    made: int = result["done"]["create"]
    return made


def a_context() -> Any:
    """Enough of Airflow's for an operator outside a task runner, which would say so with a warning."""
    from airflow.sdk.bases.operator import ExecutorSafeguard

    ExecutorSafeguard.test_mode = True
    return {"params": {"allow_unsafe_plan": True}, "dag_run": SimpleNamespace(run_type="manual"), "run_id": "bench"}


PLAN = Path(os.environ.get("AIRFLOW_HOME", ".")) / "bench-plan"
"""Where the name of a plan goes from one process to the next."""

WAYS: dict[str, Callable[[], int]] = {
    "fields": make_fields,
    "bills": read_bills,
    "plan": plan_bills,
    "apply": apply_bills,
}


def main(way: str) -> None:
    import_module("intacct_asana.operators.syncing")
    import_module("intacct_asana.intacct.hook")
    without_waiting_for_the_disk()
    before, began = peak_mb(), time.monotonic()
    bills = WAYS[way]()
    print(json.dumps({"bills": bills, "seconds": time.monotonic() - began, "before_mb": before, "peak_mb": peak_mb()}))


if __name__ == "__main__":
    main(sys.argv[1])
