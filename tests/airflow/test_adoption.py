"""Whose task may stand for a bill: one that we made, and nothing that was chosen on it before counts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from sandbox import constants

pytestmark = [pytest.mark.airflow]
ALICE = "alice.martin@northwind.example"


@pytest.fixture
def synced(world: Any) -> Any:
    world.have_run("bill_sync")
    return world


def open_task(world: Any) -> dict[str, Any]:
    return next(task for task in world.tasks() if not task["completed"])


def key_of(task: dict[str, Any]) -> str:
    return str(task["fields"]["Intacct key"])


def with_key(world: Any, key: str) -> dict[str, dict[str, Any]]:
    return {task["gid"]: task for task in world.tasks() if key_of(task) == key}


def linked(world: Any, key: str) -> Any:
    return world.store().links("bill").of([key])[key]


def by_hand(world: Any, fields: dict[str, str]) -> str:
    """The gid of a task that a person makes in the project."""
    world.sandbox.act("asana", ALICE, "create", name="By hand", fields=fields, project=constants.BILLS_PROJECT_GID)
    return next(str(task["gid"]) for task in world.tasks() if task["name"] == "By hand")


def test_a_hand_made_task_with_the_key_of_a_deleted_one_is_not_used(synced: Any) -> None:
    key = key_of(task := open_task(synced))
    synced.sandbox.act("asana", ALICE, "delete", task=task["gid"])
    fields = {"Intacct key": key, "Approval": "Approved"}
    made = by_hand(synced, fields)
    synced.must("bill_sync", full=True)
    gid = linked(synced, key).task_gid
    assert with_key(synced, key).keys() == {gid, made}
    assert gid != made
    told = synced.store().plan(synced.result("plan_tasks")["plan_id"]).body
    assert f"{key}: task {made} carries this key, but was made by user" in told


def test_a_key_written_into_a_task_by_hand_is_no_better(synced: Any) -> None:
    key = key_of(task := open_task(synced))
    made = by_hand(synced, {})
    synced.sandbox.act("asana", ALICE, "delete", task=task["gid"])
    synced.sandbox.act("asana", ALICE, "write", task=made, field="Intacct key", value=key)
    synced.must("bill_sync", full=True)
    assert linked(synced, key).task_gid not in (made, task["gid"])


def test_a_task_that_is_adopted_begins_undecided_and_earlier_choices_are_from_before_it_was_linked(synced: Any) -> None:
    key = key_of(task := open_task(synced))
    synced.sandbox.act("asana", ALICE, "choose", task=task["gid"], field="Approval", option="Approved")
    chosen_at = with_key(synced, key)[task["gid"]]["stories"][-1]["created_at"]
    synced.lose_store()
    synced.must("preflight")
    synced.must("bill_sync")
    assert with_key(synced, key)[task["gid"]]["fields"]["Approval"] == "Pending"
    link = linked(synced, key)
    assert link.task_gid == task["gid"]
    assert link.linked_at > datetime.fromisoformat(chosen_at)
    assert synced.store().links("bill").shown(key, task_gid=task["gid"], at=datetime.fromisoformat(chosen_at)) is None
