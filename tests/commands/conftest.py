"""Somebody at a prompt: a sandbox over HTTP, connections in the environment, an empty folder of flow files, no store yet."""

from __future__ import annotations

import json
import sqlite3
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from intacct_asana.__main__ import app
from intacct_asana.commands.terminal import CONTEXT
from intacct_asana.deployment import flow_named
from intacct_asana.operators.flow_run import FlowOperator, FlowRun
from intacct_asana.operators.preflight import CheckAsanaOperator
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator
from typer.testing import CliRunner

from sandbox import constants
from tests.conftest import Sandbox, live_demo

INTACCT = {
    "company_id": constants.COMPANY_ID,
    "sender_id": constants.SENDER_ID,
    "sender_password": constants.SENDER_PASSWORD,
    "allowed_endpoint_hosts": ["127.0.0.1"],
}


def connections(sandbox: Sandbox, store: Path) -> dict[str, str]:
    """As they stand in the environment."""
    told: dict[str, dict[str, Any]] = {
        "INTACCT_DEFAULT": {
            "conn_type": "intacct",
            "host": sandbox.gateway_url,
            "login": constants.WS_USER,
            "password": constants.WS_PASSWORD,
            "extra": INTACCT,
        },
        "ASANA_DEFAULT": {
            "conn_type": "asana_rest",
            "host": sandbox.asana_url,
            "password": constants.ASANA_TOKEN,
            "extra": {"requests_per_minute": 100_000},
        },
        "INTACCT_ASANA_STORE": {"conn_type": "sqlite", "host": str(store)},
    }
    return {f"AIRFLOW_CONN_{name}": json.dumps(value) for name, value in told.items()}


class Prompt:
    """`say("check", "demo")` carries a command out; `run_*` do what the DAGs do."""

    def __init__(self, sandbox: Sandbox, folder: Path, store: Path) -> None:
        self.sandbox, self.folder, self.store = sandbox, folder, store

    def say(self, *words: str, typed: str | None = None) -> Any:
        return CliRunner().invoke(app, list(words), input=typed)

    def data(self, *words: str, code: int = 0) -> Any:
        said = self.say(*words, "--json")
        assert said.exit_code == code, said.output
        return json.loads(said.stdout)

    def writes(self) -> int:
        counters = self.sandbox.counters()
        return counters.get("asana WRITE", 0) + counters.get("intacct WRITE", 0)

    def kept(self) -> dict[str, list[Any]]:
        """Everything in the store."""
        with closing(sqlite3.connect(self.store)) as store:
            names = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            return {name: store.execute(f"SELECT * FROM {name}").fetchall() for name in names}

    def write_flow(self, change: Callable[[str], str] = str, *, name: str = "demo") -> Path:
        """The demo's flow, which writes, as `change` makes it."""
        path = self.folder / f"{name}.yaml"
        path.write_text(change(live_demo()), encoding="utf-8")
        return path

    def make_missing(self, flow: str = "demo") -> None:
        rows = self._step(CheckAsanaOperator, flow, create_missing=True).work({})
        assert [row for row in rows if row["ok"] != "yes"] == []

    def sync(self, flow: str = "demo") -> None:
        context = {"params": {}, "dag_run": SimpleNamespace(run_type="manual", run_after=None), "run_id": "r1"}
        planned = self._step(PlanBillsOperator, flow).work(context)
        self._step(ApplyPlanOperator, flow, plan_id=planned["plan_id"]).work(context)

    @staticmethod
    def _step(kind: type[FlowOperator], flow: str, **more: Any) -> Any:
        step = kind(task_id="step", flow=flow, **more)
        step.__dict__["run_parts"] = FlowRun(flow_named(flow))
        return step

    def asana(self, method: str, path: str, data: Any = None) -> Any:
        """What the integration's user does in Asana by other means."""
        body = None if data is None else json.dumps({"data": data}).encode()
        headers = {"Authorization": f"Bearer {constants.ASANA_TOKEN}", "Content-Type": "application/json"}
        asked = urllib.request.Request(self.sandbox.asana_url + path, data=body, headers=headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked) as answer:
            return json.load(answer)["data"]


@pytest.fixture
def prompt(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Prompt:
    folder, store = tmp_path / "mappings", tmp_path / "store.db"
    folder.mkdir()
    for name, value in connections(sandbox, store).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(folder))
    monkeypatch.setenv("COLUMNS", "200")
    # Not Airflow's own database, which these tests do not have.
    monkeypatch.setenv(CONTEXT, "client")
    return Prompt(sandbox, folder, store)
