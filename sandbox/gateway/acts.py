"""What people do in Intacct's own pages while the integration runs: edit, pay, delete, recreate bills."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sandbox.gateway import demo_names, documents, payments, vendor_queue
from sandbox.gateway.dumps import bill_of, payment_of, vendor_of
from sandbox.gateway.objects import BILL_STATES
from sandbox.gateway.rows import NOTHING, Bill, Line, Payment, User, Vendor, totals_of
from sandbox.gateway.texts import cents_of

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
_VENDOR = {"name": "name", "status": "status", "on_hold": "on_hold", "term": "term", "comments": "comments"}


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
    **changes: Any,
) -> dict[str, Any]:
    """A new bill. `lines` are dicts with amount, account, department, location, project, class; else one line of `amount`.

    With `without_change_time` Intacct holds no WHENMODIFIED for it and its lines, as for records that nobody changed yet.
    """
    vendor = _vendor(company, vendor_id) if vendor_id else next(iter(company.vendors))
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
        created_by=user,
        modified_by=user,
        created_at=now,
        modified_at=None if without_change_time else now,
        lines=[],
        module=module,
        source_key=company.next_no() if module == "9.PO" else None,
        term=vendor.term,
    )
    for name in changes:
        if name not in _HEADER:
            raise ValueError(f"a bill has no {name!r}; choose one of {', '.join(_HEADER)}")
        setattr(bill, _HEADER[name], changes[name])
    bill.lines = [_new_line(company, bill, no, line) for no, line in enumerate(lines or [{"amount": amount}], 1)]
    if without_change_time:
        for line in bill.lines:
            line.modified_at = None
    for name, value in totals_of(bill.lines).items():
        setattr(bill, name, value)
    return _told(company.add_bill(bill))


def edit_bill(company: Any, user: User, *, record_no: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Change a line (`line` with amount, account, ...), add one (`add_line`), remove one (`remove_line`), or header fields."""
    bill = _bill(company, record_no)
    left = dict(changes)
    header: dict[str, Any] = {}
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
    only_lines = not left
    header |= _header(company, bill, left)
    before = bill.modified_at
    company.change_bill(bill, user, **header)
    if only_lines and not company.world.setting("line_changes_touch_header", True):
        company.bills.edit(bill, modified_at=before)
    return _told(bill)


def attach_document(
    company: Any, user: User, *, record_no: str, document_id: str, files: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Give the bill an attachment. `files` have name, type, and text, base64 or size; `documents.file_of` says how."""
    bill = _bill(company, record_no)
    told = [documents.file_of(file) for file in (files if files is not None else [{}])]
    if document_id:
        company.documents[document_id] = documents.Document(document_id, told)
    company.change_bill(bill, user, attachment=document_id)
    return _told(bill)


def set_state(company: Any, user: User, *, record_no: str, state: str) -> dict[str, Any]:
    bill = _bill(company, record_no)
    changes: dict[str, Any] = {"state": _state(state)}
    if state == "Posted" and bill.posted_on is None:
        changes["posted_on"] = company.today()
    company.change_bill(bill, user, **changes)
    return _told(bill)


def pay_bill(
    company: Any,
    user: User,
    *,
    record_no: str,
    amount: str = "",
    method: str = "ACH",
    on: str = "",
    discount: str = "",
    credit: str = "",
) -> dict[str, Any]:
    """Pay a bill, all that is due or `amount` of its currency; `discount` and `credit` settle a part of it without money."""
    bill = _bill(company, record_no)
    off = {"discount": _cents(discount), "credit": _cents(credit)}
    cents = cents_of(amount) if amount else bill.trx_due - sum(off.values())
    part = payments.Part(bill=bill, cents=cents, **off)
    payment = payments.pay(company, [part], user, method=method, on=_day(company, on))
    return _told(bill) | {"payment": payment_of(payment)}


def pay_bills(
    company: Any,
    user: User,
    *,
    bills: list[dict[str, str]],
    method: str = "Printed Check",
    on: str = "",
    credit_memo: str = "",
) -> dict[str, Any]:
    """One payment for several bills of a vendor: `[{"record_no": "12", "amount": "100.00"}]`, without amounts all is paid.

    `credit_memo` is an amount of the payment that pays a positive adjustment: a detail row without a bill.
    """
    parts = []
    for told in bills:
        bill = _bill(company, told["record_no"])
        parts.append(payments.Part(bill=bill, cents=cents_of(told["amount"]) if told.get("amount") else bill.trx_due))
    payment = payments.pay(company, parts, user, method=method, on=_day(company, on), memo_cents=_cents(credit_memo))
    return {"payment": payment_of(payment), "bills": [bill_of(part.bill) for part in parts]}


def select_bill(
    company: Any,
    user: User,
    *,
    record_no: str,
    amount: str = "",
    method: str = "Printed Check",
    on: str = "",
    state: str = "Submitted",
) -> dict[str, Any]:
    """Choose a bill to be paid: a payment in `state` (Draft, Submitted, Approved) that has moved no money yet."""
    bill = _bill(company, record_no)
    part = payments.Part(bill=bill, cents=cents_of(amount) if amount else bill.trx_due - bill.trx_selected)
    payment = payments.select(company, [part], user, method=method, on=_day(company, on), state=state)
    return _told(bill) | {"payment": payment_of(payment)}


def confirm_payment(company: Any, user: User, *, record_no: str) -> dict[str, Any]:
    """The money of a selected payment moves."""
    return _payment_told(company, payments.confirm(company, _payment(company, record_no), user))


def drop_payment(company: Any, user: User, *, record_no: str) -> dict[str, Any]:
    """Take a selection back: the payment that moved no money is deleted."""
    payments.drop(company, _payment(company, record_no), user)
    return {"record_no": str(record_no), "deleted": True}


def void_payment(company: Any, user: User, *, record_no: str) -> dict[str, Any]:
    return _payment_told(company, payments.void(company, _payment(company, record_no), user))


def reverse_payment(company: Any, user: User, *, record_no: str, on: str = "") -> dict[str, Any]:
    """A second payment with negative amounts takes the first one back."""
    return _payment_told(company, payments.reverse(company, _payment(company, record_no), user, on=_day(company, on)))


def delete_bill(company: Any, user: User, *, record_no: str) -> dict[str, Any]:
    bill = _bill(company, record_no)
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
    old = _bill(company, record_no)
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
    if changes:
        edit_bill(company, user, record_no=str(new.record_no), changes=changes)
    return _told(new) | {"old_record_no": str(old.record_no)}


def audit(company: Any, user: User, *, object_type: str, object_key: str, mode: str = "D") -> dict[str, Any]:
    """A row of the audit history, whether or not anything happened."""
    company.audit(object_type, object_key, mode, user, "ui")
    return {}


def end_sessions(company: Any, user: User) -> dict[str, Any]:
    return {"ended": company.sessions.end_all()}


def edit_vendor(company: Any, user: User, *, vendor_id: str, changes: dict[str, Any]) -> dict[str, Any]:
    vendor = _vendor(company, vendor_id)
    custom = {name: value for name, value in changes.items() if name.isupper()}
    unknown = set(changes) - set(custom) - set(_VENDOR)
    if unknown:
        raise ValueError(f"a vendor has no {', '.join(sorted(unknown))}; choose from {', '.join(_VENDOR)}")
    values = {_VENDOR[name]: value for name, value in changes.items() if name in _VENDOR}
    company.change_vendor(vendor, user, **values, custom={**vendor.custom, **custom})
    return {"vendor": vendor_of(vendor)}


def delete_vendor(company: Any, user: User, *, vendor_id: str) -> dict[str, Any]:
    """Intacct deletes only vendors that nothing refers to."""
    vendor = _vendor(company, vendor_id)
    if any(bill.vendor is vendor for bill in company.bills) or any(payment.vendor is vendor for payment in company.payments):
        raise ValueError(f"vendor {vendor_id} has bills or payments, so it cannot be deleted")
    company.vendors.remove(vendor)
    company.audit("vendor", vendor.vendor_id, "D", user, "ui")
    return {"vendor_id": vendor.vendor_id, "deleted": True}


def approve_vendor(company: Any, user: User, *, vendor_id: str) -> dict[str, Any]:
    vendor = _vendor(company, vendor_id)
    vendor_queue.approve(company, vendor, user)
    return {"vendor": vendor_of(vendor)}


def decline_vendor(company: Any, user: User, *, vendor_id: str) -> dict[str, Any]:
    vendor = _vendor(company, vendor_id)
    vendor_queue.decline(company, vendor, user)
    return {"vendor": vendor_of(vendor)}


def vendors_to_approve(company: Any, user: User) -> dict[str, Any]:
    return {"vendors": [vendor.vendor_id for vendor in vendor_queue.queue(company)]}


def create_vendor(company: Any, user: User, *, vendor_id: str, name: str, **changes: Any) -> dict[str, Any]:
    if company.vendor(vendor_id):
        raise ValueError(f"there is a vendor {vendor_id} already")
    now = company.now()
    vendor = Vendor(
        record_no=company.next_no(),
        vendor_id=vendor_id,
        name=name,
        created_by=user,
        modified_by=user,
        created_at=now,
        modified_at=now,
    )
    company.vendors.add(vendor)
    return edit_vendor(company, user, vendor_id=vendor_id, changes=changes)


ACTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    action.__name__: action
    for action in (
        create_bill,
        edit_bill,
        attach_document,
        set_state,
        pay_bill,
        pay_bills,
        select_bill,
        confirm_payment,
        drop_payment,
        void_payment,
        reverse_payment,
        delete_bill,
        recreate_bill,
        audit,
        end_sessions,
        edit_vendor,
        create_vendor,
        delete_vendor,
        approve_vendor,
        decline_vendor,
        vendors_to_approve,
    )
}


def _told(bill: Bill) -> dict[str, Any]:
    return {"record_no": str(bill.record_no), "bill": bill_of(bill)}


def _bill(company: Any, record_no: str) -> Bill:
    bill: Bill | None = company.bills.get(int(record_no)) if str(record_no).isdigit() else None
    if bill is None:
        raise ValueError(f"there is no bill {record_no}")
    return bill


def _payment(company: Any, record_no: str) -> Payment:
    payment: Payment | None = company.payments.get(int(record_no)) if str(record_no).isdigit() else None
    if payment is None:
        raise ValueError(f"there is no payment {record_no}")
    return payment


def _payment_told(company: Any, payment: Payment) -> dict[str, Any]:
    return {"record_no": str(payment.record_no), "payment": payment_of(payment)}


def _day(company: Any, on: str) -> date:
    return date.fromisoformat(on) if on else company.today()  # type: ignore[no-any-return]


def _cents(text: str) -> int:
    return cents_of(text) if text else 0


def _vendor(company: Any, vendor_id: str) -> Vendor:
    vendor: Vendor | None = company.vendor(vendor_id)
    if vendor is None:
        raise ValueError(f"there is no vendor {vendor_id!r}")
    return vendor


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
    if "line_description" in left:
        values["description"] = left.pop("line_description")
    values |= _dimensions(company, left)
    company.change_line(bill, line, **values)
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
            changes["vendor"] = _vendor(company, value)
        elif name in _HEADER:
            changes[_HEADER[name]] = value
        elif name.isupper():
            changes["custom"] = {**changes.get("custom", bill.custom), name: value}
        else:
            raise ValueError(f"a bill has no {name!r}; choose from line, amount, due_on, vendor_id, {', '.join(_HEADER)}")
    return changes


def _new_line(company: Any, bill: Bill, line_no: int, told: dict[str, Any]) -> Line:
    left = dict(told)
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
