"""What the audit of both sides found and holds still, and the exceptions that have a task with an owner."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update

from intacct_asana.codec import from_json, instant_of, instant_text, to_json
from intacct_asana.records.drift import Drifted
from intacct_asana.records.matters import LIVE, Matter, MatterState
from intacct_asana.store.database import Database, put
from intacct_asana.store.tables import findings, matters

CHUNK = 500
"""Ids in one IN list: below the variable limit of every database."""


class StoredFindings:
    """What one flow's audits found."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def keep(self, found: Iterable[Drifted], *, left_alone: Collection[str] = (), at: datetime) -> list[Drifted]:
        """All that holds now, in one transaction; what was found before and is not any more ends. The answer is what is new.

        What is known of `left_alone` keys stays: they could not be looked at.
        """
        now = {one.finding_id: one for one in found}
        with self._database.write() as connection:
            held = {row.finding_id: row for row in connection.execute(select(findings).where(self._open()))}
            ended = [name for name, row in held.items() if name not in now and row.key not in left_alone]
            for start in range(0, len(ended), CHUNK):
                here = self._open() & findings.c.finding_id.in_(ended[start : start + CHUNK])
                connection.execute(update(findings).where(here).values(ended_at=instant_text(at)))
            for name, one in sorted(now.items()):
                found_at = held[name].found_at if name in held else instant_text(at)
                put(connection, findings, {**self._row(one), "found_at": found_at, "ended_at": None})
        return [one for name, one in now.items() if name not in held or from_json(Drifted, held[name].body).cause != one.cause]

    def open(self) -> list[tuple[Drifted, datetime]]:
        """What holds still, with the time when it was first found, oldest first."""
        query = select(findings).where(self._open()).order_by(findings.c.found_at, findings.c.finding_id)
        with self._database.read() as connection:
            return [(from_json(Drifted, row.body), instant_of(row.found_at)) for row in connection.execute(query)]

    def _open(self) -> ColumnElement[bool]:
        return (findings.c.flow == self._flow) & findings.c.ended_at.is_(None)

    def _row(self, one: Drifted) -> dict[str, Any]:
        return {
            "flow": self._flow,
            "finding_id": one.finding_id,
            "drift": str(one.drift),
            "key": one.key,
            "body": to_json(one),
        }


class StoredMatters:
    """One flow's exceptions."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def save(self, *rows: Matter, at: datetime) -> None:
        """As they are from now on."""
        with self._database.write() as connection:
            put(connection, matters, *(self._row(row, at) for row in rows))

    def live(self) -> Mapping[str, Matter]:
        """Those whose cause holds, as far as we know, by id."""
        return self._select(matters.c.state.in_(sorted(LIVE)))

    def adopted(self) -> Mapping[str, Matter]:
        return self._select(matters.c.state == str(MatterState.ADOPTED))

    def of(self, matter_ids: Collection[str]) -> Mapping[str, Matter]:
        wanted, found = sorted(set(matter_ids)), dict[str, Matter]()
        for start in range(0, len(wanted), CHUNK):
            found |= self._select(matters.c.matter_id.in_(wanted[start : start + CHUNK]))
        return found

    def _select(self, condition: ColumnElement[bool]) -> dict[str, Matter]:
        query = select(matters.c.body).where(matters.c.flow == self._flow, condition).order_by(matters.c.matter_id)
        with self._database.read() as connection:
            rows = [from_json(Matter, row.body) for row in connection.execute(query)]
        return {row.matter_id: row for row in rows}

    def _row(self, row: Matter, at: datetime) -> dict[str, Any]:
        return {
            "flow": self._flow,
            "matter_id": row.matter_id,
            "ended_at": instant_text(at) if row.state is MatterState.ENDED else None,
            "kind": row.kind,
            "state": str(row.state),
            "task_gid": row.task_gid,
            "body": to_json(row),
        }
