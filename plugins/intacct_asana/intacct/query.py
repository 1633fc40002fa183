"""The `query` function: filters as values, and keyset steps that never skip or repeat a row for a moving set.

Source: https://developer.intacct.com/web-services/queries/
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from intacct_asana.intacct.timestamps import day_text
from intacct_asana.intacct.xml import Element, element

MOST_ROWS = 2000
MOST_VALUES = 1000


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a field: `equalto`, `greaterthan`, `in`, `isnull`..."""

    operator: str
    field: str
    values: tuple[str, ...] = ()

    def element(self) -> Element:
        return element(self.operator, element("field", self.field), *(element("value", value) for value in self.values))


@dataclass(frozen=True, slots=True)
class Group:
    """`and` or `or` over at least two filters, as the schema demands."""

    operator: Literal["and", "or"]
    members: tuple[Filter, ...]

    def element(self) -> Element:
        return element(self.operator, *(member.element() for member in self.members))


Filter = Condition | Group


def equal(field: str, value: str) -> Filter:
    return Condition("equalto", field, (value,))


def more_than(field: str, value: str) -> Filter:
    return Condition("greaterthan", field, (value,))


def at_least(field: str, value: str) -> Filter:
    return Condition("greaterthanorequalto", field, (value,))


def less_than(field: str, value: str) -> Filter:
    return Condition("lessthan", field, (value,))


def on_or_after(field: str, day: date) -> Filter:
    return at_least(field, day_text(day))


def is_null(field: str) -> Filter:
    return Condition("isnull", field)


def is_known(field: str) -> Filter:
    return Condition("isnotnull", field)


def one_of(field: str, values: Sequence[str]) -> Filter:
    """`in`, split where there are more values than one `in` may hold. `values` must not be empty."""
    parts = [tuple(values[start : start + MOST_VALUES]) for start in range(0, len(values), MOST_VALUES)]
    return _joined("or", [Condition("in", field, part) for part in parts])


def all_of(*filters: Filter) -> Filter:
    return _joined("and", filters)


def any_of(*filters: Filter) -> Filter:
    return _joined("or", filters)


def _joined(operator: Literal["and", "or"], filters: Sequence[Filter]) -> Filter:
    """One filter is itself: a group of one is against the schema."""
    return filters[0] if len(filters) == 1 else Group(operator, tuple(filters))


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One page of rows. Without `where` every row; `order_by` is ascending unless the newest come first.

    `show_private` is for top-level sessions.
    """

    object_name: str
    select: tuple[str, ...]
    where: Filter | None = None
    order_by: tuple[str, ...] = ("RECORDNO",)
    descending: bool = False
    page_size: int = 100
    show_private: bool = False

    def element(self) -> Element:
        parts = [
            element("object", self.object_name),
            element("select", *(element("field", name) for name in self.select)),
        ]
        if self.where:
            parts.append(element("filter", self.where.element()))
        way = "descending" if self.descending else "ascending"
        ordered = (element("order", element("field", name), element(way)) for name in self.order_by)
        parts.append(element("orderby", *ordered))
        if self.show_private:
            parts.append(element("options", element("showprivate", "true")))
        parts.append(element("pagesize", str(max(1, min(self.page_size, MOST_ROWS)))))
        return element("query", *parts)
