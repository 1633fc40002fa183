"""One task or story of another form than Asana documents: it gives no decision, fails by name, and stops no other task."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.records import DecisionState

from tests.reconciliation.reconciliation_world import ALICE

pytestmark = pytest.mark.airflow


@pytest.fixture
def world(a_world: Any) -> Any:
    """Two bills, each chosen on after everything was read once."""
    made = a_world(bills=2)
    made.run()
    made.choose(ALICE, "Approved", bill=0)
    made.choose(ALICE, "Approved", bill=1)
    return made


def odd(world: Any, **values: Any) -> None:
    """How Asana shows the first bill's task from now on, in listings and alone; nothing for as it is."""
    told = {path.replace("__", "."): value for path, value in values.items()}
    world.sandbox.settings(asana_odd_values={world.task(0)["gid"]: told})


def odd_story(world: Any) -> None:
    gid = next(story["gid"] for story in world.task(0)["stories"] if story.get("field") == "Approval")
    world.sandbox.settings(asana_odd_values={gid: {"created_at": "yesterday"}})


def states(world: Any, bill: int) -> list[DecisionState]:
    return [one.state for one in world.decisions(bill)]


def fails(world: Any) -> str:
    """What the step said that reads decisions; the steps behind it go on, as they do in the DAG."""
    world.pass_time(1)
    with pytest.raises(IntacctAsanaError) as failed:
        world.read()
    world.settle()
    world.tell()
    return failed.value.message


@pytest.mark.parametrize("what", ["task", "story"])
def test_the_other_task_is_decided_and_this_one_waits_until_it_can_be_read(world: Any, what: str) -> None:
    if what == "task":
        odd(world, custom_fields__Amount__number_value="lots")
    else:
        odd_story(world)
    key, gid = world.store.links("bill").by_record_no([world.bills[0]]).popitem()[0], world.task(0)["gid"]
    seen = world.store.cursor("asana_events:" + world.flow.bills.project)
    said = fails(world)
    assert "1 readings of tasks failed" in said
    assert f"{key}, task {gid}" in said
    assert ("field 'Amount': number_value should be a number and is text 'lots'" in said) == (what == "task")
    assert (states(world, 0), states(world, 1)) == ([], [DecisionState.CONFIRMED])
    assert world.held(0)["ASANA_DECISION"] == ""
    # The token went on past it, and each run asks for it.
    assert world.store.cursor("asana_events:" + world.flow.bills.project) != seen
    world.pass_time(hours=2)
    world.act(ALICE, "comment", bill=1, text="Thanks")
    for _ in range(2):
        world.pass_time(hours=1)
        assert f"{key}, task {gid}" in fails(world)
    world.sandbox.settings(asana_odd_values={})
    world.run()
    assert states(world, 0) == [DecisionState.CONFIRMED]
    world.run()
    assert world.store.cursor("asana_owed:" + world.flow.bills.project) == ""


def test_a_full_pass_makes_no_second_task_for_one_that_cannot_be_read(world: Any) -> None:
    odd(world, due_on="soon")
    count = len(world.sandbox.state("asana")["tasks"])
    world.edit_bill("700.00", bill=1)
    with pytest.raises(IntacctAsanaError, match="due_on should be a day"):
        world.sync(full=True)
    assert len(world.sandbox.state("asana")["tasks"]) == count
    assert world.task(1)["fields"]["Amount"] == "700.00"
    world.sandbox.settings(asana_odd_values={})
    world.sync()
    world.sync(full=True)
    assert len(world.sandbox.state("asana")["tasks"]) == count


def test_a_decided_bill_that_cannot_be_read_holds_up_no_look_at_others(a_world: Any) -> None:
    world = a_world(bills=2)
    for bill in (0, 1):
        world.choose(ALICE, "Approved", bill=bill)
    world.run()
    world.edit_bill("700.00", bill=0)
    world.edit_bill("800.00", bill=1)
    world.sandbox.settings(shown_values={"APBILL.WHENDUE": {f"#{world.bills[0]}": "00/00/0000"}})
    with pytest.raises(IntacctAsanaError, match=rf"record {world.bills[0]}\), field WHENDUE: .*'00/00/0000'"):
        world.settle()
    assert (states(world, 0), states(world, 1)) == ([DecisionState.CONFIRMED], [DecisionState.VOID])
    world.pass_time(hours=1)
    world.edit_bill("900.00", bill=1)
    for _ in range(2):
        with pytest.raises(IntacctAsanaError, match="'00/00/0000'"):
            world.settle()
    world.sandbox.settings(shown_values={})
    world.settle()
    assert states(world, 0) == [DecisionState.VOID]
    assert world.store.cursor("approvals_owed") == "[]"
