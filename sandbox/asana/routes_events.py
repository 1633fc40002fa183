"""Events since a sync token."""

from __future__ import annotations

from sandbox.asana.calls import Answer, Call, route
from sandbox.asana.errors import unknown
from sandbox.asana.selection import parse
from sandbox.asana.shapes import show

USUAL = parse(
    [
        "user.(resource_type|name)",
        "created_at",
        "type",
        "action",
        "(resource|parent).(resource_type|resource_subtype|name)",
        "change",
    ]
)
"""What an event says unless opt_fields asks for something else: names and types, no contents."""


@route("GET", "/events")
def events(call: Call) -> Answer:
    return _page(call, call.asked("resource"))


@route("GET", "/projects/{gid}/events")
def project_events(call: Call) -> Answer:
    return _page(call, call.args["gid"])


@route("GET", "/tasks/{gid}/events")
def task_events(call: Call) -> Answer:
    return _page(call, call.args["gid"])


def _page(call: Call, resource: str) -> Answer:
    if resource in call.space.projects:
        call.space.project(resource, call.user, in_path=False)
    elif resource in call.space.tasks:
        call.space.task(resource, call.user, in_path=False)
    else:
        raise unknown("resource", resource)
    found, token, more = call.space.events.page(resource, call.query.get("sync"))
    return Answer({"data": [show(each, call.user, call.wanted or USUAL) for each in found], "sync": token, "has_more": more})
