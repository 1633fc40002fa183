"""Facts by time: what bills said, who owned exceptions, which rules held. Rows are added, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, and_, func, insert, select

from intacct_asana.closing.facts import BILL, LOOK, WHOLE, Fact, Kept, Told
from intacct_asana.codec import instant_of, instant_text
from intacct_asana.store.database import Database
from intacct_asana.store.tables import evidence, history, shown

CHUNK = 500
"""Keys in one IN list: below the variable limit of every database."""
READ_AT_ONCE = 2000


class StoredHistory:
    """One flow's facts. `until` is an instant that does not count itself: the end of a day is the beginning of the next."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def keep(
        self,
        kind: str,
        facts: Mapping[str, Fact],
        *,
        gone: Collection[str] = (),
        all_but: Collection[str] | None = None,
        read_at: datetime,
        at: datetime,
    ) -> int:
        """A row for each fact that differs from what was known; how many these are.

        What was `gone` holds no more, and neither does anything else that was open, where `all_but` is given: all there is was
        looked at, but for these keys. What begins as over is no news. Whoever read before what is known was read says nothing:
        two runs may end in the other order than they began.
        """
        with self._database.write() as connection:
            self._one_at_a_time(connection)
            known = self._newest(connection, kind, facts.keys() | set(gone))
            if all_but is not None:
                ended = {key: row for key, row in self._open(connection, kind, None).items() if key not in facts}
                known, gone = {**known, **ended}, {*gone, *(ended.keys() - set(all_but))}
            over = {key: Fact(text=known[key].body, is_open=False) for key in sorted(gone) if key in known and key not in facts}
            rows = [
                self._row(kind, key, fact, known.get(key), read_at=read_at, at=at)
                for key, fact in {**facts, **over}.items()
                if _is_news(fact, known.get(key), read_at)
            ]
            if rows:
                connection.execute(insert(history), rows)
        return len(rows)

    def open_but(self, kind: str, *known: Container[str]) -> list[str]:
        """Keys of what holds now and is among none of these. Within a transaction it sees what that kept."""
        newest = select(func.max(history.c.id)).where(history.c.flow == self._flow, history.c.kind == kind)
        query = select(history.c.key).where(history.c.id.in_(newest.group_by(history.c.key)), history.c.is_open)
        with self._database.read() as connection:
            found = connection.execute(query.execution_options(yield_per=READ_AT_ONCE)).scalars()
            return [key for key in found if not any(key in keys for keys in known)]

    def looked(self, *, whole: bool, at: datetime) -> None:
        """Bills were read, all of the open ones where it was the `whole`: a row an hour, and one for the first whole look."""
        facts = {f"{instant_text(at)[:13]}": Fact(text="")} | ({WHOLE: Fact(text="")} if whole else {})
        self.keep(LOOK, facts, read_at=at, at=at)

    # Looking back.

    def open_at(self, kind: str, *, until: datetime) -> dict[str, Kept]:
        """The facts that held at that instant, by key."""
        with self._database.read() as connection:
            return {key: _kept(row) for key, row in self._open(connection, kind, until).items()}

    def of(self, kind: str, keys: Collection[str], *, until: datetime) -> dict[str, list[Kept]]:
        """All facts under these keys until then, oldest first."""
        query = self._own(kind).where(history.c.kept_at < instant_text(until)).order_by(history.c.id)
        found: dict[str, list[Kept]] = {}
        with self._database.read() as connection:
            for chunk in _chunks(keys):
                for row in connection.execute(query.where(history.c.key.in_(chunk))):
                    found.setdefault(row.key, []).append(_kept(row))
        return found

    def newest(self, kind: str, keys: Collection[str]) -> dict[str, Kept]:
        """What holds now under these keys, as far as it is known."""
        with self._database.read() as connection:
            return {key: _kept(row) for key, row in self._newest(connection, kind, keys).items() if row.is_open}

    def looked_at(self, *, until: datetime) -> tuple[datetime | None, datetime | None, datetime | None]:
        """When the first bill was kept, when all open ones had been read first, and when bills were read last, before then."""
        kept_at, before = history.c.kept_at, history.c.kept_at < instant_text(until)
        of = {kind: and_(history.c.flow == self._flow, history.c.kind == kind, before) for kind in (BILL, LOOK)}
        queries = (
            select(func.min(kept_at)).where(of[BILL]),
            select(func.min(kept_at)).where(of[LOOK], history.c.key == WHOLE),
            select(func.max(kept_at)).where(of[LOOK], history.c.key != WHOLE),
        )
        with self._database.read() as connection:
            began, whole, last = (connection.execute(query).scalar() for query in queries)
        return tuple(instant_of(at) if at else None for at in (began, whole, last))  # type: ignore[return-value]

    def told(self, keys: Collection[str], *, until: datetime) -> list[Told]:
        """What the evidence said until then about decisions on these bills, in its order within each bill."""
        query = select(evidence).where(
            evidence.c.flow == self._flow, evidence.c.decision_id != "", evidence.c.written_at < instant_text(until)
        )
        with self._database.read() as connection:
            return [
                Told(key=row.key, decision_id=row.decision_id, at=instant_of(row.written_at), said=json.loads(row.body))
                for chunk in _chunks(keys)
                for row in connection.execute(query.where(evidence.c.key.in_(chunk)).order_by(evidence.c.sequence))
            ]

    def first_shown(self, keys: Collection[str], *, until: datetime) -> dict[str, datetime]:
        """When a task first showed each bill: older than the facts, where those began later."""
        own = and_(shown.c.flow == self._flow, shown.c.kind == BILL, shown.c.shown_at < instant_text(until))
        query = select(shown.c.key, func.min(shown.c.shown_at).label("at")).where(own).group_by(shown.c.key)
        with self._database.read() as connection:
            rows = (row for chunk in _chunks(keys) for row in connection.execute(query.where(shown.c.key.in_(chunk))))
            return {row.key: instant_of(row.at) for row in rows}

    # --- parts of one transaction ---

    def _one_at_a_time(self, connection: Connection) -> None:
        """Whoever keeps facts sees those of everybody before. SQLite lets one write at a time as it is."""
        if connection.dialect.name == "postgresql":
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"ia_history {self._flow}"))))

    def _newest(self, connection: Connection, kind: str, keys: Collection[str]) -> dict[str, Row[Any]]:
        found = dict[str, Row[Any]]()
        for chunk in _chunks(keys):
            found |= self._last(connection, kind, history.c.key.in_(chunk))
        return found

    def _open(self, connection: Connection, kind: str, until: datetime | None) -> dict[str, Row[Any]]:
        limits = [history.c.kept_at < instant_text(until)] if until else []
        return {key: row for key, row in self._last(connection, kind, *limits).items() if row.is_open}

    def _last(self, connection: Connection, kind: str, *limits: Any) -> dict[str, Row[Any]]:
        own = and_(history.c.flow == self._flow, history.c.kind == kind, *limits)
        newest = select(func.max(history.c.id)).where(own).group_by(history.c.key)
        return {row.key: row for row in connection.execute(select(history).where(history.c.id.in_(newest)))}

    def _own(self, kind: str) -> Select[Any]:
        return select(history).where(history.c.flow == self._flow, history.c.kind == kind)

    def _row(
        self, kind: str, key: str, fact: Fact, before: Row[Any] | None, *, read_at: datetime, at: datetime
    ) -> dict[str, Any]:
        # What is kept later was known later, also where a clock was set back.
        kept_at = max(instant_text(at), before.kept_at if before else "")
        return {
            "flow": self._flow,
            "kind": kind,
            "key": key,
            "kept_at": kept_at,
            "read_at": instant_text(read_at),
            "is_open": fact.is_open,
            "body": fact.text,
        }


def _is_news(fact: Fact, before: Row[Any] | None, read_at: datetime) -> bool:
    if before is None:
        return fact.is_open
    if before.read_at > instant_text(read_at):
        return False
    return bool(fact.is_open != before.is_open or (fact.is_open and fact.text != before.body))


def _kept(row: Row[Any]) -> Kept:
    return Kept(kind=row.kind, key=row.key, at=instant_of(row.kept_at), text=row.body, is_open=row.is_open)


def _chunks(keys: Collection[str]) -> Iterator[Sequence[str]]:
    wanted = sorted(set(keys))
    return (wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK))
