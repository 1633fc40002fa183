"""How fast a first sync is: our bill sync, the official client in a plain loop, and Airflow's provider, against one sandbox.

`python -m sandbox.bench.first_sync < BODIES` is the provider's part, in a process of whichever Python has the provider.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sandbox import constants
from sandbox.bench.table import Result, load, table
from sandbox.bench.world import a_world
from sandbox.demo.airflow_server import ROOT, DemoFailed
from sandbox.demo.steering import Steering

if TYPE_CHECKING:
    from intacct_asana.operators.flow_run import FlowRun

FLOW = "demo"
PER_MINUTE = 1500
GOAL_SHARE, GOAL_REFUSED = 0.95, 0.001
SHARE_IN_SCOPE = 0.83
"""Of the sandbox's bills, about so many are in the states that the demo flow carries over."""

LEAST_FASTER = 4.0
PROVIDER_PYTHON = "INTACCT_ASANA_BENCH_PROVIDER_PYTHON"
"""Names a Python that has apache-airflow-providers-asana, which this project does without."""

PAID_LIMITS = {"asana_requests_per_minute": PER_MINUTE, "asana_max_reads": 50, "asana_max_writes": 15}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One way of creating tasks. Requests and refusals (429) are the sandbox's own counts."""

    name: str
    tasks: int
    requests: int
    refused: int
    seconds: float

    @property
    def per_minute(self) -> float:
        return self.requests * 60 / self.seconds

    @property
    def share(self) -> float:
        return self.per_minute / PER_MINUTE

    @property
    def refused_share(self) -> float:
        return self.refused / max(self.requests, 1)

    def row(self, *, bills: int) -> tuple[str, ...]:
        minutes = bills * self.seconds / self.tasks / 60
        figures = (f"{self.per_minute:,.0f}", f"{self.share:.1%}", str(self.refused), f"{self.refused_share:.2%}")
        return (self.name, f"{self.tasks:,}", f"{self.requests:,}", f"{self.seconds:.1f}", *figures, f"{minutes:.1f}")


def main(
    bills: Annotated[int, typer.Option(min=1, max=20_000, help="About so many bills become tasks.")] = 3000,
    plain: Annotated[int, typer.Option(min=1, max=3000, help="Tasks that the plain loop creates.")] = 150,
    latency_ms: Annotated[int, typer.Option(min=0, max=5000, help="What Asana takes to answer.")] = 200,
    window_seconds: Annotated[float, typer.Option(min=1, max=60, help="The span that Asana counts; shorter is stricter.")] = 60,
    seed: Annotated[int, typer.Option(help="Another seed makes other vendors and bills.")] = 7,
    provider_python: Annotated[
        Path | None, typer.Option(help="A Python that has apache-airflow-providers-asana, to compare with its operator.")
    ] = None,
) -> None:
    """First sync of many bills at Asana's paid limits, beside the official client in a plain loop."""
    if provider_python:
        os.environ[PROVIDER_PYTHON] = str(provider_python.absolute())
    before = load()
    ours, *others = measure(bills=bills, plain=plain, latency_ms=latency_ms, window_seconds=window_seconds, seed=seed)
    head = ("way", "tasks", "requests", "seconds", "a minute", f"of {PER_MINUTE:,}", "429s", "refused", f"min for {bills:,}")
    print(f"\nFirst sync of {ours.tasks:,} bills, Asana answers after {latency_ms} ms, paid limits")
    print(table(head, [one.row(bills=bills) for one in (ours, *others)]))
    for one in others:
        print(f"{ours.per_minute / one.per_minute:.1f} times as fast as {one.name}, whose last column is extrapolated.")
    print(f"Goal {GOAL_SHARE:.0%} of the limit: {_met(ours.share >= GOAL_SHARE)}. ", end="")
    print(f"Goal at most {GOAL_REFUSED:.1%} refused: {_met(ours.refused_share <= GOAL_REFUSED)}.")
    print(f"Before: {before}\nAfter:  {load()}")


def measure(*, bills: int, plain: int, latency_ms: int, window_seconds: float, seed: int) -> list[Measured]:
    """Ours, the official client in a plain loop, and the provider's operator where a Python with it is named."""
    with a_world() as steering:
        steering.call("POST", "reset", {"seed": seed, "vendors": 40, "bills": round(bills / SHARE_IN_SCOPE)})
        settings = PAID_LIMITS | {"asana_latency_ms": latency_ms, "asana_window_seconds": window_seconds}
        ours, run, plan_id = _our_sync(steering, settings)
        bodies = _bodies(run, plan_id, plain)
        others = [_plain_loop(steering, bodies)]
        if python := os.environ.get(PROVIDER_PYTHON):
            others.append(_provider(steering, bodies, python))
    return [ours, *others]


def results(*, quick: bool) -> list[Result]:
    bills, plain = (500, 40) if quick else (3000, 150)
    ours, loop, *others = measure(bills=bills, plain=plain, latency_ms=200, window_seconds=60, seed=7)
    share = Result(id="first_sync_of_quota", value=100 * ours.share, unit="% of the limit", at_least=100 * GOAL_SHARE)
    refused = Result(id="first_sync_refused", value=100 * ours.refused_share, unit="% of calls", at_most=100 * GOAL_REFUSED)
    faster = [_faster("first_sync_vs_asana_loop", ours, loop)]
    faster += [_faster("first_sync_vs_provider_operator", ours, one) for one in others] or [
        Result(
            id="first_sync_vs_provider_operator",
            value=None,
            unit="times faster",
            at_least=LEAST_FASTER,
            note="not measured: --provider-python names a Python that has apache-airflow-providers-asana",
        )
    ]
    return [share, refused, *faster]


def _faster(id: str, ours: Measured, other: Measured) -> Result:
    note = f"{ours.tasks:,} tasks beside {other.tasks:,}, each of one call that takes 200 ms"
    return Result(id=id, value=ours.per_minute / other.per_minute, unit="times faster", at_least=LEAST_FASTER, note=note)


def _met(good: bool) -> str:
    return "met" if good else "NOT met"


def _our_sync(steering: Steering, settings: dict[str, float]) -> tuple[Measured, FlowRun, str]:
    """Preflight, plan and apply by the operators of the DAGs, in this process; only the applying is timed."""
    from airflow.sdk.bases.operator import ExecutorSafeguard
    from intacct_asana.operators.preflight import CheckAsanaOperator
    from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator

    # Operators are meant for a task runner, and say so with a warning.
    ExecutorSafeguard.test_mode = True
    context: Any = {"params": {"allow_unsafe_plan": True}, "dag_run": _Manual(), "run_id": "bench"}
    CheckAsanaOperator(task_id="check_asana", flow=FLOW, create_missing=True).execute(context)
    planned = PlanBillsOperator(task_id="plan_tasks", flow=FLOW).execute(context)
    steering.call("POST", "settings", settings)
    apply = ApplyPlanOperator(task_id="apply_plan", flow=FLOW, plan_id=planned["plan_id"])
    before, began = _asana(steering), time.monotonic()
    result = apply.execute(context)
    seconds = time.monotonic() - began
    ours = _measured("this project", before, _asana(steering), tasks=result["done"]["create"], seconds=seconds)
    return ours, apply.run_parts, planned["plan_id"]


class _Manual:
    run_type = "manual"


def _bodies(run: FlowRun, plan_id: str, count: int) -> list[dict[str, Any]]:
    """What our sync sent for the first `count` bills, so that both ways create the same tasks."""
    from intacct_asana.asana.calls import create_task
    from intacct_asana.sync import stored_plan

    stored = run.store.plan(plan_id)
    assert stored is not None
    actions = (action for page in stored_plan(stored.body, stored.more).pages() for action in page.writing)
    requests = (create_task(constants.BILLS_PROJECT_GID, action.desired) for action in islice(actions, count))
    return [json.loads(request.content or b"") for request in requests]


def _plain_loop(steering: Steering, bodies: list[dict[str, Any]]) -> Measured:
    """One task after the other, as the client's own examples do it."""
    import asana

    settings = asana.Configuration()
    settings.host, settings.access_token = f"{steering.url}/api/1.0", constants.ASANA_TOKEN
    tasks = asana.TasksApi(asana.ApiClient(settings))
    before, began = _asana(steering), time.monotonic()
    for body in bodies:
        tasks.create_task(body, {})
    seconds = time.monotonic() - began
    return _measured("asana, plain loop", before, _asana(steering), tasks=len(bodies), seconds=seconds)


def _provider(steering: Steering, bodies: list[dict[str, Any]], python: str) -> Measured:
    """Its operator once for each task, as a mapped task would be; without the process that Airflow starts for each of them."""
    before, connection = _asana(steering), {"conn_type": "asana", "password": constants.ASANA_TOKEN}
    env = os.environ | {"AIRFLOW_CONN_ASANA_DEFAULT": json.dumps(connection), "PYTHONPATH": str(ROOT)}
    asked = json.dumps({"host": f"{steering.url}/api/1.0", "bodies": bodies})
    done = subprocess.run(
        [python, "-m", "sandbox.bench.first_sync"], input=asked, cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise DemoFailed(f"The provider's operator failed:\n{done.stderr[-3000:]}")
    seconds = float(done.stdout.splitlines()[-1])
    return _measured("Asana provider, operator", before, _asana(steering), tasks=len(bodies), seconds=seconds)


def provider_seconds(host: str, bodies: list[dict[str, Any]]) -> float:
    """The provider's own operator and hook, which know no other host than Asana's, but for that host."""
    from unittest.mock import patch

    from airflow.providers.asana.hooks import asana as hooks
    from airflow.providers.asana.operators.asana_tasks import AsanaCreateTaskOperator

    def configuration() -> Any:
        import asana

        made = asana.Configuration()
        made.host = host
        return made

    with patch.object(hooks, "Configuration", configuration):
        began = time.monotonic()
        for number, body in enumerate(bodies):
            told = dict(body["data"])
            AsanaCreateTaskOperator(task_id=f"make_{number}", name=told.pop("name"), task_parameters=told).execute({})
        return time.monotonic() - began


def _asana(steering: Steering) -> Counter[str]:
    return Counter({kind: count for kind, count in steering.counters().items() if kind.startswith("asana ")})


def _measured(name: str, before: Counter[str], after: Counter[str], *, tasks: int, seconds: float) -> Measured:
    used = after - before
    refused = used.pop("asana 429", 0)
    used.pop("asana WRITE", 0)
    return Measured(name=name, tasks=tasks, requests=used.total(), refused=refused, seconds=seconds)


if __name__ == "__main__":
    print(provider_seconds(**json.load(sys.stdin)))
