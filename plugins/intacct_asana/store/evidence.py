"""Evidence that can only grow: each row holds the digest of the one before, and the newest stands apart as the head."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from intacct_asana.store.codec import instant_text, json_text
from intacct_asana.store.database import Database
from intacct_asana.store.tables import evidence, evidence_heads
from intacct_asana.store.upsert import add

FIRST = "0" * 64
"""What the first row names as the digest before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """One fact about a decision, or about a vendor's field when `decision_id` is empty.

    `digest` covers everything else, `previous` chains it to the row before.
    """

    sequence: int
    key: str
    decision_id: str
    written_at: str
    body: Mapping[str, Any]
    previous: str
    digest: str


class Chain:
    """The end of a flow's evidence, held by this transaction alone until it ends."""

    def __init__(self, connection: Connection, *, flow: str) -> None:
        """Locks the head row. Take it before anything else in the transaction, so that no two wait for each other."""
        self._connection, self._flow = connection, flow
        add(connection, evidence_heads, {"flow": flow, "sequence": 0, "digest": FIRST})
        query = select(evidence_heads).where(evidence_heads.c.flow == flow).with_for_update()
        head = connection.execute(query).one()
        self._sequence, self._digest = head.sequence, head.digest

    def append(self, *, key: str, decision_id: str, facts: Mapping[str, object], at: datetime) -> None:
        """One row at the end. `facts` may hold anything; money, days and instants become text."""
        row = {
            "flow": self._flow,
            "sequence": self._sequence + 1,
            "key": key,
            "decision_id": decision_id,
            "written_at": instant_text(at),
            "body": json_text(facts),
            "previous": self._digest,
        }
        self._sequence, self._digest = self._sequence + 1, digest_of(**row)
        self._connection.execute(insert(evidence).values(**row, digest=self._digest))
        head = update(evidence_heads).where(evidence_heads.c.flow == self._flow)
        self._connection.execute(head.values(sequence=self._sequence, digest=self._digest))


def digest_of(*, flow: str, sequence: int, key: str, decision_id: str, written_at: str, body: str, previous: str) -> str:
    """SHA-256 hex of the JSON array `[flow, sequence, key, decision id, written at, body, previous digest]`.

    The array is written as Python's `json.dumps` does by default, `body` being the row's JSON text. So anybody can
    check an exported chain without this code.
    """
    return hashlib.sha256(json.dumps([flow, sequence, key, decision_id, written_at, body, previous]).encode()).hexdigest()


def read_evidence(database: Database, *, flow: str, key: str | None = None) -> list[EvidenceRow]:
    """The flow's evidence in the order it was written; of one bill when `key` is given."""
    query = select(evidence).where(evidence.c.flow == flow).order_by(evidence.c.sequence)
    if key is not None:
        query = query.where(evidence.c.key == key)
    with database.read() as connection:
        return [_row(row) for row in connection.execute(query)]


def _row(row: Row[Any]) -> EvidenceRow:
    return EvidenceRow(
        sequence=row.sequence,
        key=row.key,
        decision_id=row.decision_id,
        written_at=row.written_at,
        body=json.loads(row.body),
        previous=row.previous,
        digest=row.digest,
    )
