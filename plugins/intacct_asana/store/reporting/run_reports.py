"""The report of each run, kept so that the page and the alerts need not ask Airflow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select

from intacct_asana.codec import from_json, instant_text, to_json
from intacct_asana.reports.run_report import RunReport, RunState
from intacct_asana.store.database import Database, put
from intacct_asana.store.tables import run_reports as table


class StoredRunReports:
    """One flow's reports. Those of a rehearsal are kept too: they are a write to neither system."""

    def __init__(self, database: Database, *, flow: str) -> None:
        self._database, self._flow = database, flow

    def save(self, report: RunReport) -> None:
        """Keep it, over the one that a former try of the same run left."""
        row = {
            "flow": self._flow,
            "dag_id": report.dag_id,
            "run_id": report.run_id,
            "job": report.job,
            "state": str(report.state),
            "is_dry": report.is_dry,
            "started_at": instant_text(report.started_at),
            "ended_at": instant_text(report.ended_at),
            "body": to_json(report),
        }
        with self._database.write() as connection:
            put(connection, table, row)

    def of(self, dag_id: str, run_id: str) -> RunReport | None:
        found = self._select(table.c.dag_id == dag_id, table.c.run_id == run_id, most=1)
        return found[0] if found else None

    def newest(self, job: str, *, state: RunState | None = None) -> RunReport | None:
        """The job's run that ended last; with `state` the last that ended so."""
        wanted = [table.c.job == job, *([table.c.state == str(state)] if state else [])]
        found = self._select(*wanted, most=1)
        return found[0] if found else None

    def since(self, at: datetime, *, job: str = "", most: int = 1000) -> Sequence[RunReport]:
        """Runs that ended at `at` or later, the newest first."""
        wanted = [table.c.ended_at >= instant_text(at), *([table.c.job == job] if job else [])]
        return self._select(*wanted, most=most)

    def _select(self, *conditions: ColumnElement[bool], most: int) -> list[RunReport]:
        newest_first = (table.c.ended_at.desc(), table.c.run_id.desc())
        query = select(table.c.body).where(table.c.flow == self._flow, *conditions).order_by(*newest_first).limit(most)
        with self._database.read() as connection:
            return [from_json(RunReport, row.body) for row in connection.execute(query)]
