"""How far each task's history is known: read up to here by us, last written by us there.

Marks save reading only. One that is lost costs one more read of that task's stories, and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update

from intacct_asana.codec import instant_of, instant_text
from intacct_asana.records import Mark
from intacct_asana.store.database import Database, add_all, put
from intacct_asana.store.tables import marks as table

CHUNK = 500


class StoredMarks:
    """The marks of one flow's tasks, by task gid."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def of(self, task_gids: Collection[str]) -> Mapping[str, Mark]:
        wanted = sorted(set(task_gids))
        query = select(table).where(table.c.flow == self._flow)
        with self._database.read() as connection:
            chunks = (wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK))
            rows = [row for chunk in chunks for row in connection.execute(query.where(table.c.task_gid.in_(chunk)))]
        return {row.task_gid: _mark(row) for row in rows}

    def read(self, marks: Mapping[str, Mark]) -> None:
        """These tasks' stories were read. What we wrote ourselves stays noted."""
        with self._database.write() as connection:
            for gid, mark in sorted(marks.items()):
                put(connection, table, self._row(gid, mark.read_at, value=mark.value))

    def made(self, times: Mapping[str, datetime]) -> None:
        """We made these tasks, and Asana gave that time of change: there is no history before it to read."""
        with self._database.write() as connection:
            add_all(connection, table, [self._row(gid, at) for gid, at in sorted(times.items())])

    def wrote(self, times: Mapping[str, datetime]) -> None:
        """Asana answered our own write of these tasks with that time of change.

        A task whose history was never read gets no mark by this: a person may have decided on it before we wrote.
        """
        if not times:
            return
        here = update(table).where(table.c.flow == self._flow, table.c.task_gid == bindparam("gid"))
        with self._database.write() as connection:
            rows = [{"gid": gid, "at": instant_text(at)} for gid, at in sorted(times.items())]
            connection.execute(here.values(wrote_at=bindparam("at")), rows)

    def _row(self, task_gid: str, read_at: datetime, **more: Any) -> dict[str, Any]:
        return {"flow": self._flow, "task_gid": task_gid, "read_at": instant_text(read_at), **more}


def _mark(row: Any) -> Mark:
    return Mark(
        read_at=instant_of(row.read_at), wrote_at=instant_of(row.wrote_at) if row.wrote_at else None, value=row.value or ""
    )
