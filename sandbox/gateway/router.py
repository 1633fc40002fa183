"""POST /ia/xml/xmlgw.phtml."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from lxml import etree

from sandbox.core import World
from sandbox.gateway.failures import ControlFailure, HttpFailure
from sandbox.gateway.faults import Trouble, html_page, http_body, too_many_requests, trouble_for
from sandbox.gateway.operation import Answer, Function, Gateway, control_failure, functions_of
from sandbox.gateway.wire import parse
from sandbox.hangup import hang_up

PATH = "/ia/xml/xmlgw.phtml"


def build(world: World) -> APIRouter:
    """The gateway's routes. `world.intacct` must be a Company by the time of the first request."""
    router = APIRouter()
    door = _Door(world)

    # A plain route: what FastAPI does with arguments would take longer than most answers.
    router.add_route(PATH, door.enter, methods=["POST"])

    return router


class _Door:
    """What stands before the gateway: latency, the limit of concurrent calls, faults of the line."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.inside = 0

    async def enter(self, request: Request) -> Response:
        limit = self.world.setting("intacct_max_concurrency", None)
        if limit is not None and self.inside >= limit:
            self.world.count("intacct", "429")
            await request.body()
            return _xml(Answer(too_many_requests(), 429))
        self.inside += 1
        try:
            return await self._handle(request)
        finally:
            self.inside -= 1

    async def _handle(self, request: Request) -> Response:
        body = await request.body()
        if latency := self.world.setting("intacct_latency_ms", 0):
            await asyncio.sleep(latency / 1000)
        try:
            root, functions = self._read(request, body)
        except ControlFailure as failure:
            return _xml(control_failure(failure, None))
        except HttpFailure as failure:
            return _xml(control_failure(failure, None))
        trouble = trouble_for(self.world, [function.kind for function in functions])
        self._people_act("act_before", functions)
        if trouble.delay_seconds:
            await asyncio.sleep(trouble.delay_seconds)
        if trouble.before:
            return await self._before(request, trouble)
        # From here to the answer nothing is awaited: a call is atomic.
        answer = self._answer(request, root, functions, trouble)
        self._people_act("act_after", functions)
        return await self._after(request, trouble, answer)

    def _people_act(self, moment: str, functions: list[Function]) -> None:
        for function in functions:
            self.world.act_at(moment, "intacct", function.kind)

    def _read(self, request: Request, body: bytes) -> tuple[etree._Element, list[Function]]:
        if "xml" not in request.headers.get("content-type", ""):
            raise HttpFailure("GW-0011", "", "Invalid Request [Request ID: sbx-00c7]")
        try:
            root = parse(body)
            functions = functions_of(root)
        except ControlFailure:
            self.world.count("intacct", "malformed")
            raise
        for function in functions:
            self.world.count("intacct", function.kind)
        return root, functions

    def _answer(self, request: Request, root: etree._Element, functions: list[Function], trouble: Trouble) -> Answer:
        endpoint = str(request.url.replace(query="", fragment=""))
        self.world.intacct.catch_up()
        try:
            return Gateway(self.world, endpoint).answer(root, functions, trouble.in_function)
        except (ControlFailure, HttpFailure) as failure:
            return control_failure(failure, root)

    async def _before(self, request: Request, trouble: Trouble) -> Response:
        name, _, number = trouble.before.partition(":")
        if name == "drop":
            return await hang_up(request)
        if name == "html":
            return HTMLResponse(html_page("Checking your browser"))
        return _status(int(number), trouble)

    async def _after(self, request: Request, trouble: Trouble, answer: Answer) -> Response:
        name, _, number = trouble.after.partition(":")
        if name == "lost_answer":
            return await hang_up(request)
        if name == "status_after":
            return _status(int(number), trouble)
        if name == "empty":
            return Response(b"", media_type="application/xml")
        if name == "truncated":
            return Response(answer.body.encode()[: len(answer.body) // 2], media_type="application/xml")
        return _xml(answer)


def _xml(answer: Answer) -> Response:
    return Response(answer.body.encode(), answer.status, media_type="application/xml")


def _status(status: int, trouble: Trouble) -> Response:
    media_type, body = http_body(status)
    headers = {"Retry-After": trouble.retry_after} if trouble.retry_after else {}
    return Response(body.encode(), status, headers, media_type)
