"""A choice is read wherever its task is by then; a task that was deleted leaves evidence, once, and no decision."""

from __future__ import annotations

from typing import Any

import pytest
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
