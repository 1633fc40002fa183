"""Values that live companies write otherwise than documented, played by the sandbox and read by the hook."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.errors import UnexpectedReply
from intacct_asana.records import Bill, ReadWindow, Unread


def bills_of(hook: Any) -> dict[str, Bill]:
    return {bill.record_no: bill for page in hook.bills(ReadWindow()) for bill in page}


def test_the_same_bills_come_however_a_company_writes_its_values(sandbox: Any, a_hook: Any) -> None:
    record_no = next(str(bill["record_no"]) for bill in sandbox.state("intacct")["bills"] if bill["state"] == "Posted")
    sandbox.act("intacct", "mgarcia", "edit_bill", record_no=record_no, changes={"on_hold": True})
    usual = bills_of(a_hook())
    sandbox.settings(
        shown_values={
            "APBILL.WHENDUE": "iso",
            "APBILL.ONHOLD": {"true": "1", "false": "0"},
            "APBILL.TOTALPAID": {"0": "-9.09E-13"},
            "APBILLITEM.LINE_NO": {"1": "1A", "2": "2.0"},
        }
    )
    odd = bills_of(a_hook())
    assert odd == usual
    assert any(bill.on_hold for bill in odd.values())
    assert Decimal(0) in {bill.total_paid for bill in odd.values()}


def test_a_bill_without_a_state_is_named_and_not_guessed_at(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(shown_values={"APBILL.STATE": {"Draft": ""}})
    with pytest.raises(UnexpectedReply, match=r"Bill .+ \(record \d+\) came without a state"):
        bills_of(a_hook())


ODD = {
    "APBILL.STATE": ("Parked", "field STATE: 'Parked' is none of the twelve states"),
    "APBILL.WHENDUE": ("00/00/0000", "field WHENDUE: Intacct wrote the day '00/00/0000'; expected mm/dd/yyyy"),
    "APBILL.TRX_TOTALENTERED": ("1,234.00", "field TRX_TOTALENTERED: Intacct sent the amount '1,234.00'"),
    "APBILL.ONHOLD": ("perhaps", "field ONHOLD: Intacct sent 'perhaps'"),
    "APBILL.TOTALENTERED": ("", "came without a total amount"),
    "APBILLITEM.AMOUNT": ("1.234,00", "field AMOUNT: Intacct sent the amount '1.234,00'"),
    "APPYMTDETAIL.PAYMENTAMOUNT": ("1,234.00", "field PAYMENTAMOUNT: Intacct sent the amount '1,234.00'"),
    "APPYMTDETAIL.PAYMENTDATE": ("13/13/2026", "field PAYMENTDATE: Intacct wrote the day '13/13/2026'"),
}


def test_each_value_that_cannot_be_read_is_told_of_its_bill_and_the_other_bills_come(sandbox: Any, a_hook: Any) -> None:
    sandbox.reset(vendors=2, bills=0)
    numbers = [
        sandbox.act("intacct", "mgarcia", "create_bill", state="Posted", bill_number=f"INV-{place}")["record_no"]
        for place in range(len(ODD) + 1)
    ]
    shown: dict[str, dict[str, str]] = {}
    for (name, (text, _)), number in zip(ODD.items(), numbers, strict=False):
        row = number
        if name.startswith("APBILLITEM"):
            bills = sandbox.state("intacct")["bills"]
            row = next(bill["lines"][0]["record_no"] for bill in bills if bill["record_no"] == number)
        elif name.startswith("APPYMT"):
            paid = sandbox.act("intacct", "mgarcia", "pay_bill", record_no=number, amount="1.00")["payment"]
            row = paid["details"][0]["record_no"]
        shown[name] = {f"#{row}": text}
    sandbox.settings(shown_values=shown)
    unread: list[Unread] = []
    read = [bill for page in a_hook().bills(ReadWindow(), unread=unread.append) for bill in page]
    assert [bill.record_no for bill in read] == numbers[-1:]
    assert sorted(one.record_no for one in unread) == sorted(numbers[:-1])
    why = {one.record_no: one.why for one in unread}
    for place, (number, (_, words)) in enumerate(zip(numbers, ODD.values(), strict=False)):
        assert why[number].startswith(f"Bill INV-{place} (record {number})")
        assert words in why[number]
        with pytest.raises(UnexpectedReply, match=f"record {number}"):
            a_hook().bill(number)
