"""Which documents the tasks should carry. How far a single file got onto its task is the journal's matter."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, or_, select, update

from intacct_asana.records.documents import DueDocument, WantedDocument
from intacct_asana.store.database import Database, add, put
from intacct_asana.store.tables import documents as table
from intacct_asana.store.tables import links

CHUNK = 500
"""Keys in one IN list: below the variable limit of every database."""

WANTED, DONE, REFUSED = "wanted", "done", "refused"


class StoredDocuments:
    """The documents of one flow's records of one kind."""

    def __init__(self, database: Database, *, flow: str, kind: str) -> None:
        self._database, self._flow, self._kind = database, flow, kind

    def want(self, wanted: Sequence[WantedDocument], *, keys: Collection[str]) -> None:
        """What the records of `keys` should carry from now on.

        What is on a task stays there and is not wanted twice; what a record no longer names is not waited for any more.
        """
        named = {(one.key, one.form, one.document_id) for one in wanted}
        with self._database.write() as connection:
            for row in self._waiting(connection, keys):
                if (row.key, row.form, row.document_id) not in named:
                    connection.execute(delete(table).where(self._own(), *self._is(row)))
            for one in sorted(wanted, key=lambda each: (each.key, each.document_id)):
                add(connection, table, self._row(one, state=WANTED, task_gid="", outcome=""))

    def want_again(self, replaced: Sequence[WantedDocument]) -> None:
        """Other files hang under these attachment ids now. What earlier ones brought stays on the task."""
        with self._database.write() as connection:
            for one in replaced:
                connection.execute(update(table).where(self._own(), *self._is(one)).values(state=WANTED))

    def due(self) -> list[DueDocument]:
        """What is not on its task yet, by key; also what was on a task that another has replaced."""
        here = and_(links.c.flow == table.c.flow, links.c.kind == table.c.kind, links.c.key == table.c.key)
        missing = or_(table.c.state == WANTED, and_(table.c.state == DONE, table.c.task_gid != links.c.task_gid))
        query = select(table, links.c.task_gid.label("linked")).join(links, here).where(self._own(), missing)
        with self._database.read() as connection:
            return [_due(row) for row in connection.execute(query.order_by(table.c.key, table.c.document_id))]

    def finish(self, due: DueDocument, *, refused: str = "") -> None:
        """The task carries what it can. `refused` says what of the document will never fit."""
        state = REFUSED if refused else DONE
        with self._database.write() as connection:
            put(connection, table, self._row(due.wanted, state=state, task_gid=due.task_gid, outcome=refused))

    def _waiting(self, connection: Connection, keys: Collection[str]) -> list[Row[Any]]:
        each = sorted(keys)
        chunks = (each[start : start + CHUNK] for start in range(0, len(each), CHUNK))
        query = select(table).where(self._own(), table.c.state == WANTED)
        return [row for chunk in chunks for row in connection.execute(query.where(table.c.key.in_(chunk)))]

    def _row(self, wanted: WantedDocument, **more: Any) -> dict[str, Any]:
        named = {name: getattr(wanted, name) for name in ("key", "form", "document_id", "name", "url")}
        return {"flow": self._flow, "kind": self._kind, **named, **more}

    def _own(self) -> ColumnElement[bool]:
        return and_(table.c.flow == self._flow, table.c.kind == self._kind)

    @staticmethod
    def _is(row: Any) -> tuple[ColumnElement[bool], ...]:
        return (table.c.key == row.key, table.c.form == row.form, table.c.document_id == row.document_id)


def _due(row: Any) -> DueDocument:
    wanted = WantedDocument(key=row.key, form=row.form, document_id=row.document_id, name=row.name, url=row.url)
    return DueDocument(wanted=wanted, task_gid=row.linked)
