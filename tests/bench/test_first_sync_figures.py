"""What the benchmark makes of its counts. The measurement itself asserts nothing about time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from sandbox.bench.first_sync import _measured
from sandbox.bench.table import table

ROOT = Path(__file__).resolve().parents[2]


def test_figures_come_from_the_counters_of_the_timed_part_only() -> None:
    before = Counter({"asana GET /projects/{gid}": 9, "asana WRITE": 30, "asana POST /tasks": 1})
    after = before + Counter({"asana POST /tasks": 300, "asana WRITE": 300, "asana 429": 3})
    measured = _measured("x", before, after, tasks=297, seconds=15)
    assert (measured.requests, measured.refused) == (300, 3)
    assert (measured.per_minute, measured.share, measured.refused_share) == (1200, 0.8, 0.01)


def test_a_row_says_how_long_all_bills_would_take_this_way() -> None:
    measured = _measured("x", Counter(), Counter({"asana POST /tasks": 150}), tasks=150, seconds=30)
    assert measured.row(bills=3000)[-1] == "10.0"


def test_the_table_is_aligned() -> None:
    lines = table(("way", "n"), [("short", 1), ("a longer name", 1000)]).splitlines()
    assert lines[0].endswith("   n")
    assert {len(line) for line in lines} == {len("a longer name   1000")}


@pytest.mark.slow
def test_the_command_runs_and_prints_both_ways() -> None:
    command = [sys.executable, "-m", "sandbox.bench", "first_sync", "--bills=30", "--plain=3", "--latency-ms=0"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "plugins")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    # The generator may make a bill or two more than it was asked for; each is one task, by one request.
    ours = re.search(r"^this project +(\d+) +(\d+) ", done.stdout, re.MULTILINE)
    assert ours
    tasks, requests = map(int, ours.groups())
    assert 30 <= tasks <= requests <= tasks + 2
    assert re.search(r"^asana, plain loop +3 +3 ", done.stdout, re.MULTILINE)
