"""What a data team does in Airflow, played on a standalone one with its scheduler, workers and DAG processor."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.airflow, pytest.mark.slow]
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("scene", ["deaths", "days", "release"])
def test_a_scene_ends_as_it_should(scene: str, tmp_path: Path) -> None:
    """On SQLite, which every machine has. What was off stands in the output."""
    command = [sys.executable, "-m", "sandbox.demo.operations", "--database", "sqlite", "--scene", scene]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
