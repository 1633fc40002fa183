"""One call to Asana: at the right pace, with a token, deciphered, and repeated only where nothing can have happened."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TypeVar

from airflow.sdk.log import mask_secret
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, stop_after_delay

from intacct_asana.asana.calls import read_person
from intacct_asana.asana.connection import (
    AccessToken,
    AsanaSettings,
    FixedToken,
    Grant,
    RenewedToken,
    TokenSource,
    decipher_token,
    refresh_form,
    settings_of,
    token_url,
)
from intacct_asana.asana.pace import PATIENCE_SECONDS, PAUSED, Pace, pace_for
from intacct_asana.asana.replies import Change, Reader, announced_changes, decipher, decipher_events, page
from intacct_asana.asana.request import Request
from intacct_asana.errors import IntacctAsanaError, Misconfigured, TryLater, UnexpectedReply
from intacct_asana.http import Answer, Transport
from intacct_asana.records import EventPage

Found = TypeVar("Found")

ATTEMPTS = 5
TIMEOUT_SECONDS = 60.0
LONGEST_TRY_SECONDS = 300
MOST_CONNECTIONS = 65
MOST_PAGES = 20_000
"""Of one list. More than any project or workspace has, and an end."""

_announced: set[Change] = set()
_announced_lock = threading.Lock()


class AsanaWire(Transport):
    """Sends the protocol's requests for one connection. Safe to use from several threads."""

    first_wait_seconds = 1.0
    """Before the second attempt after an outage; doubled each time."""

    rehearses = False
    """Whether every write is refused, because the flow is a rehearsal."""

    def __init__(self, conn_id: str, *, attempts: int = ATTEMPTS, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        super().__init__(conn_id, timeout_seconds=timeout_seconds, connections=MOST_CONNECTIONS)
        self.conn_id = conn_id
        self.attempts = attempts
        self.calls: Counter[str] = Counter()
        """HTTP calls made, by kind (`POST /tasks`), refused and repeated ones too."""
        self._lock = threading.RLock()
        self._grant: Grant | None = None
        self._heard: tuple[datetime, float] | None = None

    @cached_property
    def settings(self) -> AsanaSettings:
        """Raises Misconfigured that names the connection and every problem with it."""
        return settings_of(self.connection, self.extra, conn_id=self.conn_id)

    @property
    def read_only(self) -> bool:
        return self.settings.read_only

    @property
    def max_reads(self) -> int:
        return self.settings.max_reads

    @property
    def max_writes(self) -> int:
        return self.settings.max_writes

    @cached_property
    def pace(self) -> Pace:
        """Shared by all hooks of this token in the process."""
        return pace_for(
            self.settings.identity,
            requests_per_minute=self.settings.requests_per_minute,
            max_reads=self.max_reads,
            max_writes=self.max_writes,
        )

    @cached_property
    def token(self) -> TokenSource:
        self._grant = self.settings.grant
        return RenewedToken(self._fetch_token) if self._grant else FixedToken(self.settings.token)

    def clock(self) -> datetime:
        """What Asana's own clock says now: the Date of its last answer and the time since, so never later than it really is.

        Asks who we are when there was no answer yet. Raises UnexpectedReply when Asana's answers have no date.
        Source: RFC 9110, 6.6.1 (a server with a clock dates its answers, to the second).
        """
        if self._heard is None:
            self.ask(read_person("me"), lambda envelope: envelope)
        if self._heard is None:
            raise UnexpectedReply(f"Connection {self.conn_id}: Asana's answers carry no Date, so its clock is not known.")
        said, at = self._heard
        return said + timedelta(seconds=time.monotonic() - at)

    def ask(self, request: Request, read: Reader[Found]) -> Found:
        """What `read` makes of the answer. Raises our six errors only."""
        return self._persist(lambda: self._once(request, lambda answer: self._decipher(request, answer, read)))

    def ask_events(self, request: Request) -> EventPage:
        """The one call whose 412 is an answer."""

        def understand(answer: Answer) -> EventPage:
            return decipher_events(answer.status, answer.headers, answer.body, asked=request.asked)

        return self._persist(lambda: self._once(request, understand))

    def walk(self, request: Request, read: Reader[Found]) -> Iterator[list[Found]]:
        """Page after page of a list. Raises UnexpectedReply where it goes in a circle or never ends."""
        offset: str | None = None
        seen: set[str | None] = set()
        while offset not in seen and len(seen) < MOST_PAGES:
            seen.add(offset)
            items, offset = self.ask(request.at(offset), page(read))
            yield items
            if not offset:
                return
        raise UnexpectedReply(f"{request.asked}: after {len(seen)} pages Asana's next_page leads back, or on without an end.")

    def all_of(self, request: Request, read: Reader[Found]) -> list[Found]:
        return [item for items in self.walk(request, read) for item in items]

    def _persist(self, attempt: Callable[[], Found]) -> Found:
        """Repeat while nothing can have happened over there; the last error comes out as it is."""
        retrying = Retrying(
            retry=retry_if_exception(worth_repeating),
            wait=self._wait_seconds,
            stop=stop_after_attempt(self.attempts) | stop_after_delay(LONGEST_TRY_SECONDS),
            reraise=True,
        )
        return retrying(attempt)

    def _wait_seconds(self, state: RetryCallState) -> float:
        """Nothing after a 429, whose Retry-After holds the pace itself; else longer each time."""
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TryLater) and error.wait_seconds:
            return 0
        return self.first_wait_seconds * float(2 ** (state.attempt_number - 1))

    def _once(self, request: Request, understand: Callable[[Answer], Found]) -> Found:
        try:
            return self._with_token(request, understand)
        except TryLater as error:
            if error.code in ("429", "424") and error.wait_seconds:
                self.log.info("Asana's limit: everything waits for %s seconds", error.wait_seconds)
                self.pace.pause(error.wait_seconds)
            elif error.code == PAUSED:
                raise error.at(f"Connection {self.conn_id}, {request.asked}") from None
            raise

    def _with_token(self, request: Request, understand: Callable[[Answer], Found]) -> Found:
        """A 401 did nothing, so after renewing the token the call is sent once more, whatever it is."""
        bearer = self.token.bearer()
        try:
            return self._exchange(request, understand, bearer)
        except Misconfigured as error:
            if error.code != "401" or not self.token.renew(bearer):
                raise
        return self._exchange(request, understand, self.token.bearer())

    def _exchange(self, request: Request, understand: Callable[[Answer], Found], bearer: str) -> Found:
        headers = {"Authorization": f"Bearer {bearer}", "Accept": "application/json"}
        content = request.content
        if content is not None:
            headers["Content-Type"] = request.content_type
        with self.pace.turn(is_write=request.method != "GET"):
            self._count(request)
            answer = self.send(
                request.method,
                self.settings.base_url + request.path,
                headers=headers,
                params=request.params,
                content=content,
                is_write=not request.repeatable,
                asked=request.asked,
            )
        self._hear(answer.headers)
        self._note_changes(answer.headers)
        try:
            return understand(answer)
        except IntacctAsanaError as error:
            raise error.at(f"Connection {self.conn_id}") from error.__cause__

    def _decipher(self, request: Request, answer: Answer, read: Reader[Found]) -> Found:
        is_write = not request.repeatable
        return decipher(answer.status, answer.headers, answer.body, asked=request.asked, is_write=is_write, read=read)

    def _fetch_token(self) -> AccessToken:
        grant = self._grant
        assert grant is not None
        answer = self.send(
            "POST",
            token_url(self.settings.base_url),
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            content=refresh_form(grant),
            is_write=False,
            asked="refreshing the OAuth token",
        )
        try:
            return self._keep(decipher_token(answer.status, answer.headers, answer.body, grant=grant), grant)
        except IntacctAsanaError as error:
            raise error.at(f"Connection {self.conn_id}") from error.__cause__

    def _keep(self, found: AccessToken, grant: Grant) -> AccessToken:
        """Asana does not say whether a refresh token is ever replaced; one that is lives on in this process only."""
        if found.refresh_token:
            mask_secret(found.refresh_token)
            self.log.warning("Asana replaced the refresh token of connection %s; authorize it again soon", self.conn_id)
            self._grant = Grant(client_id=grant.client_id, client_secret=grant.client_secret, refresh_token=found.refresh_token)
        return found

    def _count(self, request: Request) -> None:
        kind = re.sub(r"/(\d+|[^/]*@[^/]*)", "/{gid}", request.path)
        with self._lock:
            self.calls[f"{request.method} {kind}"] += 1

    def _hear(self, headers: Mapping[str, str]) -> None:
        """The clock of whoever answered. One that cannot be read says nothing."""
        with suppress(ValueError):
            said = parsedate_to_datetime(headers.get("date", ""))
            self._heard = (said if said.tzinfo else said.replace(tzinfo=UTC), time.monotonic())

    def _note_changes(self, headers: Mapping[str, str]) -> None:
        """Each change that Asana announces is logged once a process."""
        for change in announced_changes(headers):
            with _announced_lock:
                is_new = change not in _announced
                _announced.add(change)
            if is_new:
                extent = "affects these calls" if change.affects_us else "is announced"
                self.log.warning("Asana's change %s %s: %s", change.name, extent, change.info)


def worth_repeating(error: BaseException) -> bool:
    """TryLater that a moment can mend: not a dead page token, and not a pause longer than anyone should sleep."""
    if not isinstance(error, TryLater) or error.code == "400":
        return False
    return (error.wait_seconds or 0) <= PATIENCE_SECONDS
