"""`script/bench NAME`: one command for each measurement. It prints one table and changes nothing but its own sandbox."""

from __future__ import annotations

import typer

from sandbox.bench import first_sync, idle_run, imports, memory, parsing, wake
from sandbox.bench.controls import duplicates, slices

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
app.command(name="duplicates")(duplicates.main)
app.command(name="first_sync")(first_sync.main)
app.command(name="idle-run")(idle_run.main)
app.command(name="imports")(imports.main)
app.command(name="memory")(memory.main)
app.command(name="parsing")(parsing.main)
app.command(name="slices")(slices.main)
app.command(name="wake")(wake.main)


@app.callback()
def measurements() -> None:
    """Measure on this machine, against a sandbox of its own. docs/benchmarks.md says how to read the tables."""


app()
