"""Leases: one process at a time does what Asana cannot be kept from doing twice.

A lease stands among the flow's cursors, as the instant until which it holds; one that nobody gave back ends by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete

from intacct_asana.errors import TryLater
from intacct_asana.store.codec import instant_text
from intacct_asana.store.database import Database
from intacct_asana.store.tables import cursors as table
from intacct_asana.store.upsert import add

LONGEST = timedelta(minutes=15)


@contextmanager
def lease(database: Database, *, flow: str, name: str, now: datetime) -> Iterator[None]:
    """Holds the lease for the time of the block. Raises TryLater while another process holds it."""
    key, until = f"lease:{name}", instant_text(now + LONGEST)
    own = (table.c.flow == flow, table.c.name == key)
    with database.write() as connection:
        connection.execute(delete(table).where(*own, table.c.value <= instant_text(now)))
        if not add(connection, table, {"flow": flow, "name": key, "value": until}):
            minutes = f"{LONGEST.total_seconds() / 60:.0f} minutes"
            raise TryLater(
                f"Another run of flow {flow} is {name} just now; run this again when it is done. "
                f"If that run was stopped or died, this can be run again {minutes} after it began."
            )
    try:
        yield
    finally:
        with database.write() as connection:
            connection.execute(delete(table).where(*own, table.c.value == until))
