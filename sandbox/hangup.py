"""Closing a connection without an answer, as a network does: the client sees the line go dead."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.types import Receive, Scope, Send

_TRANSPORT = "sandbox.transport"


class HangUpApp(FastAPI):
    """FastAPI that keeps the server's transport in the scope, so that `hang_up` can reach it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # uvicorn's `send` is a method of its request cycle, which knows the transport; ASGI itself offers no way to abort.
        scope[_TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        await super().__call__(scope, receive, send)


async def hang_up(request: Request) -> Response:
    """Abort the client's connection. Return the result from the handler; nobody ever receives it."""
    transport: Any = request.scope.get(_TRANSPORT)
    if transport is None:
        raise RuntimeError("this server does not let us close a connection without an answer; run under uvicorn")
    transport.abort()
    await asyncio.sleep(0.01)  # let the server notice, or it would try to write the answer
    return Response(status_code=500)
