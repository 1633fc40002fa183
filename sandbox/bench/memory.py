"""How much memory a first sync takes: few bills and many, each step in a process of its own, in one table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from sandbox.bench.first_sync import FLOW
from sandbox.bench.table import Result, load, table
from sandbox.bench.world import a_world
from sandbox.demo.airflow_server import ROOT, DemoFailed
from sandbox.demo.steering import Steering

GOAL_MB = 60
FEW, MANY = 10_000, 200_000
APPLIED = 60_000
"""Of a plan's carrying out, which makes every task, the growth of so many instead of few is told for all."""

UNLIMITED = 10_000_000


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


@dataclass(frozen=True, kw_only=True)
class Growth:
    """What more bills take more, at the peak of a process that does one thing with them."""

    what: str
    few: Measured
    many: Measured

    @property
    def mb(self) -> float:
        return self.many.peak_mb - self.few.peak_mb

    @property
    def bytes_each(self) -> float:
        """Of each bill more."""
        return self.mb * 1e6 / max(1, self.many.bills - self.few.bills)

    def words(self) -> str:
        counted = f"{self.what}: {self.many.bills:,} bills instead of {self.few.bills:,} take {self.mb:.1f} MB more"
        return f"{counted}, {self.bytes_each:,.0f} bytes each; 190,000 more would take {self.bytes_each * 0.19:.0f} MB"


def main(
    few: Annotated[int, typer.Option(min=1, max=1_000_000, help="Bills of the small company.")] = 10_000,
    many: Annotated[int, typer.Option(min=1, max=1_000_000, help="Bills of the large one.")] = 200_000,
    applied: Annotated[int, typer.Option(min=0, max=1_000_000, help="Bills whose plan is carried out, 0: as many.")] = APPLIED,
    seed: Annotated[int, typer.Option(help="Another seed makes other vendors and bills.")] = 7,
) -> None:
    """Peak memory of a first plan and its carrying out, of few bills and of many, each step in a process of its own."""
    before = load()
    grown = measure(few=few, many=many, applied=min(applied or many, many), seed=seed)
    print(f"\nMemory of one task process against a sandbox of its own, flow {FLOW}")
    each = [one for growth in grown for one in (growth.few, growth.many)]
    print(table(("what", "bills", "seconds", "peak MB", "own MB"), [one.row() for one in each]))
    for growth in grown:
        print(growth.words())
    worst = max(growth.bytes_each for growth in grown) * (MANY - FEW) / 1e6
    met = "met" if worst < GOAL_MB else "NOT met"
    print(f"Goal below {GOAL_MB} MB more for {MANY:,} bills instead of {FEW:,}: {met} ({worst:.0f} MB).")
    print(f"Before: {before}\nAfter:  {load()}")


def results(*, quick: bool) -> list[Result]:
    if quick:
        # Above what is held anyway (2,000 records), and too near each other to tell of 200,000: so without a goal.
        grown = measure(few=4000, many=12_000, applied=0, seed=7)
        return [_row(one, value=one.mb) for one in grown]
    grown = measure(few=FEW, many=MANY, applied=APPLIED, seed=7)
    return [_row(one, value=one.bytes_each * (MANY - FEW) / 1e6, at_most=GOAL_MB) for one in grown]


def _row(one: Growth, **told: float) -> Result:
    return Result(id=f"memory_{one.what.replace(' ', '_')}", unit="MB more", note=one.words(), **told)  # type: ignore[arg-type]


def measure(*, few: int, many: int, applied: int, seed: int) -> list[Growth]:
    """Reading, planning and carrying out, which is left out where `applied` is 0.

    Smaller sizes tell what each bill takes, and so what more of them would.
    """
    ways = ("bills", "plan", "apply") if applied else ("bills", "plan")
    with a_world() as steering:
        # What Asana allows would make this last for hours, and how long it lasts is not the question.
        asana = json.loads(os.environ["AIRFLOW_CONN_ASANA_DEFAULT"])
        asana["extra"] |= {"requests_per_minute": UNLIMITED}
        os.environ["AIRFLOW_CONN_ASANA_DEFAULT"] = json.dumps(asana)
        small = _steps(steering, seed=seed, bills=few, ways=ways)
        large = _steps(steering, seed=seed, bills=many, ways=ways if applied == many else ways[:2])
        if 0 < applied < many:
            large |= {"apply": _steps(steering, seed=seed, bills=applied, ways=("plan", "apply"))["apply"]}
    return [Growth(what=one.what, few=one, many=large[way]) for way, one in small.items()]


WHAT = {"bills": "read in pages", "plan": "first plan", "apply": "carried out"}


def _steps(steering: Steering, *, seed: int, bills: int, ways: Sequence[str]) -> dict[str, Measured]:
    """By step. A first plan needs the fields that preflight makes; that is another process's memory."""
    with TemporaryDirectory(prefix="intacct-asana-bench-") as home:
        os.environ["AIRFLOW_HOME"] = home
        _make(steering, seed=seed, bills=bills)
        steering.call("POST", "settings", {"asana_requests_per_minute": UNLIMITED})
        _in_a_process("fields")
        return {way: _measured(WHAT[way], way) for way in ways}


def _make(steering: Steering, *, seed: int, bills: int) -> None:
    asked = {"seed": seed, "vendors": 400, "bills": bills}
    answer = steering.http.post("/_sandbox/reset", json=asked, timeout=600)
    if answer.is_error:
        raise DemoFailed(f"The sandbox could not make {bills} bills: {answer.text[:300]}")


def _measured(what: str, way: str) -> Measured:
    """Said as it is there, because all of them take a while."""
    told = _in_a_process(way)
    found = Measured(
        what=what,
        bills=told["bills"],
        seconds=told["seconds"],
        peak_mb=told["peak_mb"],
        own_mb=told["peak_mb"] - told["before_mb"],
    )
    print(", ".join(found.row()), file=sys.stderr, flush=True)
    return found


def _in_a_process(way: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "sandbox.bench.peak", way]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DemoFailed(f"Measuring {way} failed:\n{done.stderr[-3000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
