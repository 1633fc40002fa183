"""Shows flow files with problems as an import error; has no DAG of its own.

The DAG files beside it leave bad flows out, so a bad file breaks only its own flow. This file then fails to import with file,
line and every problem, which Airflow shows at the top of the DAG list until the file is mended.
"""

from __future__ import annotations

from intacct_asana.deployment import bad_flows

# Airflow looks into files that name both words: airflow, DAG.
from intacct_asana.errors import Misconfigured

problems = tuple(problem for error in bad_flows() for problem in error.problems)
if problems:
    raise Misconfigured(f"{len(problems)} problems in flow files; the flows they declare are not loaded.", problems=problems)
