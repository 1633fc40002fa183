"""Time stamps of the evidence, kept for ever."""

from __future__ import annotations

from sqlalchemy import insert, select

from intacct_asana.audit.timestamps import TimeStamp
from intacct_asana.codec import instant_of, instant_text
from intacct_asana.store.database import Database
from intacct_asana.store.tables import timestamps


def keep_timestamp(database: Database, *, flow: str, stamp: TimeStamp) -> None:
    """Keep it once: where two runs had the same row stamped, the first one stays."""
    with database.write() as connection:
        here = select(timestamps.c.sequence).where(timestamps.c.flow == flow, timestamps.c.sequence == stamp.sequence)
        if connection.execute(here).first() is None:
            row = {"flow": flow, "sequence": stamp.sequence, "digest": stamp.digest, "stamped_at": instant_text(stamp.at)}
            connection.execute(insert(timestamps).values(**row, url=stamp.url, token=stamp.token))


def read_timestamps(database: Database, *, flow: str, newest: int | None = None) -> list[TimeStamp]:
    """The newest row's first; all of them, or so many."""
    query = select(timestamps).where(timestamps.c.flow == flow).order_by(timestamps.c.sequence.desc()).limit(newest)
    with database.read() as connection:
        return [
            TimeStamp(sequence=row.sequence, digest=row.digest, at=instant_of(row.stamped_at), url=row.url, token=row.token)
            for row in connection.execute(query)
        ]
