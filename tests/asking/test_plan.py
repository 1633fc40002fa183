"""Who has to be asked about a bill, and whose subtask is wanted no more: the variants, without any system."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.approvals import ApprovalSubtasks
from intacct_asana.asking.plan import Plan, Seen, plan_asks
from intacct_asana.records import BillState, Decision, DecisionState, Link, Signal, Verdict, snapshot_of
from intacct_asana.records.asks import Ask, AskState

from tests.approvals.settle_world import KEY, a_bill, a_policy
from tests.policy.test_routing import DAY, LIMITS, a_step, an_approval, mail

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
SIGNAL = {"kind": "approval_subtasks"}


def seen(*rules: Any, **more: Any) -> Seen:
    approval = an_approval(*rules, signal=more.pop("signal", SIGNAL), **more.pop("approval", {}))
    gids = more.pop("people", {mail(name): name for name in LIMITS})
    bill = more.pop("bill", a_bill())
    parts: dict[str, Any] = {
        "bill": bill,
        "link": Link(key=KEY, task_gid="task", record_no="65", task_url="https://app.example/task"),
        "policy": replace(a_policy(), approval=approval, way=ApprovalSubtasks(), people=gids),
        "decided": (),
        "asks": (),
        "shown": snapshot_of(bill),
        "shown_at": lambda ask: None,
        "shown_to": lambda decision: snapshot_of(bill),
        "now": NOW,
        "on": DAY,
        "name_of": lambda email: email.partition("@")[0].title(),
    }
    return Seen(**parts | more)


def asked(plan: Plan) -> list[str]:
    return [f"{one.ask.step}: {one.ask.email.partition('@')[0]}" for one in plan.new]


def decided(state: DecisionState, who: str = "ann", *, on: str = "sub", verdict: Verdict = Verdict.APPROVE) -> Decision:
    signal = Signal(
        task_gid=on, story_gid="9", verdict=verdict, decider_gid=who, decider_name=who.title(), decided_at=NOW, source="web"
    )
    return Decision(
        decision_id=f"dec-{who}",
        key=KEY,
        task_gid="task",
        task_url="",
        record_no="65",
        signal=signal,
        shown_digest=snapshot_of(a_bill()).digest,
        state=state,
        decider_email=mail(who),
    )


TWO = {"name": "all", "steps": [a_step("first", "ann", "dee"), a_step("second", "ben", "cy")]}


@pytest.mark.parametrize(
    ("rules", "more", "who"),
    [
        # Without rules: each approver whose limit is enough.
        ((), {}, ["approval: ann", "approval: ben", "approval: cy", "approval: dee", "approval: eve"]),
        ((), {"bill": a_bill(amount=Decimal("9000"))}, ["approval: cy", "approval: eve"]),
        # The step that is due, and no other one.
        ((TWO,), {}, ["first: ann", "first: dee"]),
        ((TWO,), {"decided": (decided(DecisionState.GRANTED),)}, ["second: ben", "second: cy"]),
        # Deputies on their days.
        (
            (TWO,),
            {
                "approval": {
                    "delegations": [{"from": mail("ann"), "to": mail("eve"), "first_day": DAY, "last_day": DAY}],
                }
            },
            ["first: ann", "first: dee", "first: eve"],
        ),
        # Nobody: no rule fits; decided; on its way; settled; a stamp of another flow; a task that shows another bill.
        (({**TWO, "when": {"vendor": ["V9"]}},), {}, []),
        ((TWO,), {"decided": (decided(DecisionState.CONFIRMED),)}, []),
        ((TWO,), {"decided": (decided(DecisionState.RECORDED),)}, []),
        ((TWO,), {"bill": a_bill(state=BillState.PAID)}, []),
        ((TWO,), {"bill": a_bill(state=BillState.DRAFT)}, []),
        ((TWO,), {"bill": a_bill(custom={"D": "Approved", "ID": "dec-of-another"})}, []),
        ((TWO,), {"shown": snapshot_of(a_bill(amount=Decimal("800")))}, []),
        ((TWO,), {"shown": None}, []),
    ],
)
def test_who_is_asked(rules: Any, more: Any, who: list[str]) -> None:
    assert asked(plan_asks(seen(*rules, **more))) == who


def test_a_draft_is_asked_about_where_its_approval_submits_it() -> None:
    draft = a_bill(state=BillState.DRAFT)
    found = seen(TWO, bill=draft, approval={"states": [BillState.DRAFT, BillState.POSTED]})
    assert asked(plan_asks(found)) == []
    submits = replace(found, policy=replace(found.policy, on_approve=("submit", "stamp")))
    assert asked(plan_asks(submits)) == ["first: ann", "first: dee"]


def test_what_cannot_be_asked_yet_is_worked_out_again() -> None:
    assert plan_asks(seen(TWO, shown=None)).waits
    assert not plan_asks(seen(TWO)).waits


def test_somebody_whose_account_nobody_pinned_is_named() -> None:
    plan = plan_asks(seen(TWO, people={mail("ann"): "1"}))
    assert (asked(plan), plan.unknown) == (["first: ann"], [mail("dee")])


def test_what_a_subtask_says() -> None:
    away = {"delegations": [{"from": mail("ann"), "to": mail("eve"), "first_day": DAY, "last_day": DAY}]}
    [ann, _, eve] = plan_asks(seen(TWO, approval=away)).new
    assert (ann.name, ann.due_on) == ("Approve bill INV-4711 of Acme, 900.00 USD: first", "2026-12-01")
    assert eve.notes.splitlines()[:2] == [
        "Eve for Ann is asked to decide on bill INV-4711 of Acme, 900.00 USD, due 2026-12-01. Rule all, step 1 of 2 (first).",
        "The bill's task: https://app.example/task",
    ]
    [soon, *_] = plan_asks(seen(signal={**SIGNAL, "due_in_days": 3})).new
    assert (soon.name, soon.due_on) == ("Approve bill INV-4711 of Acme, 900.00 USD", "2026-11-26")


def an_ask(name: str, *, step: str = "first", **more: Any) -> Ask:
    parts = {"ask_id": f"ask-{name}", "key": KEY, "task_gid": "task", "step": step, "email": mail(name), "subtask_gid": "sub"}
    return Ask(**parts | {"digest": snapshot_of(a_bill()).digest, "opened_at": NOW} | more)


@pytest.mark.parametrize(
    ("ask", "more", "why"),
    [
        (an_ask("dee"), {}, ""),
        (an_ask("eve"), {}, "You are not among those who are due any more."),
        (an_ask("dee", task_gid="before"), {}, "Another task stands for bill INV-4711 now: https://app.example/task."),
        (an_ask("dee", digest="other"), {}, "Bill INV-4711 was changed in Intacct."),
        (an_ask("dee"), {"bill": a_bill(state=BillState.PAID)}, "Bill INV-4711 is Paid in Intacct."),
        (an_ask("dee"), {"decided": (decided(DecisionState.GRANTED, on="x"),)}, "Ann approved bill INV-4711 for this step."),
        (
            an_ask("dee"),
            {"decided": (decided(DecisionState.CONFIRMED, on="x", verdict=Verdict.REJECT),)},
            "Ann rejected bill INV-4711.",
        ),
    ],
)
def test_whose_subtask_is_wanted_no_more(ask: Ask, more: Any, why: str) -> None:
    plan = plan_asks(seen(TWO, asks=(ask,), **more))
    assert [one.why for one in plan.closed] == ([f"{why} Nothing is left for you to do here."] if why else [])


def test_one_that_was_answered_and_stands_is_left_alone_and_opens_again_when_it_stands_no_more() -> None:
    ask, grant = an_ask("ann"), decided(DecisionState.GRANTED)
    answered = plan_asks(seen(TWO, asks=(ask,), decided=(grant,)))
    assert [one.state for one in answered.kept] == [AskState.ANSWERED]
    assert answered.closed == []
    void = replace(grant, state=DecisionState.VOID)
    again = plan_asks(seen(TWO, asks=answered.kept, decided=(void,)))
    assert [one.state for one in again.kept] == [AskState.OPEN]
    assert asked(again) == ["first: dee"]


def test_who_deleted_theirs_is_asked_once_more_under_another_id() -> None:
    gone = an_ask("ann", state=AskState.GONE)
    [new, _] = plan_asks(seen(TWO, asks=(gone,))).new
    assert new.ask.email == mail("ann")
    both = (gone, replace(new.ask, state=AskState.GONE))
    assert asked(plan_asks(seen(TWO, asks=both))) == ["first: dee"]
    assert new.ask.ask_id != plan_asks(seen(TWO)).new[0].ask.ask_id


def test_no_one_is_asked_who_may_not_decide_on_the_day() -> None:
    people = [{"email": mail("ann"), "limits": {"USD": "1000"}, "valid_to": date(2026, 11, 22)}]
    people += [{"email": mail("ben"), "limits": {"USD": "1000"}, "valid_from": DAY}]
    assert asked(plan_asks(seen(approval={"approvers": people}))) == ["approval: ben"]
