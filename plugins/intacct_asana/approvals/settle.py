"""Carry each decision along its states: one loop of named recovery points.

    RECORDED -> CLEARED or REFUSED; CLEARED -> SUBMITTED; SUBMITTED -> CONFIRMED or REJECTED

Between two of them lies one local transaction or one write to Intacct; reading in between does no harm. Whatever interrupts
this, the next run goes on from the stored state. A SUBMITTED decision is read back before anything is written again, so a
lost answer neither doubles nor loses it, and nothing is confirmed that was not seen on the bill.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from intacct_asana.approvals import facts
from intacct_asana.approvals.decisions import control_id_for, control_id_of, next_control_id
from intacct_asana.approvals.guards import (
    BEFORE_WRITING,
    Case,
    Finding,
    answers_of,
    choice_counts_as_it_is,
    choice_stands,
    findings_of,
)
from intacct_asana.approvals.policy import Policy, StampNames
from intacct_asana.approvals.summary import Summary
from intacct_asana.approvals.wording import bill_name, minute, one_line
from intacct_asana.approvals.write_back import differences, stamp_on, stamp_values
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply
from intacct_asana.ports import Books, Decisions, TaskBoard
from intacct_asana.records import NEXT_STATES, Bill, Decision, DecisionState, Story

FindBill = Callable[[Decision], Bill | None]
"""The decision's bill as it is now, also when Purchasing recreated it under a new record number."""
LONGEST_WORDS = 500


def settle_all(
    *,
    books: Books,
    board: TaskBoard,
    decisions: Decisions,
    policy: Policy,
    find_bill: FindBill,
    now: Callable[[], datetime],
) -> Summary:
    """Settle every decision that is on its way, oldest first; one that fails does not stop those about other bills.

    Decisions about a bill whose earlier decision failed wait for the next run: two stamps must never race. A Misconfigured
    stops everything, because it would meet every decision. `now` gives aware UTC instants. Raises nothing by itself.
    """
    settler = Settler(books=books, board=board, decisions=decisions, policy=policy, find_bill=find_bill, now=now)
    summary, stuck = Summary(), set[str]()
    unsettled = decisions.unsettled()
    for place, decision in enumerate(unsettled):
        if decision.key in stuck:
            summary.waiting += 1
            continue
        try:
            summary.count(settler.settle(decision))
        except IntacctAsanaError as error:
            summary.fail(decision, error)
            stuck.add(decision.key)
            if isinstance(error, Misconfigured):
                summary.not_started = len(unsettled) - place - 1
                break
    return summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Settler:
    """One run's ports and rules."""

    books: Books
    board: TaskBoard
    decisions: Decisions
    policy: Policy
    find_bill: FindBill
    now: Callable[[], datetime]

    def settle(self, decision: Decision) -> Decision:
        """From whatever state to a last one. Raises what keeps it from getting there; the state reached is stored."""
        case: Case | None = None
        sent_before = decision.state is DecisionState.SUBMITTED
        while NEXT_STATES[decision.state]:
            if decision.state is DecisionState.RECORDED:
                case = self._case(decision)
                decision = self._judge(case)
            elif decision.state is DecisionState.CLEARED:
                if case is None:
                    # A run before this one cleared it: everything may have changed since.
                    case = self._case(decision)
                    if refused := self._refuse_if_any(case):
                        return refused
                decision = self._submit(decision, case)
            else:
                decision = self._finish(decision, sent_before=sent_before)
        return decision

    # RECORDED, CLEARED: judge

    def _case(self, decision: Decision) -> Case:
        """Reads everything the guards look at. Raises TryLater while another decision about the bill is under way."""
        others = [one for one in self.decisions.of(decision.key) if one.decision_id != decision.decision_id]
        if under_way := next((one for one in others if one.state is DecisionState.SUBMITTED), None):
            raise TryLater(
                f"Decision {decision.decision_id} waits until {under_way.decision_id} about the same bill is settled."
            )
        gid = decision.signal.decider_gid
        person = self.board.person(gid) if gid else None
        email = person.email if person and person.email else decision.decider_email
        bill = self.find_bill(decision)
        return Case(
            decision=replace(decision, decider_email=email, record_no=bill.record_no if bill else decision.record_no),
            policy=self.policy,
            person=person,
            stories=self._stories(decision),
            bill=bill,
            others=others,
        )

    def _stories(self, decision: Decision) -> Sequence[Story] | None:
        """The task's stories as they stand now, None when the task is gone: people may have changed their minds since."""
        try:
            return self.board.stories(decision.task_gid)
        except Refused:
            if self.board.task(decision.task_gid) is None:
                return None
            raise

    def _judge(self, case: Case) -> Decision:
        findings = findings_of(case)
        if any(not one.passed for one in findings):
            return self._refuse(case, findings)
        return self._advance(case.decision, DecisionState.CLEARED, facts.judged(case, findings))

    def _refuse_if_any(self, case: Case) -> Decision | None:
        findings = findings_of(case)
        return self._refuse(case, findings) if any(not one.passed for one in findings) else None

    def _refuse(self, case: Case, findings: Sequence[Finding]) -> Decision:
        refused = _with_reasons(case.decision, findings)
        return self._advance(refused, DecisionState.REFUSED, facts.judged(case, findings))

    def _submit(self, decision: Decision, case: Case) -> Decision:
        """Control id and values are written down before the call."""
        ready = replace(case.decision, state=decision.state, control_id=control_id_of(decision) if self.policy.stamp else "")
        values = self._values(ready, self.policy.stamp) if self.policy.stamp else {}
        written = {"values": values, "before": stamp_on(case.bill, values), "bill": facts.of_bill(case.bill)}
        return self._advance(ready, DecisionState.SUBMITTED, {**written, "control_id": ready.control_id})

    # SUBMITTED: look first, write at most once, look again

    def _finish(self, decision: Decision, *, sent_before: bool) -> Decision:
        bill = self.find_bill(decision)
        if self.policy.stamp is None:
            return self._observed(decision, bill)
        values = self._values(decision, self.policy.stamp)
        if bill and not differences(bill, values):
            return self._confirm(decision, bill, values, answer="no answer kept; found on the bill when it was read back")
        if turned := self._turned(decision, bill, sent_before=sent_before):
            return self._reject(_with_reasons(decision, turned), bill, answer="not sent", findings=turned)
        # The guard has seen to it that there is a bill.
        assert bill is not None
        control_id = control_id_for(decision, bill.record_no)
        ready = replace(decision, record_no=bill.record_no, control_id=control_id)
        return self._write(ready, bill, values, sent_before=sent_before)

    def _turned(self, decision: Decision, bill: Bill | None, *, sent_before: bool) -> list[Finding]:
        """What speaks against writing by now: another bill than the one that was judged, or a choice taken back meanwhile."""
        stories = self._stories(decision) if sent_before else ()
        case = Case(decision=decision, policy=self.policy, person=None, stories=stories, bill=bill)
        return [
            finding
            for finding in answers_of((choice_counts_as_it_is, choice_stands, *BEFORE_WRITING), case)
            if not finding.passed
        ]

    def _write(self, decision: Decision, before: Bill, values: Mapping[str, str], *, sent_before: bool) -> Decision:
        problem: Refused | OutcomeUnknown | None = None
        try:
            self.books.stamp_bill(before.record_no, values=values, control_id=decision.control_id)
        except (Refused, OutcomeUnknown) as error:
            problem = error
        after = self.find_bill(decision)
        missing = differences(after, values) if after else list(values)
        if after and not missing:
            answer = f"{problem.message}; found on the bill when it was read back" if problem else "success"
            return self._confirm(decision, after, values, answer=answer)
        if isinstance(problem, Refused):
            return self._refused_by_intacct(decision, after, problem)
        if sent_before and isinstance(problem, OutcomeUnknown):
            # Sent twice and proven absent twice: Intacct may refuse this control id for ever, so the next try has another.
            again = replace(decision, control_id=next_control_id(decision.control_id))
            self._advance(again, DecisionState.SUBMITTED, {"sent_again_as": again.control_id, "answer": problem.message})
        raise self._not_there(decision, before, missing, problem)

    def _not_there(
        self, decision: Decision, bill: Bill, missing: Sequence[str], problem: OutcomeUnknown | None
    ) -> IntacctAsanaError:
        what = f"The stamp of decision {decision.decision_id} on {bill_name(bill)} (record {bill.record_no})"
        stays = "The decision stays SUBMITTED; the next run reads the bill again before it writes."
        if problem:
            said = f"had no clear answer ({problem.message}) and is not on the bill."
            return TryLater(f"{what} {said} {stays}", code=problem.code)
        return UnexpectedReply(
            f"{what} was answered with success, but a read-back does not show {', '.join(missing)}. {stays} "
            f"If this comes again, look at those fields' length and at who else writes them (control id {decision.control_id})."
        )

    # The ends

    def _observed(self, decision: Decision, bill: Bill | None) -> Decision:
        name = bill_name(bill) if bill else f"record {decision.record_no}"
        told = replace(decision, outcome=f"Observed only: Intacct was not changed for {name}.")
        return self._advance(told, DecisionState.CONFIRMED, {"answer": "observed only", "bill": facts.of_bill(bill)})

    def _confirm(self, decision: Decision, bill: Bill, values: Mapping[str, str], *, answer: str) -> Decision:
        at = self.now()
        told = replace(decision, outcome=f"Recorded in Intacct on {bill_name(bill)} at {minute(at)}.", record_no=bill.record_no)
        found = {"answer": answer, "after": stamp_on(bill, values), "bill": facts.of_bill(bill)}
        return self._advance(told, DecisionState.CONFIRMED, {**found, "control_id": decision.control_id}, at=at)

    def _refused_by_intacct(self, decision: Decision, bill: Bill | None, error: Refused) -> Decision:
        words = one_line(error.message, longest=LONGEST_WORDS)
        state = f"The bill is {bill.state} in Intacct now." if bill else "The bill is gone from Intacct."
        told = replace(decision, rule="refused by Intacct", outcome=f"Intacct did not take it: {words}\n{state}")
        return self._reject(told, bill, answer=error.message, code=error.code)

    def _reject(
        self, told: Decision, bill: Bill | None, *, answer: str, code: str | None = None, findings: Sequence[Finding] = ()
    ) -> Decision:
        against = [{"rule": one.rule, "said": one.said} for one in findings]
        said: facts.Facts = {
            "answer": answer,
            "code": code,
            "against": against,
            "bill": facts.of_bill(bill),
            "control_id": told.control_id,
        }
        return self._advance(told, DecisionState.REJECTED, said)

    def _advance(self, decision: Decision, to: DecisionState, said: facts.Facts, *, at: datetime | None = None) -> Decision:
        return self.decisions.advance(decision, to=to, facts=said, at=at or self.now())

    def _values(self, decision: Decision, names: StampNames) -> dict[str, str]:
        return stamp_values(decision, names, longest=self.policy.longest_stamp)


def _with_reasons(decision: Decision, findings: Sequence[Finding]) -> Decision:
    """The first rule that failed gives the name, every one that failed its sentence; one line each."""
    failed = [finding for finding in findings if not finding.passed]
    return replace(decision, rule=failed[0].rule, outcome="\n".join(finding.sentence for finding in failed))
