"""A cut at every single call of a run: the next run ends in the same state, with one stamp and one comment.

Half of them on each database.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from intacct_asana.records import DecisionState

from tests.approvals.approvals_world import ALICE, APPROVED, ERIN, PENDING, Crash, Cuts, World
from tests.databases import NewStore

pytestmark = [pytest.mark.cuts, pytest.mark.usefixtures("on_each_database")]
MODES = ("before", "after", "lost")


def run_with_cut(world: World, *, at: int, mode: str) -> None:
    world.cuts = Cuts(at=at, mode=mode)
    with contextlib.suppress(Crash):
        world.reconcile()
    world.cuts = Cuts()


def run_until_quiet(world: World) -> None:
    for _ in range(3):
        assert world.reconcile() == []


def calls_of_a_run(folder: Path, prepare: Callable[[World], None]) -> int:
    folder.mkdir()
    world = World(folder)
    prepare(world)
    world.cuts = Cuts()
    world.reconcile()
    return world.cuts.calls


@pytest.mark.parametrize("mode", MODES)
def test_a_cut_anywhere_makes_neither_two_stamps_nor_two_comments(
    tmp_path: Path, new_store: NewStore, mode: str, figures: Callable[[str, object], None]
) -> None:
    calls = calls_of_a_run(tmp_path / "whole", lambda world: world.choose(ALICE, APPROVED) and None)
    cuts = new_store.share(range(1, calls + 1))
    for at in cuts:
        (tmp_path / str(at)).mkdir()
        world = World(tmp_path / str(at))
        world.choose(ALICE, APPROVED)
        run_with_cut(world, at=at, mode=mode)
        run_until_quiet(world)
        assert world.state() is DecisionState.CONFIRMED, at
        assert (world.stamps, world.held(), len(world.comments())) == (1, "Approved", 1), at
        assert world.the_decision().acknowledged
        assert world.store.verify_evidence() == []
    figures(f"cuts of an approval, {mode}", len(cuts))
    assert calls >= 12


@pytest.mark.parametrize("mode", MODES)
def test_a_cut_anywhere_in_a_refusal_tells_once_and_puts_back(
    tmp_path: Path, new_store: NewStore, mode: str, figures: Callable[[str, object], None]
) -> None:
    calls = calls_of_a_run(tmp_path / "whole", lambda world: world.choose(ERIN, APPROVED) and None)
    cuts = new_store.share(range(1, calls + 1))
    for at in cuts:
        (tmp_path / str(at)).mkdir()
        world = World(tmp_path / str(at))
        world.choose(ERIN, APPROVED)
        run_with_cut(world, at=at, mode=mode)
        run_until_quiet(world)
        assert world.state() is DecisionState.REFUSED, at
        assert (world.stamps, len(world.comments()), world.shown_option()) == (0, 1, PENDING), at
    figures(f"cuts of a refusal, {mode}", len(cuts))
    assert calls >= 8
