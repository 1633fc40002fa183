"""What the waking benchmark makes of its seconds; and, slowly, that a choice starts a run under real Airflow in each way."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from sandbox.bench import wake
from sandbox.bench.wake import Choice, Measured, Run, Way

ROOT = Path(__file__).resolve().parents[2]


def test_the_95th_percentile_is_one_of_the_measured_times() -> None:
    thirty = Measured(way="watcher", choices=[Choice(chosen=100, confirmed=100 + second) for second in range(30, 0, -1)])
    assert thirty.p95 == 29
    assert Measured(way="watcher", choices=[Choice(chosen=0, confirmed=3)]).p95 == 3
    assert thirty.row()[1:6] == ("30", "1.0", "15.5", "29.0", "30.0")


def test_the_seconds_of_a_choice_are_told_step_by_step() -> None:
    first = Run(asked=102, began=103, read=107, settling=108.5)
    then = Run(asked=112, began=112.5, read=115, settling=116)
    # The second choice came when the second run had begun, and was still seen by it.
    measured = Measured(
        way="webhook", choices=[Choice(chosen=100, confirmed=109), Choice(chosen=113, confirmed=118)], runs=[then, first]
    )
    assert [measured.run_of(choice) for choice in measured.choices] == [first, then]
    assert first.parts(measured.choices[0]) == [2, 1, 4, 1.5, 0.5]
    assert then.parts(measured.choices[1]) == [0, 0, 2, 1, 2]
    assert measured.parts() == [1, 0.5, 3, 1.25, 1.25]
    assert measured.parts_row()[1:] == ("1.0", "0.5", "3.0", "1.2", "1.2", "7.0")


class _Office:
    """Confirms a choice after so many looks; with the schedule all that was chosen at once, at its end."""

    def __init__(self, way: Way, *, bills: int) -> None:
        self.way, self.bills = way, bills
        self.looks = 0
        self.chosen: dict[str, int] = {}

    def choose(self, bill: Mapping[str, Any]) -> None:
        self.chosen[bill["task_gid"]] = self.looks

    def confirmed(self) -> set[str]:
        self.looks += 1
        if self.way is Way.SCHEDULE and len(self.chosen) < self.bills:
            return set()
        return {gid for gid, at in self.chosen.items() if self.looks > at + 20}


@pytest.mark.parametrize("way", list(Way))
def test_choices_wait_for_each_other_but_where_the_schedule_is_waited_for(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(wake.time, "time", lambda: float(next(clock)))
    monkeypatch.setattr(wake.time, "sleep", lambda seconds: None)
    bills = [{"task_gid": str(number)} for number in range(5)]
    office: Any = _Office(way, bills=5)
    at_once = [len(office.chosen) for _ in wake._choices(office, bills, Random(1))]
    assert at_once == ([5] * 5 if way is Way.SCHEDULE else [1, 2, 3, 4, 5])


@pytest.mark.slow
@pytest.mark.parametrize("way", ["schedule", "watcher", "webhook"])
def test_a_choice_wakes_a_run_under_real_airflow(way: str) -> None:
    """With the watcher and the webhook no schedule comes while this runs, so whatever is confirmed was woken."""
    command = [sys.executable, "-m", "sandbox.bench", "wake", "--approvals=1", f"--way={way}"]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "plugins")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(rf"^{way} +1 ", done.stdout, re.MULTILINE), done.stdout
