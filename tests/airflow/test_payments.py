"""Payments through Airflow: what is paid, voided and paid again shows on the task, closes or reopens it, and is told once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

pytestmark = pytest.mark.airflow
CLERK, ALICE = "jchen", "alice.martin@northwind.example"


@pytest.fixture
def ready(world: Any) -> Any:
    """A world in which preflight has run and bills were synced once."""
    world.have_run("bill_sync")
    return world


def act(world: Any, action: str, **arguments: Any) -> Any:
    return world.sandbox.act("intacct", CLERK, action, **arguments)


def a_bill(world: Any) -> str:
    """The record number of a posted bill of 1,500.00 USD."""
    lines = [{"amount": "600.00"}, {"amount": "900.00"}]
    return act(world, "create_bill", state="Posted", lines=lines, currency="USD", entity="US01")["record_no"]


def task(world: Any, number: str) -> dict[str, Any]:
    return next(one for one in world.tasks() if one["fields"]["Intacct key"].endswith(f":ap:{number}"))


def comments(world: Any, number: str) -> list[list[str]]:
    """The lines of each comment about payments, without its reference."""
    said = [story["text"] for story in task(world, number)["stories"] if story["resource_subtype"] == "comment_added"]
    said = [text for text in said if text.splitlines()[-1].startswith("Reference: payments-")]
    return [text.splitlines()[:-1] for text in said]


def shown(world: Any, number: str) -> dict[str, Any]:
    """What an accounts payable clerk sees of the payments on the task."""
    now = task(world, number)
    fields = ("Amount paid", "Amount due", "Payment status", "Payments", "Bill state")
    (section,) = now["sections"].values()
    return {name: now["fields"][name] for name in fields} | {"completed": now["completed"], "section": section}


def standing(world: Any, number: str) -> tuple[str, bool, str]:
    now = shown(world, number)
    return now["Payment status"], now["completed"], now["section"]


def sync_and_stay_silent(world: Any, *numbers: str) -> None:
    """One run, and a second one that writes nothing; the amounts are Intacct's own."""
    world.must("bill_sync")
    before = world.writes()
    world.must("bill_sync")
    assert world.writes() == before
    bills = {bill["record_no"]: bill for bill in world.sandbox.state("intacct")["bills"]}
    for number in numbers:
        fields = task(world, number)["fields"]
        assert Decimal(fields["Amount paid"]) == Decimal(bills[number]["total_paid"])
        assert Decimal(fields["Amount due"]) == Decimal(bills[number]["total_due"])


def test_bill_partly_paid_paid_and_voided_is_told_once_each_and_its_task_closes_and_opens(ready: Any) -> None:
    world, number = ready, a_bill(ready)
    sync_and_stay_silent(world, number)
    assert (shown(world, number)["Payment status"], shown(world, number)["Payments"]) == ("Unpaid", None)
    assert comments(world, number) == []

    act(world, "pay_bill", record_no=number, amount="1200.00", on="2026-11-20")
    sync_and_stay_silent(world, number)
    first = "1,200.00 USD by ACH on 2026-11-20"
    assert shown(world, number) == {
        "Amount paid": "1200.00",
        "Amount due": "300.00",
        "Payment status": "Partly paid",
        "Payments": first,
        "Bill state": "Partially Paid",
        "completed": False,
        "section": "Open",
    }
    partly = "Partly paid: 1,200.00 USD of 1,500.00 USD. 300.00 USD is still due."
    assert comments(world, number) == [[partly, f"- {first}"]]

    rest = act(world, "pay_bill", record_no=number, method="Printed Check", on="2026-11-22")["payment"]
    sync_and_stay_silent(world, number)
    second = f"300.00 USD by Printed Check {rest['number']} on 2026-11-22"
    assert standing(world, number) == ("Paid", True, "Done")
    assert shown(world, number)["Payments"] == f"{first}; {second}"
    assert comments(world, number)[1:] == [["Paid in full: 1,500.00 USD.", f"- {first}", f"- {second}"]]
    assert "Payments (2), 0.00 USD due" in task(world, number)["html_notes"]

    act(world, "void_payment", record_no=rest["record_no"])
    sync_and_stay_silent(world, number)
    assert standing(world, number) == ("Partly paid", False, "Open")
    assert comments(world, number)[2:] == [[partly, f"- {first}", f"- {second}, voided"]]


def test_payment_taken_back_opens_the_task_again_wherever_intacct_shows_it(ready: Any) -> None:
    """One bill for each shape, and one that is only selected for payment and let go again."""
    world = ready
    shapes = {where: a_bill(world) for where in ("details", "payment", "both", "reversal")}
    selected = a_bill(world)
    world.must("bill_sync")
    paid = {where: act(world, "pay_bill", record_no=number, on="2026-11-20")["payment"] for where, number in shapes.items()}
    chosen = act(world, "select_bill", record_no=selected, on="2026-11-30")["payment"]
    sync_and_stay_silent(world, selected, *shapes.values())
    assert {standing(world, number) for number in shapes.values()} == {("Paid", True, "Done")}
    planned = f"1,500.00 USD by Printed Check {chosen['number']} planned for 2026-11-30"
    assert standing(world, selected) == ("Selected for payment", False, "Open")
    assert comments(world, selected) == [["Selected for payment.", f"- {planned}"]]

    for where, payment in paid.items():
        world.sandbox.settings(void_shows_in=where)
        act(world, "void_payment", record_no=payment["record_no"])
    act(world, "drop_payment", record_no=chosen["record_no"])
    sync_and_stay_silent(world, selected, *shapes.values())
    for where, number in shapes.items():
        word = "reversed" if where == "reversal" else "voided"
        assert standing(world, number) == (f"Payment {word}", False, "Open")
        headline, line = comments(world, number)[1]
        assert headline == f"The payment was {word}. 1,500.00 USD is due again."
        assert line.startswith(f"- 1,500.00 USD by ACH on 2026-11-20, {word}")
    assert (shown(world, selected)["Payment status"], shown(world, selected)["Payments"]) == ("Unpaid", None)
    assert comments(world, selected)[1:] == [["Nothing is paid or selected for payment any more. 1,500.00 USD is due."]]
    assert {len(comments(world, number)) for number in (selected, *shapes.values())} == {2}


def test_payment_is_told_once_when_the_answer_is_lost_and_takes_no_approval_away(ready: Any, flow_file: Any) -> None:
    flow_file("  segregation_of_duties: true", "  states: [Posted, Partially Paid]\n  segregation_of_duties: true")
    world, number = ready, a_bill(ready)
    world.must("bill_sync")
    world.sandbox.act("asana", ALICE, "choose", task=task(world, number)["gid"], field="Approval", option="Approved")
    act(world, "pay_bill", record_no=number, amount="100.00")
    world.sandbox.fault("asana", "POST /tasks/{gid}/stories", "lost_answer")
    # The journal looks at the task before the run ends, and finds the comment there.
    world.must("bill_sync")
    assert len(comments(world, number)) == 1
    sync_and_stay_silent(world, number)
    assert len(comments(world, number)) == 1
    # Payments are no part of what approvers are shown, so the choice still fits the bill.
    world.must("approval_reconciliation")
    bill = next(one for one in world.sandbox.state("intacct")["bills"] if one["record_no"] == number)
    assert bill["stamps"]["ASANA_DECISION"] == "Approved"


def test_without_the_right_to_payments_preflight_names_both_ways_out_and_totals_are_told(world: Any, flow_file: Any) -> None:
    world.sandbox.settings(denied_objects=["APPYMT", "APPYMTDETAIL"])
    assert world.run("preflight", create_missing=True)["report_checks"] == "failed"
    denied = {row["check"]: row for row in world.result("check_intacct")}["Intacct may read APPYMTDETAIL"]
    assert denied["ok"] == "no"
    assert "List and View on AP payments" in denied["mend"]
    assert "payments: totals" in denied["mend"]

    flow_file("  payments: details ", "  payments: totals ")
    world.must("preflight", create_missing=True)
    assert "not needed" in {row["check"]: row for row in world.result("check_intacct")}["Intacct payments"]["result"]
    number = a_bill(world)
    world.must("bill_sync")
    act(world, "pay_bill", record_no=number, amount="500.00")
    sync_and_stay_silent(world, number)
    assert shown(world, number)["Payments"] is None
    assert comments(world, number) == [["Partly paid: 500.00 USD of 1,500.00 USD. 1,000.00 USD is still due."]]
