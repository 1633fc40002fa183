"""What an exported file proves by itself: to everybody, and to whoever holds the key of the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, groupby

from intacct_asana.audit.chain import (
    ADD_KEY,
    MEND,
    Found,
    Keyring,
    anchor_findings,
    policy_findings,
    row_findings,
    same,
    tail_findings,
)
from intacct_asana.audit.export import Export, sealed_text, spans
from intacct_asana.audit.timestamps import stamp_findings
from intacct_asana.errors import Problem
from intacct_asana.records.anchors import Anchor

EXPORT_AGAIN = "ask for a new export, and compare the two files line by line"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """`proven` holds only where nothing is wrong; `not_proven` says what would take a key, an anchor or another file."""

    export: Export
    proven: tuple[str, ...]
    not_proven: tuple[str, ...]
    problems: tuple[Problem, ...]


def verify_export(
    export: Export, *, keys: Keyring | None, anchors: Sequence[Anchor] = (), certificates: str = ""
) -> FileReport:
    """Every finding, each with the row it is about. `keys` None is what somebody without a key can prove.

    `anchors` are those that the reader found elsewhere: on bills, in comments, in records of runs, in an earlier export.
    `certificates` are those of the time stamp server, as PEM; without them its time stamps are anchors like others.
    """
    held = keys or Keyring()
    known = [*(replace(one, where=f"in this file, {one.where or 'an anchor'}") for one in export.anchors), *anchors]
    known += [stamp.anchor for stamp in export.timestamps]
    stamps = stamp_findings(export.timestamps, flow=export.header.flow, certificates=certificates) if certificates else ()
    found = chain(
        _keys(export, keys),
        row_findings(export.chain, held, flow=export.header.flow),
        tail_findings(export.chain, export.header.head),
        anchor_findings(export.chain, known),
        stamps,
        _contents(export),
        policy_findings(export.in_full, export.policies),
        _seal(export, held),
    )
    name = f"export of {export.header.flow}"
    problems = tuple(Problem(where=f"{name}, {where}", what=what, mend=mend) for where, what, mend in found)
    return FileReport(
        export=export,
        proven=() if problems else tuple(_proven(export, held, anchors=len(known), stamps=bool(certificates))),
        not_proven=tuple(_not_proven(export, held, anchors=len(known))),
        problems=problems,
    )


def anchors_of(export: Export, *, where: str) -> tuple[Anchor, ...]:
    """Every row of an earlier export, as anchors for a later one, or for the store."""
    rows = tuple(Anchor(sequence=row.sequence, digest=row.digest, where=where) for row in export.chain)
    stamps = (stamp.anchor for stamp in export.timestamps)
    return (*rows, *stamps, *(replace(one, where=f"{where}, {one.where}") for one in export.anchors))


def _keys(export: Export, keys: Keyring | None) -> Iterator[Found]:
    """What somebody who has keys cannot prove with any of them; whoever has none expects nothing else."""
    if keys is None:
        return
    if keys.signer and export.chain and not any(row.signed_by for row in export.chain):
        what = "none is keyed, though a key is configured: either nothing was written since, or all of it was written anew"
        yield f"rows 1 to {_last(export)}", what, MEND
    for name, part in groupby(export.chain, key=lambda row: row.signed_by):
        if name not in keys:
            numbers = [row.sequence for row in part]
            what = f"signed with key {name}, which is not configured here, so whether they were changed is not known"
            yield f"rows {numbers[0]} to {numbers[-1]}", what, ADD_KEY
    if export.signed_by not in keys:
        yield "seal", f"made with key {export.signed_by}, which is not configured here", ADD_KEY


def _contents(export: Export) -> Iterator[Found]:
    """Which rows stand in full, against what the header says of them."""
    header, shown = export.header, {row.sequence for row in export.in_full}
    if tuple(spans(shown)) != header.in_full:
        for row in export.chain:
            said = any(first <= row.sequence <= last for first, last in header.in_full)
            if said and row.body is None:
                yield row.where, "its words were taken out: the header says that it stands here in full", EXPORT_AGAIN
            elif row.body is not None and not said:
                yield row.where, "it stands in full, and the header does not say so", EXPORT_AGAIN
    counted = len(export.in_full), len(export.chain) - len(export.in_full)
    if counted != (header.rows, header.left_out):
        what = f"it says {header.rows} rows and {header.left_out} left out, and the file has {counted[0]} and {counted[1]}"
        yield "header", what, EXPORT_AGAIN


def _last(export: Export) -> int:
    return max((row.sequence for row in export.chain), default=0)


def _seal(export: Export, keys: Keyring) -> Iterator[Found]:
    keyed = next((row.sequence for row in export.chain if row.signed_by), 0)
    if keyed and not (export.seal and export.signed_by):
        yield "seal", f"it is missing, though rows from {keyed} on are keyed: somebody without the key made this file", MEND
    elif _is_sealed(export, keys) and not same(export.seal, keys.seal(sealed_text(export), signed_by=export.signed_by)):
        yield "seal", "it does not fit: this file is not as it was exported", EXPORT_AGAIN


def _is_sealed(export: Export, keys: Keyring) -> bool:
    """Whether there is a seal that these keys can check."""
    return bool(export.signed_by) and export.signed_by in keys


def _proven(export: Export, keys: Keyring, *, anchors: int, stamps: bool) -> Iterator[str]:
    signed = sorted({row.signed_by for row in export.in_full if row.signed_by and row.signed_by in keys})
    if signed:
        yield f"with key {', '.join(signed)}: the words of the rows are those that were written"
    if _is_sealed(export, keys):
        yield f"with key {export.signed_by}: the file is as it was exported, with the rows that were asked for and no others"
    yield f"by anybody: rows 1 to {_last(export)} are linked without a gap, up to the head that the header names"
    if export.policies:
        yield f"by anybody: {len(export.policies)} policies have the digests that the rows name"
    if anchors:
        yield f"by anybody: the chain is the one that {anchors} anchors name"
    if stamps and export.timestamps:
        last = export.timestamps[-1]
        yield f"by anybody with the server's certificate: rows 1 to {last.sequence} stood so at {last.made}"


def _not_proven(export: Export, keys: Keyring, *, anchors: int) -> Iterator[str]:
    keyed = sorted({row.signed_by for row in export.chain if row.signed_by})
    if missing := [name for name in keyed if name not in keys]:
        what = "whether words of a row were changed, a row was hidden among those left out, or the whole file was made up"
        yield f"without key {', '.join(missing)}: {what}"
    if any(not row.signed_by for row in export.chain):
        yield "rows that name no key, as older releases wrote them: anybody could write them anew, up to the first keyed one"
    if export.header.left_out:
        yield f"what the {export.header.left_out} rows say that are left out; they show with their digests only"
    if not anchors:
        yield "whether the end was cut off before the export was made: give anchors from bills, comments or records of runs"
    yield "what was written after the export was made"
