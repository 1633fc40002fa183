"""Pins: the gids behind the names of a flow's fields, as preflight resolved them."""

from __future__ import annotations

from sqlalchemy import select

from intacct_asana.records import Pins
from intacct_asana.store.codec import from_json, to_json
from intacct_asana.store.database import Database
from intacct_asana.store.tables import pins as table
from intacct_asana.store.upsert import put


def read_pins(database: Database, *, flow: str, kind: str) -> Pins | None:
    query = select(table.c.body).where(table.c.flow == flow, table.c.kind == kind)
    with database.read() as connection:
        body = connection.execute(query).scalar()
        return from_json(Pins, body) if body else None


def save_pins(database: Database, *, flow: str, kind: str, pins: Pins) -> None:
    with database.write() as connection:
        put(connection, table, {"flow": flow, "kind": kind, "body": to_json(pins)})
