"""A flow file to a Flow, or every problem in it at once, each with its line.

Two looks at the same text. The first takes it as a Flow and lists what does not fit the model. The second drops every part
with a problem and asks `checks` about what is left, so that one typing error does not hide ten others.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Container, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.flow import checks, policy_checks, write_back_checks
from intacct_asana.flow.checks import Found
from intacct_asana.flow.checks import Path as Place
from intacct_asana.flow.context import Context
from intacct_asana.flow.controls import Controls
from intacct_asana.flow.mistakes import shapes
from intacct_asana.flow.mistakes.syntax import LINE_ENDS, lookalike
from intacct_asana.flow.model import BillScope, Flow, VendorScope
from intacct_asana.flow.rules import Approval
from intacct_asana.flow.running.alerts import Alerts
from intacct_asana.flow.signals import KIND_MARKS
from intacct_asana.flow.words import Part, models_in
from intacct_asana.flow.write_back import WriteBack
from intacct_asana.flow.yaml_text import Flaw, Items, Table, is_read_fast, quoted, read_yaml

UTF_8 = "utf-8-sig"
"""With or without the mark that some editors begin a file with, which nobody sees and nobody can delete."""

FLOW: checks.Path = ("flow",)
PROJECTS: tuple[checks.Path, ...] = (("bills", "project"), ("vendors", "project"))
"""What belongs to one file alone: two would fight over the same DAGs, rows of the store, or tasks."""

MENDS = {
    "the flow": "give the copy another name and projects of its own, or take it out of this folder",
    "the Asana project": "a project belongs to one flow: give the other flow a project of its own, or take its file away",
}


def load_flow(path: Path) -> Flow:
    """The flow that the file at `path` declares. Raises Misconfigured with every problem in it, as `file:line`."""
    _, flow, flaws = _read(path)
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
    return loaded(flow_files(folder))


def projects_in(path: Path) -> set[str]:
    """The Asana projects that the file names, as far as it can be read."""
    table = _read(path)[0]
    return {str(found) for place in PROJECTS if table and (found := _value_at(table, place)) is not None}


def loaded(paths: Iterable[Path]) -> tuple[list[Flow], list[Misconfigured]]:
    """The good ones of these files, and an error for each other."""
    tables: dict[Path, Table] = {}
    files: dict[Path, tuple[Flow | None, list[Flaw]]] = {}
    for path in paths:
        table, flow, flaws = _read(path)
        files[path] = flow, flaws
        if table is not None:
            tables[path] = table
    good = {path: table for path, table in tables.items() if not files[path][1]}
    # A file with problems claims its flow all the same: it may be the one that was live. A project it cannot touch.
    for path, flaw in [*_claimed(tables, FLOW, what="the flow"), *_claimed(good, *PROJECTS, what="the Asana project")]:
        files[path][1].append(flaw)
    errors = [_misconfigured(path, flaws) for path, (flow, flaws) in files.items() if flow is None or flaws]
    return [flow for flow, flaws in files.values() if flow is not None and not flaws], errors


def flow_files(folder: Path) -> list[Path]:
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


Read = tuple[Table | None, Flow | None, list[Flaw]]
"""A file as a table and as a flow, as far as it is one, and everything that is wrong in it."""


def _read(path: Path) -> Read:
    if path.suffix == ".yml":
        return _no_file(
            Flaw(line=0, what="the file's name ends in .yml", mend="end it in .yaml, or move it out of this folder")
        )
    try:
        table, flow, flaws = _understood(path.read_text(encoding=UTF_8))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return _no_file(Flaw(line=line, what="the file is not UTF-8 text", mend="save it as UTF-8"))
    except OSError as error:
        return _no_file(Flaw(line=0, what=f"the file cannot be read: {error.strerror}", mend="check its name and permissions"))
    return table, flow, list(flaws)


def _no_file(flaw: Flaw) -> Read:
    return None, None, [flaw]


def _misconfigured(path: Path, flaws: Iterable[Flaw]) -> Misconfigured:
    name = shown_path(path)
    ordered = sorted(dict.fromkeys(flaws), key=lambda flaw: flaw.line)
    text = path.read_text(encoding=UTF_8, errors="replace") if any(flaw.line for flaw in ordered) else ""
    problems = tuple(dict.fromkeys(problem_of(flaw, name=name, text=text) for flaw in ordered))
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return Misconfigured(f"{name} has {count}.", problems=problems)


def problem_of(flaw: Flaw, *, name: str, text: str) -> Problem:
    """The flaw of the file `name`, with its line as `text` has it. Where that line holds a character that only looks like the
    one that is meant, this is what is wrong with it, whatever it was taken for."""
    where = f"{name}:{flaw.line}" if flaw.line else name
    lines = LINE_ENDS.split(text)
    what, mend = lookalike(lines[flaw.line - 1] if 0 < flaw.line <= len(lines) else "") or (flaw.what, flaw.mend)
    return Problem(where=where, what=what, mend=mend, quote=quoted(text, flaw.line))


def shown_path(path: Path) -> str:
    """`include/mappings/x.yaml` for a file of the project, the whole path for one elsewhere."""
    return "/".join(path.parts[-3:]) if path.parts[-3:-1] == ("include", "mappings") else str(path)


def line_of(table: Table, path: Place) -> int:
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


@lru_cache(maxsize=128)
def _understood(text: str) -> tuple[Table | None, Flow | None, tuple[Flaw, ...]]:
    """The same of a file's text. A process reads one text several times, for its DAGs and for its step, and nobody changes
    what comes of it. One in which anything is wrong is read again by Python's own reader, whose words and lines are told."""
    found = _looked_through(text, fast=is_read_fast(text))
    return _looked_through(text, fast=False) if found[2] else found


def _looked_through(text: str, *, fast: bool) -> tuple[Table | None, Flow | None, tuple[Flaw, ...]]:
    table, flaws = read_yaml(text, fast=fast)
    if table is None:
        return None, None, tuple(flaws)
    flow, found = _validated(table)
    if flow is not None:
        flow._file_digest = hashlib.sha256(text.encode()).hexdigest()
    return table, flow, (*flaws, *_with_lines(table, found), *_checked(table, is_whole=not found))


# The first look: does it fit the model?


def _validated(table: Table) -> tuple[Flow | None, list[Found]]:
    try:
        return Flow.model_validate(table), []
    except ValidationError as error:
        return None, found_in(error, Flow)


# The second look: what is left when every part with a problem is dropped.


def _checked(table: Table, *, is_whole: bool) -> list[Flaw]:
    # From one that fits the model nothing is dropped, and copying takes longer than all else.
    rest = table if is_whole else copy.deepcopy(table)
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
    has_stamp = _holds(rest, "write_back", "stamp")
    write_back = salvaged(rest, "write_back", WriteBack)
    alerts = salvaged(rest, "alerts", Alerts)
    controls = salvaged(rest, "controls", Controls)
    context = salvaged(rest, "context", Context)
    if bills:
        yield from checks.check_bills(bills)
        yield from checks.check_bill_fields(bills, approval, context)
    if vendors:
        yield from checks.check_vendors(vendors)
        yield from checks.check_written_fields(vendors)
    if bills and vendors:
        yield from checks.check_projects(bills, vendors)
        yield from checks.check_assignee(bills, vendors)
    if approval:
        yield from checks.check_approval(approval)
        yield from policy_checks.check_policy(approval)
    if approval and vendors:
        yield from policy_checks.check_policy_vendors(approval, vendors)
    if controls and approval:
        yield from policy_checks.check_controls(controls, approval)
    if write_back:
        yield from write_back_checks.check_write_back(write_back, has_stamp=has_stamp)
    if write_back and approval:
        yield from write_back_checks.check_drafts(write_back, approval)
    if alerts:
        yield from checks.check_alerts(alerts)
    if controls and controls.payee_change and approval:
        yield from checks.check_payees(controls.payee_change, approval)
    if context:
        yield from checks.check_context(context)


def _holds(table: Table, part: str, key: str) -> bool:
    """Whether something is written there; whether it is right is the first look's business."""
    here = table.get(part)
    return isinstance(here, Table) and here.get(key) is not None


def _with_lines(table: Table, found: Iterable[Found]) -> list[Flaw]:
    return [Flaw(line=line_of(table, one.path), what=one.what, mend=one.mend) for one in found]


KEY_MARK = "[key]"


def found_in(error: ValidationError, model: type[BaseModel]) -> list[Found]:
    """One Found for each of pydantic's errors. `model` is what was validated; its keys make the suggestions."""
    errors = error.errors(include_url=False)
    bad_keys = {one["loc"][:-1] for one in errors if one["loc"][-1:] == (KEY_MARK,)}
    return [_found(one, model) for one in errors if not _only_follows(one, bad_keys)]


def _only_follows(error: ErrorDetails, bad_keys: Container[tuple[int | str, ...]]) -> bool:
    """People were told already: of the items of a list that are all wrong, so that it counts as empty to pydantic, and of a
    name that is none, such as what a comma left of an amount, which then has no value either."""
    return (error["type"] == "too_short" and len(error["input"]) > 0) or error["loc"] in bad_keys


def path_of(error: ErrorDetails) -> Place:
    """Where the error is. pydantic names a bad key of a map as `(..., 'usd', '[key]')`, and which kind of signal it took."""
    path = tuple(part for part in error["loc"] if part != KEY_MARK and part not in KIND_MARKS)
    return (*path, "kind") if error["type"] == "union_tag_invalid" else path


def _found(error: ErrorDetails, model: type[BaseModel]) -> Found:
    path = path_of(error)
    key = next((part for part in reversed(path) if isinstance(part, str)), "the file")
    if error["type"] == "extra_forbidden":
        what, mend = shapes.unknown_key(path, key, model, model_at(model, error["loc"][:-1]))
    elif error["type"] == "union_tag_invalid":
        what, mend = shapes.unknown_kind(str(error["ctx"]["tag"]))
    elif error["type"] == "flow":
        what, mend = f"`{key}` {error['ctx']['what']}", error["ctx"]["mend"]
    else:
        # A missing key is asked of the part that lacks it; another value may be a part itself.
        place = error["loc"][:-1] if error["type"] == "missing" else error["loc"]
        what, mend = shapes.other_shape(error, key, part=model_at(model, place))
    return Found(path=path, what=what, mend=mend)


def model_at(model: type[BaseModel], path: Place) -> type[BaseModel] | None:
    """The model that stands at `path` below `model`. Where several could, the mark of a kind in `path` chooses."""
    here = [model]
    for part in path:
        if part in KIND_MARKS:
            here = [one for one in here if part == f"[{get_args(one.model_fields['kind'].annotation)[0]}]"]
        elif isinstance(part, str):
            fields = next((one.model_fields for one in here if part in one.model_fields), None)
            if fields is None:
                return None
            here = list(models_in(fields[part].annotation))
    return here[0] if here else None


AnyPart = TypeVar("AnyPart", bound=Part)

STAND_INS: Mapping[type[Part], Mapping[str, object]] = MappingProxyType(
    {
        BillScope: {"project": "0", "states": ["Posted"]},
        VendorScope: {"project": "00"},
        Approval: {"approvers": [{"email": "nobody@example.com", "limits": {"USD": "0"}, "intacct_users": ["nobody"]}]},
    }
)
"""Harmless values for what a part cannot do without, chosen so that no check finds anything in them."""


def salvaged(table: Table, key: str, model: type[AnyPart]) -> AnyPart | None:
    """The part of `table` under `key`, without what is wrong in it. Changes `table`, so that paths stay true.

    A list item with a problem goes as a whole: half of a field would only look wrong in new ways.
    """
    part = table.get(key)
    if not isinstance(part, Table):
        return None
    while True:
        try:
            return model.model_validate(part)
        except ValidationError as error:
            bad = {_droppable(path_of(one)) for one in error.errors(include_url=False)}
            mended = [_mend(part, path, model) for path in sorted(bad, key=later_items_first, reverse=True)]
            if not any(mended):
                return None


def later_items_first(path: Place) -> tuple[str, int]:
    """Sort key, reversed: an item that goes must not move the ones that go after it."""
    return str(path[0]) if path else "", int(path[1]) if len(path) > 1 else -1


def _droppable(path: Place) -> Place:
    """`fields, 3` for anything wrong in the fourth field; the key of the part for everything else."""
    return path[:2] if len(path) > 1 and isinstance(path[1], int) else path[:1]


def _mend(part: Table, path: Place, model: type[Part]) -> bool:
    """Whether anything could be done about `path`."""
    dropped = _drop(part, path)
    return _stand_in(part, path, model) or dropped


def _drop(part: Table, path: Place) -> bool:
    if not path or path[0] not in part:
        return False
    key = str(path[0])
    here = part[key]
    if len(path) == 1:
        del part[key]
        part.lines.pop(key, None)
    elif isinstance(here, Items):
        place = int(path[1])
        del here[place], here.lines[place]
    return True


def _stand_in(part: Table, path: Place, model: type[Part]) -> bool:
    """Fill in what the part cannot do without."""
    key = str(path[0]) if len(path) == 1 else ""
    if key in part or key not in STAND_INS.get(model, {}):
        return False
    part[key] = STAND_INS[model][key]
    return True
