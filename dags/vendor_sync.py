"""### Vendors become tasks, and what people own of them returns

Keeps one Asana task for each Intacct vendor in the flow's vendor project: code, name, status, terms, on hold, total due. Where
the flow names an `intacct_field` for a field that people own (the team, the default approver), its value flows back into that
custom field of the vendor.

**On Intacct:** reads; writes the named custom fields of vendors and nothing else, one vendor a request, each read back. A flow
without such fields only reads. Bank and tax fields are never read or written. **On Asana:** creates, updates and closes tasks
of the vendor project; one comment when a value waits for approval in Intacct, was approved, refused or held back. It reads on
from its cursors as the bill sync does, and refuses plans over the flow's limits in the same way.

**Who wins:** each field has one owner. A value that somebody changes in Intacct in a field that Asana owns is put back and said
as drift in the run's report. Nothing is written where both sides say the same, onto inactive vendors (unless the flow says so),
or while an earlier value waits for approval. A field emptied in Asana keeps its value in Intacct unless the flow says `clears`.

**When something fails half-way** a write whose answer was lost is looked for on the vendor before anything is written again.
The two directions do not wait for each other: a task that cannot be written fails the run, and values flow all the same.

**To stop:** pause the DAG. **To re-run:** trigger it or clear the failed step; with *Dry run* it only shows its plans, and
so does every run of a flow that says `rehearsal: true`.
"""

from __future__ import annotations

from airflow.sdk import DAG, TriggerRule
from intacct_asana import dag_parts
from intacct_asana.deployment import good_flows
from intacct_asana.operators.flow_run import FlowOperator
from intacct_asana.operators.runs.reporting import ReportRunOperator
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanVendorsOperator
from intacct_asana.operators.vendor_fields import PlanVendorFieldsOperator, TellVendorPeopleOperator, WriteVendorsOperator
from intacct_asana.vendors import kept_fields

for flow in good_flows():
    with DAG(
        **dag_parts.dag_settings(
            flow,
            job="vendor_sync",
            title="vendors become tasks",
            manual=__doc__,
            cron=flow.schedules.vendor_sync,
            backfills=True,
        ),
        params=dag_parts.sync_params(vendor_ids=dag_parts.list_param(title="Vendor ids", description="Only these vendors.")),
    ):
        plan = PlanVendorsOperator(
            task_id="plan_tasks", flow=flow.flow, pool=flow.pools.intacct, inlets=[dag_parts.intacct_asset(flow, "vendor")]
        )
        apply = ApplyPlanOperator(
            task_id="apply_plan",
            flow=flow.flow,
            plan_id="{{ ti.xcom_pull('plan_tasks')['plan_id'] }}",
            pool=flow.pools.asana,
            outlets=[dag_parts.asana_asset(flow.vendors.project)],
        )
        plan >> apply
        if flow.release:
            from intacct_asana.operators.release.asking import AskForReleaseOperator

            # Where the plan was refused for its size; skipped otherwise, without a process of its own.
            plan >> AskForReleaseOperator(task_id="ask_for_release", flow=flow.flow, trigger_rule=TriggerRule.ONE_FAILED)
        steps: list[FlowOperator] = [plan, apply]
        if kept_fields(flow):
            # A task that cannot be written keeps no other vendor's value back.
            plan_fields = PlanVendorFieldsOperator(
                task_id="plan_vendor_fields", flow=flow.flow, pool=flow.pools.intacct, trigger_rule=TriggerRule.ALL_DONE
            )
            write = WriteVendorsOperator(
                task_id="write_vendors",
                flow=flow.flow,
                plan_id="{{ ti.xcom_pull('plan_vendor_fields')['plan_id'] }}",
                pool=flow.pools.intacct,
                outlets=[dag_parts.intacct_asset(flow, "vendor")],
            )
            # People are told of what was written before something failed.
            tell = TellVendorPeopleOperator(
                task_id="tell_people", flow=flow.flow, pool=flow.pools.asana, trigger_rule=TriggerRule.ALL_DONE
            )
            apply >> plan_fields >> write >> tell
            steps += [plan_fields, write, tell]
        names = [step.task_id for step in steps]
        steps >> ReportRunOperator(task_id="report_run", flow=flow.flow, steps=names, vouches=True)
