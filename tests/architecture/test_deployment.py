"""The files that a deployment reads, checked as far as that works without Docker."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())


def test_compose_runs_every_part_that_airflow_needs() -> None:
    parts = {"apiserver", "scheduler", "dag-processor", "triggerer", "worker", "init"}
    assert set(COMPOSE["services"]) == {"postgres", "redis"} | {f"airflow-{part}" for part in parts}
    for name in (f"airflow-{part}" for part in parts - {"init"}):
        service = COMPOSE["services"][name]
        assert service["healthcheck"]
        assert service["environment"]["PYTHONPATH"] == "/opt/airflow/plugins"
        assert service["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
        assert {"./dags:/opt/airflow/dags:ro", "./include:/opt/airflow/include:ro"} <= set(service["volumes"])


def test_compose_holds_no_secret_and_asks_for_each_by_name() -> None:
    text = (ROOT / "docker-compose.yaml").read_text()
    example = (ROOT / ".env.example").read_text()
    for name in ("FERNET_KEY", "JWT_SECRET", "API_SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        assert f"${{{name}:?" in text
        assert re.search(rf"^{name}=$", example, re.MULTILINE)


def test_every_requirement_is_pinned_and_explained() -> None:
    pinned = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line}
    explained = (ROOT / "docs" / "dependencies.md").read_text().lower()
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            if line and not line.startswith("#"):
                package = re.split(r"[<>=\[ ]", line)[0].lower()
                assert package in pinned, package
                assert package in explained, package


def test_airflow_does_not_load_the_package_as_loose_plugins() -> None:
    assert {"intacct_asana/*", "!intacct_asana/plugin.py"} <= set(
        (ROOT / "plugins" / ".airflowignore").read_text().splitlines()
    )
    entry = ROOT / "plugins" / "intacct_asana-0.1.0.dist-info" / "entry_points.txt"
    assert "intacct_asana.get_provider_info:get_provider_info" in entry.read_text()
