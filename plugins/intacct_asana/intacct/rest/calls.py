"""The calls of a bill's workflow, and bills as they come back. Pure: nothing here sends anything.

Source: the published OpenAPI description of Accounts Payable, version 1;
https://developer.sage.com/intacct/docs/openapi/ap/accounts-payable.bill/tag/Bills
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from intacct_asana.errors import OddRecord, UnexpectedReply
from intacct_asana.records import BillState
from intacct_asana.records.native import NativeBill
from intacct_asana.text import short

STATES: Mapping[str, BillState] = MappingProxyType(
    {
        "draft": BillState.DRAFT,
        "partiallyApproved": BillState.PARTIALLY_APPROVED,
        "submitted": BillState.SUBMITTED,
        "declined": BillState.DECLINED,
        "noValue": BillState.NO_VALUE,
        "posted": BillState.POSTED,
        "paid": BillState.PAID,
        "partiallyPaid": BillState.PARTIALLY_PAID,
        "selected": BillState.SELECTED,
        "reversed": BillState.REVERSED,
        "reversal": BillState.REVERSAL,
        "analyzing": BillState.ANALYZING,
    }
)
"""The published values of a bill's `state`, one for each state that the gateway shows. Any other one is read as nothing."""

BILL = "accounts-payable/bill"
FIELDS = (
    "key",
    "state",
    "billNumber",
    "vendor.id",
    "totalTxnAmount",
    "currency.txnCurrency",
    "entity.id",
    "sourceModule",
    "isOnHold",
    "audit.modifiedDateTime",
)
AMOUNT = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,10})?")
KEY = re.compile(r"[0-9]{1,18}")
PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call. `asked` says in plain words what is being done, `kind` is what it is counted as."""

    method: str
    path: str
    kind: str
    asked: str
    content: Mapping[str, Any] | None = None
    is_write: bool = False


def read_bill(key: str) -> Request:
    return Request(method="GET", path=f"/objects/{BILL}/{_checked(key)}", kind="read bill", asked=f"reading of bill {key}")


def act_on_bill(act: str, key: str, *, notes: str) -> Request:
    """`act` is approve or decline. The call names no approver: it is always the token's user."""
    return Request(
        method="POST",
        path=f"/workflows/{BILL}/{act}",
        kind=f"{act} bill",
        asked=f"{act} of bill {key}",
        content={"key": _checked(key), "notes": notes},
        is_write=True,
    )


def read_waiting(*, start: int) -> Request:
    """One page of what waits for approval. `start` counts from 1."""
    content = {
        "object": BILL,
        "fields": list(FIELDS),
        "filters": [{"$in": {"state": ["submitted", "partiallyApproved"]}}],
        "filterParameters": {"caseSensitiveComparison": True, "includePrivate": True},
        "orderBy": [{"key": "asc"}],
        "start": start,
        "size": PAGE,
    }
    asked = "reading of the bills that wait for approval"
    return Request(method="POST", path="/services/core/query", kind="query bills", asked=asked, content=content)


def bill_from(result: Any, *, key: str) -> NativeBill:
    """The bill in `ia::result`. Raises OddRecord for another bill than the one asked for, and for any value of another form."""
    body = result[0] if isinstance(result, list) and len(result) == 1 else result
    if not isinstance(body, dict):
        raise OddRecord(f"bill {key} is not an object")
    flat = {**body, **{f"{name}.{each}": part[each] for name, part in body.items() if isinstance(part, dict) for each in part}}
    bill = row_from(flat)
    if bill.key != key:
        raise OddRecord(f"it is about bill {short(bill.key, longest=40)}, not about bill {key}")
    return bill


def row_from(row: Any) -> NativeBill:
    """A bill from a row whose references stand flat, as a query answers them."""
    if not isinstance(row, dict):
        raise OddRecord("a row is not an object")
    key = _text(row, "key", needed=True)
    state = _text(row, "state", needed=True)
    if state not in STATES:
        raise OddRecord(f"bill {short(key, longest=40)} is in a state that is not documented: {short(state, longest=40)!r}")
    return NativeBill(
        key=key,
        state=STATES[state],
        bill_number=_text(row, "billNumber"),
        vendor_id=_text(row, "vendor.id", needed=True),
        total=_amount(row, "totalTxnAmount"),
        currency=_text(row, "currency.txnCurrency"),
        entity_id=_text(row, "entity.id"),
        module=_text(row, "sourceModule"),
        on_hold=_flag(row, "isOnHold"),
        modified_at_text=_text(row, "audit.modifiedDateTime"),
    )


def page_from(envelope: Mapping[str, Any]) -> tuple[list[NativeBill], int | None]:
    """The bills of a page that do wait for approval, and where the next page starts; None at the end."""
    rows, meta = envelope.get("ia::result"), envelope.get("ia::meta")
    following = meta.get("next") if isinstance(meta, dict) else None
    if not isinstance(rows, list) or not (following is None or (isinstance(following, int) and following > 1)):
        raise UnexpectedReply("it is no page of bills")
    bills = [row_from(row) for row in rows]
    # Whether `state` can be filtered by is documented for nobody, so what comes is looked at.
    return [bill for bill in bills if bill.state in (BillState.SUBMITTED, BillState.PARTIALLY_APPROVED)], following


def _checked(key: str) -> str:
    """A key goes into a path, so it is a number or it goes nowhere."""
    if not KEY.fullmatch(key):
        raise UnexpectedReply(f"{short(key, longest=40)!r} is not the record number of a bill, so nothing was sent")
    return key


def _text(row: Mapping[str, Any], name: str, *, needed: bool = False) -> str:
    value = row.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value):
        raise OddRecord(f"{name} is not a text")
    return value


def _amount(row: Mapping[str, Any], name: str) -> Decimal:
    value = row.get(name)
    text = str(value) if isinstance(value, str | int | Decimal) and not isinstance(value, bool) else ""
    if not AMOUNT.fullmatch(text):
        raise OddRecord(f"{name} is not an amount")
    return Decimal(text)


def _flag(row: Mapping[str, Any], name: str) -> bool:
    value = row.get(name)
    if value is not None and not isinstance(value, bool):
        raise OddRecord(f"{name} is neither true nor false")
    return bool(value)
