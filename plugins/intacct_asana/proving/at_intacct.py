"""Intacct's gateway as it answers, before anything is made of it: statuses, headers, errors that our hook would translate."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from intacct_asana.errors import IntacctAsanaError, Misconfigured, SessionEnded
from intacct_asana.http import Answer
from intacct_asana.intacct.errors import Faults, faults_in
from intacct_asana.intacct.gateway import XML
from intacct_asana.intacct.hook import IntacctHook
from intacct_asana.intacct.query import Filter, Query
from intacct_asana.intacct.replies import Reply, decipher, parse, rows_of
from intacct_asana.intacct.timestamps import instant_of_iso
from intacct_asana.intacct.xml import Element, Login, SessionId, request
from intacct_asana.proving.masks import code_of, masked
from intacct_asana.records import ObjectField

READS = frozenset(
    {"query", "read", "readByQuery", "readMore", "lookup", "readUserFormatting", "getAPISession", "get", "get_list"}
)
"""Functions that change nothing, whatever is in them."""

Row = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer: what HTTP said, the document, its errors, and what our own reading makes of it."""

    status: int
    headers: Mapping[str, str]
    root: Element | None = field(repr=False)
    faults: Faults = field(repr=False)
    reply: Reply | None = field(default=None, repr=False)
    error: IntacctAsanaError | None = field(default=None, repr=False)

    @property
    def level(self) -> str:
        """Where the failure is told: control, authentication or result; `none` for an answer without an envelope."""
        if self.root is None or self.root.tag != "response":
            return "none"
        for path in ("control", "operation/authentication", "operation/result"):
            if (self.root.findtext(f"{path}/status") or "").strip() in ("failure", "aborted"):
                return path.rpartition("/")[2]
        return "none"

    @property
    def result_status(self) -> str:
        """The word of the result's `status`; `absent` where there is a result without one, `no result` where there is none."""
        result = None if self.root is None else self.root.find("operation/result")
        if result is None:
            return "no result"
        word = (result.findtext("status") or "").strip()
        return word if word in ("success", "failure", "aborted") else "absent" if not word else "another word"

    @property
    def ends_as(self) -> str:
        """What our code makes of it: one of our errors, or `success`."""
        return type(self.error).__name__ if self.error else "success"

    @property
    def figures(self) -> dict[str, Any]:
        """The answer for a report: nothing in it is anybody's."""
        first = self.faults.listed[0] if self.faults.listed else None
        words = [masked(text) for text in (first.texts if first else ())]
        return {
            "HTTP": self.status,
            "level": self.level,
            "result status": self.result_status,
            "errors": len(self.faults.listed),
            "code": code_of(self.faults.code) or "none",
            "words": " / ".join(words) or "none",
            "stable id": code_of(first.stable_id) if first and first.stable_id else "none",
            "our code ends with": self.ends_as,
        }

    @property
    def date(self) -> datetime | None:
        """What the clock of whoever answered says, in GMT."""
        with suppress(ValueError):
            return parsedate_to_datetime(self.headers.get("date", "")).astimezone(UTC)
        return None

    @property
    def said(self) -> str:
        code = code_of(self.faults.code)
        return f"HTTP {self.status}, {self.level} level, {code or 'no code'}, read as {self.ends_as}"


class IntacctPort:
    """One company's gateway for questions. Writes are refused unless `may_write`, which lasts for one question.

    `first_bills` are its newest bills, read once for all questions.
    """

    def __init__(self, hook: IntacctHook) -> None:
        self.hook = hook
        self.may_write = False
        self._sample: list[Row] | None = None

    @property
    def company_id(self) -> str:
        return self.hook.settings.login.company_id

    def send(
        self,
        function: Element,
        *,
        who: Login | SessionId | None = None,
        control_id: str = "",
        unique: bool = False,
        error_details: bool = False,
        change: Callable[[bytes], bytes] = bytes,
        in_turn: bool = True,
        asked: str = "a question",
    ) -> Told:
        """The answer to one function, in our own session unless `who` says otherwise. `change` is made to the finished request.
        `in_turn` keeps to as many calls at once as the connection says.

        Raises TryLater where nothing was sent, OutcomeUnknown where a write got no whole answer; nothing for what it says.
        """
        gateway, name = self.hook.gateway, str(function.tag)
        is_write = name not in READS
        if is_write and (not self.may_write or self.hook.read_only):
            raise Misconfigured(
                f"{asked}: {name} writes, and the connection is read-only or nobody allowed this question to write.",
                code="read_only",
            )
        control_id = control_id or str(uuid.uuid4())
        for is_last in (False, True):
            session = None if who else gateway.sessions.session()
            url = session.endpoint if session else gateway.settings.gateway_url
            identity: Login | SessionId = who or SessionId(value=session.session_id if session else "")
            body = request(
                gateway.settings.sender,
                identity,
                function,
                control_id=control_id,
                unique=unique or is_write,
                error_details=error_details,
            )
            with gateway.slots.held(asked=asked) if in_turn else nullcontext():
                answer = gateway.transport.send("POST", url, headers=XML, content=change(body), is_write=is_write, asked=asked)
            told = self._told(answer, identity, name, control_id=control_id, is_write=is_write, asked=asked)
            if is_last or session is None or not isinstance(told.error, SessionEnded):
                break
            # Ours ended between two questions, which is no answer to this one; nothing had happened.
            gateway.sessions.drop(session)
        return told

    @staticmethod
    def _told(answer: Answer, identity: Login | SessionId, name: str, *, control_id: str, is_write: bool, asked: str) -> Told:
        root = parse(answer.body)
        faults = faults_in(root)
        told: dict[str, Any] = {"status": answer.status, "headers": answer.headers, "root": root, "faults": faults}
        try:
            reply = decipher(
                answer.status,
                answer.headers,
                answer.body,
                asked=asked,
                is_write=is_write,
                control_id=control_id,
                function=name,
                by_session=isinstance(identity, SessionId),
            )
        except IntacctAsanaError as error:
            return Told(**told, error=error)
        return Told(**told, reply=reply)

    def data(self, function: Element, *, asked: str) -> Reply:
        """The reply to a function that succeeds. Raises what our reading makes of any other answer."""
        told = self.send(function, asked=asked)
        if told.error:
            raise told.error
        assert told.reply is not None
        return told.reply

    def rows(
        self,
        object_name: str,
        select: Iterable[str],
        *,
        where: Filter | None = None,
        order_by: tuple[str, ...] = ("RECORDNO",),
        newest_first: bool = False,
        most: int = 200,
        show_private: bool = False,
        key_field: str = "RECORDNO",
    ) -> list[Row]:
        """One page of rows with those of the fields that the company has. Raises our six errors."""
        known = {one.name for one in self.fields(object_name)}
        chosen = tuple(dict.fromkeys(name for name in (key_field, *select) if name in known))
        query = Query(
            object_name=object_name,
            select=chosen,
            where=where,
            order_by=order_by,
            descending=newest_first,
            page_size=most,
            show_private=show_private,
        )
        asked = f"query of {object_name}"
        return rows_of(self.data(query.element(), asked=asked), object_name, asked=asked, key_field=key_field)

    def fields(self, object_name: str) -> list[ObjectField]:
        return self.hook.lookup(object_name)

    def newest_bills(self) -> list[Row]:
        """Up to 200 of the newest bills with all fields that this project reads, read once."""
        if self._sample is None:
            names = self.hook.reader.select("APBILL")
            self._sample = self.rows("APBILL", names, newest_first=True)
        return self._sample

    def server_now(self, told: Told) -> datetime | None:
        """What the gateway's own clock said in an answer: of the session where it moves with each call, else HTTP's Date."""
        text = "" if told.root is None else told.root.findtext("operation/authentication/sessiontimestamp") or ""
        moved, date = instant_of_iso(text), told.date
        return max((one for one in (moved, date) if one), default=None)
