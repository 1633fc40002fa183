"""What is old and nothing rests on any more. Evidence, policies, decisions, links and what they were judged by stay for ever.

may go                         when
plans                          made before then, and not the newest of its kind that moved cursors
reports of runs, calls, notices  ended before then; calls are kept for 13 months at least
what tasks showed              something else was shown before then, and nobody ever decided about the bill
findings, exceptions           over before then
ended concerns                 found before then, and nobody ever decided about the bill
reminders, turns               done before then, for a completed task of a bill that nobody ever decided about
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, not_, or_, select

from intacct_asana.codec import instant_text
from intacct_asana.records import IntentState
from intacct_asana.records.concerns import ConcernState
from intacct_asana.records.matters import MatterState
from intacct_asana.store.database import Database
from intacct_asana.store.reporting.incidents import FIRST_LOOK
from intacct_asana.store.reporting.releases import OPEN
from intacct_asana.store.tables import (
    calls,
    concerns,
    decisions,
    findings,
    incidents,
    intents,
    links,
    matters,
    plan_pages,
    plans,
    releases,
    run_reports,
    shown,
)

LEAST = timedelta(days=31)
"""Nothing younger goes, whatever is asked for: a choice may be read days after it was made."""

CALLS_FOR = timedelta(days=400)
"""More than a year of calls, to set against a contract's."""

ASKING = ("reminder", "turn", "next")


@dataclass(frozen=True, slots=True, kw_only=True)
class Going:
    """Rows of one table that go, or would."""

    table: str
    rows: int
    of: int
    """How many there are."""


def prune(database: Database, *, older_than: timedelta, now: datetime, dry_run: bool) -> list[Going]:
    """Take away what is older than that, of every flow; in a dry run only say what it would be. All of it goes, or nothing."""
    before = now - max(older_than, LEAST)
    with database.read() if dry_run else database.write() as connection:
        return [_go(connection, table, which, dry_run=dry_run) for table, which in _old(connection, before, now)]


def _go(connection: Connection, table: Table, which: ColumnElement[bool], *, dry_run: bool) -> Going:
    there = connection.execute(select(func.count()).select_from(table)).scalar() or 0
    gone = connection.execute(select(func.count()).select_from(table).where(which)).scalar() or 0
    if gone and not dry_run:
        connection.execute(delete(table).where(which))
    return Going(table=table.name, rows=gone, of=there)


def _old(connection: Connection, before: datetime, now: datetime) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    then = instant_text(before)
    yield run_reports, and_(run_reports.c.ended_at < then, _ran_since())
    yield findings, findings.c.ended_at < then
    yield matters, and_(matters.c.state == str(MatterState.ENDED), matters.c.ended_at < then)
    yield incidents, and_(incidents.c.ended_at < then, incidents.c.is_told, incidents.c.kind != FIRST_LOOK)
    yield calls, calls.c.day < instant_text(min(before, now - CALLS_FOR))[:10]
    yield releases, and_(releases.c.refused_at < then, releases.c.state.not_in(OPEN))
    old = and_(plans.c.created_at < then, not_(_newest_whole(connection)), not_(_waits()))
    same = (plans.c.flow == plan_pages.c.flow, plans.c.plan_id == plan_pages.c.plan_id)
    yield plan_pages, select(plans.c.plan_id).where(*same, old).exists()
    yield plans, old
    yield concerns, and_(concerns.c.state == str(ConcernState.ENDED), concerns.c.found_at < then, not_(_decided(concerns)))
    yield intents, _asked_in_vain(connection, then)
    yield shown, and_(_shown_no_more(then), not_(_decided(shown)))


def _newest_whole(connection: Connection) -> ColumnElement[bool]:
    """The next run reads of it what is still owed."""
    query = select(plans.c.flow, plans.c.kind, plans.c.plan_id, plans.c.summary).where(plans.c.applied_at.is_not(None))
    newest: dict[tuple[str, str], str] = {}
    for row in connection.execute(query.order_by(plans.c.created_at)):
        if json.loads(row.summary).get("cursors"):
            newest[row.flow, row.kind] = row.plan_id
    return or_(False, *(and_(plans.c.flow == flow, plans.c.plan_id == plan) for (flow, _), plan in newest.items()))


def _ran_since() -> ColumnElement[bool]:
    """When a job last succeeded, and last failed, is known however long ago that is."""
    later = run_reports.alias("later")
    same = (later.c[name] == run_reports.c[name] for name in ("flow", "job", "state"))
    return select(later.c.run_id).where(*same, later.c.ended_at > run_reports.c.ended_at).exists()


def _waits() -> ColumnElement[bool]:
    """It is carried out as it was stored, when somebody says so."""
    same = (releases.c.flow == plans.c.flow, releases.c.plan_id == plans.c.plan_id)
    return select(releases.c.digest).where(*same, releases.c.state.in_(OPEN)).exists()


def _decided(table: Table) -> ColumnElement[bool]:
    """Somebody decided about the bill, whatever came of it: all that it was judged by stays."""
    return select(decisions.c.key).where(decisions.c.flow == table.c.flow, decisions.c.key == table.c.key).exists()


def _shown_no_more(then: str) -> ColumnElement[bool]:
    """What a task showed at any time since then is answered as before: the row that held at that time stays."""
    later = shown.alias("later")
    same = (later.c[name] == shown.c[name] for name in ("flow", "kind", "key", "task_gid"))
    behind = or_(later.c.shown_at > shown.c.shown_at, and_(later.c.shown_at == shown.c.shown_at, later.c.id > shown.c.id))
    earlier = shown.alias("earlier")
    as_well = (earlier.c[name] == shown.c[name] for name in ("flow", "kind", "key"))
    # The first row says since when the bill is known, which the close view tells of past days too.
    is_not_first = select(earlier.c.id).where(*as_well, earlier.c.shown_at < shown.c.shown_at).exists()
    return and_(is_not_first, select(later.c.id).where(*same, behind, later.c.shown_at <= then).exists())


def _asked_in_vain(connection: Connection, then: str) -> ColumnElement[bool]:
    # `confirmed` is JSON, in which the databases look each in another way.
    undecided = select(links.c.flow, links.c.task_gid, links.c.confirmed).where(not_(_decided(links)))
    over: dict[str, list[str]] = {}
    for row in connection.execute(undecided.where(links.c.confirmed.is_not(None))):
        if json.loads(row.confirmed).get("completed"):
            over.setdefault(row.flow, []).append(row.task_gid)
    about = or_(
        False,
        *(
            and_(intents.c.flow == flow, intents.c.subject.in_(gids[start : start + 500]))
            for flow, gids in over.items()
            for start in range(0, len(gids), 500)
        ),
    )
    done = and_(intents.c.state == str(IntentState.DONE), intents.c.changed_at < then)
    return and_(intents.c.kind.in_(ASKING), done, about)
