"""Listens for what Airflow starts: a scheduler that runs tasks imports the steps ahead, a task looks whether they are current.

Airflow calls this in the scheduler, the triggerer, the DAG processor and each task process. It is no part of the others' work,
and so does nothing there.
"""

from __future__ import annotations

import logging
import multiprocessing
import sys

from airflow.listeners import hookimpl

from intacct_asana.workers.preload import drop_if_changed, preload

log = logging.getLogger(__name__)


@hookimpl
def on_starting(component: object) -> None:
    """Never raises: whoever listens must not keep Airflow from its work."""
    try:
        if type(component).__name__ == "TaskRunnerMarker":
            drop_if_changed()
        elif _forks_tasks():
            preload()
    except Exception:
        log.exception("Nothing was imported ahead")


def _forks_tasks() -> bool:
    """Whether this is a scheduler whose executor forks task processes from it.

    Airflow says "a job starts" before the job knows which, so the command tells: it is `airflow scheduler`, also within
    `airflow standalone`. LocalExecutor forks its workers from the scheduler soon after, unless `mp_start_method` is another.
    """
    if "scheduler" not in sys.argv[1:2] or multiprocessing.get_start_method() != "fork":
        return False
    from airflow.executors.executor_loader import ExecutorLoader

    names = ExecutorLoader.get_executor_names()
    return any(ExecutorLoader.import_executor_cls(name)[0].is_local for name in names)
