"""Every bill of the company as it was last read, and what was found against bills."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from intacct_asana.codec import from_json, instant_text, to_json
from intacct_asana.records.concerns import BillFacts, Concern, ConcernState
from intacct_asana.store.database import Database, put
from intacct_asana.store.tables import concerns as found
from intacct_asana.store.tables import ledger
from intacct_asana.text import amount_text

CHUNK = 500
"""Keys in one IN list: below the variable limit of every database."""
WIDTH = 200


class StoredLedger:
    """`control_ports.Ledger` for one flow."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def save(self, facts: Iterable[BillFacts]) -> None:
        rows = [self._row(one) for one in facts]
        with self._database.write() as connection:
            put(connection, ledger, *rows)

    def all(self) -> list[BillFacts]:
        return self._select(ledger.c.flow == self._flow)

    def of(self, keys: Collection[str]) -> Mapping[str, BillFacts]:
        return {one.key: one for chunk in _chunks(keys) for one in self._select(ledger.c.key.in_(chunk))}

    def by_record_no(self, record_nos: Collection[str]) -> list[BillFacts]:
        return [one for chunk in _chunks(record_nos) for one in self._select(ledger.c.record_no.in_(chunk))]

    def of_vendor(self, vendor_id: str, *, since: date) -> list[BillFacts]:
        return self._select(ledger.c.vendor_id == vendor_id, ledger.c.bill_date >= since.isoformat())

    def dated(self, *, since: date) -> list[BillFacts]:
        return self._select(ledger.c.bill_date >= since.isoformat())

    def numbers_since(self, since: date) -> list[str]:
        """Record numbers of bills that are dated on that day or later."""
        query = select(ledger.c.record_no).where(ledger.c.flow == self._flow, ledger.c.bill_date >= since.isoformat())
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def same_number(self, *numbers: str) -> list[BillFacts]:
        wanted = sorted({_cut(one) for one in numbers if one})
        if not wanted:
            return []
        return self._select(or_(ledger.c.number_like.in_(wanted), ledger.c.number_stem.in_(wanted)))

    def same_amount(self, currency: str, amount: Decimal, *, since: date) -> list[BillFacts]:
        same = (ledger.c.currency == currency, ledger.c.amount == amount_text(amount))
        return self._select(*same, ledger.c.bill_date >= since.isoformat())

    def same_document(self, document_id: str) -> list[BillFacts]:
        return self._select(ledger.c.document_id == _cut(document_id)) if document_id else []

    def _select(self, *conditions: ColumnElement[bool]) -> list[BillFacts]:
        query = select(ledger.c.body).where(ledger.c.flow == self._flow, *conditions).order_by(ledger.c.key)
        with self._database.read() as connection:
            return [from_json(BillFacts, body) for body in connection.execute(query).scalars()]

    def _row(self, one: BillFacts) -> dict[str, Any]:
        return {
            "flow": self._flow,
            "key": one.key,
            "record_no": one.record_no,
            "vendor_id": _cut(one.vendor_id),
            "number_like": _cut(one.number_like),
            "number_stem": _cut(one.number_stem),
            "currency": one.currency[:10],
            "amount": amount_text(one.amount),
            "bill_date": one.bill_date.isoformat() if one.bill_date else None,
            "document_id": _cut(one.document_id),
            "body": to_json(one),
        }


class StoredConcerns:
    """`control_ports.Concerns` for one flow."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def save(self, concerns: Sequence[Concern]) -> None:
        """On which task people heard of one stays as it was."""
        with self._database.write() as connection:
            put(connection, found, *(self._row(one) for one in concerns))

    def of(self, keys: Collection[str]) -> list[Concern]:
        return [one for chunk in _chunks(keys) for one in self._select(found.c.key.in_(chunk))]

    def named(self, concern_ids: Collection[str]) -> Mapping[str, Concern]:
        chunks = _chunks(concern_ids)
        return {one.concern_id: one for chunk in chunks for one in self._select(found.c.concern_id.in_(chunk))}

    def open(self, keys: Collection[str] | None = None) -> list[Concern]:
        """Those that nobody released and that hold still, of all bills or of these; oldest first."""
        is_open = found.c.state == str(ConcernState.OPEN)
        if keys is None:
            return self._select(is_open)
        return [one for chunk in _chunks(keys) for one in self._select(is_open, found.c.key.in_(chunk))]

    def untold(self) -> list[Concern]:
        """Open ones that people heard of on no task, oldest first."""
        return self._select(found.c.state == str(ConcernState.OPEN), found.c.told_on == "")

    def told_on(self) -> Mapping[str, str]:
        """For open ones, by id, the task on which people heard of it last; empty for none."""
        query = select(found.c.concern_id, found.c.told_on)
        query = query.where(found.c.flow == self._flow, found.c.state == str(ConcernState.OPEN))
        with self._database.read() as connection:
            return {row.concern_id: row.told_on for row in connection.execute(query)}

    def tell(self, concern: Concern, *, task_gid: str) -> None:
        """Note that people heard of it there."""
        own = (found.c.flow == self._flow, found.c.concern_id == concern.concern_id)
        with self._database.write() as connection:
            connection.execute(update(found).where(*own).values(told_on=task_gid))

    def _select(self, *conditions: ColumnElement[bool]) -> list[Concern]:
        query = select(found.c.body).where(found.c.flow == self._flow, *conditions)
        with self._database.read() as connection:
            bodies = connection.execute(query.order_by(found.c.found_at, found.c.concern_id)).scalars()
            return [from_json(Concern, body) for body in bodies]

    def _row(self, one: Concern) -> dict[str, Any]:
        return {
            "flow": self._flow,
            "concern_id": one.concern_id,
            "key": one.key,
            "kind": one.kind,
            "state": str(one.state),
            "found_at": instant_text(one.found_at),
            "body": to_json(one),
        }


def _cut(text: str) -> str:
    """What is longer is compared by whoever found it."""
    return text[:WIDTH]


def _chunks(values: Collection[str]) -> list[Sequence[str]]:
    wanted = sorted(set(values))
    return [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
