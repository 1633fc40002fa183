"""What a run says of itself: in its last step's log, as a note, in the store, and on the meter."""

from __future__ import annotations

import logging
import sys
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from intacct_asana import __version__
from intacct_asana.operators.runs.reporting import NOTE
from intacct_asana.reports.run_report import RunState

from sandbox import constants
from tests.airflow.test_whole_run import ALICE, bills_for, choose

pytestmark = pytest.mark.airflow
ASSET = f"asana://{constants.BILLS_PROJECT_GID}/tasks"


def report_of(world: Any, job: str) -> Any:
    report = world.store().run_reports().newest(job)
    assert report
    return report


def test_a_first_sync_says_what_it_made_and_what_that_is_worth_and_a_second_that_nothing_changed(world: Any) -> None:
    world.have_run()
    world.sandbox.zero_counters()
    world.must("bill_sync")
    made = report_of(world, "bill_sync")
    assert (made.state, made.is_dry, made.run_type) == (RunState.SUCCESS, False, "manual")
    assert (made.package, len(made.flow_file)) == (__version__, 64)
    assert made.counts["create"] == len(world.tasks())
    total = sum(Decimal(bill["total_entered"]) for bill in world.sandbox.state("intacct")["bills"] if in_scope(bill))
    assert sum(made.money.values()) == total
    assert f"{len(world.tasks())} made" in made.words
    assert f"Calls: {made.calls['intacct']} of Intacct, {made.calls['asana']} of Asana" in made.words
    assert world.api.xcoms["report_run", NOTE].startswith("bill sync of demo, manual: done after ")
    [event] = [one for end in world.api.ends for one in end.get("outlet_events") or () if one["dest_asset_key"]["uri"] == ASSET]
    assert event["extra"]["counts"] == {"create": len(world.tasks())}
    assert event["extra"]["plan_id"].startswith("bill-")
    assert world.api.xcoms["apply_plan", "_link_AsanaProjectLink"] == f"https://app.asana.com/0/{constants.BILLS_PROJECT_GID}"
    assert world.api.xcoms["apply_plan", "_link_FlowPageLink"].endswith("/plugin/intacct-asana/intacct-asana/page/flows/demo")
    world.must("bill_sync")
    assert "Tasks: none had to change." in report_of(world, "bill_sync").words


def in_scope(bill: dict[str, Any]) -> bool:
    return bill["state"] in {"Submitted", "Partially Approved", "Posted", "Selected", "Partially Paid"}


def test_the_meter_counts_what_intacct_counts(world: Any) -> None:
    """Each of both has its own count: the sandbox by the functions and records that it carries out."""
    world.have_run()
    world.sandbox.zero_counters()
    before = metered(world)
    world.sandbox.zero_counters()
    world.must("bill_sync")
    choose(world, ALICE, bills_for(world)[0], "Approved")
    world.must("approval_reconciliation")
    billed = world.sandbox.call("GET", "/_sandbox/billed")
    assert billed["update APBILL"] == 1
    assert metered(world) - before == sum(billed.values())
    assert {row.job for row in rows_of(world)} >= {"preflight", "bill_sync", "approval_reconciliation"}


def test_calls_that_the_gateway_turned_away_are_not_metered(world: Any) -> None:
    world.have_run()
    world.sandbox.zero_counters()
    before = metered(world)
    world.sandbox.fault("intacct", "query APBILLITEM", "end_session")
    world.must("bill_sync")
    billed = world.sandbox.call("GET", "/_sandbox/billed")
    assert metered(world) - before == sum(billed.values())


def test_a_plan_says_what_it_costs_and_the_month_warns_where_it_is_nearly_used(world: Any, flow_file: Any) -> None:
    world.have_run()
    flow_file("\nlimits:\n", "\nmeter: {monthly_calls: 10}\nlimits:\n")
    world.must("bill_sync", dry_run=True)
    report = report_of(world, "bill_sync")
    assert f"Carrying it out takes about {report.counts['read'] - 4} calls of Asana and none of Intacct." in report.words
    assert "of the month's calls are used. The month will need more than it has." in report.words
    world.sandbox.zero_counters()
    world.must("bill_sync", dry_run=False)
    assert world.sandbox.counters()["asana POST /tasks"] == report.counts["read"] - 4


def rows_of(world: Any) -> Any:
    return world.store().calls().of_company(constants.COMPANY_ID, since=date(2020, 1, 1))


def metered(world: Any) -> int:
    return sum(row.calls for row in rows_of(world))


def test_a_refusal_is_named_with_its_reason_its_bill_and_its_amount(world: Any) -> None:
    world.have_run("bill_sync")
    bill = next(each for each in bills_for(world) if Decimal(each["total_entered"]) > 0)
    choose(world, "ben.okafor@northwind.example", bill, "Rejected")
    world.must("approval_reconciliation")
    report = report_of(world, "approval_reconciliation")
    assert report.counts["refused"] == 1
    [refusal] = report.refusals
    assert f"rejected bill {bill['bill_number']} of " in refusal
    assert "needs a reason" in refusal
    assert refusal in report.words


def test_a_run_with_a_failed_step_fails_and_says_which_and_why(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    world.have_run()
    world.sandbox.fault("intacct", "query APBILL", "status:403", times=50)
    caplog.set_level(logging.INFO)
    states = world.run("bill_sync")
    assert states == {"plan_tasks": "failed", "apply_plan": "upstream_failed", "report_run": "failed"}
    report = report_of(world, "bill_sync")
    assert report.state is RunState.FAILED
    assert report.failures[0].startswith("plan_tasks: ")
    assert "403" in report.failures[0]
    assert report.failures[1] == "apply_plan: did not run, because a step before it failed"
    assert report.calls["intacct"] >= 1
    assert "Failed: plan_tasks: " in world.api.xcoms["report_run", NOTE]


def test_a_run_that_cannot_vouch_for_its_evidence_is_no_success(
    world: Any, flow_file: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is red in Airflow, so its report may not say otherwise: by it people are told that an incident is over."""
    world.have_run("bill_sync")
    choose(world, ALICE, next(iter(bills_for(world))), "Approved")
    flow_file(
        "\nlimits:\n",
        "\nevidence: {timestamp_url: 'https://tsa.example', timestamp_certificate: '-----BEGIN CERTIFICATE-----'}\nlimits:\n",
    )
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    assert world.run("approval_reconciliation")["report_run"] == "failed"
    assert "rfc3161-client" in str(world.error)
    assert world.store().run_reports().newest("approval_reconciliation", state=RunState.SUCCESS) is None
