"""What `query` and the older ways to read answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

ALL = "<showprivate>true</showprivate>"


def test_counts_add_up_over_pages(gateway: Any) -> None:
    page = gateway.query("APBILL", page="<pagesize>7</pagesize><offset>14</offset>", options=ALL)
    assert dict(page.attrib) == {"listtype": "APBILL", "totalcount": "20", "offset": "14", "count": "6", "numremaining": "0"}
    first = gateway.query("APBILL", page="<pagesize>7</pagesize>", options=ALL)
    assert (first.get("count"), first.get("numremaining")) == ("7", "13")


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("<equalto><field>STATE</field><value>Posted</value></equalto>", lambda row: row["STATE"] == "Posted"),
        ("<notequalto><field>STATE</field><value>Posted</value></notequalto>", lambda row: row["STATE"] != "Posted"),
        (
            "<in><field>STATE</field><value>Paid</value><value>Draft</value></in>",
            lambda row: row["STATE"] in ("Paid", "Draft"),
        ),
        ("<notin><field>STATE</field><value>Paid</value></notin>", lambda row: row["STATE"] != "Paid"),
        ("<isnull><field>RECORDID</field></isnull>", lambda row: not row["RECORDID"]),
        ("<isnotnull><field>WHENMODIFIED</field></isnotnull>", lambda row: row["WHENMODIFIED"]),
        ("<isnull><field>WHENMODIFIED</field></isnull>", lambda row: not row["WHENMODIFIED"]),
        (
            "<like><field>STATE</field><value>P%d</value></like>",
            lambda row: row["STATE"] in ("Posted", "Paid", "Partially Paid", "Partially Approved"),
        ),
        ("<notlike><field>STATE</field><value>P%</value></notlike>", lambda row: not row["STATE"].startswith("P")),
        (
            "<greaterthan><field>TOTALDUE</field><value>1000.5</value></greaterthan>",
            lambda row: Decimal(row["TOTALDUE"]) > Decimal("1000.5"),
        ),
        (
            "<between><field>TOTALDUE</field><value>100</value><value>5000</value></between>",
            lambda row: 100 <= Decimal(row["TOTALDUE"]) <= 5000,
        ),
        (
            "<or><and><equalto><field>STATE</field><value>Paid</value></equalto>"
            "<equalto><field>ONHOLD</field><value>false</value></equalto></and>"
            "<equalto><field>STATE</field><value>Draft</value></equalto></or>",
            lambda row: row["STATE"] in ("Paid", "Draft"),
        ),
    ],
)
def test_each_operator_selects_what_it_says(gateway: Any, where: str, expected: Any) -> None:
    select = "RECORDNO RECORDID STATE WHENMODIFIED TOTALDUE"
    everything = gateway.rows("APBILL", select, options=ALL)
    found = gateway.rows("APBILL", select, where=where, options=ALL)
    assert found == [row for row in everything if expected(row)]
    assert 0 < len(found) < 20


def test_a_null_matches_no_comparison(gateway: Any) -> None:
    where = "<notequalto><field>RECORDID</field><value>x</value></notequalto>"
    assert len(gateway.rows("APBILL", where=where, options=ALL)) == 19


def test_text_is_compared_by_case_unless_told_otherwise(gateway: Any) -> None:
    where = "<equalto><field>STATE</field><value>posted</value></equalto>"
    assert not gateway.rows("APBILL", where=where, options=ALL)
    assert gateway.rows("APBILL", where=where, options=ALL + "<caseinsensitive>true</caseinsensitive>")


@pytest.mark.parametrize(
    "broken",
    [
        "<select><field>NOPE</field></select>",
        "<select></select>",
        "<select><field>RECORDNO</field></select><filter><equalto><field>NOPE</field><value>1</value></equalto></filter>",
        "<select><field>RECORDNO</field></select><filter><isnull><field>RECORDID</field></isnull><isnull><field>STATE</field></isnull></filter>",
        "<select><field>RECORDNO</field></select><filter><and><isnull><field>RECORDID</field></isnull></and></filter>",
        "<select><field>RECORDNO</field></select><filter><between><field>RECORDNO</field><value>1</value></between></filter>",
        "<select><field>RECORDNO</field></select><filter><equalto><field>WHENMODIFIED</field><value>2026-01-01</value></equalto></filter>",
        "<select><field>RECORDNO</field></select><pagesize>2001</pagesize>",
        "<select><field>RECORDNO</field></select><pagesize>0</pagesize>",
        "<select><field>APPROVER.NAME</field></select>",
    ],
)
def test_a_query_against_the_schema_fails_its_function(gateway: Any, broken: str) -> None:
    result = gateway.result(f"<query><object>APBILL</object>{broken}</query>")
    assert result.findtext("status") == "failure"
    assert result.find("data") is None


def test_keyset_pages_over_change_times_meet_every_row_once(gateway: Any, sandbox: Any) -> None:
    sandbox.reset(bills=300, vendors=30)
    seen: list[str] = []
    where = "<isnotnull><field>WHENMODIFIED</field></isnotnull>"
    while True:
        rows = gateway.rows(
            "APBILL", "RECORDNO WHENMODIFIED", where, "WHENMODIFIED RECORDNO", "<pagesize>7</pagesize>", options=ALL
        )
        if not rows:
            break
        seen += [row["RECORDNO"] for row in rows]
        at, number = rows[-1]["WHENMODIFIED"], rows[-1]["RECORDNO"]
        where = (
            f"<or><greaterthan><field>WHENMODIFIED</field><value>{at}</value></greaterthan>"
            f"<and><equalto><field>WHENMODIFIED</field><value>{at}</value></equalto>"
            f"<greaterthan><field>RECORDNO</field><value>{number}</value></greaterthan></and></or>"
        )
    bills = [bill for bill in sandbox.state("intacct")["bills"] if bill["modified_at"]]
    assert seen == [bill["record_no"] for bill in sorted(bills, key=lambda bill: (bill["modified_at"], int(bill["record_no"])))]
    ties = len(bills) - len({bill["modified_at"] for bill in bills})
    assert ties > 0


def test_dotted_fields_come_under_their_dotted_name(gateway: Any) -> None:
    row = gateway.rows("APBILL", "VENDORNAME VENDOR.NAME VENDOR.STATUS")[0]
    assert row["VENDOR.NAME"] == row["VENDORNAME"]
    assert row["VENDOR.STATUS"] == "active"


def test_lines_of_many_bills_come_in_one_query_and_add_up(gateway: Any, sandbox: Any) -> None:
    bills = {row["RECORDNO"]: row for row in gateway.rows("APBILL", "RECORDNO TOTALENTERED TRX_TOTALENTERED", options=ALL)}
    keys = "".join(f"<value>{key}</value>" for key in bills)
    where = f"<in><field>RECORDKEY</field>{keys}</in>"
    lines = gateway.rows(
        "APBILLITEM", "RECORDKEY LINE_NO AMOUNT TRX_AMOUNT STATE ACCOUNTNO", where, "RECORDKEY LINE_NO", options=ALL
    )
    for key, bill in bills.items():
        own = [line for line in lines if line["RECORDKEY"] == key]
        assert sum(Decimal(line["AMOUNT"]) for line in own) == Decimal(bill["TOTALENTERED"])
        assert sum(Decimal(line["TRX_AMOUNT"]) for line in own) == Decimal(bill["TRX_TOTALENTERED"])


def test_numbers_are_not_padded_and_dates_have_their_form(gateway: Any) -> None:
    row = gateway.rows("APBILL", "TOTALPAID WHENDUE WHENMODIFIED AUWHENCREATED ONHOLD")[0]
    assert row["TOTALPAID"] == "0"
    assert row["ONHOLD"] == "false"
    assert len(row["WHENDUE"]) == 10
    assert len(row["WHENMODIFIED"]) == 19


def test_a_zone_moves_change_times_but_not_the_audit_time(gateway: Any, sandbox: Any) -> None:
    select = "RECORDNO WHENMODIFIED AUWHENCREATED"
    before = gateway.rows("APBILL", select)[0]
    sandbox.settings(gmt_offset_minutes=-480)
    after = gateway.rows("APBILL", select)[0]
    assert before["AUWHENCREATED"] == after["AUWHENCREATED"]
    assert before["WHENMODIFIED"] != after["WHENMODIFIED"]
    where = f"<equalto><field>WHENMODIFIED</field><value>{after['WHENMODIFIED']}</value></equalto>"
    assert gateway.rows("APBILL", select, where)[0] == after


def test_aggregates_count_and_sum(gateway: Any, sandbox: Any) -> None:
    result = gateway.data(
        "<query><object>APBILL</object><select><count>RECORDNO</count><sum>TOTALDUE</sum></select>"
        "<options><showprivate>true</showprivate></options></query>"
    )
    total = sum(Decimal(bill["total_due"]) for bill in sandbox.state("intacct")["bills"])
    assert result.findtext("APBILL/COUNT.RECORDNO") == "20"
    assert Decimal(result.findtext("APBILL/TOTALDUE")) == total


def test_reading_a_bill_brings_its_lines(gateway: Any) -> None:
    number = gateway.rows("APBILL")[0]["RECORDNO"]
    bill = gateway.data(f"<read><object>APBILL</object><keys>{number}</keys><fields>*</fields></read>").find("APBILL")
    assert len(bill.findall("APBILLITEMS/apbillitem")) >= 1
    assert len(gateway.data("<read><object>APBILL</object><keys>0,999999</keys></read>")) == 0


def test_reading_by_name_uses_the_object_s_own_key(gateway: Any) -> None:
    vendor = gateway.data("<readByName><object>VENDOR</object><keys>V1002</keys><fields>NAME</fields></readByName>")
    assert vendor.findtext("VENDOR/NAME") == 'Smith & Sons "Quality" Plumbing'
    user = gateway.data("<readByName><object>USERINFO</object><keys>amartin</keys><fields>RECORDNO</fields></readByName>")
    assert user.findtext("USERINFO/RECORDNO")


def test_read_by_query_filters_by_code_shows_the_name_and_goes_on(gateway: Any) -> None:
    first = gateway.data(
        "<readByQuery><object>APBILL</object><fields>RECORDNO,STATE,RAWSTATE</fields>"
        "<query>STATE = 'A'</query><pagesize>2</pagesize></readByQuery>"
    )
    rows, page = list(first), first
    while page.get("numremaining") != "0":
        page = gateway.data(f"<readMore><resultId>{first.get('resultId')}</resultId></readMore>")
        rows += list(page)
    assert {(row.findtext("STATE"), row.findtext("RAWSTATE"), row.tag) for row in rows} == {("Posted", "A", "apbill")}
    assert len(rows) == int(first.get("totalcount"))


def test_lookup_marks_the_stamp_fields_as_custom(gateway: Any, sandbox: Any) -> None:
    from sandbox.constants import STAMP_FIELDS

    def custom() -> list[str]:
        fields = gateway.data("<lookup><object>APBILL</object></lookup>").iterfind("Type/Fields/Field")
        return [field.findtext("ID") for field in fields if field.findtext("ISCUSTOM") == "true"]

    assert tuple(custom()) == STAMP_FIELDS
    sandbox.settings(missing_custom_fields=["ASANA_DECISION"])
    assert "ASANA_DECISION" not in custom()


def definition(gateway: Any, name: str) -> dict[str, Any]:
    """Fields of an object, by name, as `lookup` tells them."""
    fields = gateway.data(f"<lookup><object>{name}</object></lookup>").iterfind("Type/Fields/Field")
    return {field.findtext("ID"): field for field in fields}


@pytest.mark.parametrize(
    ("name", "required", "writable", "read_only"),
    [
        ("USERINFO", {"LOGINID", "EMAIL", "ADMIN"}, {"STATUS", "DESCRIPTION"}, {"RECORDNO", "CONTACTINFO.EMAIL1"}),
        ("CLASS", {"CLASSID", "NAME"}, {"STATUS", "DESCRIPTION", "PARENTID"}, {"RECORDNO", "WHENMODIFIED", "MEGAENTITYID"}),
        ("PROJECT", {"PROJECTID", "NAME", "PROJECTCATEGORY"}, {"RECORDNO", "WHENMODIFIED", "STATUS"}, {"WHENCREATED"}),
        ("LOCATIONENTITY", {"LOCATIONID", "NAME"}, {"CURRENCY", "STATUS"}, {"RECORDNO", "WHENCREATED", "RECORD_URL"}),
        ("ROLES", {"NAME"}, set(), {"RECORDNO"}),
        ("PODOCUMENT", {"DOCID"}, {"STATE"}, {"RECORDNO", "DOCID"}),
    ],
)
def test_lookup_labels_fields_as_a_live_company_does(
    gateway: Any, name: str, required: set[str], writable: set[str], read_only: set[str]
) -> None:
    fields = definition(gateway, name)
    told = {each: (field.findtext("REQUIRED"), field.findtext("READONLY")) for each, field in fields.items()}
    assert required <= {each for each, (needed, _) in told.items() if needed == "true"}
    assert all(told[each] == ("false", "false") for each in writable)
    assert all(told[each][1] == "true" for each in read_only)


def test_lookup_tells_types_and_values_that_no_row_shows(gateway: Any) -> None:
    def values(name: str, field: str) -> list[str]:
        return [each.text or "" for each in definition(gateway, name)[field].iterfind("VALIDVALUES/VALIDVALUE")]

    assert values("USERINFO", "ADMIN") == ["false", "true", "Full"]
    assert "payment approver" in values("USERINFO", "USERTYPE")
    assert values("PROJECT", "STATUS") == ["active", "inactive"]
    assert values("CLASS", "STATUS") == ["active", "active non-posting", "inactive"]
    shown = {row["PROJECTCATEGORY"] for row in gateway.rows("PROJECT", "PROJECTCATEGORY")}
    assert shown <= set(values("PROJECT", "PROJECTCATEGORY"))
    assert values("ROLEASSIGNMENT", "TYPE") == []
    types = {name: definition(gateway, name) for name in ("PROJECT", "CLASS", "LOCATIONENTITY")}
    assert types["PROJECT"]["BEGINDATE"].findtext("DATATYPE") == "DATE"
    assert types["CLASS"]["MEGAENTITYKEY"].findtext("DATATYPE") == "INTEGER"
    assert types["LOCATIONENTITY"]["HAS_IE_RELATION"].findtext("DATATYPE") == "BOOLEAN"


def test_user_formatting_tells_the_zone(gateway: Any, sandbox: Any) -> None:
    sandbox.settings(gmt_offset_minutes=570)
    told = gateway.data("<readUserFormatting><userId>xml_gateway</userId></readUserFormatting>").find("userformatting")
    assert {cell.tag: cell.text for cell in told}.items() >= {
        "locale": "en_US",
        "dateformat": "/mdY",
        "gmtoffset": "+09:30",
        "clock": "24",
    }.items()
    assert gateway.result("<readUserFormatting/>").findtext("status") == "failure"
