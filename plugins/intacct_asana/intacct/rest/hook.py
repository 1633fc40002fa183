"""Intacct's own approval of bills through its REST API: read a bill, approve it, decline it."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, TypeVar

from airflow.sdk import BaseHook
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OddRecord, Refused, SessionEnded, TryLater, UnexpectedReply
from intacct_asana.http import Answer, Transport, mutates
from intacct_asana.intacct.rest.calls import Request, act_on_bill, bill_from, page_from, read_bill, read_waiting
from intacct_asana.intacct.rest.connection import ENTITY_HEADER, RestSettings, Token, TokenKeeper, settings_of
from intacct_asana.intacct.rest.replies import NewToken, acted, decipher, token_from
from intacct_asana.records.native import NativeBill

log = logging.getLogger(__name__)
Found = TypeVar("Found")

TIMEOUT_SECONDS = 120
LONGEST_WAIT_SECONDS = 60
LONGEST_RETRYING_SECONDS = 300
MOST_PAGES = 1000
GONE = "404"


class IntacctRestHook(BaseHook):
    """One company's bill approvals, by an Airflow connection of type `intacct_rest`: client credentials, unattended.

    Satisfies `ports.NativeWorkflow`. Every method raises our six errors only. Limits and outages of reads are waited for within
    bounds. A write is sent once; again only after a 401 (with a new token) or a 429, which both say that nothing happened.
    """

    conn_name_attr = "intacct_rest_conn_id"
    default_conn_name = "intacct_rest_default"
    conn_type = "intacct_rest"
    hook_name = "Sage Intacct (REST, native approval)"

    def __init__(
        self,
        intacct_rest_conn_id: str = default_conn_name,
        *,
        rehearses: bool = False,
        tries: int = 4,
        first_wait_seconds: float = 1.0,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.intacct_rest_conn_id = intacct_rest_conn_id
        self.rehearses = rehearses
        self.tries = tries
        self.first_wait_seconds = first_wait_seconds
        self.now = now
        self.calls: Counter[str] = Counter()
        """HTTP calls made so far, by kind: `token`, `read bill`, `approve bill`."""

    @property
    def conn_id(self) -> str:
        return self.intacct_rest_conn_id

    @property
    def read_only(self) -> bool:
        return self.settings.read_only

    @cached_property
    def transport(self) -> Transport:
        return Transport(self.intacct_rest_conn_id, timeout_seconds=TIMEOUT_SECONDS)

    @cached_property
    def settings(self) -> RestSettings:
        """The connection, read and checked once. Misconfigured lists everything that is wrong with it."""
        return settings_of(self.transport.connection, conn_id=self.intacct_rest_conn_id)

    @cached_property
    def tokens(self) -> TokenKeeper:
        return TokenKeeper(self.settings, fetch=self._fetch_token, now=lambda: self.now())

    def bill(self, record_no: str) -> NativeBill | None:
        """The bill as it is now, or None when Intacct says that there is none of this key."""
        request = read_bill(record_no)
        try:
            envelope = self._ask(request)
        except Refused as error:
            if error.code == GONE:
                return None
            raise
        return self._read(request, lambda: bill_from(envelope.get("ia::result"), key=record_no))

    def waiting(self) -> Iterator[list[NativeBill]]:
        """Pages of the bills that wait for approval, by key."""
        start = 1
        for _ in range(MOST_PAGES):
            request = read_waiting(start=start)
            bills, following = self._read(request, partial(page_from, self._ask(request)))
            yield bills
            if following is None:
                return
            if following <= start:
                break
            start = following
        raise UnexpectedReply(f"{self._where(request.asked)}: the pages lead back, or on without an end.")

    @mutates
    def approve(self, record_no: str, *, notes: str) -> None:
        """One approval of the bill by the connection's user, at whatever level is due. Its answer tells no state of the bill.

        Source: POST /workflows/accounts-payable/bill/approve of the published description.
        """
        self._act("approve", record_no, notes=notes)

    @mutates
    def decline(self, record_no: str, *, notes: str) -> None:
        """The bill goes back to whoever entered it; nobody can approve it before it is submitted again."""
        self._act("decline", record_no, notes=notes)

    def test_connection(self) -> tuple[bool, str]:
        """For Airflow's Test button: a token, and the right to list bills."""
        try:
            waiting = sum(map(len, self.waiting()))
        except IntacctAsanaError as error:
            return False, error.message
        return True, f"Intacct's REST API takes us as {self.settings.username}; {waiting} bills wait for approval"

    def _act(self, act: str, record_no: str, *, notes: str) -> None:
        request = act_on_bill(act, record_no, notes=notes)
        acted(self._ask(request), key=record_no, asked=self._where(request.asked))

    def _read(self, request: Request, read: Callable[[], Found]) -> Found:
        try:
            return read()
        except UnexpectedReply as error:
            raise OddRecord(f"{self._where(request.asked)}: the answer could not be read: {error.message}.") from error

    def _ask(self, request: Request) -> dict[str, Any]:
        worth = _is_limit if request.is_write else _is_outage
        patience = Retrying(retry=retry_if_exception(worth), stop=self._is_enough, wait=self._wait_seconds, reraise=True)
        return patience(self._with_token, request)

    def _with_token(self, request: Request) -> dict[str, Any]:
        """A token that has ended did nothing, so after one new one the call is sent once more, whatever it is."""
        token = self.tokens.token()
        try:
            return self._exchange(request, token)
        except SessionEnded as error:
            log.debug("%s", error)
            self.tokens.drop(token)
        token = self.tokens.token()
        try:
            return self._exchange(request, token)
        except SessionEnded as error:
            self.tokens.drop(token)
            raise Misconfigured(
                f"{error.message} Two tokens were refused, one after the other. Nothing happened. See whether the client is "
                "still authorised for this user in Company, Security, Authorized Client Applications.",
                code=error.code,
            ) from error

    def _exchange(self, request: Request, token: Token) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token.text}", "Accept": "application/json"}
        if self.settings.sends_entity:
            headers[ENTITY_HEADER] = self.settings.entity_id
        if request.content is not None:
            headers["Content-Type"] = "application/json"
        answer = self._send(
            request.method,
            request.path,
            kind=request.kind,
            headers=headers,
            content=None if request.content is None else json.dumps(request.content).encode(),
            is_write=request.is_write,
            asked=request.asked,
        )
        asked = self._where(request.asked)
        try:
            return decipher(answer.status, answer.headers, answer.body, asked=asked, is_write=request.is_write, now=self.now())
        except IntacctAsanaError as error:
            raise hushed(error, token.text, self.settings.client_secret) from None

    def _fetch_token(self) -> NewToken:
        asked = f"token for {self.settings.username}"
        answer = self._send(
            "POST",
            "/oauth2/token",
            kind="token",
            headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            content=self.settings.token_form,
            is_write=False,
            asked=asked,
        )
        return token_from(answer.status, answer.headers, answer.body, asked=self._where(asked), now=self.now())

    def _send(
        self,
        method: str,
        path: str,
        *,
        kind: str,
        headers: Mapping[str, str],
        content: bytes | None,
        is_write: bool,
        asked: str,
    ) -> Answer:
        self.calls[kind] += 1
        url = self.settings.base_url + path
        return self.transport.send(method, url, headers=headers, content=content, is_write=is_write, asked=asked)

    def _where(self, asked: str) -> str:
        return f"Connection {self.conn_id}, {asked}"

    def _wait_seconds(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_to_wait = error.wait_seconds if isinstance(error, TryLater) else None
        return (asked_to_wait or 0.0) + wait_random_exponential(multiplier=self.first_wait_seconds, max=30)(state)

    def _is_enough(self, state: RetryCallState) -> bool:
        return state.attempt_number >= self.tries or (state.seconds_since_start or 0) >= LONGEST_RETRYING_SECONDS


def hushed(error: IntacctAsanaError, *secrets: str) -> IntacctAsanaError:
    """The same error without these secrets in its words, should the other side have repeated them."""
    for secret in secrets:
        error.message = error.message.replace(secret, "***") if secret else error.message
    error.args = (error.message,)
    return error


def _is_outage(error: BaseException) -> bool:
    """A limit or outage whose announced wait fits into a task; longer ones are Airflow's to wait for."""
    return isinstance(error, TryLater) and (error.wait_seconds or 0) <= LONGEST_WAIT_SECONDS


def _is_limit(error: BaseException) -> bool:
    return isinstance(error, TryLater) and error.code == "429" and _is_outage(error)
