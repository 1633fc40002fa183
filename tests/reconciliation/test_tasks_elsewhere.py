"""A choice is read wherever its task is by then, and the task is put back; one that was deleted leaves evidence, once."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.errors import Refused
from intacct_asana.records import DecisionState

from sandbox import constants
from tests.reconciliation.reconciliation_world import ALICE, BEN

pytestmark = pytest.mark.airflow
ALICE_GID = constants.PEOPLE[0]["gid"]


@pytest.fixture
def world(a_world: Any) -> Any:
    """Read once, and everything that happened so far is long ago."""
    made = a_world(bills=2)
    made.run()
    made.pass_time(minutes=30)
    return made


def leave(world: Any, *, to: str = "") -> None:
    if to:
        world.act(ALICE, "move_to_project", project=to)
    else:
        world.act(ALICE, "remove", project=constants.BILLS_PROJECT_GID)


def losses(world: Any) -> list[Any]:
    return [row for row in world.store.evidence() if row.body.get("about") == "task gone"]


@pytest.mark.parametrize("to", ["", constants.VENDORS_PROJECT_GID], ids=["in no project", "in another project"])
def test_a_choice_counts_though_its_task_left_the_project_before_the_run(world: Any, to: str) -> None:
    world.choose(ALICE, "Approved")
    leave(world, to=to)
    world.run()
    assert world.decisions()[0].state is DecisionState.CONFIRMED


def test_a_choice_made_after_the_task_left_the_project_is_read_by_the_next_run(a_world: Any) -> None:
    world = a_world(approval="  signal: {kind: comment}")
    world.run()
    leave(world, to=constants.VENDORS_PROJECT_GID)
    assert world.run()["tasks_out_of_the_project"] == 1
    world.pass_time(minutes=30)
    world.act(ALICE, "comment", text="approve")
    assert world.run()["full_crawl"] is False
    assert world.decisions()[0].state is DecisionState.CONFIRMED


def test_a_task_out_of_the_project_is_read_again_only_after_a_change(world: Any) -> None:
    leave(world)
    world.run()
    world.pass_time(minutes=30)
    world.run()
    assert world.story_reads(world.run) == 0


def test_a_task_that_left_without_an_event_is_found_by_the_next_crawl(world: Any) -> None:
    world.lose_events()
    world.choose(ALICE, "Approved")
    leave(world)
    world.run()
    assert world.decisions() == []
    world.pass_time(hours=24)
    world.run()
    assert world.decisions()[0].state is DecisionState.CONFIRMED


def in_project(task: dict[str, Any]) -> bool:
    return constants.BILLS_PROJECT_GID in task["projects"]


def closed(world: Any) -> None:
    """Nobody puts tasks back into the project."""
    world.sandbox.fault("asana", "POST /tasks/{gid}/addProject", "status:403", times=1000)


@pytest.mark.parametrize("full", [False, True], ids=["what changed", "everything"])
def test_a_bill_sync_puts_a_task_back_that_left_the_project(world: Any, full: bool) -> None:
    """An incremental run was refused for ever and told to run preflight; a full one was refused too, without sections."""
    gid = world.task()["gid"]
    leave(world)
    if not full:
        world.edit_bill("640.00")
    world.sync(full=full)
    assert world.task()["gid"] == gid
    assert in_project(world.task())
    assert world.task()["fields"]["Amount"] == ("500.00" if full else "640.00")
    [said] = world.applied["said"]["put back"]
    assert f"task {gid} had left the project" in said


def test_where_a_task_may_not_be_put_back_the_others_go_on_and_it_is_owed(world: Any) -> None:
    """The cursor stayed, so no other bill was ever done."""
    gid = world.task()["gid"]
    leave(world)
    closed(world)
    world.edit_bill("640.00")
    world.edit_bill("730.00", bill=1)
    cursor = f"bill:{world.flow.fingerprint('bill')}"
    before = world.store.cursor(cursor)
    with pytest.raises(Refused, match=f"task {gid} of .* left project .* could not be put back .*No second task") as told:
        world.sync()
    assert "preflight" not in told.value.message
    assert world.store.cursor(cursor) != before
    assert world.task(1)["fields"]["Amount"] == "730.00"
    assert len(world.sandbox.state("asana")["tasks"]) == 2
    world.pass_time(hours=2)
    with pytest.raises(Refused, match=f"task {gid}"):
        world.sync()
    world.sandbox.clear_faults()
    world.sync()
    assert world.task()["fields"]["Amount"] == "640.00"
    assert in_project(world.task())


def test_a_decision_on_a_task_that_left_is_told_and_the_task_put_back(world: Any) -> None:
    """The field could not be set back there, so every run failed before it told anybody."""
    world.edit_bill("40000.00")
    world.sync()
    world.choose(ALICE, "Approved")
    leave(world)
    world.pass_time(1)
    world.read()
    world.settle()
    gid = world.task()["gid"]
    told = world.tell()
    assert [f"task {gid} had left" in said for said in told["put_back_into_the_project"]] == [True]
    assert in_project(world.task())
    assert world.task()["fields"]["Approval"] == "Pending"
    assert "limit" in world.comments()[-1]
    assert world.tell()["put_back_into_the_project"] == []


def test_a_decision_on_a_task_that_may_not_be_put_back_is_told_all_the_same(world: Any) -> None:
    world.choose(ALICE, "Approved")
    leave(world)
    closed(world)
    world.choose(BEN, "Approved", bill=1)
    world.read()
    world.settle()
    told = world.tell()
    assert len(told["not_put_back"]) == 1
    assert "No second task is made" in told["not_put_back"][0]
    assert [world.decisions(bill)[0].acknowledged for bill in (0, 1)] == [True, True]
    assert "Recorded in Intacct" in world.comments()[-1]


def test_a_task_that_stands_for_a_closed_bill_stays_where_people_put_it(world: Any) -> None:
    world.sandbox.act("intacct", "mgarcia", "pay_bill", record_no=world.bills[0])
    world.sync()
    assert world.task()["completed"]
    leave(world)
    world.run()
    world.sync(full=True)
    assert not in_project(world.task())


@pytest.mark.parametrize("status", [404, 403])
def test_a_deleted_task_leaves_evidence_with_the_user_who_deleted_it_and_no_decision(world: Any, status: int) -> None:
    world.sandbox.settings(asana_trashed_task=status)
    world.choose(ALICE, "Approved")
    gid, key = world.task()["gid"], world.task()["fields"]["Intacct key"]
    world.act(ALICE, "delete")
    gone = world.run()["gone"]
    [row] = losses(world)
    assert (row.key, row.decision_id, row.body["task_gid"], row.body["user_gid"]) == (key, "", gid, ALICE_GID)
    assert f"Task {gid} of {key} was deleted by user {ALICE_GID}" in gone[0]
    assert "cannot be read" in gone[0]
    assert world.store.decisions().of(key) == []
    assert world.store.verify_evidence() == []


def test_one_deletion_is_noted_once_though_its_event_comes_again(world: Any) -> None:
    world.sandbox.fault("asana", "event *", "double_event")
    world.act(ALICE, "delete")
    world.choose(BEN, "Approved", bill=1)
    world.sandbox.fault("asana", "GET /tasks/{gid}/stories", "html")
    with pytest.raises(Exception, match="1 readings of tasks failed"):
        world.read()
    world.sandbox.clear_faults()
    world.run()
    world.pass_time(hours=25)
    assert world.run()["gone"] == []
    assert len(losses(world)) == 1


def test_a_task_deleted_and_brought_back_before_the_run_is_no_loss(world: Any) -> None:
    gid = world.task()["gid"]
    world.choose(ALICE, "Approved")
    world.act(ALICE, "delete")
    world.sandbox.act("asana", ALICE, "restore", task=gid)
    world.run()
    assert losses(world) == []
    assert world.decisions()[0].state is DecisionState.CONFIRMED


def test_a_deletion_whose_event_was_lost_is_noted_by_the_next_crawl_without_a_name(world: Any) -> None:
    world.lose_events()
    world.act(ALICE, "delete")
    world.find_events()
    assert world.run()["gone"] == []
    world.pass_time(hours=25)
    assert "no event tells by whom" in world.run()["gone"][0]
    world.pass_time(hours=25)
    assert world.run()["gone"] == []
    assert [row.body["user_gid"] for row in losses(world)] == [None]


def test_a_deletion_by_the_integrations_own_user_is_noted_too(world: Any) -> None:
    world.act(constants.BOT_EMAIL, "delete")
    world.run()
    assert [row.body["user_gid"] for row in losses(world)] == [constants.BOT_GID]
