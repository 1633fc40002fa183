"""What proves an approval: anchors outside the database, and stamps that are there already."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from intacct_asana.operators.runs.reporting import ReportRunOperator
from intacct_asana.records.anchors import anchors_in, without_anchors
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from sandbox import constants
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN
from tests.standing.standing_world import Standing
from tests.store.store_world import unlock

Flow = Callable[..., Standing]
FOREIGN = {"ASANA_DECISION": "Approved", "ASANA_DECISION_BY": "Frida Former", "ASANA_DECISION_ID": "dec-of-another-flow"}


# 15: anchors


def cut_the_end_off(url: str, *, from_row: int) -> None:
    """As the database's owner would: the rows, the head, and each decision of which no row is left."""
    unlock(url)
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("DELETE FROM ia_evidence WHERE sequence >= :row"), {"row": from_row})
        connection.execute(text("DELETE FROM ia_decisions WHERE decision_id NOT IN (SELECT decision_id FROM ia_evidence)"))
        last = connection.execute(text("SELECT sequence, digest FROM ia_evidence ORDER BY sequence DESC")).first()
        if last is None:
            connection.execute(text("DELETE FROM ia_evidence_heads"))
        else:
            values = {"row": last[0], "digest": last[1]}
            connection.execute(text("UPDATE ia_evidence_heads SET sequence = :row, digest = :digest"), values)


def test_stamp_and_comment_carry_an_anchor_that_finds_a_cut_tail(a_flow: Flow) -> None:
    """A cut tail with its head moved verified; nothing outside the database named its rows."""
    flow = a_flow(approved=True)
    flow.is_approved()
    stamped = anchors_in(flow.held()["ASANA_DECISION_ID"], where="stamp")
    told = anchors_in(flow.told(), where="comment")
    assert (len(stamped), len(told)) == (1, 1)
    assert without_anchors(flow.held()["ASANA_DECISION_ID"]) == flow.decisions()[0].decision_id
    lines = flow.comments()[0].rstrip().splitlines()
    assert lines[-1].startswith("Reference:")
    assert anchors_in(lines[-2], where="comment")
    assert flow.store.examine_evidence([*stamped, *told]).problems == ()
    # With everything about the decision, or what is left of it would not fit together.
    cut_the_end_off(flow.url, from_row=min(row.sequence for row in flow.store.evidence() if row.decision_id))
    assert flow.store.examine_evidence().problems == ()
    wrong = [problem.where for problem in flow.store.examine_evidence([*stamped, *told]).problems]
    assert ["stamp" in where or "comment" in where for where in wrong] == [True, True]


def test_a_cut_tail_whose_anchor_was_taken_off_the_stamp_still_shows_in_the_comment(a_flow: Flow) -> None:
    """The daily look compared what the stamps name, and whoever cuts the tail may well write stamps too."""
    flow = a_flow(bills=2)
    flow.approve(ALICE)
    flow.heal()
    flow.pass_time(hours=1)
    flow.approve(ALICE, bill=1)
    flow.heal()
    assert flow.store.verify_evidence() == []
    cut_the_end_off(flow.url, from_row=min(row.sequence for row in flow.store.evidence(flow.key(1)) if row.decision_id))
    flow.edit(bill=1, ASANA_DECISION_ID=without_anchors(flow.held(1)["ASANA_DECISION_ID"]))
    assert flow.store.verify_evidence() == []
    flow.pass_time(hours=25)
    (failed,) = flow.cycle()
    assert "our comment of" in failed.message
    assert flow.decisions(1)[0].decision_id in failed.message


def test_each_run_notes_how_far_the_evidence_goes(a_flow: Flow) -> None:
    """A run's own record named no row."""
    flow = a_flow()
    flow.approve(ALICE)
    flow.cycle()
    report = flow.step(ReportRunOperator(task_id="report", flow="small", steps=["read"], vouches=True))
    newest = flow.store.newest_anchor()
    assert newest is not None
    (noted,) = anchors_in(report["evidence"], where="run")
    assert noted.sequence == newest.sequence


# 18: stamps and comments that are there already


def ours(task: dict[str, Any]) -> list[str]:
    return [one["text"] for one in task["stories"] if one["by"] == constants.BOT_EMAIL]


def test_a_stamp_of_another_flow_is_left_alone(a_flow: Flow) -> None:
    """The field was set back, and the stamp written over."""
    flow = a_flow(make_bill=FOREIGN)
    before = flow.held()
    flow.heal(hours=25)
    assert flow.held() == before
    flow.act(BEN, "comment", text="too dear")
    flow.choose(BEN, "Rejected")
    flow.heal()
    assert flow.held() == before
    assert "dec-of-another-flow" in flow.told()


def test_our_own_stamp_stands_after_the_store_was_lost(a_flow: Flow) -> None:
    """It was set back and stamped over by whoever chose next."""
    flow = a_flow(approved=True)
    before = flow.held()
    flow.lose_store()
    flow.heal(hours=25)
    assert flow.held() == before
    assert flow.task()["fields"]["Approval"] == "Approved"
    flow.act(BEN, "comment", text="too dear")
    flow.choose(BEN, "Rejected")
    flow.heal()
    assert flow.held() == before
    assert "found" in flow.noted()
    assert flow.decisions() == [] or {one.state for one in flow.decisions()}


def test_the_anchors_of_a_lost_store_are_no_findings(a_flow: Flow) -> None:
    """Stamp and comment name rows that were lost with everything else, long before the evidence of the new store begins."""
    flow = a_flow(approved=True)
    flow.pass_time(hours=1)
    flow.open_new_store()
    flow.preflight()
    assert [flow.cycle() for _ in range(3)] == [[], [], []]
    flow.pass_time(hours=25)
    assert flow.cycle() == []
    flow.is_approved()


def test_what_was_told_before_the_store_was_lost_is_not_told_again(a_flow: Flow) -> None:
    """Each comment was written a second time."""
    flow = a_flow(approved=True)
    before = flow.comments()
    flow.lose_store()
    flow.heal(hours=25)
    assert flow.comments()[: len(before)] == before
    assert len([one for one in flow.comments() if one.startswith("Approved by")]) == 1


def test_a_found_stamp_whose_digest_is_of_another_content_can_be_decided_again(a_flow: Flow) -> None:
    """Nothing told whether the bill had changed since."""
    flow = a_flow(approved=True)
    flow.lose_store()
    flow.edit(amount="40000.00")
    flow.heal()
    assert flow.says()[1] == "Pending"
    flow.approve(BEN)
    flow.heal()
    flow.is_approved()
    assert flow.held()["ASANA_DECISION_BY"].startswith("Ben Okafor")


@pytest.mark.parametrize("what", ["stamp", "answer"])
def test_a_stamp_that_somebody_takes_off_the_bill_is_no_approval_for_ever(a_flow: Flow, what: str) -> None:
    """The task went on showing Approved for a bill without stamp; both sides have to say the same."""
    flow = a_flow()
    flow.approve(ALICE)
    if what == "answer":
        flow.sandbox.fault("intacct", "update APBILL", "lost_answer", times=1)
    flow.heal()
    flow.edit(ASANA_DECISION="" if what == "stamp" else flow.held()["ASANA_DECISION"])
    flow.heal(hours=25)
    stamp, shown = flow.says()
    assert (stamp == "approved") == (shown == "Approved")


# A stamp of which nothing but itself is left


def lose_task_and_store(flow: Standing) -> None:
    """Approved and stamped; then its task leaves the project, and before anybody sees that, the store is lost."""
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()
    flow.act(ERIN, "remove", project=constants.BILLS_PROJECT_GID)
    flow.lose_store()


def test_a_stamp_whose_task_and_store_are_lost_is_void_when_its_bill_changes(a_flow: Flow) -> None:
    """Nobody knew the choice any more, so the stamp said Approved for ever, whatever became of the bill."""
    flow = a_flow()
    lose_task_and_store(flow)
    before = flow.held()
    assert before["ASANA_DECISION"] == "Approved"
    flow.edit(amount="40000.00")
    settled = flow.steps()
    assert flow.held()["ASANA_DECISION"] == "void"
    assert flow.held()["ASANA_DIGEST"] == before["ASANA_DIGEST"]
    [said] = settled["unknown_stamps"]
    assert "Approved by Alice Martin" in said
    assert "(500 USD)" in said
    assert "40,000.00 USD" in said
    [told] = [text for task in flow.tasks() for text in ours(task) if "nothing else is known" in text]
    assert said in told
    found = next(row.body["found"] for row in flow.store.evidence(flow.key()) if "found" in row.body)
    assert (found["fits"], found["digest"]) == (False, before["ASANA_DIGEST"])
    assert without_anchors(before["ASANA_DECISION_ID"]) == found["decision_id"]
    assert flow.steps()["unknown_stamps"] == []
    assert flow.store.verify_evidence() == []
    flow.heal(hours=26)


@pytest.mark.parametrize("first", ["approvals", "bill sync"])
def test_such_a_stamp_is_found_by_the_look_at_all_bills(a_flow: Flow, first: str) -> None:
    """The look at all of them asked for the bills that the store knew a decision of, and it knew none."""
    flow = a_flow(approved=True)
    flow.act(ERIN, "remove", project=constants.BILLS_PROJECT_GID)
    flow.pass_time(1)
    flow.open_new_store()
    flow.preflight()
    # Before the first bill sync there is no bill yet that the approvals know of.
    flow.run() if first == "approvals" else flow.sync()
    flow.edit(amount="40000.00")
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == "void"


def test_such_a_stamp_stays_on_a_bill_that_is_what_it_was_put_on(a_flow: Flow) -> None:
    flow = a_flow()
    lose_task_and_store(flow)
    before = flow.held()
    flow.edit(ASANA_DECISION_REASON="looked at")
    flow.heal(hours=26)
    assert flow.held() == {**before, "ASANA_DECISION_REASON": "looked at"}
    assert flow.decisions() == []


def test_such_a_stamp_that_somebody_puts_back_is_void_again(a_flow: Flow) -> None:
    flow = a_flow()
    lose_task_and_store(flow)
    before = flow.held()
    flow.edit(amount="40000.00")
    flow.heal()
    flow.edit(**before)
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == "void"


def test_the_bill_of_such_a_stamp_can_be_decided_anew(a_flow: Flow) -> None:
    flow = a_flow()
    lose_task_and_store(flow)
    flow.edit(amount="700.00")
    flow.heal()
    [task] = [one for one in flow.tasks() if constants.BILLS_PROJECT_GID in one["projects"]]
    flow.pass_time(1)
    flow.sandbox.act("asana", BEN, "choose", task=task["gid"], field="Approval", option="Approved")
    flow.heal()
    assert flow.held()["ASANA_DECISION"] == "Approved"
    assert flow.held()["ASANA_DECISION_BY"].startswith("Ben Okafor")
