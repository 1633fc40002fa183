"""A run is cut at every single call, in every way a call can end badly; the next ones end where an uncut run ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.sync.sync_world import Crash
from tests.vendors.fields_world import APPROVER, KEYS, TEAM, FieldsWorld

pytestmark = pytest.mark.cuts

MOMENTS = ("before", "after", "lost", "unsent")
WORLDS = ({}, {"approvals": True}, {"approvals": True, "shows_before": True}, {"approvals": True, "hides_state": True})


def a_busy_morning(how: dict[str, bool]) -> FieldsWorld:
    """A new value, a changed and an emptied one, and one that somebody changed in Intacct."""
    world = FieldsWorld(**how)
    world.books.edit(KEYS[0], TEAM, "HR")
    world.board.choose(KEYS[0], TEAM, "HR")
    world.board.choose(KEYS[1], APPROVER, "ann")
    world.board.choose(KEYS[1], TEAM, "IT")
    rest(world)
    world.board.choose(KEYS[0], TEAM, "IT")
    world.board.choose(KEYS[0], APPROVER, "ben")
    world.board.choose(KEYS[1], APPROVER, "")
    world.books.edit(KEYS[1], TEAM, "HR")
    world.wire.revive()
    return world


def rest(world: FieldsWorld) -> None:
    for _ in range(6):
        world.run()
        for key in KEYS:
            world.books.answer(key, approved=True)


def what_is_left(world: FieldsWorld) -> object:
    return {(key, name): (world.actual(key, name), world.state(key, name)) for key in KEYS for name in (TEAM, APPROVER)}


def told(world: FieldsWorld) -> list[str]:
    return sorted(story.text.partition("\n")[0] for story in world.board.told)


@pytest.mark.parametrize("how", WORLDS, ids=["no approvals", "approvals", "shown before", "hidden queue"])
def test_a_run_cut_at_any_call_is_finished_by_the_next_ones(how: dict[str, bool], figures: Callable[[str, int], None]) -> None:
    smooth = a_busy_morning(how)
    smooth.run()
    cuts = smooth.wire.every_cut()
    rest(smooth)
    for call, moment in cuts:
        world = a_busy_morning(how)
        world.wire.revive(cut_at=call, moment=moment)
        with suppress(Crash):
            world.run()
        world.wire.revive()
        rest(world)
        assert what_is_left(world) == what_is_left(smooth), (call, moment)
        assert world.in_doubt() == [], (call, moment)
        assert len(world.books.writes) == len(smooth.books.writes), (call, moment, world.books.writes)
        assert told(world) == told(smooth), (call, moment)
    figures("cuts of a run over vendors' fields", len(cuts))
    assert cuts[-1][0] > 12
    assert {moment for _, moment in cuts} == set(MOMENTS)
    assert [smooth.actual(KEYS[0], name) for name in (TEAM, APPROVER)] == ["IT", "ben"]
    assert [smooth.actual(KEYS[1], name) for name in (TEAM, APPROVER)] == ["IT", ""]
