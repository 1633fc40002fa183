"""The audit of both sides as a worker runs it, over the demo flow's whole mapping: two entities, two currencies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.test_whole_run import ALICE, bills_for, task_of

pytestmark = pytest.mark.airflow
ROOT = Path(__file__).resolve().parents[2]
DECLARED = "\ndrift: {fail_on: [stale]}\nexceptions: {owner: erin.wolf@northwind.example}\nalerts:\n"


def test_drift_is_a_red_run_and_an_owners_task_where_the_flow_says_so(
    world: Any, flow_file: Callable[[str, str], None]
) -> None:
    from airflow.dag_processing.dagbag import DagBag

    flow_file("\nalerts:\n", DECLARED)
    world.bag = DagBag(dag_folder=str(ROOT / "dags"))
    world.have_run("bill_sync", "approval_reconciliation")
    before = world.writes()
    world.must("drift_audit")
    report = world.result("compare_sides")
    assert (report["counts"], report["unread"]) == ({}, [])
    assert report["open"] == sum(one["bills"] for one in report["totals"]) > 5
    assert {(one["entity"], one["difference"]) for one in report["totals"]} == {("UK01", "0.00"), ("US01", "0.00")}
    assert world.writes() == before

    gid = task_of(world, bills_for(world)[0])["gid"]
    world.sandbox.act("asana", ALICE, "write", task=gid, field="Vendor", value="Another Ltd")
    states = world.run("drift_audit")
    assert states == {
        "compare_sides": "success",
        "apply_repair": "skipped",
        "keep_exceptions": "success",
        "report_drift": "failed",
    }
    found = world.result("compare_sides")["findings"]
    assert [(one["drift"], one["task_gid"]) for one in found] == [("stale", gid)]
    assert world.result("keep_exceptions")["done"] == {"exception": 1}
    world.must("approval_reconciliation")
    assert world.result("keep_exceptions")["written"] == 0
