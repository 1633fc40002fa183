"""Checks an auditor's pack by itself: python3 verify.py [FOLDER] [--manifest SHA256] [--anchor "#41:9f3a0c11d2e4b5a6"]

It needs Python 3.9 or later and nothing else: no package, no network, no key. It names every file, row and figure that was
altered, removed, added or cut off. Exit code 0: nothing is wrong; 1: findings; 2: this is no pack that can be read.

Without a key nobody can tell a pack that was made anew as a whole from the first one. That is what --manifest is for, the
digest that you got when the pack was made, and --anchor, row and digest as they stand on bills in Intacct, on tasks in Asana,
and in runs of Airflow.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

FORMAT, VERSION, MANIFEST = "intacct_asana pack", 1, "manifest.json"
METHOD = "the bills whose SHA-256 of 'seed|key' is lowest, in that order"
FIRST = "0" * 64
ANCHOR = re.compile(r"(?<![\w#])#([1-9][0-9]{0,9}):([0-9a-f]{16,64})(?!\w)", re.ASCII)
NEEDED = ("flow", "made_at", "made_by", "files", "populations", "sample", "evidence", "evidence_rows", "differences")
LINKED = ("key", "decision_id", "written_at", "body", "previous")

Finding = tuple[str, str]
"""Where, and what is wrong there."""


class NoPack(Exception):
    """The folder cannot be read as a pack; the message says why."""


UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What parts of another form than they should have end in, whoever wrote them."""


def findings_in(folder: Path, *, manifest: str = "", anchors: Sequence[str] = ()) -> list[Finding]:
    """Everything that is wrong with the pack, in the order of its parts. Raises NoPack."""
    said = read_manifest(folder)
    try:
        return [*_all_findings(folder, said, manifest=manifest.strip().lower(), anchors=anchors)]
    except UNREADABLE as error:
        raise NoPack(f"{folder} cannot be read as a pack: {type(error).__name__} {error}") from error


def read_manifest(folder: Path) -> dict[str, Any]:
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
        if (said["format"], said["version"]) != (FORMAT, VERSION):
            raise NoPack(f"{MANIFEST} is of {said['format']} {said['version']}; this program reads {FORMAT} {VERSION}.")
        for name in NEEDED:
            said[name]
        for one in said["populations"]:
            one["system"], one["file"], one["rows"], len(one["unread"]), dict(one["row_digests"])
        len(said["sample"]["keys"])
    except NoPack:
        raise
    except UNREADABLE as error:
        raise NoPack(f"{folder / MANIFEST} cannot be read: {type(error).__name__} {error}") from error
    return dict(said)


def manifest_digest(folder: Path) -> str:
    return hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()


def _all_findings(folder: Path, said: Mapping[str, Any], *, manifest: str, anchors: Sequence[str]) -> Iterator[Finding]:
    if manifest and manifest != manifest_digest(folder):
        yield MANIFEST, f"its SHA-256 is {manifest_digest(folder)}, and not the one that was given: it was changed or made anew"
    yield from _file_findings(folder, said["files"])
    for one in said["populations"]:
        yield from _row_findings(one, _population(folder, one))
        yield from _total_findings(one, _population(folder, one))
    bills = _population(folder, said["populations"][0])
    differences = _rows_of(folder / "differences.csv")
    if differences is not None and len(differences) != said["differences"]:
        yield "differences.csv", f"it has {len(differences)} rows, and the manifest says {said['differences']}"
    chain = _chain(folder)
    if chain is None:
        yield "evidence.json", "it is not there, or no evidence can be read from it"
    else:
        yield from _chain_findings(chain, said)
        yield from _anchor_findings(chain, [*_stamped(bills or ()), *_given(anchors)])
    yield from _sample_findings(folder, said["sample"], bills, chain)


# Files


def _file_findings(folder: Path, files: Mapping[str, str]) -> Iterator[Finding]:
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    for name in sorted(set(files) - there):
        yield name, "it was removed: the manifest lists it, and it is not there"
    for name in sorted(there - set(files)):
        yield name, "it was added: the manifest does not list it"
    for name in sorted(there & set(files)):
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != files[name]:
            yield name, "it was altered: its SHA-256 is not the one in the manifest"


# Populations


def _rows_of(path: Path) -> list[dict[str, str]] | None:
    try:
        return rows_in(path.read_bytes())
    except (OSError, ValueError, csv.Error):
        return None


def rows_in(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def table_digests(rows: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The SHA-256 of each row of a population, by the task's gid or the bill's key."""
    return {_named(row): hashlib.sha256(json.dumps([*row.items()]).encode()).hexdigest() for row in rows}


def _named(row: Mapping[str, str]) -> str:
    return str(row.get("task_gid") or row.get("key"))


def _row_findings(said: Mapping[str, Any], rows: list[dict[str, str]] | None) -> Iterator[Finding]:
    noted, seen = dict(said["row_digests"]), set()
    for number, row in enumerate(rows or (), start=1):
        name, where = _named(row), f"{said['file']}, row {number} ({_named(row)})"
        if name not in noted:
            yield where, "it was added, or its key was altered: the manifest does not know it"
        elif name in seen:
            yield where, "it stands twice"
        elif table_digests([row])[name] != noted[name]:
            yield where, "it was altered: it is not the row that the manifest notes"
        seen.add(name)
    for name in [one for one in noted if one not in seen] if rows is not None else ():
        yield f"{said['file']}, {name}", "its row was removed"


def _population(folder: Path, said: Mapping[str, Any]) -> list[dict[str, str]] | None:
    return _rows_of(folder / Path(str(said["file"])).name)


def _total_findings(said: Mapping[str, Any], rows: list[dict[str, str]] | None) -> Iterator[Finding]:
    if rows is None:
        return
    if len(rows) != said["rows"]:
        yield said["file"], f"it has {len(rows)} rows, and the manifest says {said['rows']}"
    counts: dict[tuple[str, str], int] = defaultdict(int)
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in rows:
        group = row.get("entity") or "", row.get("currency") or ""
        counts[group] += 1
        try:
            sums[group] += Decimal(row.get("amount") or 0)
        except InvalidOperation:
            yield said["file"], f"the amount of {row.get('key')} is no number"
    noted = {(one["entity"], one["currency"]): (one["rows"], Decimal(one["amount"])) for one in said["control_totals"]}
    for entity, currency in sorted(set(noted) | set(counts)):
        have, should = (counts[entity, currency], sums[entity, currency]), noted.get((entity, currency), (0, Decimal(0)))
        if have != should:
            where = f"{said['file']}, entity {entity or 'none'}, {currency or 'no currency'}"
            yield where, f"{have[0]} rows and {have[1]} do not make the control total of {should[0]} rows and {should[1]}"


# Evidence


def _chain(folder: Path) -> list[dict[str, Any]] | None:
    try:
        chain = json.loads((folder / "evidence.json").read_bytes())["chain"]
        return [row if isinstance(row, dict) else {} for row in chain]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def row_digest(row: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def row_digests(chain: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The SHA-256 of each row's JSON, by its number, so that a row that was altered can be named without any key."""
    return {str(row.get("sequence")): row_digest(row) for row in chain}


def _chain_findings(chain: Sequence[Mapping[str, Any]], said: Mapping[str, Any]) -> Iterator[Finding]:
    noted, expected, previous = dict(said["evidence_rows"]), 1, FIRST
    for row in chain:
        number = row.get("sequence")
        where = f"evidence row {number}" + (f" ({row['key']})" if row.get("key") else "")
        if number != expected:
            missing = f"rows {expected} to {number - 1} were removed" if isinstance(number, int) and number > expected else ""
            yield where, missing or f"it stands behind row {expected - 1}: rows were put in another order, or it stands twice"
        elif row.get("previous") != previous:
            yield where, "it does not follow the row before it"
        if str(number) not in noted:
            yield where, "it was added: the manifest does not know it"
        elif noted[str(number)] != row_digest(row):
            yield where, "it was altered: it is not the row that the manifest notes"
        if not row.get("signed_by") and row.get("body") is not None and row.get("digest") != _unkeyed(row, said):
            yield where, "its digest does not fit what it says"
        expected, previous = (number + 1 if isinstance(number, int) else expected + 1), str(row.get("digest"))
    if expected <= int(said["evidence"]["rows"]):
        yield "evidence.json", f"its end was cut off: rows {expected} to {said['evidence']['rows']} are not there"
    head = said["evidence"]["head"]
    if chain and expected == int(said["evidence"]["rows"]) + 1 and not previous.startswith(str(head["digest"])):
        yield "evidence.json", f"its last row is not the newest one that the manifest names (row {head['sequence']})"


def _unkeyed(row: Mapping[str, Any], said: Mapping[str, Any]) -> str:
    """Rows without a key carry the SHA-256 of this array; those with one can be checked by whoever holds the key."""
    parts = [said["flow"], row.get("sequence"), *(row.get(name) for name in LINKED)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _stamped(bills: Iterable[Mapping[str, str]]) -> Iterator[tuple[str, int, str]]:
    for bill in bills:
        for number, digest in ANCHOR.findall(bill.get("decision_id") or ""):
            yield f"the stamp on bill {bill.get('bill_number') or bill.get('record_no')}", int(number), digest


def _given(anchors: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    for text in anchors:
        found = ANCHOR.findall(text)
        if not found:
            raise NoPack(f"There is no anchor in {text!r}; one looks like #41:9f3a0c11d2e4b5a6.")
        for number, digest in found:
            yield "an anchor that was given", int(number), digest


def _anchor_findings(chain: Sequence[Mapping[str, Any]], anchors: Iterable[tuple[str, int, str]]) -> Iterator[Finding]:
    digests = {row.get("sequence"): str(row.get("digest")) for row in chain}
    for where, number, digest in anchors:
        if number not in digests:
            yield where, f"it names evidence row {number}, which is not there: it was removed, or the end was cut off"
        elif not digests[number].startswith(digest):
            yield where, f"it names evidence row {number} with another digest: the row was replaced"


# The sample


def drawn(keys: Iterable[str], *, seed: str, size: int) -> list[str]:
    """Which bills the seed draws. Nobody can choose them, and everybody can draw them again."""
    return sorted(keys, key=lambda key: (hashlib.sha256(f"{seed}|{key}".encode()).hexdigest(), key))[:size]


def folder_of(record_no: str) -> str:
    return re.sub(r"[^0-9A-Za-z_-]", "_", record_no) or "none"


def _sample_findings(
    folder: Path, said: Mapping[str, Any], bills: list[dict[str, str]] | None, chain: list[dict[str, Any]] | None
) -> Iterator[Finding]:
    if bills is None:
        return
    records = {str(bill.get("key")): bill for bill in bills}
    should = drawn(records, seed=str(said["seed"]), size=int(said["size"]))
    if should != list(said["keys"]):
        yield "sample", f"the seed draws {', '.join(should)} from the bills, and the manifest names {', '.join(said['keys'])}"
    for key in said["keys"]:
        where = folder / "sample" / folder_of(records[key].get("record_no") or "") if key in records else None
        if where is None or not where.is_dir():
            yield f"sample, {key}", "its folder is not there"
        elif chain is not None:
            have, of_it = _read_rows(where / "evidence.json"), [row for row in chain if row.get("key") == key]
            if have != of_it:
                yield f"sample/{where.name}/evidence.json", f"it does not hold the rows of {key} as evidence.json has them"


def _read_rows(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def main(arguments: Sequence[str]) -> int:
    reader = argparse.ArgumentParser(prog="verify.py", description="Checks an auditor's pack by itself.")
    reader.add_argument("folder", nargs="?", type=Path, default=Path(__file__).resolve().parent, help="the pack; this folder")
    reader.add_argument("--manifest", default="", metavar="SHA256", help="of manifest.json, as you got it by another way")
    reader.add_argument("--anchor", action="append", default=[], help="as it stands on a bill, a task or a run; repeatable")
    asked = reader.parse_args(arguments)
    try:
        said, found = read_manifest(asked.folder), findings_in(asked.folder, manifest=asked.manifest, anchors=asked.anchor)
    except NoPack as error:
        print(error, file=sys.stderr)
        return 2
    print(f"Pack of flow {said['flow']}, made {said['made_at']} by {said['made_by']}")
    print(f"manifest.json has the SHA-256 {manifest_digest(asked.folder)}")
    for one in said["populations"]:
        print(f"{one['system']}: {one['rows']} rows in {one['file']}, {len(one['unread'])} could not be read")
    print(f"Evidence: {said['evidence']['rows']} rows; sample: {len(said['sample']['keys'])} bills")
    for where, what in found:
        print("WRONG ", "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in f"{where}: {what}"))
    print(f"{len(found)} findings." if found else "Nothing is wrong.")
    if not asked.manifest and not found:
        print("That somebody made all of it anew cannot be seen from here alone: give --manifest, and some --anchor.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
