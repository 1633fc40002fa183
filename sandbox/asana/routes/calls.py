"""Calls and answers, and the table of routes: which function serves which method and path."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from sandbox.asana.acts.edits import Edit
from sandbox.asana.errors import bad, no_route, unplayed
from sandbox.asana.routes.unplayed import UNPLAYED
from sandbox.asana.state.model import User
from sandbox.asana.state.paging import page
from sandbox.asana.state.shapes import SHAPES, Tree, show
from sandbox.asana.state.workspace import Workspace

READS = ("GET", "HEAD", "OPTIONS")


@dataclass
class Call:
    """One request as a handler sees it. `data` is the body's `data`, `wanted` the opt_fields."""

    space: Workspace
    user: User
    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    data: Any = field(default_factory=dict)
    wanted: Tree | None = None
    args: dict[str, str] = field(default_factory=dict)
    upload: tuple[str, bytes, str] | None = None
    token: str = ""

    @property
    def edit(self) -> Edit:
        return Edit(self.space, self.user)

    def asked(self, name: str) -> str:
        """A query parameter. Raises 400 when it is missing."""
        if not self.query.get(name):
            raise bad(f"{name}: Missing input")
        return self.query[name]

    def given(self, name: str) -> Any:
        """A property of the body. Raises 400 when it is missing."""
        if self.data.get(name) is None:
            raise bad(f"{name}: Missing input")
        return self.data[name]


@dataclass
class Answer:
    """Status, JSON body and headers."""

    body: dict[str, Any]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Answer | Awaitable[Answer]]


@dataclass(frozen=True)
class Route:
    """`pattern` is a path with `{names}`; method and pattern together are the call's kind for counters and faults."""

    method: str
    pattern: str
    handler: Handler

    @property
    def kind(self) -> str:
        return f"{self.method} {self.pattern}"

    def args(self, parts: list[str]) -> dict[str, str] | None:
        """Path arguments when the path fits, else None."""
        wanted = self.pattern.strip("/").split("/")
        if len(wanted) != len(parts):
            return None
        found = {}
        for name, part in zip(wanted, parts, strict=True):
            if name.startswith("{"):
                found[name.strip("{}")] = part
            elif name != part:
                return None
        return found


ROUTES: dict[str, list[Route]] = {}


def route(method: str, pattern: str) -> Callable[[Handler], Handler]:
    """Register a handler. More specific patterns must come first."""

    def registered(handler: Handler) -> Handler:
        ROUTES.setdefault(method, []).append(Route(method, pattern, handler))
        return handler

    return registered


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route and its arguments, before anybody looks at the token. Raises 404 for an unknown path or method, and 501 for one
    that Asana has and nobody plays here."""
    parts = path.strip("/").split("/")
    for candidate in ROUTES.get(method, []):
        args = candidate.args(parts)
        if args is not None:
            return candidate, args
    if any(Route(method, pattern, _nobody).args(parts) is not None for pattern in UNPLAYED.get(method, ())):
        raise unplayed(f"{method} {path}")
    raise no_route()


def _nobody(_call: Call) -> Answer:
    raise no_route()


async def perform(found: Route, call: Call) -> Answer:
    """Serve the call. Handlers run without interruption, except for the one that shakes hands with a webhook's target."""
    world, known = call.space.world, dict(call.args)
    world.act_at("act_before", "asana", found.kind, known)
    call.space.current_kind = found.kind
    try:
        answered = found.handler(call)
        answer = await answered if isawaitable(answered) else answered
        if answer.status == 201:
            known["made"] = answer.body["data"]["gid"]
        return answer
    finally:
        world.act_at("act_after", "asana", found.kind, known)


def is_true(text: str) -> bool:
    """Of a query parameter; the official Python client writes `True`."""
    return text.lower() == "true"


# --- the usual answers


def one(call: Call, record: Any, *, status: int = 200) -> Answer:
    """The whole record, or what opt_fields names of it."""
    return Answer({"data": show(record, call.user, call.wanted, full=True)}, status)


def created(call: Call, record: Any) -> Answer:
    answer = one(call, record, status=201)
    answer.headers["Location"] = f"https://app.asana.com/api/1.0/{SHAPES[type(record)].resource_type}s/{record.gid}"
    return answer


def many(call: Call, records: Any, *, full: bool = False) -> Answer:
    """One page of compact records, or of what opt_fields names."""
    rows, beside = page(call.space.offsets, records, call.query, path=call.path)
    return Answer({"data": [show(row, call.user, call.wanted, full=full) for row in rows], **beside})


def many_as_they_come(call: Call, records: list[Any]) -> Answer:
    """Compact records in this order, in no pages."""
    return Answer({"data": [show(each, call.user, call.wanted) for each in records]})


def done() -> Answer:
    return Answer({"data": {}})
