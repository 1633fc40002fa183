"""The token endpoint: refresh only. Its errors have OAuth's shape, not Asana's envelope."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from sandbox import constants

if TYPE_CHECKING:
    from sandbox.asana.state import Workspace

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


def _grant(space: Workspace) -> dict[str, Any]:
    bot = space.users[constants.BOT_GID]
    token = "sandbox-oauth-" + hashlib.sha256(f"oauth {space.new_gid()}".encode()).hexdigest()[:24]
    space.grant(token, bot, seconds=LIFETIME_SECONDS)
    who = {"id": bot.gid, "gid": bot.gid, "name": bot.name, "email": bot.email}
    return {"access_token": token, "token_type": "bearer", "expires_in": LIFETIME_SECONDS, "data": who}


def _refusal(error: str, said: str) -> dict[str, Any]:
    return {"error": error, "error_uri": "https://developers.asana.com/docs/oauth", "error_description": said}
