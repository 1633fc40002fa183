"""`plan`: what the next bill_sync would do, as a table. Writes nothing to either system or to the flow's store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.markup import escape
from rich.table import Table

from intacct_asana.commands.check import create_missing, look, the_flow
from intacct_asana.commands.looking import looked_at, step_of
from intacct_asana.commands.terminal import FINDINGS, LONGEST_LINE, AsJson, console, ending, errors_told, print_json, working
from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow.model import Flow
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.syncing import PlanBillsOperator, PlanVendorsOperator
from intacct_asana.reading.following import Sight
from intacct_asana.records import Bill, Pins, Vendor
from intacct_asana.reports.plan_words import NOTHING, changes_of
from intacct_asana.sync import PagedPlan, stored_plan
from intacct_asana.sync.difference import FIELD
from intacct_asana.sync.plan import Action
from intacct_asana.sync.plan_value import LEAVE
from intacct_asana.sync.release import acting, calls_of
from intacct_asana.text import amount_text, money_text, one_line, short

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

HELP = ending("plan acme", "plan acme --bill 4711 --json", "plan acme --vendors --full", codes={1: "it is over a limit"})
STOPS = "A real run would stop"
TOLD_BY_TABLE = ("The plan\n", "%s %s, and the task would say")
KINDS = {
    "create": "create",
    "adopt": "adopt",
    "update": "update",
    "close": "close",
    "reopen": "reopen",
    "retire": "retire",
}


@dataclass(slots=True, kw_only=True)
class Seen:
    """A plan with what it was made of. `summary` is what a run would say of it."""

    flow: Flow
    kind: str
    plan: PagedPlan
    pins: Pins
    summary: Mapping[str, Any]
    records: Mapping[str, Bill | Vendor]
    warnings: tuple[str, ...]
    calls: Mapping[str, int]
    pinned_now: bool
    """Whether preflight pinned nothing yet, so that this look found the fields by their names."""


class _Says:
    """A log whose lines are told as progress; warnings are kept, to be shown with the plan."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say, self.warnings = say, list[str]()

    def info(self, text: str, *values: object) -> None:
        # A plan in full, and the first tasks of one, are a table here.
        if not text.startswith(TOLD_BY_TABLE):
            self.say(text % values)

    def warning(self, text: str, *values: object) -> None:
        self.warnings.append(text % values)


class _LooksAtBills(PlanBillsOperator):
    """Keeps what it read, by which the rows get their names, and tells what it logs."""

    read: Mapping[str, Bill | Vendor] = {}
    says: _Says

    @property
    def log(self) -> Any:
        return self.says

    def whole(self, run: FlowRun, sight: Sight) -> MutableMapping[str, Bill]:
        self.read = found = super().whole(run, sight)
        return found


class _LooksAtVendors(PlanVendorsOperator):
    """The same for vendors."""

    read: Mapping[str, Bill | Vendor] = {}
    says: _Says

    @property
    def log(self) -> Any:
        return self.says

    def whole(self, run: FlowRun, sight: Sight) -> MutableMapping[str, Any]:
        self.read = found = super().whole(run, sight)
        return found


def plan(
    what: Annotated[str, typer.Argument(metavar="FLOW|FILE", help="Name of the flow, or its file.")],
    vendors: Annotated[bool, typer.Option("--vendors", help="Plan the vendors' tasks instead of the bills'.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Compare every record with every task.")] = False,
    since: Annotated[str, typer.Option(help="Read what changed from here on, such as 2026-11-30T08:00:00Z.")] = "",
    bill: Annotated[list[str] | None, typer.Option(help="Only bills with this number. Repeatable.")] = None,
    vendor: Annotated[list[str] | None, typer.Option(help="Only bills of this vendor, or this vendor. Repeatable.")] = None,
    rows: Annotated[int, typer.Option(min=0, help="How many rows to show; 0 shows all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Show what the next run of bill_sync would write in Asana, with the limits that it would stop at and what it costs."""
    with errors_told():
        if vendors and bill:
            raise Misconfigured("--bill goes with bills, and --vendors asks for vendors: leave one of them out.")
        params = {"dry_run": True, "full": full, "since": since or None, "vendor_ids": vendor, "bill_numbers": bill}
        seen = _seen(the_flow(what), params, vendors=vendors)
        if as_json:
            print_json(_told(seen))
        else:
            _print(seen, rows=rows)
        if seen.summary.get("would_stop"):
            raise typer.Exit(FINDINGS)


def _seen(flow: Flow, params: Mapping[str, Any], *, vendors: bool) -> Seen:
    with working(f"{flow.flow}: reading both systems.") as say, looked_at(flow) as run:
        step: _LooksAtBills | _LooksAtVendors = step_of(_LooksAtVendors, run) if vendors else step_of(_LooksAtBills, run)
        pinned_now = _pin(run, step.kind, say=say)
        step.says = _Says(say)
        summary = step.work(_context(params))
        stored = run.store.plan(summary["plan_id"])
        assert stored is not None
        return Seen(
            flow=flow,
            kind=step.kind,
            # All of it now: the pages lie in the look's own store, which goes with it.
            plan=stored_plan(stored.body, tuple(stored.more)),
            pins=run.own_board(step.kind)[1],
            summary=summary,
            records=step.read,
            warnings=(*step.says.warnings, *_found_none(params, read=summary["read"])),
            calls=run.calls(),
            pinned_now=pinned_now,
        )


def _found_none(params: Mapping[str, Any], *, read: int) -> list[str]:
    """What somebody asked for by name, where nothing came of it."""
    asked = [*(params["bill_numbers"] or ()), *(params["vendor_ids"] or ())]
    if not asked or read:
        return []
    named = short(", ".join(map(one_line, asked)), longest=LONGEST_LINE)
    return [f"Nothing of the flow's scope was found for {named}: is it written as in Intacct, in the flow's states and days?"]


def _pin(run: FlowRun, kind: str, *, say: Callable[[str], None]) -> bool:
    """Where preflight has pinned nothing yet, this look does. Raises Misconfigured where the project lacks something."""
    if run.store.pins(kind):
        return False
    rows = look(run, say=say)
    if run.store.pins(kind):
        return True
    wrong = [row for row in rows if row["ok"] != "yes"]
    problems = tuple(Problem(where=row["check"], what=row["result"], mend=row["mend"]) for row in wrong)
    said = f"A plan is about fields that are there, and flow {run.flow.flow} does not find them"
    raise Misconfigured(f"{said}; {create_missing(run.flow.flow)}.", problems=problems)


def _context(params: Mapping[str, Any]) -> Context:
    """A run that a person starts now, as far as planning asks."""
    dag_run = SimpleNamespace(run_type="manual", run_after=datetime.now(UTC))
    return cast("Context", {"params": params, "dag_run": dag_run, "run_id": "look"})


def _row(seen: Seen, action: Action) -> dict[str, Any]:
    """One record for people and programs. `changes` say what each part is called, what it says now and what it will."""
    record = seen.records.get(action.key)
    named = getattr(getattr(action, "desired", None), "name", "") or getattr(action, "name", "")
    number, vendor = one_line(named), ""
    if isinstance(record, Bill):
        number, vendor = one_line(record.bill_number) or record.record_no, record.vendor_name or record.vendor_id
    elif isinstance(record, Vendor):
        number, vendor = record.vendor_id, record.name
    return {
        "action": action.kind,
        "number": number,
        "vendor": one_line(vendor),
        "amount": amount_text(action.amount) if seen.kind == "bill" else "",
        "currency": getattr(action, "currency", ""),
        "task": one_line(named),
        "reason": _reason(action, seen.pins),
        "changes": [{"part": part, "before": before, "after": after} for part, before, after in changes_of(action, seen.pins)],
        "key": action.key,
    }


def _reason(action: Action, pins: Pins) -> str:
    text = action.reason
    for pin in sorted(pins.fields.values(), key=lambda one: len(one.gid), reverse=True):
        text = text.replace(FIELD + pin.gid, pin.name)
    return one_line(text)


def _told(seen: Seen) -> dict[str, Any]:
    names = ("why", "read", "counts", "money", "worth", "would_stop", "owed", "deletions", "unknown_people")
    return {
        "flow": seen.flow.flow,
        "kind": seen.kind,
        "rehearsal": seen.flow.rehearsal,
        **{name: seen.summary[name] for name in names if name in seen.summary},
        "calls_to_asana": calls_of(seen.plan),
        "calls_of_this_look": dict(seen.calls),
        "warnings": list(seen.warnings),
        "notes": list(seen.plan.notes),
        "actions": [_row(seen, action) for action in acting(seen.plan)],
    }


def _print(seen: Seen, *, rows: int) -> None:
    screen, counts, many = console(), seen.plan.counts(), seen.plan.how_many()
    what = ", ".join(f"{counts[kind]:,} {word}" for kind, word in KINDS.items() if counts.get(kind)) or "nothing would change"
    left = f", {same:,} left as they are" if many and (same := _left(seen)) else ""
    title = f"{seen.flow.flow}: {seen.summary['read']:,} {seen.kind}s read, {what}{left}"
    table = Table(title=title)
    for name, how in _columns(seen):
        table.add_column(name, **how)
    shown = min(rows or many, many)
    for one in (_row(seen, action) for action in islice(acting(seen.plan), shown)):
        cells = [KINDS.get(one["action"], one["action"]), one["number"], one["vendor"]]
        cells += [_amount(one)] if seen.kind == "bill" else []
        table.add_row(*map(escape, [*cells, _changes(one)]))
    if many:
        screen.print(table)
    else:
        screen.print(escape(title))
    if many > shown:
        screen.print(f"... and {many - shown:,} more: --rows 0 shows all, --json too.")
    _print_end(seen)


def _left(seen: Seen) -> int:
    """How many records nothing is to be done about: a stored plan only counts them."""
    return int(seen.summary["counts"].get(LEAVE, 0))


def _columns(seen: Seen) -> list[tuple[str, dict[str, Any]]]:
    number = "bill" if seen.kind == "bill" else "vendor id"
    names = ["", number, "vendor", *(["amount"] if seen.kind == "bill" else []), "now -> then"]
    return [(name, {"justify": "right"} if name == "amount" else {"overflow": "fold"}) for name in names]


def _amount(row: Mapping[str, Any]) -> str:
    return money_text(Decimal(row["amount"]), row["currency"])


def _changes(row: Mapping[str, Any]) -> str:
    """A new task by its name, another by what changes; and why, where that says more."""
    if row["action"] == "create":
        return str(row["task"])
    said = [
        f"{one['part']}: {one['before'] or NOTHING} -> {one['after'] or NOTHING}"
        if one["before"] or one["after"]
        else one["part"]
        for one in row["changes"]
    ]
    return "\n".join([*([] if row["action"] == "update" and said else [row["reason"]]), *said])


def _print_end(seen: Seen) -> None:
    """What would stop it, what it costs, and what it does not tell."""
    screen = console()

    def say(text: str, style: str = "") -> None:
        screen.print(escape(text), style=style, soft_wrap=True)

    for text in (*seen.warnings, *seen.plan.notes):
        if text and not text.startswith(STOPS):
            say(text, "yellow")
    if left := _left(seen):
        say(f"Left as they are: {left:,} {seen.kind}{'' if left == 1 else 's'} that need no task, or whose task says it all.")
    worth = [money_text(Decimal(amount), currency) for currency, amount in sorted(seen.summary["worth"].items())]
    if worth:
        say(f"Worth {', '.join(worth)}.")
    say(str(seen.summary.get("cost", "Carrying it out takes no call.")))
    if stops := seen.summary.get("would_stop"):
        say(f"A real run would stop here. {stops}", "red")
    if seen.pinned_now:
        say(f"Preflight has pinned nothing yet; the DAGs need {seen.flow.flow}_preflight once.", "yellow")
    rehearses = "; the flow rehearses, so its runs write nothing either" if seen.flow.rehearsal else ""
    say(f"Nothing was written{rehearses}.")
