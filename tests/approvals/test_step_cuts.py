"""From each state of a decision, for each step that writes it to Intacct: a cut at every call and every commit ends the same.

Which story begins in which state, with which step, is found out by playing it. A pair without a story is an error: a new
step, or a new state, has to come with one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

import pytest
from intacct_asana.approvals.stamp import EVERY_STEP
from intacct_asana.flow.policy import RoutingRule
from intacct_asana.flow.write_back import PaymentRequestRule
from intacct_asana.records import ON_THE_WAY, BillState, DecisionState

from tests.approvals.settle_world import ALICE, APPROVED, BEN, World, a_bill
from tests.approvals.test_settle_cuts import MOMENTS, end_of, try_to_run

pytestmark = pytest.mark.cuts
OBSERVE = "observe"
STEPS = (*EVERY_STEP, OBSERVE)
STATES = sorted({*ON_THE_WAY, DecisionState.GRANTED, DecisionState.CONFIRMED})
SENDS = {
    "comment",
    "set_fields",
    "stamp_bill",
    "hold_bill",
    "submit_bill",
    "request_payment",
    "approve_document",
    "native approve",
}
"""Calls whose answer can be lost, or which nobody can tell whether they left."""
CANNOT_BE = {(OBSERVE, DecisionState.UNDOING): "nothing was written that could be taken back"}
TWO = RoutingRule.model_validate(
    {"name": "all", "steps": [{"name": "one", "by": ["alice@x.example"]}, {"name": "two", "by": ["ben@x.example"]}]}
)

PAYS = PaymentRequestRule(account="BOA", method="ACH")
BEFORE = {"submit": BillState.DRAFT, "rest_workflow": BillState.SUBMITTED}
"""States of a bill in which there is something to do for a step."""


def a_world(steps: Sequence[str], **policy: object) -> World:
    """Of a bill that the steps change: the hold is to be set, or to be lifted, a draft to be submitted, and so on."""
    if "submit" in steps:
        policy["states"] = (BillState.DRAFT, BillState.POSTED)
    world = World(on_approve=() if OBSERVE in steps else tuple(steps), payment_request=PAYS, **policy)
    bill = a_bill(
        on_hold="release_hold" in steps,
        summary_no="9",
        state=next((BEFORE[step] for step in steps if step in BEFORE), BillState.POSTED),
        source_document="77" if "purchasing" in steps else "",
        transaction_total_due=Decimal("900.00"),
    )
    world.books.bills = {bill.record_no: bill}
    world.show()
    return world


# What happens before the run that is cut.


def approved(*steps: str) -> World:
    world = a_world(steps)
    world.board.choose(ALICE, APPROVED)
    return world


def approved_by_the_last_of_two(*steps: str) -> World:
    world = a_world(steps, rules=(TWO,))
    world.board.choose(ALICE, APPROVED)
    world.run_in_peace()
    world.board.choose(BEN, APPROVED)
    return world


def parked(*steps: str) -> World:
    world = a_world(steps, closed_books=10)
    world.books.closed = frozenset("9")
    world.board.choose(ALICE, APPROVED)
    world.run_in_peace()
    world.books.closed = frozenset()
    return world


def changed_after_all(*steps: str) -> World:
    world = approved(*steps)
    world.run_in_peace()
    world.books.edit(amount=Decimal("40000.00"))
    return world


def refused_at_the_last_step(*steps: str) -> World:
    """Intacct refuses what the last step writes."""
    world = approved(*steps)
    world.books.refuses = "native" if steps[-1] == "rest_workflow" else steps[-1].replace("_", "-")
    return world


@dataclass(frozen=True)
class Story:
    make: Callable[..., World]
    steps: tuple[str, ...]

    def begun(self, calls: int) -> World:
        """After a run that died behind so many calls."""
        world = self.make(*self.steps)
        world.wire.revive(cut_at=calls, moment="after")
        if calls:
            try_to_run(world)
        world.wire.revive()
        return world


EACH_ALONE = [(step,) for step in STEPS]
PAIRS = [
    ("stamp", "release_hold"),
    ("hold", "stamp"),
    ("release_hold", "stamp"),
    ("submit", "stamp"),
    ("stamp", "purchasing"),
    ("stamp", "payment_request"),
    ("stamp", "rest_workflow"),
]
STORIES = {
    f"{make.__name__}, {' and '.join(steps)}": Story(make, steps)
    for makes, of in (
        ((approved, approved_by_the_last_of_two, parked, changed_after_all), [*EACH_ALONE, PAIRS[0]]),
        ((refused_at_the_last_step,), PAIRS),
    )
    for make in makes
    for steps in of
}


@cache
def beginnings(name: str) -> dict[frozenset[tuple[str, DecisionState]], int]:
    """Behind which call of a run things first stand so: which decisions, by their steps, are in which states."""
    story = STORIES[name]
    world = story.begun(0)
    places: dict[frozenset[tuple[str, DecisionState]], int] = {}
    call = world.wire.call

    def noting(*of: object, **how: object) -> object:
        done = call(*of, **how)
        note()
        return done

    def note() -> None:
        states = frozenset((step, one.state) for one in world.store.kept.values() for step in story.steps)
        places.setdefault(states, world.wire.count)

    note()
    world.wire.call = noting
    try_to_run(world)
    return places


def look_of(world: World) -> dict[str, object]:
    """How it ended, and how the bill is; a write counts once, however often it was sent."""
    books = world.books
    return {
        **end_of(world),
        "held": [one.partition("-again")[0] for one in books.held],
        "hold": world.bill.on_hold,
        "state": world.bill.state,
        "onward": (books.submitted, books.payments, books.approvals, books.document.state),
    }


def cut(name: str, *, each: int = 1) -> int:
    """How many cuts there were. Of every third call one way of being cut, by turns; of every call each way that it has."""
    story, count = STORIES[name], 0
    peaceful = story.begun(0)
    peaceful.run_in_peace()
    peaceful.run_in_peace()
    wanted = look_of(peaceful)
    for start in beginnings(name).values():
        smooth = story.begun(start)
        try_to_run(smooth)
        for call, named in list(enumerate(smooth.wire.names, start=1))[start % each :: each]:
            ways = MOMENTS if named in SENDS else MOMENTS[:2]
            for moment in ways if each == 1 else (ways[call // each % len(ways)],):
                world = story.begun(start)
                world.wire.revive(cut_at=call, moment=moment)
                try_to_run(world)
                world.wire.revive()
                world.run_in_peace()
                world.run_in_peace()
                assert look_of(world) == wanted, f"{name}: began after call {start}, cut {moment} call {call}"
                assert all(one.acknowledged for one in world.decisions)
                count += 1
    return count


def test_each_step_begins_in_each_state_in_some_story() -> None:
    """The table of what is cut: a hole in it is named."""
    covered = {pair for name in STORIES for states in beginnings(name) for pair in states}
    wanted = {(step, state) for step in STEPS for state in STATES} - set(CANNOT_BE)
    assert wanted - covered == set(), "no story is cut there"
    assert not covered & set(CANNOT_BE), "it can be, so it wants no reason"


@pytest.mark.parametrize("name", [name for name, story in STORIES.items() if story.steps in PAIRS])
def test_a_cut_from_any_state_of_two_steps_ends_the_same(name: str, figures: Callable[[str, object], None]) -> None:
    figures(f"cuts of steps, {name}", cut(name, each=3))


@pytest.mark.slow
@pytest.mark.parametrize("name", STORIES)
def test_every_cut_from_any_state_of_any_step_ends_the_same(name: str, figures: Callable[[str, object], None]) -> None:
    figures(f"every cut of steps, {name}", cut(name))
