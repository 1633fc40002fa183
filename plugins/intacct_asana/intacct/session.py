"""Who we are at the gateway: what the connection says, and one session for all task processes."""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast, get_args
from urllib.parse import urlsplit

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.intacct.replies import Reply
from intacct_asana.intacct.timestamps import DEFAULT_FORMAT, ServerClock, offset_of, zone_of
from intacct_asana.intacct.xml import Login, Sender

if TYPE_CHECKING:
    from airflow.sdk import Connection


GATEWAY = "https://api.intacct.com/ia/xml/xmlgw.phtml"
ALLOWED_HOSTS = ("*.intacct.com",)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
HOST_NAME = re.compile(r"[a-z0-9.-]+|[0-9a-f:]+")


ErrorDetails = Literal["when taken", "on", "off"]
"""Whether errors are asked for with their stable ids: always, never, or from when preflight has seen that the gateway takes
the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntacctSettings:
    """One connection. `timestamp_format`, `timestamp_offset` and `timestamp_zone` are empty unless it says otherwise."""

    conn_id: str
    gateway_url: str
    sender: Sender
    login: Login
    read_only: bool = False
    max_concurrency: int = 1
    allowed_endpoint_hosts: tuple[str, ...] = ALLOWED_HOSTS
    error_details: ErrorDetails = "when taken"
    timestamp_format: str = ""
    timestamp_offset: str = ""
    timestamp_zone: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)

    @property
    def fingerprint(self) -> str:
        """Changes with any credential, the company, the entity or the gateway, so that an old session is forgotten."""
        who = (self.gateway_url, self.sender.sender_id, self.login.company_id, self.login.client_id)
        text = "\n".join((*who, self.login.entity_id, self.login.user_id))
        return self.signature(text)[:16]

    def signature(self, text: str) -> str:
        """Of a text that only who knows this connection's passwords can have signed."""
        key = f"{self.sender.password}\n{self.login.password}".encode()
        return hmac.new(key, text.encode(), "sha256").hexdigest()

    @property
    def clock(self) -> ServerClock:
        """How timestamps are written: the connection's overrides, else `mm/dd/yyyy` in GMT."""
        return ServerClock(
            timestamp_format=self.timestamp_format or DEFAULT_FORMAT,
            gmt_offset=offset_of(self.timestamp_offset),
            zone=zone_of(self.timestamp_zone),
        )

    def checked_endpoint(self, url: str) -> str:
        """`url` when credentials or a session may go there: an allowed host, over https (plain only on loopback)."""
        why = why_unsafe(url)
        host = (urlsplit(url).hostname or "").rstrip(".") if not why else ""
        if not why and not any(fnmatchcase(host, pattern.lower()) for pattern in self.allowed_endpoint_hosts):
            allowed = ", ".join(self.allowed_endpoint_hosts)
            why = (
                f"the host {host} is none of {allowed}. Where it is Intacct's, add it to `allowed_endpoint_hosts` in the "
                "connection's extra, a list of names without port"
            )
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
    if why := why_unsafe(gateway):
        problems.append(Problem(where=where, what=f"the host {gateway!r} cannot be used: {why}", mend=f"default: {GATEWAY}"))
    if not 1 <= _whole(extra, "max_concurrency", 1) <= 10:
        problems.append(Problem(where=where, what="extra.max_concurrency is not a number from 1 to 10"))
    if str(extra.get("error_details") or "when taken") not in get_args(ErrorDetails):
        problems.append(Problem(where=where, what=f"extra.error_details is none of {', '.join(get_args(ErrorDetails))}"))
    for name, read in (("timestamp_offset", offset_of), ("timestamp_zone", zone_of)):
        if extra.get(name) not in (None, ""):
            problems += _problem_of(where, name, partial(read, str(extra[name])))
    if extra.get("timestamp_offset") not in (None, "") and extra.get("timestamp_zone"):
        problems.append(Problem(where=where, what="extra has both timestamp_offset and timestamp_zone", mend="keep one"))
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
        read_only=is_switched_on(extra.get("read_only")),
        max_concurrency=_whole(extra, "max_concurrency", 1),
        allowed_endpoint_hosts=host_patterns(extra.get("allowed_endpoint_hosts")),
        error_details=cast("ErrorDetails", str(extra.get("error_details") or "when taken")),
        timestamp_format=str(extra.get("timestamp_format") or ""),
        timestamp_offset=str(extra.get("timestamp_offset") if extra.get("timestamp_offset") is not None else ""),
        timestamp_zone=str(extra.get("timestamp_zone") or ""),
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


def why_unsafe(url: str) -> str:
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


def _problem_of(where: str, name: str, read: Callable[[], object]) -> list[Problem]:
    try:
        read()
    except Misconfigured as error:
        return [Problem(where=where, what=f"extra.{name}: {error.message}")]
    return []


def host_patterns(given: Any) -> tuple[str, ...]:
    """A JSON list, or one text with commas as a form would give it."""
    if isinstance(given, str):
        given = given.split(",")
    found = tuple(str(pattern).strip().lower() for pattern in given or () if str(pattern).strip())
    return found or ALLOWED_HOSTS


def is_switched_on(given: Any) -> bool:
    """On unless it clearly says off: a misspelt `read_only` must not open the door."""
    return str(given if given is not None else False).strip().lower() not in ("false", "0", "no", "off", "")


def _whole(extra: Mapping[str, Any], name: str, default: int) -> int:
    try:
        return int(extra.get(name) or default)
    except (TypeError, ValueError):
        return 0


log = logging.getLogger(__name__)

LIFETIME_UNSAID = timedelta(minutes=50)
LONGEST_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A live session. `expires_at` is on our clock, margin taken off; `ahead_seconds` is our clock less the server's."""

    session_id: str = field(repr=False)
    endpoint: str
    expires_at: datetime
    lifetime_seconds: float
    ahead_seconds: float | None = None


def session_from(session_id: str, endpoint: str, reply: Reply, *, now: datetime) -> Session:
    """The session that a login's reply opened. Its life is the server's own difference of two times, not our clock's."""
    start, end = reply.session_from, reply.session_until
    lifetime = end - start if start and end and end > start else None
    return Session(
        session_id=session_id,
        endpoint=endpoint,
        expires_at=now + (lifetime - margin(lifetime) if lifetime else LIFETIME_UNSAID),
        lifetime_seconds=(lifetime or LIFETIME_UNSAID).total_seconds(),
        ahead_seconds=(now - start).total_seconds() if start else None,
    )


def renewed(session: Session, reply: Reply) -> Session:
    """The session with the end that the newest answer told; unchanged when that cannot be put on our clock.

    Only the end is taken from later answers, since some tell the login's time as their start.
    """
    if reply.session_until is None or session.ahead_seconds is None:
        return session
    lifetime = timedelta(seconds=session.lifetime_seconds)
    end = reply.session_until + timedelta(seconds=session.ahead_seconds) - margin(lifetime)
    return replace(session, expires_at=end)


def margin(lifetime: timedelta) -> timedelta:
    return min(LONGEST_MARGIN, lifetime / 10)


class SharedSession:
    """The Variable `intacct_session_token__<conn_id>__<entity>`. Airflow encrypts it and masks it, as its name says token.

    Where Variables do not work (outside a task, or no rights) the hook's own memory is all there is, and that is enough.
    """

    def __init__(self, settings: IntacctSettings) -> None:
        self.name = f"intacct_session_token__{settings.conn_id}__{settings.login.entity_id or 'top'}"
        self.fingerprint = settings.fingerprint

    def load(self) -> Session | None:
        """The shared session of the same credentials, live or not; None for none, for another's, for an unreadable one."""
        return self._read(remembered(self.name))

    def _read(self, stored: Any) -> Session | None:
        try:
            kept = json.loads(stored)
            if kept.pop("fingerprint") != self.fingerprint:
                return None
            expires_at = datetime.fromisoformat(kept.pop("expires_at")).astimezone(UTC)
            session = Session(**kept | {"expires_at": expires_at, "lifetime_seconds": float(kept["lifetime_seconds"])})
        except (TypeError, ValueError, KeyError, AttributeError):
            return None
        hide(session.session_id)
        return session

    def save(self, session: Session) -> None:
        body = asdict(session) | {"fingerprint": self.fingerprint, "expires_at": session.expires_at.isoformat()}
        remember(self.name, json.dumps(body), what="Live Intacct session, shared by tasks; safe to delete")


class ErrorDetailsTaken:
    """The Variable `intacct_error_details__<conn_id>`: whether this gateway took `showadditionalerrorinfo` in a request.

    Where the element belongs is documented nowhere, so it is left out until a request with it was answered.
    """

    def __init__(self, settings: IntacctSettings) -> None:
        self.name = f"intacct_error_details__{settings.conn_id}"
        self.where = f"{settings.gateway_url} {settings.login.company_id}"

    def load(self) -> bool | None:
        """None when it was never tried, or with another gateway or company."""
        try:
            kept = json.loads(remembered(self.name))
            return bool(kept["taken"]) if kept["where"] == self.where else None
        except (TypeError, ValueError, KeyError):
            return None

    def save(self, *, taken: bool) -> None:
        body = json.dumps({"where": self.where, "taken": taken})
        remember(self.name, body, what="Whether Intacct takes requests for error details; delete it to have it tried again")


FIELDS_AGAIN = timedelta(days=1)


class KnownFields:
    """The Variable `intacct_fields__<conn_id>__<entity>`: names of objects' fields, as `lookup` listed them in the last day.

    Each `lookup` is a call that Intacct bills, and every task process asks the same. The text is signed with the connection's
    passwords, so that nobody who may edit Variables can have a field of a bill pass for one that the company does not have.
    """

    def __init__(self, settings: IntacctSettings, *, now: Callable[[], datetime]) -> None:
        self.name = f"intacct_fields__{settings.conn_id}__{settings.login.entity_id or 'top'}"
        self.settings = settings
        self.now = now
        self._known: dict[str, Any] | None = None

    def names(self, object_name: str) -> frozenset[str] | None:
        """None where they are not known, or have been for a day."""
        if self._known is None:
            self._known = self._load()
        kept = self._known.get(object_name)
        if not kept or not timedelta(0) <= self.now() - datetime.fromisoformat(kept["at"]) < FIELDS_AGAIN:
            return None
        return frozenset(kept["names"])

    def keep(self, object_name: str, names: Iterable[str]) -> None:
        names = frozenset(names)
        if self.names(object_name) == names:
            # A step that writes looks labels up, and learns nothing new of the names.
            return
        # Another process may have kept other objects meanwhile; one that is lost is looked up again.
        self._known = {**self._load(), object_name: {"at": self.now().isoformat(), "names": sorted(names)}}
        body = json.dumps(self._known, sort_keys=True)
        kept = json.dumps({"signature": self._signature(body), "fields": body})
        remember(self.name, kept, what="Fields of Intacct's objects, read once a day; safe to delete")

    def forget(self, object_name: str) -> None:
        """Until they are kept again: a field of it is gone."""
        if self._known:
            self._known.pop(object_name, None)

    def _load(self) -> dict[str, Any]:
        try:
            kept = json.loads(remembered(self.name))
            if not hmac.compare_digest(kept["signature"], self._signature(kept["fields"])):
                return {}
            return dict(json.loads(kept["fields"]))
        except (TypeError, ValueError, KeyError):
            return {}

    def _signature(self, body: str) -> str:
        return self.settings.signature(f"{self.settings.fingerprint}\n{self.name}\n{body}")


def remembered(name: str) -> Any:
    try:
        from airflow.sdk import Variable

        return Variable.get(name, default=None)
    except Exception as error:  # noqa: BLE001 - whatever it is, one can do without
        log.debug("Variable %s cannot be read: %s", name, type(error).__name__)
        return None


def remember(name: str, text: str, *, what: str) -> None:
    try:
        from airflow.sdk import Variable

        Variable.set(name, text, description=what)
    except Exception as error:  # noqa: BLE001 - sharing is a saving, not a need
        log.debug("Variable %s cannot be written: %s", name, type(error).__name__)


class SessionKeeper:
    """Gives a live session and takes back dead ones. `login` opens one; `now` is our clock, aware UTC."""

    def __init__(self, settings: IntacctSettings, *, login: Callable[[], Session], now: Callable[[], datetime]) -> None:
        self.settings = settings
        self.login = login
        self.now = now
        self.shared = SharedSession(settings)
        self.current: Session | None = None
        self.saved_until: datetime | None = None
        self.dead: set[str] = set()

    def session(self) -> Session:
        """Ours, else the shared one, else a new one."""
        if not self._is_live(self.current):
            self.current = self._shared() or self._open()
        assert self.current is not None
        return self.current

    def drop(self, session: Session) -> None:
        """Intacct no longer knows `session`: neither ours nor the shared copy is used again."""
        self.dead.add(session.session_id)
        if self.current and self.current.session_id == session.session_id:
            self.current = None

    def note(self, session: Session, reply: Reply) -> None:
        """Take the newer end that an answer told. It is shared only when the shared copy has lived half its time."""
        self.current = renewed(session, reply)
        half = timedelta(seconds=session.lifetime_seconds / 2)
        if self.saved_until is None or self.current.expires_at - self.saved_until > half:
            self._save(self.current)

    def _shared(self) -> Session | None:
        session = self.shared.load()
        if not self._is_live(session) or session is None:
            return None
        try:
            # Whoever may edit Variables must not be able to send our session elsewhere.
            self.settings.checked_endpoint(session.endpoint)
        except Misconfigured:
            return None
        self.saved_until = session.expires_at
        return session

    def _open(self) -> Session:
        session = self.login()
        hide(session.session_id)
        self._save(session)
        return session

    def _save(self, session: Session) -> None:
        self.shared.save(session)
        self.saved_until = session.expires_at

    def _is_live(self, session: Session | None) -> bool:
        return session is not None and session.session_id not in self.dead and session.expires_at > self.now()


def hide(secret: str) -> None:
    """Keep `secret` out of every log line from now on."""
    from airflow.sdk.log import mask_secret

    mask_secret(secret)
