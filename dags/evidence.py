"""### Evidence for an auditor

Writes the evidence of a bill, a period, a person, or all of it into a file, and verifies it. Start it by hand; the form asks
for what is wanted, and all that is said there has to fit.

**On Intacct:** reads the stamps on the bills in question, to compare the anchors on them, where the form says so. **On Asana:**
nothing, but for a pack. **In the store:** reads only.

`export_evidence` returns the file's path and its SHA-256. The file lies in the folder that the deployment names with
`INTACCT_ASANA_EXPORTS`, else in `intacct_asana_exports` under AIRFLOW_HOME, on the worker that ran the step. Only its owner may
read it, and nothing there is ever overwritten or deleted. `report_findings` fails when anything is wrong with the evidence or
with the file, and names the rows. The file is there all the same.

`pack` makes a folder for an auditor instead: every bill of the period by bill date and its task, control totals, where the two
sides differ, a sample drawn by the seed, all evidence, and a program that checks the folder with Python alone. It reads the
period's bills in Intacct and the project's tasks in Asana.

`access` writes who can approve in Asana and who can enter bills, pay and edit vendors in Intacct, and who can do both. It reads
users, roles and groups there, and members and agents here; what it finds is in the file and the log, and fails no run.

JSON proves itself, also to somebody who has nothing else: `python -m intacct_asana evidence verify FILE`. CSV is for reading.
docs/evidence.md says what is in a file, what it proves with the key and without, and what to do with it.

**To stop:** nothing runs by itself. **To re-run:** trigger it again; each run writes a file of its own.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param
from intacct_asana import dag_parts
from intacct_asana.deployment import good_flows
from intacct_asana.operators.evidence import ACCESS, FORMATS, PACK, EvidenceFormOperator, ReportFindingsOperator

TEXT, DAY = ["null", "string"], {"type": ["null", "string"], "format": "date"}

for flow in good_flows():
    with DAG(
        **dag_parts.dag_settings(flow, job="evidence", title="evidence for an auditor", manual=__doc__, cron=None),
        params={
            "bill": Param(None, type=TEXT, title="Bill", description="Its key, number or record number."),
            "since": Param(None, **DAY, title="From", description="Written on this day or later, in the flow's time zone."),
            "until": Param(None, **DAY, title="Until", description="Written on this day or earlier."),
            "person": Param(None, type=TEXT, title="Person", description="A user's gid or address in Asana."),
            "format": Param("json", type="string", enum=[*FORMATS, PACK, ACCESS], title="Format"),
            "sample": Param(
                25,
                type="integer",
                minimum=0,
                title="Sample",
                description="Bills that a pack draws from those whose bill date is in the period.",
            ),
            "seed": Param("1", type="string", title="Seed", description="What they are drawn by; best named by the auditor."),
            "compare_stamps": Param(
                True,
                type="boolean",
                title="Compare with the stamps",
                description="Read the anchors on the bills in Intacct, compare the evidence with them, keep them in the file.",
            ),
        },
    ):
        export = EvidenceFormOperator(task_id="export_evidence", flow=flow.flow, pool=flow.pools.intacct)
        export >> ReportFindingsOperator(task_id="report_findings", flow=flow.flow, exported="export_evidence")
