"""`example`: a flow file to begin with, on standard output."""

from __future__ import annotations

from typing import Annotated

import typer

from intacct_asana.commands.terminal import UNREADABLE, AsJson, ending, print_json
from intacct_asana.deployment import example_files
from intacct_asana.flow.words import did_you_mean

HELP = ending("example", "example minimal > include/mappings/acme.yaml", codes={1: "", 2: "there is no such example", 130: ""})


def example(
    name: Annotated[str, typer.Argument(help="Which one. All are listed when left out.")] = "",
    as_json: AsJson = False,
) -> None:
    """Print a flow file to begin with: `example minimal > include/mappings/acme.yaml`."""
    files = example_files()
    if as_json and name in ("", *files):
        texts = {one: path.read_text(encoding="utf-8") for one, path in files.items() if name in ("", one)}
        print_json({one: text if name else _title(text) for one, text in texts.items()})
    elif not name:
        for one, path in files.items():
            typer.echo(f"{one:16} {_title(path.read_text(encoding='utf-8'))}")
    elif name in files:
        typer.echo(files[name].read_text(encoding="utf-8"), nl=False)
    else:
        typer.echo(f"There is no example {name!r}: {did_you_mean(name, files)}.", err=True)
        raise typer.Exit(UNREADABLE)


def _title(text: str) -> str:
    """The first sentence of the file's opening comment."""
    lines = [line.removeprefix("#").strip() for line in text.splitlines() if line.startswith("# ") and "$schema" not in line]
    return lines[0] if lines else ""
