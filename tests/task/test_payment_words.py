"""What people read about payments: the fields, the description, and the comment that tells a change."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.flow.model import Flow
from intacct_asana.flow.sources import last_paid_on, payment_methods, payment_numbers, payment_status, payment_summary
from intacct_asana.records import Bill, BillState, Payment, PaymentState, snapshot_of
from intacct_asana.records.remarks import reference_of, takes_back
from intacct_asana.task.project import MOST_CHARACTERS, bill_notes, payment_remark, project_bill

from tests.flow.mapping_builders import a_bill, a_line, demo_flow, pins_of, shown

FLOW: Flow = demo_flow()
PINS = pins_of(FLOW)
WHOLE = Decimal("1500.00")


def a_payment(amount: str = "1200", **facts: Any) -> Payment:
    known: dict[str, Any] = {
        "record_no": "900",
        "state": PaymentState.PAID,
        "amount": Decimal(amount),
        "transaction_amount": Decimal(amount),
        "currency": "USD",
        "method": "ACH",
        "paid_on": date(2026, 11, 20),
    }
    return Payment(**known | facts)


CHECK = a_payment("300", record_no="901", method="Printed Check", document_no="10023", paid_on=date(2026, 11, 22))


def with_payments(*payments: Payment, paid: str = "0", selected: str = "0", state: BillState = BillState.POSTED) -> Bill:
    facts = {"total_entered": WHOLE, "total_paid": Decimal(paid), "total_due": WHOLE - Decimal(paid)}
    in_transaction = {f"transaction_{name}": amount for name, amount in facts.items()}
    return a_bill(**facts, **in_transaction, total_selected=Decimal(selected), state=state, payments=payments)


def news_of(bill: Bill) -> list[str]:
    """The comment without its reference line."""
    return payment_remark(bill).splitlines()[:-1]


@pytest.mark.parametrize(
    ("payment", "words"),
    [
        (a_payment(), "1,200.00 USD by ACH on 2026-11-20"),
        (CHECK, "300.00 USD by Printed Check 10023 on 2026-11-22"),
        (a_payment(state=PaymentState.SELECTED), "1,200.00 USD by ACH planned for 2026-11-20"),
        (a_payment(state=PaymentState.VOIDED), "1,200.00 USD by ACH on 2026-11-20, voided"),
        (a_payment(state=PaymentState.DECLINED), "1,200.00 USD by ACH on 2026-11-20, declined"),
        (
            a_payment(state=PaymentState.REVERSED, taken_back_on=date(2026, 11, 24)),
            "1,200.00 USD by ACH on 2026-11-20, reversed on 2026-11-24",
        ),
        (
            a_payment("68", discount=Decimal(2), credit=Decimal(30)),
            "68.00 USD (and 2.00 USD discount and 30.00 USD credit) by ACH on 2026-11-20",
        ),
        (a_payment("0", credit=Decimal(50)), "50.00 USD credit on 2026-11-20"),
        (a_payment(method="", paid_on=None), "1,200.00 USD"),
    ],
)
def test_payment_is_told_in_one_plain_line(payment: Payment, words: str) -> None:
    assert payment_summary(with_payments(payment)) == words


def test_lists_hold_each_text_once_and_leave_out_what_was_taken_back() -> None:
    gone = a_payment(record_no="902", method="Cash", document_no="7", state=PaymentState.VOIDED, paid_on=date(2026, 11, 25))
    bill = with_payments(a_payment(), CHECK, gone, dataclasses.replace(CHECK, record_no="903", document_no=" 10023 "))
    assert payment_methods(bill) == "ACH; Printed Check"
    assert payment_numbers(bill) == "10023"
    assert last_paid_on(bill) == date(2026, 11, 22)
    assert last_paid_on(with_payments(gone)) is None


def test_reversal_is_told_with_the_payment_that_it_took_back() -> None:
    paid = a_payment(state=PaymentState.REVERSED, taken_back_on=date(2026, 11, 24))
    taking = a_payment("-1200", record_no="950", state=PaymentState.REVERSAL)
    assert payment_summary(with_payments(paid, taking)).count("USD") == 1
    assert payment_summary(with_payments(taking)) == "-1,200.00 USD by ACH on 2026-11-20, a reversal"


@pytest.mark.parametrize(
    ("states", "paid", "wanted"),
    [
        ([PaymentState.VOIDED], "0", "Payment voided"),
        ([PaymentState.REVERSED, PaymentState.REVERSAL], "0", "Payment reversed"),
        ([PaymentState.VOIDED, PaymentState.PAID], "1200", "Partly paid"),
        ([PaymentState.VOIDED, PaymentState.PAID], "1500", "Paid"),
        ([PaymentState.DECLINED], "0", "Unpaid"),
        ([], "0", "Unpaid"),
    ],
)
def test_status_of_a_bill_that_is_owed_again_says_why(states: list[PaymentState], paid: str, wanted: str) -> None:
    payments = [a_payment(record_no=f"90{place}", state=state) for place, state in enumerate(states)]
    bill = with_payments(*payments, paid=paid)
    assert payment_status(bill) == wanted
    assert shown(project_bill(bill, FLOW, PINS), "Payment status") == wanted


def test_comment_says_what_holds_now_and_each_payment() -> None:
    bill = with_payments(a_payment(), dataclasses.replace(CHECK, state=PaymentState.VOIDED), paid="1200")
    assert news_of(bill) == [
        "Partly paid: 1,200.00 USD of 1,500.00 USD. 300.00 USD is still due.",
        "- 1,200.00 USD by ACH on 2026-11-20",
        "- 300.00 USD by Printed Check 10023 on 2026-11-22, voided",
    ]
    assert reference_of(payment_remark(bill)).startswith("Reference: payments-")


@pytest.mark.parametrize(
    ("bill", "headline"),
    [
        (with_payments(a_payment(), CHECK, paid="1500", state=BillState.PAID), "Paid in full: 1,500.00 USD."),
        (with_payments(a_payment(state=PaymentState.SELECTED), selected="1200"), "Selected for payment."),
        (
            with_payments(CHECK, a_payment(state=PaymentState.SELECTED), paid="300", selected="1200"),
            "Selected for payment. 300.00 USD of 1,500.00 USD was paid before.",
        ),
        (with_payments(a_payment(state=PaymentState.VOIDED)), "The payment was voided. 1,500.00 USD is due again."),
        (with_payments(a_payment(state=PaymentState.REVERSED)), "The payment was reversed. 1,500.00 USD is due again."),
        (with_payments(), "Nothing is paid or selected for payment any more. 1,500.00 USD is due."),
    ],
)
def test_comment_begins_with_what_it_comes_to(bill: Bill, headline: str) -> None:
    assert news_of(bill)[0] == headline


def test_reference_stays_while_the_payments_do_and_changes_with_each_of_their_facts() -> None:
    def mark(*payments: Payment, **facts: Any) -> str:
        return reference_of(payment_remark(with_payments(*payments, paid="1200", **facts)))

    same = dataclasses.replace(with_payments(a_payment("1200.0"), paid="1200"), description="other", lines=(a_line(),) * 3)
    assert reference_of(payment_remark(same)) == mark(a_payment())
    others = {
        "another": mark(a_payment(record_no="905")),
        "more": mark(a_payment(), CHECK),
        "amount": mark(a_payment("1199")),
        "state": mark(a_payment(state=PaymentState.VOIDED)),
        "day": mark(a_payment(paid_on=date(2026, 11, 21))),
        "number": mark(a_payment(document_no="7")),
        "method": mark(a_payment(method="Cash")),
        "credit": mark(a_payment(credit=Decimal(1))),
        "taken back": mark(a_payment(taken_back_on=date(2026, 11, 21))),
        "status": mark(a_payment(), selected="3"),
        "as before": mark(a_payment()),
    }
    assert len(set(others.values())) == len(others)


def test_without_single_payments_the_totals_are_the_news() -> None:
    part, more = (payment_remark(with_payments(paid=paid, state=BillState.PARTIALLY_PAID)) for paid in ("300", "400"))
    assert reference_of(part) != reference_of(more)
    assert part.splitlines()[:-1] == ["Partly paid: 300.00 USD of 1,500.00 USD. 1,200.00 USD is still due."]
    assert takes_back(payment_remark(with_payments()))
    assert not takes_back(part)


def test_reversed_bill_has_no_news_of_payments() -> None:
    assert payment_remark(with_payments(a_payment(), state=BillState.REVERSED)) == ""


def test_description_lists_payments_under_the_lines() -> None:
    html = bill_notes(with_payments(a_payment(), CHECK, paid="1500", state=BillState.PAID))
    lines, payments = html.index("Lines (1)"), html.index("<strong>Payments (2), 0.00 USD due</strong>")
    assert lines < payments
    assert "<li>300.00 USD by Printed Check 10023 on 2026-11-22</li>" in html
    assert "Payments" not in bill_notes(with_payments())


def test_description_of_a_bill_with_a_thousand_payments_and_lines_holds_the_newest_and_stays_in_bounds() -> None:
    payments = [a_payment(record_no=str(number), document_no=f"n{number}") for number in range(1000)]
    bill = with_payments(*payments, paid="3")
    html = bill_notes(dataclasses.replace(bill, lines=(a_line(description="x" * 250),) * 1000))
    assert len(html) <= MOST_CHARACTERS + 200
    assert "n999 " in html
    assert "n1 " not in html
    assert "earlier ones" in html
    assert payment_remark(bill).splitlines()[-2] == "- and 990 earlier ones"


def test_what_approvers_are_shown_does_not_hold_payments() -> None:
    assert snapshot_of(with_payments(a_payment(), paid="1200")) == snapshot_of(with_payments())


@pytest.mark.laws
@given(st.text(max_size=40), st.text(max_size=40))
def test_comment_ends_in_its_reference_whatever_intacct_holds(method: str, number: str) -> None:
    remark = payment_remark(with_payments(a_payment(method=method, document_no=number), paid="1200"))
    assert len(remark.splitlines()) == 3
    assert reference_of(remark) == remark.splitlines()[-1]
