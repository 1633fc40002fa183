"""What is told of a key that is none, and of a value of another form: with the very words to write, wherever they can be known.

Pure: pydantic's error in, two sentences out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from intacct_asana.flow.signals import KIND_MARKS
from intacct_asana.flow.words import ALL_WORDS, did_you_mean, homes_of, is_near
from intacct_asana.text import cut

Told = tuple[str, str]
"""What is wrong, and how to mend it."""

LONGEST_PROPOSAL = 100


def unknown_kind(mark: str) -> Told:
    kind = mark[1:-1]
    return f"`kind` is {_shown(kind)}, which is not allowed", did_you_mean(kind, sorted(one[1:-1] for one in KIND_MARKS))


def unknown_key(path: tuple[str | int, ...], key: str, model: type[BaseModel], part: type[BaseModel] | None) -> Told:
    """Of a key at `path` of a file of `model` that `part`, in which it stands, does not have."""
    place = f" in `{path[-2]}`" if len(path) > 1 and isinstance(path[-2], str) else " in this part" if len(path) > 1 else ""
    known = [one.alias or name for name, one in part.model_fields.items()] if part else []
    # What stands behind its colon may be a secret, and what is told here is for all to read.
    shown = re.sub(r"(?s)([:=]).+", r"\1...", key)
    what = f"the key `{cut(shown, characters=80)}` does not exist{place}"
    if (found := re.fullmatch(r"(\w+):(\S.*)", key)) and found[1] in known:
        return f"`{cut(key, characters=80)}` has no blank after its colon", f"write {found[1]}: {cut(found[2], characters=80)}"
    mend = did_you_mean(key, known)
    if not is_near(key, known) and (homes := homes_of(key, model, besides=path[:-1])):
        others = mend if mend.startswith(ALL_WORDS) else f"or {mend}"
        mend = f"it is a key of {' and of '.join(homes)}: indent it below that; {others}"
    return what, mend


def other_shape(error: ErrorDetails, key: str, *, part: type[BaseModel] | None) -> Told:
    """Of the value of `key`. `part`: what lacks the key where one is missing, else what the value should have been."""
    kind, written = error["type"], error["input"]
    if kind == "missing":
        return f"`{key}` is missing", f"add `{key}: ...`{_choices(part, key)}"
    if written is None:
        return f"`{key}` is empty", "write a value (# starts a comment unless it is in quotes), or remove the key"
    if kind.startswith("model_") and part is not None and not isinstance(written, dict):
        return _part(key, written, part)
    for pattern, say in SHAPES:
        if re.fullmatch(pattern, kind):
            return say(error, key, written)
    return f"`{key}` is {_shown(written)}: {error['msg'][0].lower()}{error['msg'][1:]}", ""


def _choices(part: type[BaseModel] | None, key: str) -> str:
    """Which words a key takes, where it takes a few."""
    fields = {one.alias or name: one.annotation for name, one in part.model_fields.items()} if part else {}
    annotation = fields.get(key)
    words = get_args(annotation) if get_origin(annotation) is Literal else ()
    return f", one of: {', '.join(words)}" if words else ""


def _part(key: str, written: Any, part: type[BaseModel]) -> Told:
    needed = [one.alias or name for name, one in part.model_fields.items() if one.is_required()]
    what = f"`{key}` is {_shown(written)} where `key: value` lines are expected"
    if not needed:
        return what, "indent its keys below it"
    return what, f"write its keys, as in {{{', '.join(f'{one}: ...' for one in needed)}}}"


Say = Callable[[ErrorDetails, str, Any], Told]

ASANA_NAMES = MappingProxyType(
    {
        "text": ("string", "single-line", "free text"),
        "number": ("amount", "currency", "money", "decimal", "percent"),
        "enum": ("dropdown", "drop-down", "single-select", "single select", "select", "choice", "list"),
        "multi_enum": ("multi-select", "multi select", "multiselect"),
        "people": ("person", "user"),
        "date": ("day", "datetime"),
    }
)
"""How Asana's pages and other people call the kinds of fields."""


def _one_of(error: ErrorDetails, key: str, written: Any) -> Told:
    known = re.findall(r"'([^']*)'", str(error.get("ctx", {}).get("expected", "")))
    what = (
        f"`{key}` is {_shown(written)}, which is not allowed" if isinstance(written, str) else f"`{key}` is {_shown(written)}"
    )
    parts = [one.strip() for one in re.split(r"[;|/]", written)] if isinstance(written, str) else []
    if len(parts) > 1 and all(is_near(one, known) for one in parts):
        return what, f"separate them by commas: {', '.join(parts)}"
    meant = [kind for kind, names in ASANA_NAMES.items() if str(written).lower() in names and kind in known]
    return what, f"write {meant[0]}" if meant and key == "kind" else did_you_mean(str(written), known)


def _text(error: ErrorDetails, key: str, written: Any) -> Told:
    mend = (
        "a value that starts with { or [ needs double quotes" if isinstance(written, dict | list) else "put it in double quotes"
    )
    return f"`{key}` is {_shown(written)} where text is expected", mend


def _too_short(error: ErrorDetails, key: str, written: Any) -> Told:
    return f"`{key}` is empty", "write at least one"


def _too_long(error: ErrorDetails, key: str, written: Any) -> Told:
    limit = error.get("ctx", {}).get("max_length", "")
    return f"`{key}` is longer than {limit}", f"{limit} at most"


def _number(error: ErrorDetails, key: str, written: Any) -> Told:
    return f"`{key}` is {_shown(written)}, which is no whole number", "write digits only"


def _fraction(error: ErrorDetails, key: str, written: Any) -> Told:
    return f"`{key}` is {_shown(written)}, which is no number", "write digits, with a point for a part, as in 0.5"


def _bound(error: ErrorDetails, key: str, written: Any) -> Told:
    words = error["msg"].removeprefix("Input should be ")
    return f"`{key}` is {_shown(written)}", f"write a number {words}"


def _truth(error: ErrorDetails, key: str, written: Any) -> Told:
    return f"`{key}` is {_shown(written)}, which is neither true nor false", "write true or false"


def _amount(error: ErrorDetails, key: str, written: Any) -> Told:
    return f"`{key}` is {_shown(written)}, which is no amount", "write digits and a point, as in 10000.00"


def _day(error: ErrorDetails, key: str, written: Any) -> Told:
    return f"`{key}` is {_shown(written)}, which is no date of the calendar", "write it as 2026-01-31"


def _list(error: ErrorDetails, key: str, written: Any) -> Told:
    what = f"`{key}` is {_shown(written)} where a list is expected"
    if isinstance(written, dict):
        return what, "begin each item with `- `"
    items = [one.strip() for one in re.split(r"[,;]", written)] if isinstance(written, str) else []
    if all(re.fullmatch(r"-\S.*", one) for one in items):
        return what, "write a blank after the minus that begins an item: `- item`"
    proposal = f"[{', '.join(items)}]"
    if len(proposal) <= LONGEST_PROPOSAL and all(re.fullmatch(r"[\w@.+ -]+", one) for one in items):
        return what, f"write {proposal}, or one `- item` a line"
    return what, "write [one, two], or one `- item` a line"


def _table(error: ErrorDetails, key: str, written: Any) -> Told:
    what = f"`{key}` is {_shown(written)} where `key: value` lines are expected"
    if isinstance(written, str) and re.fullmatch(r"[0-9][0-9.,]*", written):
        return what, f"say in which currency, as in {{USD: {written.replace(',', '')}}}"
    return what, "indent its keys below it, or write {key: value}"


SHAPES: tuple[tuple[str, Say], ...] = (
    (r"literal_error|enum", _one_of),
    (r"string_type", _text),
    (r"too_short|string_too_short", _too_short),
    (r"too_long|string_too_long", _too_long),
    (r"int_.*", _number),
    (r"float_.*", _fraction),
    (r"(greater|less)_than.*", _bound),
    (r"bool_.*", _truth),
    (r"decimal_.*|finite_number|is_instance_of", _amount),
    (r"date_.*", _day),
    (r"tuple_type|list_type", _list),
    (r"model_.*|dict_type|mapping_type", _table),
)


def _shown(written: Any) -> str:
    """What was written, short enough for a message."""
    if isinstance(written, dict):
        return "a table"
    if isinstance(written, list | tuple):
        return "a list"
    return cut(repr(written), characters=80)
