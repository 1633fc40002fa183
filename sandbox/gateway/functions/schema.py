"""How an object of the gateway is described: its fields, their types, where they come from, what they relate to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from sandbox.gateway.books.table import Table
from sandbox.gateway.failures import Failure, support_id
from sandbox.gateway.texts import bool_of, cents_of, day_of, day_text, instant_of, instant_text, is_null, money_text

Getter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. `kind` is lookup's DATATYPE; MONEY stands for DECIMAL in cents. `attribute` is set where it can be indexed."""

    name: str
    kind: str
    get: Getter
    label: str = ""
    attribute: str = ""
    read_only: bool = True
    required: bool = False
    custom: bool = False
    values: tuple[str, ...] = ()
    """What a write takes; anything when empty."""
    is_kept: bool = False
    """Whether what is written lies in the row's `kept`: nothing else depends on it."""
    told_read_only: bool | None = None
    told_kind: str = ""
    told_values: tuple[str, ...] | None = None
    """How lookup labels the field, where that is not what a write makes of it."""
    zone_minutes: int = 0
    shown: str | Mapping[str, str] = ""
    """How else the value is written, by its usual text, or for one row by `#` and its record number; `iso` for days."""

    @property
    def data_type(self) -> str:
        return self.told_kind or ("DECIMAL" if self.kind == "MONEY" else self.kind)

    @property
    def is_told_read_only(self) -> bool:
        return self.read_only if self.told_read_only is None else self.told_read_only

    @property
    def listed_values(self) -> tuple[str, ...]:
        return self.values if self.told_values is None else self.told_values

    def text(self, row: Any) -> str:
        """The field's value as the gateway writes it."""
        usual = self._usual(self.get(row))
        if not self.shown:
            return usual
        if self.shown == "iso":
            return day_of(usual).isoformat() if usual else ""
        shown = dict(self.shown)
        return shown.get(f"#{getattr(row, 'record_no', '')}", shown.get(usual, usual))

    def _usual(self, value: Any) -> str:
        if value is None:
            return ""
        match self.kind:
            case "MONEY":
                return money_text(value)
            case "DATE":
                return day_text(value)
            case "TIMESTAMP":
                return instant_text(value, self.zone_minutes)
            case "BOOLEAN":
                return "true" if value else "false"
            case _:
                return str(value)

    def parse(self, text: str) -> Any:
        """A filter's literal as a value to compare with. Raises ValueError."""
        match self.kind:
            case "MONEY":
                return cents_of(text)
            case "DATE":
                return day_of(text)
            case "TIMESTAMP":
                return instant_of(text, self.zone_minutes)
            case "BOOLEAN":
                return bool_of(text)
            case "INTEGER":
                return int(text)
            case _:
                return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    path: str
    object_name: str
    related_by: str
    get: Getter


@dataclass(slots=True, kw_only=True)
class ObjectType:
    """An object such as APBILL. `name_field` is the key of readByName; `entity_of` tells who owns a row."""

    name: str
    table: Table
    fields: dict[str, Field]
    name_field: str = "RECORDNO"
    relations: dict[str, Relation] = field(default_factory=dict)
    entity_of: Getter | None = None


class Schema:
    """All objects of a company, by name."""

    def __init__(self, objects: dict[str, ObjectType]) -> None:
        self.objects = objects

    def object(self, name: str) -> ObjectType:
        found = self.objects.get(name.strip().upper())
        if found is None:
            said = f"Object definition {name.strip()} not found. {support_id()}"
            raise Failure("DL02000001", "There was an error processing the request.", said)
        return found

    def find(self, object_type: ObjectType, name: str) -> Field:
        """The field, which may follow relations: `VENDOR.NAME`. Raises Failure for an unknown one."""
        known = object_type.fields.get(name)
        if known:
            return known
        path, _, rest = name.partition(".")
        relation = object_type.relations.get(path)
        if rest and relation:
            target = self.find(self.object(relation.object_name), rest)
            return replace(target, name=name, get=_through(relation.get, target.get), attribute="")
        said = f"Field(s) '{name}' is/are not found in the object {object_type.name}. {support_id()}"
        raise Failure("XL03000010", "Query Failed", said, "Use lookup to see which fields the object has.")


def _through(step: Getter, get: Getter) -> Getter:
    def value(row: Any) -> Any:
        related = step(row)
        return None if related is None else get(related)

    return value


def key(name: str = "RECORDNO", attribute: str = "record_no", label: str = "Record number") -> Field:
    return Field(name=name, kind="INTEGER", get=attrgetter(attribute), attribute=attribute, label=label)


def text(name: str, path: str | Getter, label: str = "", *, attribute: str = "", write: bool = False, **more: Any) -> Field:
    return Field(
        name=name,
        kind="TEXT",
        get=_getter(path),
        label=label or name.capitalize(),
        attribute=attribute,
        read_only=not write,
        **more,
    )


def of(kind: str, name: str, path: str | Getter, label: str = "", *, write: bool = False, **more: Any) -> Field:
    return Field(name=name, kind=kind, get=_getter(path), label=label or name.capitalize(), read_only=not write, **more)


def kept(kind: str, name: str, usual: str | Getter = lambda _row: None, label: str = "", **more: Any) -> Field:
    """A field that is told as it was written, and as `usual` until then."""
    default = _getter(usual)

    def get(row: Any) -> Any:
        held = row.kept
        return held[name] if held and name in held else default(row)

    return Field(name=name, kind=kind, get=get, label=label or name.capitalize(), read_only=False, is_kept=True, **more)


def custom(name: str, values: tuple[str, ...] = ()) -> Field:
    """A custom text field or picklist, kept in the row's `custom`."""
    label = name.replace("_", " ").capitalize()
    kept: Getter = lambda row: row.custom.get(name)  # noqa: E731
    return Field(name=name, kind="TEXT", get=kept, label=label, read_only=False, custom=True, values=values)


def fields(*listed: Field) -> dict[str, Field]:
    return {each.name: each for each in listed}


def _getter(path: str | Getter) -> Getter:
    return attrgetter(path) if isinstance(path, str) else path


def null_last(value: Any) -> tuple[bool, Any]:
    """A sort key that puts nulls at the end, as the company's database does."""
    return (True, 0) if is_null(value) else (False, value)
