"""`check`: flow files, and whether both systems are as they say. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from intacct_asana.commands.looking import looked_at, step_of
from intacct_asana.commands.terminal import FINDINGS, AsJson, console, ending, errors_told, print_json, working
from intacct_asana.deployment import mappings_folder
from intacct_asana.errors import IntacctAsanaError, Misconfigured, Problem
from intacct_asana.flow.load import load_flow, load_flows
from intacct_asana.flow.model import Flow
from intacct_asana.flow.words import did_you_mean
from intacct_asana.operators.checks import Row
from intacct_asana.operators.create_missing import missing
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.preflight import CheckAsanaOperator, CheckIntacctOperator, ReportChecksOperator

HELP = ending(
    "check",
    "check acme --all",
    "check include/mappings/acme.yaml --offline",
    codes={1: "something is wrong"},
)
FILE_ENDINGS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is known of one flow: the problems of its file, or what preflight would say."""

    name: str
    problems: tuple[Problem, ...] = ()
    rows: tuple[Row, ...] = ()

    @property
    def failed(self) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if row["ok"] != "yes")


def check(
    what: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE|FLOW]...", help="Flow files, or names of flows; all flows when left out."),
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Read the files and call neither system.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Show the checks with which nothing is wrong too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with flow files, and what preflight would say of both systems. Writes nothing, pins nothing."""
    with errors_told():
        found = [one for name in what or [""] for one in _looked(name, offline=offline)]
        if not found:
            raise Misconfigured(f"There is no flow file in {mappings_folder()}. `intacct-asana init` makes one.")
        if as_json:
            print_json([_told(one) for one in found])
        else:
            for one in found:
                _print(one, everything=everything, offline=offline)
        if any(one.problems or one.failed for one in found):
            raise typer.Exit(FINDINGS)


def _looked(name: str, *, offline: bool) -> list[Looked]:
    flows, bad = flows_of(name)
    good = [Looked(name=flow.flow, rows=() if offline else tuple(rows_of(flow))) for flow in flows]
    return [*good, *(Looked(name=_file_of(error), problems=error.problems) for error in bad)]


def flows_of(name: str) -> tuple[list[Flow], list[Misconfigured]]:
    """The flows that a word means, and an error for each file with mistakes: a file, a flow's name, or all for an empty one.

    Raises Misconfigured for a word that means nothing.
    """
    path = Path(name)
    if name and (path.suffix in FILE_ENDINGS or path.is_file()):
        if not path.is_file():
            raise Misconfigured(f"There is no file {name}.")
        try:
            return [load_flow(path)], []
        except Misconfigured as error:
            return [], [error]
    flows, bad = load_flows(mappings_folder())
    if not name:
        return flows, bad
    own = [flow for flow in flows if flow.flow == name]
    wrong = [error for error in bad if _file_of(error).rsplit("/", 1)[-1].removesuffix(".yaml") == name]
    if own or wrong:
        return own, [] if own else wrong
    known = [flow.flow for flow in flows] + [_file_of(error) for error in bad]
    near = did_you_mean(name, known) if known else "`intacct-asana init` makes one"
    raise Misconfigured(f"There is no flow {name} in {mappings_folder()}, and no such file ({near})")


def the_flow(name: str) -> Flow:
    """The one flow that a word means. Raises Misconfigured with every problem of its file."""
    flows, bad = flows_of(name)
    if bad:
        raise bad[0]
    return flows[0]


def _file_of(error: Misconfigured) -> str:
    return error.problems[0].where.rsplit(":", 1)[0] if error.problems else ""


def rows_of(flow: Flow) -> list[Row]:
    """What preflight's table would say, without what it makes and pins."""
    with working(f"{flow.flow}: asking both systems") as say, looked_at(flow) as run:
        return look(run, say=say)


def look(run: FlowRun, *, say: Callable[[str], None]) -> list[Row]:
    """The rows; what could be pinned is pinned in the look alone."""
    say("Intacct")
    of_intacct = step_of(CheckIntacctOperator, run).work({})
    say("Asana")
    of_asana = step_of(CheckAsanaOperator, run).work({})
    rows = step_of(ReportChecksOperator, run, rows=[of_intacct, of_asana]).all_rows()
    return _together(rows, flow=run.flow.flow, names=_missing(run))


def _missing(run: FlowRun) -> list[str]:
    # What cannot be asked has a row of its own.
    with suppress(IntacctAsanaError):
        return missing(run)
    return []


def _together(rows: Sequence[Row], *, flow: str, names: Sequence[str]) -> list[Row]:
    """What *Create what is missing* would make in one row: it is told in many, and mended by one run."""
    if not names:
        return [*rows]
    told = f"{_counted(len(names), 'thing')} missing: {', '.join(dict.fromkeys(names))}"
    others = [row for row in rows if "create_missing" not in row["mend"]]
    return [{"check": "Asana fields and sections", "result": told, "mend": create_missing(flow), "ok": "no"}, *others]


def create_missing(flow: str) -> str:
    """How to have made what is missing."""
    return f"preflight makes them: {preflight(flow)}"


def preflight(flow: str) -> str:
    """The command that runs preflight with *Create what is missing* (its parameter create_missing)."""
    return f"""airflow dags test {flow}_preflight -c '{{"create_missing": true}}'"""


def _told(one: Looked) -> dict[str, object]:
    problems = [{name: getattr(problem, name) for name in ("where", "what", "mend", "quote")} for problem in one.problems]
    return {"name": one.name, "problems": problems, "failed": len(one.failed), "checks": list(one.rows)}


def _print(one: Looked, *, everything: bool, offline: bool) -> None:
    screen = console()
    if one.problems:
        screen.print(f"[red]{escape(one.name)} has {_counted(len(one.problems), 'problem')}.[/red]")
        for problem in one.problems:
            screen.print(escape(f"  - {problem}"), soft_wrap=True)
        return
    if offline:
        screen.print(f"[green]{escape(one.name)}: nothing is wrong with the file.[/green] Neither system was asked.")
        return
    shown = [row for row in one.rows if everything or row["mend"] or row["ok"] != "yes"]
    style = "red" if one.failed else "green"
    table = Table("", "check", "result", "what to do", title=_title(one), title_style=style, show_lines=True)
    for row in sorted(shown, key=lambda row: row["ok"] == "yes"):
        mark = "[green]ok[/green]" if row["ok"] == "yes" else "[red]no[/red]"
        table.add_row(mark, *(escape(row[name]) for name in ("check", "result", "mend")))
    screen.print(table)
    if len(one.rows) > len(shown):
        screen.print(f"{_counted(len(one.rows), 'check')} in all; --all shows them.")


def _title(one: Looked) -> str:
    good = f"{one.name}: all {len(one.rows)} checks passed"
    return f"{one.name}: {len(one.failed)} of {len(one.rows)} checks failed" if one.failed else good


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
