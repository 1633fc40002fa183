"""Rows of the gateway as records, and the field names behind them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from copy import copy
from dataclasses import fields, make_dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, TypeVar

from intacct_asana.errors import UnexpectedReply
from intacct_asana.intacct.query import Filter, on_or_after, one_of
from intacct_asana.intacct.timestamps import day_of, day_text
from intacct_asana.records import Bill, BillLine, BillState, IntacctUser, Payment, ReadWindow, Unread, Vendor

BILL, LINE, VENDOR, USER, SUMMARY = "APBILL", "APBILLITEM", "VENDOR", "USERINFO", "APBILLBATCH"
RECORD_NO, MODIFIED, PARENT_BILL, SOURCE_DOCUMENT = "RECORDNO", "WHENMODIFIED", "RECORDKEY", "DOCHDRKEY"
CREATED: Mapping[str, str] = {BILL: "AUWHENCREATED", LINE: "WHENCREATED", VENDOR: "WHENCREATED"}
"""When a row was made. On a bill WHENCREATED is the document's date, and AUWHENCREATED may be in another zone than
WHENMODIFIED."""

Kind = TypeVar("Kind")
Read = TypeVar("Read")
CREATORS = ("CREATEDBYLOGINID", "CREATEDBY")
PURCHASING = "9.PO"
ENTITY = "MEGAENTITYID"
AMOUNT = re.compile(r"-?(?:[0-9]{1,18}(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?P<power>[eE][+-]?[0-9]{1,2})?")
LEADING = re.compile("[0-9]{0,9}")
NOTHING = Decimal(0)
MOST_AMOUNT, LEAST_AMOUNT = Decimal(10) ** 18, Decimal("1e-10")
"""Bounded, since sums and roundings of longer ones would fail far from here."""

BILL_NEEDED = ("RECORDNO", "VENDORID", "STATE", "WHENMODIFIED", "TOTALENTERED", "TOTALDUE", "TOTALPAID", "WHENDUE")
BILL_WISHED = (
    "RECORDID",
    "VENDORNAME",
    "DOCNUMBER",
    "DESCRIPTION",
    "DOCHDRKEY",
    "MODULEKEY",
    "WHENCREATED",
    "WHENPOSTED",
    "WHENPAID",
    "TOTALSELECTED",
    "TRX_TOTALENTERED",
    "TRX_TOTALPAID",
    "TRX_TOTALDUE",
    "BASECURR",
    "CURRENCY",
    "ONHOLD",
    "PAYMENTPRIORITY",
    "TERMNAME",
    "MEGAENTITYID",
    "MEGAENTITYNAME",
    "CREATEDBYLOGINID",
    "CREATEDBY",
    "MODIFIEDBYLOGINID",
    "MODIFIEDBY",
    "AUWHENCREATED",
    "RECORD_URL",
    "SUPDOCID",
    "PRBATCHKEY",
    "WHENDISCOUNT",
    "RECPAYMENTDATE",
    "TOTALRETAINED",
    "TRX_TOTALRETAINED",
    "TRX_TOTALRELEASED",
    "INCLUSIVETAX",
    "BILLTOPAYTOCONTACTNAME",
    "SHIPTORETURNTOCONTACTNAME",
)
BILL_DAYS = ("WHENCREATED", "WHENDUE", "WHENPOSTED", "WHENPAID", "WHENDISCOUNT", "RECPAYMENTDATE")
BILL_AMOUNTS = tuple(name for name in (*BILL_NEEDED, *BILL_WISHED) if "TOTAL" in name)
BILL_FLAGS = ("INCLUSIVETAX", "ONHOLD")
LINE_NEEDED = ("RECORDNO", "RECORDKEY", "AMOUNT")
LINE_WISHED = (
    "LINE_NO",
    "LINEITEM",
    "ACCOUNTNO",
    "ACCOUNTTITLE",
    "TRX_AMOUNT",
    "ENTRYDESCRIPTION",
    "DEPARTMENTID",
    "DEPARTMENTNAME",
    "LOCATIONID",
    "LOCATIONNAME",
    "PROJECTID",
    "PROJECTNAME",
    "CLASSID",
    "CLASSNAME",
    "CUSTOMERID",
    "CUSTOMERNAME",
    "ITEMID",
    "ITEMNAME",
    "FORM1099",
    "FORM1099TYPE",
    "FORM1099BOX",
    "ORIGDOCID",
    "TRX_AMOUNTRETAINED",
    "RELEASETOPAY",
)
LINE_AMOUNTS = ("AMOUNT", "TRX_AMOUNT", "TRX_AMOUNTRETAINED")
VENDOR_NEEDED = ("RECORDNO", "VENDORID", "NAME", "STATUS", "WHENMODIFIED")
VENDOR_WISHED = (
    "WHENCREATED",
    "STATE",
    "ONHOLD",
    "TERMNAME",
    "CURRENCY",
    "TOTALDUE",
    "CREDITLIMIT",
    "MEGAENTITYID",
    "RECORD_URL",
    "CREATEDBYLOGINID",
    "CREATEDBY",
    "MODIFIEDBYLOGINID",
    "MODIFIEDBY",
)
DOCUMENT = "PODOCUMENT"
DOCUMENT_SELECT = ("RECORDNO", "DOCID", "STATE")
USER_NEEDED = ("RECORDNO", "LOGINID")
USER_WISHED = ("DESCRIPTION", "EMAIL", "CONTACTINFO.EMAIL1", "STATUS", "LOGINDISABLED", "ADMIN")
SUMMARY_NEEDED = ("RECORDNO", "OPEN")


def bill_scope(window: ReadWindow) -> tuple[Filter, ...]:
    """What narrows a reading of bills beside time."""
    chosen = {
        RECORD_NO: window.record_nos,
        "VENDORID": window.vendor_ids,
        "RECORDID": window.bill_numbers,
        ENTITY: window.entity_ids,
    }
    filters = [one_of(name, values) for name, values in chosen.items() if values]
    if window.bill_date_from:
        filters.append(on_or_after("WHENCREATED", window.bill_date_from))
    return tuple(filters)


def vendor_scope(window: ReadWindow) -> tuple[Filter, ...]:
    chosen = {RECORD_NO: window.record_nos, "VENDORID": window.vendor_ids}
    return tuple(one_of(name, values) for name, values in chosen.items() if values)


Row = Mapping[str, str]


def quickly(kind: type[Kind]) -> type[Kind]:
    """Makes the same records as `kind`, frozen and with slots, in half the time: filled while open, then made a `kind`.

    A frozen class sets each field by way of `object.__setattr__`, which costs more than reading the field's text.
    """

    def close(record: Any) -> None:
        record.__class__ = kind

    same = [(one.name, one.type, copy(one)) for one in fields(kind)]  # type: ignore[arg-type]
    return make_dataclass(kind.__name__, same, slots=True, kw_only=True, namespace={"__post_init__": close})


QuickBill, QuickLine = quickly(Bill), quickly(BillLine)


def told(row: Row, names: Iterable[str], read: Callable[[str], Read], *, record: Callable[[Row], str]) -> dict[str, Read]:
    """What `read` makes of those of these fields that say something, by field. What cannot be read is named with `record`.

    Thousands of rows come in one answer, so a row is gone through once, and its record is named only when something is wrong.
    """
    found: dict[str, Read] = {}
    name = ""
    try:
        for name in names:
            if text := row.get(name):
                found[name] = read(text)
    except UnexpectedReply as error:
        raise error.at(f"{record(row)}, field {name}") from error.__cause__
    return found


def bill_name(row: Row) -> str:
    """A bill as people find it, whatever else of its row can be read."""
    return f"Bill {row['RECORDID']} (record {row['RECORDNO']})" if row.get("RECORDID") else f"Bill {row['RECORDNO']}"


def vendor_name(row: Row) -> str:
    return f"Vendor {row['VENDORID']} (record {row['RECORDNO']})" if row.get("VENDORID") else f"Vendor {row['RECORDNO']}"


def unread_bill(row: Row, *, company_id: str, error: UnexpectedReply) -> Unread:
    """The bill in a row of which `error` says what cannot be read; a line or a payment of it may be what is meant."""
    name, module, document = bill_name(row), row.get("MODULEKEY", ""), row.get(SOURCE_DOCUMENT, "")
    message = error.message if error.message.startswith(name) else f"{name}, {error.message}"
    key = bill_key(company_id, record_no=row["RECORDNO"], module=module, source_document=document)
    return _unread(row, BILL, key=key, message=message)


def unread_vendor(row: Row, *, company_id: str, error: UnexpectedReply) -> Unread:
    key = vendor_key(company_id, row["VENDORID"]) if row.get("VENDORID") else ""
    return _unread(row, VENDOR, key=key, message=error.message)


def _unread(row: Row, object_name: str, *, key: str, message: str) -> Unread:
    why = f"{message} Correct it in Intacct; until it can be read, each run asks for it again and its task stays as it is."
    modified, created = row.get(MODIFIED, ""), row.get(CREATED[object_name], "")
    return Unread(record_no=row[RECORD_NO], key=key, why=why, modified_at_text=modified, created_at_text=created)


def bill_of(
    row: Row,
    *,
    company_id: str,
    custom_fields: Iterable[str] = (),
    lines: tuple[BillLine, ...] = (),
    payments: tuple[Payment, ...] = (),
    base_currency: str = "",
) -> Bill:
    """The bill in one row of a query, with these lines and payments; `base_currency` is the company's where no row tells it.

    Raises UnexpectedReply for a state, amount, day or switch of another shape, with the bill and the field.
    """
    get, record_no = row.get, row["RECORDNO"]
    module, document = get("MODULEKEY", ""), get(SOURCE_DOCUMENT, "")
    base, state = get("BASECURR") or base_currency, _state(row)
    days = told(row, BILL_DAYS, day_of, record=bill_name)
    if not get("TOTALENTERED") and state is not BillState.DRAFT:
        # A missing total taken for 0 would pass every approval limit.
        raise UnexpectedReply(f"{bill_name(row)} came without a total amount.")
    amounts = told(row, BILL_AMOUNTS, money, record=bill_name)
    entered = amounts.get("TOTALENTERED", NOTHING)
    paid, due = amounts.get("TOTALPAID", NOTHING), amounts.get("TOTALDUE", NOTHING)
    flags = told(row, BILL_FLAGS, flag, record=bill_name)
    return QuickBill(
        bill_key=bill_key(company_id, record_no=record_no, module=module, source_document=document),
        record_no=record_no,
        bill_number=get("RECORDID", ""),
        vendor_id=get("VENDORID", ""),
        vendor_name=get("VENDORNAME", ""),
        state=state,
        reference=get("DOCNUMBER", ""),
        description=get("DESCRIPTION", ""),
        module=module,
        source_document=document,
        bill_date=days.get("WHENCREATED"),
        due_on=days.get("WHENDUE"),
        posted_on=days.get("WHENPOSTED"),
        paid_on=days.get("WHENPAID"),
        discount_on=days.get("WHENDISCOUNT"),
        recommended_on=days.get("RECPAYMENTDATE"),
        currency=get("CURRENCY") or base,
        base_currency=base,
        total_entered=entered,
        total_selected=amounts.get("TOTALSELECTED", NOTHING),
        total_paid=paid,
        total_due=due,
        transaction_total_entered=amounts.get("TRX_TOTALENTERED", entered),
        transaction_total_paid=amounts.get("TRX_TOTALPAID", paid),
        transaction_total_due=amounts.get("TRX_TOTALDUE", due),
        total_retained=amounts.get("TOTALRETAINED"),
        transaction_total_retained=amounts.get("TRX_TOTALRETAINED", amounts.get("TOTALRETAINED")),
        transaction_total_released=amounts.get("TRX_TOTALRELEASED"),
        tax_included=flags.get("INCLUSIVETAX"),
        pay_to=get("BILLTOPAYTOCONTACTNAME", ""),
        return_to=get("SHIPTORETURNTOCONTACTNAME", ""),
        on_hold=flags.get("ONHOLD", False),
        payment_priority=get("PAYMENTPRIORITY", ""),
        term=get("TERMNAME", ""),
        entity_id=get("MEGAENTITYID", ""),
        entity_name=get("MEGAENTITYNAME", ""),
        created_by=get("CREATEDBYLOGINID", ""),
        created_by_no=get("CREATEDBY", ""),
        modified_by=get("MODIFIEDBYLOGINID", ""),
        modified_by_no=get("MODIFIEDBY", ""),
        modified_at_text=get("WHENMODIFIED", ""),
        created_at_text=get(CREATED[BILL], ""),
        record_url=get("RECORD_URL", ""),
        document_id=get("SUPDOCID", ""),
        summary_no=get("PRBATCHKEY", ""),
        custom={name: get(name.upper(), "") for name in custom_fields},
        lines=lines,
        payments=tuple([_in_currency(payment, base_currency) for payment in payments]),
    )


def _in_currency(payment: Payment, base_currency: str) -> Payment:
    base = payment.base_currency or base_currency
    return replace(payment, base_currency=base, currency=payment.currency or base)


def bill_key(company_id: str, *, record_no: str, module: str, source_document: str) -> str:
    """The key that a task is tied to. Purchasing deletes and recreates its bills, so those go by their source document."""
    if module == PURCHASING and source_document:
        return f"{company_id}:po:{source_document}"
    return f"{company_id}:ap:{record_no}"


def source_document_of(key: str) -> str:
    """The source document in a bill's key; empty for a bill that Purchasing did not make."""
    return key.rpartition(":po:")[2] if ":po:" in key else ""


def vendor_key(company_id: str, vendor_id: str) -> str:
    return f"{company_id}:vendor:{vendor_id}"


def line_name(row: Row) -> str:
    return f"line {row.get('LINE_NO') or 'without a number'} (record {row['RECORDNO']})"


def line_of(row: Row) -> BillLine:
    """One line of a bill. LINE_NO is text: `2.0` and `1A` have been seen, and its leading number counts."""
    get = row.get
    amounts = told(row, LINE_AMOUNTS, money, record=line_name)
    amount = amounts.get("AMOUNT", NOTHING)
    return QuickLine(
        record_no=row["RECORDNO"],
        line_no=int(LEADING.match(get("LINE_NO", ""))[0] or 0),  # type: ignore[index]
        account_no=get("ACCOUNTNO", ""),
        account_title=get("ACCOUNTTITLE", ""),
        amount=amount,
        transaction_amount=amounts.get("TRX_AMOUNT", amount),
        description=get("ENTRYDESCRIPTION", ""),
        department_id=get("DEPARTMENTID", ""),
        department_name=get("DEPARTMENTNAME", ""),
        location_id=get("LOCATIONID", ""),
        location_name=get("LOCATIONNAME", ""),
        project_id=get("PROJECTID", ""),
        project_name=get("PROJECTNAME", ""),
        class_id=get("CLASSID", ""),
        class_name=get("CLASSNAME", ""),
        customer_id=get("CUSTOMERID", ""),
        customer_name=get("CUSTOMERNAME", ""),
        item_id=get("ITEMID", ""),
        item_name=get("ITEMNAME", ""),
        form_1099_type=get("FORM1099TYPE") or ("1099" if get("FORM1099", "").lower() in YES else ""),
        form_1099_box=get("FORM1099BOX", ""),
        purchase_order=get("ORIGDOCID", ""),
        retained=amounts.get("TRX_AMOUNTRETAINED"),
        released=told(row, ("RELEASETOPAY",), flag, record=line_name).get("RELEASETOPAY"),
    )


def parent_bill_of(row: Row) -> str:
    """The record number of a line's bill. Raises UnexpectedReply for a line that names none."""
    if not row.get(PARENT_BILL):
        raise UnexpectedReply(f"Line {row['RECORDNO']} came without the bill that it belongs to.")
    return row[PARENT_BILL]


def is_offset_line(row: Row) -> bool:
    """Offset and tax lines are marked F where the company marks lines at all."""
    return row.get("LINEITEM", "").lower() in ("f", "false")


def vendor_of(row: Row, *, company_id: str, custom_fields: Iterable[str] = ()) -> Vendor:
    """The vendor in one row of a query. Raises UnexpectedReply for one without an id."""
    get, vendor_id = row.get, row.get("VENDORID", "")
    if not vendor_id:
        raise UnexpectedReply(f"Vendor {row['RECORDNO']} came without a vendor id.")
    on_hold = told(row, ("ONHOLD",), flag, record=vendor_name).get("ONHOLD", False)
    amounts = told(row, ("TOTALDUE", "CREDITLIMIT"), money, record=vendor_name)
    return Vendor(
        vendor_key=vendor_key(company_id, vendor_id),
        record_no=row["RECORDNO"],
        vendor_id=vendor_id,
        name=get("NAME", ""),
        status=get("STATUS", ""),
        approval_state=get("STATE", ""),
        created_by=get("CREATEDBYLOGINID", ""),
        created_by_no=get("CREATEDBY", ""),
        modified_by=get("MODIFIEDBYLOGINID", ""),
        modified_by_no=get("MODIFIEDBY", ""),
        on_hold=on_hold,
        term=get("TERMNAME", ""),
        currency=get("CURRENCY", ""),
        total_due=amounts.get("TOTALDUE", NOTHING),
        credit_limit=amounts.get("CREDITLIMIT"),
        entity_id=get("MEGAENTITYID", ""),
        modified_at_text=get("WHENMODIFIED", ""),
        created_at_text=get(CREATED[VENDOR], ""),
        record_url=get("RECORD_URL", ""),
        custom={name: get(name.upper(), "") for name in custom_fields},
    )


def user_of(row: Row) -> IntacctUser:
    """The user in one row of a query. Raises UnexpectedReply for one without a login."""
    get = row.get
    if not get("LOGINID"):
        raise UnexpectedReply(f"User {row['RECORDNO']} came without a login.")
    return IntacctUser(
        record_no=row["RECORDNO"],
        login=row["LOGINID"],
        name=get("DESCRIPTION", ""),
        email=get("EMAIL") or get("CONTACTINFO.EMAIL1", ""),
        status=get("STATUS", "").lower(),
        web_services_only=flag(get("LOGINDISABLED", "")),
        admin=get("ADMIN", "").lower(),
    )


def stamp_fields(
    record_no: str, *, values: Mapping[str, str], due_on: date | None = None, submit: bool = False
) -> dict[str, str]:
    """The fields of an `update` that writes custom fields onto a bill's header. Lines are never among them.

    The documentation marks WHENDUE required on update, and its own sample leaves it out. What is sent overwrites what a
    clerk set since, so neither it nor ACTION goes along unless the company turns out to want it. ACTION's documented
    default is Submit, also on update: a draft may be submitted either way.
    """
    due = {"WHENDUE": day_text(due_on)} if due_on else {}
    return {RECORD_NO: record_no, **due, **({"ACTION": "Submit"} if submit else {}), **values}


@lru_cache(maxsize=1024)
def money(text: str) -> Decimal:
    """The amount as the wire writes it; nothing is 0. Raises UnexpectedReply for anything that is not a plain number.

    `-9.09E-13` has been seen: what the server's sums leave of nothing, so numbers with a power are rounded to ten places.
    """
    if not text:
        return NOTHING
    found = AMOUNT.fullmatch(text)
    if found and not found["power"]:
        return Decimal(text)
    if not found or abs(amount := Decimal(text)) >= MOST_AMOUNT:
        raise UnexpectedReply(f"Intacct sent the amount {text!r}, which is no plain number such as 1234.50.")
    return amount.quantize(LEAST_AMOUNT).normalize() + 0


YES, NO = frozenset({"true", "t", "1", "yes", "y"}), frozenset({"false", "f", "0", "no", "n", ""})


def flag(text: str) -> bool:
    """Yes or no, in each way that has been seen; nothing is no. Raises UnexpectedReply for another word."""
    if (word := text.lower()) in YES or word in NO:
        return word in YES
    raise UnexpectedReply(f"Intacct sent {text!r} where true or false is expected.")


STATES: Mapping[str, BillState] = {state.value: state for state in BillState}


def _state(row: Row) -> BillState:
    text = row.get("STATE", "")
    if not text:
        raise UnexpectedReply(f"{bill_name(row)} came without a state.")
    if state := STATES.get(text):
        return state
    raise UnexpectedReply(f"{bill_name(row)}, field STATE: {text!r} is none of the twelve states that are known.")


PLAIN = {"RECORDNO": "1", "STATE": "Posted", "LINE_NO": "1", "MODULEKEY": PURCHASING} | dict.fromkeys(
    ("ONHOLD", "INCLUSIVETAX", "RELEASETOPAY"), "true"
)


def sample_bill(*, lacking: Collection[str] = (), lines_lacking: Collection[str] = ()) -> Bill:
    """A bill with one line, as it would be read from a company without these fields of bills and lines."""
    days = dict.fromkeys(BILL_DAYS, "01/31/2026")
    row = _row((*BILL_NEEDED, *BILL_WISHED), lacking, days)
    line = line_of(_row((*LINE_NEEDED, *LINE_WISHED), lines_lacking, {}))
    return bill_of(row, company_id="", lines=(line,))


def sample_vendor(*, lacking: Collection[str] = ()) -> Vendor:
    return vendor_of(_row((*VENDOR_NEEDED, *VENDOR_WISHED), lacking, {}), company_id="")


def _row(names: Collection[str], lacking: Collection[str], more: dict[str, str]) -> dict[str, str]:
    """Each amount is another one, so that a field that stands in for a missing one shows too."""
    values = {name: f"{number}.25" if _is_money(name) else name for number, name in enumerate(names, 1)}
    return {name: value for name, value in {**values, **PLAIN, **more}.items() if name in names and name not in lacking}


def _is_money(name: str) -> bool:
    return "TOTAL" in name or "AMOUNT" in name or name == "CREDITLIMIT"
