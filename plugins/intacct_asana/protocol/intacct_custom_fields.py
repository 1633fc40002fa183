"""Which fields of an Intacct object we may write, judged by what `lookup` says of them: custom ones, and nothing else.

So no flow file and no bug can reach an amount, a state, a bank or a tax field.
Source: https://developer.intacct.com/api/platform-services/objects/#lookup
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from intacct_asana.errors import Problem
from intacct_asana.records import ObjectField

TEXT_TYPES = frozenset({"TEXT", "ENUM"})
"""Types whose values are written and compared as text. A picklist is one of them with a list of valid values."""


def why_not_writable(field: ObjectField | None) -> str:
    """Empty when the field is custom and writable."""
    if field is None:
        return "does not exist"
    if not field.is_custom:
        return "is not a custom field"
    return "is read-only" if field.read_only else ""


def why_not_text(field: ObjectField | None) -> str:
    """Empty when the field is custom, writable, and holds text or one of a list of values."""
    if why := why_not_writable(field):
        return why
    assert field is not None
    return "" if field.data_type.upper() in TEXT_TYPES else f"is of type {field.data_type}, not text or a list of values"


def why_not_value(field: ObjectField, value: str) -> str:
    """Empty when a picklist lists the value, when nothing is written, and for text without a list."""
    if not value or not field.valid_values or value in field.valid_values:
        return ""
    return f"takes {', '.join(field.valid_values)} only, not {value!r}"


def text_field_problems(
    fields: Iterable[ObjectField], values: Mapping[str, Iterable[str]], *, object_name: str
) -> list[Problem]:
    """What keeps `values` (field name to every value that may be written) from being written; empty when nothing does."""
    known = {field.name: field for field in fields}
    problems = []
    for name, wanted in values.items():
        where = f"{object_name} field {name}"
        if why := why_not_text(known.get(name)):
            mend = "an Intacct administrator adds it as a custom text field or picklist, or the flow names another"
            problems.append(Problem(where=where, what=why, mend=mend))
            continue
        wrong = [why for value in wanted if (why := why_not_value(known[name], value))]
        mend = "make the flow's options and the picklist's values the same"
        problems += [Problem(where=where, what=why, mend=mend) for why in wrong]
    return problems
