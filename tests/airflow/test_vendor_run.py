"""The vendor sync through Airflow's task runner: a team chosen in Asana reaches Intacct, bills go to whom a vendor names."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import constants

pytestmark = pytest.mark.airflow
BEN = "ben.okafor@northwind.example"


def task_gid_of(world: Any, vendor_id: str) -> str:
    tasks = [task for task in world.sandbox.state("asana")["tasks"] if constants.VENDORS_PROJECT_GID in task["projects"]]
    return next(task["gid"] for task in tasks if task["fields"]["Intacct vendor key"].endswith(f":{vendor_id}"))


def test_a_vendors_task_that_cannot_be_written_keeps_no_other_vendors_value_back(world: Any) -> None:
    world.have_run()
    world.must("vendor_sync")
    one, other = [each["vendor_id"] for each in world.sandbox.state("intacct")["vendors"] if each["status"] == "active"][:2]
    world.sandbox.act("intacct", "mgarcia", "edit_vendor", vendor_id=one, changes={"name": "Another name"})
    world.sandbox.act("asana", BEN, "choose", task=task_gid_of(world, other), field="Team", option="IT")
    world.sandbox.fault("asana", "PUT /tasks/{gid}", "status:403", times=50)
    states = world.run("vendor_sync")
    assert (states["apply_plan"], states["write_vendors"], states["report_run"]) == ("failed", "success", "failed")
    vendor = next(each for each in world.sandbox.state("intacct")["vendors"] if each["vendor_id"] == other)
    assert vendor["custom"]["ASANA_TEAM"] == "IT"


def test_what_people_own_reaches_intacct_and_a_second_run_writes_nothing_on_either_side(world: Any) -> None:
    world.have_run()
    world.must("vendor_sync")
    vendor_id = next(one["vendor_id"] for one in world.sandbox.state("intacct")["vendors"] if one["status"] == "active")
    gid = task_gid_of(world, vendor_id)
    world.sandbox.act("asana", BEN, "choose", task=gid, field="Team", option="IT")
    world.sandbox.act("asana", BEN, "set_text", task=gid, field="Default approver", text=BEN)
    world.must("vendor_sync")
    vendor = next(one for one in world.sandbox.state("intacct")["vendors"] if one["vendor_id"] == vendor_id)
    assert vendor["custom"] == {"ASANA_TEAM": "IT", "ASANA_APPROVER": BEN}
    assert world.result("report_run")["write_vendors"]["written"] == 1
    world.must("bill_sync")
    theirs = [task for task in world.tasks() if task["fields"]["Vendor ID"] == vendor_id]
    assert {task["assignee"] for task in theirs} == {BEN}
    before = world.writes()
    world.must("vendor_sync")
    world.must("bill_sync")
    assert world.writes() == before
    assert world.evidence_is_sound()
