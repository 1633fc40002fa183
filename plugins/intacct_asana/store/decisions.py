"""Decisions on their way, moved along one arrow at a time with their evidence in the same transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, select, update

from intacct_asana import __version__
from intacct_asana.audit.chain import Keyring, sha256_hex
from intacct_asana.codec import from_json, instant_text, to_json
from intacct_asana.errors import Refused
from intacct_asana.records import NEXT_STATES, ON_THE_WAY, Cursor, Decision, DecisionState
from intacct_asana.records.anchors import Anchor
from intacct_asana.records.recorded import STANDS, Recorded, approvals_in, recorded_in
from intacct_asana.store.database import Database, add, in_chunks
from intacct_asana.store.evidence import Chain, read_evidence
from intacct_asana.store.runs import save_cursors
from intacct_asana.store.tables import decisions as table
from intacct_asana.store.tables import evidence

SENT = frozenset({DecisionState.CONFIRMED, DecisionState.REJECTED, DecisionState.VOID, DecisionState.GRANTED})
SETTLED = frozenset(DecisionState) - ON_THE_WAY


def _bodies(*conditions: ColumnElement[bool]) -> Select[tuple[str]]:
    own = select(table.c.body).where(table.c.flow == bindparam("flow"), *conditions)
    return own.order_by(table.c.decided_at, table.c.decision_id)


# Made once: to put a statement together takes longer than to carry it out.
_OF_KEYS = table.c.key.in_(bindparam("keys", expanding=True))
UNSETTLED = _bodies(table.c.state.in_(sorted(ON_THE_WAY)))
UNACKNOWLEDGED = _bodies(table.c.state.in_(sorted(SETTLED)), table.c.acknowledged.is_(False))
REFUSED_SINCE = _bodies(
    table.c.state.in_([str(DecisionState.REFUSED), str(DecisionState.REJECTED)]), table.c.decided_at >= bindparam("at")
)
THAT_HOLD = _bodies(table.c.state.in_(sorted(SENT)))
THAT_HOLD_OF = _bodies(table.c.state.in_(sorted(SENT)), _OF_KEYS)
GIVEN = _bodies(table.c.state == str(DecisionState.GRANTED))
ALL_OF = _bodies(_OF_KEYS)


class StoredDecisions:
    """`ports.Decisions` for one flow."""

    def __init__(self, database: Database, *, flow: str, keys: Keyring, file_digest: str = "", run_id: str = "") -> None:
        """`file_digest` is that of the flow file by which decisions are made, `run_id` the run of Airflow that makes them: each
        row of their evidence names both."""
        self._database, self._flow, self._keys, self._run_id = database, flow, keys, run_id
        self._by = {"package": __version__, "flow_file": file_digest} | ({"run": run_id} if run_id else {})
        self._judged: dict[str, Recorded] = {}

    def record(self, decisions: Sequence[Decision], *, at: datetime, cursors: Sequence[Cursor] = ()) -> list[Decision]:
        """Keep decisions not yet known and move `cursors`, in one transaction. The answer holds the new ones only."""
        early = next((each for each in decisions if each.state is not DecisionState.RECORDED), None)
        if early:
            raise Refused(f"Decision {early.decision_id} cannot begin as {early.state}; every decision begins as RECORDED.")
        with self._database.write() as connection:
            chain = Chain(connection, flow=self._flow, keys=self._keys)
            here = {"run_id": self._run_id}
            new = [decision for decision in decisions if add(connection, table, {**self._row(decision), **here})]
            for decision in new:
                facts = {name: getattr(decision, name) for name in ("task_gid", "task_url", "record_no", "shown_digest")}
                who = {"decider_email": decision.decider_email, "signal": decision.signal}
                self._note(chain, decision, step="RECORDED", facts=facts | who, at=at)
            save_cursors(connection, flow=self._flow, cursors=cursors)
        return new

    def advance(self, decision: Decision, *, to: DecisionState, facts: Mapping[str, object], at: datetime) -> Decision:
        """Move a decision along one arrow and append `facts` to its evidence, in one transaction.

        `decision` carries the new control_id, rule and outcome; what people did in Asana stays as it was recorded. One that
        becomes void is news, so it is to be told again. Raises Refused for an arrow that does not exist, and when another run
        moved the decision first.
        """
        if to not in NEXT_STATES[decision.state]:
            raise Refused(f"Decision {decision.decision_id} cannot go from {decision.state} to {to}.")
        with self._database.write() as connection:
            chain = Chain(connection, flow=self._flow, keys=self._keys)
            stored = self._stored(connection, decision.decision_id)
            if stored.state is not decision.state:
                raise Refused(
                    f"Decision {decision.decision_id} is {stored.state} by now, not {decision.state}: another run moved it."
                )
            told = stored.acknowledged and to is not DecisionState.VOID
            moved = replace(decision, state=to, key=stored.key, signal=stored.signal, acknowledged=told)
            self._keep(connection, moved, run_id=self._run_id)
            said = {name: getattr(moved, name) for name in ("control_id", "rule", "outcome")}
            self._note(chain, moved, step=str(to), facts={**said, **facts, "step_before": stored.state}, at=at)
        return moved

    def acknowledge(self, decision: Decision, *, story_gid: str, at: datetime) -> Decision:
        """Note that the task was told, by which comment. A second time changes nothing.

        Raises Refused before the decision is settled: its end would never be told then.
        """
        with self._database.write() as connection:
            chain = Chain(connection, flow=self._flow, keys=self._keys)
            stored = self._stored(connection, decision.decision_id)
            if stored.acknowledged:
                return stored
            if stored.state not in SETTLED:
                raise Refused(f"Decision {decision.decision_id} is {stored.state} and cannot be acknowledged yet.")
            told = replace(stored, acknowledged=True)
            self._keep(connection, told)
            self._note(chain, told, step="ACKNOWLEDGED", facts={"story_gid": story_gid}, at=at)
        return told

    def unsettled(self) -> list[Decision]:
        """Decisions in RECORDED, CLEARED, SUBMITTED or VOIDING, oldest first."""
        return self._select(UNSETTLED)

    def refused_since(self, at: datetime) -> list[Decision]:
        """Decisions chosen then or later that were refused, here or by Intacct, oldest first."""
        return self._select(REFUSED_SINCE, at=instant_text(at))

    def unacknowledged(self) -> list[Decision]:
        """Settled decisions whose task has not been told yet, oldest first."""
        return self._select(UNACKNOWLEDGED)

    def sent(self, keys: Collection[str] | None = None) -> list[Decision]:
        """Settled decisions that hold for what their bill is: whose stamp may be on it, or that were given for a step.

        About all bills or about these, oldest first.
        """
        return self._select(THAT_HOLD) if keys is None else self._select_of(THAT_HOLD_OF, keys)

    def granted(self) -> list[Decision]:
        """Decisions that were given for a step while others were missing, oldest first."""
        return self._select(GIVEN)

    def of(self, key: str) -> list[Decision]:
        """Every decision about one bill, oldest first."""
        return self._select(ALL_OF, keys=[key])

    def about(self, keys: Collection[str]) -> list[Decision]:
        """Every decision about these bills, oldest first."""
        return self._select_of(ALL_OF, keys)

    def approved_since(self, at: datetime) -> list[Recorded]:
        """Approvals that count, or are on their way into Intacct, chosen then or later; with what they were judged on.

        What a decision was judged on stays what it was, so each is read from the evidence once.
        """
        may = table.c.state.in_(sorted(STANDS)) & (table.c.decided_at >= instant_text(at))
        query = select(table.c.decision_id, table.c.key).where(self._own(), may)
        with self._database.read() as connection:
            found = {row.decision_id: row.key for row in connection.execute(query)}
            for keys in in_chunks({key for one, key in found.items() if one not in self._judged}):
                here = (evidence.c.flow == self._flow) & evidence.c.key.in_(keys)
                rows = connection.execute(select(evidence).where(here).order_by(evidence.c.sequence)).all()
                recorded = recorded_in((row.key, row.decision_id, json.loads(row.body)) for row in rows)
                self._judged |= {one.decision_id: one for one in recorded if one.decision_id in found}
        return approvals_in(self._judged[one] for one in found if one in self._judged)

    def anchor(self, decision: Decision, *, step: str = "") -> Anchor | None:
        """The newest row of evidence about the decision, or the newest of one step (`SUBMITTED`); None where there is none.

        The stamp and the comment name it, so that the evidence cannot lose its end without a trace.
        """
        rows = read_evidence(self._database, flow=self._flow, key=decision.key)
        own = [row for row in rows if row.decision_id == decision.decision_id and step in ("", row.body.get("step"))]
        return own[-1].anchor if own else None

    def _stored(self, connection: Connection, decision_id: str) -> Decision:
        """The decision as it stands. The caller holds the chain, so nobody moves it meanwhile."""
        query = select(table.c.body).where(self._own(), table.c.decision_id == decision_id)
        body = connection.execute(query).scalar()
        if body is None:
            raise Refused(f"Decision {decision_id} is not in the store of {self._flow}.")
        return from_json(Decision, body)

    def _keep(self, connection: Connection, decision: Decision, **more: str) -> None:
        here = update(table).where(self._own(), table.c.decision_id == decision.decision_id)
        connection.execute(here.values(**self._row(decision), **more))

    def _select(self, query: Select[tuple[str]], **values: object) -> list[Decision]:
        with self._database.read() as connection:
            return [from_json(Decision, row.body) for row in connection.execute(query, {"flow": self._flow, **values})]

    def _select_of(self, query: Select[tuple[str]], keys: Collection[str]) -> list[Decision]:
        return [decision for chunk in in_chunks(keys) for decision in self._select(query, keys=chunk)]

    def _own(self) -> ColumnElement[bool]:
        return table.c.flow == self._flow

    def _row(self, decision: Decision) -> dict[str, Any]:
        return {
            "flow": self._flow,
            "decision_id": decision.decision_id,
            "key": decision.key,
            "state": str(decision.state),
            "acknowledged": decision.acknowledged,
            "decided_at": instant_text(decision.signal.decided_at),
            "body": to_json(decision),
        }

    def _note(self, chain: Chain, decision: Decision, *, step: str, facts: Mapping[str, object], at: datetime) -> None:
        ours = {"step": step, "decision_sha256": sha256_hex(to_json(decision)), **self._by}
        chain.append(key=decision.key, decision_id=decision.decision_id, facts={**facts, **ours}, at=at)
