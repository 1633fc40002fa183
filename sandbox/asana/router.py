"""The routes of this stand-in: the API, the OAuth endpoint and the board page."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, Request, Response

# Importing the route modules fills the table of routes.
from sandbox.asana import (
    routes_attachments,
    routes_batch,
    routes_events,
    routes_fields,
    routes_people,
    routes_projects,
    routes_stories,
    routes_tasks,
    routes_webhooks,
)
from sandbox.asana.calls import Answer
from sandbox.asana.oauth import refresh
from sandbox.asana.serving import after, before, serve
from sandbox.asana.state import Workspace
from sandbox.asana.swallow import fault_for
from sandbox.core import World

LOADED = (
    routes_attachments,
    routes_batch,
    routes_events,
    routes_fields,
    routes_people,
    routes_projects,
    routes_stories,
    routes_tasks,
    routes_webhooks,
)
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]
BOARD = Path(__file__).with_name("board.html")


def build(world: World) -> APIRouter:
    """The router over `world.asana`, which is made here when nobody has."""
    if world.asana is None:
        world.asana = Workspace(world)
    space: Workspace = world.asana
    router = APIRouter()

    @router.api_route("/api/1.0/{path:path}", methods=METHODS, include_in_schema=False)
    async def api(request: Request, path: str) -> Response:
        return await serve(space, request, f"/{path}")

    @router.post("/-/oauth_token", include_in_schema=False)
    async def oauth(request: Request) -> Response:
        kind = "POST /-/oauth_token"
        world.count("asana", kind)
        fault = fault_for(world, kind)
        early = await before(fault, request, space)
        if early is not None:
            return early
        status, body = refresh(space, await request.body())
        return await after(fault, request, Answer(body, status))

    @router.get("/board", include_in_schema=False)
    async def board() -> Response:
        return Response(BOARD.read_text("utf-8"), media_type="text/html")

    return router
