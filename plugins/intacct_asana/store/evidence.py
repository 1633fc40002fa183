"""Evidence that can only grow, and whether it is whole.

Each row holds the digest of the one before, and the newest stands apart as the head. Digests are keyed: whoever owns the
database has not the key and cannot make a row, or change one, so that it fits. What they can still do is take rows away from
the end; against that stand anchors, noted outside the database, and `examine_evidence` compares with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from intacct_asana.audit.chain import (
    FIRST,
    GIVE_KEY,
    MEND,
    ChainRow,
    Found,
    Keyring,
    anchor_findings,
    key_findings,
    policy_findings,
    row_findings,
    sha256_hex,
    tail_findings,
)
from intacct_asana.audit.timestamps import TimeStamp
from intacct_asana.codec import instant_of, instant_text, json_text
from intacct_asana.errors import Misconfigured, Problem, Refused
from intacct_asana.records.anchors import Anchor
from intacct_asana.store.database import Database, add
from intacct_asana.store.tables import decisions, evidence, evidence_heads, policies, timestamps


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """One fact about a decision, or about a vendor's field when `decision_id` is empty.

    `digest` covers everything else, `previous` chains it to the row before, `signed_by` names the key.
    """

    sequence: int
    key: str
    decision_id: str
    written_at: str
    body: Mapping[str, Any]
    previous: str
    digest: str
    signed_by: str = ""

    @property
    def anchor(self) -> Anchor:
        return Anchor(sequence=self.sequence, digest=self.digest)


class Chain:
    """The end of a flow's evidence, held by this transaction alone until it ends."""

    def __init__(self, connection: Connection, *, flow: str, keys: Keyring) -> None:
        """Locks the head row. Take it before anything else in the transaction, so that no two wait for each other."""
        self._connection, self._flow, self._keys = connection, flow, keys
        query = select(evidence_heads).where(evidence_heads.c.flow == flow).with_for_update()
        head = connection.execute(query).first()
        if head is None:
            add(connection, evidence_heads, {"flow": flow, "sequence": 0, "digest": FIRST})
            head = connection.execute(query).one()
        self._sequence, self._digest = head.sequence, head.digest

    def append(self, *, key: str, decision_id: str, facts: Mapping[str, object], at: datetime) -> Anchor:
        """One row at the end; the answer is its anchor. `facts` may hold anything; money, days and instants become text.

        Raises Misconfigured when the chain is keyed and there is no key: nobody goes back to rows that anybody can make.
        """
        if not self._keys.signer and self._is_keyed():
            raise Misconfigured(f"The evidence of flow {self._flow} is keyed, and no key is configured here: {GIVE_KEY}.")
        row = {
            "flow": self._flow,
            "sequence": self._sequence + 1,
            "key": key,
            "decision_id": decision_id,
            "written_at": instant_text(at),
            "body": json_text(facts),
            "previous": self._digest,
            "signed_by": self._keys.signer,
        }
        self._sequence, self._digest = self._sequence + 1, self._keys.digest(**row)
        self._connection.execute(insert(evidence).values(**row, digest=self._digest))
        head = update(evidence_heads).where(evidence_heads.c.flow == self._flow)
        self._connection.execute(head.values(sequence=self._sequence, digest=self._digest))
        return Anchor(sequence=self._sequence, digest=self._digest)

    def _is_keyed(self) -> bool:
        last = select(evidence.c.signed_by).where(evidence.c.flow == self._flow, evidence.c.sequence == self._sequence)
        return bool(self._connection.execute(last).scalar())


def length(database: Database, *, flow: str) -> int:
    """How many rows there are, by the head; 0 before there is any."""
    query = select(evidence_heads.c.sequence).where(evidence_heads.c.flow == flow)
    with database.read() as connection:
        return connection.execute(query).scalar() or 0


def read_evidence(database: Database, *, flow: str, key: str | None = None) -> list[EvidenceRow]:
    """The flow's evidence in the order it was written; of one bill when `key` is given."""
    query = select(evidence).where(evidence.c.flow == flow).order_by(evidence.c.sequence)
    if key is not None:
        query = query.where(evidence.c.key == key)
    with database.read() as connection:
        return [_row(row) for row in connection.execute(query)]


def newest_anchor(database: Database, *, flow: str) -> Anchor | None:
    """The anchor of the newest row, None before there is one. A run notes it in its own record."""
    query = select(evidence).where(evidence.c.flow == flow).order_by(evidence.c.sequence.desc()).limit(1)
    with database.read() as connection:
        row = connection.execute(query).first()
    return Anchor(sequence=row.sequence, digest=row.digest) if row else None


def began_at(database: Database, *, flow: str) -> datetime | None:
    """When the flow's first row was written, None before there is one."""
    query = select(evidence.c.written_at).where(evidence.c.flow == flow).order_by(evidence.c.sequence).limit(1)
    with database.read() as connection:
        written_at = connection.execute(query).scalar()
    return instant_of(written_at) if written_at else None


def _row(row: Row[Any]) -> EvidenceRow:
    return EvidenceRow(
        **{name: value for name, value in row._mapping.items() if name not in ("flow", "body")}, body=json.loads(row.body)
    )


def keep_policy(database: Database, *, flow: str, digest: str, text: str, at: datetime) -> None:
    """Keep the text of a policy under its SHA-256, from its first use for ever. Raises Refused for a digest of another text."""
    if digest != sha256_hex(text):
        raise Refused(f"Policy {digest[:12]} of flow {flow} is not kept: its text has another digest.")
    if digest not in read_policies(database, flow=flow):
        with database.write() as connection:
            here = select(policies.c.digest).where(policies.c.flow == flow, policies.c.digest == digest)
            if connection.execute(here).first() is None:
                add(connection, policies, {"flow": flow, "digest": digest, "body": text, "first_used_at": instant_text(at)})


def read_policies(database: Database, *, flow: str) -> dict[str, str]:
    """The text of each policy that decisions were judged by, by its digest; oldest first."""
    query = select(policies).where(policies.c.flow == flow).order_by(policies.c.first_used_at, policies.c.digest)
    with database.read() as connection:
        return {row.digest: row.body for row in connection.execute(query)}


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeEvidence:
    """A flow's evidence as it stands at one instant: what an export is made from."""

    rows: tuple[ChainRow, ...]
    head: Anchor | None
    policies: Mapping[str, str]


def whole_evidence(database: Database, *, flow: str) -> WholeEvidence:
    with database.read() as connection:
        return _whole(connection, flow)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceReport:
    """What was looked at, and what is wrong with it; nothing is when `problems` is empty."""

    flow: str
    rows: int
    keyed_from: int
    """The first row that is keyed; 0 when none is."""
    signed_by: tuple[str, ...]
    """Fingerprints of the keys, in the order in which they came into use."""
    anchors: int
    problems: tuple[Problem, ...]

    def __str__(self) -> str:
        """For an auditor: one line of what was proven, one for each finding."""
        keyed = f"keyed from row {self.keyed_from} on (key {', '.join(self.signed_by)})" if self.keyed_from else "not keyed"
        found = "nothing is wrong" if not self.problems else f"{len(self.problems)} findings"
        first = f"Evidence of {self.flow}: {self.rows} rows, {keyed}, compared with {self.anchors} anchors: {found}."
        return "\n".join([first, *(f"- {problem}" for problem in self.problems)])


def examine_evidence(database: Database, *, flow: str, keys: Keyring, anchors: Sequence[Anchor] = ()) -> EvidenceReport:
    """Rows that were changed, taken away, added or put elsewhere, a cut tail, decisions and policies edited by hand."""
    with database.read() as connection:
        whole = _whole(connection, flow)
        rows = whole.rows
        found = chain(
            key_findings(rows, keys),
            row_findings(rows, keys, flow=flow),
            tail_findings(rows, whole.head),
            anchor_findings(rows, anchors),
            _decisions(connection, flow, rows),
            policy_findings(rows, whole.policies),
        )
        problems = tuple(Problem(where=f"evidence of {flow}, {where}", what=what, mend=mend) for where, what, mend in found)
    signed = [row for row in rows if row.signed_by]
    return EvidenceReport(
        flow=flow,
        rows=len(rows),
        keyed_from=signed[0].sequence if signed else 0,
        signed_by=tuple(dict.fromkeys(row.signed_by for row in signed)),
        anchors=len(anchors),
        problems=problems,
    )


def _whole(connection: Connection, flow: str) -> WholeEvidence:
    rows = connection.execute(select(evidence).where(evidence.c.flow == flow).order_by(evidence.c.sequence)).all()
    head = connection.execute(select(evidence_heads).where(evidence_heads.c.flow == flow)).first()
    kept = select(policies).where(policies.c.flow == flow).order_by(policies.c.first_used_at, policies.c.digest)
    return WholeEvidence(
        rows=tuple(_chain_row(row) for row in rows),
        head=Anchor(sequence=head.sequence, digest=head.digest) if head else None,
        policies={row.digest: row.body for row in connection.execute(kept)},
    )


def _chain_row(row: Row[Any]) -> ChainRow:
    """Bytes, or nothing, in place of text are what SQLite keeps for whoever puts them there; they fit no digest."""
    said: dict[str, Any] = {name: value for name, value in row._mapping.items() if name != "flow"}
    said |= {name: str(value) for name, value in said.items() if name != "sequence"}
    return ChainRow(**said)


def _decisions(connection: Connection, flow: str, rows: Sequence[ChainRow]) -> Iterator[Found]:
    """Every step notes the SHA-256 of the decision as it left it, so the newest note must fit the decision's row."""
    # Rows about vendors' fields have no decision behind them.
    noted = {row.decision_id: row for row in rows if row.decision_id}
    for row in connection.execute(select(decisions).where(decisions.c.flow == flow)):
        note = noted.pop(row.decision_id, None)
        where = f"decision {row.decision_id} ({row.key})"
        if note is None:
            yield where, "it has no evidence", MEND
        elif note.said.get("decision_sha256") != sha256_hex(row.body) or not _columns_fit(row):
            yield where, f"it is not what row {note.sequence} says it was left as", MEND
    for decision_id, note in noted.items():
        yield note.where, f"its decision {decision_id} is missing", MEND


def _columns_fit(row: Row[Any]) -> bool:
    """The columns are what queries go by; they must repeat the body. A note that fits makes the body readable JSON."""
    body = json.loads(row.body)
    said = (body["state"], body["acknowledged"], body["key"], body["signal"]["decided_at"])
    return bool(said == (row.state, row.acknowledged, row.key, row.decided_at))


# Time stamps of the evidence, kept for ever.


def keep_timestamp(database: Database, *, flow: str, stamp: TimeStamp) -> None:
    """Keep it once: where two runs had the same row stamped, the first one stays."""
    with database.write() as connection:
        here = select(timestamps.c.sequence).where(timestamps.c.flow == flow, timestamps.c.sequence == stamp.sequence)
        if connection.execute(here).first() is None:
            row = {"flow": flow, "sequence": stamp.sequence, "digest": stamp.digest, "stamped_at": instant_text(stamp.at)}
            connection.execute(insert(timestamps).values(**row, url=stamp.url, token=stamp.token))


def read_timestamps(database: Database, *, flow: str, newest: int | None = None) -> list[TimeStamp]:
    """The newest row's first; all of them, or so many."""
    query = select(timestamps).where(timestamps.c.flow == flow).order_by(timestamps.c.sequence.desc()).limit(newest)
    with database.read() as connection:
        return [
            TimeStamp(sequence=row.sequence, digest=row.digest, at=instant_of(row.stamped_at), url=row.url, token=row.token)
            for row in connection.execute(query)
        ]
