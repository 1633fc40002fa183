"""A first sync holds pages, not the company."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.bench.memory import Growth, Measured

ROOT = Path(__file__).resolve().parents[2]


def test_a_row_says_what_the_work_added_to_the_process() -> None:
    measured = Measured(what="read in pages", bills=10_000, seconds=12.34, peak_mb=160.2, own_mb=24.1)
    assert measured.row() == ("read in pages", "10,000", "12.3", "160.2", "24.1")


def test_growth_is_told_for_each_bill_and_for_the_goals_sizes() -> None:
    few, many = (Measured(what="x", bills=n, seconds=1, peak_mb=mb, own_mb=0) for n, mb in ((10_000, 200.0), (30_000, 204.0)))
    growth = Growth(what="first plan", few=few, many=many)
    assert growth.bytes_each == 200
    assert growth.words() == (
        "first plan: 30,000 bills instead of 10,000 take 4.0 MB more, 200 bytes each; 190,000 more would take 38 MB"
    )


@pytest.mark.slow
def test_many_more_bills_take_hardly_more_memory() -> None:
    command = [sys.executable, "-m", "sandbox.bench", "memory", "--few=4000", "--many=12000", "--applied=6000"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "plugins")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=1200, check=False)
    assert done.returncode == 0, done.stderr
    grown = re.findall(r"^(read in pages|first plan|carried out): .* take (-?[0-9.]+) MB more", done.stdout, re.MULTILINE)
    assert len(grown) == 3
    # 17 kB of each bill, as before plans had pages, were 136 MB.
    assert all(float(mb) < 20 for _, mb in grown), done.stdout
