"""One request from arrival to answer: route, faults, token, body, limits, the handler, latency; and ten requests in one."""

from __future__ import annotations

import asyncio
import json
import re
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from fastapi import Request, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from sandbox.asana.acts.edits import fault_for
from sandbox.asana.errors import AsanaError, bad, too_many
from sandbox.asana.routes.calls import READS, Answer, Call, Route, find, perform, route
from sandbox.asana.state.shapes import Tree, parse
from sandbox.asana.state.workspace import Workspace
from sandbox.core import Fault
from sandbox.hangup import hang_up

JSON_TYPE = "application/json; charset=UTF-8"
HTML = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1></body></html>"
GATEWAY_PAGES = {502: "502 Bad Gateway", 503: "503 Service Unavailable", 504: "504 Gateway Time-out", 524: "A timeout occurred"}
MESSAGES = {
    401: "Not Authorized",
    402: "Custom Field Settings are not available for free users.",
    403: "You do not have access to this project.",
    404: "task: Unknown object: 0",
    500: "Server Error",
}

ACTIONS = frozenset({"", "drop", "status", "html", "expire_tokens", "delay", "429"})
ACTIONS |= {"lost_answer", "status_after", "empty", "truncated"}


async def serve(space: Workspace, request: Request, path: str) -> Response:
    """Answer one API request."""
    try:
        route, args = find(request.method, path)
    except AsanaError as error:
        return respond(Answer(error.body(), error.status_code))
    space.world.count("asana", route.kind)
    if request.method not in READS and route.pattern != "/batch":
        space.world.count("asana", "WRITE")
    fault = fault_for(space.world, route.kind)
    early = await before(fault, request, space)
    if early is not None:
        return early
    answer = await _answer(space, request, path, route, args, fault)
    if answer.status == 429:
        space.world.count("asana", "429")
    return await after(fault, request, answer)


async def _answer(
    space: Workspace, request: Request, path: str, route: Route, args: dict[str, str], fault: Fault | None
) -> Answer:
    try:
        token = token_of(request)
        user = space.user_of_token(token)
        query = dict(request.query_params)
        body, upload = await read_body(request)
        call = Call(space, user, request.method, path, query, body.get("data", {}), wanted_of(query, body), args, upload, token)
        return await _within_limits(call, route, fault)
    except AsanaError as error:
        return Answer(error.body(), error.status_code, dict(error.headers or {}))


async def _within_limits(call: Call, route: Route, fault: Fault | None) -> Answer:
    """Latency is spent while the request is in flight, after its effect and before its answer."""
    reads, writes = _weight(call, route)
    call.space.limits.enter(call.token, reads=reads, writes=writes)
    try:
        if fault and fault.action.startswith("429"):
            raise too_many(int(_number(fault, 1)))
        try:
            return await perform(route, call)
        finally:
            await asyncio.sleep(float(call.space.world.setting("asana_latency_ms", 0)) / 1000)
    finally:
        call.space.limits.leave(call.token, reads=reads, writes=writes)


def _weight(call: Call, route: Route) -> tuple[int, int]:
    """Reads and writes that the call costs: each action of a batch is one, the batch itself is free."""
    if route.pattern != "/batch":
        return (1, 0) if call.method in READS else (0, 1)
    actions = [each for each in call.data.get("actions") or [] if isinstance(each, dict)]
    reads = sum(str(each.get("method", "")).upper() in READS for each in actions)
    return reads, len(actions) - reads


def _number(fault: Fault, default: float) -> float:
    """The number in an action such as `status:503`."""
    return float(fault.action.partition(":")[2] or default)


async def before(fault: Fault | None, request: Request, space: Workspace) -> Response | None:
    """What a fault answers instead of doing anything; None to go on."""
    action = fault.action.partition(":")[0] if fault else ""
    if action not in ACTIONS:
        return Response(f"the sandbox cannot play the fault {action!r}", 599, media_type="text/plain")
    if fault and action == "drop":
        return await hang_up(request)
    if fault and action == "status":
        return status_page(int(_number(fault, 500)), fault)
    if action == "html":
        return Response(HTML.format("Please sign in"), media_type="text/html")
    if action == "expire_tokens":
        space.events.expire_all()
    if fault and action == "delay":
        await asyncio.sleep(_number(fault, 1))
    return None


async def after(fault: Fault | None, request: Request, answer: Answer) -> Response:
    """The answer, or what a fault makes of it once the effect has happened."""
    action = fault.action.partition(":")[0] if fault else ""
    if action == "lost_answer":
        return await hang_up(request)
    if fault and action == "status_after":
        return status_page(int(_number(fault, 500)), fault)
    whole = respond(answer)
    if action == "empty":
        return Response(b"", whole.status_code, media_type=JSON_TYPE)
    if action == "truncated":
        return Response(bytes(whole.body)[: len(whole.body) // 2], whole.status_code, media_type=JSON_TYPE)
    return whole


def status_page(status: int, fault: Fault) -> Response:
    """That status as Asana, or what stands before it, would word it. `detail.message` overrides the text."""
    if status in GATEWAY_PAGES:
        return Response(HTML.format(GATEWAY_PAGES[status]), status, media_type="text/html")
    message = fault.detail.get("message") or MESSAGES.get(status, "Request failed")
    headers = {"Retry-After": str(fault.detail.get("retry_after", 1))} if status in (424, 429) else None
    error = AsanaError(status, str(message), headers=headers)
    return respond(Answer(error.body(), status, dict(headers or {})))


def respond(answer: Answer) -> Response:
    return Response(encode(answer.body), answer.status, dict(answer.headers), media_type=JSON_TYPE)


def encode(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


# --- from an HTTP request to a call: token, JSON body or multipart form, opt_fields


TOP_LEVEL = ("data", "options")


def token_of(request: Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


Upload = tuple[str, bytes, str]
"""Name, content and content type of an uploaded file."""


async def read_body(request: Request) -> tuple[dict[str, Any], Upload | None]:
    """The parsed body and an uploaded file, if there is one. Raises 400 for broken JSON and for a broken form."""
    if request.headers.get("Content-Type", "").startswith("multipart/form-data"):
        try:
            form = await request.form()
        except (HTTPException, MultiPartException) as error:
            raise bad("Could not parse request data, invalid multipart form") from error
        upload = form.get("file")
        data = {name: value for name, value in form.items() if isinstance(value, str)}
        if not isinstance(upload, UploadFile):
            return {"data": data}, None
        return {"data": data}, (_name_of(upload), await upload.read(), upload.content_type or "")
    return parse_json(await request.body()), None


def _name_of(upload: UploadFile) -> str:
    """A name that is not ASCII comes URL-encoded, twice: as `filename`, and with its encoding as `filename*`."""
    extended = re.search(r"filename\*=UTF-8''([^;]+)", upload.headers.get("content-disposition", ""))
    return unquote(extended.group(1)) if extended else upload.filename or ""


def parse_json(body: bytes) -> dict[str, Any]:
    """The body's object. Numbers keep their own text, so that amounts stay exact."""
    if not body:
        return {}
    try:
        parsed = json.loads(body, parse_float=Decimal)
    except ValueError:
        raise bad("Could not parse request data, invalid JSON") from None
    if not isinstance(parsed, dict):
        raise bad("Could not parse request data, invalid JSON")
    odd = next((name for name in parsed if name not in TOP_LEVEL), None)
    if odd is not None:
        raise bad(
            f"Unrecognized request field {odd} . The only allowed keys at the top level are: data, options. "
            "Is it possible you did not wrap object properties in a data object?"
        )
    if not isinstance(parsed.get("data", {}), dict):
        raise bad(f"data: Value is not a JSON object: {parsed['data']}")
    return parsed


def wanted_of(query: dict[str, str], body: dict[str, Any]) -> Tree | None:
    """What opt_fields, or `options.fields` of the body, asks for. None means the default set."""
    paths = query["opt_fields"].split(",") if "opt_fields" in query else (body.get("options") or {}).get("fields") or []
    return parse(paths) or None


# --- up to ten calls in one


LIMIT = 10
FORBIDDEN = ("batch", "attachments", "organization_exports")


@route("POST", "/batch")
async def batch(call: Call) -> Answer:
    """One answer for each action, in order; a failed action does not fail the others."""
    actions = call.data.get("actions")
    if not isinstance(actions, list) or not 1 <= len(actions) <= LIMIT:
        raise bad(f"actions: Must be an array of 1 to {LIMIT} actions")
    return Answer({"data": [await _answer_to(call, action) for action in actions]})


async def _answer_to(call: Call, action: Any) -> dict[str, Any]:
    try:
        answer = await _perform_one(call, action)
    except AsanaError as error:
        return {"status_code": error.status_code, "headers": {}, "body": error.body()}
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return {"status_code": answer.status, "headers": headers, "body": answer.body}


async def _perform_one(call: Call, action: Any) -> Answer:
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
