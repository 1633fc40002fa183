"""Writing to bills and vendors: what is accepted, what is refused, and that a call happens once."""

from __future__ import annotations

from typing import Any

import pytest

STAMP = "<ASANA_DECISION>Approved</ASANA_DECISION>"


def bill_in(sandbox: Any, state: str) -> dict[str, Any]:
    """Some bill in that state, made so if need be."""
    bills = sandbox.state("intacct")["bills"]
    found = next((bill for bill in bills if bill["state"] == state), None)
    return found or sandbox.act("intacct", "mgarcia", "set_state", record_no=bills[0]["record_no"], state=state)["bill"]


def bill_now(sandbox: Any, record_no: str) -> dict[str, Any]:
    return next(bill for bill in sandbox.state("intacct")["bills"] if bill["record_no"] == record_no)


@pytest.mark.parametrize(
    "state", ["Submitted", "Partially Approved", "Posted", "Partially Paid", "Selected", "Declined", "Draft"]
)
def test_a_stamp_is_accepted_while_a_bill_is_open(gateway: Any, sandbox: Any, state: str) -> None:
    bill = bill_in(sandbox, state)
    due = f"{bill['due_on'][5:7]}/{bill['due_on'][8:]}/{bill['due_on'][:4]}"
    result = gateway.update_bill(bill["record_no"], f"<WHENDUE>{due}</WHENDUE>{STAMP}")
    assert result.findtext("status") == "success"
    assert result.find("data/apbill/RECORDNO").text == bill["record_no"]
    after = bill_now(sandbox, bill["record_no"])
    assert after["stamps"]["ASANA_DECISION"] == "Approved"
    assert after["modified_by"] == "xml_gateway"
    assert after["lines"] == bill["lines"]


@pytest.mark.parametrize("state", ["Paid", "Reversed", "Reversal", "Analyzing", "No Value"])
def test_a_stamp_on_a_settled_bill_is_refused(gateway: Any, sandbox: Any, said: Any, state: str) -> None:
    bill = bill_in(sandbox, state)
    result = gateway.update_bill(bill["record_no"], STAMP)
    assert result.findtext("status") == "failure"
    assert [number for number, _ in said(result)] == ["BL34000075", "BL01001973"]
    assert bill_now(sandbox, bill["record_no"]) == bill


def test_the_states_that_take_a_stamp_are_a_setting(gateway: Any, sandbox: Any) -> None:
    bill = bill_in(sandbox, "Submitted")
    sandbox.settings(custom_field_update_states=["Posted"])
    assert gateway.update_bill(bill["record_no"], STAMP).findtext("status") == "failure"


@pytest.mark.parametrize("state", ["Submitted", "Partially Approved", "Selected", "Paid"])
def test_other_header_fields_are_refused_on_a_submitted_bill(gateway: Any, sandbox: Any, state: str) -> None:
    bill = bill_in(sandbox, state)
    for fields in ("<DESCRIPTION>x</DESCRIPTION>", "<WHENDUE>01/31/2031</WHENDUE>" + STAMP):
        assert gateway.update_bill(bill["record_no"], fields).findtext("status") == "failure"
    assert bill_now(sandbox, bill["record_no"]) == bill


def test_a_bill_can_be_put_on_hold(gateway: Any, sandbox: Any) -> None:
    bill = bill_in(sandbox, "Submitted")
    assert gateway.update_bill(bill["record_no"], "<ONHOLD>true</ONHOLD>").findtext("status") == "success"
    assert bill_now(sandbox, bill["record_no"])["on_hold"] is True


@pytest.mark.parametrize(
    ("action", "state"),
    [("", "Submitted"), ("<ACTION>Submit</ACTION>", "Submitted"), ("<ACTION>Draft</ACTION>", "Draft")],
)
def test_an_update_of_a_draft_submits_it_unless_told_to_stay(gateway: Any, sandbox: Any, action: str, state: str) -> None:
    bill = bill_in(sandbox, "Draft")
    gateway.update_bill(bill["record_no"], STAMP + action)
    assert bill_now(sandbox, bill["record_no"])["state"] == state


def test_without_approvals_a_submitted_draft_is_posted(gateway: Any, sandbox: Any) -> None:
    sandbox.settings(approvals_on=False)
    bill = bill_in(sandbox, "Draft")
    gateway.update_bill(bill["record_no"], "<ACTION>Submit</ACTION>")
    assert bill_now(sandbox, bill["record_no"])["state"] == "Posted"


def test_lines_that_are_not_sent_along_are_deleted(gateway: Any, sandbox: Any) -> None:
    made = sandbox.act("intacct", "mgarcia", "create_bill", lines=[{"amount": "10.00"}, {"amount": "20.50"}], state="Draft")
    number, first = made["record_no"], made["bill"]["lines"][0]["record_no"]
    items = f"<APBILLITEMS><APBILLITEM><RECORDNO>{first}</RECORDNO><TRX_AMOUNT>11.25</TRX_AMOUNT></APBILLITEM></APBILLITEMS>"
    assert gateway.update_bill(number, items + "<ACTION>Draft</ACTION>").findtext("status") == "success"
    after = bill_now(sandbox, number)
    assert [line["amount"] for line in after["lines"]] == ["11.25"]
    assert after["total_entered"] == after["total_due"] == "11.25"


@pytest.mark.parametrize(
    "fields", ["<STATE>Posted</STATE>", "<NOPE>1</NOPE>", "<ONHOLD>maybe</ONHOLD>", "<ACTION>Approve</ACTION>"]
)
def test_read_only_unknown_and_bad_values_are_refused(gateway: Any, sandbox: Any, fields: str) -> None:
    bill = bill_in(sandbox, "Posted")
    assert gateway.update_bill(bill["record_no"], STAMP + fields).findtext("status") == "failure"
    assert bill_now(sandbox, bill["record_no"]) == bill


def test_a_custom_field_that_nobody_created_is_refused(gateway: Any, sandbox: Any) -> None:
    sandbox.settings(missing_custom_fields=["ASANA_DECISION"])
    bill = bill_in(sandbox, "Submitted")
    assert gateway.update_bill(bill["record_no"], STAMP).findtext("status") == "failure"


def test_an_unknown_bill_is_refused(gateway: Any) -> None:
    assert gateway.update_bill("999999", STAMP).findtext("status") == "failure"


@pytest.mark.parametrize("unique", ["true", None])
def test_a_control_id_works_once_and_uniqueness_is_the_default(gateway: Any, sandbox: Any, unique: str | None) -> None:
    bill = bill_in(sandbox, "Submitted")
    first = gateway.update_bill(bill["record_no"], STAMP, unique=unique, control_ids=("d-1",))
    again = gateway.update_bill(
        bill["record_no"], "<ASANA_DECISION>Other</ASANA_DECISION>", unique=unique, control_ids=("d-1",)
    )
    assert first.findtext("status") == "success"
    assert again.find("status") is None
    assert bill_now(sandbox, bill["record_no"])["stamps"]["ASANA_DECISION"] == "Approved"
    assert sandbox.counters()["intacct WRITE"] == 1


def test_a_duplicate_can_also_be_an_error(gateway: Any, sandbox: Any, said: Any) -> None:
    sandbox.settings(duplicate_answer="error")
    bill = bill_in(sandbox, "Submitted")
    for _ in range(2):
        result = gateway.update_bill(bill["record_no"], STAMP, unique="true", control_ids=("d-1",))
    assert result.findtext("status") == "failure"
    assert said(result)[0][0] == "BL34000061"


def test_a_failed_attempt_does_not_burn_its_control_id(gateway: Any, sandbox: Any) -> None:
    bill = bill_in(sandbox, "Submitted")
    assert gateway.update_bill("0", STAMP, unique="true", control_ids=("d-1",)).findtext("status") == "failure"
    assert gateway.update_bill(bill["record_no"], STAMP, unique="true", control_ids=("d-1",)).findtext("status") == "success"


def test_without_uniqueness_a_control_id_may_come_again(gateway: Any, sandbox: Any) -> None:
    bill = bill_in(sandbox, "Submitted")
    for _ in range(2):
        assert gateway.update_bill(bill["record_no"], STAMP, control_ids=("d-1",)).findtext("status") == "success"


def test_one_update_of_two_bills_can_half_succeed(gateway: Any, sandbox: Any) -> None:
    good = bill_in(sandbox, "Submitted")["record_no"]
    both = "".join(f"<APBILL><RECORDNO>{number}</RECORDNO>{STAMP}</APBILL>" for number in (good, "0"))
    result = gateway.result(f"<update>{both}</update>")
    assert result.findtext("status") == "failure"
    assert result.find("data").get("count") == "1"
    assert bill_now(sandbox, good)["stamps"]["ASANA_DECISION"] == "Approved"


def test_a_transaction_takes_everything_back(gateway: Any, sandbox: Any, said: Any) -> None:
    before = sandbox.state("intacct")
    bill = bill_in(sandbox, "Draft")
    first = bill["lines"][0]["record_no"]
    items = f"<APBILLITEMS><APBILLITEM><RECORDNO>{first}</RECORDNO><TRX_AMOUNT>1</TRX_AMOUNT></APBILLITEM></APBILLITEMS>"
    calls = [
        f"<update><APBILL><RECORDNO>{bill['record_no']}</RECORDNO>{items}</APBILL></update>",
        "<create><VENDOR><VENDORID>V9</VENDORID><NAME>New</NAME></VENDOR></create>",
        f"<delete><object>APBILL</object><keys>{bill['record_no']}</keys></delete>",
        f"<update><APBILL><RECORDNO>0</RECORDNO>{STAMP}</APBILL></update>",
    ]
    results = gateway.ask(*calls, transaction=True).findall("operation/result")
    assert [result.findtext("status") for result in results] == ["aborted"] * 3 + ["failure"]
    assert said(results[0])[0][0] == "XL03000009"
    after = sandbox.state("intacct")
    order = lambda state: sorted(state["bills"], key=lambda each: int(each["record_no"]))  # noqa: E731
    assert order(after) == order(before)
    assert after["vendors"] == before["vendors"]
    assert after["deleted"] == []


def test_functions_of_one_request_run_for_themselves_without_a_transaction(gateway: Any, sandbox: Any) -> None:
    number = bill_in(sandbox, "Submitted")["record_no"]
    calls = [f"<update><APBILL><RECORDNO>{key}</RECORDNO>{STAMP}</APBILL></update>" for key in ("0", number)]
    results = gateway.ask(*calls).findall("operation/result")
    assert [result.findtext("status") for result in results] == ["failure", "success"]


def test_a_bill_can_be_created_and_deleted(gateway: Any, sandbox: Any) -> None:
    lines = (
        "<APBILLITEM><ACCOUNTNO>6100</ACCOUNTNO><TRX_AMOUNT>12.345</TRX_AMOUNT><DEPARTMENTID>100</DEPARTMENTID></APBILLITEM>"
    )
    result = gateway.result(
        "<create><APBILL><VENDORID>V1002</VENDORID><RECORDID>N-1</RECORDID><WHENCREATED>11/20/2026</WHENCREATED>"
        f"<WHENDUE>12/20/2026</WHENDUE><CURRENCY>USD</CURRENCY><APBILLITEMS>{lines}</APBILLITEMS></APBILL></create>"
    )
    number = result.findtext("data/apbill/RECORDNO")
    made = bill_now(sandbox, number)
    assert (made["state"], made["total_entered"], made["created_by"]) == ("Submitted", "12.35", "xml_gateway")
    deleted = gateway.result(f"<delete><object>APBILL</object><keys>{number}</keys></delete>")
    assert deleted.findtext("status") == "success"
    where = (
        "<and><equalto><field>OBJECTTYPE</field><value>apbill</value></equalto>"
        "<equalto><field>ACCESSMODE</field><value>D</value></equalto></and>"
    )
    assert [row["OBJECTKEY"] for row in gateway.rows("AUDITHISTORY", "ID OBJECTKEY ACCESSTIME", where, order="ID")] == [number]


def test_vendor_fields_are_written_by_id_or_number(gateway: Any, sandbox: Any) -> None:
    vendor = sandbox.state("intacct")["vendors"][0]
    for key in (f"<RECORDNO>{vendor['record_no']}</RECORDNO>", f"<VENDORID>{vendor['vendor_id']}</VENDORID>"):
        result = gateway.result(f"<update><VENDOR>{key}<ASANA_APPROVER>IT &amp; more</ASANA_APPROVER></VENDOR></update>")
        assert result.findtext("data/vendor/VENDORID") == vendor["vendor_id"]
    after = sandbox.state("intacct")["vendors"][0]
    assert after["custom"] == {"ASANA_APPROVER": "IT & more"}
    assert (after["name"], after["modified_by"]) == (vendor["name"], "xml_gateway")


def test_a_vendor_id_exists_once(gateway: Any, said: Any) -> None:
    result = gateway.result("<create><VENDOR><VENDORID>V1002</VENDORID><NAME>Again</NAME></VENDOR></create>")
    assert said(result)[0][0] == "BL34000061"


def test_change_times_move_with_every_change(gateway: Any, sandbox: Any) -> None:
    sandbox.clock(freeze="2030-01-02T03:04:05Z")
    number = bill_in(sandbox, "Submitted")["record_no"]
    gateway.update_bill(number, STAMP)
    where = f"<equalto><field>RECORDNO</field><value>{number}</value></equalto>"
    row = gateway.rows("APBILL", "WHENMODIFIED MODIFIEDBYLOGINID", where, options="<showprivate>true</showprivate>")[0]
    assert row == {"WHENMODIFIED": "01/02/2030 03:04:05", "MODIFIEDBYLOGINID": "xml_gateway"}


def a_vendor(sandbox: Any, vendor_id: str = "") -> dict[str, Any]:
    vendors: list[dict[str, Any]] = sandbox.state("intacct")["vendors"]
    return next(one for one in vendors if vendor_id in ("", one["vendor_id"]))


def update_vendor(gateway: Any, vendor: dict[str, Any], fields: str) -> Any:
    return gateway.result(f"<update><VENDOR><RECORDNO>{vendor['record_no']}</RECORDNO>{fields}</VENDOR></update>")


TEAM = "<ASANA_TEAM>IT</ASANA_TEAM>"


def test_a_picklist_takes_its_own_values_and_nothing_else(gateway: Any, sandbox: Any) -> None:
    vendor = a_vendor(sandbox)
    assert update_vendor(gateway, vendor, "<ASANA_TEAM>Legal</ASANA_TEAM>").findtext("status") == "failure"
    for value in ("IT", ""):
        assert update_vendor(gateway, vendor, f"<ASANA_TEAM>{value}</ASANA_TEAM>").findtext("status") == "success"
        assert a_vendor(sandbox)["custom"]["ASANA_TEAM"] == value


def test_an_empty_list_element_deletes_the_list_and_one_that_is_left_out_does_not(gateway: Any, sandbox: Any) -> None:
    vendor = a_vendor(sandbox)
    update_vendor(gateway, vendor, TEAM)
    assert a_vendor(sandbox)["contacts"] == ["Main contact"]
    update_vendor(gateway, vendor, "<VENDORCONTACTS></VENDORCONTACTS>")
    assert a_vendor(sandbox)["contacts"] == []


@pytest.mark.parametrize("shows", ["after", "before"])
@pytest.mark.parametrize("answer", ["approve_vendor", "decline_vendor"])
def test_with_vendor_approval_an_edit_waits_until_somebody_answers(gateway: Any, sandbox: Any, shows: str, answer: str) -> None:
    sandbox.settings(vendor_approvals_on=True, vendor_edit_shows=shows)
    vendor = a_vendor(sandbox)
    assert update_vendor(gateway, vendor, TEAM).findtext("status") == "success"
    now = a_vendor(sandbox)
    assert (now["state"], now["waiting"]) == ("S", {"ASANA_TEAM": "IT"})
    assert now["custom"] == ({"ASANA_TEAM": "IT"} if shows == "before" else {})
    assert sandbox.act("intacct", "mgarcia", "vendors_to_approve") == {"vendors": [vendor["vendor_id"]]}
    sandbox.act("intacct", "mgarcia", answer, vendor_id=vendor["vendor_id"])
    after = a_vendor(sandbox)
    approved = answer == "approve_vendor"
    assert (after["state"], after["waiting"]) == ("A" if approved else "R", {})
    assert after["custom"] == ({"ASANA_TEAM": "IT"} if approved else {})


def test_whether_custom_fields_wait_for_vendor_approval_is_a_setting(gateway: Any, sandbox: Any) -> None:
    sandbox.settings(vendor_approvals_on=True, vendor_custom_edits_wait=False)
    update_vendor(gateway, a_vendor(sandbox), TEAM)
    assert (a_vendor(sandbox)["state"], a_vendor(sandbox)["custom"]) == ("A", {"ASANA_TEAM": "IT"})
    update_vendor(gateway, a_vendor(sandbox), "<COMMENTS>x</COMMENTS>")
    assert a_vendor(sandbox)["state"] == "S"


@pytest.mark.parametrize(("name", "setting"), [("WHENDUE", "update_needs_when_due"), ("ACTION", "update_needs_action")])
@pytest.mark.parametrize(("needed", "refused"), [(False, False), (True, True), (["Posted"], True), (["Submitted"], False)])
def test_an_update_may_need_more_than_its_fields(
    gateway: Any, sandbox: Any, name: str, setting: str, needed: Any, refused: bool
) -> None:
    bill = bill_in(sandbox, "Posted")
    sandbox.settings(**{setting: needed})
    assert (gateway.update_bill(bill["record_no"], STAMP).findtext("status") == "failure") is refused
    due = f"{bill['due_on'][5:7]}/{bill['due_on'][8:]}/{bill['due_on'][:4]}"
    sent = {"WHENDUE": due, "ACTION": "Submit"}[name]
    assert gateway.update_bill(bill["record_no"], f"<{name}>{sent}</{name}>{STAMP}").findtext("status") == "success"


def test_an_old_due_date_sent_back_overwrites_a_new_one_on_a_posted_bill(gateway: Any, sandbox: Any) -> None:
    number = sandbox.act("intacct", "mgarcia", "create_bill", state="Posted", due_on="2031-01-31")["record_no"]
    sandbox.act("intacct", "mgarcia", "edit_bill", record_no=number, changes={"due_on": "2031-06-30"})
    gateway.update_bill(number, f"<WHENDUE>01/31/2031</WHENDUE>{STAMP}")
    assert bill_now(sandbox, number)["due_on"] == "2031-01-31"


@pytest.mark.parametrize(
    ("refuses", "stamp", "other"),
    [("changes", "success", "failure"), ("everything", "failure", "failure"), ("nothing", "success", "success")],
)
def test_closed_books_show_in_the_bills_summary_and_refuse_what_is_set(
    gateway: Any, sandbox: Any, said: Any, refuses: str, stamp: str, other: str
) -> None:
    bill = sandbox.act("intacct", "mgarcia", "create_bill", state="Posted")["bill"]
    wanted = f"<equalto><field>RECORDNO</field><value>{bill['record_no']}</value></equalto>"

    def summary() -> dict[str, str]:
        key = gateway.rows("APBILL", "RECORDNO PRBATCHKEY", wanted)[0]["PRBATCHKEY"]
        return next(row for row in gateway.rows("APBILLBATCH", "RECORDNO TITLE CREATED OPEN") if row["RECORDNO"] == key)

    assert summary()["OPEN"] == "Open"
    sandbox.settings(books_closed_through=bill["bill_date"], closed_books_refuse=refuses)
    assert summary()["OPEN"] == "Closed"
    assert gateway.update_bill(bill["record_no"], STAMP).findtext("status") == stamp
    result = gateway.update_bill(bill["record_no"], "<DESCRIPTION>x</DESCRIPTION>")
    assert result.findtext("status") == other
    assert other == "success" or "period that's been closed" in said(result)[0][1]


@pytest.mark.parametrize(("way", "kept"), [("refuse", ""), ("cut", "Appro")])
def test_a_custom_field_may_be_too_short_for_its_value(gateway: Any, sandbox: Any, way: str, kept: str) -> None:
    sandbox.settings(custom_field_length=5, custom_field_too_long=way)
    bill = sandbox.act("intacct", "mgarcia", "create_bill", state="Posted")["bill"]
    assert (gateway.update_bill(bill["record_no"], STAMP).findtext("status") == "success") is bool(kept)
    assert bill_now(sandbox, bill["record_no"])["stamps"]["ASANA_DECISION"] == kept
    assert gateway.update_bill(bill["record_no"], "<ASANA_DECISION>Fine</ASANA_DECISION>").findtext("status") == "success"


def test_a_company_of_one_currency_has_no_currency_fields(gateway: Any, sandbox: Any) -> None:
    sandbox.settings(single_currency=True)
    for name in ("APBILL", "APBILLITEM", "APPYMT", "VENDOR"):
        listed = gateway.data(f"<lookup><object>{name}</object></lookup>")
        assert not {"BASECURR", "CURRENCY"} & {field.findtext("ID") for field in listed.iter("Field")}
