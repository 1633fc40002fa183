"""Bodies of the REST API: one bill, and the three envelopes of an error."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any

from sandbox.gateway.books.rows import Bill
from sandbox.gateway.texts import plain_money

Json = dict[str, Any]
STATES = {
    "Draft": "draft",
    "Partially Approved": "partiallyApproved",
    "Submitted": "submitted",
    "Declined": "declined",
    "No Value": "noValue",
    "Posted": "posted",
    "Paid": "paid",
    "Partially Paid": "partiallyPaid",
    "Selected": "selected",
    "Reversed": "reversed",
    "Reversal": "reversal",
    "Analyzing": "analyzing",
}
_support = itertools.count(0x7A10)
_ONE = {"totalCount": 1, "totalSuccess": 1, "totalError": 0}
_NONE = {"totalCount": 1, "totalSuccess": 0, "totalError": 1}
_COPIED_FROM_A_BATCH = {"totalCount": 3, "totalSuccess": 2, "totalError": 1}


class RestFailure(Exception):
    """A no of the API. Of a `token` one the envelope is another."""

    def __init__(self, status: int, code: str, error_id: str, message: str, *, about_token: bool = False) -> None:
        super().__init__(message)
        self.status, self.code, self.error_id, self.message, self.about_token = status, code, error_id, message, about_token


def dead_token(status: int) -> RestFailure:
    return RestFailure(status, "tokenInvalid", "REST-2102", "Token is not valid", about_token=True)


def invalid(message: str, error_id: str = "REST-1028") -> RestFailure:
    return RestFailure(400, "invalidRequest", error_id, message)


def error_body(failure: RestFailure, where: str) -> Json:
    error: Json = {
        "code": failure.code,
        "message": failure.message,
        "errorId": failure.error_id,
        "additionalInfo": {
            "messageId": "IA.TOKEN_IS_INVALID" if failure.about_token else "IA.SANDBOX",
            "placeholders": {},
            "propertySet": {},
        },
        "supportId": f"Sbx{next(_support):04X}%7ERest",
    }
    if failure.about_token:
        return {"error": error}
    if where == "top":
        details = [{"code": failure.code, "message": failure.message}]
        return {"ia::error": {**error, "message": "The request failed", "details": details}, "ia::meta": _NONE}
    return {"ia::result": {"ia::error": error}, "ia::meta": _NONE}


def read_body(bill: Bill, offset: int) -> Json:
    return {"ia::result": bill_of(bill, offset), "ia::meta": _ONE}


def acted_body(key: str, said: str, meta: str) -> Json:
    """`said` is approved or declined, which is none of a bill's own states for the first."""
    result = {"key": key, "id": key, "href": f"/objects/accounts-payable/bill/{key}", "state": said}
    return {"ia::result": result, "ia::meta": _COPIED_FROM_A_BATCH if meta == "published" else _ONE}


def bill_of(bill: Bill, offset: int) -> Json:
    """`offset` is what its key is less than its record number: none, as far as anybody knows."""
    key = str(bill.record_no - offset)
    entity = {"key": str(bill.entity.record_no), "id": bill.entity.id, "name": bill.entity.name} if bill.entity.id else None
    return {
        "id": key,
        "key": key,
        "recordType": "pi",
        "state": STATES[bill.state],
        "isOnHold": bill.on_hold,
        "billNumber": bill.number,
        "referenceNumber": bill.reference or None,
        "description": bill.description or None,
        "vendor": {"key": str(bill.vendor.record_no), "id": bill.vendor.vendor_id, "name": bill.vendor.name},
        "totalBaseAmount": plain_money(bill.entered),
        "totalTxnAmount": plain_money(bill.trx_entered),
        "totalTxnAmountDue": plain_money(bill.trx_due),
        "currency": {"baseCurrency": bill.base_currency or None, "txnCurrency": bill.currency or None},
        "postingDate": bill.posted_on.isoformat() if bill.posted_on else None,
        "dueDate": bill.due_on.isoformat() if bill.due_on else None,
        "createdDate": bill.bill_date.isoformat() if bill.bill_date else None,
        "sourceModule": "purchasing" if bill.module == "9.PO" else "accountsPayable",
        "entity": entity or {"key": None, "id": None, "name": None},
        "audit": {
            "createdDateTime": _instant(bill.created_at),
            "modifiedDateTime": _instant(bill.modified_at),
            "createdBy": str(bill.created_by.record_no),
            "modifiedBy": str(bill.modified_by.record_no),
        },
        "href": f"/objects/accounts-payable/bill/{key}",
    }


def _instant(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def flat(body: Json) -> Json:
    """As a query names references: with dots."""
    found: Json = {}
    for name, part in body.items():
        found |= {f"{name}.{each}": value for each, value in part.items()} if isinstance(part, dict) else {name: part}
    return found
