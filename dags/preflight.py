"""### Preflight

Checks everything that the flow's other DAGs need before it can hurt, and pins field and option names to Asana's gids, so that
a later rename in Asana does not break the flow. Run it first, and again after changing the flow's file.

**On Intacct:** reads only: login, permissions (one row of each object), time format, the custom fields for the stamp.
**On Asana:** reads; with *Create what is missing* it also makes missing custom fields, enum options and sections, and the
webhook of a flow that says `wake: webhook` (not while it rehearses). It never changes or deletes what people made. It
makes fields for a flow that rehearses too, when it is told to: a plan is about fields that are there.
**In the store:** pins what it resolved, the approvers' users too, and checks that the evidence has a key and is whole.

**People.** An approver is the user whom the address belonged to when preflight pinned it. When Asana shows another user under
the address, preflight fails and the pin stays, until somebody runs it with the address in *People to pin anew*.

**Projects.** An Asana project belongs to the flow that pinned it first, since two flows would undo each other's writes.
*Take the projects over* hands them to this flow; the other flow's DAGs stop then, until its own preflight finds it a project.

The last step prints one table (check, result, how to mend it) and fails when any check failed. **To re-run:** mend what the
table names and trigger it again.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, TriggerRule
from intacct_asana import dag_parts
from intacct_asana.deployment import good_flows
from intacct_asana.operators.preflight import CheckAsanaOperator, CheckIntacctOperator, ReportChecksOperator

for flow in good_flows():
    with DAG(
        **dag_parts.dag_settings(flow, job="preflight", title="check everything first", manual=__doc__, cron=None),
        params={
            "create_missing": Param(
                False,
                type="boolean",
                title="Create what is missing",
                description="Make missing custom fields, enum options and sections in Asana, and the flow's webhook.",
            ),
            "take_over": Param(
                False,
                type="boolean",
                title="Take the projects over",
                description="Take this flow's Asana projects from another flow, whose DAGs then stop.",
            ),
            "confirm_people": Param(
                "",
                type="string",
                title="People to pin anew",
                description="Approvers' e-mail addresses that rightly belong to another Asana user now, by comma.",
            ),
        },
    ):
        intacct = CheckIntacctOperator(task_id="check_intacct", flow=flow.flow, pool=flow.pools.intacct)
        asana = CheckAsanaOperator(
            task_id="check_asana",
            flow=flow.flow,
            create_missing="{{ params.create_missing }}",
            confirm_people="{{ params.confirm_people }}",
            take_over="{{ params.take_over }}",
            pool=flow.pools.asana,
        )
        report = ReportChecksOperator(
            task_id="report_checks",
            flow=flow.flow,
            rows=["{{ ti.xcom_pull('check_intacct') }}", "{{ ti.xcom_pull('check_asana') }}"],
            trigger_rule=TriggerRule.ALL_DONE,
        )
        [intacct, asana] >> report
