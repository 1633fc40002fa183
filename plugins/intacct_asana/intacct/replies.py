"""What the gateway answered: successes as data, everything else as one of our errors."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from lxml import etree

from intacct_asana.errors import TryLater, UnexpectedReply
from intacct_asana.intacct.errors import (
    Faults,
    authentication_failure,
    control_failure,
    faults_in,
    function_failure,
    limited,
    not_a_success,
    not_intacct,
    outage,
    wait_seconds,
)
from intacct_asana.intacct.records import RECORD_NO, flag
from intacct_asana.intacct.timestamps import instant_of_iso
from intacct_asana.intacct.xml import Element
from intacct_asana.records import ObjectField, UserFormatting

BOUND = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The one successful result of a request, with what its authentication block told.

    `data` is the `data` element (None for functions that answer with a key); `session_from` and `session_until` are the
    server's own clock, None where it did not say.
    """

    function: str
    data: etree._Element | None = field(repr=False)
    company_id: str = ""
    user_id: str = ""
    entity_id: str = ""
    session_from: datetime | None = None
    session_until: datetime | None = None


def decipher(
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    asked: str,
    is_write: bool,
    control_id: str = "",
    function: str = "",
    by_session: bool = False,
) -> Reply:
    """The reply, when `body` says success at every level; otherwise raises what happens next.

    `headers` has lower-case names; the content type among them is not asked, since gateways and CDNs mislabel what they
    send. `asked` opens every message ("update of bill 42"). `control_id` and `function` are what was sent: the success of a
    write has to name both. `by_session` says that a session id was sent and no login.
    TryLater: nothing happened (limits, outages of a read). SessionEnded: log in again. Misconfigured: login, sender or
    permission; never try again. Refused: a business no. OutcomeUnknown: a write without a clear answer. UnexpectedReply: a
    read that is not as documented.
    Sources: https://developer.intacct.com/web-services/responses/ and .../error-handling/; docs/intacct-answers.md lists all.
    """
    root = parse(body)
    envelope = root if root is not None and root.tag == "response" else None
    faults = faults_in(envelope)
    if status == 429:
        raise limited(headers, faults, asked=asked)
    if status >= 500:
        raise outage(status, headers, body, faults, asked=asked, is_write=is_write)
    if envelope is None:
        raise not_intacct(status, headers, body, asked=asked, is_write=is_write)
    call = Call(asked=asked, is_write=is_write, control_id=control_id, function=function, by_session=by_session)
    try:
        return _reply(envelope, status, faults, call)
    except TryLater as error:
        error.wait_seconds = wait_seconds(headers)
        raise


def parse(body: bytes) -> etree._Element | None:
    """The root of a well-formed body without a document type; None for everything else.

    No entity, no external file, no network, no huge or deep trees: vendor names and descriptions are other people's text.
    """
    if len(body) > BOUND:
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False, recover=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(body, parser)
        has_doctype = bool(root.getroottree().docinfo.doctype)  # type: ignore[union-attr]
    except (etree.XMLSyntaxError, ValueError):
        return None
    return None if has_doctype else root


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What an answer answers. `decipher` tells its parts."""

    asked: str
    is_write: bool
    control_id: str
    function: str
    by_session: bool


def _reply(root: etree._Element, status: int, faults: Faults, call: Call) -> Reply:
    """Level after level: control, authentication, result. What contradicts itself is no plain failure either."""
    asked, is_write = call.asked, call.is_write
    word = _status(_only(root, "control"))
    if word == "failure" and root.find("operation") is None:
        raise control_failure(faults, status=status, asked=asked, is_write=is_write, by_session=call.by_session)
    if root.find("acknowledgement") is not None:
        what = "an acknowledgement, as for a request that is handled later"
        raise not_a_success(what, faults, asked=asked, is_write=is_write)
    if word != "success":
        raise not_a_success(f"control status {word or 'missing'!r}", faults, asked=asked, is_write=is_write)
    operation = _only(root, "operation")
    authentication = _only(operation, "authentication")
    word = _status(authentication)
    if word == "failure" and operation is not None and operation.find("result") is None:
        raise authentication_failure(faults, asked=asked, by_session=call.by_session)
    if operation is None or authentication is None or word != "success":
        what = f"authentication status {word or 'missing'!r}"
        raise not_a_success(what, faults, asked=asked, is_write=is_write)
    result = _result(operation, status, faults, call)
    return Reply(
        function=_text(result, "function"),
        data=result.find("data"),
        company_id=_text(authentication, "companyid"),
        user_id=_text(authentication, "userid"),
        entity_id=_text(authentication, "locationid"),
        session_from=instant_of_iso(_text(authentication, "sessiontimestamp")),
        session_until=instant_of_iso(_text(authentication, "sessiontimeout")),
    )


def _result(operation: etree._Element, status: int, faults: Faults, call: Call) -> etree._Element:
    """The only result, when it is a success and answers our function."""
    asked, is_write = call.asked, call.is_write
    results = operation.findall("result")
    word = _status(results[0]) if len(results) == 1 else ""
    if word == "failure" and not (is_write and _made_something(results[0])):
        function = _text(results[0], "function")
        raise function_failure(faults, function=function, asked=asked, is_write=is_write, control_id=call.control_id)
    # A refused repeat of a control id has been seen without any status.
    # https://github.com/intacct/intacct-sdk-js/issues/70
    doubts = {
        f"{len(results)} results for one function": len(results) != 1,
        "a failure that names a record it wrote": word == "failure",
        f"result status {word or 'missing'!r}": word != "success",
        "a success that lists errors": bool(faults.listed),
        "a result with more than one data": len(results) == 1 and len(results[0].findall("data")) > 1,
        f"HTTP {status} with a success inside": status != 200,
        "the answer belongs to another request": len(results) == 1 and not _answers(results[0], call),
        "the answer is to another function": len(results) == 1 and not _does(results[0], call),
    }
    if what := next((doubt for doubt, holds in doubts.items() if holds), ""):
        raise not_a_success(what, faults, asked=asked, is_write=is_write)
    return results[0]


def _answers(result: etree._Element, call: Call) -> bool:
    """Whether the answer is to our function. A read may leave that unsaid; a write that does has perhaps done nothing."""
    unsaid = () if call.is_write else ("",)
    return not call.control_id or _text(result, "controlid") in (call.control_id, *unsaid)


def _does(result: etree._Element, call: Call) -> bool:
    """Whether a write's answer names the function that was sent. What a read brought shows by its rows."""
    return not call.is_write or not call.function or _text(result, "function") == call.function


def _made_something(result: etree._Element) -> bool:
    """One `create` of several objects can half succeed: `failure`, and data or a key that names what was created."""
    return any(len(data) or data.get("count", "0") not in ("", "0") for data in result.findall("data")) or any(
        (key.text or "").strip() for key in result.findall("key")
    )


def _only(parent: etree._Element | None, name: str) -> etree._Element | None:
    """The child of this name, when there is exactly one."""
    found = [] if parent is None else parent.findall(name)
    return found[0] if len(found) == 1 else None


def _status(parent: etree._Element | None) -> str:
    """The word of the one `status`; empty when there is none, a second one, or more in it than text."""
    status = _only(parent, "status")
    return "" if status is None or len(status) else (status.text or "").strip()


def _text(parent: etree._Element, name: str) -> str:
    return (parent.findtext(name) or "").strip()


COUNT = re.compile(r"[0-9]{1,12}")


def object_fields_of(reply: Reply, *, asked: str) -> tuple[ObjectField, ...]:
    """The fields of a `lookup` answer. UnexpectedReply when it lists none."""
    listed = () if reply.data is None else tuple(_object_field(field) for field in reply.data.iter("Field"))
    if not listed:
        raise UnexpectedReply(f"{asked}: no field is listed")
    return listed


def _object_field(field: Element) -> ObjectField:
    return ObjectField(
        name=field.findtext("ID") or "",
        label=field.findtext("LABEL") or "",
        data_type=field.findtext("DATATYPE") or "",
        read_only=flag(field.findtext("READONLY") or ""),
        required=flag(field.findtext("REQUIRED") or ""),
        is_custom=flag(field.findtext("ISCUSTOM") or ""),
        valid_values=tuple(value.text or "" for value in field.findall("VALIDVALUES/VALIDVALUE")),
    )


def user_formatting_of(reply: Reply, *, asked: str) -> UserFormatting:
    """The `readUserFormatting` answer, wherever in its data the elements stand."""
    nodes = () if reply.data is None else reply.data.iter("locale", "dateformat", "gmtoffset", "clock")
    text = {str(node.tag): (node.text or "").strip() for node in nodes}
    if "dateformat" not in text or "gmtoffset" not in text:
        raise UnexpectedReply(f"{asked}: the answer tells no date format or time zone")
    return UserFormatting(
        locale=text.get("locale", ""),
        date_format=text["dateformat"],
        gmt_offset=text["gmtoffset"],
        clock=text.get("clock", ""),
    )


def record_no_of(reply: Reply) -> str:
    """The RECORDNO that a write's answer names; empty when it names none."""
    found = () if reply.data is None else (cell for row in reply.data for cell in row)
    return next(((cell.text or "").strip() for cell in found if str(cell.tag).upper() == RECORD_NO), "")


def rows_of(reply: Reply, object_name: str, *, asked: str, key_field: str = RECORD_NO) -> list[dict[str, str]]:
    """The objects of a `query` or `update` answer as field name to text, names in upper case since functions differ in it.

    Raises UnexpectedReply for another object's rows, for a row without its key or with two values for a field, and when
    rows are fewer than announced, none among them: taken for the end, that would make what is left look deleted.
    """
    if reply.data is None:
        raise UnexpectedReply(f"{asked}: a success without data")
    names = UpperCase()
    rows = [_row(found, names, asked=asked) for found in reply.data]
    if {names[found.tag] for found in reply.data} - {object_name} or not all(row.get(key_field) for row in rows):
        raise UnexpectedReply(f"{asked}: the answer holds something else than {object_name} records")
    announced = reply.data.get("count", "")
    if COUNT.fullmatch(announced) and int(announced) != len(rows):
        raise UnexpectedReply(f"{asked}: {announced} records announced, {len(rows)} came")
    if not rows and (left := remaining_of(reply)):
        raise UnexpectedReply(f"{asked}: no record came, although {left} are said to be left")
    return rows


def digest_of(object_name: str, rows: Sequence[Mapping[str, str]]) -> str:
    """Tells an answer from every other one: what was asked for, of which rows, in which order, and all that they say."""
    return sha256(json.dumps([object_name, rows], sort_keys=True).encode()).hexdigest()


class UpperCase(dict[str, str]):
    """Names as we know them, each worked out once for an answer of many rows."""

    def __missing__(self, name: str) -> str:
        self[name] = known = str(name).upper()
        return known


def _row(found: Element, names: UpperCase, *, asked: str) -> dict[str, str]:
    row = {names[cell.tag]: (cell.text or "").strip() for cell in found}
    if len(row) != len(found):
        first: dict[str, str] = {}
        for cell in found:
            name, text = names[cell.tag], (cell.text or "").strip()
            if first.setdefault(name, text) != text:
                raise UnexpectedReply(f"{asked}: a record has {name} twice, with different values")
    return row


def total_of(reply: Reply, *, asked: str) -> int:
    """How many rows match the whole query. UnexpectedReply when the answer does not say."""
    text = "" if reply.data is None else reply.data.get("totalcount", "")
    if not COUNT.fullmatch(text):
        raise UnexpectedReply(f"{asked}: the answer does not say how many records there are")
    return int(text)


def lacking_in(reply: Reply, rows: int) -> int:
    """How many rows the first page of a query lacks, by the answer's own totals; 0 where they are not told.

    Public connectors have measured listings that leave rows out.
    """
    total, left = "" if reply.data is None else reply.data.get("totalcount", ""), remaining_of(reply)
    return max(0, int(total) - left - rows) if left is not None and COUNT.fullmatch(total) else 0


def remaining_of(reply: Reply) -> int | None:
    """How many rows of a query are left behind this page; None when the answer does not say."""
    text = "" if reply.data is None else reply.data.get("numremaining", "")
    return int(text) if COUNT.fullmatch(text) else None
