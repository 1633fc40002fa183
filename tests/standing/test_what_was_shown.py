"""A choice counts for what its task showed: rows of the review about tasks, their fields, and what becomes of a choice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sandbox import constants
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN
from tests.standing.standing_world import Standing

Flow = Callable[..., Standing]


# 3: tasks that were made by hand, or stood for another bill


def test_a_choice_on_a_task_made_by_hand_approves_nothing_when_it_gets_a_bill_s_key(a_flow: Flow) -> None:
    """A full pass adopted it, and the bill was stamped."""
    flow = a_flow(bills=2)
    made = flow.make_by_hand(ALICE, Approval="Approved")
    flow.act(ERIN, "delete", bill=1)
    flow.sandbox.act("asana", ERIN, "set_text", task=made, field="Intacct key", text=flow.key(1))
    flow.pass_time(1)
    flow.sync(full=True)
    flow.heal(hours=25)
    assert flow.held(1)["ASANA_DECISION"].casefold() != "approved"
    links = flow.store.links("bill").all()
    assert made not in {link.task_gid for link in links.values()}


def test_a_task_made_by_hand_with_a_key_is_not_adopted_and_ours_is_made(a_flow: Flow) -> None:
    """Whoever had made it was not asked."""
    flow = a_flow()
    new = flow.make_bill()
    flow.bills.append(new)
    made = flow.make_by_hand(ALICE, **{"Intacct key": flow.key(1), "Approval": "Approved"})
    flow.pass_time(1)
    flow.sync(full=True)
    flow.heal(hours=25)
    assert flow.held(1)["ASANA_DECISION"].casefold() != "approved"
    linked = flow.store.links("bill").all()[flow.key(1)].task_gid
    assert linked != made
    ours = next(task for task in flow.tasks(1) if task["gid"] == linked)
    assert ours["fields"]["Approval"] == "Pending"


def test_a_duplicate_of_an_approved_task_approves_nothing(a_flow: Flow) -> None:
    """It carries key and choice, and was adopted when the first one was deleted."""
    flow = a_flow()
    flow.approve(ALICE)
    copy = flow.act(ERIN, "duplicate")["result"]["gid"]
    flow.act(ERIN, "delete")
    flow.pass_time(1)
    flow.sync(full=True)
    flow.heal(hours=25)
    assert flow.held()["ASANA_DECISION"].casefold() != "approved"
    assert copy not in {link.task_gid for link in flow.store.links("bill").all().values()}


def test_a_task_that_is_found_again_begins_with_pending(a_flow: Flow) -> None:
    """A choice that was there before the task was known to show the bill counted."""
    flow = a_flow()
    flow.approve(ALICE)
    flow.lose_store()
    flow.is_unapproved()
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()


def test_an_approved_task_that_is_given_another_bill_s_key_approves_neither(a_flow: Flow) -> None:
    """What one bill's task had shown counted for the other bill."""
    flow = a_flow(bills=2)
    task = flow.task(0)["gid"]
    flow.approve(ALICE)
    flow.act(ERIN, "delete", bill=1)
    flow.sandbox.act("asana", ERIN, "set_text", task=task, field="Intacct key", text=flow.key(1))
    flow.pass_time(1)
    flow.sync(full=True)
    flow.heal(hours=25)
    assert flow.held(1)["ASANA_DECISION"].casefold() != "approved"


# 5: parts of the task that Intacct owns


@pytest.mark.parametrize("part", ["field", "name", "field and back"])
def test_a_choice_on_a_task_that_showed_something_else_is_refused_and_the_task_written_anew(a_flow: Flow, part: str) -> None:
    """Somebody set Amount from 990.00 to 9.90, the approver approved, and the bill was stamped."""
    flow = a_flow(make_bill={"amount": "990.00"})
    name = flow.task()["name"]
    if part == "name":
        flow.act(ERIN, "rename", name=name.replace("990", "9.90"))
    else:
        flow.act(ERIN, "write", field="Amount", value="9.90")
    flow.approve(ALICE)
    if part == "field and back":
        flow.act(ERIN, "write", field="Amount", value="990.00")
    flow.run()
    flow.is_unapproved()
    assert len(flow.comments()) == 1
    flow.sync()
    assert flow.task()["name"] == name
    assert float(flow.task()["fields"]["Amount"]) == 990
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()


# 6: options that were renamed


def test_choosing_do_not_pay_does_not_approve(a_flow: Flow) -> None:
    """The option that had been called Approved was taken for Approved, whatever it said by then."""
    flow = a_flow()
    flow.rename_option("Rejected", "OK to pay")
    flow.rename_option("Approved", "Do not pay")
    flow.choose(ALICE, "Do not pay")
    flow.run()
    assert flow.held()["ASANA_DECISION"] == ""
    assert "Do not pay" in flow.told()


@pytest.mark.parametrize("told", ["then", "now"])
def test_a_name_that_the_flow_declares_goes_on_deciding(a_flow: Flow, told: str) -> None:
    """No other name could be declared."""
    names = "  signal: {kind: enum, other_names: {Approved: [OK to pay]}}"
    flow = a_flow(approval=names, settings={"asana_option_names_in_stories": told})
    flow.rename_option("Approved", "OK to pay")
    flow.choose(ALICE, "OK to pay")
    flow.heal()
    assert flow.says() == ("approved", "OK to pay")


def test_each_run_tells_that_an_option_has_another_name(a_flow: Flow, capsys: pytest.CaptureFixture[str]) -> None:
    """Only preflight told it."""
    flow = a_flow()
    flow.rename_option("Approved", "Do not pay")
    capsys.readouterr()
    report = str(flow.run())
    assert "Do not pay" in report + "".join(capsys.readouterr())


# 9: a task that left or was deleted


@pytest.mark.parametrize("how", ["remove", "move_to_project"])
def test_a_choice_on_a_task_that_left_the_project_is_not_lost(a_flow: Flow, how: str) -> None:
    """It was lost without record."""
    flow = a_flow()
    flow.approve(ALICE)
    target = constants.BILLS_PROJECT_GID if how == "remove" else constants.VENDORS_PROJECT_GID
    flow.act(ERIN, how, project=target)
    flow.cycle()
    flow.heal(hours=25)
    (decision,) = flow.decisions()
    assert decision.decider_email == ALICE
    assert flow.held()["ASANA_DECISION"].casefold() == "approved" or decision.rule


def test_a_linked_task_that_somebody_deletes_leaves_evidence_of_who_did_it(a_flow: Flow) -> None:
    """The choice was lost without record."""
    flow = a_flow()
    flow.run()
    flow.approve(ALICE)
    flow.act(ERIN, "delete")
    flow.pass_time(1)
    flow.run()
    erin = next(person["gid"] for person in constants.PEOPLE if person["email"] == ERIN)
    noted = flow.noted()
    assert "deleted" in noted
    assert erin in noted
    assert flow.held()["ASANA_DECISION"] == ""


def test_a_task_that_was_deleted_leaves_evidence_also_when_its_bill_has_another_by_then(a_flow: Flow) -> None:
    """Only the linked task was asked for, and the bill sync had linked a new one before anybody read of the deletion."""
    flow = a_flow()
    flow.run()
    flow.approve(ALICE)
    gone = flow.task()["gid"]
    flow.act(ERIN, "delete")
    flow.pass_time(1)
    flow.sync(full=True)
    assert flow.task()["gid"] != gone
    flow.heal()
    flow.heal(hours=25)
    erin = next(person["gid"] for person in constants.PEOPLE if person["email"] == ERIN)
    lost = [dict(row.body) for row in flow.store.evidence(flow.key()) if row.body.get("about") == "task gone"]
    assert [(one["task_gid"], one["user_gid"]) for one in lost] == [(gone, erin)]
    flow.is_unapproved()


@pytest.mark.parametrize("option", ["Pending", "Rejected then Pending"])
def test_a_decided_task_that_is_set_to_something_else_shows_what_stands_in_the_same_run(a_flow: Flow, option: str) -> None:
    """It went on saying Pending until the next daily look."""
    flow = a_flow(approved=True)
    before = flow.comments()
    for each in option.split(" then "):
        flow.choose(BEN, each)
    assert flow.says() == ("approved", "Pending")
    flow.run()
    flow.is_approved()
    flow.heal()
    assert flow.comments() == before
    assert flow.sandbox.act("asana", ALICE, "comment", task=flow.task()["gid"], text="thanks")
    flow.sandbox.zero_counters()
    assert flow.cycle() == []
    assert "asana PUT /tasks/{gid}" not in flow.sandbox.counters()


def test_a_choice_that_is_not_judged_yet_is_not_put_back(a_flow: Flow) -> None:
    """What somebody set after the decision may be a choice of its own, on a bill that has changed."""
    flow = a_flow(approved=True)
    flow.edit(amount="600.00")
    flow.choose(BEN, "Pending")
    flow.heal()
    assert flow.says() == ("void", "Pending")
    flow.approve(BEN)
    flow.heal()
    flow.is_approved()


# 10: set back over a newer choice; another person's reason


def test_a_choice_made_in_the_second_of_setting_back_another_s_counts(a_flow: Flow) -> None:
    """The refused one was set back over the newer one, and the field said Pending for an approved bill."""
    flow = a_flow()
    flow.approve(ERIN)
    choice = {"user": ALICE, "action": "choose", "task": "{gid}", "field": "Approval", "option": "Rejected"}
    reason = {"user": ALICE, "action": "comment", "task": "{gid}", "text": "too dear"}
    flow.sandbox.fault("asana", "PUT /tasks/{gid}", "act_before", detail=reason)
    flow.sandbox.fault("asana", "PUT /tasks/{gid}", "act_before", detail=choice)
    flow.cycle()
    flow.sandbox.clear_faults()
    flow.heal(hours=25)
    assert flow.says() == ("rejected", "Rejected")
    assert flow.held()["ASANA_DECISION_BY"].startswith("Alice Martin")


@pytest.mark.parametrize("where", ["comment", "field"])
def test_a_reason_that_somebody_else_wrote_is_not_the_decider_s(a_flow: Flow, where: str) -> None:
    """Erin's words were stamped as Ben's reason."""
    flow = a_flow()
    if where == "comment":
        flow.act(ERIN, "comment", text="I do not like them")
    else:
        flow.act(ERIN, "set_text", field="Decision reason", text="I do not like them")
    flow.choose(BEN, "Rejected")
    flow.heal()
    reason = flow.held()["ASANA_DECISION_REASON"]
    assert "I do not like them" not in reason or "Erin" in reason


def test_the_field_of_a_stamped_bill_is_put_back_to_what_stands(a_flow: Flow) -> None:
    """Whoever set the field of a rejected bill to Approved left it saying so."""
    flow = a_flow()
    flow.act(BEN, "comment", text="too dear")
    flow.choose(BEN, "Rejected")
    flow.heal()
    flow.approve(ERIN)
    flow.heal()
    assert flow.says() == ("rejected", "Rejected")
    flow.sandbox.act("asana", "rule", "choose", task=flow.task()["gid"], field="Approval", option="Approved")
    flow.heal(hours=25)
    assert flow.says() == ("rejected", "Rejected")


def test_a_new_name_and_description_by_the_integration_itself_is_no_change_by_others(a_flow: Flow) -> None:
    """Our own writing after a change in Intacct must not make choices on the new content count for nothing."""
    flow = a_flow()
    flow.edit(amount="600.00")
    flow.heal()
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()
