"""What one worker process costs more with this integration imported, and what a task that is forked from it still has to do.

`python -m sandbox.bench.worker WAY FLOWS` is one process of its own, and prints one line.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from sandbox.bench.imports import DAGS, put_flows
from sandbox.bench.table import Result, load, middle, table
from sandbox.demo.airflow_server import ROOT, DemoFailed

GOAL_SECONDS, GOAL_MB = 0.3, 25.0
FLOW = "company_00"
AIRFLOW = (
    "airflow.sdk",
    "airflow.dag_processing.dagbag",
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
)
"""What a process has imported that starts tasks, before it meets a DAG of ours."""

OWN, STEPS, AHEAD = "Airflow's own", "with a bill sync's steps", "with all steps, ahead"
WAYS = (OWN, STEPS, AHEAD)
FIGURES = ("seconds", "memory_mb", "task_seconds", "task_mb")


def results(*, quick: bool) -> list[Result]:
    found = measure(times=3 if quick else 7)
    return [
        middle("worker_process_seconds", "s more", more(found, STEPS, "seconds"), at_most=GOAL_SECONDS),
        middle("worker_process_memory", "MB more", more(found, STEPS, "memory_mb"), at_most=GOAL_MB),
    ]


def measure(*, times: int) -> dict[str, list[dict[str, float]]]:
    """By way, the figures of `times` processes, taken by turns so that a busy machine is busy for all of them."""
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory(prefix="intacct-asana-worker-") as place:
        folder = put_flows(Path(place) / "mappings", 1)
        for number in range(times + 1):
            for way in WAYS:
                one = _in_a_process(way, folder)
                # The first of each may have bytecode to write.
                if number:
                    found[way].append(one)
    return found


def more(found: dict[str, list[dict[str, float]]], way: str, figure: str) -> list[float]:
    """How much more than Airflow's own, turn by turn."""
    return [one[figure] - own[figure] for one, own in zip(found[way], found[OWN], strict=True)]


def main(times: Annotated[int, typer.Option(min=2, max=50, help="Processes of each kind.")] = 7) -> None:
    """One worker process with this integration imported, against Airflow's own."""
    before, found = load(), measure(times=times)
    rows = [(way, *(f"{statistics.median(one[each] for one in ones):.2f}" for each in FIGURES)) for way, ones in found.items()]
    print(f"\nOne worker process, and one task that is forked from it; medians of {times}, seconds are a processor's")
    print(table(("process", "seconds", "MB", "a task's seconds", "MB of its own"), rows))
    for way in (STEPS, AHEAD):
        ratio = [one["seconds"] / own["seconds"] for one, own in zip(found[way], found[OWN], strict=True)]
        print(f"{way}: {_spread(ratio)} times Airflow's own seconds, turn by turn.")
    seconds, memory = (statistics.median(more(found, STEPS, figure)) for figure in ("seconds", "memory_mb"))
    verdict = "met" if seconds < GOAL_SECONDS and memory < GOAL_MB else "NOT met"
    print(
        f"The steps of a bill sync: {seconds:.2f} s ({_spread(more(found, STEPS, 'seconds'))}) and {memory:.1f} MB more. "
        f"Goal under {GOAL_SECONDS} s and {GOAL_MB:.0f} MB: {verdict}."
    )
    print(f"Before: {before}\nAfter:  {load()}")


def _spread(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}, in the middle {statistics.median(values):.2f}"


def _in_a_process(way: str, folder: Path) -> dict[str, float]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW")}
    env |= {
        "PYTHONPATH": str(ROOT / "plugins"),
        "AIRFLOW_HOME": str(folder.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "INTACCT_ASANA_MAPPINGS": str(folder),
        "_AIRFLOW_PARSING_CONTEXT_DAG_ID": f"{FLOW}_bill_sync",
    }
    command = [sys.executable, "-m", "sandbox.bench.worker", way]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoFailed(f"A worker process failed:\n{done.stderr[-3000:]}")
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def worker(way: str) -> dict[str, float]:
    """The figures of this process, which becomes a worker of this kind, and those of a task that it forks.

    Both read no file that the other one reads for the first time: how long a disk takes is no part of it.
    """
    for name in AIRFLOW:
        importlib.import_module(name)
    if way == STEPS:
        runpy.run_path(str(DAGS / "bill_sync.py"))
    elif way == AHEAD:
        from intacct_asana.workers.preload import preload

        if not preload():
            raise DemoFailed("the steps cannot be imported ahead; see above")
    figures = {"seconds": time.process_time(), "memory_mb": _memory("Rss")}
    # As LocalExecutor and Airflow's Celery provider do.
    gc.collect()
    gc.freeze()
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(sending, "w") as out:
            json.dump(_task(), out)
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving) as told:
        figures |= json.loads(told.read() or "{}")
    os.waitpid(child, 0)
    return figures


def _task() -> dict[str, float]:
    """A task that reads its DAG file and has its hooks, as each one does before it asks anybody."""
    before = time.process_time()
    runpy.run_path(str(DAGS / "bill_sync.py"))
    for name in ("intacct_asana.intacct.hook", "intacct_asana.asana.hook"):
        importlib.import_module(name)
    return {"task_seconds": time.process_time() - before, "task_mb": _memory("Private_Clean") + _memory("Private_Dirty")}


def _memory(what: str) -> float:
    """MB of 1,000,000 bytes of this process, as Linux counts them: `Rss` all, `Private_*` what no other process shares."""
    rows = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(row.split()[1]) for row in rows if row.startswith(f"{what}:")) * 1024 / 1e6


if __name__ == "__main__":
    print(json.dumps(worker(sys.argv[1])))
