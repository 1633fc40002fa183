"""A run gets its note in the scheduler, from what its last step left; nothing else gets one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from intacct_asana.notifications import run_notes
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

pytestmark = pytest.mark.airflow
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def session() -> Iterator[Session]:
    """Airflow's tables, in memory."""
    from airflow.models.dag import DagModel, DagTag
    from airflow.models.dagrun import DagRun, DagRunNote
    from airflow.models.tasklog import LogTemplate
    from airflow.models.xcom import XComModel

    engine = create_engine("sqlite://")
    tables = [one.__table__ for one in (LogTemplate, DagModel, DagTag, DagRun, DagRunNote, XComModel)]
    for table in tables:
        table.create(engine)
    with Session(engine) as session:
        yield session


def a_run(session: Session, *, tag: str = "intacct", said: Any = "done\n\n- 2 made", key: str = run_notes.NOTE) -> Any:
    from airflow.models.dag import DagModel, DagTag
    from airflow.models.dagrun import DagRun
    from airflow.models.xcom import XComModel

    dag = DagModel(dag_id="demo_bill_sync", bundle_name="b", is_paused=False)
    dag.tags = [DagTag(name=tag, dag_id=dag.dag_id)]
    run = DagRun(dag_id=dag.dag_id, run_id="r1", run_type="manual", run_after=NOON)
    session.add_all([dag, run])
    session.flush()
    row = {"dag_run_id": run.id, "task_id": "report_run", "dag_id": dag.dag_id, "run_id": "r1", "map_index": -1}
    session.add(XComModel(**row, key=key, value=said))
    session.commit()
    return run


def note_of(session: Session, run: Any) -> str | None:
    session.commit()
    session.refresh(run)
    return run.note  # type: ignore[no-any-return]


def test_the_last_steps_words_become_the_note(session: Session) -> None:
    run = a_run(session)
    run_notes.on_dag_run_success(dag_run=run, msg="success")
    assert (note_of(session, run) or "").startswith("done\n\n- 2 made")
    run.note = f"{run.note}\n\nlook at 4711"
    run_notes.on_dag_run_failed(dag_run=run, msg="task_failure")
    assert (note_of(session, run) or "").endswith("look at 4711")


@pytest.mark.parametrize(
    "other", [{"tag": "theirs"}, {"key": "note"}, {"said": {"no": "text"}}, {"said": ""}], ids=["dag", "key", "kind", "empty"]
)
def test_nothing_else_gets_a_note(session: Session, other: dict[str, Any]) -> None:
    run = a_run(session, **other)
    run_notes.on_dag_run_success(dag_run=run, msg="success")
    assert note_of(session, run) is None


def test_whatever_goes_wrong_does_not_reach_the_scheduler() -> None:
    run_notes.on_dag_run_success(dag_run=object(), msg="success")  # type: ignore[arg-type]


def test_a_run_of_airflow_dags_test_gets_none_and_no_traceback(session: Session, caplog: pytest.LogCaptureFixture) -> None:
    """Airflow hands over a run that belongs to no session any more, of which nothing more can be read."""
    run = a_run(session)
    session.refresh(run)
    session.expunge(run)
    run_notes.on_dag_run_success(dag_run=run, msg="success")
    assert not caplog.records
