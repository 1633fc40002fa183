"""What a decision is about: one content has one digest, another content has another."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.records import Bill, BillLine, BillState, Snapshot, files_differ, is_content, shows, snapshot_of
from intacct_asana.records.documents import UNREAD, DocumentFile, digest_of
from intacct_asana.text import amount_text

AMOUNTS = st.decimals(min_value="-1e15", max_value="1e15", allow_nan=False, places=6)


def a_line(number: int, **changes: Any) -> BillLine:
    facts = {"account_no": "6000", "account_title": "", "amount": Decimal(250), "transaction_amount": Decimal(250)}
    return BillLine(record_no=str(900 + number), line_no=number, **{**facts, **changes})


def a_bill(**changes: Any) -> Bill:
    facts: dict[str, Any] = {
        "bill_key": "ACME:ap:41",
        "record_no": "41",
        "bill_number": "INV-7",
        "vendor_id": "V-1",
        "vendor_name": "Ltd",
        "state": BillState.POSTED,
        "description": "rent",
        "due_on": date(2026, 10, 6),
        "currency": "USD",
        "base_currency": "USD",
        "total_entered": Decimal(500),
        "transaction_total_entered": Decimal(500),
        "document_id": "D-1",
        "lines": (a_line(1), a_line(2), a_line(10)),
    }
    return Bill(**{**facts, **changes})


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("500", "500"), ("500.00", "500"), ("5E+2", "500"), ("-0.00", "0"), ("0E-9", "0"), ("0.10", "0.1"), ("-12.50", "-12.5"),
        ("100", "100"), ("1E-7", "0.0000001"), ("123456789012345678901234567890.10", "123456789012345678901234567890.1"),
    ],
)  # fmt: skip
def test_an_amount_has_one_text(written: str, text: str) -> None:
    assert amount_text(Decimal(written)) == text


@given(AMOUNTS, AMOUNTS)
def test_two_amounts_have_one_text_when_they_are_one(first: Decimal, second: Decimal) -> None:
    assert (amount_text(first) == amount_text(second)) is (first == second)
    assert Decimal(amount_text(first)) == first
    assert amount_text(first * Decimal("1.000")) == amount_text(first)


def test_how_amounts_are_written_and_lines_are_ordered_does_not_matter() -> None:
    bill = a_bill()
    lines = [replace(line, transaction_amount=Decimal("250.00")) for line in reversed(bill.lines)]
    again = replace(bill, total_entered=Decimal("500.00"), transaction_total_entered=Decimal("5E+2"), lines=tuple(lines))
    assert snapshot_of(again) == snapshot_of(bill)


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "rent and more"}, {"document_id": "D-2"}, {"document_digest": "ab12"},
        {"document_digest": UNREAD}, {"vendor_id": "V-2"},
        {"total_entered": Decimal("500.01")}, {"due_on": None}, {"bill_number": "INV-8"}, {"currency": "JPY"},
        {"lines": (a_line(1), a_line(2))}, {"lines": (a_line(1, account_no="7"), a_line(2), a_line(10))},
    ],
)  # fmt: skip
def test_whatever_else_changes_makes_another_content(changes: dict[str, Any]) -> None:
    bill = a_bill(document_digest="cd34")
    assert snapshot_of(replace(bill, **changes)).digest != snapshot_of(bill).digest
    assert not shows(snapshot_of(bill), replace(bill, **changes))


def test_files_are_compared_where_both_were_looked_at() -> None:
    """A flow may begin to bring files, or end it, and nobody's approval falls by that."""
    without, with_files = a_bill(), a_bill(document_digest="ab12")
    assert shows(snapshot_of(without), with_files)
    assert shows(snapshot_of(with_files), without)
    assert not files_differ(snapshot_of(without), with_files)
    assert is_content(snapshot_of(without).digest, with_files)
    assert not is_content(snapshot_of(with_files).digest, a_bill(document_digest="cd34"))
    assert files_differ(snapshot_of(with_files), a_bill(document_digest="cd34"))
    assert files_differ(snapshot_of(a_bill(document_digest=UNREAD)), a_bill(document_digest=UNREAD))


def a_file(name: str, digest: str, size: int = 3) -> DocumentFile:
    return DocumentFile(name=name, content_type="", size=size, digest=digest, content=BytesIO())


def test_files_have_one_digest_in_whatever_order_they_come() -> None:
    first, second = a_file("a.pdf", "1"), a_file("b.pdf", "2")
    assert digest_of([first, second]) == digest_of([second, first])
    others = [[first], [a_file("a.pdf", "2"), a_file("b.pdf", "1")], [a_file("a.pdf", "1", 4), second], [first, second, second]]
    assert len({digest_of(each) for each in [*others, [first, second], []]}) == len(others) + 2
    assert digest_of([first, a_file("b.pdf", "")]) == UNREAD


def test_lines_trade_places_only_by_their_numbers() -> None:
    """Two lines that swap what they say are another content; the same lines read in another order are not."""
    first, second = a_line(1, account_no="1"), a_line(2, account_no="2")
    swapped = (a_line(1, account_no="2"), a_line(2, account_no="1"))
    assert snapshot_of(a_bill(lines=(second, first))) == snapshot_of(a_bill(lines=(first, second)))
    assert snapshot_of(a_bill(lines=swapped)) != snapshot_of(a_bill(lines=(first, second)))


def of_the_first_release(bill: Bill, *, total: str) -> Snapshot:
    kept = snapshot_of(bill).body
    names = ("vendor_id", "bill_number", "currency", "base_currency", "transaction_total_entered", "due_on", "lines")
    body = {**{name: kept[name] for name in names}, "total_entered": total}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return Snapshot(digest=hashlib.sha256(text.encode()).hexdigest(), body=body)


def test_a_snapshot_of_an_older_release_answers_for_what_it_looked_at() -> None:
    old = of_the_first_release(a_bill(), total="500.00")
    assert "version" not in old.body
    assert shows(old, a_bill())
    assert shows(old, a_bill(description="it never knew"))
    assert not shows(old, a_bill(total_entered=Decimal("500.01")))
    assert not shows(old, a_bill(lines=(a_line(1), a_line(2))))


def test_a_snapshot_of_an_unknown_shape_shows_nothing() -> None:
    assert not shows(Snapshot(digest="", body={}), a_bill())
    assert not shows(Snapshot(digest="", body={**snapshot_of(a_bill()).body, "version": 99}), a_bill())
