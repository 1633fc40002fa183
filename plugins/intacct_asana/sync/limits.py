"""Whether a plan is more than the flow allows, seen as a whole before its first write."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from intacct_asana.sync.paged import PagedPlan, Totals, totals_of
from intacct_asana.sync.plan import Plan
from intacct_asana.sync.plan_value import FEWEST, refuse_if_any, too_many


def raise_if_unsafe(
    plan: Plan | PagedPlan,
    *,
    creates: int,
    closes: int,
    updates: int,
    money: Mapping[str, Decimal] | None,
    existing: int,
    nothing_read: bool = False,
    nothing_listed: bool = False,
) -> None:
    """Raises UnsafePlan with every reason when the plan is beyond the limits.

    `money` limits the sum of all records to be written, by base currency. `existing` is how many links the flow has.
    `nothing_read` says that a full read of Intacct brought no record, `nothing_listed` that the board showed no task.
    """
    totals, counts = totals_of(plan), plan.counts()
    reasons = [
        *too_many("tasks to create", counts["create"] + counts["adopt"], creates),
        *too_many("tasks to close", counts["close"] + totals.completed, closes),
        *too_many("tasks to update or reopen", counts["update"] + counts["reopen"], updates),
    ]
    reasons += _too_much(totals, money) if money is not None else []
    if existing >= FEWEST:
        reasons += _empty_sides(totals.lost, existing=existing, nothing_read=nothing_read, nothing_listed=nothing_listed)
    refuse_if_any(reasons)


def _too_much(totals: Totals, money: Mapping[str, Decimal]) -> list[str]:
    """A currency that has no limit stops as well: nobody thought of it when the limits were written."""
    reasons = []
    for currency, amount in sorted(totals.at_stake.items()):
        worth = f"money at stake: records worth {amount:f} {currency or 'in a currency that Intacct does not tell'}"
        if currency not in money and amount:
            cure = "limits.money does not name it" if currency else "approval.base_currency does not say which it is"
            reasons.append(f"{worth} would be written, and {cure}")
        elif currency in money and amount > money[currency]:
            reasons.append(f"{worth} would be written, the limit is {money[currency]:f}")
    return reasons


def _empty_sides(lost: int, *, existing: int, nothing_read: bool, nothing_listed: bool) -> list[str]:
    reasons = []
    if nothing_read:
        reasons.append(f"a side is empty: Intacct returned no record, but {existing} tasks are linked")
    if nothing_listed:
        reasons.append(f"a side is empty: the Asana project showed no task, but {existing} tasks are linked")
    elif lost * 2 >= existing:
        reasons.append(f"a side is going empty: {lost} of {existing} linked tasks are no longer on the board")
    return reasons
