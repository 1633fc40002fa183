"""Shows flow files with problems as an import error; has no DAG of its own.

The DAG files beside it leave bad flows out, so a bad file breaks only its own flow. This file then fails to import with file,
line and every problem, which Airflow shows at the top of the DAG list until the file is mended.
"""

from __future__ import annotations

from intacct_asana.deployment import bad_flows

# Airflow looks into files that name both words: airflow, DAG.
from intacct_asana.errors import Misconfigured

# One block for each file, under its name.
errors = bad_flows()
if errors:
    blocks = "\n\n".join(str(error) for error in errors)
    raise Misconfigured(f"Flow files that are not loaded: {len(errors)}.\n\n{blocks}")
