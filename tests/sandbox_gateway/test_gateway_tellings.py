"""What the gateway tells beside records: audit trails, entities, dimensions, definitions; and that nothing written is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox import constants

LINE = "<APBILLITEM><ACCOUNTNO>5200</ACCOUNTNO><TRX_AMOUNT>{}</TRX_AMOUNT>{}</APBILLITEM>"


def bill_now(sandbox: Any, number: str) -> dict[str, Any]:
    return next(bill for bill in sandbox.state("intacct")["bills"] if bill["record_no"] == number)


def create(gateway: Any, fields: str, line: str = "", amount: str = "10") -> Any:
    items = f"<APBILLITEMS>{LINE.format(amount, line)}</APBILLITEMS>"
    return gateway.result(f"<create><APBILL>{fields}{items}</APBILL></create>")


def number_of(result: Any) -> str:
    assert result.findtext("status") == "success", [each.text for each in result.iter("description2")]
    return result.findtext("data/apbill/RECORDNO")


def refusal(result: Any) -> str:
    assert result.findtext("status") == "failure"
    return result.findtext("errormessage/error/description2")


def row_of(gateway: Any, name: str, number: str, select: str) -> dict[str, str]:
    return gateway.rows(name, select, f"<equalto><field>RECORDNO</field><value>{number}</value></equalto>")[0]


def definitions(gateway: Any, name: str) -> dict[str, Any]:
    told = gateway.data(f"<lookup><object>{name}</object></lookup>")
    return {field.findtext("ID"): field for field in told.iterfind("Type/Fields/Field")}


def test_an_audit_trail_tells_who_did_what_to_one_record(gateway: Any, sandbox: Any) -> None:
    number = sandbox.act("intacct", "jchen", "create_bill", amount="100.00", state="Submitted")["record_no"]
    gateway.update_bill(number, "<ONHOLD>true</ONHOLD>")
    sandbox.act("intacct", "bokafor", "approve_bill", record_no=number)
    trail = gateway.data(f"<getAuditTrail><object>APBILL</object><recordNo>{number}</recordNo></getAuditTrail>")
    told = [[event.findtext(name) for name in ("userId", "accessMode", "workflowAction", "source")] for event in trail]
    assert told[-2:] == [["xml_gateway", "modify", "", "api"], ["bokafor", "modify", "approve", "ui"]]
    assert {event.findtext("objectKey") for event in trail} == {number}
    assert datetime.fromisoformat(trail[0].findtext("accessTime")).tzinfo == UTC
    by_key = gateway.data(f"<getAuditTrail><object>APBILL</object><objectKey>{number}</objectKey></getAuditTrail>")
    assert len(by_key) == len(trail)


def test_a_vendor_s_trail_goes_by_its_number_though_its_history_goes_by_its_id(gateway: Any, sandbox: Any) -> None:
    vendor = sandbox.state("intacct")["vendors"][0]
    gateway.data(f"<update><VENDOR><VENDORID>{vendor['vendor_id']}</VENDORID><COMMENTS>x</COMMENTS></VENDOR></update>")
    asked = f"<getAuditTrail><object>VENDOR</object><recordNo>{vendor['record_no']}</recordNo></getAuditTrail>"
    assert [event.findtext("objectKey") for event in gateway.data(asked)][-1] == vendor["vendor_id"]
    sandbox.settings(denied_objects=["VENDOR"])
    assert "permission" in refusal(gateway.result(asked))


def test_entities_and_dimensions_are_told(gateway: Any) -> None:
    entities = gateway.data("<readEntityDetails/>")
    assert {each.findtext("id"): each.findtext("currency") for each in entities} == constants.ENTITIES
    gateway.open_session("<locationid>UK01</locationid>")
    assert [each.findtext("id") for each in gateway.data("<readEntityDetails/>")] == ["UK01"]
    names = [each.findtext("objectName") for each in gateway.data("<getDimensions/>").iterfind("dimensions/dimension")]
    assert {"DEPARTMENT", "LOCATION", "PROJECT", "VENDOR", "CLASS"} <= set(names)


READ_ONLY = {
    "APBILL": ({"STATE", "TOTALDUE", "RECORDNO", "MODULEKEY"}, {"VENDORNAME", "RECORDTYPE", "WHENPAID", "PRBATCH", "BASECURR"}),
    "APBILLITEM": ({"AMOUNT", "CURRENCY", "LINE_NO"}, {"RECORDKEY", "STATE", "TOTALPAID", "ACCOUNTTITLE"}),
    "APPYMT": ({"STATE", "RECORDID", "VENDORNAME"}, {"RAWSTATE", "WHENPAID", "CLEARED", "BASECURR"}),
    "APPYMTDETAIL": ({"DISCOUNTAMOUNT", "WHENMODIFIED"}, {"RECORDKEY", "PAYMENTAMOUNT", "STATE"}),
    "VENDOR": ({"TOTALDUE", "STATE", "WHENMODIFIED"}, {"RECORDNO", "PARENTNAME", "APACCOUNTTITLE"}),
    "AUDITHISTORY": (set(), {"ID", "ACCESSTIME", "OBJECTKEY"}),
    "APBILLBATCH": (set(), {"RECORDNO", "OPEN"}),
    "GLACCOUNT": ({"RECORDNO"}, {"STATUS", "TITLE"}),
    "DEPARTMENT": ({"WHENMODIFIED"}, {"RECORDNO", "PARENTID"}),
}
REQUIRED = {
    "APBILL": {"VENDORID", "WHENCREATED", "WHENDUE", "BASECURR", "CURRENCY"},
    "APBILLITEM": {"AMOUNT", "TRX_AMOUNT", "CURRENCY", "BASECURR"},
    "APPYMT": {"PAYMENTMETHOD", "VENDORID", "WHENCREATED", "BASECURR", "CURRENCY"},
    "APPYMTDETAIL": {"CURRENCY"},
    "AUDITHISTORY": set(),
    "APBILLBATCH": {"TITLE"},
    "GLACCOUNT": {"ACCOUNTNO", "TITLE", "ACCOUNTTYPE", "NORMALBALANCE", "CLOSINGTYPE"},
    "DEPARTMENT": {"DEPARTMENTID", "TITLE"},
}
TYPES = {
    ("APBILL", "TOTALDUE"): "CURRENCY",
    ("APBILL", "TOTALPAID"): "DECIMAL",
    ("APBILLITEM", "LINE_NO"): "TEXT",
    ("APPYMTDETAIL", "TRX_PAYMENTAMOUNT"): "CURRENCY",
    ("AUDITHISTORY", "ACCESSMODE"): "ENUM",
    ("APBILLBATCH", "RECORDNO"): "TEXT",
}


@pytest.mark.parametrize("name", READ_ONLY)
def test_lookup_labels_fields_as_a_live_company_does(gateway: Any, name: str) -> None:
    found = definitions(gateway, name)
    locked, free = READ_ONLY[name]
    assert {each for each in locked | free if found[each].findtext("READONLY") == "true"} == locked
    if name in REQUIRED:
        assert {each for each, field in found.items() if field.findtext("REQUIRED") == "true"} == REQUIRED[name]
    told = {key: found[key[1]].findtext("DATATYPE") for key in TYPES if key[0] == name}
    assert told == {key: kind for key, kind in TYPES.items() if key[0] == name}


def test_a_label_is_no_leave_to_write(gateway: Any, sandbox: Any) -> None:
    number = sandbox.state("intacct")["bills"][0]["record_no"]
    assert definitions(gateway, "APBILL")["VENDORNAME"].findtext("READONLY") == "false"
    assert "read only" in refusal(gateway.update_bill(number, "<VENDORNAME>x</VENDORNAME><ACTION>Draft</ACTION>"))


def test_inspect_tells_definitions_in_its_own_words(gateway: Any) -> None:
    told = gateway.data('<inspect detail="1"><object>APBILL</object></inspect>')
    fields = {field.findtext("Name"): field for field in told.iterfind("Type/Fields/Field")}
    number = [fields["RECORDNO"].findtext(name) for name in ("dataName", "externalDataName", "isReadOnly", "maxLength")]
    assert number == ["Pt_FieldInt", "integer", "true", "8"]
    assert told.findtext("Type/Attributes/SingularName") == "Apbill"


def test_due_in_days_counts_up_once_a_bill_is_overdue(gateway: Any, sandbox: Any) -> None:
    sandbox.clock(freeze="2026-11-20T12:00:00Z")
    late, early = (
        sandbox.act("intacct", "jchen", "create_bill", amount="1.00", due_on=day)["record_no"]
        for day in ("2026-11-10", "2026-11-25")
    )
    assert row_of(gateway, "APBILL", late, "DUE_IN_DAYS")["DUE_IN_DAYS"] == "10"
    assert row_of(gateway, "APBILL", early, "DUE_IN_DAYS")["DUE_IN_DAYS"] == "-5"


def test_a_draft_needs_no_vendor_until_it_is_submitted(gateway: Any, sandbox: Any) -> None:
    number = number_of(create(gateway, "<ACTION>Draft</ACTION><DESCRIPTION>who sent this?</DESCRIPTION>"))
    told = row_of(gateway, "APBILL", number, "VENDORID VENDORNAME VENDORKEY WHENDUE STATE TRX_TOTALDUE VENDOR.NAME")
    empty = dict.fromkeys(("VENDORID", "VENDORNAME", "VENDORKEY", "WHENDUE", "VENDOR.NAME"), "")
    assert told == empty | {"STATE": "Draft", "TRX_TOTALDUE": "10"}
    assert "VENDORID is missing" in refusal(gateway.update_bill(number, "<ACTION>Submit</ACTION>"))
    vendor = sandbox.state("intacct")["vendors"][0]["vendor_id"]
    dates = "<WHENCREATED>11/02/2026</WHENCREATED><WHENDUE>11/24/2026</WHENDUE>"
    assert "WHENCREATED is missing" in refusal(gateway.update_bill(number, f"<VENDORID>{vendor}</VENDORID>"))
    assert gateway.update_bill(number, f"<VENDORID>{vendor}</VENDORID>{dates}").findtext("status") == "success"
    assert (bill_now(sandbox, number)["state"], bill_now(sandbox, number)["vendor_id"]) == ("Submitted", vendor)
    posted = next(bill["record_no"] for bill in sandbox.state("intacct")["bills"] if bill["state"] == "Posted")
    assert "can't be changed" in refusal(gateway.update_bill(posted, "<VENDORID>V-NONE</VENDORID>"))
    assert "VENDORID is missing" in refusal(create(gateway, dates))


def test_a_base_currency_chooses_the_books_that_are_kept_in_it(gateway: Any, sandbox: Any) -> None:
    vendor = sandbox.state("intacct")["vendors"][0]["vendor_id"]
    whole = f"<VENDORID>{vendor}</VENDORID><WHENCREATED>11/02/2026</WHENCREATED><WHENDUE>11/24/2026</WHENDUE>"
    pound = bill_now(sandbox, number_of(create(gateway, f"{whole}<CURRENCY>USD</CURRENCY><BASECURR>GBP</BASECURR>")))
    assert (pound["entity"], pound["base_currency"], pound["currency"]) == ("UK01", "GBP", "USD")
    assert pound["total_entered"] != pound["transaction_total_entered"]
    assert "no entity here" in refusal(create(gateway, f"{whole}<BASECURR>CHF</BASECURR>"))
    gateway.open_session("<locationid>UK01</locationid>")
    assert "UK01 does not" in refusal(create(gateway, f"{whole}<BASECURR>USD</BASECURR>"))
    assert bill_now(sandbox, number_of(create(gateway, f"{whole}<BASECURR>GBP</BASECURR>")))["entity"] == "UK01"


def test_what_is_written_to_a_bill_and_its_lines_is_read_again(gateway: Any, sandbox: Any) -> None:
    vendor = sandbox.state("intacct")["vendors"][0]["vendor_id"]
    whole = f"<VENDORID>{vendor}</VENDORID><WHENCREATED>11/02/2026</WHENCREATED><WHENDUE>11/24/2026</WHENDUE>"
    header = "<RECPAYMENTDATE>11/20/2026</RECPAYMENTDATE><EXCH_RATE_DATE>11/01/2026</EXCH_RATE_DATE>"
    header += "<INCLUSIVETAX>true</INCLUSIVETAX>"
    line = "<CUSTOMERID>C-200</CUSTOMERID><BILLABLE>true</BILLABLE><FORM1099>true</FORM1099><RELEASETOPAY>false</RELEASETOPAY>"
    number = number_of(create(gateway, f"{whole}<ACTION>Draft</ACTION>{header}", line))
    told = row_of(gateway, "APBILL", number, "RECPAYMENTDATE EXCH_RATE_DATE INCLUSIVETAX")
    assert told == {"RECPAYMENTDATE": "11/20/2026", "EXCH_RATE_DATE": "11/01/2026", "INCLUSIVETAX": "true"}
    first = bill_now(sandbox, number)["lines"][0]["record_no"]
    names = "CUSTOMERID CUSTOMERNAME BILLABLE FORM1099 RELEASETOPAY"
    assert list(row_of(gateway, "APBILLITEM", first, names).values()) == [
        "C-200",
        "Tailspin Toys & Games",
        "true",
        "true",
        "false",
    ]
    by_number = "<APBILLITEMS><APBILLITEM><LINE_NO>1</LINE_NO><TRX_AMOUNT>12</TRX_AMOUNT></APBILLITEM></APBILLITEMS>"
    assert gateway.update_bill(number, f"{by_number}<ACTION>Draft</ACTION>").findtext("status") == "success"
    assert [(each["record_no"], each["amount"]) for each in bill_now(sandbox, number)["lines"]] == [(first, "12.00")]
    assert row_of(gateway, "APBILLITEM", first, "CUSTOMERID")["CUSTOMERID"] == "C-200"
    for odd in ("<CUSTOMERID>C-0</CUSTOMERID>", "<TAXENTRIES><TAXENTRY/></TAXENTRIES>", "<NOPE>1</NOPE>"):
        assert create(gateway, whole, odd).findtext("status") == "failure"


def test_another_exchange_rate_counts_the_base_amounts_anew(gateway: Any, sandbox: Any) -> None:
    number = sandbox.act("intacct", "jchen", "create_bill", amount="100.00", currency="EUR", state="Draft")["record_no"]
    gateway.update_bill(number, "<EXCHANGE_RATE>2</EXCHANGE_RATE><ACTION>Draft</ACTION>")
    bill = bill_now(sandbox, number)
    assert (bill["total_entered"], bill["transaction_total_entered"], bill["lines"][0]["amount"]) == (
        "200.00",
        "100.00",
        "200.00",
    )


def test_a_vendor_s_contacts_and_other_fields_are_read_again(gateway: Any, sandbox: Any) -> None:
    contact = (
        "<DISPLAYCONTACT><PRINTAS>SaaS Inc</PRINTAS><EMAIL1>a@b.example</EMAIL1><MAILADDRESS><CITY>San Jose</CITY>"
        "<ISOCOUNTRYCODE>US</ISOCOUNTRYCODE></MAILADDRESS></DISPLAYCONTACT>"
    )
    parent = sandbox.state("intacct")["vendors"][0]
    others = f"<PARENTID>{parent['vendor_id']}</PARENTID><APACCOUNT>5200</APACCOUNT><DONOTCUTCHECK>true</DONOTCUTCHECK>"
    listed = "".join(
        f"<VENDORENTITYCONTACTS><CATEGORYNAME>{each}</CATEGORYNAME><CONTACT><NAME>Pierre</NAME></CONTACT></VENDORENTITYCONTACTS>"
        for each in ("Mobile", "Fax")
    )
    inside = f"{contact}{others}<PAYTO><CONTACTNAME>pay</CONTACTNAME></PAYTO><VENDORCONTACTS>{listed}</VENDORCONTACTS>"
    gateway.data(f"<create><VENDOR><VENDORID>V-1</VENDORID><NAME>SaaS</NAME>{inside}</VENDOR></create>")
    row = gateway.data("<readByName><object>VENDOR</object><keys>V-1</keys><fields>*</fields></readByName>")[0]
    told = {cell.tag: cell.text or "" for cell in row}
    assert told["DISPLAYCONTACT.CONTACTNAME"] == told["RETURNTO.CONTACTNAME"] == "SaaS(VV-1)"
    assert [
        told[f"DISPLAYCONTACT.{name}"] for name in ("PRINTAS", "EMAIL1", "MAILADDRESS.CITY", "MAILADDRESS.COUNTRYCODE")
    ] == [
        "SaaS Inc",
        "a@b.example",
        "San Jose",
        "US",
    ]
    assert [told[name] for name in ("PAYTO.CONTACTNAME", "PARENTNAME", "DONOTCUTCHECK")] == ["pay", parent["name"], "true"]
    assert told["APACCOUNTTITLE"]
    assert [each.findtext("CATEGORYNAME") for each in row.iterfind("VENDORCONTACTS/*")] == ["Mobile", "Fax"]
    gateway.data(
        "<update><VENDOR><VENDORID>V-1</VENDORID><DISPLAYCONTACT><PHONE1>7</PHONE1></DISPLAYCONTACT></VENDOR></update>"
    )
    told = gateway.rows(
        "VENDOR", "DISPLAYCONTACT.PHONE1 DISPLAYCONTACT.EMAIL1", "<like><field>VENDORID</field><value>V-1</value></like>"
    )
    assert list(told[0].values()) == ["7", "a@b.example"]
    for odd in (
        "<DISPLAYCONTACT><NOPE>1</NOPE></DISPLAYCONTACT>",
        "<PARENTID>V-NONE</PARENTID>",
        "<OBJECTRESTRICTION>x</OBJECTRESTRICTION>",
    ):
        assert (
            gateway.result(f"<update><VENDOR><VENDORID>V-1</VENDORID>{odd}</VENDOR></update>").findtext("status") == "failure"
        )


def payment(bill: dict[str, Any], details: str, more: str = "") -> str:
    return (
        f"<FINANCIALENTITY>BA-1</FINANCIALENTITY><PAYMENTMETHOD>EFT</PAYMENTMETHOD><VENDORID>{bill['vendor_id']}</VENDORID>"
        f"<PAYMENTDATE>11/30/2026</PAYMENTDATE>{more}<APPYMTDETAILS>{details}</APPYMTDETAILS>"
    )


def part(number: str, amount: str, more: str = "") -> str:
    cells = f"<RECORDKEY>{number}</RECORDKEY>{more}<TRX_PAYMENTAMOUNT>{amount}</TRX_PAYMENTAMOUNT>"
    return f"<APPYMTDETAIL>{cells}</APPYMTDETAIL>"


def payments_now(sandbox: Any) -> dict[str, Any]:
    return {each["record_no"]: each for each in sandbox.state("intacct")["payments"]}


def test_a_draft_payment_is_replaced_and_deleted(gateway: Any, sandbox: Any) -> None:
    lines = [{"amount": "60.00"}, {"amount": "40.00"}]
    number = sandbox.act("intacct", "jchen", "create_bill", lines=lines, state="Posted")["record_no"]
    bill = bill_now(sandbox, number)
    second = bill["lines"][1]["record_no"]
    draft = payment(bill, part(number, "30", f"<ENTRYKEY>{second}</ENTRYKEY>"), "<ACTION>Draft</ACTION>")
    made = gateway.data(f"<create><APPYMT>{draft}</APPYMT></create>").findtext("appymt/RECORDNO")
    assert [(each["line"], each["amount"]) for each in payments_now(sandbox)[made]["details"]] == [(second, "30.00")]
    asked = f"<RECORDNO>{made}</RECORDNO><WHENCREATED>12/01/2026</WHENCREATED><DOCNUMBER>N-1</DOCNUMBER>"
    details = f"<APPYMTDETAILS>{part(number, '100')}</APPYMTDETAILS>"
    assert "APPYMTDETAILS is missing" in refusal(gateway.result(f"<update><APPYMT>{asked}</APPYMT></update>"))
    too_much = details.replace("100", "101")
    assert "owes" in refusal(gateway.result(f"<update><APPYMT>{asked}{too_much}</APPYMT></update>"))
    gateway.data(f"<update><APPYMT>{asked}{details}<ACTION>Draft</ACTION></APPYMT></update>")
    after = payments_now(sandbox)[made]
    assert (after["total_entered"], after["paid_on"], after["number"], after["state"]) == (
        "100.00",
        "2026-12-01",
        "N-1",
        "Draft",
    )
    assert bill_now(sandbox, number)["total_selected"] == "100.00"
    gateway.data(f"<delete><object>APPYMT</object><keys>{made}</keys></delete>")
    assert made not in payments_now(sandbox)
    assert (bill_now(sandbox, number)["state"], bill_now(sandbox, number)["total_selected"]) == ("Posted", "0.00")


def test_a_submitted_payment_takes_no_update(gateway: Any, sandbox: Any) -> None:
    number = sandbox.act("intacct", "jchen", "create_bill", amount="100.00", state="Posted")["record_no"]
    asked = payment(bill_now(sandbox, number), part(number, "100"))
    made = gateway.data(f"<create><APPYMT>{asked}</APPYMT></create>").findtext("appymt/RECORDNO")
    details = f"<APPYMTDETAILS>{part(number, '50')}</APPYMTDETAILS>"
    told = refusal(gateway.result(f"<update><APPYMT><RECORDNO>{made}</RECORDNO>{details}</APPYMT></update>"))
    assert "only a draft can be changed" in told
    sandbox.act("intacct", "jchen", "confirm_payment", record_no=made)
    assert "no longer only selected" in refusal(gateway.result(f"<delete><object>APPYMT</object><keys>{made}</keys></delete>"))


def test_a_payment_names_its_currency_where_the_company_wants_it(gateway: Any, sandbox: Any) -> None:
    number = sandbox.act("intacct", "jchen", "create_bill", amount="100.00", state="Posted")["record_no"]
    bill = bill_now(sandbox, number)
    sandbox.settings(payment_needs_currency=True)
    assert "CURRENCY is missing" in refusal(
        gateway.result(f"<create><APPYMT>{payment(bill, part(number, '1'))}</APPYMT></create>")
    )
    other = payment(bill, part(number, "1"), "<CURRENCY>CHF</CURRENCY>")
    assert "not in CHF" in refusal(gateway.result(f"<create><APPYMT>{other}</APPYMT></create>"))
    odd = payment(
        bill, part(number, "1", "<DISCOUNTDATE>11/30/2026</DISCOUNTDATE>"), f"<CURRENCY>{bill['currency']}</CURRENCY>"
    )
    assert "DISCOUNTDATE of a payment detail is not played" in refusal(
        gateway.result(f"<create><APPYMT>{odd}</APPYMT></create>")
    )


def test_a_document_of_purchasing_is_listed_and_declined(gateway: Any, sandbox: Any) -> None:
    bills = [bill for bill in sandbox.state("intacct")["bills"] if bill["source_document"]]
    sandbox.act("intacct", "mgarcia", "set_document_state", record_no=bills[0]["record_no"], state="Submitted")
    asked = "<getTransactionsToApprove><module>purchasing</module></getTransactionsToApprove>"
    name = gateway.data(asked).findtext("transaction/docid")
    gateway.data(f"<decline><PODOCUMENT><DOCID>{name}</DOCID></PODOCUMENT></decline>")
    assert {each["name"]: each["state"] for each in sandbox.state("intacct")["documents"]}[name] == "Declined"
    assert len(gateway.data(asked)) == 0


@pytest.mark.parametrize(
    "function",
    [
        "<query><object>APBILL</object><select><field>RECORDNO</field></select><options><returnformat>json</returnformat></options></query>",
        "<read><object>APBILL</object><keys>1</keys><fields>*</fields><returnFormat>csv</returnFormat></read>",
        "<getAuditTrail><object>APBILL</object></getAuditTrail>",
        "<getTransactionsToApprove><module>inventory</module></getTransactionsToApprove>",
    ],
)
def test_what_cannot_be_told_fails_in_words(gateway: Any, function: str) -> None:
    assert refusal(gateway.result(function))


def test_today_s_trail_is_as_late_as_the_history(gateway: Any, sandbox: Any) -> None:
    sandbox.settings(audit_delay_seconds=600)
    number = sandbox.state("intacct")["bills"][0]["record_no"]
    asked = f"<getAuditTrail><object>APBILL</object><recordNo>{number}</recordNo></getAuditTrail>"
    before = len(gateway.data(asked))
    sandbox.act("intacct", "jchen", "edit_bill", record_no=number, changes={"description": "another"})
    assert len(gateway.data(asked)) == before
    sandbox.clock(advance_seconds=601)
    assert len(gateway.data(asked)) == before + 1


@pytest.mark.parametrize("action", ["Draft", "Submit"])
def test_the_parts_of_a_payment_that_are_of_one_bill_count_together(gateway: Any, sandbox: Any, action: str) -> None:
    lines = [{"amount": "60.00"}, {"amount": "40.00"}]
    number = sandbox.act("intacct", "jchen", "create_bill", lines=lines, state="Posted")["record_no"]
    bill = bill_now(sandbox, number)
    first = f"<ENTRYKEY>{bill['lines'][0]['record_no']}</ENTRYKEY>"

    def made(*parts: str) -> Any:
        asked = payment(bill, "".join(parts), f"<ACTION>{action}</ACTION>")
        return gateway.result(f"<create><APPYMT>{asked}</APPYMT></create>")

    assert "owes 10000 cents, not 20000" in refusal(made(part(number, "100"), part(number, "100")))
    assert "owes 6000 cents" in refusal(made(part(number, "40", first), part(number, "40", first)))
    assert bill_now(sandbox, number)["total_selected"] == "0.00"
    key = made(part(number, "50"), part(number, "50")).findtext("data/appymt/RECORDNO")
    sandbox.act("intacct", "jchen", "confirm_payment", record_no=key)
    paid = bill_now(sandbox, number)
    assert (paid["state"], paid["total_due"]) == ("Paid", "0.00")
    assert sorted(each["amount"] for each in payments_now(sandbox)[key]["details"]) == ["10.00", "40.00", "50.00"]


def test_a_payment_of_one_line_is_as_large_as_it_says(gateway: Any, sandbox: Any) -> None:
    """Also where the whole bill, with a line below zero, comes to just that."""
    lines = [{"amount": "100.00"}, {"amount": "-20.00"}]
    number = sandbox.act("intacct", "jchen", "create_bill", lines=lines, state="Posted")["record_no"]
    bill = bill_now(sandbox, number)
    asked = payment(bill, part(number, "80", f"<ENTRYKEY>{bill['lines'][0]['record_no']}</ENTRYKEY>"))
    key = gateway.data(f"<create><APPYMT>{asked}</APPYMT></create>").findtext("appymt/RECORDNO")
    assert payments_now(sandbox)[key]["total_entered"] == "80.00"


@pytest.mark.parametrize("name", ["RECORDNO", "LINE_NO"])
def test_a_line_that_is_named_twice_is_refused(gateway: Any, sandbox: Any, name: str) -> None:
    number = sandbox.act("intacct", "jchen", "create_bill", amount="100.00", state="Draft")["record_no"]
    [line] = bill_now(sandbox, number)["lines"]
    named = {"RECORDNO": line["record_no"], "LINE_NO": "1"}[name]
    item = f"<APBILLITEM><{name}>{named}</{name}></APBILLITEM>"
    items = f"<APBILLITEMS>{item}{item}</APBILLITEMS><ACTION>Draft</ACTION>"
    told = refusal(gateway.result(f"<update><APBILL><RECORDNO>{number}</RECORDNO>{items}</APBILL></update>"))
    assert "named twice" in told
    assert len(bill_now(sandbox, number)["lines"]) == 1


@pytest.mark.parametrize(
    ("field", "says"),
    [("<STATE>Posted</STATE>", "APPYMT is read only"), ("<NOPE>1</NOPE>", "is not defined")],
)
def test_a_payment_takes_no_state_and_drops_nothing_in_silence(gateway: Any, sandbox: Any, field: str, says: str) -> None:
    number = sandbox.act("intacct", "jchen", "create_bill", amount="100.00", state="Posted")["record_no"]
    asked = payment(bill_now(sandbox, number), part(number, "100"), field)
    assert says in refusal(gateway.result(f"<create><APPYMT>{asked}</APPYMT></create>"))
    assert bill_now(sandbox, number)["state"] == "Posted"
