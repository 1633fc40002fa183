"""Up to ten calls in one."""

from __future__ import annotations

from typing import Any

from sandbox.asana.calls import READS, Answer, Call, find, perform, route
from sandbox.asana.errors import AsanaError, bad
from sandbox.asana.selection import parse

LIMIT = 10
FORBIDDEN = ("batch", "attachments", "organization_exports")


@route("POST", "/batch")
async def batch(call: Call) -> Answer:
    """One answer for each action, in order; a failed action does not fail the others."""
    actions = call.data.get("actions")
    if not isinstance(actions, list) or not 1 <= len(actions) <= LIMIT:
        raise bad(f"actions: Must be an array of 1 to {LIMIT} actions")
    return Answer({"data": [await _answer(call, action) for action in actions]})


async def _answer(call: Call, action: Any) -> dict[str, Any]:
    try:
        answer = await _perform(call, action)
    except AsanaError as error:
        return {"status_code": error.status_code, "headers": {}, "body": error.body()}
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return {"status_code": answer.status, "headers": headers, "body": answer.body}


async def _perform(call: Call, action: Any) -> Answer:
    if not isinstance(action, dict) or not action.get("relative_path"):
        raise bad("relative_path: Missing input")
    path, method = str(action["relative_path"]), str(action.get("method", "")).upper()
    if "?" in path or path.strip("/").split("/")[0] in FORBIDDEN:
        raise bad(f"relative_path: Not allowed in a batch: {path}")
    found, args = find(method, path)
    call.space.world.count("asana", found.kind)
    if method not in READS:
        call.space.world.count("asana", "WRITE")
    data, options = action.get("data") or {}, action.get("options") or {}
    query = {name: str(options[name]) for name in ("limit", "offset") if name in options}
    if method in READS:
        query |= {name: str(value) for name, value in data.items()}
    inner = Call(call.space, call.user, method, path, query, data, parse(options.get("fields") or []) or None, args)
    return await perform(found, inner)
