"""A table of rows by RECORDNO, with indexes that are made when first needed and kept current from then on."""

from __future__ import annotations

import copy
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

Undo = Callable[[], None]


class Rows(Sequence[Any]):
    """A stretch of an index, looked up row by row: a page of 200,000 rows costs a page."""

    def __init__(self, rows: dict[int, Any], keys: list[Any], start: int, end: int) -> None:
        self.rows, self.keys, self.start, self.end = rows, keys, start, max(start, end)

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, at: Any) -> Any:
        wanted = range(self.start, self.end)[at]
        if isinstance(wanted, int):
            return self._row(self.keys[wanted])
        return [self._row(self.keys[each]) for each in wanted]

    def __iter__(self) -> Iterator[Any]:
        return iter(self[:])

    def _row(self, key: Any) -> Any:
        return self.rows[key[1] if isinstance(key, tuple) else key]


class Table:
    """Rows by `record_no`. Every change of a row goes through `edit`, so that indexes and the undo log stay right."""

    def __init__(self, *, grouped_by: Iterable[str] = ()) -> None:
        self.rows: dict[int, Any] = {}
        self.undo_log: list[Undo] | None = None
        self._groups: dict[str, dict[Any, dict[int, Any]] | None] = dict.fromkeys(grouped_by)
        self._by_change: list[tuple[int, int]] | None = None
        self._is_sorted, self._highest = True, 0

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows.values())

    def get(self, record_no: int) -> Any:
        return self.rows.get(record_no)

    def add(self, row: Any) -> Any:
        self._log(lambda: self.remove(row))
        # Numbers only grow, but for rows that come back because something was undone.
        self._is_sorted = self._is_sorted and row.record_no >= self._highest
        self._highest = max(self._highest, row.record_no)
        self.rows[row.record_no] = row
        self._index(row)
        return row

    def remove(self, row: Any) -> None:
        self._log(lambda: self.add(row))
        self._unindex(row)
        del self.rows[row.record_no]

    def edit(self, row: Any, **changes: Any) -> None:
        """Set attributes of a row. Mutable attributes are replaced, never changed in place, so that undo works."""
        before = {name: copy.copy(getattr(row, name)) for name in changes}
        self._log(lambda: self.edit(row, **before))
        self._unindex(row)
        for name, value in changes.items():
            setattr(row, name, value)
        self._index(row)

    def where(self, attribute: str, values: Collection[Any]) -> list[Any]:
        """Rows whose `attribute` is one of `values`, in the order of `values`."""
        if attribute == "record_no":
            return [self.rows[value] for value in values if value in self.rows]
        group = self._group(attribute)
        return [row for value in values for row in group.get(value, {}).values()]

    def is_grouped_by(self, attribute: str) -> bool:
        return attribute == "record_no" or attribute in self._groups

    def ascending(self, attribute: str, low: int | None, sure: int | None) -> tuple[Rows, Rows]:
        """Rows by `attribute` (`modified_at` with ties by RECORDNO, or `record_no`) from `low` on, without nulls.

        In two parts: up to `sure`, and above it. Without `sure` the second part is empty.
        """
        if attribute == "modified_at":
            keys = self._change_order()
            start = 0 if low is None else bisect_left(keys, (low, 0))
            split = len(keys) if sure is None else max(start, bisect_left(keys, (sure + 1, 0)))
            return Rows(self.rows, keys, start, split), Rows(self.rows, keys, split, len(keys))
        numbers = self._numbers()
        start = 0 if low is None else bisect_left(numbers, low)
        split = len(numbers) if sure is None else max(start, bisect_right(numbers, sure))
        return Rows(self.rows, numbers, start, split), Rows(self.rows, numbers, split, len(numbers))

    def _numbers(self) -> list[int]:
        if not self._is_sorted:
            self.rows = dict(sorted(self.rows.items()))
            self._is_sorted = True
        return list(self.rows)

    def _group(self, attribute: str) -> dict[Any, dict[int, Any]]:
        group = self._groups[attribute]
        if group is None:
            group = self._groups[attribute] = {}
            for row in self.rows.values():
                group.setdefault(getattr(row, attribute), {})[row.record_no] = row
        return group

    def _change_order(self) -> list[tuple[int, int]]:
        if self._by_change is None:
            self._by_change = sorted((row.modified_at, row.record_no) for row in self if row.modified_at is not None)
        return self._by_change

    def _index(self, row: Any) -> None:
        for attribute, group in self._groups.items():
            if group is not None:
                group.setdefault(getattr(row, attribute), {})[row.record_no] = row
        if self._by_change is not None and row.modified_at is not None:
            insort(self._by_change, (row.modified_at, row.record_no))

    def _unindex(self, row: Any) -> None:
        for attribute, group in self._groups.items():
            if group is not None:
                group.get(getattr(row, attribute), {}).pop(row.record_no, None)
        if self._by_change is not None and row.modified_at is not None:
            entry = (row.modified_at, row.record_no)
            at = bisect_left(self._by_change, entry)
            if at < len(self._by_change) and self._by_change[at] == entry:
                del self._by_change[at]

    def _log(self, undo: Undo) -> None:
        if self.undo_log is not None:
            self.undo_log.append(undo)
