"""A store for each test, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import pytest
from intacct_asana.store import FlowStore

from tests.databases import NewStore
from tests.store.store_world import opened


@pytest.fixture
def url(new_store: NewStore) -> str:
    """A new, empty database."""
    return new_store()


@pytest.fixture
def flow(url: str) -> FlowStore:
    return opened(url)
