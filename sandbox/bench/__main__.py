"""`script/bench`: all measures in one table, or `script/bench NAME`: one in full. It changes nothing but its own sandboxes."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from sandbox.bench.first_sync import PROVIDER_PYTHON
from sandbox.bench.table import Result, load, machine, results_table
from sandbox.demo.airflow_server import ROOT, end_on_signals

MEASURES: Mapping[str, str] = {
    # name: the module whose `main` is the command of that name, and whose `results(quick=...)` are its rows in the one table;
    # those without a goal come last
    "parsing": "sandbox.bench.parsing",
    "worker": "sandbox.bench.worker",
    "imports": "sandbox.bench.imports",
    "no-change": "sandbox.bench.no_change",
    "first_sync": "sandbox.bench.first_sync",
    "planning": "sandbox.bench.planning",
    "wake": "sandbox.bench.wake",
    "idle-run": "sandbox.bench.idle_run",
    "memory": "sandbox.bench.memory",
    "duplicates": "sandbox.bench.controls.duplicates",
    "slices": "sandbox.bench.controls.slices",
}
QUICK_SECONDS = 270.0
"""When a quick run stops what still runs: with half a minute for that, all of it takes less than five minutes."""

STOP_SECONDS = 25.0
PATIENCE_SECONDS = 3 * 3600.0
LAST_WORDS = 300
STOPPED = 130
"""The exit code of what a person stopped, as a shell tells it of Ctrl-C."""

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
for _name, _module in MEASURES.items():
    if find_spec(_module):
        app.command(name=_name)(importlib.import_module(_module).main)


@app.callback(invoke_without_command=True)
def measurements(
    context: typer.Context,
    quick: Annotated[bool, typer.Option("--quick", help="Less of everything: done within five minutes.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write machine and results into this file.")] = None,
    provider_python: Annotated[
        Path | None, typer.Option(help="A Python that has apache-airflow-providers-asana, to compare a first sync with it.")
    ] = None,
) -> None:
    """Measure on this machine, against sandboxes of its own: all in one table, or one NAME in full.

    docs/benchmarks.md says how to read it. Ends with 1 where a measure failed; a goal that is not met is no failure. Ctrl-C
    prints what was measured so far, and ends with 130.
    """
    if context.invoked_subcommand:
        return
    # Ctrl-C, a kill and a closed terminal end what was started too.
    end_on_signals()
    if json_file:
        try:
            # Before anything is measured, since that may take hours.
            json_file.touch()
        except OSError as error:
            raise typer.BadParameter(f"{json_file} cannot be written: {error.strerror}", param_hint="--json") from error
    if provider_python:
        os.environ[PROVIDER_PYTHON] = str(provider_python.absolute())
    began = machine()
    told: list[Result] = []
    stopped = False
    try:
        for one in measured(MEASURES, quick=quick):
            told.append(one)
            if json_file:
                # After each of them, so that nothing takes away what is done.
                _keep(json_file, began, told)
    except KeyboardInterrupt:
        stopped = True
    print(f"\n{results_table(told)}\nBefore: load {began['load'][0]:.1f}\nAfter:  {load()}")
    if stopped:
        print("\nStopped: what is not in the table was not measured.", file=sys.stderr)
        raise typer.Exit(code=STOPPED)
    raise typer.Exit(code=int(any(one.failed for one in told)))


def _keep(file: Path, began: Mapping[str, Any], told: Sequence[Result]) -> None:
    body = {"machine": began, "results": [one.json() for one in told]}
    file.write_text(json.dumps(body, indent=1), encoding="utf-8")


def measured(measures: Mapping[str, str], *, quick: bool) -> Iterator[Result]:
    """Every measure in a process of its own, since each has an Airflow home of its own. One that fails stops no other."""
    end = time.monotonic() + (QUICK_SECONDS if quick else PATIENCE_SECONDS)
    for name, module in measures.items():
        if not find_spec(module):
            continue
        began = time.monotonic()
        print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
        found = _in_a_process(name, module, quick=quick, seconds=end - began) if end > began else [_late(name)]
        print(f"{time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        yield from found


def _late(name: str) -> Result:
    note = f"not measured: no time was left; script/bench {name} takes as long as it needs"
    return Result(id=name, value=None, unit="", note=note)


def started(module: str, *, quick: bool) -> subprocess.Popen[str]:
    """In a group of its own, so that nothing of it stays."""
    command = [sys.executable, "-m", "sandbox.bench", "one", module, *(["--quick"] if quick else [])]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _in_a_process(name: str, module: str, *, quick: bool, seconds: float) -> list[Result]:
    child = started(module, quick=quick)
    try:
        out, err = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        stop(child)
        return [_late(name)]
    except BaseException:
        stop(child)
        raise
    try:
        if child.returncode == 0:
            return [Result(**{**one, "samples": tuple(one["samples"])}) for one in json.loads(out.splitlines()[-1])]
        said = next((line for line in reversed(err.splitlines()) if line.strip()), f"it ended with {child.returncode}")
    except (ValueError, LookupError, TypeError) as error:
        said = f"its results cannot be read: {error}"
    return [Result(id=name, value=None, unit="", note=f"failed: {said[:LAST_WORDS]}", failed=True)]


def stop(child: subprocess.Popen[str]) -> None:
    """A measure that is asked to end stops its own sandbox and Airflow."""
    child.send_signal(signal.SIGTERM)
    try:
        child.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


@app.command(name="one", hidden=True)
def one_measure(module: str, quick: Annotated[bool, typer.Option("--quick")] = False) -> None:
    """One measure's results as JSON in the last line of what it prints."""
    end_on_signals()
    found: list[Result] = importlib.import_module(module).results(quick=quick)
    print(json.dumps([asdict(one) for one in found]))


if __name__ == "__main__":
    app()
