"""One HTTP transport for both systems, and the mark of the methods that change the other system."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar
from urllib.parse import urlsplit

from airflow.providers.http.hooks.http import HttpHook
from airflow.sdk.exceptions import AirflowException
from requests import PreparedRequest, Session
from requests import exceptions as failures
from requests_toolbelt.adapters.socket_options import TCPKeepAliveAdapter  # type: ignore[import-untyped]
from urllib3 import exceptions as causes

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, TryLater, UnexpectedReply

if TYPE_CHECKING:
    from airflow.sdk import Connection


CONNECT_SECONDS = 10
CHUNK = 1 << 16
MOST_BYTES = 64 << 20

NEVER_SENT = (failures.ConnectTimeout, failures.ProxyError)
NEVER_SENT_CAUSES = (causes.NewConnectionError, causes.ConnectTimeoutError, causes.ProxyError)
BAD_SETTINGS = (failures.InvalidURL, failures.MissingSchema, failures.InvalidSchema, failures.InvalidHeader)


class Pieces(Protocol):
    """A body that is made while it is sent, of a length known before."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever its status. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def nobody(request: PreparedRequest) -> PreparedRequest:
    """Auth that adds nothing. Without it `requests` would look the host up in ~/.netrc."""
    return request


class Transport(HttpHook):
    """Sends requests for one Airflow connection of any type, over one pooled session.

    Of the connection's extra it takes `verify` (a CA bundle's path), `cert`, `proxies`, `trust_env`, `timeout_seconds`; of
    the rest nothing. TLS is always verified, redirects are never followed, cookies are never kept.
    """

    def __init__(
        self, conn_id: str, *, timeout_seconds: float = 60, most_bytes: int = MOST_BYTES, connections: int = 10
    ) -> None:
        super().__init__(http_conn_id=conn_id)
        self.lines = TCPKeepAliveAdapter(idle=120, count=20, interval=30, pool_maxsize=connections)
        self.default_timeout_seconds = timeout_seconds
        self.most_bytes = most_bytes

    @cached_property
    def connection(self) -> Connection:
        """The Airflow connection, read once. Raises Misconfigured when there is none of this id."""
        try:
            return self.get_connection(self.http_conn_id)
        except AirflowException as error:
            raise Misconfigured(
                f"Connection {self.http_conn_id} does not exist: add it in Airflow under Admin, Connections, or as the "
                f"environment variable AIRFLOW_CONN_{self.http_conn_id.upper()}."
            ) from error

    @cached_property
    def extra(self) -> Mapping[str, Any]:
        extra = self.connection.extra_dejson
        return extra if isinstance(extra, dict) else {}

    @cached_property
    def timeout_seconds(self) -> float:
        """Longest wait for a byte of the answer, and for the whole of its body."""
        given = self.extra.get("timeout_seconds") or self.default_timeout_seconds
        try:
            seconds = float(given)
        except (TypeError, ValueError):
            seconds = 0
        if not 0 < seconds < 100_000:
            raise Misconfigured(f"Connection {self.http_conn_id}: timeout_seconds is {given!r}, not a number of seconds.")
        return seconds

    @cached_property
    def session(self) -> Session:
        session = Session()
        session.auth = nobody
        session.trust_env = str(self.extra.get("trust_env", True)).lower() not in ("false", "0", "no")
        session.verify = self._verify()
        session.cert = self._cert()
        session.proxies = self._proxies()
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers["User-Agent"] = "intacct-asana"
        for scheme in ("http://", "https://"):
            session.mount(scheme, self.lines)
        return session

    def get_conn(self, headers: dict[Any, Any] | None = None, extra_options: dict[str, Any] | None = None) -> Session:
        """The one session, so that even HttpHook's own methods can send no credential."""
        return self.session

    def _cert(self) -> str | tuple[str, str] | None:
        """A file's path, or certificate and key as two paths."""
        given = self.extra.get("cert") or None
        return (str(given[0]), str(given[1])) if isinstance(given, list) and len(given) == 2 else given

    def _proxies(self) -> dict[str, str]:
        """Proxy by scheme; one text serves both."""
        given = self.extra.get("proxies") or self.extra.get("proxy") or {}
        return dict(given) if isinstance(given, dict) else {"http": str(given), "https": str(given)}

    def _verify(self) -> bool | str:
        given = self.extra.get("verify", self.extra.get("verify_ssl", True))
        if str(given).lower() in ("false", "0", "no", "none", ""):
            raise Misconfigured(
                f"Connection {self.http_conn_id}: TLS is always verified; set verify to the path of a CA bundle instead."
            )
        return True if str(given).lower() in ("true", "1", "yes") else str(given)

    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        params: Mapping[str, Any] | None = None,
        content: bytes | Pieces | None = None,
        json: Any = None,
        sift: Callable[[bytes], bytes] | None = None,
        is_write: bool,
        asked: str,
    ) -> Answer:
        """The answer to one request, sent once. `asked` is the errors' subject ("update of bill 123").

        A `content` of pieces is sent while it is made. `sift` sees each chunk of the answer and leaves what is to be
        kept of it.

        Raises TryLater when the request never left, or when a read was cut off; OutcomeUnknown when a write left and no
        whole answer came; UnexpectedReply for a read's answer over `most_bytes`; Misconfigured for a bad URL, header or
        certificate. Every status is an answer, redirects too: what it means is the protocol's business.
        """
        started = time.monotonic()
        try:
            with self.session.request(
                method,
                url,
                headers=dict(headers),
                params=params,
                data=content,
                json=json,
                timeout=(min(CONNECT_SECONDS, self.timeout_seconds), self.timeout_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                chunks = response.iter_content(CHUNK)
                body = self._read(map(sift, chunks) if sift else chunks, started, is_write=is_write, asked=asked)
                names = {name.lower(): value for name, value in response.headers.items()}
                return Answer(status=response.status_code, headers=names, body=body)
        except BAD_SETTINGS as error:
            # Their texts can hold a header's value, so neither the text nor the cause is kept.
            raise self._failed(Misconfigured, asked, f"bad URL or header ({type(error).__name__})") from None
        except (failures.RequestException, causes.HTTPError, OSError) as error:
            raise self._translated(error, is_write=is_write, asked=asked) from error

    def _read(self, chunks: Any, started: float, *, is_write: bool, asked: str) -> bytes:
        body = bytearray()
        for chunk in chunks:
            body += chunk
            if len(body) > self.most_bytes:
                kind = OutcomeUnknown if is_write else UnexpectedReply
                raise self._failed(kind, asked, f"the answer is over {self.most_bytes} bytes")
            if time.monotonic() - started > 2 * self.timeout_seconds:
                raise failures.ReadTimeout("the answer trickles in too slowly")
        return bytes(body)

    def _translated(self, error: Exception, *, is_write: bool, asked: str) -> IntacctAsanaError:
        cause = _innermost(error)
        name = type(cause).__name__
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return self._failed(Misconfigured, asked, "the server's certificate is not trusted; set verify to a CA bundle")
        if isinstance(error, NEVER_SENT) or isinstance(cause, NEVER_SENT_CAUSES):
            cure = "check the connection's host, and the workers' firewall and proxy"
            return self._failed(TryLater, asked, f"could not connect to {_host(error)} ({name}); nothing was sent; {cure}")
        if type(error) is OSError and ("TLS" in str(error) or "certificate" in str(error)):
            return self._failed(Misconfigured, asked, "the file named in verify or cert is not there")
        if is_write:
            return self._failed(OutcomeUnknown, asked, f"no whole answer came ({name}); it may have been done")
        return self._failed(TryLater, asked, f"no whole answer came ({name})")

    def _failed(self, kind: type[IntacctAsanaError], asked: str, what: str) -> IntacctAsanaError:
        return kind(f"Connection {self.http_conn_id}, {asked}: {what}")


def _host(error: Exception) -> str:
    """The host that could not be reached, without path or query."""
    url = getattr(getattr(error, "request", None), "url", None) or ""
    return urlsplit(url).hostname or "the host"


def _innermost(error: BaseException) -> BaseException:
    """The cause that `requests` and urllib3 wrapped: `.reason` of a retry error, else the first argument."""
    seen = error
    for _ in range(6):
        inner = getattr(seen, "reason", None) or (seen.args[0] if seen.args else None)
        if not isinstance(inner, BaseException) or isinstance(seen, NEVER_SENT_CAUSES):
            return seen
        seen = inner
    return seen


class Guarded(Protocol):
    """A hook that knows its connection's id, whether its extra says `"read_only": true`, and whether it only rehearses."""

    @property
    def conn_id(self) -> str: ...

    @property
    def read_only(self) -> bool: ...

    @property
    def rehearses(self) -> bool: ...


Hook = TypeVar("Hook", bound=Guarded)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def mutates(
    method: Callable[Concatenate[Hook, Arguments], Result],
) -> Callable[Concatenate[Hook, Arguments], Result]:
    """`method`, but Misconfigured before anything leaves when the hook's connection is read-only, or its flow rehearses.

    Not Refused: that is the other side's no, and would end a decision that only has to wait.

    The result carries `changes_other_system = True`, so that a test can list every writing method.
    """

    @wraps(method)
    def guarded(self: Hook, /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        if self.rehearses:
            raise Misconfigured(
                f"Connection {self.conn_id}: {method.__name__} was not sent, because the flow says `rehearsal: true`. A step "
                "that asks for a write all the same is a mistake in this program: report it.",
                code="rehearsal",
            )
        if self.read_only:
            raise Misconfigured(
                f"Connection {self.conn_id} is read-only, so {method.__name__} was not sent. "
                'Take "read_only" out of its extra if it may write.',
                code="read_only",
            )
        return method(self, *args, **kwargs)

    guarded.changes_other_system = True  # type: ignore[attr-defined]
    return guarded
