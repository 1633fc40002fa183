"""Reports of runs and counted calls, as they are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from intacct_asana.reports.run_report import RunReport, RunState
from intacct_asana.store import FlowStore, open_store

from tests.store.store_world import crowd, minutes, opened

DAY = date(2026, 11, 23)


def a_report(run_id: str = "scheduled__1", **more: Any) -> RunReport:
    report = RunReport(
        flow="demo",
        job="bill_sync",
        dag_id="demo_bill_sync",
        run_id=run_id,
        run_type="scheduled",
        started_at=minutes(0),
        ended_at=minutes(2),
        state=RunState.SUCCESS,
        counts={"create": 3},
        money={"USD": Decimal("1234.50")},
        refusals=("Bill 77 of Öl GmbH: over the limit",),
        calls={"intacct": 4, "asana": 9},
        words="3 tasks made.",
    )
    return replace(report, **more)


def test_a_report_comes_back_as_it_was_saved_and_the_newest_try_of_a_run_stands(flow: FlowStore) -> None:
    reports = flow.run_reports()
    reports.save(a_report(state=RunState.FAILED, failures=("apply_plan: no",)))
    reports.save(a_report())
    assert reports.of("demo_bill_sync", "scheduled__1") == a_report()
    assert list(reports.since(minutes(0))) == [a_report()]


def test_runs_are_found_by_job_state_and_time(flow: FlowStore) -> None:
    reports = flow.run_reports()
    good, bad = a_report("1"), a_report("2", ended_at=minutes(5), state=RunState.FAILED)
    other = a_report("3", job="vendor_sync", dag_id="demo_vendor_sync", ended_at=minutes(9))
    for report in (good, bad, other):
        reports.save(report)
    assert reports.newest("bill_sync") == bad
    assert reports.newest("bill_sync", state=RunState.SUCCESS) == good
    assert reports.newest("drift_audit") is None
    assert list(reports.since(minutes(3))) == [other, bad]
    assert list(reports.since(minutes(0), job="bill_sync", most=1)) == [bad]


def test_a_rehearsal_keeps_its_report_and_its_calls(flow: FlowStore, url: str) -> None:
    rehearsal = open_store(url).for_flow("demo", rehearses=True)
    rehearsal.run_reports().save(a_report())
    rehearsal.calls().add(system="intacct", company="ACME", job="bill_sync", day=DAY, calls=4)
    assert flow.run_reports().newest("bill_sync") == a_report()
    assert [row.calls for row in flow.calls().by_day(DAY)] == [4]


def test_calls_of_a_day_add_up_whoever_counts_at_once(flow: FlowStore, url: str) -> None:
    def add(_: int) -> None:
        for _ in range(5):
            opened(url).calls().add(system="intacct", company="ACME", job="bill_sync", day=DAY, calls=2)

    crowd(4, add)
    (row,) = flow.calls().by_day(DAY)
    assert (row.calls, row.job, row.day) == (40, "bill_sync", DAY)


def test_a_company_is_asked_for_across_flows(flow: FlowStore, url: str) -> None:
    other = opened(url, "other").calls()
    flow.calls().add(system="intacct", company="ACME", job="bill_sync", day=DAY, calls=1)
    flow.calls().add(system="intacct", company="ACME", job="bill_sync", day=date(2026, 10, 31), calls=8)
    other.add(system="intacct", company="acme", job="vendor_sync", day=DAY, calls=2)
    other.add(system="intacct", company="ELSEWHERE", job="vendor_sync", day=DAY, calls=4)
    other.add(system="asana", company="ACME", job="vendor_sync", day=DAY, calls=16)
    assert sum(row.calls for row in flow.calls().of_company("ACME", since=date(2026, 11, 1))) == 3
    assert sum(row.calls for row in other.by_day(DAY)) == 22
