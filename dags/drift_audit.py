"""### Both sides compared, every day

Compares every bill of the flow with its task, and both with what the store holds: what incremental reading can lose, what
people changed by hand, and what went past the approval. It names each difference by its class (docs/drift-and-exceptions.md):
*missing*, *stale*, *extra*, *duplicate*, *orphaned*, *decided without a record*, *bypass*. Control totals for each entity and
currency stand beside each other.

**On Intacct:** reads the flow's bills, as a full pass of the bill sync does, and once more those that something was found
about. **On Asana:** reads the project's tasks; where the flow says `exceptions`, each finding becomes a task with an owner,
which is completed when it is over. **In the store:** keeps what was found until an audit does not find it any more.

**Have it mended** notes missing and stale tasks, which the next run of the bill sync then writes. Copies of our own tasks and
tasks whose bill is gone are completed by `apply_repair`, each with a comment that says why; a task that somebody else made with
a bill's key is told so, once, and left. What was decided or paid past the record stays with people; the report says with whom.

What the next run of the bill sync or the approvals sees to by itself is no drift; the report counts it apart. The run is green
whatever it finds, unless the flow names classes in `drift.fail_on`. While the flow says `rehearsal: true` nothing is kept.

**To stop:** pause the DAG; nothing depends on it. **To re-run:** trigger it; it looks at what there is now.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, TriggerRule
from intacct_asana import dag_parts
from intacct_asana.deployment import good_flows
from intacct_asana.operators.drift.comparing import CompareSidesOperator, ReportDriftOperator
from intacct_asana.operators.drift.repairing import ApplyRepairOperator
from intacct_asana.operators.flow_run import FlowOperator
from intacct_asana.operators.people.exceptions import KeepExceptionsOperator

for flow in good_flows():
    settings = dag_parts.dag_settings(
        flow, job="drift_audit", title="both sides compared", manual=__doc__, cron=flow.schedules.drift_audit
    )
    repair = Param(
        False,
        type="boolean",
        title="Have it mended",
        description="Missing and stale tasks by the next run of the bill sync, copies and tasks without a bill by this run.",
    )
    with DAG(**settings, params={"repair": repair, "allow_unsafe_plan": dag_parts.unsafe_param()}):
        compare = CompareSidesOperator(
            task_id="compare_sides",
            flow=flow.flow,
            pool=flow.pools.intacct,
            inlets=[dag_parts.intacct_asset(flow, "apbill"), dag_parts.asana_asset(flow.bills.project)],
        )
        mend = ApplyRepairOperator(
            task_id="apply_repair",
            flow=flow.flow,
            plan_id="{{ (ti.xcom_pull('compare_sides') or {}).get('repair_plan') or '' }}",
            pool=flow.pools.asana,
            outlets=[dag_parts.asana_asset(flow.bills.project)],
        )
        compare >> mend
        steps: list[FlowOperator] = [compare, mend]
        if flow.release:
            from intacct_asana.operators.release.asking import AskForReleaseOperator

            mend >> AskForReleaseOperator(task_id="ask_for_release", flow=flow.flow, trigger_rule=TriggerRule.ONE_FAILED)
        if flow.exceptions:
            keep = KeepExceptionsOperator(
                task_id="keep_exceptions",
                flow=flow.flow,
                looks_at_all=True,
                pool=flow.pools.asana,
                trigger_rule=TriggerRule.ALL_DONE,
            )
            compare >> keep
            steps.append(keep)
        steps >> ReportDriftOperator(
            task_id="report_drift",
            flow=flow.flow,
            steps=[step.task_id for step in steps],
            on_failure_callback=dag_parts.task_settings(flow)["on_failure_callback"],
        )
