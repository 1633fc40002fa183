"""A bill and a vendor with everything filled in but the fields that a company lacks: what then stays empty is seen on them."""

from __future__ import annotations

from collections.abc import Collection

from intacct_asana.protocol.intacct_records import (
    BILL_NEEDED,
    BILL_WISHED,
    LINE_NEEDED,
    LINE_WISHED,
    PURCHASING,
    VENDOR_NEEDED,
    VENDOR_WISHED,
    bill_of,
    line_of,
    vendor_of,
)
from intacct_asana.records import Bill, Vendor

PLAIN = {"RECORDNO": "1", "STATE": "Posted", "LINE_NO": "1", "ONHOLD": "true", "MODULEKEY": PURCHASING}
BILL_DAYS = ("WHENCREATED", "WHENDUE", "WHENPOSTED", "WHENPAID")


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
