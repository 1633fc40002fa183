"""`policy test`: a table of bills against a flow's approval policy; `policy diff`: two policies over what was decided.

Exit codes: 0 as expected, 1 it differs, 2 unreadable. In your own tests:
`assert policy_differences(flow_file, table_file) == []`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from pydantic import Field, ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Column
from rich.table import Table as Printed
from sqlalchemy import make_url

from intacct_asana.approvals.routing import Progress, Voice, progress_of, route_of
from intacct_asana.approvals.words import money
from intacct_asana.audit.export import defused, period
from intacct_asana.commands.over_history import Compared, Difference, Outcome, compared
from intacct_asana.commands.terminal import AsJson, console, ending, in_airflow, print_json
from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.flow.load import found_in, line_of, load_flow, problem_of
from intacct_asana.flow.model import Flow
from intacct_asana.flow.rules import Approval
from intacct_asana.flow.words import Amount, Currency, Day, Email, FieldName, Line, Part
from intacct_asana.flow.yaml_text import Flaw, read_yaml
from intacct_asana.operators.evidence import read_file
from intacct_asana.operators.flow_run import is_closed, store_url
from intacct_asana.records import Bill, BillLine, BillState, DecisionState, Verdict
from intacct_asana.records.recorded import Recorded, Row, recorded_in
from intacct_asana.store import FlowStore, open_store
from intacct_asana.text import amount_text

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
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {error}") from error
    table, flaws = read_yaml(text)
    if table is not None and not flaws:
        try:
            return PolicyTable.model_validate(table)
        except ValidationError as error:
            found = found_in(error, PolicyTable)
            flaws = [Flaw(line=line_of(table, one.path), what=one.what, mend=one.mend) for one in found]
    problems = tuple(problem_of(flaw, name=str(path), text=text) for flaw in flaws)
    raise Misconfigured(f"{path} has mistakes.", problems=problems)


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


@app.command(
    name="test",
    epilog=ending("policy test include/mappings/acme.yaml bills.yaml", codes={0: "as expected", 1: "something differs"}),
)
def try_table(
    flow_file: Annotated[Path, typer.Argument(metavar="FLOW.yaml", help="The flow file.")],
    table_file: Annotated[Path, typer.Argument(metavar="TABLE.yaml", help="Bills, and what is expected of them.")],
    as_json: AsJson = False,
) -> None:
    """Print rule, steps and people of each bill of a table, and what is not as expected."""
    try:
        approval, table = load_flow(flow_file).approval, load_table(table_file)
    except IntacctAsanaError as error:
        Console(stderr=True, soft_wrap=True).print(escape(str(error)))
        raise typer.Exit(UNREADABLE) from error
    said = answers(approval, table, today=_today())
    wrong = [line for one, bill in zip(said, table.bills, strict=True) for line in one.differs(bill.expect)]
    if as_json:
        print_json({"bills": [asdict(one) for one in said], "differs": wrong})
    else:
        _print(said)
    for line in () if as_json else wrong:
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


# Over history.


class Form(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


COLUMNS = (
    *("decision_id", "bill", "bill_number", "vendor", "currency", "amount", "chosen_at", "person", "verdict", "differs"),
    *("old_end", "old_rule", "old_steps", "old_step", "old_people", "old_why"),
    *("new_end", "new_rule", "new_steps", "new_step", "new_people", "new_why"),
)


@app.command(
    epilog=ending(
        "policy diff acme.yaml acme-new.yaml --since 2026-07-01",
        "policy diff acme.yaml acme-new.yaml --evidence acme.json --check",
        codes={0: "told", 1: "something differs, with --check"},
    )
)
def diff(
    old_file: Annotated[Path, typer.Argument(metavar="OLD.yaml", help="The flow file as it is.")],
    new_file: Annotated[Path, typer.Argument(metavar="NEW.yaml", help="The flow file as it would be.")],
    since: Annotated[str, typer.Option(help="A day or a time: decisions that people made before are not told.")] = "",
    evidence: Annotated[Path | None, typer.Option(help="An export of the evidence (JSON), instead of the store.")] = None,
    store: Annotated[str, typer.Option(help="URL of the store, or its connection. That of OLD.yaml when left out.")] = "",
    form: Annotated[Form, typer.Option("--format", help="table, json or csv.")] = Form.TABLE,
    check: Annotated[bool, typer.Option("--check", help="Fail (exit code 1) where anything differs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print which decisions that were made would have ended otherwise by another policy. Calls neither system."""
    try:
        old, new = load_flow(old_file), load_flow(new_file)
        if old.flow != new.flow:
            raise Misconfigured(
                f"{old_file} is flow {old.flow} and {new_file} is flow {new.flow}: name two versions of one flow."
            )
        found = over_history(old, new, since=since, evidence=evidence, store=store)
    except IntacctAsanaError as error:
        Console(stderr=True, soft_wrap=True).print(escape(str(error)))
        raise typer.Exit(UNREADABLE) from error
    form = Form.JSON if as_json else form
    if form is Form.TABLE:
        _print_differences(found)
    else:
        print(_json_of(found) if form is Form.JSON else _csv_of(found), end="")
    if check and found.differences:
        raise typer.Exit(DIFFERS)


def over_history(old: Flow, new: Flow, *, since: str = "", evidence: Path | None = None, store: str = "") -> Compared:
    """Two policies over what was recorded. Raises Misconfigured for bad input, and where nothing can be compared."""
    began, _ = period(since, "", zone=ZoneInfo(old.schedules.timezone))
    if began and began > datetime.now(UTC):
        raise Misconfigured(f"--since {since} is in the future, so there is nothing to compare.")
    if evidence:
        decisions, waiting = recorded_in(_rows_of_file(evidence, old.flow)), list[Recorded]()
    else:
        kept = _store_of(store or old.connections.store, old.flow)
        decisions = recorded_in((row.key, row.decision_id, row.body) for row in kept.evidence())
        waiting = _waiting_in(kept)
    found = compared(old, new, decisions, since=began or datetime.min.replace(tzinfo=UTC), waiting=waiting)
    if not found.judged and not found.waiting and not found.not_judged:
        raise Misconfigured(f"There is no decision{f' since {since}' if since else ''} in {evidence or 'the store'}.")
    return found


def _rows_of_file(path: Path, flow: str) -> list[Row]:
    made, problems = read_file(path)
    if problems:
        raise Misconfigured(f"{path} cannot be compared with.", problems=tuple(problems))
    if made.header.flow != flow:
        raise Misconfigured(f"{path} holds the evidence of flow {made.header.flow}, and the files are of flow {flow}.")
    return [(row.key, row.decision_id, row.said) for row in made.in_full]


def _store_of(named: str, flow: str) -> FlowStore:
    in_airflow()
    address = named if "://" in named else store_url(named)
    url = make_url(address)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        # It would be made, and nothing in it differs.
        raise Misconfigured(
            f"There is no store of flow {flow} here: {url.database} does not exist. Name it with --store, or --evidence."
        )
    return open_store(address).for_flow(flow, rehearses=True)


def _waiting_in(kept: FlowStore) -> list[Recorded]:
    """Bills with an open task about which no approval stands, as their tasks show them."""
    links = {key: link for key, link in kept.links("bill").all().items() if not is_closed(link)}
    stands = {one.key for one in kept.decisions().sent(links) if one.state in (DecisionState.CONFIRMED, DecisionState.GRANTED)}
    shown = kept.links("bill").showing(links.keys() - stands)
    at = datetime.now(UTC)
    # Which state a bill is in is no matter of who decides on it.
    return [
        Recorded(
            decision_id=f"waits {key}", key=key, verdict=Verdict.APPROVE, at=at, bill={**each.body, "state": BillState.POSTED}
        )
        for key, each in sorted(shown.items(), key=lambda one: (len(one[0]), one[0]))
    ]


def _print_differences(found: Compared) -> None:
    screen = console()
    if found.differences:
        heads = ("bill", "amount", "chosen", "by", "as it is", "as it would be")
        printed = Printed(*(Column(head, overflow="fold") for head in heads), show_lines=True)
        for one in found.differences:
            chosen = one.decision
            by = f"{chosen.name or chosen.email}: {chosen.verdict}" if chosen.email else "nobody yet"
            row = (
                chosen.bill_name,
                _amount(chosen),
                f"{chosen.at:%Y-%m-%d}" if chosen.email else "",
                by,
                _words(one.before),
                _words(one.after),
            )
            printed.add_row(*(escape(text) for text in row))
        screen.print(printed)
    for change, sums in found.money().items():
        told = ", ".join(
            f"{count} bill{'s' if count > 1 else ''} of {money(total, unit)}" for unit, (count, total) in sums.items()
        )
        screen.print(escape(f"{change}: {told}"))
    decisions = [one for one in found.differences if one.decision.email]
    told = f"{len(decisions)} of {found.judged} decisions about {found.bills} bills"
    screen.print(f"{told} would have another end, rule, steps or people.")
    if found.waiting:
        others = len(found.differences) - len(decisions)
        screen.print(f"{others} of {found.waiting} bills that wait for a decision would have another rule, steps or people.")
    for rule, count in found.taken_as_recorded.items():
        screen.print(escape(f"Taken as recorded: {count} refused by the rule {rule}."))
    for why, count in found.not_judged.items():
        screen.print(escape(f"Not judged: {count}, {why}."))


def _words(outcome: Outcome) -> str:
    step = f", {outcome.step} by {', '.join(outcome.people) or 'nobody'}" if outcome.step else ""
    steps = f" ({', '.join(outcome.steps)})" if outcome.steps else ""
    return f"{outcome.end}; rule {outcome.rule}{steps}{step}" + (f"\n{outcome.why}" if outcome.why else "")


def _amount(chosen: Recorded) -> str:
    return money(chosen.amount or Decimal(0), chosen.currency)


def _rows(found: Compared) -> Iterator[dict[str, object]]:
    for one in found.differences:
        yield dict(zip(COLUMNS, (*_chosen(one), *_told(one.before), *_told(one.after)), strict=True))


def _chosen(one: Difference) -> tuple[object, ...]:
    chosen = one.decision
    bill = (chosen.key, chosen.bill_name, chosen.vendor_id, chosen.currency, amount_text(chosen.amount or Decimal(0)))
    return (chosen.decision_id, *bill, chosen.at.isoformat(), chosen.email, str(chosen.verdict), list(one.what))


def _told(outcome: Outcome) -> tuple[object, ...]:
    return (outcome.end, outcome.rule, list(outcome.steps), outcome.step, list(outcome.people), outcome.why)


def _json_of(found: Compared) -> str:
    sums = {
        change: {unit: {"bills": count, "amount": amount_text(total)} for unit, (count, total) in by_unit.items()}
        for change, by_unit in found.money().items()
    }
    told = {
        "decisions": found.judged,
        "bills": found.bills,
        "waiting": found.waiting,
        "differences": list(_rows(found)),
        "money": sums,
        "taken_as_recorded": dict(found.taken_as_recorded),
        "not_judged": dict(found.not_judged),
    }
    return json.dumps(told, indent=2, ensure_ascii=False) + "\n"


def _csv_of(found: Compared) -> str:
    """The differences alone, as spreadsheets want them."""
    written = io.StringIO(newline="")
    writer = csv.writer(written, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for row in _rows(found):
        writer.writerow([defused(", ".join(one) if isinstance(one, list) else str(one)) for one in row.values()])
    return written.getvalue()
