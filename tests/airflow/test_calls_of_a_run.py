"""What a run costs, counted by the sandbox: a write for each changed bill; reads do not grow with the unchanged ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

pytestmark = pytest.mark.airflow
SCOPE = {"Submitted", "Partially Approved", "Posted", "Selected", "Partially Paid"}
FEW, MANY = 20, 140
"""Asana's pages hold 100 tasks."""


@pytest.fixture
def fast_world(world: Any, monkeypatch: pytest.MonkeyPatch, flow_file: Any) -> Any:
    """Pages so small that many bills take several, limits so high that nothing waits for them."""
    flow_file("  key_field: Intacct key ", "  page_size: 50\n  key_field: Intacct key ")
    extra = json.loads(world.api.connections["asana_default"]["extra"])
    world.api.connections["asana_default"]["extra"] = json.dumps(extra | {"requests_per_minute": 100_000})
    # Paces live as long as the process, so these tests have their own.
    monkeypatch.setattr("intacct_asana.hooks.pace._paces", {})
    return world


def first_sync(world: Any, *, bills: int) -> None:
    """A fresh company of so many bills, each of them a task."""
    world.sandbox.reset(bills=bills)
    world.sandbox.settings(asana_requests_per_minute=100_000)
    world.store_path = world.store_path.with_name(f"{bills}.db")
    world.api.connections["intacct_asana_store"]["host"] = str(world.store_path)
    world.must("preflight", create_missing=True)
    world.must("bill_sync")


def in_daily_use(world: Any, *, bills: int) -> None:
    """An hour after the first sync one bill has changed, and everything is up to date."""
    first_sync(world, bills=bills)
    world.sandbox.clock(advance_seconds=3600)
    edit(world, in_scope(world)[0], line=1, amount="11.11")
    world.must("bill_sync")
    world.must("approval_reconciliation")


def calls(world: Any, job: str) -> dict[str, int]:
    """Calls of one run by system and kind; Intacct's too."""
    world.sandbox.zero_counters()
    world.must(job)
    counted: dict[str, int] = world.sandbox.counters()
    return counted


def in_scope(world: Any) -> list[dict[str, Any]]:
    return [bill for bill in world.sandbox.state("intacct")["bills"] if bill["state"] in SCOPE]


def edit(world: Any, bill: dict[str, Any], **changes: Any) -> None:
    world.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bill["record_no"], changes=changes)


def test_each_changed_bill_costs_one_write_and_an_unchanged_one_none(fast_world: Any) -> None:
    first_sync(fast_world, bills=FEW)
    assert calls(fast_world, "bill_sync").get("asana WRITE", 0) == 0
    changed = in_scope(fast_world)[:4]
    for number, bill in enumerate(changed):
        edit(fast_world, bill, line=1, amount=f"{100 + number}.25")
    used = calls(fast_world, "bill_sync")
    assert used["asana WRITE"] == used["asana PUT /tasks/{gid}"] == len(changed)
    assert calls(fast_world, "bill_sync").get("asana WRITE", 0) == 0


def test_a_change_that_no_task_shows_costs_no_write(fast_world: Any) -> None:
    first_sync(fast_world, bills=FEW)
    bill = in_scope(fast_world)[0]
    edit(fast_world, bill, line=1, amount="50.50")
    edit(fast_world, bill, line=1, amount=bill["lines"][0]["transaction_amount"])
    used = calls(fast_world, "bill_sync")
    assert used["intacct query APBILL"]
    assert used.get("asana WRITE", 0) == 0


@pytest.mark.parametrize("many", [MANY, pytest.param(500, marks=pytest.mark.slow)])
def test_calls_do_not_grow_with_the_number_of_unchanged_bills(fast_world: Any, many: int) -> None:
    used = []
    for bills in (FEW, many):
        in_daily_use(fast_world, bills=bills)
        edit(fast_world, in_scope(fast_world)[0], line=1, amount="99.99")
        used.append({job: calls(fast_world, job) for job in ("bill_sync", "approval_reconciliation")})
    assert used[0] == used[1]
    assert used[0]["bill_sync"]["asana WRITE"] == 1


def test_a_paid_bill_costs_one_call_for_its_fields_one_for_its_section_and_one_for_its_news(fast_world: Any) -> None:
    first_sync(fast_world, bills=FEW)
    bill = next(bill for bill in in_scope(fast_world) if bill["state"] == "Posted")
    fast_world.sandbox.act("intacct", "mgarcia", "pay_bill", record_no=bill["record_no"])
    used = calls(fast_world, "bill_sync")
    assert used["asana WRITE"] == 3
    writes = ("asana PUT /tasks/{gid}", "asana POST /sections/{gid}/addTask", "asana POST /tasks/{gid}/stories")
    assert [used.get(write) for write in writes] == [1, 1, 1]
    assert calls(fast_world, "bill_sync").get("asana WRITE", 0) == 0
