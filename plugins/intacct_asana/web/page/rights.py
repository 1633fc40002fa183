"""What Airflow knows and we ask it: who may see what, and how the DAGs' runs went."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity, DagDetails
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import func, select

from intacct_asana.web.page.frame import DagRuns

LOOKS_BACK = timedelta(days=30)
"""How far back runs are looked for: Airflow keeps all of them, and a DAG may have a hundred thousand."""


class AirflowRights:
    """One person's rights, through the public methods of whatever auth manager Airflow has; each is asked once a request."""

    def __init__(self, user: Any) -> None:
        self._user = user
        self._known: dict[tuple[str, str], bool] = {}

    @property
    def name(self) -> str:
        return str(self._user.get_name())

    def may_read(self, dag_id: str) -> bool:
        return self._may("GET", dag_id, None)

    def may_start(self, dag_id: str) -> bool:
        return self._may("POST", dag_id, DagAccessEntity.RUN)

    def may_see_import_errors(self) -> bool:
        return bool(get_auth_manager().is_authorized_view(access_view=AccessView.IMPORT_ERRORS, user=self._user))

    def _may(self, method: Any, dag_id: str, entity: DagAccessEntity | None) -> bool:
        if (method, dag_id) not in self._known:
            details = DagDetails(id=dag_id, team_name=DagModel.get_team_name(dag_id))
            manager = get_auth_manager()
            self._known[method, dag_id] = manager.is_authorized_dag(
                method=method, access_entity=entity, details=details, user=self._user
            )
        return self._known[method, dag_id]


def runs_of(dag_ids: Sequence[str], *, now: datetime) -> Mapping[str, DagRuns]:
    """How each DAG stands, in three queries; one that Airflow does not know is not in the answer."""
    with create_session() as session:
        known = session.scalars(select(DagModel).where(DagModel.dag_id.in_(dag_ids))).all()
        late = (DagRun.dag_id.in_(dag_ids), DagRun.run_after >= now - LOOKS_BACK)
        # A backfill reads the past again, so it says nothing of how fresh a flow is.
        newest_first = func.row_number().over(partition_by=(DagRun.dag_id, DagRun.state), order_by=DagRun.end_date.desc())
        ends = select(DagRun.dag_id, DagRun.state, DagRun.end_date, DagRun.run_id, newest_first.label("place"))
        ends = ends.where(*late, DagRun.state.in_(("success", "failed")), DagRun.run_type != "backfill")
        part = ends.subquery()
        ended = session.execute(select(part).where(part.c.place == 1)).all()
        running = session.execute(
            select(DagRun.dag_id, func.min(DagRun.start_date)).where(*late, DagRun.state == "running").group_by(DagRun.dag_id)
        )
        by_end = {(row.dag_id, str(row.state)): (row.end_date, row.run_id) for row in ended}
        since = dict(running.tuples().all())
        return {dag.dag_id: _stands(dag, by_end, since.get(dag.dag_id)) for dag in known}


def _stands(dag: Any, by_end: Mapping[tuple[str, str], tuple[datetime | None, str]], running_since: datetime | None) -> DagRuns:
    succeeded_at, succeeded_run = by_end.get((dag.dag_id, "success"), (None, ""))
    failed_at, failed_run = by_end.get((dag.dag_id, "failed"), (None, ""))
    return DagRuns(
        dag_id=dag.dag_id,
        is_paused=dag.is_paused,
        next_at=None if dag.is_paused else dag.next_dagrun_create_after,
        succeeded_at=succeeded_at,
        succeeded_run=succeeded_run,
        failed_at=failed_at,
        failed_run=failed_run,
        running_since=running_since,
    )
