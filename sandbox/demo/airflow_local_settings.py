"""Settings of every Airflow that the sandbox starts, for what SQLite does to it. They are put into its `config` folder.

Airflow's backfills read within a savepoint and write afterwards. SQLite begins that as a reader, and refuses the write at once,
however long a timeout is, where somebody else wrote meanwhile ("database is locked"). What Airflow then clears away may be in
its scheduler's hands, which ends the scheduler. Begun as a writer, it waits for its turn.

Airflow's API server notes who starts a run on the thread of its event loop. While that waits for a lock which another request
of the same server holds, that request cannot end, because it ends on the loop: all of Airflow stands still until the timeout
is over. So whoever waits on a loop's thread waits for a moment only, and is refused then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

__all__ = ["create_metadata_engine"]

LOOP_MILLISECONDS = 1000
"""Longer than what other processes of Airflow write takes, and short for people who wait."""


def create_metadata_engine(url: str, *, engine_args: Mapping[str, Any], connect_args: Mapping[str, Any]) -> Engine:
    """In the place of Airflow's function of this name. An engine of another database than SQLite is Airflow's own."""
    engine = create_engine(url, connect_args=dict(connect_args), **engine_args)
    if engine.dialect.name != "sqlite":
        return engine

    @event.listens_for(engine, "savepoint")
    def begin_as_a_writer(connection: Connection, name: str) -> None:
        raw = connection.connection.dbapi_connection
        if raw is not None and not raw.in_transaction:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    @event.listens_for(engine, "before_cursor_execute")
    def wait_shortly_on_a_loop(connection: Connection, cursor: Any, *statement: Any) -> None:
        known, raw = connection.info, cursor.connection
        if "waits" not in known:
            known["waits"] = known["would_wait"] = raw.execute("PRAGMA busy_timeout").fetchone()[0]
        wanted = min(known["would_wait"], LOOP_MILLISECONDS) if _is_on_a_loop() else known["would_wait"]
        if known["waits"] != wanted:
            raw.execute(f"PRAGMA busy_timeout = {wanted}")
            known["waits"] = wanted

    return engine


def _is_on_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
