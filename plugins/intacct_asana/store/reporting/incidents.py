"""Incidents as they are remembered: what holds, who was told, and who tells just now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select, update

from intacct_asana.codec import from_json, instant_of, instant_text, to_json
from intacct_asana.reports.incidents import Incident, Kind, Sighting, ended, key_of, noted
from intacct_asana.store.database import Database, add, put
from intacct_asana.store.tables import incidents as table

CLAIMED_FOR = timedelta(minutes=5)
"""Longer than any telling takes. A process that died while it told leaves the rest to whoever comes after that, and so does
one whose notifier was down: asking that again at each task's end would hold up every task."""
FIRST_LOOK = "first look"


class StoredIncidents:
    """One flow's incidents. They are kept in a rehearsal too: they are a write to neither system."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def note(self, seen: Sighting, *, at: datetime) -> Incident:
        """The incident that this is, new or known; it is to be told where nobody heard of it."""
        with self._database.write() as connection:
            row = self._locked(connection, key_of(seen))
            if row is None:
                fresh = noted(None, seen, flow=self._flow, at=at)
                if add(connection, table, {**self._row(fresh), "is_told": False}):
                    return fresh
                row = self._locked(connection, key_of(seen))
            before = from_json(Incident, row.body) if row else None
            now = noted(before, seen, flow=self._flow, at=at)
            # One that ended without a word to anybody and is back has to be told.
            is_known = before is not None and before.is_open and row is not None and bool(row.is_told)
            self._put(connection, now, is_told=is_known, claimed_until=row.claimed_until if row else None)
        return now

    def hold(self, seen: Sighting, *, at: datetime) -> str:
        """Note what nobody knows yet, for the caller to `release` when it is to be told; empty where it is known and holds.

        Of a caller that is ended meanwhile, whoever comes after CLAIMED_FOR tells it.
        """
        held = instant_text(at + CLAIMED_FOR)
        with self._database.write() as connection:
            row = self._locked(connection, key_of(seen))
            before = from_json(Incident, row.body) if row else None
            if before is not None and before.is_open:
                return ""
            now = noted(before, seen, flow=self._flow, at=at)
            if row is not None:
                self._put(connection, now, is_told=False, claimed_until=held)
                return held
            return held if add(connection, table, {**self._row(now), "is_told": False, "claimed_until": held}) else ""

    def release(self, seen: Sighting, *, held: str) -> None:
        """From now on anybody may tell it; nothing changes where somebody did, or it is over."""
        mine = (table.c.incident_key == key_of(seen)) & (table.c.claimed_until == held)
        with self._database.write() as connection:
            connection.execute(update(table).where(self._own(), mine).values(claimed_until=None))

    def open(self) -> list[Incident]:
        """What holds, oldest first."""
        return self._select(table.c.ended_at.is_(None))

    def at_hand(self, what: str, *, at: datetime) -> bool:
        """Whether there is anything to do for who has good news about `what`: something to end, or somebody to tell."""
        may = or_(self._to_tell(at), table.c.ended_at.is_(None) & (table.c.what == what))
        query = select(table.c.incident_key).where(self._own(), may).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).first() is not None

    def end(self, incidents: Collection[Incident], *, why: str, at: datetime, told: bool = False) -> None:
        """They hold no more. With `told` nobody needs to hear of that."""
        with self._database.write() as connection:
            for one in incidents:
                row = self._locked(connection, one.key)
                now = from_json(Incident, row.body) if row else one
                if (now.turn, now.times) != (one.turn, one.times):
                    # It was met anew since the caller looked.
                    continue
                over = ended(now, why=why, at=at)
                over = replace(over, told_over=over.told) if told else over
                self._put(connection, over, is_told=told, claimed_until=None)

    def claim(self, *, at: datetime) -> list[Incident]:
        """What is to be told, for the caller alone to tell; `keep` gives each back."""
        query = select(table).where(self._own(), self._to_tell(at)).order_by(table.c.opened_at)
        claimed = []
        with self._database.write() as connection:
            for row in connection.execute(query).all():
                here = update(table).where(self._own(), table.c.incident_key == row.incident_key, self._to_tell(at))
                if connection.execute(here.values(claimed_until=instant_text(at + CLAIMED_FOR))).rowcount == 1:
                    claimed.append(from_json(Incident, row.body))
        return claimed

    def keep(self, incident: Incident, *, is_told: bool) -> None:
        """What was told of a claimed one. Where somebody is still to be told, the claim stays until it ends by itself; where it
        ended meanwhile, that is to be told at once."""
        with self._database.write() as connection:
            row = self._locked(connection, incident.key)
            now = from_json(Incident, row.body)
            if now.turn == incident.turn:
                is_same = now.ended_at == incident.ended_at
                now = replace(now, told=incident.told, told_over=incident.told_over, tasks=incident.tasks)
                claimed = row.claimed_until if is_same and not is_told else None
                self._put(connection, now, is_told=is_told and is_same, claimed_until=claimed)

    def first_look(self, name: str, *, at: datetime) -> datetime:
        """When somebody first looked at `name`: what was before that is history."""
        key = f"{FIRST_LOOK} {name}"[:40]
        query = select(table.c.opened_at).where(self._own(), table.c.incident_key == key)
        with self._database.write() as connection:
            found = connection.execute(query).scalar()
            if found is None:
                seen = Sighting(kind=Kind.LATE, what=key, cause=FIRST_LOOK, title=key, words="")
                row = self._row(Incident(flow=self._flow, seen=seen, opened_at=at, ended_at=at))
                put(connection, table, {**row, "incident_key": key, "kind": FIRST_LOOK, "is_told": True, "claimed_until": None})
        return instant_of(found) if found else at

    def flows(self) -> frozenset[str]:
        """Names of all flows of this store that have incidents which hold."""
        with self._database.read() as connection:
            return frozenset(connection.execute(select(table.c.flow).where(table.c.ended_at.is_(None)).distinct()).scalars())

    def of_flow(self, flow: str) -> StoredIncidents:
        return StoredIncidents(self._database, flow=flow)

    def _select(self, condition: ColumnElement[bool]) -> list[Incident]:
        query = select(table.c.body).where(self._own(), condition).order_by(table.c.opened_at, table.c.incident_key)
        with self._database.read() as connection:
            return [from_json(Incident, row.body) for row in connection.execute(query)]

    def _to_tell(self, at: datetime) -> ColumnElement[bool]:
        """Somebody has to be told, and nobody is telling, or tried just now."""
        is_free = or_(table.c.claimed_until.is_(None), table.c.claimed_until < instant_text(at))
        return table.c.is_told.is_(False) & is_free

    def _locked(self, connection: Any, key: str) -> Any:
        """The row, which no other process changes until this transaction ends."""
        return connection.execute(select(table).where(self._own(), table.c.incident_key == key).with_for_update()).first()

    def _own(self) -> ColumnElement[bool]:
        return table.c.flow == self._flow

    def _put(self, connection: Any, incident: Incident, **more: Any) -> None:
        put(connection, table, {**self._row(incident), **more})

    def _row(self, incident: Incident) -> dict[str, Any]:
        return {
            "flow": self._flow,
            "incident_key": incident.key,
            "kind": str(incident.seen.kind),
            "what": incident.seen.what,
            "opened_at": instant_text(incident.opened_at),
            "ended_at": instant_text(incident.ended_at) if incident.ended_at else None,
            "body": to_json(incident),
        }
