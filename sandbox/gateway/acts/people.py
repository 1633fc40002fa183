"""What people do in Intacct's own pages while the integration runs: make, edit, delete, recreate bills."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from sandbox.gateway.acts import payments as payment_acts
from sandbox.gateway.acts import users as user_acts
from sandbox.gateway.acts import vendors as vendor_acts
from sandbox.gateway.acts.named import bill_named, told, vendor_named
from sandbox.gateway.books import approvals, demo_names, documents, purchasing
from sandbox.gateway.books.rows import LACKING, NOBODY, NOTHING, Bill, Line, User, totals_of
from sandbox.gateway.functions.objects import BILL_STATES
from sandbox.gateway.texts import cents_of, money_text

_HEADER = {
    "bill_number": "number",
    "reference": "reference",
    "description": "description",
    "on_hold": "on_hold",
    "priority": "priority",
    "term": "term",
    "currency": "currency",
    "attachment_id": "attachment",
}
_LINE_DIMENSIONS = {"account": "accounts", "department": "departments", "location": "locations"}
_MORE_DIMENSIONS = {"project": "projects", "class": "classes"}


def act(company: Any, user: User, action: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Do one action as `user`. Raises ValueError with a plain sentence for what cannot be done."""
    known = ACTIONS.get(action)
    if known is None:
        raise ValueError(f"there is no action {action!r}; choose one of {', '.join(sorted(ACTIONS))}")
    try:
        return known(company, user, **arguments)
    except TypeError as error:
        raise ValueError(f"{action}: {error}") from error


def create_bill(
    company: Any,
    user: User,
    *,
    vendor_id: str = "",
    amount: str = "100.00",
    lines: list[dict[str, Any]] | None = None,
    state: str = "Submitted",
    bill_number: str = "",
    entity: str = "US01",
    currency: str = "",
    due_on: str = "",
    module: str = "3.AP",
    without_change_time: bool = False,
    creator_unknown: bool = False,
    lacks: Iterable[str] = (),
    **changes: Any,
) -> dict[str, Any]:
    """A new bill. `lines` are dicts with amount, account, department, location, project, class; else one line of `amount`.

    With `without_change_time` Intacct holds no WHENMODIFIED for it and its lines, as for records that nobody changed yet;
    with `creator_unknown` it does not say who made it; `lacks` names more of `LACKING`, or text such as `base_currency`, that
    it comes without. `changes` are header fields and custom fields (`ASANA_DECISION`).
    """
    vendor = vendor_named(company, vendor_id) if vendor_id else next(iter(company.vendors))
    owner = company.dimension(company.entities, entity)
    if owner is None:
        raise ValueError(f"there is no entity {entity!r}")
    number, now, today = company.next_no(), company.now(), company.today()
    currency = currency or vendor.currency
    bill = Bill(
        record_no=number,
        number=bill_number or f"NEW-{number}",
        vendor=vendor,
        state=_state(state),
        bill_date=today,
        due_on=date.fromisoformat(due_on) if due_on else today + timedelta(days=30),
        currency=currency,
        base_currency=owner.currency,
        rate=demo_names.EXCHANGE_RATES.get((currency, owner.currency), 1_000_000),
        entity=owner,
        created_by=NOBODY if creator_unknown else user,
        modified_by=user,
        created_at=now,
        modified_at=None if without_change_time else now,
        lines=[],
        module=module,
        source_key=company.next_no() if module == "9.PO" else None,
        term=vendor.term,
    )
    for name, value in _header(company, bill, changes).items():
        setattr(bill, name, value)
    bill.lines = [_new_line(company, bill, no, line) for no, line in enumerate(lines or [{"amount": amount}], 1)]
    if without_change_time:
        for line in bill.lines:
            line.modified_at = None
    for name, value in totals_of(bill.lines).items():
        setattr(bill, name, value)
    for name in lacks:
        setattr(bill, name, LACKING.get(name, ""))
    company.add_bill(bill)
    company.audit("apbill", str(number), "C", user, "ui")
    return told(bill)


def edit_bill(company: Any, user: User, *, record_no: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Change a line (`line` with amount, account, ...), add one (`add_line`), remove one (`remove_line`), or header fields.

    `amount` without `line` is the bill's new total: its first line takes the difference.
    """
    bill = bill_named(company, record_no)
    left = dict(changes)
    header: dict[str, Any] = {}
    if "currency" in left:
        header |= _change_currency(company, bill, str(left.pop("currency")))
    if "amount" in left and "line" not in left and bill.lines:
        first = bill.lines[0]
        rest = bill.trx_entered - first.trx_amount
        left |= {"line": first.line_no, "amount": money_text(cents_of(str(left["amount"])) - rest)}
    if "line" in left:
        header |= _edit_line(company, bill, int(left.pop("line")), left)
    if "add_line" in left:
        line = _new_line(company, bill, len(bill.lines) + 1, left.pop("add_line"))
        if company.world.setting("new_lines_have_no_change_time", False):
            line.modified_at = None
        company.lines.add(line)
        header |= {"lines": [*bill.lines, line], **totals_of([*bill.lines, line])}
    if "remove_line" in left:
        line = _line(bill, int(left.pop("remove_line")))
        company.lines.remove(line)
        kept = [other for other in bill.lines if other is not line]
        header |= {"lines": kept, **totals_of(kept)}
    only_lines = not left and "currency" not in changes
    header |= _header(company, bill, left)
    before = bill.modified_at
    company.change_bill(bill, user, **header)
    if only_lines and not company.world.setting("line_changes_touch_header", True):
        company.bills.edit(bill, modified_at=before)
    company.audit("apbill", record_no, "M", user, "ui")
    return told(bill)


def attach_document(
    company: Any, user: User, *, record_no: str, document_id: str, files: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Give the bill an attachment. `files` have name, type, and text, base64 or size; `documents.file_of` says how."""
    bill = bill_named(company, record_no)
    held = [documents.file_of(file) for file in (files if files is not None else [{}])]
    if document_id:
        company.documents[document_id] = documents.Document(document_id, held)
    company.change_bill(bill, user, attachment=document_id)
    company.audit("apbill", record_no, "M", user, "ui")
    return told(bill)


def replace_document(company: Any, user: User, *, document_id: str, files: list[dict[str, Any]]) -> dict[str, Any]:
    """Other files under the same attachment id. The bills that carry it are not touched, unless a setting says so."""
    if document_id not in company.documents:
        raise ValueError(f"there is no attachment {document_id!r}")
    company.documents[document_id] = documents.Document(document_id, [documents.file_of(file) for file in files])
    company.audit("supdoc", document_id, "M", user, "ui")
    if company.world.setting("attachment_touches_bill", False):
        for bill in company.bills:
            if bill.attachment == document_id:
                company.change_bill(bill, user)
    return {"document_id": document_id, "files": len(files)}


def delete_document(company: Any, user: User, *, document_id: str) -> dict[str, Any]:
    """The bills that carry it go on naming it."""
    if company.documents.pop(document_id, None) is None:
        raise ValueError(f"there is no attachment {document_id!r}")
    company.audit("supdoc", document_id, "D", user, "ui")
    return {"document_id": document_id, "deleted": True}


def set_document_state(company: Any, user: User, *, record_no: str, state: str) -> dict[str, Any]:
    """Of the document in Purchasing that the bill comes from."""
    bill = bill_named(company, record_no)
    purchasing.set_state(company, bill, state)
    return told(bill)


def set_state(company: Any, user: User, *, record_no: str, state: str) -> dict[str, Any]:
    bill = bill_named(company, record_no)
    changes: dict[str, Any] = {"state": _state(state)}
    if state == "Posted" and bill.posted_on is None:
        changes["posted_on"] = company.today()
    company.change_bill(bill, user, **changes)
    return told(bill)


def approve_bill(company: Any, user: User, *, record_no: str, notes: str = "") -> dict[str, Any]:
    """One approval in Intacct's own pages, at the level that is due."""
    bill = bill_named(company, record_no)
    approvals.approve(company, bill, user, notes=notes)
    return told(bill)


def decline_bill(company: Any, user: User, *, record_no: str, notes: str = "") -> dict[str, Any]:
    bill = bill_named(company, record_no)
    approvals.decline(company, bill, user, notes=notes)
    return told(bill)


def delete_bill(company: Any, user: User, *, record_no: str) -> dict[str, Any]:
    bill = bill_named(company, record_no)
    company.remove_bill(bill, user, "ui")
    return {"record_no": str(bill.record_no), "deleted": True}


def recreate_bill(
    company: Any,
    user: User,
    *,
    record_no: str,
    changes: dict[str, Any] | None = None,
    seen_after_seconds: float = 0,
    keeps_times: bool = False,
) -> dict[str, Any]:
    """What Purchasing does when its document changes: the bill is deleted and comes back under a new RECORDNO.

    With `seen_after_seconds` it is gone at once, and the new one is seen only later. With `keeps_times` the new one says
    that it was made and changed when the old one was.
    """
    old = bill_named(company, record_no)
    if old.source_key is None:
        raise ValueError(f"bill {record_no} does not come from Purchasing, so it is never recreated")
    if old.state in ("Paid", "Partially Paid", "Selected", "Reversed", "Reversal"):
        raise ValueError(f"bill {record_no} is {old.state}, so its document can no longer change")
    new = copy.copy(old)
    new.record_no, new.custom = company.next_no(), {}
    if not keeps_times:
        new.created_at = new.modified_at = company.now()
    new.created_by = new.modified_by = user
    new.lines = [_moved(company, line, new) for line in old.lines]
    company.remove_bill(old, user, "system")
    if seen_after_seconds:
        company.later(seen_after_seconds, lambda: company.add_bill(new))
        return {"record_no": str(new.record_no), "old_record_no": str(old.record_no)}
    company.add_bill(new)
    company.audit("apbill", str(new.record_no), "C", user, "system")
    if changes:
        edit_bill(company, user, record_no=str(new.record_no), changes=changes)
    return told(new) | {"old_record_no": str(old.record_no)}


def audit(company: Any, user: User, *, object_type: str, object_key: str, mode: str = "D") -> dict[str, Any]:
    """A row of the audit history, whether or not anything happened."""
    company.audit(object_type, object_key, mode, user, "ui")
    return {}


def end_sessions(company: Any, user: User) -> dict[str, Any]:
    return {"ended": company.sessions.end_all()}


ACTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    action.__name__: action
    for action in (
        create_bill,
        edit_bill,
        attach_document,
        replace_document,
        delete_document,
        set_state,
        set_document_state,
        approve_bill,
        decline_bill,
        payment_acts.pay_bill,
        payment_acts.pay_bills,
        payment_acts.select_bill,
        payment_acts.confirm_payment,
        payment_acts.drop_payment,
        payment_acts.void_payment,
        payment_acts.reverse_payment,
        delete_bill,
        recreate_bill,
        audit,
        end_sessions,
        vendor_acts.edit_vendor,
        vendor_acts.change_payment_details,
        vendor_acts.set_vendor_maker,
        vendor_acts.create_vendor,
        vendor_acts.delete_vendor,
        vendor_acts.approve_vendor,
        vendor_acts.decline_vendor,
        vendor_acts.vendors_to_approve,
        user_acts.edit_user,
        user_acts.delete_user,
        user_acts.set_role,
        user_acts.give_role,
        user_acts.take_roles,
        user_acts.join_group,
    )
}


def _state(state: str) -> str:
    if state not in BILL_STATES:
        raise ValueError(f"there is no state {state!r}; choose one of {', '.join(BILL_STATES)}")
    return state


def _line(bill: Bill, line_no: int) -> Line:
    found = next((line for line in bill.lines if line.line_no == line_no), None)
    if found is None:
        raise ValueError(f"bill {bill.record_no} has no line {line_no}")
    return found


def _edit_line(company: Any, bill: Bill, line_no: int, left: dict[str, Any]) -> dict[str, Any]:
    """Take what belongs to the line out of `left` and do it; the answer is the header's new totals."""
    line = _line(bill, line_no)
    values: dict[str, Any] = {}
    if "amount" in left:
        cents = cents_of(str(left.pop("amount")))
        values |= {"trx_amount": cents, "amount": bill.to_base(cents)}
    if "released" in left:
        values["released"] = bool(left.pop("released"))
    if "line_description" in left:
        values["description"] = left.pop("line_description")
    values |= _dimensions(company, left)
    company.change_line(bill, line, **values)
    return totals_of(bill.lines)


def _change_currency(company: Any, bill: Bill, currency: str) -> dict[str, Any]:
    """The amounts stay as they are in the bill's own currency; the answer is the header's new totals in the base currency."""
    rate = demo_names.EXCHANGE_RATES.get((currency, bill.base_currency), 1_000_000)
    company.bills.edit(bill, currency=currency, rate=rate)
    for line in bill.lines:
        company.change_line(bill, line, amount=bill.to_base(line.trx_amount))
    return totals_of(bill.lines)


def _dimensions(company: Any, left: dict[str, Any]) -> dict[str, Any]:
    values = {}
    for name, table in {**_LINE_DIMENSIONS, **_MORE_DIMENSIONS}.items():
        if name in left:
            wanted = str(left.pop(name))
            found = company.dimension(getattr(company, table), wanted)
            if found is None:
                raise ValueError(f"there is no {name} {wanted!r}")
            values["cls" if name == "class" else name] = found
    return values


def _header(company: Any, bill: Bill, left: dict[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name, value in left.items():
        if name in ("due_on", "bill_date"):
            changes[name] = date.fromisoformat(value) if value else None
        elif name == "vendor_id":
            changes["vendor"] = vendor_named(company, value)
        elif name in _HEADER:
            changes[_HEADER[name]] = value
        elif name.isupper():
            changes["custom"] = {**changes.get("custom", bill.custom), name: value}
        else:
            raise ValueError(f"a bill has no {name!r}; choose from line, amount, due_on, vendor_id, {', '.join(_HEADER)}")
    return changes


def _new_line(company: Any, bill: Bill, line_no: int, wanted: dict[str, Any]) -> Line:
    left = dict(wanted)
    cents = cents_of(str(left.pop("amount", "100.00")))
    description = left.pop("description", "")
    values = _dimensions(company, left)
    if left:
        raise ValueError(f"a line has no {', '.join(left)}")
    return Line(
        record_no=company.next_no(),
        bill_no=bill.record_no,
        line_no=line_no,
        account=values.pop("account", None) or next(iter(company.accounts)),
        amount=bill.to_base(cents),
        trx_amount=cents,
        created_at=company.now(),
        modified_at=company.now(),
        description=description,
        location=values.pop("location", NOTHING),
        **values,
    )


def _moved(company: Any, line: Line, bill: Bill) -> Line:
    new = copy.copy(line)
    new.record_no, new.bill_no = company.next_no(), bill.record_no
    new.created_at = new.modified_at = company.now()
    return new
