"""One small flow with alerts: what Airflow calls when a task or a run ends, and the look over all flows."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from airflow.sdk import DAG
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.watching.callbacks import EndFailure, TellFailedRun, TellFailure
from intacct_asana.operators.watching.watch import Watch
from intacct_asana.reports.incidents import Incident
from intacct_asana.reports.run_report import RunReport, RunState

from tests.databases import airflow_connection
from tests.standing.standing_world import Standing

MAIL = "{kind: smtp, to: [ap@northwind.example], from_email: af@northwind.example}"
SLACK = "{kind: slack}"


class Alarmed(Standing):
    """`fails` and `succeeds` are a task's end, `run_fails` is what the DAG processor is told; `watch` is one look."""

    def __init__(self, *where: Any, alerts: str, **how: Any) -> None:
        super().__init__(*where, replace=("\napproval:\n", f"\nalerts: {alerts}\napproval:\n"), **how)

    def store_connection(self) -> str:
        return json.dumps(airflow_connection(self.url))

    def parts(self) -> FlowRun:
        run = FlowRun(self.flow, now=lambda: self.at)
        run.__dict__["store"] = self.store
        return run

    def context(self, *, step: str, run_id: str, error: Exception | None, **more: Any) -> Any:
        task = SimpleNamespace(run_parts=self.parts())
        url = f"http://localhost:8080/dags/small_bill_sync/runs/{run_id}/tasks/{step}"
        ti = SimpleNamespace(task=task, task_id=step, dag_id="small_bill_sync", log_url=url, try_number=1)
        found = {"ti": ti, "run_id": run_id, "dag": DAG("small_bill_sync", schedule=None), "params": {}}
        return found | ({"exception": error} if error else {}) | more

    def fails(self, error: Exception, *, step: str = "apply_plan", run_id: str = "r1") -> None:
        self.pass_time(60)
        TellFailure(flow="small")(self.context(step=step, run_id=run_id, error=error))

    def run_fails(self, *, step: str = "apply_plan", run_id: str = "r1", began_at: datetime | None = None) -> None:
        self.pass_time(60)
        context = self.context(step=step, run_id=run_id, error=None)
        context["ti"].start_date = began_at
        TellFailedRun(flow="small", waits_seconds=0)(context)

    def succeeds(self, *, step: str = "apply_plan", run_id: str = "r9", **more: Any) -> None:
        self.pass_time(60)
        EndFailure(flow="small")(self.context(step=step, run_id=run_id, error=None, **more))

    def watch(self) -> dict[str, int]:
        self.pass_time(600)
        return Watch(self.parts()).look()

    def report(self, *, job: str = "bill_sync", minutes_ago: int = 0, state: RunState = RunState.SUCCESS, **more: Any) -> None:
        at = self.at - timedelta(minutes=minutes_ago)
        run_id = more.pop("run_id", f"{state}-{at:%H%M%S}")
        self.store.run_reports().save(
            RunReport(
                flow="small",
                job=job,
                dag_id=f"small_{job}",
                run_id=run_id,
                run_type="scheduled",
                started_at=at,
                ended_at=at,
                state=state,
                **more,
            )
        )

    def open_incidents(self) -> list[Incident]:
        return self.store.incidents().open()
