"""Writes to the other side and their locks, which stand in the rows themselves.

Every step is compared with the row as it was seen: two processes that would send the same write meet there, and one of
them is told to try later.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, delete, or_, select, update
from sqlalchemy.exc import IntegrityError

from intacct_asana.codec import instant_of, instant_text, json_text
from intacct_asana.errors import Refused, TryLater
from intacct_asana.journal import name_of, under_way
from intacct_asana.records import Intent, IntentState
from intacct_asana.store.database import Database, add_all, in_chunks
from intacct_asana.store.tables import intents as table

NOTE_TRIES = 5
OPEN = [str(state) for state in IntentState if state.is_open]
OPEN_OF = (
    select(table)
    .where(table.c.flow == bindparam("flow"), table.c.kind.in_(bindparam("kinds", expanding=True)), table.c.state.in_(OPEN))
    .order_by(table.c.noted_at, table.c.intent_id)
)
RENEWED = ("kind", "subject", "state", "body", "control_id", "tries", "since", "noted_at", "changed_at", "answer")

# Made once, as every write takes two of them: to put a statement together takes longer than to carry it out.
SEEN = and_(*(table.c[name] == bindparam(f"seen_{name}") for name in ("flow", "intent_id", "state", "turn", "noted_at")))
MOVE = update(table).where(SEEN).values({column: bindparam(f"new_{column.name}") for column in table.c})
DROP = delete(table).where(SEEN)


class StoredIntents:
    """`ports.Journal` for one flow."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    @contextmanager
    def together(self) -> Iterator[None]:
        with self._database.write():
            yield

    def note(self, intents: Sequence[Intent], *, at: datetime) -> Mapping[str, Intent]:
        wanted = {intent.intent_id: _fresh(intent, at=at) for intent in intents}
        if len(wanted) != len(intents):
            raise Refused("Two of the writes to be noted are the same one; nothing was noted.")
        with self._database.write() as connection:
            rows = self._locked(connection, wanted, at=at)
            stand = {intent_id: _standing(rows[intent_id], intent) for intent_id, intent in wanted.items()}
            renewed = [self._row(intent, at=at) for intent in stand.values() if not intent.state.is_in_doubt]
            self._renew(connection, [row for row in renewed if row != rows[row["intent_id"]]._asdict()])
        return stand

    def move(self, before: Intent, after: Intent, *, exclusive: bool = False, at: datetime) -> None:
        row = self._row(after, at=at, flying=after.subject if exclusive and after.state.is_in_doubt else None)
        with self._database.write() as connection:
            if row["flying"]:
                self._refuse_second(connection, after)
            try:
                moved = connection.execute(MOVE, {**self._as_seen(before), **_new(row)}).rowcount
            except IntegrityError as error:
                if "flying" not in str(error.orig):
                    raise
                # Another process was faster after we had looked.
                raise _second(after, "another one") from error
            if moved != 1:
                raise self._overtaken(connection, before)

    def drop(self, intent: Intent) -> None:
        with self._database.write() as connection:
            if connection.execute(DROP, self._as_seen(intent)).rowcount != 1:
                raise self._overtaken(connection, intent)

    def open(self, *kinds: str) -> list[Intent]:
        with self._database.read() as connection:
            return [_intent(row) for row in connection.execute(OPEN_OF, {"flow": self._flow, "kinds": kinds})]

    def failing(self, *kinds: str, since: datetime, before: datetime) -> list[Intent]:
        """Writes that were refused, and those noted `before` then of which nobody knows what became; tried `since` then."""
        in_doubt = and_(table.c.state == str(IntentState.UNKNOWN), table.c.noted_at < instant_text(before))
        failed = or_(table.c.state == str(IntentState.REFUSED), in_doubt)
        query = select(table).where(self._own(), table.c.kind.in_(kinds), failed, table.c.changed_at >= instant_text(since))
        with self._database.read() as connection:
            return [_intent(row) for row in connection.execute(query.order_by(table.c.noted_at, table.c.intent_id))]

    def of(self, intent_ids: Collection[str]) -> Mapping[str, Intent]:
        with self._database.read() as connection:
            return {row.intent_id: _intent(row) for row in self._rows(connection, table.c.intent_id, intent_ids)}

    def about(self, subjects: Collection[str]) -> list[Intent]:
        with self._database.read() as connection:
            rows = self._rows(connection, table.c.subject, subjects)
        return [_intent(row) for row in sorted(rows, key=lambda row: (row.noted_at, row.intent_id))]

    # --- one transaction's parts ---

    def _locked(self, connection: Connection, wanted: Mapping[str, Intent], *, at: datetime) -> dict[str, Row[Any]]:
        """The rows of all that is wanted, made where there were none."""
        for _ in range(NOTE_TRIES):
            # In the order of their ids, so that two processes with the same ones wait for each other only once.
            add_all(connection, table, [self._row(wanted[intent_id], at=at) for intent_id in sorted(wanted)])
            rows = {row.intent_id: row for row in self._rows(connection, table.c.intent_id, wanted, lock=True)}
            # One that another process finished and took away in between is made again.
            if rows.keys() == wanted.keys():
                return rows
        raise TryLater("Another run finishes the same writes as fast as they are noted; nothing was noted.")

    def _renew(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Overwrite rows that are not in doubt with what is wanted now."""
        if not rows:
            return
        here = update(table).where(self._own(), table.c.intent_id == bindparam("id"))
        values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in RENEWED}
        given = [{"id": row["intent_id"], **_new({name: row[name] for name in RENEWED})} for row in rows]
        connection.execute(here.values(**values), given)

    def _refuse_second(self, connection: Connection, intent: Intent) -> None:
        same = (table.c.kind == intent.kind, table.c.flying == intent.subject, table.c.intent_id != intent.intent_id)
        other = connection.execute(select(table.c.intent_id).where(self._own(), *same)).scalar()
        if other is not None:
            raise _second(intent, other)

    def _overtaken(self, connection: Connection, seen: Intent) -> TryLater:
        row = connection.execute(select(table).where(self._own(), table.c.intent_id == seen.intent_id)).first()
        now = f"it is {row.state} by now" if row else "it is done by now"
        return under_way(_intent(row)) if row and row.claimed_by else TryLater(f"{name_of(seen)}: another run has it; {now}.")

    def _rows(
        self, connection: Connection, column: ColumnElement[str], values: Collection[str], *, lock: bool = False
    ) -> list[Row[Any]]:
        query = select(table).where(self._own()).order_by(table.c.intent_id)
        query = query.with_for_update() if lock else query
        return [row for chunk in in_chunks(values) for row in connection.execute(query.where(column.in_(chunk)))]

    def _as_seen(self, intent: Intent) -> dict[str, Any]:
        """For SEEN: the row, unless somebody moved it, or noted it anew, since `intent` was read."""
        assert intent.noted_at is not None, "it was never noted"
        return {
            "seen_flow": self._flow,
            "seen_intent_id": intent.intent_id,
            "seen_state": str(intent.state),
            "seen_turn": intent.turn,
            "seen_noted_at": instant_text(intent.noted_at),
        }

    def _own(self) -> ColumnElement[bool]:
        return table.c.flow == self._flow

    def _row(self, intent: Intent, *, at: datetime, flying: str | None = None) -> dict[str, Any]:
        return {
            "flow": self._flow,
            "intent_id": intent.intent_id,
            "kind": intent.kind,
            "subject": intent.subject,
            "state": str(intent.state),
            "body": json_text(intent.body),
            "control_id": intent.control_id,
            "turn": intent.turn,
            "tries": intent.tries,
            "since": instant_text(intent.since) if intent.since else None,
            "noted_at": instant_text(intent.noted_at or at),
            "changed_at": instant_text(at),
            "answer": json_text(intent.answer),
            "claimed_by": intent.claimed_by,
            "claimed_until": instant_text(intent.claimed_until) if intent.claimed_until else None,
            "flying": flying,
        }


def _new(row: Mapping[str, Any]) -> dict[str, Any]:
    return {f"new_{name}": value for name, value in row.items()}


def _second(intent: Intent, other: str) -> TryLater:
    return TryLater(f"{name_of(intent)} waits until {other} about the same is settled: only one at a time may be under way.")


def _fresh(intent: Intent, *, at: datetime) -> Intent:
    """As a row holds it: the body as JSON gives it back, so that a kind never meets another form of it."""
    body = json.loads(json_text(intent.body))
    since = instant_of(instant_text(intent.since)) if intent.since else None
    return Intent(
        intent_id=intent.intent_id,
        kind=intent.kind,
        subject=intent.subject,
        body=body,
        since=since,
        control_id=intent.control_id,
        noted_at=at,
    )


def _standing(row: Row[Any], wanted: Intent) -> Intent:
    """What is wanted now, with what is known of the row's earlier tries."""
    stored = _intent(row)
    if not stored.state.is_in_doubt:
        return replace(wanted, turn=stored.turn)
    is_repeat = stored.body == wanted.body
    return replace(
        stored,
        body=wanted.body,
        since=stored.since or wanted.since,
        control_id=stored.control_id if is_repeat else wanted.control_id,
        tries=stored.tries if is_repeat else 0,
    )


def _intent(row: Row[Any]) -> Intent:
    return Intent(
        intent_id=row.intent_id,
        kind=row.kind,
        subject=row.subject,
        body=json.loads(row.body),
        since=instant_of(row.since) if row.since else None,
        state=IntentState(row.state),
        control_id=row.control_id,
        turn=row.turn,
        tries=row.tries,
        noted_at=instant_of(row.noted_at),
        answer=json.loads(row.answer),
        claimed_by=row.claimed_by,
        claimed_until=instant_of(row.claimed_until) if row.claimed_until else None,
    )
