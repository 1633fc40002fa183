"""An export of the evidence: which rows are asked for, the file that holds them, and the table for a spreadsheet.

The file is one JSON object (docs/evidence.md): `format`, `header`, `policies`, `anchors`, `timestamps`, `chain`,
`seal`. The chain has every
row of the flow from the first on; those that were not asked for stand there with their digests alone, so that the others are
still linked and nothing can be left out unseen. The seal is an HMAC of everything else in the file.
"""

from __future__ import annotations

import csv
import io
import json
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from intacct_asana.audit.chain import FIRST, ChainRow, Keyring, policies_named
from intacct_asana.audit.timestamps import TimeStamp
from intacct_asana.codec import from_json, instant_text, json_text, plain
from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.records.anchors import Anchor

FORMAT = "intacct_asana evidence"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked for; all that is said has to fit. Nothing said asks for everything.

    `bill` is a key, a number or a record number, `person` a gid or an address. A row is of the period when it was written at or
    after `since` and before `until`.
    """

    bill: str = ""
    since: datetime | None = None
    until: datetime | None = None
    person: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What the file is. `in_full` names the rows that were asked for, from and to; `head` is the newest row at that time."""

    flow: str
    query: Query
    exported_at: datetime
    exported_by: str
    rows: int
    left_out: int
    in_full: tuple[tuple[int, int], ...]
    head: Anchor


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    header: Header
    policies: Mapping[str, str]
    anchors: tuple[Anchor, ...]
    timestamps: tuple[TimeStamp, ...]
    chain: tuple[ChainRow, ...]
    signed_by: str = ""
    seal: str = ""
    """HMAC by `signed_by` of everything else; empty when there was no key."""

    @property
    def in_full(self) -> tuple[ChainRow, ...]:
        return tuple(row for row in self.chain if row.body is not None)


def period(since: str, until: str, *, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Both ends as instants. A day is that whole day in the flow's zone, the last one too; a time without a zone is of it.

    Raises Misconfigured for what is neither, and for an end before the beginning.
    """
    began, ended = _instant(since, zone=zone, name="since"), _instant(until, zone=zone, name="until", ends=True)
    if began and ended and ended <= began:
        raise Misconfigured(f"The period ends ({until}) before it begins ({since}).")
    return began, ended


def _instant(text: str, *, zone: ZoneInfo, name: str, ends: bool = False) -> datetime | None:
    if not text.strip():
        return None
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text.strip()):
            day = date.fromisoformat(text.strip()) + timedelta(days=1 if ends else 0)
            return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Misconfigured(f"{name} {text!r} is neither a day (2026-11-23) nor a time (2026-11-23T08:00:00+01:00).") from error


def make_export(
    rows: Sequence[ChainRow],
    *,
    flow: str,
    query: Query,
    keys: Keyring,
    at: datetime,
    by: str,
    policies: Mapping[str, str],
    head: Anchor | None = None,
    anchors: Sequence[Anchor] = (),
    timestamps: Sequence[TimeStamp] = (),
    people: Mapping[str, str] | None = None,
) -> Export:
    """The rows that `query` asks for, sealed. Gids of addresses that Asana gave (`people`) find a person by either."""
    wanted = {row.sequence for row in _wanted(rows, query, people or {})}
    chain = tuple(row if row.sequence in wanted else _left_out(row) for row in rows)
    named = policies_named(row for row in chain if row.body is not None)
    header = Header(
        flow=flow,
        query=query,
        exported_at=at,
        exported_by=by,
        rows=len(wanted),
        left_out=len(rows) - len(wanted),
        in_full=tuple(spans(wanted)),
        head=head or Anchor(sequence=0, digest=FIRST),
    )
    kept = {digest: text for digest, text in policies.items() if digest in named}
    export = Export(
        header=header,
        policies=kept,
        anchors=tuple(anchors),
        timestamps=tuple(_vouching(timestamps, wanted)),
        chain=chain,
        signed_by=keys.signer,
    )
    return replace(export, seal=keys.seal(sealed_text(export), signed_by=keys.signer)) if keys.signer else export


def _wanted(rows: Sequence[ChainRow], query: Query, people: Mapping[str, str]) -> Iterator[ChainRow]:
    keys = _bill_keys(rows, query.bill) if query.bill else None
    theirs = _theirs(rows, _names_of(query.person, people)) if query.person else None
    since = instant_text(query.since) if query.since else ""
    until = instant_text(query.until) if query.until else "~"
    for row in rows:
        if (keys is None or row.key in keys) and (theirs is None or row.sequence in theirs) and since <= row.written_at < until:
            yield row


def _bill_keys(rows: Sequence[ChainRow], bill: str) -> set[str]:
    """The keys that the text may stand for. Several vendors can use one number; then it stands for all of their bills."""
    return {row.key for row in rows if bill == row.key or bill in _numbers(row.said)}


def _numbers(said: Mapping[str, Any]) -> set[str]:
    bill = _part(said, "bill")
    return {str(one) for one in (said.get("record_no"), bill.get("record_no"), bill.get("bill_number")) if one}


def _names_of(person: str, people: Mapping[str, str]) -> set[str]:
    """The gid and the addresses of a person, as preflight pinned them."""
    gids = {gid for email, gid in people.items() if person.casefold() in (email.casefold(), gid)}
    return {person.casefold(), *gids, *(email.casefold() for email, gid in people.items() if gid in gids)}


def _theirs(rows: Sequence[ChainRow], names: Collection[str]) -> set[int]:
    """Rows that name the person by gid or address, with every other row of the decisions that these are about."""
    naming = [row for row in rows if any(text.casefold() in names for text in _texts(row.said))]
    decisions = {row.decision_id for row in naming if row.decision_id}
    return {row.sequence for row in naming} | {row.sequence for row in rows if row.decision_id in decisions}


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _vouching(stamps: Sequence[TimeStamp], rows: Collection[int]) -> Iterator[TimeStamp]:
    """The first that was made at or after each of the rows, and the newest: each vouches for all rows before it."""
    ordered, covered = sorted(rows), 0
    for stamp in stamps:
        covers = bisect_right(ordered, stamp.sequence)
        if covers > covered or stamp is stamps[-1]:
            yield stamp
        covered = covers


def _left_out(row: ChainRow) -> ChainRow:
    return ChainRow(sequence=row.sequence, previous=row.previous, digest=row.digest, signed_by=row.signed_by)


def spans(numbers: Collection[int]) -> Iterator[tuple[int, int]]:
    """Numbers as `(from, to)`, in order."""
    ordered = sorted(numbers)
    starts = [number for number in ordered if number - 1 not in numbers]
    ends = [number for number in ordered if number + 1 not in numbers]
    yield from zip(starts, ends, strict=True)


# The file


def export_text(export: Export) -> str:
    """The file: a line a row, so that two exports can be compared line by line."""
    document = _document(export)
    parts = [f'"{name}": {json.dumps(document[name], indent=1)}' for name in document if name != "chain"]
    rows = ",\n".join(json.dumps(row) for row in document["chain"])
    return "{\n" + ",\n".join([*parts, f'"chain": [\n{rows}\n]']) + "\n}\n"


def sealed_text(export: Export) -> str:
    """What the seal is over: canonical JSON of the whole file but for the seal's own digest."""
    document = _document(export)
    return json_text(document | {"seal": {"signed_by": export.signed_by}})


def _document(export: Export) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": VERSION,
        "header": plain(export.header),
        "policies": dict(export.policies),
        "anchors": plain(export.anchors),
        "timestamps": plain(export.timestamps),
        "seal": {"signed_by": export.signed_by, "digest": export.seal},
        "chain": [_row_said(row) for row in export.chain],
    }


def _row_said(row: ChainRow) -> dict[str, Any]:
    linked = {"sequence": row.sequence, "previous": row.previous, "digest": row.digest, "signed_by": row.signed_by}
    if row.body is None:
        return linked
    # The body stays the text that the digest is over.
    return {**linked, "key": row.key, "decision_id": row.decision_id, "written_at": row.written_at, "body": row.body}


def read_export(text: str) -> Export:
    """The export in a file's text. Raises Misconfigured for anything that is not exactly one, word by word."""
    try:
        said = json.loads(text, object_pairs_hook=_once)
        if not isinstance(said, dict) or (said.get("format"), said.get("version")) != (FORMAT, VERSION):
            raise ValueError(f"it does not say that it is {FORMAT!r} in version {VERSION}")
        export = from_json(
            Export,
            json.dumps({**said, "signed_by": said["seal"]["signed_by"], "seal": said["seal"]["digest"]}),
        )
        json.dumps(said, ensure_ascii=False).encode()
        # Words that this release does not know, or that stand in another form, would be read and not checked.
        if _document(export) != said:
            raise ValueError("it has parts that an export of this version does not have")
    except (ValueError, KeyError, TypeError, RecursionError, IntacctAsanaError) as error:
        line = next(iter(str(error).splitlines()), "")
        raise Misconfigured(f"This file cannot be read as an export of evidence: {line}.") from error
    return export


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """JSON lets a name stand twice, and two readers could each take another one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one of its parts")
    return found


# The table

COLUMNS = (
    *(
        "row",
        "written_at",
        "bill",
        "record_no",
        "bill_number",
        "vendor",
        "currency",
        "amount",
        "decision_id",
        "step",
        "verdict",
    ),
    *("person", "address", "gid", "decided_at", "source", "reason", "rule", "outcome", "rules_failed", "policy"),
    *("previous", "digest", "signed_by", "body"),
)
REPEATED = COLUMNS[3:8] + COLUMNS[10:17]
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?", re.ASCII)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def export_table(export: Export) -> str:
    """The rows that were asked for as CSV with CRLF and a byte order mark, as spreadsheets want it. It proves nothing alone.

    What a row does not say itself of its bill and person is repeated from the rows of the decision before it.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    known: dict[str, dict[str, Any]] = {}
    for row in export.in_full:
        own = {name: value for name, value in _columns(row).items() if value}
        before = known.setdefault(row.decision_id, {}) if row.decision_id else {}
        before |= {name: own[name] for name in REPEATED if name in own}
        writer.writerow([defused(str((before | own).get(name, ""))) for name in COLUMNS])
    return "\ufeff" + written.getvalue()


def defused(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula. Numbers are none."""
    begins = text.lstrip(" \u00a0\u200b\ufeff\x00")
    return f"'{text}" if begins.startswith(FORMULA) and not NUMBER.fullmatch(text) else text


def _columns(row: ChainRow) -> dict[str, Any]:
    said = row.said
    bill, who, chosen, signal = (_part(said, name) for name in ("bill", "who", "chosen", "signal"))
    rules = said["rules"] if isinstance(said.get("rules"), list) else []
    failed = [str(one.get("rule")) for one in rules if isinstance(one, dict) and not one.get("passed")]
    return {
        "row": row.sequence,
        "written_at": row.written_at,
        "bill": row.key,
        "record_no": said.get("record_no") or bill.get("record_no"),
        "bill_number": bill.get("bill_number"),
        "vendor": bill.get("vendor_id"),
        "currency": bill.get("currency"),
        "amount": bill.get("transaction_total_entered"),
        "decision_id": row.decision_id,
        "step": said.get("step") or said.get("about"),
        "verdict": chosen.get("verdict") or signal.get("verdict"),
        "person": who.get("name") or signal.get("decider_name"),
        "address": who.get("email") or said.get("decider_email"),
        "gid": who.get("gid") or signal.get("decider_gid") or said.get("user_gid"),
        "decided_at": chosen.get("at") or signal.get("decided_at"),
        "source": chosen.get("source") or signal.get("source"),
        "reason": chosen.get("reason") or signal.get("reason"),
        "rule": said.get("rule"),
        "outcome": said.get("outcome"),
        "rules_failed": ", ".join(failed),
        "policy": said.get("policy_version"),
        "previous": row.previous,
        "digest": row.digest,
        "signed_by": row.signed_by,
        "body": row.body,
    }


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = said.get(name)
    return part if isinstance(part, dict) else {}
