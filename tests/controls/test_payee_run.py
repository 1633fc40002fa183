"""A vendor's payment details change: its bills wait, somebody calls, a second person releases. Over the sandbox."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.operators.controls import callbacks
from intacct_asana.operators.preflight import CheckIntacctOperator

from tests.controls.payee_world import BLOCK, CALLED, Payees
from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN

pytestmark = pytest.mark.airflow
Company = Callable[..., Payees]


@pytest.fixture
def payees(connected: Any, tmp_path: Path, new_store: NewStore) -> Company:
    return lambda **how: Payees(connected, tmp_path, new_store, **how)


def test_a_change_between_approval_and_stamp_holds_it_until_a_second_person_releases(payees: Company) -> None:
    flow = payees()
    flow.approve(ALICE)
    flow.change_bank()
    for _ in range(2):
        flow.run()
    assert (flow.states(), flow.says()) == (["PARKED"], ("", "Approved"))
    [warned] = flow.warned()
    asked = flow.call_back()
    assert asked["assignee"] == ERIN
    assert asked["parent"] == flow.task()["gid"]
    assert "jchen" in warned
    [change] = flow.changes()
    assert warned.endswith(change.subtask_url)
    assert asked["gid"] == change.subtask_gid
    flow.say(ERIN, "release")
    flow.say(ERIN, CALLED)
    flow.say(BEN, CALLED)
    flow.say(BEN, "release")
    flow.run()
    assert [text.partition(".")[0] for text in flow.told_there()] == [
        "Erin Wolf is not among those who may say so: alice",
        "Ben Okafor made the call, so a second person has to release",
    ]
    flow.say(ALICE, "release")
    flow.heal()
    flow.is_approved()
    assert flow.call_backs()[0]["completed"]
    assert "Released by alice.martin@northwind.example" in flow.told_there()[-1]
    [proof] = flow.proofs()
    assert (proof["step"], proof["call"]["by"]["name"], proof["ended"]["by"]) == ("RELEASED", "Ben Okafor", ALICE)
    assert proof["may_release"] == [BEN, ALICE]
    assert proof["call"]["number_from"] == "number from the contract of 2021"
    confirmed = [row.body for row in flow.store.evidence(flow.key()) if row.body.get("step") == "CLEARED"]
    assert confirmed[-1]["concerns"][0]["state"] == "RELEASED"
    assert flow.store.verify_evidence() == []


def test_a_call_back_says_what_to_do_and_nothing_of_an_account(payees: Company) -> None:
    flow = payees()
    flow.change_bank()
    flow.run()
    told = flow.call_back()["notes"]
    for words in ("Call the vendor on a number that you know from elsewhere", "called: whom you called", "500.00 USD", BEN):
        assert words in told
    flow.say(ERIN, "called: Jo, number 555 0100 777 from the contract, 2026-11-23, IBAN DE89 3704 0044 0532 0130 00 confirmed")
    flow.say(BEN, "release")
    flow.run()
    kept = str(flow.proofs()) + str(flow.changes())
    assert "•••77 from the contract" in kept
    for number in ("0100", "3704"):
        assert number not in kept


def test_bills_of_one_vendor_wait_for_one_call_and_go_on_together(payees: Company) -> None:
    """Another vendor's bill, and one that comes after the release, wait for nothing."""
    flow = payees()
    flow.enter()
    flow.enter(vendor_id=next(one["vendor_id"] for one in flow.vendors() if one["vendor_id"] != flow.vendor_id))
    flow.change_bank()
    flow.run()
    assert [len(flow.warned(bill)) for bill in range(3)] == [1, 1, 0]
    assert len(flow.call_backs()) == 1
    flow.say(ERIN, CALLED)
    flow.say(BEN, "release")
    flow.run()
    assert "2 bills go on." in flow.told_there()[-1]
    flow.enter()
    flow.run()
    assert flow.concerns(3) == []
    for bill in range(4):
        flow.choose(BEN, "Approved", bill=bill)
    flow.heal()
    for bill in range(4):
        flow.is_approved(bill)


@pytest.mark.parametrize(
    "harmless",
    [
        "a new name and new terms",
        "our own field",
        "a change before the last payment",
        "a paid bill",
    ],
)
def test_what_is_no_concern(payees: Company, harmless: str) -> None:
    rule = f"{BLOCK}, names_fields: CHANGEDFIELDS, unsure_hours: 0"
    flow = payees(rule=rule, settings={"audit_names_fields": "CHANGEDFIELDS"})
    if harmless == "a new name and new terms":
        flow.edit_vendor(name="Contoso International Ltd", term="N60")
    elif harmless == "our own field":
        flow.edit_vendor("xml_gateway", comments="written by the integration")
    elif harmless == "a change before the last payment":
        other = flow.enter(synced=False)
        flow.change_bank()
        flow.pay(other)
    else:
        flow.pay(flow.bills[0])
        flow.change_bank()
    flow.run()
    assert (flow.concerns(), flow.call_backs()) == ([], [])
    if harmless != "a paid bill":
        flow.approve(ALICE)
        flow.heal()
        flow.is_approved()


def test_a_change_after_the_approval_is_told_and_the_bill_is_held_until_the_release(payees: Company) -> None:
    """Also where the vendor was paid since: what is approved and not paid yet may go to the new account."""
    flow = payees(rule=f"{BLOCK}, hold: true")
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()
    flow.change_bank()
    flow.pay(flow.enter(synced=False))
    flow.heal()
    assert "after the bill was approved" in flow.warned()[0]
    assert flow.bill()["on_hold"] is True
    flow.say(ERIN, CALLED)
    flow.say(BEN, "release")
    flow.heal()
    assert flow.bill()["on_hold"] is False
    flow.is_approved()
    assert [one["step"] for one in flow.proofs(about="hold")] == ["HELD", "RELEASED"]
    assert flow.store.verify_evidence() == []


def test_a_hold_of_somebody_else_stays_and_who_entered_a_held_bill_is_known_still(payees: Company) -> None:
    flow = payees(rule=f"{BLOCK}, hold: true")
    flow.enter()
    flow.edit(bill=1, on_hold=True)
    flow.change_bank()
    flow.heal()
    assert [flow.bill(place)["on_hold"] for place in range(2)] == [True, True]
    flow.say(ERIN, CALLED)
    flow.say(BEN, "release")
    flow.heal()
    assert [flow.bill(place)["on_hold"] for place in range(2)] == [False, True]
    flow.approve(ALICE)
    flow.heal()
    flow.is_approved()


def test_a_payment_soon_after_the_change_proves_nothing_and_a_bill_that_comes_later_waits_too(payees: Company) -> None:
    """Nobody documents by which clock the history goes."""
    flow = payees()
    other = flow.enter(synced=False)
    flow.change_bank()
    flow.pass_time(hours=10)
    flow.pay(other)
    flow.run()
    assert len(flow.warned()) == 1
    flow.enter()
    flow.run()
    assert len(flow.warned(2)) == 1
    flow.pass_time(hours=10)
    flow.pay(flow.enter(synced=False))
    flow.enter()
    flow.run()
    assert [len(flow.concerns(bill)) for bill in (0, 2, 4)] == [1, 1, 0]


def test_another_change_is_another_concern_and_another_call(payees: Company) -> None:
    """While the first is open, nobody's earlier call answers it; after a release it is asked anew."""
    flow = payees()
    flow.change_bank()
    flow.run()
    flow.say(ERIN, CALLED)
    flow.change_bank()
    flow.run()
    first, second = flow.call_backs()
    assert (first["completed"], second["completed"]) == (True, False)
    assert "changed again in Intacct" in flow.told_there(0)[-1]
    flow.say(BEN, "release")
    flow.run()
    assert "Nobody noted a call yet" in flow.told_there()[-1]
    flow.say(ERIN, CALLED)
    flow.say(BEN, "release")
    flow.run()
    assert [str(one.state) for one in flow.changes()] == ["PASSED", "RELEASED"]
    flow.change_bank()
    flow.run()
    assert len(flow.call_backs()) == 3
    assert [str(one.state) for one in flow.concerns()] == ["ENDED", "RELEASED", "OPEN"]


def test_fraud_keeps_the_bills_until_the_vendor_is_put_right(payees: Company) -> None:
    flow = payees()
    flow.approve(ALICE)
    flow.change_bank()
    flow.run()
    flow.say(BEN, "confirmed fraud: the vendor knows of no new bank")
    flow.run()
    assert "It was said to be fraud. An approval of this bill waits until" in flow.concerns()[-1].words
    flow.heal()
    assert "said at" in flow.told_there()[-1]
    assert (flow.states(), flow.proofs()[-1]["step"]) == (["PARKED"], "FRAUD")
    flow.change_bank("mgarcia")
    flow.heal()
    flow.say(ERIN, CALLED)
    flow.say(BEN, "release")
    flow.heal()
    flow.is_approved()


def test_a_history_that_may_not_be_read_is_said_once_of_the_run_and_approvals_wait(payees: Company) -> None:
    flow = payees()
    flow.sandbox.settings(denied_objects=["AUDITHISTORY"])
    flow.approve(ALICE)
    failed = flow.cycle()
    assert len(failed) == 1
    assert "no approval is carried out until it can be read" in failed[0].message
    assert (flow.states(), flow.comments()) == (["RECORDED"], [])
    flow.sandbox.settings(denied_objects=[])
    flow.heal()
    flow.is_approved()


def test_where_it_only_advises_nothing_waits_for_the_history_nor_for_anybody(payees: Company) -> None:
    flow = payees(rule="mode: advise")
    flow.sandbox.settings(denied_objects=["AUDITHISTORY"])
    flow.approve(ALICE)
    assert "approvals go on" in flow.cycle()[0].message
    flow.is_approved()
    flow.sandbox.settings(denied_objects=[])
    flow.enter()
    flow.change_bank()
    flow.approve(ALICE, bill=1)
    flow.heal()
    flow.is_approved(1)
    assert [len(flow.warned(1)), len(flow.call_backs())] == [1, 0]


def test_a_lost_store_reads_the_release_from_the_task(payees: Company) -> None:
    flow = payees()
    flow.change_bank()
    flow.run()
    flow.say(ERIN, CALLED)
    flow.say(BEN, "release")
    flow.run()
    flow.lose_store()
    assert [str(one.state) for one in flow.concerns()] == ["RELEASED"]
    assert len(flow.call_backs()) == 1


def test_a_call_back_that_somebody_deletes_is_made_anew(payees: Company) -> None:
    flow = payees()
    flow.change_bank()
    flow.run()
    flow.pass_time(1)
    flow.sandbox.act("asana", ERIN, "delete", task=flow.call_back()["gid"])
    flow.run()
    flow.run()
    flow.say(ERIN, CALLED)


def test_a_rehearsal_says_what_it_found_and_keeps_nothing(payees: Company) -> None:
    flow = payees()
    flow.change_bank()
    text = flow.path.read_text(encoding="utf-8")
    flow.path.write_text("rehearsal: true\n" + text, encoding="utf-8")
    flow.reload()
    said = flow.check()["said"]
    assert "would be told on its task: The record of vendor" in str(said)
    flow.path.write_text(text, encoding="utf-8")
    flow.reload()
    assert (flow.concerns(), flow.call_backs()) == ([], [])


def test_one_call_a_run_when_nothing_changed(payees: Company) -> None:
    """One for the ledger of all bills, which every control shares, and one for the history."""
    flow = payees()
    flow.run()
    calls = {name: count for name, count in flow.calls_of(flow.check).items() if count}
    assert sum(calls.values()) == 2, calls
    assert sum(count for name, count in calls.items() if "AUDITHISTORY" in name) == 1


def test_preflight_says_what_the_history_tells_and_who_cannot_be_asked(payees: Company) -> None:
    flow = payees(rule=f"{BLOCK}, names_fields: CHANGEDFIELDS", settings={"audit_names_fields": "CHANGEDFIELDS"})
    assert any(row["check"] == f"assignee or follower {ERIN}" and row["ok"] == "yes" for row in flow.preflight())

    def history() -> dict[str, str]:
        rows: list[dict[str, str]] = flow.step(CheckIntacctOperator(task_id="intacct", flow="small"))
        return next(row for row in rows if row["check"] == "Intacct vendors' history")

    assert "names no field in CHANGEDFIELDS" in history()["result"]
    flow.change_bank()
    assert history()["result"] == "says who changed a vendor and when, and in CHANGEDFIELDS what"
    flow.sandbox.settings(audit_names_fields="")
    assert "or mend `names_fields`" in history()["result"]
    flow.now_says(BLOCK)
    assert "cannot tell what" in history()["result"]
    flow.sandbox.settings(denied_objects=["AUDITHISTORY"])
    assert (history()["ok"], "View permission on custom reports" in history()["result"]) == ("no", True)


def test_a_vendor_that_was_paid_since_is_asked_about_no_further_time(payees: Company) -> None:
    """Bills that come later cost no call, however long the vendor is not changed again."""
    flow = payees(rule="mode: advise, unsure_hours: 0")
    flow.change_bank()
    flow.pay(flow.enter(synced=False))
    flow.run()
    assert [str(one.state) for one in flow.changes()] == ["PASSED"]
    flow.enter()
    calls = flow.calls_of(flow.check)
    assert not [name for name in calls if "APPYMT" in name], calls
    assert flow.concerns() == []


def test_an_approval_that_was_chosen_after_the_last_look_waits_for_the_next(payees: Company) -> None:
    flow = payees()
    flow.pass_time(minutes=30)
    flow.approve(ALICE)
    flow.read()
    settled = flow.settle()
    assert (flow.states(), settled["waiting"]) == (["RECORDED"], 1)
    flow.heal()
    flow.is_approved()


def test_a_hold_without_an_answer_is_settled_when_the_release_comes_before_anybody_looked(payees: Company) -> None:
    flow = payees(rule=f"{BLOCK}, hold: true")
    flow.approve(ALICE)
    flow.change_bank()
    flow.read()
    flow.sandbox.fault("intacct", "update APBILL", "lost_answer")
    flow.sandbox.fault("intacct", "query APBILL", "html", on_call=5, times=20)
    with pytest.raises(IntacctAsanaError):
        flow.check()
    flow.sandbox.clear_faults()
    assert flow.store.intents().about([flow.key()])[-1].state.is_in_doubt
    flow.say(ERIN, CALLED)
    flow.say(BEN, "release")
    flow.heal()
    assert flow.bill()["on_hold"] is False
    flow.is_approved()
    assert [one["step"] for one in flow.proofs(about="hold")] == ["HELD", "RELEASED"]


def test_with_new_bills_on_hold_until_they_are_approved_each_hold_goes_with_its_own_reason(payees: Company) -> None:
    """A bill that comes after the change, one that was on hold before it, and one whose hold its approval had lifted."""
    flow = payees(rule=f"{BLOCK}, hold: true")
    text = flow.path.read_text(encoding="utf-8")
    flow.path.write_text(text.replace("[stamp]", "[stamp, release_hold]\n  intake: [hold]"), encoding="utf-8")
    flow.reload()
    flow.heal()
    for bill in (1, 2):
        flow.enter()
        flow.heal()
        assert flow.bill(bill)["on_hold"] is True
    flow.approve(ALICE, bill=1)
    flow.heal()
    assert flow.bill(1)["on_hold"] is False
    flow.change_bank()
    flow.enter()
    flow.heal()
    flow.say(ERIN, CALLED)
    flow.say(BEN, "release")
    flow.heal()
    assert [flow.bill(bill)["on_hold"] for bill in (1, 2, 3)] == [False, True, True]
    assert not any("was lifted in Intacct" in text for bill in (1, 2, 3) for text in flow.comments(bill))
    for bill in (2, 3):
        flow.approve(ALICE, bill=bill)
    flow.heal()
    assert [flow.bill(bill)["on_hold"] for bill in (1, 2, 3)] == [False, False, False]
    for bill in (1, 2, 3):
        flow.is_approved(bill)


def test_a_flow_that_names_the_control_no_more_ends_its_concerns_and_lifts_no_hold(payees: Company) -> None:
    flow = payees(rule=f"{BLOCK}, hold: true")
    flow.approve(ALICE)
    flow.change_bank()
    flow.heal()
    text = flow.path.read_text(encoding="utf-8")
    rule = next(line for line in text.splitlines() if "payee_change" in line)
    flow.path.write_text(text.replace(rule, "  duplicates: {mode: advise}"), encoding="utf-8")
    flow.reload()
    assert "is on hold still" in str(flow.check()["said"])
    assert ([str(one.state) for one in flow.concerns()], flow.bill()["on_hold"]) == (["ENDED"], True)
    flow.heal()
    flow.is_approved()


def test_where_nobody_can_tell_whether_the_vendor_was_paid_its_approvals_wait_and_what_is_open_stays(payees: Company) -> None:
    """The second change takes the place of the first, and what holds now is not known: so the first one's hold stays."""
    flow = payees(rule=f"{BLOCK}, hold: true")
    other = next(one["vendor_id"] for one in flow.vendors() if one["vendor_id"] != flow.vendor_id)
    flow.enter()
    flow.enter(vendor_id=other)
    flow.change_bank()
    flow.run()
    flow.enter(vendor_id=other)
    flow.run()
    flow.change_bank()
    flow.change_bank(vendor=other)
    for bill in (0, 2):
        flow.approve(ALICE, bill=bill)
    flow.sandbox.settings(denied_objects=["APPYMT"])
    assert any("vendor" in str(failed) for failed in flow.cycle())
    assert (flow.states(0), flow.states(2), flow.bill(0)["on_hold"]) == (["RECORDED"], ["RECORDED"], True)
    flow.sandbox.settings(denied_objects=[])
    flow.heal()
    assert [flow.states(bill) for bill in (0, 2)] == [["PARKED"], ["PARKED"]]
    assert len(flow.call_backs()) == 2


def test_when_the_check_fails_before_the_history_is_read_an_approval_that_waited_waits_on(payees: Company) -> None:
    """It was chosen before an earlier look, and its bill is as it was then."""
    flow = payees(rule=BLOCK)
    flow.approve(ALICE)
    flow.read()
    flow.pass_time(1)
    flow.check()
    flow.change_bank()
    flow.sandbox.fault("intacct", "query APBILL", "refuse", times=1)
    with pytest.raises(IntacctAsanaError):
        flow.check()
    flow.settle()
    assert flow.states() == ["RECORDED"]
    flow.heal()
    assert flow.states() == ["PARKED"]


def test_a_hold_that_a_rejection_wants_stays_when_the_vendor_is_released(payees: Company) -> None:
    flow = payees(rule=f"{BLOCK}, hold: true")
    text = flow.path.read_text(encoding="utf-8")
    flow.path.write_text(text.replace("[stamp]", "[stamp]\n  on_reject: [stamp, hold]"), encoding="utf-8")
    flow.reload()
    flow.change_bank()
    flow.heal()
    flow.act(BEN, "comment", text="we did not order that")
    flow.choose(BEN, "Rejected")
    flow.heal()
    assert (flow.says()[0], flow.bill()["on_hold"]) == ("rejected", True)
    flow.say(ERIN, CALLED)
    flow.say(BEN, "release")
    flow.heal()
    assert flow.call_backs()[0]["completed"]
    assert flow.bill()["on_hold"] is True


def test_a_vendor_whose_bills_have_no_task_here_is_in_nobodys_way(payees: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other entities' bills are known too, and their vendors wait longer than any run."""
    monkeypatch.setattr(callbacks, "MOST_ASKED", 1)
    flow = payees()
    other = next(one["vendor_id"] for one in flow.vendors() if one["vendor_id"] != flow.vendor_id)
    flow.enter(vendor_id=other, synced=False)
    flow.change_bank(vendor=other)
    flow.change_bank()
    flow.run()
    assert (len(flow.call_backs(other)), len(flow.call_backs())) == (0, 1)


def test_only_bills_that_have_a_task_here_are_held(payees: Company) -> None:
    """Of the others nobody would be asked, and so nobody could release them."""
    flow = payees(rule=f"{BLOCK}, hold: true")
    other = next(one["vendor_id"] for one in flow.vendors() if one["vendor_id"] != flow.vendor_id)
    flow.enter(vendor_id=other, synced=False)
    flow.change_bank(vendor=other)
    flow.run()
    assert (len(flow.concerns(1)), flow.call_backs(other), flow.bill(1)["on_hold"]) == (1, [], False)
    flow.heal()
    assert (len(flow.call_backs(other)), flow.bill(1)["on_hold"]) == (1, True)
