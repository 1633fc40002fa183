"""What AP people miss that live companies have: read where the company has it, and said to be untold where it has not."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from intacct_asana.intacct.records import BILL_WISHED, LINE_WISHED
from intacct_asana.records import Bill, ReadWindow

NEW_BILL = BILL_WISHED[BILL_WISHED.index("WHENDISCOUNT") :]
NEW_LINE = LINE_WISHED[LINE_WISHED.index("CUSTOMERID") :]


def bills_of(hook: Any) -> list[Bill]:
    return [bill for page in hook.bills(ReadWindow()) for bill in page]


def test_a_bill_brings_discount_day_retainage_contacts_and_tax(sandbox: Any, a_hook: Any) -> None:
    sandbox.reset(bills=60)
    bills = bills_of(a_hook())
    assert all(bill.pay_to.endswith(f"(V{bill.vendor_id})") and bill.return_to == bill.pay_to for bill in bills)
    assert {bill.tax_included for bill in bills} == {True, False}
    assert any(bill.discount_on and bill.bill_date and (bill.discount_on - bill.bill_date).days == 10 for bill in bills)
    assert any(isinstance(bill.recommended_on, date) for bill in bills)
    for bill in bills:
        kept = sum((line.retained or Decimal(0) for line in bill.lines), Decimal(0))
        assert (bill.transaction_total_retained or Decimal(0)) == kept
    assert any(bill.total_retained for bill in bills)


def test_a_line_brings_customer_item_1099_order_and_hold(sandbox: Any, a_hook: Any) -> None:
    sandbox.reset(bills=60)
    hook = a_hook()
    lines = [line for bill in bills_of(hook) for line in bill.lines]
    assert {line.customer_id for line in lines} == {"C-100", "C-200", ""}
    assert {line.item_id for line in lines} == {"IT-10", "IT-20", "IT-30", ""}
    assert {(line.form_1099_type, line.form_1099_box) for line in lines} == {("NEC", "1"), ("", "")}
    bought = next(bill for bill in bills_of(hook) if bill.module == "9.PO")
    assert bought.lines[0].purchase_order == f"Purchase Order-PO{int(bought.source_document):05d}"
    assert {line.released for line in lines} == {True}
    sandbox.act("intacct", "mgarcia", "edit_bill", record_no=bought.record_no, changes={"line": 1, "released": False})
    assert hook.bill(bought.record_no).lines[0].released is False


def test_a_company_without_these_fields_is_read_and_says_nothing_of_them(sandbox: Any, a_hook: Any) -> None:
    missing = [*(f"APBILL.{name}" for name in NEW_BILL), *(f"APBILLITEM.{name}" for name in NEW_LINE)]
    sandbox.settings(missing_fields=missing)
    hook = a_hook()
    bills = bills_of(hook)
    assert set(hook.missing_fields("APBILL")) >= set(NEW_BILL)
    bill = bills[0]
    assert (bill.discount_on, bill.total_retained, bill.tax_included, bill.pay_to) == (None, None, None, "")
    assert {(line.released, line.retained, line.customer_id) for one in bills for line in one.lines} == {(None, None, "")}
