"""The chain of evidence: keys, digests, and what does not fit. Rows of the store and of an exported file are examined alike."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from intacct_asana.records.anchors import Anchor

FIRST = "0" * 64
"""What the first row names as the digest before it."""

MEND = "compare it with a backup or an exported copy; nothing in this project changes or deletes evidence"
ADD_KEY = (
    "configure the key that signed these rows again (docs/connections.md, Evidence); old keys stay usable behind a new one"
)
GIVE_KEY = "give Airflow a fernet_key, or set the Variable of docs/connections.md, Evidence"

Found = tuple[str, str, str]
"""Where it is, what is wrong, how to mend it."""


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

    def seal(self, text: str, *, signed_by: str) -> str:
        """HMAC-SHA256 hex of a whole export. No row's text begins as this one does."""
        sealed = b"intacct_asana evidence export\n" + text.encode()
        return hmac.new(self._secrets[signed_by], sealed, hashlib.sha256).hexdigest()


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


def sha256_hex(text: str) -> str:
    """SHA-256 hex of a policy's text, or of a decision's JSON text as each step's evidence notes it."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRow:
    """One row as it stands. `body` is its JSON text; None where an export leaves the row out and keeps its digests alone."""

    sequence: int
    key: str = ""
    decision_id: str = ""
    written_at: str = ""
    body: str | None = None
    previous: str
    digest: str
    signed_by: str = ""

    @property
    def where(self) -> str:
        return f"row {self.sequence} ({self.key})" if self.key else f"row {self.sequence}"

    @property
    def said(self) -> Mapping[str, Any]:
        """What the body says; nothing where it is left out, or is no JSON any more."""
        try:
            said = json.loads(self.body or "")
        except (ValueError, TypeError):
            return {}
        return said if isinstance(said, dict) else {}

    def digest_by(self, keys: Keyring, *, flow: str) -> str:
        """The digest that it has to carry."""
        columns = ("sequence", "key", "decision_id", "written_at", "body", "previous", "signed_by")
        return keys.digest(flow=flow, **{name: getattr(self, name) for name in columns})


def key_findings(rows: Sequence[ChainRow], keys: Keyring) -> Iterator[Found]:
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


def row_findings(rows: Iterable[ChainRow], keys: Keyring, *, flow: str) -> Iterator[Found]:
    """Rows that were changed, taken away, added or put elsewhere."""
    expected, previous, keyed_from = 1, FIRST, 0
    for row in rows:
        if row.sequence < expected:
            yield (
                row.where,
                f"it stands behind row {expected - 1}: rows were put in another order, or it stands twice",
                MEND,
            )
        elif row.sequence > expected:
            yield row.where, f"the rows from {expected} to {row.sequence - 1} are missing", MEND
        elif not same(row.previous, previous):
            yield row.where, "it does not follow the row before it", MEND
        if keyed_from and not row.signed_by:
            what = f"it is not keyed, though every row from {keyed_from} on has to be: somebody without the key wrote it"
            yield row.where, what, MEND
        if row.body is not None and row.signed_by in keys and not same(row.digest, row.digest_by(keys, flow=flow)):
            yield row.where, "it was changed after it was written", MEND
        keyed_from = keyed_from or (row.sequence if row.signed_by else 0)
        expected, previous = row.sequence + 1, row.digest


def tail_findings(rows: Sequence[ChainRow], head: Anchor | None) -> Iterator[Found]:
    """The end of the rows against the head that is kept apart from them."""
    last = (rows[-1].sequence, rows[-1].digest) if rows else (0, FIRST)
    if head is None and rows:
        yield "head", f"it is missing, and the last row is {last[0]}", MEND
    elif head is not None and head.sequence > last[0]:
        yield "head", f"it names row {head.sequence}, but the last row is {last[0]}: the end was cut off", MEND
    elif head is not None and (head.sequence, head.digest) != last:
        yield "head", f"it names row {head.sequence}, which is not the last row {last[0]} as it stands", MEND


def anchor_findings(rows: Sequence[ChainRow], anchors: Iterable[Anchor]) -> Iterator[Found]:
    """What was noted elsewhere, against the rows."""
    digests, last = {row.sequence: row.digest for row in rows}, max((row.sequence for row in rows), default=0)
    for anchor in anchors:
        where = anchor.where or "an anchor"
        if anchor.sequence > last:
            yield where, f"it names row {anchor.sequence}, and the last row is {last}: the end was taken away", MEND
        elif anchor.sequence not in digests:
            yield where, f"it names row {anchor.sequence}, which is missing", MEND
        elif not same(str(digests[anchor.sequence])[: len(anchor.digest)], anchor.digest):
            what = f"it names row {anchor.sequence} with another digest: the row was replaced after it was noted there"
            yield where, what, MEND


def policy_findings(rows: Iterable[ChainRow], kept: Mapping[str, str]) -> Iterator[Found]:
    """Every policy that a row names by its SHA-256. Older releases named it by twelve characters and kept no text."""
    for digest, sequence in policies_named(rows).items():
        if digest not in kept:
            what = f"row {sequence} was judged by it, and its text is not kept: nobody can say what it allowed"
            yield f"policy {digest[:12]}", what, MEND
    for digest, text in kept.items():
        if digest != sha256_hex(text):
            yield f"policy {digest[:12]}", "its text was changed: it does not have this digest", MEND


def policies_named(rows: Iterable[ChainRow]) -> dict[str, int]:
    """The first row that names each policy, by the policy's digest."""
    named: dict[str, int] = {}
    for row in rows:
        digest = str(row.said.get("policy_version", ""))
        if len(digest) == len(FIRST):
            named.setdefault(digest, row.sequence)
    return named


def same(one: object, other: object) -> bool:
    """Whether two digests are one, in a time that tells nothing about where they differ."""
    return hmac.compare_digest(str(one).encode(errors="replace"), str(other).encode(errors="replace"))
