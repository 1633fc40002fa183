"""What a data team does in Airflow, on the real thing: lets a plan over a limit through, and backfills beside the schedule.

`python -m sandbox.demo.operations` starts the sandbox and Airflow in a folder of their own, plays both scenes, prints what it
measured, and ends what it started. The scenes take a running Airflow, so that another one can play them too.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from sandbox import constants
from sandbox.demo import checks
from sandbox.demo.airflow_server import AirflowServer, DemoFailed, end_on_signals, environment, put_demo_flow
from sandbox.demo.checks import Check
from sandbox.demo.steering import Steering, free_port

SYNC, RELEASE, APPROVALS = "demo_bill_sync", "demo_release_plan", "demo_approval_reconciliation"
EVERYBODY = "Anonymous"
"""Who answers where everybody is an administrator."""
DAYS = 30
BILLS = 80
Cursors = Callable[[], Mapping[str, str]]
Say = Callable[[str], None]
console = Console(highlight=False, width=160)


def let_a_plan_through(airflow: AirflowServer, steering: Steering, *, say: Say) -> list[Check]:
    """The flow's limits are below its first sync, and it says `release`."""
    first = run(airflow, SYNC, say)
    [asked] = wait_for(lambda: [one for one in airflow.runs(RELEASE) if one["state"] == "running"], seconds=120)
    waiting = wait_for(lambda: "awaiting_input" in states(airflow, RELEASE, asked["dag_run_id"]), seconds=120)
    question = airflow.question(RELEASE, asked["dag_run_id"], "ask_people")
    second = run(airflow, SYNC, say)
    before = len(steering.tasks(constants.BILLS_PROJECT_GID))
    airflow.answer(RELEASE, asked["dag_run_id"], "ask_people", "Approve")
    end = airflow.wait_for_run(RELEASE, asked["dag_run_id"], seconds=300, watch=lambda text: None)
    say(f"{RELEASE}: {end}")
    third = run(airflow, SYNC, say)
    told = "too many tasks to create" in question["body"] and bool(waiting)
    runs = f"{first}, then {second} while it waits, {third} afterwards; the release: {end}"
    return [
        Check("a refused plan is red once", runs, (first, second, third, end) == ("failed", "success", "success", "success")),
        Check("people are asked with reasons and numbers", question["subject"], told and before == 0),
        Check("one question", f"{len(airflow.runs(RELEASE))} runs of the release DAG", len(airflow.runs(RELEASE)) == 1),
        checks.each_bill_once(steering),
        checks.equal_to_the_cent(steering),
    ]


def backfill_beside_the_schedule(
    airflow: AirflowServer, steering: Steering, *, cursors: Cursors, say: Say, days: int = DAYS
) -> list[Check]:
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
    run(airflow, SYNC, say)
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
    wait_for(lambda: all(one["state"] == "success" for one in airflow.runs(SYNC, run_type="backfill")), seconds=900)
    asana, intacct = checks.writes(before, steering.counters())
    refused = airflow.http.post("/api/v2/backfills", json=a_day_of(APPROVALS))
    return [
        *found,
        Check("cursors after some days once more", f"{len(stood)} cursors, none moved", bool(stood) and cursors() == stood),
        Check("writes of some days once more", f"Asana {asana}, Intacct {intacct}", asana == intacct == 0),
        Check("a backfill of the approvals", f"{refused.status_code} {refused.json().get('detail')}", refused.is_client_error),
    ]


def a_day_of(dag_id: str) -> dict[str, Any]:
    return {"dag_id": dag_id, "from_date": "2026-01-01T00:00:00Z", "to_date": "2026-01-02T00:00:00Z"}


def run(airflow: AirflowServer, dag_id: str, say: Say) -> str:
    began = time.monotonic()
    state = airflow.wait_for_run(dag_id, airflow.trigger(dag_id), seconds=600, watch=lambda text: None)
    say(f"{dag_id}: {state} in {time.monotonic() - began:.1f} s")
    return state


def states(airflow: AirflowServer, dag_id: str, run_id: str) -> set[str]:
    return {str(task["state"]) for task in airflow.tasks(dag_id, run_id)}


def wait_for(look: Callable[[], Any], *, seconds: float) -> Any:
    end = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > end:
            raise DemoFailed(f"Waited {seconds:.0f} s in vain")
        time.sleep(0.5)
    return found


def main(
    database: Annotated[str, typer.Option(help="SQLAlchemy URL of an empty PostgreSQL database; SQLite without.")] = "",
    days: Annotated[int, typer.Option(help="Days to backfill.")] = DAYS,
    release: Annotated[bool, typer.Option(help="Begin with a first sync that people have to let through.")] = True,
) -> None:
    """Play both scenes; non-zero if anything is off."""
    end_on_signals()
    home = Path(tempfile.mkdtemp(prefix="operations-"))
    ports = [free_port() for _ in range(4)]
    steering = Steering(ports[0], log=home / "sandbox.log")
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.1f} s[/dim]  {text}")

    jobs = ("bill_sync", "vendor_sync", "approval_reconciliation", "drift_audit")
    rules: dict[str, Any] = {"release": {"people": [EVERYBODY]}, "limits": {"creates": BILLS // 4 if release else BILLS}}
    mappings = put_demo_flow(home / "mappings", schedules=dict.fromkeys(jobs), **rules)
    env = environment(home, port=ports[1], spare_ports=(ports[2], ports[3]), sandbox_url=steering.url, mappings=mappings)
    if database:
        env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = database
    say(f"Starting the sandbox and Airflow in {home} ...")
    airflow = AirflowServer(env, log=home / "airflow.log")
    found: list[Check] = []
    failed = ""
    try:
        steering.wait_until_up()
        steering.call("POST", "reset", {"seed": 7, "vendors": 20, "bills": BILLS})
        airflow.wait_until_healthy(seconds=600)
        airflow.make_pool("intacct_api", 1, "Calls to one Intacct company at a time")
        airflow.make_pool("asana_api", 4, "Tasks that talk to Asana with one token")
        for job in ("preflight", "bill_sync", "release_plan", "approval_reconciliation"):
            airflow.wait_for_dag(f"demo_{job}", seconds=300)
        for job in ("preflight", "bill_sync"):
            airflow.unpause(f"demo_{job}")
        say("Airflow is up")
        preflight = airflow.trigger("demo_preflight", {"create_missing": True})
        airflow.wait_for_run("demo_preflight", preflight, seconds=300, watch=lambda text: None)
        if release:
            found += let_a_plan_through(airflow, steering, say=say)
        else:
            run(airflow, SYNC, say)
        daily = dict.fromkeys(jobs) | {"bill_sync": "0 6 * * *", "approval_reconciliation": "0 6 * * *"}
        put_demo_flow(home / "mappings", schedules=daily, **rules)
        stand = home / "intacct_asana.db"
        found += backfill_beside_the_schedule(airflow, steering, cursors=lambda: cursors_in(stand), say=say, days=days)
    except DemoFailed as error:
        failed = str(error)
    finally:
        airflow.stop()
        steering.stop()
    for check in found:
        console.print(f"{'ok ' if check.ok else 'OFF'}  {check.name}: {check.figure}")
    if failed:
        console.print(f"[red]{failed}[/red]")
    raise typer.Exit(0 if not failed and all(check.ok for check in found) else 1)


def cursors_in(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as store:
        return dict(store.execute("SELECT name, value FROM ia_cursors WHERE flow = 'demo'").fetchall())


if __name__ == "__main__":
    typer.run(main)
