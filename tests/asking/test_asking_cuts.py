"""A cut at every call of asking, of answering and of closing: nobody is asked twice, told twice, or left with what is over."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.asking.asking_world import Asked
from tests.databases import NewStore
from tests.policy.policy_world import ALICE, BEN
from tests.standing.test_standing_cuts import KINDS, Cutter, a_cutter, heal

__all__ = ["a_cutter"]
pytestmark = [pytest.mark.cuts, pytest.mark.airflow]
SAMPLES = 4
"""Cuts of each story in the short half."""

Cut = tuple[int, str]


def is_new(flow: Asked, bill: int) -> None:
    """Nobody was asked yet."""


def is_approved_by_the_first(flow: Asked, bill: int) -> None:
    flow.run()
    flow.say(ALICE, bill=bill)


def is_approved_by_the_last(flow: Asked, bill: int) -> None:
    is_approved_by_the_first(flow, bill)
    flow.run()
    flow.say(BEN, bill=bill)


def is_refused(flow: Asked, bill: int) -> None:
    flow.run()
    flow.answer(BEN, bill=bill, on=ALICE)


def is_changed_between_the_steps(flow: Asked, bill: int) -> None:
    is_approved_by_the_first(flow, bill)
    flow.run()
    flow.edit(bill=bill, amount="700.00")
    flow.sync()


STORIES: dict[str, tuple[Callable[[Asked, int], None], list[str], str, list[str]]] = {
    "asked": (is_new, ["alice", "dev"], "", []),
    "the first step": (is_approved_by_the_first, ["ben"], "", ["GRANTED"]),
    "the last step": (is_approved_by_the_last, [], "Approved", ["GRANTED", "CONFIRMED"]),
    "refused": (is_refused, ["alice", "dev"], "", ["REFUSED"]),
    "changed": (is_changed_between_the_steps, ["alice", "dev"], "", ["VOID"]),
}
"""What happens before the run that is cut, who is asked in the end, what the stamp says, and how the decisions stand."""


def told_of(flow: Asked, cutter: Cutter, name: str, cut: Cut = (0, "")) -> tuple[int, object]:
    """Play the story on a bill of its own; the calls of the run that was cut, and how it ended."""
    before, waiting, stamp, states = STORIES[name]
    flow.pass_time(minutes=25)
    flow.sandbox.clear_faults()
    flow.bills.append(flow.make_bill())
    bill = len(flow.bills) - 1
    flow.sync()
    before(flow, bill)
    flow.pass_time(1)
    with cutter.cutting(*cut):
        for step in (flow.read, flow.settle, flow.tell):
            step()
    calls = cutter.made
    flow.sandbox.clear_faults()
    heal(flow)
    assert (flow.waiting(bill), flow.held(bill)["ASANA_DECISION"], flow.states(bill)) == (waiting, stamp, states), cut
    said = sorted((str(one["assignee"]), one["resource_subtype"], len(flow.said_on(one))) for one in flow.subtasks(bill))
    assert flow.store.intents().open("ask", "ask end") == [], cut
    return calls, (said, len(flow.comments(bill)))


def play(asked: Callable[..., Asked], cutter: Cutter, name: str, pick: Callable[[Sequence[Cut]], Sequence[Cut]]) -> int:
    flow = asked(bills=0)
    calls, whole = told_of(flow, cutter, name)
    cuts = pick([(at, kind) for at in range(1, calls + 1) for kind in KINDS])
    struck = 0
    for cut in cuts:
        made, end = told_of(flow, cutter, name, cut)
        struck += made >= cut[0]
        assert end == whole, cut
    assert flow.store.verify_evidence() == []
    assert struck >= len(cuts) * 0.9
    return struck


@pytest.mark.parametrize("name", STORIES)
def test_a_cut_of_asking_ends_as_without_it(
    asked: Callable[..., Asked], a_cutter: Cutter, new_store: NewStore, name: str, figures: Callable[[str, object], None]
) -> None:
    """A few cuts spread over its calls, half of them on each database."""

    def some(cuts: Sequence[Cut]) -> Sequence[Cut]:
        step = max(1, len(cuts) // SAMPLES) | 1
        return list(new_store.share(cuts[step // 2 :: step][:SAMPLES]))

    figures(f"cuts of asking, {name}", play(asked, a_cutter, name, some))


@pytest.mark.slow
@pytest.mark.parametrize("name", STORIES)
def test_every_cut_of_asking_ends_as_without_it(
    asked: Callable[..., Asked], a_cutter: Cutter, name: str, figures: Callable[[str, object], None]
) -> None:
    figures(f"every cut of asking, {name}", play(asked, a_cutter, name, list))
