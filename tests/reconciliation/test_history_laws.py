"""Whatever people do and whatever Asana loses: no decision is lost, none is recorded twice, each is told once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.databases import NewStore
from tests.reconciliation.history import ACTS, WAYS, History
from tests.reconciliation.reconciliation_world import connections

pytestmark = [pytest.mark.laws, pytest.mark.airflow]
FEW, MANY = 3, 170
"""Histories for each of the three ways, the few on each database."""
Acts = list[tuple[Any, ...]]
RELAXED = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


@pytest.fixture
def connected(sandbox_process: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in connections(sandbox_process).items():
        monkeypatch.setenv(name, value)
    yield sandbox_process
    sandbox_process.settings(asana_requests_per_minute=1500)


def holds(sandbox: Any, way: str, acts: Acts, *, new_store: NewStore) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = History(sandbox, Path(folder), way, new_store=new_store)
        for act in acts:
            history.play(act)
        history.end()
        history.check()


@pytest.mark.parametrize("way", WAYS)
def test_no_decision_is_lost_or_recorded_twice(
    connected: Any, new_store: NewStore, way: str, figures: Callable[[str, object], None]
) -> None:
    played = []

    @settings(max_examples=FEW, deadline=None, suppress_health_check=RELAXED)
    @given(st.lists(ACTS, min_size=6, max_size=12))
    def law(acts: Acts) -> None:
        played.append(len(acts))
        holds(connected, way, acts, new_store=new_store)

    law()
    figures(f"random histories of approvals by {way}", len(played))


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_no_decision_is_lost_or_recorded_twice_in_many_histories(
    connected: Any, new_store: NewStore, way: str, figures: Callable[[str, object], None]
) -> None:
    played = []

    @settings(max_examples=MANY, deadline=None, suppress_health_check=RELAXED)
    @given(st.lists(ACTS, min_size=6, max_size=24))
    def law(acts: Acts) -> None:
        played.append(len(acts))
        holds(connected, way, acts, new_store=new_store)

    law()
    figures(f"many random histories of approvals by {way}", len(played))
