"""A bill or vendor projected onto the task that it should have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow.model import BillScope, Flow, VendorScope
from intacct_asana.flow.rules import FieldRule
from intacct_asana.flow.sources import BILL_SOURCES, VENDOR_SOURCES, Source
from intacct_asana.flow.words import filled, placeholders
from intacct_asana.records import Bill, BillState, FieldValue, PinnedField, Pins, TaskDraft, Vendor
from intacct_asana.records.documents import WantedDocument
from intacct_asana.task.describe import bill_notes, payment_remark, vendor_notes
from intacct_asana.task.values import (
    field_value,
    name_values,
)
from intacct_asana.text import is_web_address, one_line, short

Record = TypeVar("Record", Bill, Vendor)

NAME_CHARACTERS = 300


def project_bill(
    bill: Bill, flow: Flow, pins: Pins, *, people: Mapping[str, str] | None = None, vendor_person: str = ""
) -> TaskDraft:
    """The task that `bill` should have: its Intacct-owned fields, and first values for the ones that people own.

    `people` maps e-mails to user gids; who is not in it is left out, so that an unknown person never loses a bill.
    `vendor_person` is the e-mail that the bill's vendor names, empty when it names nobody. Numbers have exactly the field's
    decimal places, enums are option gids, text fits Asana. The task is completed when the bill is in none of the flow's
    states. Raises Misconfigured for a field or option that preflight has not pinned.
    """
    scope = flow.bills
    completed = bill.state not in scope.states
    initial = _initial(scope, pins) | _pending(flow, pins)
    return TaskDraft(
        key=bill.bill_key,
        name=_name(scope.task_name, BILL_SOURCES, bill) or bill.bill_key,
        html_notes=bill_notes(bill) if scope.notes == "lines" else "",
        due_on=bill.due_on if scope.due_date else None,
        completed=completed,
        section_gid=_section(scope, pins, bill.state, completed=completed),
        assignee=(people or {}).get(vendor_person or _anybody(scope)),
        followers=tuple(sorted({gid for email in scope.followers if (gid := (people or {}).get(email))})),
        fields={pinned(pins, scope.key_field).gid: bill.bill_key} | _fields(scope, bill, pins),
        initial_fields=initial,
        remark=payment_remark(bill),
        kind="approval" if flow.approval.signal.kind == "approval_task" else "default_task",
    )


def _anybody(scope: BillScope) -> str:
    return (scope.assignee.email if scope.assignee else None) or ""


def project_vendor(vendor: Vendor, flow: Flow, pins: Pins) -> TaskDraft:
    """The task that `vendor` should have. The same rules as for bills."""
    scope = flow.vendors
    return TaskDraft(
        key=vendor.vendor_key,
        name=_name(scope.task_name, VENDOR_SOURCES, vendor) or vendor.vendor_key,
        html_notes=vendor_notes(vendor),
        completed=vendor.status not in scope.statuses,
        fields={pinned(pins, scope.key_field).gid: vendor.vendor_key} | _fields(scope, vendor, pins),
        initial_fields=_initial(scope, pins),
    )


def pinned(pins: Pins, name: str) -> PinnedField:
    """The field as preflight resolved it. Raises Misconfigured when it did not."""
    if pin := pins.fields.get(name):
        return pin
    raise _not_pinned(pins, f"the field {name!r} is not pinned")


def _not_pinned(pins: Pins, what: str) -> Misconfigured:
    problem = Problem(where=f"Asana project {pins.project_gid}", what=what, mend="run the flow's preflight again")
    return Misconfigured("The flow file names something that preflight has not resolved yet.", problems=(problem,))


def _name(template: str, sources: Mapping[str, Source[Record]], record: Record) -> str:
    values = name_values(sources, placeholders(template), record)
    return short(filled(template, values), longest=NAME_CHARACTERS)


def _fields(scope: BillScope | VendorScope, record: Bill | Vendor, pins: Pins) -> dict[str, FieldValue]:
    rules = [rule for rule in scope.fields if rule.owner == "intacct"]
    pairs = [(rule, pinned(pins, rule.name)) for rule in rules]
    return {pin.gid: field_value(rule, record, pin) for rule, pin in pairs}


def _initial(scope: BillScope | VendorScope, pins: Pins) -> dict[str, FieldValue]:
    """First values of the fields that people own. A field without one is left empty and is not written at all."""
    rules = [rule for rule in scope.fields if rule.owner == "asana" and rule.initial is not None]
    return {pinned(pins, rule.name).gid: _initial_value(rule, pins) for rule in rules}


def _initial_value(rule: FieldRule, pins: Pins) -> FieldValue:
    value = rule.initial or ""
    if rule.kind not in ("enum", "multi_enum"):
        return one_line(value)
    gid = _option(pins, rule.name, value)
    return (gid,) if rule.kind == "multi_enum" else gid


def _pending(flow: Flow, pins: Pins) -> dict[str, FieldValue]:
    signal = flow.approval.signal
    if signal.kind != "enum":
        return {}
    return {pinned(pins, signal.field).gid: _option(pins, signal.field, signal.pending)}


def _option(pins: Pins, field: str, option: str) -> str:
    pin = pinned(pins, field)
    if option not in pin.options:
        raise _not_pinned(pins, f"the option {option!r} of the field {field!r} is not pinned")
    return pin.options[option]


def _section(scope: BillScope, pins: Pins, state: BillState, *, completed: bool) -> str | None:
    if scope.sections is None:
        return None
    name = scope.sections.by_state.get(state) or (scope.sections.closed if completed else scope.sections.open)
    if name not in pins.sections:
        raise _not_pinned(pins, f"the section {name!r} is not pinned")
    return pins.sections[name]


DOCUMENT_NAME_CHARACTERS = 200


def document_of(bill: Bill, flow: Flow) -> WantedDocument | None:
    """The document of a bill in scope; None when the flow wants none, or the bill has none.

    A link leads to the bill in Intacct, where its attachment opens: Intacct gives the attachment no address of its own.
    """
    scope = flow.bills
    if scope.attachments == "none" or bill.state not in scope.states or not bill.document_id:
        return None
    if scope.attachments == "link" and not is_web_address(bill.record_url):
        return None
    number = one_line(bill.bill_number)[:DOCUMENT_NAME_CHARACTERS]
    return WantedDocument(
        key=bill.bill_key,
        form=scope.attachments,
        document_id=bill.document_id,
        name=f"Attachment {one_line(bill.document_id)} of bill {number} in Intacct",
        url=one_line(bill.record_url) if scope.attachments == "link" else "",
    )
