"""Engines for the many stores of one test run: statements are compiled once, and a store's connection stays open.

A task of ours opens one store and goes; a test process opens thousands that are all alike. What a statement does, and in
which transactions, is the same. The store's own tests open theirs as a release does.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import pytest
from intacct_asana.store import database
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

MOST_OPEN = 6
_real_on_sqlite_connect = database._on_sqlite_connect
_first: dict[str, Engine] = {}
_living: WeakSet[Engine] = WeakSet()
_counted = SimpleNamespace(made=0)
"""How many engines there were: those that live come and go."""


def close_all() -> None:
    """No idle connection is left: before this process forks, since a connection is of one process."""
    for engine in list(_living):
        engine.dispose()


def close(database: str | None) -> None:
    """Before a database is copied, which PostgreSQL does only while nobody is connected."""
    for engine in list(_living):
        if engine.url.database == database:
            engine.dispose()


def _engine(url: URL, **how: Any) -> Engine:
    engine = _like_the_first(url, **how | {"poolclass": QueuePool, "pool_size": 1, "max_overflow": -1})
    _living.add(engine)
    _counted.made += 1
    if _counted.made % (4 * MOST_OPEN) == 0:
        # What a run that died held in its hands goes with it.
        gc.collect()
    if _counted.made % MOST_OPEN == 0:
        close_all()
    return engine


def _like_the_first(url: URL, **how: Any) -> Engine:
    """As `create_engine`, but it knows what the first one learned from its server, and every statement that others made."""
    first = _first.get(url.drivername)
    if first is None or not getattr(first.dialect, "server_version_info", None):
        engine = create_engine(url, **how)
        _first.setdefault(url.drivername, engine)
        return engine
    engine = create_engine(url, **how, _initialize=False)
    engine.dialect = engine.pool._dialect = first.dialect
    engine._compiled_cache = first._compiled_cache
    if begin := first.dialect.on_connect_url(url):
        event.listen(engine.pool, "connect", lambda connection, _record: begin(connection))
    return engine


def _on_sqlite_connect(connection: Any, record: Any) -> None:
    """As ever, without care for power cuts."""
    _real_on_sqlite_connect(connection, record)
    connection.execute("PRAGMA synchronous = OFF")


@contextmanager
def as_released() -> Iterator[None]:
    """Within it, stores are opened as a release opens them, with its pool and its care; statements are still made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "create_engine", _like_the_first)
        patch.setattr(database, "_on_sqlite_connect", _real_on_sqlite_connect)
        yield


database.create_engine = _engine  # type: ignore[assignment]
database._on_sqlite_connect = _on_sqlite_connect
os.register_at_fork(before=close_all)
