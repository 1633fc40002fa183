"""The audit history: the only place where Intacct says that a record was deleted.

Source: https://developer.intacct.com/api/company-console/audit-trails/ . OBJECTTYPE is the object in lower case. ACCESSMODE is
filtered by its code, unlike every other enumeration of `query`. ACCESSTIME is GMT whatever the user's preferences say, so
its text is a cursor of its own and never compared with another time.
"""

from __future__ import annotations

from collections.abc import Mapping

from intacct_asana.protocol.intacct_query import Filter, at_least, equal
from intacct_asana.protocol.intacct_walks import Walk

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
