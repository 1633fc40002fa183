"""A run is cut at every single call, in every way a call can end badly; the next try must leave one task a bill."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest

from tests.sync.sync_world import AMOUNT, APPROVAL, PENDING, Crash, World, remark

pytestmark = pytest.mark.cuts

MOMENTS = ("before", "after", "lost", "unsent")


def a_busy_morning() -> World:
    """One of each: new bills, a changed, a paid, a voided one, a deleted task, and a creation that died yesterday.

    What is told about them is told in the same run: with other changes, with nothing else, and on a closed task.
    """
    world = World()
    for key in ("changed", "paid", "voided", "deleted", "told"):
        world.a_bill(key)
    world.a_bill("closed", news="paid")
    world.run().raise_if_failed()
    world.change("closed", state="void")
    world.run().raise_if_failed()
    world.change("changed", amount=Decimal("5.00"), news="part")
    world.change("paid", state="paid", news="paid")
    world.change("voided", state="void", news="void")
    world.change("told", news="selected")
    world.change("closed", news="repaid")
    world.change("deleted", amount=Decimal("6.00"))
    del world.board.there[world.links.links["deleted"].task_gid]
    for key in ("died", "new", "newer"):
        world.a_bill(key)
    world.died_creating("died")
    world.board.create_task("900", world.wanted("died").draft)
    world.wire.revive()
    return world


def run_afresh(world: World, *, full: bool) -> None:
    world.run(full=full, workers=1)


def assert_all_is_well(world: World) -> None:
    for key, bill in world.bills.items():
        told = [] if key in ("deleted", "died", "new", "newer") else [remark(bill.news)]
        assert world.comments_of(key) == told, f"{key} was told {world.comments_of(key)}"
    assert_tasks_equal_bills(world)


def assert_tasks_equal_bills(world: World) -> None:
    for key, bill in world.bills.items():
        tasks = world.with_key(key)
        assert len(tasks) == 1, f"{key}: {len(tasks)} tasks"
        assert world.links.links[key].task_gid == tasks[0].gid
        assert tasks[0].completed == (bill.state != "open")
        assert tasks[0].fields[AMOUNT] == bill.amount
        assert tasks[0].fields[APPROVAL] == PENDING
    assert world.links.unfinished() == set()
    assert world.writes_of() == []
    assert world.writes_of(full=True) == []


def cuts_of(run: Callable[[World], None]) -> list[tuple[int, str]]:
    world = a_busy_morning()
    run(world)
    return world.wire.every_cut()


@pytest.mark.parametrize("full", [False, True], ids=["ordinary run", "full run"])
def test_a_run_cut_at_any_call_is_finished_by_the_next_one(full: bool, figures: Callable[[str, object], None]) -> None:
    cuts = cuts_of(lambda world: run_afresh(world, full=full))
    for call, moment in cuts:
        world = a_busy_morning()
        world.wire.revive(cut_at=call, moment=moment)
        with suppress(Crash):
            run_afresh(world, full=full)
        world.wire.revive()
        world.run(full=full).raise_if_failed()
        assert_all_is_well(world)
    figures(f"cuts of applying a plan, {'full' if full else 'ordinary'} run", len(cuts))
    assert cuts[-1][0] > 20
    assert {moment for _, moment in cuts} == set(MOMENTS)


def test_the_same_stored_plan_applied_again_after_a_cut_at_any_call_makes_no_second_task(
    figures: Callable[[str, object], None],
) -> None:
    cuts = cuts_of(lambda world: run_afresh(world, full=False))
    for call, moment in cuts:
        world = a_busy_morning()
        plan = world.plan()
        world.wire.revive(cut_at=call, moment=moment)
        with suppress(Crash):
            world.apply(plan, workers=1)
        world.wire.revive()
        world.apply(plan).raise_if_failed()
        world.dirty.clear()
        assert_all_is_well(world)
    figures("cuts of one stored plan", len(cuts))


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_bill_that_changes_back_after_a_cut_write_is_put_right(moment: str, figures: Callable[[str, object], None]) -> None:
    """Asana may have taken the write although nobody kept its answer; what was confirmed before says nothing of that."""

    def changed() -> World:
        world = World()
        for key in ("amount", "closed", "open"):
            world.a_bill(key)
        world.a_bill("told", news="none")
        world.a_bill("void", news="paid")
        world.run().raise_if_failed()
        world.change("open", state="void")
        world.change("void", state="void")
        world.run().raise_if_failed()
        world.change("told", news="part")
        world.change("void", amount=Decimal("7.00"), news="repaid")
        world.change("amount", amount=Decimal("5.00"), vendor="Other")
        world.change("closed", state="paid")
        world.change("open", state="open")
        return world

    whole = changed()
    whole.wire.revive()
    whole.run(workers=1)
    calls = [call for call, how in whole.wire.every_cut() if how == moment]
    for call in calls:
        world = changed()
        world.wire.revive(cut_at=call, moment=moment)
        with suppress(Crash):
            world.run(workers=1)
        world.wire.revive()
        world.change("amount", amount=Decimal("100.00"), vendor="Acme")
        world.change("closed", state="open")
        world.change("open", state="void")
        world.change("told", news="none")
        world.change("void", amount=Decimal("100.00"), news="paid")
        world.run().raise_if_failed()
        assert_tasks_equal_bills(world)
        for key, began, back in (("told", "part", "none"), ("void", "repaid", "paid")):
            assert world.comments_of(key) in ([], [remark(began), remark(back)])
        assert world.links.unfinished() == set()
    figures(f"cuts of a run whose bills change back, {moment}", len(calls))


@pytest.mark.slow
def test_two_cuts_in_a_row_at_any_two_calls_are_finished_by_the_third_run(
    figures: Callable[[str, object], None],
) -> None:
    last, _ = cuts_of(lambda world: run_afresh(world, full=False))[-1]
    pairs = [(one, two, moment) for one in range(1, last + 1) for two in range(1, last + 1) for moment in MOMENTS]
    for one, two, moment in pairs:
        world = a_busy_morning()
        for cut_at in (one, two):
            world.wire.revive(cut_at=cut_at, moment=moment)
            with suppress(Crash):
                run_afresh(world, full=False)
        world.wire.revive()
        world.run().raise_if_failed()
        assert_all_is_well(world)
    figures("pairs of cuts of applying a plan", len(pairs))
