"""What a run reads of Intacct, decided from how it was started: what changed, and what only something else tells of.

An incremental run asks several streams, each from a cursor of its own: changed records, new records without a change time,
changed lines, payments, deletions. The streams that only name a record are asked first and the record itself is read after
them, so that what is read is never older than what a cursor says was seen. A name is a hint, the record as it is now the truth.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from types import MappingProxyType
from typing import Any, ClassVar

import pendulum

from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.flow.model import BillScope, Flow, VendorScope
from intacct_asana.ports import FollowedBooks, FollowedStore
from intacct_asana.reading.late import EVERY, Answers, LookBack
from intacct_asana.records import Bill, Link, ReadWindow, Unread, Vendor
from intacct_asana.sync import Progress, open_writes, parts_of
from intacct_asana.vendors import NamedPeople, vendor_id_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """`window` goes to Intacct. Only a reading with `moves_cursor` may save a new cursor when all its work is done.

    `compares_all` means that every record was asked for, so the board is listed too and differences there are healed.
    """

    window: ReadWindow
    moves_cursor: bool
    compares_all: bool
    why: str


def reading_of(
    params: Mapping[str, Any],
    *,
    run_type: str,
    interval: tuple[datetime, datetime] | None,
    since_text: str,
    scope: ReadWindow,
) -> Reading:
    """How this run reads: the one rule for scheduled, manual, window and backfill runs.

    `since_text` is the cursor less the look-back, in the server's own text; empty when no cursor is known, and then
    everything is read. Narrowed and windowed runs never move the cursor.
    """
    vendors = tuple(str(vendor) for vendor in params.get("vendor_ids") or ())
    bills = tuple(str(number) for number in params.get("bill_numbers") or ())
    narrowed = replace(scope, vendor_ids=vendors, bill_numbers=bills)
    if run_type == "backfill":
        if not interval:
            raise Misconfigured("A backfill run came without a data interval; give its DAG a cron schedule.")
        window = replace(narrowed, modified_from=interval[0], modified_to=interval[1])
        return Reading(window=window, moves_cursor=False, compares_all=False, why="backfill of its data interval")
    if since := params.get("since"):
        window = replace(narrowed, modified_from=_instant(since))
        return Reading(window=window, moves_cursor=False, compares_all=False, why=f"what changed since {since}")
    if vendors or bills:
        return Reading(window=narrowed, moves_cursor=False, compares_all=False, why="the named vendors or bills")
    if params.get("full") or not since_text:
        why = "everything, as asked" if params.get("full") else "everything, because no cursor is known"
        return Reading(window=scope, moves_cursor=True, compares_all=True, why=why)
    window = replace(scope, since_text=since_text)
    return Reading(window=window, moves_cursor=True, compares_all=False, why=f"what changed since {since_text}")


def _instant(text: str) -> datetime:
    try:
        parsed = pendulum.parse(str(text))
    except ValueError as error:
        raise Misconfigured(f"Changed since (since): {text!r} is not a date and time such as 2026-11-23T08:00:00Z.") from error
    if not isinstance(parsed, pendulum.DateTime):
        raise Misconfigured(f"Changed since (since): {text!r} is not a date and time such as 2026-11-23T08:00:00Z.")
    return parsed.in_timezone("UTC")


log = logging.getLogger(__name__)

CHANGED, CREATED, LINES, LINES_CREATED = "", "created", "lines", "lines_created"
PAYMENTS, PAYMENTS_CREATED = "payments", "payments_created"
DELETIONS, SWEPT, NAMED, FILES, OWED, ANSWERS = "deletions", "swept", "named", "files", "owed", "answers"
"""Streams. Three are none of Intacct's but go by our own clock: `SWEPT` is when every open task's record was last read, `NAMED`
up to when we know whom vendors name, `FILES` when all files of open bills were read, whatever was known of them. `OWED` are the
numbers of records that the cursors passed and that are still to be written, because something of them could not be read or had
no place in Asana. `ANSWERS` are those that looking back found again and need not read into any more (`late.Answers`)."""

FILES_AGAIN = timedelta(days=1)

NAMED_AGAIN = timedelta(minutes=2)
"""Whom vendors named so shortly ago is looked at again: another run may have been about to save it."""

GONE = "it was deleted in Intacct, or this integration may no longer see it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Records by key, linked keys whose record is gone (with the reason), and where each stream ends now.

    `unread` came and could not be read: they are neither among the records nor gone. `swept` says that every record with an
    open task was asked for. `deletions` tells people how deletions were found. `files_anew` says that what hangs on them has to
    be read too, since nothing tells that it was replaced.
    """

    records: MutableMapping[str, Any]
    gone: Mapping[str, str] = field(default_factory=dict)
    cursors: Mapping[str, str] = field(default_factory=dict)
    swept: bool = False
    deletions: str = "not looked for"
    files_anew: bool = False
    unread: tuple[Unread, ...] = ()


def bill_window(scope: BillScope) -> ReadWindow:
    """The bills of a flow, whatever their states."""
    return ReadWindow(entity_ids=tuple(scope.entities), bill_date_from=scope.bill_date_from)


def cursor_name(flow: Flow, kind: str, stream: str) -> str:
    """A cursor belongs to one way of projecting: a changed mapping starts with a full pass."""
    return f"{kind}{stream and f'_{stream}'}:{flow.fingerprint(kind)}"


class Follower:
    """Follows one kind of record for one flow. `known` holds the cursors by stream; None where none was ever saved.

    `now` gives aware UTC instants. `keeps` makes the mapping in which records wait, so that many need not be in memory.
    """

    kind: ClassVar[str]
    required: ClassVar[tuple[str, ...]] = (CHANGED, CREATED)

    def __init__(
        self,
        flow: Flow,
        *,
        books: FollowedBooks,
        store: FollowedStore,
        now: Callable[[], datetime],
        keeps: Callable[[], MutableMapping[str, Any]] = dict,
    ) -> None:
        self.flow, self.books, self.store, self.keeps = flow, books, store, keeps
        self.people = NamedPeople(flow)
        self.clock, self.now = now, now()
        streams = (*self.required, DELETIONS, SWEPT, NAMED, FILES, OWED, ANSWERS, *EVERY)
        names = {stream: self.cursor_name(stream) for stream in streams}
        stood = store.cursors(names.values())
        self.known = {stream: stood[name] for stream, name in names.items()}
        self.back = LookBack(flow.bills, kept=self.known.get, texts=books, now=self.now)
        self.answers = Answers(self.known[ANSWERS], back=self.back, clock=now)
        self.unread: dict[str, Unread] = {}
        """By record number, what came and could not be read."""

    def cursor_name(self, stream: str) -> str:
        return cursor_name(self.flow, self.kind, stream)

    def since_text(self, stream: str) -> str:
        """A stream's cursor less the look-back; empty when the stream had not begun, and then it is read from its beginning."""
        return self.back.begin(stream, self.known[stream] or "")

    @property
    def _stood(self) -> dict[str, str | None]:
        return {stream: self.known[stream] for stream in (*self.required, DELETIONS)}

    @property
    def knows_its_place(self) -> bool:
        """False when any cursor is lost: then everything is read, so that a lost cursor is never a loss."""
        return bool(self.known[CHANGED]) and all(self.known[stream] is not None for stream in self.required)

    # Three ways to look.

    def just(self, window: ReadWindow) -> Sight:
        """What a window or a narrowed run asks for, and nothing else. Moves no cursor."""
        return self._sight(self._by_key(self.read(window)))

    def everything(self, window: ReadWindow) -> Sight:
        """A full pass. Its cursors are where each stream stood before the first page."""
        cursors: dict[str, str] = {**self.beginnings()}
        if self._asks_the_audit:
            cursors |= self._end_of_the_audit()
        cursors |= {**self.back.made_all(cursors), SWEPT: self.now.isoformat(), ANSWERS: ""}
        records = self._by_key(self.read(window))
        # What a listing does not hold may be left out of it only: it counts as gone when it does not come by its number.
        links = self.store.links(self.kind)
        missing = {key: link for key, link in links.of(links.keys_but(records)).items() if _is_open(link)}
        again = self.again({link.record_no for link in missing.values()} | self.owed - self.unread.keys())
        records = self._by_key(again, into=records)
        records = self._by_key(self.made_anew(missing.keys() - records.keys()), into=records)
        return self._sight(records, cursors=cursors, deletions="by this full pass, and by asking for what it did not bring")

    def changes(self, window: ReadWindow) -> Sight:
        """What happened since the cursors."""
        named, cursors = self.named_by_others()
        suspects, told_cursors, told = self._suspects()
        main = self._by_key(self.news(replace(window, created_since_text=self.since_text(CREATED))))
        own = self._own_cursors(chain(main.values(), self.unread.values()))
        cursors |= told_cursors | own | self.back.made(self._stood) | {ANSWERS: self.answers.text}
        seen = {record.record_no for record in main.values()} | self.unread.keys()
        unsure = parts_of(open_writes(self.store.intents(), self.kind))
        doubted = {link.record_no for link in self.store.links(self.kind).of(unsure.keys()).values()}
        suspected = {link.record_no for link in suspects.values()}
        records = self._by_key(self.again((named | doubted | suspected | self.owed) - seen), into=main)
        missing = suspects.keys() - records.keys()
        records = self._by_key(self.made_anew(missing), into=records)
        gone = dict.fromkeys(missing - records.keys(), GONE)
        return self._sight(records, gone=gone, cursors=cursors, swept=SWEPT in cursors, deletions=told)

    @property
    def owed(self) -> frozenset[str]:
        """Numbers of records that an earlier run could not write and that no cursor brings again."""
        return frozenset(json.loads(self.known[OWED] or "[]"))

    def tell_unread(self, one: Unread) -> None:
        self.unread[one.record_no] = one

    def _sight(
        self, records: MutableMapping[str, Any], *, gone: Mapping[str, str] = MappingProxyType({}), **more: Any
    ) -> Sight:
        """A record that could not be read at one time of two is not believed the other time either: it changed meanwhile."""
        unread = tuple(self.unread.values())
        is_unread = {one.key for one in unread} | {
            key for key, link in self.store.links(self.kind).by_record_no(self.unread.keys()).items()
        }
        out = [key for key, one in records.items() if key in is_unread or one.record_no in self.unread] if self.unread else []
        for key in out:
            del records[key]
        return Sight(
            records=records, gone={key: why for key, why in gone.items() if key not in is_unread}, unread=unread, **more
        )

    # Deletions.

    @property
    def _asks_the_audit(self) -> bool:
        return self.scope.deletions == "audit"

    @property
    def _sweep_is_due(self) -> bool:
        swept = self.known[SWEPT]
        every = timedelta(hours=self.scope.sweep_hours)
        return not swept or self.now - datetime.fromisoformat(swept) >= every

    def _suspects(self) -> tuple[Mapping[str, Link], dict[str, str], str]:
        """Links whose record may be gone, the cursors that are reached when all of them were asked for, and how."""
        if self.scope.deletions == "full_pass":
            return {}, {}, "by full passes only"
        links, cursors, told = self._told_by_the_audit() if self._asks_the_audit else ({}, {}, "")
        # The history can be read now, and nobody knows since when: what was deleted until now is in the records only.
        begins = DELETIONS in cursors and self.known[DELETIONS] is None
        if not (self._sweep_is_due or begins):
            hours = f"every {self.scope.sweep_hours} hours" if self.scope.sweep_hours else "in every run"
            return links, cursors, told or f"by asking for every open task's record {hours}"
        swept = {key: link for key, link in self.store.links(self.kind).all().items() if _is_open(link)}
        also = f"by asking for the records of {len(swept)} open tasks"
        return {**links, **swept}, cursors | {SWEPT: self.now.isoformat()}, f"{told}, and {also}" if told else also

    def _told_by_the_audit(self) -> tuple[Mapping[str, Link], dict[str, str], str]:
        """A history that may not be read, or does not answer, is no failure: asking for the records covers for it."""
        if self.known[DELETIONS] is None:
            return {}, self._end_of_the_audit(), ""
        try:
            trail = self.books.trails.deletions(self.kind, since_text=self.since_text(DELETIONS))
        except IntacctAsanaError as error:
            log.warning("The audit history cannot be read: %s", error.message)
            return {}, {}, ""
        links = {key: link for key, link in self.linked(trail.keys).items() if _is_open(link)}
        newest = self.books.latest([self.known[DELETIONS] or "", trail.newest_text])
        return links, {DELETIONS: newest}, "by the audit history"

    def _end_of_the_audit(self) -> dict[str, str]:
        """Where deletions stand now, for a run that asks for every open task's record anyway."""
        try:
            return {DELETIONS: self.books.trails.newest_deletion(self.kind)}
        except IntacctAsanaError as error:
            log.warning("The audit history cannot be read: %s", error.message)
            return {}

    # Small parts.

    def _own_cursors(self, records: Iterable[Any]) -> dict[str, str]:
        """From what was read by time alone: a record read by its number may be newer than others that were not read."""
        texts: dict[str, dict[str, None]] = {stream: {self.known[stream] or "": None} for stream in (CHANGED, CREATED)}
        for record in records:
            stream = CHANGED if record.modified_at_text else CREATED
            texts[stream][record.modified_at_text or record.created_at_text] = None
        return {stream: self.books.latest([*each]) for stream, each in texts.items()}

    def _by_key(self, pages: Iterable[list[Any]], *, into: MutableMapping[str, Any] | None = None) -> MutableMapping[str, Any]:
        """Records of all pages, beside and over those that are there."""
        found: MutableMapping[str, Any] = self.keeps() if into is None else into
        progress = Progress(f"{self.kind}s read", total=None, now=self.clock, say=log.info)
        for page in pages:
            found.update((self.key_of(record), record) for record in page)
            progress.note(len(found))
        return found

    # What differs between bills and vendors.

    @property
    def scope(self) -> BillScope | VendorScope:
        raise NotImplementedError

    @property
    def window(self) -> ReadWindow:
        """What a full pass reads."""
        raise NotImplementedError

    def key_of(self, record: Any) -> str:
        raise NotImplementedError

    def read(self, window: ReadWindow) -> Iterator[list[Any]]:
        raise NotImplementedError

    def news(self, window: ReadWindow) -> Iterator[list[Any]]:
        """The records of a window since the cursors, but those that looking back found again as they are known."""
        return self.read(window)

    def again(self, record_nos: Collection[str]) -> Iterator[list[Any]]:
        raise NotImplementedError

    def made_anew(self, keys: Collection[str]) -> Iterator[list[Any]]:
        yield from ()

    def linked(self, deleted: Collection[str]) -> Mapping[str, Link]:
        """The links of what the audit history calls deleted."""
        raise NotImplementedError

    def beginnings(self) -> Mapping[str, str]:
        """Where each required stream stands now."""
        trails = self.books.trails
        return {CHANGED: trails.newest_change(self.kind), CREATED: trails.newest_creation(self.kind)}

    def named_by_others(self) -> tuple[frozenset[str], dict[str, str]]:
        """Record numbers to read again because something else changed that belongs to them, and those streams' cursors."""
        return frozenset(), {}


class BillFollower(Follower):
    """Bills: their lines and payments count, and Purchasing makes some of them anew under other record numbers."""

    kind = "bill"
    required = (CHANGED, CREATED, LINES, LINES_CREATED, PAYMENTS, PAYMENTS_CREATED)

    @property
    def scope(self) -> BillScope:
        return self.flow.bills

    @property
    def window(self) -> ReadWindow:
        return bill_window(self.scope)

    def key_of(self, record: Bill) -> str:
        return record.bill_key

    def changes(self, window: ReadWindow) -> Sight:
        """A bill whose day moved out of the flow's scope has changed too, so days are not asked for here.

        Bills of vendors that name another person now come too: their tasks are to be given to that person.
        """
        sight = self._with_files(super().changes(replace(window, bill_date_from=None)))
        vendor_ids = self._vendors_naming_another()
        if vendor_ids is None:
            return sight
        window = replace(self.window, vendor_ids=vendor_ids)
        theirs = self._by_key(self.books.bills(window, unread=self.tell_unread) if vendor_ids else ())
        for key, record in sight.records.items():
            theirs[key] = record
        cursors = {**sight.cursors, NAMED: self._named_until()}
        both = self._sight(theirs, gone=sight.gone, cursors=cursors)
        return replace(both, swept=sight.swept, deletions=sight.deletions, files_anew=sight.files_anew)

    def everything(self, window: ReadWindow) -> Sight:
        sight = self._with_files(super().everything(window))
        if not self.people.asked:
            return sight
        return replace(sight, cursors={**sight.cursors, NAMED: self._named_until()})

    def _with_files(self, sight: Sight) -> Sight:
        """Once a day, of a run that asked for every open task's record anyway."""
        known = self.known[FILES]
        is_due = not known or self.now - datetime.fromisoformat(known) >= FILES_AGAIN
        if SWEPT not in sight.cursors or self.scope.attachments != "file" or not is_due:
            return sight
        return replace(sight, cursors={**sight.cursors, FILES: self.now.isoformat()}, files_anew=True)

    def _vendors_naming_another(self) -> tuple[str, ...] | None:
        """Ids of vendors whose person may have changed since the last run; None where the flow does not ask vendors."""
        if not self.people.asked:
            return None
        known = self.known[NAMED]
        changed = self.store.vendor_values().changed_since(datetime.fromisoformat(known) if known else None)
        return tuple(sorted({vendor_id_of(key) for key in self.people.emails(changed)}))

    def _named_until(self) -> str:
        return (self.now - NAMED_AGAIN).isoformat()

    def read(self, window: ReadWindow) -> Iterator[list[Bill]]:
        return self.books.bills(window, page_size=self.scope.page_size, unread=self.tell_unread)

    def news(self, window: ReadWindow) -> Iterator[list[Bill]]:
        page_size, knows = self.scope.page_size, self.answers.knows
        return self.books.bills(window, page_size=page_size, unread=self.tell_unread, knows=knows)

    def again(self, record_nos: Collection[str]) -> Iterator[list[Bill]]:
        return self.books.bills_again(record_nos, unread=self.tell_unread)

    def made_anew(self, keys: Collection[str]) -> Iterator[list[Bill]]:
        return self.books.bills_made_anew(keys, unread=self.tell_unread)

    def linked(self, deleted: Collection[str]) -> Mapping[str, Link]:
        return self.store.links(self.kind).by_record_no(deleted)

    def beginnings(self) -> Mapping[str, str]:
        trails, paid = self.books.trails, self.books.newest_payments()
        return {
            **super().beginnings(),
            LINES: trails.newest_change("line"),
            LINES_CREATED: trails.newest_creation("line"),
            PAYMENTS: paid.newest_text,
            PAYMENTS_CREATED: paid.newest_created_text,
        }

    def named_by_others(self) -> tuple[frozenset[str], dict[str, str]]:
        knows = self.answers.knows
        lines = self.books.trails.lines(
            since_text=self.since_text(LINES), created_since_text=self.since_text(LINES_CREATED), knows=knows
        )
        paid = self.books.bills_with_payment_changes(
            since_text=self.since_text(PAYMENTS), created_since_text=self.since_text(PAYMENTS_CREATED), knows=knows
        )
        newest = {
            LINES: lines.newest_text,
            LINES_CREATED: lines.newest_created_text,
            PAYMENTS: paid.newest_text,
            PAYMENTS_CREATED: paid.newest_created_text,
        }
        cursors = {stream: self.books.latest([self.known[stream] or "", text]) for stream, text in newest.items()}
        return lines.keys | paid.keys, cursors


class VendorFollower(Follower):
    """Vendors: no lines, and the audit history calls them by their id."""

    kind = "vendor"

    @property
    def scope(self) -> VendorScope:
        return self.flow.vendors

    @property
    def window(self) -> ReadWindow:
        return ReadWindow()

    def key_of(self, record: Vendor) -> str:
        return record.vendor_key

    def read(self, window: ReadWindow) -> Iterator[list[Vendor]]:
        return self.books.vendors(window, unread=self.tell_unread)

    def again(self, record_nos: Collection[str]) -> Iterator[list[Vendor]]:
        return self.books.vendors_again(record_nos, unread=self.tell_unread)

    def linked(self, deleted: Collection[str]) -> Mapping[str, Link]:
        return self.store.links(self.kind).of(deleted)


def _is_open(link: Link) -> bool:
    return not (link.confirmed and link.confirmed.completed)
