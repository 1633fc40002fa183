"""Sections by state, and due dates that come and go: Intacct's change moves the task, a person's move stays until then."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sandbox import constants

pytestmark = pytest.mark.airflow
ALICE = "alice.martin@northwind.example"
OLD = "  sections: {open: Open, closed: Done}"
BY_STATE = "{Submitted: To approve, Posted: To pay, Paid: Paid}"


def task_of(world: Any, bill: dict[str, Any]) -> dict[str, Any]:
    key = f":ap:{bill['record_no']}"
    found: dict[str, Any] = next(one for one in world.tasks() if one["fields"]["Intacct key"].endswith(key))
    return found


def section_of(world: Any, bill: dict[str, Any]) -> str:
    name: str = task_of(world, bill)["sections"][constants.BILLS_PROJECT_GID]
    return name


def a_bill(world: Any, state: str) -> dict[str, Any]:
    bills: list[dict[str, Any]] = world.sandbox.state("intacct")["bills"]
    return next(bill for bill in bills if bill["state"] == state and bill["module"] == "3.AP")


def test_task_goes_through_its_bills_sections_and_a_hand_that_moved_it_counts_until_then(
    world: Any, flow_file: Callable[[str, str], None]
) -> None:
    flow_file(OLD, f"  sections: {{open: Open, closed: Done, by_state: {BY_STATE}}}")
    world.must("preflight", create_missing=True)
    bill, paid = a_bill(world, "Submitted"), a_bill(world, "Posted")
    world.must("bill_sync")
    assert section_of(world, bill) == "To approve"
    assert section_of(world, paid) == "To pay"
    world.sandbox.act("asana", ALICE, "move", task=task_of(world, bill)["gid"], section="Open")
    before = world.writes()
    world.must("bill_sync", full=True)
    assert (section_of(world, bill), world.writes()) == ("Open", before)
    world.sandbox.act("intacct", "mgarcia", "set_state", record_no=bill["record_no"], state="Posted")
    world.sandbox.act("intacct", "mgarcia", "pay_bill", record_no=paid["record_no"])
    world.must("bill_sync")
    assert section_of(world, bill) == "To pay"
    assert section_of(world, paid) == "Paid"
    assert task_of(world, paid)["completed"]


@pytest.mark.slow
def test_due_date_on_a_weekend_stays_and_one_that_intacct_changes_changes(world: Any) -> None:
    world.have_run()
    bill = a_bill(world, "Submitted")
    saturday, sunday = "2027-01-02", "2027-01-03"
    for day in (saturday, sunday):
        world.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bill["record_no"], changes={"due_on": day})
        world.must("bill_sync")
        assert task_of(world, bill)["due_on"] == day


def test_due_date_that_intacct_takes_away_is_taken_from_the_task(world: Any) -> None:
    world.have_run()
    bill = a_bill(world, "Submitted")
    world.must("bill_sync")
    assert task_of(world, bill)["due_on"]
    world.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bill["record_no"], changes={"due_on": None})
    world.must("bill_sync")
    assert task_of(world, bill)["due_on"] is None
