"""The tables of docs/mapping-guide.md: every key of a flow file with an example, and every source of a field.

What a key says is the text under its attribute in the model, what it may be comes from the schema that editors use, and the example
from `every_key.yaml`, whose flows load.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

import yaml
from intacct_asana.flow.model import Flow
from intacct_asana.flow.schema import json_schema
from intacct_asana.flow.sources import BILL_SOURCES, FITS, VENDOR_SOURCES, Source
from intacct_asana.flow.words import parts_of
from intacct_asana.flow.yaml_text import Items, Table, read_yaml
from pydantic import BaseModel

from manuals.pages import Parts, table

EVERY_KEY = Path(__file__).with_name("every_key.yaml")
LONGEST = 60
"""Characters of a part that a table shows as an example; a longer one has its own table below."""


def every_key_flows() -> list[str]:
    """The texts of the flows that the examples come from."""
    return EVERY_KEY.read_text(encoding="utf-8").split("\n---\n")


@cache
def _examples() -> tuple[Table, ...]:
    return tuple(found for text in every_key_flows() if (found := read_yaml(text)[0]) is not None)


def example_of(*paths: tuple[str, ...]) -> object:
    """A value that the key at one of `paths` has in one of the flows; None where none has it."""
    return next((value for path in paths for flow in _examples() for value in _values(flow, path)), None)


def _values(here: object, path: tuple[str, ...]) -> Iterator[object]:
    if not path:
        yield here
    elif isinstance(here, Items):
        for item in here:
            yield from _values(item, path)
    elif isinstance(here, Table) and path[0] in here:
        yield from _values(here[path[0]], path[1:])


def places() -> dict[type[BaseModel], list[tuple[str, ...]]]:
    """Every part of a file, with the keys that lead to it: a part may stand in several places."""
    found: dict[type[BaseModel], list[tuple[str, ...]]] = {}
    for path, part in parts_of(Flow):
        found.setdefault(part, []).append(path)
    return found


def keys() -> Iterator[tuple[type[BaseModel], str]]:
    """Every key of a file: its part, and its name."""
    for part in places():
        for name, field in part.model_fields.items():
            yield part, field.alias or name


def example_at(part: type[BaseModel], name: str) -> object:
    """A value that the key has in one of its part's places."""
    return example_of(*((*path, name) for path in places()[part]))


def key_tables() -> str:
    """A table for each part of the file, in the order of the file."""
    schema = json_schema()
    return "\n\n".join(_part(part, paths, schema) for part, paths in places().items())


def _part(part: type[BaseModel], paths: list[tuple[str, ...]], schema: Mapping[str, Any]) -> str:
    title = " and ".join(f"`{'.'.join(path)}`" for path in paths if path) or "The file itself"
    told = schema["$defs"].get(part.__name__, schema)
    kind = told["properties"].get("kind", {}).get("const")
    title += f" with `kind: {kind}`" if kind else ""
    said = (part.__doc__ or "").strip() if part is not Flow else ""
    names = sorted(told["properties"], key=lambda name: name not in told.get("required", ()))
    rows = (_row(part, name, told["properties"][name], told, schema) for name in names)
    return f"### {title}\n\n{said}\n\n{table(('key', 'what', 'may be', 'when left out', 'example'), rows)}".replace(
        "\n\n\n\n", "\n\n"
    )


def _row(
    part: type[BaseModel], name: str, one: Mapping[str, Any], told: Mapping[str, Any], schema: Mapping[str, Any]
) -> tuple[str, ...]:
    said = one.get("description") or _said_of_part(one, schema)
    default = "needed" if name in told.get("required", ()) else _default(one, schema)
    return f"`{name}`", said, may_be(one, schema), default, _example(example_at(part, name), one)


def _said_of_part(one: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What the part itself says, of a key that says nothing more."""
    told = schema["$defs"].get(one.get("$ref", "").rsplit("/", 1)[-1], {})
    return str(told.get("description", "")).split("\n\n")[0]


def _default(one: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    value = one.get("default")
    if value is None or value in ([], {}, "") or isinstance(value, dict):
        return ""
    return f"`{_flow_style(value)}`"


def _example(value: object, one: Mapping[str, Any]) -> str:
    if value is None:
        # A key that came since the file of examples was written.
        words = one.get("enum") or ([one["default"]] if one.get("default") not in (None, "", [], {}) else [])
        value = words[-1] if words else None
    if value is None:
        return ""
    text = _flow_style(value)
    is_part = isinstance(value, Table) or (isinstance(value, Items) and any(isinstance(item, Table) for item in value))
    return "see below" if is_part and len(text) > LONGEST else f"`{text}`"


def _flow_style(value: object) -> str:
    """A value on one line, as one may write it in the file."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow_style(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow_style(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value).strip()
    return json.dumps(text, ensure_ascii=False) if _needs_quotes(text) else text


def _needs_quotes(text: str) -> bool:
    """Whether YAML would read something else, or our reader something that looks like a list."""
    try:
        read = yaml.safe_load(f"[{text}]")
    except yaml.YAMLError:
        return True
    return len(read or ()) != 1 or isinstance(read[0], dict | list) or text.startswith("0") or "*" in text


def may_be(one: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """What a key may be, in words."""
    if "$ref" in one:
        told = schema["$defs"][one["$ref"].rsplit("/", 1)[1]]
        return may_be(told, schema) if "enum" in told else "a part, see below"
    if alternatives := one.get("anyOf") or one.get("oneOf"):
        words = [may_be(each, schema) for each in alternatives if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(words))
    if "enum" in one or "const" in one:
        return ", ".join(f"`{word}`" for word in one.get("enum", [one.get("const")]))
    kind = one.get("type")
    if kind == "array":
        inner = may_be(one.get("items", {}), schema)
        return "a list of parts, see below" if "see below" in inner else f"a list of {inner}"
    if kind == "object":
        return "a map of a currency to an amount" if "patternProperties" in one or _is_by_currency(one) else _map(one, schema)
    if kind in ("integer", "number"):
        return _number("a whole number" if kind == "integer" else "a number", one)
    if isinstance(kind, list):
        return "a gid: the long number in Asana's address" if "integer" in kind else "an amount, as in 10000.00"
    if kind == "string":
        return "a day, as in 2026-01-31" if one.get("format") == "date" else "text"
    return "true or false" if kind == "boolean" else "text"


def _is_by_currency(one: Mapping[str, Any]) -> bool:
    return one.get("propertyNames", {}).get("pattern") == "^[A-Z]{3}$"


def _map(one: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    inner = one.get("additionalProperties") or {}
    return f"a map of names to {may_be(inner, schema)}" if inner else "a map"


def _number(what: str, one: Mapping[str, Any]) -> str:
    low, high = one.get("minimum"), one.get("maximum")
    if low is not None and high is not None:
        return f"{what}, {low:g} to {high:g}"
    return f"{what}, {low:g} or more" if low is not None else what


def source_table(sources: Mapping[str, Source[Any]]) -> str:
    """What a field can show, and in which kinds of field."""
    return table(("`source`", "what it shows", "kinds of field"), _sources(sources))


def _sources(sources: Mapping[str, Source[Any]]) -> Iterable[tuple[str, str, str]]:
    for name, source in sources.items():
        kinds = ", ".join(kind for kind, shapes in FITS.items() if source.shape in shapes)
        choices = f": {', '.join(source.choices)}" if source.choices else ""
        yield f"`{name}`", f"{source.what}{choices}", kinds


PARTS: Parts = {
    "bill-sources": partial(source_table, BILL_SOURCES),
    "vendor-sources": partial(source_table, VENDOR_SOURCES),
    "keys": key_tables,
}
