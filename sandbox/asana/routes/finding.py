"""Finding and counting: typeahead, search (for paying workspaces), task counts, a person's own list of tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.asana.errors import bad, needs_payment, unplayed
from sandbox.asana.routes.calls import Answer, Call, is_true, many_as_they_come, route
from sandbox.asana.state.model import CustomField, Project, Site, Task, User
from sandbox.asana.state.shapes import show
from sandbox.asana.state.values import parse_day, parse_instant

MOST_FOUND = 100
ALSO_GIVEN = frozenset({"opt_fields", "opt_pretty", "limit", "offset", "sort_by", "sort_ascending", "text"})


@route("GET", "/projects/{gid}/task_counts")
def task_counts(call: Call) -> Answer:
    """Nothing but what opt_fields names; milestones are tasks, too."""
    tasks = list(call.space.project(call.args["gid"], call.user).tasks.values())
    milestones = [task for task in tasks if task.kind == "milestone"]
    counts = {}
    for name, rows in (("tasks", tasks), ("milestones", milestones)):
        done = sum(task.completed for task in rows)
        counts |= {f"num_{name}": len(rows), f"num_completed_{name}": done, f"num_incomplete_{name}": len(rows) - done}
    return Answer({"data": {name: count for name, count in counts.items() if name in (call.wanted or {})}})


@route("GET", "/workspaces/{gid}/typeahead")
def typeahead(call: Call) -> Answer:
    """Those whose name has the query in it: those that begin with it first. Never more than a page."""
    site = call.space.site_of(call.args["gid"], in_path=True)
    kind = call.query.get("resource_type") or call.query.get("type")
    if not kind:
        raise bad("resource_type: Missing input")
    if kind not in TYPED:
        raise unplayed(f"typeahead of {kind}") if kind in UNTYPED else bad(f"resource_type: Not a recognized type: {kind}")
    count = call.query.get("count", "20")
    if not count.isdigit() or not 1 <= int(count) <= MOST_FOUND:
        raise bad(f"count: Must be a number between 1 and {MOST_FOUND}, not: {count}")
    wanted = call.query.get("query", "").casefold()
    rows = [each for each in TYPED[kind](call, site) if wanted in _words(each, by_address=bool(wanted))]
    rows.sort(key=lambda each: (not each.name.casefold().startswith(wanted), each.name.casefold()))
    # What nobody named is told with the name only, as the description has it.
    shown = [show(each, call.user, call.wanted or {"resource_type": {}, "name": {}}) for each in rows[: int(count)]]
    return Answer({"data": shown})


def _words(each: Any, *, by_address: bool) -> str:
    return f"{each.name} {each.email}".casefold() if by_address and isinstance(each, User) else str(each.name).casefold()


def _people(call: Call, site: Site) -> Iterable[Any]:
    return [user for user in call.space.users.values() if site in user.workspaces]


def _tasks(call: Call, site: Site) -> Iterable[Task]:
    return [task for task in call.space.live_tasks if task.site is site and call.space.is_visible(task, call.user)]


TYPED: dict[str, Callable[[Call, Site], Iterable[Any]]] = {
    "user": _people,
    "actor": _people,
    "agent": lambda call, _site: call.space.agents,
    "task": _tasks,
    "project": lambda call, site: _projects(call, site),
    "tag": lambda call, site: [tag for tag in call.space.tags.values() if tag.site is site],
    "team": lambda call, _site: call.space.teams.values(),
    "custom_field": lambda call, _site: [field for field in call.space.visible_fields(call.user) if field.is_global],
}
UNTYPED = ("goal", "portfolio", "project_template")


def _projects(call: Call, site: Site) -> list[Project]:
    return [each for each in call.space.projects.values() if each.site is site and each.levels_of(call.user)]


# --- search


@route("GET", "/workspaces/{gid}/tasks/search")
def search_tasks(call: Call) -> Answer:
    """At most a hundred, in no pages. A filter that is not played is refused loudly, rather than passed over."""
    site = call.space.site_of(call.args["gid"], in_path=True)
    _needs_premium(call)
    text = call.query.get("text", "").casefold()
    rows = [task for task in _tasks(call, site) if not text or text in f"{task.name} {task.notes}".casefold()]
    filters = {name: _filter(call, name, given) for name, given in call.query.items() if name not in ALSO_GIVEN}
    if {"projects.any", "sections.any"} <= filters.keys():
        # These two are one filter.
        either = (filters.pop("projects.any"), filters.pop("sections.any"))
        rows = [task for task in rows if any(fits(task) for fits in either)]
    return _sorted(call, [task for task in rows if all(fits(task) for fits in filters.values())])


@route("GET", "/workspaces/{gid}/projects/search")
def search_projects(call: Call) -> Answer:
    site = call.space.site_of(call.args["gid"], in_path=True)
    _needs_premium(call)
    text = call.query.get("text", "").casefold()
    rows: list[Any] = [each for each in _projects(call, site) if text in each.name.casefold()]
    for name, given in call.query.items():
        if name == "completed":
            rows = [] if is_true(given) else rows
        elif name in ("members.any", "members.not"):
            wanted = {user.gid for user in _named(call, given)}
            rows = [each for each in rows if bool(wanted & set(each.members)) is name.endswith("any")]
        elif name not in ALSO_GIVEN:
            raise unplayed(f"the search filter {name}")
    return _sorted(call, rows)


def _needs_premium(call: Call) -> None:
    if call.space.world.setting("asana_free_plan", False):
        raise needs_payment("Search is only available to premium users.")


Fits = Callable[[Task], bool]
_GROUPS: dict[str, Callable[[Task], Iterable[str]]] = {
    "assignee": lambda task: [task.assignee.gid] if task.assignee else [],
    "created_by": lambda task: [task.created_by.gid] if task.created_by else [],
    "followers": lambda task: [user.gid for user in task.followers],
    "projects": lambda task: task.places,
    "sections": lambda task: [section.gid for section in task.places.values()],
    "tags": lambda task: [tag.gid for tag in task.tags],
}
_PERSONS = ("assignee", "created_by", "followers")
_FLAGS: dict[str, Fits] = {
    "completed": lambda task: task.completed,
    "is_subtask": lambda task: task.parent is not None,
    "has_attachment": lambda task: bool(task.attachments),
    "is_blocked": lambda task: any(not each.completed for each in task.dependencies),
    "is_blocking": lambda task: not task.completed and bool(task.dependents),
}
_TIMES = ("start_on", *(f"{what}_{form}" for what in ("due", "created", "completed", "modified") for form in ("on", "at")))


def _filter(call: Call, name: str, given: str) -> Fits:
    group, _, how = name.partition(".")
    if group == "custom_fields":
        gid, _, how = how.partition(".")
        return _of_field(call.space.field(gid, call.user, in_path=False), how, given)
    if name in _FLAGS:
        return lambda task: _FLAGS[name](task) is is_true(given)
    if name == "resource_subtype":
        return lambda task: task.kind == given
    if group in _GROUPS and how in ("any", "not", "all"):
        wanted = {user.gid for user in _named(call, given)} if group in _PERSONS else set(given.split(","))
        return _of_group(_GROUPS[group], wanted, how)
    if group in _TIMES and how in ("", "before", "after"):
        return _of_time(group, how, given)
    raise unplayed(f"the search filter {name}")


_FIELD_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "value": lambda value, wanted: bool(value == wanted),
    "starts_with": lambda value, wanted: str(value).startswith(wanted),
    "ends_with": lambda value, wanted: str(value).endswith(wanted),
    "contains": lambda value, wanted: wanted in value,
    "less_than": lambda value, wanted: bool(value < wanted),
    "greater_than": lambda value, wanted: bool(value > wanted),
    "before": lambda value, wanted: bool(value < wanted),
    "after": lambda value, wanted: bool(value > wanted),
}
_OF_KIND = {
    "text": ("value", "starts_with", "ends_with", "contains"),
    "number": ("value", "less_than", "greater_than"),
    "enum": ("value",),
    "date": ("value", "before", "after"),
}


def _of_field(field: CustomField, how: str, given: str) -> Fits:
    if how == "is_set":
        return lambda task: (field.gid in task.values) is is_true(given)
    if how not in _OF_KIND.get(field.kind, ()):
        raise bad(f"custom_fields: A {field.kind} field cannot be searched by {how}")
    wanted: Any = _number(given) if field.kind == "number" else given

    def fits(task: Task) -> bool:
        value = task.values[field.gid].value if field.gid in task.values else None
        told = value.gid if field.kind == "enum" and value else value["date"] if field.kind == "date" and value else value
        return told is not None and _FIELD_TESTS[how](told, wanted)

    return fits


def _number(given: str) -> Decimal:
    try:
        return Decimal(given)
    except InvalidOperation:
        raise bad(f"custom_fields: Value is not a number: {given}") from None


def _of_group(values: Callable[[Task], Iterable[str]], wanted: set[str], how: str) -> Fits:
    if how == "all":
        return lambda task: wanted <= set(values(task))
    return lambda task: bool(wanted & set(values(task))) is (how == "any")


def _of_time(name: str, how: str, given: str) -> Fits:
    """`_on` compares days, and takes null for none; `_at` instants. Before and after do not include the time itself."""
    by_day = name.endswith("_on")
    wanted: Any = None if given == "null" else parse_day(given, key=name) if by_day else parse_instant(given, key=name)

    def fits(task: Task) -> bool:
        value = _time_of(task, name)
        if how == "" or wanted is None or value is None:
            return how == "" and value == wanted
        return bool(value < wanted if how == "before" else value > wanted)

    return fits


def _time_of(task: Task, name: str) -> Any:
    stored = {"created_on": "created_at", "completed_on": "completed_at", "modified_on": "modified_at"}
    value = getattr(task, stored.get(name, name))
    if name == "due_at":
        return parse_instant(value, key=name) if value else None
    return value.date().isoformat() if isinstance(value, datetime) and name.endswith("_on") else value


def _named(call: Call, given: str) -> list[User]:
    found = [call.space.find_user(each.strip(), me=call.user) for each in given.split(",")]
    return [user for user in found if user]


_SORTS = {"due_date": "due_on", "created_at": "created_at", "completed_at": "completed_at", "modified_at": "modified_at"}


def _sorted(call: Call, rows: list[Any]) -> Answer:
    """By change unless something else is asked, the latest first; what has no such time comes last."""
    by = call.query.get("sort_by", "modified_at")
    if by in ("relevance", "likes"):
        by = "modified_at"
    if by not in _SORTS:
        raise bad(f"sort_by: Not a recognized order: {by}")
    rises = is_true(call.query.get("sort_ascending", ""))
    timed = [each for each in rows if getattr(each, _SORTS[by], None)]
    timed.sort(key=lambda each: (getattr(each, _SORTS[by]), int(each.gid)), reverse=not rises)
    limit = call.query.get("limit", str(MOST_FOUND))
    if not limit.isdigit() or not 1 <= int(limit) <= MOST_FOUND:
        raise bad(f"limit: Must be a number between 1 and {MOST_FOUND}, not: {limit}")
    return many_as_they_come(call, [*timed, *(each for each in rows if each not in timed)][: int(limit)])
