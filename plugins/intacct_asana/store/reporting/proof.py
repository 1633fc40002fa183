"""What the evidence proves of one bill, from its own rows and their neighbours: a page cannot read a million rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, select

from intacct_asana.audit.chain import FIRST, ChainRow, Keyring, same, sha256_hex
from intacct_asana.records.anchors import Anchor
from intacct_asana.store.database import Database
from intacct_asana.store.tables import decisions, evidence, evidence_heads

MOST = 200
"""Rows of one bill that are shown; an export has all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillEvidence:
    """The newest rows about a bill, the newest last. `problems` are sentences; `head` is the newest row of the whole flow."""

    rows: tuple[ChainRow, ...]
    has_older: bool
    head: Anchor | None
    signed_by: tuple[str, ...]
    problems: tuple[str, ...]


def bill_evidence(database: Database, *, flow: str, key: str, keys: Keyring) -> BillEvidence:
    """Each row against its own digest, against the row before it, and the bill's decisions against what was noted of them."""
    own = evidence.c.flow == flow
    with database.read() as connection:
        here = select(evidence).where(own, evidence.c.key == key).order_by(evidence.c.sequence.desc())
        found = connection.execute(here.limit(MOST + 1)).all()
        rows = [_chain_row(row) for row in reversed(found[:MOST])]
        before = [row.sequence - 1 for row in rows]
        query = select(evidence.c.sequence, evidence.c.digest).where(own, evidence.c.sequence.in_(before))
        digests = {0: FIRST, **{row.sequence: row.digest for row in connection.execute(query)}}
        head = connection.execute(select(evidence_heads).where(evidence_heads.c.flow == flow)).first()
        noted = dict(_decisions(connection, flow, key))
    problems = [*_rows(rows, digests, keys, flow), *_noted(rows, noted, is_whole=len(found) <= MOST)]
    if rows and (head is None or head.sequence < rows[-1].sequence):
        problems.append(f"The head of the chain does not know row {rows[-1].sequence}.")
    return BillEvidence(
        rows=tuple(rows),
        has_older=len(found) > MOST,
        head=Anchor(sequence=head.sequence, digest=head.digest) if head else None,
        signed_by=tuple(dict.fromkeys(row.signed_by for row in rows if row.signed_by)),
        problems=tuple(problems),
    )


def _chain_row(row: Row[Any]) -> ChainRow:
    said = {name: str(value) for name, value in row._mapping.items() if name not in ("flow", "sequence")}
    return ChainRow(sequence=row.sequence, **said)


def _rows(rows: Sequence[ChainRow], digests: Mapping[int, str], keys: Keyring, flow: str) -> Iterator[str]:
    for row in rows:
        if row.sequence - 1 not in digests:
            yield f"The row before row {row.sequence} is missing."
        elif not same(row.previous, digests[row.sequence - 1]):
            yield f"Row {row.sequence} does not follow the row before it."
        if row.signed_by not in keys:
            yield f"Row {row.sequence} is signed with key {row.signed_by}, which is not configured here."
        elif not same(row.digest, row.digest_by(keys, flow=flow)):
            yield f"Row {row.sequence} was changed after it was written."


def _decisions(connection: Connection, flow: str, key: str) -> Iterator[tuple[str, str]]:
    query = select(decisions.c.decision_id, decisions.c.body).where(decisions.c.flow == flow, decisions.c.key == key)
    for row in connection.execute(query):
        yield row.decision_id, sha256_hex(str(row.body))


def _noted(rows: Sequence[ChainRow], stands: Mapping[str, str], *, is_whole: bool) -> Iterator[str]:
    """The newest note of each decision has the digest of the decision as that step left it."""
    newest = {row.decision_id: row for row in rows if row.decision_id}
    for decision_id, row in newest.items():
        if stands.get(decision_id) != row.said.get("decision_sha256"):
            yield f"Decision {decision_id} is not what row {row.sequence} says it was left as."
    if is_whole:
        yield from (f"Decision {one} has no evidence." for one in stands if one not in newest)
