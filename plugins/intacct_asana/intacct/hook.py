"""Intacct as the rest of this project sees it: bills, vendors, users and two careful writes."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import cached_property, partial
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO, cast

from airflow.sdk import BaseHook

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Problem, Refused, UnexpectedReply
from intacct_asana.http import Transport
from intacct_asana.intacct.documents import Function, Sieve, files_of, get_document
from intacct_asana.intacct.errors import UNKNOWN_REQUEST
from intacct_asana.intacct.gateway import Gateway
from intacct_asana.intacct.query import (
    MOST_VALUES,
    Filter,
    Query,
    all_of,
    any_of,
    at_least,
    equal,
    is_known,
    is_null,
    one_of,
)
from intacct_asana.intacct.reading import Reader, Row, Wrong, batches, payments_of_bills, readable
from intacct_asana.intacct.records import (
    BILL,
    CREATED,
    ENTITY,
    MODIFIED,
    RECORD_NO,
    SOURCE_DOCUMENT,
    VENDOR,
    bill_of,
    bill_scope,
    source_document_of,
    unread_bill,
    unread_vendor,
    vendor_of,
    vendor_scope,
)
from intacct_asana.intacct.replies import Reply, user_formatting_of
from intacct_asana.intacct.session import IntacctSettings, hide, settings_of
from intacct_asana.intacct.streams.changes import Trails, changed_payments, new_of, newest_payments
from intacct_asana.intacct.timestamps import format_of, offset_of
from intacct_asana.intacct.walks import Walk, walks
from intacct_asana.intacct.writing import Writes
from intacct_asana.intacct.xml import Element, read_user_formatting
from intacct_asana.ports import KnowsAnswer, TellUnread
from intacct_asana.records import (
    Bill,
    IntacctIdentity,
    IntacctUser,
    ObjectField,
    ReadWindow,
    Trail,
    UserFormatting,
    Vendor,
)
from intacct_asana.records.documents import DocumentFile

log = logging.getLogger(__name__)

IN_MEMORY_BYTES = 1 << 20
"""A file out of Intacct that is larger waits on disk."""

HEADERS = 1000
"""Bills of a page where lines and payments are not read."""

TIMEOUT_SECONDS = 300
"""As long as Intacct's own SDKs wait."""


class IntacctHook(Writes, BaseHook):
    """One Sage Intacct company through its XML gateway, by an Airflow connection of type `intacct`.

    Satisfies `ports.Books`. `custom_fields` and `vendor_custom_fields` are integration ids to read into `custom`. Without
    `reads_payments` bills come without payments and the user needs no right to them. With `show_private` a connection at
    top level sees records of private entities too; one that `rehearses` refuses every write. Every method raises our six
    errors only; limits and outages of reads are waited for within bounds, writes are sent once. `document_function` is the
    documented function that reads attachments, `base_currency` the company's where its bills do not tell it.
    """

    conn_name_attr = "intacct_conn_id"
    default_conn_name = "intacct_default"
    conn_type = "intacct"
    hook_name = "Sage Intacct (XML gateway)"

    def __init__(
        self,
        intacct_conn_id: str = default_conn_name,
        *,
        custom_fields: Sequence[str] = (),
        vendor_custom_fields: Sequence[str] = (),
        reads_payments: bool = True,
        show_private: bool = False,
        base_currency: str = "",
        rehearses: bool = False,
        document_function: Function = "get",
        read_tries: int = 4,
        first_wait_seconds: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.intacct_conn_id = intacct_conn_id
        self.custom_fields = tuple(custom_fields)
        self.vendor_custom_fields = tuple(vendor_custom_fields)
        self.reads_payments = reads_payments
        self.show_private = show_private
        self.base_currency = base_currency
        self.rehearses = rehearses
        self.document_function = document_function
        self.read_tries = read_tries
        self.first_wait_seconds = first_wait_seconds

    @property
    def conn_id(self) -> str:
        return self.intacct_conn_id

    @property
    def read_only(self) -> bool:
        return self.settings.read_only

    @property
    def calls(self) -> Counter[str]:
        """HTTP calls made so far, by kind: `getAPISession`, `query APBILL`, `update APBILL`..."""
        return self.gateway.calls if "gateway" in self.__dict__ else Counter()

    @property
    def billed(self) -> int:
        """Calls so far as Intacct bills them: one for each read, page of a read, and written record."""
        return sum(self.calls.values()) - self.gateway.not_taken_in if self.calls else 0

    @cached_property
    def transport(self) -> Transport:
        return Transport(self.intacct_conn_id, timeout_seconds=TIMEOUT_SECONDS)

    @cached_property
    def settings(self) -> IntacctSettings:
        """The connection, read and checked once. Misconfigured lists everything that is missing."""
        settings = settings_of(self.transport.connection, conn_id=self.intacct_conn_id)
        for secret in settings.secrets:
            hide(secret)
        return settings

    @cached_property
    def gateway(self) -> Gateway:
        return Gateway(self.settings, self.transport, tries=self.read_tries, first_wait_seconds=self.first_wait_seconds)

    @cached_property
    def reader(self) -> Reader:
        custom = {BILL: self.custom_fields, VENDOR: self.vendor_custom_fields}
        return Reader(self.gateway, custom_fields=custom, show_private=self.show_private)

    @cached_property
    def trails(self) -> Trails:
        """Changes that the records' own change times do not tell: of lines, and deletions."""
        return Trails(self.reader, self.settings.clock, company_id=self._company_id)

    # Bills and vendors

    def bills(
        self, window: ReadWindow, *, page_size: int = 500, unread: TellUnread | None = None, knows: KnowsAnswer | None = None
    ) -> Iterator[list[Bill]]:
        """Pages of bills with lines and payments, by record number where one page holds them all or everything is read.

        Else the oldest change comes first, bills without a change time last, and one that changes meanwhile may come twice.
        `unread` is told of each bill with a value that cannot be read, which does not come then; without it that is raised.
        A page whose headers `knows` knows is left out.
        """
        created = CREATED[BILL] if self.trails.has_times(BILL) else ""
        several = walks(window, scope=bill_scope(window), clock=self.settings.clock, created_field=created)
        yield from self._bill_pages(*several, page_size=page_size, unread=unread, knows=knows)

    def bills_again(self, record_nos: Collection[str], *, unread: TellUnread | None = None) -> Iterator[list[Bill]]:
        """Pages of the bills with these record numbers, as they are now; those that are gone do not come."""
        for part in batches(sorted(record_nos), MOST_VALUES):
            yield from self._bill_pages(Walk(scope=(one_of(RECORD_NO, part),)), page_size=MOST_VALUES, unread=unread)

    def bills_made_anew(self, bill_keys: Collection[str], *, unread: TellUnread | None = None) -> Iterator[list[Bill]]:
        """Pages of the bills that Purchasing holds under these keys now, whatever their record numbers are."""
        documents = sorted({document for key in bill_keys if (document := source_document_of(key))})
        for part in batches(documents, MOST_VALUES):
            yield from self._bill_pages(Walk(scope=(one_of(SOURCE_DOCUMENT, part),)), page_size=MOST_VALUES, unread=unread)

    def header_fields(self) -> tuple[str, ...]:
        """Fields of a bill's header that this company has; `lookup` is asked where it was not yet."""
        return tuple(name for name in self.reader.select(BILL) if name not in self.custom_fields)

    def bill_headers(
        self, fields: Sequence[str], *, since_text: str = "", created_since_text: str = "", unread: TellUnread | None = None
    ) -> Iterator[list[Bill]]:
        """Pages of bills without lines and payments that changed, or were made, since these texts (inclusive), in one walk.

        It goes by record number, so that bills without a change time are in it too and a quiet company costs one call. What
        changes behind the walk while it takes several pages is not seen.
        """
        made, new = CREATED[BILL], is_null(MODIFIED)
        if created_since_text and made in fields:
            new = all_of(new, any_of(at_least(made, created_since_text), is_null(made)))
        changed = at_least(MODIFIED, since_text) if since_text else is_known(MODIFIED)
        yield from self._header_pages(Walk(scope=(any_of(changed, new),)), fields, unread)

    def bill_headers_of_days(
        self, fields: Sequence[str], *, since: datetime, unread: TellUnread | None = None
    ) -> Iterator[list[Bill]]:
        """Pages of all bills, without lines and payments, that are dated, were made or were changed since then."""
        text, made = self.settings.clock.lowest_text(since), CREATED[BILL]
        times = [at_least(name, text) for name in (MODIFIED, made) if name in fields]
        yield from self._header_pages(
            Walk(scope=(any_of(*bill_scope(ReadWindow(bill_date_from=since.date())), *times),)), fields, unread
        )

    def bill_headers_again(
        self, fields: Sequence[str], record_nos: Collection[str], *, unread: TellUnread | None = None
    ) -> Iterator[list[Bill]]:
        """Pages of the bills with these record numbers, without lines and payments; those that are gone do not come."""
        for part in batches(sorted(record_nos), MOST_VALUES):
            yield from self._header_pages(Walk(scope=(one_of(RECORD_NO, part),)), fields, unread)

    def _header_pages(self, walk: Walk, fields: Sequence[str], unread: TellUnread | None) -> Iterator[list[Bill]]:
        for rows in self.reader.pages(BILL, walk, page_size=HEADERS, select=tuple(fields)):
            yield readable(rows, self._header, name=partial(unread_bill, company_id=self._company_id), unread=unread)

    def _header(self, row: Row) -> Bill:
        return bill_of(row, company_id=self._company_id, base_currency=self.base_currency)

    def bill(self, record_no: str) -> Bill | None:
        """The bill with its lines and payments as it is now, or None when it is gone."""
        found = self._bills_where(equal(RECORD_NO, record_no))
        if len(found) > 1:
            raise UnexpectedReply(f"Connection {self.conn_id}, bill {record_no}: {len(found)} bills have this record number")
        return found[0] if found else None

    def bills_of_document(self, source_document: str) -> list[Bill]:
        """The bills that Purchasing made from a source document: where a recreated bill is found under its new number."""
        if not source_document:
            return []
        if SOURCE_DOCUMENT not in self.reader.select(BILL):
            raise Misconfigured(
                f"Connection {self.conn_id}: this company's {BILL} has no {SOURCE_DOCUMENT}, so bills cannot be found by it."
            )
        return self._bills_where(equal(SOURCE_DOCUMENT, source_document))

    def vendors(self, window: ReadWindow, *, page_size: int = 500, unread: TellUnread | None = None) -> Iterator[list[Vendor]]:
        """Pages of vendors. Of the window's filters, vendor ids, record numbers and times count; `unread` as for bills."""
        created = CREATED[VENDOR] if self.trails.has_times(VENDOR) else ""
        several = walks(window, scope=vendor_scope(window), clock=self.settings.clock, created_field=created)
        for rows in self.reader.pages_of(VENDOR, several, page_size=page_size):
            log.debug("%d vendors read", len(rows))
            yield readable(rows, self._vendor, name=partial(unread_vendor, company_id=self._company_id), unread=unread)

    def vendor(self, vendor_id: str) -> Vendor | None:
        """The vendor as it is now, or None when it is gone. Ids are case sensitive, whatever a query matches."""
        found = [one for page in self.vendors(ReadWindow(vendor_ids=(vendor_id,))) for one in page]
        return next((one for one in found if one.vendor_id == vendor_id), None)

    def vendors_again(self, record_nos: Collection[str], *, unread: TellUnread | None = None) -> Iterator[list[Vendor]]:
        """Pages of the vendors with these record numbers, as they are now; those that are gone do not come."""
        for part in batches(sorted(record_nos), MOST_VALUES):
            yield from self.vendors(ReadWindow(record_nos=tuple(part)), page_size=MOST_VALUES, unread=unread)

    def bills_with_payment_changes(
        self, *, since_text: str, created_since_text: str, knows: KnowsAnswer | None = None
    ) -> Trail:
        """Record numbers of bills whose payments changed, or were made, since the server's texts (inclusive); empty is ever.

        Whether a payment moves its bill's own change time is not documented, so a reading by that time may miss it. The
        newest texts are where to go on from. Where payments are not read, those are the ones that it was given. An answer
        that `knows` knows names none.
        """
        if not self.reads_payments:
            return Trail(newest_text=since_text, newest_created_text=created_since_text)
        since = {"since_text": since_text, "created_since_text": created_since_text}
        return changed_payments(self.reader, **since, clock=self.settings.clock, knows=knows)

    def newest_payments(self) -> Trail:
        """Where the changes of payments stand, to be asked for before a full pass; empty where payments are not read."""
        return newest_payments(self.reader, clock=self.settings.clock) if self.reads_payments else Trail()

    def users(self) -> list[IntacctUser]:
        """Every user of the company, inactive ones too. Misconfigured when the role may not list users."""
        return self.reader.users()

    def closed_summaries(self, summary_nos: Collection[str]) -> frozenset[str]:
        """Those of these summaries (`Bill.summary_no`) whose books are closed. Misconfigured when they may not be listed."""
        return self.reader.closed_summaries(sorted(set(summary_nos) - {""}))

    def _bills_where(self, where: Filter) -> list[Bill]:
        return [bill for page in self._bill_pages(Walk(scope=(where,)), page_size=500) for bill in page]

    def _bill_pages(
        self, *several: Walk, page_size: int, unread: TellUnread | None = None, knows: KnowsAnswer | None = None
    ) -> Iterator[list[Bill]]:
        for rows in self.reader.pages_of(BILL, several, page_size=page_size):
            if new := new_of(BILL, rows, knows):
                yield self._whole(new, unread)

    def _whole(self, rows: list[Row], unread: TellUnread | None) -> list[Bill]:
        """The bills of these rows with what belongs to them, in a few calls for all."""
        numbers, wrong = [row[RECORD_NO] for row in rows], Wrong()
        lines = self.reader.lines(numbers, wrong=wrong)
        payments = payments_of_bills(self.reader, numbers, wrong=wrong) if self.reads_payments else {}
        log.debug("%d bills read with %d lines", len(rows), sum(map(len, lines.values())))

        def bill(row: Row) -> Bill:
            number = row[RECORD_NO]
            if number in wrong:
                raise wrong[number]
            return bill_of(
                row,
                company_id=self._company_id,
                custom_fields=self.custom_fields,
                lines=lines.get(number, ()),
                payments=payments.get(number, ()),
                base_currency=self.base_currency,
            )

        bills = readable(rows, bill, name=partial(unread_bill, company_id=self._company_id), unread=unread)
        for found in bills:
            if found.strange_days:
                log.warning("Bill %s: %s can hardly be meant", found.record_no, ", ".join(found.strange_days))
        return bills

    def _vendor(self, row: Row) -> Vendor:
        return vendor_of(row, company_id=self._company_id, custom_fields=self.vendor_custom_fields)

    @property
    def _company_id(self) -> str:
        return self.settings.login.company_id

    # Documents

    def document(self, document_id: str) -> list[DocumentFile]:
        """The files that Intacct holds under an attachment id (SUPDOCID of a bill), in temporary files that the caller closes.

        However large they are, a bounded piece of them stands in memory. Raises Refused when there is no such document, and
        Misconfigured where the company does not know the function that reads them.
        """
        asked = f"attachment {document_id}"
        sieve = Sieve(_waiting_file)
        function = get_document(document_id, function=self.document_function)
        try:
            reply = self._ask_for_document(function, asked=asked, sieve=sieve)
            return files_of(reply, sieve, document_id=document_id, asked=f"Connection {self.conn_id}: {asked}")
        except BaseException:
            sieve.close()
            raise

    def _ask_for_document(self, function: Element, *, asked: str, sieve: Sieve) -> Reply:
        try:
            return self.gateway.read(function, kind=f"{self.document_function} SUPDOC", asked=asked, sieve=sieve)
        except Refused as error:
            if error.code != UNKNOWN_REQUEST:
                raise
            cure = "Name the other function under bills.attachment_function in the flow file."
            raise Misconfigured(f"{error.message} {cure}", code=error.code) from error

    # What preflight asks

    def identity(self) -> IntacctIdentity:
        """Who the gateway says we are, from an answer to this hook; makes one call when there was none yet."""
        if self.gateway.last_reply is None:
            self.formatting()
        reply = self.gateway.last_reply
        assert reply is not None
        start, end = reply.session_from, reply.session_until
        return IntacctIdentity(
            company_id=reply.company_id,
            user_id=reply.user_id,
            entity_id=reply.entity_id,
            session_minutes=(end - start).total_seconds() / 60 if start and end else None,
        )

    def formatting(self) -> UserFormatting:
        """How the API user's dates and times are written, from its preferences."""
        asked = f"formatting of user {self.settings.login.user_id}"
        reply = self.gateway.read(read_user_formatting(self.settings.login.user_id), kind="readUserFormatting", asked=asked)
        return user_formatting_of(reply, asked=asked)

    def check_formatting(self, formatting: UserFormatting) -> str:
        """A sentence when timestamps will be read rightly; Misconfigured when the user's preferences say otherwise.

        A connection's own `timestamp_format`, `timestamp_offset` or `timestamp_zone` outranks the preference, which companies
        have been seen to ignore.
        """
        clock, settings = self.settings.clock, self.settings
        problems = []
        if not settings.timestamp_format and format_of(formatting) != clock.timestamp_format:
            problems.append(f"times look like {format_of(formatting)}, expected {clock.timestamp_format}")
        told = settings.timestamp_zone or settings.timestamp_offset
        if not told and offset_of(formatting.gmt_offset) != clock.gmt_offset:
            problems.append(f"the time zone is GMT{formatting.gmt_offset}, expected GMT")
        if problems:
            cure = "set the user's preferences so, or timestamp_format and timestamp_zone in the connection's extra"
            where = f"user {settings.login.user_id}"
            raise Misconfigured(
                f"Connection {self.conn_id}: timestamps would be misread.",
                problems=tuple(Problem(where=where, what=what, mend=cure) for what in problems),
            )
        zone = settings.timestamp_zone or f"GMT{settings.timestamp_offset or formatting.gmt_offset}"
        return f"times as {clock.timestamp_format}, {zone}"

    def error_details(self) -> str:
        """In a sentence, whether errors come with their stable ids. Tries once whether this gateway takes the request."""
        if self.settings.error_details != "when taken":
            return f"{self.settings.error_details}, as the connection says"
        user = self.settings.login.user_id
        asked = f"formatting of user {user}, with error details"
        if self.gateway.try_error_details(read_user_formatting(user), kind="readUserFormatting", asked=asked):
            return "the gateway takes requests for them, so errors come with their stable ids"
        return "the gateway does not take requests for them, so errors come with their texts alone"

    def lookup(self, object_name: str) -> list[ObjectField]:
        """The object's fields, asked once for each hook."""
        return list(self.reader.fields(object_name))

    def missing_fields(self, object_name: str) -> tuple[str, ...]:
        """Fields that would be read of the object and that this company does not have; they are read as empty."""
        # Asked, and not as they are known: somebody may just have added one.
        self.reader.fields(object_name)
        self.reader.select(object_name)
        return self.reader.missing(object_name)

    def private_bills(self) -> int | None:
        """How many bills only `show_private` brings to light; None in an entity, where the option means nothing."""
        if self.settings.login.entity_id:
            return None
        return self._hidden_bills()

    def unreadable_entities(self, entity_ids: Sequence[str]) -> list[Problem]:
        """What keeps this connection from reading bills of these entities. Two calls at most where nothing does."""
        if inside := self.settings.login.entity_id:
            what = f"connection {self.conn_id} works in entity {inside} and sees its records only"
            mend = "take `entity_id` out of the connection, or the entity out of the flow file's bills"
            others = [one for one in entity_ids if one.casefold() != inside.casefold()]
            return [Problem(where=f"entity {one}", what=what, mend=mend) for one in others]
        if self.show_private or not entity_ids or not self._hidden_bills(entity_ids):
            return []
        mend = "write `show_private: true` in the flow file's bills"
        hidden = {one: self._hidden_bills([one]) for one in entity_ids}
        return [
            Problem(where=f"entity {one}", what=f"{count:,} of its bills are private, and left out", mend=mend)
            for one, count in hidden.items()
            if count
        ]

    def _hidden_bills(self, entity_ids: Sequence[str] = ()) -> int:
        where = one_of(ENTITY, entity_ids) if entity_ids else None
        whole, shown = (self.reader.count(BILL, show_private=private, where=where) for private in (True, False))
        return whole - shown

    def has_bills(self, entity_id: str) -> bool:
        """Whether there is any bill of the entity, private or not. An id that nobody knows looks like one that has none."""
        return self.reader.count(BILL, show_private=self.reader.show_private, where=one_of(ENTITY, [entity_id])) > 0

    def bills_lacking(self, names: Collection[str], *, states: Collection[str]) -> int:
        """How many bills in these states tell none of these fields, as after a migration. All, where no bill tells any."""
        known = self.reader.names(BILL)
        where = all_of(one_of("STATE", sorted(states)), *(is_null(name) for name in names if name in known))
        return self.reader.count(BILL, show_private=self.reader.show_private, where=where)

    def probe(self, object_name: str) -> None:
        """Return when one row of the object may be read; Misconfigured names the missing permission."""
        query = Query(object_name=object_name, select=(RECORD_NO,), page_size=1)
        self.gateway.read(query.element(), kind=f"query {object_name}", asked=f"reading {object_name}")

    def earlier(self, text: str, *, minutes: float) -> str:
        """The server text that many minutes before `text`: a cursor with its look-back."""
        return self.settings.clock.earlier(text, minutes=minutes)

    def latest(self, texts: Sequence[str]) -> str:
        """The newest of the server's own texts, unchanged; empty when there is none."""
        return self.settings.clock.latest(texts)

    def test_connection(self) -> tuple[bool, str]:
        """Airflow's Test button: a fresh login, and what came of it."""
        try:
            reply = self.gateway.log_in()
        except IntacctAsanaError as error:
            return False, error.message
        entity = f", entity {reply.entity_id}" if reply.entity_id else ", top level"
        return True, f"Logged in to company {reply.company_id} as {reply.user_id}{entity}"


def _waiting_file() -> BinaryIO:
    return cast("BinaryIO", SpooledTemporaryFile(max_size=IN_MEMORY_BYTES))
