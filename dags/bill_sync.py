"""### Bills become tasks

Reads new and changed AP bills from Intacct and keeps exactly one Asana task for each bill in the flow's states.

**On Intacct:** reads only. **On Asana:** creates, updates, closes and reopens tasks of the flow's bill project; the fields
that people own (Approval, the reason) are written once, when a task is created, and never again. A paid bill's task is
completed, a voided or reversed payment opens it again, and each change of the payments is told in one comment. A task that
was closed is written again only where what it tells of payments no longer holds.

Where people decide by Asana approvals, tasks are made as approvals, and a completed one whose bill is open is an answer and
stays as it is. A task of another kind cannot be decided on; a run with *Read everything* names such tasks.

A task that left the project is put back into it and named in the step's summary; only a deleted one is made anew. Where that is
refused, the step fails with a sentence that says so, writes all other tasks, and every run tries again.

**How it reads.** Scheduled and manual runs go on from the stored cursor. A backfill reads its data interval, and a run with
*Changed since*, vendor ids or bill numbers reads just those; such runs never move the cursor. *Read everything* compares
every bill with every task and heals what differs. A run also follows changed lines, payments and
deletions, each from a cursor of its own; its summary says how deletions were found.

**Attachments.** Where the flow says so, `attach_documents` brings each bill's attachment from Intacct onto its task, as a link
or as files, each once. It is a step of its own: when it fails, the tasks are there all the same, and the next run tries again
what is still missing. After an `apply_plan` that failed it attaches what it can and fails as well. A file that never fits
(over 100 MB, or of a kind that is not attached) is named once.

**When it refuses.** A plan over the flow's limits fails as UnsafePlan and writes nothing; look at the numbers, then run again
with *Allow a plan over the limits*. Where the flow says `release`, it fails once, people are asked in `<flow>_release_plan`,
and further runs say that the plan waits. *Dry run* stores and shows the plan and writes nothing; where the flow
says `rehearsal: true` every run is one, also a scheduled one, and each begins where the last real one ended.

**How far it is:** the log of each step says every 15 seconds what is done, what is to do, how many a minute, and the time left.

**To stop:** pause the DAG; a task that is stopped in the middle leaves no half-done work behind. **To re-run:** trigger it or
clear any step of any run; whatever was done is found again and not done twice (docs/backfills.md).
"""

from __future__ import annotations

from airflow.sdk import DAG, TriggerRule
from intacct_asana import dag_parts
from intacct_asana.deployment import good_flows
from intacct_asana.operators.documents import AttachDocumentsOperator
from intacct_asana.operators.flow_run import FlowOperator
from intacct_asana.operators.runs.reporting import ReportRunOperator
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanBillsOperator

for flow in good_flows():
    with DAG(
        **dag_parts.dag_settings(
            flow,
            job="bill_sync",
            title="bills become tasks",
            manual=__doc__,
            cron=flow.schedules.bill_sync,
            backfills=True,
        ),
        params=dag_parts.sync_params(
            vendor_ids=dag_parts.list_param(title="Vendor ids", description="Only bills of these vendors."),
            bill_numbers=dag_parts.list_param(title="Bill numbers", description="Only these bills."),
        ),
    ):
        plan = PlanBillsOperator(
            task_id="plan_tasks", flow=flow.flow, pool=flow.pools.intacct, inlets=[dag_parts.intacct_asset(flow, "apbill")]
        )
        apply = ApplyPlanOperator(
            task_id="apply_plan",
            flow=flow.flow,
            plan_id="{{ ti.xcom_pull('plan_tasks')['plan_id'] }}",
            pool=flow.pools.asana,
            outlets=[dag_parts.asana_asset(flow.bills.project)],
        )
        plan >> apply
        if flow.release:
            from intacct_asana.operators.release.asking import AskForReleaseOperator

            # Where the plan was refused for its size; skipped otherwise, without a process of its own.
            plan >> AskForReleaseOperator(task_id="ask_for_release", flow=flow.flow, trigger_rule=TriggerRule.ONE_FAILED)
        steps: list[FlowOperator] = [plan, apply]
        if flow.bills.attachments != "none":
            attach = AttachDocumentsOperator(
                task_id="attach_documents",
                flow=flow.flow,
                applied="{{ ti.xcom_pull('apply_plan') }}",
                # A plan that failed for one bill keeps no other bill's document back.
                trigger_rule=TriggerRule.ALL_DONE,
                pool=flow.pools.asana,
                outlets=[dag_parts.asana_asset(flow.bills.project)],
            )
            apply >> attach
            steps.append(attach)
        steps >> ReportRunOperator(task_id="report_run", flow=flow.flow, steps=[step.task_id for step in steps])
