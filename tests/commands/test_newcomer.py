"""Somebody new, from an empty AIRFLOW_HOME to the first tasks, with Airflow's own commands and ours, as the pages say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox import constants
from tests.conftest import ROOT

pytestmark = [pytest.mark.airflow, pytest.mark.slow]


def test_from_nothing_to_the_first_tasks(prompt: Any, tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
    named = {name: os.environ[name] for name in ("AIRFLOW_CONN_INTACCT_DEFAULT", "AIRFLOW_CONN_ASANA_DEFAULT")}
    env = kept | named | {"AIRFLOW_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT / "plugins")}
    env |= {"AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"), "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}

    def say(*words: str, code: int = 0) -> str:
        program = [sys.executable, "-m", "intacct_asana"] if words[0] == "intacct-asana" else [sys.executable, "-m", "airflow"]
        said = subprocess.run(
            [*program, *words[1:]], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False
        )
        assert "Traceback" not in said.stderr, said.stderr[-3000:]
        assert "RFC3986" not in said.stderr or words[0] == "airflow"
        assert said.returncode == code, f"{words}\n{said.stdout[-3000:]}\n{said.stderr[-3000:]}"
        return said.stdout

    say("intacct-asana", "init", "--yes", "--flow", "acme", "--limit", "5000")
    say("intacct-asana", "check", "acme", code=1)
    say("airflow", "db", "migrate")
    say("airflow", "dags", "test", "acme_preflight", "-c", '{"create_missing": true}')
    say("intacct-asana", "check", "acme")
    planned = say("intacct-asana", "plan", "acme")
    prompt.sandbox.zero_counters()
    say("airflow", "dags", "test", "acme_bill_sync")
    assert prompt.writes() == 0, "the file says that it rehearses"
    file = prompt.folder / "acme.yaml"
    file.write_text(file.read_text().replace("\nrehearsal: true\n", "\nrehearsal: false\n"))
    say("airflow", "dags", "test", "acme_bill_sync")
    tasks = [one for one in prompt.sandbox.state("asana")["tasks"] if constants.BILLS_PROJECT_GID in one["projects"]]
    assert f"{len(tasks)} create" in planned
    assert tasks
    assert "nothing would change" in say("intacct-asana", "plan", "acme")
