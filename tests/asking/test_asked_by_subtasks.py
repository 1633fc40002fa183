"""People are asked by approval subtasks of their own, through the real operators: asked, answered, closed, asked again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.operators.people.asking import ASKED_AS
from intacct_asana.records import Cursor

from tests.asking.asking_world import Asked
from tests.policy.policy_world import ALICE, BEN, CARLA, DEV, TWO_STEPS

pytestmark = pytest.mark.airflow
World = Callable[..., Asked]


def test_two_steps_of_two_people_by_subtasks(asked: World) -> None:
    flow = asked()
    assert flow.waiting() == ["alice", "dev"]
    subtask = flow.subtask_of(ALICE)
    assert subtask["resource_subtype"] == "approval"
    assert subtask["name"].startswith("Approve bill ")
    assert subtask["name"].endswith(", 500.00 USD: manager")
    assert "Rule every bill, step 1 of 2 (manager)." in subtask["notes"]
    assert flow.task()["gid"] in subtask["notes"]
    flow.say(ALICE)
    flow.heal()
    assert flow.states() == ["GRANTED"]
    assert flow.held()["ASANA_DECISION"] == ""
    assert flow.waiting() == ["ben"]
    assert flow.subtask_of(ALICE)["approval_status"] == "approved"
    assert "Alice Martin approved step 1 of 2 (manager). Next: Ben Okafor." in flow.said_to(ALICE)[-1]
    closed = flow.subtask_of(DEV)
    assert (closed["resource_subtype"], closed["completed"]) == ("default_task", True)
    assert "Alice Martin approved bill" in flow.said_to(DEV)[-1]
    flow.say(BEN)
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == "Approved"
    assert flow.held()["ASANA_DECISION_BY"].startswith("Ben Okafor")
    assert flow.states() == ["GRANTED", "CONFIRMED"]
    assert flow.waiting() == []
    assert "Rule every bill. Manager: Alice Martin; controller: Ben Okafor." in flow.last_told()
    assert len(flow.subtasks()) == 3
    assert flow.store.verify_evidence() == []


def test_without_rules_every_approver_is_asked_and_one_is_enough(asked: World) -> None:
    flow = asked(policy="")
    assert flow.waiting() == ["alice", "ben", "carla", "dev"]
    assert flow.subtask_of(ALICE)["name"].endswith("500.00 USD")
    flow.say(CARLA)
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == "Approved"
    assert flow.waiting() == []
    for who in (ALICE, BEN, DEV):
        assert flow.said_to(who)[-1].startswith("Carla Ruiz approved bill ")


def test_a_rejection_on_a_subtask_rejects_the_bill_with_the_comment_as_its_reason(asked: World) -> None:
    flow = asked()
    flow.answer(DEV, "rejected")
    flow.heal()
    assert flow.rules_of() == ["reason"]
    assert flow.waiting() == ["alice", "dev"]
    assert "A rejection needs a reason. Write a comment, then decide again." in flow.said_to(DEV)[-1]
    assert "The approval is set back to pending" in flow.said_to(DEV)[-1]
    flow.answer(DEV, "rejected", why="Wrong vendor")
    flow.heal()
    assert (flow.held()["ASANA_DECISION"], flow.held()["ASANA_DECISION_REASON"]) == ("Rejected", "Wrong vendor")
    assert flow.waiting() == []
    assert flow.said_to(ALICE)[-1].startswith("Dev Patel rejected bill ")


def test_who_is_not_due_is_refused_on_anothers_subtask_and_it_asks_again(asked: World) -> None:
    flow = asked()
    flow.answer(BEN, on=ALICE)
    flow.heal()
    assert flow.rules_of() == ["step"]
    assert "Due is Alice Martin or Dev Patel." in flow.said_to(ALICE)[-1]
    assert flow.waiting() == ["alice", "dev"]
    assert flow.held()["ASANA_DECISION"] == ""


BOTH = """
  rules:
    - name: both
      steps: [{name: owners, by: [alice.martin@northwind.example, ben.okafor@northwind.example], need: all}]
"""


def test_whoever_is_due_may_answer_on_anothers_subtask_who_is_asked_anew_where_both_are_needed(asked: World) -> None:
    flow = asked(policy=BOTH)
    flow.answer(BEN, on=ALICE)
    flow.heal()
    assert flow.states() == ["GRANTED"]
    assert flow.waiting() == ["alice"]
    flow.say(ALICE)
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == "Approved"


def test_a_bill_that_changes_closes_what_is_open_and_asks_anew_with_what_changed(asked: World) -> None:
    flow = asked()
    flow.say(ALICE)
    flow.heal()
    flow.edit(amount="700.00")
    flow.heal()
    assert flow.states() == ["VOID"]
    assert flow.waiting() == ["alice", "dev"]
    assert "700.00 USD" in flow.subtask_of(ALICE)["name"]
    first, second = (next(one for one in flow.subtasks() if one["assignee"] == who) for who in (ALICE, BEN))
    for old in (first, second):
        assert (old["resource_subtype"], old["completed"]) == ("default_task", True)
    assert "The amount was 500.00 USD when Alice Martin approved it and is 700.00 USD now" in "\n".join(flow.said_on(first))
    assert "The amount was 500.00 USD and is 700.00 USD." in flow.said_on(second)[-1]
    for who in (DEV, BEN):
        flow.say(who)
        flow.heal()
    assert flow.held()["ASANA_DECISION"] == "Approved"


def test_an_answer_on_a_subtask_that_shows_the_bill_as_it_was_approves_nothing_else(asked: World) -> None:
    """The bill's task shows the change already, and the person looks at their own list only."""
    flow = asked(policy="")
    flow.edit(amount="700.00")
    flow.sync()
    flow.pass_time(minutes=2)
    assert "500.00 USD" in flow.subtask_of(ALICE)["name"]
    flow.say(ALICE)
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == ""
    assert flow.rules_of() == ["unchanged since shown"]
    assert "700.00 USD" in flow.subtask_of(ALICE)["name"]


def test_who_takes_an_approval_back_before_it_is_written_is_asked_still(asked: World) -> None:
    flow = asked()
    flow.say(ALICE)
    flow.heal()
    flow.answer(ALICE, "pending")
    flow.heal()
    assert flow.states() == ["VOID"]
    assert flow.waiting() == ["alice", "dev"]
    flow.say(ALICE)
    flow.heal()
    assert flow.states() == ["VOID", "GRANTED"]
    assert flow.waiting() == ["ben"]


def test_an_approval_that_was_taken_back_unseen_does_not_count_for_the_last_step(asked: World) -> None:
    """The event about it was lost; the last step's write asks the subtasks of the earlier ones."""
    flow = asked()
    flow.say(ALICE)
    flow.heal()
    flow.lose_events()
    flow.answer(ALICE, "pending")
    flow.find_events()
    flow.say(BEN)
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == ""
    assert flow.states() == ["VOID", "REFUSED"]


def test_somebody_who_deletes_their_subtask_is_asked_once_more_only(asked: World) -> None:
    flow = asked()
    for left in (["alice", "dev"], ["dev"]):
        flow.on_subtask(ALICE, "delete", flow.subtask_of(ALICE)["gid"])
        flow.read()
        settled = flow.settle()
        flow.tell()
        assert flow.waiting() == left
    assert settled["deleted_twice"] == [f"{ALICE}: {flow.key()}"]


def test_a_subtask_that_is_renamed_or_given_to_somebody_else_counts_by_who_decides(asked: World) -> None:
    flow = asked()
    gid = flow.subtask_of(ALICE)["gid"]
    flow.on_subtask(ALICE, "rename", gid, name="Something else")
    flow.on_subtask(ALICE, "assign", gid, to=DEV)
    flow.heal()
    flow.on_subtask(DEV, "set_approval", gid, status="approved")
    flow.heal()
    assert flow.states() == ["GRANTED"]
    assert flow.decisions()[0].decider_email == DEV


def test_a_bill_that_is_paid_closes_what_is_open(asked: World) -> None:
    flow = asked()
    flow.sandbox.act("intacct", "mgarcia", "pay_bill", record_no=flow.bills[0])
    flow.heal()
    assert flow.waiting() == []
    assert "Nothing is left" in flow.said_to(ALICE)[-1]


def test_lost_events_are_made_up_for_by_the_wide_look(asked: World) -> None:
    flow = asked()
    flow.lose_events()
    flow.say(ALICE)
    flow.heal()
    assert flow.states() == []
    flow.find_events()
    flow.heal(hours=25)
    assert flow.states() == ["GRANTED"]


def test_an_answer_whose_story_cannot_be_read_is_asked_for_until_it_can(asked: World) -> None:
    flow = asked()
    flow.say(ALICE)
    subtask = flow.subtask_of(ALICE)
    story = next(one["gid"] for one in subtask["stories"] if one["resource_subtype"] == "approval_status_changed")
    flow.sandbox.settings(asana_odd_values={story: {"created_at": "yesterday"}})
    for _ in range(2):
        flow.pass_time(minutes=20)
        with pytest.raises(IntacctAsanaError, match=subtask["gid"]):
            flow.read()
    flow.sandbox.settings(asana_odd_values={})
    flow.pass_time(minutes=20)
    flow.read()
    assert flow.states() == ["RECORDED"]


def test_a_lost_store_asks_nobody_twice(asked: World) -> None:
    flow = asked()
    flow.lose_store()
    assert flow.waiting() == ["alice", "dev"]
    assert len(flow.subtasks()) == 2


def test_where_asana_keeps_an_approval_an_approval_it_leaves_its_persons_list_all_the_same(asked: World) -> None:
    flow = asked()
    flow.sandbox.settings(asana_approvals_stay_approvals=True)
    flow.say(ALICE)
    flow.heal()
    assert flow.waiting() == ["ben"]
    [left] = [one for one in flow.subtasks() if one["assignee"] is None]
    assert (left["approval_status"], left["completed"]) == ("pending", False)


def test_a_run_reads_no_more_for_steps_that_wait(asked: World) -> None:
    flow = asked(bills=3)
    calls = []
    for bill in range(3):
        flow.say(ALICE, bill=bill)
        flow.heal()
        for _ in range(2):
            flow.pass_time(minutes=30)
            flow.sandbox.zero_counters()
            flow.run()
        calls.append(sum(flow.sandbox.counters().values()))
    assert calls[0] == calls[1] == calls[2], calls


def test_a_bill_whose_task_was_deleted_is_asked_about_below_its_new_one(asked: World) -> None:
    flow = asked()
    flow.act(ALICE, "delete")
    flow.run()
    flow.sync(full=True)
    flow.heal()
    assert flow.waiting() == ["alice", "dev"]


def test_a_flow_that_goes_over_to_another_way_closes_what_is_open(asked: World) -> None:
    flow = asked()
    flow.way = "  signal: {kind: comment, approve: [approve], reject: [reject]}"
    flow.now_says(TWO_STEPS)
    flow.preflight()
    flow.run()
    assert flow.waiting() == []
    assert "People decide in another way now." in flow.said_to(ALICE)[-1]


def test_a_bill_that_cannot_be_read_holds_up_no_other_one(asked: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """For another policy all is worked out anew, a few a run: each begins behind those of the one before."""
    monkeypatch.setattr("intacct_asana.operators.people.asking.MOST", 1)
    flow = asked(bills=2)
    flow.pass_time(hours=2)
    # Changed last, so that no run reads the others only because it looks back.
    flow.bills.append(flow.make_bill())
    flow.sync()
    flow.run()
    unreadable, other = sorted(flow.key(bill) for bill in range(2))
    bad = next(flow.bills[bill] for bill in range(2) if flow.key(bill) == unreadable)
    flow.sandbox.settings(shown_values={"APBILL.WHENDUE": {f"#{bad}": "00/00/0000"}})
    flow.store.save_cursor(Cursor(name=ASKED_AS, value="another policy"))
    for _ in range(2):
        with contextlib.suppress(IntacctAsanaError):
            flow.run()
    assert {unreadable, other} & set(flow.store.asks().worked_out()) == {other}
    flow.sandbox.settings(shown_values={})
    flow.run()
    assert set(flow.store.asks().worked_out()) == {flow.key(bill) for bill in range(3)}
