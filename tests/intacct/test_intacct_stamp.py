"""The one write: what it does, what it refuses, and what it says when nobody can know whether it was done."""

from __future__ import annotations

import time
from datetime import date
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, OutcomeUnknown, Refused, TryLater
from intacct_asana.intacct.hook import IntacctHook
from intacct_asana.records import Bill, BillState, ReadWindow

VALUES = {"ASANA_DECISION": "Approved", "ASANA_DECISION_REASON": "fine <b> & \x00good"}


def a_bill(hook: IntacctHook, state: BillState = BillState.POSTED) -> Bill:
    return next(bill for page in hook.bills(ReadWindow()) for bill in page if bill.state is state)


def stamp(hook: IntacctHook, bill: Bill, *, control_id: str = "decision-1", **more: Any) -> None:
    hook.stamp_bill(bill.record_no, values=VALUES, control_id=control_id, **more)


def writes(sandbox: Any) -> int:
    return sandbox.counters().get("intacct WRITE", 0)  # type: ignore[no-any-return]


@pytest.mark.parametrize("needed", [False, True])
def test_a_stamp_changes_the_custom_fields_and_nothing_else(sandbox: Any, a_hook: Any, needed: bool) -> None:
    sandbox.settings(update_needs_when_due=needed, update_needs_action=needed)
    hook = a_hook()
    before = a_bill(hook)
    stamp(hook, before, **({"due_on": before.due_on, "submit": True} if needed else {}))
    after = hook.bill(before.record_no)
    assert after is not None
    assert after.custom["ASANA_DECISION"] == "Approved"
    assert after.custom["ASANA_DECISION_REASON"] == "fine <b> & good"
    assert (after.state, after.due_on, after.lines, after.total_entered) == (
        before.state,
        before.due_on,
        before.lines,
        before.total_entered,
    )
    assert writes(sandbox) == 1


def test_a_refused_stamp_says_why_in_intaccts_words(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    with pytest.raises(Refused, match="state is Paid") as caught:
        stamp(hook, a_bill(hook, BillState.PAID))
    assert caught.value.code == "BL34000075"
    assert "support id" in str(caught.value)


@pytest.mark.parametrize("answer", ["no_status", "error"])
def test_a_repeated_control_id_is_an_unknown_outcome_and_writes_nothing(sandbox: Any, a_hook: Any, answer: str) -> None:
    sandbox.settings(duplicate_answer=answer)
    hook = a_hook()
    bill = a_bill(hook)
    stamp(hook, bill)
    with pytest.raises(OutcomeUnknown, match="read the record back"):
        stamp(hook, bill)
    assert writes(sandbox) == 1


@pytest.mark.parametrize(
    ("action", "is_done"),
    [
        ("lost_answer", True), ("status_after:500", True), ("status_after:524", True), ("no_status", True),
        ("empty", True), ("truncated", True), ("drop", False), ("status:503", False), ("aborted", False), ("html", False),
    ],
)  # fmt: skip
def test_no_clear_answer_means_that_nobody_knows_and_nothing_is_sent_again(
    sandbox: Any, a_hook: Any, action: str, is_done: bool
) -> None:
    hook = a_hook()
    bill = a_bill(hook)
    sandbox.fault("intacct", "update APBILL", action)
    with pytest.raises(OutcomeUnknown, match="decision-1"):
        stamp(hook, bill)
    assert hook.calls["update APBILL"] == 1
    now = hook.bill(bill.record_no)
    assert now is not None
    assert (now.custom["ASANA_DECISION"] == "Approved") is is_done


def test_a_write_that_a_limit_refused_is_sent_again_because_nothing_happened(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    bill = a_bill(hook)
    sandbox.fault("intacct", "update APBILL", "status:429", times=2, detail={"retry_after": "0.2"})
    started = time.monotonic()
    stamp(hook, bill)
    assert time.monotonic() - started >= 0.4
    assert (hook.calls["update APBILL"], writes(sandbox)) == (3, 1)
    assert hook.bill(bill.record_no).custom["ASANA_DECISION"] == "Approved"


def test_a_long_wait_before_a_write_is_left_to_airflow(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    bill = a_bill(hook)
    sandbox.fault("intacct", "update APBILL", "status:429", detail={"retry_after": "700"})
    with pytest.raises(TryLater) as caught:
        stamp(hook, bill)
    assert caught.value.wait_seconds == 700
    assert (hook.calls["update APBILL"], writes(sandbox)) == (1, 0)


def test_a_dead_session_costs_one_login_and_the_write_still_happens_once(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    bill = a_bill(hook)
    sandbox.act("intacct", "mgarcia", "end_sessions")
    stamp(hook, bill)
    assert (hook.calls["getAPISession"], hook.calls["update APBILL"], writes(sandbox)) == (2, 2, 1)


def test_a_read_only_connection_sends_no_write(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook(extra={"read_only": True})
    with pytest.raises(Misconfigured, match="intacct_default is read-only"):
        hook.stamp_bill("1", values=VALUES, control_id="d")
    assert sandbox.counters() == {}
    assert IntacctHook.stamp_bill.changes_other_system


@pytest.mark.parametrize("value", ["yes", "True", 1, "on", "readonly"])
def test_read_only_is_on_unless_it_clearly_says_off(a_hook: Any, value: Any) -> None:
    assert a_hook(extra={"read_only": value}).read_only
    assert not a_hook(extra={"read_only": "false"}).read_only


@pytest.mark.parametrize("name", ["TOTALENTERED", "ONHOLD", "STATE", "APBILLITEMS", "RECORDNO", "NO_SUCH", "A/B"])
def test_only_writable_custom_fields_can_be_stamped(sandbox: Any, a_hook: Any, name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        a_hook().stamp_bill("1", values={name: "x"}, control_id="d")
    assert writes(sandbox) == 0


def test_a_new_due_date_outlives_a_stamp(sandbox: Any, a_hook: Any) -> None:
    """The clerk moves it after the bill was read and before the stamp."""
    hook = a_hook()
    bill = a_bill(hook)
    sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bill.record_no, changes={"due_on": "2031-06-30"})
    stamp(hook, bill)
    assert hook.bill(bill.record_no).due_on == date(2031, 6, 30)


@pytest.mark.parametrize("setting", ["update_needs_when_due", "update_needs_action"])
def test_a_company_that_wants_more_than_the_fields_refuses_in_words(sandbox: Any, a_hook: Any, setting: str) -> None:
    sandbox.settings(**{setting: ["Posted"]})
    hook = a_hook()
    with pytest.raises(Refused, match="Required field"):
        stamp(hook, a_bill(hook))


def test_a_due_day_of_the_year_26_is_sent_back_as_it_is_and_named(
    sandbox: Any, a_hook: Any, caplog: pytest.LogCaptureFixture
) -> None:
    sandbox.settings(update_needs_when_due=True)
    hook = a_hook()
    bill = a_bill(hook)
    sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bill.record_no, changes={"due_on": "0026-01-05"})
    stamp(hook, hook.bill(bill.record_no), due_on=date(26, 1, 5))
    after = hook.bill(bill.record_no)
    assert (after.due_on, after.custom["ASANA_DECISION"]) == (date(26, 1, 5), "Approved")
    assert f"Bill {bill.record_no}: due date 0026-01-05 can hardly be meant" in caplog.text
