"""What a whole answer becomes is what a plain reader with another parser makes of it value by value; broken ones too."""

from __future__ import annotations

import pickle
import string
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.errors import UnexpectedReply
from intacct_asana.intacct.records import (
    BILL_NEEDED,
    BILL_WISHED,
    LINE_NEEDED,
    LINE_WISHED,
    VENDOR_NEEDED,
    VENDOR_WISHED,
    bill_of,
    line_of,
    vendor_of,
)
from intacct_asana.intacct.replies import decipher, rows_of
from intacct_asana.records import Bill, BillLine, BillState, Vendor

Row = Mapping[str, str]
Cell = tuple[str, str]


# The plain reader: one value after the other, nothing kept, nothing done at once


def plain_rows(body: bytes) -> list[Row]:
    rows = []
    for found in ElementTree.fromstring(body).iterfind("operation/result/data/*"):
        row: dict[str, str] = {}
        for cell in found:
            name, text = cell.tag.upper(), (cell.text or "").strip()
            if name in row and row[name] != text:
                raise UnexpectedReply(f"query: a record has {name} twice, with different values")
            row.setdefault(name, text)
        rows.append(row)
    if not all(row.get("RECORDNO") for row in rows):
        raise UnexpectedReply("query: the answer holds something else than")
    return rows


def plain_day(text: str) -> date:
    for form in ("%Y-%m-%d", "%m/%d/%Y"):
        if form == "%m/%d/%Y" or [len(part) for part in text.split("-")] == [4, 2, 2]:
            try:
                return datetime.strptime(text, form).date()  # noqa: DTZ007
            except ValueError:
                continue
    raise UnexpectedReply(f"Intacct wrote the day {text!r}; expected mm/dd/yyyy.")


def plain_amount(text: str) -> Decimal:
    """Digits, at most one point among them, at most one power behind them, and a bound on each."""
    number, has_power, power = text.replace("E", "e").partition("e")
    whole, _, part = number.removeprefix("-").partition(".")
    digits = set(whole + part) <= set(string.digits) and bool(whole + part) and len(whole) <= 18 and len(part) <= 20
    raised = power.removeprefix("-") if power.startswith("-") else power.removeprefix("+")
    power_is_plain = not has_power or (set(raised) <= set(string.digits) and 1 <= len(raised) <= 2)
    if not digits or not power_is_plain or abs(Decimal(text)) >= 10**18:
        raise UnexpectedReply(f"Intacct sent the amount {text!r}, which is no plain number such as 1234.50.")
    return round(Decimal(text), 10) if has_power else Decimal(text)


def plain_flag(text: str) -> bool:
    if text.lower() in ("true", "t", "1", "yes", "y"):
        return True
    if text.lower() in ("false", "f", "0", "no", "n"):
        return False
    raise UnexpectedReply(f"Intacct sent {text!r} where true or false is expected.")


def plain_state(text: str) -> BillState:
    if text not in list(BillState):
        raise UnexpectedReply(f"{text!r} is none of the twelve states that are known.")
    return BillState(text)


Plain = tuple[str, Callable[[str], Any], Any, tuple[str, ...]]
ZERO = Decimal(0)
BILL: tuple[Plain, ...] = (
    # attribute, reader, what nothing is, the fields of which the first that says something counts
    ("state", plain_state, None, ("STATE",)),
    ("bill_date", plain_day, None, ("WHENCREATED",)),
    ("due_on", plain_day, None, ("WHENDUE",)),
    ("posted_on", plain_day, None, ("WHENPOSTED",)),
    ("paid_on", plain_day, None, ("WHENPAID",)),
    ("discount_on", plain_day, None, ("WHENDISCOUNT",)),
    ("recommended_on", plain_day, None, ("RECPAYMENTDATE",)),
    ("total_entered", plain_amount, ZERO, ("TOTALENTERED",)),
    ("total_selected", plain_amount, ZERO, ("TOTALSELECTED",)),
    ("total_paid", plain_amount, ZERO, ("TOTALPAID",)),
    ("total_due", plain_amount, ZERO, ("TOTALDUE",)),
    ("transaction_total_entered", plain_amount, ZERO, ("TRX_TOTALENTERED", "TOTALENTERED")),
    ("transaction_total_paid", plain_amount, ZERO, ("TRX_TOTALPAID", "TOTALPAID")),
    ("transaction_total_due", plain_amount, ZERO, ("TRX_TOTALDUE", "TOTALDUE")),
    ("total_retained", plain_amount, None, ("TOTALRETAINED",)),
    ("transaction_total_retained", plain_amount, None, ("TRX_TOTALRETAINED", "TOTALRETAINED")),
    ("transaction_total_released", plain_amount, None, ("TRX_TOTALRELEASED",)),
    ("tax_included", plain_flag, None, ("INCLUSIVETAX",)),
    ("on_hold", plain_flag, False, ("ONHOLD",)),
    *(
        (attribute, str, "", (name,))
        for attribute, name in {
            "record_no": "RECORDNO", "bill_number": "RECORDID", "vendor_id": "VENDORID", "vendor_name": "VENDORNAME",
            "reference": "DOCNUMBER", "description": "DESCRIPTION", "module": "MODULEKEY", "source_document": "DOCHDRKEY",
            "base_currency": "BASECURR", "pay_to": "BILLTOPAYTOCONTACTNAME", "return_to": "SHIPTORETURNTOCONTACTNAME",
            "payment_priority": "PAYMENTPRIORITY", "term": "TERMNAME", "entity_id": "MEGAENTITYID",
            "entity_name": "MEGAENTITYNAME", "created_by": "CREATEDBYLOGINID", "created_by_no": "CREATEDBY",
            "modified_by": "MODIFIEDBYLOGINID", "modified_by_no": "MODIFIEDBY", "modified_at_text": "WHENMODIFIED",
            "created_at_text": "AUWHENCREATED", "record_url": "RECORD_URL", "document_id": "SUPDOCID",
            "summary_no": "PRBATCHKEY",
        }.items()
    ),
    ("currency", str, "", ("CURRENCY", "BASECURR")),
)  # fmt: skip
LINE: tuple[Plain, ...] = (
    ("amount", plain_amount, ZERO, ("AMOUNT",)),
    ("transaction_amount", plain_amount, ZERO, ("TRX_AMOUNT", "AMOUNT")),
    ("retained", plain_amount, None, ("TRX_AMOUNTRETAINED",)),
    ("released", plain_flag, None, ("RELEASETOPAY",)),
    *(
        (attribute, str, "", (name,))
        for attribute, name in {
            "record_no": "RECORDNO", "account_no": "ACCOUNTNO", "account_title": "ACCOUNTTITLE",
            "description": "ENTRYDESCRIPTION", "department_id": "DEPARTMENTID", "department_name": "DEPARTMENTNAME",
            "location_id": "LOCATIONID", "location_name": "LOCATIONNAME", "project_id": "PROJECTID",
            "project_name": "PROJECTNAME", "class_id": "CLASSID", "class_name": "CLASSNAME", "customer_id": "CUSTOMERID",
            "customer_name": "CUSTOMERNAME", "item_id": "ITEMID", "item_name": "ITEMNAME",
            "form_1099_box": "FORM1099BOX", "purchase_order": "ORIGDOCID",
        }.items()
    ),
)  # fmt: skip
VENDOR: tuple[Plain, ...] = (
    ("on_hold", plain_flag, False, ("ONHOLD",)),
    ("total_due", plain_amount, ZERO, ("TOTALDUE",)),
    ("credit_limit", plain_amount, None, ("CREDITLIMIT",)),
    *(
        (attribute, str, "", (name,))
        for attribute, name in {
            "record_no": "RECORDNO", "vendor_id": "VENDORID", "name": "NAME", "status": "STATUS", "approval_state": "STATE",
            "term": "TERMNAME", "currency": "CURRENCY", "entity_id": "MEGAENTITYID", "modified_at_text": "WHENMODIFIED",
            "created_at_text": "WHENCREATED", "record_url": "RECORD_URL", "created_by": "CREATEDBYLOGINID",
            "created_by_no": "CREATEDBY", "modified_by": "MODIFIEDBYLOGINID", "modified_by_no": "MODIFIEDBY",
        }.items()
    ),
)  # fmt: skip


def plain_values(row: Row, table: tuple[Plain, ...], *, called: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for attribute, read, nothing, names in table:
        if attribute == "total_entered" and not row.get("TOTALENTERED") and found["state"] is not BillState.DRAFT:
            raise UnexpectedReply(f"{called} came without a total amount.")
        name = next((name for name in names if row.get(name)), "")
        try:
            found[attribute] = read(row[name]) if name else nothing
        except UnexpectedReply as error:
            raise UnexpectedReply(f"{called}, field {name}: {error.message}") from error
        if attribute == "state" and found["state"] is None:
            raise UnexpectedReply(f"{called} came without a state.")
    return found


def plain_name(noun: str, said: str, row: Row) -> str:
    return f"{noun} {said} (record {row['RECORDNO']})" if said else f"{noun} {row['RECORDNO']}"


def plain_bill(row: Row) -> Bill:
    values = plain_values(row, BILL, called=plain_name("Bill", row.get("RECORDID", ""), row))
    is_purchased = values["module"] == "9.PO" and values["source_document"]
    key = f"ACME:po:{values['source_document']}" if is_purchased else f"ACME:ap:{values['record_no']}"
    return Bill(bill_key=key, custom={"own_field": row.get("OWN_FIELD", "")}, **values)


def plain_line(row: Row) -> BillLine:
    called = f"line {row.get('LINE_NO') or 'without a number'} (record {row['RECORDNO']})"
    values, leading = plain_values(row, LINE, called=called), ""
    for character in row.get("LINE_NO", "")[:9]:
        if character not in string.digits:
            break
        leading += character
    is_1099 = row.get("FORM1099", "").lower() in ("true", "t", "1", "yes", "y")
    form = row.get("FORM1099TYPE") or ("1099" if is_1099 else "")
    return BillLine(line_no=int(leading or 0), form_1099_type=form, **values)


def plain_vendor(row: Row) -> Vendor:
    if not row.get("VENDORID"):
        raise UnexpectedReply(f"Vendor {row['RECORDNO']} came without a vendor id.")
    values = plain_values(row, VENDOR, called=plain_name("Vendor", row["VENDORID"], row))
    return Vendor(vendor_key=f"ACME:vendor:{row['VENDORID']}", custom={"own_field": row.get("OWN_FIELD", "")}, **values)


# Answers: mostly as documented, now and then a value, a name or a row that is not

LEGAL = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=12)
DAYS = st.dates().flatmap(lambda day: st.sampled_from([f"{day:%m/%d/}{day.year:04d}", day.isoformat()]))
ODD_DAYS = st.sampled_from(["00/00/0000", "02/30/2026", "2026-02-30", "2026-2-3", "1/5/2026", "01/05/26", "20260105", "soon"])
AMOUNTS = st.decimals(-(10**12), 10**12, places=2).map(str)
ODD_AMOUNTS = st.sampled_from(
    ["-9.09E-13", "1e5", "9E17", "1e18", "1e500", "9" * 19, "٣", "NaN", "-", ".", ".5", "5.", "1,234.00", "1_000", "+1", "0x1"]
)
FLAGS = st.sampled_from(["true", "false", "T", "F", "1", "0", "Yes", "no", "on"])
STATES = st.sampled_from([*BillState, "Parked"])
KINDS: dict[str, tuple[str, ...]] = {
    "APBILL": (*BILL_NEEDED, *BILL_WISHED, "OWN_FIELD"),
    "APBILLITEM": (*LINE_NEEDED, *LINE_WISHED),
    "VENDOR": (*VENDOR_NEEDED, *VENDOR_WISHED, "OWN_FIELD"),
}
DAY_FIELDS = {"WHENCREATED", "WHENDUE", "WHENPOSTED", "WHENPAID", "WHENDISCOUNT", "RECPAYMENTDATE"}
FLAG_FIELDS = {"ONHOLD", "INCLUSIVETAX", "RELEASETOPAY", "FORM1099"}


def texts_of(name: str, kind: str, *, odd: bool) -> st.SearchStrategy[str]:
    if name in DAY_FIELDS and kind == "APBILL":
        return ODD_DAYS if odd else DAYS
    if "TOTAL" in name or "AMOUNT" in name or name == "CREDITLIMIT":
        return ODD_AMOUNTS if odd else AMOUNTS
    if name in FLAG_FIELDS:
        return FLAGS if odd else st.sampled_from(["true", "false"])
    if name == "STATE" and kind == "APBILL":
        return STATES if odd else st.sampled_from(["Posted", "Paid", "Draft"])
    return LEGAL if odd else st.sampled_from(["V-1", "Piñata <Ltd> & Co", "  padded ", "9.PO", "12", "2.0"])


@st.composite
def rows(draw: st.DrawFn, kind: str) -> list[Cell]:
    """A row's cells in any order. Fields are missing, empty, in lower case, or there twice."""
    names = draw(st.lists(st.sampled_from(KINDS[kind]), unique=True))
    sure = {"APBILL": ("STATE", "TOTALENTERED"), "VENDOR": ("VENDORID",), "APBILLITEM": ()}[kind]
    names = [*dict.fromkeys([*names, *sure])] if draw(st.integers(0, 9)) else names
    odd = set(draw(st.lists(st.sampled_from(names or ["NOTHING"]), max_size=2))) if draw(st.booleans()) else set()
    empty = set(draw(st.lists(st.sampled_from(names or ["NOTHING"]), max_size=3)))
    cells = [(name, "" if name in empty else draw(texts_of(name, kind, odd=name in odd))) for name in names]
    number = draw(st.sampled_from(["1", "41", "9" * 9] * 10 + [""]))
    cells = [(name, text) for name, text in cells if name != "RECORDNO"] + [("RECORDNO", number)]
    if not draw(st.integers(0, 9)):
        name, text = draw(st.sampled_from(cells))
        cells.append((name, draw(st.sampled_from([text, "another"]))))
    return [(name.lower() if draw(st.integers(0, 19)) == 0 else name, text) for name, text in cells]


def answer(kind: str, of: list[list[Cell]]) -> bytes:
    cells = ["".join(f"<{name}>{escape(text)}</{name}>" for name, text in row) for row in of]
    data = "".join(f"<{kind}>{row}</{kind}>" for row in cells)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><response><control><status>success</status></control><operation>'
        "<authentication><status>success</status></authentication><result><status>success</status><function>query</function>"
        f'<data listtype="{kind}" count="{len(of)}">{data}</data></result></operation></response>'
    ).encode()


def each(rows_: list[Row], read: Callable[[Row], Any]) -> list[Any]:
    """Each row's record, or the words in which it is refused."""
    found = []
    for row in rows_:
        try:
            found.append(read(row))
        except UnexpectedReply as error:
            found.append(error.message)
    return found


def said(read: Callable[[], list[Any]]) -> list[Any] | str:
    try:
        return read()
    except UnexpectedReply as error:
        return error.message


READERS: dict[str, tuple[Callable[[Row], Any], Callable[[Row], Any]]] = {
    "APBILL": (lambda row: bill_of(row, company_id="ACME", custom_fields=("own_field",)), plain_bill),
    "APBILLITEM": (line_of, plain_line),
    "VENDOR": (lambda row: vendor_of(row, company_id="ACME", custom_fields=("own_field",)), plain_vendor),
}


@pytest.mark.parametrize("kind", list(KINDS))
@given(drawn=st.data())
def test_an_answer_becomes_what_a_plain_reader_makes_of_it(kind: str, drawn: st.DataObject) -> None:
    body = answer(kind, drawn.draw(st.lists(rows(kind), max_size=4)))
    reply = decipher(200, {}, body, asked="query", is_write=False)
    quick, plain = READERS[kind]
    ours = said(lambda: each(list(rows_of(reply, kind, asked="query")), quick))
    theirs = said(lambda: each(plain_rows(body), plain))
    if isinstance(ours, str):
        assert isinstance(theirs, str)
        assert ours.startswith(theirs)
    else:
        assert ours == theirs


@given(texts=st.lists(AMOUNTS | ODD_AMOUNTS, min_size=1, max_size=6))
def test_what_was_read_before_changes_no_later_reading(texts: list[str]) -> None:
    """Texts that come again and again are worked out once, and one that is refused is refused every time."""
    row = {"RECORDNO": "1", "STATE": "Posted", "TOTALENTERED": "1"}
    rows_ = [{**row, "TOTALPAID": text} for text in texts * 2]
    assert each(rows_, READERS["APBILL"][0]) == each(rows_, plain_bill)


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (bill_of({"RECORDNO": "41", "STATE": "Posted", "TOTALENTERED": "1"}, company_id="ACME"), Bill),
        (line_of({"RECORDNO": "9", "AMOUNT": "1"}), BillLine),
    ],
)
def test_a_record_out_of_an_answer_is_like_any_other_of_its_kind(made: Any, kind: type[Any]) -> None:
    same = kind(**{one.name: getattr(made, one.name) for one in fields(kind)})
    assert type(made) is kind
    assert made == same == pickle.loads(pickle.dumps(made))
    assert repr(made) == repr(same)
    assert replace(made, record_no="42").record_no == "42"
    for name in ("record_no", "anything_else"):
        with pytest.raises((FrozenInstanceError, TypeError)):
            setattr(made, name, "43")
    assert not hasattr(made, "__dict__")
