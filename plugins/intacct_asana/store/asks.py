"""Who was asked what, by which subtask, and for which bills that was worked out already."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select

from intacct_asana.codec import from_json, instant_text, to_json
from intacct_asana.records.asks import Ask, AskState
from intacct_asana.store.database import Database, put
from intacct_asana.store.tables import asked, evidence
from intacct_asana.store.tables import asks as table

CHUNK = 500
"""Keys in one IN list: below the variable limit of every database."""


class StoredAsks:
    """One flow's asks."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def save(self, rows: Iterable[Ask]) -> None:
        with self._database.write() as connection:
            for ask in rows:
                put(connection, table, self._row(ask))

    def open(self) -> list[Ask]:
        return self._select(table.c.state == str(AskState.OPEN))

    def of(self, keys: Collection[str]) -> Mapping[str, list[Ask]]:
        """Everything that was asked about these bills, by key, oldest first."""
        found: dict[str, list[Ask]] = {key: [] for key in keys}
        for ask in self._among(table.c.key, keys):
            found[ask.key].append(ask)
        return found

    def named(self, ask_ids: Collection[str]) -> Mapping[str, Ask]:
        return {ask.ask_id: ask for ask in self._among(table.c.ask_id, ask_ids)}

    def by_subtask(self, gids: Collection[str]) -> Mapping[str, Ask]:
        return {ask.subtask_gid: ask for ask in self._among(table.c.subtask_gid, gids)}

    # For which bills it was worked out who has to be asked.

    def worked_out(self) -> Mapping[str, str]:
        """By key the task that stood for the bill then."""
        query = select(asked.c.key, asked.c.task_gid).where(asked.c.flow == self._flow)
        with self._database.read() as connection:
            return {row.key: row.task_gid for row in connection.execute(query)}

    def note_worked_out(self, key: str, *, task_gid: str) -> None:
        with self._database.write() as connection:
            put(connection, asked, {"flow": self._flow, "key": key, "task_gid": task_gid})

    def work_out_again(self, keys: Collection[str]) -> None:
        with self._database.write() as connection:
            for chunk in _chunks(keys):
                connection.execute(delete(asked).where(asked.c.flow == self._flow, asked.c.key.in_(chunk)))

    def decided_since(self, sequence: int) -> tuple[frozenset[str], int]:
        """Keys of bills with evidence behind that row, and the number of the newest row."""
        own = evidence.c.flow == self._flow
        with self._database.read() as connection:
            newest = connection.execute(select(func.max(evidence.c.sequence)).where(own)).scalar() or 0
            keys = connection.execute(select(evidence.c.key).where(own, evidence.c.sequence > sequence).distinct())
            return frozenset(keys.scalars()), newest

    def _among(self, column: ColumnElement[str], values: Collection[str]) -> list[Ask]:
        return [ask for chunk in _chunks(values) for ask in self._select(column.in_(chunk))]

    def _select(self, condition: ColumnElement[bool]) -> list[Ask]:
        query = select(table.c.body).where(table.c.flow == self._flow, condition).order_by(table.c.opened_at, table.c.ask_id)
        with self._database.read() as connection:
            return [from_json(Ask, row.body) for row in connection.execute(query)]

    def _row(self, ask: Ask) -> dict[str, Any]:
        return {
            "flow": self._flow,
            "ask_id": ask.ask_id,
            "key": ask.key,
            "subtask_gid": ask.subtask_gid,
            "state": str(ask.state),
            "opened_at": instant_text(ask.opened_at),
            "body": to_json(ask),
        }


def _chunks(values: Collection[str]) -> list[Sequence[str]]:
    wanted = sorted(set(values))
    return [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
