"""Who duplicates a bill's task copies its key. What is chosen on the copy counts for nothing, and whoever chose is told so."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox import constants
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN

pytestmark = pytest.mark.airflow


@pytest.fixture
def world(a_world: Any) -> Any:
    made = a_world()
    made.run()
    made.pass_time(minutes=30)
    return made


def copied(world: Any) -> str:
    gid: str = world.act(ERIN, "duplicate")["result"]["gid"]
    return gid


def choose(world: Any, gid: str, option: str = "Approved") -> None:
    world.pass_time(1)
    world.sandbox.act("asana", ALICE, "choose", task=gid, field="Approval", option=option)


def said_on(world: Any, gid: str) -> list[str]:
    """What we said there."""
    task = next(one for one in world.sandbox.state("asana")["tasks"] if one["gid"] == gid)
    return [one["text"] for one in task["stories"] if one["by"] == constants.BOT_EMAIL]


def test_who_chooses_on_a_copy_is_told_once_which_task_counts(world: Any) -> None:
    """The copy went on saying Approved, and nobody told her."""
    counts, gid = world.task(), copied(world)
    choose(world, gid)
    [named] = world.run()["copies"]
    assert f"Task {gid} carries the key of" in named
    assert "Alice Martin chose on it" in named
    [said] = said_on(world, gid)
    assert said.startswith("Alice Martin chose Approved here, and that counts for nothing")
    assert f"/task/{counts['gid']}" in said
    assert world.decisions() == []
    for _ in range(2):
        world.run()
        world.pass_time(hours=25)
    choose(world, gid, "Rejected")
    world.run()
    assert said_on(world, gid) == [said]


def test_a_lost_answer_and_a_lost_row_make_no_second_comment(world: Any) -> None:
    gid = copied(world)
    choose(world, gid)
    world.sandbox.fault("asana", "POST /tasks/{gid}/stories", "lost_answer")
    world.run()
    world.run()
    assert len(said_on(world, gid)) == 1
    world.store.intents().drop(world.store.intents().of([f"copy:{gid}"])[f"copy:{gid}"])
    choose(world, gid, "Rejected")
    world.run()
    assert len(said_on(world, gid)) == 1


def test_a_copy_that_shows_what_was_approved_on_the_task_itself_is_named_and_not_spoken_to(world: Any) -> None:
    """Nobody chose anything on it."""
    world.choose(BEN, "Approved")
    world.run()
    gid = copied(world)
    assert len(world.run()["copies"]) == 1
    assert said_on(world, gid) == []


def test_a_copy_of_a_closed_bills_task_is_named(world: Any) -> None:
    gid = copied(world)
    world.sandbox.act("intacct", "mgarcia", "pay_bill", record_no=world.bills[0])
    world.sync()
    choose(world, gid)
    [named] = world.run()["copies"]
    assert ", which is closed, stands" in named
    assert len(said_on(world, gid)) == 1


def test_a_copy_that_is_deleted_before_it_is_answered_fails_nothing(world: Any) -> None:
    gid = copied(world)
    choose(world, gid)
    world.read()
    world.sandbox.act("asana", ERIN, "delete", task=gid)
    world.settle()
    world.tell()
    assert world.store.intents().open("copy") == []
