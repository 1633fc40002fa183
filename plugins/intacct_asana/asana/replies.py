"""Any answer of Asana into data or one of our errors: one pure function, `decipher`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

from intacct_asana.asana.records import Json, an_object, event_page_from, maybe, objects, text
from intacct_asana.errors import Misconfigured, OddRecord, OutcomeUnknown, Refused, TryLater, UnexpectedReply
from intacct_asana.records import EventPage
from intacct_asana.text import short

Found = TypeVar("Found")
Reader = Callable[[Json], Found]

DEFAULT_WAIT_SECONDS = 30.0
"""For a 429 whose Retry-After is missing or unreadable; Asana counts by the minute."""

LONGEST_WAIT_SECONDS = 86_400.0
LONGEST_COMPLAINT = 500

SETUP_MISTAKES = (
    (r"is not on given object", "the field is not on the task's project; run preflight, which adds or re-pins it"),
    (
        r"enum.?option|enum.?value|custom_fields: Not a recognized ID",
        "an option that the flow uses is gone or disabled; run preflight, which re-pins options",
    ),
    (r"lock|read.?only|cannot be (edited|modified|changed)", "an Asana administrator lets this user edit the custom field"),
)
"""What Asana says about a custom field that is set up wrongly, and what a person does about it."""


def decipher(status: int, headers: Mapping[str, str], body: bytes, *, asked: str, is_write: bool, read: Reader[Found]) -> Found:
    """What `read` makes of the answer's JSON envelope, or one of our errors.

    `asked` says in plain words what was being done, to which key. `is_write` marks calls that would do it twice when
    repeated (POST); a call that only sets a state (PUT) is not one. Raises TryLater for 429, 5xx and 424 (which stands in
    Asana's own description where 429 is meant); Refused and Misconfigured for a no; UnexpectedReply for anything
    undocumented. After a write, a 5xx, a 424 and an undocumented answer are OutcomeUnknown.
    Source: developers.asana.com/docs/errors.
    """
    if status in (200, 201):
        return _read(status, body, asked=asked, is_write=is_write, read=read)
    if status == 429:
        raise TryLater(f"{asked}: Asana's rate limit (429).", code="429", wait_seconds=_wait_seconds(headers))
    said = _complaint(body)
    if status == 424 and not is_write:
        raise TryLater(f"{asked}: Asana's rate limit ({status} {said}).", code="424", wait_seconds=_wait_seconds(headers))
    if status == 424 or status >= 500:
        _outage(status, said, asked=asked, is_write=is_write)
    if status == 401:
        raise Misconfigured(
            f"{asked}: Asana does not accept the token (401 {said}). Put a valid one into the connection's "
            "password; the same comes when the workspace blocks the token's app.",
            code="401",
        )
    # Without Asana's own envelope, a 4xx is some proxy's or a wrong URL's, and says nothing about the task.
    if not 400 <= status < 500 or not said or "No matching route" in said:
        _unexpected(f"{asked}: answer {status} is not one that Asana documents: {said or _opening(body)}", is_write=is_write)
    _no(status, said, asked=asked)


def decipher_events(status: int, headers: Mapping[str, str], body: bytes, *, asked: str) -> EventPage:
    """One page of events. A 412 is no failure but a page with `reset`: read everything, then go on from its token."""
    if status == 412:
        return _read(status, body, asked=asked, is_write=False, read=lambda found: event_page_from(found, reset=True))
    return decipher(status, headers, body, asked=asked, is_write=False, read=event_page_from)


def one(read: Reader[Found], *, gid: str = "") -> Reader[Found]:
    """A reader of the envelope around a single object; of no other than the one with this `gid`, where it is asked for."""

    def read_one(envelope: Json) -> Found:
        body = an_object(_data(envelope), what="data")
        if gid and text(body, "gid") != gid:
            raise UnexpectedReply(f"it is about {short(text(body, 'gid'), longest=40) or 'nobody knows what'}")
        return read(body)

    return read_one


def page(read: Reader[Found]) -> Reader[tuple[list[Found], str | None]]:
    """A reader of one page of a list: its items, and the offset of the next page, which ages: fetch it soon."""

    def read_page(envelope: Json) -> tuple[list[Found], str | None]:
        following = maybe(envelope, "next_page")
        offset = text(following, "offset") if following is not None else ""
        return [read(item) for item in objects(_data(envelope), what="data")], offset or None

    return read_page


def nothing(envelope: Json) -> None:
    """For calls whose answer says nothing beyond that they worked."""


@dataclass(frozen=True, slots=True)
class Change:
    """A change that Asana announces in `Asana-Change`. `affects_us` says that this very request depends on it."""

    name: str
    info: str
    affects_us: bool


def announced_changes(headers: Mapping[str, str]) -> list[Change]:
    """What the answer's `Asana-Change` headers announce; repeated headers come joined by commas.

    Source: developers.asana.com/docs/deprecations.
    """
    found: list[Change] = []
    for entry in _header(headers, "asana-change").split(","):
        parts = dict(part.strip().split("=", 1) for part in entry.split(";") if "=" in part)
        if parts.get("name"):
            found.append(Change(parts["name"], parts.get("info", ""), parts.get("affected") == "true"))
    return found


def _data(envelope: Json) -> Any:
    if envelope.get("data") is not None:
        return envelope["data"]
    raise UnexpectedReply("the answer has no data")


def _read(status: int, body: bytes, *, asked: str, is_write: bool, read: Reader[Found]) -> Found:
    try:
        envelope = _envelope(body)
    except UnexpectedReply as error:
        _unexpected(f"{asked}: answer {status} could not be read: {error.message}", is_write=is_write, cause=error)
    try:
        return read(envelope)
    except UnexpectedReply as error:
        what = f"{asked}: answer {status} could not be read: {error.message}"
        if not is_write:
            raise OddRecord(what) from error
        _unexpected(what, is_write=True, cause=error)


def _envelope(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`, with numbers exactly as written."""
    try:
        found = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise UnexpectedReply(f"it is not JSON but {_opening(body)}") from error
    if not isinstance(found, dict):
        raise UnexpectedReply("it is not a JSON object")
    return found


def _complaint(body: bytes) -> str:
    """What Asana says in `errors`, with the support phrase of a server fault; empty without such an envelope."""
    try:
        errors = objects(_envelope(body).get("errors"), what="errors")
        return short("; ".join(_sentence(error) for error in errors), longest=LONGEST_COMPLAINT)
    except UnexpectedReply:
        return ""


def _sentence(error: Json) -> str:
    message, phrase = text(error, "message"), text(error, "phrase")
    return f"{message} (support phrase: {phrase})" if phrase else message


def _no(status: int, said: str, *, asked: str) -> NoReturn:
    """A 4xx in Asana's own words."""
    if "pagination token" in said:
        raise TryLater(f"{asked}: the walk through the pages took too long ({said}).", code=str(status))
    cure = next((cure for pattern, cure in SETUP_MISTAKES if re.search(pattern, said, re.IGNORECASE)), "")
    if cure and status in (400, 403):
        raise Misconfigured(f"{asked}: Asana said {status} {said!r}: {cure}.", code=str(status)).naming(*_named_in(said))
    hint = " It needs a paid Asana plan." if status == 402 else ""
    raise Refused(f"{asked}: Asana said {status} {said!r}.{hint}", code=str(status)).naming(*_named_in(said))


def _named_in(said: str) -> tuple[str, ...]:
    """Gids in Asana's sentence, and the property that it begins with (`assignee: Not a user in Organization`)."""
    return (*re.findall(r"\b\d{2,}\b", said), *re.findall(r"^(\w+):", said))


def _outage(status: int, said: str, *, asked: str, is_write: bool) -> NoReturn:
    message = f"{asked}: Asana answered {status} {said}".rstrip()
    if is_write:
        raise OutcomeUnknown(f"{message}; it may have happened all the same.", code=str(status))
    raise TryLater(f"{message}.", code=str(status))


def _unexpected(message: str, *, is_write: bool, cause: Exception | None = None) -> NoReturn:
    if is_write:
        raise OutcomeUnknown(f"{message}. It may have happened all the same.") from cause
    raise UnexpectedReply(message) from cause


def _wait_seconds(headers: Mapping[str, str]) -> float:
    asked = _header(headers, "retry-after").strip()
    if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", asked, re.ASCII):
        return DEFAULT_WAIT_SECONDS
    return min(float(asked), LONGEST_WAIT_SECONDS)


def _header(headers: Mapping[str, str], name: str) -> str:
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _opening(body: bytes) -> str:
    """The first characters of an answer that is not ours to understand."""
    return repr(body[:80].decode("utf-8", "replace")) if body else "empty"


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")
