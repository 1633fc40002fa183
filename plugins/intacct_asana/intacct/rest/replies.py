"""Any answer of Intacct's REST API into data or one of our errors. Pure.

Which code comes for which refusal is published for nobody, so nothing here goes by the words of a message: what counts is the
status, and afterwards the state that the bill is in.
Source: https://developer.sage.com/intacct/docs/developer-portal/guides/error-handling
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from intacct_asana.errors import Misconfigured, OutcomeUnknown, Refused, SessionEnded, TryLater, UnexpectedReply
from intacct_asana.text import short

Json = Mapping[str, Any]

WAIT_HEADERS = (
    "retry-after",
    "x-ia-throttle-limit-retry-after",
    "x-ia-hour-rate-limit-retry-after",
    "x-ia-minute-rate-limit-retry-after",
    "x-ia-tenant-throttle-limit-retry-after",
)
DEFAULT_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 86_400.0
LONGEST_COMPLAINT = 500
DEAD_TOKEN = frozenset({"tokenInvalid", "REST-2102", "IA.TOKEN_IS_INVALID"})
"""What the answer about a token that has ended carries, whatever its status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """What Intacct says in one of its three error envelopes."""

    said: str
    codes: frozenset[str] = frozenset()


def decipher(
    status: int, headers: Mapping[str, str], body: bytes, *, asked: str, is_write: bool, now: datetime | None = None
) -> dict[str, Any]:
    """The envelope of a 200 without an error in it, else one of our errors.

    Raises SessionEnded for a token that is no longer good; TryLater for a 429, and for an outage of a read; Refused for a no in
    Intacct's own envelope; Misconfigured for a read without the right to it. After a write every other answer is
    OutcomeUnknown: a 5xx, a page of somebody in between, a 200 that holds an error or cannot be read.
    """
    envelope = _envelope(body)
    complaint = complaint_in(envelope)
    if status == 401 or (status == 400 and complaint and complaint.codes & DEAD_TOKEN):
        raise SessionEnded(f"{asked}: Intacct does not accept the token ({_said(status, complaint)}).", code=str(status))
    if status == 429:
        wait_seconds = wait_seconds_of(headers, now=now) or DEFAULT_WAIT_SECONDS
        raise TryLater(f"{asked}: Intacct's limit ({_said(status, complaint)}).", code="429", wait_seconds=wait_seconds)
    if status == 200 and envelope is not None and complaint is None:
        return envelope
    if complaint and 400 <= status < 500:
        _no(status, complaint, asked=asked, is_write=is_write)
    if status >= 500 and not is_write:
        wait = wait_seconds_of(headers, now=now)
        raise TryLater(f"{asked}: Intacct answered {_said(status, complaint)}.", code=str(status), wait_seconds=wait)
    what = _said(status, complaint) if complaint else f"{status} {_opening(body)}"
    _unclear(f"{asked}: the answer is not one that Intacct documents: {what}", status=status, is_write=is_write)


def acted(envelope: Json, *, key: str, asked: str) -> None:
    """Checks that the answer to a write is about the bill that was meant. Its `state` says nothing: it is none of a bill's."""
    result = envelope.get("ia::result")
    if not isinstance(result, dict) or result.get("key") != key:
        _unclear(f"{asked}: the answer is not about bill {key}", status=200, is_write=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """What the token endpoint gives. `parts` are all secrets in it, to be masked."""

    text: str
    lifetime_seconds: float
    parts: tuple[str, ...]

    def __repr__(self) -> str:
        return "NewToken(...)"


UNSAID_SECONDS = 300.0
"""The life of a token that does not tell it."""


def token_from(status: int, headers: Mapping[str, str], body: bytes, *, asked: str, now: datetime | None = None) -> NewToken:
    """The new token. Raises Misconfigured for credentials that are refused, TryLater for a limit or an outage.

    An error's own words are not told: they may repeat what was sent.
    """
    envelope = _envelope(body)
    complaint = complaint_in(envelope)
    if status == 429 or status >= 500:
        wait_seconds = wait_seconds_of(headers, now=now)
        raise TryLater(f"{asked}: Intacct answered {status}.", code=str(status), wait_seconds=wait_seconds)
    if status in (400, 401, 403):
        codes = " ".join(sorted(complaint.codes)) if complaint else "no code"
        raise Misconfigured(
            f"{asked}: Intacct said {status} ({codes}). Check client id and secret, and `username` (user@company); the client "
            "has to be paired with that user in Company, Security, Authorized Client Applications, ids are case-sensitive. "
            "A sandbox company needs a client of scope Non-production.",
            code=str(status),
        )
    found = envelope or {}
    text, seconds, another = found.get("access_token"), found.get("expires_in"), found.get("refresh_token")
    if status != 200 or not isinstance(text, str) or not re.fullmatch(r"[!-~]{1,8000}", text):
        raise UnexpectedReply(f"{asked}: answer {status} holds no access token.")
    if str(found.get("token_type") or "Bearer").lower() != "bearer":
        raise UnexpectedReply(f"{asked}: the token is none of type Bearer.")
    # bool is an int, and nobody means True seconds.
    is_number = isinstance(seconds, int) and not isinstance(seconds, bool) and 0 < seconds < 10**8
    parts = tuple(part for part in (text, another) if isinstance(part, str) and part)
    return NewToken(text=text, lifetime_seconds=float(seconds) if is_number else UNSAID_SECONDS, parts=parts)  # type: ignore[arg-type]


def complaint_in(envelope: Json | None) -> Complaint | None:
    """The error in an envelope: under `ia::result`, as `ia::error`, or as a token's bare `error`. None where there is none."""
    if envelope is None:
        return None
    result = envelope.get("ia::result")
    nested = result.get("ia::error") if isinstance(result, dict) else None
    error = next((each for each in (nested, envelope.get("ia::error"), envelope.get("error")) if each is not None), None)
    if error is None:
        return None
    return _complaint(error) if isinstance(error, dict) else Complaint(said=short(str(error), longest=LONGEST_COMPLAINT))


def _complaint(error: Json) -> Complaint:
    info = error.get("additionalInfo")
    message_id = info.get("messageId") if isinstance(info, dict) else None
    named = [each for each in (error.get("code"), error.get("errorId"), message_id) if isinstance(each, str)]
    codes = [each for each in named if re.fullmatch(r"[A-Za-z0-9_.-]{1,80}", each)]
    details = error.get("details")
    messages = [error, *(details if isinstance(details, list) else [])]
    said = "; ".join(each["message"] for each in messages if isinstance(each, dict) and isinstance(each.get("message"), str))
    support = error.get("supportId")
    ending = f" (support id {support})" if isinstance(support, str) else ""
    words = " ".join([*codes[:2], repr(said) if said else ""]).strip()
    return Complaint(said=short(f"{words}{ending}", longest=LONGEST_COMPLAINT), codes=frozenset(codes))


def wait_seconds_of(headers: Mapping[str, str], *, now: datetime | None) -> float | None:
    """The wait that an answer asks for: seconds, or a date of HTTP compared with `now`. None where it asks for none."""
    names = {name.lower(): value.strip() for name, value in headers.items()}
    asked = next((names[name] for name in WAIT_HEADERS if names.get(name)), "")
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", asked):
        return min(float(asked), LONGEST_WAIT_SECONDS)
    try:
        at = parsedate_to_datetime(asked)
        seconds = ((at if at.tzinfo else at.replace(tzinfo=UTC)) - now).total_seconds() if now else None
    except (ValueError, OverflowError):
        return None
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)


def _no(status: int, complaint: Complaint, *, asked: str, is_write: bool) -> NoReturn:
    said = f"{asked}: Intacct said {_said(status, complaint)}."
    if status == 403 and not is_write:
        raise Misconfigured(f"{said} Its user needs the permission to list and view bills.", code="403")
    raise Refused(said, code=str(status))


def _unclear(message: str, *, status: int, is_write: bool) -> NoReturn:
    if is_write:
        raise OutcomeUnknown(f"{message}. It may have happened all the same.", code=str(status))
    raise UnexpectedReply(message, code=str(status))


def _said(status: int, complaint: Complaint | None) -> str:
    return f"{status} {complaint.said}".rstrip() if complaint else str(status)


def _envelope(body: bytes) -> dict[str, Any] | None:
    """The JSON object in `body`, with numbers exactly as written; None where it is anything else."""
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _opening(body: bytes) -> str:
    """The first characters of an answer that is not ours to understand."""
    return repr(body[:80].decode("utf-8", "replace")) if body else "empty"
