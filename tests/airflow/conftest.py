"""Airflow's real task runner without its metadata database: an Execution API in memory stands behind it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sandbox import constants
from tests.begun import begun
from tests.conftest import live_demo
from tests.databases import NewStore, airflow_connection, rows

ROOT = Path(__file__).resolve().parents[2]

FAST = {"requests_per_minute": 100_000}
"""Asana's limit is no part of these tests, and waiting for it would be most of their time."""

EMPTY_CONNECTION = dict.fromkeys(("host", "schema", "login", "password", "port", "extra"))


class ExecutionApi:
    """Variables, connections and XCom in memory, in the shape of Airflow's Execution API."""

    def __init__(self) -> None:
        self.variables: dict[str, str] = {}
        self.connections: dict[str, dict[str, Any]] = {}
        self.xcoms: dict[tuple[str, str], Any] = {}
        self.states: list[str] = []
        self.task_states: dict[str, str] = {}
        self.ends: list[dict[str, Any]] = []
        """How tasks ended, as Airflow is told, with the events of their assets."""
        self.run: dict[str, Any] = {}
        self.triggered: dict[str, tuple[str, dict[str, Any]]] = {}
        """Runs that a task started, by their id: the DAG and its parameters."""
        self.asked: dict[str, Any] = {}
        """What people are asked just now, and the answer with which the task that asks goes on."""
        self.answer: dict[str, Any] = {}

    def start_run(
        self, dag_id: str, *, run_type: str = "manual", interval: tuple[str, str] | None = None, run_id: str = "r1", **conf: Any
    ) -> None:
        start, end = interval or (None, None)
        self.xcoms.clear()
        self.run = {
            "dag_id": dag_id,
            "run_id": run_id,
            "logical_date": start,
            "data_interval_start": start,
            "data_interval_end": end,
            "start_date": "2026-11-23T08:00:00Z",
            "end_date": None,
            "run_after": "2026-11-23T08:00:00Z",
            "run_type": run_type,
            "state": "running",
            "partition_key": None,
            "conf": conf,
            "consumed_asset_events": [],
        }

    def __call__(self, request: Any) -> Any:
        import httpx

        path, method = request.url.path, request.method
        body = json.loads(request.content) if request.content else None
        missing = httpx.Response(404, json={"detail": {"reason": "not_found", "message": "x"}})
        if "task-instances" in path and path.endswith("/run"):
            context = {"dag_run": self.run, "max_tries": 0, "should_retry": False, **self.answer}
            return httpx.Response(200, json=context | {"variables": [], "connections": [], "xcom_keys_to_clear": []})
        if path.endswith("/task-instances/states"):
            return httpx.Response(200, json={"task_states": {"r1": self.task_states}})
        if "task-instances" in path and path.endswith("/state"):
            self.states.append(body["state"])
            self.ends.append(body)
            return httpx.Response(204)
        if "/hitlDetails/" in path:
            self.asked = body
            return httpx.Response(201, json=body)
        if "/dag-runs/" in path and method == "POST":
            dag_id, run_id = path.split("/dag-runs/")[1].split("/")
            is_new = run_id not in self.triggered
            self.triggered.setdefault(run_id, (dag_id, body.get("conf", {})))
            return httpx.Response(204 if is_new else 409, json={"detail": "it is there"})
        if "/variables/" in path:
            return self._variable(path.split("/variables/")[1], method, body, missing)
        if "/connections/" in path:
            found = self.connections.get(path.split("/connections/")[1])
            return httpx.Response(200, json=EMPTY_CONNECTION | found) if found else missing
        if "/xcoms/" in path:
            return self._xcom(path.split("/xcoms/")[1].split("/"), method, body, missing)
        return httpx.Response(200, json={})

    def _variable(self, key: str, method: str, body: Any, missing: Any) -> Any:
        import httpx

        if method == "PUT":
            self.variables[key] = body["val"]
            return httpx.Response(201, json={"message": "ok"})
        if method == "DELETE":
            self.variables.pop(key, None)
            return httpx.Response(204)
        return httpx.Response(200, json={"key": key, "value": self.variables[key]}) if key in self.variables else missing

    def _xcom(self, parts: list[str], method: str, body: Any, missing: Any) -> Any:
        import httpx

        task_id, key = parts[2], parts[3]
        if method == "POST":
            self.xcoms[task_id, key] = body
            return httpx.Response(201, json={"message": "ok"})
        if parts[-1] == "slice":
            return httpx.Response(200, json=[self.xcoms[task_id, key]] if (task_id, key) in self.xcoms else [])
        if (task_id, key) not in self.xcoms:
            return missing
        return httpx.Response(200, json={"key": key, "value": self.xcoms[task_id, key]})


@pytest.fixture
def api() -> ExecutionApi:
    return ExecutionApi()


def run_in(api: ExecutionApi, operator: Any) -> Any:
    """Run one operator as a worker would: templates, callbacks, retry policy and all."""
    import httpx
    import uuid6
    from airflow.sdk.api.client import Client
    from airflow.sdk.api.datamodels._generated import TaskInstance
    from airflow.sdk.execution_time.supervisor import run_task_in_process

    client = Client(base_url=None, dry_run=True, token="", transport=httpx.MockTransport(api))
    client.base_url = "http://execution.invalid/"
    instance = TaskInstance(
        id=uuid6.uuid7(),
        task_id=operator.task_id,
        dag_id=operator.dag.dag_id,
        run_id=api.run["run_id"],
        try_number=1,
        dag_version_id=uuid6.uuid7(),
        map_index=-1,
    )
    return run_task_in_process(instance, operator, client=client)


@pytest.fixture
def run_task(api: ExecutionApi) -> Callable[..., Any]:
    """`run_task(operator)`, by the API of this test."""
    return partial(run_in, api)


def connections(sandbox: Any) -> dict[str, dict[str, Any]]:
    extra = {
        "company_id": constants.COMPANY_ID,
        "sender_id": constants.SENDER_ID,
        "sender_password": constants.SENDER_PASSWORD,
        "allowed_endpoint_hosts": ["127.0.0.1"],
    }
    return {
        "intacct_default": {
            "conn_id": "intacct_default",
            "conn_type": "intacct",
            "host": sandbox.gateway_url,
            "login": constants.WS_USER,
            "password": constants.WS_PASSWORD,
            "extra": json.dumps(extra),
        },
        "asana_default": {
            "conn_id": "asana_default",
            "conn_type": "asana_rest",
            "host": sandbox.asana_url,
            "password": constants.ASANA_TOKEN,
            "extra": json.dumps({"workspace": constants.WORKSPACE_GID} | FAST),
        },
    }


class World:
    """One company, one board, one store; `run` runs a DAG's tasks in order."""

    def __init__(self, sandbox: Any, api: Any, run_task: Callable[..., Any], bag: Any, new_store: NewStore) -> None:
        self.sandbox, self.api, self.bag, self._run_task = sandbox, api, bag, run_task
        self.new_store = new_store
        self.use_store(new_store.ready())
        self.error: Any = None
        self.errors: dict[str, Any] = {}

    def run(
        self, job: str, *, run_type: str = "manual", interval: tuple[str, str] | None = None, **conf: Any
    ) -> dict[str, str]:
        """State of each task by task id; a task behind a failed one is not run, as its trigger rule says.

        `error` is then the last task's, `errors` are the tasks' own by task id.
        """
        dag = self.bag.dags[f"demo_{job}"]
        self.api.start_run(dag.dag_id, run_type=run_type, interval=interval, **conf)
        states = self.api.task_states = dict[str, str]()
        for task in dag.topological_sort():
            before = [states[task_id] for task_id in task.upstream_task_ids]
            if task.trigger_rule == "all_success" and any(state != "success" for state in before):
                states[task.task_id] = "upstream_failed"
                continue
            if task.trigger_rule == "one_failed" and "failed" not in before:
                states[task.task_id] = "skipped"
                continue
            result = self._run_task(task)
            states[task.task_id] = str(getattr(result.state, "value", result.state))
            self.error = self.errors[task.task_id] = result.error
        return states

    def must(self, job: str, **how: Any) -> None:
        """Run a DAG that has to succeed."""
        states = self.run(job, **how)
        assert {"success"} <= set(states.values()) <= {"success", "skipped"}, (states, self.error)

    def have_run(self, *jobs: str) -> None:
        """Preflight and then these DAGs, on a world to which nothing was done yet. The first with its flow file runs them."""

        def make() -> tuple[str, None]:
            self.must("preflight", create_missing=True)
            for job in jobs:
                self.must(job)
            return self.store_url, None

        files = sorted(Path(os.environ["INTACCT_ASANA_MAPPINGS"]).glob("*.yaml"))
        how = ("airflow", jobs, [file.read_text(encoding="utf-8") for file in files])
        url, _ = begun(self.sandbox, self.new_store, how, make)
        # A session of the world that was kept is known to its own process only.
        self.api.variables.clear()
        self.use_store(url)

    def store(self) -> Any:
        from intacct_asana.deployment import evidence_keys
        from intacct_asana.store import open_store

        return open_store(self.store_url, evidence_keys=evidence_keys).for_flow("demo")

    def evidence_is_sound(self) -> bool:
        return bool(self.store().evidence()) and self.store().verify_evidence() == []

    def cursors(self) -> dict[str, str]:
        return dict(rows(self.store_url, "SELECT name, value FROM ia_cursors"))

    def lose_store(self) -> None:
        """As when the database was restored empty."""
        self.use_store(self.new_store.ready())

    def use_store(self, url: str) -> None:
        self.store_url = url
        told = {"conn_id": "intacct_asana_store", **airflow_connection(url)}
        self.api.connections["intacct_asana_store"] = told

    def result(self, task_id: str) -> Any:
        return self.api.xcoms.get((task_id, "return_value"))

    def tasks(self) -> list[dict[str, Any]]:
        return [t for t in self.sandbox.state("asana")["tasks"] if constants.BILLS_PROJECT_GID in t["projects"]]

    def writes(self) -> tuple[int, int]:
        counters = self.sandbox.counters()
        return counters.get("asana WRITE", 0), counters.get("intacct WRITE", 0)


@pytest.fixture
def world(
    sandbox: Any,
    api: Any,
    run_task: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    new_store: NewStore,
    tmp_path: Path,
) -> World:
    from airflow.dag_processing.dagbag import DagBag

    folder = tmp_path / "flows"
    folder.mkdir()
    (folder / "demo.yaml").write_text(live_demo(), encoding="utf-8")
    monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(folder))
    api.connections = connections(sandbox)
    return World(sandbox, api, run_task, DagBag(dag_folder=str(ROOT / "dags")), new_store)


@pytest.fixture
def flow_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """`flow_file(old, new)` changes the demo flow's file for this test."""

    def change(old: str, new: str) -> None:
        text = live_demo()
        assert old in text
        folder = tmp_path / "mappings"
        folder.mkdir(exist_ok=True)
        (folder / "demo.yaml").write_text(text.replace(old, new), encoding="utf-8")
        monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(folder))

    return change
