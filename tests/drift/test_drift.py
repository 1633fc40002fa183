"""What the daily audit names, and what it must not: a table over the sandbox, with the real operator."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any

import pytest
from intacct_asana.errors import UnexpectedReply
from intacct_asana.flow.write_back import WriteBack
from intacct_asana.operators.drift.comparing import ReportDriftOperator

from sandbox import constants
from tests.drift.drift_world import Audited, ByApproval
from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import CLERK

pytestmark = pytest.mark.airflow


# Things that happen to one bill, by its place among those of the world.


def delete_task(world: Audited, bill: int) -> None:
    world.act(BEN, "delete", bill=bill)


def edit_task(world: Audited, bill: int = 1) -> None:
    world.act(BEN, "write", bill=bill, field="Amount", value="1.00")


def copy_by_hand(world: Audited, bill: int) -> None:
    world.make_by_hand(BEN, **{"Intacct key": world.key(bill)})


def copy_of_ours(world: Audited, bill: int) -> None:
    world.make_by_hand(constants.BOT_EMAIL, **{"Intacct key": world.key(bill)})


def task_without_bill(world: Audited, bill: int) -> None:
    """Of ours, and nobody knows of it: as if its store had been lost, and its bill deleted since."""
    world.bills[bill] = "999"
    world.make_by_hand(constants.BOT_EMAIL, **{"Intacct key": f"{constants.COMPANY_ID}:ap:999"})


def choose_unseen(world: Audited, bill: int) -> None:
    """As if a choice had been lost for good: the history was read, and the task shows what nobody decided."""
    gid = world.task(bill)["gid"]
    world.approve(BEN, bill=bill)
    world.store.marks().wrote({gid: world.at})


def stamp_by_hand(world: Audited, bill: int) -> None:
    world.edit(bill=bill, ASANA_DECISION="Approved", ASANA_DECISION_ID="by hand")


def pay(world: Audited, bill: int = 1) -> None:
    world.pay(bill)


def select(world: Audited, bill: int) -> None:
    world.pay(bill, how="select_bill")


def pay_after_change(world: Audited, bill: int) -> None:
    """Approved over 500.00, then 900.00, which voids it, then paid."""
    world.approve(ALICE, bill=bill)
    world.heal()
    world.edit_bill("900.00", bill=bill)
    world.heal()
    world.pay(bill)


NAMED: dict[str, tuple[Callable[[Audited, int], None], str]] = {
    "a bill that was approved, changed, and paid": (pay_after_change, "bypass"),
    "a bill that was paid without an approval": (pay, "bypass"),
    "a bill that was selected without an approval": (select, "bypass"),
    "a task that was deleted": (delete_task, "missing"),
    "a task whose amount somebody changed": (edit_task, "stale"),
    "a task of a person with the bill's key": (copy_by_hand, "extra"),
    "a second task of our own": (copy_of_ours, "duplicate"),
    "a task whose bill is gone": (task_without_bill, "orphaned"),
    "a task that says Approved without a decision": (choose_unseen, "decided without a record"),
    "a bill with a stamp that nobody here made": (stamp_by_hand, "decided without a record"),
}


def nothing(world: Audited, bill: int) -> None:
    """A bill to which nobody did anything."""


def pay_approved(world: Audited, bill: int) -> None:
    world.approve(ALICE, bill=bill)
    world.heal()
    world.pay(bill)


def pay_credit(world: Audited, bill: int) -> None:
    world.bills[bill] = world.make_bill(amount="-80.00", state="Paid")


def chosen_just_now(world: Audited, bill: int) -> None:
    """No run of the approvals has read it yet."""
    world.approve(ALICE, bill=bill)
    world.pay(bill, how="select_bill")


def changed_just_now(world: Audited, bill: int) -> None:
    """The next bill sync brings it to the task."""
    world.edit_bill("77.00", bill=bill)


def deleted_just_now(world: Audited, bill: int) -> None:
    """The audit history tells the next bill sync."""
    world.sandbox.act("intacct", CLERK, "delete_bill", record_no=world.bills[bill])


def made_just_now(world: Audited, bill: int) -> None:
    world.make_bill()


def task_by_hand(world: Audited, bill: int) -> None:
    """People may keep tasks of their own in the project."""
    world.make_by_hand(BEN)


def handed_over(world: Audited, bill: int) -> None:
    world.act(BEN, "assign", bill=bill, to=ALICE)
    world.act(BEN, "comment", bill=bill, text="Would you look at it?")


LEFT_ALONE: dict[str, Callable[[Audited, int], None]] = {
    "an approved bill is paid": pay_approved,
    "a credit is settled": pay_credit,
    "a choice that no run has read": chosen_just_now,
    "a change that the next run brings": changed_just_now,
    "a bill that the next run brings": made_just_now,
    "a bill whose task the next run completes": deleted_just_now,
    "a task that people made for themselves": task_by_hand,
    "a task that was given to somebody else": handed_over,
    "nothing happened": nothing,
}


def test_drift_is_named(a_world: Any) -> None:
    """Everything in one company, each on a bill of its own."""
    world: Audited = a_world(young=len(NAMED))
    expected = set[tuple[str, str]]()
    for bill, (happen, drift) in enumerate(NAMED.values(), 1):
        happen(world, bill)
        expected.add((drift, world.bills[bill]))
    report = world.audit()
    assert {*world.found()} == expected
    assert sum(report["counts"].values()) == len(NAMED)
    assert not [one for one in report["findings"] if "\n" in one["words"]]


def test_what_is_no_drift_is_left_alone(a_world: Any) -> None:
    world: Audited = a_world(young=len(LEFT_ALONE))
    for bill, happen in enumerate(LEFT_ALONE.values(), 1):
        happen(world, bill)
    report = world.audit()
    assert (report["counts"], world.found()) == ({}, [])


def test_a_stamp_from_before_the_store_was_lost_is_an_approval(a_world: Any) -> None:
    """It is all that tells of the decision."""
    world: Audited = a_world()
    world.approve(ALICE, bill=1)
    world.heal()
    world.lose_store()
    world.approve(ALICE, bill=2)
    world.heal()
    world.pay(1)
    assert world.audit()["counts"] == {}


OF_EACH = 4


def busy_company(world: Audited) -> tuple[list[int], list[int]]:
    """Many bills more, in which people do everything that is theirs to do. Places of undecided and of approved ones."""
    drawn, begin = Random(7), len(world.bills)
    for number in range(130):
        amount = f"{drawn.randint(5, 40_000)}.{drawn.randint(0, 99):02}"
        state = drawn.choices(("Posted", "Submitted", "Draft", "Declined"), (65, 20, 9, 6))[0]
        world.bills.append(world.make_bill(amount=f"-{amount}" if number % 25 == 0 else amount, state=state))
    states = {one["record_no"]: one["state"] for one in world.sandbox.state("intacct")["bills"]}
    world.steps()
    places = [place for place in range(begin, len(world.bills)) if states[world.bills[place]] == "Posted"]
    drawn.shuffle(places)
    approved, undecided = places[:24], places[24:]
    for place in approved:
        world.approve(BEN, bill=place)
    world.heal()
    for place in approved[:10]:
        world.pay(place)
    for place in approved[10:14]:
        world.pay(place, how="select_bill")
    for place in approved[14:18]:
        world.edit_bill("12.34", bill=place)
    for place in undecided[-6:]:
        world.act(BEN, "comment", bill=place, text="I will look at it tomorrow.")
        world.act(BEN, "assign", bill=place, to=ALICE)
    world.make_by_hand(BEN)
    world.heal(hours=2)
    return undecided[:-6], approved


def plant(world: Audited, places: list[int]) -> set[tuple[str, str]]:
    """Some of each class, at places of undecided bills that nothing else happens to."""
    planted = set[tuple[str, str]]()
    for number in range(OF_EACH):
        missing, stale, extra, duplicate, stamped, paid = (places.pop() for _ in range(6))
        world.act(BEN, "delete", bill=missing)
        world.act(BEN, "write", bill=stale, field="Amount", value="1.00")
        world.make_by_hand(BEN, **{"Intacct key": world.key(extra)})
        world.make_by_hand(constants.BOT_EMAIL, **{"Intacct key": world.key(duplicate)})
        world.make_by_hand(constants.BOT_EMAIL, **{"Intacct key": f"{constants.COMPANY_ID}:ap:9{number}99"})
        world.edit(bill=stamped, ASANA_DECISION="Approved", ASANA_DECISION_ID="by hand")
        world.pay(paid, how="select_bill" if number % 2 else "pay_bill")
        named = zip(
            ("missing", "stale", "extra", "duplicate", "decided without a record", "bypass"),
            (missing, stale, extra, duplicate, stamped, paid),
            strict=True,
        )
        planted |= {(drift, world.bills[place]) for drift, place in named} | {("orphaned", f"9{number}99")}
    return planted


@pytest.mark.slow
def test_all_that_was_planted_in_a_busy_company_is_named_and_nothing_else(
    a_world: Any, figures: Callable[[str, object], None]
) -> None:
    world: Audited = a_world()
    undecided, _ = busy_company(world)
    before = world.audit()
    assert (before["counts"], world.found()) == ({}, [])
    planted = plant(world, undecided)
    world.audit()
    found = set(world.found())
    told = (before["bills"], len(planted), len(found & planted), len(found - planted))
    figures("drift: bills, planted, named, false alarms", told)
    assert found == planted


def test_a_bill_from_before_the_first_decision_is_no_bypass(a_world: Any) -> None:
    world: Audited = a_world(bills=2)
    world.pay(1)
    assert world.audit()["counts"] == {}


def test_posted_is_a_bypass_only_where_the_flow_says_so(a_world: Any) -> None:
    world: Audited = a_world(declares="drift: {posted_counts: true}\n")
    assert world.audit()["counts"] == {"bypass": len(world.bills) - 1}


def test_what_is_over_is_no_drift_any_more(a_world: Any) -> None:
    world: Audited = a_world()
    edit_task(world)
    world.audit()
    assert world.found()
    world.sync(full=True)
    world.audit()
    assert world.found() == []


def test_what_went_past_the_approval_stands_in_the_evidence_once(a_world: Any) -> None:
    world: Audited = a_world()
    select(world, 1)
    edit_task(world, 2)
    for _ in range(2):
        world.audit()
    payment = world.sandbox.state("intacct")["payments"][-1]["record_no"]
    world.sandbox.act("intacct", CLERK, "confirm_payment", record_no=payment)
    world.audit()
    rows = [row for row in world.store.evidence() if row.body.get("about") == "drift"]
    assert [(row.key, row.body["drift"], row.body["cause"]) for row in rows] == [
        (world.key(1), "bypass", "Selected"),
        (world.key(1), "bypass", "Paid"),
    ]
    assert world.store.verify_evidence() == []
    world.heal()


def test_what_is_handed_over_is_mended_by_the_next_bill_sync(a_world: Any) -> None:
    world: Audited = a_world()
    edit_task(world)
    gone = world.task(2)["gid"]
    world.act(BEN, "delete", bill=2)
    assert world.audit(repair=True)["handed_to_the_bill_sync"] == 2
    assert world.audit()["counts"] == {}
    world.heal()
    assert (world.audit()["counts"], world.found()) == ({}, [])
    assert world.task(1)["fields"]["Amount"] == "500.00"
    assert world.task(2)["gid"] != gone


def test_control_totals_stand_beside_each_other(a_world: Any) -> None:
    world: Audited = a_world()
    [totals] = world.audit()["totals"]
    assert (totals["bills"], totals["tasks"], totals["difference"]) == (5, 5, "0.00")
    edit_task(world)
    [totals] = world.audit()["totals"]
    assert (totals["in_intacct"], totals["in_asana"], totals["difference"]) == ("2500.00", "2001.00", "499.00")


def test_the_audit_writes_to_neither_side(a_world: Any) -> None:
    world: Audited = a_world()
    pay(world)
    edit_task(world)
    world.sandbox.zero_counters()
    world.audit()
    counted = world.sandbox.counters()
    assert (counted.get("asana WRITE", 0), counted.get("intacct WRITE", 0)) == (0, 0)


@pytest.mark.parametrize("fails", [True, False])
def test_a_run_is_red_only_where_the_flow_says_so(fails: bool, a_world: Any) -> None:
    world: Audited = a_world(declares=f"drift: {{fail_on: [{'bypass' if fails else 'extra'}]}}\n")
    pay(world)
    found = world.audit()
    operator = ReportDriftOperator(task_id="report", flow="small", steps=["compare_sides"])
    if fails:
        with pytest.raises(UnexpectedReply, match="1 bypass"):
            world.report(operator, found)
    else:
        world.report(operator, found)
    assert constants.COMPANY_ID in found["findings"][0]["key"]


def test_an_approval_of_asana_that_was_completed_with_its_bill_is_no_decision(a_world: Any) -> None:
    """Completing an approval shows it as approved; a bill that was paid without one is a bypass, and no decision."""
    world: Audited = a_world(kind=ByApproval)
    world.approve(ALICE, bill=1)
    world.heal()
    world.pay(1)
    world.pay(2)
    world.heal()
    assert world.task(2)["approval_status"] == "approved"
    assert world.audit()["counts"] == {"bypass": 1}
    assert world.found() == [("bypass", world.bills[2])]


def test_a_flow_that_observes_knows_its_own_decisions(a_world: Any) -> None:
    world: Audited = a_world()
    world.flow = world.flow.model_copy(update={"write_back": WriteBack(steps=("observe",))})
    world.approve(ALICE, bill=1)
    world.heal()
    assert world.held(1)["ASANA_DECISION"] == ""
    world.pay(1)
    assert world.audit()["counts"] == {}


def test_a_side_that_shows_nothing_is_no_drift_of_everything(a_world: Any) -> None:
    world: Audited = a_world()
    bills = world.flow.bills.model_copy(update={"bill_date_from": date(2030, 1, 1)})
    world.flow = world.flow.model_copy(update={"bills": bills})
    with pytest.raises(UnexpectedReply, match="Intacct showed no bill to flow small, and 5 tasks are linked"):
        world.audit()
    assert world.found() == []


def test_bills_that_left_the_scope_of_the_flow_are_no_drift(a_world: Any) -> None:
    """Their tasks are completed by the next run that reads everything."""
    world: Audited = a_world()
    world.edit(bill=1, who=CLERK, description="moved")
    bills = world.flow.bills.model_copy(update={"bill_date_from": date(2026, 11, 24)})
    world.flow = world.flow.model_copy(update={"bills": bills})
    report = world.audit()
    assert (report["bills"], report["counts"]) == (4, {})
