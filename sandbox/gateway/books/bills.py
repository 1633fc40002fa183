"""What may be written to a bill, and what follows from it.

Which states accept an update is not documented. The defaults follow what Intacct's REST documentation and integrators say;
settings choose otherwise: `custom_field_update_states`, `draft_update_submits`, `update_needs_when_due`,
`update_needs_action`, `closed_books_refuse`, `custom_field_length`, `custom_field_too_long`, `approvals_on`.
"""

from __future__ import annotations

import copy
from datetime import date
from typing import Any

from lxml import etree

from sandbox.gateway.books import demo_names, more
from sandbox.gateway.books.rows import NO_VENDOR, NOTHING, Bill, Dimension, Line, User, Vendor, totals_of
from sandbox.gateway.books.table import Table
from sandbox.gateway.failures import Failure, bad_value, no_permission, support_id
from sandbox.gateway.functions.schema import Field, ObjectType
from sandbox.gateway.texts import cents_of, day_text

CUSTOM_FIELD_STATES = ("Submitted", "Partially Approved", "Posted", "Partially Paid", "Selected", "Declined", "Draft")
EDITABLE_STATES = frozenset({"Draft", "Declined", "Posted"})
"""States that take other header fields. Everything else has to be recalled, or is settled."""
USUAL_LENGTH = 255
"""Of a custom text field. Whoever creates one chooses its length, and lookup does not tell it."""
DRAFT_STATES = frozenset({"Draft", "Declined"})
_ATTRIBUTES = {
    "RECORDID": "number",
    "DOCNUMBER": "reference",
    "DESCRIPTION": "description",
    "TERMNAME": "term",
    "WHENCREATED": "bill_date",
    "WHENPOSTED": "posted_on",
    "WHENDUE": "due_on",
    "PAYMENTPRIORITY": "priority",
    "ONHOLD": "on_hold",
    "CURRENCY": "currency",
    "SUPDOCID": "attachment",
}
_DAYS = frozenset({"WHENCREATED", "WHENPOSTED", "WHENDUE"})
_NEEDED = {"VENDORID": "vendor", "WHENCREATED": "bill_date", "WHENDUE": "due_on"}
"""Fields without which nothing but a draft is a bill, and where a bill has them."""
_LINE_KEYS = frozenset({"RECORDNO", "LINE_NO", "AMOUNT", "TRX_AMOUNT", "ACCOUNTNO", "ENTRYDESCRIPTION", "RELEASETOPAY"})
_LINE_DIMENSIONS = frozenset({"DEPARTMENTID", "LOCATIONID", "PROJECTID", "CLASSID", "CUSTOMERID", "ITEMID"})
_LIGHT = frozenset({"ONHOLD", "WHENDUE"})
"""Fields that do not make an update of custom fields into an edit: the hold, and the due date sent back as it is."""


def update_bill(company: Any, target: ObjectType, sent: etree._Element, user: User) -> Bill:
    """Change one bill as `update` asks. Raises Failure and changes nothing when any part of it is refused."""
    bill = _bill(company, sent)
    values = {str(child.tag): (child.text or "") for child in sent if child.tag not in ("RECORDNO", "APBILLITEMS", "ACTION")}
    fields = {name: _writable(company, target, name) for name in values}
    _check_state(company, bill, fields, values, has_lines=sent.find("APBILLITEMS") is not None)
    for name, setting in (("WHENDUE", "update_needs_when_due"), ("ACTION", "update_needs_action")):
        needed = company.world.setting(setting, False)
        if sent.find(name) is None and (needed is True or (needed and bill.state in needed)):
            raise refused_update(bill, f"Required field {name} is missing.")
    changes = _changes(company, bill, fields, values)
    if "VENDORID" in values:
        changes |= _vendor_change(company, bill, values["VENDORID"].strip())
    if values.get("BASECURR", "").strip() not in ("", bill.base_currency):
        raise refused_update(bill, "The base currency of a bill can't be changed.")
    if bill.on_hold and changes.get("on_hold") is False and company.world.setting("refuses_release", False):
        raise refused_update(bill, "The hold on this bill can't be lifted.")
    state = _state_after(company, bill, (sent.findtext("ACTION") or "").strip())
    if state and (lacking := [name for name, at in _NEEDED.items() if changes.get(at, getattr(bill, at)) in (None, NO_VENDOR)]):
        raise refused_update(bill, f"Required field {lacking[0]} is missing.")
    if values.get("EXCHANGE_RATE", "").strip():
        changes["rate"] = _rate(fields["EXCHANGE_RATE"], values["EXCHANGE_RATE"])
    if (items := sent.find("APBILLITEMS")) is not None:
        changes |= _replace_lines(company, bill, items)
    before = written(bill)
    company.change_bill(bill, user, **changes, **state)
    if "rate" in changes:
        company.change_bill(bill, user, **_converted_anew(company, bill))
    changed = {name: value for name, value in written(bill).items() if before.get(name) != value}
    company.audit("apbill", str(bill.record_no), "M", user, "api", changed=changed)
    return bill


def written(bill: Bill) -> dict[str, Any]:
    """What an integration writes: custom fields, the hold, the state."""
    return {**bill.custom, "ONHOLD": bill.on_hold, "STATE": bill.state}


def create_bill(company: Any, target: ObjectType, sent: etree._Element, user: User, entity: str) -> Bill:
    """A new bill from `create`. Only a draft may lack its vendor and its dates. Raises Failure for missing or bad values."""
    values = {str(child.tag): (child.text or "").strip() for child in sent if child.tag not in ("APBILLITEMS", "ACTION")}
    fields = {name: _writable(company, target, name) for name in values}
    action = (sent.findtext("ACTION") or "").strip() or "Submit"
    if action != "Draft" and (lacking := [name for name in _NEEDED if not values.get(name)]):
        raise Failure(
            "BL03000018", "Could not create APBILL record!", f"Required field {lacking[0]} is missing. {support_id()}"
        )
    vendor = _vendor(company, values["VENDORID"]) if values.get("VENDORID") else NO_VENDOR
    owner = _owner(company, entity, values.get("BASECURR", ""))
    currency = values.get("CURRENCY") or vendor.currency or owner.currency
    rate = demo_names.EXCHANGE_RATES.get((currency, owner.currency), 1_000_000)
    now = company.now()
    bill = Bill(
        record_no=company.next_no(),
        number="",
        vendor=vendor,
        state="Draft",
        bill_date=_day(fields, values, "WHENCREATED"),
        due_on=_day(fields, values, "WHENDUE"),
        currency=currency,
        base_currency=owner.currency,
        rate=_rate(fields["EXCHANGE_RATE"], values["EXCHANGE_RATE"]) if values.get("EXCHANGE_RATE") else rate,
        entity=owner,
        created_by=user,
        modified_by=user,
        created_at=now,
        modified_at=now,
        lines=[],
        term=vendor.term,
    )
    for name, value in _changes(company, bill, fields, values).items():
        setattr(bill, name, value)
    items = sent.find("APBILLITEMS")
    bill.lines = [_line(company, bill, None, item, number) for number, item in enumerate(items if items is not None else (), 1)]
    if not bill.lines:
        raise Failure("BL03000018", "Could not create APBILL record!", f"A bill needs at least one line. {support_id()}")
    for name, value in {**totals_of(bill.lines), **_state_after(company, bill, action)}.items():
        setattr(bill, name, value)
    added: Bill = company.add_bill(bill)
    return added


def _vendor(company: Any, vendor_id: str) -> Vendor:
    found: Vendor | None = company.vendor(vendor_id)
    if found is None:
        raise bad_value("VENDORID", vendor_id, "there is no such vendor")
    return found


def _vendor_change(company: Any, bill: Bill, vendor_id: str) -> dict[str, Any]:
    """A draft may be given another vendor; whether other bills may is not documented."""
    if vendor_id == bill.vendor.vendor_id:
        return {}
    if bill.state not in DRAFT_STATES:
        raise refused_update(bill, "The vendor of a bill can't be changed.")
    return {"vendor": _vendor(company, vendor_id) if vendor_id else NO_VENDOR}


def _owner(company: Any, entity: str, base_currency: str) -> Dimension:
    """The entity that a new bill belongs to. At top level the base currency chooses one that keeps its books in it."""
    wanted = entity or "US01"
    if base_currency and not entity:
        wanted = next((each.id for each in company.entities if each.currency == base_currency), "")
    owner: Dimension | None = company.dimension(company.entities, wanted)
    if owner is None or not owner.id or base_currency not in ("", owner.currency):
        raise bad_value(
            "BASECURR", base_currency, f"no entity here keeps its books in it{f', {entity} does not' if entity else ''}"
        )
    return owner


def _day(fields: dict[str, Field], values: dict[str, str], name: str) -> Any:
    return _parsed(fields[name], values[name]) if values.get(name) else None


def _rate(field: Field, text: str) -> int:
    """Millionths."""
    try:
        rate = round(float(text) * 1_000_000)
    except ValueError as error:
        raise bad_value(field.name, text, "it is not a number") from error
    if rate <= 0:
        raise bad_value(field.name, text, "it must be above zero")
    return rate


def _converted_anew(company: Any, bill: Bill) -> dict[str, Any]:
    """Base amounts at the bill's new rate."""
    for line in bill.lines:
        company.lines.edit(line, amount=bill.to_base(line.trx_amount))
    return totals_of(bill.lines)


def recall(company: Any, bill: Bill, user: User) -> None:
    """A submitted bill becomes a draft again, as `recallApBill` does. Raises Failure in every other state."""
    if bill.state != "Submitted":
        raise refused_update(bill, f"Bill {bill.number or bill.record_no} can't be recalled because its state is {bill.state}.")
    company.change_bill(bill, user, state="Draft", approved_by=())
    company.audit("apbill", str(bill.record_no), "M", user, "api", "recall")


def reverse(company: Any, bill: Bill, user: User, *, on: date, description: str) -> Bill:
    """The bill is Reversed, and a second one with negative amounts, the Reversal, takes it out of the books on that day.

    Raises Failure for a bill that is not posted, or has payments. How the second one is numbered is not documented.
    """
    if bill.state != "Posted":
        raise refused_update(bill, f"Bill {bill.number or bill.record_no} can't be reversed because its state is {bill.state}.")
    taking = copy.copy(bill)
    taking.record_no, taking.custom, taking.kept = company.next_no(), {}, None
    taking.state, taking.bill_date, taking.posted_on, taking.due_on = "Reversal", on, on, on
    taking.description = description or bill.description
    taking.created_at = taking.modified_at = company.now()
    taking.created_by = taking.modified_by = user
    taking.lines = [_negated(company, line, taking) for line in bill.lines]
    for name, value in totals_of(taking.lines).items():
        setattr(taking, name, value)
    company.change_bill(bill, user, state="Reversed")
    company.add_bill(taking)
    company.audit("apbill", str(bill.record_no), "M", user, "api", "reverse")
    company.audit("apbill", str(taking.record_no), "C", user, "api")
    return taking


def _negated(company: Any, line: Line, bill: Bill) -> Line:
    taking = copy.copy(line)
    taking.record_no, taking.bill_no = company.next_no(), bill.record_no
    taking.amount, taking.trx_amount = -line.amount, -line.trx_amount
    taking.created_at = taking.modified_at = company.now()
    return taking


def refused_update(bill: Bill, why: str) -> Failure:
    """The first of the two errors of a refused update; the generic one follows it in the answer."""
    return Failure("BL34000075", "", f"{why} {support_id()}", "Check the bill's state, then try again.")


def _bill(company: Any, sent: etree._Element) -> Bill:
    key = (sent.findtext("RECORDNO") or "").strip()
    bill: Bill | None = company.bills.get(int(key)) if key.isdigit() else None
    if bill is None:
        raise Failure("BL01001973", "", f"Cannot find the APBILL record with RECORDNO '{key}' to update. {support_id()}")
    return bill


def _writable(company: Any, target: ObjectType, name: str) -> Field:
    if f"{target.name}.{name}" in company.world.setting("denied_fields", ()):
        raise no_permission("UPDATE", target.name)
    field = target.fields.get(name)
    if field is None:
        raise Failure("XL03000010", "", f"Field '{name}' is not defined on object {target.name}. {support_id()}")
    if field.read_only:
        raise Failure("XL03000010", "", f"Field '{name}' of object {target.name} is read only. {support_id()}")
    return field


def _check_state(company: Any, bill: Bill, fields: dict[str, Field], values: dict[str, str], *, has_lines: bool) -> None:
    same_due = "WHENDUE" not in values or fields["WHENDUE"].text(bill) == values["WHENDUE"].strip()
    is_light = not has_lines and same_due and all(field.custom or name in _LIGHT for name, field in fields.items())
    allowed = company.world.setting("custom_field_update_states", CUSTOM_FIELD_STATES) if is_light else EDITABLE_STATES
    if bill.state not in allowed:
        raise refused_update(bill, f"Bill {bill.number or bill.record_no} can't be updated because its state is {bill.state}.")
    refuses = company.world.setting("closed_books_refuse", "changes")
    if company.is_closed(bill.summary_day) and (refuses == "everything" or (refuses == "changes" and not is_light)):
        day = day_text(bill.summary_day)
        raise refused_update(bill, f"Periods are closed. Your transaction date ({day}) is within a period that's been closed.")


def _changes(company: Any, bill: Bill, fields: dict[str, Field], values: dict[str, str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    custom = {name: fitted(company, name, values[name].strip()) for name, field in fields.items() if field.custom}
    if custom:
        changes["custom"] = {**bill.custom, **custom}
    for name, field in fields.items():
        if name in _ATTRIBUTES and (values[name].strip() or not (name == "CURRENCY" or _may_lack(bill, name))):
            changes[_ATTRIBUTES[name]] = _parsed(field, values[name])
    kept = {name: kept_value(field, values[name]) for name, field in fields.items() if field.is_kept}
    if kept:
        changes["kept"] = {**(bill.kept or {}), **kept}
    return changes


def _may_lack(bill: Bill, name: str) -> bool:
    return name in _DAYS and bill.state in DRAFT_STATES


def kept_value(field: Field, text: str) -> Any:
    return _parsed(field, text) if text.strip() else None


def fitted(company: Any, name: str, text: str) -> str:
    """A custom field's text as it is kept. Longer than `custom_field_length` it is refused or cut: neither is documented."""
    longest = company.world.setting("custom_field_length", USUAL_LENGTH)
    if isinstance(longest, dict):
        longest = longest.get(name, USUAL_LENGTH)
    if longest is None or len(text) <= longest:
        return text
    if company.world.setting("custom_field_too_long", "refuse") == "cut":
        return text[:longest]
    raise bad_value(name, text, f"it has {len(text)} characters, the longest allowed is {longest}")


def _parsed(field: Field, text: str) -> Any:
    if field.values and text.strip() and text.strip() not in field.values:
        raise bad_value(field.name, text, f"choose one of {', '.join(field.values)}")
    try:
        return field.parse(text.strip())
    except ValueError as error:
        raise bad_value(field.name, text, str(error)) from error


def _state_after(company: Any, bill: Bill, action: str) -> dict[str, Any]:
    """What ACTION does to the state. Submit is the default, also on update: that is how a draft slips into the books."""
    if action not in ("", "Submit", "Draft"):
        raise bad_value("ACTION", action, "choose Submit or Draft")
    if action == "Draft" and bill.state not in DRAFT_STATES:
        raise refused_update(bill, f"Bill {bill.number or bill.record_no} is {bill.state}, so it can't be saved as a draft.")
    if bill.state not in DRAFT_STATES or action == "Draft":
        return {}
    if not action and not company.world.setting("draft_update_submits", True):
        return {}
    if company.world.setting("approvals_on", True):
        return {"state": "Submitted"}
    return {"state": "Posted", "posted_on": bill.bill_date}


def _replace_lines(company: Any, bill: Bill, items: etree._Element) -> dict[str, Any]:
    """The lines as sent: known ones, by RECORDNO or LINE_NO, change; others are new, and lines not listed are deleted."""
    known = {str(line.record_no): line for line in bill.lines}
    numbered = {str(line.line_no): line for line in bill.lines}
    kept: list[Line] = []
    taken: set[int] = set()
    for number, item in enumerate(items, 1):
        old = known.get((item.findtext("RECORDNO") or "").strip()) or numbered.get((item.findtext("LINE_NO") or "").strip())
        if old is not None and old.record_no in taken:
            raise refused_update(bill, f"Line {old.record_no} of the bill is named twice.")
        taken |= {old.record_no} if old is not None else set()
        kept.append(_line(company, bill, old, item, number))
    if not kept:
        raise refused_update(bill, "A bill needs at least one line.")
    for line in bill.lines:
        company.lines.remove(line)
    for line in kept:
        company.lines.add(line)
    return {"lines": kept, **totals_of(kept)}


def _line(company: Any, bill: Bill, old: Line | None, item: etree._Element, number: int) -> Line:
    def dimension(table: Table, name: str, before: Any) -> Any:
        wanted = item.findtext(name)
        if wanted is None:
            return before
        found = company.dimension(table, wanted.strip())
        if found is None:
            raise bad_value(name, wanted, "there is no such record")
        return found

    account = dimension(company.accounts, "ACCOUNTNO", old.account if old else None)
    if account is None:
        raise Failure("BL03000018", "", f"Line {number}: required field ACCOUNTNO is missing. {support_id()}")
    released = (item.findtext("RELEASETOPAY") or "").strip()
    target = company.schema.object("APBILLITEM")
    cents = _amount(item, old)
    return Line(
        record_no=old.record_no if old else company.next_no(),
        bill_no=bill.record_no,
        line_no=number,
        account=account,
        amount=bill.to_base(cents),
        trx_amount=cents,
        created_at=old.created_at if old else company.now(),
        modified_at=company.now(),
        description=item.findtext("ENTRYDESCRIPTION") or (old.description if old else ""),
        department=dimension(company.departments, "DEPARTMENTID", old.department if old else NOTHING),
        location=dimension(company.locations, "LOCATIONID", old.location if old else NOTHING),
        project=dimension(company.projects, "PROJECTID", old.project if old else NOTHING),
        cls=dimension(company.classes, "CLASSID", old.cls if old else NOTHING),
        released=_parsed(target.fields["RELEASETOPAY"], released) if released else (old.released if old else True),
        paid=old.paid if old else 0,
        trx_paid=old.trx_paid if old else 0,
        kept=_kept_of_line(target, item, old),
    )


def _kept_of_line(target: ObjectType, item: etree._Element, old: Line | None) -> dict[str, Any] | None:
    """What else a line says. Raises Failure for a field that is not played: nothing that is sent is dropped in silence."""
    found = dict(old.kept or {}) if old else {}
    for child in item:
        name, text = str(child.tag), (child.text or "").strip()
        field = target.fields.get(name)
        if name in ("CUSTOMERID", "ITEMID"):
            if text and text not in {known for known, _ in (more.CUSTOMERS if name == "CUSTOMERID" else more.ITEMS)}:
                raise bad_value(name, text, "there is no such record")
            found[name] = text
        elif field is not None and field.is_kept:
            found[name] = kept_value(field, text)
        elif name not in _LINE_KEYS | _LINE_DIMENSIONS and (text or len(child)):
            raise Failure("XL03000010", "", f"Field '{name}' can't be set on a bill line here. {support_id()}")
    return found or None


def _amount(item: etree._Element, old: Line | None) -> int:
    text = item.findtext("TRX_AMOUNT") or item.findtext("AMOUNT")
    if text is None and old is not None:
        return old.trx_amount
    try:
        return cents_of(text or "")
    except ValueError as error:
        raise bad_value("TRX_AMOUNT", text or "", str(error)) from error
