"""Reminders by the due date, and the message in the end: which comes on which day, to whom, and never twice."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from intacct_asana.asking.remind import ESCALATION, message_due
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.flow.policy import Reminders

from tests.policy.policy_world import ALICE, BEN, DEV, TWO_STEPS
from tests.reminding.reminding_world import DUE_ON, ERIN, REMIND, Asking

Flow = Callable[..., Asking]
RULES = Reminders(before_days=(3, 0), after_days=(1, 3, 8), escalate_after_days=5)
DUE = date(2026, 11, 27)
ONE_MANAGER = TWO_STEPS.replace(", dev.patel@northwind.example", "")


@pytest.mark.parametrize(
    ("late", "said", "message"),
    [
        (-4, "", ""),
        (-3, "", "before-3"),
        (-3, "before-3", ""),
        (-1, "", "before-3"),
        (0, "before-3", "before-0"),
        (1, "", "after-1"),
        (2, "after-1", ""),
        (4, "after-1", "after-3"),
        (5, "after-3", ESCALATION),
        (6, "after-1", ESCALATION),
        (6, ESCALATION, ""),
        (8, ESCALATION, "after-8"),
        (90, "", ESCALATION),
        (90, ESCALATION, "after-8"),
        (90, f"{ESCALATION} after-8", ""),
    ],
)
def test_the_message_of_a_day(late: int, said: str, message: str) -> None:
    assert message_due(DUE, today=DUE + timedelta(days=late), rules=RULES, said=said.split()) == message


def test_a_bill_of_which_nobody_is_reminded_has_no_message() -> None:
    assert message_due(DUE, today=DUE + timedelta(days=9), rules=Reminders(before_days=(1,)), said=["before-1"]) == ""


def test_those_who_are_due_are_reminded_and_in_the_end_somebody_is_told(an_asking_flow: Flow) -> None:
    flow = an_asking_flow()
    assert flow.run_and_ask()["done"] == {}
    for late in range(-3, 8):
        flow.on(DUE_ON + timedelta(days=late))
        flow.run_and_ask()
        flow.run_and_ask()
    wait = "and waits for Alice Martin or Dev Patel, step 1 of 2 (manager)."
    assert flow.asked() == [
        f"This bill is due on {DUE_ON} {wait}",
        f"This bill is due on {DUE_ON} {wait}",
        f"This bill was due on {DUE_ON} {wait}",
        f"This bill was due on {DUE_ON} {wait}",
        f"This bill was due on {DUE_ON}. Alice Martin and Dev Patel have not decided in the 5 days since; Erin Wolf is told. "
        "That changes nothing about who may decide.",
    ]
    mentions = [one["html_text"] for one in flow.task()["stories"] if "waits for" in one["text"]]
    assert len(mentions) == 4
    assert all(one.count("data-asana-gid") == 2 for one in mentions)


def test_a_deputy_is_told_before_anybody_else(an_asking_flow: Flow) -> None:
    away = f"  delegations: [{{from: {ALICE}, to: {BEN}, first_day: 2026-11-20, last_day: 2026-12-24}}]\n"
    flow = an_asking_flow(policy=ONE_MANAGER + away)
    flow.on(DUE_ON + timedelta(days=5))
    flow.run_and_ask()
    (said,) = flow.asked()
    assert "Alice Martin has not decided in the 5 days since; Ben Okafor is told." in said


def test_a_bill_that_is_decided_is_not_reminded_of(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(policy=ONE_MANAGER)
    for who in (ALICE, BEN):
        flow.say(who)
        flow.heal()
    flow.is_approved()
    flow.on(DUE_ON)
    flow.run()
    assert flow.calls(flow.ask) == {}
    assert flow.asked() == []


def test_a_bill_that_is_on_hold_is_not_reminded_of_and_read_once_a_day(an_asking_flow: Flow) -> None:
    flow = an_asking_flow()
    flow.edit(on_hold=True)
    flow.on(DUE_ON)
    flow.run_and_ask()
    assert flow.calls(flow.ask) == {}
    flow.edit(on_hold=False)
    flow.on(DUE_ON + timedelta(days=1))
    flow.run_and_ask()
    assert len(flow.asked()) == 1
    assert "was due" in flow.asked()[0]


def test_the_next_person_is_reminded_once_a_step_is_given(an_asking_flow: Flow) -> None:
    flow = an_asking_flow()
    flow.say(DEV)
    flow.heal()
    flow.on(DUE_ON)
    flow.run_and_ask()
    assert flow.asked() == [f"This bill is due on {DUE_ON} and waits for Ben Okafor, step 2 of 2 (controller)."]


def test_a_due_date_that_moves_brings_no_second_message_on_one_day(an_asking_flow: Flow) -> None:
    flow = an_asking_flow()
    flow.on(DUE_ON)
    flow.run_and_ask()
    flow.edit(due_on=(DUE_ON + timedelta(days=3)).isoformat())
    flow.sync()
    flow.run_and_ask()
    assert len(flow.asked()) == 1
    flow.on(DUE_ON + timedelta(days=1))
    flow.run_and_ask()
    assert len(flow.asked()) == 2


def test_a_run_in_which_nothing_is_due_makes_no_call(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(bills=3)
    flow.run()
    assert flow.calls(flow.ask) == {}


def test_a_rehearsal_says_whom_it_would_remind(an_asking_flow: Flow) -> None:
    flow = an_asking_flow()
    flow.on(DUE_ON)
    flow.run()
    flow.flow = flow.flow.model_copy(update={"rehearsal": True})
    report = flow.ask()
    assert report["rehearsal"]
    assert "would be told on its task: This bill is due" in str(report["said"])
    assert flow.asked() == []


@pytest.mark.parametrize(("email", "ok"), [(ERIN, "yes"), ("nobody@northwind.example", "no")])
def test_preflight_looks_up_who_is_told_in_the_end(an_asking_flow: Flow, email: str, ok: str) -> None:
    flow = an_asking_flow(asks=REMIND.replace(ERIN, email))
    (row,) = [row for row in flow.preflight() if row["check"] == f"who is told of late bills {email}"]
    assert row["ok"] == ok


def test_days_are_days_in_the_flows_time_zone(an_asking_flow: Flow) -> None:
    """At noon in London it is the next day in Auckland."""
    flow = an_asking_flow()
    flow.pass_time(hours=4)
    assert flow.at.date() == DUE_ON - timedelta(days=4)
    assert flow.run_and_ask()["done"] == {}
    schedules = flow.flow.schedules.model_copy(update={"timezone": "Pacific/Auckland"})
    flow.flow = flow.flow.model_copy(update={"schedules": schedules})
    assert flow.run_and_ask()["done"] == {"reminded": 1}


def test_a_hold_of_ours_waits_for_the_approval_and_silences_nothing(an_asking_flow: Flow) -> None:
    flow = an_asking_flow()
    flow.now_writes("[stamp, release_hold]\n  intake: [hold]")
    flow.run()
    assert flow.bill()["on_hold"]
    flow.on(DUE_ON)
    flow.run_and_ask()
    assert len(flow.asked()) == 1


def test_a_bill_that_is_paid_or_gone_is_not_reminded_of(an_asking_flow: Flow) -> None:
    """Also where its task is open yet, because the bill sync has not come."""
    flow = an_asking_flow(bills=2)
    flow.sandbox.act("intacct", "mgarcia", "pay_bill", record_no=flow.bills[0])
    flow.sandbox.act("intacct", "mgarcia", "delete_bill", record_no=flow.bills[1])
    flow.on(DUE_ON)
    flow.ask()
    assert flow.asked() == flow.asked(1) == []


def test_one_bill_that_fails_keeps_no_other_from_being_reminded_of(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(bills=2)
    flow.on(DUE_ON)
    flow.run()
    flow.sandbox.fault("asana", "POST /tasks/{gid}/stories", "drop")
    with pytest.raises(IntacctAsanaError):
        flow.ask()
    flow.sandbox.clear_faults()
    assert sorted(len(flow.asked(bill)) for bill in range(2)) == [0, 1]
    flow.run_and_ask()
    assert [len(flow.asked(bill)) for bill in range(2)] == [1, 1]
