"""What *Have it mended* brings about, class by class, and what it leaves to people."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from intacct_asana.errors import IntacctAsanaError, UnsafePlan
from intacct_asana.flow.running.release import Release as ReleaseRule
from intacct_asana.operators.drift.comparing import CompareSidesOperator
from intacct_asana.operators.drift.repairing import ApplyRepairOperator
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.sync.release import ReleaseState

from sandbox import constants
from tests.drift.drift_world import Audited
from tests.drift.test_drift import NAMED, copy_of_ours, task_without_bill
from tests.reconciliation.reconciliation_world import BEN

pytestmark = pytest.mark.airflow
STAY = {"extra": 1, "decided without a record": 2, "bypass": 3}


def run_step(world: Audited, operator: Any, **params: Any) -> Any:
    """As `world.step`, with the DAG that a refused plan is asked about by."""
    operator.run_parts = FlowRun(world.flow, now=lambda: world.at)
    operator.run_parts.__dict__["store"] = world.store
    context = {"params": params, "run_id": "audit__1", "dag": SimpleNamespace(dag_id="small_drift_audit")}
    return operator.execute(context)


def repair(world: Audited, **params: Any) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """One run of the audit that mends: its report, and what `apply_repair` did."""
    world.pass_time(1)
    found = run_step(world, CompareSidesOperator(task_id="compare", flow="small"), repair=True)
    try:
        plan_id = found.get("repair_plan", "")
        return found, run_step(world, ApplyRepairOperator(task_id="mend", flow="small", plan_id=plan_id), **params)
    except AirflowSkipException:
        return found, None


def said_on(world: Audited, gid: str) -> list[str]:
    stories = next(task for task in world.sandbox.state("asana")["tasks"] if task["gid"] == gid)["stories"]
    return [one["text"] for one in stories if one["resource_subtype"] == "comment_added" and one["by"] == constants.BOT_EMAIL]


def carrying(world: Audited, bill: int) -> list[dict[str, Any]]:
    tasks = world.sandbox.state("asana")["tasks"]
    return [task for task in tasks if str(task["fields"].get("Intacct key")).endswith(world.key(bill))]


def test_every_class_that_a_run_can_mend_is_gone_after_a_repair(a_world: Any) -> None:
    """All of them at once, each on a bill of its own; what stays is named, with whose it is."""
    world: Audited = a_world(young=len(NAMED))
    places = {name: place for place, name in enumerate(NAMED, 1)}
    for name, place in places.items():
        NAMED[name][0](world, place)
    world.audit()
    assert {drift for drift, _ in world.found()} == {drift for _, drift in NAMED.values()}
    found, done = repair(world)
    assert {one["drift"]: one["count"] for one in found["stays"]} == STAY
    assert all(one["for"] for one in found["stays"])
    assert done is not None
    assert done["done"] == {"retire": 3}
    world.sync()
    report = world.audit()
    assert report["counts"] == STAY
    assert [one["difference"] for one in report["totals"]] == ["0.00"] * len(report["totals"])

    copied = places["a second task of our own"]
    [kept] = carrying(world, copied)
    assert not kept["completed"]
    copies = [t for t in world.sandbox.state("asana")["tasks"] if any("is a copy" in one["text"] for one in t["stories"])]
    assert [(one["completed"], one["fields"].get("Intacct key") or "") for one in copies] == [(True, "")]
    assert kept["gid"] in said_on(world, copies[0]["gid"])[0]
    ours = {link.task_gid for link in world.store.links("bill").all().values()}
    [theirs] = [t for t in carrying(world, places["a task of a person with the bill's key"]) if t["gid"] not in ours]
    assert not theirs["completed"], "nobody else's task is ever completed"
    assert len(said_on(world, theirs["gid"])) == 1

    again, nothing = repair(world)
    assert ("repair_plan" in again, nothing) == (False, None)
    assert len(said_on(world, theirs["gid"])) == 1, "people are told once"
    world.heal()


def test_a_bill_without_any_trace_gets_its_task(a_world: Any) -> None:
    """Its task and our link to it are gone, and no cursor brings it again."""
    world: Audited = a_world()
    gid = world.task(1)["gid"]
    forget(world, 1)
    world.sandbox.act("asana", BEN, "delete", task=gid)
    world.audit()
    assert world.found() == [("missing", world.bills[1])]
    repair(world)
    world.sync()
    assert world.audit()["counts"] == {}
    assert len(carrying(world, 1)) == 1


def test_a_task_of_ours_that_nobody_remembers_is_taken_again(a_world: Any) -> None:
    world: Audited = a_world()
    gid = world.task(1)["gid"]
    forget(world, 1)
    repair(world)
    world.sync()
    assert world.audit()["counts"] == {}
    assert [task["gid"] for task in carrying(world, 1)] == [gid]


def forget(world: Audited, bill: int) -> None:
    """As if a row of the store had been lost, long after any look back of the bill sync."""
    world.pass_time(hours=100)
    world.heal()
    from intacct_asana.store.tables import links
    from sqlalchemy import delete

    with world.store.links("bill")._database.write() as connection:
        connection.execute(delete(links).where(links.c.record_no == world.bills[bill]))


def test_a_repair_that_is_cut_or_cannot_be_written_is_finished_by_the_next(a_world: Any) -> None:
    world: Audited = a_world()
    copy_of_ours(world, 1)
    task_without_bill(world, 2)
    world.sandbox.fault("asana", "POST /tasks/{gid}/stories", "lost_answer", times=1)
    with suppress(IntacctAsanaError):
        repair(world)
    world.sandbox.clear_faults()
    repair(world)
    assert world.audit()["counts"] == {}
    told = [len(said_on(world, task["gid"])) for task in world.sandbox.state("asana")["tasks"]]
    assert max(told) == 1


def test_a_repair_over_the_limits_waits_for_a_person_where_the_flow_says_so(a_world: Any) -> None:
    world: Audited = a_world()
    copy_of_ours(world, 1)
    world.flow = world.flow.model_copy(update={"limits": world.flow.limits.model_copy(update={"closes": 0})})
    with pytest.raises(UnsafePlan, match="too many tasks to close: 1, the limit is 0"):
        repair(world)
    world.flow = world.flow.model_copy(update={"release": ReleaseRule(people=("erin",))})
    with pytest.raises(UnsafePlan, match="asked about it in small_release_plan"):
        repair(world)
    [release] = world.store.releases().open("bill")
    assert (release.state, release.dag_id, release.counts["retire"]) == (ReleaseState.NEW, "small_drift_audit", 1)
    world.store.releases().move(release, replace(release, state=ReleaseState.WAITING, run_id="release__1"))
    assert "waits for an answer" in (repair(world)[1] or {})["waits"]
    world.sync()
    assert world.store.releases().open("bill")[0].state is ReleaseState.WAITING, "a plan of the sync is another matter"
    assert len(carrying(world, 1)) == 2
    assert repair(world, allow_unsafe_plan=True)[1]
    assert len(carrying(world, 1)) == 1
