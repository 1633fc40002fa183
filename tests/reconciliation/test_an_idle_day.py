"""A day on which nothing happens, minute by minute of both clocks, and what Intacct bills for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.operators.approvals import SettleDecisionsOperator
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.read_decisions import ReadDecisionsOperator
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator, PlanVendorsOperator

from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import ALICE, Reconciliation

pytestmark = pytest.mark.airflow
IDLE = "schedules:\n  idle: {{after_minutes: 120, every_minutes: 1440, glance_minutes: 180}}\napproval:\n"
A_MONTH = 30
MOST_A_MONTH = 2000


class Day:
    """One flow by its schedule: bills and approvals every 10 minutes, vendors every hour. Each step has hooks of its own."""

    def __init__(self, flow: Reconciliation) -> None:
        self.flow, self.hooks, self.minute = flow, list[Any](), 0

    def step(self, operator: Any, *, every: int) -> Any:
        run = FlowRun(self.flow.flow, now=lambda: self.flow.at)
        run.__dict__["store"] = self.flow.store
        operator.run_parts = run
        at = self.flow.at
        context = {
            "params": {},
            "dag_run": SimpleNamespace(run_type="scheduled", run_after=at),
            "run_id": "scheduled__1",
            "data_interval_start": at - timedelta(minutes=every),
            "data_interval_end": at,
        }
        return operator.execute(context)

    def pass_minutes(self, minutes: int) -> None:
        for _ in range(0, minutes, 10):
            self.flow.pass_time(minutes=10)
            self.minute += 10
            self.sync()
            self.settle()
            if self.minute % 60 == 0:
                self._apply(self.step(PlanVendorsOperator(task_id="plan", flow="small"), every=60), every=60)

    def sync(self) -> Any:
        planned = self.step(PlanBillsOperator(task_id="plan", flow="small"), every=10)
        self._apply(planned, every=10)
        return planned

    def _apply(self, planned: Any, *, every: int) -> None:
        self.step(ApplyPlanOperator(task_id="apply", flow="small", plan_id=planned["plan_id"]), every=every)

    def settle(self) -> None:
        self.step(SettleDecisionsOperator(task_id="settle", flow="small"), every=10)

    def billed(self) -> int:
        billed: dict[str, int] = self.flow.sandbox.call("GET", "/_sandbox/billed")
        return sum(billed.values())


@pytest.fixture
def day(sandbox: Any, tmp_path: Any, new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> Day:
    from tests.reconciliation import reconciliation_world

    monkeypatch.setattr(reconciliation_world, "FLOW", reconciliation_world.FLOW.replace("approval:\n", IDLE, 1))
    for name, value in reconciliation_world.connections(sandbox).items():
        monkeypatch.setenv(name, value)
    return Day(Reconciliation(sandbox, tmp_path, new_store, bills=3))


def test_an_idle_flow_needs_fewer_calls_than_it_may(day: Day, figures: Any) -> None:
    day.pass_minutes(200)
    day.flow.sandbox.zero_counters()
    day.pass_minutes(24 * 60)
    figures("Intacct calls of an idle month, bills every 10 minutes", day.billed() * A_MONTH)
    assert 0 < day.billed() * A_MONTH <= MOST_A_MONTH


def test_a_new_bill_ends_it_at_the_next_glance_and_a_choice_at_once(day: Day) -> None:
    day.pass_minutes(200)
    tasks = len(day.flow.sandbox.state("asana")["tasks"])
    day.flow.choose(ALICE, "Approved")
    day.step(ReadDecisionsOperator(task_id="read", flow="small"), every=10)
    day.settle()
    assert day.flow.held()["ASANA_DECISION"] == "Approved"
    day.flow.add_bill()
    day.pass_minutes(250)
    assert len(day.flow.sandbox.state("asana")["tasks"]) == tasks + 1


def fails_until_quiet(day: Day, step: Callable[[], Any]) -> None:
    """Runs read until shortly before the quiet time begins; then Intacct is away for as long as it takes to begin."""
    day.pass_minutes(100)
    day.flow.sandbox.fault("intacct", "*", "status:503", times=5000)
    for _ in range(3):
        day.flow.pass_time(minutes=10)
        with pytest.raises(IntacctAsanaError):
            step()
    day.flow.sandbox.clear_faults()
    day.flow.pass_time(minutes=10)


def test_no_green_run_hides_that_bills_could_not_be_read(day: Day) -> None:
    fails_until_quiet(day, day.sync)
    assert "rests" not in day.sync()


def test_no_green_run_hides_a_look_that_failed(day: Day) -> None:
    day.flow.choose(ALICE, "Approved")
    day.step(ReadDecisionsOperator(task_id="read", flow="small"), every=10)
    day.settle()
    fails_until_quiet(day, day.settle)
    # The bill sync knows that all is quiet.
    day.sync()
    before = day.billed()
    day.settle()
    assert day.billed() > before
