"""Hits and false alarms over a generated quarter: with a history that names fields, and with one that does not."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from intacct_asana.controls.payee import Concerned, Reader, is_unanswered, moved_by
from intacct_asana.records.concerns import BillFacts
from intacct_asana.records.payee import VendorEdit

BEGIN, DAYS, VENDORS = datetime(2026, 8, 1, 9, tzinfo=UTC), 90, 500
HARMLESS = (("NAME",), ("TERMNAME",), ("COMMENTS", "STATUS"), ("CREDITLIMIT",))
BANK = (("ACHACCOUNTNUMBER", "ACHBANKROUTINGNUMBER"), ("WIREACCOUNTNUMBER",), ("PAYMETHODKEY",))


class Quarter:
    """What happened to each vendor: edits (a bank's among them), the last payment, one open bill, perhaps approved."""

    def __init__(self, seed: int = 7) -> None:
        self.dice = random.Random(seed)
        self.edits: list[VendorEdit] = []
        self.bills: dict[str, BillFacts] = {}
        self.paid: dict[str, datetime] = {}
        self.approved: dict[str, datetime] = {}
        self.planted: set[str] = set()
        for number in range(VENDORS):
            self._vendor(f"V{number}")

    def _vendor(self, vendor: str) -> None:
        dice, at = self.dice, lambda: BEGIN + timedelta(minutes=dice.randrange(DAYS * 24 * 60))
        if dice.random() < 0.9:
            self.paid[vendor] = at()
        if dice.random() < 0.3:
            self.approved[vendor] = at()
        banks = [at()] if dice.random() < 0.05 else []
        edits = [(when, dice.choice(BANK)) for when in banks]
        edits += [(at(), dice.choice(HARMLESS)) for _ in range(dice.choice((0, 0, 0, 1, 1, 2)))]
        for when, fields in edits:
            told = {"edit_id": f"{vendor}-{len(self.edits)}", "written": vendor, "at_text": when.isoformat(), "by": "jchen"}
            self.edits.append(VendorEdit(at=when, fields=fields, **told))
        key = f"bill-{vendor}"
        facts = {
            "key": key,
            "record_no": vendor,
            "first_no": vendor,
            "number": vendor,
            "vendor_name": vendor,
            "currency": "USD",
        }
        self.bills[vendor] = BillFacts(vendor_id=vendor, amount=Decimal(500), state="Posted", **facts)
        paid, approved = self.paid.get(vendor), self.approved.get(vendor)
        if any(paid is None or when > paid or (approved and when > approved) for when in banks):
            self.planted.add(key)

    def flagged(self, *, names_fields: bool) -> set[str]:
        known = self.edits if names_fields else [_without_names(edit) for edit in self.edits]
        changes = moved_by(Reader(flow="small", own_login="xml_gateway").changes(known), [])
        found: set[str] = set()
        for change in (one for one in changes if is_unanswered(one)):
            bill = self.bills[change.vendor]
            approved = {bill.key: self.approved[change.vendor]} if change.vendor in self.approved else {}
            paid = self.paid.get(change.vendor)
            looked = Concerned(
                change=change,
                approved=approved,
                told=(),
                was_paid_since=lambda is_so=paid is not None and paid > change.at: is_so,
                blocks=True,
                now=BEGIN,
            )
            found |= {one.key for one in looked.concerns([bill])}
        return found


def _without_names(edit: VendorEdit) -> VendorEdit:
    told = {"edit_id": edit.edit_id, "written": edit.written, "at_text": edit.at_text, "by": edit.by}
    return VendorEdit(at=edit.at, fields=None, **told)


@pytest.mark.parametrize("names_fields", [True, False])
def test_every_planted_change_is_found(names_fields: bool, figures: Callable[[str, object], None]) -> None:
    quarter = Quarter()
    flagged = quarter.flagged(names_fields=names_fields)
    missed, false = quarter.planted - flagged, flagged - quarter.planted
    how = "named fields" if names_fields else "no named fields"
    told = f"{len(quarter.planted) - len(missed)} of {len(quarter.planted)} found, {len(false)} false alarms"
    figures(f"payee changes, {VENDORS} vendors, {how}", told)
    assert not missed
    assert not false if names_fields else len(false) < VENDORS * 0.45
