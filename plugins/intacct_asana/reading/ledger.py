"""Every bill of the company, read as headers from a cursor of its own: what changed, what is asked for by its number.

Where nothing changed this is one call. The walk goes by record number, so that one call has bills without a change time, too;
what changes behind a walk of several pages is read by the next one, which looks back further than a walk takes. The fields that
the company has are kept with the cursor for a day, because asking for them is a call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from intacct_asana.control_ports import BillHeaders
from intacct_asana.flow.model import BillScope
from intacct_asana.reading.late import EVERY, LookBack
from intacct_asana.records import Bill, Unread

Kept = TypeVar("Kept")
LEDGER = "controls_ledger"
"""The cursor's name."""
CHANGED, MADE = "changed", "made"
FIELDS_AGAIN = SWEEP_AGAIN = timedelta(days=1)
A_DAY = timedelta(days=1)
"""Bills are dated without a time, and when one was made may be told in another zone than when it was changed."""


@dataclass(slots=True, kw_only=True)
class Read(Generic[Kept]):
    """What a run read: each bill once, as it was read last. `gone` were asked for by their numbers and did not come."""

    bills: dict[str, Kept] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    unread: dict[str, Unread] = field(default_factory=dict)
    cursor: str = ""


class LedgerReading(Generic[Kept]):
    """One run's reading. `kept` is the cursor, None where none was ever saved; `form` is what the rows were made by.

    Everything of the last `days` days is read at first, and again where the flow looks further back or likens otherwise.
    `keep` makes of a bill what is kept of it.
    """

    def __init__(
        self,
        books: BillHeaders,
        *,
        scope: BillScope,
        kept: str | None,
        form: str,
        days: int,
        now: datetime,
        keep: Callable[[Bill], Kept],
    ) -> None:
        self.books, self.days, self.now, self.keep = books, days, now, keep
        told: dict[str, Any] = json.loads(kept) if kept else {}
        self.is_first = told.get("form") != form or int(told.get("days", 0)) < days
        self.kept: dict[str, Any] = {} if self.is_first else told
        self.told: dict[str, object] = {"form": form, "days": days}
        self.back = LookBack(scope, kept=self.kept.get, texts=books, now=now)
        self.read: Read[Kept] = Read()
        self._numbers = set[str]()
        self._newest: dict[str, set[str]] = {CHANGED: set(), MADE: set()}

    @property
    def owed(self) -> frozenset[str]:
        """Numbers of bills that could not be read."""
        return frozenset(self.kept.get("owed", ()))

    @property
    def sweeps(self) -> bool:
        """Whether the bills of open concerns are due to be asked for, since nothing here tells that one was deleted."""
        return self._is_due("swept", SWEEP_AGAIN)

    def everything(self, again: Callable[[Collection[str]], Collection[str]]) -> Read[Kept]:
        """Reads what is due. `again` says, given the numbers that came, which others to ask for."""
        fields = self._fields()
        stood = self._first(fields) if self.is_first else self._changes(fields)
        wanted = ({*again(self._numbers)} | self.owed) - self._numbers - self.read.unread.keys()
        if wanted:
            before = {*self._numbers}
            self._take(self.books.bill_headers_again(fields, sorted(wanted), unread=self._unread))
            self.read.gone = wanted - (self._numbers - before) - self.read.unread.keys()
        looked = self.back.made_all(stood) if self.is_first else self.back.made(self._stood)
        wide = {name: self.kept[name] for name in EVERY if name in self.kept}
        moved = {**self.told, **wide, **looked, **stood, "owed": sorted(self.read.unread)}
        self.read.cursor = json.dumps({**moved, **self._seen_to(fields)}, sort_keys=True)
        return self.read

    def _first(self, fields: Sequence[str]) -> dict[str, str]:
        """The cursors are where each stream stood before the first page."""
        trails = self.books.trails
        stood = {CHANGED: trails.newest_change("bill"), MADE: trails.newest_creation("bill")}
        since = self.now - timedelta(days=self.days) - A_DAY
        self._take(self.books.bill_headers_of_days(fields, since=since, unread=self._unread))
        return stood

    def _changes(self, fields: Sequence[str]) -> dict[str, str]:
        since = {stream: self.back.begin(stream, self.kept.get(stream, "")) for stream in (CHANGED, MADE)}
        pages = self.books.bill_headers(fields, since_text=since[CHANGED], created_since_text=since[MADE], unread=self._unread)
        self._take(pages)
        for one in self.read.unread.values():
            self._note_times(one)
        return {stream: self.books.latest([self.kept.get(stream, ""), *self._newest[stream]]) for stream in (CHANGED, MADE)}

    def _note_times(self, one: Bill | Unread) -> None:
        if one.modified_at_text:
            self._newest[CHANGED].add(one.modified_at_text)
        elif one.created_at_text:
            self._newest[MADE].add(one.created_at_text)

    def _take(self, pages: Iterable[list[Bill]]) -> None:
        for page in pages:
            for bill in page:
                self._numbers.add(bill.record_no)
                self._note_times(bill)
                self.read.bills[bill.bill_key] = self.keep(bill)

    def _unread(self, one: Unread) -> None:
        self.read.unread[one.record_no] = one

    def _fields(self) -> tuple[str, ...]:
        if self._is_due("fields_at", FIELDS_AGAIN):
            return self.books.header_fields()
        return tuple(self.kept["fields"])

    def _is_due(self, name: str, every: timedelta) -> bool:
        """A clock that was ahead once must not put it off for ever."""
        at = self.kept.get(name)
        return not at or not timedelta(0) <= self.now - datetime.fromisoformat(at) < every

    @property
    def _stood(self) -> dict[str, str | None]:
        return {stream: self.kept.get(stream) for stream in (CHANGED, MADE)}

    def _seen_to(self, fields: Sequence[str]) -> dict[str, object]:
        now = self.now.isoformat()
        fresh = self._is_due("fields_at", FIELDS_AGAIN)
        asked: dict[str, object] = {"fields": list(fields), "fields_at": now if fresh else self.kept["fields_at"]}
        return {**asked, "swept": now if self.sweeps else self.kept["swept"]}


def without_fields(cursor: str | None) -> str:
    """The cursor that has the next run ask for the fields anew: one of them may be gone from the company."""
    told: dict[str, Any] = json.loads(cursor) if cursor else {}
    return json.dumps({**told, "fields_at": ""}, sort_keys=True)
