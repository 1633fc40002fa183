"""From every state, a run is cut at every single call in every way; the next ones must end the same: one stamp, one comment."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from intacct_asana.errors import IntacctAsanaError, OutcomeUnknown, TryLater
from intacct_asana.records import DecisionState
from intacct_asana.records.anchors import without_anchors

from tests.approvals.settle_world import ALICE, APPROVED, ERIN, PENDING, REJECTED, Crash, World

pytestmark = pytest.mark.cuts

MOMENTS = ("before", "after", "lost", "unsent")


def approved() -> World:
    world = World()
    world.board.choose(ALICE, APPROVED)
    return world


def refused() -> World:
    world = World()
    world.board.choose(ERIN, APPROVED)
    return world


def changed_mind() -> World:
    world = approved()
    world.board.explain(ALICE, "Wrong vendor")
    world.board.choose(ALICE, REJECTED)
    return world


def without_story() -> World:
    world = World()
    world.board.choose(None, APPROVED, story=False)
    return world


def decided_again() -> World:
    """A confirmed approval, and then a changed bill that is rejected."""
    world = approved()
    world.run_in_peace()
    world.books.edit(amount=Decimal("950.00"))
    world.show()
    world.board.explain(ALICE, "Too dear")
    world.board.choose(ALICE, REJECTED)
    return world


def observed() -> World:
    world = World(stamp=None)
    world.board.choose(ALICE, APPROVED)
    return world


def changed_after_approval() -> World:
    """A confirmed approval, and then the clerk edits the bill."""
    world = approved()
    world.run_in_peace()
    world.books.edit(amount=Decimal("40000.00"))
    return world


def changed_in_the_second_of_the_write() -> World:
    world = approved()
    world.books.on_stamp = lambda bill, values: world.books.edit(amount=Decimal("40000.00")) if values["D"] != "void" else None
    return world


STORIES = (
    approved,
    refused,
    changed_mind,
    without_story,
    decided_again,
    observed,
    changed_after_approval,
    changed_in_the_second_of_the_write,
)


def try_to_run(world: World) -> None:
    """As Airflow does: each step whatever became of the one before, unless the process died."""
    with suppress(Crash):
        for step in (world.read, world.settle, world.look, world.tell):
            with suppress(OutcomeUnknown, TryLater):
                step()


def plain(control_id: str) -> str:
    return re.sub(r"(-again[0-9]+|(?<=-void)-[0-9]+)", "", control_id)


def end_of(world: World) -> dict[str, object]:
    return {
        "decisions": [(one.decision_id, one.state, one.rule, one.acknowledged) for one in world.decisions],
        # A write that was sent twice and proven absent twice goes out under another control id, but once only.
        "stamped": [plain(control_id) for control_id in world.books.stamped],
        "bill": {name: without_anchors(text) for name, text in world.bill.custom.items()},
        "comments": sorted(text.rsplit("\n", 1)[1] for text in world.board.comments()),
        "field": world.shows,
    }


def begun(make: object, calls: int) -> World:
    """The world after a run that died behind its first `calls` calls: every state there is, with all its traces."""
    world = make()
    world.wire.revive(cut_at=calls, moment="after")
    if calls:
        try_to_run(world)
    world.wire.revive()
    return world


def calls_of(make: object, *, after: int = 0) -> int:
    world = begun(make, after)
    try_to_run(world)
    return world.wire.count


@pytest.mark.parametrize("make", STORIES)
def test_a_run_cut_at_any_call_ends_as_if_it_had_not_been_cut(make: object, figures: Callable[[str, object], None]) -> None:
    peaceful = make()
    peaceful.wire.revive()
    peaceful.run_in_peace()
    cuts = [(call, moment) for call in range(1, calls_of(make) + 1) for moment in MOMENTS]
    for call, moment in cuts:
        world = make()
        world.wire.revive(cut_at=call, moment=moment)
        try_to_run(world)
        world.wire.revive()
        world.run_in_peace()
        assert end_of(world) == end_of(peaceful), f"cut {moment} call {call}"
    figures(f"cuts of settling, {make.__name__}", len(cuts))


def test_a_run_that_begins_in_any_state_and_is_cut_at_any_call_ends_the_same(
    figures: Callable[[str, object], None],
) -> None:
    """One way of being cut at each call, so that each way comes to each call from some state."""
    cuts = from_every_state(lambda start, call: (MOMENTS[(start + call) % len(MOMENTS)],))
    figures("cuts of settling, from every state", cuts)


@pytest.mark.slow
def test_a_run_that_begins_in_any_state_and_is_cut_at_any_call_in_any_way_ends_the_same(
    figures: Callable[[str, object], None],
) -> None:
    figures("all cuts of settling, from every state", from_every_state(lambda start, call: MOMENTS))


def from_every_state(moments: Callable[[int, int], Sequence[str]]) -> int:
    peaceful = approved()
    peaceful.wire.revive()
    peaceful.run_in_peace()
    states, cuts = set(), 0
    for start in range(calls_of(approved) + 1):
        states.update(one.state for one in begun(approved, start).decisions)
        for call in range(1, calls_of(approved, after=start) + 1):
            for moment in moments(start, call):
                world = begun(approved, start)
                world.wire.revive(cut_at=call, moment=moment)
                try_to_run(world)
                world.wire.revive()
                world.run_in_peace()
                assert end_of(world) == end_of(peaceful), f"began after call {start}, cut {moment} call {call}"
                cuts += 1
    assert states == {DecisionState.RECORDED, DecisionState.CLEARED, DecisionState.SUBMITTED, DecisionState.CONFIRMED}
    return cuts


@pytest.mark.parametrize("make", STORIES)
def test_one_more_run_changes_nothing(make: object) -> None:
    world = make()
    world.run_in_peace()
    before = end_of(world)
    world.run_in_peace()
    assert end_of(world) == before
    assert world.shows in (PENDING, APPROVED, REJECTED)


def test_a_bill_edited_between_any_cut_and_the_next_run_is_never_stamped_with_a_decision_about_the_old_one() -> None:
    for call in range(1, calls_of(approved) + 1):
        for moment in MOMENTS:
            world = approved()
            world.wire.revive(cut_at=call, moment=moment)
            try_to_run(world)
            world.wire.revive()
            stamped = list(world.books.stamped)
            world.books.edit(amount=Decimal("950.00"))
            with suppress(IntacctAsanaError):
                world.run_in_peace()
            later = world.books.stamped[len(stamped) :]
            assert all("-void" in one for one in later), f"cut {moment} call {call}"
            assert world.bill.custom.get("D", "void") == "void", f"cut {moment} call {call}"


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_void_stamp_on_its_way_is_ended_where_the_flow_stamps_no_more(moment: str) -> None:
    """Somebody takes `stamp` out of the flow file between two runs: no write stays open, and nothing waits for it."""
    world = changed_after_approval()
    smooth = changed_after_approval()
    smooth.wire.revive()
    try_to_run(smooth)
    world.wire.revive(cut_at=smooth.wire.names.index("stamp_bill") + 1, moment=moment)
    try_to_run(world)
    world.wire.revive()
    world.policy = replace(world.policy, stamp=None, on_approve=())
    world.run_in_peace()
    assert world.last.state is DecisionState.VOID
    assert not [row for row in world.store.rows.values() if row.state.is_open]
