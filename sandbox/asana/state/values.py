"""What each type of custom field takes, keeps and shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandbox.asana.errors import bad
from sandbox.asana.state.model import CustomField, EnumOption, User

KINDS = ("text", "number", "enum", "multi_enum", "date", "people", "reference")
TEXT_LIMIT = 1024
KEEP = object()
"""Answer of `accept` where Asana says 200 and stores nothing."""

FindUser = Callable[[object], User | None]
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def accept(field: CustomField, raw: Any, find_user: FindUser) -> Any:
    """The value to keep for `raw`, None to clear, or KEEP. Raises 400 for a value of the wrong type."""
    if raw is None:
        return None
    readers: dict[str, Callable[[], Any]] = {
        "text": lambda: _text(raw),
        "number": lambda: _number(field, raw),
        "enum": lambda: _option(field, raw),
        "multi_enum": lambda: _options(field, raw),
        "date": lambda: _date(raw),
        "people": lambda: _people(raw, find_user),
        "reference": lambda: tuple(raw) if isinstance(raw, list) else KEEP,
    }
    return readers[field.kind]()


def _text(raw: Any) -> str | None:
    if not isinstance(raw, str):
        raise bad(f"custom_fields: Value is not a string: {raw}")
    if len(raw) > TEXT_LIMIT:
        raise bad(f"custom_fields: Text value is too long, the maximum is {TEXT_LIMIT} characters")
    return raw or None


def places(field: CustomField) -> int:
    """Decimal digits kept: a percentage of precision 0 is 0.25, shown as 25%."""
    return (field.precision or 0) + (2 if field.format == "percentage" else 0)


def _number(field: CustomField, raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, (int, Decimal)):
        raise bad(f"custom_fields: Value is not a number: {raw}")
    try:
        return Decimal(raw).quantize(Decimal(1).scaleb(-places(field)), rounding=ROUND_HALF_UP)
    except InvalidOperation:
        raise bad(f"custom_fields: Value is too large: {raw}") from None


def _option(field: CustomField, raw: Any) -> EnumOption:
    if not isinstance(raw, str):
        raise bad(f"custom_fields: Not a valid GID type: {_json_type(raw)}")
    option = field.option(raw)
    if not option:
        raise bad(f"custom_fields: Not a recognized ID: {raw}")
    if not option.enabled:
        raise bad(f"custom_fields: Enum option {raw} is disabled")
    return option


def _options(field: CustomField, raw: Any) -> tuple[EnumOption, ...] | None:
    if not isinstance(raw, list):
        raise bad(f"custom_fields: Value is not an array: {raw}")
    return tuple(_option(field, gid) for gid in raw) or None


def _date(raw: Any) -> dict[str, str | None]:
    if not isinstance(raw, dict):
        raise bad(f"custom_fields: Value is not a JSON object: {raw}")
    if raw.get("date_time"):
        at = parse_instant(raw["date_time"], key="date_time")
        return {"date": at.date().isoformat(), "date_time": raw["date_time"]}
    return {"date": parse_day(raw.get("date"), key="date"), "date_time": None}


def _people(raw: Any, find_user: FindUser) -> Any:
    """Wrong shapes answer 200 and are silently dropped; Asana says nothing about it."""
    if not isinstance(raw, list):
        return KEEP
    found = [find_user(each) for each in raw]
    return KEEP if None in found else tuple(found) or None


def parse_day(raw: Any, *, key: str) -> str:
    if isinstance(raw, str) and _DAY.fullmatch(raw):
        try:
            return date.fromisoformat(raw).isoformat()
        except ValueError:
            pass
    raise bad(f"{key}: Date must be in ISO-8601 (yyyy-mm-dd) format, not: {raw}")


def parse_instant(raw: Any, *, key: str) -> datetime:
    try:
        at = datetime.fromisoformat(str(raw).replace("Z", "+00:00"))
    except ValueError:
        raise bad(f"{key}: Not a valid ISO-8601 timestamp: {raw}") from None
    return at if at.tzinfo else datetime.fromisoformat(f"{raw}T00:00:00+00:00" if len(str(raw)) == 10 else f"{raw}+00:00")


def display(field: CustomField, value: Any) -> str | None:
    """`display_value`: a string, or None when empty."""
    if value is None:
        return None
    if field.kind == "number":
        return f"{value * 100:.{field.precision or 0}f}%" if field.format == "percentage" else format(value, "f")
    if field.kind == "enum":
        return str(value.name)
    if field.kind in ("multi_enum", "people"):
        return ", ".join(each.name for each in value)
    if field.kind == "date":
        return str(value["date_time"] or f"{value['date']}T00:00:00.000Z")
    return str(value)


def plain(field: CustomField, value: Any) -> str | None:
    """The value for people and dumps: as `display`, but a day stays a day."""
    return value["date"] if field.kind == "date" and value else display(field, value)


def _json_type(raw: Any) -> str:
    return "number" if isinstance(raw, (int, Decimal)) else type(raw).__name__
