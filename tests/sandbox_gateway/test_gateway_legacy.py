"""Object-specific functions, as older clients call them: what they make and change is what the generic functions would."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

DAY = "<year>2026</year><month>11</month><day>{}</day>"
LINE = "<lineitem><glaccountno>5200</glaccountno><amount>{}</amount><memo>a line</memo><locationid>US01</locationid></lineitem>"


def bill_now(sandbox: Any, number: str) -> dict[str, Any]:
    return next(bill for bill in sandbox.state("intacct")["bills"] if bill["record_no"] == number)


def payment_now(sandbox: Any, number: str) -> dict[str, Any]:
    return next(each for each in sandbox.state("intacct")["payments"] if each["record_no"] == number)


def done(gateway: Any, function: str) -> str:
    """The key that a function answers."""
    result = gateway.result(function)
    assert result.findtext("status") == "success", gateway.text
    return result.findtext("key") or ""


def refused(gateway: Any, function: str) -> str:
    result = gateway.result(function)
    assert result.findtext("status") == "failure", gateway.text
    return result.findtext("errormessage/error/description2") or ""


def create_bill(gateway: Any, sandbox: Any, *amounts: str, middle: str = "", due: str = "") -> str:
    vendor = sandbox.state("intacct")["vendors"][0]["vendor_id"]
    due = due or f"<datedue>{DAY.format('24')}</datedue>"
    lines = "".join(LINE.format(amount) for amount in amounts)
    return done(
        gateway,
        f"<create_bill><vendorid>{vendor}</vendorid><datecreated>{DAY.format('02')}</datecreated>{due}{middle}"
        f"<billitems>{lines}</billitems></create_bill>",
    )


def test_a_bill_is_made_changed_and_deleted(gateway: Any, sandbox: Any) -> None:
    custom = (
        "<customfield><customfieldname>ASANA_DECISION</customfieldname><customfieldvalue>none</customfieldvalue></customfield>"
    )
    more = (
        "<action>Draft</action><billno>L-1</billno><ponumber>PO 7</ponumber><onhold>true</onhold><description>old</description>"
        f"<payto><contactname>jsmith</contactname></payto><currency>EUR</currency><exchrate>1.5</exchrate>"
        f"<supdocid>A-1</supdocid><customfields>{custom}</customfields>"
    )
    key = create_bill(gateway, sandbox, "10.005", "20", middle=more)
    bill = bill_now(sandbox, key)
    told = [bill[name] for name in ("state", "bill_number", "reference", "on_hold", "description", "due_on", "document_id")]
    assert told == ["Draft", "L-1", "PO 7", True, "old", "2026-11-24", "A-1"]
    assert (bill["transaction_total_entered"], bill["total_entered"]) == ("30.01", "45.02")
    assert bill["stamps"]["ASANA_DECISION"] == "none"
    row = gateway.rows("APBILL", "BILLTOPAYTOCONTACTNAME", f"<equalto><field>RECORDNO</field><value>{key}</value></equalto>")
    assert row == [{"BILLTOPAYTOCONTACTNAME": "jsmith"}]
    changed = f'<updatelineitem line_num="2"><memo>changed</memo></updatelineitem>{LINE.format("5")}'
    asked = f'<update_bill key="{key}"><action>Draft</action><description>new</description><updatebillitems>{changed}'
    assert done(gateway, f"{asked}</updatebillitems></update_bill>") == key
    after = bill_now(sandbox, key)
    assert [line["description"] for line in after["lines"]] == ["a line", "changed", "a line"]
    assert (after["transaction_total_entered"], after["description"], after["state"]) == ("35.01", "new", "Draft")
    assert [line["record_no"] for line in after["lines"]][:2] == [line["record_no"] for line in bill["lines"]]
    assert "no such line" in refused(
        gateway, asked.replace('line_num="2"', 'line_num="9"') + "</updatebillitems></update_bill>"
    )
    done(gateway, f'<delete_bill key="{key}"></delete_bill>')
    assert key not in {each["record_no"] for each in sandbox.state("intacct")["bills"]}
    assert sandbox.counters()["intacct WRITE"] == 4


def test_a_term_gives_the_due_date_that_is_left_out(gateway: Any, sandbox: Any) -> None:
    key = create_bill(gateway, sandbox, "10", due="<termname>Net 30</termname>")
    assert bill_now(sandbox, key)["due_on"] == "2026-12-02"


def test_a_posted_bill_is_reversed_and_a_submitted_one_recalled(gateway: Any, sandbox: Any) -> None:
    key = create_bill(gateway, sandbox, "10")
    assert bill_now(sandbox, key)["state"] == "Submitted"
    asked = f'<reverse_bill key="{key}"><datereversed>{DAY.format("30")}</datereversed></reverse_bill>'
    assert "its state is Submitted" in refused(gateway, asked)
    done(gateway, f"<recallApBill><recordno>{key}</recordno></recallApBill>")
    assert bill_now(sandbox, key)["state"] == "Draft"
    assert "its state is Draft" in refused(gateway, f"<recallApBill><recordno>{key}</recordno></recallApBill>")
    sandbox.settings(approvals_on=False)
    gateway.update_bill(key, "<ACTION>Submit</ACTION>")
    vendor = bill_now(sandbox, key)["vendor_id"]
    owed = owed_to(sandbox, vendor)
    taking = done(gateway, asked)
    first, second = bill_now(sandbox, key), bill_now(sandbox, taking)
    assert (first["state"], second["state"], second["total_entered"]) == ("Reversed", "Reversal", "-10.00")
    assert owed_to(sandbox, vendor) == owed - 10


def owed_to(sandbox: Any, vendor_id: str) -> Decimal:
    return next(Decimal(each["total_due"]) for each in sandbox.state("intacct")["vendors"] if each["vendor_id"] == vendor_id)


def request_for(sandbox: Any, number: str, amount: str, more: str = "") -> str:
    vendor = bill_now(sandbox, number)["vendor_id"]
    item = f"<paymentrequestitem><key>{number}</key><paymentamount>{amount}</paymentamount>{more}</paymentrequestitem>"
    return (
        f"<create_paymentrequest><bankaccountid>BA-1</bankaccountid><vendorid>{vendor}</vendorid>"
        f"<paymentmethod>EFT</paymentmethod><paymentdate>{DAY.format('30')}</paymentdate>"
        f"<paymentrequestitems>{item}</paymentrequestitems><documentnumber>D-1</documentnumber></create_paymentrequest>"
    )


def on_requests(verb: str, *keys: str) -> str:
    listed = "".join(f"<appaymentkey>{key}</appaymentkey>" for key in keys)
    return f"<{verb}_appaymentrequest><appaymentkeys>{listed}</appaymentkeys></{verb}_appaymentrequest>"


@pytest.fixture
def owed(sandbox: Any) -> str:
    return sandbox.act("intacct", "jchen", "create_bill", amount="100.00", state="Posted")["record_no"]


def test_a_payment_request_goes_its_way(gateway: Any, sandbox: Any, owed: str) -> None:
    key = done(
        gateway, request_for(sandbox, owed, "60", "<credittoapply>8</credittoapply><discounttoapply>2</discounttoapply>")
    )
    made = payment_now(sandbox, key)
    assert (made["state"], made["total_entered"], made["number"], bill_now(sandbox, owed)["state"]) == (
        "Submitted",
        "60.00",
        "D-1",
        "Selected",
    )
    done(gateway, on_requests("approve", key))
    assert payment_now(sandbox, key)["state"] == "Approved"
    done(gateway, on_requests("confirm", key))
    assert (bill_now(sandbox, owed)["state"], bill_now(sandbox, owed)["total_due"]) == ("Partially Paid", "30.00")
    done(gateway, on_requests("void", key))
    assert (payment_now(sandbox, key)["state"], bill_now(sandbox, owed)["total_due"]) == ("Voided", "100.00")


def test_a_payment_request_is_declined_or_deleted_and_its_bill_is_free_again(gateway: Any, sandbox: Any, owed: str) -> None:
    first = done(gateway, request_for(sandbox, owed, "100"))
    done(gateway, on_requests("decline", first))
    assert (payment_now(sandbox, first)["state"], bill_now(sandbox, owed)["state"]) == ("Declined", "Posted")
    second = done(gateway, request_for(sandbox, owed, "100"))
    done(gateway, f'<delete_paymentrequest key="{second}"></delete_paymentrequest>')
    assert bill_now(sandbox, owed)["state"] == "Posted"
    assert "can't be approved because its state is Declined" in refused(gateway, on_requests("approve", first))


def test_a_payment_is_reversed_by_its_key(gateway: Any, sandbox: Any, owed: str) -> None:
    paid = sandbox.act("intacct", "jchen", "pay_bill", record_no=owed)["payment"]["record_no"]
    taking = done(
        gateway, f'<reverse_appayment key="{paid}"><datereversed>{DAY.format("30")}</datereversed></reverse_appayment>'
    )
    assert payment_now(sandbox, taking)["total_entered"] == "-100.00"
    assert bill_now(sandbox, owed)["total_due"] == "100.00"


def test_a_vendor_is_made_changed_and_deleted(gateway: Any, sandbox: Any) -> None:
    contact = "<printas>Old Way Ltd</printas><phone1>12</phone1><mailaddress><city>San Jose</city></mailaddress>"
    listed = "<contactitem><category>Mobile</category><contactname>Despereaux</contactname></contactitem>"
    done(
        gateway,
        f"<create_vendor><vendorid>V-OLD</vendorid><name>Old Way</name><contactinfo><contact>{contact}</contact></contactinfo>"
        f"<payto><contactname>pay me</contactname></payto><contactlist>{listed}</contactlist></create_vendor>",
    )
    done(gateway, '<update_vendor vendorid="V-OLD"><termname>N15</termname></update_vendor>')
    row = gateway.data("<readByName><object>VENDOR</object><keys>V-OLD</keys><fields>*</fields></readByName>")[0]
    told = {cell.tag: cell.text or "" for cell in row}
    assert (told["TERMNAME"], told["PAYTO.CONTACTNAME"], told["DISPLAYCONTACT.PHONE1"]) == ("N15", "pay me", "12")
    assert told["DISPLAYCONTACT.MAILADDRESS.CITY"] == "San Jose"
    assert row.findtext("VENDORCONTACTS/VENDORENTITYCONTACTS/CONTACT/NAME") == "Despereaux"
    done(gateway, '<delete_vendor vendorid="V-OLD"></delete_vendor>')
    assert "Cannot find" in refused(gateway, '<delete_vendor vendorid="V-OLD"></delete_vendor>')
    busy = sandbox.state("intacct")["bills"][0]["vendor_id"]
    assert "has transactions" in refused(gateway, f'<delete_vendor vendorid="{busy}"></delete_vendor>')


def test_a_vendor_that_waits_is_listed_approved_or_declined(gateway: Any, sandbox: Any) -> None:
    sandbox.settings(vendor_approvals_on=True)
    vendor, other = (each["vendor_id"] for each in sandbox.state("intacct")["vendors"][:2])
    for each in (vendor, other):
        gateway.data(f"<update><VENDOR><VENDORID>{each}</VENDORID><COMMENTS>x</COMMENTS></VENDOR></update>")
    listed = [row.findtext("recordno") for row in gateway.data("<getVendorsToApprove/>")]
    assert len(listed) == 2
    done(gateway, f"<approveVendor><recordno>{listed[0]}</recordno></approveVendor>")
    done(gateway, f"<declineVendor><recordno>{listed[1]}</recordno><reviewcomments>no</reviewcomments></declineVendor>")
    assert [each["state"] for each in sandbox.state("intacct")["vendors"][:2]] == ["A", "R"]
    history = gateway.data(f"<getVendorApprovalHistory><recordno>{listed[1]}</recordno></getVendorApprovalHistory>")
    assert [row.findtext("action") for row in history] == ["decline"]
    assert "nothing of vendor" in refused(gateway, f"<approveVendor><recordno>{listed[0]}</recordno></approveVendor>")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("<create_bill><datecreated/><vendorid>V</vendorid></create_bill>", "not in the order"),
        ("<create_bill><vendorid>V</vendorid><nope/></create_bill>", "'nope' is not expected in create_bill"),
        ("<create_paymentrequest><paymentdate/><vendorid>V</vendorid></create_paymentrequest>", "not in the order"),
    ],
)
def test_children_in_another_order_do_not_conform_to_the_schema(gateway: Any, function: str, says: str) -> None:
    answer = gateway.ask(function)
    assert answer.findtext("control/status") == "failure"
    assert says in answer.findtext("errormessage/error/description2")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("<create_bill><vendorid>V</vendorid><batchkey>7</batchkey><billitems/></create_bill>", "'batchkey' is not played"),
        ('<delete_bill key="999999"></delete_bill>', "Cannot find"),
        ('<reverse_bill key="999999"><datereversed/></reverse_bill>', "there is no bill 999999"),
        ("<approve_appaymentrequest><appaymentkeys/></approve_appaymentrequest>", "appaymentkey is missing"),
        ("<send_appaymentrequest><appaymentkeys/></send_appaymentrequest>", "is not a function of the gateway"),
        ("<create_appayment><vendorid>V</vendorid></create_appayment>", "is not a function of the gateway"),
    ],
)
def test_what_is_not_played_is_refused_in_words(gateway: Any, function: str, says: str) -> None:
    assert says in refused(gateway, function)


def test_a_transaction_takes_an_old_function_back(gateway: Any, sandbox: Any, owed: str) -> None:
    before = sandbox.state("intacct")["bills"]
    answer = gateway.ask(request_for(sandbox, owed, "100"), '<delete_bill key="0"></delete_bill>', transaction=True)
    assert [each.text for each in answer.iterfind("operation/result/status")] == ["aborted", "failure"]
    assert sandbox.state("intacct")["bills"] == before


@pytest.mark.parametrize("state", ["Draft", "Submitted"])
def test_no_payment_is_carried_past_its_approval(gateway: Any, sandbox: Any, owed: str, state: str) -> None:
    key = sandbox.act("intacct", "jchen", "select_bill", record_no=owed, state=state)["payment"]["record_no"]
    assert f"its state is {state}" in refused(gateway, on_requests("confirm", key))
    assert bill_now(sandbox, owed)["total_due"] == "100.00"


def test_a_right_that_is_missing_is_missing_under_the_older_names_too(gateway: Any, sandbox: Any, owed: str) -> None:
    paid = sandbox.act("intacct", "jchen", "pay_bill", record_no=owed, amount="1")["payment"]["record_no"]
    vendor = sandbox.state("intacct")["vendors"][0]
    sandbox.settings(denied_objects=["APBILL", "APPYMT", "VENDOR"])
    names = ("bills", "payments", "vendors")
    before = {name: sandbox.state("intacct")[name] for name in names}
    day = f"<datereversed>{DAY.format('30')}</datereversed>"
    for asked in (
        f'<delete_bill key="{owed}"></delete_bill>',
        f'<reverse_bill key="{owed}">{day}</reverse_bill>',
        f"<recallApBill><recordno>{owed}</recordno></recallApBill>",
        request_for(sandbox, owed, "1"),
        *(on_requests(verb, paid) for verb in ("approve", "decline", "confirm", "void")),
        f'<delete_paymentrequest key="{paid}"></delete_paymentrequest>',
        f'<reverse_appayment key="{paid}">{day}</reverse_appayment>',
        f"<approveVendor><recordno>{vendor['record_no']}</recordno></approveVendor>",
        f"<declineVendor><recordno>{vendor['record_no']}</recordno></declineVendor>",
        f'<delete_vendor vendorid="{vendor["vendor_id"]}"></delete_vendor>',
    ):
        result = gateway.result(asked)
        assert result.findtext("status") == "failure", asked
        assert "permission" in gateway.text, gateway.text
    assert {name: sandbox.state("intacct")[name] for name in names} == before
