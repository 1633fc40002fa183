"""Paying bills, as people do it in Intacct's own pages: payments with one detail row for each line paid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sandbox.gateway.books.rows import Bill, Detail, Payment, User, totals_of

PAYABLE_STATES = frozenset({"Posted", "Partially Paid", "Selected"})
SELECTED_STATES = frozenset({"Draft", "Submitted", "Approved"})
"""States of a payment that has moved no money yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a payment gives to one bill, in cents of the bill's currency."""

    bill: Bill
    cents: int
    discount: int = 0
    credit: int = 0
    line_no: int | None = None
    """The record number of the only line that it goes to."""

    @property
    def settles(self) -> int:
        return self.cents + self.discount + self.credit


def pay(
    company: Any, parts: Sequence[Part], user: User, *, method: str, on: date, memo_cents: int = 0, state: str = "Posted"
) -> Payment:
    """One payment for all of `parts`, spread over each bill's lines in order. Raises ValueError for what cannot be paid.

    `memo_cents` pay a credit memo beside the bills.
    """
    check(parts)
    first = parts[0].bill
    payment = new_payment(company, first, user, state=state, method=method, on=on, at=company.now())
    is_paid = state not in SELECTED_STATES
    for part in parts:
        spread_part(company, payment, part, count_as_paid=is_paid)
    if memo_cents:
        memo = _detail(company, first, payment, None, first.to_base(memo_cents), memo_cents)
        memo.memo_no = company.next_no()
        _add_up(payment, [*payment.details, memo])
    if not company.world.setting("payment_modified_when_made", True):
        payment.modified_at = None
        for detail in payment.details:
            detail.modified_at = None
    company.payments.add(payment)
    for detail in payment.details:
        company.details.add(detail)
    for part in parts:
        settle(company, part.bill, user, on)
    return payment


def select(company: Any, parts: Sequence[Part], user: User, *, method: str, on: date, state: str) -> Payment:
    """A payment that has moved no money: its bills are Selected."""
    if state not in SELECTED_STATES:
        raise ValueError(f"a payment that is {state} is more than selected; choose one of {', '.join(sorted(SELECTED_STATES))}")
    check(parts)
    for bill, cents in by_bill(parts).items():
        if cents > bill.trx_due - bill.trx_selected:
            raise ValueError(f"bill {bill.record_no} is selected already")
    return pay(company, parts, user, method=method, on=on, state=state)


def spread_part(company: Any, payment: Payment, part: Part, *, count_as_paid: bool) -> None:
    spread(
        company,
        part.bill,
        payment,
        part.cents,
        discount=part.discount,
        credit=part.credit,
        count_as_paid=count_as_paid,
        only=part.line_no,
    )


def confirm(company: Any, payment: Payment, user: User) -> Payment:
    """The money of a selected payment moves."""
    _only_selected(payment)
    lines = {detail.record_no: company.lines.get(detail.line_no) for detail in payment.details}
    for detail in payment.details:
        line = lines[detail.record_no]
        if line is None or abs(detail.trx_settles) > abs(line.trx_amount - line.trx_paid):
            raise ValueError(f"payment {payment.record_no} is more than what is due")
    now = company.now()
    for detail in payment.details:
        line = lines[detail.record_no]
        # What settles a line settles it in base currency too, whatever was paid since the selection.
        if detail.trx_settles == line.trx_amount - line.trx_paid:
            rest = line.amount - line.paid - detail.discount - detail.credit
            company.details.edit(detail, amount=rest)
        company.details.edit(detail, state="Posted", modified_at=now)
    company.payments.edit(payment, state="Posted", modified_by=user, modified_at=now)
    _add_up(payment, payment.details)
    _give(company, payment, user, sign=1)
    return payment


def drop(company: Any, payment: Payment, user: User) -> None:
    """Take a selection back: the payment and its details are deleted."""
    _only_selected(payment)
    for detail in payment.details:
        company.details.remove(detail)
    company.payments.remove(payment)
    for bill in bills_of(company, payment):
        settle(company, bill, user, None)


def void(company: Any, payment: Payment, user: User) -> Payment:
    """Take a payment back: its bills are owed again. Where it shows is the setting `void_shows_in`."""
    _only_standing(payment)
    where, now = company.world.setting("void_shows_in", "both"), company.now()
    if where == "reversal":
        return reverse(company, payment, user, on=company.today())
    if where in ("details", "both"):
        for detail in payment.details:
            company.details.edit(detail, state="Voided", modified_at=now)
    if where in ("payment", "both"):
        company.payments.edit(payment, state="Voided", modified_by=user, modified_at=now)
    company.payments.edit(payment, is_taken_back=True)
    _give(company, payment, user, sign=-1)
    return payment


def reverse(company: Any, payment: Payment, user: User, *, on: date) -> Payment:
    """Take a payment back by a second one with negative details; the first stays as it was."""
    _only_standing(payment)
    of_bill = next(iter(bills_of(company, payment)))
    taking = new_payment(company, of_bill, user, state="Posted", method=payment.method, on=on, at=company.now())
    taking.number = payment.number
    for paid in payment.details:
        detail = _detail(company, of_bill, taking, paid.line_no, -paid.amount, -paid.trx_amount)
        detail.bill_no, detail.memo_no = paid.bill_no, paid.memo_no
        detail.discount, detail.trx_discount = -paid.discount, -paid.trx_discount
        detail.credit, detail.trx_credit = -paid.credit, -paid.trx_credit
        _add_up(taking, [*taking.details, detail])
        company.details.add(detail)
    company.payments.add(taking)
    company.payments.edit(payment, is_taken_back=True)
    # A reversal is itself final.
    taking.is_taken_back = True
    _give(company, payment, user, sign=-1)
    return taking


def settle(company: Any, bill: Bill, user: User, on: date | None) -> None:
    """Bring the header in line with what its lines say is paid. Setting `payments_touch_bill` (true) moves WHENMODIFIED."""
    totals = totals_of(bill.lines)
    left = totals["trx_entered"] - totals["trx_paid"]
    chosen = [each for each in company.details.where("bill_no", [bill.record_no]) if each.state in SELECTED_STATES]
    selected = {"selected": sum(each.amount for each in chosen), "trx_selected": sum(each.trx_amount for each in chosen)}
    state = "Paid" if not left else "Selected" if chosen else "Partially Paid" if totals["trx_paid"] else "Posted"
    before = bill.modified_at
    company.change_bill(bill, user, **totals, **selected, state=state, paid_on=on if not left else None)
    if not company.world.setting("payments_touch_bill", True):
        company.bills.edit(bill, modified_at=before)


def new_payment(company: Any, bill: Bill, user: User, *, state: str, method: str, on: date, at: int) -> Payment:
    return Payment(
        record_no=company.next_no(),
        vendor=bill.vendor,
        method=method,
        state=state,
        paid_on=on,
        currency=bill.currency,
        base_currency=bill.base_currency,
        entity=bill.entity,
        created_by=user,
        modified_by=user,
        created_at=at,
        modified_at=at,
        details=[],
        number="" if method == "ACH" else f"{10_000 + company.last_record_no % 90_000}",
    )


def spread(
    company: Any,
    bill: Bill,
    payment: Payment,
    cents: int,
    *,
    discount: int = 0,
    credit: int = 0,
    count_as_paid: bool = True,
    only: int | None = None,
) -> None:
    """Give `cents` and what settles beside them to the bill's lines in order, one detail for each line touched.

    Paying the whole rest settles every line, discounts too; a part goes to the positive lines only. With `only` it goes to the
    line of that record number.
    """
    left, is_whole = cents, only is None and cents + discount + credit == bill.trx_due
    for line in bill.lines:
        if only not in (None, line.record_no):
            continue
        # What this payment gives to the line already; where it counts as paid, the line has it.
        given = [each for each in payment.details if each.line_no == line.record_no and not count_as_paid]
        rest = line.trx_amount - line.trx_paid - sum(each.trx_settles for each in given)
        off = min(discount, max(0, rest))
        credited = min(credit, max(0, rest - off))
        room = rest - off - credited
        share = room if is_whole else max(0, min(left, room))
        if not (share or off or credited):
            continue
        left, discount, credit = left - share, discount - off, credit - credited
        base_rest = line.amount - line.paid - sum(each.settles for each in given)
        base = base_rest - bill.to_base(off) - bill.to_base(credited) if share == room else bill.to_base(share)
        detail = _detail(company, bill, payment, line.record_no, base, share)
        detail.trx_discount, detail.trx_credit = off, credited
        detail.discount, detail.credit = bill.to_base(off), bill.to_base(credited)
        payment.details.append(detail)
        if count_as_paid:
            company.lines.edit(line, paid=line.paid + detail.settles, trx_paid=line.trx_paid + detail.trx_settles)
    _add_up(payment, payment.details)


def _give(company: Any, payment: Payment, user: User, *, sign: int) -> None:
    """Count a payment's details as paid on their lines (1), or no longer (-1)."""
    for detail in payment.details:
        line = company.lines.get(detail.line_no)
        if line is not None:
            paid, trx_paid = line.paid + sign * detail.settles, line.trx_paid + sign * detail.trx_settles
            company.lines.edit(line, paid=paid, trx_paid=trx_paid)
    for bill in bills_of(company, payment):
        settle(company, bill, user, payment.paid_on if sign > 0 else None)


def bills_of(company: Any, payment: Payment) -> list[Bill]:
    return [bill for number in numbers_of(payment) if (bill := company.bills.get(number)) is not None]


def numbers_of(payment: Payment) -> list[int]:
    return list(dict.fromkeys(detail.bill_no for detail in payment.details if detail.bill_no is not None))


def check(parts: Sequence[Part]) -> None:
    if not parts:
        raise ValueError("a payment needs at least one bill")
    if len({(part.bill.vendor.vendor_id, part.bill.currency) for part in parts}) > 1:
        raise ValueError("one payment pays bills of one vendor and one currency")
    for part in parts:
        bill = part.bill
        if bill.state not in PAYABLE_STATES:
            raise ValueError(f"bill {bill.record_no} is {bill.state}, so it cannot be paid")
        if bill.on_hold:
            raise ValueError(f"bill {bill.record_no} is on hold, so it cannot be paid")
        # Several parts may be of one bill, and of one line: what counts is what they come to.
        together = by_bill(parts)[bill]
        if part.settles <= 0 or together > bill.trx_due or min(part.cents, part.discount, part.credit) < 0:
            raise ValueError(f"bill {bill.record_no} owes {bill.trx_due} cents, not {together}")
        line = next((line for line in bill.lines if line.record_no == part.line_no), None)
        same = sum(one.settles for one in parts if one.bill is bill and one.line_no == part.line_no)
        if line is not None and same > line.trx_amount - line.trx_paid:
            raise ValueError(f"line {line.record_no} of bill {bill.record_no} owes {line.trx_amount - line.trx_paid} cents")


def by_bill(parts: Iterable[Part]) -> dict[Bill, int]:
    """What the parts of each bill settle together, in cents of its currency."""
    found: dict[Bill, int] = {}
    for part in parts:
        found[part.bill] = found.get(part.bill, 0) + part.settles
    return found


def _only_selected(payment: Payment) -> None:
    if payment.state not in SELECTED_STATES:
        raise ValueError(f"payment {payment.record_no} is {payment.state}, so it is no longer only selected")


def _only_standing(payment: Payment) -> None:
    if payment.is_taken_back:
        raise ValueError(f"payment {payment.record_no} is taken back already")
    if payment.state != "Posted":
        raise ValueError(f"payment {payment.record_no} is {payment.state}, so there is nothing to take back")


def _add_up(payment: Payment, details: Iterable[Detail]) -> None:
    payment.details = list(details)
    payment.entered = sum(detail.amount for detail in payment.details)
    payment.trx_entered = sum(detail.trx_amount for detail in payment.details)


def _detail(company: Any, bill: Bill, payment: Payment, line_no: int | None, amount: int, trx_amount: int) -> Detail:
    return Detail(
        record_no=company.next_no(),
        payment_no=payment.record_no,
        bill_no=bill.record_no if line_no is not None else None,
        line_no=line_no,
        amount=amount,
        trx_amount=trx_amount,
        currency=bill.currency,
        paid_on=payment.paid_on,
        state=payment.state,
        created_by=payment.created_by,
        created_at=payment.created_at,
        modified_at=payment.modified_at,
    )
