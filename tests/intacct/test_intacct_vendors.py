"""Writing onto a vendor: custom fields and nothing else, once, and nobody knows is said when nobody knows."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, OutcomeUnknown, Refused
from intacct_asana.intacct.hook import IntacctHook
from intacct_asana.records import ReadWindow, Vendor

FIELDS = ("ASANA_TEAM", "ASANA_APPROVER")


def a_vendor(hook: IntacctHook) -> Vendor:
    return next(vendor for page in hook.vendors(ReadWindow()) for vendor in page)


def writes(sandbox: Any) -> int:
    return sandbox.counters().get("intacct WRITE", 0)  # type: ignore[no-any-return]


def test_an_update_changes_the_named_custom_fields_and_nothing_else(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook(vendor_custom_fields=FIELDS)
    vendor = a_vendor(hook)
    before = next(one for one in sandbox.state("intacct")["vendors"] if one["vendor_id"] == vendor.vendor_id)
    hook.update_vendor(vendor.record_no, values={"ASANA_TEAM": "IT", "ASANA_APPROVER": "a&b <x>"}, control_id="c1")
    after = next(one for one in sandbox.state("intacct")["vendors"] if one["vendor_id"] == vendor.vendor_id)
    assert after["custom"] == {"ASANA_TEAM": "IT", "ASANA_APPROVER": "a&b <x>"}
    moved = ("custom", "modified_at", "modified_by")
    assert {name: after[name] for name in after if name not in moved} == {
        name: before[name] for name in before if name not in moved
    }
    assert hook.vendor(vendor.vendor_id).custom == {"ASANA_TEAM": "IT", "ASANA_APPROVER": "a&b <x>"}
    assert writes(sandbox) == 1


def test_empty_text_clears_a_field(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook(vendor_custom_fields=FIELDS)
    vendor = a_vendor(hook)
    for number, value in enumerate(("IT", "")):
        hook.update_vendor(vendor.record_no, values={"ASANA_TEAM": value}, control_id=f"c{number}")
    assert hook.vendor(vendor.vendor_id).custom["ASANA_TEAM"] == ""


@pytest.mark.parametrize(
    "name", ["TAXID", "NAME", "STATUS", "ONHOLD", "RECORDNO", "VENDORCONTACTS", "ACHACCOUNTNUMBER", "NO_SUCH"]
)
def test_only_custom_fields_of_a_vendor_can_be_written(sandbox: Any, a_hook: Any, name: str) -> None:
    with pytest.raises(Misconfigured, match=name):
        a_hook().update_vendor("1", values={name: "x"}, control_id="c")
    assert writes(sandbox) == 0


def test_a_value_that_the_picklist_lacks_is_refused_before_anything_is_sent(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    with pytest.raises(Refused, match="takes Facilities, IT, Marketing, Operations only, not 'Legal'"):
        hook.update_vendor(a_vendor(hook).record_no, values={"ASANA_TEAM": "Legal"}, control_id="c")
    assert hook.calls["update VENDOR"] == 0


@pytest.mark.parametrize("answer", ["no_status", "error"])
def test_a_repeated_control_id_is_an_unknown_outcome(sandbox: Any, a_hook: Any, answer: str) -> None:
    sandbox.settings(duplicate_answer=answer)
    hook = a_hook()
    record_no = a_vendor(hook).record_no
    hook.update_vendor(record_no, values={"ASANA_TEAM": "IT"}, control_id="c1")
    with pytest.raises(OutcomeUnknown):
        hook.update_vendor(record_no, values={"ASANA_TEAM": "IT"}, control_id="c1")
    assert writes(sandbox) == 1


@pytest.mark.parametrize(
    ("action", "is_done"), [("lost_answer", True), ("no_status", True), ("drop", False), ("status:503", False)]
)
def test_no_clear_answer_means_that_nobody_knows_and_nothing_is_sent_again(
    sandbox: Any, a_hook: Any, action: str, is_done: bool
) -> None:
    hook = a_hook(vendor_custom_fields=FIELDS)
    vendor = a_vendor(hook)
    sandbox.fault("intacct", "update VENDOR", action)
    with pytest.raises(OutcomeUnknown, match="c1"):
        hook.update_vendor(vendor.record_no, values={"ASANA_TEAM": "IT"}, control_id="c1")
    assert hook.calls["update VENDOR"] == 1
    assert (hook.vendor(vendor.vendor_id).custom["ASANA_TEAM"] == "IT") is is_done


def test_a_read_only_connection_sends_no_vendor(sandbox: Any, a_hook: Any) -> None:
    with pytest.raises(Misconfigured, match="read-only"):
        a_hook(extra={"read_only": True}).update_vendor("1", values={"ASANA_TEAM": "IT"}, control_id="c")
    assert sandbox.counters() == {}
    assert IntacctHook.update_vendor.changes_other_system


def test_vendor_ids_are_case_sensitive(sandbox: Any, a_hook: Any) -> None:
    hook = a_hook()
    vendor_id = a_vendor(hook).vendor_id
    assert hook.vendor(vendor_id).vendor_id == vendor_id
    assert hook.vendor(vendor_id.lower()) is None
    assert hook.vendor("V-NONE") is None
