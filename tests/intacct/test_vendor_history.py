"""Who made and changed vendors, as Intacct's history tells it, and when a vendor was paid last."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.records.payee import VendorEdit

VENDOR = "V1001"


def edits(hook: Any, **how: Any) -> list[VendorEdit]:
    found: list[VendorEdit] = hook.trails.vendor_edits(since_text="", **how)
    return [one for one in found if one.written == VENDOR or not one.written.startswith("V10")]


def test_the_history_tells_who_changed_a_vendor_and_when_but_not_what(sandbox: Any, a_hook: Any) -> None:
    sandbox.clock(freeze="2026-11-23T09:00:00+00:00")
    sandbox.act("intacct", "mgarcia", "change_payment_details", vendor_id=VENDOR)
    hook = a_hook()
    [edit] = edits(hook)
    told = (edit.by, edit.at, edit.at_text, edit.made_it, edit.fields)
    assert told == ("mgarcia", datetime(2026, 11, 23, 9, tzinfo=UTC), "11/23/2026 09:00:00", False, None)
    assert hook.trails.newest_vendor_edit() == "11/23/2026 09:00:00"


def test_a_company_whose_history_names_fields_says_what_changed(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(audit_names_fields="CHANGEDFIELDS")
    sandbox.act("intacct", "mgarcia", "change_payment_details", vendor_id=VENDOR)
    sandbox.act("intacct", "mgarcia", "edit_vendor", vendor_id=VENDOR, changes={"name": "New", "term": "N30"})
    found = [edit.fields for edit in edits(a_hook(), names_fields="CHANGEDFIELDS")]
    assert found == [("ACHBANKROUTINGNUMBER", "ACHACCOUNTNUMBER"), ("NAME", "TERMNAME")]


def test_who_made_a_vendor_is_told_apart_and_what_happens_to_bills_does_not_come(sandbox: Any, a_hook: Any) -> None:
    sandbox.act("intacct", "mgarcia", "create_bill")
    sandbox.act("intacct", "mgarcia", "create_vendor", vendor_id="NEW", name="New")
    assert [(edit.written, edit.made_it) for edit in edits(a_hook())] == [("NEW", True), ("NEW", False)]


def test_reading_goes_on_from_a_time_that_second_included(sandbox: Any, a_hook: Any) -> None:
    for hour in (9, 10):
        sandbox.clock(freeze=f"2026-11-23T{hour:02}:00:00+00:00")
        sandbox.act("intacct", "mgarcia", "change_payment_details", vendor_id=VENDOR)
    trails = a_hook().trails
    assert len(trails.vendor_edits(since_text="11/23/2026 10:00:00")) == 1
    assert trails.vendor_edits(since_text="11/23/2026 10:00:01") == []


def test_a_history_or_a_field_of_it_that_may_not_be_read_is_an_error(sandbox: Any, a_hook: Any) -> None:
    with pytest.raises(IntacctAsanaError, match="NOSUCHFIELD"):
        a_hook().trails.vendor_edits(since_text="", names_fields="NOSUCHFIELD")
    sandbox.settings(denied_objects=["AUDITHISTORY"])
    with pytest.raises(IntacctAsanaError):
        a_hook().trails.vendor_edits(since_text="")


def test_the_last_payment_is_one_that_moved_money(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    sandbox.clock(freeze="2026-11-23T09:00:00+00:00")
    bill = sandbox.act("intacct", "mgarcia", "create_bill", amount="100.00", state="Posted")
    vendor = bill["bill"]["vendor_id"]
    before = hook.trails.last_payment(vendor)
    sandbox.act("intacct", "mgarcia", "select_bill", record_no=bill["record_no"], amount="10.00")
    assert hook.trails.last_payment(vendor) == before
    sandbox.act("intacct", "mgarcia", "pay_bill", record_no=bill["record_no"], amount="20.00")
    assert hook.trails.last_payment(vendor) == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert hook.trails.last_payment("NOBODY") is None
