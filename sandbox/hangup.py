"""What our server does around every request: its clock on each answer, and the line that goes dead without one."""

from __future__ import annotations

import asyncio
from email.utils import format_datetime
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import Message, Receive, Scope, Send

from sandbox.core import World

_TRANSPORT = "sandbox.transport"


class SandboxApp(FastAPI):
    """FastAPI whose every answer says what time it is here, and that keeps the server's transport for `hang_up`."""

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

        await super().__call__(scope, receive, dated)


async def hang_up(request: Request) -> Response:
    """Abort the client's connection. Return the result from the handler; nobody ever receives it."""
    transport: Any = request.scope.get(_TRANSPORT)
    if transport is None:
        raise RuntimeError("this server does not let us close a connection without an answer; run under uvicorn")
    transport.abort()
    await asyncio.sleep(0.01)  # let the server notice, or it would try to write the answer
    return Response(status_code=500)
