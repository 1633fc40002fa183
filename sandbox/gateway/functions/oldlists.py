"""`get` and `get_list`, the generation before `read` and `query`: bills and vendors in lower case, dates in three parts.

The request is documented (https://developer.intacct.com/api/company-console/attachments/ has its filter, sorts and attributes),
the elements and their order are those of the vendor's schema of answers, version 2.1, and how a list is told was recorded for
vendors, classes, accounts and invoices. Other objects than these and attachments are not played.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from xml.sax.saxutils import escape

from lxml import etree

from sandbox.gateway.failures import Failure, bad_value, no_permission, support_id
from sandbox.gateway.functions.filters import parse_filter
from sandbox.gateway.functions.reads import text_of
from sandbox.gateway.functions.schema import Field, ObjectType, null_last
from sandbox.gateway.wire import Listed, element

DEFAULT_ITEMS = 100
"""Of a list that says no `maxitems`. No document tells; it is what the vendor's .NET SDK sends."""

BILL = {
    "key": "RECORDNO",
    "vendorid": "VENDORID",
    "datecreated": "WHENCREATED",
    "dateposted": "WHENPOSTED",
    "datedue": "WHENDUE",
    "datepaid": "WHENPAID",
    "termname": "TERMNAME",
    "batchkey": "PRBATCHKEY",
    "billno": "RECORDID",
    "ponumber": "DOCNUMBER",
    "totalamount": "TOTALENTERED",
    "totalpaid": "TOTALPAID",
    "totaldue": "TOTALDUE",
    "totalselected": "TOTALSELECTED",
    "onhold": "ONHOLD",
    "description": "DESCRIPTION",
    "trx_totalamount": "TRX_TOTALENTERED",
    "trx_totalpaid": "TRX_TOTALPAID",
    "trx_totaldue": "TRX_TOTALDUE",
    "trx_totalselected": "TRX_TOTALSELECTED",
    "basecurr": "BASECURR",
    "currency": "CURRENCY",
    "customfields": "",
    "billitems": "",
    "payto": "BILLTOPAYTOCONTACTNAME",
    "returnto": "SHIPTORETURNTOCONTACTNAME",
    "whenmodified": "WHENMODIFIED",
    "state": "STATE",
    "supdocid": "SUPDOCID",
}
LINE = {
    "line_num": "LINE_NO",
    "accountlabel": "ACCOUNTLABEL",
    "glaccountno": "ACCOUNTNO",
    "offsetglaccountno": "OFFSETGLACCOUNTNO",
    "amount": "AMOUNT",
    "memo": "ENTRYDESCRIPTION",
    "locationid": "LOCATIONID",
    "departmentid": "DEPARTMENTID",
    "key": "RECORDNO",
    "totalpaid": "TOTALPAID",
    "trx_amount": "TRX_AMOUNT",
    "trx_totalpaid": "TRX_TOTALPAID",
    "currency": "CURRENCY",
}
VENDOR = {
    "recordno": "RECORDNO",
    "vendorid": "VENDORID",
    "name": "NAME",
    "parentid": "PARENTID",
    "termname": "TERMNAME",
    "glaccountno": "APACCOUNT",
    "accountlabel": "ACCOUNTLABEL",
    "vendtype": "VENDTYPE",
    "taxid": "TAXID",
    "creditlimit": "CREDITLIMIT",
    "totaldue": "TOTALDUE",
    "billingtype": "BILLINGTYPE",
    "vendoraccountno": "VENDORACCOUNTNO",
    "comments": "COMMENTS",
    "status": "STATUS",
    "currency": "CURRENCY",
    "onetime": "ONETIME",
    "whenmodified": "WHENMODIFIED",
    "name1099": "NAME1099",
    "paymentnotify": "PAYMENTNOTIFY",
    "achenabled": "ACHENABLED",
    "achbankroutingnumber": "ACHBANKROUTINGNUMBER",
    "achaccountnumber": "ACHACCOUNTNUMBER",
    "achaccounttype": "ACHACCOUNTTYPE",
    "achremittancetype": "ACHREMITTANCETYPE",
    "displaytermdiscount": "DISPLAYTERMDISCOUNT",
    "supdocid": "SUPDOCID",
    "mergepaymentreq": "MERGEPAYMENTREQ",
    "customfields": "",
}
"""Elements in the order of the schema, each with the field that `query` knows it by; empty for one that holds others."""

_SIGNS = {
    "=": "equalto",
    "!=": "notequalto",
    "<": "lessthan",
    "<=": "lessthanorequalto",
    ">": "greaterthan",
    ">=": "greaterthanorequalto",
    "like": "like",
    "is null": "isnull",
}
_CONTACTS = ("payto", "returnto")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An object of the company as these functions tell it; `key` is the element that `get` asks by."""

    name: str
    object_name: str
    elements: Mapping[str, str]
    key: str


PLAYED = {
    "bill": Told(name="bill", object_name="APBILL", elements=BILL, key="key"),
    "vendor": Told(name="vendor", object_name="VENDOR", elements=VENDOR, key="vendorid"),
}


class OldLists:
    """Both functions for one company. Attachments are read by `attachments`, which knows them alone."""

    def __init__(self, company: Any, attachments: Callable[[Any, etree._Element], Listed]) -> None:
        self.company, self.attachments = company, attachments

    def read(self, asked: etree._Element, entity: str) -> Listed:
        """What is asked for. Raises Failure for what is not there, not known, or not played."""
        name = asked.get("object") or ""
        if name == "supdoc":
            return self.attachments(self.company, asked)
        told = PLAYED.get(name)
        if told is None:
            raise Failure("XL03000003", "Invalid request", f"{asked.tag} of {name} is not played here. {support_id()}")
        if self.company.is_denied(told.object_name):
            raise no_permission("READ" if asked.tag == "get" else "READ_BY_QUERY", told.object_name)
        target = self.company.schema.object(told.object_name)
        chosen = _chosen(told, asked.find("fields"))
        return (self._one if asked.tag == "get" else self._many)(told, target, asked, entity, chosen)

    def _one(self, told: Told, target: ObjectType, asked: etree._Element, entity: str, chosen: list[str]) -> Listed:
        if (asked.get("externalkey") or "false") == "true":
            raise Failure("XL03000003", "Invalid request", f"External keys are not played here. {support_id()}")
        wanted, get = asked.get("key") or "", target.fields[told.elements[told.key]].get
        # One is found wherever it is kept, as by `read`.
        rows = [row for row in target.table if str(get(row)) == wanted and self.company.is_visible(target, row, entity, True)]
        if not rows:
            raise Failure("BL01001973", "", f"Cannot find the {told.name} with the key '{wanted}'. {support_id()}")
        return Listed(told.name, [self._xml(told, target, rows[0], chosen)], total=1)

    def _many(self, told: Told, target: ObjectType, asked: etree._Element, entity: str, chosen: list[str]) -> Listed:
        private = (asked.get("showprivate") or "false") == "true"
        limits = parse_filter(_filter(asked.find("filter")), lambda name: _field(told, target, name))
        rows = [row for row in target.table if limits.accepts(row) and self.company.is_visible(target, row, entity, private)]
        for sort in reversed(asked.findall("sorts/sortfield")):
            if (order := sort.get("order") or "") not in ("asc", "desc"):
                raise bad_value("order", order, "it must be asc or desc")
            field = _field(told, target, (sort.text or "").strip())
            rows.sort(key=lambda row, get=field.get: null_last(get(row)), reverse=order == "desc")  # type: ignore[misc]
        start, most = _count(asked, "start", 0), _count(asked, "maxitems", DEFAULT_ITEMS)
        page = rows[start : start + most]
        return Listed(told.name, [self._xml(told, target, row, chosen) for row in page], start=start, total=len(rows))

    def _xml(self, told: Told, target: ObjectType, row: Any, chosen: Iterable[str]) -> str:
        parts = []
        for name in chosen:
            if name == "customfields":
                parts += _custom(target, row)
            elif name == "billitems":
                lines = self.company.schema.object("APBILLITEM")
                items = [element("lineitem", *_cells(lines, LINE, line)) for line in row.lines]
                parts.append(element(name, *items))
            else:
                parts += _cells(target, {name: told.elements[name]}, row)
        return element(told.name, *parts)


def _cells(target: ObjectType, elements: Mapping[str, str], row: Any) -> list[str]:
    """Those whose field the company has."""
    return [_cell(name, target.fields[field], row) for name, field in elements.items() if field in target.fields]


def _cell(name: str, field: Field, row: Any) -> str:
    value = field.get(row)
    if field.kind == "DATE" and isinstance(value, date):
        parts = (("year", f"{value.year:04d}"), ("month", f"{value.month:02d}"), ("day", f"{value.day:02d}"))
        return element(name, *(element(part, text) for part, text in parts))
    if name in _CONTACTS:
        return element(name, element("contactname", field.text(row), raw=False))
    return f"<{name}>{text}</{name}>" if (text := escape(field.text(row))) else f"<{name}/>"


def _custom(target: ObjectType, row: Any) -> list[str]:
    held = [
        element("customfield", element("customfieldname", field.name), element("customfieldvalue", field.text(row), raw=False))
        for field in target.fields.values()
        if field.custom
    ]
    return [element("customfields", *held)] if held else []


def _chosen(told: Told, fields: etree._Element | None) -> list[str]:
    """All elements, or those that are asked for, in their order."""
    wanted = [(each.text or "").strip() for each in fields.iterfind("field")] if fields is not None else []
    if unknown := [name for name in wanted if name not in told.elements]:
        raise _unknown(told, unknown[0])
    return [name for name in told.elements if not wanted or name in wanted]


def _field(told: Told, target: ObjectType, name: str) -> Field:
    """What a filter or a sort names: an element, or a custom field by its own name."""
    found = target.fields.get(told.elements.get(name.lower(), "")) or target.fields.get(name.upper())
    if found is None or (name.lower() not in told.elements and not found.custom):
        raise _unknown(told, name)
    return found


def _unknown(told: Told, name: str) -> Failure:
    return Failure("XL03000010", "Invalid request", f"'{name}' is no field of {told.name}. {support_id()}")


def _filter(asked: etree._Element | None) -> etree._Element | None:
    """The same as `query` has it."""
    if asked is None or not len(asked):
        return None
    holder = etree.Element("filter")
    holder.extend(_node(each) for each in asked)
    return holder


def _node(asked: etree._Element) -> etree._Element:
    if asked.tag == "logical":
        operator = (asked.get("logical_operator") or "").lower()
        if operator not in ("and", "or"):
            raise bad_value("logical_operator", operator, "it must be and, or or")
        parts = [_node(each) for each in asked]
        if len(parts) == 1:
            return parts[0]
        node = etree.Element(operator)
        node.extend(parts)
        return node
    operator = text_of(asked, "operator")
    if asked.tag != "expression" or operator not in _SIGNS:
        raise bad_value("operator", operator, f"it must be one of {', '.join(_SIGNS)}")
    node = etree.Element(_SIGNS[operator])
    etree.SubElement(node, "field").text = text_of(asked, "field")
    if operator != "is null":
        etree.SubElement(node, "value").text = text_of(asked, "value")
    return node


def _count(asked: etree._Element, name: str, default: int) -> int:
    text = asked.get(name) or str(default)
    if not text.isdecimal():
        raise bad_value(name, text, "it must be a whole number")
    return int(text)
