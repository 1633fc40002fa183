"""Whether the evidence is whole, and whether the decisions still say what it says.

A chain shows every change made by anybody who does not recompute all of it. Against somebody who owns the database and
does, keep exported evidence elsewhere: its digests no longer match then.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, select

from intacct_asana.errors import Problem
from intacct_asana.store.database import Database
from intacct_asana.store.evidence import FIRST, digest_of
from intacct_asana.store.tables import decisions, evidence, evidence_heads

MEND = "compare it with a backup or an exported copy; nothing in this project changes or deletes evidence"


def verify_evidence(database: Database, *, flow: str) -> list[Problem]:
    """Rows that were changed, taken away, added or put elsewhere, a cut tail, decisions edited by hand. Empty: all is well."""
    with database.read() as connection:
        rows = connection.execute(select(evidence).where(evidence.c.flow == flow).order_by(evidence.c.sequence)).all()
        head = connection.execute(select(evidence_heads).where(evidence_heads.c.flow == flow)).first()
        found = [*_rows(rows), *_tail(rows, head), *_decisions(connection, flow, rows)]
    return [Problem(where=f"evidence of {flow}, {where}", what=what, mend=MEND) for where, what in found]


def _rows(rows: Sequence[Row[Any]]) -> Iterator[tuple[str, str]]:
    expected, previous = 1, FIRST
    for row in rows:
        where = f"row {row.sequence} ({row.key})"
        if row.sequence != expected:
            yield where, f"the rows from {expected} to {row.sequence - 1} are missing"
        elif row.previous != previous:
            yield where, "it does not follow the row before it"
        if row.digest != _digest(row):
            yield where, "it was changed after it was written"
        expected, previous = row.sequence + 1, row.digest


def _digest(row: Row[Any]) -> str:
    return digest_of(**{name: value for name, value in row._mapping.items() if name != "digest"})


def _tail(rows: Sequence[Row[Any]], head: Row[Any] | None) -> Iterator[tuple[str, str]]:
    last = (rows[-1].sequence, rows[-1].digest) if rows else (0, FIRST)
    if head is None and rows:
        yield "head", f"it is missing, and the last row is {last[0]}"
    elif head is not None and head.sequence > last[0]:
        yield "head", f"it names row {head.sequence}, but the last row is {last[0]}: the end was cut off"
    elif head is not None and (head.sequence, head.digest) != last:
        yield "head", f"it names row {head.sequence}, which is not the last row {last[0]} as it stands"


def _decisions(connection: Connection, flow: str, rows: Sequence[Row[Any]]) -> Iterator[tuple[str, str]]:
    """Every step notes the SHA-256 of the decision as it left it, so the newest note must fit the decision's row."""
    # Rows about vendors' fields have no decision behind them.
    noted = {row.decision_id: row for row in rows if row.decision_id}
    for row in connection.execute(select(decisions).where(decisions.c.flow == flow)):
        note = noted.pop(row.decision_id, None)
        where = f"decision {row.decision_id} ({row.key})"
        if note is None:
            yield where, "it has no evidence"
        elif _note(note.body) != decision_digest(row.body) or not _columns_fit(row):
            yield where, f"it is not what row {note.sequence} says it was left as"
    for decision_id, note in noted.items():
        yield f"row {note.sequence} ({note.key})", f"its decision {decision_id} is missing"


def decision_digest(body: str) -> str:
    """SHA-256 hex of a decision's JSON text, as each step's evidence notes it."""
    return hashlib.sha256(body.encode()).hexdigest()


def _note(body: str) -> object:
    try:
        return json.loads(body).get("decision_sha256")
    except ValueError:
        return None


def _columns_fit(row: Row[Any]) -> bool:
    """The columns are what queries go by; they must repeat the body. A note that fits makes the body readable JSON."""
    body = json.loads(row.body)
    said = (body["state"], body["acknowledged"], body["key"], body["signal"]["decided_at"])
    return bool(said == (row.state, row.acknowledged, row.key, row.decided_at))
