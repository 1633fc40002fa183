"""What people do to a bill while others decide about it: each edit names who made it and when."""

from __future__ import annotations

from typing import Any

import pytest

AUDITED = "<equalto><field>ACCESSMODE</field><value>M</value></equalto>"


@pytest.fixture
def bill(sandbox: Any) -> dict[str, Any]:
    told = sandbox.act(
        "intacct", "mgarcia", "create_bill", state="Posted", currency="USD", lines=[{"amount": "400"}, {"amount": "100"}]
    )
    made: dict[str, Any] = told["bill"]
    sandbox.clock(advance_seconds=60)
    return made


def edited(sandbox: Any, bill: dict[str, Any], **changes: Any) -> dict[str, Any]:
    told = sandbox.act("intacct", "jchen", "edit_bill", record_no=bill["record_no"], changes=changes)
    now: dict[str, Any] = told["bill"]
    return now


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"amount": "40000"}, {"total_entered": "40000.00", "total_due": "40000.00"}),
        ({"vendor_id": "V1002"}, {"vendor_id": "V1002"}),
        ({"due_on": "2031-01-31"}, {"due_on": "2031-01-31"}),
        ({"description": "something else"}, {"description": "something else"}),
        ({"bill_number": "INV-2"}, {"bill_number": "INV-2"}),
        ({"currency": "EUR"}, {"currency": "EUR", "transaction_total_entered": "500.00", "total_entered": "542.25"}),
        ({"line": 2, "amount": "9.90"}, {"total_entered": "409.90"}),
        ({"add_line": {"amount": "1"}}, {"total_entered": "501.00"}),
    ],
)
def test_each_edit_is_seen_with_who_made_it_and_when(
    sandbox: Any, bill: dict[str, Any], changes: dict[str, Any], shown: dict[str, Any]
) -> None:
    now = edited(sandbox, bill, **changes)
    assert {name: now[name] for name in shown} == shown
    assert (now["created_by"], now["modified_by"]) == ("mgarcia", "jchen")
    assert now["modified_at"] > bill["modified_at"]


def test_an_edit_leaves_its_row_in_the_audit_history(sandbox: Any, gateway: Any, bill: dict[str, Any]) -> None:
    edited(sandbox, bill, description="x")
    rows = gateway.rows("AUDITHISTORY", "ID OBJECTTYPE OBJECTKEY USERID SOURCE", AUDITED, order="ID")
    assert [(row["OBJECTTYPE"], row["OBJECTKEY"], row["USERID"]) for row in rows] == [("apbill", bill["record_no"], "jchen")]


def test_what_a_vendor_is_owed_moves_with_its_bill(sandbox: Any, bill: dict[str, Any]) -> None:
    def owed() -> dict[str, float]:
        return {vendor["vendor_id"]: float(vendor["total_due"]) for vendor in sandbox.state("intacct")["vendors"]}

    before = owed()
    edited(sandbox, bill, vendor_id="V1002")
    after = owed()
    assert after["V1002"] - before["V1002"] == 500
    assert before[bill["vendor_id"]] - after[bill["vendor_id"]] == 500


@pytest.mark.parametrize("touches", [False, True])
def test_other_content_under_the_same_attachment_id_need_not_show_on_the_bill(
    sandbox: Any, gateway: Any, bill: dict[str, Any], touches: bool
) -> None:
    sandbox.settings(attachment_touches_bill=touches)
    first, second = [{"text": "%PDF one"}], [{"text": "%PDF two"}]
    record_no = bill["record_no"]
    attached = sandbox.act("intacct", "jchen", "attach_document", record_no=record_no, document_id="D-1", files=first)["bill"]
    ask = '<get object="supdoc" key="D-1"/>'
    before = gateway.data(ask).findtext(".//attachmentdata")
    sandbox.clock(advance_seconds=60)
    sandbox.act("intacct", "cruiz", "replace_document", document_id="D-1", files=second)
    now = next(one for one in sandbox.state("intacct")["bills"] if one["record_no"] == record_no)
    assert gateway.data(ask).findtext(".//attachmentdata") != before
    assert now["document_id"] == "D-1"
    assert (now["modified_at"] > attached["modified_at"], now["modified_by"] == "cruiz") == (touches, touches)
    rows = gateway.rows("AUDITHISTORY", "ID OBJECTTYPE OBJECTKEY USERID", AUDITED, order="ID")
    assert ("supdoc", "D-1", "cruiz") in [(row["OBJECTTYPE"], row["OBJECTKEY"], row["USERID"]) for row in rows]


def test_a_bill_may_carry_a_stamp_that_nobody_here_made(sandbox: Any) -> None:
    sandbox.reset(stamped=2)
    assert sum(bool(bill["stamps"]["ASANA_DECISION"]) for bill in sandbox.state("intacct")["bills"]) == 2
    made = sandbox.act("intacct", "mgarcia", "create_bill", ASANA_DECISION="Approved", ASANA_DECISION_ID="dec-1")["bill"]
    assert (made["stamps"]["ASANA_DECISION"], made["stamps"]["ASANA_DECISION_ID"]) == ("Approved", "dec-1")
    assert edited(sandbox, made, ASANA_DECISION="")["stamps"]["ASANA_DECISION"] == ""


@pytest.mark.parametrize(
    ("action", "told"),
    [
        ("replace_document", {"document_id": "nothing", "files": []}),
        ("delete_document", {"document_id": "nothing"}),
        ("edit_bill", {"record_no": "1", "changes": {"nope": "1"}}),
        ("create_bill", {"nope": "1"}),
        ("edit_user", {"login": "jchen", "changes": {"nope": 1}}),
        ("edit_user", {"login": "jchen", "changes": {"status": "asleep"}}),
        ("delete_user", {"login": "nobody"}),
    ],
)
def test_what_cannot_be_done_is_refused(sandbox: Any, action: str, told: dict[str, Any]) -> None:
    with pytest.raises(AssertionError, match="422"):
        sandbox.act("intacct", "mgarcia", action, **told)
