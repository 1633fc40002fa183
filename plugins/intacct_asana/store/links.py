"""Which task stands for which record, what it was confirmed to say, and what it showed when."""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError

from intacct_asana.codec import draft_digest, from_json, instant_of, instant_text, json_text, to_json
from intacct_asana.errors import Refused
from intacct_asana.records import Link, LinkDigest, Snapshot, TaskDraft
from intacct_asana.store.database import Database, in_chunks, put
from intacct_asana.store.tables import links, shown

READ_AT_ONCE = 2000

# Made once, as every task that is written takes them: to put a statement together takes longer than to carry it out.
OWN_LINK, OWN_SHOWN = (
    and_(*(table.c[name] == bindparam(f"own_{name}") for name in ("flow", "kind"))) for table in (links, shown)
)
SHARED = select(links.c.key).where(OWN_LINK, links.c.task_gid == bindparam("task"), links.c.key != bindparam("but"))
SHOWN = (
    select(shown)
    .where(OWN_SHOWN, shown.c.key == bindparam("about"), shown.c.task_gid == bindparam("task"))
    .order_by(shown.c.shown_at.desc(), shown.c.id.desc())
    .limit(1)
)
SHOWN_BY_THEN = SHOWN.where(shown.c.shown_at <= bindparam("by_then"))


class StoredLinks:
    """`ports.Links` for one flow and one kind of record."""

    def __init__(self, database: Database, *, flow: str, kind: str) -> None:
        self._database, self._flow, self._kind = database, flow, kind

    def all(self) -> Mapping[str, Link]:
        with self._database.read() as connection:
            return {row.key: link_of(row) for row in connection.execute(select(links).where(self._own(links)))}

    def count(self) -> int:
        """How many links there are, without reading them."""
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(links).where(self._own(links))).scalar_one()

    def keys_but(self, known: Container[str]) -> list[str]:
        """Keys of links that are not among these, in their order; no more is read of them."""
        query = select(links.c.key).where(self._own(links)).execution_options(yield_per=READ_AT_ONCE)
        with self._database.read() as connection:
            return sorted(key for key in connection.execute(query).scalars() if key not in known)

    def digests(self, keys: Collection[str]) -> Mapping[str, LinkDigest]:
        """How these links stand, told shortly, and by which digest their tasks show their records."""
        if not keys:
            return {}
        # One query and no names of columns: of a no-change run this is the half.
        here = and_(*(shown.c[name] == links.c[name] for name in ("flow", "kind", "key", "task_gid")))
        told = (links.c.key, links.c.task_gid, links.c.record_no, links.c.digest, shown.c.digest)
        query = select(*told).select_from(links.outerjoin(shown, here)).where(self._own(links))
        # Of what a task showed one after the other, the newest is the last.
        query = query.order_by(shown.c.shown_at, shown.c.id)
        with self._database.read() as connection:
            rows = [row for chunk in in_chunks(keys) for row in connection.execute(query.where(links.c.key.in_(chunk))).all()]
        return {key: LinkDigest(key, gid, number, digest or "", newest or "") for key, gid, number, digest, newest in rows}

    def of(self, keys: Collection[str]) -> Mapping[str, Link]:
        return {row.key: link_of(row) for row in self._rows(links, links.c.key, keys)}

    def by_task(self, task_gids: Collection[str]) -> Mapping[str, Link]:
        return {row.task_gid: link_of(row) for row in self._rows(links, links.c.task_gid, task_gids)}

    def by_record_no(self, record_nos: Collection[str]) -> Mapping[str, Link]:
        """Links by key, of the records that had these numbers when their tasks were last written."""
        return {row.key: link_of(row) for row in self._rows(links, links.c.record_no, record_nos)}

    def save(self, link: Link, *, shown: Snapshot | None = None, shown_at: datetime | None = None) -> None:
        """Keep the link, and note what its task shows from `shown_at` on; all or nothing.

        Raises Refused when the task stands for another key, and when `shown` comes without its instant.
        """
        if shown and not shown_at:
            raise Refused(f"What the task of {link.key} shows cannot be kept without the instant from which it shows it.")
        with self._database.write() as connection:
            self._refuse_shared_task(connection, link)
            self._put(connection, link)
            if shown and shown_at:
                self._note_shown(connection, link, shown, shown_at)

    def shown(self, key: str, *, task_gid: str, at: datetime) -> Snapshot | None:
        """What this very task showed of `key` at that instant, or None when it showed nothing yet."""
        with self._database.read() as connection:
            given = self._given(about=key, task=task_gid, by_then=instant_text(at))
            row = connection.execute(SHOWN_BY_THEN, given).first()
            return _snapshot(row) if row else None

    def showing(self, keys: Collection[str]) -> Mapping[str, Snapshot]:
        """What the task of each key shows now. A task that took another's place shows what was written onto it."""
        tasks = {row.key: row.task_gid for row in self._rows(links, links.c.key, keys)}
        rows = self._rows(shown, shown.c.key, tasks, order=(shown.c.shown_at, shown.c.id))
        return {row.key: _snapshot(row) for row in rows if row.task_gid == tasks[row.key]}

    def shown_after(self, place: int, *, most: int) -> list[tuple[int, str, str]]:
        """What tasks began to show behind a place, oldest first: (place, key, task gid). Places only grow."""
        query = select(shown.c.id, shown.c.key, shown.c.task_gid).where(self._own(shown), shown.c.id > place)
        with self._database.read() as connection:
            return [(row.id, row.key, row.task_gid) for row in connection.execute(query.order_by(shown.c.id).limit(most))]

    def stood_for(self, task_gids: Collection[str]) -> Mapping[str, str]:
        """By task the key of the record that it showed last, also when another task stands for that record by now."""
        rows = self._rows(shown, shown.c.task_gid, task_gids, order=(shown.c.shown_at, shown.c.id))
        return {row.task_gid: row.key for row in rows}

    # --- one transaction's parts ---

    def _refuse_shared_task(self, connection: Connection, link: Link) -> None:
        other = connection.execute(SHARED, self._given(task=link.task_gid, but=link.key)).scalar()
        if other is not None:
            raise _shared(link, other)

    def _put(self, connection: Connection, link: Link) -> None:
        row = self._row(
            link.key,
            task_gid=link.task_gid,
            record_no=link.record_no,
            task_url=link.task_url,
            confirmed=to_json(link.confirmed) if link.confirmed else None,
            linked_at=instant_text(link.linked_at) if link.linked_at else None,
            digest=draft_digest(link.confirmed) if link.confirmed else None,
        )
        try:
            put(connection, links, row)
        except IntegrityError as error:
            if "task_gid" not in str(error.orig):
                raise
            # Another process claimed the task after we had looked.
            raise _shared(link, "another record") from error

    def _note_shown(self, connection: Connection, link: Link, snapshot: Snapshot, at: datetime) -> None:
        """Only a change is a new row: the task's newest one holds until it showed something else."""
        newest = connection.execute(SHOWN, self._given(about=link.key, task=link.task_gid)).first()
        if newest and newest.digest == snapshot.digest:
            return
        # Asana's clock and ours differ by seconds; what is saved later was shown later, whatever they say.
        shown_at = max(instant_text(at), newest.shown_at if newest else "")
        row = self._row(link.key, task_gid=link.task_gid, shown_at=shown_at, digest=snapshot.digest)
        connection.execute(insert(shown), {**row, "body": json_text(snapshot.body)})

    def _rows(self, table: Any, column: Any, values: Collection[str], *, order: Sequence[Any] = ()) -> list[Row[Any]]:
        if not values:
            return []
        query, chunks = _rows_by(table, column, tuple(order)), in_chunks(values)
        with self._database.read() as connection:
            return [row for chunk in chunks for row in connection.execute(query, self._given(wanted=chunk)).all()]

    def _own(self, table: Any) -> ColumnElement[bool]:
        return and_(table.c.flow == self._flow, table.c.kind == self._kind)

    def _given(self, **values: Any) -> dict[str, Any]:
        """For the statements that are made once."""
        return {"own_flow": self._flow, "own_kind": self._kind, **values}

    def _row(self, key: str, **values: Any) -> dict[str, Any]:
        return {"flow": self._flow, "kind": self._kind, "key": key, **values}


@cache
def _rows_by(table: Any, column: Any, order: tuple[Any, ...]) -> Select[Any]:
    own = OWN_LINK if table is links else OWN_SHOWN
    return select(table).where(own, column.in_(bindparam("wanted", expanding=True))).order_by(*order)


def _shared(link: Link, other: str) -> Refused:
    return Refused(
        f"Task {link.task_gid} already stands for {other}, so it cannot stand for {link.key} too. "
        "Delete the copied key from one of the two tasks in Asana."
    )


def _snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot(digest=row.digest, body=json.loads(row.body))


def link_of(row: Row[Any]) -> Link:
    """A row of `ia_links` as the record that it is."""
    return Link(
        key=row.key,
        task_gid=row.task_gid,
        record_no=row.record_no,
        task_url=row.task_url,
        confirmed=from_json(TaskDraft, row.confirmed) if row.confirmed else None,
        linked_at=instant_of(row.linked_at) if row.linked_at else None,
    )
