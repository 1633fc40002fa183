"""The names of metrics stay, and fit what StatsD takes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from intacct_asana.reports.metrics import counters_of, seconds_of
from intacct_asana.reports.run_report import RunReport, RunState

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
REPORT = RunReport(
    flow="demo",
    job="bill_sync",
    dag_id="demo_bill_sync",
    run_id="r1",
    run_type="manual",
    started_at=NOON,
    ended_at=NOON + timedelta(seconds=42),
    state=RunState.SUCCESS,
    counts={"create": 3, "attach_documents: link": 2},
    calls={"intacct": 4, "asana": 9},
    refusals=("one",),
)


def test_metrics_are_named_for_flow_job_and_what_they_count() -> None:
    assert dict(counters_of(REPORT)) == {
        "intacct_asana.demo.bill_sync.runs.success": 1,
        "intacct_asana.demo.bill_sync.refusals": 1,
        "intacct_asana.demo.bill_sync.calls.intacct": 4,
        "intacct_asana.demo.bill_sync.calls.asana": 9,
        "intacct_asana.demo.bill_sync.count.create": 3,
        "intacct_asana.demo.bill_sync.count.attach_documents_link": 2,
    }
    assert seconds_of(REPORT) == ("intacct_asana.demo.bill_sync.seconds", 42.0)
    assert all(re.fullmatch(r"[a-z0-9_.]+", name) for name, _ in counters_of(REPORT))
