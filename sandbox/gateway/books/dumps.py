"""The company's state as JSON-able data, for tests and pages. Money is text with two places."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from sandbox import constants
from sandbox.gateway.books.rows import Bill, Line, Payment, User, Vendor
from sandbox.gateway.texts import plain_money


def dump(company: Any) -> dict[str, Any]:
    """Vendors, bills with lines and stamps, payments, deletions, and how many sessions live."""
    return {
        "company_id": company.company_id,
        "sessions": len(company.sessions.live),
        "session_ids": company.sessions.issued,
        "users": [user_of(user) for user in company.users],
        "vendors": [vendor_of(vendor) for vendor in company.vendors],
        "bills": [bill_of(bill) for bill in company.bills],
        "payments": [payment_of(payment) for payment in company.payments],
        "documents": [{"name": one.name, "state": one.state, "approved_by": one.approved_by} for one in company.purchases],
        "approvals": [asdict(approval) for approval in company.approvals],
        "tokens": company.tokens.issued,
        "api_updates": Counter(row.object_key for row in company.audits if row.mode == "M" and row.source == "api"),
        "api_writes": [
            {"record_no": row.object_key, "changed": row.changed} for row in company.audits if row.changed is not None
        ],
        "deleted": [{"object": row.object_type, "key": row.object_key} for row in company.audits if row.mode == "D"],
    }


def user_of(user: User) -> dict[str, Any]:
    return {
        "record_no": str(user.record_no),
        "login": user.login,
        "name": user.name,
        "email": user.email,
        "status": user.status,
        "web_services_only": user.web_services_only,
    }


def vendor_of(vendor: Vendor) -> dict[str, Any]:
    return {
        "record_no": str(vendor.record_no),
        "vendor_id": vendor.vendor_id,
        "name": vendor.name,
        "status": vendor.status,
        "on_hold": vendor.on_hold,
        "term": vendor.term,
        "currency": vendor.currency,
        "total_due": plain_money(vendor.total_due),
        "modified_at": _instant(vendor.modified_at),
        "modified_by": vendor.modified_by.login,
        "state": vendor.state,
        "contacts": list(vendor.contacts),
        "custom": dict(vendor.custom),
        "waiting": dict((vendor.waiting or {}).get("custom") or {}),
    }


def bill_of(bill: Bill, *, with_lines: bool = True) -> dict[str, Any]:
    told: dict[str, Any] = {
        "record_no": str(bill.record_no),
        "bill_number": bill.number,
        "vendor_id": bill.vendor.vendor_id,
        "vendor_name": bill.vendor.name,
        "state": bill.state,
        "entity": bill.entity.id,
        "module": bill.module,
        "source_document": "" if bill.source_key is None else str(bill.source_key),
        "reference": bill.reference,
        "description": bill.description,
        "bill_date": _day(bill.bill_date),
        "summary_day": _day(bill.summary_day),
        "due_on": _day(bill.due_on),
        "paid_on": _day(bill.paid_on),
        "currency": bill.currency,
        "base_currency": bill.base_currency,
        "total_entered": plain_money(bill.entered),
        "total_selected": plain_money(bill.selected),
        "total_paid": plain_money(bill.paid),
        "total_due": plain_money(bill.due),
        "transaction_total_entered": plain_money(bill.trx_entered),
        "transaction_total_paid": plain_money(bill.trx_paid),
        "transaction_total_due": plain_money(bill.trx_due),
        "on_hold": bill.on_hold,
        "document_id": bill.attachment,
        "term": bill.term,
        "created_by": bill.created_by.login,
        "modified_by": bill.modified_by.login,
        "modified_at": _instant(bill.modified_at),
        "stamps": {name: bill.custom.get(name, "") for name in constants.STAMP_FIELDS},
    }
    return told | {"lines": [line_of(line) for line in bill.lines]} if with_lines else told


def line_of(line: Line) -> dict[str, Any]:
    return {
        "record_no": str(line.record_no),
        "line_no": line.line_no,
        "account_no": line.account.id,
        "account_title": line.account.name,
        "amount": plain_money(line.amount),
        "transaction_amount": plain_money(line.trx_amount),
        "description": line.description,
        "department_id": line.department.id,
        "location_id": line.location.id,
        "project_id": line.project.id,
        "class_id": line.cls.id,
    }


def payment_of(payment: Payment) -> dict[str, Any]:
    details = [
        {
            "record_no": str(detail.record_no),
            "bill": str(detail.bill_no or ""),
            "line": str(detail.line_no or ""),
            "amount": plain_money(detail.amount),
            "discount": plain_money(detail.discount),
            "credit": plain_money(detail.credit),
            "state": detail.state,
        }
        for detail in payment.details
    ]
    return {
        "record_no": str(payment.record_no),
        "vendor_id": payment.vendor.vendor_id,
        "method": payment.method,
        "number": payment.number,
        "description": payment.description,
        "state": payment.state,
        "paid_on": _day(payment.paid_on),
        "currency": payment.currency,
        "total_entered": plain_money(payment.entered),
        "transaction_total_entered": plain_money(payment.trx_entered),
        "details": details,
    }


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _instant(at: int | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).isoformat()
