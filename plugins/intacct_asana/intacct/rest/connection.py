"""What a connection to Intacct's REST API says, and one access token for all task processes."""

from __future__ import annotations

import hmac
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.intacct.rest.replies import NewToken
from intacct_asana.intacct.session import (
    ALLOWED_HOSTS,
    hide,
    host_patterns,
    is_switched_on,
    margin,
    remember,
    remembered,
    why_unsafe,
)

if TYPE_CHECKING:
    from airflow.sdk import Connection


API = "https://api.intacct.com/ia/api/v1"
CONNECTION_TYPE = "intacct_rest"
USERNAME = re.compile(r"(?P<user>\S+)@(?P<company>[^@|\s]+)(\|(?P<entity>[^@|\s]+))?")
ENTITY_HEADER = "X-IA-API-Param-Entity"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestSettings:
    """One connection. `entity_id` is empty at top level; `sends_entity` where a token of the top level has to name it."""

    conn_id: str
    base_url: str
    client_id: str
    client_secret: str = field(repr=False)
    username: str
    user_id: str
    company_id: str
    entity_id: str = ""
    sends_entity: bool = False
    read_only: bool = False

    @property
    def fingerprint(self) -> str:
        """Changes with any credential, the user, the entity or the host, so that an old token is forgotten."""
        text = "\n".join((self.base_url, self.client_id, self.username, self.entity_id))
        return hmac.new(self.client_secret.encode(), text.encode(), "sha256").hexdigest()[:16]

    @property
    def token_form(self) -> bytes:
        """The body of the request for a token, form-encoded; no password of a user is ever sent.

        Source: https://developer.sage.com/intacct/docs/developer-portal/guides/oauth2
        """
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "username": self.username,
        }
        return urlencode(form).encode()


def settings_of(connection: Connection, *, conn_id: str) -> RestSettings:
    """The checked settings. Raises Misconfigured that lists every missing or bad field of the connection."""
    extra = connection.extra_dejson if isinstance(connection.extra_dejson, dict) else {}
    client_id, secret = str(connection.login or "").strip(), str(connection.password or "")
    username, entity_id = str(extra.get("username") or "").strip(), str(extra.get("entity_id") or "").strip()
    if secret:
        hide(secret)
    url, found = _base_url(connection), USERNAME.fullmatch(username)
    led_into = (found["entity"] or "") if found else ""
    other = entity_id if led_into and entity_id != led_into else ""
    wrong = {
        "type": "" if connection.conn_type == CONNECTION_TYPE else f"is {connection.conn_type!r}, not {CONNECTION_TYPE}",
        "login (client id)": "" if client_id else "is missing",
        "password (client secret)": "" if secret else "is missing",
        "extra.username": "" if found else "is not of the form user@company or user@company|entity",
        "extra.entity_id": f"is {other}, and username leads into {led_into}" if other else "",
        "host": why_not_here(url, host_patterns(extra.get("allowed_endpoint_hosts"))),
    }
    problems = [Problem(where=f"connection {conn_id}, {name}", what=what) for name, what in wrong.items() if what]
    if problems or found is None:
        raise Misconfigured(f"Connection {conn_id} cannot be used for Intacct's REST API.", problems=tuple(problems))
    return RestSettings(
        conn_id=conn_id,
        base_url=url,
        client_id=client_id,
        client_secret=secret,
        username=username,
        user_id=found["user"],
        company_id=found["company"],
        entity_id=led_into or entity_id,
        sends_entity=bool(entity_id and not led_into),
        read_only=is_switched_on(extra.get("read_only")),
    )


def _base_url(connection: Connection) -> str:
    """The API's URL; a bare host gets scheme and path."""
    host = (connection.host or "").strip().rstrip("/")
    if "://" in host or not host:
        return host or API
    port = f":{connection.port}" if connection.port else ""
    return f"https://{host}{port}{'' if '/' in host else '/ia/api/v1'}"


def why_not_here(url: str, allowed: tuple[str, ...] = ALLOWED_HOSTS) -> str:
    """Why no secret may be sent to `url`; empty when it may."""
    if why := why_unsafe(url):
        return f"is {url!r}: {why}"
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        return "holds more than host and path"
    host = (parts.hostname or "").rstrip(".")
    if any(fnmatchcase(host, pattern) for pattern in allowed):
        return ""
    return f"{host} is none of {', '.join(allowed)}. Where it is Intacct's, add it to `allowed_endpoint_hosts` in the extra"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A live access token. `expires_at` is on our clock, margin taken off."""

    text: str = field(repr=False)
    expires_at: datetime


class TokenKeeper:
    """Gives a live token and takes back dead ones: ours, else the one shared by tasks, else a new one. Thread-safe.

    Shared in the Variable `intacct_rest_token__<conn_id>__<entity>`, which Airflow encrypts and masks, as its name says token.
    Where Variables do not work the hook's own memory is all there is, and that is enough.
    """

    def __init__(self, settings: RestSettings, *, fetch: Callable[[], NewToken], now: Callable[[], datetime]) -> None:
        self.settings, self.fetch, self.now = settings, fetch, now
        self.name = f"intacct_rest_token__{settings.conn_id}__{settings.entity_id or 'top'}"
        self.current: Token | None = None
        self.dead: set[str] = set()
        self.fetched = 0
        self._lock = threading.Lock()

    def token(self) -> Token:
        with self._lock:
            if not self._is_live(self.current):
                shared = self._shared(remembered(self.name))
                self.current = shared if self._is_live(shared) else self._new()
            assert self.current is not None
            return self.current

    def drop(self, token: Token) -> None:
        """Intacct no longer knows it: neither ours nor the shared copy is used again."""
        with self._lock:
            self.dead.add(token.text)

    def _new(self) -> Token:
        found = self.fetch()
        self.fetched += 1
        for part in found.parts:
            hide(part)
        life = timedelta(seconds=found.lifetime_seconds)
        token = Token(text=found.text, expires_at=self.now() + life - margin(life))
        body = {"text": token.text, "expires_at": token.expires_at.isoformat(), "fingerprint": self.settings.fingerprint}
        remember(self.name, json.dumps(body), what="Live token of Intacct's REST API, shared by tasks; safe to delete")
        return token

    def _shared(self, stored: Any) -> Token | None:
        """The shared token of the same credentials; None for none, for another's, for an unreadable one."""
        try:
            kept = json.loads(stored)
            if kept["fingerprint"] != self.settings.fingerprint:
                return None
            token = Token(text=str(kept["text"]), expires_at=datetime.fromisoformat(kept["expires_at"]).astimezone(UTC))
        except (TypeError, ValueError, KeyError):
            return None
        hide(token.text)
        return token

    def _is_live(self, token: Token | None) -> bool:
        return token is not None and token.text not in self.dead and token.expires_at > self.now()
