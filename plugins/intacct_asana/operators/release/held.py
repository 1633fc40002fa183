"""Holding back a plan over the limits: kept in the store for a person to answer, by the step that made it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from intacct_asana.errors import UnsafePlan
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.store import StoredPlan
from intacct_asana.store.reporting.releases import StoredReleases
from intacct_asana.sync import PagedPlan, Plan
from intacct_asana.sync.release import Release, ReleaseState, calls_of, digest_of, held, out_of_date

LATE_ANSWER = timedelta(minutes=30)
"""How much later than its time a question may end: the step that asks looks every ten minutes. After that nobody asks it any
more, whatever the store says."""


def holds(run: FlowRun) -> bool:
    return run.flow.release is not None


def release_dag(run: FlowRun) -> str:
    return f"{run.flow.flow}_release_plan"


def hold_back(
    run: FlowRun, plan: Plan | PagedPlan, stored: StoredPlan, *, unsafe: UnsafePlan | None, scope: str, dag_id: str
) -> str:
    """Why the run has nothing to write, where the same plan waits for an answer; empty for a plan that is within the limits.

    Raises UnsafePlan where this run is the first that meets the plan, or where nobody is asked about it any more. Plans that
    wait and that this one takes the place of are out of date from now on.
    """
    releases = run.store.releases()
    others = releases.open(stored.kind)
    if unsafe is None:
        _keep(releases, out_of_date(others, scope=scope), known=others)
        return ""
    wanted = Release(
        digest=digest_of(plan, kind=stored.kind),
        kind=stored.kind,
        plan_id=stored.plan_id,
        state=ReleaseState.NEW,
        refused_at=stored.created_at,
        dag_id=dag_id,
        refused_in=stored.run_id,
        reasons=unsafe.reasons or (unsafe.message,),
        counts=plan.counts(),
        money={currency: str(amount) for currency, amount in plan.at_stake().items()},
        calls=calls_of(plan),
        scope=scope,
    )
    known = releases.of(wanted.digest)
    longest = timedelta(hours=run.flow.release.wait_hours if run.flow.release else 0) + LATE_ANSWER
    answer = held(wanted, known=known, others=others, dag_id=release_dag(run), at=run.now(), longest=longest)
    with run.store.together():
        is_asked_about = any(one.plan_id == stored.plan_id for one in answer.rows)
        if is_asked_about and run.store.plan(stored.plan_id) is None:
            run.store.save_plan(stored)
        _keep(releases, answer.rows, known=[*others, *([known] if known else [])])
    if answer.red:
        raise UnsafePlan(f"{unsafe.message}\n{answer.red}", reasons=unsafe.reasons)
    return answer.waits


def _keep(releases: StoredReleases, rows: Iterable[Release], *, known: Iterable[Release]) -> None:
    """Raises TryLater where somebody answered one since it was read: an answer is never written over."""
    read = {one.digest: one for one in known}
    for row in rows:
        if before := read.get(row.digest):
            releases.move(before, row)
        else:
            releases.save(row)
