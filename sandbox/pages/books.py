"""What the pages of Intacct show: bills with stamps, holds and payments, one bill with everything, vendors; and their tasks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sandbox.core import World
from sandbox.gateway.books.dumps import bill_of, payment_of, vendor_of
from sandbox.gateway.books.rows import Audit, Bill

Json = dict[str, Any]


def bills(world: World, text: str, *, state: str, limit: int) -> Json:
    """Newest change first, at most `limit`; `state` is a bill's state, `hold`, `decided` or `undecided`."""
    rows = sorted(world.intacct.bills, key=lambda bill: (bill.modified_at or 0, bill.record_no), reverse=True)
    found = [bill for bill in rows if _fits(bill, state) and (not text or text in _words(bill))]
    tasks = _tasks_by_key(world)
    return {
        "total": len(rows),
        "found": len(found),
        "states": sorted({bill.state for bill in rows}),
        "people": [{"login": user.login, "name": user.name} for user in world.intacct.users],
        "bills": [bill_of(bill, with_lines=False) | {"task": tasks.get(_key(world, bill))} for bill in found[:limit]],
    }


def bill(world: World, record_no: str) -> Json | None:
    """One bill with lines, payments and history; None when there is none."""
    company = world.intacct
    found: Bill | None = company.bills.get(int(record_no)) if record_no.isdigit() else None
    if found is None:
        return None
    payment_nos = {detail.payment_no for detail in company.details.where("bill_no", [found.record_no])}
    keys = (record_no, f"{record_no}--REC")
    return bill_of(found) | {
        "task": _tasks_by_key(world).get(_key(world, found)),
        "entity_name": found.entity.name,
        "created_at": _moment(found.created_at),
        "payments": [_payment(company.payments.get(number), record_no) for number in sorted(payment_nos)],
        "history": [_audit(row) for row in company.audits if row.object_type == "apbill" and row.object_key in keys],
        "approved_by": list(found.approved_by),
    }


def vendors(world: World, text: str) -> Json:
    company, tasks = world.intacct, _tasks_by_key(world)
    rows = [vendor_of(vendor) for vendor in sorted(company.vendors, key=lambda vendor: vendor.vendor_id)]
    told = [row | {"task": tasks.get(f"{company.company_id}:vendor:{row['vendor_id']}")} for row in rows]
    found = [row for row in told if not text or text in f"{row['vendor_id']} {row['name']} {row['custom']}".casefold()]
    return {"total": len(rows), "found": len(found), "vendors": found}


def _tasks_by_key(world: World) -> dict[str, str]:
    """Gids of tasks by the key that a sync wrote into one of their text fields."""
    prefix = f"{world.intacct.company_id}:"
    return {
        entry.value: task.gid
        for task in world.asana.space.live_tasks
        for entry in task.values.values()
        if entry.custom_field.kind == "text" and str(entry.value).startswith(prefix)
    }


def _key(world: World, bill: Bill) -> str:
    """As the plugin makes it: a bill of Purchasing goes by its document, which stays when the bill is made again."""
    kind, number = ("po", bill.source_key) if bill.module == "9.PO" and bill.source_key else ("ap", bill.record_no)
    return f"{world.intacct.company_id}:{kind}:{number}"


def _fits(bill: Bill, state: str) -> bool:
    if state in ("decided", "undecided"):
        return bool(bill.custom.get("ASANA_DECISION")) is (state == "decided")
    return bill.on_hold if state == "hold" else state in ("", bill.state)


def _words(bill: Bill) -> str:
    named = (bill.number, bill.vendor.name, bill.vendor.vendor_id, bill.state, bill.entity.id, bill.reference, bill.description)
    return " ".join((*named, str(bill.record_no), *bill.custom.values())).casefold()


def _payment(payment: Any, record_no: str) -> Json:
    """The payment, and of its details those of this bill."""
    told = payment_of(payment)
    return told | {"details": [each for each in told["details"] if each["bill"] == record_no]}


def _audit(row: Audit) -> Json:
    words = {"C": "made", "M": "changed", "D": "deleted", "W": "approval"}
    return {"at": _moment(row.at), "by": row.user, "what": row.action or words.get(row.mode, row.mode), "source": row.source}


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()
