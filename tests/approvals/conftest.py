"""The database of a world's store."""

from __future__ import annotations

from itertools import count

import pytest

from tests.approvals.approvals_world import World
from tests.databases import NewStore


@pytest.fixture
def on_each_database(new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every world of the test is a flow of one store there."""
    monkeypatch.setattr(World, "store_url", new_store.ready(), raising=False)
    monkeypatch.setattr(World, "worlds", count(), raising=False)
