"""What DAG files are made of: schedules, forms, assets, and the six errors mapped to Airflow's retries in one place."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from airflow.sdk import Asset, CronDataIntervalTimetable, Param, RetryDecision, RetryPolicy

from intacct_asana.errors import Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply, UnsafePlan
from intacct_asana.flow.model import Flow
from intacct_asana.flow.words import spread
from intacct_asana.lineage import assets
from intacct_asana.operators.watching.callbacks import EndFailure, TellFailedRun, TellFailure

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


LONGEST_WAIT_SECONDS = 3600.0

ARRIVES_WITHIN = timedelta(minutes=2)
"""A write whose answer got lost is done by then and shows where it is looked for, or it never was done."""

NO_USE_RETRYING = (Misconfigured, Refused, UnsafePlan, UnexpectedReply)


class SixErrorsPolicy(RetryPolicy):
    """Wait as long as the other side asked; never repeat what a person has to mend.

    | error | what Airflow does |
    |---|---|
    | TryLater | retry, after the other side's own waiting time when it gave one |
    | OutcomeUnknown | retry after two minutes: the next try reads back first, and by then what was written shows |
    | Misconfigured, Refused, UnsafePlan, UnexpectedReply | fail at once: a person decides |
    | anything else | the task's own retries |
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        if isinstance(exception, NO_USE_RETRYING):
            return RetryDecision.fail(f"{type(exception).__name__}: a person has to look at it")
        if isinstance(exception, TryLater) and exception.wait_seconds:
            wait = min(exception.wait_seconds, LONGEST_WAIT_SECONDS)
            return RetryDecision.retry(delay=timedelta(seconds=wait), reason="the other side asked to wait")
        if isinstance(exception, OutcomeUnknown):
            return RetryDecision.retry(delay=ARRIVES_WITHIN, reason="OutcomeUnknown: what was written has to show first")
        if isinstance(exception, TryLater):
            return RetryDecision.retry(reason="TryLater: safe to try again")
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> SixErrorsPolicy:
        return cls()


NO_BACKFILL = ("scheduled", "manual", "operator_triggered", "asset_triggered", "asset_materialization")
"""Run types of a DAG whose runs have no interval of their own: Airflow refuses a backfill of it in UI, CLI and REST."""


def dag_settings(flow: Flow, *, job: str, title: str, manual: str, cron: str | None, backfills: bool = False) -> dict[str, Any]:
    """Keyword arguments for `DAG(...)`. `cron` None makes a DAG that people start."""
    zone, dag_id = ZoneInfo(flow.schedules.timezone), f"{flow.flow}_{job}"
    cron = spread(cron, by=dag_id) if cron and flow.schedules.spread else cron
    return {
        "dag_id": dag_id,
        "dag_display_name": f"{flow.flow}: {title}",
        "description": f"{title}. {flow.description}".strip(),
        "doc_md": manual,
        "schedule": CronDataIntervalTimetable(cron, timezone=flow.schedules.timezone) if cron else None,
        "start_date": datetime.combine(flow.schedules.start_date, time(), tzinfo=zone),
        "catchup": False,
        "max_active_runs": 1,
        "allowed_run_types": None if backfills else NO_BACKFILL,
        "tags": ["intacct", "asana", flow.flow, *flow.tags],
        "default_args": task_settings(flow),
        "on_failure_callback": [TellFailedRun(flow=flow.flow)],
        "render_template_as_native_obj": True,
    }


def task_settings(flow: Flow) -> dict[str, Any]:
    """Defaults of every task. Two runs of one step never overlap: `max_active_runs` does not hold back backfills."""
    return {
        "owner": flow.owner,
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=15),
        "retry_policy": SixErrorsPolicy(),
        "on_failure_callback": notifiers_of(flow),
        "on_success_callback": [EndFailure(flow=flow.flow)],
        "execution_timeout": timedelta(hours=2),
        "max_active_tis_per_dag": 1,
    }


def notifiers_of(flow: Flow) -> list[TellFailure]:
    """What a task calls that failed for good."""
    return [TellFailure(flow=flow.flow)]


def intacct_asset(flow: Flow, kind: str) -> Asset:
    """What the flow reads from Intacct (`apbill`, `vendor`), for downstream DAGs. Flows of one connection share it."""
    return assets.intacct_asset(connection=flow.connections.intacct, kind=kind)


def asana_asset(project_gid: str) -> Asset:
    """One Asana project."""
    return assets.asana_asset(project=project_gid)


def sync_params(**narrowing: Param) -> dict[str, Param]:
    """The trigger form of a sync: what it has in common, and `narrowing` params of its own."""
    return {
        "dry_run": dry_run_param(),
        "full": full_param(),
        "since": since_param(),
        **narrowing,
        "allow_unsafe_plan": unsafe_param(),
    }


def dry_run_param(description: str = "Make and show the plan, write nothing.") -> Param:
    return Param(False, type="boolean", title="Dry run", description=description)


def full_param() -> Param:
    return Param(
        False,
        type="boolean",
        title="Read everything",
        description="Compare every record and every task of the project instead of what changed since the last run.",
    )


def unsafe_param() -> Param:
    return Param(
        False,
        type="boolean",
        title="Allow a plan over the limits",
        description="After checking the numbers that an earlier run refused with UnsafePlan.",
    )


def since_param() -> Param:
    return Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="Changed since",
        description="Read what changed from here on. Such a run leaves the cursor alone.",
    )


def list_param(*, title: str, description: str) -> Param:
    kind = ["null", "array"]
    return Param(None, type=kind, items={"type": "string"}, title=title, description=f"{description} One per line.")
