"""Makes a run's own words its note when it ends.

No step may write a note of its run: the API that tasks use has none. So this listens in the scheduler, where a run's end is
known, and takes the words that the run's last step left as an XCom. It asks nothing but Airflow's own database.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow.listeners import hookimpl
from sqlalchemy.orm import object_session

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun

NOTE = "intacct_asana_note"
"""XCom key of the words."""

log = logging.getLogger(__name__)


@hookimpl
def on_dag_run_success(dag_run: DagRun, msg: str) -> None:
    _note(dag_run)


@hookimpl
def on_dag_run_failed(dag_run: DagRun, msg: str) -> None:
    _note(dag_run)


def _note(dag_run: DagRun) -> None:
    """Never raises: whoever listens must not keep the scheduler from its work."""
    try:
        # A run of `airflow dags test` belongs to no session, so that there is nothing to write on.
        if object_session(dag_run) is None:
            return
        # Only DAGs of ours are asked about.
        if any(tag.name == "intacct" for tag in getattr(dag_run.dag_model, "tags", ())) and (words := _words_of(dag_run)):
            from intacct_asana.reports.note import note_of

            before = dag_run.note or ""
            if (after := note_of(words, before=before)) != before:
                dag_run.note = after
    except Exception:
        log.exception("%s gets no note", dag_run)


def _words_of(dag_run: DagRun) -> str:
    from airflow.models.xcom import XComModel
    from sqlalchemy import select

    session = object_session(dag_run)
    if session is None:
        return ""
    own = (XComModel.dag_id == dag_run.dag_id, XComModel.run_id == dag_run.run_id, XComModel.key == NOTE)
    # What the scheduler is about to keep is its own to keep.
    with session.no_autoflush:
        found = session.scalar(select(XComModel.value).where(*own).limit(1))
    return found if isinstance(found, str) else ""
