"""Fields that change between preflight and sync: that field fails in words, and the rest of every task is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.airflow
ALICE = "alice.martin@northwind.example"


@pytest.fixture
def ready(world: Any) -> Any:
    world.have_run()
    return world


def sync(world: Any, **conf: Any) -> str:
    """What a bill sync said that wrote what it could and failed."""
    states = world.run("bill_sync", **conf)
    assert states["apply_plan"] == "failed"
    return str(world.error)


CHANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "locked": (lambda act: act("lock_field", field="GL account"), "an Asana administrator lets this user edit"),
    "hidden": (lambda act: act("hide_field", field="GL account"), "is not on given object"),
    "removed": (lambda act: act("detach_field", field="GL account"), "run preflight, which adds or re-pins it"),
}


@pytest.mark.parametrize(
    "change", ["locked", pytest.param("hidden", marks=pytest.mark.slow), pytest.param("removed", marks=pytest.mark.slow)]
)
def test_field_lost_between_preflight_and_sync_is_named_and_the_rest_is_written(ready: Any, change: str) -> None:
    happen, words = CHANGES[change]
    happen(lambda action, **what: ready.sandbox.act("asana", ALICE, action, **what))
    said = sync(ready)
    assert "field 'GL account' was not written, the rest of the task was" in said
    assert words in said
    assert ready.tasks()
    for task in ready.tasks():
        assert task["fields"]["Intacct key"]
        assert task["fields"]["Amount"]
        assert task["fields"]["Approval"] == "Pending"
        assert not task["fields"].get("GL account")


def test_field_that_is_free_again_is_filled_by_the_next_run_and_no_task_is_made_twice(ready: Any) -> None:
    ready.sandbox.act("asana", ALICE, "lock_field", field="GL account")
    sync(ready)
    before = len(ready.tasks())
    ready.sandbox.act("asana", ALICE, "unlock_field", field="GL account")
    ready.must("bill_sync")
    assert len(ready.tasks()) == before
    assert any(task["fields"]["GL account"] for task in ready.tasks())
    writes = ready.writes()
    ready.must("bill_sync", full=True)
    assert ready.writes() == writes


@pytest.mark.slow
def test_locked_field_costs_one_refused_write_and_not_one_a_task(world: Any) -> None:
    world.sandbox.reset(bills=60)
    world.must("preflight", create_missing=True)
    world.sandbox.act("asana", ALICE, "lock_field", field="GL account")
    world.sandbox.zero_counters()
    sync(world)
    # As many as are written at once may meet the lock before the first of them knows of it.
    assert world.writes()[0] <= len(world.tasks()) + 15 < 2 * len(world.tasks())


@pytest.mark.slow
def test_refusal_that_names_no_field_is_found_by_writing_one_after_the_other(ready: Any) -> None:
    ready.sandbox.settings(asana_names_refused_fields=False)
    ready.sandbox.act("asana", ALICE, "lock_field", field="GL account")
    said = sync(ready)
    assert "field 'GL account' was not written, the rest of the task was" in said
    assert all(task["fields"]["Amount"] and task["fields"]["Approval"] == "Pending" for task in ready.tasks())
    assert len({task["fields"]["Intacct key"] for task in ready.tasks()}) == len(ready.tasks())


@pytest.mark.slow
def test_disabled_option_leaves_only_its_field_out(ready: Any) -> None:
    ready.sandbox.act("asana", ALICE, "disable_option", field="Payment status", option="Unpaid")
    said = sync(ready)
    assert "field 'Payment status' was not written" in said
    assert "run preflight, which re-pins options" in said
    assert all(task["fields"]["Amount"] for task in ready.tasks())


def test_locked_field_of_a_changed_bill_leaves_the_other_changes_in(ready: Any) -> None:
    ready.must("bill_sync")
    bills = ready.sandbox.state("intacct")["bills"]
    bill = next(one for one in bills if one["state"] == "Submitted" and one["module"] == "3.AP")
    ready.sandbox.act("asana", ALICE, "lock_field", field="Amount")
    changes = {"reference": "PO-99", "line": 1, "amount": "77.10"}
    ready.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bill["record_no"], changes=changes)
    said = sync(ready)
    assert "field 'Amount' was not written" in said
    task = next(one for one in ready.tasks() if one["fields"]["Intacct key"].endswith(f":ap:{bill['record_no']}"))
    assert "PO-99" in task["notes"]


def test_without_its_key_no_task_is_made(ready: Any) -> None:
    ready.sandbox.act("asana", ALICE, "lock_field", field="Intacct key")
    said = sync(ready)
    assert "lets this user edit the custom field" in said
    assert ready.tasks() == []
