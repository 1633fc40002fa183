"""An export of a flow's evidence into a file, an auditor's pack, and what the evidence and the file prove."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from intacct_asana.audit import verify_alone
from intacct_asana.audit.access import matrix_json
from intacct_asana.audit.chain import Keyring
from intacct_asana.audit.export import Export, Query, export_table, export_text, period, read_export
from intacct_asana.audit.pack import Populations, Sample, pack_of
from intacct_asana.deployment import evidence_keys, exports_folder
from intacct_asana.errors import IntacctAsanaError, Misconfigured, Problem, UnexpectedReply
from intacct_asana.flow.write_back import StampFields
from intacct_asana.operators.flow_run import FlowOperator, FlowRun
from intacct_asana.operators.people.access import access_matrix, counted
from intacct_asana.reading.both_sides import Sides, period_of
from intacct_asana.records import Bill, Decision
from intacct_asana.records.anchors import Anchor, anchor_text, anchors_in

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

PACK, ACCESS = "pack", "access"
FORMATS = {"json": export_text, "csv": export_table}


class ExportEvidenceOperator(FlowOperator):
    """Exports what the run's form asks for and verifies it: the file with the key, and the evidence that it was made from.

    Returns the file's path and SHA-256, and what was found. It stays green whatever is found, so that the file is there to be
    looked at; `ReportFindingsOperator` fails the run.
    """

    def work(self, context: Context) -> dict[str, Any]:
        run, asked = self.run_parts, context["params"]
        words = {name: str(asked.get(name) or "").strip() for name in ("bill", "since", "until", "person", "format")}
        form = words["format"] or "json"
        query = query_of(run, **{name: words[name] for name in ("bill", "since", "until", "person")})
        anchors, unread = _stamped(run, query) if asked.get("compare_stamps", True) else ((), "")
        export = export_of(run, query, by=who_asked(context), anchors=anchors)
        made = f"{run.flow.flow}_evidence_{export.header.exported_at:%Y%m%dT%H%M%SZ}_{uuid4().hex[:8]}.{form}"
        folder = exports_folder()
        path, digest = write_export(folder / made, export, form=form)
        findings = [str(one) for one in run.store.examine_evidence(anchors).problems]
        if form == "json":
            report = run.store.verify_export(
                read_export(path.read_text(encoding="utf-8")), certificates=run.flow.evidence.timestamp_certificate
            )
            findings += [str(one) for one in report.problems]
        for sentence in [unread, *findings]:
            if sentence:
                self.log.warning("%s", sentence)
        return {
            "file": str(path),
            "sha256": digest,
            "rows": export.header.rows,
            "left_out": export.header.left_out,
            "evidence": anchor_text(export.header.head),
            "anchors": len(anchors),
            "stamps_unread": unread,
            "findings": findings,
        }


class EvidenceFormOperator(ExportEvidenceOperator):
    """What the run's form asks for: an export, an auditor's pack, which the program in it then checks, or the access matrix.

    Returns the file or folder with its SHA-256, and what was found; `ReportFindingsOperator` fails the run. What the access
    matrix finds fails no run: it is in the file and in the log.
    """

    def work(self, context: Context) -> dict[str, Any]:
        run, asked = self.run_parts, context["params"]
        if asked.get("format") == ACCESS:
            return self._access()
        if asked.get("format") != PACK:
            return super().work(context)
        since, until = (str(asked.get(name) or "") for name in ("since", "until"))
        folder = exports_folder() / f"{run.flow.flow}_pack_{since}_{until}_{uuid4().hex[:8]}"
        sample, seed = int(asked.get("sample") or 0), str(asked.get("seed") or "")
        made, digest = write_pack(run, folder, since=since, until=until, sample=sample, seed=seed, by=who_asked(context))
        findings = [f"{where}: {what}" for where, what in verify_alone.findings_in(folder, manifest=digest)]
        unread = [why for source in made.sources for why in source.unread]
        for sentence in [*unread, *findings]:
            self.log.warning("%s", sentence)
        return {
            "file": str(folder),
            "sha256": digest,
            "rows": len(made.bills),
            "tasks": len(made.tasks),
            "differences": len(made.differences),
            "unread": unread,
            "findings": findings,
        }

    def _access(self) -> dict[str, Any]:
        run = self.run_parts
        matrix = access_matrix(run, *run.own_board("bill"))
        made = f"{run.flow.flow}_access_{run.now():%Y%m%dT%H%M%SZ}_{uuid4().hex[:8]}.json"
        path, digest = write_file(exports_folder() / made, matrix_json(matrix).encode())
        for sentence in (*map(str, matrix.findings), *matrix.untold):
            self.log.warning("%s", sentence)
        return {
            "file": str(path),
            "sha256": digest,
            "rows": len(matrix.holders),
            "access": counted(matrix.findings),
            "findings": [],
        }


class ReportFindingsOperator(FlowOperator):
    """Fails the run when the step `exported` found anything wrong with the evidence or with the file."""

    def __init__(self, *, exported: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.exported = exported

    def work(self, context: Context) -> None:
        made: dict[str, Any] = context["ti"].xcom_pull(task_ids=self.exported)
        if made["findings"]:
            listed = "".join(f"\n  - {one}" for one in made["findings"])
            raise UnexpectedReply(f"{made['file']} is written, and there are {len(made['findings'])} findings.{listed}")
        self.log.info("%s (SHA-256 %s): %d rows, nothing is wrong.", made["file"], made["sha256"], made["rows"])


def query_of(run: FlowRun, *, bill: str = "", since: str = "", until: str = "", person: str = "") -> Query:
    """What a form or a command asks for. Raises Misconfigured for a period that is none."""
    began, ended = period(since, until, zone=ZoneInfo(run.flow.schedules.timezone))
    return Query(bill=bill, since=began, until=ended, person=person)


def export_of(run: FlowRun, query: Query, *, by: str, anchors: Sequence[Anchor] = ()) -> Export:
    pins = [pins for kind in ("bill", "vendor") if (pins := run.store.pins(kind))]
    people = {email: gid for each in pins for email, gid in each.people.items()}
    return run.store.export_evidence(query, at=run.now(), by=by, anchors=anchors, people=people)


def stamped_anchors(run: FlowRun, keys: set[str]) -> tuple[Anchor, ...]:
    """The anchors that stand in Intacct now, in the stamps on these bills: the database's owner cannot change them."""
    stamp = run.flow.write_back.stamp if "stamp" in run.flow.write_back.steps else None
    decisions = run.store.decisions().sent(keys) if stamp else []
    numbers = {one.record_no for one in decisions}
    # A bill that cannot be read proves nothing for or against the evidence.
    pages = run.books.bills_again(numbers, unread=lambda _: None) if numbers else ()
    found = [
        anchors_on(bill, [one for one in decisions if one.key == bill.bill_key], stamp=stamp) for page in pages for bill in page
    ]
    return tuple(anchor for anchors in found for anchor in anchors)


def anchors_on(bill: Bill, decisions: Sequence[Decision], *, stamp: StampFields | None) -> tuple[Anchor, ...]:
    """Those of a stamp that this store made. Whoever lost the store has no evidence that an older one could prove."""
    text = bill.custom.get(stamp.decision_id, "") if stamp else ""
    if not any(text.startswith(one.decision_id) for one in decisions if not one.rule.startswith("found")):
        return ()
    return anchors_in(text, where=f"the stamp on bill {bill.bill_number or bill.record_no}")


def _stamped(run: FlowRun, query: Query) -> tuple[tuple[Anchor, ...], str]:
    """Without Intacct there is an export all the same; what was not compared is said."""
    try:
        return stamped_anchors(run, {row.key for row in export_of(run, query, by="").in_full}), ""
    except IntacctAsanaError as error:
        return (), f"The stamps in Intacct were not compared: {error.message}"


def who_asked(context: Context) -> str:
    """Who triggered the run, as Airflow knows them."""
    name = getattr(context["dag_run"], "triggering_user_name", None)
    return str(name or f"run {context['run_id']}")


def write_export(path: Path, export: Export, *, form: str) -> tuple[Path, str]:
    """The file, readable by its owner alone, with its SHA-256 beside it as `sha256sum -c` reads it. Overwrites nothing."""
    if form not in FORMATS:
        raise Misconfigured(f"There is no export as {form!r}; there is {' and '.join(FORMATS)}.")
    return write_file(path, FORMATS[form](export).encode())


def write_file(path: Path, content: bytes) -> tuple[Path, str]:
    digest = hashlib.sha256(content).hexdigest()
    write_new(path, content)
    write_new(digest_file(path), f"{digest}  {path.name}\n".encode())
    return path, digest


def digest_file(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def write_new(path: Path, content: bytes) -> None:
    """A file that only its owner can read. Raises Misconfigured where there is one already."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise Misconfigured(f"{path} is there already, and an export overwrites nothing. Name another file.") from error
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}.") from error


def read_file(path: Path) -> tuple[Export, list[Problem]]:
    """The export in a file, and whether the digest beside it, where there is one, is its own."""
    try:
        content = path.read_bytes()
        beside = digest_file(path)
        noted = beside.read_text(encoding="ascii").split(" ")[0].strip() if beside.exists() else ""
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}.") from error
    wrong = f"its SHA-256 is not the one in {beside.name}: the file was changed after it was written"
    problems = [Problem(where=path.name, what=wrong)] if noted and noted != hashlib.sha256(content).hexdigest() else []
    return read_export(text), problems


def write_pack(
    run: FlowRun, folder: Path, *, since: str, until: str, sample: int, seed: str, by: str
) -> tuple[Populations, str]:
    """Reads both systems, writes the folder, and returns what was read and the SHA-256 of the manifest. Overwrites nothing."""
    period = period_of(since, until)
    if folder.exists():
        raise Misconfigured(f"{folder} is there already, and a pack overwrites nothing. Name another folder.")
    board, pins = run.own_board("bill")
    login = run.books.settings.login
    ours = [one.decision_id for one in run.store.decisions().sent() if not one.rule.startswith("found")]
    sides = Sides(
        flow=run.flow,
        books=run.books,
        board=board,
        pins=pins,
        company_id=login.company_id,
        login=login.user_id,
        now=run.now,
        ours=ours,
    )
    populations = sides.read(period)
    evidence = export_of(run, Query(), by=by)
    files = pack_of(populations, evidence=evidence, sample=Sample(size=sample, seed=seed), keys=Keyring(evidence_keys()))
    for name, content in files.items():
        write_new(folder / name, content)
    return populations, verify_alone.manifest_digest(folder)
