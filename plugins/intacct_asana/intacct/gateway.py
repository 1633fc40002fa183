"""One call to the gateway: never more at once than the company may have under way, and what may be sent again.

Intacct limits a company, not a process, and a scheduler runs each task in a process of its own. So `Slots` keeps the limit for
all processes of a machine together, through locked files. Several machines do not see each other's files; between them the
limit is the Airflow pool's to keep, and a 429 is waited out.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import random
import stat
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused, SessionEnded, TryLater, UnexpectedReply
from intacct_asana.http import Transport
from intacct_asana.intacct.documents import Sieve
from intacct_asana.intacct.replies import Reply, decipher
from intacct_asana.intacct.session import ErrorDetailsTaken, IntacctSettings, Session, SessionKeeper, session_from
from intacct_asana.intacct.xml import Element, Login, SessionId, get_session, request

LONGEST_WAIT_SECONDS = 60
LONGEST_RETRYING_SECONDS = 300
MOST_SESSIONS = 3
"""Ours, the shared one, and a fresh one: more are never tried for one call."""

LIMITED = "429"
"""The code of the TryLater for a call that the gateway did not take in, because the company makes too many at once."""

XML = {"Content-Type": "application/xml", "Accept": "application/xml"}


def utc_now() -> datetime:
    return datetime.now(UTC)


class Gateway:
    """One connection's door to Intacct. `calls` counts every HTTP call by kind (`query APBILL`, `getAPISession`).

    Each carries one function about one record or one page, so it is what Intacct bills as one call, too. `not_taken_in` of
    them are not billed: the gateway turned them away for a limit or a dead session. What was left without an answer counts.

    A call that meets a dead session gets another one, by at most one login, and is repeated: nothing had happened.
    """

    def __init__(
        self,
        settings: IntacctSettings,
        transport: Transport,
        *,
        tries: int = 4,
        first_wait_seconds: float = 1.0,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self.transport = transport
        self.tries = tries
        self.first_wait_seconds = first_wait_seconds
        self.now = now
        self.calls: Counter[str] = Counter()
        self.not_taken_in = 0
        self.last_reply: Reply | None = None
        self.sessions = SessionKeeper(settings, login=self._log_in, now=now)
        self.slots = Slots(
            gateway_host=_host_and_port(settings.gateway_url),
            company_id=settings.login.company_id,
            size=settings.max_concurrency,
        )
        self._logins = 0
        self.details_taken = ErrorDetailsTaken(settings)

    @cached_property
    def error_details(self) -> bool:
        """Whether requests ask for the stable ids of errors."""
        wanted = self.settings.error_details
        return wanted == "on" or (wanted == "when taken" and self.details_taken.load() is True)

    def try_error_details(self, function: Element, *, kind: str, asked: str) -> bool:
        """Whether a reading `function` is answered when its request asks for error details: tried once, then remembered.

        What the gateway does with an element that its schema may not know is not documented; a request that it does not read
        at all changes nothing. Raises what any read raises when the reason is another.
        """
        known = self.details_taken.load()
        if known is not None:
            return known
        before = self.error_details
        try:
            self.error_details = True
            self.read(function, kind=kind, asked=asked)
            taken = True
        except (Refused, UnexpectedReply):
            taken = False
        finally:
            self.error_details = before
        self.details_taken.save(taken=taken)
        self.error_details = before or taken
        return taken

    def read(self, function: Element, *, kind: str, asked: str, sieve: Sieve | None = None) -> Reply:
        """The reply to a function that changes nothing. A limit or outage is waited for within bounds, then TryLater.

        `sieve` takes files out of the answer while it comes.
        """
        patience = Retrying(
            retry=retry_if_exception(_is_worth_waiting), stop=self._is_enough, wait=self._wait_seconds, reraise=True
        )
        return patience(self._call, function, kind=kind, asked=asked, control_id="", is_write=False, sieve=sieve)

    def write(self, function: Element, *, kind: str, asked: str, control_id: str) -> Reply:
        """The reply to a function that changes something, under `control_id`, which Intacct refuses to do twice.

        Sent again only after a 429, which says that the gateway did not take it in. Raises OutcomeUnknown when no clear
        answer came.
        """
        patience = Retrying(
            retry=retry_if_exception(lambda error: _is_limit(error) and _is_worth_waiting(error)),
            stop=self._is_enough,
            wait=self._wait_seconds,
            reraise=True,
        )
        return patience(self._call, function, kind=kind, asked=asked, control_id=control_id, is_write=True)

    def log_in(self) -> Reply:
        """The reply to a fresh login, whose session nobody keeps: proof that the credentials work now."""
        with self.slots.held(asked=self._where("login")):
            self._log_in()
        assert self.last_reply is not None
        return self.last_reply

    def _call(
        self, function: Element, *, kind: str, asked: str, control_id: str, is_write: bool, sieve: Sieve | None = None
    ) -> Reply:
        with self.slots.held(asked=self._where(asked)):
            logins_before = self._logins
            for _ in range(MOST_SESSIONS):
                session = self.sessions.session()
                try:
                    reply = self._send(
                        SessionId(value=session.session_id),
                        session.endpoint,
                        function,
                        kind=kind,
                        asked=asked,
                        control_id=control_id,
                        is_write=is_write,
                        sieve=sieve,
                    )
                except SessionEnded as error:
                    self.sessions.drop(session)
                    ended = error
                    if self._logins > logins_before:
                        break
                else:
                    self.sessions.note(session, reply)
                    return reply
            raise TryLater(f"{ended.message}. One session after another ended at once.") from ended

    def _log_in(self) -> Session:
        login = self.settings.login
        asked = f"login to company {login.company_id} as {login.user_id}"
        reply = self._send(
            login, self.settings.gateway_url, get_session(), kind="getAPISession", asked=asked, control_id="", is_write=False
        )
        self._logins += 1
        api = None if reply.data is None else reply.data.find("api")
        session_id = "" if api is None else (api.findtext("sessionid") or "").strip()
        if api is None or not session_id:
            raise UnexpectedReply(f"{self._where(asked)}: a success without a session")
        entity = api.findtext("locationid")
        if entity is not None and entity.strip() != login.entity_id:
            came, wanted = (repr(one) if one else "the top level" for one in (entity.strip(), login.entity_id))
            raise Misconfigured(
                f"{self._where(asked)}: the login led into {came}, not into {wanted} as the connection's entity_id says. "
                "Mend entity_id, or the entities that the user may enter."
            )
        endpoint = (api.findtext("endpoint") or "").strip() or self.settings.gateway_url
        return session_from(session_id, self.settings.checked_endpoint(endpoint), reply, now=self.now())

    def _send(
        self,
        who: Login | SessionId,
        url: str,
        function: Element,
        *,
        kind: str,
        asked: str,
        control_id: str,
        is_write: bool,
        sieve: Sieve | None = None,
    ) -> Reply:
        control_id = control_id or str(uuid.uuid4())
        body = request(
            self.settings.sender,
            who,
            function,
            control_id=control_id,
            unique=is_write,
            error_details=self.error_details,
        )
        self.calls[kind] += 1
        if sieve:
            sieve.begin()
        sift = sieve.feed if sieve else None
        answer = self.transport.send("POST", url, headers=XML, content=body, sift=sift, is_write=is_write, asked=asked)
        told = answer.body + sieve.end() if sieve else answer.body
        try:
            reply = decipher(
                answer.status,
                answer.headers,
                told,
                asked=asked,
                is_write=is_write,
                control_id=control_id,
                function=str(function.tag),
                by_session=isinstance(who, SessionId),
            )
        except IntacctAsanaError as error:
            self.not_taken_in += isinstance(error, SessionEnded) or _is_limit(error)
            raise error.at(f"Connection {self.settings.conn_id}")  # noqa: B904 - the same error with its place in front
        self.last_reply = reply
        return reply

    def _where(self, asked: str) -> str:
        return f"Connection {self.settings.conn_id}: {asked}"

    def _wait_seconds(self, state: RetryCallState) -> float:
        """Random, and longer each time: those who were refused together must not come back together."""
        error = state.outcome.exception() if state.outcome else None
        asked_to_wait = error.wait_seconds if isinstance(error, TryLater) else None
        jitter = wait_random_exponential(multiplier=self.first_wait_seconds, max=LONGEST_WAIT_SECONDS)(state)
        return (asked_to_wait or 0.0) + jitter

    def _is_enough(self, state: RetryCallState) -> bool:
        """An outage is tried a few times. A limit ends when another's call does, which may take as long as a call may."""
        error = state.outcome.exception() if state.outcome else None
        too_long = (state.seconds_since_start or 0) >= LONGEST_RETRYING_SECONDS
        return too_long or (state.attempt_number >= self.tries and not _is_limit(error))


def _host_and_port(url: str) -> str:
    """What tells gateways apart, the usual port written out."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 443}"


def _is_worth_waiting(error: BaseException) -> bool:
    """A limit or outage whose announced wait fits into a task; longer ones are Airflow's to wait for."""
    return isinstance(error, TryLater) and (error.wait_seconds or 0) <= LONGEST_WAIT_SECONDS


def _is_limit(error: BaseException | None) -> bool:
    return isinstance(error, TryLater) and error.code == LIMITED


LONGEST_QUEUE_SECONDS = 300.0
"""As long as one call may take. Whoever waited that long has its task retried by Airflow instead of holding a worker."""

PAUSE_SECONDS = (0.005, 0.05)
"""Between two looks for a free slot. Random, so that those who wait do not come back in step."""

NO_SLOT = "no_slot"
"""The code of the TryLater that says so."""

CURE = "Remove it, or set TMPDIR for the workers to a folder of their own."


class Slots:
    """`size` slots for one company, by gateway host and company id; connections to the same company share them.

    A slot is a file that its holder has locked, so it is free again when the holder ends, however it ends. Connections that
    ask for different sizes together never make more calls than the largest of them allows. Whoever is next in turn waits
    behind a turnstile, or a task that reads page after page would always be quicker than the others. Safe with threads and
    processes of one user; `folder` is made when it is missing.
    """

    def __init__(
        self,
        *,
        gateway_host: str,
        company_id: str,
        size: int,
        folder: Path | None = None,
        longest_wait_seconds: float = LONGEST_QUEUE_SECONDS,
    ) -> None:
        # Intacct does not tell a company id's case apart.
        name = hashlib.sha256(f"{gateway_host}\n{company_id}".casefold().encode()).hexdigest()[:24]
        self.folder = folder or _own_folder()
        self.paths = [self.folder / f"{name}.{number}" for number in range(size)]
        self.turnstile = self.folder / f"{name}.turnstile"
        self.longest_wait_seconds = longest_wait_seconds

    @contextmanager
    def held(self, *, asked: str) -> Iterator[None]:
        """Holds a slot while the call runs. Raises TryLater when none became free in time, Misconfigured for the folder."""
        self._make_folder()
        deadline = time.monotonic() + self.longest_wait_seconds
        turn = self._locked_one([self.turnstile], deadline, asked)
        try:
            slot = self._locked_one(self.paths, deadline, asked)
        finally:
            os.close(turn)
        try:
            yield
        finally:
            os.close(slot)

    def _locked_one(self, paths: Sequence[Path], deadline: float, asked: str) -> int:
        """An open file that nobody else has locked; the lock ends when it is closed."""
        while True:
            for path in paths:
                if (found := _locked(path)) is not None:
                    return found
            if time.monotonic() >= deadline:
                raise TryLater(
                    f"{asked}: all {len(self.paths)} calls that this machine may make to the company at once were taken for "
                    f"{self.longest_wait_seconds:.0f} seconds; nothing was sent",
                    code=NO_SLOT,
                )
            time.sleep(random.uniform(*PAUSE_SECONDS))  # noqa: S311 - nothing secret

    def _make_folder(self) -> None:
        """The temporary folder is everybody's: a folder that another user made or may write in is not trusted."""
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            found = self.folder.lstat()
        except OSError as error:
            raise Misconfigured(f"The folder {self.folder} cannot be used: {error.strerror}. {CURE}") from error
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
            raise Misconfigured(f"The folder {self.folder} belongs to others or may be written by them. {CURE}")


def _own_folder() -> Path:
    try:
        return Path(tempfile.gettempdir()) / f"intacct-asana-{os.getuid()}"
    except OSError as error:
        raise Misconfigured(f"There is no folder for temporary files. {CURE}") from error


def _locked(path: Path) -> int | None:
    """The file, open and locked, or None when somebody has it."""
    try:
        slot = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(slot, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # What clears old temporary files must not take one that is in use: others would lock a new one beside it.
            os.utime(slot)
        except OSError:
            os.close(slot)
            raise
    except BlockingIOError:
        return None
    except OSError as error:
        raise Misconfigured(f"The file {path} cannot be used: {error.strerror}. {CURE}") from error
    return slot
