"""Exceptions as tasks with an owner: opened, updated, accepted, closed, found again; over the sandbox, with the real step."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.flow.controls import Controls, DuplicateRule
from intacct_asana.operators.preflight import CheckAsanaOperator
from intacct_asana.records.concerns import Concern, ConcernState
from intacct_asana.store.database import open_database
from intacct_asana.store.retention import prune
from intacct_asana.store.tables import matters
from sqlalchemy import select

from tests.drift.drift_world import CONTROLLER, OWNER, Audited, Kept
from tests.drift.test_drift import edit_task
from tests.reconciliation.reconciliation_world import ALICE, BEN, GUS

pytestmark = pytest.mark.airflow


def assignee(task: dict[str, Any]) -> str:
    return str(task["assignee"])


def test_a_bypass_is_a_task_of_its_owner_until_it_is_over(kept: Any) -> None:
    world: Kept = kept()
    world.pay(1, how="select_bill")
    world.audited()
    task = world.exception()
    assert assignee(task) == CONTROLLER
    assert task["name"] == f"Went past its approval: Bill NEW-{world.bills[1]}"
    told = task["notes"].splitlines()
    assert told[0].endswith("is Selected, and nobody approved it as it is.")
    assert f"The bill's task: {world.store.links('bill').all()[world.key(1)].task_url}" in told
    assert not task["completed"]
    payment = world.sandbox.state("intacct")["payments"][-1]["record_no"]
    world.sandbox.act("intacct", "mgarcia", "drop_payment", record_no=payment)
    world.heal()
    world.audited()
    assert world.exception()["completed"]
    assert world.said()[-1].startswith("This is over, so the task is completed.")


def test_nothing_is_asked_of_asana_when_nothing_changed(kept: Any) -> None:
    world: Kept = kept()
    world.pay(1)
    world.audited()
    world.keep()
    world.sandbox.zero_counters()
    world.keep()
    counted = {name: count for name, count in world.sandbox.counters().items() if count}
    assert counted == {}
    assert len(world.exceptions()) == 1
    # Once an hour somebody looks whether people did something with it: who we are, and what changed.
    world.pass_time(hours=1)
    world.sandbox.zero_counters()
    world.keep()
    counted = {name: count for name, count in world.sandbox.counters().items() if count}
    assert counted == {"asana GET /users/{gid}": 1, "asana GET /tasks": 1}


def test_a_refused_decision_is_owned_until_the_bill_is_decided(kept: Any) -> None:
    world: Kept = kept()
    world.approve(GUS, bill=1)
    world.heal()
    world.keep()
    task = world.exception()
    assert assignee(task) == OWNER
    assert "approved" in task["notes"]
    assert "not carried out" in task["notes"]
    world.approve(GUS, bill=1)
    world.heal()
    world.keep()
    # The same cause on the same bill: one task, told anew.
    assert world.exception()["gid"] == task["gid"]
    world.approve(ALICE, bill=1)
    world.heal()
    world.keep()
    assert world.exception()["completed"]


def test_a_refused_decision_is_over_when_the_bill_changes(kept: Any) -> None:
    world: Kept = kept()
    world.approve(GUS, bill=1)
    world.heal()
    world.keep()
    world.edit_bill("77.00", bill=1)
    world.heal()
    world.keep()
    assert world.exception()["completed"]


def test_whoever_completes_it_while_it_holds_is_told_once(kept: Any) -> None:
    world: Kept = kept()
    world.pay(1)
    world.audited()
    world.on_exception(BEN, "complete")
    world.audited()
    assert not world.exception()["completed"]
    assert "This is open again, because it holds still" in world.said()[-1]
    world.on_exception(BEN, "complete")
    for _ in range(2):
        assert world.audited()["states"] == {"LEFT": 1}
        assert world.exception()["completed"]
    assert len(world.said()) == 1
    world.on_exception(BEN, "comment", text="accepted: the CFO knows")
    assert world.audited()["states"] == {"ACCEPTED": 1}
    assert world.exception()["completed"]


def test_who_accepted_it_and_why_stands_in_the_evidence(kept: Any) -> None:
    world: Kept = kept()
    world.pay(1)
    world.audited()
    world.on_exception(BEN, "comment", text="Accepted: paid on the phone with the CFO")
    world.on_exception(BEN, "complete")
    said = world.audited()["said"]["accepted"]
    assert "Ben Okafor" in said[0]
    for _ in range(2):
        world.audited()
        assert world.exception()["completed"]
    [row] = [row for row in world.store.evidence(world.key(1)) if row.body.get("about") == "exception accepted"]
    assert row.body["reason"] == "paid on the phone with the CFO"
    assert row.body["accepted_by"] == "Ben Okafor"
    # By which whoever asks for Ben's rows finds it.
    assert row.body["user_gid"] == world.store.pins("bill").people[BEN]
    assert world.store.verify_evidence() == []


def test_what_was_accepted_is_opened_again_when_it_is_another_now(kept: Any) -> None:
    world: Kept = kept()
    world.pay(1, how="select_bill")
    world.audited()
    world.on_exception(BEN, "comment", text="accepted: taken back tomorrow")
    world.on_exception(BEN, "complete")
    world.audited()
    payment = world.sandbox.state("intacct")["payments"][-1]["record_no"]
    world.sandbox.act("intacct", "mgarcia", "confirm_payment", record_no=payment)
    world.audited()
    assert not world.exception()["completed"]
    assert "is Paid" in world.exception()["notes"]
    assert world.said()[-1].startswith("It is another now:")


def test_a_lost_store_finds_its_exceptions_again(kept: Any) -> None:
    """The approvals run before the next audit: until then nobody knows whether what the older audit found holds."""
    world: Kept = kept()
    world.act(BEN, "write", bill=1, field="Amount", value="1.00")
    for bill in (2, 3):
        world.make_by_hand(BEN, **{"Intacct key": world.key(bill)})
    world.audited()
    open_ones = world.exceptions()
    accepted = next(task for task in open_ones if f"NEW-{world.bills[3]}" in task["notes"])
    for action, more in (("comment", {"text": "accepted: a template"}), ("complete", {})):
        world.pass_time(1)
        world.sandbox.act("asana", BEN, action, task=accepted["gid"], **more)
    world.audited()
    world.lose_store()
    world.keep()
    assert [task["completed"] for task in world.exceptions()] == [task["gid"] == accepted["gid"] for task in open_ones]
    assert world.audited()["states"] == {"OPEN": 1, "ACCEPTED": 1}
    # The full pass of the new store put the amount right; one copy is there still, and the other one is accepted.
    assert [task["gid"] for task in world.exceptions()] == [task["gid"] for task in open_ones]
    assert sorted(task["completed"] for task in world.exceptions()) == [False, True, True]


def test_what_is_back_after_its_store_was_lost_is_told(kept: Any) -> None:
    """That it was over was told by the lost store, with the number that the new one would take for its first word."""
    world: Kept = kept()
    edit_task(world)
    world.audited()
    world.sync(full=True)
    world.audited()
    world.lose_store()
    world.keep()
    world.pass_time(hours=2)
    assert world.audited()["states"] == {}
    edit_task(world)
    world.audited()
    assert not world.exception()["completed"]
    first, again = (text.splitlines()[0] for text in world.said())
    assert first == "This is over, so the task is completed."
    assert again.startswith("It is back: ")


def test_a_task_that_somebody_deleted_is_made_anew(kept: Any) -> None:
    world: Kept = kept()
    world.pay(1)
    world.audited()
    gid = world.exception()["gid"]
    world.on_exception(BEN, "delete")
    world.audited()
    assert world.exception()["gid"] != gid


@pytest.mark.parametrize("action", ["lost_answer", "status:503"])
def test_trouble_on_the_way_makes_no_second_task(action: str, kept: Any) -> None:
    world: Kept = kept()
    world.pay(1)
    world.audit()
    world.sandbox.fault("asana", "POST /tasks", action, times=20)
    for _ in range(2):
        with suppress(IntacctAsanaError):
            world.keep()
        world.sandbox.clear_faults()
    world.keep()
    world.exception()


def test_what_never_left_is_not_made_when_it_is_over(kept: Any) -> None:
    """Asana did not take it while its cause held; nobody wants it afterwards."""
    world: Kept = kept()
    world.act(BEN, "write", bill=1, field="Amount", value="1.00")
    world.audit()
    world.sandbox.fault("asana", "POST /tasks", "429:1", times=50)
    with suppress(IntacctAsanaError):
        world.keep()
    world.sandbox.clear_faults()
    world.sync(full=True)
    world.audited()
    assert world.exceptions() == []


def test_a_flood_is_one_task(kept: Any) -> None:
    world: Kept = kept(more=", most: 2")
    for bill in (1, 2, 3):
        world.pay(bill)
    world.audited()
    task = world.exception()
    assert task["name"] == "3 exceptions at once"
    assert assignee(task) == OWNER
    payment = world.sandbox.state("intacct")["payments"][-1]["record_no"]
    world.sandbox.act("intacct", "mgarcia", "void_payment", record_no=payment)
    world.heal()
    world.audited()
    assert sorted((one["completed"], one["name"][:3]) for one in world.exceptions()) == [
        (False, "Wen"),
        (False, "Wen"),
        (True, "3 e"),
    ]


def test_one_process_at_a_time_keeps_a_flows_exceptions(kept: Any) -> None:
    world: Kept = kept()
    world.pay(1)
    world.audit()
    with world.store.lease("keeping exceptions", now=world.at):
        assert "Another run" in world.keep()["said"]["waits"][0]
    assert world.exceptions() == []
    world.keep()
    world.exception()


def test_a_copy_of_an_exception_is_no_exception(kept: Any) -> None:
    """Only what our own user made is ever touched."""
    world: Kept = kept()
    world.pay(1)
    world.audited()
    notes = world.exception()["notes"]
    gid = world.make_by_hand(BEN)
    world.sandbox.act("asana", BEN, "set_notes", task=gid, text=notes)
    world.lose_store()
    world.audited()
    copy = next(task for task in world.exceptions() if task["gid"] == gid)
    assert not [story for story in copy["stories"] if story["by"] not in (BEN,)]


def test_preflight_looks_at_project_and_owners(a_world: Any) -> None:
    told = f"exceptions: {{project: '1200000000000099', owner: {OWNER}, owners: {{stale: nobody@northwind.example}}}}\n"
    world: Audited = a_world(declares=told)
    rows = {row["check"]: row["ok"] for row in world.step(CheckAsanaOperator(task_id="check", flow="small"))}
    assert rows["Asana exceptions project"] == "no"
    assert rows[f"owner of exceptions {OWNER}"] == "yes"
    assert rows["owner of exceptions nobody@northwind.example"] == "no"


def test_a_bill_that_cannot_be_read_is_owned_until_it_can(kept: Any) -> None:
    world: Kept = kept()
    bill = world.make_bill()
    world.sandbox.settings(shown_values={"APBILL.WHENDUE": {f"#{bill}": "00/00/0000"}})
    for _ in range(2):
        with suppress(IntacctAsanaError):
            world.sync()
        world.keep()
    task = world.exception()
    assert task["name"].startswith("A bill cannot be read")
    assert "WHENDUE" in task["notes"]
    world.sandbox.settings(shown_values={})
    world.heal()
    world.keep()
    assert world.exception()["completed"]


def test_a_task_that_asana_refuses_is_owned_until_it_is_written(kept: Any) -> None:
    world: Kept = kept()
    world.edit_bill("77.00", bill=1)
    world.sandbox.fault("asana", "PUT /tasks/{gid}", "status:400", times=50)
    with suppress(IntacctAsanaError):
        world.sync()
    world.sandbox.clear_faults()
    world.keep()
    assert world.exception()["name"].startswith("A task cannot be written")
    world.heal()
    world.keep()
    assert world.exception()["completed"]


def test_a_concern_that_blocks_is_owned_until_it_is_released(kept: Any) -> None:
    world: Kept = kept()
    none = world.flow
    world.flow = none.model_copy(update={"controls": Controls(duplicates=DuplicateRule(mode="block"))})
    told = {"key": world.key(1), "kind": "duplicate", "cause": "c", "words": "It looks like INV-40.", "found_at": world.at}
    concern = Concern(concern_id="con-1", blocks=True, **told)
    world.store.concerns().save([concern])
    world.keep()
    assert "It looks like INV-40." in world.exception()["notes"]
    world.store.concerns().save([replace(concern, state=ConcernState.RELEASED, released_by="Ben")])
    world.keep()
    assert world.exception()["completed"]
    world.store.concerns().save([concern])
    world.keep()
    assert not world.exception()["completed"]
    # The flow file names no control any more: no run has a step left that would end it.
    world.flow = none
    world.keep()
    assert world.exception()["completed"]


def test_a_decision_that_waits_is_owned_until_it_is_carried_out(kept: Any) -> None:
    world: Kept = kept(approval="  locked_bills: 10")
    world.pay(1, how="select_bill")
    world.approve(ALICE, bill=1)
    world.steps()
    world.keep()
    assert world.exception()["name"].startswith("A decision waits")
    payment = world.sandbox.state("intacct")["payments"][-1]["record_no"]
    world.sandbox.act("intacct", "mgarcia", "drop_payment", record_no=payment)
    world.heal()
    world.keep()
    assert world.exception()["completed"]


def test_a_rehearsal_says_what_it_would_do(kept: Any) -> None:
    world: Kept = kept()
    world.pay(1)
    world.audit()
    world.flow = world.flow.model_copy(update={"rehearsal": True})
    said = world.keep()["said"]["would"]
    assert said[0].startswith("Rehearsal: would open the exception")
    assert world.exceptions() == []


@pytest.mark.parametrize("call", range(3, 6))
def test_a_step_that_was_cut_is_finished_once(call: int, kept: Any) -> None:
    """Closing takes a look, a comment and a write: whichever answer is lost, it is told once and closed."""
    world: Kept = kept()
    world.act(BEN, "write", bill=1, field="Amount", value="1.00")
    world.audited()
    world.sync(full=True)
    world.audit()
    world.sandbox.fault("asana", "*", "status_after:500", on_call=call, times=1)
    for _ in range(3):
        with suppress(IntacctAsanaError):
            world.keep()
    world.sandbox.clear_faults()
    assert world.exception()["completed"]
    assert [text.splitlines()[0] for text in world.said()] == ["This is over, so the task is completed."]


def test_an_exception_that_the_store_has_forgotten_has_a_new_task_when_it_is_back(kept: Any) -> None:
    """The old one, completed, is in the project still and carries the same reference."""
    world: Kept = kept()
    edit_task(world)
    world.audited()
    old = world.exception()["gid"]
    world.sync(full=True)
    world.audited()
    assert world.exception()["completed"]
    prune(open_database(world.url), older_than=timedelta(days=400), now=world.at + timedelta(days=500), dry_run=False)
    edit_task(world)
    assert world.audited()["done"] == {"exception": 1}
    for _ in range(2):
        world.pass_time(hours=2)
        assert world.audited()["states"] == {"OPEN": 1}
        assert {one["gid"] == old: one["completed"] for one in world.exceptions()} == {True: True, False: False}
    told = {
        one["gid"] == old: [s for s in one["stories"] if s["resource_subtype"] == "comment_added"] for one in world.exceptions()
    }
    assert (len(told[True]), told[False]) == (1, []), "the old one says that it was over, and nothing is told on the new one"
    world.sync(full=True)
    world.audited()
    assert all(one["completed"] for one in world.exceptions())


def test_what_was_pruned_stays_forgotten_while_others_are_looked_at(kept: Any) -> None:
    """Its completed task is in the project still; taken back, it would be over as of today."""
    world: Kept = kept()
    edit_task(world)
    world.audited()
    old = world.exception()["gid"]
    world.sync(full=True)
    world.audited()
    edit_task(world, 2)
    assert world.audited()["states"] == {"OPEN": 1}
    world.pass_time(hours=24 * 40)
    prune(open_database(world.url), older_than=timedelta(days=31), now=world.at, dry_run=False)
    for _ in range(2):
        assert world.audited()["states"] == {"OPEN": 1}
        with open_database(world.url).read() as connection:
            assert connection.execute(select(matters.c.task_gid).where(matters.c.task_gid == old)).all() == []
    edit_task(world)
    assert world.audited()["done"] == {"exception": 1}
    assert {one["gid"] == old: one["completed"] for one in world.exceptions()} == {True: True, False: False}
