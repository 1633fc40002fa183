"""Payments of bills from recorded-looking answers: one for each shape in which Intacct may write them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.errors import UnexpectedReply
from intacct_asana.intacct.payments import payments_of
from intacct_asana.intacct.replies import decipher, rows_of
from intacct_asana.records import Payment, PaymentState

SAMPLES = Path(__file__).parent / "samples_payments"


def rows(name: str, object_name: str) -> list[dict[str, str]]:
    reply = decipher(200, {}, (SAMPLES / f"{name}.xml").read_bytes(), asked="query", is_write=False)
    return rows_of(reply, object_name, asked="query")


def read(details: str, payments: str) -> dict[str, tuple[Payment, ...]]:
    return payments_of(rows(details, "APPYMTDETAIL"), rows(payments, "APPYMT"))


def a_detail(number: int, amount: str, *, payment: str = "900", bill: str = "41", state: str = "C") -> dict[str, str]:
    return {"RECORDNO": str(number), "RECORDKEY": bill, "PAYMENTKEY": payment, "PAYMENTAMOUNT": amount, "STATE": state}


def a_payment(number: str = "900", state: str = "Posted", **more: str) -> dict[str, str]:
    return {"RECORDNO": number, "STATE": state, **more}


def test_rows_of_one_payment_are_added_up_for_each_bill_and_named_in_full() -> None:
    paid = read("details", "payments")
    ach, check = paid["41"]
    assert ach == Payment(
        record_no="900",
        state=PaymentState.PAID,
        amount=Decimal("1200.0"),
        transaction_amount=Decimal("1200.0"),
        discount=Decimal(10),
        currency="USD",
        base_currency="USD",
        paid_on=date(2026, 11, 20),
        method="ACH",
        vendor_id="V-1",
        vendor_name="Piñata <Ltd>",
    )
    assert (check.amount, check.credit, check.method, check.document_no) == (300, 50, "Printed Check", "10023")
    assert check.paid_on == date(2026, 11, 22)


def test_one_payment_of_several_bills_is_one_for_each_and_rows_without_a_bill_are_left_out() -> None:
    paid = read("details", "payments")
    assert set(paid) == {"41", "42", "43"}
    (part,) = paid["42"]
    assert (part.record_no, part.amount) == ("901", Decimal("12.5"))


def test_payment_that_moved_no_money_yet_is_selected_in_its_own_currency() -> None:
    (wire,) = read("details", "payments")["43"]
    assert (wire.state, wire.amount, wire.transaction_amount) == (PaymentState.SELECTED, 110, 100)
    assert (wire.currency, wire.base_currency) == ("EUR", "USD")


@pytest.mark.parametrize("shape", ["void_in_details", "void_in_payment", "void_in_payment_by_code", "void_in_both"])
def test_void_is_seen_wherever_it_shows_and_says_how_much_it_was(shape: str) -> None:
    (payment,) = read(f"{shape}_details", f"{shape}_payments")["41"]
    assert (payment.state, payment.amount) == (PaymentState.VOIDED, 100)


def test_second_payment_below_zero_takes_the_first_one_back() -> None:
    paid, taking = read("void_as_reversal_details", "void_as_reversal_payments")["41"]
    assert (paid.state, paid.amount, paid.taken_back_on) == (PaymentState.REVERSED, 100, date(2026, 11, 24))
    assert (taking.state, taking.amount) == (PaymentState.REVERSAL, -100)


def test_voided_payment_that_also_has_a_reversal_is_taken_back_once() -> None:
    details = [a_detail(1, "100", state="V"), a_detail(2, "-100", payment="901")]
    paid, taking = payments_of(details, [a_payment(), a_payment("901")])["41"]
    assert (paid.state, taking.state) == (PaymentState.REVERSED, PaymentState.REVERSAL)


def test_of_two_equal_payments_one_reversal_takes_back_the_later_and_two_take_back_both() -> None:
    details = [a_detail(1, "100"), a_detail(2, "100", payment="901"), a_detail(3, "-100", payment="902")]
    headers = [a_payment(), a_payment("901"), a_payment("902"), a_payment("903")]
    states = [payment.state for payment in payments_of(details, headers)["41"]]
    assert states == [PaymentState.PAID, PaymentState.REVERSED, PaymentState.REVERSAL]
    details.append(a_detail(4, "-100", payment="903"))
    states = [payment.state for payment in payments_of(details, headers)["41"]]
    assert states == [PaymentState.REVERSED] * 2 + [PaymentState.REVERSAL] * 2


def test_credit_that_was_applied_and_taken_back_is_seen_although_no_money_moved() -> None:
    details = [a_detail(1, "0") | {"ADJUSTMENTAMOUNT": "50"}, a_detail(2, "0", payment="901") | {"ADJUSTMENTAMOUNT": "-50"}]
    used, taking = payments_of(details, [a_payment(), a_payment("901")])["41"]
    assert (used.state, used.credit, taking.state) == (PaymentState.REVERSED, 50, PaymentState.REVERSAL)


def test_negative_payment_that_takes_nothing_back_stays_a_payment() -> None:
    details = [a_detail(1, "100"), a_detail(2, "-40", payment="901")]
    assert {one.state for one in payments_of(details, [a_payment(), a_payment("901")])["41"]} == {PaymentState.PAID}
    (credit,) = payments_of([a_detail(1, "-5")], [a_payment()])["41"]
    assert (credit.state, credit.amount) == (PaymentState.PAID, -5)


def test_line_whose_payment_was_voided_does_not_count_beside_one_that_stands() -> None:
    (payment,) = payments_of([a_detail(1, "70"), a_detail(2, "30", state="V")], [a_payment()])["41"]
    assert (payment.state, payment.amount) == (PaymentState.PAID, 70)


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ({"STATE": "C"}, PaymentState.PAID),
        ({"STATE": "A", "DISPLAYSTATE": "Approved"}, PaymentState.SELECTED),
        ({"STATE": "Approved", "DISPLAYSTATE": "Confirmed"}, PaymentState.PAID),
        ({"STATE": "", "DISPLAYSTATE": "Partially Approved"}, PaymentState.SELECTED),
        ({"STATE": "Draft", "DISPLAYSTATE": "Declined"}, PaymentState.DECLINED),
        ({"STATE": "Posted", "DISPLAYSTATE": "Print Voided"}, PaymentState.VOIDED),
        ({"STATE": "Something new", "RAWSTATE": "D"}, PaymentState.SELECTED),
    ],
)
def test_state_is_known_by_code_and_by_word(words: dict[str, str], state: PaymentState) -> None:
    (payment,) = payments_of([a_detail(1, "1", state="")], [{"RECORDNO": "900", **words}])["41"]
    assert payment.state is state


def test_payment_that_may_not_be_read_is_known_by_its_details() -> None:
    (payment,) = payments_of([a_detail(1, "1", state="S")], [])["41"]
    assert (payment.state, payment.method) == (PaymentState.SELECTED, "")


@pytest.mark.parametrize("header", [[], [{"RECORDNO": "900", "STATE": "Frozen"}]])
def test_state_that_nobody_documented_is_named_with_the_way_out(header: list[dict[str, str]]) -> None:
    with pytest.raises(UnexpectedReply, match=r"Payment 900 .*payments: totals"):
        payments_of([a_detail(1, "1", state="")], header)


@pytest.mark.laws
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(-9, 9)), max_size=12))
def test_whatever_comes_the_amounts_of_the_rows_are_neither_lost_nor_doubled(told: list[tuple[int, int, int]]) -> None:
    details = [a_detail(at, str(cents), payment=f"9{pay}", bill=f"4{bill}") for at, (bill, pay, cents) in enumerate(told, 1)]
    found = payments_of(details, [a_payment(f"9{number}") for number in (1, 2, 3)])
    for bill in {row["RECORDKEY"] for row in details}:
        mine = sum(Decimal(row["PAYMENTAMOUNT"]) for row in details if row["RECORDKEY"] == bill)
        assert sum(payment.amount for payment in found[bill]) == mine
        assert [int(one.record_no) for one in found[bill]] == sorted({int(one.record_no) for one in found[bill]})
