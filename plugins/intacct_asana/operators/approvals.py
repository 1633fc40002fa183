"""Approvals after they were read: settle them in Intacct, look again at those that stand, tell people, report."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from intacct_asana.approvals import Asked, Decided, Settler
from intacct_asana.approvals.guards.parking import PARKED
from intacct_asana.approvals.intake import LIFTED
from intacct_asana.approvals.native import NativeApprovals
from intacct_asana.approvals.rehearse import RehearsedDecisions, RehearsedSettler, found_from_json
from intacct_asana.approvals.standing import AnswerKind
from intacct_asana.errors import IntacctAsanaError, Refused, TryLater
from intacct_asana.journal import carry_out
from intacct_asana.operators.controls.checking import watch_of
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, find_bill, policy_of
from intacct_asana.operators.looking import LOOKED, OWED, Bringer, Looks, show, teller_of
from intacct_asana.operators.people.asking import Meetings, carry_out_asks
from intacct_asana.operators.read_decisions import look_at_taken_back
from intacct_asana.operators.runs.narrowing import narrowed_to, waiting_among
from intacct_asana.operators.runs.resting import RESTS, forget_quiet, quiet_cursor, quiet_of, quiet_state
from intacct_asana.reading.choices import COPY, TO_SHOW
from intacct_asana.reading.documents import ABOUT_IT, GONE
from intacct_asana.reading.quiet import Quiet
from intacct_asana.records import Cursor

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

LOOKS = "looks"
"""What the approvals' own reading of bills is called where it rests."""

log = logging.getLogger(__name__)


class SettleDecisionsOperator(FlowOperator):
    """Carries every decision that is on its way, then looks again at decided bills: an approval is what stands.

    One that fails does not stop the others. Bills that changed since the last look are looked at by every run, all that are
    decided and unpaid at least every `crawl_hours`; the cursors move only when every look succeeded.

    In a rehearsal it says what would become of each, and of what `read_decisions` found and kept as the plan `plan_id`.
    """

    template_fields: Sequence[str] = ("plan_id",)

    def __init__(self, *, plan_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.plan_id = plan_id

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        approval = run.flow.approval
        if not run.flow.rehearsal:
            run.store.keep_policy(approval.policy_version, text=approval.policy_text, at=run.now())
        only = narrowed_to(context, run)
        settler = settler_of(run, plan_id=self.plan_id, only=only)
        began, was_run = run.now(), run.store.cursor(LOOKED) is not None
        summary = settler.settle_all()
        if only is None:
            run.note_away()
        meetings = Meetings(run, settler, summary, was_run=was_run)
        looks = Looks(run, settler, summary, meetings)
        if not summary.not_started:
            look_at_taken_back(run, settler, summary, only=only)
            quiet = quiet_of(context, run, LOOKS) if only is None else None
            if quiet and self._rests(run, quiet, summary):
                self.log.info("%s", RESTS)
            elif only is None:
                if quiet:
                    forget_quiet(run, LOOKS)
                looks.at_decided(began)
                meetings.meet_new()
                if quiet and not summary.failures:
                    run.store.save_cursor(quiet_cursor(LOOKS, quiet, changed=bool(summary.noted)))
            else:
                looks.at_these(only)
        more = {
            "looked_at": looks.count,
            "anchors": len(looks.anchors),
            "unknown_stamps": looks.unknown,
            **looks.bringer.report(),
            **meetings.report(),
        }
        report = _reported(self, run, summary, more=more)
        looks.raise_if_evidence_is_wrong()
        return report

    @staticmethod
    def _rests(run: FlowRun, quiet: Quiet, summary: Decided) -> bool:
        """Never when something was decided or is owed, and never while bills change, as the bill sync knows."""
        bills = quiet_state(run, "bill")
        if summary.noted or summary.failures or bills is None or json.loads(run.store.cursor(OWED) or "[]"):
            return False
        return quiet.rests(changed_at=bills.changed_at)


class TellPeopleOperator(FlowOperator):
    """Comments once on the task of each decision that was settled or became void, and has the task show what stands.

    So does, without a word, a task that somebody set to something else after its bill was decided. First of all, tasks of open
    bills that left the project are put back into it.
    """

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        if run.flow.rehearsal:
            untold = len(run.store.decisions().unacknowledged())
            self.log.info("Rehearsal: nobody is told. %d decisions of earlier runs wait for their answer.", untold)
            return {"rehearsal": True, "untold": untold}
        bringer, only = Bringer(run), narrowed_to(context, run)
        if only is None:
            bringer.bring_all()
        summary = teller_of(run, bringer, only=only).tell_all()
        if not summary.not_started:
            _show_again(run, summary, bringer, only=only)
        if not summary.not_started and only is None:
            carry_out_asks(run, summary)
            for about in (COPY, LIFTED, PARKED):
                _answer(run, summary, about)
        run.store.marks().wrote(run.own_board("bill")[0].wrote)
        return _reported(self, run, summary, more=bringer.report())


def settler_of(run: FlowRun, *, plan_id: str | None = None, only: frozenset[str] | None = None) -> Settler:
    (board, pins), rehearses = run.own_board("bill"), run.flow.rehearsal
    found = run.store.plan(plan_id) if rehearses and plan_id else None
    stored = run.store.decisions()
    decisions = RehearsedDecisions(stored, found=found_from_json(found.body) if found else ()) if rehearses else stored
    return (RehearsedSettler if rehearses else Settler)(
        books=run.books,
        board=board,
        decisions=decisions,
        links=run.store.links("bill"),
        journal=run.store.intents(),
        policy=replace(policy_of(run, pins), approved_since=decisions.approved_since),
        asked=Asked(books=run.books),
        find_bill=lambda decision: find_bill(run, decision),
        read_files=lambda bill: run.files.of(bill, unread=ABOUT_IT),
        now=run.now,
        native=_native_of(run),
        away_since=run.away_since(),
        watch=watch_of(run),
        only=only,
    )


def _native_of(run: FlowRun) -> NativeApprovals | None:
    rules = run.flow.write_back.rest_workflow
    if rules is None or "rest_workflow" not in run.flow.write_back.used:
        return None
    return NativeApprovals(workflow=run.native, rules=rules)


def _show_again(run: FlowRun, summary: Decided, bringer: Bringer, *, only: frozenset[str] | None) -> None:
    """Tasks that the reading found to say something else than what stands; those that fail wait for the next run."""
    keys, failed = waiting_among(run, TO_SHOW, only)
    for key in keys:
        decisions = run.store.decisions().sent([key])
        try:
            # Without any, what was decided is on its way to be something else.
            if decisions:
                bill = find_bill(run, decisions[-1])
                bill = run.files.of(bill, unread=GONE) if bill else None
                failed += [] if show(run, key, bill, decisions, summary, bringer) else [key]
        except IntacctAsanaError as error:
            failed.append(key)
            summary.missed(decisions[-1], error)
    if keys:
        run.store.save_cursor(Cursor(name=TO_SHOW, value=json.dumps(failed)))


def _answer(run: FlowRun, summary: Decided, about: str) -> None:
    """One comment on each copy of a task on which somebody chose, on each task whose bill's hold somebody lifted.

    Nobody is left to be told on one that is gone.
    """
    board, pins = run.own_board("bill")
    journal = run.store.intents()
    kind = AnswerKind(board=board, bot_gid=pins.bot_gid, name=about, looks_first=True, remembered=True)
    steps = carry_out(journal.open(about), kinds=[kind], journal=journal, owner="tell_people", now=run.now, workers=1)
    with closing(steps) as outcomes:
        for outcome in outcomes:
            gid, error = outcome.intent.subject, outcome.error
            if isinstance(error, Refused) and board.task(gid) is None:
                with suppress(TryLater):
                    journal.drop(outcome.intent)
            elif error:
                summary.fail(f"{about} {gid}", error)


def _reported(
    operator: FlowOperator, run: FlowRun, summary: Decided, *, more: Mapping[str, object] | None = None
) -> dict[str, Any]:
    unread = {one.key for one in summary.noted} - summary.bills.keys()
    titles = {key: link.confirmed.name for key, link in run.store.links("bill").of(unread).items() if link.confirmed}
    for line in summary.sentences(titles):
        operator.log.info("%s", line)
    report: dict[str, Any] = {**summary.summary(), **(more or {}), "calls": run.calls()}
    operator.log.info("%s", json.dumps(report))
    summary.raise_if_failed()
    return report
