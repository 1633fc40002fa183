"""A backfill beside the schedule, two runs at once, tasks that somebody clears: all end like one run after the other."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator
from intacct_asana.reading.following import ANSWERS

from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import connections
from tests.standing.standing_world import Standing

pytestmark = pytest.mark.airflow
EVER = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC))


@pytest.fixture
def company(sandbox: Any, tmp_path: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> Standing:
    """Three bills with their tasks, then one that is new and one that changed."""
    for name, value in connections(sandbox).items():
        monkeypatch.setenv(name, value)
    world = Standing(sandbox, tmp_path, new_store, bills=3)
    world.pass_time(hours=1)
    world.sync()
    world.edit_bill("600.00", bill=0)
    world.bills.append(world.make_bill(amount="70.00"))
    return world


class Run:
    """One run of the bill sync, task by task."""

    def __init__(self, world: Standing, *, backfill: bool = False) -> None:
        self.world, self.backfill, self.plan_id = world, backfill, ""

    def plan(self) -> None:
        self.plan_id = self._do(PlanBillsOperator(task_id="plan", flow="small"))["plan_id"]

    def apply(self) -> Any:
        return self._do(ApplyPlanOperator(task_id="apply", flow="small", plan_id=self.plan_id))

    def _do(self, operator: Any) -> Any:
        self.world.pass_time(1)
        operator.run_parts = FlowRun(self.world.flow, now=lambda: self.world.at)
        operator.run_parts.__dict__["store"] = self.world.store
        context: dict[str, Any] = {"params": {}, "run_id": "r", "dag_run": SimpleNamespace(run_type="scheduled")}
        if self.backfill:
            context["dag_run"] = SimpleNamespace(run_type="backfill")
            context |= {"data_interval_start": EVER[0], "data_interval_end": EVER[1]}
        return operator.execute(context)


def amounts(world: Standing) -> dict[str, str]:
    """Amounts on tasks by the bill's number; a second task of a bill is a failure."""
    shown: dict[str, str] = {}
    for task in world.sandbox.state("asana")["tasks"]:
        if key := str(task["fields"].get("Intacct key") or "").rpartition(":")[2]:
            assert key not in shown, "two tasks of one bill"
            shown[key] = task["fields"]["Amount"]
    return shown


def in_intacct(world: Standing) -> dict[str, str]:
    return {one["record_no"]: one["total_entered"] for one in world.sandbox.state("intacct")["bills"]}


ORDERS = [
    "plan backfill, plan schedule, apply backfill, apply schedule",
    "plan backfill, plan schedule, apply schedule, apply backfill",
    "plan backfill, edit, plan schedule, apply schedule, apply backfill",
    "plan schedule, edit, plan backfill, apply schedule, apply backfill",
    "plan schedule, edit, plan backfill, apply backfill, apply schedule",
    "plan schedule, apply schedule, edit, plan backfill, apply backfill, apply schedule",
    "plan backfill, apply backfill, edit, plan schedule, apply schedule, apply backfill, plan backfill, apply backfill",
]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("beside", ["backfill", "another run"])
def test_runs_at_once_end_like_one_after_the_other(company: Standing, order: str, beside: str) -> None:
    runs = {"backfill": Run(company, backfill=beside == "backfill"), "schedule": Run(company)}
    for step in order.split(", "):
        what, _, who = step.partition(" ")
        if what == "edit":
            company.edit_bill("650.00", bill=0)
        else:
            getattr(runs[who], what)()
    company.sync()
    assert amounts(company) == in_intacct(company)
    before = company.sandbox.counters().get("asana WRITE", 0)
    company.sync()
    assert company.sandbox.counters().get("asana WRITE", 0) == before, "there is nothing left to do"


def test_a_backfill_moves_no_cursor_and_is_safe_to_repeat(company: Standing) -> None:
    stood = company.store.newest_whole_plan("bill")
    assert stood is not None
    # Which answers are known is forgotten by whoever writes, and says where nothing stands.
    places = [name for name in stood.summary["cursors"] if not name.startswith(f"bill_{ANSWERS}:")]
    before = company.store.cursors(places)
    run = Run(company, backfill=True)
    for _ in range(2):
        run.plan()
        run.apply()
    run.apply()
    assert amounts(company) == in_intacct(company)
    assert company.store.cursors(places) == before
    assert len(places) == len(stood.summary["cursors"]) - 1
