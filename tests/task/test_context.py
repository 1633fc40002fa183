"""What is told beside a bill, in the words that people read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.flow.context import Budget, Context, VendorHistory
from intacct_asana.records import BillState
from intacct_asana.records.concerns import GONE, BillFacts
from intacct_asana.task.context import Spent, budget_words, budgets_of, context_text, counts_for, own_share

from tests.flow.mapping_builders import a_bill, a_line

TODAY = date(2026, 11, 20)
HISTORY = Context(vendor_history=VendorHistory(), purchase_order=False, discount=False)
SOFTWARE = Budget(name="Software", gl_account=("6250",), department=("300",), year=2026, amount={"USD": Decimal(1000)})


def past(no: int, money: str, /, *, day: str = "2026-10-0", **more: Any) -> BillFacts:
    told: dict[str, Any] = {
        "key": f"c:ap:{no}",
        "record_no": str(no),
        "first_no": str(no),
        "number": f"INV-{no}",
        "vendor_id": "V-12",
        "vendor_name": "Northwind Paper",
        "currency": "USD",
        "base_currency": "USD",
        "amount": Decimal(money),
        "state": "Paid",
        "bill_date": date.fromisoformat(f"{day}{no}"),
    }
    return BillFacts(**told | more)


def told(*before: BillFacts, rules: Context = HISTORY, **bill: Any) -> str:
    return context_text(a_bill(**bill), rules, before=before, spent=(), today=TODAY)


@pytest.mark.parametrize(
    ("before", "says"),
    [
        ([], "No bill of this vendor in 365 days before."),
        ([past(1, "95.00")], "One bill of this vendor before: 95.00 USD. Before: INV-1, 2026-10-01, 95.00 USD, Paid."),
        ([past(1, "99.00"), past(2, "101.00")], "Usually 100.00 USD, always about the same in 2 bills. "),
        ([past(1, "60.00"), past(2, "90.00"), past(3, "140.00")], "Usually 90.00 USD, between 60.00 and 140.00 in 3 bills. "),
        (
            [past(1, "40.00"), past(2, "20.00")],
            "Usually 30.00 USD, between 20.00 and 40.00 in 2 bills; this one is 3.3 times that. ",
        ),
        ([past(1, "400.00"), past(2, "401.00")], "bills; that is 4.0 times this one. "),
        (
            [past(1, "80.00", currency="EUR")],
            "No bill of this vendor in USD before. Before: INV-1, 2026-10-01, 80.00 EUR, Paid.",
        ),
    ],
)
def test_the_usual_amount_is_told_with_its_spread(before: list[BillFacts], says: str) -> None:
    assert told(*before).startswith(says) or says in told(*before), told(*before)


def test_the_last_three_are_told_newest_first_with_day_amount_and_state() -> None:
    bills = [past(number, "100.00", state="Posted" if number == 4 else "Paid") for number in (1, 2, 3, 4)]
    assert told(*bills).endswith(
        "Before: INV-4, 2026-10-04, 100.00 USD, Posted; INV-3, 2026-10-03, 100.00 USD, Paid; "
        "INV-2, 2026-10-02, 100.00 USD, Paid."
    )


@pytest.mark.parametrize(
    "not_one",
    [{"state": "Reversed"}, {"state": GONE}, {"amount": Decimal("-5.00")}, {"key": "SANDBOX-CO:ap:7"}, {"first_no": "8"}],
)
def test_what_is_no_bill_before_is_not_counted(not_one: dict[str, Any]) -> None:
    assert told(past(1, "95.00", **not_one)) == "No bill of this vendor in 365 days before."


def test_only_so_many_of_the_newest_make_the_usual_amount() -> None:
    rules = Context(vendor_history=VendorHistory(bills=2), purchase_order=False, discount=False)
    assert "Usually 100.00 USD, always about the same in 2 bills" in told(
        past(1, "900"), past(2, "100"), past(3, "100"), rules=rules
    )


def test_order_and_discount_are_told_or_said_to_be_unknown() -> None:
    rules = Context()
    assert told(rules=rules) == "Purchase order: Intacct names none. Discount: Intacct names none."
    lines = (a_line(purchase_order="Purchase Order-PO1"), a_line(purchase_order="Purchase Order-PO1"))
    ahead, over = date(2026, 11, 20), date(2026, 11, 19)
    assert told(rules=rules, lines=lines, discount_on=ahead, term="2/10 Net 30") == (
        "Purchase order: Purchase Order-PO1. Discount: until 2026-11-20; how much is not told, see the terms 2/10 Net 30."
    )
    assert "Discount: it could be taken until 2026-11-19." in told(rules=rules, discount_on=over)


def test_what_is_left_of_a_budget_counts_what_waits() -> None:
    some = Spent(budget=SOFTWARE, currency="USD", approved=Decimal(600), waiting=Decimal(150), own=Decimal(50))
    assert budget_words(some) == (
        "Budget Software 2026: 200.00 USD left of 1,000.00 "
        "(50.00 for this bill, 150.00 for others that wait, 600.00 approved or paid)."
    )
    over = Spent(budget=SOFTWARE, currency="USD", approved=Decimal(990), own=Decimal(50))
    assert budget_words(over).startswith("Budget Software 2026: 40.00 USD over 1,000.00 (")
    assert budget_words(Spent(budget=SOFTWARE, currency="USD", untold="no answer.")).endswith(
        "left cannot be known: no answer."
    )


@pytest.mark.parametrize(
    ("bill", "of_it"),
    [
        ({}, True),
        ({"bill_date": date(2027, 1, 1)}, False),
        ({"bill_date": None}, False),
        ({"base_currency": "GBP"}, False),
        ({"lines": (a_line(account_no="6250", department_id="200"),)}, False),
        ({"lines": (a_line(account_no="6100", department_id="300"),)}, False),
    ],
)
def test_a_bill_is_of_a_budget_by_its_lines_year_and_currency(bill: dict[str, Any], of_it: bool) -> None:
    lines = (a_line(account_no="6250", department_id="300"), a_line(account_no="6250", department_id="200", amount=Decimal(7)))
    one = a_bill(**{"bill_date": date(2026, 5, 1), "lines": lines, **bill})
    assert (budgets_of(one, [SOFTWARE]) == [SOFTWARE]) is of_it
    assert own_share(one, SOFTWARE) in (Decimal(100), Decimal(0))


@pytest.mark.parametrize(
    ("facts", "counts"),
    [
        ({}, True),
        ({"state": "Submitted"}, True),
        ({"amount": Decimal("-5.00")}, True),
        ({"state": str(BillState.DRAFT)}, False),
        ({"state": "Reversed"}, False),
        ({"state": "Declined"}, False),
        ({"state": GONE}, False),
        ({"bill_date": date(2025, 12, 31)}, False),
        ({"base_currency": "GBP"}, False),
    ],
)
def test_what_takes_from_a_budget(facts: dict[str, Any], counts: bool) -> None:
    assert counts_for(past(1, "10.00", **facts), SOFTWARE, currency="USD") is counts


def test_the_text_fits_into_the_field() -> None:
    many = [past(number, "100.00", number="N" * 300) for number in (1, 2, 3)]
    spent = [Spent(budget=SOFTWARE, currency="USD", untold="x" * 900)]
    text = context_text(a_bill(), HISTORY, before=many, spent=spent, today=TODAY)
    assert len(text) == 1024
    assert text.endswith("…")
