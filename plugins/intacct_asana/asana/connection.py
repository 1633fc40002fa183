"""What an Asana connection says, and the access token that it stands for."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urlsplit

from airflow.sdk.log import mask_secret

from intacct_asana.errors import Misconfigured, Problem, TryLater, UnexpectedReply

if TYPE_CHECKING:
    from airflow.sdk import Connection


DEFAULT_URL = "https://app.asana.com/api/1.0"
CONNECTION_TYPES = ("asana_rest", "asana")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
GRANT_KEYS = ("client_id", "client_secret", "refresh_token")


@dataclass(frozen=True, slots=True, kw_only=True)
class AsanaSettings:
    """`token` is empty where an OAuth `grant` is used."""

    base_url: str
    token: str = field(repr=False)
    grant: Grant | None = field(repr=False)
    workspace_gid: str
    read_only: bool
    requests_per_minute: int
    max_reads: int
    max_writes: int

    @property
    def identity(self) -> str:
        """What Asana counts requests by. A secret: only its hash is kept anywhere."""
        return self.grant.refresh_token if self.grant else self.token


def settings_of(connection: Connection, extra: Mapping[str, Any], *, conn_id: str) -> AsanaSettings:
    """The connection's settings; its secrets are masked in logs from here on. Raises Misconfigured listing every problem."""
    problems: list[Problem] = []
    secrets = {"password": connection.password or "", **{key: str(extra.get(key) or "") for key in GRANT_KEYS}}
    _mask(secrets)
    settings = AsanaSettings(
        base_url=_base_url(connection, problems),
        token=secrets["password"],
        grant=_grant(secrets, problems),
        workspace_gid=str(extra.get("workspace") or ""),
        read_only=_switch(extra, "read_only", problems),
        requests_per_minute=_count(extra, "requests_per_minute", 1500, problems),
        max_reads=_count(extra, "max_reads", 50, problems),
        max_writes=_count(extra, "max_writes", 15, problems),
    )
    if connection.conn_type not in CONNECTION_TYPES:
        mend = f"make it {' or '.join(CONNECTION_TYPES)}"
        problems.append(Problem(where="type", what=f"is {connection.conn_type!r}", mend=mend))
    if problems:
        raise Misconfigured(f"Connection {conn_id} cannot be used for Asana.", problems=tuple(problems))
    return settings


def _mask(secrets: Mapping[str, str]) -> None:
    for key, value in secrets.items():
        if value and key != "client_id":
            mask_secret(value)


def _grant(secrets: Mapping[str, str], problems: list[Problem]) -> Grant | None:
    """The OAuth grant, where the password holds no token."""
    if secrets["password"]:
        return None
    missing = [key for key in GRANT_KEYS if not secrets[key]]
    if not missing:
        return Grant(**{key: secrets[key] for key in GRANT_KEYS})
    if len(missing) == len(GRANT_KEYS):
        mend = "put a personal access token or a service account token there"
        problems.append(Problem(where="password", what="is empty", mend=mend))
    else:
        problems += [Problem(where=f"extra {key}", what="is empty", mend="OAuth needs all three") for key in missing]
    return None


def _base_url(connection: Connection, problems: list[Problem]) -> str:
    """The API's URL: a full one, or a host name to which https and the usual path are added."""
    host = (connection.host or DEFAULT_URL).strip().rstrip("/")
    url = host if "://" in host else f"{connection.schema or 'https'}://{host}"
    try:
        parts = urlsplit(url)
        port = parts.port or connection.port
    except ValueError:
        problems.append(Problem(where="host", what=f"is {host!r}, not a URL", mend=f"use {DEFAULT_URL}"))
        return ""
    is_loopback = parts.hostname in LOOPBACK
    if (parts.scheme != "https" and not (parts.scheme == "http" and is_loopback)) or not parts.hostname:
        problems.append(Problem(where="host", what=f"is {host!r}, which is not an https URL", mend=f"use {DEFAULT_URL}"))
    if parts.username is not None or parts.query or parts.fragment:
        problems.append(Problem(where="host", what="holds more than host and path", mend=f"use {DEFAULT_URL}"))
    name = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{name}{f':{port}' if port else ''}{parts.path or '/api/1.0'}"


def _switch(extra: Mapping[str, Any], key: str, problems: list[Problem]) -> bool:
    """Fails closed: what is not clearly off is a problem."""
    given = str(extra.get(key) if extra.get(key) is not None else False).strip().lower()
    if given not in ("true", "false", "1", "0", "yes", "no", ""):
        problems.append(Problem(where=f"extra {key}", what=f"is {given!r}", mend="use true or false"))
    return given in ("true", "1", "yes")


def _count(extra: Mapping[str, Any], key: str, default: int, problems: list[Problem]) -> int:
    given = extra.get(key)
    if given in (None, ""):
        return default
    text = str(given).strip()
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) < 10):
        problems.append(Problem(where=f"extra {key}", what=f"is {given!r}", mend="use a whole number from 1 on"))
        return default
    return int(text)


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


MARGIN_SECONDS = 60.0


class TokenSource(Protocol):
    def bearer(self) -> str:
        """The token to send now."""
        ...

    def renew(self, used: str) -> bool:
        """Asana refused `used`. True when another one can be had and the call is worth repeating."""
        ...


class FixedToken:
    """A personal access token or a service account's: it does not end, so a refusal is final."""

    def __init__(self, token: str) -> None:
        self._token = token

    def bearer(self) -> str:
        return self._token

    def renew(self, used: str) -> bool:
        return False


class RenewedToken:
    """An OAuth access token, fetched when it is first needed and again shortly before it ends. Thread-safe."""

    def __init__(self, fetch: Callable[[], AccessToken], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._clock = fetch, clock
        self._lock = threading.Lock()
        self._token, self._good_until = "", 0.0

    def bearer(self) -> str:
        with self._lock:
            if not self._token or self._clock() >= self._good_until:
                self._refresh()
            return self._token

    def renew(self, used: str) -> bool:
        with self._lock:
            # Another thread may have renewed it while this call was under way.
            if self._token == used:
                self._refresh()
            return True

    def _refresh(self) -> None:
        found = self._fetch()
        mask_secret(found.text)
        self._token = found.text
        self._good_until = self._clock() + max(0.0, found.lifetime_seconds - MARGIN_SECONDS)
