"""Task processes: each with a hook of its own on its own connection, and Variables in a folder that all of them share.

`python -m tests.intacct.task_process` reads a line such as `{"variables": FOLDER, "jobs": [{"connection": {},
"temporary": FOLDER, "probes": 8}]}`, forks one process for each job, as Airflow's workers do, and prints one JSON line with
a list: what each called, what went wrong, its session. Then it waits for the next line.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import airflow.sdk
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.intacct.hook import IntacctHook


def keep_variables_in(folder: Path) -> None:
    """Stands for Airflow's Variables, which need a running task: one file a name, replaced as a whole."""

    class Variable:
        @classmethod
        def get(cls, key: str, default: Any = None, deserialize_json: bool = False) -> Any:
            path = folder / key
            return path.read_text() if path.exists() else default

        @classmethod
        def set(cls, key: str, value: Any, description: str | None = None, serialize_json: bool = False) -> None:
            new = folder / f"{key}.{os.getpid()}"
            new.write_text(value)
            new.replace(folder / key)

    airflow.sdk.Variable = Variable


def work(job: dict[str, Any]) -> dict[str, Any]:
    os.environ["AIRFLOW_CONN_INTACCT_DEFAULT"] = json.dumps(job["connection"])
    tempfile.tempdir = job["temporary"]
    hook = IntacctHook(first_wait_seconds=0.05)
    errors = []
    for _ in range(job["probes"]):
        try:
            hook.probe("VENDOR")
        except IntacctAsanaError as error:
            errors.append(f"{type(error).__name__}: {error}")
    session = hook.gateway.sessions.current
    return {"calls": dict(hook.calls), "errors": errors, "session": session.session_id if session else ""}


def forked(job: dict[str, Any]) -> tuple[int, int]:
    """The child's pid and where its report can be read."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, json.dumps(work(job)).encode())
        os._exit(0)
    os.close(writing)
    return child, reading


def main() -> None:
    for line in sys.stdin:
        told = json.loads(line)
        keep_variables_in(Path(told["variables"]))
        children = [forked(job) for job in told["jobs"]]
        reports = []
        for child, reading in children:
            with os.fdopen(reading) as report:
                reports.append(json.loads(report.read() or '{"errors": ["died"]}'))
            os.waitpid(child, 0)
        print(json.dumps(reports), flush=True)


if __name__ == "__main__":
    main()
