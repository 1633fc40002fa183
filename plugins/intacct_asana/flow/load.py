"""A flow file to a Flow, or every problem in it at once, each with its line.

Two looks at the same text. The first takes it as a Flow and lists what does not fit the model. The second drops every part
with a problem and asks `checks` about the rest, so that one typing error does not hide ten others.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pydantic import ValidationError

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow import checks
from intacct_asana.flow.checks import Found
from intacct_asana.flow.model import Alerts, BillScope, Flow, VendorScope
from intacct_asana.flow.rules import Approval, WriteBack
from intacct_asana.flow.salvage import found_in, salvaged
from intacct_asana.flow.yaml_text import Flaw, Items, Table, read_yaml

FLOW: checks.Path = ("flow",)
PROJECTS: tuple[checks.Path, ...] = (("bills", "project"), ("vendors", "project"))
"""What belongs to one file alone: two would fight over the same DAGs, rows of the store, or tasks."""

MENDS = {
    "the flow": "give the copy another name and projects of its own, or take it out of this folder",
    "the Asana project": "a project belongs to one flow: give the other flow a project of its own, or take its file away",
}


def load_flow(path: Path) -> Flow:
    """The flow that the file at `path` declares. Raises Misconfigured with every problem in it, as `file:line`."""
    flow, flaws = _understood(*_read(path))
    if flow is not None and not flaws:
        return flow
    raise _misconfigured(path, flaws)


def load_flows(folder: Path) -> tuple[list[Flow], list[Misconfigured]]:
    """Every good flow of a folder, and one error for each bad file. A bad file never hides a good one.

    Of files that claim one flow, or one Asana project, none is loaded: nobody but a person knows which of them is meant, and
    a copy that wins would decide with other approvers.
    """
    if not folder.is_dir():
        return [], [_misconfigured(folder, [Flaw(line=0, what="there is no such folder", mend="make it, or point at another")])]
    tables: dict[Path, Table] = {}
    files: dict[Path, tuple[Flow | None, list[Flaw]]] = {}
    for path in _flow_files(folder):
        table, flaws = _read(path)
        files[path] = _understood(table, flaws)
        if table is not None:
            tables[path] = table
    good = {path: table for path, table in tables.items() if not files[path][1]}
    # A file with problems claims its flow all the same: it may be the one that was live. A project it cannot touch.
    for path, flaw in [*_claimed(tables, FLOW, what="the flow"), *_claimed(good, *PROJECTS, what="the Asana project")]:
        files[path][1].append(flaw)
    errors = [_misconfigured(path, flaws) for path, (flow, flaws) in files.items() if flow is None or flaws]
    return [flow for flow, flaws in files.values() if flow is not None and not flaws], errors


def _flow_files(folder: Path) -> list[Path]:
    endings = (".yaml", ".yml")
    return sorted(path for path in folder.iterdir() if path.suffix in endings and path.name[0] != "." and path.is_file())


def _claimed(tables: Mapping[Path, Table], *places: checks.Path, what: str) -> list[tuple[Path, Flaw]]:
    """A flaw for each file whose value at one of `places` another file has too."""
    claims: dict[str, list[tuple[Path, int]]] = {}
    for path, table in tables.items():
        for place in places:
            if (value := _value_at(table, place)) is not None:
                claims.setdefault(str(value), []).append((path, line_of(table, place)))
    flaws: list[tuple[Path, Flaw]] = []
    for value, by in claims.items():
        for path, line in by:
            if others := sorted({other.name for other, _ in by if other != path}):
                said = f"{what} {value!r} is claimed by {' and by '.join(others)} too, so none of these files is loaded"
                flaws.append((path, Flaw(line=line, what=said, mend=MENDS[what])))
    return flaws


def _value_at(table: Table, where: checks.Path) -> object:
    here: object = table
    for part in where:
        here = here.get(str(part)) if isinstance(here, Table) else None
    return here


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


def _understood(table: Table | None, flaws: list[Flaw]) -> tuple[Flow | None, list[Flaw]]:
    """The file as a flow, and everything that is wrong in it."""
    if table is None:
        return None, flaws
    flow, found = _validated(table)
    return flow, [*flaws, *_with_lines(table, found), *_checked(table)]


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
        yield from checks.check_written_fields(vendors)
    if bills and vendors:
        yield from checks.check_projects(bills, vendors)
        yield from checks.check_assignee(bills, vendors)
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
