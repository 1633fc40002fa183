"""Evidence that can only grow, and whether it is whole.

Each row holds the digest of the one before, and the newest stands apart as the head. Digests are keyed: whoever owns the
database has not the key and cannot make a row, or change one, so that it fits. What they can still do is take rows away from
the end; against that stand anchors, noted outside the database, and `examine_evidence` compares with them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, groupby
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from intacct_asana.codec import instant_of, instant_text, json_text
from intacct_asana.errors import Misconfigured, Problem, Refused
from intacct_asana.records.anchors import Anchor
from intacct_asana.store.database import Database, add
from intacct_asana.store.tables import decisions, evidence, evidence_heads, policies

FIRST = "0" * 64
"""What the first row names as the digest before it."""

MEND = "compare it with a backup or an exported copy; nothing in this project changes or deletes evidence"
ADD_KEY = (
    "configure the key that signed these rows again (docs/connections.md, Evidence); old keys stay usable behind a new one"
)
GIVE_KEY = "give Airflow a fernet_key, or set the Variable of docs/connections.md, Evidence"


class Keyring:
    """The keys of the evidence by their fingerprints; the first one signs, every one verifies. Shows fingerprints only."""

    def __init__(self, secrets: Sequence[bytes] = ()) -> None:
        self._secrets = {fingerprint(secret): secret for secret in secrets}
        self.signer = next(iter(self._secrets), "")
        """The fingerprint of the key that signs; empty when there is no key."""

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._secrets)})"

    def __contains__(self, name: str) -> bool:
        return not name or name in self._secrets

    def digest(self, *, signed_by: str, **row: Any) -> str:
        """What a row signed by that key, or by none when it is empty, has to carry as its digest."""
        return digest_of(**row, signed_by=signed_by, secret=self._secrets[signed_by] if signed_by else b"")


def fingerprint(secret: bytes) -> str:
    """Sixteen hex characters that name a key and tell nothing about it. No row's text begins as this one does."""
    return hmac.new(secret, b"intacct_asana evidence fingerprint", hashlib.sha256).hexdigest()[:16]


def digest_of(
    *,
    flow: str,
    sequence: int,
    key: str,
    decision_id: str,
    written_at: str,
    body: str,
    previous: str,
    signed_by: str = "",
    secret: bytes = b"",
) -> str:
    """HMAC-SHA256 hex of the JSON array `[flow, sequence, key, decision id, written at, body, previous digest, signed by]`.

    The array is written as Python's `json.dumps` does by default, `body` being the row's JSON text. So whoever has the key can
    check an exported chain without this code. Rows that name no key, as older releases wrote them, carry the plain SHA-256 of
    the array without its last part.
    """
    parts: list[str | int] = [flow, sequence, key, decision_id, written_at, body, previous]
    if not signed_by:
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return hmac.new(secret, json.dumps([*parts, signed_by]).encode(), hashlib.sha256).hexdigest()


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


def sha256_hex(text: str) -> str:
    """SHA-256 hex of a policy's text, or of a decision's JSON text as each step's evidence notes it."""
    return hashlib.sha256(text.encode()).hexdigest()


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
    kept = read_policies(database, flow=flow)
    with database.read() as connection:
        rows = connection.execute(select(evidence).where(evidence.c.flow == flow).order_by(evidence.c.sequence)).all()
        head = connection.execute(select(evidence_heads).where(evidence_heads.c.flow == flow)).first()
        said = chain(
            _rows(rows, keys),
            _tail(rows, head),
            _anchors(rows, anchors),
            _decisions(connection, flow, rows),
            _policies(rows, kept),
        )
        found = [*_keys(rows, keys), *((where, what, MEND) for where, what in said)]
    signed = [row for row in rows if row.signed_by]
    return EvidenceReport(
        flow=flow,
        rows=len(rows),
        keyed_from=signed[0].sequence if signed else 0,
        signed_by=tuple(dict.fromkeys(row.signed_by for row in signed)),
        anchors=len(anchors),
        problems=tuple(Problem(where=f"evidence of {flow}, {where}", what=what, mend=mend) for where, what, mend in found),
    )


def _keys(rows: Sequence[Row[Any]], keys: Keyring) -> Iterator[tuple[str, str, str]]:
    """What cannot be proven for want of a key, told once for all the rows that it is about."""
    if not keys.signer:
        yield "key", "no key is configured: whoever owns the database can write rows anew, and nobody could tell", GIVE_KEY
    elif rows and not any(row.signed_by for row in rows):
        what = "none is keyed, though a key is configured: either nothing was written since, or all of it was written anew"
        yield f"rows 1 to {rows[-1].sequence}", what, MEND
    for name, part in groupby(rows, key=lambda row: row.signed_by):
        if name not in keys:
            numbers = [row.sequence for row in part]
            what = f"signed with key {name}, which is not configured here, so whether they were changed is not known"
            yield f"rows {numbers[0]} to {numbers[-1]}", what, ADD_KEY


def _rows(rows: Sequence[Row[Any]], keys: Keyring) -> Iterator[tuple[str, str]]:
    expected, previous, keyed_from = 1, FIRST, 0
    for row in rows:
        where = f"row {row.sequence} ({row.key})"
        if row.sequence != expected:
            yield where, f"the rows from {expected} to {row.sequence - 1} are missing"
        elif not _same(row.previous, previous):
            yield where, "it does not follow the row before it"
        if keyed_from and not row.signed_by:
            yield where, f"it is not keyed, though every row from {keyed_from} on has to be: somebody without the key wrote it"
        if row.signed_by in keys and not _same(row.digest, _digest(row, keys)):
            yield where, "it was changed after it was written"
        keyed_from = keyed_from or (row.sequence if row.signed_by else 0)
        expected, previous = row.sequence + 1, row.digest


def _digest(row: Row[Any], keys: Keyring) -> str:
    try:
        return keys.digest(**{name: value for name, value in row._mapping.items() if name != "digest"})
    except TypeError:
        # SQLite keeps whatever it is given, bytes in place of text too.
        return ""


def _same(one: object, other: object) -> bool:
    """Whether two digests are one, in a time that tells nothing about where they differ."""
    return hmac.compare_digest(str(one).encode(errors="replace"), str(other).encode(errors="replace"))


def _tail(rows: Sequence[Row[Any]], head: Row[Any] | None) -> Iterator[tuple[str, str]]:
    last = (rows[-1].sequence, rows[-1].digest) if rows else (0, FIRST)
    if head is None and rows:
        yield "head", f"it is missing, and the last row is {last[0]}"
    elif head is not None and head.sequence > last[0]:
        yield "head", f"it names row {head.sequence}, but the last row is {last[0]}: the end was cut off"
    elif head is not None and (head.sequence, head.digest) != last:
        yield "head", f"it names row {head.sequence}, which is not the last row {last[0]} as it stands"


def _anchors(rows: Sequence[Row[Any]], anchors: Sequence[Anchor]) -> Iterator[tuple[str, str]]:
    """What was noted outside the database, against what stands in it."""
    digests, last = {row.sequence: row.digest for row in rows}, rows[-1].sequence if rows else 0
    for anchor in anchors:
        where = anchor.where or "an anchor"
        if anchor.sequence > last:
            yield where, f"it names row {anchor.sequence}, and the last row is {last}: the end was taken away"
        elif anchor.sequence not in digests:
            yield where, f"it names row {anchor.sequence}, which is missing"
        elif not _same(str(digests[anchor.sequence])[: len(anchor.digest)], anchor.digest):
            yield where, f"it names row {anchor.sequence} with another digest: the row was replaced after it was noted there"


def _decisions(connection: Connection, flow: str, rows: Sequence[Row[Any]]) -> Iterator[tuple[str, str]]:
    """Every step notes the SHA-256 of the decision as it left it, so the newest note must fit the decision's row."""
    # Rows about vendors' fields have no decision behind them.
    noted = {row.decision_id: row for row in rows if row.decision_id}
    for row in connection.execute(select(decisions).where(decisions.c.flow == flow)):
        note = noted.pop(row.decision_id, None)
        where = f"decision {row.decision_id} ({row.key})"
        if note is None:
            yield where, "it has no evidence"
        elif _said(note.body).get("decision_sha256") != sha256_hex(row.body) or not _columns_fit(row):
            yield where, f"it is not what row {note.sequence} says it was left as"
    for decision_id, note in noted.items():
        yield f"row {note.sequence} ({note.key})", f"its decision {decision_id} is missing"


def _policies(rows: Sequence[Row[Any]], kept: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Every policy that a row names by its SHA-256. Older releases named it by twelve characters and kept no text."""
    named: dict[str, int] = {}
    for row in rows:
        digest = str(_said(row.body).get("policy_version", ""))
        if len(digest) == len(FIRST):
            named.setdefault(digest, row.sequence)
    for digest, sequence in named.items():
        if digest not in kept:
            yield (
                f"policy {digest[:12]}",
                f"row {sequence} was judged by it, and its text is not kept: nobody can say what it allowed",
            )
    for digest, text in kept.items():
        if digest != sha256_hex(text):
            yield f"policy {digest[:12]}", "its text was changed: it does not have this digest"


def _said(body: str) -> Mapping[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, TypeError):
        return {}
    return said if isinstance(said, dict) else {}


def _columns_fit(row: Row[Any]) -> bool:
    """The columns are what queries go by; they must repeat the body. A note that fits makes the body readable JSON."""
    body = json.loads(row.body)
    said = (body["state"], body["acknowledged"], body["key"], body["signal"]["decided_at"])
    return bool(said == (row.state, row.acknowledged, row.key, row.decided_at))
