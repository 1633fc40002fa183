"""The flows' DAGs in a DAG folder of one's own, where the package is installed and its DAG files are not copied.

Airflow reads files that name both `airflow` and `dag`, so the comment counts. One file makes the DAGs:

    from intacct_asana.dags import flow_dags; flow_dags()  # for Airflow

Another shows flow files with mistakes as an import error, and no DAG is lost by it:

    from intacct_asana.dags import flow_dags; flow_dags("mapping_check")  # for Airflow
"""

from __future__ import annotations

import runpy

from intacct_asana.deployment import dag_files
from intacct_asana.errors import Misconfigured
from intacct_asana.flow.words import did_you_mean

ERRORS = "mapping_check"
"""The job that has no DAG: it fails to import while a flow file has mistakes, so it needs a file of its own."""


def flow_dags(*jobs: str) -> None:
    """Make the DAGs of every flow in the file that calls this; only those of the named jobs, such as `bill_sync`, if any.

    The DAG files are run anew by each call, so a process that reads them twice sees what changed. Raises Misconfigured for a
    job that there is none of.
    """
    files = dag_files()
    if unknown := next((job for job in jobs if job not in files), None):
        raise Misconfigured(f"There is no job {unknown!r} in flow_dags(...): {did_you_mean(unknown, files)}.")
    for job in jobs or files.keys() - {ERRORS}:
        # A DAG belongs to the file that Airflow reads just now, because its `with` block ends while that is read.
        runpy.run_path(str(files[job]))
