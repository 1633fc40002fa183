"""What Airflow calls when a task or a run of a flow fails for good, and when a task succeeds.

A failed task is told from its own process, which knows the error. One that was killed tells nothing, so Airflow's DAG processor
tells for it; it waits a little first, since the task may be about to. A retry is no incident: Airflow calls none of these then.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from intacct_asana.deployment import flow_named
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.runs.links import run_url
from intacct_asana.operators.runs.reporting import StepFailed
from intacct_asana.operators.watching.telling import alarm, seen_before, tell, told_in_words, waits
from intacct_asana.reports.incidents import Kind, Sighting, key_of
from intacct_asana.reports.run_report import RunReport

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

STEP = re.compile("([a-z][a-z0-9_]*): ")
"""How a run's report begins a line about a step."""

WAITS_SECONDS, LOOKS = 15.0, 6
"""How long the DAG processor waits for a task's own words, and how often it looks meanwhile."""


class OfFlow(BaseNotifier):
    """No field of these is a template: what a flow file says is never rendered."""

    template_fields = ()

    def __init__(self, *, flow: str) -> None:
        super().__init__()
        self.flow = flow

    def render_template_fields(self, context: Context, jinja_env: Any = None) -> None:
        """Nothing. Airflow's own asks the DAG for its environment first, which that of `airflow dags test` does not have."""

    def run_of(self, context: Context) -> FlowRun:
        """The failed step's own, or the flow as its file says now."""
        known = getattr(getattr(context.get("ti"), "task", None), "__dict__", {}).get("run_parts")
        return known if isinstance(known, FlowRun) else FlowRun(flow_named(self.flow))


class TellFailure(OfFlow):
    """For a task's `on_failure_callback`."""

    def notify(self, context: Context) -> None:
        if isinstance(context.get("exception"), StepFailed):
            return
        seen = failure_of(context)
        try:
            run = self.run_of(context)
        except IntacctAsanaError as error:
            self.log.error("Nobody could be told of this, because %s\n%s\n%s", error.message, seen.title, seen.words)
            return
        self.say(run, seen, context)

    def say(self, run: FlowRun, seen: Sighting, context: Context) -> None:
        alarm(run, seen)


class TellFailedRun(TellFailure):
    """For a DAG's `on_failure_callback`: silent where a task of the run told already."""

    def __init__(self, *, flow: str, waits_seconds: float = WAITS_SECONDS) -> None:
        super().__init__(flow=flow)
        self.waits_seconds = waits_seconds

    def say(self, run: FlowRun, seen: Sighting, context: Context) -> None:
        try:
            if seen_before(run, what=seen.what, run_id=seen.run_id):
                return
            seen = at_the_step_that_failed(seen, report_of_end(run, seen, context))
            # Noted before the wait: Airflow ends this process where a file keeps it too long, and then somebody else tells it.
            held = run.store.incidents().hold(seen, at=run.now())
            if self._task_tells(run, seen):
                if held:
                    drop(run, seen)
                return
            if held:
                run.store.incidents().release(seen, held=held)
                tell(run)
                return
        except IntacctAsanaError:
            # A store that is away remembers nothing; told twice is better than not at all.
            self.log.warning("Whether a task told of its failure cannot be seen.")
        alarm(run, seen)

    def _task_tells(self, run: FlowRun, seen: Sighting) -> bool:
        for look in range(LOOKS):
            if told_in_words(run, what=seen.what, run_id=seen.run_id):
                return True
            if look + 1 < LOOKS:
                time.sleep(self.waits_seconds / LOOKS)
        return False


def drop(run: FlowRun, seen: Sighting) -> None:
    """What was held and nobody heard of, where the task told between the look at what is known and the note."""
    incidents = run.store.incidents()
    mine = [one for one in incidents.open() if one.key == key_of(seen) and not one.told]
    incidents.end(mine, why="The task said itself why it failed.", at=run.now(), told=True)


def report_of_end(run: FlowRun, seen: Sighting, context: Context) -> RunReport | None:
    """What the run's last step found. One from before that step was repeated says nothing about this end of the run."""
    report, began = run.store.run_reports().of(seen.what, seen.run_id), getattr(context.get("ti"), "start_date", None)
    return None if report is not None and isinstance(began, datetime) and report.ended_at < began else report


def at_the_step_that_failed(seen: Sighting, report: RunReport | None) -> Sighting:
    """Airflow names the task that failed last, which is the report of the run: what happened, happened at a step before it."""
    if report is None or not report.failures:
        return seen
    found, words = STEP.match(report.failures[0]), "\n".join(report.failures)
    if found is None or found[1] == seen.step:
        return replace(seen, words=words)
    step, log_url = found[1], f"{run_url(seen.what, seen.run_id)}/tasks/{found[1]}"
    links = (f"Log: {log_url}", *(one for one in seen.links if not one.startswith("Log: ")))
    return replace(seen, step=step, cause=cause_of(step), title=title_of(seen.what, step), words=words, links=links)


class EndFailure(OfFlow):
    """For a task's `on_success_callback`: what failed at this step is over. One look at the store where nothing did."""

    def notify(self, context: Context) -> None:
        params: Any = context.get("params") or {}
        if params.get("dry_run") or getattr(context.get("dag_run"), "run_type", "") == "backfill":
            # It did another work than the run that failed.
            return
        try:
            run, ti = self.run_of(context), context["ti"]
            end_failures(run, dag_id=ti.dag_id, step=ti.task_id, run_id=str(context.get("run_id", "")))
        except IntacctAsanaError as error:
            self.log.warning("Whether an alert is over cannot be seen: %s", error.message)


def end_failures(run: FlowRun, *, dag_id: str, step: str, run_id: str) -> None:
    incidents = run.store.incidents()
    if not incidents.at_hand(dag_id, at=run.now()):
        return
    over = [
        one
        for one in incidents.open()
        if one.seen.kind is Kind.FAILURE and one.seen.what == dag_id and one.seen.step in ("", step) and not waits(run, one)
    ]
    incidents.end(over, why=f"{step} succeeded in run {run_id}.", at=run.now())
    tell(run)


def failure_of(context: Context) -> Sighting:
    """What failed, as far as Airflow tells. Of an error that is none of ours the name is told alone: it may hold anything."""
    ti, error = context.get("ti"), context.get("exception")
    dag_id = context["dag"].dag_id if "dag" in context else ti.dag_id if ti else ""
    run_id = str(context.get("run_id") or getattr(context.get("dag_run"), "run_id", "") or "")
    step = str(getattr(ti, "task_id", "") or "")
    name = type(error).__name__ if error is not None else ""
    code = getattr(error, "code", None) or ""
    words = f"{name}: {error.message}" if isinstance(error, IntacctAsanaError) else name and f"{name} (the log says more)"
    log_url = str(getattr(ti, "log_url", "") or "")
    return Sighting(
        kind=Kind.FAILURE,
        what=dag_id,
        cause=cause_of(step, name, code),
        title=title_of(dag_id, step),
        words=words or f"Run {run_id} failed, and no task said why.",
        error=name,
        step=step,
        run_id=run_id,
        links=(*([f"Log: {log_url}"] if log_url else []), *([f"Run: {run_url(dag_id, run_id)}"] if run_id else [])),
    )


def title_of(dag_id: str, step: str) -> str:
    return f"{dag_id} failed at {step}" if step else f"{dag_id} failed"


def cause_of(step: str, name: str = "", code: str = "") -> str:
    return f"{step} {name} {code}".strip() if name else f"{step} without a word".strip()
