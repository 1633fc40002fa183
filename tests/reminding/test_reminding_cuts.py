"""A cut at every call of the step that asks people: one assignment, one comment on it, one reminder, whatever is cut."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.databases import NewStore
from tests.policy.policy_world import ALICE, BEN
from tests.reminding.reminding_world import DUE_ON, NEXT, REMIND, Asking
from tests.standing.test_standing_cuts import KINDS, Cutter, a_cutter

__all__ = ["a_cutter"]
pytestmark = [pytest.mark.cuts, pytest.mark.airflow]
Flow = Callable[..., Asking]
SAMPLES = 4
SAID = [
    f"This bill is due on {DUE_ON} and waits for Ben Okafor, step 2 of 2 (controller).",
    "Next: Ben Okafor, step 2 of 2 (controller).",
]


def play(flow: Asking, cutter: Cutter, *, at: int = 0, kind: str = "") -> int:
    """Alice gave her step, and it is the due date. What is cut is the step that asks; then it runs twice, that same day."""
    flow.ask()
    flow.say(ALICE)
    flow.on(DUE_ON)
    flow.run()
    with cutter.cutting(at, kind):
        flow.ask()
    calls = cutter.made
    flow.sandbox.clear_faults()
    for _ in range(2):
        flow.pass_time(minutes=6)
        flow.run_and_ask()
    assert sorted(flow.asked(), reverse=True) == SAID, (at, kind, flow.asked())
    assert flow.task()["assignee"] == BEN, (at, kind)
    assert flow.store.intents().open("turn", "next", "reminder") == []
    return calls


def play_all(
    an_asking_flow: Flow, cutter: Cutter, pick: Callable[[list[tuple[int, str]]], list[tuple[int, str]]]
) -> list[tuple[int, str]]:
    calls = play(an_asking_flow(asks=NEXT + REMIND), cutter)
    cuts = pick([(at, kind) for at in range(1, calls + 1) for kind in KINDS])
    for at, kind in cuts:
        assert play(an_asking_flow(asks=NEXT + REMIND), cutter, at=at, kind=kind) >= at
    return cuts


def test_a_cut_of_asking_asks_once(
    an_asking_flow: Flow, a_cutter: Cutter, new_store: NewStore, figures: Callable[[str, object], None]
) -> None:
    """A few of them, with each way of being cut; half of them on each database."""

    def some(cuts: list[tuple[int, str]]) -> list[tuple[int, str]]:
        step = max(1, len(cuts) // SAMPLES) | 1
        return list(new_store.share(cuts[::-1][::step]))

    figures("cuts of asking people", len(play_all(an_asking_flow, a_cutter, some)))


@pytest.mark.slow
def test_every_cut_of_asking_asks_once(an_asking_flow: Flow, a_cutter: Cutter, figures: Callable[[str, object], None]) -> None:
    figures("every cut of asking people", len(play_all(an_asking_flow, a_cutter, list)))
