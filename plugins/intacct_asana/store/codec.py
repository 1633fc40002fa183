"""Values and records as text and back, exactly: money, days and instants as text, any characters, one way of writing each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

from intacct_asana.errors import Refused

Record = TypeVar("Record")

# Making an adapter costs milliseconds, so each kind's is made once.
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def instant_text(at: datetime) -> str:
    """`2026-11-23T08:00:00.000000Z`: the same width always, so text order is time order on every database.

    Raises Refused for an instant without a time zone, because it would be read as this machine's local time.
    """
    if at.tzinfo is None:
        raise Refused(f"The store keeps instants with a time zone only; {at.isoformat()} has none.")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def instant_of(text: str) -> datetime:
    """The aware UTC instant that `instant_text` wrote."""
    return datetime.fromisoformat(text)


def json_text(value: object) -> str:
    """Canonical JSON in plain ASCII: equal values give equal text, whatever order their keys came in."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"))


def plain(value: object) -> Any:
    """`value` as JSON can carry it; Decimals, days and instants become text, because a float would change them."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return instant_text(value) if value.tzinfo else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Set):
        return sorted((plain(each) for each in value), key=str)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(each) for each in value]
    return str(value)


def to_json(record: object) -> str:
    """A record as canonical JSON text."""
    return json_text(record)


def from_json(kind: type[Record], text: str) -> Record:
    """The record that `to_json` wrote; pydantic reads our dataclasses' own types."""
    record: Record = _adapter(kind).validate_python(json.loads(text))
    return record
