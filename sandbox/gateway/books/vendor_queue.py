"""Vendor approval: an edit waits in a queue until somebody approves or declines it.

Whether an edit of a custom field enters the queue, whether reading shows it before it is approved, and what STATE says
meanwhile is not documented, so settings choose.
"""

from __future__ import annotations

from typing import Any

from sandbox.gateway.books.rows import User, Vendor

APPROVED = "A"


def edit(company: Any, vendor: Vendor, user: User, **values: Any) -> None:
    """Change a vendor, at once or through the queue. A second edit joins the one that waits."""
    if not _must_wait(company, values):
        company.change_vendor(vendor, user, **values)
        return
    before = vendor.before if vendor.before is not None else {}
    waiting = {**(vendor.waiting or {}), **values}
    before = {name: getattr(vendor, name) for name in values} | before
    shown = values if company.world.setting("vendor_edit_shows", "after") == "before" else {}
    state = company.world.setting("vendor_waiting_state", "S")
    company.change_vendor(vendor, user, **shown, state=state, waiting=waiting, before=before)


def approve(company: Any, vendor: Vendor, user: User) -> None:
    """What waits becomes the vendor's. Raises ValueError when nothing waits."""
    company.change_vendor(vendor, user, **_waiting(vendor), state=APPROVED, waiting=None, before=None)


def decline(company: Any, vendor: Vendor, user: User) -> None:
    """What waited is dropped, and the vendor is as it was before. Raises ValueError when nothing waits."""
    _waiting(vendor)
    state = company.world.setting("vendor_declined_state", "R")
    company.change_vendor(vendor, user, **(vendor.before or {}), state=state, waiting=None, before=None)


def queue(company: Any) -> list[Vendor]:
    """The vendors with an edit that waits, as getVendorsToApprove lists them."""
    return [vendor for vendor in company.vendors if vendor.waiting is not None]


def latest(vendor: Vendor, name: str) -> dict[str, Any]:
    """What the next edit of `custom` or `kept` builds on: what waits, else what holds."""
    return dict((vendor.waiting or {}).get(name) or getattr(vendor, name) or {})


def _must_wait(company: Any, values: dict[str, Any]) -> bool:
    if not company.world.setting("vendor_approvals_on", False):
        return False
    return set(values) != {"custom"} or bool(company.world.setting("vendor_custom_edits_wait", True))


def _waiting(vendor: Vendor) -> dict[str, Any]:
    if vendor.waiting is None:
        raise ValueError(f"nothing of vendor {vendor.vendor_id} waits for approval")
    return vendor.waiting
