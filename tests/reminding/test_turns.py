"""The task is assigned to who is next when a step begins, and a comment says so once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.policy.policy_world import ALICE, BEN, CARLA, DEV, TWO_STEPS, WAYS
from tests.reminding.reminding_world import ERIN, NEXT, Asking

Flow = Callable[..., Asking]
NEXT_IS_BEN = "Next: Ben Okafor, step 2 of 2 (controller)."


@pytest.mark.parametrize("way", WAYS)
def test_the_task_goes_from_one_person_to_the_next(an_asking_flow: Flow, way: str) -> None:
    flow = an_asking_flow(asks=NEXT, way=WAYS[way])
    flow.run_and_ask()
    assert flow.task()["assignee"] == ALICE
    assert flow.asked() == []
    flow.say(ALICE)
    flow.run_and_ask()
    assert flow.task()["assignee"] == BEN
    assert flow.asked() == [NEXT_IS_BEN]
    flow.say(BEN)
    flow.heal()
    flow.ask()
    assert flow.states() == ["GRANTED", "CONFIRMED"]
    assert flow.task()["assignee"] == BEN
    assert flow.asked() == [NEXT_IS_BEN]


def test_a_bill_that_changes_goes_back_to_the_first(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(asks=NEXT)
    flow.ask()
    flow.say(ALICE)
    flow.run_and_ask()
    flow.edit(amount="700.00")
    flow.heal()
    flow.ask()
    assert flow.task()["assignee"] == ALICE
    assert flow.asked() == [NEXT_IS_BEN, "Next: Alice Martin or Dev Patel, step 1 of 2 (manager)."]


def test_who_was_assigned_by_hand_stays_until_the_step_changes(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(asks=NEXT)
    flow.ask()
    flow.act(ALICE, "assign", to=ERIN)
    flow.edit(description="paper")
    flow.heal()
    flow.ask()
    assert flow.task()["assignee"] == ERIN
    flow.say(DEV)
    flow.run_and_ask()
    assert flow.task()["assignee"] == BEN


def test_who_is_due_and_has_the_task_keeps_it(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(asks=NEXT)
    flow.act(ALICE, "assign", to=DEV)
    flow.ask()
    assert flow.task()["assignee"] == DEV


def test_who_is_away_is_passed_over_for_who_is_there(an_asking_flow: Flow) -> None:
    away = f"  delegations: [{{from: {ALICE}, to: {CARLA}, first_day: 2026-11-20, last_day: 2026-12-24}}]\n"
    flow = an_asking_flow(asks=NEXT, policy=TWO_STEPS + away)
    flow.ask()
    assert flow.task()["assignee"] == DEV
    flow = an_asking_flow(asks=NEXT, policy=TWO_STEPS.replace(", dev.patel@northwind.example", "") + away)
    flow.ask()
    assert flow.task()["assignee"] == CARLA


def test_who_changed_the_bill_is_passed_over(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(asks=NEXT)
    flow.edit(who="amartin", description="paper")
    flow.sync()
    flow.ask()
    assert flow.task()["assignee"] == DEV


def test_two_people_of_one_step_have_the_task_one_after_the_other(an_asking_flow: Flow) -> None:
    both = f"  rules: [{{name: both, steps: [{{name: owners, by: [{ALICE}, {BEN}], need: all}}]}}]\n"
    flow = an_asking_flow(asks=NEXT, policy=both)
    flow.ask()
    assert flow.task()["assignee"] == ALICE
    flow.say(ALICE)
    flow.run_and_ask()
    assert flow.task()["assignee"] == BEN
    assert flow.asked() == ["Next: Ben Okafor, step 1 of 1 (owners)."]


def test_the_same_people_are_not_told_again_when_the_policy_changes(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(asks=NEXT)
    flow.ask()
    flow.act(ALICE, "assign", to=ERIN)
    flow.now_says(NEXT + TWO_STEPS.replace("every bill", "all bills"))
    flow.run_and_ask()
    assert flow.task()["assignee"] == ALICE
    assert flow.asked() == []


def test_without_rules_the_first_who_may_decide_has_the_task(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(asks=NEXT, policy="", make_bill={"amount": "9000.00"})
    flow.ask()
    assert flow.task()["assignee"] == BEN


def test_a_run_in_which_no_step_began_makes_no_call(an_asking_flow: Flow) -> None:
    """Nor do those of bills that were decided, or that nobody can decide."""
    nobody = TWO_STEPS.replace("      steps:", "      when: {amount_below: {USD: 600.00}}\n      steps:")
    flow = an_asking_flow(asks=NEXT, policy=nobody, bills=3)
    for who in (ALICE, BEN):
        flow.say(who)
        flow.heal()
    flow.say(ALICE, bill=1)
    flow.edit(bill=2, amount="700.00")
    flow.heal()
    flow.ask()
    assert flow.task(1)["assignee"] == BEN
    assert flow.calls(flow.ask) == {}
    flow.run()
    assert flow.calls(flow.ask) == {}


def test_a_bill_that_comes_to_be_decided_later_is_given_to_somebody_then(an_asking_flow: Flow) -> None:
    """Its state is no part of what is decided on; one that the task shows is seen at once, any other one the next day."""
    flow = an_asking_flow(asks=NEXT, policy="  states: [Posted]\n" + TWO_STEPS, make_bill={"state": "Submitted"})
    flow.ask()
    assert flow.task()["assignee"] is None
    assert flow.calls(flow.ask) == {}
    flow.sandbox.act("intacct", "mgarcia", "set_state", record_no=flow.bills[0], state="Posted")
    flow.heal(hours=24)
    flow.ask()
    assert flow.task()["assignee"] == ALICE


def test_what_a_step_is_called_stands_for_nobody(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(asks=NEXT, policy=TWO_STEPS.replace("name: controller", 'name: "{7} {0}"'))
    flow.ask()
    flow.say(ALICE)
    flow.run_and_ask()
    assert flow.asked() == ["Next: Ben Okafor, step 2 of 2 ({7} {0})."]


def test_our_own_assigning_costs_the_next_run_no_story(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(asks=NEXT)
    flow.heal(hours=1)
    flow.ask()
    assert flow.story_reads(flow.run) == 0


def test_a_rehearsal_says_to_whom_it_would_give_the_task(an_asking_flow: Flow) -> None:
    flow = an_asking_flow(asks=NEXT)
    flow.flow = flow.flow.model_copy(update={"rehearsal": True})
    assert "its task would be assigned to Alice Martin, who is next" in str(flow.ask()["said"])
    assert flow.task()["assignee"] is None
