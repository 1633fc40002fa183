"""What one run keeps for the next: plans and what came of them, cursors, marks, and the gids that preflight pinned.

A cursor is a position in a stream of changes; it moves in the transaction of the work that it covers. A mark says how far a
task's history is known: read up to here by us, last written by us there. It saves reading only: a lost one costs one more read.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, delete, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from intacct_asana.codec import from_json, instant_of, instant_text, json_text, to_json
from intacct_asana.errors import Misconfigured, Problem, Refused, UnexpectedReply
from intacct_asana.records import Cursor, Mark, Pins
from intacct_asana.store.database import Database, add_all, put
from intacct_asana.store.reporting.releases import OPEN
from intacct_asana.store.tables import cursors as cursors_table
from intacct_asana.store.tables import marks as marks_table
from intacct_asana.store.tables import pins as pins_table
from intacct_asana.store.tables import plan_pages, plans, releases

KEEP = 200
"""Plans kept of each flow and kind; older ones are dropped when a new one is saved, but for those that wait for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPlan:
    """A plan as text. `summary` is for people, `result` is None until it was applied.

    `body` is the first page of the plan, and `more` are the texts of the others: given to be kept, they are taken one after the
    other; from the store, each is read when it is its turn.

    Money in `summary` and `result` comes back as text, as JSON has no Decimal.
    """

    plan_id: str
    kind: str
    created_at: datetime
    run_id: str
    summary: Mapping[str, Any]
    body: str
    applied_at: datetime | None = None
    result: Mapping[str, Any] | None = None
    more: Iterable[str] = ()


class StoredPages:
    """The pages of a stored plan behind its first one, read one at a time, as often as they are asked for."""

    def __init__(self, database: Database, *, flow: str, plan_id: str, count: int) -> None:
        self._database, self._here = database, (plan_pages.c.flow == flow, plan_pages.c.plan_id == plan_id)
        self._count, self._name = count, plan_id

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        """Raises UnexpectedReply where the plan was dropped meanwhile."""
        for page in range(1, self._count + 1):
            with self._database.read() as connection:
                query = select(plan_pages.c.body).where(*self._here, plan_pages.c.page == page)
                text = connection.execute(query).scalar()
            if text is None:
                raise UnexpectedReply(f"Page {page} of plan {self._name} is not in the store any more; run the planning again.")
            yield text


def save_plan(database: Database, *, flow: str, plan: StoredPlan) -> None:
    """Keep a plan, and drop the oldest of its kind beyond `KEEP`. Raises Refused when its id is taken."""
    row = {
        "flow": flow,
        "plan_id": plan.plan_id,
        "kind": plan.kind,
        "created_at": instant_text(plan.created_at),
        "run_id": plan.run_id,
        "summary": json_text(plan.summary),
        "body": plan.body,
        "applied_at": instant_text(plan.applied_at) if plan.applied_at else None,
        "result": json_text(plan.result) if plan.result is not None else None,
    }
    with database.write() as connection:
        connection.execute(insert(plans).values(**row))
        for page, text in enumerate(plan.more, 1):
            own = {"flow": flow, "plan_id": plan.plan_id}
            connection.execute(insert(plan_pages).values(**own, page=page, body=text))
        _drop_old(connection, flow=flow, kind=plan.kind, keep=KEEP)


def read_plan(database: Database, *, flow: str, plan_id: str) -> StoredPlan | None:
    with database.read() as connection:
        row = connection.execute(select(plans).where(plans.c.flow == flow, plans.c.plan_id == plan_id)).first()
        own = (plan_pages.c.flow == flow, plan_pages.c.plan_id == plan_id)
        count = connection.execute(select(func.count()).select_from(plan_pages).where(*own)).scalar_one() if row else 0
    if row is None:
        return None
    more = StoredPages(database, flow=flow, plan_id=plan_id, count=count) if count else ()
    return replace(_plan(row), more=more)


def newest_whole_plan(database: Database, *, flow: str, kind: str) -> StoredPlan | None:
    """The last applied one that moved cursors: it speaks of everything that is owed. Without its body, which may be long."""
    own = (plans.c.flow == flow, plans.c.kind == kind, plans.c.applied_at.is_not(None))
    named = [column for column in plans.c if column.name != "body"]
    query: Select[Any] = select(*named, literal("").label("body")).where(*own).order_by(plans.c.created_at.desc())
    with database.read() as connection:
        found = (_plan(row) for row in connection.execute(query))
        return next((plan for plan in found if plan.summary.get("cursors")), None)


def finish_plan(
    database: Database,
    *,
    flow: str,
    plan_id: str,
    cursors: Sequence[Cursor],
    stood: Mapping[str, str | None] | None = None,
    result: Mapping[str, Any],
    at: datetime,
) -> None:
    """Mark the plan as applied and move the cursors, in one transaction. Raises Refused for a plan that is not there.

    Applying it once more keeps the newer result but leaves the cursors: they may have gone on since. `stood` is where they
    were when Intacct was read: another run that moved any of them since has read all of this, and more, so none goes back.
    """
    here = (plans.c.flow == flow, plans.c.plan_id == plan_id)
    with database.write() as connection:
        row = connection.execute(select(plans.c.applied_at).where(*here).with_for_update()).first()
        if row is None:
            raise Refused(f"Plan {plan_id} is not in the store of {flow}, so it cannot be marked as applied.")
        connection.execute(update(plans).where(*here).values(applied_at=instant_text(at), result=json_text(result)))
        if row.applied_at is None and _stand_still(connection, flow, stood or {}):
            save_cursors(connection, flow=flow, cursors=cursors)


def _stand_still(connection: Connection, flow: str, stood: Mapping[str, str | None]) -> bool:
    found = connection.execute(CURSORS, {"flow": flow, "names": list(stood)}) if stood else ()
    now = {row.name: row.value for row in found}
    return all(now.get(name) == value for name, value in stood.items())


def prune_plans(database: Database, *, flow: str, keep: int) -> None:
    """Drop all but the newest `keep` plans of each kind."""
    with database.write() as connection:
        for kind in connection.execute(select(plans.c.kind).where(plans.c.flow == flow).distinct()).scalars().all():
            _drop_old(connection, flow=flow, kind=kind, keep=keep)


def _drop_old(connection: Connection, *, flow: str, kind: str, keep: int) -> None:
    own = (plans.c.flow == flow, plans.c.kind == kind)
    newest_first = (plans.c.created_at.desc(), plans.c.plan_id.desc())
    old = select(plans.c.plan_id).where(*own).order_by(*newest_first).offset(keep)
    waits = releases.c.state.in_(OPEN)
    old = old.where(plans.c.plan_id.not_in(select(releases.c.plan_id).where(releases.c.flow == flow, waits)))
    old = old.where(plans.c.plan_id != _newest_whole_id(connection, own))
    gone = connection.execute(old).scalars().all()
    for table in (plan_pages, plans):
        connection.execute(delete(table).where(table.c.flow == flow, table.c.plan_id.in_(gone)))


def _newest_whole_id(connection: Connection, own: tuple[ColumnElement[bool], ...]) -> str:
    """It says what is owed, however many runs that move no cursor came after it."""
    query = select(plans.c.plan_id, plans.c.summary).where(*own, plans.c.applied_at.is_not(None))
    found = connection.execute(query.order_by(plans.c.created_at.desc()))
    return next((row.plan_id for row in found if json.loads(row.summary).get("cursors")), "")


def _plan(row: Row[Any]) -> StoredPlan:
    return StoredPlan(
        plan_id=row.plan_id,
        kind=row.kind,
        created_at=instant_of(row.created_at),
        run_id=row.run_id,
        summary=json.loads(row.summary),
        body=row.body,
        applied_at=instant_of(row.applied_at) if row.applied_at else None,
        result=json.loads(row.result) if row.result is not None else None,
    )


CURSORS = select(cursors_table.c.name, cursors_table.c.value).where(
    cursors_table.c.flow == bindparam("flow"), cursors_table.c.name.in_(bindparam("names", expanding=True))
)


def read_cursors(database: Database, *, flow: str, names: Collection[str]) -> dict[str, str | None]:
    """All of these, as they are at one instant; None for one that was never saved."""
    with database.read() as connection:
        found = connection.execute(CURSORS, {"flow": flow, "names": list(names)})
        return {**dict.fromkeys(names), **{row.name: row.value for row in found}}


def save_cursors(connection: Connection, *, flow: str, cursors: Sequence[Cursor]) -> None:
    """Within the caller's transaction. By name, so that two runs take their locks in the same order."""
    newest = {cursor.name: cursor.value for cursor in cursors}
    put(connection, cursors_table, *({"flow": flow, "name": name, "value": newest[name]} for name in sorted(newest)))


PINS = select(pins_table.c.body).where(pins_table.c.flow == bindparam("flow"), pins_table.c.kind == bindparam("kind"))


def read_pins(database: Database, *, flow: str, kind: str) -> Pins | None:
    with database.read() as connection:
        body = connection.execute(PINS, {"flow": flow, "kind": kind}).scalar()
        return from_json(Pins, body) if body else None


def save_pins(database: Database, *, flow: str, kind: str, pins: Pins, take_over: bool = False) -> None:
    """Keep the pins, and with them the project. Raises Misconfigured when it is another flow's.

    With `take_over` the other flow loses it: its pins go, so that its DAGs stop until its own preflight finds it a project.
    """
    with database.write() as connection:
        if take_over:
            connection.execute(delete(pins_table).where(_of_another(flow, pins.project_gid)))
        row = {"flow": flow, "kind": kind, "body": to_json(pins), "project_gid": pins.project_gid}
        try:
            with connection.begin_nested():
                put(connection, pins_table, row)
        except IntegrityError as error:
            owner = connection.execute(select(pins_table.c.flow).where(_of_another(flow, pins.project_gid))).scalar()
            raise Misconfigured("A project belongs to one flow.", problems=(taken(pins.project_gid, owner or flow),)) from error


def owner_of(database: Database, *, flow: str, project_gid: str) -> str | None:
    """The other flow that a project belongs to, or None."""
    with database.read() as connection:
        return connection.execute(select(pins_table.c.flow).where(_of_another(flow, project_gid))).scalar()


def taken(project_gid: str, owner: str) -> Problem:
    what = f"it belongs to flow {owner}, and two flows would undo each other's writes"
    cure = (
        "give this flow a project of its own, or run its preflight with *Take the projects over*, which stops the other's DAGs"
    )
    return Problem(where=f"Asana project {project_gid}", what=what, mend=cure)


def _of_another(flow: str, project_gid: str) -> ColumnElement[bool]:
    return and_(pins_table.c.project_gid == project_gid, pins_table.c.flow != flow)


CHUNK = 500


class StoredMarks:
    """The marks of one flow's tasks, by task gid."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def of(self, task_gids: Collection[str]) -> Mapping[str, Mark]:
        wanted = sorted(set(task_gids))
        query = select(marks_table).where(marks_table.c.flow == self._flow)
        with self._database.read() as connection:
            chunks = (wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK))
            rows = [row for chunk in chunks for row in connection.execute(query.where(marks_table.c.task_gid.in_(chunk)))]
        return {row.task_gid: _mark(row) for row in rows}

    def read(self, marks: Mapping[str, Mark]) -> None:
        """These tasks' stories were read. What we wrote ourselves stays noted."""
        with self._database.write() as connection:
            rows = (self._row(gid, mark.read_at, value=mark.value) for gid, mark in sorted(marks.items()))
            put(connection, marks_table, *rows)

    def made(self, times: Mapping[str, datetime]) -> None:
        """We made these tasks, and Asana gave that time of change: there is no history before it to read."""
        with self._database.write() as connection:
            add_all(connection, marks_table, [self._row(gid, at) for gid, at in sorted(times.items())])

    def wrote(self, times: Mapping[str, datetime]) -> None:
        """Asana answered our own write of these tasks with that time of change.

        A task whose history was never read gets no mark by this: a person may have decided on it before we wrote.
        """
        if not times:
            return
        here = update(marks_table).where(marks_table.c.flow == self._flow, marks_table.c.task_gid == bindparam("gid"))
        with self._database.write() as connection:
            rows = [{"gid": gid, "at": instant_text(at)} for gid, at in sorted(times.items())]
            connection.execute(here.values(wrote_at=bindparam("at")), rows)

    def _row(self, task_gid: str, read_at: datetime, **more: Any) -> dict[str, Any]:
        return {"flow": self._flow, "task_gid": task_gid, "read_at": instant_text(read_at), **more}


def _mark(row: Any) -> Mark:
    return Mark(
        read_at=instant_of(row.read_at), wrote_at=instant_of(row.wrote_at) if row.wrote_at else None, value=row.value or ""
    )
