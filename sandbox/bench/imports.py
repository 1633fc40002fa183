"""How long reading all DAG files takes for 1, 10 and 50 flows, over importing Airflow itself; and for one task of one of them.

`python -m sandbox.bench.imports FOLDER [DAG]` is one reading in a process of its own, and prints one line.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from sandbox.bench.table import Result, load, middle, table
from sandbox.demo.airflow_server import ROOT, DemoFailed

GOAL_SECONDS = 1.0
DAGS = ROOT / "dags"
FIRST_PROJECT = 1_300_000_000_000_000


def put_flows(folder: Path, count: int) -> Path:
    """So many flows like the demo's, each with its own name, projects and schedule."""
    folder.mkdir()
    flow = yaml.safe_load((ROOT / "include" / "mappings" / "demo.yaml").read_text(encoding="utf-8"))
    for number in range(count):
        own = flow | {"flow": f"company_{number:02}"}
        for place, part in enumerate(("bills", "vendors")):
            own[part] = flow[part] | {"project": str(FIRST_PROJECT + 2 * number + place)}
        text = yaml.safe_dump(own, allow_unicode=True, sort_keys=False)
        (folder / f"company_{number:02}.yaml").write_text(text, encoding="utf-8")
    return folder


def main(
    flows: Annotated[list[int] | None, typer.Option(min=1, max=99, help="How many flows; may be given several times.")] = None,
    times: Annotated[int, typer.Option(min=1, max=50, help="Readings of each; the quickest counts.")] = 5,
) -> None:
    """Every DAG file read once in one process, for few flows and many, and the one file that a task start reads."""
    counts, before = flows or [1, 10, 50], load()
    with tempfile.TemporaryDirectory(prefix="intacct-asana-imports-") as place:
        folders = {count: put_flows(Path(place) / str(count), count) for count in counts}
        every = {count: _quickest(folder, (), times) for count, folder in folders.items()}
        task = {count: _quickest(folder, ("company_00_bill_sync",), times) for count, folder in folders.items()}
    rows = [_row(f"all DAG files, {count} flows", one) for count, one in every.items()]
    rows += [_row(f"a task of one flow of {count}", one) for count, one in task.items()]
    print("\nReading DAG files, in seconds over importing Airflow itself; of each the quickest reading")
    print(table(("what", "DAGs", "seconds", "processor", "Airflow alone"), rows))
    few, many = min(counts), max(counts)
    # A busy machine lets a process wait; what it needs is what its processor says.
    more = every[many]["processor"] - every[few]["processor"]
    verdict = "met" if more < GOAL_SECONDS else "NOT met"
    print(f"{many} flows instead of {few}: {more:.2f} s of a processor more. Goal under {GOAL_SECONDS:.0f} s: {verdict}.")
    print(f"Before: {before}\nAfter:  {load()}")


def results(*, quick: bool) -> list[Result]:
    """What fifty flows take more of a processor than one, reading by reading."""
    with tempfile.TemporaryDirectory(prefix="intacct-asana-imports-") as place:
        few, many = (put_flows(Path(place) / str(count), count) for count in (1, 50))
        pairs = [(_in_a_process(few, ()), _in_a_process(many, ())) for _ in range(2 if quick else 5)]
    more = [large["processor"] - small["processor"] for small, large in pairs]
    return [middle("dag_files_of_50_flows", "s more than one's", more, at_most=GOAL_SECONDS)]


def _row(what: str, one: dict[str, Any]) -> tuple[str, ...]:
    return what, str(one["dags"]), f"{one['seconds']:.2f}", f"{one['processor']:.2f}", f"{one['airflow']:.2f}"


def _quickest(folder: Path, asked: Sequence[str], times: int) -> dict[str, Any]:
    return min((_in_a_process(folder, asked) for _ in range(times)), key=lambda one: float(one["processor"]))


def _in_a_process(folder: Path, asked: Sequence[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", "sandbox.bench.imports", str(folder), *asked]
    env = os.environ | {
        "PYTHONPATH": str(ROOT / "plugins"),
        "AIRFLOW_HOME": str(folder),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoFailed(f"Reading DAG files failed:\n{done.stderr[-3000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def read_dags(folder: str, dag_id: str = "") -> dict[str, Any]:
    """All DAG files as the DAG processor reads them, or one as a task start does."""
    began = time.perf_counter()
    # What the DAG processor, and each task process, have imported before they read the first file.
    from airflow.sdk import DAG

    airflow_seconds = time.perf_counter() - began
    os.environ["INTACCT_ASANA_MAPPINGS"] = folder
    if dag_id:
        os.environ["_AIRFLOW_PARSING_CONTEXT_DAG_ID"] = dag_id
    made, init = [], DAG.__enter__
    DAG.__enter__ = lambda self: made.append(self.dag_id) or init(self)  # type: ignore[method-assign,func-returns-value]
    began, used = time.perf_counter(), time.process_time()
    for path in sorted(DAGS.glob("*.py")):
        if not dag_id or dag_id.endswith(path.stem):
            runpy.run_path(str(path))
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    return {"dags": len(made), "seconds": seconds, "processor": processor, "airflow": airflow_seconds}


if __name__ == "__main__":
    print(json.dumps(read_dags(*sys.argv[1:])))
