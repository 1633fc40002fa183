"""What people do with vendors in Intacct's own pages: make, change, approve, delete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sandbox.gateway.acts.named import vendor_named
from sandbox.gateway.books import vendor_queue
from sandbox.gateway.books.dumps import vendor_of
from sandbox.gateway.books.rows import NOBODY, User, Vendor

_VENDOR = {"name": "name", "status": "status", "on_hold": "on_hold", "term": "term", "comments": "comments"}
_NAMED = {"name": "NAME", "status": "STATUS", "on_hold": "ONHOLD", "term": "TERMNAME", "comments": "COMMENTS"}
_BANK = ("ACHBANKROUTINGNUMBER", "ACHACCOUNTNUMBER")


def edit_vendor(company: Any, user: User, *, vendor_id: str, changes: dict[str, Any]) -> dict[str, Any]:
    vendor = vendor_named(company, vendor_id)
    custom = {name: value for name, value in changes.items() if name.isupper()}
    unknown = set(changes) - set(custom) - set(_VENDOR)
    if unknown:
        raise ValueError(f"a vendor has no {', '.join(sorted(unknown))}; choose from {', '.join(_VENDOR)}")
    values = {_VENDOR[name]: value for name, value in changes.items() if name in _VENDOR}
    company.change_vendor(vendor, user, **values, custom={**vendor.custom, **custom})
    company.audit("vendor", vendor_id, "M", user, "ui", named=[_NAMED.get(name, name) for name in changes])
    return {"vendor": vendor_of(vendor)}


def change_payment_details(
    company: Any, user: User, *, vendor_id: str, fields: Sequence[str] = _BANK, source: str = "ui"
) -> dict[str, Any]:
    """Another bank account for the vendor. No detail of it is kept here: only the history tells that, when and by whom."""
    vendor = vendor_named(company, vendor_id)
    company.change_vendor(vendor, user)
    company.audit("vendor", vendor_id, "M", user, source, named=fields)
    return {"vendor": vendor_of(vendor)}


def delete_vendor(company: Any, user: User, *, vendor_id: str) -> dict[str, Any]:
    """Intacct deletes only vendors that nothing refers to."""
    vendor = vendor_named(company, vendor_id)
    if any(bill.vendor is vendor for bill in company.bills) or any(payment.vendor is vendor for payment in company.payments):
        raise ValueError(f"vendor {vendor_id} has bills or payments, so it cannot be deleted")
    company.vendors.remove(vendor)
    company.audit("vendor", vendor.vendor_id, "D", user, "ui")
    return {"vendor_id": vendor.vendor_id, "deleted": True}


def approve_vendor(company: Any, user: User, *, vendor_id: str) -> dict[str, Any]:
    vendor = vendor_named(company, vendor_id)
    vendor_queue.approve(company, vendor, user)
    company.audit("vendor", vendor_id, "W", user, "ui", action="approve")
    return {"vendor": vendor_of(vendor)}


def decline_vendor(company: Any, user: User, *, vendor_id: str) -> dict[str, Any]:
    vendor = vendor_named(company, vendor_id)
    vendor_queue.decline(company, vendor, user)
    company.audit("vendor", vendor_id, "W", user, "ui", action="decline")
    return {"vendor": vendor_of(vendor)}


def vendors_to_approve(company: Any, user: User) -> dict[str, Any]:
    return {"vendors": [vendor.vendor_id for vendor in vendor_queue.queue(company)]}


def set_vendor_maker(company: Any, user: User, *, vendor_id: str, login: str = "") -> dict[str, Any]:
    """Have it be made, and last changed, by this user; without a login Intacct does not tell by whom."""
    vendor = vendor_named(company, vendor_id)
    maker = company.user(login) if login else NOBODY
    company.vendors.edit(vendor, created_by=maker, modified_by=maker, modified_at=company.now())
    return {"vendor": vendor_of(vendor)}


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
    company.audit("vendor", vendor_id, "C", user, "ui")
    return edit_vendor(company, user, vendor_id=vendor_id, changes=changes)
