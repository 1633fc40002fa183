"""What strangers' clients ask of the gateway beside `query`: readByQuery's text, readMore, readRelated, inspect; and groups."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

ALL = "<options><showprivate>true</showprivate></options>"


def by_text(gateway: Any, name: str, text: str, fields: str = "RECORDNO", page: str = "1000") -> Any:
    asked = f"<object>{name}</object><fields>{fields}</fields><query>{text}</query><pagesize>{page}</pagesize>"
    return gateway.data(f"<readByQuery>{asked}</readByQuery>")


def rows_of(data: Any) -> list[dict[str, str]]:
    return [{cell.tag: cell.text or "" for cell in row} for row in data]


def seen(sandbox: Any) -> list[dict[str, Any]]:
    """Bills that the older query sees: it knows no showprivate."""
    return [bill for bill in sandbox.state("intacct")["bills"] if bill["entity"] == "US01"]


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("STATE = 'A' OR STATE = 'D'", lambda bill: bill["state"] in ("Posted", "Draft")),
        ("STATE = 'A' or STATE = 'D' and ONHOLD = 'true'", lambda bill: bill["state"] == "Posted"),
        ("(STATE = 'A' OR STATE = 'D') AND ONHOLD = 'F'", lambda bill: bill["state"] in ("Posted", "Draft")),
        ("NOT STATE = 'A'", lambda bill: bill["state"] != "Posted"),
        ("NOT (STATE = 'A' OR STATE = 'D')", lambda bill: bill["state"] not in ("Posted", "Draft")),
        ("STATE not in ('A','D')", lambda bill: bill["state"] not in ("Posted", "Draft")),
        ("VENDORNAME not like 'S%'", lambda bill: not bill["vendor_name"].startswith("S")),
        ("VENDORNAME = 'O\\'Brien &amp; Daughters Électricité'", lambda bill: bill["vendor_name"].startswith("O'Brien")),
        ("TOTALDUE &gt; 1000 AND TOTALDUE &lt;= 50000", lambda bill: 1000 < Decimal(bill["total_due"]) <= 50000),
        ("RECORDID is not null", lambda bill: bill["bill_number"]),
        ("NOT RECORDID is not null", lambda bill: not bill["bill_number"]),
        ("", lambda _bill: True),
    ],
)
def test_the_text_of_the_older_query_selects_what_it_says(gateway: Any, sandbox: Any, text: str, fits: Any) -> None:
    found = {row["RECORDNO"] for row in rows_of(by_text(gateway, "APBILL", text))}
    assert found == {bill["record_no"] for bill in seen(sandbox) if fits(bill)}


def test_what_a_null_makes_unknown_is_matched_by_neither_a_condition_nor_its_opposite(gateway: Any) -> None:
    total = len(by_text(gateway, "APBILL", ""))
    numbered = len(by_text(gateway, "APBILL", "RECORDID is not null"))
    assert numbered == total - 1
    assert len(by_text(gateway, "APBILL", "NOT RECORDID = 'x'")) == numbered


def test_status_is_asked_for_by_its_code(gateway: Any, sandbox: Any) -> None:
    sandbox.reset(vendors=14)
    vendors = Counter(vendor["status"] for vendor in sandbox.state("intacct")["vendors"])
    assert len(by_text(gateway, "VENDOR", "STATUS = 'T'")) == vendors["active"] > 0
    assert len(by_text(gateway, "VENDOR", "STATUS = 'F'")) == vendors["inactive"] > 0
    assert len(by_text(gateway, "VENDOR", "STATUS = 'active'")) == 0
    assert {row["STATUS"] for row in rows_of(by_text(gateway, "VENDOR", "STATUS = 'T'", "STATUS"))} == {"active"}


@pytest.mark.parametrize(
    "text", ["STATE", "STATE = ", "STATE = 'A' AND", "(STATE = 'A'", "STATE ~ 'A'", "VENDOR.NAME = 'x'", "STATE in 'A'"]
)
def test_a_text_that_cannot_be_read_fails_its_function(gateway: Any, text: str) -> None:
    asked = f"<readByQuery><object>APBILL</object><fields>RECORDNO</fields><query>{text}</query></readByQuery>"
    assert gateway.result(asked).findtext("status") == "failure"


def test_reading_goes_on_by_the_object_s_name(gateway: Any) -> None:
    first = by_text(gateway, "VENDOR", "", page="3")
    by_text(gateway, "APBILL", "", page="2")
    found = [row["RECORDNO"] for row in rows_of(first)]
    left = int(first.get("numremaining"))
    while left:
        more = gateway.data("<readMore><object>VENDOR</object></readMore>")
        found += [row["RECORDNO"] for row in rows_of(more)]
        left = int(more.get("numremaining"))
    assert len(found) == len(set(found)) == int(first.get("totalcount"))
    assert gateway.result("<readMore><object>VENDOR</object></readMore>").findtext("status") == "failure"
    assert gateway.result("<readMore><object>PROJECT</object></readMore>").findtext("status") == "failure"


def test_plain_fields_beside_an_aggregate_are_what_is_grouped_by(gateway: Any, sandbox: Any) -> None:
    select = "<select><field>VENDORID</field><field>CURRENCY</field><sum>TRX_TOTALDUE</sum><count>RECORDNO</count></select>"
    asked = f"<object>APBILL</object>{select}<orderby><order><field>VENDORID</field><ascending/></order></orderby>{ALL}"
    whole = gateway.data(f"<query>{asked}</query>")
    expected: dict[tuple[str, str], list[Decimal]] = {}
    for bill in sandbox.state("intacct")["bills"]:
        expected.setdefault((bill["vendor_id"], bill["currency"]), []).append(Decimal(bill["transaction_total_due"]))
    told = {
        (row["VENDORID"], row["CURRENCY"]): (Decimal(row["TRX_TOTALDUE"]), int(row["COUNT.RECORDNO"])) for row in rows_of(whole)
    }
    assert told == {key: (sum(dues), len(dues)) for key, dues in expected.items()}
    assert [row["VENDORID"] for row in rows_of(whole)] == sorted(row["VENDORID"] for row in rows_of(whole))
    page = gateway.data(f"<query>{asked}<pagesize>2</pagesize><offset>1</offset></query>")
    assert rows_of(page) == rows_of(whole)[1:3]
    assert (page.get("totalcount"), page.get("numremaining")) == (str(len(expected)), str(len(expected) - 3))


def test_inspect_lists_objects_and_fields(gateway: Any, sandbox: Any) -> None:
    sandbox.settings(denied_objects=["APBILL"])
    named = gateway.data('<inspect detail="0"><object>APBILL</object></inspect>')
    whole = gateway.data('<inspect detail="1"><object>APBILL</object></inspect>')
    ids = [field.findtext("Name") for field in whole.iterfind("Type/Fields/Field")]
    assert [field.text for field in named.iterfind("Type/Fields/Field")] == ids
    assert "TOTALDUE" in ids
    objects = gateway.data("<inspect><object>*</object></inspect>")
    assert {"apbill", "vendor"} <= {each.get("typename") for each in objects.iterfind("type")}
    assert gateway.result("<inspect><object>NOPE</object></inspect>").findtext("status") == "failure"


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("<readRelated><object>APBILL</object><keys>1</keys><relation>VENDOR</relation></readRelated>", "custom objects"),
        ("<getMyRole><object>APBILL</object></getMyRole>", "is not a function of the gateway"),
        ("<query><object>APBILL</object><select><median>TOTALDUE</median></select></query>", "not an aggregate function"),
    ],
)
def test_what_is_not_played_is_a_failure_with_a_sentence(gateway: Any, function: str, says: str) -> None:
    result = gateway.result(function)
    assert result.findtext("status") == "failure"
    assert says in result.findtext("errormessage/error/description2")
