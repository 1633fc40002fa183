"""What the waking benchmark makes of its seconds; and, slowly, that a choice wakes a run under real Airflow in both ways."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.bench.wake import Measured

ROOT = Path(__file__).resolve().parents[2]


def test_the_95th_percentile_is_one_of_the_measured_times() -> None:
    thirty = Measured(way="watcher", seconds=[float(second) for second in range(30, 0, -1)])
    assert thirty.p95 == 29
    assert Measured(way="watcher", seconds=[3.0]).p95 == 3
    assert thirty.row()[1:6] == ("30", "1.0", "15.5", "29.0", "30.0")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["watcher", "webhook"])
def test_a_choice_wakes_a_run_under_real_airflow(way: str) -> None:
    """The schedule does not come while this runs, so whatever is confirmed was woken."""
    command = [sys.executable, "-m", "sandbox.bench", "wake", "--approvals=1", f"--way={way}"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "plugins")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"^{way} +1 ", done.stdout, re.MULTILINE), done.stdout
