"""An Intacct hook on the sandbox, by a connection in the environment as a deployment would give it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.intacct.hook import IntacctHook

from sandbox import constants

ROOT = Path(__file__).resolve().parents[2]
AHook = Callable[..., IntacctHook]
SECRETS = (constants.SENDER_PASSWORD, constants.WS_PASSWORD)


class SharedVariables:
    """Stands for Airflow's Variables, which need a running task. Counts writes."""

    values: dict[str, Any]
    writes: int

    @classmethod
    def get(cls, key: str, default: Any = None, deserialize_json: bool = False) -> Any:
        return cls.values.get(key, default)

    @classmethod
    def set(cls, key: str, value: Any, description: str | None = None, serialize_json: bool = False) -> None:
        cls.values[key] = value
        cls.writes += 1


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> type[SharedVariables]:
    SharedVariables.values, SharedVariables.writes = {}, 0
    monkeypatch.setattr("airflow.sdk.Variable", SharedVariables)
    return SharedVariables


def connection_to(sandbox: Any, **extra: Any) -> dict[str, Any]:
    """An Airflow connection to the sandbox as its JSON."""
    base = {
        "company_id": constants.COMPANY_ID,
        "sender_id": constants.SENDER_ID,
        "sender_password": constants.SENDER_PASSWORD,
        "allowed_endpoint_hosts": ["127.0.0.1"],
    }
    return {
        "conn_type": "intacct",
        "host": sandbox.gateway_url,
        "login": constants.WS_USER,
        "password": constants.WS_PASSWORD,
        "extra": base | extra,
    }


@pytest.fixture
def a_hook(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> AHook:
    """A new hook, as each task process has one. `extra`, `login`, `password`, `host` change the connection."""

    def make(conn_id: str = "intacct_default", *, extra: dict[str, Any] | None = None, **arguments: Any) -> IntacctHook:
        changed = {name: arguments.pop(name) for name in ("login", "password", "host") if name in arguments}
        body = json.dumps(connection_to(sandbox, **extra or {}) | changed)
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", body)
        arguments.setdefault("custom_fields", constants.STAMP_FIELDS)
        # The sandbox's UK01 is a private entity, and most tests want to see the whole company.
        arguments.setdefault("show_private", True)
        hook = IntacctHook(conn_id, first_wait_seconds=0.01, **arguments)
        _ = hook.transport.connection
        return hook

    return make


@pytest.fixture(scope="session")
def forking_process() -> Iterator[subprocess.Popen[str]]:
    """One process that has everything imported; task processes are forked from it."""
    command = [sys.executable, "-m", "tests.intacct.task_process"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'plugins'}:{ROOT}"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def task_processes(sandbox: Any, tmp_path: Path, forking_process: subprocess.Popen[str]) -> Callable[..., list[dict[str, Any]]]:
    """`task_processes({}, {"entity_id": "UK01"}, probes=8)` makes that many calls from two processes at once, each on a
    connection with that extra, and gives what each reports. Every machine has a temporary folder of its own; processes are
    dealt out to them."""

    def run(*extras: dict[str, Any], probes: int, machines: int = 1) -> list[dict[str, Any]]:
        folders = [tmp_path / f"machine{number}" for number in range(machines)]
        for folder in folders:
            folder.mkdir(exist_ok=True)
        jobs = [
            {"connection": connection_to(sandbox, **extra), "temporary": str(folders[at % machines]), "probes": probes}
            for at, extra in enumerate(extras)
        ]
        forking_process.stdin.write(json.dumps({"variables": str(tmp_path), "jobs": jobs}) + "\n")
        forking_process.stdin.flush()
        while line := forking_process.stdout.readline():
            # Airflow may print lines of its own.
            if line.startswith("[{"):
                return json.loads(line)
        raise AssertionError("the forking process ended")

    return run
