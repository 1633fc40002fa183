"""An auditor's pack: what there was on both sides in a period, a sample drawn by a seed, and the proof of every decision.

It is a folder (docs/evidence.md): both populations with their control totals, where they differ, the whole evidence, a folder
for each bill of the sample, and a manifest with the SHA-256 of every file. `verify.py` in it checks the folder by itself.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from intacct_asana.audit import verify_alone
from intacct_asana.audit.chain import Keyring
from intacct_asana.audit.export import Export, defused, export_table, export_text
from intacct_asana.codec import json_text, plain
from intacct_asana.errors import Misconfigured
from intacct_asana.text import money_text

BILLS, TASKS, DIFFERENCES = "intacct_bills.csv", "asana_tasks.csv", "differences.csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSeen:
    """A bill of the period as Intacct holds it now. `amount` is in `currency`, the base currency of its entity."""

    key: str
    record_no: str
    bill_number: str
    vendor_id: str
    vendor_name: str
    entity: str
    state: str
    bill_date: date
    currency: str
    amount: Decimal
    decision: str = ""
    decided_by: str = ""
    decision_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSeen:
    """The task of such a bill as Asana holds it now; `amount` is what its field shows, None where the flow has no such field.

    Entity and currency are the bill's, so that both sides add up alike.
    """

    key: str
    task_gid: str
    task_url: str
    name: str
    completed: bool
    entity: str
    currency: str
    amount: Decimal | None
    approval: str


Rows = Sequence[BillSeen] | Sequence[TaskSeen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What the two sides of a bill say differently."""

    key: str
    what: str
    in_intacct: str
    in_asana: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a population comes from: the system, what it was asked, when, as whom, and what could not be read."""

    system: str
    query: str
    parameters: Mapping[str, object]
    read_at: datetime
    read_by: str
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Days of bill dates, both counted."""

    since: date
    until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Populations:
    """Both sides of one period, the bills in the order of their record numbers."""

    period: Period
    bills: Sequence[BillSeen]
    tasks: Sequence[TaskSeen]
    differences: Sequence[Difference]
    sources: tuple[Source, Source]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How many bills, and what they are drawn by."""

    size: int
    seed: str


def pack_of(populations: Populations, *, evidence: Export, sample: Sample, keys: Keyring) -> dict[str, bytes]:
    """The folder as file contents by path, the manifest last. Raises Misconfigured for a sample larger than the population."""
    known = {bill.key: bill for bill in populations.bills}
    if sample.size > len(known):
        raise Misconfigured(f"A sample of {sample.size} is larger than the population: {len(known)} bills are of the period.")
    drawn = verify_alone.drawn(known, seed=sample.seed, size=sample.size)
    files = {
        "verify.py": Path(verify_alone.__file__).read_bytes(),
        "evidence.json": export_text(evidence).encode(),
        "evidence.csv": export_table(evidence).encode(),
        BILLS: _table(BillSeen, populations.bills),
        TASKS: _table(TaskSeen, populations.tasks),
        DIFFERENCES: _table(Difference, populations.differences),
    }
    for key in drawn:
        folder = f"sample/{verify_alone.folder_of(known[key].record_no)}"
        rows = [row for row in json.loads(files["evidence.json"])["chain"] if row.get("key") == key]
        tasks = [plain(asdict(task)) for task in populations.tasks if task.key == key]
        about = {"bill": plain(asdict(known[key])), "tasks": tasks}
        files[f"{folder}/bill.json"] = _json(about)
        files[f"{folder}/evidence.json"] = _json(rows)
    files["README.txt"] = _readme(populations, evidence, drawn).encode()
    manifest = _manifest(populations, evidence=evidence, sample=sample, drawn=drawn, files=files)
    seal = {"signed_by": keys.signer}
    if keys.signer:
        seal["digest"] = keys.seal(json_text(manifest | {"seal": dict(seal)}), signed_by=keys.signer)
    return files | {verify_alone.MANIFEST: _json(manifest | {"seal": seal})}


def seal_finding(manifest: Mapping[str, Any], keys: Keyring) -> str:
    """What is wrong with the manifest's seal, for whoever has the key; empty when nothing is."""
    seal = dict(manifest.get("seal") or {})
    digest, name = str(seal.pop("digest", "")), str(seal.get("signed_by", ""))
    if not name:
        return "it has no seal: there was no key when it was made, or somebody took it out"
    if name not in keys:
        return f"it is sealed with key {name}, which is not configured here"
    fits = keys.seal(json_text({**manifest, "seal": seal}), signed_by=name)
    return "" if digest == fits else "its seal does not fit: it was changed after it was made"


def _manifest(
    populations: Populations, *, evidence: Export, sample: Sample, drawn: Sequence[str], files: Mapping[str, bytes]
) -> dict[str, Any]:
    books, board = populations.sources
    rows: list[tuple[str, Source, Rows]] = [(BILLS, books, populations.bills), (TASKS, board, populations.tasks)]
    return {
        "format": verify_alone.FORMAT,
        "version": verify_alone.VERSION,
        "flow": evidence.header.flow,
        "period": plain(asdict(populations.period)),
        "made_at": plain(evidence.header.exported_at),
        "made_by": evidence.header.exported_by,
        "populations": [
            {
                "file": name,
                **plain(asdict(source)),
                "rows": len(seen),
                "control_totals": totals_of(seen),
                "row_digests": verify_alone.table_digests(verify_alone.rows_in(files[name])),
            }
            for name, source, seen in rows
        ],
        "differences": len(populations.differences),
        "sample": {"size": sample.size, "seed": sample.seed, "method": verify_alone.METHOD, "keys": list(drawn)},
        "evidence": {"rows": len(evidence.chain), "head": plain(asdict(evidence.header.head))},
        "evidence_rows": verify_alone.row_digests(json.loads(files["evidence.json"])["chain"]),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }


def totals_of(rows: Rows) -> list[dict[str, object]]:
    """How many and how much, for each entity and currency. What shows no amount is counted, and adds nothing."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        counts[row.entity, row.currency] += 1
        sums[row.entity, row.currency] += row.amount or 0
    return [
        {
            "entity": entity,
            "currency": currency,
            "rows": counts[entity, currency],
            "amount": amount_cell(sums[entity, currency]),
        }
        for entity, currency in sorted(counts)
    ]


def _table(kind: type[Any], rows: Sequence[Any]) -> bytes:
    """CSV with CRLF, every cell quoted, none of them a formula."""
    names = [one.name for one in fields(kind)]
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    for row in rows:
        writer.writerow([defused(_cell(getattr(row, name))) for name in names])
    return written.getvalue().encode()


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return amount_cell(value) if isinstance(value, Decimal) else "" if value is None else str(value)


def amount_cell(amount: Decimal) -> str:
    """As money is written, but with no marks between the thousands: `1234.50`."""
    return money_text(amount).replace(",", "")


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


def _readme(populations: Populations, evidence: Export, drawn: Sequence[str]) -> str:
    return "\n".join(_lines(populations, evidence, drawn)) + "\n"


def _lines(populations: Populations, evidence: Export, drawn: Sequence[str]) -> Iterator[str]:
    period, made = populations.period, evidence.header
    yield f"Auditor's pack of flow {made.flow}, bills dated {period.since} to {period.until}"
    yield f"Made {made.exported_at:%Y-%m-%d %H:%M} UTC by {made.exported_by}."
    yield ""
    yield f"{BILLS}    {len(populations.bills)} bills as Intacct held them then"
    yield f"{TASKS}      {len(populations.tasks)} tasks of these bills as Asana held them then"
    yield f"{DIFFERENCES}      {len(populations.differences)} differences between the two"
    yield f"evidence.json, .csv  every step of every decision of the flow, {len(evidence.chain)} rows, linked"
    yield f"sample/              {len(drawn)} bills, drawn by the seed that the manifest names"
    yield "manifest.json        what was asked for, control totals, and the SHA-256 of every file and row here"
    yield "verify.py            checks all of this with Python alone: python3 verify.py"
    yield ""
    yield "Ask whoever made the pack for the SHA-256 of manifest.json by another way than this folder, and give it to"
    yield "verify.py (--manifest). Take some anchors from stamps in Intacct, comments in Asana and runs in Airflow, and give"
    yield "them too (--anchor)."
