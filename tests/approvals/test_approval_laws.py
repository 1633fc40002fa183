"""Random histories of choices, edits and crashes: no decision lost, none twice, nothing confirmed that is not there."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intacct_asana.records import DecisionState
from intacct_asana.records.anchors import without_anchors

from tests.approvals.approvals_world import (
    ALICE,
    APPROVED,
    BEN,
    ERIN,
    PENDING,
    REJECTED,
    Crash,
    Cuts,
    World,
)

pytestmark = [pytest.mark.laws, pytest.mark.usefixtures("on_each_database")]

SETTLED = {DecisionState.CONFIRMED, DecisionState.REFUSED, DecisionState.REJECTED, DecisionState.VOID}
ACTS = st.one_of(
    st.tuples(st.just("choose"), st.sampled_from([ALICE, BEN, ERIN]), st.sampled_from([APPROVED, REJECTED, PENDING])),
    st.tuples(st.just("say"), st.sampled_from([ALICE, BEN, ERIN]), st.just("because")),
    st.tuples(st.just("edit"), st.integers(1, 3), st.booleans()),
    st.tuples(st.just("run"), st.just(0), st.just("")),
    st.tuples(st.just("cut"), st.integers(1, 25), st.sampled_from(["before", "after", "lost"])),
)


def play(world: World, act: tuple[str, Any, Any]) -> None:
    kind, first, second = act
    if kind == "choose" and world.shown_option() != second:
        world.choose(first, second)
    elif kind == "say":
        world.say(first, second)
    elif kind == "edit":
        world.edit_bill(description=f"{first}", total_entered=100 * first + world.bill_now.total_entered % 100)  # type: ignore[union-attr]
        if second:
            world.show()
    elif kind == "run":
        world.reconcile()
    elif kind == "cut":
        world.cuts = Cuts(at=first, mode=second)
        with contextlib.suppress(Crash):
            world.reconcile()
        world.cuts = Cuts()


def holds(acts: list[tuple[str, Any, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for act in acts:
            play(world, act)
        for _ in range(3):
            assert world.reconcile() == []
        choices = {
            story.gid
            for story in world.history
            if story.new_enum_gid in (APPROVED, REJECTED) and story.author_gid in ("a", "b", "e")
        }
        decided = [decision.signal.story_gid for decision in world.decisions()]
        assert sorted(decided) == sorted(choices)
        confirmed = [decision for decision in world.decisions() if decision.state is DecisionState.CONFIRMED]
        assert world.stamps >= len(confirmed)
        assert all(decision.acknowledged for decision in world.decisions())
        assert {decision.state for decision in world.decisions()} <= SETTLED
        if confirmed:
            assert world.bill_now is not None
            assert (
                without_anchors(world.bill_now.custom["D_ID"])
                == max(confirmed, key=lambda one: one.signal.decided_at).decision_id
            )
        spoken = [comment.rsplit("Reference: ", 1)[1] for comment in world.comments()]
        assert len(spoken) == len(set(spoken))
        assert world.store.verify_evidence() == []


@given(st.lists(ACTS, max_size=8))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_decision_is_lost_or_doubled(acts: list[tuple[str, Any, Any]]) -> None:
    holds(acts)


@pytest.mark.slow
@given(st.lists(ACTS, max_size=14))
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_decision_is_lost_or_doubled_in_long_histories(acts: list[tuple[str, Any, Any]]) -> None:
    holds(acts)
