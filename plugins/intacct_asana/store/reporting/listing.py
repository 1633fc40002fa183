"""What a page lists of one flow: a piece at a time, so that a store with a hundred thousand bills is never read whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, Table, and_, exists, func, literal, or_, select

from intacct_asana.codec import from_json, instant_of
from intacct_asana.records import ON_THE_WAY, Decision, DecisionState, Link
from intacct_asana.records.asks import AskState
from intacct_asana.records.concerns import BillFacts, Concern, ConcernState
from intacct_asana.records.drift import Drifted
from intacct_asana.records.matters import LIVE, Matter
from intacct_asana.reports.listed import Known, Piece, Sought
from intacct_asana.store.database import Database
from intacct_asana.store.links import StoredLinks, link_of
from intacct_asana.store.tables import asks, concerns, decisions, findings, intents, ledger, links, matters

MOST = 50
"""Rows of one piece."""

OPEN_TASK = '"completed":false'
"""In the canonical JSON of what a task was confirmed to show."""

DECIDED = frozenset({*ON_THE_WAY, DecisionState.CONFIRMED})
"""While one of these stands, nobody is waited for."""

Record = TypeVar("Record")


class Listing:
    """One flow's rows, for reading. Nothing of it changes anything."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def waiting(self, sought: Sought) -> Piece[Link]:
        """Bills with an open task and without a decision that counts or is on its way; the oldest task first."""
        decided = exists().where(
            decisions.c.flow == links.c.flow, decisions.c.key == links.c.key, decisions.c.state.in_(sorted(DECIDED))
        )
        query = select(links).where(*self._bills(), links.c.confirmed.contains(OPEN_TASK), ~decided)
        query = query.where(*_words(sought.text, links.c.key, links.c.confirmed), *_words(sought.vendor, links.c.confirmed))
        if sought.person:
            query = query.where(self._asked_of(sought.person))
        return self._piece(query.order_by(links.c.linked_at, links.c.key), sought, link_of)

    def decisions(self, sought: Sought) -> Piece[Decision]:
        """The newest first."""
        query = self._about_bills(decisions).where(*_words(sought.person, decisions.c.body))
        if sought.states:
            query = query.where(decisions.c.state.in_(sorted(sought.states)))
        query = query.where(*self._named(decisions, sought)).order_by(decisions.c.decided_at.desc(), decisions.c.decision_id)
        return self._piece(query, sought, lambda row: from_json(Decision, row.body))

    def moved_in(self, decision_ids: Collection[str]) -> Mapping[str, str]:
        """Airflow's run that brought each of these few decisions where it is; without those of which nobody knows."""
        named = decisions.c.decision_id.in_(sorted(set(decision_ids)))
        query = select(decisions.c.decision_id, decisions.c.run_id).where(decisions.c.flow == self._flow, named)
        with self._database.read() as connection:
            return dict(connection.execute(query.where(decisions.c.run_id != "")).tuples().all())

    def drift(self, sought: Sought) -> Piece[tuple[Drifted, datetime]]:
        """What the audit found and holds still, with the time when it was first found; the oldest first."""
        query = self._about_bills(findings).where(findings.c.ended_at.is_(None), *_words(sought.person, findings.c.body))
        if sought.states:
            query = query.where(findings.c.drift.in_(sorted(sought.states)))
        query = query.where(*self._named(findings, sought)).order_by(findings.c.found_at, findings.c.finding_id)
        return self._piece(query, sought, lambda row: (from_json(Drifted, row.body), instant_of(row.found_at)))

    def exceptions(self, sought: Sought) -> Piece[Matter]:
        """Exceptions of which the cause holds."""
        query = select(matters).where(matters.c.flow == self._flow, matters.c.state.in_(sorted(sought.states or LIVE)))
        for word in (sought.text, sought.person, sought.vendor):
            query = query.where(*_words(word, matters.c.body))
        return self._piece(query.order_by(matters.c.matter_id), sought, lambda row: from_json(Matter, row.body))

    def concerns(self, sought: Sought) -> Piece[Concern]:
        """What speaks against bills; open ones unless states are named. The newest first."""
        states = sorted(sought.states or {ConcernState.OPEN})
        query = self._about_bills(concerns).where(concerns.c.state.in_(states), *_words(sought.person, concerns.c.body))
        query = query.where(*self._named(concerns, sought)).order_by(concerns.c.found_at.desc(), concerns.c.concern_id)
        return self._piece(query, sought, lambda row: from_json(Concern, row.body))

    def counts(self) -> Mapping[str, int]:
        """How many there are: `decision <state>`, `drift <class>`, `exception`, `concern`. From indexes alone."""
        counted: Counter[str] = Counter()
        own = select(decisions.c.state, func.count()).where(decisions.c.flow == self._flow).group_by(decisions.c.state)
        drift = select(findings.c.drift, func.count()).where(findings.c.flow == self._flow, findings.c.ended_at.is_(None))
        live = select(literal("exception"), func.count()).where(matters.c.flow == self._flow, matters.c.state.in_(sorted(LIVE)))
        still = (concerns.c.flow == self._flow, concerns.c.state == str(ConcernState.OPEN))
        with self._database.read() as connection:
            counted.update({f"decision {state}": number for state, number in connection.execute(own).tuples()})
            counted.update({f"drift {name}": number for name, number in connection.execute(drift.group_by(findings.c.drift))})
            counted.update(dict(connection.execute(live).tuples().all()))
            counted["concern"] = connection.execute(select(func.count()).where(*still)).scalar_one()
        return counted

    def decided_by_day(self, since: date) -> Mapping[tuple[date, str], int]:
        """Decisions that people made, by day (UTC) and state."""
        day = func.substr(decisions.c.decided_at, 1, 10)
        own = (decisions.c.flow == self._flow, decisions.c.decided_at >= since.isoformat())
        query = select(day, decisions.c.state, func.count()).where(*own).group_by(day, decisions.c.state)
        with self._database.read() as connection:
            return {(date.fromisoformat(on), state): number for on, state, number in connection.execute(query)}

    def known(self, keys: Collection[str]) -> Mapping[str, Known]:
        """What is known of these bills, by key; of a piece's keys, so of few."""
        tasks = StoredLinks(self._database, flow=self._flow, kind="bill")
        found, shown = tasks.of(keys), tasks.showing(keys)
        here = (ledger.c.flow == self._flow, ledger.c.key.in_(sorted(set(keys))))
        with self._database.read() as connection:
            bodies = connection.execute(select(ledger.c.body).where(*here)).scalars()
            facts = {one.key: one for one in (from_json(BillFacts, body) for body in bodies)}
        return {
            key: Known(key=key, link=found.get(key), shown=shown[key].body if key in shown else None, facts=facts.get(key))
            for key in keys
        }

    # --- parts of queries ---

    def _bills(self) -> tuple[ColumnElement[bool], ...]:
        return (links.c.flow == self._flow, links.c.kind == "bill")

    def _about_bills(self, table: Table) -> Select[Any]:
        """Rows of a table beside the task of the bill that they are about, where there is one."""
        beside = and_(links.c.flow == table.c.flow, links.c.kind == "bill", links.c.key == table.c.key)
        return select(table).select_from(table.outerjoin(links, beside)).where(table.c.flow == self._flow)

    def _named(self, table: Table, sought: Sought) -> Iterator[ColumnElement[bool]]:
        yield from _words(sought.text, table.c.key, table.c.body, links.c.confirmed)
        yield from _words(sought.vendor, links.c.confirmed, table.c.body)

    def _asked_of(self, person: str) -> ColumnElement[bool]:
        """The bill's turn names the person, or an ask of theirs is open."""
        turn = and_(intents.c.flow == links.c.flow, intents.c.intent_id == literal("turn-") + links.c.key)
        ask = and_(asks.c.flow == links.c.flow, asks.c.key == links.c.key, asks.c.state == str(AskState.OPEN))
        return or_(
            exists().where(turn, *_words(person, intents.c.body)),
            exists().where(ask, *_words(person, asks.c.body)),
        )

    def _piece(self, query: Select[Any], sought: Sought, made: Callable[[Any], Record]) -> Piece[Record]:
        with self._database.read() as connection:
            rows = connection.execute(query.limit(MOST + 1).offset((sought.piece - 1) * MOST)).all()
        return Piece(rows=tuple(made(row) for row in rows[:MOST]), has_more=len(rows) > MOST)


def _words(said: str, *columns: ColumnElement[Any]) -> Iterator[ColumnElement[bool]]:
    """That one of the columns has these words somewhere; nothing said asks for nothing.

    Bodies are JSON in plain ASCII, and databases know small and large letters of ASCII only: others are tried in each form.
    """
    if said:
        forms = {said} if said.isascii() else {said, said.lower(), said.upper(), said.title()}
        inside = sorted({json.dumps(form)[1:-1] for form in forms})
        yield or_(*(column.icontains(form, autoescape=True) for column in columns for form in inside))
