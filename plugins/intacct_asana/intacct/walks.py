"""Ways through many rows: by change time, by creation, and through the audit history's deletions."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

from intacct_asana.errors import UnexpectedReply
from intacct_asana.intacct.query import (
    Filter,
    all_of,
    any_of,
    at_least,
    equal,
    is_known,
    is_null,
    less_than,
    more_than,
)
from intacct_asana.intacct.records import MODIFIED, RECORD_NO
from intacct_asana.intacct.timestamps import ServerClock
from intacct_asana.records import ReadWindow
from intacct_asana.records.payee import VendorEdit


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One pass over the rows that `scope` lets through, ordered by (time, key) or by the key alone.

    `time_field` is empty for a walk by key. `key_field` tells rows of one second apart.
    """

    scope: tuple[Filter, ...] = ()
    time_field: str = ""
    key_field: str = RECORD_NO

    @property
    def order_by(self) -> tuple[str, ...]:
        return (self.time_field, self.key_field) if self.time_field else (self.key_field,)

    def position_of(self, row: Mapping[str, str]) -> tuple[str, ...]:
        """Where the walk stands after `row`, in the server's own texts."""
        return tuple(row.get(name, "") for name in self.order_by)

    def where(self, position: tuple[str, ...] | None) -> Filter | None:
        """The filter of the next page: everything behind `position`, or everything in scope at the start."""
        filters = self.scope if position is None else (*self.scope, self._behind(position))
        return all_of(*filters) if filters else None

    def _behind(self, position: tuple[str, ...]) -> Filter:
        key = position[-1]
        if not self.time_field:
            return more_than(self.key_field, key)
        time = position[0]
        same_time = all_of(equal(self.time_field, time), more_than(self.key_field, key))
        return any_of(more_than(self.time_field, time), same_time)

    def step(self, before: tuple[str, ...] | None, rows: list[dict[str, str]], *, asked: str) -> tuple[str, ...]:
        """The position after `rows`. UnexpectedReply when the server did not move on, which would read for ever."""
        after = self.position_of(rows[-1])
        if after == before or not all(after):
            raise UnexpectedReply(f"{asked}: the page after {before} ends at {after}; the order or filter was not obeyed")
        return after


def together(several: Sequence[Walk]) -> Walk:
    """One walk by key over the rows of all of them, for a single page: as it goes on, rows that it passed may change."""
    return Walk(scope=(any_of(*(all_of(*walk.scope) for walk in several)),), key_field=several[0].key_field)


OTHER_ZONE = timedelta(days=1)
"""How far apart the clocks of two zones can be."""


def walks(window: ReadWindow, *, scope: tuple[Filter, ...], clock: ServerClock, created_field: str = "") -> tuple[Walk, ...]:
    """The walks that together read `window`.

    Rows without a change time (created, never changed) cannot be told apart by it, so every reading by time has a second
    walk over them: over those made since `created_since_text`, or about the time of a bounded window, where the company keeps a
    `created_field`, else over all.
    """
    times: list[Filter] = []
    if window.since_text:
        times.append(at_least(MODIFIED, window.since_text))
    if window.modified_from:
        times.append(at_least(MODIFIED, clock.lowest_text(window.modified_from)))
    if window.modified_to:
        times.append(less_than(MODIFIED, clock.highest_text(window.modified_to)))
    if not times:
        return (Walk(scope=scope),)
    never_changed: list[Filter] = [is_null(MODIFIED)]
    if window.created_since_text and created_field:
        # A row without any time at all can only be read every time.
        never_changed.append(any_of(at_least(created_field, window.created_since_text), is_null(created_field)))
    elif created_field and not window.since_text:
        made = _made_about(window, clock=clock, created_field=created_field)
        never_changed.append(any_of(made, is_null(created_field)))
    return (Walk(scope=(*scope, *times), time_field=MODIFIED), Walk(scope=(*scope, *never_changed)))


def _made_about(window: ReadWindow, *, clock: ServerClock, created_field: str) -> Filter:
    """A row that nobody changed belongs to the interval in which it was made, on a clock that may be of another zone."""
    bounds: list[Filter] = []
    if window.modified_from:
        bounds.append(at_least(created_field, clock.lowest_text(window.modified_from - OTHER_ZONE)))
    if window.modified_to:
        bounds.append(less_than(created_field, clock.highest_text(window.modified_to + OTHER_ZONE)))
    return all_of(*bounds)


def change_walks(*, since_text: str, created_since_text: str, created_field: str) -> tuple[Walk, ...]:
    """The walks over the rows of one object that changed or were made since two cursors; an empty cursor is the beginning."""
    changed = (at_least(MODIFIED, since_text),) if since_text else (is_known(MODIFIED),)
    made = (at_least(created_field, created_since_text),) if created_since_text else (is_known(created_field),)
    return (
        Walk(scope=changed, time_field=MODIFIED),
        Walk(scope=(is_null(MODIFIED), *made), time_field=created_field),
    )


AUDIT = "AUDITHISTORY"
AUDIT_ID, OBJECT_KEY, ACCESS_TIME = "ID", "OBJECTKEY", "ACCESSTIME"
AUDIT_FIELDS = (AUDIT_ID, OBJECT_KEY, ACCESS_TIME)
SUFFIX = "--"
"""Some keys are seen as `41--REC` instead of `41`."""


def deletions_walk(object_name: str, *, since_text: str = "") -> Walk:
    """The walk over the deletions of one object from a cursor on, that second included; empty is the beginning."""
    since: tuple[Filter, ...] = (at_least(ACCESS_TIME, since_text),) if since_text else ()
    deleted = (equal("OBJECTTYPE", object_name.lower()), equal("ACCESSMODE", "D"))
    return Walk(scope=(*deleted, *since), time_field=ACCESS_TIME, key_field=AUDIT_ID)


def deleted_keys_of(row: Mapping[str, str]) -> frozenset[str]:
    """The record number of a deleted bill, the id of a deleted vendor, with the suffix and without; none when none is named.

    An id that people chose may hold the suffix itself, and what does not exist is no record's key.
    """
    written = row.get(OBJECT_KEY, "").strip()
    return frozenset({written, written.partition(SUFFIX)[0].strip()} - {""})


AUDIT_BY, AUDIT_MODE = "USERID", "ACCESSMODE"
MADE, CHANGED = "C", "M"
EDIT_FIELDS = (*AUDIT_FIELDS, AUDIT_BY, AUDIT_MODE)


def vendor_edits_walk(*, since_text: str = "") -> Walk:
    """The walk over who made and changed vendors from a cursor on, that second included; empty is the beginning.

    No field is documented that says what changed, and `getAuditTrail`, which is said to list changes field by field, answers
    with none in its documentation either. Source: developer.intacct.com/api/company-console/audit-trails/
    """
    since: tuple[Filter, ...] = (at_least(ACCESS_TIME, since_text),) if since_text else ()
    # Only `equalto` is documented for this object.
    about = (equal("OBJECTTYPE", "vendor"), any_of(equal(AUDIT_MODE, MADE), equal(AUDIT_MODE, CHANGED)))
    return Walk(scope=(*about, *since), time_field=ACCESS_TIME, key_field=AUDIT_ID)


def vendor_edit_of(row: Mapping[str, str], *, clock: ServerClock, names_fields: str = "") -> VendorEdit:
    """`names_fields` is the field of the history in which this company names what changed, empty for none.

    The history writes GMT whatever the user's preferences are. UnexpectedReply for a row whose time cannot be read.
    """
    named = row.get(names_fields, "") if names_fields else ""
    return VendorEdit(
        edit_id=row[AUDIT_ID],
        written=row.get(OBJECT_KEY, "").strip(),
        at_text=row.get(ACCESS_TIME, ""),
        at=clock.naive(row.get(ACCESS_TIME, "")).replace(tzinfo=UTC),
        by=row.get(AUDIT_BY, "").strip(),
        made_it=row.get(AUDIT_MODE) == MADE,
        fields=tuple(NAMES.findall(named)) or None,
    )


NAMES = re.compile("[A-Za-z0-9_.]+")
