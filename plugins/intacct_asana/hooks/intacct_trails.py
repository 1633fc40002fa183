"""What changed beside the records' own change times: lines that do not touch their bill, and deletions."""

from __future__ import annotations

from collections.abc import Sequence

from intacct_asana.hooks.intacct_reading import Reader
from intacct_asana.protocol.intacct_audit import ACCESS_TIME, AUDIT, AUDIT_FIELDS, AUDIT_ID, deleted_keys_of, deletions_walk
from intacct_asana.protocol.intacct_query import MOST_ROWS, all_of, is_known, is_null
from intacct_asana.protocol.intacct_records import (
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
from intacct_asana.protocol.intacct_time import ServerClock
from intacct_asana.protocol.intacct_walks import change_walks
from intacct_asana.records import Trail

OBJECTS = {"bill": BILL, "line": LINE, "vendor": VENDOR}


class Trails:
    """Streams of changes of one company, each read from a cursor in the server's own text. Bills are named, not read."""

    def __init__(self, reader: Reader, clock: ServerClock, *, company_id: str) -> None:
        self.reader, self.clock, self.company_id = reader, clock, company_id

    def lines(self, *, since_text: str, created_since_text: str) -> Trail:
        """Record numbers of the bills of which a line changed or was made. A removed line leaves no trace here.

        Whether a changed line touches its bill's own change time is not documented, so both are asked for. Empty where
        this company's lines have no change time.
        """
        if not self.has_times(LINE):
            return Trail()
        select = (RECORD_NO, PARENT_BILL, MODIFIED, CREATED[LINE])
        keys: set[str] = set()
        newest: list[str] = []
        walks = change_walks(since_text=since_text, created_since_text=created_since_text, created_field=CREATED[LINE])
        for walk in walks:
            texts = [""]
            for page in self.reader.pages(LINE, walk, page_size=MOST_ROWS, select=select):
                keys.update(parent_bill_of(row) for row in page)
                texts += [row.get(walk.time_field, "") for row in page]
            newest.append(self.clock.latest(texts))
        return Trail(keys=frozenset(keys), newest_text=newest[0], newest_created_text=newest[1])

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
        known = {field.name for field in self.reader.fields(object_name)}
        return known.issuperset(names)


def batches(values: Sequence[str], size: int) -> list[Sequence[str]]:
    return [values[start : start + size] for start in range(0, len(values), size)]
