"""`airflow standalone` as a child process, steered through Airflow's public REST API."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml
from cryptography.fernet import Fernet

from sandbox import constants

ROOT = Path(__file__).resolve().parents[2]
LOCAL_SETTINGS = Path(__file__).with_name("airflow_local_settings.py")
TRIES = 5
"""Of a write at Airflow's API."""
HEALTHY = ("metadatabase", "scheduler", "dag_processor", "triggerer")


def put_demo_flow(folder: Path, *, schedules: Mapping[str, str | None] | None = None, **more: Any) -> Path:
    """The demo's flow file in a folder of its own: no rehearsal, with these schedules and whatever else is to differ.

    Of a part of the file that is given, what it does not name stays as it is, and what it names as None is left out.
    """
    folder.mkdir(exist_ok=True)
    flow = yaml.safe_load((ROOT / "include" / "mappings" / "demo.yaml").read_text(encoding="utf-8"))
    more |= {"schedules": dict(schedules or {})}
    parts = {name: flow[name] | part if isinstance(part, dict) and name in flow else part for name, part in more.items()}
    for part in (part for part in parts.values() if isinstance(part, dict)):
        for name in [name for name, value in part.items() if value is None]:
            del part[name]
    flow |= {"rehearsal": False, **parts}
    (folder / "demo.yaml").write_text(yaml.safe_dump(flow, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return folder


def put_other_flows(folder: Path, *, source: Path | None = None) -> list[str]:
    """Bring `folder` up to date with the flow files beside the demo's; the names of those that came, changed or went."""
    source = source or ROOT / "include" / "mappings"
    wanted = {path.name: path.read_bytes() for ending in ("*.yaml", "*.yml") for path in source.glob(ending)}
    have = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for flows in (wanted, have):
        flows.pop("demo.yaml", None)
    changed = sorted(name for name in wanted.keys() | have.keys() if wanted.get(name) != have.get(name))
    for name in changed:
        if name in wanted:
            (folder / name).write_bytes(wanted[name])
        else:
            (folder / name).unlink()
    return changed


def end_on_signals() -> None:
    """A closed terminal or a kill ends everything that was started, as Ctrl-C does."""

    def stop(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(f"signal {number}")

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)


class DemoFailed(Exception):
    """The demo cannot go on; the message says why and where to look."""


def connections(sandbox_url: str) -> dict[str, str]:
    """The connections as environment variables, the way a deployment would give them."""
    intacct = {
        "conn_type": "intacct",
        "host": f"{sandbox_url}/ia/xml/xmlgw.phtml",
        "login": constants.WS_USER,
        "password": constants.WS_PASSWORD,
        "extra": {
            "company_id": constants.COMPANY_ID,
            "sender_id": constants.SENDER_ID,
            "sender_password": constants.SENDER_PASSWORD,
            "allowed_endpoint_hosts": ["127.0.0.1"],
        },
    }
    asana = {
        "conn_type": "asana_rest",
        "host": f"{sandbox_url}/api/1.0",
        "password": constants.ASANA_TOKEN,
        "extra": {"workspace": constants.WORKSPACE_GID},
    }
    rest = {
        "conn_type": "intacct_rest",
        "host": f"{sandbox_url}/ia/api/v1",
        "login": constants.REST_CLIENT_ID,
        "password": constants.REST_CLIENT_SECRET,
        "extra": {"username": constants.REST_USERNAME, "allowed_endpoint_hosts": ["127.0.0.1"]},
    }
    return {
        "AIRFLOW_CONN_INTACCT_DEFAULT": json.dumps(intacct),
        "AIRFLOW_CONN_INTACCT_REST_DEFAULT": json.dumps(rest),
        "AIRFLOW_CONN_ASANA_DEFAULT": json.dumps(asana),
    }


def environment(home: Path, *, port: int, spare_ports: tuple[int, int], sandbox_url: str, mappings: Path) -> dict[str, str]:
    """Environment of a standalone Airflow that talks to nobody but this machine."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    env |= {
        "AIRFLOW_HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}",
        "PYTHONPATH": str(ROOT / "plugins"),
        "INTACCT_ASANA_MAPPINGS": str(mappings),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        # Airflow's own five seconds are too few for SQLite on a busy machine: whoever waits longer is refused.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db?timeout=60",
        "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        # The first tasks ask a server that is still loading, which takes longer than five seconds on a busy machine; they would
        # fail and be tried again half a minute later.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(spare_ports[0]),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(spare_ports[1]),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }
    return env | connections(sandbox_url)


def _put_settings(home: Path) -> None:
    """Airflow's local settings, unless a scene put them already, with something of its own behind them."""
    (home / "config").mkdir(exist_ok=True)
    if not (put := home / "config" / LOCAL_SETTINGS.name).exists():
        shutil.copy(LOCAL_SETTINGS, put)


class AirflowServer:
    """A running standalone Airflow and its REST API."""

    def __init__(self, env: Mapping[str, str], *, log: Path, login: tuple[str, str] | None = None) -> None:
        """`login`: name and password, where not everybody is an administrator."""
        self.login, self.env = login, dict(env)
        self.url = env["AIRFLOW__API__BASE_URL"]
        self.log = log
        _put_settings(Path(env["AIRFLOW_HOME"]))
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "airflow", "standalone"],
                env=dict(env),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.http = httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def wait_until_healthy(self, *, seconds: float = 600) -> None:
        self._until(self._is_healthy, seconds=seconds, what="Airflow to be healthy")
        if self.login:
            who = {"username": self.login[0], "password": self.login[1]}
            token = self.http.post("/auth/token", json=who).json()["access_token"]
        else:
            token = self.http.get("/auth/token").json()["access_token"]
        self.http.headers["Authorization"] = f"Bearer {token}"

    def ails(self) -> bool:
        """Whether a part of it told nothing of itself for half a minute. A server that is slow to answer does not count."""
        try:
            health = self.http.get("/api/v2/monitor/health").json()
        except (httpx.HTTPError, ValueError):
            return self.process.poll() is not None
        return any((health.get(part) or {}).get("status") == "unhealthy" for part in HEALTHY)

    def wait_for_dag(self, dag_id: str, *, seconds: float = 300) -> None:
        self._until(lambda: self.http.get(f"/api/v2/dags/{dag_id}").status_code == 200, seconds=seconds, what=f"DAG {dag_id}")

    def make_pool(self, name: str, slots: int, description: str) -> None:
        answer = self._written("POST", "/api/v2/pools", {"name": name, "slots": slots, "description": description})
        if answer.status_code not in (201, 409):
            raise DemoFailed(f"Airflow would not make pool {name}: {answer.status_code} {answer.text}")

    def unpause(self, dag_id: str) -> None:
        self._checked(self._written("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False}))

    def trigger(self, dag_id: str, conf: Mapping[str, Any] | None = None) -> str:
        """The new run's id. It is named here, so that asking twice makes one run."""
        run_id = f"manual__{datetime.now(UTC).isoformat()}"
        told = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf or {})}
        answer = self._written("POST", f"/api/v2/dags/{dag_id}/dagRuns", told)
        if answer.status_code != 409:
            self._checked(answer)
        return run_id

    def wait_for_run(self, dag_id: str, run_id: str, *, seconds: float, watch: Callable[[str], None]) -> str:
        """The run's end state. `watch` is told the state of its tasks while it works."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                state: str = self._checked(self.http.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"))["state"]
                if state in ("success", "failed"):
                    return state
                watch(", ".join(f"{task['task_id']} {task['state'] or 'waits'}" for task in self.tasks(dag_id, run_id)))
            except httpx.TimeoutException:
                # A busy machine: the run goes on all the same.
                watch("Airflow is slow to answer")
            time.sleep(0.4)
        raise DemoFailed(f"{dag_id} did not end within {seconds:.0f} s; its logs are below {self.log.parent}")

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._checked(self.http.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances"))[
            "task_instances"
        ]
        return rows

    def result(self, dag_id: str, run_id: str, task_id: str) -> Any:
        """What a task returned, or None."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/return_value"
        answer = self.http.get(path, params={"deserialize": False})
        value = answer.json().get("value") if answer.status_code == 200 else None
        return json.loads(value) if isinstance(value, str) and value[:1] in "{[" else value

    def runs(self, dag_id: str, *, run_type: str = "") -> list[dict[str, Any]]:
        """The newest runs of a DAG, of one type where that is named."""
        asked: dict[str, Any] = {"limit": 100, "order_by": "-run_after"}
        told: list[dict[str, Any]] = self._checked(self.http.get(f"/api/v2/dags/{dag_id}/dagRuns", params=asked))["dag_runs"]
        return [run for run in told if run_type in ("", run["run_type"])]

    def backfill(self, dag_id: str, *, days: int, reprocess: str = "none", seconds: float = 120) -> int:
        """Starts a backfill of the last days; its id.

        It is asked again where Airflow's database on SQLite is locked, and while the DAG's schedule is not known yet.
        """
        today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return self.backfill_of(dag_id, first=today - timedelta(days=days), last=today, reprocess=reprocess, seconds=seconds)

    def backfill_of(self, dag_id: str, *, first: datetime, last: datetime, reprocess: str, seconds: float = 120) -> int:
        told = {"dag_id": dag_id, "from_date": first.isoformat(), "to_date": last.isoformat()}
        told |= {"reprocess_behavior": reprocess, "max_active_runs": 4}
        made: list[httpx.Response] = []

        def is_taken() -> bool:
            made.append(self.http.post("/api/v2/backfills", json=told))
            return made[-1].status_code not in (409, 422, 503)

        self._until(is_taken, seconds=seconds, what=f"a backfill of {dag_id} to be taken")
        number: int = self._checked(made[-1])["id"]
        return number

    def no_backfill_runs(self, dag_id: str) -> bool:
        """Airflow says so half a minute late: a timer of its looks."""
        told = self._checked(self.http.get("/api/v2/backfills", params={"dag_id": dag_id, "limit": 100}))["backfills"]
        return all(one["completed_at"] for one in told)

    def run(self, dag_id: str, say: Callable[[str], None], conf: Mapping[str, Any] | None = None) -> str:
        """Triggered, and waited for; how it ended."""
        began = time.monotonic()
        state = self.wait_for_run(dag_id, self.trigger(dag_id, conf), seconds=600, watch=lambda text: None)
        say(f"{dag_id}: {state} in {time.monotonic() - began:.1f} s")
        return state

    def command(self, *words: str) -> str:
        """What Airflow's own command line says. Raises DemoFailed where it fails."""
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *words], env=self.env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = done.stderr.strip().splitlines() or done.stdout.strip().splitlines() or [""]
            raise DemoFailed(f"airflow {' '.join(words)} failed: {said[-1]}")
        return done.stdout

    def wait_for(self, look: Callable[[], Any], what: str, *, seconds: float = 900) -> Any:
        """What it finds, when it finds something."""
        found: list[Any] = []

        def is_there() -> bool:
            found.append(look())
            return bool(found[-1])

        self._until(is_there, seconds=seconds, what=what)
        return found[-1]

    def wait_until_over(self, dag_id: str, *, run_type: str, count: int, seconds: float) -> dict[str, int]:
        """How the runs of one type ended, when so many are over."""
        ended: dict[str, int] = {}

        def are_over() -> bool:
            states = [run["state"] for run in self.runs(dag_id, run_type=run_type)]
            ended.clear()
            ended.update({state: states.count(state) for state in ("success", "failed")})
            return sum(ended.values()) >= count

        self._until(are_over, seconds=seconds, what=f"{count} runs of {dag_id} ({run_type})")
        return ended

    def answer(self, dag_id: str, run_id: str, task_id: str, option: str) -> None:
        """As somebody does in *Required Actions*."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        self._checked(self._written("PATCH", path, {"chosen_options": [option], "params_input": {}}))

    def question(self, dag_id: str, run_id: str, task_id: str) -> dict[str, Any]:
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/-1/hitlDetails"
        return self._checked(self.http.get(path))

    def errors_of(self, dag_id: str, run_id: str) -> list[str]:
        """The last error line of each failed task's log."""
        lines = []
        for task in self.tasks(dag_id, run_id):
            if task["state"] != "failed":
                continue
            path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
            content = self.http.get(path, params={"full_content": True}).json().get("content", [])
            said = [event for event in content if isinstance(event, dict) and event.get("level") == "error"]
            lines.append(f"{task['task_id']}: {_error_text(said[-1]) if said else 'no error line in its log'}")
        return lines

    def stop(self) -> None:
        """End the process group that we started: first politely, then surely."""
        for sign, seconds in ((signal.SIGINT, 15), (signal.SIGTERM, 10), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.process.pid, sign)
            except ProcessLookupError:
                return
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue

    def _is_healthy(self) -> bool:
        if self.process.poll() is not None:
            raise DemoFailed(f"Airflow stopped while starting; see {self.log}")
        try:
            health = self.http.get("/api/v2/monitor/health").json()
        except (httpx.HTTPError, ValueError):
            return False
        return all((health.get(part) or {}).get("status") == "healthy" for part in HEALTHY)

    def _until(self, done: Callable[[], bool], *, seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                raise DemoFailed(f"Waited {seconds:.0f} s for {what}; see {self.log}")
            time.sleep(0.3)

    def _written(self, method: str, path: str, told: Any) -> httpx.Response:
        """Asked for again where Airflow ends with an error of its own: on SQLite a lock that it does not get."""
        for _ in range(TRIES):
            answer = self.http.request(method, path, json=told)
            if answer.status_code != 500:
                break
            time.sleep(1)
        return answer

    @staticmethod
    def _checked(answer: httpx.Response) -> dict[str, Any]:
        if answer.is_error:
            raise DemoFailed(f"Airflow answered {answer.status_code} to {answer.request.url.path}: {answer.text[:500]}")
        body: dict[str, Any] = answer.json()
        return body


def _error_text(event: dict[str, Any]) -> str:
    detail = event.get("error_detail") or []
    return (detail[0].get("exc_value") if detail else "") or str(event.get("event"))
