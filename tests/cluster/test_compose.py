"""docker-compose.yaml as script/cluster-test reads and starts it: what each service gets, and what it does not."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from airflow.sdk import Connection
from intacct_asana.operators.flow_run import _sqlalchemy_url
from sqlalchemy import make_url

from deploy.entrypoint import addresses
from sandbox.cluster.__main__ import ANY_CHARACTER, Cluster, made_up
from sandbox.cluster.machine import ENTRYPOINT, airflow_command
from sandbox.cluster.topology import COMPOSE, ROOT, NotSet, filled, services
from tests.conftest import free_port

DOCUMENT: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
SETTINGS = made_up()
SERVICES = services(SETTINGS)
COMMANDS = {
    "airflow-init": ("bash", "/opt/airflow/deploy/init.sh"),
    "airflow-apiserver": ("api-server",),
    "airflow-scheduler": ("scheduler",),
    "airflow-dag-processor": ("dag-processor",),
    "airflow-triggerer": ("triggerer",),
    "airflow-worker": ("celery", "worker"),
}
DATABASES = {"postgres": "POSTGRES_PASSWORD", "store": "STORE_OWNER_PASSWORD"}


def test_all_parts_of_airflow_are_there_and_two_workers() -> None:
    assert set(SERVICES) == {*COMMANDS, *DATABASES, "redis", "sandbox"}
    assert {name: SERVICES[name].command for name in COMMANDS} == COMMANDS
    assert {name: service.replicas for name, service in SERVICES.items() if service.replicas != 1} == {"airflow-worker": 2}
    assert [name for name, service in SERVICES.items() if service.profiles] == ["sandbox"]


def test_the_cluster_test_starts_the_very_commands_of_the_file() -> None:
    entry = [sys.executable, str(ENTRYPOINT)]
    started = {name: airflow_command(SERVICES[name]) for name in COMMANDS}
    assert started.pop("airflow-init") == [*entry, "bash", str(ROOT / "deploy" / "init.sh")]
    assert started == {name: [*entry, "airflow", *words] for name, words in COMMANDS.items() if name in started}
    assert ENTRYPOINT.name in (ROOT / "Dockerfile").read_text().splitlines()[-1]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_cluster_test_gives_each_service_the_environment_of_the_file(name: str) -> None:
    """But for addresses and folders, which are this machine's."""
    ports = {each: SimpleNamespace(port=number) for number, each in enumerate(("postgres", "store", "redis"), 1)}
    cluster = SimpleNamespace(**ports, port=4, health_port=5, steering=SimpleNamespace(url="http://127.0.0.1:6"))
    given = Cluster.environment(cluster, SERVICES[name], SimpleNamespace(folder=Path("/somewhere")))  # type: ignore[arg-type]
    other = {key for key, value in SERVICES[name].environment.items() if given[key] != value}
    hosts = {"POSTGRES_HOST", "STORE_HOST", "REDIS_HOST", "AIRFLOW__CORE__EXECUTION_API_SERVER_URL"}
    assert other == {*hosts, "AIRFLOW__API__BASE_URL", "INTACCT_ASANA_MAPPINGS"}


def test_a_password_of_any_characters_arrives_where_it_is_used() -> None:
    env = SERVICES["airflow-worker"].environment
    made = addresses(env)
    database = make_url(made["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"])
    assert (database.password, database.host, database.port) == (SETTINGS["POSTGRES_PASSWORD"], "postgres", 5432)
    assert make_url(made["AIRFLOW__CELERY__RESULT_BACKEND"].removeprefix("db+")).password == SETTINGS["POSTGRES_PASSWORD"]
    broker = urlsplit(made["AIRFLOW__CELERY__BROKER_URL"])
    assert (unquote(broker.password or ""), broker.hostname, broker.port) == (SETTINGS["REDIS_PASSWORD"], "redis", 6379)
    store = Connection(conn_id="intacct_asana_store", **json.loads(made["AIRFLOW_CONN_INTACCT_ASANA_STORE"]))
    assert make_url(_sqlalchemy_url(store)).password == SETTINGS["STORE_PASSWORD"]
    assert all(value.endswith(ANY_CHARACTER) for name, value in SETTINGS.items() if name.endswith("PASSWORD"))
    assert SERVICES["redis"].command == ("redis-server", "--requirepass", SETTINGS["REDIS_PASSWORD"])


@pytest.mark.parametrize("name", sorted(made_up().keys() - {"AIRFLOW_AUTH_MANAGER", "WORKER_CONCURRENCY"}))
def test_no_secret_has_a_default(name: str) -> None:
    with pytest.raises(NotSet, match=f"set {name} in .env"):
        services({key: value for key, value in SETTINGS.items() if key != name})
    assert f"\n{name}=\n" in (ROOT / ".env.example").read_text()


def test_each_service_gets_only_the_secrets_that_it_needs() -> None:
    given = {
        name: {key for key, value in SETTINGS.items() if value in (*service.environment.values(), *service.command)}
        for name, service in SERVICES.items()
    }
    assert {name: given[name] for name in DATABASES} == {name: {secret} for name, secret in DATABASES.items()}
    assert (given["redis"], given["sandbox"]) == ({"REDIS_PASSWORD"}, set())
    # Who makes the tables can drop their triggers, so no task comes near that password.
    assert [name for name, secrets in given.items() if "STORE_OWNER_PASSWORD" in secrets] == ["store", "airflow-init"]
    assert "AIRFLOW_CONN_INTACCT_ASANA_STORE_OWNER" not in addresses(SERVICES["airflow-worker"].environment)
    assert "AIRFLOW_CONN_INTACCT_ASANA_STORE_OWNER" in addresses(SERVICES["airflow-init"].environment)
    files = {str(each["path"]) for said in DOCUMENT["services"].values() for each in said.get("env_file", ())}
    assert files == {"connections.env"}, "a file with all of .env would hand every secret to every task"


def test_nothing_runs_as_root_or_listens_beyond_this_machine_and_everything_says_how_it_is() -> None:
    for name, said in filled(DOCUMENT["services"], SETTINGS).items():
        assert said["user"].split(":")[0] not in ("", "0", "root"), name
        assert said["cap_drop"] == ["ALL"]
        assert said["security_opt"] == ["no-new-privileges:true"]
        assert all(port.startswith("127.0.0.1:") for port in said.get("ports", ())), name
        assert ("healthcheck" in said) == (name != "airflow-init"), name
        for part, how in said.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in DOCUMENT["services"][part]


def test_nothing_is_installed_when_a_container_starts() -> None:
    assert "pip" not in COMPOSE.read_text()
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "USER airflow" in dockerfile.splitlines()
    assert "constraints.txt" in dockerfile
    for line in (line for line in dockerfile.splitlines() if line.startswith("COPY")):
        for path in (word for word in line.split()[1:-1] if not word.startswith("--")):
            assert (ROOT / path).exists(), path
            assert f"!{path}" in (ROOT / ".dockerignore").read_text().splitlines()
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert not [line for line in ignored if line.startswith("!") and "env" in line]


def test_docker_reads_the_file_too() -> None:
    if not shutil.which("docker") or subprocess.run(["docker", "compose", "version"], capture_output=True).returncode:
        pytest.skip("docker compose is not here")
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", **SETTINGS}
    done = subprocess.run(["docker", "compose", "-f", str(COMPOSE), "config"], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    theirs = yaml.safe_load(done.stdout)["services"]
    for name, service in SERVICES.items():
        if not service.profiles:
            assert theirs[name].get("environment", {}) == dict(service.environment), name
            assert tuple(theirs[name].get("command") or ()) == service.command


def test_variables_are_filled_in_as_docker_does() -> None:
    said = ["${A}", "${B:-none}", "a $${A} $$", "${A:?say A}${A}"]
    assert filled(said, {"A": "$x ${B}"}) == ["$x ${B}", "none", "a ${A} $", "$x ${B}$x ${B}"]


def test_the_relay_carries_both_ways(tmp_path: Path) -> None:
    there, here = free_port(), free_port()
    with socket.create_server(("127.0.0.1", there)) as server:
        command = [sys.executable, str(ENTRYPOINT), "relay", f"127.0.0.1:{here}=127.0.0.1:{there}"]
        relay = subprocess.Popen(command, cwd=tmp_path)
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", here), timeout=5) as client:
                    other, _ = server.accept()
                    with other:
                        client.sendall(b"there")
                        assert other.recv(10) == b"there"
                        other.sendall(b"back")
                        assert client.recv(10) == b"back"
                    return
                time.sleep(0.1)
            pytest.fail("the relay did not listen")
        finally:
            relay.terminate()
            relay.wait(10)
