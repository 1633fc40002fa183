"""Approval tasks and comments through the real operators: decided, refused, put back, and left alone by the bill sync."""

from __future__ import annotations

import json
import os
import re
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, Refused
from intacct_asana.flow.load import load_flow
from intacct_asana.operators.preflight import CheckAsanaOperator
from intacct_asana.records import DecisionState

from sandbox import constants
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN, GUS

pytestmark = pytest.mark.airflow
APPROVAL_TASK = "  signal: {kind: approval_task}"
COMMENT = "  signal: {kind: comment, approve: [approve, genehmigt], reject: [reject]}"


def rules(world: Any, bill: int = 0) -> list[str]:
    return [one.rule for one in world.decisions(bill)]


def state(world: Any, bill: int = 0) -> tuple[str | None, bool]:
    task = world.task(bill)
    return task["approval_status"], task["completed"]


# Approval tasks.


@pytest.fixture
def board(a_world: Any) -> Any:
    return a_world(approval=APPROVAL_TASK)


def decide(world: Any, who: str, status: str) -> None:
    world.act(who, "set_approval", status=status)


def test_the_bill_s_task_is_an_approval_and_needs_no_choice_field(board: Any) -> None:
    assert board.task()["resource_subtype"] == "approval"
    assert state(board) == ("pending", False)
    assert "Approval" not in board.task()["fields"]


def test_an_approval_is_stamped_told_and_left_alone_by_the_bill_sync(board: Any) -> None:
    decide(board, ALICE, "approved")
    board.run()
    assert board.held()["ASANA_DECISION"] == "Approved"
    assert board.comments()[0].startswith("Approved by Alice Martin.")
    assert board.sync(full=True)["counts"]["leave"] == 1
    assert state(board) == ("approved", True)


def test_a_rejection_completes_the_task_and_the_bill_sync_neither_reopens_nor_closes_it(board: Any) -> None:
    board.act(BEN, "comment", text="Wrong vendor")
    decide(board, BEN, "rejected")
    board.run()
    assert board.held()["ASANA_DECISION"] == "Rejected"
    assert board.held()["ASANA_DECISION_REASON"] == "Wrong vendor"
    assert board.sync(full=True)["counts"]["leave"] == 1
    board.edit_bill("650.00")
    assert board.sync()["counts"]["update"] == 1
    assert state(board) == ("rejected", True)


def test_a_rejected_task_that_lost_its_key_is_found_again_and_stays_rejected(board: Any) -> None:
    board.act(BEN, "comment", text="Wrong vendor")
    decide(board, BEN, "rejected")
    board.run()
    task = board.task()["gid"]
    board.act(ALICE, "set_text", field="Intacct key", text="")
    board.sync(full=True)
    assert board.task()["gid"] == task
    assert state(board) == ("rejected", True)


def test_ticking_the_task_is_an_approval_by_whoever_ticked_it(board: Any) -> None:
    board.act(ALICE, "complete")
    board.run()
    [decision] = board.decisions()
    assert (decision.state, decision.decider_email) == (DecisionState.CONFIRMED, ALICE)


def test_ticking_that_leaves_no_story_with_a_status_proves_nothing(board: Any) -> None:
    board.sandbox.settings(asana_ticked_approval_story="completion")
    board.act(ALICE, "complete")
    board.run()
    assert board.decisions() == []
    board.pass_time(minutes=11)
    board.run()
    assert rules(board) == ["unproven"]
    assert "no record of who chose it. Please decide again." in board.comments()[0]
    assert state(board) == ("pending", False)


def test_a_refused_rejection_opens_the_task_again(board: Any) -> None:
    decide(board, BEN, "changes_requested")
    board.run()
    assert rules(board) == ["reason"]
    assert board.comments()[0].startswith("Ben Okafor asked for changes, but it was not carried out")
    assert "The approval is set back to pending, and the task is open again." in board.comments()[0]
    assert state(board) == ("pending", False)


def test_a_flow_may_ignore_that_changes_are_asked_for(a_world: Any) -> None:
    world = a_world(approval="  signal: {kind: approval_task, changes_requested: ignore}")
    decide(world, BEN, "changes_requested")
    world.run()
    assert world.decisions() == []
    assert state(world) == ("changes_requested", True)


def test_a_status_set_back_between_two_runs_is_seen(board: Any) -> None:
    board.run()
    board.lose_events()
    decide(board, ALICE, "approved")
    board.act(ALICE, "reopen")
    board.run()
    assert rules(board) == ["withdrawn"]


@pytest.mark.parametrize("told", ["status", "completion"])
def test_closing_the_task_of_a_paid_bill_decides_nothing_and_it_stays_closed(board: Any, told: str) -> None:
    board.sandbox.settings(asana_ticked_approval_story=told)
    board.run()
    board.sandbox.act("intacct", "mgarcia", "pay_bill", record_no=board.bills[0])
    assert board.sync()["counts"]["close"] == 1
    board.pass_time(hours=25)
    board.run()
    assert board.decisions() == []
    decide(board, BEN, "rejected")
    board.run()
    assert rules(board) == ["still open"]
    assert state(board) == ("rejected", True)
    assert board.sync(full=True)["counts"]["leave"] == 1


def test_a_task_reopened_by_hand_while_its_bill_is_paid_decides_nothing(board: Any) -> None:
    board.sandbox.act("intacct", "mgarcia", "pay_bill", record_no=board.bills[0])
    board.sync()
    board.act(ALICE, "reopen")
    assert board.sync(full=True)["counts"]["leave"] == 1
    board.run()
    assert board.decisions() == []


def test_what_was_written_before_the_flow_declared_the_word_stays_a_comment(a_world: Any) -> None:
    """Be it that people decided in another way until then, or that the word is a new one."""
    world = a_world(approval="  signal: {kind: enum, field: Approval}")
    say(world, ALICE, "approve")
    world.run()
    declare(world, "approve")
    say(world, ALICE, "done")
    world.run()
    declare(world, "approve, done")
    assert (rules(world), world.held()["ASANA_DECISION"]) == ([], "")
    say(world, ALICE, "done: as ordered")
    world.run()
    assert (rules(world), world.held()["ASANA_DECISION_REASON"]) == ([""], "as ordered")


def declare(world: Any, approve: str) -> None:
    """The flow goes over to these words, and preflight and one run follow."""
    signal = f"  signal: {{kind: comment, approve: [{approve}], reject: [reject]}}"
    text = re.sub("  signal: .*", signal, world.path.read_text(encoding="utf-8"))
    world.path.write_text(text, encoding="utf-8")
    world.flow = load_flow(world.path)
    world.step(CheckAsanaOperator(task_id="check", flow="small", create_missing=True))
    world.run()


@pytest.mark.parametrize(("who", "rule"), [(GUS, "a person decides"), ("rule", "a person decides"), (ERIN, "approver list")])
def test_who_may_not_decide_is_refused_in_words(board: Any, who: str, rule: str) -> None:
    decide(board, who, "approved")
    board.run()
    assert rules(board) == [rule]
    assert len(board.comments()) == 1
    assert state(board) == ("pending", False)


def test_tasks_from_before_that_are_no_approvals_are_reported(a_world: Any) -> None:
    world = a_world()
    world.path.write_text(world.path.read_text().replace("approval:\n", f"approval:\n{APPROVAL_TASK}\n"))
    world.flow = load_flow(world.path)
    checks = world.step(CheckAsanaOperator(task_id="check", flow="small", create_missing=True))
    [row] = [row for row in checks if row["ok"] == "no"]
    assert "1 are no approvals, so nobody can decide on them" in row["result"]
    world.sync()
    world.act(ALICE, "complete")
    assert world.run()["not_approvals"] == 1
    world.act(ALICE, "reopen")
    world.act(ALICE, "set_kind", kind="approval")
    assert world.run()["not_approvals"] == 0
    decide(world, ALICE, "approved")
    world.run()
    assert world.held()["ASANA_DECISION"] == "Approved"


def test_what_we_do_with_an_approver_s_token_is_not_their_decision(board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token is replaced by Alice's own, and then the flow stops covering the bill, so its task is completed."""
    ours = json.loads(os.environ["AIRFLOW_CONN_ASANA_DEFAULT"])
    theirs = json.dumps(ours | {"password": f"sandbox-person-{constants.PEOPLE[0]['gid']}"})
    monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", theirs)
    board.path.write_text(board.path.read_text().replace("[Submitted, Posted,", "[Submitted,"))
    board.flow = load_flow(board.path)
    for work in (lambda: board.sync(full=True, allow_unsafe_plan=True), board.read, board.tell):
        with pytest.raises(Misconfigured, match="acts as Alice Martin"):
            work()
    assert (state(board), board.decisions()) == (("pending", False), [])


# Comments.


@pytest.fixture
def talk(a_world: Any) -> Any:
    return a_world(approval=COMMENT)


def say(world: Any, who: str, text: str) -> str:
    gid: str = world.act(who, "comment", text=text)["result"]["gid"]
    return gid


def test_a_declared_comment_approves_and_needs_no_field(talk: Any) -> None:
    assert {"Approval", "Decision reason"}.isdisjoint(talk.task()["fields"])
    say(talk, ALICE, "Is this the right vendor?")
    say(talk, ALICE, "Genehmigt: as ordered")
    talk.run()
    assert (talk.held()["ASANA_DECISION"], talk.held()["ASANA_DECISION_REASON"]) == ("Approved", "as ordered")
    assert talk.comments()[0].startswith("Approved by Alice Martin. Reason: as ordered")
    talk.run()
    assert len(talk.comments()) == 1


def test_a_rejection_says_why_behind_its_word(talk: Any) -> None:
    say(talk, BEN, "reject")
    talk.run()
    assert rules(talk) == ["reason"]
    assert talk.comments()[0].startswith('Ben Okafor wrote "reject", but it was not carried out')
    say(talk, BEN, "reject: wrong vendor")
    talk.run()
    assert (talk.held()["ASANA_DECISION"], talk.held()["ASANA_DECISION_REASON"]) == ("Rejected", "wrong vendor")


def test_a_comment_deleted_before_it_is_carried_out_is_taken_back(talk: Any) -> None:
    story = say(talk, ALICE, "approve")
    talk.read()
    talk.sandbox.act("asana", ALICE, "delete_comment", story=story)
    talk.run()
    assert rules(talk) == ["withdrawn"]
    assert talk.held()["ASANA_DECISION"] == ""
    assert talk.comments() == []


@pytest.mark.parametrize("read_first", [True, False])
def test_an_edited_comment_does_not_count(talk: Any, read_first: bool) -> None:
    story = say(talk, ALICE, "approve" if read_first else "I do not know yet")
    if read_first:
        talk.read()
    talk.sandbox.act("asana", ALICE, "edit_comment", story=story, text="approve: after all")
    talk.run()
    assert rules(talk) == ["counts as it stands"]
    assert talk.held()["ASANA_DECISION"] == ""
    assert "The comment was changed after it was written" in talk.comments()[0]


def test_a_comment_edited_after_a_stamp_got_lost_is_not_stamped_again(talk: Any) -> None:
    story = say(talk, ALICE, "approve")
    talk.read()
    talk.sandbox.fault("intacct", "update APBILL", "lose_stamp")
    with pytest.raises(Exception, match="does not show"):
        talk.settle()
    talk.sandbox.act("asana", ALICE, "edit_comment", story=story, text="no, wait")
    talk.run()
    assert talk.decisions()[0].state is DecisionState.REJECTED
    assert talk.held()["ASANA_DECISION"] == ""


@pytest.mark.parametrize(("who", "rule"), [(GUS, "a person decides"), ("rule", "a person decides"), (ERIN, "approver list")])
def test_whose_comment_does_not_count_is_answered(talk: Any, who: str, rule: str) -> None:
    say(talk, who, "approve")
    talk.run()
    assert rules(talk) == [rule]
    assert len(talk.comments()) == 1


def test_somebody_whose_comment_another_person_s_replaced_is_told(talk: Any) -> None:
    say(talk, ALICE, "approve")
    say(talk, ERIN, "approve")
    talk.run()
    assert rules(talk) == ["superseded", "approver list"]
    first, second = talk.comments()
    assert first.startswith('Alice Martin wrote "approve", but it was not carried out')
    assert "Erin Wolf made another choice" in first
    assert second.startswith('Erin Wolf wrote "approve", but it was not carried out')


def test_somebody_who_replaces_their_own_comment_is_told_once(talk: Any) -> None:
    say(talk, ALICE, "reject: too dear")
    say(talk, ALICE, "approve")
    talk.run()
    assert rules(talk) == ["superseded", ""]
    assert len(talk.comments()) == 1


# All of them.


def test_an_option_that_was_given_the_other_one_s_name_decides_nothing(a_world: Any) -> None:
    world = a_world()
    for option, name in (("Approved", "?"), ("Rejected", "Approved"), ("?", "Rejected")):
        world.sandbox.act("asana", ALICE, "rename_option", field="Approval", option=option, name=name)
    world.choose(ALICE, "Rejected")
    world.run()
    assert rules(world) == ["counts as it stands"]
    assert "The option is called Rejected in Asana now, and the flow knows it as Approved" in world.comments()[0]
    assert world.held()["ASANA_DECISION"] == ""


def test_an_option_under_a_new_name_decides_only_where_the_flow_declares_that_name(a_world: Any) -> None:
    declared = "  signal: {field: Approval, other_names: {Approved: [Genehmigt]}}\n"
    for approval, stamped in (("", ""), (declared, "Approved")):
        world = a_world(approval=approval)
        world.sandbox.act("asana", ALICE, "rename_option", field="Approval", option="Approved", name="Genehmigt")
        world.choose(ALICE, "Genehmigt")
        world.run()
        assert world.held()["ASANA_DECISION"] == stamped


def test_preflight_says_where_nobody_can_tell_guests_from_members(a_world: Any) -> None:
    world = a_world()

    def told() -> list[tuple[str, str]]:
        rows = world.step(CheckAsanaOperator(task_id="check", flow="small"))
        return [(row["ok"], row["result"] + row["mend"]) for row in rows if row["check"].startswith("approver")]

    assert [(ok, said.partition(",")[0]) for ok, said in told()] == [("yes", "is Alice Martin"), ("yes", "is Ben Okafor")]
    world.sandbox.fault("asana", "GET /workspaces/{gid}/workspace_memberships", "status:403", times=1000)
    assert all(ok == "no" and "see the members of the project's workspace" in said for ok, said in told())


def test_nobody_decides_while_guests_cannot_be_told_from_members(a_world: Any) -> None:
    world = a_world()
    world.sandbox.fault("asana", "GET /workspaces/{gid}/workspace_memberships", "status:403", times=1000)
    world.choose(ALICE, "Approved")
    world.run()
    assert rules(world) == ["a person decides"]
    assert "does not tell whether Alice Martin is a guest" in world.comments()[0]
    assert world.held()["ASANA_DECISION"] == ""


def test_a_task_that_left_the_project_keeps_nobody_else_from_being_told(a_world: Any) -> None:
    world = a_world(bills=2)
    for bill in (0, 1):
        world.choose(ERIN, "Approved", bill=bill)
    world.read()
    world.act(ALICE, "remove", bill=0, project=constants.BILLS_PROJECT_GID)
    world.settle()
    # Nor may it be put back, until somebody lets us.
    world.sandbox.fault("asana", "POST /tasks/{gid}/addProject", "status:403")
    with pytest.raises(Refused, match=r"(?s)1 decisions failed, 1 done.*could not be put back"):
        world.tell()
    assert world.comments(1)[0].startswith("Erin Wolf chose Approved, but it was not carried out")
    assert world.task(1)["fields"]["Approval"] == "Pending"
    assert len(world.tell()["put_back_into_the_project"]) == 1
    assert world.task(0)["fields"]["Approval"] == "Pending"
    assert len(world.comments(0)) == 1


def test_a_story_that_comes_a_little_late_is_waited_for(a_world: Any) -> None:
    world = a_world()
    world.run()
    world.sandbox.fault("asana", "story *", "late_story:240")
    world.choose(ALICE, "Approved")
    world.run()
    assert world.decisions() == []
    world.pass_time(minutes=5)
    world.run()
    assert [one.state for one in world.decisions()] == [DecisionState.CONFIRMED]


def test_late_stories_of_a_choice_that_was_set_back_are_seen(a_world: Any) -> None:
    world = a_world()
    world.run()
    world.sandbox.fault("asana", "story *", "late_story:240", times=2)
    world.lose_events()
    world.choose(ALICE, "Approved")
    world.choose(ALICE, "Pending")
    world.run()
    world.pass_time(minutes=5)
    world.run()
    assert rules(world) == ["withdrawn"]


def test_a_story_that_comes_after_we_said_that_there_is_none_is_recorded_and_refused(a_world: Any) -> None:
    world = a_world()
    world.sandbox.fault("asana", "story *", "late_story:3600")
    world.choose(ALICE, "Approved")
    world.run()
    world.pass_time(minutes=11)
    world.run()
    assert rules(world) == ["unproven"]
    world.pass_time(hours=25)
    world.run()
    assert sorted(rules(world)) == ["answered before", "unproven"]
    assert world.held()["ASANA_DECISION"] == ""
