"""Asana's OAuth refresh: the form that is sent, and what its answer means. It has an error shape of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from intacct_asana.errors import Misconfigured, TryLater, UnexpectedReply

DEFAULT_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A long-lived permission that a person gave to an OAuth app. Full permissions: no granular scope reaches the events."""

    client_id: str
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """What a refresh gives. `refresh_token` is set only where Asana handed out another one."""

    text: str = field(repr=False)
    lifetime_seconds: float
    refresh_token: str = field(default="", repr=False)


def token_url(base_url: str) -> str:
    """Where tokens are refreshed: beside the API, on the same host. Source: developers.asana.com/docs/oauth."""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}/-/oauth_token"


def refresh_form(grant: Grant) -> bytes:
    """The body of the refresh, form-encoded."""
    form = {
        "grant_type": "refresh_token",
        "client_id": grant.client_id,
        "client_secret": grant.client_secret,
        "refresh_token": grant.refresh_token,
    }
    return urlencode(form).encode()


def decipher_token(status: int, headers: Mapping[str, str], body: bytes, *, grant: Grant) -> AccessToken:
    """The new access token. Raises Misconfigured for a grant that is no longer good, TryLater for a limit or an outage."""
    asked = "refreshing the OAuth token"
    if status == 429 or status >= 500:
        raise TryLater(f"{asked}: Asana answered {status}.", code=str(status))
    found = _object(body)
    reason = found.get("error")
    if status in (400, 401) and isinstance(reason, str):
        kind = reason if re.fullmatch(r"[a-z_]{1,60}", reason) else "an error"
        raise Misconfigured(
            f"{asked}: Asana said {status} {kind}. Authorize the app again and put the new refresh_token into the connection.",
            code=str(status),
        )
    text, seconds, another = found.get("access_token"), found.get("expires_in"), found.get("refresh_token")
    if status != 200 or not isinstance(text, str) or not text:
        raise UnexpectedReply(f"{asked}: answer {status} holds no access token")
    return AccessToken(
        text=text,
        lifetime_seconds=seconds if isinstance(seconds, int) and 0 < seconds < 10**9 else DEFAULT_SECONDS,
        refresh_token=another if isinstance(another, str) and another != grant.refresh_token else "",
    )


def _object(body: bytes) -> dict[str, object]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
