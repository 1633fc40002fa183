"""Which changes of vendors have to be answered, and which bills they concern."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.controls.payee import Concerned, Reader, moved_by, newest_of, what_happened
from intacct_asana.records.concerns import BillFacts, Concern
from intacct_asana.records.payee import PayeeChange, PayeeState, VendorEdit, What

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
READER = Reader(flow="small", own_login="xml_gateway", harmless=("ASANA_TEAM",))


def an_edit(*, hour: int = 9, by: str = "mgarcia", vendor: str = "V1", number: int = 0, **more: Any) -> VendorEdit:
    at = NINE.replace(hour=hour)
    return VendorEdit(edit_id=f"e{hour}-{number}", written=vendor, at_text=f"{at:%m/%d/%Y %H:%M:%S}", at=at, by=by, **more)


def a_change(**how: Any) -> PayeeChange:
    [change] = READER.changes([an_edit(**how)])
    return change


def a_bill(*, key: str = "b1", state: str = "Posted", **more: Any) -> BillFacts:
    told: dict[str, Any] = {
        "record_no": "1",
        "first_no": "1",
        "number": "4711",
        "vendor_name": "Contoso Ltd",
        "currency": "USD",
    }
    told |= {"amount": Decimal(500)}
    return BillFacts(key=key, vendor_id="V1", state=state, **(told | more))


@pytest.mark.parametrize(
    ("fields", "by", "what"),
    [
        (("ACHACCOUNTNUMBER",), "mgarcia", What.DETAILS),
        (("NAME", "WIREBANKNAME"), "mgarcia", What.DETAILS),
        (("VENDOR.PAYTO.MAILADDRESS", "BANKACCOUNTNUMBER"), "mgarcia", What.DETAILS),
        (("MYACCOUNTNUMBER",), "mgarcia", What.DETAILS),
        (("SOMETHING_NEW",), "mgarcia", What.UNKNOWN),
        (None, "mgarcia", What.UNKNOWN),
        (("ACHACCOUNTNUMBER",), "xml_gateway", What.DETAILS),
        # None of these sends money elsewhere.
        (("NAME",), "mgarcia", None),
        (("TERMNAME", "COMMENTS"), "mgarcia", None),
        (("ASANA_TEAM",), "xml_gateway", None),
        (None, "XML_Gateway", None),
    ],
)
def test_what_an_edit_may_have_done(fields: tuple[str, ...] | None, by: str, what: What | None) -> None:
    found = READER.changes([an_edit(fields=fields, by=by)])
    assert [one.what for one in found] == ([what] if what else [])


def test_what_is_saved_while_a_vendor_is_made_is_no_change() -> None:
    made = an_edit(made_it=True)
    assert READER.changes([made, an_edit(number=1)]) == []
    assert len(READER.changes([made, an_edit(hour=10)])) == 1


def test_a_change_is_the_same_whichever_run_reads_it_and_takes_the_place_of_the_one_before() -> None:
    first, second = a_change(hour=9), a_change(hour=10)
    assert moved_by([first], [first]) == []
    assert {one.state for one in moved_by([first, second], [])} == {PayeeState.PASSED, PayeeState.OPEN}
    kept = {one.change_id: one.state for one in moved_by([second], [first])}
    assert kept == {first.change_id: PayeeState.PASSED, second.change_id: PayeeState.OPEN}


def test_a_row_that_comes_to_light_late_opens_nothing_that_was_answered_since() -> None:
    released = PayeeChange(**{**_parts(a_change(hour=10)), "state": PayeeState.RELEASED})
    [late] = moved_by([a_change(hour=9)], [released])
    assert late.state is PayeeState.PASSED
    assert newest_of([late, released])["V1"].state is PayeeState.RELEASED


def test_a_change_after_the_release_is_another_one() -> None:
    released = PayeeChange(**{**_parts(a_change(hour=9)), "state": PayeeState.RELEASED})
    [change] = moved_by([a_change(hour=10)], [released])
    assert change.state is PayeeState.OPEN


def test_a_key_with_a_suffix_means_the_vendor_with_it_or_without() -> None:
    assert a_change(vendor="V1--REC").vendor_ids == ("V1--REC", "V1")


def _parts(change: PayeeChange) -> dict[str, Any]:
    return {name: getattr(change, name) for name in PayeeChange.__dataclass_fields__}


# Which bills

BEFORE, AFTER = NINE - timedelta(hours=1), NINE + timedelta(hours=1)


def keys(bill: BillFacts, **how: Any) -> list[str]:
    return [one.key for one in concerns(bill, **how)]


def concerns(
    bill: BillFacts,
    *,
    paid: datetime | None = None,
    approved: datetime | None = None,
    told: bool = False,
    may_ask: bool = True,
    state: PayeeState = PayeeState.OPEN,
) -> list[Concern]:
    change = replace(a_change(), state=state, subtask_url="https://a/5")

    def ask() -> bool:
        assert may_ask, "Intacct is asked for nothing"
        return paid is not None and paid > change.at

    concerned = Concerned(
        change=change,
        approved={bill.key: approved} if approved else {},
        told={bill.key} if told else set(),
        was_paid_since=ask,
        blocks=True,
        now=AFTER,
    )
    return concerned.concerns([bill])


def test_open_bills_of_a_vendor_that_changed_after_it_was_paid_last() -> None:
    assert keys(a_bill()) == ["b1"]
    assert keys(a_bill(), paid=BEFORE) == ["b1"]
    assert keys(a_bill(state="Selected"), paid=BEFORE) == ["b1"]


def test_what_is_no_concern() -> None:
    """A change before the last payment, a bill that is paid, reversed or gone, a credit."""
    assert keys(a_bill(), paid=AFTER) == []
    for state in ("Paid", "Reversed", "Reversal", "Declined", "Gone"):
        assert keys(a_bill(state=state), may_ask=False) == []
    assert keys(a_bill(amount=Decimal(-5)), may_ask=False) == []


def test_a_bill_that_was_approved_before_the_change_is_one_though_the_vendor_was_paid_since() -> None:
    assert keys(a_bill(), approved=BEFORE, paid=AFTER) == ["b1"]
    assert keys(a_bill(), approved=AFTER, paid=AFTER) == []


def test_a_payment_clears_no_bill_that_waits_already() -> None:
    """It may have gone to the new account."""
    assert keys(a_bill(), told=True, paid=AFTER, may_ask=False) == ["b1"]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (
            {"bill": a_bill(state="Selected")},
            "Do not pay this bill until somebody called the vendor and a second person released",
        ),
        ({}, "An approval of this bill waits until somebody called the vendor and a second person released that: https://a/5"),
        (
            {"approved": BEFORE},
            "Do not pay this bill until somebody called the vendor and a second person released that: https",
        ),
        (
            {"state": PayeeState.FRAUD},
            "said to be fraud. An approval of this bill waits until the vendor's record is changed in",
        ),
        (
            {"state": PayeeState.FRAUD, "approved": BEFORE},
            "said to be fraud. Do not pay this bill until the vendor's record is",
        ),
    ],
)
def test_words_say_what_waits_and_for_what(how: dict[str, Any], words: str) -> None:
    [concern] = concerns(**{"bill": a_bill(), **how})
    assert words in concern.words


def test_words_say_who_when_and_what_is_known() -> None:
    told = what_happened(a_change(fields=("ACHACCOUNTNUMBER",)), name="Contoso Ltd")
    assert told == "Payment details of vendor V1, Contoso Ltd, changed in Intacct at 2026-11-23 09:00 UTC by mgarcia."
    told = what_happened(a_change(by=""), name="", since="after the bill was approved")
    assert "The record of vendor V1 changed in Intacct at 2026-11-23 09:00 UTC by somebody whom Intacct does not name" in told
    assert "after the bill was approved. Intacct's history cannot tell what" in told
