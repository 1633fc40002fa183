"""The last step of a run: what all steps came to, in words and in numbers, also when one of them failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import TriggerRule
from airflow.sdk.exceptions import AirflowFailException

from intacct_asana import __version__
from intacct_asana.errors import IntacctAsanaError, UnexpectedReply
from intacct_asana.notifications.run_notes import NOTE
from intacct_asana.operators.flow_run import FlowOperator, FlowRun
from intacct_asana.operators.runs.ends import FAILURE, job_of
from intacct_asana.operators.timestamps import stamp_newest
from intacct_asana.records.anchors import anchor_text
from intacct_asana.reports.meter import MeterState, meter_state, month_before
from intacct_asana.reports.metrics import counters_of, seconds_of
from intacct_asana.reports.run_report import RunReport
from intacct_asana.reports.summary import StepEnd, report_of

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context


class StepFailed(AirflowFailException):
    """The run failed at an earlier step, which has told whoever is to be told."""


class ReportRunOperator(FlowOperator):
    """Says in the log what the run did, keeps that as the run's report, and gives it to whoever makes it the run's note.

    It comes last and runs whatever became of `steps`; where one of them failed it says which and why, and fails as well, so
    that the run does not pass for a good one. Returns what the steps returned. With `vouches` the anchor of the newest
    evidence stands beside it: what Airflow keeps of a run is out of reach for whoever owns the store's database, and so the
    anchor shows there when the end of the evidence, or all of it, is taken away.
    """

    def __init__(self, *, steps: Sequence[str], vouches: bool = False, **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", TriggerRule.ALL_DONE)
        # The step that failed has told whoever is to be told.
        kwargs.setdefault("on_failure_callback", None)
        super().__init__(**kwargs)
        self.steps = tuple(steps)
        self.vouches = vouches

    def work(self, context: Context) -> Any:
        ends = _ends(context, self.steps)
        wrong = self.wrong(ends)
        report = self._report(context, ends, wrong)
        self.log.info("%s", report.words)
        if ti := context.get("ti"):
            ti.xcom_push(key=NOTE, value=report.words)
        # First, because a run that fails at this is no good one in anybody's eyes.
        vouched = self._vouched() if self.vouches and not report.failures else {}
        self._keep(report)
        _measure(report)
        returned = {end.name: dict(end.result) or None for end in ends} | vouched
        if wrong:
            raise UnexpectedReply(wrong)
        if report.failures:
            raise StepFailed("\n".join(["A step of this run failed.", *report.failures]))
        return returned

    def wrong(self, ends: Sequence[StepEnd]) -> str:
        """Why the run is no good one although each step did its work; empty where it is."""
        return ""

    def _report(self, context: Context, ends: Sequence[StepEnd], wrong: str) -> RunReport:
        run, dag_run = self.run_parts, context["dag_run"]
        now, began = run.now(), getattr(dag_run, "start_date", None)
        report = report_of(
            ends,
            flow=self.flow,
            job=job_of(context, flow=self.flow),
            dag_id=getattr(dag_run, "dag_id", ""),
            run_id=str(context["run_id"]),
            run_type=str(getattr(dag_run.run_type, "value", dag_run.run_type)),
            started_at=began if isinstance(began, datetime) else now,
            ended_at=now,
            is_rehearsal=run.flow.rehearsal,
            wrong=wrong,
            meter_words=meter_words(run),
            package=__version__,
            flow_file=run.flow.file_digest,
        )
        return replace(report, package=__version__, flow_file=run.flow.file_digest)

    def _keep(self, report: RunReport) -> None:
        """A report that cannot be kept was said, and is no reason to fail a run whose work is done."""
        try:
            self.run_parts.store.run_reports().save(report)
        except IntacctAsanaError as error:
            self.log.warning("The report of this run is not kept: %s", error.message)

    def _vouched(self) -> dict[str, Any]:
        newest = self.run_parts.store.newest_anchor()
        stamped = stamp_newest(self.run_parts)
        by = {"package": __version__, "flow_file": self.run_parts.flow.file_digest}
        return {"evidence": anchor_text(newest) if newest else "", **by, **({"timestamp": stamped} if stamped else {})}


def meter_of(run: FlowRun) -> MeterState | None:
    """The company's calls of the month against what the flow declares; None where it declares nothing."""
    rule = run.flow.meter
    if rule is None:
        return None
    calls, now = run.store.calls(), run.now()
    rows = calls.of_company(run.company_id, since=month_before(now))
    return meter_state(rows, company=run.company_id, at=now, monthly_calls=rule.monthly_calls, warn_at=rule.warn_at)


def meter_words(run: FlowRun) -> str:
    """A warning, where there is something to warn of. That nobody can tell is no reason to fail."""
    try:
        state = meter_of(run)
    except IntacctAsanaError as error:
        return f"The meter cannot be read: {error.message}"
    return state.warning if state and state.warns else ""


def _measure(report: RunReport) -> None:
    """To wherever the deployment sends Airflow's own metrics; nowhere by default."""
    from airflow.sdk.observability import stats

    for name, count in counters_of(report):
        if count:
            stats.incr(name, count)
    stats.gauge(*seconds_of(report))


def _ends(context: Context, names: Sequence[str]) -> list[StepEnd]:
    """How each step ended, in their order. What a try that was repeated had returned or called is gone by now."""
    ti = context.get("ti")
    if ti is None:
        return [StepEnd(name=name) for name in names]
    run_id = str(context["run_id"])
    states = ti.get_task_states(dag_id=context["dag_run"].dag_id, task_ids=list(names), run_ids=[run_id]).get(run_id, {})
    ends = []
    for name in names:
        state = str(getattr(states.get(name), "value", states.get(name)) or "")
        failed = state == "failed"
        result = None if failed else ti.xcom_pull(task_ids=name)
        why = ti.xcom_pull(task_ids=name, key=FAILURE) if failed else None
        told = why if isinstance(why, Mapping) else {}
        ends.append(
            StepEnd(
                name=name,
                state=state,
                result=result if isinstance(result, Mapping) else {},
                failure=str(told.get("words", "")),
                calls=told.get("calls", {}),
            )
        )
    return ends
