"""`get` and `get_list` of bills and vendors, as clients of the older generation ask: filter, sorts, fields, pages."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from sandbox.gateway.functions.oldlists import BILL, LINE, VENDOR

SHOWN = {
    "bill": tuple(BILL),
    "vendor": tuple(VENDOR),
    "lineitem": tuple(LINE),
}


def listed(gateway: Any, inside: str = "", **attributes: Any) -> Any:
    """The result of a `get_list` that succeeds."""
    told = {"object": "bill", "showprivate": "true", "maxitems": 1000} | attributes
    written = " ".join(f'{name}="{value}"' for name, value in told.items())
    result = gateway.result(f"<get_list {written}>{inside}</get_list>")
    assert result.findtext("status") == "success", gateway.text
    return result


def keys(result: Any) -> list[str]:
    return [each.findtext("key") for each in result.findall("data/bill")]


def expression(field: str, operator: str, value: str = "") -> str:
    sign = operator.replace("<", "&lt;").replace(">", "&gt;")
    return f"<expression><field>{field}</field><operator>{sign}</operator><value>{value}</value></expression>"


def logical(operator: str, *inside: str) -> str:
    return f'<logical logical_operator="{operator}">{"".join(inside)}</logical>'


def bills(sandbox: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.state("intacct")["bills"]
    return sorted(found, key=lambda bill: int(bill["record_no"]))


def test_a_list_tells_what_it_shows_before_its_data_and_in_the_schemas_order(gateway: Any, sandbox: Any) -> None:
    held = bills(sandbox)
    result = listed(gateway, start=3, maxitems=4)
    assert [child.tag for child in result] == ["status", "function", "controlid", "listtype", "data"]
    told = result.find("listtype")
    assert (told.text, dict(told.attrib)) == ("bill", {"start": "3", "end": "6", "total": str(len(held))})
    assert keys(result) == [bill["record_no"] for bill in held[3:7]]
    for each in result.iter("bill", "lineitem"):
        names = [child.tag for child in each]
        assert names == [name for name in SHOWN[each.tag] if name in names]
    first = result.find("data/bill")
    assert {"vendorid", "datecreated", "totaldue", "onhold", "billitems", "payto", "state", "customfields"} <= {
        child.tag for child in first
    }
    beyond = listed(gateway, start=len(held) + 5)
    assert (keys(beyond), beyond.find("listtype").get("total")) == ([], str(len(held)))


def test_one_bill_is_told_as_query_tells_it(gateway: Any, sandbox: Any) -> None:
    bill = next(one for one in bills(sandbox) if len(one["lines"]) > 1 and one["due_on"] and one["entity"] == "US01")
    number = bill["record_no"]
    [row] = gateway.rows(
        "APBILL",
        "RECORDID VENDORID WHENDUE TOTALENTERED TRX_TOTALDUE STATE WHENMODIFIED",
        f"<equalto><field>RECORDNO</field><value>{number}</value></equalto>",
    )
    got = gateway.result(f'<get object="bill" key="{number}"/>').find("data/bill")
    names = {
        "billno": "RECORDID",
        "vendorid": "VENDORID",
        "totalamount": "TOTALENTERED",
        "trx_totaldue": "TRX_TOTALDUE",
        "state": "STATE",
        "whenmodified": "WHENMODIFIED",
    }
    assert {name: got.findtext(name) or "" for name in names} == {name: row[field] for name, field in names.items()}
    due = "/".join(got.findtext(f"datedue/{part}") for part in ("month", "day", "year"))
    assert due == row["WHENDUE"]
    lines = got.findall("billitems/lineitem")
    assert [line.findtext("line_num") for line in lines] == [str(at) for at in range(1, len(bill["lines"]) + 1)]
    assert [line.findtext("key") for line in lines] == [line["record_no"] for line in bill["lines"]]
    assert [line.findtext("glaccountno") for line in lines] == [line["account_no"] for line in bill["lines"]]


def test_fields_choose_elements_and_keep_their_order(gateway: Any) -> None:
    asked = "<fields><field>state</field><field>key</field><field>datedue</field></fields>"
    first = listed(gateway, asked, maxitems=1).find("data/bill")
    assert [child.tag for child in first] == ["key", "datedue", "state"]
    assert [child.tag for child in first.find("datedue")] in (["year", "month", "day"], [])
    got = gateway.result(f'<get object="bill" key="{first.findtext("key")}">{asked}</get>').find("data/bill")
    assert etree.tostring(got) == etree.tostring(first)


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        (expression("state", "=", "Posted"), lambda bill: bill["state"] == "Posted"),
        (expression("state", "!=", "Posted"), lambda bill: bill["state"] != "Posted"),
        (
            expression("billno", "like", "INV%1%"),
            lambda bill: bill["bill_number"].startswith("INV") and "1" in bill["bill_number"],
        ),
        (expression("datedue", "is null"), lambda bill: not bill["due_on"]),
        (expression("datecreated", "<", "10/01/2026"), lambda bill: (bill["bill_date"] or "9") < "2026-10-01"),
        (expression("totalamount", ">=", "1000"), lambda bill: float(bill["total_entered"]) >= 1000),
        (
            logical("or", expression("state", "=", "Draft"), expression("state", "=", "Submitted")),
            lambda bill: bill["state"] in ("Draft", "Submitted"),
        ),
        (
            logical(
                "and",
                expression("totalamount", ">", "500"),
                logical("or", expression("state", "=", "Posted"), expression("onhold", "=", "true")),
            ),
            lambda bill: float(bill["total_entered"]) > 500 and (bill["state"] == "Posted" or bill["on_hold"]),
        ),
        (logical("and", expression("state", "=", "Posted")), lambda bill: bill["state"] == "Posted"),
    ],
)
def test_a_filter_is_expressions_and_nested_logicals(gateway: Any, sandbox: Any, asked: str, fits: Any) -> None:
    sandbox.reset(bills=40, untidy=0.3)
    wanted = [bill["record_no"] for bill in bills(sandbox) if fits(bill)]
    assert 0 < len(wanted) < len(bills(sandbox))
    result = listed(gateway, f"<filter>{asked}</filter>")
    assert keys(result) == wanted
    assert result.find("listtype").get("total") == str(len(wanted))


def test_sorts_go_by_the_first_and_then_the_next(gateway: Any, sandbox: Any) -> None:
    asked = '<sorts><sortfield order="asc">state</sortfield><sortfield order="desc">key</sortfield></sorts>'
    wanted = sorted(bills(sandbox), key=lambda bill: (bill["state"], -int(bill["record_no"])))
    assert keys(listed(gateway, asked)) == [bill["record_no"] for bill in wanted]


def test_a_custom_field_is_filtered_by_its_own_name_and_told_by_it(gateway: Any, sandbox: Any) -> None:
    one = sandbox.act("intacct", "xml_gateway", "create_bill", ASANA_DECISION="Approved")
    result = listed(gateway, f"<filter>{expression('ASANA_DECISION', '=', 'Approved')}</filter>")
    assert keys(result) == [str(one["record_no"])]
    told = {
        each.findtext("customfieldname"): each.findtext("customfieldvalue")
        for each in result.iterfind("data/bill/customfields/customfield")
    }
    assert told["ASANA_DECISION"] == "Approved"


def test_private_bills_are_shown_where_that_is_asked_for(gateway: Any, sandbox: Any) -> None:
    seen = int(listed(gateway, showprivate="false").find("listtype").get("total"))
    assert 0 < seen < len(bills(sandbox))


def test_vendors_are_listed_and_got_by_their_id(gateway: Any, sandbox: Any) -> None:
    held = sandbox.state("intacct")["vendors"]
    result = listed(gateway, object="vendor", maxitems=2)
    assert dict(result.find("listtype").attrib) == {"start": "0", "end": "1", "total": str(len(held))}
    names = [child.tag for child in result.find("data/vendor")]
    assert names == [name for name in VENDOR if name in names]
    assert names[:3] == ["recordno", "vendorid", "name"]
    wanted = held[1]["vendor_id"]
    got = gateway.result(f'<get object="vendor" key="{wanted}"/>').find("data/vendor")
    assert (got.findtext("vendorid"), got.findtext("name")) == (wanted, held[1]["name"])


def test_a_list_that_says_no_number_has_a_hundred(gateway: Any, sandbox: Any) -> None:
    sandbox.reset(bills=120)
    assert len(keys(gateway.result('<get_list object="bill" showprivate="true"/>'))) == 100


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ('<get object="bill" key="nothing"/>', "Cannot find the bill with the key 'nothing'"),
        ('<get object="bill" key="1" externalkey="true"/>', "External keys are not played here"),
        ('<get_list object="invoice"/>', "get_list of invoice is not played here"),
        ('<get_list object="bill" maxitems="many"/>', "it must be a whole number"),
        ('<get_list object="bill"><fields><field>colour</field></fields></get_list>', "'colour' is no field of bill"),
        ('<get_list object="bill"><fields><field>APBILL</field></fields></get_list>', "'APBILL' is no field of bill"),
        (f'<get_list object="bill"><filter>{expression("STATE1", "=", "x")}</filter></get_list>', "'STATE1' is no field"),
        (f'<get_list object="bill"><filter>{expression("RECORDNO", "=", "1")}</filter></get_list>', "'RECORDNO' is no field"),
        (f'<get_list object="bill"><filter>{expression("state", "in", "x")}</filter></get_list>', "it must be one of ="),
        (f'<get_list object="bill"><filter>{logical("xor", expression("state", "=", "x"))}</filter></get_list>', "and, or or"),
        (f'<get_list object="bill"><filter>{expression("datedue", "=", "2026-01-01")}</filter></get_list>', "is not a date"),
        ('<get_list object="bill"><sorts><sortfield>key</sortfield></sorts></get_list>', "it must be asc or desc"),
    ],
)
def test_what_cannot_be_read_fails_in_words(gateway: Any, asked: str, why: str) -> None:
    result = gateway.result(asked)
    assert result.findtext("status") == "failure"
    assert why in result.findtext("errormessage/error/description2")


@pytest.mark.parametrize("function", ["get", "get_list"])
def test_what_the_schema_does_not_list_fails_the_whole_request(gateway: Any, function: str) -> None:
    answer = gateway.ask(f'<{function} object="bills" key="1"/>')
    assert answer.findtext("control/status") == "failure"
    words = f'Value "bills" for attribute object of {function} is not among the enumerated set.'
    assert words in answer.findtext("errormessage/error/description2")


@pytest.mark.parametrize("function", ["get", "get_list"])
def test_a_right_that_is_missing_is_missing_here_too(gateway: Any, sandbox: Any, function: str) -> None:
    number = bills(sandbox)[0]["record_no"]
    sandbox.settings(denied_objects=["APBILL"])
    result = gateway.result(f'<{function} object="bill" key="{number}"/>')
    assert "You do not have permission" in result.findtext("errormessage/error/description2")
    vendor = sandbox.state("intacct")["vendors"][0]["vendor_id"]
    assert gateway.result(f'<{function} object="vendor" key="{vendor}"/>').findtext("status") == "success"
