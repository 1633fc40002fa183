"""`close`: which bills were open at the end of a day, and who held them. Exit codes: 0 told, 2 it cannot be told."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from intacct_asana.closing.table import SUM_COLUMNS, by_of, rows_csv, sum_cells, sums_csv, sums_of
from intacct_asana.closing.view import View, not_over
from intacct_asana.commands.terminal import AsJson, FlowName, console, ending, errors_told, print_json, run_of
from intacct_asana.errors import Misconfigured
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.store.reporting.closing import close_view

HELP = ending(
    "close --flow acme --as-of 2026-11-30 --by entity,period --csv held.csv", "close --flow acme --json", codes={1: ""}
)


def close(
    flow: FlowName,
    as_of: Annotated[str, typer.Option("--as-of", help="A day in the flow's time zone: how it was at its end. Today.")] = "",
    by: Annotated[str, typer.Option(help="Sums by entity, period, account, project, with commas between.")] = "entity,period",
    to: Annotated[Path | None, typer.Option("--csv", help="A file for the bills that are held, a row each.")] = None,
    sums: Annotated[Path | None, typer.Option("--sums-csv", help="A file for the sums.")] = None,
    as_json: AsJson = False,
) -> None:
    """Bills that are unposted, unapproved or parked at the end of a day, and who holds them (docs/close.md). Calls nobody."""
    with errors_told():
        names, run = by_of(by), run_of(flow)
        zone = ZoneInfo(run.flow.schedules.timezone)
        day = _day(as_of) if as_of else run.now().astimezone(zone).date()
        view = close_view(run.flow, run.store.history(), day)
        _say(view, run, zone)
        for path, text in ((to, rows_csv(view, names)), (sums, sums_csv(view, names))):
            if path:
                _write(path, text)
        if as_json:
            print_json(_told(view, names))
        else:
            _print(view, names)


def _told(view: View, names: tuple[str, ...]) -> dict[str, object]:
    sums = [dict(zip((*names, *SUM_COLUMNS), sum_cells(one), strict=True)) for one in sums_of(view, names)]
    counts = {"open": len(view.rows), "held": len(view.held)}
    return {"flow": view.flow, "as_of": view.day, **counts, "sums": sums, "notes": [note for note in view.notes if note]}


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misconfigured(f"--as-of {text!r} is no day; write it as 2026-11-30.") from None


def _say(view: View, run: FlowRun, zone: ZoneInfo) -> None:
    """Beside the table, so that it stands on the screen also where that goes into a file."""
    for note in (*view.notes, not_over(view.day, zone, now=run.now())):
        if note:
            Console(stderr=True, soft_wrap=True).print(escape(note))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise Misconfigured(f"{path} cannot be written: {error.strerror}.") from error


def _print(view: View, names: tuple[str, ...]) -> None:
    held = f"{len(view.held)} of {len(view.rows)} open bills are held"
    title = f"{view.flow} at the end of {view.day}: {held}"
    table = Table(*(*names, *(name.replace("_", " ") for name in SUM_COLUMNS)), title=title)
    for one in sums_of(view, names):
        table.add_row(*map(escape, sum_cells(one)))
    console().print(table)
