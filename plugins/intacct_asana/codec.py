"""Records as JSON text and back, exactly: money, days and instants as text, any characters, one way of writing each.

pydantic reads our dataclasses by their own types. Where a type alone does not tell, the text carries a tag: `TAGGED` for a
value that may be text, a number or a day, `by_kind` for one of several records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from hashlib import sha256
from operator import attrgetter
from typing import Any, ClassVar, Protocol, TypeVar

from pydantic import PlainSerializer, PlainValidator, TypeAdapter

from intacct_asana.errors import Refused, UnexpectedReply

Record = TypeVar("Record")


class Versioned(Protocol):
    """A plan: text of another version of its form is not read."""

    version: ClassVar[int]


StoredPlan = TypeVar("StoredPlan", bound=Versioned)

# Making an adapter costs milliseconds, so each kind's is made once.
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)


def prepare(*kinds: type[Any]) -> None:
    """Make what reads and writes records of these kinds now, for a process that others are forked from."""
    for kind in kinds:
        _adapter(kind)


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
        # Strict, because a value that is not of its type would be written without its tag.
        return plain(_adapter(type(value)).dump_python(value, warnings="error"))
    if isinstance(value, Set):
        return sorted((plain(each) for each in value), key=str)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(each) for each in value]
    return str(value)


def to_json(record: object) -> str:
    """A record as canonical JSON text."""
    return json_text(record)


def from_json(kind: type[Record], text: str) -> Record:
    """The record that `to_json` wrote. What an earlier release did not say yet has its default."""
    record: Record = _adapter(kind).validate_python(json.loads(text))
    return record


def draft_digest(draft: Any) -> str:
    """What a draft says, in 64 characters: equal ones say exactly the same, in whatever order their fields stand.

    In what form a task shows it (`shown_as`) is none of it.
    """
    plain_parts, mappings = _readers(type(draft))
    said = (plain_parts(draft), [sorted(each.items()) for each in mappings(draft)])
    return sha256(repr(said).encode("utf-8", "surrogatepass")).hexdigest()


def _make_readers(kind: type[Any]) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """What reads a draft's own parts, and its mappings: at the speed of C, since every bill of a run is told so."""
    mappings = [each.name for each in fields(kind) if each.default_factory is dict and each.name != "shown_as"]
    return (
        attrgetter(*(each.name for each in fields(kind) if each.default_factory is not dict)),
        attrgetter(*mappings),
    )


_readers: Callable[[Any], tuple[Callable[[Any], Any], Callable[[Any], Any]]] = cache(_make_readers)


def plan_to_json(plan: Versioned) -> str:
    """A whole plan as text that `plan_from_json` reads back as an equal one, its mappings in their order."""
    return json.dumps({"version": plan.version, **plain(plan)}, separators=(",", ":"), allow_nan=False)


def plan_from_json(kind: type[StoredPlan], text: str) -> StoredPlan:
    """The plan in `text`. Raises UnexpectedReply when it is not one that this version wrote."""
    try:
        body = json.loads(text)
        version = body.pop("version")
        if version != kind.version:
            raise ValueError(f"version {version!r}, but this code reads version {kind.version}")
        plan: StoredPlan = _adapter(kind).validate_python(body)
    except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as error:
        raise UnexpectedReply(
            f"The stored plan cannot be read ({type(error).__name__}: {error}). Clear the planning step and run it again."
        ) from error
    return plan


def by_kind(*records: type[Any]) -> tuple[PlainValidator, PlainSerializer]:
    """For `Annotated`: one of `records`, told apart in the text by the `kind` that each class has."""
    kinds = {record.kind: record for record in records}
    return (
        PlainValidator(lambda body: _adapter(kinds[body["kind"]]).validate_python(body)),
        PlainSerializer(lambda record: {"kind": record.kind, **_adapter(type(record)).dump_python(record, warnings="error")}),
    )


def _tagged(value: object) -> object:
    """Text and empty as they are; `{"number": "12.50"}`, `{"day": "2026-11-23"}`, `{"gids": [...]}`."""
    if isinstance(value, Decimal):
        return {"number": str(value)}
    if isinstance(value, date):
        return {"day": value.isoformat()}
    return {"gids": list(value)} if isinstance(value, tuple) else value


def _untagged(value: Any) -> object:
    if not isinstance(value, dict):
        return str(value) if value is not None else None
    if "number" in value:
        return Decimal(value["number"])
    return date.fromisoformat(value["day"]) if "day" in value else tuple(value["gids"])


TAGGED = (PlainValidator(_untagged), PlainSerializer(_tagged))
"""For `Annotated`: text, a number, a day, gids or nothing, where text that looks like a number stays text."""
