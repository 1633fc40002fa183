"""`evidence export` and `evidence verify`. Exit codes: 0 nothing is wrong, 1 findings, 2 it cannot be read or made."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from intacct_asana.audit import verify_alone
from intacct_asana.audit.chain import Keyring
from intacct_asana.audit.pack import seal_finding
from intacct_asana.audit.timestamps import stamp_findings
from intacct_asana.audit.verify import FileReport, anchors_of, verify_export
from intacct_asana.commands.terminal import (
    FINDINGS,
    AsJson,
    FlowName,
    console,
    ending,
    errors_told,
    in_airflow,
    print_json,
    run_of,
    working,
)
from intacct_asana.deployment import evidence_keys, flow_named
from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.operators.evidence import export_of, query_of, read_file, stamped_anchors, write_export, write_pack
from intacct_asana.records.anchors import Anchor, anchor_text, anchors_in

app = typer.Typer(no_args_is_help=True, help="The evidence of decisions: export it, verify it (docs/evidence.md).")


class Form(StrEnum):
    JSON = "json"
    CSV = "csv"


@app.command(
    epilog=ending(
        "evidence export --flow acme --to acme.json",
        "evidence export --flow acme --bill 4711 --stamps --to 4711.json",
        codes={1: ""},
    )
)
def export(
    flow: FlowName,
    to: Annotated[Path, typer.Option("--to", help="The file to write; its SHA-256 goes beside it. Never overwritten.")],
    form: Annotated[Form, typer.Option("--format", help="json proves itself; csv is for reading.")] = Form.JSON,
    bill: Annotated[str, typer.Option(help="A bill's key, number or record number.")] = "",
    since: Annotated[str, typer.Option(help="A day or a time, in the flow's zone unless it says one.")] = "",
    until: Annotated[str, typer.Option(help="A day, which counts whole, or a time, which does not count.")] = "",
    person: Annotated[str, typer.Option(help="A user's gid or address in Asana.")] = "",
    stamps: Annotated[bool, typer.Option("--stamps", help="Also keep the anchors that stand on the bills.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the evidence of a bill, a period, a person, or all of it into a file."""
    with errors_told():
        run = run_of(flow)
        query = query_of(run, bill=bill, since=since, until=until, person=person)
        made = export_of(run, query, by=getpass.getuser())
        if stamps:
            with working("Reading the anchors on the bills"):
                anchors = stamped_anchors(run, {row.key for row in made.in_full})
            made = export_of(run, query, by=getpass.getuser(), anchors=anchors)
        path, digest = write_export(to, made, form=form)
        rows = [
            ("file", str(path)),
            ("SHA-256", digest),
            ("rows in full", str(made.header.rows)),
            ("rows left out", str(made.header.left_out)),
            ("newest row", anchor_text(made.header.head)),
            ("anchors", str(len(made.anchors))),
            ("sealed with key", made.signed_by or "none: there is no key"),
        ]
        _print(f"Evidence of {flow}", rows, as_json=as_json)


@app.command(
    epilog=ending(
        "evidence verify acme.json", "evidence verify --flow acme --json", codes={0: "nothing is wrong", 1: "findings"}
    )
)
def verify(
    file: Annotated[
        Path | None, typer.Argument(help="An exported file (JSON), or an auditor's pack; without it the store.")
    ] = None,
    flow: Annotated[str, typer.Option("--flow", help="Name of the flow; for the store, or to be compared with the file.")] = "",
    anchor: Annotated[list[str] | None, typer.Option(help="An anchor of a stamp, a comment, a run. Repeatable.")] = None,
    against: Annotated[list[Path] | None, typer.Option(help="An earlier export, as anchors for its rows. Repeatable.")] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Certificates of the time stamp server (PEM). Those of --flow when left out.")
    ] = None,
    without_key: Annotated[bool, typer.Option("--without-key", help="What anybody can prove, without the key.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what an exported file, or the store, proves, and what is wrong with it."""
    with errors_told():
        anchors = _anchors(anchor or (), against or ())
        if file is None:
            verdict = _verify_store(flow, anchors, certificate)
        elif file.is_dir():
            verdict = _verify_pack(file, anchor or (), Keyring() if without_key else Keyring(_keys()))
        else:
            made, problems = read_file(file)
            if flow and made.header.flow != flow:
                problems.append(Problem(where=file.name, what=f"it is of flow {made.header.flow}"))
            keys = None if without_key else Keyring(_keys())
            trusted = _certificates(certificate, flow)
            verdict = _end_of(file, verify_export(made, keys=keys, anchors=anchors, certificates=trusted), problems)
        _tell(verdict, as_json=as_json)


@app.command(epilog=ending("evidence pack --flow acme --since 2026-07-01 --until 2026-09-30 --to pack-q3", codes={1: ""}))
def pack(
    flow: FlowName,
    since: Annotated[str, typer.Option(help="First bill date, as 2026-07-01.")],
    until: Annotated[str, typer.Option(help="Last bill date; it counts.")],
    to: Annotated[Path, typer.Option("--to", help="The folder to make. Never overwritten.")],
    sample: Annotated[int, typer.Option(min=0, help="How many bills to draw.")] = 25,
    seed: Annotated[str, typer.Option(help="What the sample is drawn by; best named by the auditor.")] = "1",
    as_json: AsJson = False,
) -> None:
    """Make an auditor's pack of a period: both populations, a sample, all evidence, and a program that checks them."""
    with errors_told():
        with working(f"{flow}: reading the period from both systems"):
            made, digest = write_pack(
                run_of(flow), to, since=since, until=until, sample=sample, seed=seed, by=getpass.getuser()
            )
        unread = [why for source in made.sources for why in source.unread]
        rows = [
            ("folder", str(to)),
            ("SHA-256 of manifest.json", digest),
            ("bills in Intacct", str(len(made.bills))),
            ("their tasks in Asana", str(len(made.tasks))),
            ("differences", str(len(made.differences))),
            ("could not be read", "; ".join(unread) or "nothing"),
            ("to check it", f"python3 {to / 'verify.py'} --manifest {digest}"),
        ]
        _print(f"Auditor's pack of {flow}", rows, as_json=as_json)


def _certificates(file: Path | None, flow: str) -> str:
    """From the file, or from the flow's own; a file of evidence never brings those that it is to be proven by."""
    if file:
        try:
            return file.read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(f"{file} cannot be read as certificates.") from error
    with suppress(Misconfigured):
        return flow_named(flow).evidence.timestamp_certificate
    return ""


Verdict = tuple[str, Sequence[tuple[str, str]], Sequence[Problem]]
"""What was looked at, what is so, and what is wrong."""


def _verify_store(flow: str, anchors: Sequence[Anchor], certificate: Path | None) -> Verdict:
    if not flow:
        raise Misconfigured("Name a file, or the flow whose store is to be verified: --flow.")
    store = run_of(flow).store
    report, stamps, trusted = store.examine_evidence(anchors), store.timestamps(), _certificates(certificate, flow)
    unproven = stamp_findings(stamps, flow=flow, certificates=trusted) if trusted else ()
    found = [Problem(where=f"evidence of {flow}, {where}", what=what, mend=mend) for where, what, mend in unproven]
    keyed = f"row {report.keyed_from}, key {', '.join(report.signed_by)}" if report.keyed_from else "none"
    counts = {"rows": report.rows, "keyed from": keyed, "anchors": report.anchors, "time stamps": len(stamps)}
    said = [(name, str(value)) for name, value in counts.items()]
    return f"Evidence of {flow} in its store", said, [*report.problems, *found]


def _verify_pack(folder: Path, anchors: Sequence[str], keys: Keyring) -> Verdict:
    """What the pack's own program says, and with the key whether manifest and rows are what was made."""
    try:
        manifest, told = verify_alone.read_manifest(folder), verify_alone.findings_in(folder, anchors=anchors)
    except verify_alone.NoPack as error:
        raise Misconfigured(str(error)) from None
    found = [Problem(where=where, what=what) for where, what in told]
    if keys.signer and (wrong := seal_finding(manifest, keys)):
        found.append(Problem(where=verify_alone.MANIFEST, what=wrong, mend="have a new pack made, and compare the two"))
    if keys.signer and (folder / "evidence.json").exists():
        made, problems = read_file(folder / "evidence.json")
        found += [*problems, *verify_export(made, keys=keys).problems]
    return str(folder), [("flow", manifest["flow"]), ("made", f"{manifest['made_at']} by {manifest['made_by']}")], found


def _end_of(file: Path, report: FileReport, problems: Sequence[Problem]) -> Verdict:
    header = report.export.header
    query = {name: getattr(header.query, name) for name in ("bill", "since", "until", "person")}
    asked = ", ".join(f"{name} {value}" for name, value in query.items() if value) or "everything"
    rows = [
        ("flow", header.flow),
        ("asked for", asked),
        ("exported", f"{header.exported_at:%Y-%m-%d %H:%M} UTC by {header.exported_by}"),
        ("rows in full", str(header.rows)),
        ("rows left out", str(header.left_out)),
        ("newest row", anchor_text(header.head)),
    ]
    found = [*problems, *report.problems]
    proven = [("proven", line) for line in report.proven] if not found else []
    return str(file), [*rows, *proven, *(("not proven", line) for line in report.not_proven)], found


def _tell(verdict: Verdict, *, as_json: bool) -> None:
    title, rows, problems = verdict
    if as_json:
        found = [{"where": one.where, "what": one.what, "mend": one.mend} for one in problems]
        print_json({"looked_at": title, **_by_name(rows), "findings": found})
    else:
        _print(title, rows)
        _findings(problems)
    if problems:
        raise typer.Exit(FINDINGS)


def _findings(problems: Sequence[Problem]) -> None:
    screen = console()
    if not problems:
        screen.print("[green]Nothing is wrong.[/green]")
        return
    table = Table("where", "what is wrong", "what to do", title=f"{len(problems)} findings", title_style="red", show_lines=True)
    for one in problems:
        table.add_row(escape(one.where), escape(one.what), escape(one.mend))
    screen.print(table)


def _by_name(rows: Sequence[tuple[str, str]]) -> dict[str, str | list[str]]:
    """What stands in several rows, as what is proven, is a list."""
    named: dict[str, list[str]] = {}
    for name, value in rows:
        named.setdefault(name.replace(" ", "_"), []).append(value)
    return {name: values if name in ("proven", "not_proven") else values[0] for name, values in named.items()}


def _print(title: str, rows: Sequence[tuple[str, str]], *, as_json: bool = False) -> None:
    if as_json:
        print_json(_by_name(rows))
        return
    table = Table(show_header=False)
    for name, value in rows:
        table.add_row(name, escape(value))
    screen = console()
    screen.print(f"[bold]{escape(title)}[/bold]", soft_wrap=True)
    screen.print(table)


def _anchors(texts: Sequence[str], files: Sequence[Path]) -> tuple[Anchor, ...]:
    found: list[Anchor] = []
    for text in texts:
        anchors = anchors_in(text, where="the anchor that was given")
        if not anchors:
            raise Misconfigured(f"There is no anchor in {text!r}; one looks like #41:9f3a0c11d2e4b5a6.")
        found += anchors
    for file in files:
        earlier, problems = read_file(file)
        if problems:
            raise Misconfigured("An earlier export cannot be compared with.", problems=tuple(problems))
        found += anchors_of(earlier, where=file.name)
    return tuple(found)


def _keys() -> Sequence[bytes]:
    in_airflow()
    return evidence_keys()
