"""Assignee and followers by e-mail: given once, left to people afterwards, and never a reason to lose a bill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.airflow
ALICE, BEN, CARLA = "alice.martin@northwind.example", "ben.okafor@northwind.example", "carla.ruiz@northwind.example"
ASSIGNEE = "  assignee: {vendor_field: Default approver}\n"


def with_people(flow_file: Callable[[str, str], None], assignee: str, *followers: str) -> None:
    named = f"  assignee: {{email: {assignee}}}\n  followers: [{', '.join(followers)}]\n"
    flow_file(ASSIGNEE, named)


def test_people_get_new_tasks_once_and_may_leave_or_hand_over(world: Any, flow_file: Callable[[str, str], None]) -> None:
    with_people(flow_file, BEN, ALICE, CARLA)
    world.must("preflight", create_missing=True)
    world.must("bill_sync")
    assert {task["assignee"] for task in world.tasks()} == {BEN}
    assert {tuple(sorted(task["followers"])) for task in world.tasks()} == {(ALICE, CARLA)}
    task = world.tasks()[0]["gid"]
    world.sandbox.act("asana", ALICE, "assign", task=task, to=ALICE)
    world.sandbox.act("asana", CARLA, "unfollow", task=task)
    before = world.writes()
    world.must("bill_sync", full=True)
    assert world.writes() == before
    after = next(one for one in world.tasks() if one["gid"] == task)
    assert (after["assignee"], after["followers"]) == (ALICE, [ALICE])


def test_people_whom_the_flow_names_later_join_the_tasks_that_are_there(
    world: Any, flow_file: Callable[[str, str], None]
) -> None:
    world.must("preflight", create_missing=True)
    world.must("bill_sync")
    with_people(flow_file, BEN, ALICE)
    world.must("bill_sync")
    assert {(task["assignee"], *task["followers"]) for task in world.tasks()} == {(BEN, ALICE)}
    before = world.writes()
    world.must("bill_sync", full=True)
    assert world.writes() == before


def test_somebody_unknown_is_told_and_no_bill_waits_for_them(world: Any, flow_file: Callable[[str, str], None]) -> None:
    world.have_run()
    with_people(flow_file, "nobody@northwind.example", ALICE, "gone@northwind.example")
    assert world.run("preflight", create_missing=True)["report_checks"] == "failed"
    assert "nobody@northwind.example: Asana: no such user" in str(world.error)
    assert "tasks are made without" in str(world.error)
    world.must("bill_sync")
    assert world.result("plan_tasks")["unknown_people"] == ["nobody@northwind.example", "gone@northwind.example"]
    assert world.tasks()
    assert {(task["assignee"], *task["followers"]) for task in world.tasks()} == {(None, ALICE)}
