"""The store's own fixtures: a new database, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

from tests.store.conftest import flow, url

__all__ = ["flow", "url"]
