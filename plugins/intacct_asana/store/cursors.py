"""Cursors: positions in a stream of changes, moved in the transaction of the work that they cover."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from intacct_asana.records import Cursor
from intacct_asana.store.database import Database
from intacct_asana.store.tables import cursors as table
from intacct_asana.store.upsert import put


def read_cursor(database: Database, *, flow: str, name: str) -> str | None:
    with database.read() as connection:
        return connection.execute(select(table.c.value).where(table.c.flow == flow, table.c.name == name)).scalar()


def save_cursors(connection: Connection, *, flow: str, cursors: Sequence[Cursor]) -> None:
    """Within the caller's transaction. By name, so that two runs take their locks in the same order."""
    for cursor in sorted(cursors, key=lambda each: each.name):
        put(connection, table, {"flow": flow, "name": cursor.name, "value": cursor.value})
