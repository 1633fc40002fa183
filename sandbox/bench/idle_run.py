"""How long a bill sync takes in which nothing changed, beside a DAG of as many tasks that do nothing, under real Airflow."""

from __future__ import annotations

import shutil
import signal
import statistics
import tempfile
from collections.abc import Sequence
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


def main(
    runs: Annotated[int, typer.Option(min=2, max=200, help="Runs of each, one after the other by turns.")] = 12,
    bills: Annotated[int, typer.Option(min=1, max=20_000, help="Bills with a task.")] = 60,
) -> None:
    """A no-change bill sync against an empty DAG of the same number of tasks."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Airflow and the sandbox are stopped however this ends.
        signal.signal(number, _stop)
    before = load()
    with tempfile.TemporaryDirectory(prefix="intacct-asana-idle-") as folder:
        seconds, tasks = _measured(Path(folder), runs=runs, bills=bills)
    rows = [(name, str(tasks), *(f"{one:.1f}" for one in _spread(found))) for name, found in seconds.items()]
    ratios = [sync / empty for sync, empty in zip(seconds[SYNC], seconds[EMPTY], strict=True)]
    low, middle, high = _spread(ratios)
    print(
        f"\nA bill sync in which nothing changed, beside tasks that do nothing; {runs} runs of each, {bills} bills, in seconds"
    )
    print(table(("DAG", "tasks", "min", "median", "max"), rows))
    ratio = statistics.median(seconds[SYNC]) / statistics.median(seconds[EMPTY])
    print(f"Of two runs side by side the sync took {low:.2f} to {high:.2f} times as long, in the middle {middle:.2f} times.")
    print(f"Median by median: {ratio:.2f}. Goal at most {GOAL}: {'met' if ratio <= GOAL else 'NOT met'}.")
    print(f"Before: {before}\nAfter:  {load()}")


def results(*, quick: bool) -> list[Result]:
    """Runs side by side, each pair a sample."""
    with tempfile.TemporaryDirectory(prefix="intacct-asana-idle-") as folder:
        seconds, tasks = _measured(Path(folder), runs=3 if quick else 12, bills=60)
    ratios = [sync / empty for sync, empty in zip(seconds[SYNC], seconds[EMPTY], strict=True)]
    return [middle("no_change_run_vs_empty_dag", "times as long", ratios, at_most=GOAL, note=f"{tasks} tasks each")]


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    return min(values), statistics.median(values), max(values)


def _stop(number: int, _frame: object) -> None:
    raise KeyboardInterrupt(f"signal {number}")


def _measured(home: Path, *, runs: int, bills: int) -> tuple[dict[str, list[float]], int]:
    ports = [free_port() for _ in range(4)]
    dags = home / "dags"
    shutil.copytree(ROOT / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    mappings = put_demo_flow(home / "mappings", schedules={"bill_sync": NEVER, "vendor_sync": NEVER})
    steering = Steering(ports[0], log=home / "sandbox.log")
    env = environment(home, port=ports[1], spare_ports=(ports[2], ports[3]), sandbox_url=steering.url, mappings=mappings) | {
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags)
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
        tasks = len(server.tasks(SYNC, server.trigger(SYNC)))
        text = EMPTY_DAG.format(dag_id=EMPTY, pool="intacct_api", tasks=tasks)
        (dags / "empty_beside_it.py").write_text(text, encoding="utf-8")
        seconds: dict[str, list[float]] = {SYNC: [], EMPTY: []}
        for dag_id in (EMPTY, SYNC):
            _took(server, dag_id, {})
        for _ in range(runs):
            for dag_id, found in seconds.items():
                found.append(_took(server, dag_id, {}))
        return seconds, tasks
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
