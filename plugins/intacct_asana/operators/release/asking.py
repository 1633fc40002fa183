"""The steps of `<flow>_release_plan`, and the one that starts it: people are asked, and what they approve is carried out.

The answer is taken where Airflow hands it over, by the step that asked, and kept in the store with its evidence: a step that
somebody marks as done, a changed XCom or a parameter lets nothing through.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk.exceptions import AirflowSkipException

from intacct_asana.deployment import flow_named
from intacct_asana.errors import Misconfigured, Refused
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.syncing import ApplyPlanOperator
from intacct_asana.store import kept_open
from intacct_asana.sync import stored_plan
from intacct_asana.sync.release import Release, ReleaseState, body, is_carried_out, subject, words_of_end

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

SAYS = "says"
"""In what a step returns: a sentence for the run's report."""

LOOK_AGAIN = timedelta(minutes=10)
"""How often a question without an answer is looked at: one that is out of date ends by itself."""


class AskForReleaseOperator(TriggerDagRunOperator):
    """Starts the release DAG for the plan that this very run refused; skipped where that is asked about, or was, already."""

    template_fields: Sequence[str] = ()

    def __init__(self, *, flow: str, **kwargs: Any) -> None:
        super().__init__(trigger_dag_id=f"{flow}_release_plan", logical_date=None, skip_when_already_exists=True, **kwargs)
        self.flow = flow

    def execute(self, context: Context) -> None:
        run = _run_of(self)
        here = (context["dag"].dag_id, str(context["run_id"]))
        with kept_open():
            refused = [one for one in run.store.releases().newest(20) if (one.dag_id, one.refused_in) == here]
        release = next((one for one in refused if one.state is ReleaseState.NEW), None)
        if release is None:
            raise AirflowSkipException("No plan of this run waits for somebody to be asked.")
        self.trigger_run_id = release.next_run_id
        self.conf = {"plan": release.digest}
        super().execute(context)


class AskPeopleOperator(ApprovalOperator):
    """Asks the flow's people about one plan, in Airflow's required actions, until somebody answers or the time is up.

    Which plan is what the parameter `plan` says; left out, the one that was refused last. Only an answer of somebody whom the
    flow file names now counts. On a rejection, and without an answer in time, the steps behind this one are skipped.
    """

    template_fields: Sequence[str] = ()
    ui_color = "#e8f1ea"

    def __init__(self, *, flow: str, people: Sequence[str], **kwargs: Any) -> None:
        super().__init__(
            subject="A plan over a limit",
            defaults=self.REJECT,
            assigned_users=[{"id": name, "name": name} for name in people],
            response_timeout=LOOK_AGAIN,
            **kwargs,
        )
        self.flow = flow

    def execute(self, context: Context) -> Any:
        run = _run_of(self)
        with kept_open():
            release = self._to_ask(run, context)
            self._put(run, release)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        run, run_id = _run_of(self), str(context["run_id"])
        with kept_open():
            release = run.store.releases().of_run(run_id)
            if release is None or release.state is not ReleaseState.WAITING:
                why = words_of_end(release) if release else "This run asks about no plan."
                context["ti"].xcom_push(key="return_value", value={SAYS: why})
                raise AirflowSkipException(why)
            after = self._answered(run, release, event)
            if after is not None:
                self._keep(run, release, after)
            else:
                self._put(run, release)
        if after is None:
            return super().execute(context)
        self.log.info("%s", words_of_end(after))
        told = {"plan": after.digest, "state": str(after.state), "by": after.answered_name, SAYS: words_of_end(after)}
        # Now, because a rejection ends this step by skipping the next one. What somebody typed beside the answer goes nowhere.
        context["ti"].xcom_push(key="return_value", value=told)
        super().execute_complete(context, event)
        return told

    def _to_ask(self, run: FlowRun, context: Context) -> Release:
        """The plan, noted as waiting in this run. Skips this run where there is nothing to ask."""
        releases, wanted = run.store.releases(), str(context["params"].get("plan") or "")
        release = releases.of(wanted) if wanted else next(iter(releases.newest()), None)
        if release is None:
            raise Misconfigured(f"Flow {self.flow} has no refused plan {wanted}".rstrip() + ": there is nothing to ask about.")
        run_id = str(context["run_id"])
        if release.state in (ReleaseState.REPLACED, ReleaseState.APPLIED):
            raise AirflowSkipException(words_of_end(release))
        if release.state is ReleaseState.WAITING and release.run_id != run_id and not _is_over(run, release):
            raise AirflowSkipException(f"Plan {release.shown} waits for an answer in run {release.run_id} already.")
        if is_carried_out(release, run.now()):
            raise AirflowSkipException(f"Plan {release.shown} that {release.answered_name} approved is being carried out.")
        asked = release.asked + (release.run_id != run_id)
        answer: dict[str, Any] = {"answered_at": None, "answered_by": "", "answered_name": ""}
        waiting = replace(release, state=ReleaseState.WAITING, run_id=run_id, asked=asked, asked_at=run.now(), **answer)
        releases.move(release, waiting)
        return waiting

    def _put(self, run: FlowRun, release: Release) -> None:
        """What people read. Vendors' names are in it, so no template engine ever sees it."""
        stored = run.store.plan(release.plan_id)
        if stored is None:
            raise Misconfigured(f"Plan {release.plan_id} is not in the store any more; the next sync plans anew.")
        pins = run.store.pins(release.kind)
        self.subject = subject(release, flow=self.flow)
        self.body = body(
            release,
            stored_plan(stored.body, stored.more),
            until=_until(run, release),
            names={pin.gid: name for name, pin in pins.fields.items()} if pins else {},
        )
        self.response_timeout = max(timedelta(seconds=1), min(LOOK_AGAIN, _until(run, release) - run.now()))

    def _answered(self, run: FlowRun, release: Release, event: Mapping[str, Any]) -> Release | None:
        """The release as the answer leaves it; None where nobody who may answer has done so, and there is time."""
        who = event.get("responded_by_user") or {}
        by = {name: str(who.get(part, "")) for name, part in (("answered_by", "id"), ("answered_name", "name"))}
        people = run.flow.release.people if run.flow.release else ()
        if "error" not in event and by["answered_by"] in people:
            is_yes = event.get("chosen_options") == [self.APPROVE]
            return self._ended(run, release, ReleaseState.APPROVED if is_yes else ReleaseState.REJECTED, **by)
        if who:
            self.log.warning("%s answered and is none of the flow's people, so it is asked again", by["answered_name"])
        return self._ended(run, release, ReleaseState.EXPIRED) if _is_over(run, release) else None

    @staticmethod
    def _ended(run: FlowRun, release: Release, state: ReleaseState, **by: str) -> Release:
        return replace(release, state=state, answered_at=run.now(), **by)  # type: ignore[arg-type]

    @staticmethod
    def _keep(run: FlowRun, before: Release, after: Release) -> None:
        with run.store.together():
            run.store.note(after.key, facts=after.facts(str(after.state)), at=run.now())
            run.store.releases().move(before, after)


class ApplyReleaseOperator(ApplyPlanOperator):
    """Carries out the plan that was approved in this run, as `apply_plan` would have.

    An action whose task another run wrote since is left to the next bill sync, and the cursors move only where they stand as
    they did when the plan was made.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(plan_id="", **kwargs)

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        release = run.store.releases().of_run(str(context["run_id"]))
        if release is None or release.state not in (ReleaseState.APPROVED, ReleaseState.APPLIED):
            state = f"plan {release.shown} is {release.state}" if release else "it asks about no plan"
            raise Refused(f"Nobody approved anything in this run: {state}. Nothing was written.")
        stored = run.store.plan(release.plan_id)
        if stored is None:
            raise Misconfigured(f"Plan {release.plan_id} is not in the store any more; the next sync plans anew.")
        self.log.info("Plan %s, approved by %s", release.shown, release.answered_name)
        if run.flow.rehearsal:
            return self.rehearsed(stored)
        result = self.carry_out(run, stored)
        if release.state is ReleaseState.APPROVED:
            applied = replace(release, state=ReleaseState.APPLIED)
            with run.store.together():
                facts = {**applied.facts(str(applied.state)), "done": result.get("done")}
                run.store.note(release.key, facts=facts, at=run.now())
                run.store.releases().move(release, applied)
        return {"plan": release.digest, "by": release.answered_name, **result}


def _run_of(operator: Any) -> FlowRun:
    """A step of Airflow's own kind has its flow in the same place as ours."""
    run: FlowRun = operator.__dict__.get("run_parts") or FlowRun(flow_named(operator.flow))
    return run


def _until(run: FlowRun, release: Release) -> datetime:
    hours = run.flow.release.wait_hours if run.flow.release else 0
    return (release.asked_at or run.now()) + timedelta(hours=hours)


def _is_over(run: FlowRun, release: Release) -> bool:
    return run.now() >= _until(run, release)
