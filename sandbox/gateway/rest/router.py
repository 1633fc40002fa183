"""The routes under /ia/api/v1: a token, a bill, a query of bills, approve and decline; and what goes wrong on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from sandbox import constants
from sandbox.core import World
from sandbox.gateway.books import approvals
from sandbox.gateway.books.rows import Bill
from sandbox.gateway.faults import Trouble, html_page, trouble_for
from sandbox.gateway.rest.answers import (
    Json,
    RestFailure,
    acted_body,
    bill_of,
    dead_token,
    error_body,
    flat,
    invalid,
    read_body,
)
from sandbox.gateway.rest.tokens import Token
from sandbox.hangup import hang_up

PREFIX = "/ia/api/v1"
Do = Callable[[Request, bytes], Json]
ACTS: dict[str, tuple[Callable[..., None], str]] = {
    "approve": (approvals.approve, "approved"),
    "decline": (approvals.decline, "declined"),
}


def build(world: World) -> APIRouter:
    """The API's routes. `world.intacct` must be a Company by the time of the first request."""
    router = APIRouter(prefix=PREFIX)
    api = _Api(world)

    @router.post("/oauth2/token")
    async def token(request: Request) -> Response:
        return await api.enter(request, "REST token", api.token)

    @router.get("/objects/accounts-payable/bill/{key}")
    async def bill(request: Request, key: str) -> Response:
        return await api.enter(request, "REST bill", partial(api.bill, key=key))

    @router.post("/services/core/query")
    async def query(request: Request) -> Response:
        return await api.enter(request, "REST query", api.query)

    @router.post("/workflows/accounts-payable/bill/{act}")
    async def workflow(request: Request, act: str) -> Response:
        return await api.enter(request, f"REST {act}", partial(api.act, act=act))

    return router


class _Api:
    """One call: counted, struck by whatever is to go wrong with it, carried out at once, answered."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def enter(self, request: Request, kind: str, do: Do) -> Response:
        body = await request.body()
        self.world.count("intacct", kind)
        if latency := self.world.setting("intacct_latency_ms", 0):
            await asyncio.sleep(latency / 1000)
        trouble = trouble_for(self.world, [kind])
        self.world.act_at("act_before", "intacct", kind)
        if trouble.delay_seconds:
            await asyncio.sleep(trouble.delay_seconds)
        if trouble.before == "drop":
            return await hang_up(request)
        if trouble.before:
            return HTMLResponse(html_page("Checking your browser")) if trouble.before == "html" else self._status(trouble)
        # From here to the answer nothing is awaited: a call is atomic.
        answer = self._answer(request, body, do, trouble)
        self.world.act_at("act_after", "intacct", kind)
        if trouble.after == "lost_answer":
            return await hang_up(request)
        if trouble.after.startswith("status_after"):
            return self._status(trouble)
        cut = {"empty": 0, "truncated": len(answer.body) // 2}.get(trouble.after)
        return answer if cut is None else Response(answer.body[:cut], answer.status_code, media_type="application/json")

    def _status(self, trouble: Trouble) -> Response:
        """JSON from the API itself, a page from what stands before it."""
        status = int((trouble.before or trouble.after).partition(":")[2])
        headers = {"Retry-After": trouble.retry_after} if trouble.retry_after else {}
        if status in (429, 401, 403):
            body = error_body(RestFailure(status, "GW-0010" if status == 429 else "denied", "SBX-1", "Not now"), "top")
            return JSONResponse(body, status, headers)
        return HTMLResponse(html_page(f"Error {status}"), status, headers)

    def _answer(self, request: Request, body: bytes, do: Do, trouble: Trouble) -> Response:
        fault = trouble.in_function.get(0)
        action = fault.action if fault else ""
        if action == "end_session":
            self.world.intacct.tokens.end_all()
        self.world.intacct.catch_up()
        try:
            if action in ("refuse", "aborted"):
                told = fault.detail if fault and action == "refuse" else {}
                said = str(told.get("message", "The transaction was rolled back"))
                raise RestFailure(int(told.get("status", 422)), "businessRule", str(told.get("errorId", "SBX-9")), said)
            done = self._done(request, body, do, loses=action == "lose_stamp")
        except RestFailure as failure:
            where = self.world.setting("rest_errors", "result")
            return JSONResponse(error_body(failure, where), failure.status)
        if action == "no_status":
            done = {}
        elif action == "other_function":
            done = {**done, "ia::result": {**done["ia::result"], "key": "999999999"}}
        elif action == "half_success":
            done = error_body(invalid("One of the steps failed", "SBX-2"), "top")
        return JSONResponse(done)

    def _done(self, request: Request, body: bytes, do: Do, *, loses: bool) -> Json:
        if not loses:
            return do(request, body)
        company = self.world.intacct
        noted = len(company.approvals)
        with company.undoable() as log:
            done = do(request, body)
            company.undo(log)
        del company.approvals[noted:]
        return done

    # What the calls do

    def token(self, request: Request, body: bytes) -> Json:
        told = _form(request, body)
        if told.get("grant_type") != "client_credentials":
            raise invalid("The grant type is not supported", "SBX-3")
        if (told.get("client_id"), told.get("client_secret")) != (constants.REST_CLIENT_ID, constants.REST_CLIENT_SECRET):
            raise RestFailure(401, "invalidClient", "SBX-4", f"Client {told.get('client_secret')} is unknown", about_token=True)
        user, at, rest = str(told.get("username", "")).rpartition("@")
        company, _, entity = rest.partition("|")
        if not at or not user:
            raise invalid("The username format is invalid (expected user@company)", "SBX-5")
        known = user in self.world.setting("rest_users", [constants.WS_USER])
        if not known or company != constants.COMPANY_ID or not self._knows(entity):
            raise RestFailure(401, "invalidUser", "SBX-6", "The user is not authorised for this client", about_token=True)
        opened: Token = self.world.intacct.tokens.open(user, entity)
        seconds = self.world.setting("rest_token_seconds", 43200)
        given: Json = {"token_type": "Bearer", "access_token": opened.text, "refresh_token": f"refresh.{opened.text[4:24]}"}
        return given | ({} if seconds is None else {"expires_in": seconds})

    def bill(self, request: Request, body: bytes, *, key: str) -> Json:
        token = self._token(request, "read")
        return read_body(self._bill(request, token, key), self._offset)

    def query(self, request: Request, body: bytes) -> Json:
        token, told = self._token(request, "read"), _json(body)
        if told.get("object") != "accounts-payable/bill":
            raise invalid(f"Object {told.get('object')} is not known here", "SBX-7")
        wanted = next((each["$in"]["state"] for each in told.get("filters", []) if "$in" in each), None)
        known = [flat(bill_of(bill, self._offset)) for bill in self.world.intacct.bills if self._sees(request, token, bill)]
        rows = [row for row in known if wanted is None or row["state"] in wanted]
        start, size = int(told.get("start", 1)), int(told.get("size", 100))
        page = [{name: row.get(name) for name in told.get("fields", ["key"])} for row in rows[start - 1 : start - 1 + size]]
        following = start + size if start - 1 + size < len(rows) else None
        meta = {"totalCount": len(rows), "start": start, "pageSize": size, "next": following, "previous": None}
        return {"ia::result": page, "ia::meta": meta}

    def act(self, request: Request, body: bytes, *, act: str) -> Json:
        token = self._token(request, act)
        told = _json(body)
        if act not in ACTS:
            raise invalid(f"There is no {act} here", "SBX-8")
        if not isinstance(told.get("key"), str) or not isinstance(told.get("notes", ""), str) or set(told) - {"key", "notes"}:
            raise invalid("The payload does not follow the schema")
        do, said = ACTS[act]
        bill, company = self._bill(request, token, told["key"]), self.world.intacct
        self.world.count("intacct", "WRITE")
        try:
            do(company, bill, company.user(token.login), notes=told.get("notes", ""), source="api")
        except ValueError as error:
            raise RestFailure(422, "businessRule", "SBX-10", f"{error}.") from error
        return acted_body(told["key"], said, self.world.setting("rest_meta", "single"))

    def _token(self, request: Request, act: str) -> Token:
        text = request.headers.get("authorization", "").removeprefix("Bearer ")
        token: Token | None = self.world.intacct.tokens.use(text)
        if token is None:
            raise dead_token(self.world.setting("rest_dead_token", 401))
        if act in self.world.setting("rest_denied", []):
            raise RestFailure(403, "permissionDenied", "SBX-11", f"{token.login} has no permission to {act} bills")
        return token

    def _bill(self, request: Request, token: Token, key: str) -> Bill:
        bill: Bill | None = self.world.intacct.bills.get(int(key) + self._offset) if key.isdigit() else None
        if bill is None or not self._sees(request, token, bill):
            status = self.world.setting("rest_unknown_bill", 404)
            raise RestFailure(status, "notFound", "SBX-12", f"There is no bill with key {key}")
        return bill

    def _sees(self, request: Request, token: Token, bill: Bill) -> bool:
        """A token of the top level sees every entity, unless the header leads into one."""
        entity = token.entity or request.headers.get("x-ia-api-param-entity", "")
        return not entity or bill.entity.id == entity

    @property
    def _offset(self) -> int:
        offset: int = self.world.setting("rest_key_offset", 0)
        return offset

    def _knows(self, entity: str) -> bool:
        company = self.world.intacct
        return not entity or company.dimension(company.entities, entity) is not None


def _form(request: Request, body: bytes) -> Json:
    """Form-encoded, as documented, or JSON, as a client sends it."""
    return (
        _json(body) if "json" in request.headers.get("content-type", "") else dict(parse_qsl(body.decode("utf-8", "replace")))
    )


def _json(body: bytes) -> Json:
    try:
        told: Any = json.loads(body)
    except ValueError as error:
        raise invalid("A POST request requires a payload") from error
    if not isinstance(told, dict):
        raise invalid("The payload does not follow the schema")
    return told
