"""Telling: what is to be told goes to the notifiers that the flow names, each once, and what could not leave is told later.

Two processes never tell the same: whoever tells claims it in the store first. Without the store an alert leaves all the same.
"""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from intacct_asana.errors import IntacctAsanaError, UnsafePlan
from intacct_asana.flow.running.alerts import Alerts, Notifier
from intacct_asana.operators.runs.links import page_of
from intacct_asana.operators.watching.on_asana import tell_on_asana, told_by
from intacct_asana.reports.incidents import Incident, Kind, Sighting, message, noted, subject
from intacct_asana.sync.release import UNANSWERED

if TYPE_CHECKING:
    from intacct_asana.operators.flow_run import FlowRun
    from intacct_asana.store.reporting.incidents import StoredIncidents

ON_ASANA = ("asana_comment", "asana_task")
LOG = Notifier(kind="log")
MOST_RELEASES = 20
log = logging.getLogger(__name__)


def notifiers_of(alerts: Alerts, kind: Kind) -> Mapping[str, Notifier]:
    """Who is told of this kind, by a name that stays the same as long as the notifier does."""
    named = {
        Kind.FAILURE: alerts.on_failure,
        Kind.LATE: alerts.on_failure,
        Kind.REFUSAL: alerts.on_refusal,
        Kind.PARKED: alerts.on_parked,
        Kind.DRIFT: alerts.on_drift,
        Kind.METER: alerts.on_meter,
    }[kind]
    return {name_of(one): one for one in named or (LOG,)}


def name_of(notifier: Notifier) -> str:
    return f"{notifier.kind}-{hashlib.sha256(notifier.model_dump_json().encode()).hexdigest()[:8]}"


def left_by(notifier: Notifier, *, subject: str, text: str) -> str:
    """Empty where it left; else why not, in one sentence."""
    # Imported when something is told: every DAG file has this module, and a channel brings all of HTTP.
    from intacct_asana.notifications.channels import delivered

    return delivered(notifier, subject=subject, text=text)


def alarm(run: FlowRun, seen: Sighting) -> None:
    """Note what was seen and tell it, with whatever else is still to be told. Never raises: it hides nobody's own error."""
    try:
        incidents = run.store.incidents()
        now = incidents.note(seen, at=run.now())
        if heard := _heard_without_words(incidents, seen, at=run.now()):
            incidents.keep(replace(now, told=(*now.told, *heard)), is_told=False)
    except IntacctAsanaError as error:
        log.error("The store does not remember this alert, so it may be told again: %s", error.message)
        _tell_without_memory(run.flow.alerts, noted(None, seen, flow=run.flow.flow, at=run.now()))
    else:
        tell(run)


def tell(run: FlowRun) -> int:
    """Everything of the flow that is to be told, told; how many incidents nobody has to hear of any more. Never raises."""
    try:
        incidents = run.store.incidents()
        claimed = incidents.claim(at=run.now())
    except IntacctAsanaError as error:
        log.error("What is to be told of flow %s cannot be read: %s", run.flow.flow, error.message)
        return 0
    teller = Teller(run)
    return sum(not teller.left_to_tell(one) for one in teller.told(claimed))


def _tell_without_memory(alerts: Alerts, incident: Incident) -> None:
    """By mail, Slack and log alone: nothing goes to Asana that could not be found again."""
    for notifier in notifiers_of(alerts, incident.seen.kind).values():
        by = LOG if notifier.kind in ON_ASANA else notifier
        if why := left_by(by, subject=subject([incident]), text=message([incident], page=page_of(incident.flow))):
            log.error("Alert %s did not leave by %s: %s.", incident.incident_id, notifier.kind, why)


class Teller:
    """One round of telling for one flow."""

    def __init__(self, run: FlowRun) -> None:
        self.run, self.page = run, page_of(run.flow.flow)
        self.named = {kind: notifiers_of(run.flow.alerts, kind) for kind in Kind}

    def told(self, incidents: Sequence[Incident]) -> list[Incident]:
        """The incidents with who did their part. Those of one kind that begin, or end, leave by one notifier in one message."""
        now = {one.key: one for one in incidents}
        rounds: dict[tuple[Kind, str, bool], list[str]] = defaultdict(list)
        for one in incidents:
            names = self.left_to_tell(one)
            for name in names:
                rounds[one.seen.kind, name, one.is_open].append(one.key)
            if not names:
                self._keep(one)
        for (kind, name, _), keys in rounds.items():
            for key, task in self._delivered(self.named[kind][name], name, [now[key] for key in keys]).items():
                now[key] = told_by(now[key], name, task)
                # At once: a slow notifier, or an end of this process, makes nobody be told twice of what left already.
                self._keep(now[key])
        return list(now.values())

    def _keep(self, one: Incident) -> None:
        try:
            self.run.store.incidents().keep(one, is_told=not self.left_to_tell(one))
        except IntacctAsanaError as error:
            log.error("That %s was told could not be kept, so it may be told again: %s", one.incident_id, error.message)

    def left_to_tell(self, one: Incident) -> list[str]:
        """Notifiers that did not do their part yet. What was over before anybody heard is told once, as over."""
        names = self.named[one.seen.kind]
        return [name for name in names if name not in (one.told if one.is_open else one.told_over)]

    def _delivered(self, notifier: Notifier, name: str, incidents: Sequence[Incident]) -> Mapping[str, str]:
        """Keys of those that were told, each with the gid of the task that was made for it, if any."""
        if notifier.kind not in ON_ASANA:
            why = left_by(notifier, subject=subject(incidents), text=message(incidents, page=self.page))
            done, wrong = {one.key: "" for one in incidents} if not why else {}, [why] if why else []
        elif self.run.flow.rehearsal:
            for one in incidents:
                log.info("Rehearsal: would tell in Asana: %s", subject([one]))
            return {one.key: "" for one in incidents}
        else:
            try:
                done, wrong = tell_on_asana(self.run, notifier, name, incidents, page=self.page, keep=self._keep)
            except IntacctAsanaError as error:
                done, wrong = {}, [error.message]
        for why in dict.fromkeys(wrong):
            log.error("An alert did not leave by %s, and the next run tells it: %s", notifier.kind, why)
        return done


def seen_before(run: FlowRun, *, what: str, run_id: str) -> bool:
    """Whether somebody noted this very run's failure."""
    return any(one.seen.run_id == run_id for one in _failures(run.store.incidents(), what))


def told_in_words(run: FlowRun, *, what: str, run_id: str) -> bool:
    """Whether a task of the run said itself why it failed."""
    return any(one.seen.error and one.seen.run_id == run_id for one in _failures(run.store.incidents(), what))


def _heard_without_words(incidents: StoredIncidents, seen: Sighting, *, at: datetime) -> tuple[str, ...]:
    """Who was told that this run ended without a word, because Airflow's DAG processor was quicker than the task: that is this
    incident, which is known better now."""
    if seen.kind is not Kind.FAILURE or not seen.error:
        return ()
    silent = [one for one in _failures(incidents, seen.what) if not one.seen.error and one.seen.run_id == seen.run_id]
    incidents.end(silent, why=f"It is known now: {seen.words}", at=at, told=True)
    return tuple(name for one in silent for name in one.told)


def waits(run: FlowRun, one: Incident) -> bool:
    """Whether it is about a plan that waits for a person: the runs that leave it to them are green, and it is not over."""
    if one.seen.error != UnsafePlan.__name__:
        return False
    return any(each.state in UNANSWERED and each.dag_id == one.seen.what for each in run.store.releases().newest(MOST_RELEASES))


def _failures(incidents: StoredIncidents, what: str) -> list[Incident]:
    return [one for one in incidents.open() if one.seen.kind is Kind.FAILURE and one.seen.what == what]
