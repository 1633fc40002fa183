"""A store for each test, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from intacct_asana.store import FlowStore

from tests import engines
from tests.databases import NewStore
from tests.store.store_world import opened


@pytest.fixture
def url(new_store: NewStore) -> str:
    """A new database with the store's tables and nothing in them."""
    return new_store.ready()


@pytest.fixture
def flow(url: str) -> FlowStore:
    return opened(url)


@pytest.fixture(autouse=True)
def _as_released() -> Iterator[None]:
    with engines.as_released():
        yield
