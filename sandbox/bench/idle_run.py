"""How long a bill sync takes in which nothing changed, beside a DAG of as many tasks that do nothing, under real Airflow."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from sandbox.bench.table import Result, load, middle, table
from sandbox.demo.airflow_server import ROOT, AirflowServer, DemoFailed, environment, put_demo_flow
from sandbox.demo.steering import Steering, free_port

GOAL = 1.3
SYNC, EMPTY = "demo_bill_sync", "empty_beside_it"
NEVER = "0 0 1 1 *"
EMPTY_DAG = '''
from airflow.sdk import DAG, BaseOperator, chain


class Nothing(BaseOperator):
    """A task of its own process that does nothing."""

    def execute(self, context):
        return None


with DAG("{dag_id}", schedule=None):
    chain(*[Nothing(task_id=f"nothing_{{number}}", pool="{pool}") for number in range({tasks})])
'''


@dataclass
class Measured:
    """By DAG, one value a run: seconds from its start to its end, and seconds of a processor that its task processes took."""

    tasks: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: {SYNC: [], EMPTY: []})
    processor: dict[str, list[float]] = field(default_factory=lambda: {SYNC: [], EMPTY: []})

    def ratios(self) -> list[float]:
        """Of two runs side by side, how many times as long the sync took."""
        return [sync / empty for sync, empty in zip(self.seconds[SYNC], self.seconds[EMPTY], strict=True)]


def main(
    runs: Annotated[int, typer.Option(min=2, max=200, help="Runs of each, one after the other by turns.")] = 12,
    bills: Annotated[int, typer.Option(min=1, max=20_000, help="Bills with a task.")] = 60,
    preload: Annotated[bool, typer.Option(help="Whether the scheduler imports the steps ahead, as it does by default.")] = True,
) -> None:
    """A no-change bill sync against an empty DAG of the same number of tasks."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Airflow and the sandbox are stopped however this ends.
        signal.signal(number, _stop)
    before = load()
    with tempfile.TemporaryDirectory(prefix="intacct-asana-idle-") as folder:
        found = measure(Path(folder), runs=runs, bills=bills, preload=preload)
    rows = [
        (name, str(found.tasks), *(f"{one:.1f}" for one in _spread(took)), f"{statistics.median(found.processor[name]):.2f}")
        for name, took in found.seconds.items()
    ]
    low, middle, high = _spread(found.ratios())
    print(
        f"\nA bill sync in which nothing changed, beside tasks that do nothing; {runs} runs of each, {bills} bills, in seconds"
    )
    print(table(("DAG", "tasks", "min", "median", "max", "processor, median"), rows))
    ratio = statistics.median(found.seconds[SYNC]) / statistics.median(found.seconds[EMPTY])
    print(f"Of two runs side by side the sync took {low:.2f} to {high:.2f} times as long, in the middle {middle:.2f} times.")
    print(f"Median by median: {ratio:.2f}. Goal at most {GOAL}: {'met' if ratio <= GOAL else 'NOT met'}.")
    more = [sync - empty for sync, empty in zip(found.processor[SYNC], found.processor[EMPTY], strict=True)]
    low, middle, high = (one / found.tasks for one in _spread(more))
    print(f"A task of the sync takes {middle:.3f} s ({low:.3f} to {high:.3f}) of a processor more than one that does nothing.")
    print(f"Before: {before}\nAfter:  {load()}")


def results(*, quick: bool) -> list[Result]:
    """Runs side by side, each pair a sample."""
    with tempfile.TemporaryDirectory(prefix="intacct-asana-idle-") as folder:
        found = measure(Path(folder), runs=3 if quick else 12, bills=60)
    note = f"{found.tasks} tasks each"
    return [middle("no_change_run_vs_empty_dag", "times as long", found.ratios(), at_most=GOAL, note=note)]


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), statistics.median(values), max(values)


def _stop(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(f"signal {number}")


def measure(home: Path, *, runs: int, bills: int, preload: bool = True) -> Measured:
    """So many runs of each, by turns, with everything that is started below `home` and stopped at the end."""
    ports = [free_port() for _ in range(4)]
    dags = home / "dags"
    shutil.copytree(ROOT / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    mappings = put_demo_flow(home / "mappings", schedules={"bill_sync": NEVER, "vendor_sync": NEVER})
    steering = Steering(ports[0], log=home / "sandbox.log")
    env = environment(home, port=ports[1], spare_ports=(ports[2], ports[3]), sandbox_url=steering.url, mappings=mappings) | {
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__INTACCT_ASANA__PRELOAD": str(preload),
    }
    server = None
    try:
        steering.wait_until_up()
        steering.call("POST", "reset", {"seed": 7, "vendors": 20, "bills": bills})
        server = AirflowServer(env, log=home / "airflow.log")
        server.wait_until_healthy(seconds=600)
        for pool in ("intacct_api", "asana_api"):
            server.make_pool(pool, 4, "For this measurement")
        for job, conf in (("preflight", {"create_missing": True}), ("bill_sync", {}), ("bill_sync", {})):
            _took(server, f"demo_{job}", conf)
        found = Measured(tasks=len(server.tasks(SYNC, server.trigger(SYNC))))
        text = EMPTY_DAG.format(dag_id=EMPTY, pool="intacct_api", tasks=found.tasks)
        (dags / "empty_beside_it.py").write_text(text, encoding="utf-8")
        for dag_id in (EMPTY, SYNC):
            _took(server, dag_id, {})
        for _ in range(runs):
            for dag_id, seconds in found.seconds.items():
                before = _tasks_processor(server)
                seconds.append(_took(server, dag_id, {}))
                found.processor[dag_id].append(_tasks_processor(server) - before)
        return found
    finally:
        if server:
            server.stop()
        steering.stop()


def _took(server: AirflowServer, dag_id: str, conf: dict[str, object]) -> float:
    """Seconds from the start of a run to its end, as Airflow notes them."""
    server.wait_for_dag(dag_id)
    server.unpause(dag_id)
    run_id = server.trigger(dag_id, conf)
    if server.wait_for_run(dag_id, run_id, seconds=300, watch=lambda _text: None) != "success":
        raise DemoFailed(f"{dag_id} failed: {server.errors_of(dag_id, run_id)}")
    run = server.http.get(f"/api/v2/dags/{dag_id}/dagRuns/{run_id}").json()
    return (datetime.fromisoformat(run["end_date"]) - datetime.fromisoformat(run["start_date"])).total_seconds()


def _tasks_processor(server: AirflowServer) -> float:
    """Seconds of a processor that all task processes so far took: those that the workers of LocalExecutor waited for.

    A task tells Airflow that it is done a moment before it ends, so this waits until none is left. Linux only.
    """
    end = time.monotonic() + 60
    while True:
        workers = [row for row in _rows(server.process.pid) if row.is_worker]
        ids = {row.pid for row in workers}
        if not any(row.parent in ids for row in _rows(server.process.pid)):
            return sum(row.children_seconds for row in workers)
        if time.monotonic() > end:
            raise DemoFailed("a task process does not end")
        time.sleep(0.05)


@dataclass(frozen=True)
class _Row:
    pid: int
    parent: int
    is_worker: bool
    children_seconds: float


def _rows(session: int) -> Iterator[_Row]:
    """The processes of a session. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html numbers the fields from 1."""
    tick = os.sysconf("SC_CLK_TCK")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            # The name in parentheses may hold anything; behind it stands field 3.
            said = (folder / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
            title = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(said[3]) == session:
            seconds = (int(said[13]) + int(said[14])) / tick
            yield _Row(int(folder.name), int(said[1]), title.startswith(b"airflow worker -- LocalExecutor"), seconds)
