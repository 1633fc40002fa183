"""What a data team does in Airflow, on the real thing.

`python -m sandbox.demo.operations` starts the sandbox and Airflow in a folder of their own, plays scenes, prints what it
measured, and ends what it started. The scenes take a running Airflow, so that another one can play them too.

| scene | what happens |
|---|---|
| release | a first sync over the limits: nobody answers in time, then people let it through |
| month | a backfill of a month beside the schedule, while people work |
| days | backfills of days that fail, each reprocess behaviour, by command line, REST and the form of Airflow's UI |
| deaths | tasks that are killed or hang: one message each |
"""

from __future__ import annotations

import importlib.util
import secrets
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from sandbox import constants
from sandbox.cluster.machine import Postgres
from sandbox.cluster.topology import Service
from sandbox.demo import backfills, checks, deaths
from sandbox.demo.airflow_server import AirflowServer, DemoFailed, end_on_signals, environment, put_demo_flow
from sandbox.demo.backfills import SYNC, Say
from sandbox.demo.checks import Check
from sandbox.demo.steering import Steering, free_port
from sandbox.pictures.browser import NoBrowser, browser, chromium

RELEASE = "demo_release_plan"
EVERYBODY = "Anonymous"
"""Who answers where everybody is an administrator."""
DAYS = 30
BILLS = 80
SHORT_WAIT_HOURS = 0.012
"""As long as nobody answers: long enough to see the question, and sat out."""
MISSING = """Airflow on PostgreSQL needs asyncpg, which is not installed here. Use the Python of script/cluster-test
(.venv-cluster/bin/python), or name --database sqlite."""
JOBS = ("bill_sync", "vendor_sync", "approval_reconciliation", "drift_audit")
console = Console(highlight=False, width=160)


class Scene(StrEnum):
    RELEASE = "release"
    MONTH = "month"
    DAYS = "days"
    DEATHS = "deaths"


class Office:
    """The sandbox, Airflow, and the flow file by which it runs."""

    def __init__(self, home: Path, *, say: Say, database: str, slack: str) -> None:
        """`database`: Airflow's own, SQLite's file when empty; `slack`: the connection to the channel."""
        self.home, self.say = home, say
        ports = [free_port() for _ in range(4)]
        self.declare(**release_rules(24))
        deaths.put_policy(home)
        say(f"Starting the sandbox and Airflow in {home} ...")
        self.steering = Steering(ports[0], log=home / "sandbox.log")
        env = environment(
            home, port=ports[1], spare_ports=(ports[2], ports[3]), sandbox_url=self.steering.url, mappings=home / "mappings"
        )
        env |= {**deaths.SETTINGS, f"AIRFLOW_CONN_{deaths.SLACK.upper()}": slack}
        if database:
            env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = database
        self.airflow = AirflowServer(env, log=home / "airflow.log")

    def end(self) -> None:
        self.airflow.stop()
        self.steering.stop()

    def declare(self, *, daily: bool = False, **rules: Any) -> None:
        """The demo's flow with these rules; DAGs are as it says when Airflow read their files again, tasks at once."""
        crons = dict.fromkeys(("bill_sync", "approval_reconciliation"), "0 6 * * *") if daily else {}
        put_demo_flow(self.home / "mappings", schedules={**dict.fromkeys(JOBS), **crons}, **rules)

    def cursors(self) -> Mapping[str, str]:
        """Where reading stands. Which answers are known is none of it: whoever writes forgets that."""
        with closing(sqlite3.connect(self.home / "intacct_asana.db")) as store:
            rows = store.execute("SELECT name, value FROM ia_cursors WHERE flow = 'demo'").fetchall()
        return {name: value for name, value in rows if "_answers:" not in name}

    def begin(self, *, release: bool) -> list[Check]:
        self.steering.wait_until_up()
        self.steering.call("POST", "reset", {"seed": 7, "vendors": 20, "bills": BILLS})
        self.airflow.wait_until_healthy(seconds=600)
        self.airflow.make_pool("intacct_api", 1, "Calls to one Intacct company at a time")
        self.airflow.make_pool("asana_api", 4, "Tasks that talk to Asana with one token")
        for job in ("preflight", "bill_sync", "vendor_sync", "release_plan", "approval_reconciliation"):
            self.airflow.wait_for_dag(f"demo_{job}", seconds=300)
        for job in ("preflight", "bill_sync", "vendor_sync"):
            self.airflow.unpause(f"demo_{job}")
        self.say("Airflow is up")
        self.airflow.run("demo_preflight", self.say, {"create_missing": True})
        if release:
            return [*self.nobody_answers(), *self.let_a_plan_through()]
        self.airflow.run(SYNC, self.say, {"allow_unsafe_plan": True})
        return []

    def nobody_answers(self) -> list[Check]:
        """The flow's limits are below its first sync, and the time that it gives people runs out."""
        self.declare(**release_rules(SHORT_WAIT_HOURS))
        first = self.airflow.run(SYNC, self.say)
        asked = self._asked()
        began = time.monotonic()
        end = self.airflow.wait_for_run(RELEASE, asked, seconds=600, watch=lambda text: None)
        waited = time.monotonic() - began
        self.say(f"{RELEASE}: {end} after {waited:.0f} s without an answer")
        states = {task["task_id"]: str(task["state"]) for task in self.airflow.tasks(RELEASE, asked)}
        told = str((self.airflow.result(RELEASE, asked, "ask_people") or {}).get("says"))
        written = len(self.steering.tasks(constants.BILLS_PROJECT_GID))
        again = self.airflow.run(SYNC, self.say)
        runs = self.airflow.runs(RELEASE)
        good = (first, end, again) == ("failed", "success", "failed") and states["apply_release"] == "skipped"
        figure = f"{told} apply_release is {states['apply_release']}, {written} tasks; the sync before {first}, after {again}"
        return [Check("a question that nobody answers", figure, good and written == 0 and len(runs) == 1)]

    def let_a_plan_through(self) -> list[Check]:
        """Somebody has people asked once more about what nobody answered, and they approve."""
        self.declare(**release_rules(24))
        self.airflow.trigger(RELEASE)
        asked = self._asked()
        question = self.airflow.question(RELEASE, asked, "ask_people")
        second = self.airflow.run(SYNC, self.say)
        before = len(self.steering.tasks(constants.BILLS_PROJECT_GID))
        self.airflow.answer(RELEASE, asked, "ask_people", "Approve")
        end = self.airflow.wait_for_run(RELEASE, asked, seconds=300, watch=lambda text: None)
        self.say(f"{RELEASE}: {end}")
        third = self.airflow.run(SYNC, self.say)
        told = "too many tasks to create" in question["body"]
        runs = f"{second} while it waits, {third} afterwards; the release: {end}"
        return [
            Check("a plan that waits is green, and so is what was approved", runs, {second, third, end} == {"success"}),
            Check("people are asked with reasons and numbers", question["subject"], told and before == 0),
            checks.each_bill_once(self.steering),
            checks.equal_to_the_cent(self.steering),
        ]

    def _asked(self) -> str:
        """The run in which a question waits."""

        def waiting() -> list[str]:
            running = [str(one["dag_run_id"]) for one in self.airflow.runs(RELEASE) if one["state"] == "running"]
            tasks = {run_id: {str(task["state"]) for task in self.airflow.tasks(RELEASE, run_id)} for run_id in running}
            return [run_id for run_id, states in tasks.items() if "awaiting_input" in states]

        found: list[str] = self.airflow.wait_for(waiting, "people to be asked", seconds=120)
        return found[0]

    def play(self, scene: Scene, heard: deaths.Channel, *, days: int) -> list[Check]:
        if scene is Scene.DEATHS:
            self.declare(**release_rules(24), alerts={"on_failure": [{"kind": "slack", "connection": deaths.SLACK}]})
            return deaths.tasks_that_die(self.airflow, self.steering, heard, say=self.say)
        self.declare(**release_rules(24), daily=True)
        # Airflow refuses a backfill of a DAG that it still knows without a schedule.
        dag = f"/api/v2/dags/{SYNC}"
        self.airflow.wait_for(
            lambda: self.airflow.http.get(dag).json().get("timetable_summary"), "the new schedule", seconds=300
        )
        both = (self.airflow, self.steering)
        if scene is Scene.MONTH:
            return backfills.beside_the_schedule(*both, cursors=self.cursors, say=self.say, days=days)
        with ExitStack() as stack:
            ways = {"command line": backfills.by_command_line(self.airflow), "REST": backfills.by_rest(self.airflow)}
            if chromium():
                ways["form"] = backfills.by_form(self.airflow, stack.enter_context(browser()))
            else:
                self.say("There is no Chromium here, so nobody fills in Airflow's form")
            return backfills.of_days_that_fail(*both, ways=ways, cursors=self.cursors, say=self.say)


def release_rules(wait_hours: float) -> dict[str, Any]:
    """The limits are below the first sync."""
    return {"release": {"people": [EVERYBODY], "wait_hours": wait_hours}, "limits": {"creates": BILLS // 4}}


@contextmanager
def postgresql(home: Path) -> Iterator[str]:
    """The URL of an empty database on a server of its own, which ends with us."""
    said = {"POSTGRES_USER": "airflow", "POSTGRES_PASSWORD": secrets.token_hex(16), "POSTGRES_DB": "airflow"}
    service = Service(name="database", command=(), environment=said, replicas=1, profiles=(), image="")
    if importlib.util.find_spec("asyncpg") is None:
        raise DemoFailed(MISSING)
    server = Postgres(service, folder=home / "database")
    try:
        server.begin()
        yield f"postgresql+psycopg2://airflow:{said['POSTGRES_PASSWORD']}@127.0.0.1:{server.port}/airflow"
    finally:
        server.down()


def main(
    database: Annotated[str, typer.Option(help="SQLAlchemy URL of an empty database, or `sqlite`.")] = "",
    days: Annotated[int, typer.Option(help="Days to backfill beside the schedule.")] = DAYS,
    scene: Annotated[list[Scene] | None, typer.Option(help="Play this one; all of them when left out.")] = None,
) -> None:
    """Play the scenes, on a PostgreSQL of their own where nothing else is named; non-zero if anything is off."""
    end_on_signals()
    scenes = scene or list(Scene)
    home = Path(tempfile.mkdtemp(prefix="operations-"))
    # PostgreSQL runs as another user than root, and has to get at its own folder.
    home.chmod(0o711)
    began = time.monotonic()

    def say(text: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.1f} s[/dim]  {text}")

    found, failed = list[Check](), ""
    try:
        with ExitStack() as stack:
            heard = stack.enter_context(deaths.channel())
            url = stack.enter_context(postgresql(home)) if not database else "" if database == "sqlite" else database
            office = Office(home, say=say, database=url, slack=heard.connection)
            stack.callback(office.end)
            found += office.begin(release=Scene.RELEASE in scenes)
            for one in (one for one in Scene if one in scenes and one is not Scene.RELEASE):
                found += office.play(one, heard, days=days)
    except (DemoFailed, NoBrowser, KeyboardInterrupt) as error:
        failed = str(error) or "Stopped by Ctrl-C"
    for check in found:
        console.print(f"{'ok ' if check.ok else 'OFF'}  {check.name}: {check.figure}")
    if failed:
        console.print(f"[red]{failed}[/red]")
    raise typer.Exit(0 if not failed and all(check.ok for check in found) else 1)


if __name__ == "__main__":
    typer.run(main)
