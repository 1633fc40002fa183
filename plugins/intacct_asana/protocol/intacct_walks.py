"""How a reading walks through rows that move while it reads: by keyset, never by offset.

A row that changes during a walk by time moves behind the walk's position and simply comes again, later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intacct_asana.errors import UnexpectedReply
from intacct_asana.protocol.intacct_query import (
    Filter,
    all_of,
    any_of,
    at_least,
    equal,
    is_null,
    less_than,
    more_than,
)
from intacct_asana.protocol.intacct_records import MODIFIED, RECORD_NO
from intacct_asana.protocol.intacct_time import ServerClock
from intacct_asana.records import ReadWindow


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One pass over the rows that `scope` lets through, ordered by (change time, record number) or by record number."""

    scope: tuple[Filter, ...] = ()
    by_time: bool = False

    @property
    def order_by(self) -> tuple[str, ...]:
        return (MODIFIED, RECORD_NO) if self.by_time else (RECORD_NO,)

    def position_of(self, row: Mapping[str, str]) -> tuple[str, ...]:
        """Where the walk stands after `row`, in the server's own texts."""
        return tuple(row.get(name, "") for name in self.order_by)

    def where(self, position: tuple[str, ...] | None) -> Filter | None:
        """The filter of the next page: everything behind `position`, or everything in scope at the start."""
        filters = self.scope if position is None else (*self.scope, self._behind(position))
        return all_of(*filters) if filters else None

    def _behind(self, position: tuple[str, ...]) -> Filter:
        record_no = position[-1]
        if not self.by_time:
            return more_than(RECORD_NO, record_no)
        time = position[0]
        return any_of(more_than(MODIFIED, time), all_of(equal(MODIFIED, time), more_than(RECORD_NO, record_no)))

    def step(self, before: tuple[str, ...] | None, rows: list[dict[str, str]], *, asked: str) -> tuple[str, ...]:
        """The position after `rows`. UnexpectedReply when the server did not move on, which would read for ever."""
        after = self.position_of(rows[-1])
        if after == before or not all(after):
            raise UnexpectedReply(f"{asked}: the page after {before} ends at {after}; the order or filter was not obeyed")
        return after


def walks(window: ReadWindow, *, scope: tuple[Filter, ...], clock: ServerClock) -> tuple[Walk, ...]:
    """The walks that together read `window`.

    Rows without a change time (created, never changed) cannot be told apart by time, so every reading by time has a second
    walk over all of them.
    """
    times: list[Filter] = []
    if window.since_text:
        times.append(at_least(MODIFIED, window.since_text))
    if window.modified_from:
        times.append(at_least(MODIFIED, clock.text_of(window.modified_from)))
    if window.modified_to:
        times.append(less_than(MODIFIED, clock.text_of(window.modified_to)))
    if not times:
        return (Walk(scope=scope),)
    return (Walk(scope=(*scope, *times), by_time=True), Walk(scope=(*scope, is_null(MODIFIED))))
