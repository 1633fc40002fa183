"""Backfills on a running Airflow: beside the schedule, and of days that fail, by each way to ask for one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.demo import checks
from sandbox.demo.airflow_server import AirflowServer, DemoFailed
from sandbox.demo.checks import Check
from sandbox.demo.steering import Steering
from sandbox.pictures.browser import Browser

SYNC, APPROVALS = "demo_bill_sync", "demo_approval_reconciliation"
Cursors = Callable[[], Mapping[str, str]]
Say = Callable[[str], None]
TRIGGER = (
    "[...document.querySelectorAll('button')].find(one => (one.ariaLabel || one.textContent).trim().startsWith('Trigger'))"
)
FORM, CALENDAR = "[role=dialog]", "[data-scope=popover][data-part=content][data-state=open]"
LOCKED = "database is locked"
NOTHING = "No runs matching"
"""What the form says, and lets nobody ask for it."""

REFUSED_READS = {"system": "intacct", "kind": "query APBILL", "action": "refuse"}
"""A no of Intacct's, which no task repeats by itself."""


def beside_the_schedule(airflow: AirflowServer, steering: Steering, *, cursors: Cursors, say: Say, days: int) -> list[Check]:
    """A backfill of a month while the sync runs by its schedule and by hand, and people work; then a part of it again, alone.

    The sync's schedule is daily by now. `cursors` gives those of the flow as they are.
    """
    some = [bill for bill in checks.in_scope(steering.bills()) if bill["state"] == "Posted"][:3]
    known = {one["dag_run_id"] for one in airflow.runs(SYNC)}
    # The newest dates may have a run of the schedule, or no end yet.
    airflow.backfill(SYNC, days=days + 2)
    made = len(airflow.runs(SYNC, run_type="backfill"))
    for bill in some:
        steering.act("intacct", "mgarcia", "edit_bill", record_no=bill["record_no"], changes={"line": 1, "amount": "77.77"})
        steering.act("intacct", "mgarcia", "create_bill", amount="12.34", state="Posted")
        airflow.trigger(SYNC)
    ended = airflow.wait_until_over(SYNC, run_type="backfill", count=made, seconds=2400)
    beside = [one for one in airflow.runs(SYNC) if one["dag_run_id"] not in known and one["run_type"] != "backfill"]
    for one in beside:
        airflow.wait_for_run(SYNC, one["dag_run_id"], seconds=600, watch=lambda text: None)
    good = sum(one["state"] == "success" for one in airflow.runs(SYNC) if one["run_type"] != "backfill")
    say(f"backfill of {made} days: {ended}, {len(beside)} runs beside it")
    airflow.run(SYNC, say)
    found = [
        Check(
            f"a backfill of {made} days beside the schedule",
            f"{ended['success']} good, {ended['failed']} failed; {len(beside)} runs of the schedule and by hand beside it",
            ended == {"success": made, "failed": 0} and made >= days - 1 and good >= len(beside),
        ),
        checks.each_bill_once(steering),
        checks.equal_to_the_cent(steering),
    ]
    stood, before = dict(cursors()), steering.counters()
    # The first backfill counts as running until a timer of Airflow's has looked at it, so this is asked until it is taken.
    airflow.backfill(SYNC, days=4, reprocess="completed")
    airflow.wait_for(
        lambda: all(one["state"] == "success" for one in airflow.runs(SYNC, run_type="backfill")), "the days done once more"
    )
    asana, intacct = checks.writes(before, steering.counters())
    refused = airflow.http.post("/api/v2/backfills", json=_a_day_of(APPROVALS))
    return [
        *found,
        Check("cursors after some days once more", f"{len(stood)} cursors, none moved", bool(stood) and cursors() == stood),
        Check("writes of some days once more", f"Asana {asana}, Intacct {intacct}", asana == intacct == 0),
        Check("a backfill of the approvals", f"{refused.status_code} {refused.json().get('detail')}", refused.is_client_error),
    ]


def _a_day_of(dag_id: str) -> dict[str, Any]:
    return {"dag_id": dag_id, "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"}


# Days that fail, and what each reprocess behaviour repeats


@dataclass(frozen=True)
class Days:
    """Whole days, from the first up to and with the last."""

    first: datetime
    last: datetime

    @classmethod
    def before_today(cls, *, ago: int, count: int) -> Days:
        first = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=ago)
        return cls(first, first + timedelta(days=count, seconds=-1))

    def runs(self, airflow: AirflowServer) -> dict[str, Mapping[str, Any]]:
        """The sync's runs of these days, by their ids."""
        told = {run["dag_run_id"]: run for run in airflow.runs(SYNC) if run["logical_date"]}
        return {
            name: run for name, run in told.items() if self.first <= datetime.fromisoformat(run["logical_date"]) <= self.last
        }


Ask = Callable[[Days, str], None]
"""One way to ask for a backfill of these days with a reprocess behaviour."""


def by_command_line(airflow: AirflowServer) -> Ask:
    def ask(days: Days, reprocess: str) -> None:
        span = ("--from-date", f"{days.first:%Y-%m-%d}", "--to-date", f"{days.last:%Y-%m-%dT%H:%M:%S}")
        said = ("--reprocess-behavior", reprocess, "--max-active-runs", "2")
        try:
            airflow.command("backfill", "create", "--dag-id", SYNC, *span, *said)
        except DemoFailed as error:
            # SQLite, where somebody wrote meanwhile: nothing was made.
            if LOCKED not in str(error):
                raise
            airflow.command("backfill", "create", "--dag-id", SYNC, *span, *said)

    return ask


def by_rest(airflow: AirflowServer) -> Ask:
    def ask(days: Days, reprocess: str) -> None:
        airflow.backfill_of(SYNC, first=days.first, last=days.last, reprocess=reprocess)

    return ask


def by_form(airflow: AirflowServer, tab: Browser) -> Ask:
    """As somebody does in Airflow's UI: Trigger, Backfill, the days, the behaviour, run."""
    tab.open(f"{airflow.url}/auth/token/login", until="document.readyState === 'complete' && location.pathname === '/'")
    tab.look(width=1280, height=1400, dark=False)

    def ask(days: Days, reprocess: str) -> None:
        tab.open(f"{airflow.url}/dags/{SYNC}", until=TRIGGER, seconds=90)
        tab.value(f"{TRIGGER}.click()")
        tab.press(f"{FORM} input[value=backfill]", seconds=60)
        tab.wait(f"document.querySelectorAll('{FORM} [data-testid=datetime-input]').length === 3")
        for place, at in enumerate((days.first, days.last)):
            field = f"document.querySelectorAll('{FORM} [data-testid=datetime-input]')[{place}]"
            tab.value(f"{field}.click()")
            for hint, text in (("YYYY/MM/DD", f"{at:%Y/%m/%d}"), ("HH:mm", f"{at:%H:%M}")):
                tab.write(f'{CALENDAR} input[placeholder="{hint}"]', text)
            tab.wait(f"{field}.textContent.trim() === '{at:%b %d, %Y %H:%M}'")
            tab.value(f"{field}.click()")
            tab.wait(f"!document.querySelector('{CALENDAR}')")
        tab.press(f"{FORM} input[value={reprocess}]")
        button = f"[...document.querySelectorAll('{FORM} button')].find(one => one.textContent.trim() === 'Run Backfill')"
        # The form asks Airflow first what would run.
        time.sleep(3)
        tab.wait(f"{button} && (!{button}.disabled || document.querySelector('{FORM}').textContent.includes('{NOTHING}'))")
        if not tab.value(f"{button}.disabled"):
            tab.value(f"{button}.click()")
            tab.wait(f"!{button}", seconds=60)

    return ask


def of_days_that_fail(
    airflow: AirflowServer, steering: Steering, *, ways: Mapping[str, Ask], cursors: Cursors, say: Say, count: int = 3
) -> list[Check]:
    """In each of the ways, on days of its own: two fail, `failed` repeats those alone, `none` nothing, `completed` all."""
    stood, found = dict(cursors()), list[Check]()
    for place, (way, ask) in enumerate(ways.items()):
        days = Days.before_today(ago=60 + 20 * place, count=count)
        steering.call("POST", "faults", {**REFUSED_READS, "times": 2})
        made = _repeated(airflow, ask, days, "none", say=f"{way}: none", to=say)
        failed = {name for name, run in days.runs(airflow).items() if run["state"] == "failed"}
        figure = f"{len(made)} runs, {len(failed)} of them failed"
        found.append(
            Check(f"a backfill by {way} of {count} days of which two fail", figure, (len(made), len(failed)) == (count, 2))
        )
        before = steering.counters()
        for reprocess, wanted in (("failed", failed), ("none", set()), ("completed", made)):
            again = _repeated(airflow, ask, days, reprocess, say=f"{way}: {reprocess}", to=say)
            good = sum(run["state"] == "success" for run in days.runs(airflow).values())
            figure = f"{len(again)} of {count} days done again, {good} good afterwards"
            found.append(Check(f"{reprocess}, by {way}", figure, again == wanted and good == count))
        asana, intacct = checks.writes(before, steering.counters())
        found.append(Check(f"writes of that by {way}", f"Asana {asana}, Intacct {intacct}", asana == intacct == 0))
    return [
        *found,
        Check("cursors after all of it", f"{len(stood)} cursors, none moved", bool(stood) and cursors() == stood),
        checks.each_bill_once(steering),
        checks.equal_to_the_cent(steering),
    ]


def _repeated(airflow: AirflowServer, ask: Ask, days: Days, reprocess: str, *, say: str, to: Say) -> set[str]:
    """Asks, waits until it is over, and tells which of the days' runs began anew by it."""
    airflow.wait_for(lambda: airflow.no_backfill_runs(SYNC), "the backfill before to be over")
    before = {name: run["start_date"] for name, run in days.runs(airflow).items()}
    ask(days, reprocess)
    airflow.wait_for(lambda: airflow.no_backfill_runs(SYNC), f"a backfill ({say}) to be over")
    after = {name: run["start_date"] for name, run in days.runs(airflow).items()}
    again = {name for name, began in after.items() if began != before.get(name)}
    to(f"backfill by {say}: {len(again)} of {len(after)} days")
    return again
