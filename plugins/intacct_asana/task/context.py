"""What a bill's task tells beside the bill, in sentences: the vendor's bills before, order, discount, what is left of budgets.

Nothing here decides anything. What cannot be known is said as that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from statistics import median

from intacct_asana.flow.context import Budget, Context, VendorHistory
from intacct_asana.records import Bill, BillState
from intacct_asana.records.concerns import COUNTS_FOR_NOTHING, GONE, BillFacts
from intacct_asana.text import TEXT_FIELD_CHARACTERS, WIDE, cut, money_text, one_line, rounded, short

LAST = 3
"""Bills that are told one by one."""
LONGEST = 80
ALIKE = Decimal("0.05")
"""Amounts that are so near to the usual one, as a part of it, are about the same."""
FAR = Decimal("1.5")
"""So many times the usual amount, or so many times less, is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What bills took of a budget in one base currency: those approved or settled, those that wait, and this very one.

    `untold` says why that cannot be known; then the amounts say nothing.
    """

    budget: Budget
    currency: str
    approved: Decimal = Decimal(0)
    waiting: Decimal = Decimal(0)
    own: Decimal = Decimal(0)
    untold: str = ""


def context_text(bill: Bill, rules: Context, *, before: Sequence[BillFacts], spent: Sequence[Spent], today: date) -> str:
    """The text of the field. `before` are bills of the vendor that the flow looks back to, `spent` the budgets of its lines."""
    said: list[str] = []
    if rules.vendor_history:
        said += history_words(bill, before, rules.vendor_history)
    if rules.purchase_order:
        said.append(order_words(bill))
    if rules.discount:
        said.append(discount_words(bill, today=today))
    said += [budget_words(one) for one in spent]
    return cut(" ".join(said), characters=TEXT_FIELD_CHARACTERS)


# The vendor's bills.


def history_words(bill: Bill, before: Iterable[BillFacts], rules: VendorHistory) -> Iterator[str]:
    others = sorted((one for one in before if one.is_there and _came_before(one, bill)), key=_newest_first)
    if not others:
        yield f"No bill of this vendor in {rules.days} days before."
        return
    like = [one for one in others if one.currency == bill.currency][: rules.bills]
    yield _usual(bill, [one.amount for one in like]) if like else f"No bill of this vendor in {bill.currency} before."
    yield f"Before: {'; '.join(_past(one) for one in others[:LAST])}."


def _came_before(one: BillFacts, bill: Bill) -> bool:
    return one.key != bill.bill_key and not (bill.record_no.isdecimal() and one.came[0] > int(bill.record_no))


def _newest_first(one: BillFacts) -> tuple[int, int]:
    return (-one.bill_date.toordinal() if one.bill_date else 0), -one.came[0]


def _usual(bill: Bill, amounts: Sequence[Decimal]) -> str:
    usual, low, high = rounded(median(amounts), places=2), min(amounts), max(amounts)
    told = f"Usually {money_text(usual, bill.currency)}"
    if len(amounts) == 1:
        return f"One bill of this vendor before: {money_text(usual, bill.currency)}{_beside(bill, usual)}."
    if high - low <= WIDE.multiply(usual, ALIKE):
        return f"{told}, always about the same in {len(amounts)} bills{_beside(bill, usual)}."
    return f"{told}, between {money_text(low)} and {money_text(high)} in {len(amounts)} bills{_beside(bill, usual)}."


def _beside(bill: Bill, usual: Decimal) -> str:
    """How far this bill is from that, where it is far."""
    amount = bill.transaction_total_entered
    if usual <= 0 or amount <= 0:
        return ""
    times, less = WIDE.divide(amount, usual), WIDE.divide(usual, amount)
    if times >= FAR:
        return f"; this one is {rounded(times, places=1)} times that"
    return f"; that is {rounded(less, places=1)} times this one" if less >= FAR else ""


def _past(one: BillFacts) -> str:
    number = short(one.number, longest=LONGEST) or f"record {one.record_no}"
    return f"{number}, {one.bill_date or 'without a date'}, {money_text(one.amount, one.currency)}, {one.state or 'no state'}"


# The bill's own.


def order_words(bill: Bill) -> str:
    orders = list(dict.fromkeys(name for line in bill.lines if (name := one_line(line.purchase_order))))
    if orders:
        return f"Purchase order: {', '.join(short(one, longest=LONGEST) for one in orders[:LAST])}."
    return "Purchase order: Intacct names none."


def discount_words(bill: Bill, *, today: date) -> str:
    """Intacct tells the day with the bill, and how much with the terms, which are not read."""
    if bill.discount_on is None:
        return "Discount: Intacct names none."
    if bill.discount_on < today:
        return f"Discount: it could be taken until {bill.discount_on}."
    terms = f"see the terms {short(bill.term, longest=LONGEST)}" if one_line(bill.term) else "the bill has no terms"
    return f"Discount: until {bill.discount_on}; how much is not told, {terms}."


# Budgets.


def budgets_of(bill: Bill, budgets: Iterable[Budget]) -> list[Budget]:
    """Those that the bill's lines are of: of its year and in its base currency."""
    return [one for one in budgets if bill.base_currency in one.amount and _is_of(bill, one)]


def _is_of(bill: Bill, budget: Budget) -> bool:
    dated = bill.bill_date is not None and bill.bill_date.year == budget.year
    return dated and any(budget.covers(line.account_no, line.department_id) for line in bill.lines)


def own_share(bill: Bill, budget: Budget) -> Decimal:
    return sum((line.amount for line in bill.lines if budget.covers(line.account_no, line.department_id)), Decimal(0))


def counts_for(facts: BillFacts, budget: Budget, *, currency: str) -> bool:
    """Whether a bill takes from the budget. A credit gives back; drafts and bills that are gone or taken back take nothing."""
    is_real = facts.state != GONE and facts.state not in COUNTS_FOR_NOTHING and facts.state != BillState.DRAFT
    in_year = facts.bill_date is not None and facts.bill_date.year == budget.year
    return is_real and in_year and facts.base_currency == currency


def add(spent: Spent, amount: Decimal, *, is_approved: bool) -> Spent:
    if is_approved:
        return replace(spent, approved=WIDE.add(spent.approved, amount))
    return replace(spent, waiting=WIDE.add(spent.waiting, amount))


def budget_words(spent: Spent) -> str:
    budget = f"Budget {short(spent.budget.name, longest=LONGEST)} {spent.budget.year}"
    if spent.untold:
        return f"{budget}: what is left cannot be known: {spent.untold}"
    whole = spent.budget.amount[spent.currency]
    left = whole - spent.approved - spent.waiting - spent.own
    share = f"{money_text(spent.own)} for this bill, {money_text(spent.waiting)} for others that wait"
    taken = f"{share}, {money_text(spent.approved)} approved or paid"
    if left < 0:
        return f"{budget}: {money_text(-left, spent.currency)} over {money_text(whole)} ({taken})."
    return f"{budget}: {money_text(left, spent.currency)} left of {money_text(whole)} ({taken})."
