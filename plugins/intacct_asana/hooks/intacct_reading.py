"""Reading rows: which fields a company has, page after page of a walk, and the lines of a page of bills."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from intacct_asana.errors import Misconfigured, Problem
from intacct_asana.hooks.intacct_gateway import Gateway
from intacct_asana.protocol.intacct_answers import object_fields_of, remaining_of, rows_of, total_of
from intacct_asana.protocol.intacct_payments import (
    DETAIL,
    DETAIL_NEEDED,
    DETAIL_WISHED,
    PAYMENT,
    PAYMENT_NEEDED,
    PAYMENT_WISHED,
)
from intacct_asana.protocol.intacct_query import MOST_ROWS, Filter, Query, one_of
from intacct_asana.protocol.intacct_records import (
    BILL,
    BILL_NEEDED,
    BILL_WISHED,
    LINE,
    LINE_NEEDED,
    LINE_WISHED,
    PARENT_BILL,
    RECORD_NO,
    SUMMARY,
    SUMMARY_NEEDED,
    USER,
    USER_NEEDED,
    USER_WISHED,
    VENDOR,
    VENDOR_NEEDED,
    VENDOR_WISHED,
    is_offset_line,
    line_of,
    parent_bill_of,
    user_of,
)
from intacct_asana.protocol.intacct_walks import Walk
from intacct_asana.protocol.intacct_xml import lookup
from intacct_asana.records import BillLine, IntacctUser, ObjectField

log = logging.getLogger(__name__)

Row = dict[str, str]
NEEDED: Mapping[str, tuple[str, ...]] = {
    BILL: BILL_NEEDED,
    LINE: LINE_NEEDED,
    VENDOR: VENDOR_NEEDED,
    USER: USER_NEEDED,
    SUMMARY: SUMMARY_NEEDED,
    PAYMENT: PAYMENT_NEEDED,
    DETAIL: DETAIL_NEEDED,
}
WISHED: Mapping[str, tuple[str, ...]] = {
    BILL: BILL_WISHED,
    LINE: LINE_WISHED,
    VENDOR: VENDOR_WISHED,
    USER: USER_WISHED,
    SUMMARY: (),
    PAYMENT: PAYMENT_WISHED,
    DETAIL: DETAIL_WISHED,
}


class Reader:
    """Rows of one company. `custom_fields` (by object) are read where the company has them.

    Field sets differ by company and release, and one unknown field fails a whole query, so `lookup` is asked once for each
    object and only what it lists is selected.
    """

    def __init__(self, gateway: Gateway, *, custom_fields: Mapping[str, Sequence[str]], show_private: bool = False) -> None:
        self.gateway = gateway
        # In an entity there is nothing private to show: one sees its own records.
        self.show_private = show_private and not gateway.settings.login.entity_id
        self.custom_fields = custom_fields
        self._fields: dict[str, tuple[ObjectField, ...]] = {}
        self._selects: dict[str, tuple[str, ...]] = {}

    def fields(self, object_name: str) -> tuple[ObjectField, ...]:
        """The object's fields as `lookup` lists them, asked once. Object permissions do not matter to it."""
        if object_name not in self._fields:
            asked = f"lookup of {object_name}"
            reply = self.gateway.read(lookup(object_name), kind="lookup", asked=asked)
            self._fields[object_name] = object_fields_of(reply, asked=asked)
        return self._fields[object_name]

    def select(self, object_name: str) -> tuple[str, ...]:
        """The fields to read of an object. Misconfigured when the company lacks one that we cannot do without."""
        if object_name not in self._selects:
            self._selects[object_name] = self._selected(object_name)
        return self._selects[object_name]

    def _selected(self, object_name: str) -> tuple[str, ...]:
        known = {field.name for field in self.fields(object_name)}
        lacking = [name for name in NEEDED[object_name] if name not in known]
        if lacking:
            raise Misconfigured(
                f"Connection {self.gateway.settings.conn_id}: {object_name} of this company cannot be read.",
                problems=tuple(Problem(where=object_name, what=f"field {name} does not exist") for name in lacking),
            )
        if absent := self.missing(object_name):
            log.info("%s of this company lacks %s; they are read as empty", object_name, ", ".join(absent))
        return tuple(name for name in self._asked_for(object_name) if name in known)

    def missing(self, object_name: str) -> tuple[str, ...]:
        """The fields that we would read of an object and that this company does not have."""
        known = {field.name for field in self.fields(object_name)}
        return tuple(name for name in self._asked_for(object_name) if name not in known)

    def _asked_for(self, object_name: str) -> tuple[str, ...]:
        named = (*NEEDED[object_name], *WISHED[object_name], *self.custom_fields.get(object_name, ()))
        return tuple(dict.fromkeys(named))

    def pages(
        self, object_name: str, walk: Walk, *, page_size: int, select: tuple[str, ...] | None = None
    ) -> Iterator[list[Row]]:
        """The walk's rows, page after page; no empty page. With `select` just those fields."""
        position: tuple[str, ...] | None = None
        page_size = max(1, min(page_size, MOST_ROWS))
        while True:
            query = Query(
                object_name=object_name,
                select=select or self.select(object_name),
                where=walk.where(position),
                order_by=walk.order_by,
                page_size=page_size,
                show_private=self.show_private,
            )
            asked = f"query of {object_name}" + (f" behind {' / '.join(position)}" if position else "")
            reply = self.gateway.read(query.element(), kind=f"query {object_name}", asked=asked)
            rows, left = rows_of(reply, object_name, asked=asked, key_field=walk.key_field), remaining_of(reply)
            if rows:
                position = walk.step(position, rows, asked=asked)
                yield rows
            if not rows or left == 0 or (left is None and len(rows) < page_size):
                return

    def newest(self, object_name: str, field: str, *, where: Filter, key_field: str = RECORD_NO) -> str:
        """The server's own text of the highest `field` in any row that `where` lets through; empty without one. One call."""
        query = Query(
            object_name=object_name,
            select=(key_field, field),
            where=where,
            order_by=(field,),
            descending=True,
            page_size=1,
            show_private=self.show_private,
        )
        asked = f"newest {field} of {object_name}"
        reply = self.gateway.read(query.element(), kind=f"query {object_name}", asked=asked)
        rows = rows_of(reply, object_name, asked=asked, key_field=key_field)
        return next((row.get(field, "") for row in rows), "")

    def count(self, object_name: str, *, show_private: bool) -> int:
        """How many rows there are. One call."""
        query = Query(object_name=object_name, select=(RECORD_NO,), page_size=1, show_private=show_private)
        asked = f"count of {object_name}"
        return total_of(self.gateway.read(query.element(), kind=f"query {object_name}", asked=asked), asked=asked)

    def lines(self, bill_record_nos: Iterable[str]) -> dict[str, tuple[BillLine, ...]]:
        """The lines of these bills by the bill's record number, each bill's in the order of its line numbers."""
        parents = list(dict.fromkeys(bill_record_nos))
        found: defaultdict[str, list[BillLine]] = defaultdict(list)
        if not parents:
            return {}
        for page in self.pages(LINE, Walk(scope=(one_of(PARENT_BILL, parents),)), page_size=MOST_ROWS):
            for row in page:
                if not is_offset_line(row):
                    found[parent_bill_of(row)].append(line_of(row))
        return {parent: tuple(sorted(lines, key=lambda line: line.place)) for parent, lines in found.items()}

    def users(self) -> list[IntacctUser]:
        """Source: https://developer.intacct.com/api/company-console/users/#query-and-list-users"""
        return [user_of(row) for rows in self.pages(USER, Walk(), page_size=MOST_ROWS) for row in rows]

    def closed_summaries(self, summary_nos: Sequence[str]) -> frozenset[str]:
        """Those that are closed. Nothing else tells of closed books; what a bill of closed ones takes is not documented."""
        if not summary_nos:
            return frozenset()
        pages = self.pages(SUMMARY, Walk(scope=(one_of(RECORD_NO, summary_nos),)), page_size=MOST_ROWS)
        return frozenset(row[RECORD_NO] for rows in pages for row in rows if row.get("OPEN", "").lower() == "closed")
