"""Custom field values, both ways: canonical on our side, Asana's shapes on the wire. Numbers stay exact."""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from typing import Any

from intacct_asana.errors import Refused, UnexpectedReply
from intacct_asana.protocol.asana_shapes import Json, day, gid, gid_at, maybe, number, objects, text
from intacct_asana.records import FieldValue

TEXT_LIMIT = 1024
"""Characters in a text custom field. Source: developers.asana.com/reference/custom-fields."""


def value_to_wire(field_gid: str, value: FieldValue) -> Any:
    """`value` as `custom_fields` of a task request takes it. Raises Refused for what Asana cannot hold exactly.

    Source: developers.asana.com/docs/custom-fields-guide. A wrong shape is stored as nothing and still answered 200.
    """
    if isinstance(value, Decimal):
        return number_to_wire(field_gid, value)
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str) and len(value) > TEXT_LIMIT:
        too_long = f"custom field {field_gid}: text of {len(value)} characters; Asana holds {TEXT_LIMIT} at most"
        raise Refused(too_long).naming(field_gid)
    return value


def number_to_wire(field_gid: str, value: Decimal) -> int | float:
    """`value` as a JSON number that reads back as the very same decimal.

    Asana keeps a number as a binary double. Its shortest text must be `value`, else cents would change on the way.
    """
    if not value.is_finite() or Decimal(repr(float(value))) != value:
        digits = len(value.as_tuple().digits)
        raise Refused(f"custom field {field_gid}: a number of {digits} digits cannot be carried exactly").naming(field_gid)
    return int(value) if value == value.to_integral_value() else float(value)


def value_from_wire(body: Json) -> FieldValue:
    """What one entry of a task's `custom_fields` holds. A type that Asana adds later is read as the text it displays."""
    kind = kind_of(body)
    match kind:
        case "text":
            return text(body, "text_value") or None
        case "number":
            return _number(body)
        case "enum":
            return gid_at(body, "enum_value")
        case "date":
            return _day(body)
        case "multi_enum":
            return _gids(body, "multi_enum_values")
        case "people":
            return _gids(body, "people_value")
        case "reference":
            return _gids(body, "reference_value")
    return text(body, "display_value") or None


def kind_of(body: Json) -> str:
    """text, number, enum, date, ... `type` is the deprecated name of the same."""
    return text(body, "resource_subtype") or text(body, "type")


def precision_of(body: Json) -> int | None:
    """Decimal places of a number field, 0 to 6."""
    found = number(body, "precision")
    if found is None:
        return None
    if found not in range(7):
        raise UnexpectedReply(f"precision should be 0 to 6 and is {found:.3}")
    return int(found)


def _number(body: Json) -> Decimal | None:
    value, precision = number(body, "number_value"), precision_of(body)
    if value is None:
        return None
    try:
        if precision is None:
            return value.normalize()
        # A percentage counts its digits on what it shows: 25% is 0.25 with precision 0.
        places = precision + 2 if text(body, "format") == "percentage" else precision
        return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    except DecimalException as error:
        raise UnexpectedReply("number_value is too large for any amount") from error


def _day(body: Json) -> date | None:
    """Only the day counts. Where Asana holds an instant, `date` is the day of it."""
    found = maybe(body, "date_value")
    return day(found, "date") if found is not None else None


def _gids(body: Json, key: str) -> tuple[str, ...]:
    """Sorted, because Asana's order means nothing."""
    return tuple(sorted(gid(item) for item in objects(body.get(key), what=key)))
