"""Reading rows page by page, with the lines and payments of a page of bills."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from intacct_asana.errors import Misconfigured, OddRecord, Problem, Refused, UnexpectedReply
from intacct_asana.intacct.gateway import Gateway
from intacct_asana.intacct.payments import (
    DETAIL,
    DETAIL_NEEDED,
    DETAIL_WISHED,
    PAID_BILL,
    PAID_BY,
    PAYMENT,
    PAYMENT_NEEDED,
    PAYMENT_WISHED,
    payments_of,
)
from intacct_asana.intacct.query import (
    MOST_ROWS,
    Filter,
    Query,
    at_least,
    one_of,
)
from intacct_asana.intacct.records import (
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
from intacct_asana.intacct.replies import lacking_in, object_fields_of, remaining_of, rows_of, total_of
from intacct_asana.intacct.session import KnownFields
from intacct_asana.intacct.walks import (
    Walk,
    together,
)
from intacct_asana.intacct.xml import lookup
from intacct_asana.ports import TellUnread
from intacct_asana.records import BillLine, IntacctUser, ObjectField, Payment, Unread
from intacct_asana.records.access import GroupMember, RoleAssignment, RoleRight

Found = TypeVar("Found")
log = logging.getLogger(__name__)

Row = dict[str, str]
Wrong = dict[str, UnexpectedReply]
"""What cannot be read of a bill's lines and payments, by the bill's record number."""
ASSIGNMENT, RIGHT, MEMBER = "ROLEASSIGNMENT", "ROLEPOLICYASSIGNMENT", "MEMBERUSERGROUP"
"""Who has which role, what a role permits, who is in which group. Sage documents these objects and not their fields; the names
are those of companies that copy their Intacct, so one that lacks a field raises and nothing is taken for known."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    BILL: BILL_NEEDED,
    LINE: LINE_NEEDED,
    VENDOR: VENDOR_NEEDED,
    USER: USER_NEEDED,
    SUMMARY: SUMMARY_NEEDED,
    PAYMENT: PAYMENT_NEEDED,
    DETAIL: DETAIL_NEEDED,
    ASSIGNMENT: (RECORD_NO, "ROLEKEY", "USER_GROUP_KEY", "TYPE"),
    RIGHT: (RECORD_NO, "ROLEKEY", "POLICYNAME", "RIGHTS"),
    MEMBER: (RECORD_NO, "USERGROUPKEY", "USERKEY"),
}
WISHED: Mapping[str, tuple[str, ...]] = {
    BILL: BILL_WISHED,
    LINE: LINE_WISHED,
    VENDOR: VENDOR_WISHED,
    USER: USER_WISHED,
    SUMMARY: (),
    PAYMENT: PAYMENT_WISHED,
    DETAIL: DETAIL_WISHED,
    ASSIGNMENT: ("ROLENAME",),
    RIGHT: (),
    MEMBER: (),
}


class Reader:
    """Rows of one company. `custom_fields` (by object) are read where the company has them.

    Field sets differ by company and release, and one unknown field fails a whole query, so only what `lookup` lists is
    selected. It is asked where `known` does not hold all that we need, and again where a query is refused: a field may be gone.
    """

    def __init__(self, gateway: Gateway, *, custom_fields: Mapping[str, Sequence[str]], show_private: bool = False) -> None:
        self.gateway = gateway
        # In an entity there is nothing private to show: one sees its own records.
        self.show_private = show_private and not gateway.settings.login.entity_id
        self.custom_fields = custom_fields
        self.known = KnownFields(gateway.settings, now=gateway.now)
        self._fields: dict[str, tuple[ObjectField, ...]] = {}
        self._selects: dict[str, tuple[str, ...]] = {}

    def fields(self, object_name: str) -> tuple[ObjectField, ...]:
        """The object's fields as `lookup` lists them, asked once. Object permissions do not matter to it."""
        if object_name not in self._fields:
            asked = f"lookup of {object_name}"
            reply = self.gateway.read(lookup(object_name), kind="lookup", asked=asked)
            self._fields[object_name] = object_fields_of(reply, asked=asked)
            self.known.keep(object_name, (field.name for field in self._fields[object_name]))
        return self._fields[object_name]

    def names(self, object_name: str) -> frozenset[str]:
        """The names of its fields: as they are known, where nothing is missing that we cannot do without or the flow names."""
        needed = {*NEEDED.get(object_name, ()), *self.custom_fields.get(object_name, ())}
        known = None if object_name in self._fields else self.known.names(object_name)
        if known is not None and known >= needed:
            return known
        return frozenset(field.name for field in self.fields(object_name))

    def select(self, object_name: str) -> tuple[str, ...]:
        """The fields to read of an object. Misconfigured when the company lacks one that we cannot do without."""
        if object_name not in self._selects:
            self._selects[object_name] = self._selected(object_name)
        return self._selects[object_name]

    def _selected(self, object_name: str) -> tuple[str, ...]:
        known = self.names(object_name)
        lacking = [name for name in NEEDED[object_name] if name not in known]
        if lacking:
            raise Misconfigured(
                f"Connection {self.gateway.settings.conn_id}: {object_name} of this company cannot be read.",
                problems=tuple(Problem(where=object_name, what=f"field {name} does not exist") for name in lacking),
            )
        if absent := [name for name in self._asked_for(object_name) if name not in known]:
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
        while True:
            asked = f"query of {object_name}" + (f" behind {' / '.join(position)}" if position else "")
            rows, is_last = self._next(object_name, walk, position, page_size=page_size, select=select, asked=asked)
            if rows:
                position = walk.step(position, rows, asked=asked)
                yield rows
            if is_last:
                return

    def pages_of(
        self, object_name: str, several: Sequence[Walk], *, page_size: int, select: tuple[str, ...] | None = None
    ) -> Iterator[list[Row]]:
        """The rows of several walks over one object: by one query where a page holds them all, else one walk after the other.

        One answer is how all rows were at one moment, so nothing changes behind it. Where rows are left, only a walk by time
        meets again what changes while it lasts.
        """
        if len(several) > 1:
            asked = f"query of {object_name}"
            rows, is_last = self._next(object_name, together(several), None, page_size=page_size, select=select, asked=asked)
            if is_last:
                yield from [rows] if rows else []
                return
        for walk in several:
            yield from self.pages(object_name, walk, page_size=page_size, select=select)

    def _next(
        self,
        object_name: str,
        walk: Walk,
        position: tuple[str, ...] | None,
        *,
        page_size: int,
        select: tuple[str, ...] | None,
        asked: str,
    ) -> tuple[list[Row], bool]:
        """The page behind `position`, and whether it is the last one."""
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
            try:
                rows, left = self._page(query, asked=asked, key_field=walk.key_field)
            except Refused:
                if select or not self._has_other_fields(object_name, than=query.select):
                    raise
            else:
                return rows, not rows or left == 0 or (left is None and len(rows) < page_size)

    def _has_other_fields(self, object_name: str, *, than: tuple[str, ...]) -> bool:
        """Whether `lookup` tells others than what we went by, which may be a day old. Not where it was asked just now."""
        if object_name in self._fields:
            return False
        self.known.forget(object_name)
        self._selects.pop(object_name, None)
        return self.select(object_name) != than

    def _page(self, query: Query, *, asked: str, key_field: str) -> tuple[list[Row], int | None]:
        """One page and how many rows are behind it. Raises UnexpectedReply where rows are left out, asked for twice."""
        for _ in range(2):
            reply = self.gateway.read(query.element(), kind=f"query {query.object_name}", asked=asked)
            rows = rows_of(reply, query.object_name, asked=asked, key_field=key_field)
            lacking = lacking_in(reply, len(rows))
            if not lacking:
                return rows, remaining_of(reply)
        raise UnexpectedReply(
            f"{asked}: by its own totals Intacct left {lacking} of {len(rows) + lacking} rows out of this page, twice. Nothing "
            "of this reading counts; the next run reads from the same place. If this stays so, ask Sage's support about it."
        )

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

    def count(self, object_name: str, *, show_private: bool, where: Filter | None = None) -> int:
        """How many rows there are that `where` lets through. One call."""
        query = Query(object_name=object_name, select=(RECORD_NO,), where=where, page_size=1, show_private=show_private)
        asked = f"count of {object_name}"
        return total_of(self.gateway.read(query.element(), kind=f"query {object_name}", asked=asked), asked=asked)

    def lines(self, bill_record_nos: Iterable[str], *, wrong: Wrong) -> dict[str, tuple[BillLine, ...]]:
        """The lines of these bills by the bill's record number, each bill's in the order of its line numbers.

        A line that cannot be read is no reason to read no other bill's: `wrong` takes what is wrong with the bill.
        """
        parents = list(dict.fromkeys(bill_record_nos))
        found: defaultdict[str, list[BillLine]] = defaultdict(list)
        if not parents:
            return {}
        for page in self.pages(LINE, Walk(scope=(one_of(PARENT_BILL, parents),)), page_size=MOST_ROWS):
            for row in page:
                if not is_offset_line(row):
                    parent = parent_bill_of(row)
                    try:
                        found[parent].append(line_of(row))
                    except UnexpectedReply as error:
                        wrong.setdefault(parent, error)
        return {parent: tuple(sorted(lines, key=lambda line: line.place)) for parent, lines in found.items()}

    def lines_on(
        self, accounts: Sequence[str], *, departments: Sequence[str] = (), from_bill_no: int
    ) -> list[tuple[str, BillLine]]:
        """Lines with one of these accounts, and one of these departments where any is named, with their bills' record numbers.

        Of bills of every state that have this record number or a higher one.
        """
        scope = [one_of("ACCOUNTNO", accounts), at_least(PARENT_BILL, str(from_bill_no))]
        scope += [one_of("DEPARTMENTID", departments)] if departments else []
        rows = (row for page in self.pages(LINE, Walk(scope=tuple(scope)), page_size=MOST_ROWS) for row in page)
        return [(parent_bill_of(row), line_of(row)) for row in rows if not is_offset_line(row)]

    def users(self) -> list[IntacctUser]:
        """Source: https://developer.intacct.com/api/company-console/users/#query-and-list-users"""
        return [user_of(row) for rows in self.pages(USER, Walk(), page_size=MOST_ROWS) for row in rows]

    def role_assignments(self) -> list[RoleAssignment]:
        """Raises UnexpectedReply for a holder of another kind. Source: developer.intacct.com/api/company-console/roles/."""
        found = []
        for row in self._all(ASSIGNMENT):
            if row.get("TYPE") not in ("U", "G"):
                raise UnexpectedReply(
                    f"{ASSIGNMENT} {row[RECORD_NO]} is of type {row.get('TYPE')!r}, not U (user) or G (group)."
                )
            name = row.get("ROLENAME") or f"role {row['ROLEKEY']}"
            to_group = row["TYPE"] == "G"
            found.append(RoleAssignment(role_no=row["ROLEKEY"], role=name, to_group=to_group, holder_no=row["USER_GROUP_KEY"]))
        return found

    def role_rights(self) -> list[RoleRight]:
        rows = self._all(RIGHT)
        return [RoleRight(role_no=row["ROLEKEY"], permission=row["POLICYNAME"], rights=row.get("RIGHTS", "")) for row in rows]

    def group_members(self) -> list[GroupMember]:
        return [GroupMember(group_no=row["USERGROUPKEY"], user_no=row["USERKEY"]) for row in self._all(MEMBER)]

    def _all(self, name: str) -> list[Row]:
        return [row for rows in self.pages(name, Walk(), page_size=MOST_ROWS) for row in rows]

    def closed_summaries(self, summary_nos: Sequence[str]) -> frozenset[str]:
        """Those that are closed. Nothing else tells of closed books; what a bill of closed ones takes is not documented."""
        if not summary_nos:
            return frozenset()
        pages = self.pages(SUMMARY, Walk(scope=(one_of(RECORD_NO, summary_nos),)), page_size=MOST_ROWS)
        return frozenset(row[RECORD_NO] for rows in pages for row in rows if row.get("OPEN", "").lower() == "closed")


def payments_of_bills(reader: Reader, bill_record_nos: Iterable[str], *, wrong: Wrong) -> dict[str, tuple[Payment, ...]]:
    """The payments of these bills by the bill's record number, in as many calls as 2,000 details and payments take.

    `wrong` takes what is wrong with a bill of which a payment cannot be read.
    """
    bills = list(dict.fromkeys(bill_record_nos))
    if not bills:
        return {}
    details = list(all_rows(reader, DETAIL, Walk(scope=(one_of(PAID_BILL, bills),))))
    numbers = list(dict.fromkeys(row[PAID_BY] for row in details if row.get(PAID_BY)))
    headers = all_rows(reader, PAYMENT, Walk(scope=(one_of(RECORD_NO, numbers),))) if numbers else ()
    return payments_of(details, headers, wrong=wrong)


def all_rows(reader: Reader, object_name: str, walk: Walk) -> Iterator[Row]:
    for page in reader.pages(object_name, walk, page_size=MOST_ROWS):
        yield from page


def batches(values: Sequence[str], size: int) -> list[Sequence[str]]:
    return [values[start : start + size] for start in range(0, len(values), size)]


def readable(
    rows: list[Row], read: Callable[[Row], Found], *, name: Callable[..., Unread], unread: TellUnread | None
) -> list[Found]:
    """What `read` makes of the rows; `unread` is told of those of which it makes nothing, and without it they are raised."""
    found: list[Found] = []
    for row in rows:
        try:
            found.append(read(row))
        except UnexpectedReply as error:
            told = name(row, error=error)
            if unread is None:
                raise OddRecord(told.why) from error
            unread(told)
    return found
