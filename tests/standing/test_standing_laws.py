"""Whatever people do on both sides, and whatever gets lost: no bill says approved that nobody approved as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, seed, settings
from hypothesis import strategies as st

from tests.databases import NewStore
from tests.policy.policy_world import DEV
from tests.reconciliation.reconciliation_world import ALICE
from tests.standing.standing_history import CLERK, History
from tests.standing.steps_history import InSteps

pytestmark = [pytest.mark.laws, pytest.mark.airflow]
FEW, MANY, PARTS = 4, 130, 8
"""Histories of the short half on each database, of each part of the long half, and parts: two processes share them."""
FEW_IN_STEPS, MANY_IN_STEPS = 2, 70
"""The same of the company whose bills are approved in steps: a history of it is longer."""
PHASES = (Phase.explicit, Phase.generate)
"""A history is short enough to be read; making it shorter would take minutes."""
RELAXED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


class Player:
    """Plays histories one after the other, each on a company of its own."""

    def __init__(self, sandbox: Any, folder: Path, new_store: NewStore) -> None:
        self.world = (sandbox, folder, new_store)
        self.played = self.approvals_seen = 0

    def play(self, told: list[tuple[Any, ...]], company: type[History] = History) -> None:
        self.played += 1
        history = company(*self.world)
        for act in told:
            history.play(act)
        history.end()
        self.approvals_seen += history.approvals_seen


@pytest.fixture
def player(connected: Any, tmp_path: Path, new_store: NewStore) -> Player:
    return Player(connected, tmp_path, new_store)


def test_whatever_people_do_what_says_approved_was_approved_as_it_is(
    player: Player, figures: Callable[[str, object], None]
) -> None:
    """A bill said Approved for ever, whatever became of it."""

    @settings(max_examples=FEW, deadline=None, phases=PHASES, suppress_health_check=RELAXED)
    @example([("approve_and_run", ALICE, 0), ("edit", CLERK, 700, 0)])
    @given(st.lists(History.ACTS, min_size=3, max_size=9))
    def law(acts: list[tuple[Any, ...]]) -> None:
        player.play(acts)

    law()
    figures("random histories of what stands", player.played)


def test_whatever_people_do_what_is_approved_and_released_was_given_by_all_who_were_due(
    player: Player, figures: Callable[[str, object], None]
) -> None:
    """The same where several people approve, one after the other, and Intacct itself pays nothing before."""

    @settings(max_examples=FEW_IN_STEPS, deadline=None, phases=PHASES, suppress_health_check=RELAXED)
    @example([("give", 2, True, 0), ("pay", 0), ("give", 1, False, 1), ("choose", DEV, "Rejected", 1, "web")])
    @given(st.lists(InSteps.ACTS, min_size=3, max_size=7))
    def law(acts: list[tuple[Any, ...]]) -> None:
        player.play(acts, InSteps)

    law()
    assert player.approvals_seen
    figures("random histories of steps and holds", player.played)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(("company", "count"), [(History, MANY), (InSteps, MANY_IN_STEPS)], ids=["alone", "in steps"])
def test_whatever_people_do_in_many_histories_what_says_approved_was_approved_as_it_is(
    player: Player, company: type[History], count: int, part: int, figures: Callable[[str, object], None]
) -> None:
    """The same, long."""

    @seed(part)
    @settings(max_examples=count, deadline=None, phases=PHASES, suppress_health_check=RELAXED)
    @given(st.lists(company.ACTS, min_size=3, max_size=20))
    def law(acts: list[tuple[Any, ...]]) -> None:
        player.play(acts, company)

    law()
    what = f"part {part + 1} of {PARTS}, {company.__name__}"
    figures(f"many random histories of what stands, {what}", player.played)
    figures(f"approvals that stood in them, {what}", player.approvals_seen)
