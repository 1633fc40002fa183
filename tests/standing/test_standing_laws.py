"""Whatever people do on both sides, and whatever gets lost: no bill says approved that nobody approved as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, seed, settings
from hypothesis import strategies as st

from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import ALICE
from tests.standing.standing_history import ACTS, CLERK, History

pytestmark = [pytest.mark.laws, pytest.mark.airflow]
FEW, MANY, PARTS = 4, 130, 8
"""Histories of the short half on each database, of each part of the long half, and parts: two processes share them."""
PHASES = (Phase.explicit, Phase.generate)
"""A history is short enough to be read; making it shorter would take minutes."""
RELAXED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


class Player:
    """Plays histories one after the other, each on a company of its own."""

    def __init__(self, sandbox: Any, folder: Path, new_store: NewStore) -> None:
        self.sandbox, self.folder, self.new_store = sandbox, folder, new_store
        self.played = 0

    def play(self, told: list[tuple[Any, ...]]) -> None:
        self.played += 1
        history = History(self.sandbox, self.folder, self.new_store)
        for act in told:
            history.play(act)
        history.end()


@pytest.fixture
def player(connected: Any, tmp_path: Path, new_store: NewStore) -> Player:
    return Player(connected, tmp_path, new_store)


def test_whatever_people_do_what_says_approved_was_approved_as_it_is(
    player: Player, figures: Callable[[str, object], None]
) -> None:
    """A bill said Approved for ever, whatever became of it."""

    @settings(max_examples=FEW, deadline=None, phases=PHASES, suppress_health_check=RELAXED)
    @example([("approve_and_run", ALICE, 0), ("edit", CLERK, 700, 0)])
    @given(st.lists(ACTS, min_size=3, max_size=9))
    def law(acts: list[tuple[Any, ...]]) -> None:
        player.play(acts)

    law()
    figures("random histories of what stands", player.played)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_people_do_in_many_histories_what_says_approved_was_approved_as_it_is(
    player: Player, part: int, figures: Callable[[str, object], None]
) -> None:
    """The same, long."""

    @seed(part)
    @settings(max_examples=MANY, deadline=None, phases=PHASES, suppress_health_check=RELAXED)
    @given(st.lists(ACTS, min_size=3, max_size=20))
    def law(acts: list[tuple[Any, ...]]) -> None:
        player.play(acts)

    law()
    figures(f"many random histories of what stands, part {part + 1} of {PARTS}", player.played)
