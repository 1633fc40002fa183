"""Whatever happened in Intacct, and whenever it came to light: after the next run the tasks equal the bills."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings

from tests.databases import KINDS, NewStore
from tests.reading.histories import HISTORY, WAYS, Player

pytestmark = pytest.mark.laws
SLOW_PARTS, HISTORIES_OF_A_PART = 4, 130


def play(company: Any, figures: Any, *, histories: int, name: str, seeded: int | None = None) -> None:
    played = {"histories": 0, "runs": 0}

    @settings(max_examples=histories, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(WAYS, HISTORY)
    def law(ways: dict[str, Any], history: list[tuple[str, Any]]) -> None:
        player = Player(company, ways)
        player.begin()
        for step in history:
            player.play(step)
        player.end()
        played["histories"] += 1
        played["runs"] += player.runs

    (law if seeded is None else seed(seeded)(law))()
    figures(f"{name}: histories", played["histories"])
    figures(f"{name}: runs of bill_sync in them", played["runs"])
    assert played["histories"] >= histories


def test_after_the_next_run_the_tasks_equal_the_bills(company: Any, new_store: NewStore, figures: Any) -> None:
    """Always the same ones, others on each database."""
    play(company, figures, histories=4, name="random edit histories", seeded=KINDS.index(new_store.kind))


@pytest.mark.slow
@pytest.mark.parametrize("part", range(SLOW_PARTS))
def test_after_the_next_run_the_tasks_equal_the_bills_in_many_histories(company: Any, figures: Any, part: int) -> None:
    name = f"many random edit histories, part {part + 1} of {SLOW_PARTS}"
    play(company, figures, histories=HISTORIES_OF_A_PART, name=name)
