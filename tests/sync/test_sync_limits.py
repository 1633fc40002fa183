"""Plans that are too big, and sides that are empty."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from intacct_asana.errors import UnsafePlan
from intacct_asana.records import Link
from intacct_asana.sync import Plan, plan_records, raise_if_unsafe

from tests.sync.sync_world import wanted

ROOMY = {"creates": 100, "closes": 100, "updates": 100, "money": None, "existing": 0}


def creating(count: int) -> Plan:
    return plan_records({f"k{number}": wanted(f"k{number}") for number in range(count)}, links={}, found=None)


def linked(count: int) -> dict[str, Link]:
    keys = [f"k{number:02}" for number in range(count)]
    return {key: Link(key=key, task_gid=f"t{key}", record_no="r", confirmed=wanted(key).draft) for key in keys}


def test_plan_within_its_limits_passes() -> None:
    raise_if_unsafe(creating(3), **{**ROOMY, "creates": 3, "money": {"USD": Decimal("300.00")}})


def test_every_reason_is_said_with_its_numbers_and_the_way_out() -> None:
    with pytest.raises(UnsafePlan) as caught:
        raise_if_unsafe(
            creating(3), **{**ROOMY, "creates": 2, "money": {"USD": Decimal("299.99")}, "existing": 12}, nothing_read=True
        )
    text = str(caught.value)
    assert "too many tasks to create: 3, the limit is 2" in text
    assert "records worth 300.00 USD would be written, the limit is 299.99" in text
    assert "Intacct returned no record, but 12 tasks are linked" in text
    assert "allow_unsafe_plan" in text


def test_too_many_closes_and_updates_are_counted_apart() -> None:
    links = linked(4)
    records = {key: wanted(key, state="void" if number < 2 else "open", vendor="New") for number, key in enumerate(links)}
    plan = plan_records(records, links=links, found=None)
    with pytest.raises(UnsafePlan) as caught:
        raise_if_unsafe(plan, **{**ROOMY, "closes": 1, "updates": 1})
    assert "too many tasks to close: 2, the limit is 1" in str(caught.value)
    assert "too many tasks to update or reopen: 2, the limit is 1" in str(caught.value)


def test_full_read_that_returns_nothing_is_refused_once_there_are_links() -> None:
    with pytest.raises(UnsafePlan, match="Intacct returned no record"):
        raise_if_unsafe(Plan(actions=()), **{**ROOMY, "existing": 10}, nothing_read=True)
    raise_if_unsafe(Plan(actions=()), **{**ROOMY, "existing": 9}, nothing_read=True)


def test_board_that_shows_nothing_is_refused_once_there_are_links() -> None:
    links = linked(12)
    plan = plan_records({key: wanted(key) for key in links}, links=links, found={}, compares_all=True)
    with pytest.raises(UnsafePlan, match="12 of 12 linked tasks are no longer on the board"):
        raise_if_unsafe(plan, **{**ROOMY, "existing": 12})
    with pytest.raises(UnsafePlan, match="the Asana project showed no task"):
        raise_if_unsafe(plan, **{**ROOMY, "existing": 12}, nothing_listed=True)


def test_narrow_listing_that_shows_nothing_is_fine() -> None:
    links = linked(12)
    plan = plan_records({key: wanted(key) for key in links}, links=links, found={})
    raise_if_unsafe(plan, **{**ROOMY, "existing": 12})


def test_money_of_bills_that_are_left_alone_is_not_at_stake() -> None:
    links = linked(3)
    plan = plan_records({key: wanted(key) for key in links}, links=links, found=None)
    raise_if_unsafe(plan, **{**ROOMY, "money": {"USD": Decimal(0)}})


def test_money_is_limited_for_each_currency_by_itself() -> None:
    """What would be too much when it was added up is not, and one currency too much is, whatever the others are."""
    records = {"a": wanted("a"), "b": replace(wanted("b"), currency="GBP"), "c": replace(wanted("c"), currency="")}
    plan = plan_records(records, links={}, found=None)
    limits = {"USD": Decimal("100.00"), "GBP": Decimal("100.00"), "": Decimal("100.00")}
    raise_if_unsafe(plan, **{**ROOMY, "money": limits})
    with pytest.raises(UnsafePlan) as caught:
        raise_if_unsafe(plan, **{**ROOMY, "money": {"GBP": Decimal("99.99"), "": Decimal("100.00")}})
    text = str(caught.value)
    assert "records worth 100.00 GBP would be written, the limit is 99.99" in text
    assert "records worth 100.00 USD would be written, and limits.money does not name it" in text
    with pytest.raises(UnsafePlan, match="does not tell would be written, and approval"):
        raise_if_unsafe(plan, **{**ROOMY, "money": {"USD": Decimal("100.00"), "GBP": Decimal("100.00")}})
