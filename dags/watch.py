"""### Alerts of all flows

Looks every ten minutes at what the runs of all flows left in the store, tells who is named in their flow files, and tells them
again when it is over: decisions that were refused or wait, drift, a DAG that has not succeeded for longer than its file allows,
and alerts that could not leave before. docs/alerts.md says what each message means.

**On Intacct:** nothing. **On Asana:** comments and tasks where a flow file names `asana_comment` or `asana_task`, nothing else.

**To stop:** pause the DAG; failures of tasks are told all the same, from their own processes. **To re-run:** trigger it; nobody
is told twice. It exists only where a flow file names somebody to tell.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.sdk import DAG
from intacct_asana.deployment import every_flow
from intacct_asana.operators.watching.watch import WatchFlowsOperator

if any(flow.alerts.watches for flow in every_flow()):
    with DAG(
        dag_id="intacct_asana_watch",
        dag_display_name="Intacct and Asana: alerts",
        description="Tells what began and what is over, for all flows.",
        doc_md=__doc__,
        schedule="*/10 * * * *",
        start_date=datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")),
        catchup=False,
        max_active_runs=1,
        tags=["intacct", "asana"],
        # It looks again in ten minutes anyway.
        default_args={"owner": "finance-data", "retries": 0, "execution_timeout": timedelta(minutes=9)},
    ):
        WatchFlowsOperator(task_id="watch_flows")
