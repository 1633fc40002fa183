"""Bills that are new here are put on hold, so that Intacct itself pays nothing that nobody approved.

Once a bill: the journal's row of that write says whether it was, and who had changed the bill before us. Whoever lifts the
hold by hand is not contradicted; people on the task are told once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from intacct_asana.approvals.rules import NOT_READY
from intacct_asana.approvals.seen import Facts, bill_facts, last_editor
from intacct_asana.approvals.stamp import Writer
from intacct_asana.approvals.words import bill_name, capital
from intacct_asana.approvals.write_steps import HELD, ON_BILL, RELEASED, Reading, StepKind, Turned, step_id
from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.journal import Outcome, carry_out
from intacct_asana.ports import Journal
from intacct_asana.records import (
    ON_THE_WAY,
    SETTLED_STATES,
    Bill,
    Decision,
    DecisionState,
    Intent,
    IntentState,
    Link,
    snapshot_of,
)
from intacct_asana.records.remarks import reference
from intacct_asana.sync.report import Report
from intacct_asana.text import short

LIFTED = "lifted"
"""The journal's name for comments that say that somebody lifted a hold."""
OWN = "intake-"
KNOWS_EDITOR = (OWN, "payee-")
"""Writes of ours onto a bill, beside decisions, whose row says who had changed it before."""
IS_HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """One run's ports, and what it came to. `note` keeps evidence that no decision stands behind."""

    run: Writer
    summary: Report
    note: Callable[[str, Facts], object]
    held: list[str] = field(default_factory=list)
    lifted: list[str] = field(default_factory=list)
    rehearses: bool = False

    def without_row(self, keys: Sequence[str]) -> list[str]:
        """Those of which nobody ever asked whether they are to be held."""
        known = self.run.journal.of([OWN + key for key in keys])
        return [key for key in keys if OWN + key not in known]

    def meet(self, bills: Mapping[str, Bill], links: Mapping[str, Link]) -> None:
        """Hold those that are to be held. One that fails does not stop the others; a Misconfigured is raised."""
        rows = self.run.journal.of([OWN + key for key in bills])
        for key, bill in bills.items():
            try:
                self._meet(bill, links[key], rows.get(OWN + key))
            except IntacctAsanaError as error:
                self.summary.fail(key, error)
                if isinstance(error, Misconfigured):
                    raise

    def _meet(self, bill: Bill, link: Link, row: Intent | None) -> None:
        decisions = self.run.decisions.of(link.key)
        if row and row.answer.get(IS_HELD) and row.body["record_no"] == bill.record_no:
            if not (bill.on_hold or _why_not(bill, decisions, self.run) or self._lifted_by_us(decisions)):
                self._say_lifted(bill, link)
        elif why := _why_not(bill, decisions, self.run):
            self._leave(bill, row, why)
        elif self.rehearses:
            would = f"{capital(bill_name(bill))} would be put on hold until it is approved"
            self.held.extend([] if would in self.held else [would])
        else:
            self._hold(bill, row, decisions)

    def _leave(self, bill: Bill, row: Intent | None, why: str) -> None:
        """Asked again when the bill changes."""
        if self.rehearses or (row and (row.state.is_in_doubt or row.answer.get("left") == why)):
            return
        with self.run.journal.together():
            noted = self.run.journal.note([self._intent(bill, editor="")], at=self.run.now())[OWN + bill.bill_key]
            left = replace(noted, state=IntentState.DONE, answer={"left": why})
            self.run.journal.move(noted, left, at=self.run.now())

    def _hold(self, bill: Bill, row: Intent | None, decisions: Sequence[Decision]) -> None:
        run = self.run
        editor = last_editor(bill, decisions, own_login=run.asked.own_login(), known=known_editor(bill, run.journal))
        intent = self._intent(bill, editor=editor or "")
        if row and row.state.is_in_doubt and row.body["record_no"] == bill.record_no:
            # It may be there already, and then the bill as it is now tells who we are.
            intent = replace(intent, body=row.body)
        kind = StepKind(
            step=HELD,
            books=run.books,
            policy=run.policy,
            look=lambda: self._now(bill),
            check=lambda now: _raise_unless_open(now, run),
            looks_first=True,
        )
        steps = carry_out([intent], kinds=[kind], journal=run.journal, keep=self._keep, owner=run.owner, now=run.now, workers=1)
        with closing(steps) as outcomes:
            for outcome in outcomes:
                if outcome.error and not isinstance(outcome.error, Turned):
                    raise outcome.error
                if outcome.is_done and outcome.intent.turn:
                    self.held.append(bill.bill_key)

    def _now(self, bill: Bill) -> Bill | None:
        now = self.run.books.bill(bill.record_no)
        return now if now and now.bill_key == bill.bill_key else None

    def _keep(self, outcome: Outcome) -> Mapping[str, object] | None:
        """With the evidence of it, and with who had changed the bill before: Intacct names us from now on."""
        if not outcome.is_done:
            return None
        intent, reading = outcome.intent, outcome.found
        assert isinstance(reading, Reading)
        if not intent.turn:
            # Somebody else had put it on hold.
            return {IS_HELD: "as found"}
        facts: Facts = {"about": "hold", "step": "HELD", "control_id": intent.control_id, "bill": bill_facts(reading.bill)}
        self.note(intent.subject, facts)
        is_same = snapshot_of(reading.bill).digest == intent.body["digest"]
        return {IS_HELD: "by us", "editor": intent.body["editor"] if is_same else ""}

    def _intent(self, bill: Bill, *, editor: str) -> Intent:
        # A hold that was lifted since is another one, also for a store that does not know of the first.
        told = "|".join((self.run.policy.flow, bill.bill_key, bill.record_no, bill.modified_at_text))
        return Intent(
            intent_id=OWN + bill.bill_key,
            kind=ON_BILL,
            subject=bill.bill_key,
            body={
                "record_no": bill.record_no,
                "values": {"ONHOLD": "true"},
                "editor": editor,
                "digest": snapshot_of(bill).digest,
            },
            control_id=f"ia-{hashlib.sha256(told.encode()).hexdigest()[:20]}-intake",
        )

    def _lifted_by_us(self, decisions: Sequence[Decision]) -> bool:
        """By an approval that stands no more: what takes that back sees to the hold."""
        rows = self.run.journal.of([step_id(RELEASED, one) for one in decisions])
        return any(row.turn > 0 for row in rows.values())

    def _say_lifted(self, bill: Bill, link: Link) -> None:
        journal, own = self.run.journal, self.run.asked.own_login().casefold()
        intent_id = f"{LIFTED}-{bill.bill_key}-{bill.record_no}"
        if self.rehearses or journal.of([intent_id]):
            return
        by = f" by {short(bill.modified_by, longest=80)}" if bill.modified_by and bill.modified_by.casefold() != own else ""
        said = f"The hold on {bill_name(bill)} was lifted in Intacct{by}. It is not set again, so Intacct may pay the bill"
        mark = reference(f"{LIFTED}-{bill.record_no}")
        body = {"text": f"{said} though nobody approved it here.\n{mark}", "reference": mark}
        journal.note([Intent(intent_id=intent_id, kind=LIFTED, subject=link.task_gid, body=body)], at=self.run.now())
        self.lifted.append(bill.bill_key)


def known_editor(bill: Bill, journal: Journal) -> str:
    """Who had changed the bill before we held or released it; empty where that was not our last write onto it."""
    wrote = [row for row in journal.about([bill.bill_key]) if row.kind == ON_BILL and row.turn > 0]
    if not wrote or not wrote[-1].intent_id.startswith(KNOWS_EDITOR) or wrote[-1].body["record_no"] != bill.record_no:
        return ""
    last = wrote[-1]
    if last.state.is_in_doubt:
        # Its answer was lost. Where Intacct names us it was carried out.
        return str(last.body["editor"]) if snapshot_of(bill).digest == last.body["digest"] else ""
    return str(last.answer.get("editor", ""))


def _why_not(bill: Bill, decisions: Sequence[Decision], run: Writer) -> str:
    """Why it is not to be held; empty for an open bill that nobody decided on."""
    if bill.state in SETTLED_STATES or bill.state in NOT_READY or bill.state not in run.policy.approval.states:
        return f"it is {bill.state}"
    if any(one.state in ON_THE_WAY or one.state is DecisionState.CONFIRMED for one in decisions):
        return "it is decided"
    return ""


def _raise_unless_open(bill: Bill | None, run: Writer) -> None:
    why = _why_not(bill, run.decisions.of(bill.bill_key), run) if bill else "it is gone"
    if why:
        raise Turned(f"The bill is not put on hold: {why}.", bill=bill)
