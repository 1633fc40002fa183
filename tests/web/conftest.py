"""The receiver as Airflow mounts it, over real HTTP, with the sandbox as Asana and a small stand-in for Airflow's own API."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI, Request, Response

from sandbox import constants
from tests.asana.asana_connections import FAST
from tests.conftest import free_port, live_demo

USER, PASSWORD = "waker", "a-service-users-password"
DAG = "demo_approval_reconciliation"


class AirflowsApi:
    """Tokens and runs in the shape of Airflow's public API. A run is queued until `start_queued`."""

    def __init__(self) -> None:
        self.runs: list[dict[str, Any]] = []
        self.tokens: set[str] = set()
        self.calls: list[str] = []
        self.failing: list[int] = []
        """Statuses to answer instead, one a call."""
        self.password = PASSWORD
        self.creating_seconds = 0.0
        self.app = FastAPI()
        self.app.add_api_route("/auth/token", self.token, methods=["POST"])
        self.app.add_api_route("/api/v2/dags/{dag_id}/dagRuns", self.list, methods=["GET"])
        self.app.add_api_route("/api/v2/dags/{dag_id}/dagRuns", self.create, methods=["POST"])

    async def token(self, request: Request) -> Response:
        self.calls.append("token")
        said = await request.json()
        if said != {"username": USER, "password": self.password}:
            return Response(status_code=401)
        token = f"a-token-of-airflow-{len(self.calls)}"
        self.tokens.add(token)
        return self._json({"access_token": token}, 201)

    async def list(self, dag_id: str, request: Request) -> Response:
        return self._refusal(request, "list") or self._json({"dag_runs": self.runs[::-1], "total_entries": len(self.runs)})

    async def create(self, dag_id: str, request: Request) -> Response:
        refused = self._refusal(request, "create")
        if refused:
            return refused
        await asyncio.sleep(self.creating_seconds)
        said = await request.json()
        if any(run["dag_run_id"] == said["dag_run_id"] for run in self.runs):
            return self._json({"detail": "exists"}, 409)
        self.runs.append({"dag_id": dag_id, "dag_run_id": said["dag_run_id"], "state": "queued"})
        return self._json(self.runs[-1])

    def start_queued(self) -> None:
        for run in self.runs:
            run["state"] = "running"

    def _refusal(self, request: Request, what: str) -> Response | None:
        self.calls.append(what)
        if self.failing:
            return Response(status_code=self.failing.pop(0))
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        return None if token in self.tokens else Response(status_code=401)

    @staticmethod
    def _json(body: Any, status: int = 200) -> Response:
        return Response(json.dumps(body), status, media_type="application/json")


class Office:
    """Everything that a flow with a webhook has: receiver, store, Asana, Airflow's API."""

    def __init__(self, sandbox: Any, url: str, airflow: AirflowsApi, store_path: Path) -> None:
        self.sandbox, self.url, self.airflow, self.store_path = sandbox, url, airflow, store_path

    @property
    def run(self) -> Any:
        from intacct_asana.deployment import flow_named
        from intacct_asana.operators.flow_run import FlowRun

        return FlowRun(flow_named("demo"))

    @property
    def hooks(self) -> Any:
        return self.run.store.webhooks()

    def register(self) -> Any:
        """A webhook whose first, empty delivery was taken."""
        from intacct_asana.operators.flow_run import utc_now
        from intacct_asana.operators.webhooks import register

        run = self.run
        made = register(run, board=run.unpinned_board, now=utc_now())
        self.until(lambda: "200" in self.answers("delivery"))
        return made

    def answers(self, what: str) -> list[str]:
        """What the receiver answered to deliveries of this kind, of all webhooks."""
        hooks = self.sandbox.state("asana")["webhooks"]
        return [one["answer"] for hook in hooks for one in hook["answers"] if one["what"] == what]

    def until(self, done: Callable[[], Any], *, seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, (self.airflow.runs, self.airflow.calls, self.sandbox.state("asana")["webhooks"])
            time.sleep(0.01)

    def calm(self) -> None:
        """Wait until the receiver has nothing more to do."""
        before: list[str] = ["?"]
        while before != self.airflow.calls:
            before = list(self.airflow.calls)
            time.sleep(0.15)


@pytest.fixture
def office(sandbox: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Office]:
    from airflow.sdk.crypto import get_fernet
    from cryptography.fernet import Fernet
    from intacct_asana.plugin import Doors
    from intacct_asana.web.receiver import build
    from intacct_asana.web.waker import Waker

    url = f"http://127.0.0.1:{free_port()}"
    text = live_demo()
    waking = f"wake: webhook\nwaking: {{public_url: '{url}'}}\nschedules:\n"
    (tmp_path / "demo.yaml").write_text(text.replace("schedules:\n", waking, 1), encoding="utf-8")
    monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(tmp_path))
    asana = {"conn_type": "asana_rest", "host": sandbox.asana_url, "password": constants.ASANA_TOKEN, "extra": FAST}
    monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps(asana))
    store = tmp_path / "store.db"
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_ASANA_STORE", json.dumps({"conn_type": "sqlite", "host": str(store)}))
    service = {"conn_type": "http", "host": url, "login": USER, "password": PASSWORD}
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_ASANA_AIRFLOW", json.dumps(service))
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", Fernet.generate_key().decode())
    get_fernet.cache_clear()
    sandbox.settings(asana_webhook_retry_seconds=0.02)

    airflow, doors = AirflowsApi(), Doors()
    waker = Waker(doors.start_run, gather_seconds=0.02, pause_seconds=0.002)
    airflow.app.mount("/intacct-asana", build(doors.of, waker.wake))
    server = uvicorn.Server(uvicorn.Config(airflow.app, port=int(url.rpartition(":")[2]), log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield Office(sandbox, url, airflow, store)
    finally:
        server.should_exit = True
        thread.join(10)
        get_fernet.cache_clear()
