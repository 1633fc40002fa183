"""Processes that begin as Airflow's own do, for tests of what is imported ahead: `python -m tests.airflow.preloading CASE ...`.

Each says what it found as one line of JSON, the last one.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airflow.executors.base_executor import BaseExecutor

STEP = "intacct_asana.operators.syncing"


class Elsewhere(BaseExecutor):
    """An executor whose tasks run in processes that are no forks of the scheduler."""

    is_local = False


def begin(command: str) -> None:
    """What `airflow COMMAND` does first: a job that is made tells the listeners of every plugin."""
    from airflow.jobs.job import Job

    sys.argv = ["airflow", command]
    Job()


def begin_task() -> None:
    """What a task process does before it reads its DAG file."""
    from airflow.sdk.execution_time.task_runner import TaskRunnerMarker
    from airflow.sdk.listener import get_listener_manager

    get_listener_manager().hook.on_starting(component=TaskRunnerMarker())


def forked(work: Any) -> Any:
    """What `work` returns in a process that is forked from this one; None where it ends badly."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            found = json.dumps(work())
            with os.fdopen(sending, "w") as out:
                out.write(found)
        finally:
            os._exit(0)
    os.close(sending)
    with os.fdopen(receiving) as told:
        said = told.read()
    os.waitpid(child, 0)
    return json.loads(said) if said else None


def lines_out() -> list[str]:
    """Sockets, pipes and databases that this process has open."""
    held = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            held.append(os.readlink(entry))
        except OSError:
            continue
    return sorted(one for one in held if one.startswith(("socket:", "pipe:")) or one.endswith((".db", ".db-wal")))


def scheduler(connections: str) -> dict[str, Any]:
    """A scheduler with LocalExecutor, and a task of a DAG in a process that is forked from it."""
    import intacct_asana.plugin

    threads, lines = threading.active_count(), lines_out()
    before = STEP in sys.modules
    begin("scheduler")
    from intacct_asana.store.database import open_database

    def task() -> dict[str, Any]:
        was_there = STEP in sys.modules
        begin_task()
        from airflow.dag_processing.dagbag import DagBag

        from tests.airflow.conftest import ROOT, ExecutionApi, run_in

        api = ExecutionApi()
        api.connections = json.loads(connections)
        parsed = sys.modules[STEP]
        bag = DagBag(dag_folder=str(ROOT / "dags" / "preflight.py"))
        api.start_run("demo_preflight")
        result = run_in(api, bag.dags["demo_preflight"].get_task("check_intacct"))
        same = sys.modules[STEP] is parsed
        return {"was_there": was_there, "state": str(result.state.value), "error": str(result.error or ""), "same": same}

    return {
        "before": before,
        "after": STEP in sys.modules,
        "threads": threading.active_count() - threads,
        "lines": [line for line in lines_out() if line not in lines],
        "stores": open_database.cache_info().currsize,
        "plugin": intacct_asana.plugin.IntacctAsanaPlugin.name,
        "task": forked(task),
    }


def others() -> dict[str, bool]:
    """Whether each of these imported a step, and last one that has to, in one process after the other's work."""
    from airflow import plugins_manager
    from airflow.configuration import conf

    found = {}
    for command in ("api-server", "dag-processor", "triggerer"):
        plugins_manager.get_fastapi_plugins()
        begin(command)
        found[command] = STEP in sys.modules
    own = conf.get("core", "executor")
    os.environ["AIRFLOW__CORE__EXECUTOR"] = f"{__name__ if __name__ != '__main__' else 'tests.airflow.preloading'}.Elsewhere"
    _forget_executors()
    begin("scheduler")
    found["scheduler with another executor"] = STEP in sys.modules
    os.environ["AIRFLOW__CORE__EXECUTOR"] = own
    _forget_executors()
    os.environ["AIRFLOW__INTACCT_ASANA__PRELOAD"] = "False"
    begin("scheduler")
    found["scheduler that was told not to"] = STEP in sys.modules
    os.environ["AIRFLOW__INTACCT_ASANA__PRELOAD"] = "perhaps"
    begin("scheduler")
    found["scheduler that was told nonsense"] = STEP in sys.modules
    del os.environ["AIRFLOW__INTACCT_ASANA__PRELOAD"]
    begin("scheduler")
    found["scheduler"] = STEP in sys.modules
    return found


def _forget_executors() -> None:
    from airflow.executors import executor_loader

    for name in ("_alias_to_executors_per_team", "_module_to_executors_per_team", "_classname_to_executors_per_team"):
        getattr(executor_loader, name).clear()
    executor_loader._executor_names.clear()


def broken() -> dict[str, Any]:
    """A scheduler, and a Celery worker, in whose package one module cannot be imported; and tasks when it is mended on disk."""
    # Python's own mark of a module that is not to be had.
    sys.modules["intacct_asana.operators.vendor_fields"] = None  # type: ignore[assignment]
    begin("scheduler")
    import intacct_asana.workers.celery  # noqa: F401

    return {"some": STEP in sys.modules, **_before_and_after()}


def celery() -> dict[str, bool]:
    """A Celery worker's first process, which imports what Celery's configuration names."""
    before = STEP in sys.modules
    import intacct_asana.workers.celery  # noqa: F401

    return {"before": before, "after": STEP in sys.modules}


def changed() -> dict[str, Any]:
    """Tasks before and after a file of the package was written anew while the process that forks them goes on."""
    begin("scheduler")
    return _before_and_after()


def swapped(link: str, other: str) -> dict[str, Any]:
    """The same where the plugins folder is a link, and is made to lead to another copy."""
    begin("scheduler")
    text = Path(other) / "intacct_asana" / "text.py"

    def swap() -> None:
        new = Path(f"{link}.new")
        new.symlink_to(other)
        new.replace(link)

    return _before_and_after(text=text, then=swap)


def _before_and_after(*, text: Path | None = None, then: Callable[[], None] = lambda: None) -> dict[str, Any]:
    import intacct_asana

    text = text or Path(str(intacct_asana.__file__)).with_name("text.py")

    def task() -> dict[str, Any]:
        was = sys.modules["intacct_asana.text"]
        begin_task()
        import intacct_asana.text
        from intacct_asana.operators.syncing import PlanBillsOperator

        # The class is asked for what its own modules say, so that old and new are told apart in it too.
        return {
            "new": hasattr(intacct_asana.text, "WRITTEN_LATER"),
            "kept": sys.modules["intacct_asana.text"] is was,
            "step": PlanBillsOperator.kind,
        }

    before = forked(task)
    text.write_text(text.read_text(encoding="utf-8") + "\nWRITTEN_LATER = True\n", encoding="utf-8")
    then()
    return {"before": before, "after": forked(task)}


if __name__ == "__main__":
    cases = {
        **{"scheduler": scheduler, "others": others, "broken": broken, "celery": celery},
        **{"changed": changed, "swapped": swapped},
    }
    print(json.dumps(cases[sys.argv[1]](*sys.argv[2:])))
