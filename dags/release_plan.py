"""### A plan over a limit, in people's hands

Where a run of the bill or vendor sync, or a repair of the audit, stops because its plan is over one of the flow's limits (a
first sync, many bills at once), it starts a run of this DAG, which asks the flow's people in Airflow (*Required Actions*). They
see the reasons, the numbers, the money, and the first of what would be done. docs/releasing-plans.md says more.

**Approve** carries out exactly that plan, through the same journal as any other: what another run wrote since is left to the
next sync. **Reject**, or no answer in time, writes nothing; the same plan is asked about again when it changes, or when
somebody triggers this DAG. A newer plan takes an older one's place, whose question then ends by itself.

**On Asana:** what the plan says, once it is approved. **On Intacct:** nothing. **In the store:** who answered what and when,
in the evidence. Approvals of bills are never asked about here: they are made in Asana.

**To stop:** pause the DAG; questions wait, and the syncs say so in red. **To re-run:** trigger it to be asked again about the
plan that was refused last, or clear `apply_release`; whatever was done is found again and not done twice.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param
from intacct_asana import dag_parts
from intacct_asana.deployment import good_flows
from intacct_asana.operators.runs.reporting import ReportRunOperator

for flow in good_flows():
    if flow.release is None:
        continue
    # Imported where they are used: most flows have no such DAG, and a DAG file is parsed again for every task start.
    from intacct_asana.operators.release.asking import ApplyReleaseOperator, AskPeopleOperator

    settings = dag_parts.dag_settings(flow, job="release_plan", title="a plan over a limit", manual=__doc__, cron=None)
    with DAG(
        # A question that waits holds up no other, and a DAG that is paused when it is new would ask nobody.
        **{**settings, "max_active_runs": 50, "is_paused_upon_creation": False},
        params={
            "plan": Param(
                "",
                type="string",
                pattern="^[0-9a-f]*$",
                title="Plan",
                description="How its digest begins. The plan that was refused last when left empty.",
            )
        },
    ):
        ask = AskPeopleOperator(task_id="ask_people", flow=flow.flow, people=flow.release.people, max_active_tis_per_dag=None)
        apply = ApplyReleaseOperator(
            task_id="apply_release",
            flow=flow.flow,
            pool=flow.pools.asana,
            outlets=[dag_parts.asana_asset(flow.bills.project)],
        )
        # Behind `apply` alone: a rejection skips what stands right behind the step that asks.
        report = ReportRunOperator(task_id="report_run", flow=flow.flow, steps=["ask_people", "apply_release"])
        ask >> apply >> report
