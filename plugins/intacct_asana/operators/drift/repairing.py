"""What the audit found, mended: handed to the bill sync, or planned here, for tasks that stand for no bill."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from intacct_asana.codec import plan_from_json, plan_to_json
from intacct_asana.errors import UnsafePlan
from intacct_asana.operators.flow_run import WAITS, FlowRun, utc_now
from intacct_asana.operators.release.held import hold_back, holds
from intacct_asana.operators.syncing import ApplyPlanOperator
from intacct_asana.reading.following import OWED, BillFollower
from intacct_asana.reading.repair import for_the_bill_sync, repair_plan, stays
from intacct_asana.records import Cursor, IntentState, Link
from intacct_asana.records.drift import Drift, Drifted
from intacct_asana.store import StoredPlan
from intacct_asana.sync import Plan, raise_if_unsafe
from intacct_asana.sync.retire import retire_kind
from intacct_asana.sync.writes import write_anew

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

SCOPE = "repair"
"""Of such plans among those that wait for a person: a plan of the bill sync does not take their place."""


def hand_over(run: FlowRun, follower: BillFollower, found: Sequence[Drifted]) -> int:
    """Has the next run of the bill sync write what differs, and read bills that nobody knows; how many those are."""
    journal, (parts, numbers) = run.store.intents(), for_the_bill_sync(found)
    for key, each in parts.items():
        write_anew(journal, kind="bill", key=key, parts=each, at=run.now())
    if numbers:
        name = follower.cursor_name(OWED)
        with run.store.together():
            owed = {*json.loads(run.store.cursor(name) or "[]"), *numbers}
            run.store.save_cursor(Cursor(name=name, value=json.dumps(sorted(owed))))
    return len(parts) + len(numbers)


def plan_repair(
    run: FlowRun, found: Sequence[Drifted], *, links: Mapping[str, Link], bot_gid: str, run_id: str
) -> dict[str, Any]:
    """Keeps the plan for tasks that stand for no bill, and says what it is and what stays for people."""
    gids = [one.task_gid for one in found if one.drift is Drift.EXTRA]
    before = run.store.intents().about(gids)
    told = {one.subject for one in before if one.kind == retire_kind("bill") and one.state is IntentState.DONE}
    plan = repair_plan(found, links=links, bot_gid=bot_gid, told=told)
    report: dict[str, Any] = {"stays": stays(found)}
    if plan.writing or plan.retiring:
        at = utc_now()
        stored = StoredPlan(
            plan_id=f"repair-{at:%Y%m%dT%H%M%S%f}",
            kind="bill",
            created_at=at,
            run_id=run_id,
            summary={"why": "a repair of what the audit found", "counts": plan.counts()},
            body=plan_to_json(plan),
        )
        run.store.save_plan(stored)
        report |= {"repair_plan": stored.plan_id, "repair": plan.counts()}
    return report


class ApplyRepairOperator(ApplyPlanOperator):
    """Carries out the audit's own plan, within the flow's limits; skipped where there is none."""

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        stored = run.store.plan(self.plan_id) if self.plan_id else None
        if stored is None:
            raise AirflowSkipException("There is nothing to mend here.")
        plan, unsafe = plan_from_json(Plan, stored.body), None
        try:
            if not context["params"].get("allow_unsafe_plan"):
                limits = run.flow.limits
                most = limits.creates, limits.closes, limits.updates
                raise_if_unsafe(plan, creates=most[0], closes=most[1], updates=most[2], money=None, existing=0)
        except UnsafePlan as error:
            if not holds(run):
                raise
            unsafe = error
        if holds(run):
            dag_id = context["dag"].dag_id
            if waits := hold_back(run, plan, stored, unsafe=unsafe, scope=SCOPE, dag_id=dag_id):
                self.log.warning("%s", waits)
                return {WAITS: waits, "written": 0}
        return super().work(context)
