"""Reading in pages holds pages, not the company."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.bench.memory import Measured

ROOT = Path(__file__).resolve().parents[2]


def test_a_row_says_what_the_work_added_to_the_process() -> None:
    measured = Measured(what="read in pages", bills=10_000, seconds=12.34, peak_mb=160.2, own_mb=24.1)
    assert measured.row() == ("read in pages", "10,000", "12.3", "160.2", "24.1")


@pytest.mark.slow
def test_ten_times_the_bills_take_hardly_more_memory() -> None:
    command = [sys.executable, "-m", "sandbox.bench", "memory", "--few=2000", "--many=20000", "--planned=200"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "plugins")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^read in pages +2,000 ", done.stdout, re.MULTILINE)
    assert re.search(r"^first plan +200 ", done.stdout, re.MULTILINE)
    grown = re.search(r"^20,000 bills instead of 2,000: the peak grows by (-?[0-9.]+) MB", done.stdout, re.MULTILINE)
    assert grown
    assert float(grown[1]) < 30
