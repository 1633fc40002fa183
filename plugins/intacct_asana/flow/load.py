"""A flow file to a Flow, or every problem in it at once, each with its line.

Two looks at the same text. The first takes it as a Flow and lists what does not fit the model. The second drops every part
with a problem and asks `checks` about the rest, so that one typing error does not hide ten others.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import ValidationError

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow import checks
from intacct_asana.flow import checks as vendor_writes
from intacct_asana.flow.checks import Found
from intacct_asana.flow.model import Alerts, BillScope, Flow, VendorScope
from intacct_asana.flow.rules import Approval, WriteBack
from intacct_asana.flow.salvage import found_in, salvaged
from intacct_asana.flow.yaml_text import Flaw, Items, Table, read_yaml


def load_flow(path: Path) -> Flow:
    """The flow that the file at `path` declares. Raises Misconfigured with every problem in it, as `file:line`."""
    table, flaws = _read(path)
    flow: Flow | None = None
    if table is not None:
        flow, found = _validated(table)
        flaws += _with_lines(table, found) + _checked(table)
    if flow is not None and not flaws:
        return flow
    raise _misconfigured(path, flaws)


def load_flows(folder: Path) -> tuple[list[Flow], list[Misconfigured]]:
    """Every good flow of a folder, and one error for each bad file. A bad file never hides a good one."""
    flows: list[Flow] = []
    errors: list[Misconfigured] = []
    owners: dict[str, Path] = {}
    if not folder.is_dir():
        return [], [_misconfigured(folder, [Flaw(line=0, what="there is no such folder", mend="make it, or point at another")])]
    for path in _flow_files(folder):
        try:
            flow = load_flow(path)
            _claim(flow, path, owners)
            flows.append(flow)
        except Misconfigured as error:
            errors.append(error)
    return flows, errors


def _flow_files(folder: Path) -> list[Path]:
    endings = (".yaml", ".yml")
    return sorted(path for path in folder.iterdir() if path.suffix in endings and path.name[0] != "." and path.is_file())


def _claim(flow: Flow, path: Path, owners: dict[str, Path]) -> None:
    """One name, one file: two would fight over the same DAGs and the same rows of the store."""
    first = owners.setdefault(flow.flow, path)
    if first == path:
        return
    table, _ = _read(path)
    line = line_of(table, ("flow",)) if table else 1
    what = f"the flow {flow.flow!r} is declared in {first.name} already"
    raise _misconfigured(path, [Flaw(line=line, what=what, mend="give one of them another name")])


def _read(path: Path) -> tuple[Table | None, list[Flaw]]:
    if path.suffix == ".yml":
        return None, [Flaw(line=0, what="the file's name ends in .yml", mend="end it in .yaml, or move it out of this folder")]
    try:
        return read_yaml(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return None, [Flaw(line=line, what="the file is not UTF-8 text", mend="save it as UTF-8")]
    except OSError as error:
        return None, [Flaw(line=0, what=f"the file cannot be read: {error.strerror}", mend="check its name and permissions")]


def _misconfigured(path: Path, flaws: Iterable[Flaw]) -> Misconfigured:
    name = shown_path(path)
    ordered = sorted(dict.fromkeys(flaws), key=lambda flaw: flaw.line)
    problems = tuple(
        Problem(where=f"{name}:{flaw.line}" if flaw.line else name, what=flaw.what, mend=flaw.mend) for flaw in ordered
    )
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return Misconfigured(f"{name} has {count}.", problems=problems)


def shown_path(path: Path) -> str:
    """`include/mappings/x.yaml` for a file of the project, the whole path for one elsewhere."""
    return "/".join(path.parts[-3:]) if path.parts[-3:-1] == ("include", "mappings") else str(path)


def line_of(table: Table, path: checks.Path) -> int:
    """Line of the deepest part of `path` that the file holds: a missing key stands where its table starts."""
    line = table.line
    here: object = table
    for part in path:
        if isinstance(here, Table) and part in here:
            line, here = here.lines.get(str(part), line), here[str(part)]
        elif isinstance(here, Items) and isinstance(part, int) and part < len(here):
            line, here = here.lines[part], here[part]
        elif isinstance(here, Items) and part in here:
            return here.lines[here.index(part)]
        else:
            break
    return line


# The first look: does it fit the model?


def _validated(table: Table) -> tuple[Flow | None, list[Found]]:
    try:
        return Flow.model_validate(table), []
    except ValidationError as error:
        return None, found_in(error, Flow)


# The second look: what is left when every part with a problem is dropped.


def _checked(table: Table) -> list[Flaw]:
    rest = copy.deepcopy(table)
    return _with_lines(rest, _between_values(rest))


def _between_values(rest: Table) -> Iterator[Found]:
    yield from checks.check_waking(
        rest.get("wake"),
        has_schedule=_holds(rest, "schedules", "approval_reconciliation"),
        has_url=_holds(rest, "waking", "public_url"),
    )
    bills = salvaged(rest, "bills", BillScope)
    vendors = salvaged(rest, "vendors", VendorScope)
    approval = salvaged(rest, "approval", Approval)
    write_back = salvaged(rest, "write_back", WriteBack)
    alerts = salvaged(rest, "alerts", Alerts)
    if bills:
        yield from checks.check_bills(bills)
        yield from checks.check_bill_fields(bills, approval)
    if vendors:
        yield from checks.check_vendors(vendors)
        yield from vendor_writes.check_written_fields(vendors)
    if bills and vendors:
        yield from checks.check_projects(bills, vendors)
        yield from vendor_writes.check_assignee(bills, vendors)
    if approval:
        yield from checks.check_approval(approval)
    if write_back:
        yield from checks.check_write_back(write_back)
    if alerts:
        yield from checks.check_alerts(alerts)


def _holds(table: Table, part: str, key: str) -> bool:
    """Whether something is written there; whether it is right is the first look's business."""
    here = table.get(part)
    return isinstance(here, Table) and here.get(key) is not None


def _with_lines(table: Table, found: Iterable[Found]) -> list[Flaw]:
    return [Flaw(line=line_of(table, one.path), what=one.what, mend=one.mend) for one in found]
