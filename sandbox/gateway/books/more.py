"""What bills and lines of live companies also have. Made from the rows themselves, so that a seed's data stay the same."""

from __future__ import annotations

from datetime import date, timedelta

from sandbox.gateway.books.rows import NOTHING, Bill, Line

CUSTOMERS = (("C-100", "Fabrikam Hotels"), ("C-200", "Tailspin Toys & Games"), ("", ""))
ITEMS = (("IT-10", "Consulting day"), ("IT-20", 'Copper pipe 3/4"'), ("IT-30", "Café supplies"), ("", ""))
RETAINED_PERCENT = 10


def discount_day(bill: Bill) -> date | None:
    """Some terms grant a discount for ten days."""
    return bill.bill_date + timedelta(days=10) if bill.bill_date and bill.record_no % 3 == 0 else None


def recommended_day(bill: Bill) -> date | None:
    return bill.due_on - timedelta(days=5) if bill.due_on and bill.record_no % 2 == 0 else None


def purchase_order(bill: Bill | None) -> str:
    return f"Purchase Order-PO{bill.source_key:05d}" if bill and bill.source_key else ""


def customer(line: Line) -> tuple[str, str]:
    return _written(line, "CUSTOMERID", CUSTOMERS)


def item(line: Line) -> tuple[str, str]:
    return _written(line, "ITEMID", ITEMS)


def _written(line: Line, name: str, known: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """The one that somebody chose, else the one that the line's number gives it."""
    chosen = (line.kept or {}).get(name)
    if chosen is None:
        return known[line.record_no % len(known)]
    return next((pair for pair in known if pair[0] == chosen), ("", ""))


def is_1099(line: Line) -> bool:
    return line.account.id == "5200"


def retained(line: Line) -> int | None:
    """Work on a project keeps a part of the money back until it is done."""
    return line.trx_amount * RETAINED_PERCENT // 100 if line.project is not NOTHING else None


def trx_total_retained(bill: Bill) -> int | None:
    return sum(retained(line) or 0 for line in bill.lines) or None


def total_retained(bill: Bill) -> int | None:
    kept = trx_total_retained(bill)
    return None if kept is None else bill.to_base(kept)
