"""Payments through the hook from the sandbox: each bill's own, in two calls a page, and every change of them found."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured
from intacct_asana.records import Bill, PaymentState, ReadWindow, Trail

CLERK = "jchen"
STANDING = (PaymentState.PAID, PaymentState.REVERSED, PaymentState.REVERSAL)


def act(sandbox: Any, action: str, **arguments: Any) -> dict[str, Any]:
    return sandbox.act("intacct", CLERK, action, **arguments)


def a_bill(sandbox: Any, amount: str = "100.00", **more: Any) -> str:
    """The record number of a new posted bill."""
    return act(sandbox, "create_bill", amount=amount, state="Posted", **more)["record_no"]


def pay(sandbox: Any, number: str, **more: Any) -> str:
    """The record number of the payment."""
    return act(sandbox, "pay_bill", record_no=number, **more)["payment"]["record_no"]


def read(a_hook: Any, number: str) -> Bill:
    bill = a_hook().bill(number)
    assert bill
    return bill


def standing(bill: Bill) -> Decimal:
    """What Intacct should have as paid, from the payments alone."""
    parts = [(one.transaction_amount + one.discount + one.credit) for one in bill.payments if one.state in STANDING]
    return sum(parts, Decimal(0))


def test_several_payments_of_a_bill_come_with_it_and_add_up(sandbox: Any, a_hook: Any) -> None:
    lines = [{"amount": "600.00"}, {"amount": "900.00"}]
    number = act(sandbox, "create_bill", state="Posted", lines=lines)["record_no"]
    pay(sandbox, number, amount="700.00", on="2026-11-20")
    pay(sandbox, number, amount="500.00", method="Printed Check", on="2026-11-22")
    bill = read(a_hook, number)
    first, second = bill.payments
    assert (first.transaction_amount, first.method, str(first.paid_on)) == (700, "ACH", "2026-11-20")
    assert (second.transaction_amount, second.method) == (500, "Printed Check")
    assert second.document_no
    assert standing(bill) == bill.transaction_total_paid == 1200


def test_one_payment_of_several_bills_counts_on_each_and_its_credit_memo_on_none(sandbox: Any, a_hook: Any) -> None:
    one, other = a_bill(sandbox), a_bill(sandbox, "50.00")
    bills = [{"record_no": one}, {"record_no": other, "amount": "20.00"}]
    made = act(sandbox, "pay_bills", bills=bills, credit_memo="7.00")["payment"]
    assert made["total_entered"] == "127.00"
    amounts = {number: read(a_hook, number).payments[0] for number in (one, other)}
    assert {payment.record_no for payment in amounts.values()} == {made["record_no"]}
    assert [amounts[one].amount, amounts[other].amount] == [100, 20]
    assert (str(read(a_hook, one).state), str(read(a_hook, other).state)) == ("Paid", "Partially Paid")


def test_discount_and_credit_are_named_beside_the_money(sandbox: Any, a_hook: Any) -> None:
    number = a_bill(sandbox)
    pay(sandbox, number, discount="2.00", credit="30.00")
    bill = read(a_hook, number)
    (payment,) = bill.payments
    assert (payment.amount, payment.discount, payment.credit) == (68, 2, 30)
    assert (str(bill.state), standing(bill)) == ("Paid", bill.transaction_total_paid)


def test_foreign_currency_is_told_in_both(sandbox: Any, a_hook: Any) -> None:
    number = a_bill(sandbox, currency="EUR", entity="US01")
    pay(sandbox, number)
    bill = read(a_hook, number)
    (payment,) = bill.payments
    assert (payment.currency, payment.base_currency) == ("EUR", "USD")
    assert (payment.transaction_amount, payment.amount) == (bill.transaction_total_paid, bill.total_paid)


@pytest.mark.parametrize("shows", ["words", "codes"])
def test_selected_then_paid(sandbox: Any, a_hook: Any, shows: str) -> None:
    sandbox.settings(payment_state_shows=shows)
    number = a_bill(sandbox)
    chosen = act(sandbox, "select_bill", record_no=number, amount="60.00")["payment"]["record_no"]
    bill = read(a_hook, number)
    assert ([one.state for one in bill.payments], str(bill.state)) == ([PaymentState.SELECTED], "Selected")
    assert (bill.total_selected, bill.total_paid) == (60, 0)
    act(sandbox, "confirm_payment", record_no=chosen)
    bill = read(a_hook, number)
    assert ([one.state for one in bill.payments], str(bill.state)) == ([PaymentState.PAID], "Partially Paid")
    again = act(sandbox, "select_bill", record_no=number)["payment"]["record_no"]
    act(sandbox, "drop_payment", record_no=again)
    assert [one.state for one in read(a_hook, number).payments] == [PaymentState.PAID]


@pytest.mark.parametrize("where", ["details", "payment", "both", "reversal"])
@pytest.mark.parametrize("shows", ["words", "codes"])
def test_payment_taken_back_is_owed_again_wherever_it_shows(sandbox: Any, a_hook: Any, where: str, shows: str) -> None:
    sandbox.settings(void_shows_in=where, payment_state_shows=shows)
    number = a_bill(sandbox)
    kept = pay(sandbox, number, amount="30.00")
    gone = pay(sandbox, number, amount="70.00")
    act(sandbox, "void_payment", record_no=gone)
    bill = read(a_hook, number)
    states = {one.record_no: one.state for one in bill.payments}
    taken_back = PaymentState.REVERSED if where == "reversal" else PaymentState.VOIDED
    assert (states[kept], states[gone]) == (PaymentState.PAID, taken_back)
    assert standing(bill) == bill.transaction_total_paid == 30
    assert (str(bill.state), bill.total_due) == ("Partially Paid", 70)


def test_reversal_has_a_day_of_its_own(sandbox: Any, a_hook: Any) -> None:
    number = a_bill(sandbox)
    act(sandbox, "reverse_payment", record_no=pay(sandbox, number), on="2026-11-24")
    paid, taking = read(a_hook, number).payments
    assert (paid.state, str(paid.taken_back_on), taking.state) == (PaymentState.REVERSED, "2026-11-24", PaymentState.REVERSAL)


def test_payments_of_a_page_of_bills_take_two_calls_whatever_their_number(sandbox: Any, a_hook: Any) -> None:
    sandbox.reset(bills=80)
    hook = a_hook()
    bills = [bill for page in hook.bills(ReadWindow()) for bill in page]
    assert (hook.calls["query APPYMTDETAIL"], hook.calls["query APPYMT"]) == (1, 1)
    assert sum(bool(bill.payments) for bill in bills) > 5
    for bill in bills:
        if str(bill.state) not in ("Reversed", "Reversal"):
            assert standing(bill) == bill.transaction_total_paid, bill.record_no
    small = a_hook()
    again = [bill for page in small.bills(ReadWindow(), page_size=7) for bill in page]
    assert {bill.record_no: bill.payments for bill in again} == {bill.record_no: bill.payments for bill in bills}
    assert small.calls["query APPYMTDETAIL"] == small.calls["query APBILL"]


def test_without_the_right_to_payments_bills_come_without_them(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(denied_objects=["APPYMT", "APPYMTDETAIL"])
    with pytest.raises(Misconfigured, match="appymtdetail"):
        list(a_hook().bills(ReadWindow()))
    hook = a_hook(reads_payments=False)
    bills = [bill for page in hook.bills(ReadWindow()) for bill in page]
    assert bills
    assert not any(bill.payments for bill in bills)
    since = "01/01/2026 00:00:00"
    trail = hook.bills_with_payment_changes(since_text=since, created_since_text=since)
    assert (trail.keys, trail.newest_text, trail.newest_created_text) == (frozenset(), since, since)
    assert hook.newest_payments() == Trail()
    assert not any("APPYMT" in kind for kind in hook.calls)


# Which bills' payments changed.


def changes(hook: Any, since_text: str) -> tuple[frozenset[str], str]:
    """From there on, of what has a change time and of what has none."""
    trail = hook.bills_with_payment_changes(since_text=since_text, created_since_text=since_text)
    return trail.keys, trail.newest_text


def test_payment_that_does_not_move_its_bill_is_found_by_its_details(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(payments_touch_bill=False)
    hook = a_hook()
    start = hook.newest_payments().newest_text
    assert start
    one, other = a_bill(sandbox), a_bill(sandbox)
    sandbox.clock(advance_seconds=60)
    before = read(a_hook, one).modified_at_text
    pay(sandbox, one)
    assert read(a_hook, one).modified_at_text == before
    numbers, newest = changes(hook, start)
    assert one in numbers
    assert other not in numbers
    assert hook.latest([start, newest]) == newest != start
    sandbox.clock(advance_seconds=60)
    assert changes(hook, hook.earlier(newest, minutes=-1)) == (frozenset(), hook.earlier(newest, minutes=-1))


@pytest.mark.parametrize("where", ["details", "payment", "both", "reversal"])
def test_void_is_found_wherever_it_shows(sandbox: Any, a_hook: Any, where: str) -> None:
    sandbox.settings(payments_touch_bill=False, void_shows_in=where)
    one, other = a_bill(sandbox), a_bill(sandbox)
    payment = act(sandbox, "pay_bills", bills=[{"record_no": one}, {"record_no": other}])["payment"]["record_no"]
    hook = a_hook()
    sandbox.clock(advance_seconds=60)
    # The newest change of all is the payment itself, a minute ago.
    start = hook.earlier(hook.newest_payments().newest_text, minutes=-0.5)
    assert changes(hook, start)[0] == frozenset()
    act(sandbox, "void_payment", record_no=payment)
    numbers, newest = changes(hook, start)
    assert numbers == {one, other}
    assert hook.latest([start, newest]) == newest != start


def test_payments_without_a_change_time_are_found_by_their_creation(sandbox: Any, a_hook: Any) -> None:
    sandbox.settings(payments_touch_bill=False, payment_modified_when_made=False)
    old = a_bill(sandbox)
    pay(sandbox, old)
    sandbox.clock(advance_seconds=3 * 86_400)
    hook = a_hook()
    stood = hook.newest_payments()
    new = a_bill(sandbox)
    pay(sandbox, new)
    behind = [hook.earlier(text, minutes=-1) for text in (stood.newest_text, stood.newest_created_text)]
    trail = hook.bills_with_payment_changes(since_text=behind[0], created_since_text=behind[1])
    assert trail.keys == {new}
    assert hook.latest([trail.newest_created_text, *behind]) == trail.newest_created_text
