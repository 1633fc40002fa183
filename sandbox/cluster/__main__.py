"""`script/cluster-test`: the services of docker-compose.yaml on this machine, the demo's loop on them, and worse."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from cryptography.fernet import Fernet

from sandbox.cluster.machine import Part, Postgres, Redis, airflow_command, programs
from sandbox.cluster.topology import ROOT, Service, services
from sandbox.demo import checks, people
from sandbox.demo.__main__ import FLOW, Demo
from sandbox.demo.airflow_server import AirflowServer, DemoFailed, connections, put_demo_flow
from sandbox.demo.checks import Check
from sandbox.demo.steering import Steering, free_port

HOME = ROOT / ".cluster"
ANY_CHARACTER = "p@ss:/%#?'\"$ w"
"""Every password holds all of these: whatever takes one for a piece of a URL, of a shell's line or of JSON fails."""

SOON = {
    # A task whose worker is gone is noticed after a minute instead of five: the same way, sooner.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "5",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
}

Meanwhile = Callable[[str, str], None]
"""What happens while a run goes on, told its DAG and its id."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def made_up() -> dict[str, str]:
    """What somebody fills into .env."""
    passwords = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "STORE_OWNER_PASSWORD", "STORE_PASSWORD", "AIRFLOW_ADMIN_PASSWORD")
    return {
        **{name: f"{secrets.token_hex(4)}{ANY_CHARACTER}" for name in passwords},
        "FERNET_KEY": Fernet.generate_key().decode(),
        "JWT_SECRET": secrets.token_urlsafe(48),
        "API_SECRET_KEY": secrets.token_urlsafe(48),
        # The image brings the manager that the file names otherwise; here everybody is an administrator.
        "AIRFLOW_AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "WORKER_CONCURRENCY": "2",
    }


class ClusterAirflow(AirflowServer):
    """Airflow's API, served by one of many processes."""

    def __init__(self, url: str, *, part: Part) -> None:
        self.login = None
        self.url, self.log = url, part.log
        self.http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        assert part.process
        self.process = part.process

    def wait_until_healthy(self, *, seconds: float = 400) -> None:
        """Seven processes start at once, on whatever machine this is."""
        super().wait_until_healthy(seconds=seconds)

    def wait_for_dag(self, dag_id: str, *, seconds: float = 400) -> None:
        super().wait_for_dag(dag_id, seconds=seconds)

    def wait_for_run(self, dag_id: str, run_id: str, *, seconds: float, watch: Callable[[str], None]) -> str:
        return super().wait_for_run(dag_id, run_id, seconds=max(seconds, 600), watch=watch)


class Cluster(Demo):
    """The demo on the services of docker-compose.yaml, with more going wrong."""

    while_it_runs: Meanwhile | None = None
    """For the next run only."""

    def __init__(self, *, bills: int) -> None:
        programs()
        self.started = time.monotonic()
        self.sabotage = None
        self.seed, self.vendors, self.bills = 7, 40, bills
        self.results: list[Check] = []
        self.last_run = ""
        self.home = HOME
        if HOME.exists():
            shutil.rmtree(HOME)
        HOME.mkdir()
        self.settings = made_up()
        self.services = services(self.settings)
        self.parts: dict[str, Part] = {}
        self.port, self.health_port = free_port(), free_port()
        self.steering = Steering(free_port(), log=HOME / "sandbox.log")
        self.schedules = dict.fromkeys(("bill_sync", "vendor_sync", "approval_reconciliation", "drift_audit"))
        put_demo_flow(HOME / "mappings", schedules=self.schedules, **people.rules())

    # The services

    def up(self) -> None:
        """In the order that `depends_on` gives them."""
        self.say("Starting two PostgreSQL servers and Redis ...")
        self.postgres, self.store = (Postgres(self.services[name], folder=HOME / name) for name in ("postgres", "store"))
        self.redis = Redis(self.services["redis"], folder=HOME / "redis")
        for part in (self.postgres, self.store, self.redis):
            self.parts[part.name] = part
            part.begin()
        self.say("airflow-init: databases, the DAGs' account of the store, pools ...")
        self.run_part("airflow-init").wait(seconds=180)
        self.say("Starting the api-server, then the others ...")
        for service in self.services.values():
            if service.is_airflow and service.name != "airflow-init" and not service.profiles:
                for number in range(1, service.replicas + 1):
                    name = service.name if service.replicas == 1 else f"{service.name}-{number}"
                    self.run_part(service.name, name)
        self.airflow = ClusterAirflow(f"http://127.0.0.1:{self.port}", part=self.parts["airflow-apiserver"])

    def run_part(self, service_name: str, name: str = "") -> Part:
        service = self.services[service_name]
        part = Part(name or service_name, folder=HOME / (name or service_name))
        self.parts[part.name] = part
        # Containers have host names of their own, and so have Celery's workers by them.
        own = ["--celery-hostname", f"{part.name}@%h"] if service.command[0] == "celery" else []
        part.start([*airflow_command(service), *own], self.environment(service, part))
        return part

    def environment(self, service: Service, part: Part) -> dict[str, str]:
        """The service's own, with ports of this machine for the names of containers, and folders of ours for the image's."""
        here = {
            "postgres:5432": f"127.0.0.1:{self.postgres.port}",
            "store:5432": f"127.0.0.1:{self.store.port}",
            "redis:6379": f"127.0.0.1:{self.redis.port}",
            "airflow-apiserver:8080": f"127.0.0.1:{self.port}",
            "/opt/airflow/include/mappings": str(HOME / "mappings"),
        }
        own = {name: _replaced(value, here) for name, value in service.environment.items()}
        image = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(part.folder),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT / "plugins"),
            "AIRFLOW_HOME": str(part.folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(HOME / "airflow-logs"),
        }
        machine = {
            "AIRFLOW__API__HOST": "127.0.0.1",
            "AIRFLOW__API__PORT": str(self.port),
            "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{self.port}",
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.health_port),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(free_port()),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(free_port()),
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
        return image | own | machine | SOON | connections(self.steering.url)

    def stop(self) -> None:
        self.say("Stopping everything ...")
        for part in self.parts.values():
            if part.process and part.process.poll() is None and part.name.startswith("airflow"):
                part.process.send_signal(signal.SIGTERM)
        for part in reversed(self.parts.values()):
            part.stop(sign=signal.SIGINT if isinstance(part, Postgres) else signal.SIGTERM)
        self.steering.stop()

    # What goes wrong

    def sync(self) -> None:
        self.run("preflight", {"create_missing": True})
        self.run("vendor_sync")
        before = self._asana_writes()
        self.while_it_runs = self.kill_worker("apply_plan", when=lambda: self._asana_writes() > before + self.bills // 3)
        self.run("bill_sync")
        self.results += [checks.each_bill_once(self.steering), checks.equal_to_the_cent(self.steering)]

    def approve(self) -> None:
        """The second stamp waits three seconds for its answer; in the middle of that the worker dies."""
        fault = {"system": "intacct", "kind": "update APBILL", "action": "delay:3", "on_call": 2, "times": 1}
        self.steering.call("POST", "faults", fault)
        stamps = self._stamps()
        self.while_it_runs = self.kill_worker("settle_decisions", when=lambda: self._stamps() >= stamps + 2)
        super().approve()

    def run(self, job: str, conf: dict[str, Any] | None = None, *, may_fail: bool = False) -> bool:
        """As in the demo; where something is to happen meanwhile, it does, and nobody lends a hand afterwards."""
        meanwhile, self.while_it_runs = self.while_it_runs, None
        if not meanwhile:
            return super().run(job, conf, may_fail=may_fail)
        dag_id, began = f"{FLOW}_{job}", time.monotonic()
        self.last_run = run_id = self.airflow.trigger(dag_id, conf)
        meanwhile(dag_id, run_id)
        state = self.airflow.wait_for_run(dag_id, run_id, seconds=600, watch=lambda text: None)
        again = {task["task_id"]: task["try_number"] for task in self.airflow.tasks(dag_id, run_id) if task["try_number"] > 1}
        self.say(f"{dag_id}: {state} in {time.monotonic() - began:.1f} s; tasks that were tried again: {again or 'none'}")
        for line in self.airflow.errors_of(dag_id, run_id) if state != "success" else ():
            self.say(f"{dag_id}: {line}")
        ended = f"{state} in {time.monotonic() - began:.0f} s; tried again: {again or 'nothing'}"
        self.results.append(Check(f"{job} with that in it", ended, state == "success" and bool(again)))
        return state == "success"

    def kill_worker(self, task: str, *, when: Callable[[], bool]) -> Meanwhile:
        """While `task` works and `when` holds, the worker that does it is killed, and started again as Docker would."""

        def act(dag_id: str, run_id: str) -> None:
            _wait_until(when, what=f"{task} to get so far that its worker is killed")
            running = [one for one in self.airflow.tasks(dag_id, run_id) if one["state"] == "running"]
            workers = [part for name, part in self.parts.items() if name.startswith("airflow-worker")]
            worker = next((part for part in workers if {one["pid"] for one in running} & set(part.ids())), None)
            if worker is None or [one["task_id"] for one in running] != [task]:
                raise DemoFailed(f"No worker was doing {task} just then, but {[one['task_id'] for one in running]}")
            ended = worker.kill()
            self.say(f"{worker.name} killed (SIGKILL, {ended} processes) while it did {task}")
            figure = f"SIGKILL to {ended} processes in the middle of {task}"
            self.results.append(Check(f"{worker.name} killed", figure, ended > 1))
            worker.restart()

        return act

    def restart_store(self, *, when: Callable[[], bool]) -> Meanwhile:
        def act(_dag_id: str, _run_id: str) -> None:
            _wait_until(when, what="the run to get so far that the store is restarted")
            began = time.monotonic()
            self.store.down()
            time.sleep(3)
            self.store.up()
            away = time.monotonic() - began
            self.say(f"The store's database was away for {away:.1f} s")
            self.results.append(
                Check("the store's database restarted", f"away for {away:.1f} s in the middle of the run", True)
            )

        return act

    def without_store(self) -> None:
        """Every bill changes, and while that is carried over the database is restarted."""
        for bill in checks.in_scope(self.steering.bills())[: self.bills // 2]:
            changes = {"description": f"{bill['record_no']} once more"}
            self.steering.act("intacct", people.CLERKS[0], "edit_bill", record_no=bill["record_no"], changes=changes)
        before = self._asana_writes()
        self.while_it_runs = self.restart_store(when=lambda: self._asana_writes() > before + self.bills // 8)
        self.run("bill_sync")
        self.results += [checks.each_bill_once(self.steering), checks.equal_to_the_cent(self.steering)]

    def look_back(self) -> None:
        super().look_back()
        self.results += [self.nothing_twice_in_intacct(), self.nothing_twice_in_asana()]
        passwords = [value for name, value in self.settings.items() if name.endswith(("PASSWORD", "KEY", "SECRET"))]
        told = checks.no_secret_in_logs(HOME, passwords)
        self.results.append(Check("passwords of the deployment in logs", told.figure, told.ok))

    def nothing_twice_in_intacct(self) -> Check:
        """A write that is sent once more changes nothing; Intacct's own history tells."""
        writes = self.steering.state("intacct")["api_writes"]
        again = sum(not one["changed"] for one in writes)
        return Check("writes to bills", f"{len(writes)}, {again} of them changed nothing", bool(writes) and not again)

    def nothing_twice_in_asana(self) -> Check:
        """No task of one key twice, which `tasks_by_key` refuses, and no comment twice on any task."""
        made = self.steering.counters().get("asana POST /tasks", 0)
        comments = [
            (task["gid"], story["text"])
            for task in self.steering.state("asana")["tasks"]
            for story in task["stories"]
            if story["resource_subtype"] == "comment_added" and "Reference: " in story["text"]
        ]
        twice = len(comments) - len(set(comments))
        figure = f"{made} tasks were asked for, {len(self.steering.tasks_by_key())} of bills stand; {len(comments)} comments"
        return Check("tasks and comments", f"{figure}, {twice} twice", bool(comments) and not twice)

    def _asana_writes(self) -> int:
        return self.steering.counters().get("asana WRITE", 0)

    def _stamps(self) -> int:
        return self.steering.counters().get("intacct update APBILL", 0)


def _wait_until(when: Callable[[], bool], *, what: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not when():
        if time.monotonic() > end:
            raise DemoFailed(f"Waited {seconds:.0f} s for {what}")
        time.sleep(0.02)


def _replaced(value: str, here: dict[str, str]) -> str:
    for name, there in here.items():
        value = value.replace(name, there)
    return value


def _stop_on(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(f"signal {number}")


@app.command()
def main(
    bills: Annotated[int, typer.Option(help="Bills in the flow's scope.")] = 250,
    keep: Annotated[bool, typer.Option("--keep", help="Stay up afterwards, until Ctrl-C.")] = False,
) -> None:
    """Start the services of docker-compose.yaml natively, run the demo's loop on them, kill workers, restart the store."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop_on)
    good, cluster = False, None
    try:
        cluster = Cluster(bills=bills)
        cluster.up()
        cluster.start()
        cluster.sync()
        cluster.approve()
        cluster.without_store()
        cluster.run_again()
        cluster.audit_both_sides()
        cluster.export_evidence()
        cluster.look_back()
        good = cluster.report()
        cluster.say("All is well." if good else "Something is off.")
        while keep:
            time.sleep(3600)
    except DemoFailed as error:
        typer.echo(str(error), err=True)
        if cluster:
            cluster.report()
        good = False
    except KeyboardInterrupt:
        typer.echo("Interrupted.", err=True)
    finally:
        if cluster:
            cluster.stop()
    raise typer.Exit(0 if good else 1)


if __name__ == "__main__":
    app()
