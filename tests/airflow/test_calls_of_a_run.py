"""What a run costs, counted by the sandbox: a write for each changed bill; reads do not grow with the unchanged ones."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.airflow
SCOPE = {"Submitted", "Partially Approved", "Posted", "Selected", "Partially Paid"}
FEW, MANY = 20, 140
"""Asana's pages hold 100 tasks."""


@pytest.fixture
def small_pages(world: Any, flow_file: Any) -> Any:
    """Pages so small that many bills take several."""
    flow_file("  key_field: Intacct key ", "  page_size: 50\n  key_field: Intacct key ")
    return world


def first_sync(world: Any, *, bills: int) -> None:
    """A fresh company of so many bills, each of them a task."""
    world.sandbox.reset(bills=bills)
    world.sandbox.settings(asana_requests_per_minute=100_000)
    world.lose_store()
    world.must("preflight", create_missing=True)
    world.must("bill_sync")


def in_daily_use(world: Any, *, bills: int) -> None:
    """An hour after the first sync one bill has changed, and everything is up to date."""
    first_sync(world, bills=bills)
    world.sandbox.clock(advance_seconds=3600)
    edit(world, without_payments(world), line=1, amount="11.11")
    world.must("bill_sync")
    # The first run looks at all that is decided, the second at every bill that nobody changed yet, those after it at new ones.
    for _ in range(2):
        world.must("approval_reconciliation")


def calls(world: Any, job: str) -> dict[str, int]:
    """Calls of one run by system and kind; Intacct's too."""
    world.sandbox.zero_counters()
    world.must(job)
    counted: dict[str, int] = world.sandbox.counters()
    return counted


def in_scope(world: Any) -> list[dict[str, Any]]:
    return [bill for bill in world.sandbox.state("intacct")["bills"] if bill["state"] in SCOPE]


def without_payments(world: Any) -> dict[str, Any]:
    """A bill that no payment touches: those of one that has some take calls of their own to read."""
    touched = {one["bill"] for payment in world.sandbox.state("intacct")["payments"] for one in payment["details"]}
    return next(bill for bill in in_scope(world) if bill["record_no"] not in touched)


def edit(world: Any, bill: dict[str, Any], **changes: Any) -> None:
    world.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bill["record_no"], changes=changes)


def test_each_changed_bill_costs_one_write_and_an_unchanged_one_none(small_pages: Any) -> None:
    first_sync(small_pages, bills=FEW)
    assert calls(small_pages, "bill_sync").get("asana WRITE", 0) == 0
    changed = in_scope(small_pages)[:4]
    for number, bill in enumerate(changed):
        edit(small_pages, bill, line=1, amount=f"{100 + number}.25")
    used = calls(small_pages, "bill_sync")
    assert used["asana WRITE"] == used["asana PUT /tasks/{gid}"] == len(changed)
    assert calls(small_pages, "bill_sync").get("asana WRITE", 0) == 0


def test_carrying_out_a_plan_that_changes_nothing_asks_nobody(small_pages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    first_sync(small_pages, bills=FEW)
    asked: list[str] = []
    real = small_pages._run_task

    def noted(task: Any) -> Any:
        before = dict(small_pages.sandbox.counters())
        result = real(task)
        if {name: count for name, count in small_pages.sandbox.counters().items() if count != before.get(name)}:
            asked.append(task.task_id)
        return result

    monkeypatch.setattr(small_pages, "_run_task", noted)
    used = calls(small_pages, "bill_sync")
    assert used.get("asana WRITE", 0) == 0
    assert asked == ["plan_tasks"]
    assert small_pages.result("apply_plan")["written"] == 0
    # The cursor went on all the same, and one that has to write asks again.
    stood = small_pages.cursors()
    edit(small_pages, in_scope(small_pages)[0], line=1, amount="77.77")
    asked.clear()
    assert calls(small_pages, "bill_sync")["asana WRITE"] == 1
    assert asked == ["plan_tasks", "apply_plan"]
    assert small_pages.cursors() != stood


def test_a_change_that_no_task_shows_costs_no_write(small_pages: Any) -> None:
    first_sync(small_pages, bills=FEW)
    bill = in_scope(small_pages)[0]
    edit(small_pages, bill, line=1, amount="50.50")
    edit(small_pages, bill, line=1, amount=bill["lines"][0]["transaction_amount"])
    used = calls(small_pages, "bill_sync")
    assert used["intacct query APBILL"]
    assert used.get("asana WRITE", 0) == 0


@pytest.mark.parametrize("many", [MANY, pytest.param(500, marks=pytest.mark.slow)])
def test_calls_do_not_grow_with_the_number_of_unchanged_bills(small_pages: Any, many: int) -> None:
    used = []
    for bills in (FEW, many):
        in_daily_use(small_pages, bills=bills)
        edit(small_pages, without_payments(small_pages), line=1, amount="99.99")
        used.append({job: calls(small_pages, job) for job in ("bill_sync", "approval_reconciliation")})
    assert used[0] == used[1]
    assert used[0]["bill_sync"]["asana WRITE"] == 1


def test_a_paid_bill_costs_one_call_for_its_fields_one_for_its_section_and_one_for_its_news(small_pages: Any) -> None:
    first_sync(small_pages, bills=FEW)
    bill = next(bill for bill in in_scope(small_pages) if bill["state"] == "Posted")
    small_pages.sandbox.act("intacct", "mgarcia", "pay_bill", record_no=bill["record_no"])
    used = calls(small_pages, "bill_sync")
    assert used["asana WRITE"] == 3
    writes = ("asana PUT /tasks/{gid}", "asana POST /sections/{gid}/addTask", "asana POST /tasks/{gid}/stories")
    assert [used.get(write) for write in writes] == [1, 1, 1]
    assert calls(small_pages, "bill_sync").get("asana WRITE", 0) == 0
