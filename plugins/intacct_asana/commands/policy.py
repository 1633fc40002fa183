"""`policy test`: a table of bills against a flow's approval policy. Exit codes: 0 as expected, 1 it differs, 2 unreadable.

In your own tests: `assert policy_differences(flow_file, table_file) == []`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from pydantic import Field, ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table as Printed

from intacct_asana.approvals.routing import Progress, Voice, progress_of, route_of
from intacct_asana.errors import IntacctAsanaError, Misconfigured, Problem
from intacct_asana.flow.load import found_in, line_of, load_flow
from intacct_asana.flow.rules import Approval
from intacct_asana.flow.words import Amount, Currency, Day, Email, FieldName, Line, Part
from intacct_asana.flow.yaml_text import read_yaml
from intacct_asana.records import Bill, BillLine, BillState

app = typer.Typer(no_args_is_help=True, help="The approval policy of a flow: try it on bills (docs/approval-policy.md).")
DIFFERS, UNREADABLE = 1, 2
NO_RULE = "none"


@app.callback()
def policy() -> None:
    """The approval policy of a flow (docs/approval-policy.md)."""


class TableLine(Part):
    """One line of a bill of the table."""

    gl_account: Line = "-"
    department: Line = "-"
    project: Line = "-"


class Expected(Part):
    """What is wanted of a bill. What is left out is not compared."""

    rule: Line | None = None
    steps: tuple[Line, ...] | None = None
    step: Line | None = None
    people: tuple[Email, ...] | None = None
    decided: bool | None = None


class TableBill(Part):
    """A bill as far as rules look at it, what was approved on it so far, on which day, and what is wanted."""

    bill: Line
    amount: Amount
    currency: Currency = "USD"
    entity: Line = "-"
    vendor: Line = "-"
    lines: tuple[TableLine, ...] = ()
    vendor_says: Mapping[FieldName, Email] = {}
    approved: tuple[Email, ...] = ()
    on: Day | None = None
    expect: Expected = Expected()


class PolicyTable(Part):
    bills: Annotated[tuple[TableBill, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the policy says of one bill: `people` are due in `step`; `unheard` approved and count for nothing."""

    bill: str
    rule: str
    steps: tuple[str, ...] = ()
    step: str = ""
    people: tuple[str, ...] = ()
    decided: bool = False
    unheard: tuple[str, ...] = ()

    def differs(self, expected: Expected) -> Iterator[str]:
        wanted = {name: value for name, value in expected if value is not None}
        for name, value in wanted.items():
            said = getattr(self, name)
            if (sorted(said) != sorted(value)) if name == "people" else said != value:
                yield f"{self.bill}: {name} is {_shown(said)}, expected {_shown(value)}"


def answers(approval: Approval, table: PolicyTable, *, today: date) -> list[Answer]:
    """What the policy says of each bill of the table, in its order."""
    return [_answer(approval, one, on=one.on or today) for one in table.bills]


def policy_differences(flow_file: Path | str, table_file: Path | str) -> list[str]:
    """What of the table is not as its `expect` says, a sentence each; raises Misconfigured for a file with mistakes."""
    approval, table = load_flow(Path(flow_file)).approval, load_table(Path(table_file))
    said = answers(approval, table, today=_today())
    return [line for one, bill in zip(said, table.bills, strict=True) for line in one.differs(bill.expect)]


def load_table(path: Path) -> PolicyTable:
    """Raises Misconfigured with every problem in the file, as `file:line`."""
    try:
        table, flaws = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from error
    problems = [Problem(where=f"{path}:{one.line}", what=one.what, mend=one.mend) for one in flaws]
    if table is not None and not problems:
        try:
            return PolicyTable.model_validate(table)
        except ValidationError as error:
            found = found_in(error, PolicyTable)
            problems = [Problem(where=f"{path}:{line_of(table, one.path)}", what=one.what, mend=one.mend) for one in found]
    raise Misconfigured(f"{path} has mistakes.", problems=tuple(problems))


def _answer(approval: Approval, asked: TableBill, *, on: date) -> Answer:
    route = route_of(_bill(asked), approval, vendor_person=lambda field, bill: asked.vendor_says.get(field, ""))
    if route is None:
        return Answer(bill=asked.bill, rule=NO_RULE, unheard=asked.approved)
    voices = [Voice(email=email, on=on, decision_id=str(place)) for place, email in enumerate(asked.approved)]
    progress: Progress = progress_of(route, voices)
    return Answer(
        bill=asked.bill,
        rule=route.rule.name,
        steps=tuple(one.step.name for one in route.steps),
        step="" if progress.is_complete else route.steps[progress.place].step.name,
        people=tuple(email for email, _ in progress.due(on)),
        decided=progress.is_complete,
        unheard=tuple(one.email for one in voices if not progress.counts(one.decision_id)),
    )


def _bill(asked: TableBill) -> Bill:
    lines = (
        BillLine(
            record_no=str(place),
            line_no=place,
            account_no=one.gl_account,
            account_title="",
            amount=Decimal(0),
            transaction_amount=Decimal(0),
            department_id=one.department,
            project_id=one.project,
        )
        for place, one in enumerate(asked.lines, start=1)
    )
    return Bill(
        bill_key="table",
        record_no="0",
        bill_number=asked.bill,
        vendor_id=asked.vendor,
        vendor_name=asked.vendor,
        state=BillState.POSTED,
        base_currency=asked.currency,
        total_entered=asked.amount,
        entity_id=asked.entity,
        lines=tuple(lines),
    )


@app.command()
def test(
    flow_file: Annotated[Path, typer.Argument(metavar="FLOW.yaml", help="The flow file.")],
    table_file: Annotated[Path, typer.Argument(metavar="TABLE.yaml", help="Bills, and what is expected of them.")],
) -> None:
    """Print rule, steps and people of each bill of a table, and what is not as expected."""
    try:
        approval, table = load_flow(flow_file).approval, load_table(table_file)
    except IntacctAsanaError as error:
        Console(stderr=True, soft_wrap=True).print(escape(str(error)))
        raise typer.Exit(UNREADABLE) from error
    said = answers(approval, table, today=_today())
    _print(said)
    wrong = [line for one, bill in zip(said, table.bills, strict=True) for line in one.differs(bill.expect)]
    for line in wrong:
        Console(soft_wrap=True).print(f"[red]{escape(line)}[/red]")
    if wrong:
        raise typer.Exit(DIFFERS)


def _print(said: Sequence[Answer]) -> None:
    printed = Printed("bill", "rule", "steps", "due", "by", "counts for nothing")
    for one in said:
        due = "decided" if one.decided else one.step or "nobody can decide"
        row = (one.bill, one.rule, ", ".join(one.steps), due, ", ".join(one.people), ", ".join(one.unheard))
        printed.add_row(*(escape(text) for text in row))
    Console(soft_wrap=True).print(printed)


def _shown(value: object) -> str:
    return ", ".join(value) or "nobody" if isinstance(value, tuple) else str(value)


def _today() -> date:
    return datetime.now(UTC).date()
