"""What people may do with payments, and where it shows on the wire."""

from __future__ import annotations

from typing import Any

import pytest

CLERK = "jchen"


def a_bill(sandbox: Any, amount: str = "100.00", **more: Any) -> str:
    return sandbox.act("intacct", CLERK, "create_bill", amount=amount, state="Posted", **more)["record_no"]


def act(sandbox: Any, action: str, **arguments: Any) -> Any:
    return sandbox.act("intacct", CLERK, action, **arguments)


def state_of(sandbox: Any, number: str) -> tuple[str, str, str, str]:
    bill = next(bill for bill in sandbox.state("intacct")["bills"] if bill["record_no"] == number)
    return bill["state"], bill["total_selected"], bill["total_paid"], bill["total_due"]


def details(gateway: Any, payment: str) -> list[dict[str, str]]:
    where = f"<equalto><field>PAYMENTKEY</field><value>{payment}</value></equalto>"
    return gateway.rows("APPYMTDETAIL", "RECORDNO RECORDKEY PAYMENTAMOUNT STATE POSADJKEY", where)


def header(gateway: Any, payment: str) -> dict[str, str]:
    where = f"<equalto><field>RECORDNO</field><value>{payment}</value></equalto>"
    return gateway.rows("APPYMT", "RECORDNO STATE RAWSTATE DISPLAYSTATE TOTALENTERED", where)[0]


def test_selection_goes_through_its_states(sandbox: Any) -> None:
    number = a_bill(sandbox)
    chosen = act(sandbox, "select_bill", record_no=number, amount="60.00", state="Draft")["payment"]["record_no"]
    assert state_of(sandbox, number) == ("Selected", "60.00", "0.00", "100.00")
    act(sandbox, "confirm_payment", record_no=chosen)
    assert state_of(sandbox, number) == ("Partially Paid", "0.00", "60.00", "40.00")
    rest = act(sandbox, "select_bill", record_no=number)["payment"]["record_no"]
    assert state_of(sandbox, number) == ("Selected", "40.00", "60.00", "40.00")
    act(sandbox, "drop_payment", record_no=rest)
    assert state_of(sandbox, number) == ("Partially Paid", "0.00", "60.00", "40.00")


def test_foreign_bill_paid_and_selected_in_parts_ends_at_zero_in_both_currencies(sandbox: Any) -> None:
    number = a_bill(sandbox, "100.01", currency="EUR")
    chosen = act(sandbox, "select_bill", record_no=number, amount="33.34")["payment"]["record_no"]
    act(sandbox, "pay_bill", record_no=number, amount="66.67")
    act(sandbox, "confirm_payment", record_no=chosen)
    state = next(bill for bill in sandbox.state("intacct")["bills"] if bill["record_no"] == number)
    assert (state["state"], state["total_due"], state["transaction_total_due"]) == ("Paid", "0.00", "0.00")


@pytest.mark.parametrize(
    ("where", "state", "detail_states"),
    [("details", "C", ["V", "V"]), ("payment", "V", ["C", "C"]), ("both", "V", ["V", "V"])],
)
def test_void_shows_where_the_setting_says(
    sandbox: Any, gateway: Any, where: str, state: str, detail_states: list[str]
) -> None:
    sandbox.settings(void_shows_in=where)
    one, other = a_bill(sandbox), a_bill(sandbox, "50.00")
    payment = act(sandbox, "pay_bills", bills=[{"record_no": one}, {"record_no": other}])["payment"]["record_no"]
    act(sandbox, "void_payment", record_no=payment)
    assert header(gateway, payment)["RAWSTATE"] == state
    assert [row["STATE"] for row in details(gateway, payment)] == detail_states
    assert [state_of(sandbox, number)[0] for number in (one, other)] == ["Posted", "Posted"]


def test_reversal_is_a_second_payment_below_zero(sandbox: Any, gateway: Any) -> None:
    number = a_bill(sandbox)
    payment = act(sandbox, "pay_bill", record_no=number)["payment"]["record_no"]
    taking = act(sandbox, "reverse_payment", record_no=payment, on="2026-11-24")["record_no"]
    assert taking != payment
    assert (header(gateway, payment)["RAWSTATE"], header(gateway, taking)["TOTALENTERED"]) == ("C", "-100")
    assert [(row["RECORDKEY"], row["PAYMENTAMOUNT"]) for row in details(gateway, taking)] == [(number, "-100")]
    assert state_of(sandbox, number) == ("Posted", "0.00", "0.00", "100.00")


def test_credit_memo_row_names_no_bill(sandbox: Any, gateway: Any) -> None:
    made = act(sandbox, "pay_bills", bills=[{"record_no": a_bill(sandbox)}], credit_memo="7.00")["payment"]
    memo = details(gateway, made["record_no"])[-1]
    assert (memo["RECORDKEY"], memo["PAYMENTAMOUNT"], bool(memo["POSADJKEY"])) == ("", "7", True)


def test_state_is_told_in_words_or_in_codes(sandbox: Any, gateway: Any) -> None:
    payment = act(sandbox, "pay_bill", record_no=a_bill(sandbox))["payment"]["record_no"]
    assert header(gateway, payment)["STATE"] == "Posted"
    sandbox.settings(payment_state_shows="codes")
    assert header(gateway, payment)["STATE"] == "C"


def test_what_cannot_be_paid_or_taken_back_is_refused_in_plain_words(sandbox: Any) -> None:
    number, draft = a_bill(sandbox), act(sandbox, "create_bill", state="Draft")["record_no"]
    payment = act(sandbox, "pay_bill", record_no=number, amount="60.00")["payment"]["record_no"]
    chosen = act(sandbox, "select_bill", record_no=number)["payment"]["record_no"]
    act(sandbox, "void_payment", record_no=payment)
    refused = {
        "owes 10000 cents, not 10001": ("pay_bill", {"record_no": number, "amount": "100.01"}),
        "is Draft, so it cannot be paid": ("pay_bill", {"record_no": draft}),
        "is selected already": ("select_bill", {"record_no": number, "amount": "60.01"}),
        "is taken back already": ("reverse_payment", {"record_no": payment}),
        "is Submitted, so there is nothing to take back": ("void_payment", {"record_no": chosen}),
        "no longer only selected": ("drop_payment", {"record_no": payment}),
        "is more than selected": ("select_bill", {"record_no": number, "amount": "1.00", "state": "Posted"}),
        "there is no payment 999999999": ("confirm_payment", {"record_no": "999999999"}),
        "at least one bill": ("pay_bills", {"bills": []}),
    }
    for words, (action, arguments) in refused.items():
        with pytest.raises(AssertionError, match=words):
            act(sandbox, action, **arguments)
    assert state_of(sandbox, number) == ("Selected", "40.00", "0.00", "100.00")
