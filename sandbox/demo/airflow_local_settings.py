"""Settings of the demo's Airflow, copied to where it looks for them: on SQLite a savepoint begins a transaction that may write.

Airflow's backfills read within a savepoint and write afterwards. SQLite begins that as a reader, and refuses the write at once,
however long a timeout is, where somebody else wrote meanwhile ("database is locked"). What Airflow then clears away may be in
its scheduler's hands, which ends the scheduler. Begun as a writer, it waits for its turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

__all__ = ["create_metadata_engine"]


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

    return engine
