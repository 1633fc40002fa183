"""Changes of vendors that people have to answer, and how far each has come."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, select

from intacct_asana.codec import from_json, instant_text, to_json
from intacct_asana.records.payee import PayeeChange, PayeeState
from intacct_asana.store.database import Database, put
from intacct_asana.store.tables import payee_changes as table

CHUNK = 500
"""Vendors in one IN list: below the variable limit of every database."""


class StoredPayees:
    """One flow's changes of vendors."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def save(self, changes: Iterable[PayeeChange]) -> None:
        with self._database.write() as connection:
            for change in changes:
                put(connection, table, self._row(change))

    def unanswered(self) -> list[PayeeChange]:
        """Those that nobody released, and that no later change of the vendor took the place of."""
        return self._select(table.c.state.in_([str(PayeeState.OPEN), str(PayeeState.FRAUD)]))

    def of_vendors(self, vendors: Collection[str]) -> list[PayeeChange]:
        """Every change of these vendors, oldest first."""
        wanted = sorted(set(vendors))
        chunks = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
        return [one for chunk in chunks for one in self._select(table.c.vendor.in_(chunk))]

    def asked(self) -> list[PayeeChange]:
        """Those of `unanswered` with a task on which somebody may answer."""
        return self._select((table.c.state == str(PayeeState.OPEN)) & (table.c.subtask_gid != ""))

    def named(self, change_ids: Iterable[str]) -> list[PayeeChange]:
        wanted = sorted(set(change_ids))
        chunks = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
        return [one for chunk in chunks for one in self._select(table.c.change_id.in_(chunk))]

    def _select(self, condition: ColumnElement[bool]) -> list[PayeeChange]:
        query = select(table.c.body).where(table.c.flow == self._flow, condition).order_by(table.c.at, table.c.change_id)
        with self._database.read() as connection:
            return [from_json(PayeeChange, row.body) for row in connection.execute(query)]

    def _row(self, change: PayeeChange) -> dict[str, Any]:
        return {
            "flow": self._flow,
            "change_id": change.change_id,
            "vendor": change.vendor,
            "state": str(change.state),
            "subtask_gid": change.subtask_gid,
            "at": instant_text(change.at),
            "body": to_json(change),
        }
