"""Approvals: read what people decided in Asana, settle it in Intacct, tell them on the task."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from intacct_asana.approvals import (
    Approver,
    Policy,
    StampNames,
    Summary,
    acknowledge_all,
    decisions_of,
    settle_all,
    signals_of,
    touched_task,
)
from intacct_asana.errors import UnexpectedReply
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, utc_now
from intacct_asana.records import Bill, Cursor, Decision, Link, Pins, Task, Verdict

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

OVERLAP = timedelta(minutes=10)
"""How far the listing by time of change reaches behind the last one: events are delivered at most once."""
MOST_EVENT_PAGES = 10_000


def policy_of(run: FlowRun, pins: Pins) -> Policy:
    """The flow's approval rules with Asana's gids and Intacct's field names."""
    approval, write_back = run.flow.approval, run.flow.write_back
    signal_field = pins.fields[approval.signal.field]
    stamps = "stamp" in write_back.steps and write_back.stamp
    reason = approval.reason_field
    return Policy(
        flow=run.flow.flow,
        version=approval.policy_version,
        field_gid=signal_field.gid,
        pending_gid=signal_field.options[approval.signal.pending],
        verdicts={
            signal_field.options[approval.signal.approve]: Verdict.APPROVE,
            signal_field.options[approval.signal.reject]: Verdict.REJECT,
        },
        approvers=tuple(
            Approver(
                email=one.email,
                limits=dict(one.limits),
                intacct_users=one.intacct_users,
                valid_from=one.valid_from,
                valid_to=one.valid_to,
            )
            for one in approval.approvers
        ),
        bot_gid=pins.bot_gid,
        segregation_of_duties=approval.segregation_of_duties,
        reason_field_gid=pins.fields[reason].gid if reason else "",
        stamp=StampNames(**{name: value or "" for name, value in stamps.model_dump().items()}) if stamps else None,
        field_name=approval.signal.field,
        pending_name=approval.signal.pending,
        approve_name=approval.signal.approve,
        reject_name=approval.signal.reject,
        timezone=ZoneInfo(run.flow.schedules.timezone),
    )


@dataclass(slots=True)
class Hints:
    """What Asana says may have changed: tasks that people touched, and where to read on next time."""

    task_gids: set[str] = field(default_factory=set)
    sync_token: str = ""
    reset: bool = False
    events: int = 0


class ReadDecisionsOperator(FlowOperator):
    """Finds tasks that may hold a decision, reads the proof from their stories, and records each new decision.

    Hints come from the events API since the stored token (everything when the token is missing or too old) and from tasks
    modified since the last run, with an overlap. The token moves in the transaction that records the decisions.
    """

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        pins = run.pins("bill")
        policy = policy_of(run, pins)
        hints = self._hints(run, pins)
        tasks, seen_until = self._candidates(run, pins, policy, hints)
        by_task = run.store.links("bill").by_task([task.gid for task in tasks])
        new = self._decisions(run, policy, [(task, by_task[task.gid]) for task in tasks if task.gid in by_task])
        seen_until = self._not_past_unlinked(run, pins, tasks, by_task, seen_until)
        cursors = [self._token(pins, hints.sync_token)]
        cursors += [Cursor(name=self._seen_name(pins), value=seen_until.isoformat())] if seen_until else []
        recorded = run.store.decisions().record(new, at=utc_now(), cursors=cursors)
        for decision in recorded:
            self.log.info("Recorded %s: %s on %s", decision.decision_id, decision.signal.verdict, decision.key)
        return {
            "events": hints.events,
            "full_crawl": hints.reset,
            "tasks_looked_at": len(tasks),
            "recorded": len(recorded),
            "calls": run.calls(),
        }

    def _hints(self, run: FlowRun, pins: Pins) -> Hints:
        """Every event since the token. A 412 gives a new token; everything is then read, and events go on from there."""
        hints = Hints(sync_token=run.store.cursor(self._token(pins, "").name) or "")
        for _ in range(MOST_EVENT_PAGES):
            page = run.board.events(pins.project_gid, hints.sync_token or None)
            hints.sync_token = page.sync_token
            hints.reset = hints.reset or page.reset
            hints.events += len(page.events)
            hints.task_gids.update(gid for event in page.events if (gid := touched_task(event, pins.bot_gid)))
            if not page.has_more:
                return hints
        raise UnexpectedReply(f"Asana still has more events after {MOST_EVENT_PAGES} pages for project {pins.project_gid}.")

    def _candidates(self, run: FlowRun, pins: Pins, policy: Policy, hints: Hints) -> tuple[list[Task], datetime | None]:
        """Tasks whose stories are worth reading: those that people touched, and those that show a verdict."""
        seen = run.store.cursor(self._seen_name(pins))
        since = datetime.fromisoformat(seen) - OVERLAP if seen and not hints.reset else None
        found: dict[str, Task] = {}
        newest = datetime.fromisoformat(seen) if seen else None
        for page in run.board.tasks(pins.project_gid, modified_since=since):
            for task in page:
                if task.modified_at and (newest is None or task.modified_at > newest):
                    newest = task.modified_at
                if task.gid in hints.task_gids or task.fields.get(policy.field_gid) in policy.verdicts:
                    found[task.gid] = task
        for gid in sorted(hints.task_gids - found.keys()):
            touched = run.board.task(gid)
            if touched and pins.project_gid in touched.project_gids:
                found[gid] = touched
        return list(found.values()), newest

    @staticmethod
    def _not_past_unlinked(
        run: FlowRun, pins: Pins, tasks: list[Task], by_task: Mapping[str, Link], seen_until: datetime | None
    ) -> datetime | None:
        """A task with a bill's key whose link is not saved yet is looked at again next time, so its decision is not lost."""
        key_field = pins.fields[run.flow.bills.key_field].gid
        waiting = [
            task.modified_at
            for task in tasks
            if task.gid not in by_task and task.modified_at and isinstance(task.fields.get(key_field), str)
        ]
        return min([*waiting, seen_until]) if seen_until else None

    @staticmethod
    def _decisions(run: FlowRun, policy: Policy, tasks: Iterable[tuple[Task, Link]]) -> list[Decision]:
        links = run.store.links("bill")
        return [
            decision
            for task, link in tasks
            for decision in decisions_of(
                signals_of(task, run.board.stories(task.gid), policy),
                flow=run.flow.flow,
                link=link,
                board=run.board,
                links=links,
                known={one.decision_id for one in run.store.decisions().of(link.key)},
            )
        ]

    @staticmethod
    def _token(pins: Pins, value: str) -> Cursor:
        return Cursor(name=f"asana_events:{pins.project_gid}", value=value)

    @staticmethod
    def _seen_name(pins: Pins) -> str:
        return f"asana_seen:{pins.project_gid}"


class SettleDecisionsOperator(FlowOperator):
    """Carries every decision that is on its way: guards, stamp, read-back. One that fails does not stop the others."""

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        summary = settle_all(
            books=run.books,
            board=run.board,
            decisions=run.store.decisions(),
            policy=policy_of(run, run.pins("bill")),
            find_bill=lambda decision: find_bill(run, decision),
            now=utc_now,
        )
        return _reported(self, run, summary)


class TellPeopleOperator(FlowOperator):
    """Comments once on the task of each settled decision, and puts refused choices back to Pending."""

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        policy = policy_of(run, run.pins("bill"))
        summary = acknowledge_all(board=run.board, decisions=run.store.decisions(), policy=policy, now=utc_now)
        return _reported(self, run, summary)


class ReportRunOperator(FlowOperator):
    """Puts what the steps returned together on the run. It comes last and wants every step green, so a run is too."""

    template_fields: Sequence[str] = ("steps",)

    def __init__(self, *, steps: dict[str, Any] | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.steps = steps

    def execute(self, context: Context) -> Any:
        self.log.info("%s", json.dumps(self.steps))
        return self.steps


def find_bill(run: FlowRun, decision: Decision) -> Bill | None:
    """The decision's bill as it is now, also when Purchasing deleted it and made it anew from the same document."""
    bill = run.books.bill(decision.record_no)
    if bill is not None:
        return bill if bill.bill_key == decision.key else None
    _, kind, document = decision.key.split(":", 2)
    remade = run.books.bills_of_document(document) if kind == "po" else []
    return next((one for one in remade if one.bill_key == decision.key), None)


def _reported(operator: FlowOperator, run: FlowRun, summary: Summary) -> dict[str, Any]:
    for line in summary.lines:
        operator.log.info("%s", line)
    report: dict[str, Any] = summary.as_json() | {"calls": run.calls()}
    operator.log.info("%s", json.dumps(report))
    summary.raise_if_failed()
    return report
