"""deploy/helm-values.yaml against the keys of the official chart, and against docker-compose.yaml.

The chart's own schema cannot be had from a package registry, so what is used of it is listed here, as it was read in
https://github.com/apache/airflow/blob/main/chart/values.schema.json (of the chart that brings Airflow 3) and, for the keys
`executor`, `postgresql`, `redis` and `securityContexts.containers`, in chart/values.yaml beside it.
"""

from __future__ import annotations

from typing import Any

import jsonschema
import yaml
from intacct_asana.__main__ import app
from typer.testing import CliRunner

from sandbox.cluster.topology import ROOT, services
from tests.cluster.test_compose import SETTINGS

TEXT, NUMBER = {"type": "string"}, {"type": "integer"}


def only(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def each(*required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "array", "items": only(**properties) | {"required": list(required)}}


CHART = only(
    executor={"enum": ["CeleryExecutor"]},
    airflowVersion=TEXT,
    defaultAirflowRepository=TEXT,
    defaultAirflowTag=TEXT,
    uid=NUMBER,
    gid=NUMBER,
    securityContexts=only(
        pod=only(runAsUser=NUMBER, runAsGroup=NUMBER, fsGroup=NUMBER, runAsNonRoot={"type": "boolean"}),
        containers=only(allowPrivilegeEscalation={"type": "boolean"}, capabilities=only(drop={"type": "array"})),
    ),
    postgresql=only(enabled={"type": "boolean"}),
    redis=only(passwordSecretName=TEXT),
    data=only(metadataSecretName=TEXT, resultBackendSecretName=TEXT, brokerUrlSecretName=TEXT),
    fernetKeySecretName=TEXT,
    apiSecretKeySecretName=TEXT,
    jwtSecretName=TEXT,
    workers=only(replicas=NUMBER),
    env=each("name", "value", name=TEXT, value=TEXT),
    secret=each("envName", "secretName", envName=TEXT, secretName=TEXT, secretKey=TEXT),
    volumes=each("name", name=TEXT, configMap=only(name=TEXT), persistentVolumeClaim=only(claimName=TEXT)),
    volumeMounts=each("name", "mountPath", name=TEXT, mountPath=TEXT, readOnly={"type": "boolean"}),
)
VALUES: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "helm-values.yaml").read_text())
JOB: dict[str, Any] = yaml.safe_load((ROOT / "deploy" / "store-migrate.yaml").read_text())


def test_every_key_is_one_of_the_chart() -> None:
    jsonschema.validate(VALUES, CHART)


def test_it_says_what_docker_compose_says() -> None:
    worker = services(SETTINGS | {"WORKER_CONCURRENCY": ""})["airflow-worker"]
    assert VALUES["workers"]["replicas"] == worker.replicas
    for one in VALUES["env"]:
        # The address by which people come is everybody's own.
        assert worker.environment[one["name"]] == one["value"] or one["name"] == "AIRFLOW__API__BASE_URL"
    assert f"{VALUES['defaultAirflowRepository'].rpartition('/')[2]}:{VALUES['defaultAirflowTag']}" == worker.image
    # Nobody but the Job comes near the owner's password.
    assert "owner" not in str(VALUES["secret"])


def test_the_job_runs_a_command_that_there_is() -> None:
    container = JOB["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == f"{VALUES['defaultAirflowRepository']}:{VALUES['defaultAirflowTag']}"
    program, _, package, *words = container["args"]
    assert (program, package) == ("python", "intacct_asana")
    asked = CliRunner().invoke(app, [*words[:2], "--help"], terminal_width=200)
    assert asked.exit_code == 0
    assert all(word.split("=")[0] in asked.output for word in words[2:])
    assert {one["name"] for one in container["env"]} == {"AIRFLOW_CONN_INTACCT_ASANA_STORE_OWNER", "STORE_PASSWORD"}
