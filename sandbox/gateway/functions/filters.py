"""`query`'s filter as one predicate over rows, and what it says about where to look.

A null value matches nothing but `isnull`, as in SQL. Exactly one node stands under `filter`, `and` and `or` have two or
more. https://developer.intacct.com/web-services/queries/
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from sandbox.gateway.failures import Failure, bad_value, support_id
from sandbox.gateway.functions.schema import Field
from sandbox.gateway.texts import is_null

Predicate = Callable[[Any], bool]
FindField = Callable[[str], Field]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "equalto": operator.eq,
    "notequalto": operator.ne,
    "lessthan": operator.lt,
    "lessthanorequalto": operator.le,
    "greaterthan": operator.gt,
    "greaterthanorequalto": operator.ge,
}
MAX_IN_VALUES = 1000
ORDERED = ("modified_at", "record_no")
"""Row attributes by which a table can give its rows in order."""


@dataclass(frozen=True, slots=True)
class Filter:
    """`accepts` decides; the rest says where to look, by row attribute, so that big tables need no full pass.

    `among`: the only values that can match. `low`: the lowest value that can match. `sure`: rows above it match for certain.
    """

    accepts: Predicate
    among: dict[str, list[Any]] = field(default_factory=dict)
    low: dict[str, int] = field(default_factory=dict)
    sure: dict[str, int] = field(default_factory=dict)


EVERYTHING = Filter(lambda row: True)


def parse_filter(element: etree._Element | None, find: FindField, *, case_insensitive: bool = False) -> Filter:
    """The filter of a query. Raises Failure for what the schema forbids, unknown fields and bad values."""
    if element is None:
        return EVERYTHING
    nodes = list(element)
    if len(nodes) != 1:
        raise _broken(f"The filter must have exactly one top-level operator; found {len(nodes)}.")
    return _node(nodes[0], find, case_insensitive)


def _node(node: etree._Element, find: FindField, fold: bool) -> Filter:
    name = str(node.tag)
    if name in ("and", "or"):
        parts = [_node(child, find, fold) for child in node]
        if len(parts) < 2:
            raise _broken(f"The operator '{name}' needs at least two expressions.")
        return _all_of(parts) if name == "and" else _any_of(parts)
    target = find(_field_name(node))
    if name in ("isnull", "isnotnull"):
        return _null(target, wanted=name == "isnull")
    return _comparison(name, target, [_text(value) for value in node.iterfind("value")], fold)


def _comparison(name: str, target: Field, texts: list[str], fold: bool) -> Filter:
    fold = fold and target.kind in ("TEXT", "ENUM")
    get = _folded(target.get) if fold else target.get
    if name in ("like", "notlike"):
        return Filter(_like(get, _one(name, texts), wanted=name == "like", fold=fold))
    values = [_value(target, text.casefold() if fold else text) for text in texts]
    if name in _COMPARE:
        return _hinted(name, target, _compare(get, _COMPARE[name], _one(name, values)), values, fold)
    if name == "between":
        if len(values) != 2:
            raise _broken("The operator 'between' needs exactly two values.")
        return _hinted(name, target, _between(get, values[0], values[1]), values, fold)
    if name in ("in", "notin"):
        if not 1 <= len(values) <= MAX_IN_VALUES:
            raise _broken(f"The operator '{name}' takes 1 to {MAX_IN_VALUES} values; found {len(values)}.")
        return _hinted(name, target, _member(get, frozenset(values), wanted=name == "in"), values, fold)
    raise _broken(f"'{name}' is not an operator.")


def _hinted(name: str, target: Field, accepts: Predicate, values: list[Any], fold: bool) -> Filter:
    if name in ("equalto", "in") and target.attribute not in ("", "modified_at") and not fold:
        return Filter(accepts, among={target.attribute: list(dict.fromkeys(values))})
    if name not in ("greaterthan", "greaterthanorequalto", "equalto", "between") or target.attribute not in ORDERED:
        return Filter(accepts)
    low = values[0] + 1 if name == "greaterthan" else values[0]
    sure = {target.attribute: low - 1} if name.startswith("greater") else {}
    return Filter(accepts, low={target.attribute: low}, sure=sure)


def _all_of(parts: list[Filter]) -> Filter:
    tests = [part.accepts for part in parts]
    among: dict[str, list[Any]] = {}
    for part in parts:
        among = part.among or among
    low = _merged([part.low for part in parts], max, everywhere=False)
    sure = _merged([part.sure for part in parts], max, everywhere=True)
    if len(tests) == 2:
        first, second = tests
        return Filter(lambda row: first(row) and second(row), among, low, sure)
    return Filter(lambda row: all(test(row) for test in tests), among, low, sure)


def _any_of(parts: list[Filter]) -> Filter:
    tests = [part.accepts for part in parts]
    attributes = {attribute for part in parts for attribute in part.among}
    # A long list of keys comes as several `in` under one `or`.
    is_list = len(attributes) == 1 and all(part.among for part in parts)
    among = {name: _distinct(part.among[name] for part in parts) for name in attributes} if is_list else {}
    low = _merged([part.low for part in parts], min, everywhere=True)
    sure = _merged([part.sure for part in parts], min, everywhere=False)
    if len(tests) == 2:
        first, second = tests
        return Filter(lambda row: first(row) or second(row), among, low, sure)
    return Filter(lambda row: any(test(row) for test in tests), among, low, sure)


def _merged(hints: list[dict[str, int]], choose: Callable[[Iterable[int]], int], *, everywhere: bool) -> dict[str, int]:
    """One hint from those of several filters; `everywhere` where it only holds if each of them has it."""
    counted = {name: [hint[name] for hint in hints if name in hint] for name in ORDERED}
    return {name: choose(found) for name, found in counted.items() if found and (len(found) == len(hints) or not everywhere)}


def _distinct(lists: Iterable[list[Any]]) -> list[Any]:
    return list(dict.fromkeys(value for each in lists for value in each))


def _compare(get: Callable[[Any], Any], compare: Callable[[Any, Any], bool], wanted: Any) -> Predicate:
    def accepts(row: Any) -> bool:
        value = get(row)
        return value is not None and value != "" and compare(value, wanted)

    return accepts


def _between(get: Predicate, low: Any, high: Any) -> Predicate:
    def accepts(row: Any) -> bool:
        value: Any = get(row)
        return not is_null(value) and low <= value <= high

    return accepts


def _member(get: Predicate, values: frozenset[Any], *, wanted: bool) -> Predicate:
    def accepts(row: Any) -> bool:
        value = get(row)
        return not is_null(value) and (value in values) is wanted

    return accepts


def _like(get: Predicate, pattern: str, *, wanted: bool, fold: bool) -> Predicate:
    parts = (".*" if char == "%" else "." if char == "_" else re.escape(char) for char in pattern)
    match = re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if fold else 0)).fullmatch

    def accepts(row: Any) -> bool:
        value = get(row)
        return not is_null(value) and bool(match(str(value))) is wanted

    return accepts


def _null(target: Field, *, wanted: bool) -> Filter:
    is_ordered = not wanted and target.attribute in ORDERED
    low, sure = ({target.attribute: 0}, {target.attribute: -1}) if is_ordered else ({}, {})
    return Filter(lambda row: is_null(target.get(row)) is wanted, low=low, sure=sure)


def _folded(get: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def value(row: Any) -> Any:
        found = get(row)
        return found.casefold() if isinstance(found, str) else found

    return value


def _value(target: Field, text: str) -> Any:
    try:
        value = target.parse(text)
    except ValueError as error:
        raise bad_value(target.name, text, str(error)) from error
    # Some "text" fields of Intacct hold numbers; compare them as they are stored.
    return int(value) if target.name == "VENDORKEY" and text.isdigit() else value


def _field_name(node: etree._Element) -> str:
    name = _text(node.find("field"))
    if not name:
        raise _broken(f"The operator '{node.tag}' names no field.")
    return name


def _one(name: str, values: list[Any]) -> Any:
    if len(values) != 1:
        raise _broken(f"The operator '{name}' takes one value; found {len(values)}.")
    return values[0]


def _text(element: etree._Element | None) -> str:
    return (element.text or "").strip() if element is not None else ""


def _broken(said: str) -> Failure:
    return Failure("XL03000003", "Query Failed", f"{said} {support_id()}", "Correct the query and try again.")
