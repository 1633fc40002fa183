"""Two people, one after the other: what stands, what is told, and what takes it away again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from intacct_asana.operators.preflight import CheckIntacctOperator

from tests.policy.policy_world import ALICE, BEN, CARLA, DEV, TWO_STEPS, WAYS, Steps
from tests.standing.test_rehearsed import report_of_rehearsal

Policy = Callable[..., Steps]


@pytest.mark.parametrize("way", WAYS)
def test_two_people_approve_a_bill_one_after_the_other(a_policy: Policy, way: str) -> None:
    flow = a_policy(way=WAYS[way], policy="  progress_field: Progress\n" + TWO_STEPS)
    flow.say(ALICE)
    flow.heal()
    flow.is_undecided()
    assert flow.states() == ["GRANTED"]
    assert flow.task()["fields"]["Progress"] == "1 of 2, waiting for Ben Okafor"
    assert "Alice Martin approved step 1 of 2 (manager). Next: Ben Okafor." in flow.last_told()
    flow.say(BEN)
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == "Approved"
    assert flow.held()["ASANA_DECISION_BY"].startswith("Ben Okafor")
    assert flow.states() == ["GRANTED", "CONFIRMED"]
    assert flow.task()["fields"]["Progress"] == "2 of 2"
    assert "Rule every bill. Manager: Alice Martin; controller: Ben Okafor." in flow.last_told()
    assert len(flow.comments()) == 2
    evidence = flow.store.evidence(flow.key())
    (end,) = [row.body for row in evidence if row.body.get("step") == "CONFIRMED"]
    assert end["policy"]["rule"] == "every bill"
    assert [(one["step"], [by["by"] for by in one["given"]]) for one in end["policy"]["steps"]] == [
        ("manager", [ALICE]),
        ("controller", [BEN]),
    ]
    assert flow.store.verify_evidence() == []


def test_who_is_not_due_is_told_who_is(a_policy: Policy) -> None:
    flow = a_policy()
    flow.say(BEN)
    flow.heal()
    flow.is_undecided()
    assert flow.states() == ["REFUSED"]
    assert "Ben Okafor is not among those who give step 1 of 2 (manager)" in flow.last_told()
    assert "Due is Alice Martin or Dev Patel." in flow.last_told()


def test_nobody_gives_two_steps(a_policy: Policy) -> None:
    flow = a_policy(policy=TWO_STEPS.replace("[ben.okafor@northwind.example]", "[managers, ben.okafor@northwind.example]"))
    flow.say(ALICE)
    flow.heal()
    flow.say(ALICE)
    flow.heal()
    flow.is_undecided()
    assert flow.states() == ["GRANTED", "REFUSED"]
    assert "Alice Martin gave step 1 of 2 (manager) already, and nobody gives two steps." in flow.last_told()
    flow.say(DEV)
    flow.heal()
    flow.is_approved()


def test_a_rejection_by_who_is_due_ends_it(a_policy: Policy) -> None:
    flow = a_policy(way=WAYS["approval task"])
    flow.say(ALICE)
    flow.heal()
    flow.say(BEN, reject=True)
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == "Rejected"
    assert "Rule every bill, step 2 of 2 (controller): Ben Okafor." in flow.last_told()
    [confirmed] = [row.body["policy"] for row in flow.store.evidence(flow.key()) if row.body.get("step") == "CONFIRMED"]
    assert [len(step["given"]) for step in confirmed["steps"]] == [1, 0], "a rejection gives no step"


@pytest.mark.parametrize("way", WAYS)
def test_a_bill_that_changes_between_the_steps_voids_the_first(a_policy: Policy, way: str) -> None:
    flow = a_policy(way=WAYS[way])
    flow.say(ALICE)
    flow.heal()
    flow.edit(amount="700.00")
    flow.heal()
    assert flow.states() == ["VOID"]
    assert "The amount was 500.00 USD when Alice Martin approved it and is 700.00 USD now" in flow.last_told()
    flow.say(BEN)
    flow.heal()
    flow.is_undecided()
    assert "Ben Okafor is not among those who give step 1 of 2 (manager)" in flow.last_told()
    for who in (DEV, BEN):
        flow.say(who)
        flow.heal()
    assert flow.held()["ASANA_DECISION"] == "Approved"
    assert flow.store.verify_evidence() == []


def test_a_bill_that_changes_before_anybody_looked_voids_the_first_step_all_the_same(a_policy: Policy) -> None:
    """The second choice is judged on the bill as it is, before the look at what was decided."""
    flow = a_policy()
    flow.say(ALICE)
    flow.heal()
    flow.edit(amount="700.00")
    flow.sync()
    flow.say(BEN)
    flow.run()
    flow.is_undecided()
    assert flow.states() == ["VOID", "REFUSED"]


def test_a_bill_that_changes_after_the_last_step_voids_both_and_is_told_once(a_policy: Policy) -> None:
    flow = a_policy()
    for who in (ALICE, BEN):
        flow.say(who)
        flow.heal()
    flow.is_approved()
    before = len(flow.comments())
    flow.edit(amount="700.00")
    flow.heal()
    assert flow.says() == ("void", "Pending")
    assert flow.states() == ["VOID", "VOID"]
    (told,) = flow.comments()[before:]
    assert "so the approval no longer counts, and neither does what Alice Martin approved before." in told
    for who in (ALICE, BEN):
        flow.say(who)
        flow.heal()
    flow.is_approved()


def test_a_bill_that_changes_in_the_second_of_the_last_write_is_not_approved(a_policy: Policy) -> None:
    flow = a_policy()
    flow.say(ALICE)
    flow.heal()
    flow.say(BEN)
    flow.edit_in_the_moment("act_after", amount="700.00")
    flow.cycle()
    flow.sandbox.clear_faults()
    flow.heal()
    flow.is_unapproved()
    assert "GRANTED" not in flow.states()


@pytest.mark.parametrize("afterwards", ["nothing", "a rejection that came too late", "who gave the last step left the company"])
def test_a_stamp_of_two_steps_that_is_gone_is_put_on_again_whatever_was_chosen_since(a_policy: Policy, afterwards: str) -> None:
    """Steps that are carried out are a part of what stands; judged as if they were missing, every run failed for ever."""
    flow = a_policy()
    for who in (ALICE, BEN):
        flow.say(who)
        flow.heal()
    if afterwards.startswith("a rejection"):
        flow.say(BEN, reject=True)
        flow.heal()
    elif afterwards.startswith("who gave"):
        flow.now_says(TWO_STEPS.replace(BEN, CARLA))
    stamp = flow.held()
    flow.edit(**dict.fromkeys(stamp, ""))
    assert flow.held()["ASANA_DECISION"] == ""
    flow.heal()
    flow.is_approved()
    assert flow.held()["ASANA_DECISION_BY"] == stamp["ASANA_DECISION_BY"]
    assert flow.states()[:2] == ["GRANTED", "CONFIRMED"]
    assert flow.store.verify_evidence() == []


# Taken back.


def test_who_turns_before_the_last_step_takes_the_first_back(a_policy: Policy) -> None:
    flow = a_policy()
    flow.say(ALICE)
    flow.heal()
    flow.say(ALICE, reject=True)
    flow.heal()
    assert flow.says() == ("rejected", "Rejected")
    assert flow.states() == ["VOID", "CONFIRMED"]
    assert "Alice Martin took the approval of manager back" in flow.told()


def test_a_comment_that_is_deleted_before_the_last_step_does_not_count(a_policy: Policy) -> None:
    flow = a_policy(way=WAYS["comment"])
    flow.say(ALICE)
    flow.heal()
    said = next(one for one in flow.task()["stories"] if one["by"] == ALICE and one["text"] == "approve")
    flow.pass_time(1)
    flow.sandbox.act("asana", ALICE, "delete_comment", story=said["gid"])
    flow.heal()
    assert flow.states() == ["VOID"]
    assert "no longer counts" in flow.last_told()
    flow.say(BEN)
    flow.heal()
    flow.is_undecided()


def test_another_persons_change_of_the_field_takes_no_step_back(a_policy: Policy) -> None:
    """The step is given; who is next has not decided yet."""
    flow = a_policy()
    flow.say(ALICE)
    flow.heal()
    flow.say(BEN)
    flow.choose(BEN, "Pending")
    flow.heal()
    assert flow.states()[0] == "GRANTED"
    flow.say(BEN)
    flow.heal()
    flow.is_approved()


def test_a_step_is_good_for_as_long_as_the_policy_says(a_policy: Policy) -> None:
    flow = a_policy(policy=TWO_STEPS.replace("by: [managers]", "by: [managers], good_for_days: 7"))
    flow.say(ALICE)
    flow.heal()
    flow.heal(hours=24 * 6)
    assert flow.states() == ["GRANTED"]
    flow.heal(hours=25)
    assert flow.states() == ["VOID"]
    assert "The approval of manager by Alice Martin was good until 2026-11-30" in flow.last_told()
    flow.say(DEV)
    flow.heal()
    flow.say(BEN)
    flow.heal()
    flow.is_approved()


# Several at once, deputies, a policy that changes.

BOTH = """
  rules:
    - name: both
      steps: [{name: owners, by: [alice.martin@northwind.example, ben.okafor@northwind.example], need: all}]
"""


def test_a_step_of_two_people_needs_both(a_policy: Policy) -> None:
    flow = a_policy(policy=BOTH)
    flow.say(BEN)
    flow.heal()
    assert "Ben Okafor approved step 1 of 1 (owners). Also needed: Alice Martin." in flow.last_told()
    flow.say(BEN)
    flow.heal()
    assert "Ben Okafor approved step 1 of 1 (owners) already, and others are missing there." in flow.last_told()
    flow.say(ALICE)
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == "Approved"
    assert "Owners: Ben Okafor and Alice Martin." in flow.last_told()


def test_two_comments_between_two_runs_are_two_approvals(a_policy: Policy) -> None:
    """One's word does not take back another's where both are needed."""
    flow = a_policy(policy=BOTH, way=WAYS["comment"])
    flow.say(ALICE)
    flow.say(BEN)
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == "Approved"
    assert flow.states() == ["GRANTED", "CONFIRMED"]


AWAY = TWO_STEPS + (
    "  delegations: [{from: ben.okafor@northwind.example, to: carla.ruiz@northwind.example, "
    "first_day: 2026-11-20, last_day: 2026-11-24}]\n"
)


def test_a_deputy_decides_in_anothers_place_and_the_evidence_says_so(a_policy: Policy) -> None:
    flow = a_policy(policy=AWAY)
    flow.say(ALICE)
    flow.heal()
    assert "Next: Ben Okafor or Carla Ruiz for Ben Okafor." in flow.last_told()
    flow.say(CARLA)
    flow.heal()
    flow.is_approved()
    assert "controller: Carla Ruiz for Ben Okafor." in flow.last_told()
    (end,) = [row.body for row in flow.store.evidence(flow.key()) if row.body.get("step") == "CONFIRMED"]
    (given,) = end["policy"]["steps"][1]["given"]
    assert (given["by"], given["for"]) == (CARLA, BEN)


def test_a_deputy_does_not_decide_after_the_last_day(a_policy: Policy) -> None:
    flow = a_policy(policy=AWAY)
    flow.say(ALICE)
    flow.heal(hours=48)
    flow.say(CARLA)
    flow.heal()
    flow.is_undecided()
    assert "Carla Ruiz is not among those who give step 2 of 2 (controller)" in flow.last_told()


def test_a_deputy_has_the_limit_of_whom_they_stand_in_for_without_rules_too(a_policy: Policy) -> None:
    """Dev's own limit is 1,000.00, and Ben's 50,000.00."""
    away = f"  delegations: [{{from: {BEN}, to: {DEV}, first_day: 2026-11-20, last_day: 2026-11-24}}]\n"
    flow = a_policy(policy=away, make_bill={"amount": "9000.00"})
    flow.say(DEV)
    flow.heal()
    flow.is_approved()
    assert "Dev Patel for Ben Okafor." in flow.last_told()


def test_a_step_counts_no_more_when_its_person_is_taken_out_of_it(a_policy: Policy) -> None:
    flow = a_policy()
    flow.say(ALICE)
    flow.heal()
    flow.now_says(TWO_STEPS.replace("alice.martin@northwind.example, ", ""))
    flow.say(BEN)
    flow.heal()
    flow.is_undecided()
    assert flow.states() == ["VOID", "REFUSED"]
    assert "The approval of manager by Alice Martin no longer counts" in flow.told()


def test_a_bill_that_no_rule_fits_can_be_decided_by_nobody(a_policy: Policy) -> None:
    flow = a_policy(policy=TWO_STEPS.replace("      steps:", "      when: {amount_from: {USD: 5000.00}}\n      steps:"))
    flow.say(ALICE)
    flow.heal()
    flow.is_undecided()
    assert "No rule of the approval policy fits" in flow.last_told()
    assert "500.00 USD" in flow.last_told()
    rows = flow.step(CheckIntacctOperator(task_id="check", flow="small"))
    (row,) = [row for row in rows if row["check"] == "approval rules"]
    assert "none fits 1 of the 1 bills with an open task" in row["result"]


def test_a_run_reads_no_more_for_steps_that_wait(a_policy: Policy) -> None:
    """Open steps of bills that did not change cost no call."""
    flow = a_policy(bills=3)
    calls = []
    for bill in range(3):
        flow.say(ALICE, bill=bill)
        flow.heal()
        flow.pass_time(minutes=30)
        flow.run()
        flow.pass_time(minutes=30)
        flow.sandbox.zero_counters()
        flow.run()
        calls.append(sum(flow.sandbox.counters().values()))
    assert calls[0] == calls[1] == calls[2], calls


def test_a_rehearsal_says_which_step_would_be_given(a_policy: Policy) -> None:
    flow = a_policy()
    flow.say(ALICE)
    report = report_of_rehearsal(flow)
    assert report["would"] == {"grant": 1}
    assert "Alice Martin approved step 1 of 2 (manager). Next: Ben Okafor." in "\n".join(report["words"])
