"""What our server does around every request: its clock on each answer, and the line that goes dead without one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from email.utils import format_datetime
from functools import cached_property
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.routing import Match, Route
from starlette.types import Message, Receive, Scope, Send

from sandbox.core import World

_TRANSPORT = "sandbox.transport"

Handler = Callable[[Request], Awaitable[Response]]


class SandboxApp(FastAPI):
    """FastAPI whose every answer says what time it is here, and that keeps the server's transport for `hang_up`.

    A plain route (`add_route`) is answered by its handler straight away: the layers that FastAPI has in between take longer
    than most of our answers.
    """

    def __init__(self, world: World, **how: Any) -> None:
        super().__init__(**how)
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn's `send` is a method of its request cycle, which knows the transport; ASGI itself offers no way to abort.
        scope[_TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)

        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                at = format_datetime(self.world.clock.now(), usegmt=True)
                message["headers"] = [*message["headers"], (b"date", at.encode())]
            await send(message)

        handler = self._plain_handler(scope) if scope["type"] == "http" else None
        if handler is None:
            return await super().__call__(scope, receive, dated)
        answer = await handler(Request(scope, receive, dated))
        await answer(scope, receive, dated)

    @cached_property
    def _plain_routes(self) -> list[Route]:
        return [route for route in self.router.routes if type(route) is Route]

    def _plain_handler(self, scope: Scope) -> Handler | None:
        for route in self._plain_routes:
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope.update(found)
                return route.endpoint
        return None


async def hang_up(request: Request) -> Response:
    """Abort the client's connection. Return the result from the handler; nobody ever receives it."""
    transport: Any = request.scope.get(_TRANSPORT)
    if transport is None:
        raise RuntimeError("this server does not let us close a connection without an answer; run under uvicorn")
    transport.abort()
    await asyncio.sleep(0.01)  # let the server notice, or it would try to write the answer
    return Response(status_code=500)
