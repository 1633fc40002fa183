"""What is inside a successful reply: rows of a query, fields of a lookup, a user's formatting."""

from __future__ import annotations

import re

from intacct_asana.errors import UnexpectedReply
from intacct_asana.protocol.intacct_records import RECORD_NO, flag
from intacct_asana.protocol.intacct_replies import Reply
from intacct_asana.protocol.intacct_xml import Element
from intacct_asana.records import ObjectField, UserFormatting

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
    rows = [_row(found, asked=asked) for found in reply.data]
    if any(str(found.tag).upper() != object_name for found in reply.data) or not all(row.get(key_field) for row in rows):
        raise UnexpectedReply(f"{asked}: the answer holds something else than {object_name} records")
    announced = reply.data.get("count", "")
    if COUNT.fullmatch(announced) and int(announced) != len(rows):
        raise UnexpectedReply(f"{asked}: {announced} records announced, {len(rows)} came")
    if not rows and (left := remaining_of(reply)):
        raise UnexpectedReply(f"{asked}: no record came, although {left} are said to be left")
    return rows


def _row(found: Element, *, asked: str) -> dict[str, str]:
    row: dict[str, str] = {}
    for cell in found:
        name, text = str(cell.tag).upper(), (cell.text or "").strip()
        if row.setdefault(name, text) != text:
            raise UnexpectedReply(f"{asked}: a record has {name} twice, with different values")
    return row


def total_of(reply: Reply, *, asked: str) -> int:
    """How many rows match the whole query. UnexpectedReply when the answer does not say."""
    text = "" if reply.data is None else reply.data.get("totalcount", "")
    if not COUNT.fullmatch(text):
        raise UnexpectedReply(f"{asked}: the answer does not say how many records there are")
    return int(text)


def remaining_of(reply: Reply) -> int | None:
    """How many rows of a query are left behind this page; None when the answer does not say."""
    text = "" if reply.data is None else reply.data.get("numremaining", "")
    return int(text) if COUNT.fullmatch(text) else None
