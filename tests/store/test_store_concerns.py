"""The ledger of bills and what was found against them, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from intacct_asana.controls.ledger import HeldLedger
from intacct_asana.records.concerns import BillFacts, Concern, ConcernState, concern_id_of

AT = datetime(2026, 11, 23, 10, tzinfo=UTC)


def facts(number: str, **more: Any) -> BillFacts:
    parts: dict[str, Any] = {
        "key": f"co:ap:{number}",
        "record_no": number,
        "first_no": number,
        "number": f"INV-{number}",
        "vendor_id": "V1",
        "vendor_name": "Acme",
        "currency": "USD",
        "amount": Decimal("500.00"),
        "state": "Posted",
        "number_like": number,
        "bill_date": date(2026, 11, 20),
    }
    return BillFacts(**{**parts, **more})


BILLS = [
    facts("1"),
    facts("2", number_like="1A", number_stem="1", amount=Decimal("500")),
    facts("3", vendor_id="V2", bill_date=date(2026, 1, 1), amount=Decimal("0.50")),
    facts("4", bill_date=None, document_id="ATT", number_like=""),
    facts("5", document_id="ATT", number_like="x" * 400, currency="GBP"),
]


def test_bills_are_found_by_what_is_the_same_in_the_store_as_in_memory(flow: Any) -> None:
    stored = flow.ledger()
    stored.save(BILLS)
    held = HeldLedger(BILLS)
    since = date(2026, 11, 1)
    asked = [
        lambda ledger: ledger.same_number("1"),
        lambda ledger: ledger.same_number("1", "1A", ""),
        lambda ledger: ledger.same_number("x" * 400),
        lambda ledger: ledger.same_number(""),
        lambda ledger: ledger.same_amount("USD", Decimal("500.0"), since=since),
        lambda ledger: ledger.same_document("ATT"),
        lambda ledger: ledger.same_document(""),
        lambda ledger: ledger.of_vendor("V1", since=since),
        lambda ledger: ledger.of({"co:ap:1", "co:ap:9"}).values(),
    ]
    found = [[sorted(one.record_no for one in ask(ledger)) for ask in asked] for ledger in (stored, held)]
    assert found[0] == found[1]
    assert found[0] == [["1", "2"], ["1", "2"], ["5"], [], ["1", "2"], ["4", "5"], [], ["1", "2", "5"], ["1"]]
    assert sorted(stored.all(), key=lambda one: one.key) == BILLS
    stored.save([replace(BILLS[0], record_no="11", state="Gone")])
    assert [one.state for one in stored.by_record_no(["1", "11"])] == ["Gone"]


def test_a_concern_is_told_once_whatever_is_kept_of_it_afterwards(flow: Any) -> None:
    def concern(key: str) -> Concern:
        told = {"key": key, "kind": "duplicate", "cause": "c", "words": "Twice.", "blocks": True, "found_at": AT}
        return Concern(concern_id=concern_id_of(key, "duplicate", "c"), others=("co:ap:9",), **told)

    one, other = concern("co:ap:1"), concern("co:ap:2")
    kept = flow.concerns()
    kept.save([one, other])
    assert {each.key for each in kept.untold()} == {"co:ap:1", "co:ap:2"}
    kept.tell(one, task_gid="77")
    kept.save([replace(one, words="Three times.")])
    assert kept.untold() == [other]
    assert kept.told_on() == {one.concern_id: "77", other.concern_id: ""}
    assert kept.of(["co:ap:1"]) == [replace(one, words="Three times.")]
    kept.save([replace(other, state=ConcernState.RELEASED, ended_at=AT, why="seen", released_by="Ben")])
    assert [each.key for each in kept.open()] == ["co:ap:1"]
    assert kept.open(["co:ap:2"]) == kept.untold() == []
    assert kept.named([other.concern_id])[other.concern_id].released_by == "Ben"
