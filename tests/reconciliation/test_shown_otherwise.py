"""What Asana shows in another form than it was written: said once, not written for ever, and no ground for a decision."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.operators.preflight import CheckAsanaOperator
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator
from intacct_asana.records import DecisionState

from tests.reconciliation.reconciliation_world import ALICE

pytestmark = pytest.mark.airflow


def sync(world: Any, **params: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What planning and applying said; neither may fail."""
    world.pass_time(60)
    planned = world.step(PlanBillsOperator(task_id="plan", flow="small"), **params)
    return planned, world.step(ApplyPlanOperator(task_id="apply", flow="small", plan_id=planned["plan_id"]), **params)


def cursor(world: Any) -> str:
    found: str = world.store.cursor(f"bill:{world.flow.fingerprint('bill')}")
    return found


def writes(world: Any) -> int:
    found: int = world.sandbox.counters().get("asana WRITE", 0)
    return found


def set_precision(world: Any, precision: int) -> None:
    world.sandbox.act("asana", "erin", "set_precision", field="Amount", precision=precision)


def outcomes(world: Any, bill: int = 0) -> list[tuple[DecisionState, str]]:
    return [(one.state, one.rule) for one in world.decisions(bill)]


def test_a_field_with_fewer_decimals_is_told_and_stops_no_run(a_world: Any) -> None:
    world = a_world(bills=2)
    set_precision(world, 0)
    world.edit_bill("990.40", bill=0)
    world.edit_bill("990.00", bill=1)
    before = cursor(world)
    planned, applied = sync(world)
    assert applied["failed"] == 0
    assert cursor(world) != before
    assert any("0 decimal places now instead of 2" in told for told in planned["drift"])
    count = writes(world)
    for how in ({}, {"full": True}):
        sync(world, **how)
    assert writes(world) == count
    rows = world.step(CheckAsanaOperator(task_id="check", flow="small", create_missing=False))
    assert {row["ok"] for row in rows} == {"yes"}
    (told,) = [row for row in rows if row["check"] == "Asana bill project: decimals"]
    assert "shows 0 decimal places, and the flow names 2" in told["result"]
    assert any("shows 0 decimal places" in told for told in sync(world)[0]["drift"])


def test_a_rounded_amount_is_decided_on_only_where_it_is_the_whole_amount(a_world: Any) -> None:
    world = a_world(bills=2)
    set_precision(world, 0)
    world.edit_bill("990.40", bill=0)
    world.edit_bill("990.00", bill=1)
    sync(world)
    for bill in (0, 1):
        world.choose(ALICE, "Approved", bill=bill)
    world.run()
    assert outcomes(world, 1) == [(DecisionState.CONFIRMED, "")]
    assert outcomes(world, 0) == [(DecisionState.REFUSED, "task as we wrote it")]
    assert "Amount shows '990' where Intacct holds '990.40'" in world.comments(0)[-1]
    assert world.held(0)["ASANA_DECISION"] == ""
    # It is written anew once for the choice, in case that mends it, and with its decimals back it is decided on.
    sync(world)
    count = writes(world)
    sync(world)
    assert writes(world) == count
    set_precision(world, 2)
    sync(world, full=True)
    assert world.task(0)["fields"]["Amount"] == "990.40"
    world.choose(ALICE, "Approved", bill=0)
    world.run()
    assert outcomes(world, 0)[-1] == (DecisionState.CONFIRMED, "")


@pytest.mark.parametrize("how", ["cut:7", "days:-1"])
def test_a_form_of_asanas_own_is_said_once_and_refuses_choices(a_world: Any, how: str) -> None:
    world = a_world(bills=1)
    part = "due_on" if how.startswith("days") else "name"
    world.sandbox.settings(asana_keeps_otherwise={part: how})
    before = cursor(world)
    world.pass_time(60)
    changes = {"due_on": "2027-03-05"} if part == "due_on" else {"line": 1, "amount": "800.00"}
    world.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=world.bills[0], changes=changes)
    _, applied = sync(world)
    (said,) = applied["said"]["shown otherwise"]
    assert f"Asana shows {part} as" in said
    assert cursor(world) != before
    count = writes(world)
    for params in ({}, {"full": True}):
        assert "said" not in sync(world, **params)[1]
    assert writes(world) == count
    world.choose(ALICE, "Approved")
    world.run()
    assert outcomes(world) == [(DecisionState.REFUSED, "task as we wrote it")]
    assert "Asana does not show the bill as it is" in world.comments()[-1]
    # What a person writes over it is put back, form or not.
    if part == "name":
        world.sandbox.settings(asana_keeps_otherwise={})
        world.act(ALICE, "rename", name="Pay this")
        sync(world, full=True)
        assert world.task()["name"].endswith("800.00")


def test_blanks_that_asana_folds_are_no_difference(a_world: Any) -> None:
    world = a_world(bills=1)
    world.sandbox.settings(asana_keeps_otherwise={"name": "trimmed"})
    changes = {"bill_number": "INV  7 ", "line": 1, "amount": "800.00"}
    world.sandbox.act("intacct", "mgarcia", "edit_bill", record_no=world.bills[0], changes=changes)
    assert "said" not in sync(world)[1]
    world.choose(ALICE, "Approved")
    world.run()
    assert outcomes(world) == [(DecisionState.CONFIRMED, "")]
