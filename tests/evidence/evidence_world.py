"""A chain of evidence made by hand, its export, and what somebody with an editor can do to the file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from intacct_asana.audit.chain import FIRST, ChainRow, Keyring
from intacct_asana.audit.export import Export, Query, export_text, make_export, read_export
from intacct_asana.audit.verify import verify_export
from intacct_asana.codec import json_text
from intacct_asana.records.anchors import Anchor

from tests.conftest import EVIDENCE_KEY

OURS = Keyring([EVIDENCE_KEY])
OTHER = Keyring([b"a key that somebody else made up"])
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
POLICY = '{"approvers":["alice@example.com"]}'
POLICY_DIGEST = hashlib.sha256(POLICY.encode()).hexdigest()
EVERYTHING = Query()
ALICE, BEN = ("101", "alice@example.com"), ("102", "ben@example.com")


def facts(*, number: str = "17", who: tuple[str, str] = ALICE, reason: str = "", **more: object) -> dict[str, object]:
    """What a step's evidence says, as far as these tests look at it."""
    person = {"gid": who[0], "name": who[1].split("@")[0].title(), "email": who[1]}
    chosen = {"verdict": "approve", "reason": reason, "at": "2026-11-23T12:00:00Z", "source": "web"}
    bill = {"record_no": number, "bill_number": f"INV-{number}", "vendor_id": "V1", "transaction_total_entered": "12.50"}
    return {"step": "CLEARED", "who": person, "chosen": chosen, "bill": bill, "policy_version": POLICY_DIGEST, **more}


def a_row(key: str, decision_id: str, body: Mapping[str, object], *, at: str = "2026-11-23T12:00:00.000000Z") -> dict[str, Any]:
    return {"key": key, "decision_id": decision_id, "written_at": at, "body": json_text(body)}


ROWS = [
    a_row("c:bill:1", "dec-1", facts()),
    a_row("c:bill:1", "dec-1", {"step": "CONFIRMED", "outcome": "recorded"}),
    a_row("c:bill:2", "dec-2", facts(number="18", who=BEN)),
    a_row("c:bill:2", "dec-2", {"step": "CONFIRMED"}),
    a_row("c:bill:1", "", {"about": "task gone", "task_gid": "900", "user_gid": "102"}),
    a_row("c:vendor:V1", "", {"about": "vendor field", "value": {"changed_by": "Alice"}}),
]


def chained(rows: Sequence[Mapping[str, Any]], *, keys: Keyring = OURS, said_to_be: str | None = None) -> list[ChainRow]:
    """The rows with their digests, by this key and under this name; without a key, with digests that anybody can make."""
    made: list[ChainRow] = []
    for number, row in enumerate(rows, start=1):
        name = keys.signer if said_to_be is None else said_to_be
        values = {**row, "sequence": number, "previous": made[-1].digest if made else FIRST}
        if name and name != keys.signer:
            # Somebody with a key of their own who says that it is ours.
            forger = Keyring()
            forger._secrets = {name: next(iter(keys._secrets.values()))}
            digest = forger.digest(flow="demo", signed_by=name, **values)
        else:
            digest = keys.digest(flow="demo", signed_by=name, **values)
        made.append(ChainRow(**values, digest=digest, signed_by=name))
    return made


def exported(query: Query = EVERYTHING, *, rows: Sequence[ChainRow] | None = None, keys: Keyring = OURS, **more: Any) -> Export:
    chain = list(rows if rows is not None else chained(ROWS))
    head = Anchor(sequence=chain[-1].sequence, digest=chain[-1].digest) if chain else None
    kept = {"policies": {POLICY_DIGEST: POLICY}, "head": head, "at": NOON, "by": "alice", **more}
    return make_export(chain, flow="demo", query=query, keys=keys, **kept)


def document(query: Query = EVERYTHING, **how: Any) -> dict[str, Any]:
    """The file as JSON, to be edited."""
    read: dict[str, Any] = json.loads(export_text(exported(query, **how)))
    return read


def told(said: Mapping[str, Any] | Export, *, keys: Keyring | None = OURS, anchors: Sequence[Anchor] = ()) -> list[str]:
    """The findings about a file, as a holder of our key, or with `keys=None` as anybody, has them."""
    export = said if isinstance(said, Export) else read_export(json.dumps(said))
    report = verify_export(export, keys=keys, anchors=anchors)
    return [str(problem).removeprefix("export of demo, ") for problem in report.problems]
