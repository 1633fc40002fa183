"""A sync of many pages: the same tasks, the same limits, the same release, and what is gone is known to be gone."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.errors import UnsafePlan
from intacct_asana.operators.planning import spilling
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator
from intacct_asana.sync import apply, paged
from intacct_asana.sync.release import digest_of

pytestmark = pytest.mark.airflow


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, size in ((spilling, "MOST_HELD", 1), (spilling, "PAGE", 2), (paged, "PAGE", 2), (apply, "BATCH", 1)):
        monkeypatch.setattr(module, name, size)


def plan(world: Any, **params: Any) -> dict[str, Any]:
    world.pass_time(60)
    planned: dict[str, Any] = world.step(PlanBillsOperator(task_id="plan", flow="small"), **params)
    return planned


def carry_out(world: Any, planned: dict[str, Any]) -> dict[str, Any]:
    done: dict[str, Any] = world.step(ApplyPlanOperator(task_id="apply", flow="small", plan_id=planned["plan_id"]))
    return done


def test_a_first_sync_of_several_pages_makes_each_task_once_and_the_next_one_leaves_all_alone(a_world: Any) -> None:
    world = a_world(bills=1)
    bills = [*world.bills, *(world.add_bill() for _ in range(6))]
    planned = plan(world)
    stored = world.store.plan(planned["plan_id"])
    assert planned["counts"]["create"] == 6
    assert len([*stored.more]) == 2, "a page at hand and two more"
    assert carry_out(world, planned)["done"] == {"create": 6}
    assert carry_out(world, planned)["already_done"] == 6
    for how in ({}, {"full": True}):
        again = plan(world, **how)
        assert {kind: count for kind, count in again["counts"].items() if count} in ({}, {"leave": 7})
    assert len(world.store.links("bill").all()) == len(bills)


def test_a_full_pass_of_several_pages_closes_what_is_gone_and_writes_what_moved(a_world: Any) -> None:
    world = a_world(bills=5)
    world.sandbox.act("intacct", "mgarcia", "delete_bill", record_no=world.bills[1])
    world.edit_bill("77.00", bill=4)
    planned = plan(world, full=True)
    counts = planned["counts"]
    assert (counts["close"], counts["update"], counts["leave"], planned["read"]) == (1, 1, 3, 4)
    assert carry_out(world, planned)["done"] == {"close": 1, "update": 1}
    assert len(world.store.history().open_at("bill", until=world.at.replace(year=2100))) == 4


def test_a_limit_sees_all_pages_before_the_first_write(a_world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world(bills=1)
    for _ in range(5):
        world.add_bill()
    limits = world.flow.limits.model_copy(update={"creates": 4})
    monkeypatch.setattr(world, "flow", world.flow.model_copy(update={"limits": limits}))
    with pytest.raises(UnsafePlan, match="too many tasks to create: 5, the limit is 4"):
        plan(world)
    assert len(world.store.links("bill").all()) == 1


def test_two_plans_of_the_same_are_one_release_whatever_their_pages(a_world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    world = a_world(bills=1)
    for _ in range(5):
        world.add_bill()
    digests = set()
    for size in (2, 500):
        monkeypatch.setattr(paged, "PAGE", size)
        stored = world.store.plan(plan(world)["plan_id"])
        digests.add(digest_of(paged.stored_plan(stored.body, stored.more), kind="bill"))
    assert len(digests) == 1
