"""An approval holds for what was approved: rows of the review about bills that change before, in and after the write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from intacct_asana.store.database import open_database
from intacct_asana.store.retention import prune

from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import CLERK, TRIES, WITH_FILES, Standing

Flow = Callable[..., Standing]
CHANGES: dict[str, dict[str, Any]] = {
    "amount": {"amount": "40000.00"},
    "vendor": {"vendor_id": ""},
    "description": {"description": "for another purpose"},
    "due date": {"due_on": "2027-03-31"},
    "account": {"line": 1, "account": ""},
    "added line": {"add_line": {"amount": "25.00"}},
}


def other_vendor(flow: Standing) -> str:
    there = flow.bill()["vendor_id"]
    other: str = next(one["vendor_id"] for one in flow.sandbox.state("intacct")["vendors"] if one["vendor_id"] != there)
    return other


def other_account(flow: Standing) -> str:
    there = flow.bill()["lines"][0]["account_no"]
    return "5200" if there == "5100" else "5100"


# 1: edited after it was stamped


@pytest.mark.parametrize("what", CHANGES)
def test_an_approved_bill_that_is_edited_afterwards_is_void_on_both_sides(a_flow: Flow, what: str) -> None:
    """Stamp and field said Approved for ever."""
    flow = a_flow(approved=True)
    flow.is_approved()
    changes = dict(CHANGES[what])
    if "vendor_id" in changes:
        changes["vendor_id"] = other_vendor(flow)
    if "account" in changes:
        changes["account"] = other_account(flow)
    flow.edit(**changes)
    flow.heal()
    assert flow.says() == ("void", "Pending")


def test_an_edit_in_the_second_of_the_last_look_is_seen_by_the_next_one(a_flow: Flow) -> None:
    """A change time has seconds: the bill showed the one that had been looked at, and waited for the look at all of them."""
    flow = a_flow()
    flow.approve(ALICE)
    flow.run()
    flow.is_approved()
    flow.sandbox.act("intacct", CLERK, "edit_bill", record_no=flow.bills[0], changes={"amount": "40000.00"})
    flow.heal()
    assert flow.says() == ("void", "Pending")


def test_an_old_approval_is_void_though_the_store_was_pruned_before_the_bill_changed(a_flow: Flow) -> None:
    flow = a_flow(approved=True)
    told, database = flow.comments(), open_database(flow.url)
    prune(database, older_than=timedelta(days=31), now=flow.at + timedelta(days=800), dry_run=False)
    assert flow.store.verify_evidence() == []
    flow.heal(hours=25)
    flow.is_approved()
    assert flow.comments() == told
    flow.edit(amount="40000.00")
    flow.heal()
    assert flow.says() == ("void", "Pending")
    assert flow.store.verify_evidence() == []


def test_who_looks_at_a_void_approval_reads_what_changed_once(a_flow: Flow) -> None:
    """Nobody was told that 500.00 had become 40,000.00."""
    flow = a_flow(approved=True)
    before = len(flow.comments())
    flow.edit(amount="40000.00")
    flow.heal()
    flow.heal(hours=25)
    (comment,) = flow.comments()[before:]
    assert "500.00" in comment
    assert "40,000.00" in comment
    assert "VOID" in flow.noted()
    assert flow.store.verify_evidence() == []


def test_a_void_approval_can_be_given_again_by_somebody_who_may(a_flow: Flow) -> None:
    """The stamp of 500.00 stood on the bill of 40,000.00, so nobody was asked again."""
    flow = a_flow(approved=True)
    flow.edit(amount="40000.00")
    flow.heal()
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()
    flow.approve(BEN)
    flow.heal()
    flow.is_approved()
    assert flow.held()["ASANA_DECISION_BY"].startswith("Ben Okafor")


def test_a_stamp_says_which_amount_and_which_content_it_is_for(a_flow: Flow) -> None:
    """A stamp said nothing of what it was for."""
    flow = a_flow(bills=2)
    for bill in (0, 1):
        flow.edit(bill=bill, description=f"bill {bill}")
    flow.heal()
    for bill in (0, 1):
        flow.approve(ALICE, bill=bill)
    flow.heal()
    one, other = flow.held(0), flow.held(1)
    amount, currency = one["ASANA_AMOUNT"].split()
    assert (float(amount.replace(",", "")), currency) == (500, "USD")
    assert one["ASANA_DIGEST"]
    assert one["ASANA_DIGEST"] != other["ASANA_DIGEST"]


def test_a_rejection_does_not_stand_on_a_changed_bill_either(a_flow: Flow) -> None:
    """A rejected bill that the clerk mended said Rejected for ever."""
    flow = a_flow()
    flow.act(BEN, "comment", text="too dear")
    flow.choose(BEN, "Rejected")
    flow.heal()
    assert flow.says() == ("rejected", "Rejected")
    flow.edit(amount="300.00")
    flow.heal()
    assert flow.says() == ("void", "Pending")


def test_a_change_of_bills_already_decided_is_seen_without_the_bill_sync(a_flow: Flow) -> None:
    """Approvals were never looked at again, by whichever DAG."""
    flow = a_flow(approved=True)
    flow.edit(amount="40000.00")
    flow.run()
    flow.is_unapproved()


# 2: changed in the second of the write


@pytest.mark.parametrize("when", ["act_before", "act_after"])
def test_a_bill_that_changes_in_the_second_of_the_write_is_not_approved(a_flow: Flow, when: str) -> None:
    """CONFIRMED, with 40,000 on the bill and a limit of 1,000."""
    flow = a_flow()
    flow.approve(ALICE)
    flow.edit_in_the_moment(when, amount="40000.00")
    flow.cycle()
    flow.sandbox.clear_faults()
    flow.heal()
    flow.is_unapproved()
    assert flow.bill()["total_entered"] == "40000.00"
    assert "CONFIRMED" not in {str(one.state) for one in flow.decisions()}


@pytest.mark.parametrize("what", ["drop", "lost_answer", "status:503", "lose_stamp"])
def test_a_bill_that_changes_before_a_stamp_is_tried_again_is_not_approved(a_flow: Flow, what: str) -> None:
    """The second try took whatever stood on the bill for what had been approved."""
    flow = a_flow()
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", what, times=1)
    flow.cycle()
    flow.edit(amount="40000.00")
    flow.heal()
    flow.is_unapproved()


def test_a_bill_that_changes_while_the_answer_is_lost_is_not_approved(a_flow: Flow) -> None:
    """What was found on the bill was taken for what had been sent."""
    flow = a_flow()
    flow.approve(ALICE)
    flow.sandbox.fault("intacct", "update APBILL", "lost_answer", times=1)
    flow.edit_in_the_moment("act_after", amount="40000.00")
    flow.cycle()
    flow.sandbox.clear_faults()
    flow.heal()
    assert flow.bill()["total_entered"] == "40000.00"
    flow.is_unapproved()


# 4: what a stamp sends besides


def test_a_due_date_that_a_clerk_sets_in_the_second_of_the_write_stays(a_flow: Flow) -> None:
    """The stamp sent the due date that it had read, and the clerk's new one was put back without trace."""
    flow = a_flow()
    flow.approve(ALICE)
    flow.edit_in_the_moment("act_before", due_on="2027-03-31")
    flow.cycle()
    flow.heal()
    assert flow.bill()["due_on"] == "2027-03-31"
    flow.is_unapproved()


def test_a_company_that_refuses_an_update_without_due_date_gets_it(a_flow: Flow) -> None:
    """There was no setting: it was always sent."""
    flow = a_flow(write_back="  send_due_on: true", settings={"update_needs_when_due": True})
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()


@pytest.mark.parametrize("reading", [1, 2, 3])
def test_where_the_due_date_is_sent_one_that_a_clerk_sets_before_the_write_is_not_put_back(a_flow: Flow, reading: int) -> None:
    """It was sent as it had been read minutes before."""
    flow = a_flow(write_back="  send_due_on: true", settings={"update_needs_when_due": True})
    flow.approve(ALICE)
    flow.read()
    detail = {"user": CLERK, "action": "edit_bill", "record_no": flow.bills[0], "changes": {"due_on": "2027-03-31"}}
    flow.sandbox.fault("intacct", "query APBILL", "act_before", on_call=reading, detail=detail)
    flow.settle()
    struck = flow.sandbox.call("GET", "/_sandbox/faults")[0]["struck"]
    flow.sandbox.clear_faults()
    flow.heal()
    assert struck == (flow.bill()["due_on"] == "2027-03-31")
    if struck:
        flow.is_unapproved()


# 11: one amount, one content


@pytest.mark.parametrize("amount", ["500", "500.00", "500.0"])
def test_an_amount_that_is_written_in_another_way_overturns_nothing(a_flow: Flow, amount: str) -> None:
    """`500` and `500.00` were two contents."""
    flow = a_flow(approved=True)
    flow.edit(amount="600.00")
    flow.edit(amount=amount)
    flow.heal(hours=25)
    flow.is_approved()
    assert len(flow.decisions()) == 1


# 16: attachment, description, last editor


def test_who_edited_the_bill_last_does_not_approve_it(a_flow: Flow) -> None:
    """Only its creator was looked at."""
    flow = a_flow()
    flow.edit(who="amartin", amount="700.00")
    flow.heal()
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()
    assert "Alice Martin" in flow.told()
    flow.approve(BEN)
    flow.heal()
    flow.is_approved()


def test_our_own_stamp_makes_nobody_the_last_editor(a_flow: Flow) -> None:
    """A void stamp is written by our own user, whom no segregation of duties is about."""
    flow = a_flow(approved=True)
    flow.edit(amount="600.00")
    flow.heal()
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()


FILES_REPLACED = "The files under attachment ATT-0 were replaced in Intacct"


def a_flow_with_files(flow: Flow, **how: Any) -> Standing:
    """Its one bill carries an invoice, and so does the task."""
    made = flow(replace=WITH_FILES, **how)
    made.attach()
    made.heal()
    assert [one["name"] for one in made.task()["attachments"]] == ["invoice (ATT-0).pdf"]
    return made


def test_an_invoice_that_is_replaced_after_the_approval_makes_it_void(a_flow: Flow) -> None:
    """The other file hangs under the same id, and the bill itself says nothing of it."""
    flow = a_flow_with_files(a_flow)
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()
    before = len(flow.comments())
    flow.replace_files("another vendor's account")
    flow.heal(hours=25)
    assert flow.says() == ("void", "Pending")
    (comment,) = flow.comments()[before:]
    assert f"{FILES_REPLACED} after Alice Martin approved it, so the approval no longer counts." in comment
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()
    assert [one["name"] for one in flow.task()["attachments"]] == ["invoice (ATT-0).pdf", "invoice (ATT-0, 2).pdf"]


def test_an_invoice_that_is_replaced_before_the_choice_was_not_shown(a_flow: Flow) -> None:
    """The bill sync has nothing to see, so the choice itself asks for the files; then the task gets them."""
    flow = a_flow_with_files(a_flow)
    flow.replace_files("another vendor's account")
    flow.heal()
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()
    assert f"{FILES_REPLACED}." in flow.told()
    assert [one["name"] for one in flow.task()["attachments"]] == ["invoice (ATT-0).pdf", "invoice (ATT-0, 2).pdf"]
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()


@pytest.mark.parametrize("when", ["act_before", "act_after"])
def test_an_invoice_that_is_replaced_in_the_second_of_the_write_is_not_approved(a_flow: Flow, when: str) -> None:
    """The files are read once more after the write, as the bill is."""
    flow = a_flow_with_files(a_flow)
    flow.approve(ALICE)
    detail = {"user": CLERK, "action": "replace_document", "document_id": "ATT-0", "files": [{"text": "%PDF-1.7 x"}]}
    flow.sandbox.fault("intacct", "update APBILL", when, detail=detail)
    flow.heal()
    flow.is_unapproved()


def test_files_that_come_in_another_order_are_the_same_files(a_flow: Flow) -> None:
    """Nothing says in which order Intacct gives them."""
    flow = a_flow(replace=WITH_FILES)
    files = [{"name": "invoice"}, {"name": "list", "type": "csv", "text": "a,b"}]
    told = {"record_no": flow.bills[0], "document_id": "ATT-0"}
    flow.sandbox.act("intacct", CLERK, "attach_document", files=files, **told)
    flow.heal()
    flow.approve(ALICE)
    flow.heal()
    flow.sandbox.act("intacct", CLERK, "replace_document", document_id="ATT-0", files=files[::-1])
    flow.heal(hours=25)
    flow.is_approved()


@pytest.mark.parametrize("what", ["status:503", "truncated", "another function", "gone"])
def test_a_choice_about_files_that_cannot_be_read_counts_for_nothing_and_stops_no_other(a_flow: Flow, what: str) -> None:
    """Whether they are the ones that were shown, nobody can tell."""
    flow = a_flow_with_files(a_flow, bills=2)
    for bill in (0, 1):
        flow.approve(ALICE, bill=bill)
    files_cannot_be_read(flow, what)
    for _ in range(TRIES):
        flow.cycle()
    flow.is_approved(1)
    assert flow.held(0)["ASANA_DECISION"] == ""
    if what != "status:503":
        assert "could not be read from Intacct" in flow.told()
    files_can_be_read(flow)
    flow.heal()
    if what != "status:503":
        flow.approve(ALICE)
        flow.heal()
    flow.is_approved()


def test_files_that_could_never_be_read_are_approved_by_nobody(a_flow: Flow) -> None:
    """The task shows that they could not be read, and at the choice they cannot either: that is no proof of anything."""
    flow = a_flow(replace=WITH_FILES)
    flow.attach()
    files_cannot_be_read(flow, "another function")
    flow.cycle()
    flow.approve(ALICE)
    flow.run()
    flow.is_unapproved()
    assert "nobody can tell whether they are those that the task shows" in flow.told()
    assert "was changed in Intacct" not in flow.told()
    files_can_be_read(flow)
    flow.heal()
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()


@pytest.mark.parametrize("what", ["status:503", "truncated", "another function"])
def test_a_trouble_with_reading_files_overturns_nothing(a_flow: Flow, what: str) -> None:
    """Only Intacct's own word that there is no such document says something about the decision."""
    flow = a_flow_with_files(a_flow)
    flow.approve(ALICE)
    flow.heal()
    files_cannot_be_read(flow, what)
    flow.pass_time(hours=25)
    assert flow.cycle()
    flow.is_approved()
    files_can_be_read(flow)
    flow.heal()
    flow.is_approved()


def test_a_bill_that_changed_is_void_though_its_files_cannot_be_read(a_flow: Flow) -> None:
    """That nobody knows about the files keeps nobody from seeing the amount."""
    flow = a_flow_with_files(a_flow)
    flow.approve(ALICE)
    flow.heal()
    files_cannot_be_read(flow, "another function")
    flow.edit(amount="40000.00")
    assert flow.cycle()
    flow.tell()
    flow.is_unapproved()
    assert "40,000.00 USD now" in flow.told()


def test_an_approval_of_an_invoice_that_is_gone_is_void(a_flow: Flow) -> None:
    """What nobody can look at any more was not approved for ever."""
    flow = a_flow_with_files(a_flow)
    flow.approve(ALICE)
    flow.heal()
    files_cannot_be_read(flow, "gone")
    flow.heal(hours=25)
    assert flow.says() == ("void", "Pending")
    assert "could not be read from Intacct after Alice Martin approved it" in flow.told()


def files_cannot_be_read(flow: Standing, what: str) -> None:
    if what == "another function":
        flow.sandbox.settings(supdoc_function="get_list")
    elif what == "gone":
        flow.sandbox.act("intacct", CLERK, "delete_document", document_id="ATT-0")
    else:
        flow.sandbox.fault("intacct", "get SUPDOC", what, times=1000)


def files_can_be_read(flow: Standing) -> None:
    flow.sandbox.clear_faults()
    flow.sandbox.settings(supdoc_function="both")
    flow.attach()


def test_files_of_bills_that_nobody_decides_about_cost_one_call_a_day(a_flow: Flow) -> None:
    """One call for each task that is written, two for a choice that counts and one when the next run looks at the bill once
    more; a full pass reads none again. Once a day the bill sync reads those of both open bills, and the look at decided ones
    that of the one."""
    flow = a_flow_with_files(a_flow, bills=2)
    flow.attach(bill=1)
    flow.heal()

    def reads(work: Callable[[], Any]) -> int:
        flow.sandbox.zero_counters()
        work()
        return int(flow.sandbox.counters().get("intacct get SUPDOC", 0))

    assert reads(lambda: flow.sync(full=True)) == 0
    assert reads(flow.heal) == 0
    flow.approve(ALICE)
    assert reads(flow.run) == 2
    assert reads(flow.heal) == 1
    assert reads(flow.heal) == 0
    assert reads(lambda: flow.heal(hours=25)) == 3
    assert reads(flow.heal) == 0


# 14: states and closed books


@pytest.mark.parametrize("state", ["Selected", "Partially Paid"])
def test_a_bill_whose_money_is_on_its_way_is_not_decided(a_flow: Flow, state: str) -> None:
    """It could be, though the payment was chosen or partly made."""
    flow = a_flow()
    how: dict[str, Any] = {"record_no": flow.bills[0]}
    flow.sandbox.act("intacct", CLERK, *(["select_bill"] if state == "Selected" else ["pay_bill"]), amount="200.00", **how)
    flow.heal()
    assert flow.bill()["state"] == state
    flow.approve(ALICE)
    flow.heal()
    flow.is_unapproved()
    assert state in flow.told()


def test_a_flow_may_declare_that_selected_bills_are_decided(a_flow: Flow) -> None:
    """No setting said which states count."""
    flow = a_flow(approval="  states: [Posted, Selected]")
    flow.sandbox.act("intacct", CLERK, "select_bill", record_no=flow.bills[0], amount="200.00")
    flow.heal()
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()


@pytest.mark.parametrize(("told", "stamp"), [("refuse", ""), ("accept", "approved")])
def test_a_bill_of_closed_books_is_decided_only_where_the_flow_says_so(a_flow: Flow, told: str, stamp: str) -> None:
    """Closed periods were not looked at."""
    flow = a_flow(approval=f"  closed_books: {told}", settings={"books_closed_through": "2026-12-31"})
    flow.approve(ALICE)
    flow.heal()
    assert flow.says()[0] == stamp
    if not stamp:
        assert "closed" in flow.told()


def test_a_stamp_that_intacct_refuses_for_closed_books_leaves_nothing_approved(a_flow: Flow) -> None:
    """The field went on saying Approved until somebody looked."""
    flow = a_flow(
        approval="  closed_books: accept",
        settings={"books_closed_through": "2026-12-31", "closed_books_refuse": "everything"},
    )
    flow.approve(ALICE)
    for _ in range(TRIES):
        flow.cycle()
    flow.is_unapproved()
