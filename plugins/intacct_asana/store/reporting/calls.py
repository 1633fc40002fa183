"""The calls of each day, added up. The quota is the company's, so a company's calls are asked for across all flows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects import postgresql, sqlite

from intacct_asana.reports.meter import INTACCT, CallsOfDay
from intacct_asana.store.database import Database
from intacct_asana.store.tables import calls as table


class StoredCalls:
    """Calls by day; a flow adds its own and reads its own, or a company's of all flows of this store."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def add(self, *, system: str, company: str, job: str, day: date, calls: int) -> None:
        """Count `calls` more. Two that add at once are both counted."""
        row = {"flow": self._flow, "system": system, "company": company, "job": job, "day": day.isoformat(), "calls": calls}
        with self._database.write() as connection:
            connection.execute(_adding_up(connection.dialect.name), row)

    def by_day(self, since: date) -> Sequence[CallsOfDay]:
        """This flow's calls of that day and after it, in the order of the days."""
        return self._select(table.c.flow == self._flow, table.c.day >= since.isoformat())

    def of_company(self, company: str, *, since: date, system: str = INTACCT) -> Sequence[CallsOfDay]:
        """What all flows of this store called of one company; Intacct does not tell a company id's case apart."""
        same = func.lower(table.c.company) == company.lower()
        return self._select(same, table.c.system == system, table.c.day >= since.isoformat())

    def _select(self, *conditions: ColumnElement[bool]) -> list[CallsOfDay]:
        query = select(table).where(*conditions).order_by(table.c.day, table.c.flow, table.c.job, table.c.system)
        with self._database.read() as connection:
            return [
                CallsOfDay(
                    flow=row.flow,
                    system=row.system,
                    company=row.company,
                    job=row.job,
                    day=date.fromisoformat(row.day),
                    calls=row.calls,
                )
                for row in connection.execute(query)
            ]


@cache
def _adding_up(dialect: str) -> postgresql.Insert | sqlite.Insert:
    adding = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    return adding.on_conflict_do_update(index_elements=keys, set_={"calls": table.c.calls + adding.excluded.calls})
