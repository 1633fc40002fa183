"""Values that live companies write otherwise than documented, played by the sandbox and read by the hook."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.errors import UnexpectedReply
from intacct_asana.records import Bill, ReadWindow


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
