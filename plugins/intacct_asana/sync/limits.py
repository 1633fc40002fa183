"""The last look before anything is written: is this plan bigger than anything that the flow expects?"""

from __future__ import annotations

from decimal import Decimal

from intacct_asana.errors import UnsafePlan
from intacct_asana.sync.actions import Adopt, Create
from intacct_asana.sync.plan import Plan

FEWEST_LINKS = 10
"""With fewer links an empty side proves nothing: a new flow looks like that."""

WAY_OUT = "Nothing was written. Read the plan; if it is right, run again with allow_unsafe_plan."


def raise_if_unsafe(
    plan: Plan,
    *,
    creates: int,
    closes: int,
    updates: int,
    money: Decimal | None,
    existing: int,
    nothing_read: bool = False,
    nothing_listed: bool = False,
) -> None:
    """Raises UnsafePlan with every reason when the plan is beyond the limits.

    `money` limits the sum of all records to be written, in base currency. `existing` is how many links the flow has.
    `nothing_read` says that a full read of Intacct brought no record, `nothing_listed` that the board showed no task.
    """
    counts = plan.counts()
    amounts = plan.money()
    at_stake = sum((amount for kind, amount in amounts.items() if kind != "leave"), Decimal(0))
    reasons = [
        *_too_many("tasks to create", counts["create"] + counts["adopt"], creates),
        *_too_many("tasks to close", counts["close"], closes),
        *_too_many("tasks to update or reopen", counts["update"] + counts["reopen"], updates),
    ]
    if money is not None and at_stake > money:
        reasons.append(f"money at stake: records worth {at_stake:f} would be written, the limit is {money:f}")
    if existing >= FEWEST_LINKS:
        reasons += _empty_sides(plan, existing=existing, nothing_read=nothing_read, nothing_listed=nothing_listed)
    if reasons:
        listed = "".join(f"\n  - {reason}" for reason in reasons)
        raise UnsafePlan(f"The plan is bigger than the flow's limits:{listed}\n{WAY_OUT}")


def _too_many(what: str, count: int, limit: int) -> list[str]:
    return [f"too many {what}: {count}, the limit is {limit}"] if count > limit else []


def _empty_sides(plan: Plan, *, existing: int, nothing_read: bool, nothing_listed: bool) -> list[str]:
    reasons = []
    if nothing_read:
        reasons.append(f"a side is empty: Intacct returned no record, but {existing} tasks are linked")
    if nothing_listed:
        reasons.append(f"a side is empty: the Asana project showed no task, but {existing} tasks are linked")
    elif (lost := _lost(plan)) * 2 >= existing:
        reasons.append(f"a side is going empty: {lost} of {existing} linked tasks are no longer on the board")
    return reasons


def _lost(plan: Plan) -> int:
    """How many linked tasks a full listing did not show."""
    return sum(1 for action in plan.writing if isinstance(action, Create | Adopt) and action.replaces)
