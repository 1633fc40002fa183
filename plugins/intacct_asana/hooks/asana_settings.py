"""What an Asana connection says, read in one place, with every problem listed at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.sdk.log import mask_secret

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.protocol.asana_oauth import Grant

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
