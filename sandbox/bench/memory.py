"""How much memory reading takes: few bills and many, each in a process of its own, in one table."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from sandbox.bench.first_sync import FLOW
from sandbox.bench.table import Result, load, table
from sandbox.bench.world import a_world
from sandbox.demo.airflow_server import ROOT, DemoFailed
from sandbox.demo.steering import Steering

GOAL_MB = 60


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One process. `own_mb` is what the work added to what the process held after its imports."""

    what: str
    bills: int
    seconds: float
    peak_mb: float
    own_mb: float

    def row(self) -> tuple[str, ...]:
        return (self.what, f"{self.bills:,}", f"{self.seconds:.1f}", f"{self.peak_mb:.1f}", f"{self.own_mb:.1f}")


def main(
    few: Annotated[int, typer.Option(min=1, max=1_000_000, help="Bills of the small company.")] = 10_000,
    many: Annotated[int, typer.Option(min=1, max=1_000_000, help="Bills of the large one.")] = 200_000,
    planned: Annotated[int, typer.Option(min=0, max=200_000, help="Bills of a first plan, 0 for none.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Another seed makes other vendors and bills.")] = 7,
) -> None:
    """Peak memory of reading few bills and many, page after page, and of a first plan, which keeps them all."""
    with a_world() as steering:
        before = load()
        small, large = (_read(steering, seed=seed, bills=bills) for bills in (few, many))
        plan = [_plan(steering, seed=seed, bills=planned)] if planned else []
    growth_mb = large.peak_mb - small.peak_mb
    print(f"\nMemory of one task process against a sandbox of its own, flow {FLOW}")
    print(table(("what", "bills", "seconds", "peak MB", "own MB"), [one.row() for one in (small, large, *plan)]))
    print(f"{large.bills:,} bills instead of {small.bills:,}: the peak grows by {growth_mb:.1f} MB. ", end="")
    print(f"Goal below {GOAL_MB} MB: {'met' if growth_mb < GOAL_MB else 'NOT met'}.")
    for one in plan:
        held_mb = (one.peak_mb - small.peak_mb) / one.bills * 10_000
        print(f"A first plan keeps every bill: {held_mb:.0f} MB for 10,000 bills beyond reading them in pages.")
    print(f"Before: {before}\nAfter:  {load()}")


def results(*, quick: bool) -> list[Result]:
    few, many = (1000, 10_000) if quick else (10_000, 200_000)
    with a_world() as steering:
        small, large = (_read(steering, seed=7, bills=bills) for bills in (few, many))
    note = f"reading {large.bills:,} bills instead of {small.bills:,}"
    return [Result(id="memory_of_reading", value=large.peak_mb - small.peak_mb, unit="MB more", at_most=GOAL_MB, note=note)]


def _read(steering: Steering, *, seed: int, bills: int) -> Measured:
    _make(steering, seed=seed, bills=bills)
    return _measured("read in pages", "bills")


def _plan(steering: Steering, *, seed: int, bills: int) -> Measured:
    """A first plan needs the fields that preflight makes; that is another process's memory."""
    _make(steering, seed=seed, bills=bills)
    _in_a_process("fields")
    return _measured("first plan", "plan")


def _make(steering: Steering, *, seed: int, bills: int) -> None:
    asked = {"seed": seed, "vendors": 400, "bills": bills}
    answer = steering.http.post("/_sandbox/reset", json=asked, timeout=600)
    if answer.is_error:
        raise DemoFailed(f"The sandbox could not make {bills} bills: {answer.text[:300]}")


def _measured(what: str, way: str) -> Measured:
    told = _in_a_process(way)
    return Measured(
        what=what,
        bills=told["bills"],
        seconds=told["seconds"],
        peak_mb=told["peak_mb"],
        own_mb=told["peak_mb"] - told["before_mb"],
    )


def _in_a_process(way: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "sandbox.bench.peak", way]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoFailed(f"Measuring {way} failed:\n{done.stderr[-3000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
