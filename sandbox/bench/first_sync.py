"""How fast a first sync is: our bill sync and the official client in a plain loop, against one sandbox, in one table."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sandbox import constants
from sandbox.bench.table import load, table
from sandbox.bench.world import a_world
from sandbox.demo.steering import Steering

if TYPE_CHECKING:
    from intacct_asana.operators.flow_run import FlowRun

FLOW = "demo"
PER_MINUTE = 1500
GOAL_SHARE, GOAL_REFUSED = 0.95, 0.001
SHARE_IN_SCOPE = 0.83
"""Of the sandbox's bills, about so many are in the states that the demo flow carries over."""

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
) -> None:
    """First sync of many bills at Asana's paid limits, beside the official client in a plain loop."""
    with a_world() as steering:
        steering.call("POST", "reset", {"seed": seed, "vendors": 40, "bills": round(bills / SHARE_IN_SCOPE)})
        before = load()
        settings = PAID_LIMITS | {"asana_latency_ms": latency_ms, "asana_window_seconds": window_seconds}
        ours, run, plan_id = _our_sync(steering, settings)
        theirs = _plain_loop(steering, _bodies(run, plan_id, plain))
    head = ("way", "tasks", "requests", "seconds", "a minute", f"of {PER_MINUTE:,}", "429s", "refused", f"min for {bills:,}")
    print(f"\nFirst sync of {ours.tasks:,} bills, Asana answers after {latency_ms} ms, paid limits")
    print(table(head, [ours.row(bills=bills), theirs.row(bills=bills)]))
    print(f"{ours.per_minute / theirs.per_minute:.1f} times as fast; the last column of the plain loop is extrapolated.")
    print(f"Goal {GOAL_SHARE:.0%} of the limit: {_met(ours.share >= GOAL_SHARE)}. ", end="")
    print(f"Goal at most {GOAL_REFUSED:.1%} refused: {_met(ours.refused_share <= GOAL_REFUSED)}.")
    print(f"Before: {before}\nAfter:  {load()}")


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
    from intacct_asana.codec import plan_from_json
    from intacct_asana.sync import Plan

    stored = run.store.plan(plan_id)
    assert stored is not None
    requests = [
        create_task(constants.BILLS_PROJECT_GID, action.desired) for action in plan_from_json(Plan, stored.body).writing
    ]
    return [json.loads(request.content or b"") for request in requests[:count]]


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


def _asana(steering: Steering) -> Counter[str]:
    return Counter({kind: count for kind, count in steering.counters().items() if kind.startswith("asana ")})


def _measured(name: str, before: Counter[str], after: Counter[str], *, tasks: int, seconds: float) -> Measured:
    used = after - before
    refused = used.pop("asana 429", 0)
    used.pop("asana WRITE", 0)
    return Measured(name=name, tasks=tasks, requests=used.total(), refused=refused, seconds=seconds)
