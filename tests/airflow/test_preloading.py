"""What is imported ahead, where, and what becomes of tasks that are forked from it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.airflow.conftest import ROOT, connections
from tests.conftest import live_demo

pytestmark = pytest.mark.airflow


@pytest.fixture
def case(tmp_path: Path) -> Any:
    """`case(name, *arguments, package=...)`: what a process says of itself, and what it logged."""

    def run(name: str, *arguments: str, plugins: Path = ROOT / "plugins") -> tuple[Any, str]:
        flows = tmp_path / "flows"
        flows.mkdir(exist_ok=True)
        (flows / "demo.yaml").write_text(live_demo(), encoding="utf-8")
        env = os.environ | {
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
            "INTACCT_ASANA_MAPPINGS": str(flows),
            "PYTHONPATH": os.pathsep.join((str(plugins), str(ROOT))),
        }
        command = [sys.executable, "-m", "tests.airflow.preloading", name, *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr

    return run


def test_a_task_of_a_scheduler_that_runs_tasks_itself_begins_with_the_steps_and_runs(case: Any, sandbox: Any) -> None:
    found, said = case("scheduler", json.dumps(connections(sandbox)))
    assert not found["before"]
    assert found["after"]
    assert found["task"] == {"was_there": True, "state": "success", "error": "", "same": True}
    assert "are imported ahead" in said


def test_nothing_that_a_fork_may_not_share_is_made_ahead(case: Any, sandbox: Any) -> None:
    found, _ = case("scheduler", json.dumps(connections(sandbox)))
    assert found["after"]
    assert (found["threads"], found["lines"], found["stores"]) == (0, [], 0)


def test_no_other_part_of_airflow_imports_the_steps_ahead(case: Any) -> None:
    found, said = case("others")
    # The last one shows that this would be seen.
    assert found.pop("scheduler") is True
    assert found == dict.fromkeys(
        (
            *("api-server", "dag-processor", "triggerer", "scheduler with another executor"),
            *("scheduler that was told not to", "scheduler that was told nonsense"),
        ),
        False,
    )
    assert "perhaps" in said


def test_a_module_that_cannot_be_imported_stops_nobody_and_keeps_no_task_from_what_is_written_later(
    case: Any, tmp_path: Path
) -> None:
    plugins = tmp_path / "plugins"
    shutil.copytree(ROOT / "plugins", plugins, ignore=shutil.ignore_patterns("__pycache__"))
    found, said = case("broken", plugins=plugins)
    # What was imported before it would meet the mended files.
    assert found["some"]
    assert found["after"] == {"new": True, "kept": False, "step": "bill"}
    assert said.count("cannot be imported ahead; each task does it for itself") == 2
    assert "vendor_fields" in said


def test_a_celery_worker_whose_configuration_names_the_module_imports_the_steps(case: Any) -> None:
    found, _ = case("celery")
    assert found == {"before": False, "after": True}


def test_a_task_imports_anew_what_was_written_since_its_worker_began(case: Any, tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    shutil.copytree(ROOT / "plugins", plugins, ignore=shutil.ignore_patterns("__pycache__"))
    found, said = case("changed", plugins=plugins)
    assert found["before"] == {"new": False, "kept": True, "step": "bill"}
    assert found["after"] == {"new": True, "kept": False, "step": "bill"}
    assert "changed after this worker began" in said


def test_a_task_imports_anew_where_a_link_leads_to_another_release(case: Any, tmp_path: Path) -> None:
    """As git-sync does it: the files of before are as they were, and somewhere else."""
    for release in ("old", "new"):
        shutil.copytree(ROOT / "plugins", tmp_path / release, ignore=shutil.ignore_patterns("__pycache__"))
    link = tmp_path / "plugins"
    link.symlink_to(tmp_path / "old")
    found, said = case("swapped", str(link), str(tmp_path / "new"), plugins=link)
    assert found["before"] == {"new": False, "kept": True, "step": "bill"}
    assert found["after"] == {"new": True, "kept": False, "step": "bill"}
    assert "changed after this worker began" in said
