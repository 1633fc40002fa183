"""A worker process and an idle run are compared with Airflow's own, turn by turn."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from sandbox.bench.idle_run import EMPTY, SYNC, Measured, _rows
from sandbox.bench.worker import AHEAD, OWN, STEPS, measure, more


def test_what_is_more_is_counted_within_one_turn() -> None:
    # The machine was twice as busy at the second turn.
    found: dict[str, Any] = {OWN: [{"seconds": 1.0}, {"seconds": 2.0}], STEPS: [{"seconds": 1.5}, {"seconds": 3.0}]}
    assert more(found, STEPS, "seconds") == [0.5, 1.0]


def test_runs_are_compared_side_by_side() -> None:
    found = Measured(tasks=3, seconds={SYNC: [3.0, 8.0], EMPTY: [1.0, 4.0]})
    assert found.ratios() == [3.0, 2.0]


def test_the_processes_of_a_session_are_told_with_what_those_took_that_they_waited_for() -> None:
    busy = "subprocess.run([sys.executable, '-c', 'sum(range(10**7))'])"
    work = f"import subprocess, sys; {busy}; print('done', flush=True); input()"
    parent = subprocess.Popen(
        [sys.executable, "-c", work], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert parent.stdout
        assert parent.stdout.readline() == "done\n"
        [row] = _rows(parent.pid)
        assert (row.pid, row.is_worker) == (parent.pid, False)
        assert row.children_seconds > 0
    finally:
        parent.communicate("\n")
    assert list(_rows(parent.pid)) == []


@pytest.mark.slow
def test_a_task_has_less_memory_of_its_own_where_its_steps_were_imported_ahead() -> None:
    found = measure(times=2)
    kept = {way: min(one["task_mb"] for one in ones) for way, ones in found.items()}
    assert kept[AHEAD] < kept[STEPS] < kept[OWN]
