"""The routes of this stand-in: the API and the OAuth endpoint."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request, Response

from sandbox import constants
from sandbox.asana.acts.edits import fault_for
from sandbox.asana.routes import finding, news, people, projects, relations, tasks
from sandbox.asana.routes.calls import Answer
from sandbox.asana.routes.serving import after, before, serve
from sandbox.asana.state.workspace import Workspace
from sandbox.asana.system import Asana
from sandbox.core import World

LOADED = (finding, news, people, projects, relations, tasks)
"""Importing a module of routes fills the table of routes."""

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]


def build(world: World) -> APIRouter:
    """The router over `world.asana`, which is made here when nobody has."""
    if world.asana is None:
        world.asana = Asana(world)
    space: Workspace = world.asana.space
    router = APIRouter()

    async def api(request: Request) -> Response:
        return await serve(space, request, f"/{request.path_params['path']}")

    # A plain route: what FastAPI does with arguments would take longer than most answers.
    router.add_route("/api/1.0/{path:path}", api, methods=METHODS)

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

    @router.post("/-/oauth_revoke", include_in_schema=False)
    async def oauth_revoke(request: Request) -> Response:
        kind = "POST /-/oauth_revoke"
        world.count("asana", kind)
        fault = fault_for(world, kind)
        early = await before(fault, request, space)
        if early is not None:
            return early
        status, body = revoke(space, await request.body())
        return await after(fault, request, Answer(body, status))

    return router


# --- the token endpoints: refresh and revoke. Its errors have OAuth's shape, not Asana's envelope


CLIENT_ID = "sandbox-asana-client"
CLIENT_SECRET = "sandbox-asana-client-secret"
REFRESH_TOKEN = "sandbox-asana-refresh-1"
LIFETIME_SECONDS = 3600


def refresh(space: Workspace, body: bytes) -> tuple[int, dict[str, Any]]:
    """Status and JSON for a form-encoded refresh request. The refresh token is not rotated."""
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    if form.get("grant_type") != "refresh_token":
        return 400, _refusal("unsupported_grant_type", "The `grant_type` must be `refresh_token` here.")
    if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        return 401, _refusal("invalid_client", "The `client_id` or `client_secret` provided was invalid.")
    if form.get("refresh_token") != REFRESH_TOKEN or REFRESH_TOKEN in space.revoked_tokens:
        return 400, _refusal("invalid_grant", "The `refresh_token` provided was invalid.")
    return 200, _grant(space)


def revoke(space: Workspace, body: bytes) -> tuple[int, dict[str, Any]]:
    """Status and JSON for a form that gives an authorization back: `token` is its refresh token, and its access tokens go too.

    A token that nobody knows is success, as OAuth has it. https://developers.asana.com/docs/oauth
    """
    form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
    if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
        return 401, _refusal("invalid_client", "The `client_id` or `client_secret` provided was invalid.")
    if not form.get("token"):
        return 400, _refusal("invalid_request", "The `token` is missing.")
    if form["token"] == REFRESH_TOKEN:
        space.revoked_tokens |= {REFRESH_TOKEN, *space.oauth_tokens}
    return 200, {}


def _grant(space: Workspace) -> dict[str, Any]:
    bot = space.users[constants.BOT_GID]
    token = "sandbox-oauth-" + hashlib.sha256(f"oauth {space.new_gid()}".encode()).hexdigest()[:24]
    space.grant(token, bot, seconds=LIFETIME_SECONDS)
    who = {"id": bot.gid, "gid": bot.gid, "name": bot.name, "email": bot.email}
    return {"access_token": token, "token_type": "bearer", "expires_in": LIFETIME_SECONDS, "data": who}


def _refusal(error: str, said: str) -> dict[str, Any]:
    return {"error": error, "error_uri": "https://developers.asana.com/docs/oauth", "error_description": said}
