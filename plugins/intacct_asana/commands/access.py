"""`access`: who can do what on both sides. Exit codes: 0 nothing is wrong, 1 findings, 2 it cannot be read."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from intacct_asana.audit.access import COLUMNS, FORMS, Matrix, rows_of
from intacct_asana.commands.terminal import FINDINGS, AsJson, console, ending, errors_told, run_of, working
from intacct_asana.operators.people.access import access_matrix, counted

HELP = ending("access acme", "access acme --format csv > access.csv", codes={1: "there are findings"})


class Form(StrEnum):
    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def access(
    flow: Annotated[str, typer.Argument(help="Name of the flow.")],
    form: Annotated[
        Form, typer.Option("--format", help="table for reading, csv a row a person, json everything.")
    ] = Form.TABLE,
    as_json: AsJson = False,
) -> None:
    """Who can approve in Asana, who can enter bills, pay and edit vendors in Intacct, and who can do both."""
    form = Form.JSON if as_json else form
    with errors_told(), working(f"{flow}: asking both systems"):
        run = run_of(flow)
        board, pins = run.own_board("bill")
        matrix = access_matrix(run, board, pins)
    if form is Form.TABLE:
        _print(flow, matrix)
    else:
        typer.echo(FORMS[form](matrix), nl=False)
    if matrix.findings:
        raise typer.Exit(FINDINGS)


def _print(flow: str, matrix: Matrix) -> None:
    screen = console()
    people = Table(*COLUMNS[:-1], title=f"Access of {flow}", show_lines=True)
    for row in rows_of(matrix):
        people.add_row(*map(escape, row[:-1]))
    screen.print(people)
    wrong = Table("severity", "who", "why", "what to do", title=counted(matrix.findings), show_lines=True)
    for one in matrix.findings:
        wrong.add_row(*map(escape, (one.severity, ", ".join(one.persons), one.reason, one.cure)))
    screen.print(wrong)
    for sentence in matrix.untold:
        screen.print(escape(sentence), soft_wrap=True)
