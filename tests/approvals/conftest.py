"""The database of a world's store."""

from __future__ import annotations

import pytest

from tests.approvals.approvals_world import World
from tests.databases import NewStore


@pytest.fixture
def on_each_database(new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every world of the test has its store there."""
    monkeypatch.setattr(World, "new_store", staticmethod(new_store), raising=False)
