"""What a bill sync costs in which nothing changed: calls of both systems, counted by the sandbox, over many bills."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

import typer

from sandbox.bench.first_sync import FLOW, SHARE_IN_SCOPE
from sandbox.bench.peak import a_context, make_fields, without_waiting_for_the_disk
from sandbox.bench.table import Result, results_table
from sandbox.bench.world import a_world
from sandbox.demo.steering import Steering

MOST_INTACCT, MOST_ASANA = 4, 3
QUARTERS, OF_AN_HOUR = 24, 4
"""Runs in which nothing changed. Those of the sixth hour are the measure, the hourly look back among them."""
UNLIMITED = 1_000_000
ASANA = "AIRFLOW_CONN_ASANA_DEFAULT"


class Kept:
    """Stands for Airflow's Variables, which only its own tasks reach: there steps and runs share a session and known fields."""

    values: ClassVar[dict[str, str]] = {}

    @classmethod
    def get(cls, key: str, default: str | None = None) -> str | None:
        return cls.values.get(key, default)

    @classmethod
    def set(cls, key: str, value: str, description: str = "") -> None:
        cls.values[key] = value


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Calls of one run by kind."""

    what: str
    calls: Counter[str]

    def of(self, system: str) -> int:
        left_out = ("asana WRITE", "asana READ")
        return sum(count for kind, count in self.calls.items() if kind.startswith(f"{system} ") and kind not in left_out)

    @property
    def writes(self) -> int:
        """Of either system. Intacct is only ever written to by functions that say so."""
        intacct = sum(count for kind, count in self.calls.items() if kind.startswith(("intacct create", "intacct update")))
        return self.calls["asana WRITE"] + intacct


def measure(*, bills: int, seed: int = 7) -> list[Measured]:
    """A first sync, then a run of every quarter of an hour in which nothing changed. Both clocks are put on, nobody waits."""
    with a_world() as steering:
        connection = json.loads(os.environ[ASANA])
        connection["extra"]["requests_per_minute"] = UNLIMITED
        os.environ[ASANA] = json.dumps(connection)
        asked = {"seed": seed, "vendors": 400, "bills": round(bills / SHARE_IN_SCOPE)}
        steering.http.post("/_sandbox/reset", json=asked, timeout=600)
        steering.call("POST", "settings", {"asana_requests_per_minute": UNLIMITED, "asana_max_writes": 50})
        # Calls are counted here, and nobody asks how long they took.
        without_waiting_for_the_disk()
        make_fields()
        first = _first_sync(steering)
        again = []
        for number in range(1, QUARTERS + 1):
            steering.call("POST", "clock", {"advance_seconds": A_QUARTER.total_seconds()})
            again.append(_sync(steering, f"nothing changed, run {number}", later=number * A_QUARTER))
    return [first, *again]


A_QUARTER = timedelta(minutes=15)


def _first_sync(steering: Steering) -> Measured:
    """On a busy machine an answer may be lost among ten thousand; the next run sees to it, as it would under Airflow."""
    from intacct_asana.errors import OutcomeUnknown, TryLater

    for _ in range(3):
        try:
            return _sync(steering, "the first sync")
        except (OutcomeUnknown, TryLater) as error:
            print(f"once more: {error.message.splitlines()[0]}", file=sys.stderr, flush=True)
    return _sync(steering, "the first sync")


def _sync(steering: Steering, what: str, *, later: timedelta = timedelta()) -> Measured:
    """One bill sync by the operators of its DAG, so much later than now; what comes behind them asks neither system."""
    import airflow.sdk
    from intacct_asana.operators.flow_run import FlowRun
    from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator

    airflow.sdk.Variable = Kept  # type: ignore[assignment, misc]
    context: Any = a_context()
    before = Counter(steering.counters())
    plan = PlanBillsOperator(task_id="plan_tasks", flow=FLOW)
    plan.run_parts = FlowRun(plan.run_parts.flow, now=_clock(later))
    planned = plan.execute(context)
    apply = ApplyPlanOperator(task_id="apply_plan", flow=FLOW, plan_id=planned["plan_id"])
    apply.execute(context)
    return Measured(what=what, calls=Counter(steering.counters()) - before)


def _clock(later: timedelta) -> Callable[[], datetime]:
    return lambda: datetime.now(UTC) + later


def results(*, quick: bool) -> list[Result]:
    return _results(measure(bills=500 if quick else 10_000), bills=500 if quick else 10_000)


def _results(found: list[Measured], *, bills: int) -> list[Result]:
    hour, last = found[-OF_AN_HOUR:], found[-1]
    note = f"{bills:,} bills; {', '.join(f'{kind} {count}' for kind, count in sorted(last.calls.items()))}"
    told = {name: tuple(float(one.of(name)) for one in hour) for name in ("intacct", "asana")}
    written = tuple(float(one.writes) for one in hour)
    return [
        _worst("no_change_intacct_calls", told["intacct"], "calls", at_most=MOST_INTACCT, note=note),
        _worst("no_change_asana_calls", told["asana"], "calls", at_most=MOST_ASANA),
        _worst("no_change_writes", written, "writes", at_most=0),
    ]


def _worst(name: str, samples: tuple[float, ...], unit: str, *, at_most: float, note: str = "") -> Result:
    return Result(id=name, value=max(samples), unit=unit, at_most=at_most, samples=samples, note=note)


def main(
    bills: Annotated[int, typer.Option(min=1, max=100_000, help="About so many bills with a task.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Another seed makes other vendors and bills.")] = 7,
) -> None:
    """Calls of a bill sync in which nothing changed."""
    found = measure(bills=bills, seed=seed)
    print(f"\nCalls of bill syncs, flow {FLOW}, {bills:,} bills with a task")
    for one, before in zip(found, [None, *found], strict=False):
        if before and one.calls == before.calls:
            print(f"{one.what}: the same")
            continue
        told = ", ".join(f"{kind} {count:,}" for kind, count in sorted(one.calls.items()))
        print(f"{one.what}: Intacct {one.of('intacct'):,}, Asana {one.of('asana'):,}, written {one.writes:,} ({told})")
    print(f"\n{results_table(_results(found, bills=bills))}")
