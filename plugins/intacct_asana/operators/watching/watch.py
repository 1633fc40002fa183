"""The look over all flows of a deployment: what began, what is over, and what is still to be told.

It reads the store and nothing else; Asana is called only where something is told there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from intacct_asana.deployment import bad_flows, every_flow
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.exceptions import Held, causes_of
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.runs.reporting import meter_of
from intacct_asana.operators.watching.telling import tell, waits
from intacct_asana.records import DecisionState
from intacct_asana.records.matters import PARKED, REFUSED, REJECTED, Cause
from intacct_asana.reports.incidents import Incident, Kind, Sighting, gone, late
from intacct_asana.reports.run_report import RunReport, RunState
from intacct_asana.store import kept_open

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

LONGEST_LOOK_BACK = timedelta(days=90)
"""A refusal that nobody heeded for so long is told no more."""
MOST_RUNS = 50
DECIDED = {PARKED: Kind.PARKED, REFUSED: Kind.REFUSAL, REJECTED: Kind.REFUSAL}


class WatchFlowsOperator(BaseOperator):
    """Looks at every flow, one after the other. What is wrong with one stops no other; it fails at the end, with all of it."""

    ui_color = "#e8f1ea"

    def execute(self, context: Context) -> dict[str, Any]:
        found, wrong, known = dict[str, dict[str, int]](), list[IntacctAsanaError](), list[FlowRun]()
        with kept_open():
            for flow in every_flow():
                run = FlowRun(flow)
                try:
                    found[flow.flow] = Watch(run).look()
                    known.append(run)
                except IntacctAsanaError as error:
                    self.log.error("Flow %s could not be looked at: %s", flow.flow, error.message)
                    wrong.append(error)
            # A file with a mistake is a flow still, and nobody can tell which.
            if not bad_flows() and not wrong:
                self._forget_the_gone(known)
        for name, counts in found.items():
            self.log.info("%s: %s", name, ", ".join(f"{count} {what}" for what, count in counts.items()))
        if wrong:
            raise wrong[0]
        return found

    def _forget_the_gone(self, known: list[FlowRun]) -> None:
        """Incidents of flows that have no file any more are over, and nobody is named who could be told."""
        names = {run.flow.flow for run in known}
        for run in known:
            incidents = run.store.incidents()
            for flow in sorted(incidents.flows() - names):
                theirs = incidents.of_flow(flow)
                open_ones = theirs.open()
                why = f"Flow {flow} has no file any more."
                theirs.end(open_ones, why=why, at=run.now(), told=True)
                ids = ", ".join(one.incident_id for one in open_ones)
                self.log.info("%s Its incidents are over: %s. Tasks that were made for them stay as they are.", why, ids)


class Watch:
    """One look at one flow."""

    def __init__(self, run: FlowRun) -> None:
        self.run, self.now = run, run.now()
        self.alerts, self.store, self.incidents = run.flow.alerts, run.store, run.store.incidents()

    def look(self) -> dict[str, int]:
        """How many began, are over, and need no more telling."""
        seen = [*self._late(), *self._of_the_store(), *self._meter()]
        open_before = self.incidents.open()
        known = {one.key for one in open_before}
        noted = [self.incidents.note(one, at=self.now) for one in seen]
        over = gone(open_before, seen, kinds=set(Kind) - {Kind.FAILURE})
        self.incidents.end(over, why="", at=self.now)
        succeeded = list(self._succeeded(open_before))
        for one, report in succeeded:
            self.incidents.end([one], why=f"Run {report.run_id} succeeded.", at=self.now)
        began = sum(one.key not in known for one in noted)
        return {"begun": began, "over": len(over) + len(succeeded), "told": tell(self.run)}

    def _late(self) -> Iterator[Sighting]:
        for job, longest in self.alerts.not_succeeded_for.items():
            report = self._last_success(job)
            since = report.ended_at if report else self.incidents.first_look(job, at=self.now)
            dag_id = f"{self.run.flow.flow}_{job}"
            seen = late(dag_id, job=job, since=since, at=self.now, longest=longest, succeeded=report is not None)
            if seen:
                yield seen

    def _last_success(self, job: str) -> RunReport | None:
        """Of a run that did its work; a rehearsal's work is to say what it would do."""
        reports = self.store.run_reports()
        newest = reports.newest(job, state=RunState.SUCCESS)
        # The newest runs may all have failed, and the newest success may be of no account.
        known = [*reports.since(self.now - LONGEST_LOOK_BACK, job=job, most=MOST_RUNS), *([newest] if newest else [])]
        return next((one for one in known if self._counts(one)), None)

    def _counts(self, report: RunReport) -> bool:
        did_its_work = self.run.flow.rehearsal or not report.is_dry
        return report.state is RunState.SUCCESS and report.run_type != "backfill" and did_its_work

    def _of_the_store(self) -> Iterator[Sighting]:
        """What decisions and the last audit left, of the kinds that somebody is named for."""
        wanted = {
            kind
            for kind, named in (
                (Kind.REFUSAL, self.alerts.on_refusal),
                (Kind.PARKED, self.alerts.on_parked),
                (Kind.DRIFT, self.alerts.on_drift),
            )
            if named
        }
        if not wanted:
            return
        for cause in causes_of(self._held(wanted), at=self.now):
            kind = DECIDED.get(cause.kind, Kind.DRIFT)
            if kind in wanted:
                yield _sighting(kind, cause)

    def _held(self, wanted: set[Kind]) -> Held:
        """Refusals from before the first look are history."""
        decisions = self.store.decisions()
        keys = {one.key for one in decisions.unsettled() if one.state is DecisionState.PARKED}
        if Kind.REFUSAL in wanted:
            begin = max(self.incidents.first_look("refusals", at=self.now), self.now - LONGEST_LOOK_BACK)
            keys |= {one.key for one in decisions.refused_since(begin)}
        by_key: dict[str, list[Any]] = {}
        for one in decisions.about(keys):
            by_key.setdefault(one.key, []).append(one)
        links = self.store.links("bill")
        drifted = self.store.findings().open() if Kind.DRIFT in wanted else ()
        return Held(decisions=by_key, links=links.of(keys), showing=links.showing(by_key), drifted=drifted)

    def _meter(self) -> Iterator[Sighting]:
        state = meter_of(self.run) if self.alerts.on_meter else None
        if state and state.warns:
            title = f"Calls to Intacct come near the {state.monthly_calls:,} of a month"
            yield Sighting(kind=Kind.METER, what=state.company, cause=f"{self.now:%Y-%m}", title=title, words=state.warning)

    def _succeeded(self, open_ones: list[Incident]) -> Iterator[tuple[Incident, RunReport]]:
        """Failures whose DAG succeeded since: a killed task's own success may never have come by."""
        begins = f"{self.run.flow.flow}_"
        for one in open_ones:
            if one.seen.kind is Kind.FAILURE and one.seen.what.startswith(begins):
                report = self._last_success(one.seen.what.removeprefix(begins))
                if (
                    report
                    and report.started_at > one.opened_at
                    and report.run_id != one.seen.run_id
                    and not waits(self.run, one)
                ):
                    yield one, report


def _sighting(kind: Kind, cause: Cause) -> Sighting:
    link = (f"Task: {cause.task_url}",) if cause.task_url else ()
    return Sighting(kind=kind, what=cause.subject, cause=cause.cause, title=cause.title, words=cause.words, links=link)
