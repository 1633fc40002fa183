"""Records as people name them, and how an act tells about a bill. What is not there is a plain sentence."""

from __future__ import annotations

from typing import Any

from sandbox.gateway.books.dumps import bill_of
from sandbox.gateway.books.rows import Bill, Vendor


def told(bill: Bill) -> dict[str, Any]:
    return {"record_no": str(bill.record_no), "bill": bill_of(bill)}


def bill_named(company: Any, record_no: str) -> Bill:
    bill: Bill | None = company.bills.get(int(record_no)) if str(record_no).isdigit() else None
    if bill is None:
        raise ValueError(f"there is no bill {record_no}")
    return bill


def vendor_named(company: Any, vendor_id: str) -> Vendor:
    vendor: Vendor | None = company.vendor(vendor_id)
    if vendor is None:
        raise ValueError(f"there is no vendor {vendor_id!r}")
    return vendor
