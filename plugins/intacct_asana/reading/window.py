"""Which records a run reads, decided from how it was started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pendulum

from intacct_asana.errors import Misconfigured
from intacct_asana.records import ReadWindow


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
        raise Misconfigured(f"Param since: {text!r} is not a date and time such as 2026-11-23T08:00:00Z.") from error
    if not isinstance(parsed, pendulum.DateTime):
        raise Misconfigured(f"Param since: {text!r} is not a date and time such as 2026-11-23T08:00:00Z.")
    return parsed.in_timezone("UTC")
