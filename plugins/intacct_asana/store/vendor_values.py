"""Vendors' fields that people own in Asana: what both sides agreed on, what is under way, and the evidence of each write."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, update

from intacct_asana.audit.chain import Keyring
from intacct_asana.codec import from_json, instant_text, to_json
from intacct_asana.records import ValueState, VendorValue
from intacct_asana.store.database import Database, put
from intacct_asana.store.evidence import Chain
from intacct_asana.store.tables import vendor_values as table

CHUNK = 500
"""Keys in one IN list: below the variable limit of every database."""


class StoredVendorValues:
    """`ports.VendorValues` for one flow."""

    def __init__(self, database: Database, *, flow: str, keys: Keyring) -> None:
        self._database, self._flow, self._keys = database, flow, keys

    def all(self) -> Mapping[str, Mapping[str, VendorValue]]:
        return _by_key(self._select())

    def of(self, keys: Collection[str]) -> Mapping[str, Mapping[str, VendorValue]]:
        """Values by vendor key and field; vendors without any are absent."""
        wanted = sorted(set(keys))
        chunks = (wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK))
        return _by_key([row for chunk in chunks for row in self._select(table.c.key.in_(chunk))])

    def unsettled(self) -> list[VendorValue]:
        """Values that each run looks at again: sent, waiting or held. Of an emptied field only a change tells something new."""
        states = (ValueState.SENT, ValueState.WAITING, ValueState.HELD)
        found = self._select(table.c.state.in_([str(state) for state in states]))
        return [row for row in found if row.wanted or row.state is not ValueState.HELD]

    def untold(self) -> list[VendorValue]:
        """Values that people on the vendor's task have not heard of yet, oldest first."""
        return self._select(table.c.told.is_(False))

    def changed_since(self, at: datetime | None) -> list[VendorValue]:
        """Values that were kept at or after that instant, oldest first; all of them when there is none."""
        return self._select(table.c.kept_at >= instant_text(at)) if at else self._select()

    def agreed_count(self) -> int:
        """How many values that are not empty both sides have agreed on."""
        query = select(func.count()).select_from(table).where(self._own(), table.c.agreed != "")
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def save(self, rows: Sequence[VendorValue], *, facts: Mapping[str, object] | None = None) -> None:
        """Keep the rows in one transaction; with `facts`, each of them also leaves its evidence there."""
        if not rows:
            return
        with self._database.write() as connection:
            chain = Chain(connection, flow=self._flow, keys=self._keys) if facts is not None else None
            for row in rows:
                put(connection, table, self._row(row))
                if chain and facts is not None:
                    # No decision stands behind it, so its decision id is empty.
                    said = {"about": "vendor field", "step": str(row.state), "value": row, **facts}
                    chain.append(key=row.key, decision_id="", facts=said, at=row.at)

    def tell(self, row: VendorValue) -> None:
        """Note that people were told about this very state of the value; does nothing when it has moved on."""
        here = (table.c.key == row.key, table.c.field == row.field, table.c.kept_at == instant_text(row.at))
        with self._database.write() as connection:
            told = update(table).where(self._own(), *here, table.c.state == str(row.state)).values(told=True)
            connection.execute(told)

    def _select(self, *conditions: ColumnElement[bool]) -> list[VendorValue]:
        query = select(table.c.body, table.c.told).where(self._own(), *conditions)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(table.c.kept_at, table.c.key, table.c.field)).all()
        return [_value(row.body, told=row.told) for row in rows]

    def _own(self) -> ColumnElement[bool]:
        return and_(table.c.flow == self._flow)

    def _row(self, value: VendorValue) -> dict[str, Any]:
        return {
            "flow": self._flow,
            "key": value.key,
            "field": value.field,
            "state": str(value.state),
            "agreed": value.agreed,
            "told": value.told,
            "kept_at": instant_text(value.at),
            "body": to_json(value),
        }


def _value(body: str, *, told: bool) -> VendorValue:
    return replace(from_json(VendorValue, body), told=told)


def _by_key(rows: Sequence[VendorValue]) -> dict[str, dict[str, VendorValue]]:
    found: dict[str, dict[str, VendorValue]] = {}
    for row in rows:
        found.setdefault(row.key, {})[row.field] = row
    return found
