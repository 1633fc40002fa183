"""Streams of one company's changes, each read from a cursor in the server's own text. They name records and read none.

What changed and what was made without a change time are asked for together (`Reader.pages_of`).
"""

from __future__ import annotations

from datetime import UTC, datetime

from intacct_asana.intacct.payments import (
    DETAIL,
    DETAIL_CREATED,
    PAID_BILL,
    PAID_BY,
    PAID_STATES,
    PAYMENT,
    PAYMENT_MADE,
)
from intacct_asana.intacct.query import MOST_ROWS, MOST_VALUES, all_of, equal, is_known, is_null, one_of
from intacct_asana.intacct.reading import Reader, Row, all_rows, batches
from intacct_asana.intacct.records import (
    BILL,
    CREATED,
    LINE,
    MODIFIED,
    PARENT_BILL,
    RECORD_NO,
    VENDOR,
    parent_bill_of,
    vendor_key,
)
from intacct_asana.intacct.replies import digest_of
from intacct_asana.intacct.timestamps import ServerClock
from intacct_asana.intacct.walks import (
    ACCESS_TIME,
    AUDIT,
    AUDIT_FIELDS,
    AUDIT_ID,
    EDIT_FIELDS,
    Walk,
    change_walks,
    deleted_keys_of,
    deletions_walk,
    vendor_edit_of,
    vendor_edits_walk,
)
from intacct_asana.ports import KnowsAnswer
from intacct_asana.records import Trail
from intacct_asana.records.payee import VendorEdit


def changed_payments(
    reader: Reader, *, since_text: str, created_since_text: str, clock: ServerClock, knows: KnowsAnswer | None = None
) -> Trail:
    """Record numbers of the bills whose payments changed or were made since these texts, and the newest texts seen.

    A change is a detail row that changed or came, or a payment that changed while its details did not (a void may do so).
    A selection that was deleted leaves nothing to be found here: the bill's own change tells, or the next full pass.
    Details that were never changed have no change time; where a company tells of none when it was made, all are taken.
    An answer that `knows` knows names none.
    """
    changed, made = change_walks(since_text=since_text, created_since_text=created_since_text, created_field=DETAIL_CREATED)
    if DETAIL_CREATED not in reader.select(DETAIL):
        made = Walk(scope=(is_null(MODIFIED),))
    bills: set[str] = set()
    times, times_made = [since_text], [created_since_text]
    for page in reader.pages_of(DETAIL, (changed, made), page_size=MOST_ROWS):
        bills.update(row.get(PAID_BILL, "") for row in new_of(DETAIL, page, knows))
        times += [row.get(MODIFIED, "") for row in page]
        times_made += [row.get(DETAIL_CREATED, "") for row in page if not row.get(MODIFIED)]
    headers: list[str] = []
    for page in reader.pages(PAYMENT, changed, page_size=MOST_ROWS):
        headers += [row[RECORD_NO] for row in new_of(PAYMENT, page, knows)]
        times += [row.get(MODIFIED, "") for row in page]
    for some in batches(headers, MOST_VALUES):
        bills.update(row.get(PAID_BILL, "") for row in all_rows(reader, DETAIL, Walk(scope=(one_of(PAID_BY, some),))))
    newest, newest_made = clock.latest(times), clock.latest(times_made)
    return Trail(keys=frozenset(bills - {""}), newest_text=newest, newest_created_text=newest_made)


def newest_payments(reader: Reader, *, clock: ServerClock) -> Trail:
    """Where changes of payments, and new ones without a change time, stand now; empty texts where there are none."""
    changed = clock.latest(reader.newest(name, MODIFIED, where=is_known(MODIFIED)) for name in (DETAIL, PAYMENT))
    if DETAIL_CREATED not in reader.select(DETAIL):
        return Trail(newest_text=changed)
    made = reader.newest(DETAIL, DETAIL_CREATED, where=all_of(is_null(MODIFIED), is_known(DETAIL_CREATED)))
    return Trail(newest_text=changed, newest_created_text=made)


def new_of(object_name: str, page: list[Row], knows: KnowsAnswer | None) -> list[Row]:
    """The page's rows; none of a page that `knows` knows."""
    return [] if knows and knows(digest_of(object_name, page)) else page


OBJECTS = {"bill": BILL, "line": LINE, "vendor": VENDOR}


class Trails:
    """Streams of changes of one company, each read from a cursor in the server's own text. Bills are named, not read."""

    def __init__(self, reader: Reader, clock: ServerClock, *, company_id: str) -> None:
        self.reader, self.clock, self.company_id = reader, clock, company_id

    def lines(self, *, since_text: str, created_since_text: str, knows: KnowsAnswer | None = None) -> Trail:
        """Record numbers of the bills of which a line changed or was made. A removed line leaves no trace here.

        Whether a changed line touches its bill's own change time is not documented, so both are asked for. Empty where
        this company's lines have no change time. An answer that `knows` knows names none.
        """
        if not self.has_times(LINE):
            return Trail()
        select = (RECORD_NO, PARENT_BILL, MODIFIED, CREATED[LINE])
        keys: set[str] = set()
        changed, made = [""], [""]
        walks = change_walks(since_text=since_text, created_since_text=created_since_text, created_field=CREATED[LINE])
        for page in self.reader.pages_of(LINE, walks, page_size=MOST_ROWS, select=select):
            keys.update(parent_bill_of(row) for row in new_of(LINE, page, knows))
            changed += [row.get(MODIFIED, "") for row in page]
            made += [row.get(CREATED[LINE], "") for row in page if not row.get(MODIFIED)]
        newest, newest_made = self.clock.latest(changed), self.clock.latest(made)
        return Trail(keys=frozenset(keys), newest_text=newest, newest_created_text=newest_made)

    def deletions(self, kind: str, *, since_text: str) -> Trail:
        """What the audit history says was deleted: record numbers of bills (kind `bill`), keys of vendors (kind `vendor`).

        A hint only: the record itself is asked for before anything follows from it. Raises what the gateway answers where
        the history may not be read: it needs View permission on custom reports.
        """
        keys: set[str] = set()
        texts: list[str] = []
        walk = deletions_walk(OBJECTS[kind], since_text=since_text)
        for page in self.reader.pages(AUDIT, walk, page_size=MOST_ROWS, select=AUDIT_FIELDS):
            keys.update(key for row in page for key in deleted_keys_of(row))
            texts += [row.get(ACCESS_TIME, "") for row in page]
        if kind == "vendor":
            keys = {vendor_key(self.company_id, vendor_id) for vendor_id in keys}
        return Trail(keys=frozenset(keys), newest_text=self.clock.latest(texts))

    def vendor_edits(self, *, since_text: str, names_fields: str = "") -> list[VendorEdit]:
        """Who made or changed vendors since the text, oldest first: only that, when and by whom, never what it says.

        `names_fields` is a field of the history that names what changed, where this company has one. Raises what the gateway
        answers where the history, or that field, may not be read.
        """
        select = (*EDIT_FIELDS, names_fields) if names_fields else EDIT_FIELDS
        pages = self.reader.pages(AUDIT, vendor_edits_walk(since_text=since_text), page_size=MOST_ROWS, select=select)
        return [vendor_edit_of(row, clock=self.clock, names_fields=names_fields) for page in pages for row in page]

    def newest_vendor_edit(self) -> str:
        """The time of the newest of those; empty before there is one. One call."""
        where = all_of(*vendor_edits_walk().scope)
        return self.reader.newest(AUDIT, ACCESS_TIME, where=where, key_field=AUDIT_ID)

    def last_payment(self, vendor_id: str) -> datetime | None:
        """When the vendor's newest payment that moved money was made, in GMT as the history. None where Intacct tells none.

        A company whose payments do not say when they were made looks as if it had paid nobody. One call.
        """
        where = all_of(equal("VENDORID", vendor_id), one_of("STATE", PAID_STATES), is_known(PAYMENT_MADE))
        text = self.reader.newest(PAYMENT, PAYMENT_MADE, where=where) if self._has(PAYMENT, PAYMENT_MADE) else ""
        return self.clock.naive(text).replace(tzinfo=UTC) if text else None

    # Where a full pass begins in time, asked for before its first page. A full pass goes by record number, so what changes
    # behind it while it lasts was not seen, and a cursor from what it did see would skip that.

    def newest_change(self, kind: str) -> str:
        """The newest change to a `bill`, `line` or `vendor`, as the server's own text."""
        name = OBJECTS[kind]
        return self.reader.newest(name, MODIFIED, where=is_known(MODIFIED)) if self._has(name, MODIFIED) else ""

    def newest_creation(self, kind: str) -> str:
        """When the newest record without a change time was made."""
        name = OBJECTS[kind]
        if not self.has_times(name):
            return ""
        return self.reader.newest(name, CREATED[name], where=all_of(is_null(MODIFIED), is_known(CREATED[name])))

    def newest_deletion(self, kind: str) -> str:
        """The newest deletion in the audit history. Raises as `deletions` does."""
        where = all_of(*deletions_walk(OBJECTS[kind]).scope)
        return self.reader.newest(AUDIT, ACCESS_TIME, where=where, key_field=AUDIT_ID)

    def has_times(self, object_name: str) -> bool:
        return self._has(object_name, MODIFIED, CREATED[object_name])

    def _has(self, object_name: str, *names: str) -> bool:
        return self.reader.names(object_name).issuperset(names)
