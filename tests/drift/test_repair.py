"""What *Have it mended* brings about, class by class, and what it leaves to people."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException
from intacct_asana.errors import IntacctAsanaError, UnsafePlan
from intacct_asana.flow.load import load_flow
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


PLACES = (("US01", "USD"), ("US01", "EUR"), ("UK01", "GBP"), ("UK01", "EUR"))
"""Two entities that keep their books in dollars and in pounds, each with bills in another currency too."""


def of_two_entities(world: Audited) -> dict[str, list[int]]:
    """One company with bills of each place: for each thing that happens, the places of its bills in this world."""
    more = {"  states:": "  show_private: true\n  states:", "USD: 1000.00": "USD: 1000.00, GBP: 1000.00"}
    text = world.path.read_text()
    for before, after in more.items():
        assert before in text
        text = text.replace(before, after, 1)
    world.path.write_text(text)
    world.flow = load_flow(world.path)
    places: dict[str, list[int]] = {}
    for name in NAMED:
        for number, (entity, currency) in enumerate(PLACES):
            places.setdefault(name, []).append(len(world.bills))
            amount = f"{500 + len(world.bills)}.{10 + number}"
            world.bills.append(world.make_bill(amount=amount, entity=entity, currency=currency))
    world.steps()
    world.pass_time(hours=3)
    # What changed last is read again by every run, and so no drift yet.
    world.make_bill()
    world.heal()
    world.pass_time(hours=1)
    return places


def totals_of_both(world: Audited) -> list[tuple[str, str, int, str, int, str]]:
    """Open bills, and the open tasks that stand for them, by entity and base currency, as both systems hold them."""
    intacct = {one["record_no"]: one for one in world.sandbox.state("intacct")["bills"]}
    wanted = {number: one for number, one in intacct.items() if one["state"] in world.flow.bills.states}
    sums: dict[tuple[str, str], list[Decimal]] = {}
    for one in wanted.values():
        here = sums.setdefault((one["entity"], one["base_currency"]), [Decimal(0)] * 4)
        here[0], here[1] = here[0] + 1, here[1] + Decimal(one["total_entered"])
    numbers = {link.task_gid: link.record_no for link in world.store.links("bill").all().values()}
    for task in world.sandbox.state("asana")["tasks"]:
        number = numbers.get(task["gid"], "")
        if number in wanted and not task["completed"]:
            here = sums[wanted[number]["entity"], wanted[number]["base_currency"]]
            here[2], here[3] = here[2] + 1, here[3] + Decimal(str(task["fields"].get("Amount") or 0))
    return [(*key, int(a), f"{b:.2f}", int(c), f"{d:.2f}") for key, (a, b, c, d) in sorted(sums.items())]


def test_a_repair_makes_the_control_totals_of_each_entity_and_currency_equal_to_the_cent(a_world: Any) -> None:
    """Every class in each place; each difference is found by name, and gone from the sums of both sides afterwards."""
    world: Audited = a_world()
    places = of_two_entities(world)
    before = world.audit()
    assert before["counts"] == {}
    assert {(one["entity"], one["currency"], one["difference"]) for one in before["totals"]} == {
        ("US01", "USD", "0.00"),
        ("UK01", "GBP", "0.00"),
    }
    planted = set[tuple[str, str]]()
    for name, (happen, drift) in NAMED.items():
        for number, bill in enumerate(places[name]):
            if happen is task_without_bill:
                gone = f"99{number}"
                world.make_by_hand(constants.BOT_EMAIL, **{"Intacct key": f"{constants.COMPANY_ID}:ap:{gone}"})
                planted.add((drift, gone))
            else:
                happen(world, bill)
                planted.add((drift, world.bills[bill]))
    found = world.audit()
    assert {*world.found()} == planted
    apart = {(one["entity"], one["currency"]) for one in found["totals"] if one["difference"] != "0.00"}
    assert apart == {("US01", "USD"), ("UK01", "GBP")}, "a deleted and a changed task are missing in the sums of each"
    wrong = [row for row in totals_of_both(world) if row[3] != row[5]]
    assert len(wrong) == 2

    repaired, _ = repair(world)
    assert {one["drift"]: one["count"] for one in repaired["stays"]} == {drift: 4 * count for drift, count in STAY.items()}
    world.sync()
    after = world.audit()
    assert after["counts"] == {drift: 4 * count for drift, count in STAY.items()}
    told = [
        (one["entity"], one["currency"], one["bills"], one["in_intacct"], one["tasks"], one["in_asana"])
        for one in after["totals"]
    ]
    assert told == totals_of_both(world)
    assert all(row[2:4] == row[4:6] for row in told)
    assert [one["difference"] for one in after["totals"]] == ["0.00", "0.00"]
