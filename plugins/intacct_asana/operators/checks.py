"""Rows of preflight's table, and what it says about reading."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from intacct_asana.errors import IntacctAsanaError, Problem
from intacct_asana.flow.model import BillScope, VendorScope
from intacct_asana.flow.sources import BILL_SOURCES, VENDOR_SOURCES, Source
from intacct_asana.flow.words import placeholders
from intacct_asana.intacct.records import sample_bill, sample_vendor
from intacct_asana.operators.flow_run import FlowRun

Row = dict[str, str]


def passed(check: str, result: str) -> Row:
    return {"check": check, "result": result, "mend": "", "ok": "yes"}


def failed(check: str, problem: Problem) -> Row:
    return {"check": check, "result": f"{problem.where}: {problem.what}", "mend": problem.mend, "ok": "no"}


def tried(check: str, look: Callable[[], str], *, mend: str = "") -> Row:
    """One check as a row: what `look` says, or what went wrong with it and how to `mend` it."""
    try:
        return passed(check, look())
    except IntacctAsanaError as error:
        return {"check": check, "result": error.message, "mend": mend, "ok": "no"}


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text: ok, check, result, how to mend it."""
    width = max((len(row["check"]) for row in rows), default=5)
    lines = [f"{'ok':<4}{'check':<{width + 2}}result"]
    for row in rows:
        cure = f"  -> {row['mend']}" if row["mend"] else ""
        lines.append(f"{row['ok']:<4}{row['check']:<{width + 2}}{row['result']}{cure}")
    return "\n".join(lines)


Check = tuple[str, Callable[[], str]]
OBJECTS = ("APBILL", "APBILLITEM", "VENDOR")


def checks_of_reading(run: FlowRun) -> list[Check]:
    """Checks by name. Each says how things are in one sentence, or raises what a person has to mend."""
    return [
        *((f"Intacct fields of {name}", partial(_fields, run, name)) for name in OBJECTS),
        ("Intacct deleted bills", partial(_deletions, run, "bill", run.flow.bills)),
        ("Intacct deleted vendors", partial(_deletions, run, "vendor", run.flow.vendors)),
        ("Intacct private entities", partial(_private, run)),
    ]


def _fields(run: FlowRun, name: str) -> str:
    missing = run.books.missing_fields(name)
    if not missing:
        return "all there"
    empty = _left_empty(run, name, missing)
    shown = f"the flow shows them in {', '.join(empty)}" if empty else "this flow does not show them"
    return f"this company has no {', '.join(missing)}; they are read as empty; {shown}"


def _left_empty(run: FlowRun, name: str, missing: tuple[str, ...]) -> list[str]:
    if name == "VENDOR":
        return _differing(run.flow.vendors, VENDOR_SOURCES, sample_vendor(), sample_vendor(lacking=missing))
    lacking = sample_bill(lacking=missing) if name == "APBILL" else sample_bill(lines_lacking=missing)
    return _differing(run.flow.bills, BILL_SOURCES, sample_bill(), lacking)


def _differing(scope: BillScope | VendorScope, sources: Mapping[str, Source[Any]], full: Any, lacking: Any) -> list[str]:
    """Names of the flow's own fields, and the task's name, that say something else without the missing fields."""
    moved = {name for name, source in sources.items() if _value(source, full) != _value(source, lacking)}
    fields = [rule.name for rule in scope.fields if rule.owner == "intacct" and rule.source in moved]
    return fields + (["the task's name"] if moved.intersection(placeholders(scope.task_name)) else [])


def _value(source: Source[Any], record: Any) -> object:
    if source.line:
        return [source.line(line) for line in record.lines]
    return source.pair(record) if source.pair else source.read(record) if source.read else None


def _deletions(run: FlowRun, kind: str, scope: BillScope | VendorScope) -> str:
    """Never a failure: where the audit history may not be read, asking for the records of open tasks covers for it."""
    asking = "by asking for open tasks' records " + (
        f"every {scope.sweep_hours} hours" if scope.sweep_hours else "in every run"
    )
    if scope.deletions != "audit":
        return "found by full passes only" if scope.deletions == "full_pass" else f"found {asking}"
    try:
        run.books.trails.newest_deletion(kind)
    except IntacctAsanaError as error:
        cure = "for deletions at once give the user's role View permission on custom reports"
        return f"found {asking}, since the audit history cannot be read ({error.message}); {cure}"
    return f"found in the audit history, and {asking}"


def _private(run: FlowRun) -> str:
    hidden = run.books.private_bills()
    if hidden is None:
        return "this connection works in one entity and sees its records only"
    if run.flow.bills.show_private:
        return f"read too: {hidden} bills are theirs"
    return f"{hidden} bills of private entities are left out; `show_private: true` in the flow file's bills reads them"
