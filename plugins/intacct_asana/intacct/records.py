"""Rows of the gateway as records, the field names behind them, and which custom fields may be written."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TypeVar

from intacct_asana.errors import Problem, UnexpectedReply
from intacct_asana.intacct.query import Filter, on_or_after, one_of
from intacct_asana.intacct.timestamps import day_of, day_text
from intacct_asana.records import Bill, BillLine, BillState, IntacctUser, ObjectField, Payment, ReadWindow, Unread, Vendor

BILL, LINE, VENDOR, USER, SUMMARY = "APBILL", "APBILLITEM", "VENDOR", "USERINFO", "APBILLBATCH"
RECORD_NO, MODIFIED, PARENT_BILL, SOURCE_DOCUMENT = "RECORDNO", "WHENMODIFIED", "RECORDKEY", "DOCHDRKEY"
CREATED: Mapping[str, str] = {BILL: "AUWHENCREATED", LINE: "WHENCREATED", VENDOR: "WHENCREATED"}
"""When a row was made. On a bill WHENCREATED is the document's date, and AUWHENCREATED may be in another zone than
WHENMODIFIED."""

Read = TypeVar("Read")
CREATORS = ("CREATEDBYLOGINID", "CREATEDBY")
PURCHASING = "9.PO"
ENTITY = "MEGAENTITYID"
AMOUNT = re.compile(r"-?([0-9]{1,18}(\.[0-9]{0,20})?|\.[0-9]{1,20})(?P<power>[eE][+-]?[0-9]{1,2})?")
LEADING = re.compile("[0-9]{0,9}")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """One row's fields. What cannot be read is named with its field and its record."""

    row: Mapping[str, str]
    record: str

    def text(self, name: str) -> str:
        return self.row.get(name, "")

    def told(self, read: Callable[[str], Read], *names: str) -> Read:
        """What `read` makes of the first of these fields that says something."""
        name = next((name for name in names if self.row.get(name)), names[0])
        try:
            return read(self.text(name))
        except UnexpectedReply as error:
            raise error.at(f"{self.record}, field {name}") from error.__cause__


def bill_name(row: Mapping[str, str]) -> str:
    """A bill as people find it, whatever else of its row can be read."""
    return f"Bill {row['RECORDID']} (record {row['RECORDNO']})" if row.get("RECORDID") else f"Bill {row['RECORDNO']}"


def vendor_name(row: Mapping[str, str]) -> str:
    return f"Vendor {row['VENDORID']} (record {row['RECORDNO']})" if row.get("VENDORID") else f"Vendor {row['RECORDNO']}"


def unread_bill(row: Mapping[str, str], *, company_id: str, error: UnexpectedReply) -> Unread:
    """The bill in a row of which `error` says what cannot be read; a line or a payment of it may be what is meant."""
    name, module, document = bill_name(row), row.get("MODULEKEY", ""), row.get(SOURCE_DOCUMENT, "")
    message = error.message if error.message.startswith(name) else f"{name}, {error.message}"
    key = bill_key(company_id, record_no=row["RECORDNO"], module=module, source_document=document)
    return _unread(row, BILL, key=key, message=message)


def unread_vendor(row: Mapping[str, str], *, company_id: str, error: UnexpectedReply) -> Unread:
    key = vendor_key(company_id, row["VENDORID"]) if row.get("VENDORID") else ""
    return _unread(row, VENDOR, key=key, message=error.message)


def _unread(row: Mapping[str, str], object_name: str, *, key: str, message: str) -> Unread:
    why = f"{message} Correct it in Intacct; until it can be read, each run asks for it again and its task stays as it is."
    modified, created = row.get(MODIFIED, ""), row.get(CREATED[object_name], "")
    return Unread(record_no=row[RECORD_NO], key=key, why=why, modified_at_text=modified, created_at_text=created)


def bill_of(
    row: Mapping[str, str],
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
    record_no, cells = row["RECORDNO"], Cells(row=row, record=bill_name(row))
    get, told = cells.text, cells.told
    module, document = get("MODULEKEY"), get(SOURCE_DOCUMENT)
    base, state = get("BASECURR") or base_currency, _state(cells)
    return Bill(
        bill_key=bill_key(company_id, record_no=record_no, module=module, source_document=document),
        record_no=record_no,
        bill_number=get("RECORDID"),
        vendor_id=get("VENDORID"),
        vendor_name=get("VENDORNAME"),
        state=state,
        reference=get("DOCNUMBER"),
        description=get("DESCRIPTION"),
        module=module,
        source_document=document,
        bill_date=told(day_of, "WHENCREATED"),
        due_on=told(day_of, "WHENDUE"),
        posted_on=told(day_of, "WHENPOSTED"),
        paid_on=told(day_of, "WHENPAID"),
        discount_on=told(day_of, "WHENDISCOUNT"),
        recommended_on=told(day_of, "RECPAYMENTDATE"),
        currency=get("CURRENCY") or base,
        base_currency=base,
        total_entered=_total(cells, state),
        total_selected=told(money, "TOTALSELECTED"),
        total_paid=told(money, "TOTALPAID"),
        total_due=told(money, "TOTALDUE"),
        transaction_total_entered=told(money, "TRX_TOTALENTERED", "TOTALENTERED"),
        transaction_total_paid=told(money, "TRX_TOTALPAID", "TOTALPAID"),
        transaction_total_due=told(money, "TRX_TOTALDUE", "TOTALDUE"),
        total_retained=told(_if_told(money), "TOTALRETAINED"),
        transaction_total_retained=told(_if_told(money), "TRX_TOTALRETAINED", "TOTALRETAINED"),
        transaction_total_released=told(_if_told(money), "TRX_TOTALRELEASED"),
        tax_included=told(_if_told(flag), "INCLUSIVETAX"),
        pay_to=get("BILLTOPAYTOCONTACTNAME"),
        return_to=get("SHIPTORETURNTOCONTACTNAME"),
        on_hold=told(flag, "ONHOLD"),
        payment_priority=get("PAYMENTPRIORITY"),
        term=get("TERMNAME"),
        entity_id=get("MEGAENTITYID"),
        entity_name=get("MEGAENTITYNAME"),
        created_by=get("CREATEDBYLOGINID"),
        created_by_no=get("CREATEDBY"),
        modified_by=get("MODIFIEDBYLOGINID"),
        modified_by_no=get("MODIFIEDBY"),
        modified_at_text=get("WHENMODIFIED"),
        created_at_text=get(CREATED[BILL]),
        record_url=get("RECORD_URL"),
        document_id=get("SUPDOCID"),
        summary_no=get("PRBATCHKEY"),
        custom={name: get(name.upper()) for name in custom_fields},
        lines=lines,
        payments=tuple(_in_currency(payment, base_currency) for payment in payments),
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


def line_of(row: Mapping[str, str]) -> BillLine:
    """One line of a bill. LINE_NO is text: `2.0` and `1A` have been seen, and its leading number counts."""
    cells = Cells(row=row, record=f"line {row.get('LINE_NO') or 'without a number'} (record {row['RECORDNO']})")
    get, told = cells.text, cells.told
    return BillLine(
        record_no=row["RECORDNO"],
        line_no=int(LEADING.match(get("LINE_NO"))[0] or 0),  # type: ignore[index]
        account_no=get("ACCOUNTNO"),
        account_title=get("ACCOUNTTITLE"),
        amount=told(money, "AMOUNT"),
        transaction_amount=told(money, "TRX_AMOUNT", "AMOUNT"),
        description=get("ENTRYDESCRIPTION"),
        department_id=get("DEPARTMENTID"),
        department_name=get("DEPARTMENTNAME"),
        location_id=get("LOCATIONID"),
        location_name=get("LOCATIONNAME"),
        project_id=get("PROJECTID"),
        project_name=get("PROJECTNAME"),
        class_id=get("CLASSID"),
        class_name=get("CLASSNAME"),
        customer_id=get("CUSTOMERID"),
        customer_name=get("CUSTOMERNAME"),
        item_id=get("ITEMID"),
        item_name=get("ITEMNAME"),
        form_1099_type=get("FORM1099TYPE") or ("1099" if get("FORM1099").lower() in YES else ""),
        form_1099_box=get("FORM1099BOX"),
        purchase_order=get("ORIGDOCID"),
        retained=told(_if_told(money), "TRX_AMOUNTRETAINED"),
        released=told(_if_told(flag), "RELEASETOPAY"),
    )


def parent_bill_of(row: Mapping[str, str]) -> str:
    """The record number of a line's bill. Raises UnexpectedReply for a line that names none."""
    if not row.get(PARENT_BILL):
        raise UnexpectedReply(f"Line {row['RECORDNO']} came without the bill that it belongs to.")
    return row[PARENT_BILL]


def is_offset_line(row: Mapping[str, str]) -> bool:
    """Offset and tax lines are marked F where the company marks lines at all."""
    return row.get("LINEITEM", "").lower() in ("f", "false")


def vendor_of(row: Mapping[str, str], *, company_id: str, custom_fields: Iterable[str] = ()) -> Vendor:
    """The vendor in one row of a query. Raises UnexpectedReply for one without an id."""
    cells = Cells(row=row, record=vendor_name(row))
    get, told = cells.text, cells.told
    vendor_id = get("VENDORID")
    if not vendor_id:
        raise UnexpectedReply(f"Vendor {row['RECORDNO']} came without a vendor id.")
    return Vendor(
        vendor_key=vendor_key(company_id, vendor_id),
        record_no=row["RECORDNO"],
        vendor_id=vendor_id,
        name=get("NAME"),
        status=get("STATUS"),
        approval_state=get("STATE"),
        created_by=get("CREATEDBYLOGINID"),
        created_by_no=get("CREATEDBY"),
        modified_by=get("MODIFIEDBYLOGINID"),
        modified_by_no=get("MODIFIEDBY"),
        on_hold=told(flag, "ONHOLD"),
        term=get("TERMNAME"),
        currency=get("CURRENCY"),
        total_due=told(money, "TOTALDUE"),
        credit_limit=told(_if_told(money), "CREDITLIMIT"),
        entity_id=get("MEGAENTITYID"),
        modified_at_text=get("WHENMODIFIED"),
        created_at_text=get(CREATED[VENDOR]),
        record_url=get("RECORD_URL"),
        custom={name: get(name.upper()) for name in custom_fields},
    )


def user_of(row: Mapping[str, str]) -> IntacctUser:
    """The user in one row of a query. Raises UnexpectedReply for one without a login."""
    get = Cells(row=row, record="").text
    if not get("LOGINID"):
        raise UnexpectedReply(f"User {row['RECORDNO']} came without a login.")
    return IntacctUser(
        record_no=row["RECORDNO"],
        login=get("LOGINID"),
        name=get("DESCRIPTION"),
        email=get("EMAIL") or get("CONTACTINFO.EMAIL1"),
        status=get("STATUS").lower(),
        web_services_only=flag(get("LOGINDISABLED")),
        admin=get("ADMIN").lower(),
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


def money(text: str) -> Decimal:
    """The amount as the wire writes it; nothing is 0. Raises UnexpectedReply for anything that is not a plain number.

    `-9.09E-13` has been seen: what the server's sums leave of nothing, so numbers with a power are rounded to ten places.
    """
    if not text:
        return Decimal(0)
    found = AMOUNT.fullmatch(text)
    if not found or abs(amount := Decimal(text)) >= MOST_AMOUNT:
        raise UnexpectedReply(f"Intacct sent the amount {text!r}, which is no plain number such as 1234.50.")
    return amount.quantize(LEAST_AMOUNT).normalize() + 0 if found["power"] else amount


def _total(cells: Cells, state: BillState) -> Decimal:
    """A bill's total. Only a draft may have none: a missing total taken for 0 would pass every approval limit."""
    if not cells.text("TOTALENTERED") and state is not BillState.DRAFT:
        raise UnexpectedReply(f"{cells.record} came without a total amount.")
    return cells.told(money, "TOTALENTERED")


YES, NO = frozenset({"true", "t", "1", "yes", "y"}), frozenset({"false", "f", "0", "no", "n", ""})


def flag(text: str) -> bool:
    """Yes or no, in each way that has been seen; nothing is no. Raises UnexpectedReply for another word."""
    if (word := text.lower()) in YES or word in NO:
        return word in YES
    raise UnexpectedReply(f"Intacct sent {text!r} where true or false is expected.")


def _if_told(read: Callable[[str], Read]) -> Callable[[str], Read | None]:
    return lambda text: read(text) if text else None


def _state(cells: Cells) -> BillState:
    if not cells.text("STATE"):
        raise UnexpectedReply(f"{cells.record} came without a state.")
    return cells.told(_known_state, "STATE")


def _known_state(text: str) -> BillState:
    try:
        return BillState(text)
    except ValueError as error:
        raise UnexpectedReply(f"{text!r} is none of the twelve states that are known.") from error


PLAIN = {"RECORDNO": "1", "STATE": "Posted", "LINE_NO": "1", "MODULEKEY": PURCHASING} | dict.fromkeys(
    ("ONHOLD", "INCLUSIVETAX", "RELEASETOPAY"), "true"
)
BILL_DAYS = ("WHENCREATED", "WHENDUE", "WHENPOSTED", "WHENPAID", "WHENDISCOUNT", "RECPAYMENTDATE")


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


TEXT_TYPES = frozenset({"TEXT", "ENUM"})
"""Types whose values are written and compared as text. A picklist is one of them with a list of valid values."""


def why_not_writable(field: ObjectField | None) -> str:
    """Empty when the field is custom and writable."""
    if field is None:
        return "does not exist"
    if not field.is_custom:
        return "is not a custom field"
    return "is read-only" if field.read_only else ""


def why_not_text(field: ObjectField | None) -> str:
    """Empty when the field is custom, writable, and holds text or one of a list of values."""
    if why := why_not_writable(field):
        return why
    assert field is not None
    return "" if field.data_type.upper() in TEXT_TYPES else f"is of type {field.data_type}, not text or a list of values"


def why_not_value(field: ObjectField, value: str) -> str:
    """Empty when a picklist lists the value, when nothing is written, and for text without a list."""
    if not value or not field.valid_values or value in field.valid_values:
        return ""
    return f"takes {', '.join(field.valid_values)} only, not {value!r}"


def text_field_problems(
    fields: Iterable[ObjectField], values: Mapping[str, Iterable[str]], *, object_name: str
) -> list[Problem]:
    """What keeps `values` (field name to every value that may be written) from being written; empty when nothing does."""
    known = {field.name: field for field in fields}
    problems = []
    for name, wanted in values.items():
        where = f"{object_name} field {name}"
        if why := why_not_text(known.get(name)):
            mend = "an Intacct administrator adds it as a custom text field or picklist, or the flow names another"
            problems.append(Problem(where=where, what=why, mend=mend))
            continue
        wrong = [why for value in wanted if (why := why_not_value(known[name], value))]
        mend = "make the flow's options and the picklist's values the same"
        problems += [Problem(where=where, what=why, mend=mend) for why in wrong]
    return problems
