"""What a JSON value must look like before it is believed; anything else is UnexpectedReply."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from intacct_asana.errors import UnexpectedReply

Json = Mapping[str, Any]


def an_object(value: object, *, what: str) -> Json:
    """`value` itself, when it is a JSON object."""
    if isinstance(value, dict):
        return value
    raise UnexpectedReply(f"{what} should be an object and is {_kind(value)}")


def objects(value: object, *, what: str) -> list[Json]:
    """`value` as a list of JSON objects; absent is empty."""
    if value is None:
        return []
    if isinstance(value, list):
        return [an_object(item, what=f"each of {what}") for item in value]
    raise UnexpectedReply(f"{what} should be a list and is {_kind(value)}")


def maybe(body: Json, key: str) -> Json | None:
    """The object at `key`, or None where it is absent or null."""
    value = body.get(key)
    return None if value is None else an_object(value, what=key)


def gid(body: Json) -> str:
    """The object's gid. Asana's gids are strings: a number would already have lost digits on its way."""
    value = body.get("gid")
    if isinstance(value, str) and value:
        return value
    raise UnexpectedReply(f"a gid should be text and is {_kind(value)}")


def gid_at(body: Json, key: str) -> str | None:
    """The gid of the object at `key`, or None where there is none."""
    found = maybe(body, key)
    return gid(found) if found is not None else None


def text(body: Json, key: str) -> str:
    """The text at `key`; empty where it is absent or null."""
    value = body.get(key)
    if value is None or isinstance(value, str):
        return value or ""
    raise UnexpectedReply(f"{key} should be text and is {_kind(value)}")


def switch(body: Json, key: str, *, default: bool) -> bool:
    """The boolean at `key`; `default` where it is absent or null."""
    value = body.get(key)
    if value is None or isinstance(value, bool):
        return default if value is None else value
    raise UnexpectedReply(f"{key} should be true or false and is {_kind(value)}")


def number(body: Json, key: str) -> Decimal | None:
    """The number at `key` with exactly the digits of the wire, or None."""
    value = body.get(key)
    if value is None:
        return None
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return Decimal(value)
    raise UnexpectedReply(f"{key} should be a number and is {_kind(value)}")


def day(body: Json, key: str) -> date | None:
    """The `YYYY-MM-DD` at `key`, or None."""
    value = text(body, key)
    try:
        return date.fromisoformat(value) if value else None
    except ValueError as error:
        raise UnexpectedReply(f"{key} should be a day such as 2026-11-23 and is {value[:40]!r}") from error


def instant(body: Json, key: str) -> datetime | None:
    """The ISO 8601 instant at `key` as aware UTC, or None."""
    value = text(body, key)
    if not value:
        return None
    try:
        parsed = datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            raise ValueError("no offset")
        return parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UnexpectedReply(f"{key} should be an instant such as 2026-11-23T08:00:00Z and is {value[:40]!r}") from error


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "absent"}
    return names.get(type(value), "a number")
