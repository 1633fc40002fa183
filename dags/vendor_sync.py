"""### Vendors become tasks

Keeps one Asana task for each Intacct vendor in the flow's vendor project: code, name, status, terms, on hold, total due.

**On Intacct:** reads only; bank and tax fields are never read. **On Asana:** creates, updates and closes tasks of the vendor
project. It reads on from its cursor as the bill sync does, and refuses plans over the flow's limits in the same way.

**To stop:** pause the DAG. **To re-run:** trigger it or clear the failed step.
"""

from __future__ import annotations

from airflow.sdk import DAG
from intacct_asana.operators import dag_parts
from intacct_asana.operators.flows import good_flows
from intacct_asana.operators.syncing import ApplyPlanOperator, PlanVendorsOperator

for flow in good_flows():
    with DAG(
        **dag_parts.dag_settings(
            flow, job="vendor_sync", title="vendors become tasks", manual=__doc__, cron=flow.schedules.vendor_sync
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
