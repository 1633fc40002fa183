"""What an Airflow connection of type `intacct` says, checked: the only place that knows its fields."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.protocol.intacct_time import DEFAULT_FORMAT, ServerClock, offset_of
from intacct_asana.protocol.intacct_xml import Login, Sender

if TYPE_CHECKING:
    from airflow.sdk import Connection

GATEWAY = "https://api.intacct.com/ia/xml/xmlgw.phtml"
ALLOWED_HOSTS = ("*.intacct.com",)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
HOST_NAME = re.compile(r"[a-z0-9.-]+|[0-9a-f:]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class IntacctSettings:
    """One connection. `timestamp_format` and `timestamp_offset` are empty unless the connection overrides them."""

    conn_id: str
    gateway_url: str
    sender: Sender
    login: Login
    read_only: bool = False
    max_concurrency: int = 1
    allowed_endpoint_hosts: tuple[str, ...] = ALLOWED_HOSTS
    timestamp_format: str = ""
    timestamp_offset: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def fingerprint(self) -> str:
        """Changes with any credential, the company, the entity or the gateway, so that an old session is forgotten."""
        who = (self.gateway_url, self.sender.sender_id, self.login.company_id, self.login.client_id)
        text = "\n".join((*who, self.login.entity_id, self.login.user_id))
        key = f"{self.sender.password}\n{self.login.password}".encode()
        return hmac.new(key, text.encode(), "sha256").hexdigest()[:16]

    @property
    def clock(self) -> ServerClock:
        """How timestamps are written: the connection's overrides, else `mm/dd/yyyy` in GMT."""
        return ServerClock(
            timestamp_format=self.timestamp_format or DEFAULT_FORMAT, gmt_offset=offset_of(self.timestamp_offset)
        )

    def checked_endpoint(self, url: str) -> str:
        """`url` when credentials or a session may go there: an allowed host, over https (plain only on loopback)."""
        why = _unsafe(url)
        host = (urlsplit(url).hostname or "").rstrip(".") if not why else ""
        if not why and not any(fnmatchcase(host, pattern.lower()) for pattern in self.allowed_endpoint_hosts):
            why = f"its host is not among allowed_endpoint_hosts {list(self.allowed_endpoint_hosts)}"
        if why:
            raise Misconfigured(f"Connection {self.conn_id}: Intacct's session belongs to the endpoint {url!r}, but {why}.")
        return url


def settings_of(connection: Connection, *, conn_id: str) -> IntacctSettings:
    """The checked settings. Raises Misconfigured that lists every missing or bad field of the connection."""
    extra = connection.extra_dejson if isinstance(connection.extra_dejson, dict) else {}
    needed = {
        "login (web services user id)": connection.login,
        "password (of the web services user)": connection.password,
        **{f"extra.{name}": extra.get(name) for name in ("company_id", "sender_id", "sender_password")},
    }
    where = f"connection {conn_id}"
    problems = [
        Problem(where=where, what=f"{name} is missing", mend="fill it in under Admin, Connections")
        for name, value in needed.items()
        if not value
    ]
    gateway = _gateway_url(connection)
    if why := _unsafe(gateway):
        problems.append(Problem(where=where, what=f"the host {gateway!r} cannot be used: {why}", mend=f"default: {GATEWAY}"))
    if not 1 <= _whole(extra, "max_concurrency", 1) <= 10:
        problems.append(Problem(where=where, what="extra.max_concurrency is not a number from 1 to 10"))
    if extra.get("timestamp_offset") not in (None, ""):
        problems += _offset_problem(where, str(extra["timestamp_offset"]))
    if problems:
        raise Misconfigured(f"Connection {conn_id} cannot be used for Sage Intacct.", problems=tuple(problems))
    return IntacctSettings(
        conn_id=conn_id,
        gateway_url=gateway,
        sender=Sender(sender_id=str(extra["sender_id"]), password=str(extra["sender_password"])),
        login=Login(
            user_id=str(connection.login),
            password=str(connection.password),
            company_id=str(extra["company_id"]),
            client_id=str(extra.get("client_id") or ""),
            entity_id=str(extra.get("entity_id") or ""),
        ),
        read_only=_switch(extra.get("read_only")),
        max_concurrency=_whole(extra, "max_concurrency", 1),
        allowed_endpoint_hosts=_patterns(extra.get("allowed_endpoint_hosts")),
        timestamp_format=str(extra.get("timestamp_format") or ""),
        timestamp_offset=str(extra.get("timestamp_offset") if extra.get("timestamp_offset") is not None else ""),
        secrets=(str(extra["sender_password"]), str(connection.password)),
    )


def _gateway_url(connection: Connection) -> str:
    """The full URL; a bare host (as an URI-style connection leaves it) gets scheme and path."""
    host = (connection.host or "").strip()
    if "://" in host:
        return host
    if not host:
        return GATEWAY
    port = f":{connection.port}" if connection.port else ""
    scheme = connection.schema if connection.schema in ("http", "https") else "https"
    return f"{scheme}://{host}{port}{'' if '/' in host else '/ia/xml/xmlgw.phtml'}"


def _unsafe(url: str) -> str:
    """Why nothing secret may be sent to `url`; empty when it may."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        _ = parts.port
    except ValueError:
        return "it is not a URL"
    if not HOST_NAME.fullmatch(host) or parts.username or parts.password:
        return "it has no plain host name"
    if parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK):
        return ""
    return "it is not https"


def _offset_problem(where: str, text: str) -> list[Problem]:
    try:
        offset_of(text)
    except Misconfigured as error:
        return [Problem(where=where, what=f"extra.timestamp_offset: {error.message}")]
    return []


def _patterns(given: Any) -> tuple[str, ...]:
    """A JSON list, or one text with commas as a form would give it."""
    if isinstance(given, str):
        given = given.split(",")
    found = tuple(str(pattern).strip().lower() for pattern in given or () if str(pattern).strip())
    return found or ALLOWED_HOSTS


def _switch(given: Any) -> bool:
    """On unless it clearly says off: a misspelt `read_only` must not open the door."""
    return str(given if given is not None else False).strip().lower() not in ("false", "0", "no", "off", "")


def _whole(extra: Mapping[str, Any], name: str, default: int) -> int:
    try:
        return int(extra.get(name) or default)
    except (TypeError, ValueError):
        return 0
