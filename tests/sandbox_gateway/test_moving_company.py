"""A company that moves while it is read: late commits, acts between pages, deletions and how the audit history shows them."""

from __future__ import annotations

from typing import Any

import pytest

DELETED = (
    "<and><equalto><field>OBJECTTYPE</field><value>{}</value></equalto>"
    "<equalto><field>ACCESSMODE</field><value>D</value></equalto></and>"
)


@pytest.fixture
def bill(sandbox: Any) -> str:
    number: str = sandbox.act("intacct", "mgarcia", "create_bill", amount="10.00")["record_no"]
    return number


def references(gateway: Any) -> dict[str, tuple[str, str]]:
    rows = gateway.rows("APBILL", "RECORDNO DOCNUMBER WHENMODIFIED")
    return {row["RECORDNO"]: (row["DOCNUMBER"], row["WHENMODIFIED"]) for row in rows}


def deleted(gateway: Any, kind: str = "apbill") -> list[str]:
    return [row["OBJECTKEY"] for row in gateway.rows("AUDITHISTORY", "ID OBJECTKEY", DELETED.format(kind), order="ID")]


def test_a_late_commit_is_seen_later_than_its_own_time_says(sandbox: Any, gateway: Any, bill: str) -> None:
    sandbox.clock(freeze="2027-01-01T00:00:00Z")
    change = {"record_no": bill, "changes": {"reference": "late"}}
    sandbox.act("intacct", "mgarcia", "edit_bill", late_seconds=60, **change)
    sandbox.clock(advance_seconds=59)
    assert references(gateway)[bill][0] == ""
    sandbox.clock(advance_seconds=1)
    assert references(gateway)[bill] == ("late", "01/01/2027 00:00:00")


def test_a_late_change_of_a_bill_that_is_gone_by_then_never_happens(sandbox: Any, gateway: Any, bill: str) -> None:
    sandbox.act("intacct", "mgarcia", "edit_bill", late_seconds=5, record_no=bill, changes={"reference": "late"})
    sandbox.act("intacct", "mgarcia", "delete_bill", record_no=bill)
    sandbox.clock(advance_seconds=10)
    assert bill not in references(gateway)


def test_an_act_happens_when_the_chosen_call_arrives(sandbox: Any, gateway: Any, bill: str) -> None:
    detail = {"user": "mgarcia", "action": "edit_bill", "record_no": bill, "changes": {"reference": "between"}}
    sandbox.fault("intacct", "query APBILL", "act", on_call=2, detail=detail)
    seen = [references(gateway)[bill][0] for _ in range(3)]
    assert seen == ["", "between", "between"]


def test_an_act_that_cannot_be_done_any_more_does_not_disturb_the_call(sandbox: Any, gateway: Any, bill: str) -> None:
    sandbox.act("intacct", "mgarcia", "delete_bill", record_no=bill)
    detail = {"user": "mgarcia", "action": "delete_bill", "record_no": bill}
    sandbox.fault("intacct", "query APBILL", "act", detail=detail)
    assert bill not in references(gateway)
    assert "no bill" in sandbox.call("GET", "/_sandbox/faults")[0]["problem"]


@pytest.mark.parametrize(("form", "key"), [("recordno", "{}"), ("rec", "{}--REC")])
def test_a_deletion_is_audited_under_either_form_of_key(sandbox: Any, gateway: Any, bill: str, form: str, key: str) -> None:
    sandbox.settings(audit_object_key=form)
    sandbox.act("intacct", "mgarcia", "delete_bill", record_no=bill)
    assert deleted(gateway) == [key.format(bill)]


def test_audit_rows_may_come_late(sandbox: Any, gateway: Any, bill: str) -> None:
    sandbox.settings(audit_delay_seconds=300)
    sandbox.act("intacct", "mgarcia", "delete_bill", record_no=bill)
    assert deleted(gateway) == []
    sandbox.clock(advance_seconds=300)
    assert deleted(gateway) == [bill]


def test_a_broken_object_answers_with_the_general_error(sandbox: Any, gateway: Any) -> None:
    sandbox.settings(broken_objects=["AUDITHISTORY"])
    result = gateway.result("<query><object>AUDITHISTORY</object><select><field>ID</field></select></query>")
    assert result.findtext("status") == "failure"
    assert result.findtext("errormessage/error/errorno") == "DL02000001"


def test_only_a_vendor_that_nothing_refers_to_is_deleted(sandbox: Any, gateway: Any) -> None:
    sandbox.act("intacct", "mgarcia", "create_vendor", vendor_id="V-FREE", name="Free")
    sandbox.act("intacct", "mgarcia", "delete_vendor", vendor_id="V-FREE")
    assert deleted(gateway, "vendor") == ["V-FREE"]
    used = sandbox.state("intacct")["bills"][0]["vendor_id"]
    with pytest.raises(AssertionError, match="cannot be deleted"):
        sandbox.act("intacct", "mgarcia", "delete_vendor", vendor_id=used)


def test_a_bill_may_be_made_without_a_change_time(sandbox: Any, gateway: Any) -> None:
    number = sandbox.act("intacct", "mgarcia", "create_bill", without_change_time=True)["record_no"]
    assert references(gateway)[number][1] == ""
    lines = gateway.rows("APBILLITEM", "RECORDKEY WHENMODIFIED WHENCREATED")
    assert [(row["WHENMODIFIED"], bool(row["WHENCREATED"])) for row in lines if row["RECORDKEY"] == number] == [("", True)]
