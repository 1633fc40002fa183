"""Payments through Airflow: what is paid, voided and paid again shows on the task, closes or reopens it, and is told once."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.airflow


def checks(world: Any) -> dict[str, dict[str, str]]:
    return {row["check"]: row for row in world.result("check_intacct")}


def test_preflight_names_the_missing_right_to_payments_and_the_way_without_it(world: Any, flow_file: Any) -> None:
    world.sandbox.settings(denied_objects=["APPYMTDETAIL"])
    assert world.run("preflight", create_missing=True)["report_checks"] == "failed"
    denied = checks(world)["Intacct may read APPYMTDETAIL"]
    assert denied["ok"] == "no"
    assert "List and View on AP payments" in denied["mend"]
    assert "payments: totals" in denied["mend"]
    assert checks(world)["Intacct may read APPYMT"]["ok"] == "yes"
    flow_file("  notes: lines", "  payments: totals\n  notes: lines")
    world.must("preflight", create_missing=True)
    assert "not needed" in checks(world)["Intacct payments"]["result"]
    world.must("bill_sync")
    assert world.tasks()
