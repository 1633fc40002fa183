"""One write of a stamp, or of its becoming void, from before it is noted until what became of it is kept.

Both are one kind of write to the journal, exclusive for each bill: two of them can never race.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, cast

from intacct_asana.approvals import facts
from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.rules import (
    BEFORE_WRITING,
    Case,
    Finding,
    answers_of,
    choice_counts_as_it_is,
    choice_stands,
)
from intacct_asana.approvals.seen import shown_to
from intacct_asana.approvals.stamp import differences, read_stamp, stamp_on
from intacct_asana.approvals.standing import still_holds
from intacct_asana.approvals.words import bill_name, minute
from intacct_asana.errors import Refused, TryLater, UnexpectedReply
from intacct_asana.journal import Kind, Outcome
from intacct_asana.ports import Books, Decisions, Links
from intacct_asana.records import Bill, Decision, DecisionState, IntacctUser, Intent, IntentState, Snapshot, Story
from intacct_asana.records.anchors import Anchor, anchor_text
from intacct_asana.text import short

LONGEST_WORDS = 500


class Turned(Refused):
    """Not sent: by the reading right before the write, it must not be carried out any more."""

    def __init__(self, message: str, *, bill: Bill | None, findings: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.bill, self.findings = bill, findings


@dataclass(slots=True, kw_only=True)
class StampKind(Kind):
    """Writes one decision's stamp, or its becoming void, onto its bill; what it finds is the bill as read back.

    `look` reads the bill, `check` raises Turned for a reading on which nothing may be written. The anchor is known only when
    the evidence of the write is kept, so `keep` puts it here before the call leaves.
    """

    books: Books
    policy: Policy
    look: Callable[[], Bill | None]
    check: Callable[[Bill | None], None]
    anchor: Anchor | None = None
    answered: bool = False
    """Whether this very run saw the answer and the stamp behind it."""
    name: str = field(default="stamp", init=False)
    exclusive: bool = field(default=True, init=False)
    looks_first: bool = False
    remembered: bool = field(default=True, init=False)

    def send(self, intent: Intent) -> Bill | None:
        bill = self.look()
        self.check(bill)
        if bill is None or bill.record_no != intent.body["record_no"]:
            raise TryLater(f"The bill of {intent.subject} has another record number by now; the next run writes to that one.")
        values = self.values(intent)
        self.books.stamp_bill(
            bill.record_no,
            values=values,
            control_id=intent.control_id,
            due_on=bill.due_on if self.policy.send_due_on else None,
            submit=self.policy.send_submit,
        )
        after = self.look()
        missing = differences(after, values) if after else list(values)
        if missing:
            raise UnexpectedReply(
                f"The stamp on bill {bill.bill_number or bill.record_no} (record {bill.record_no}) was answered with success, "
                f"but a read-back does not show {', '.join(missing)}. The next run reads the bill again before it writes. "
                f"If this comes again, look at those fields' length and at who else writes them "
                f"(control id {intent.control_id})."
            )
        self.answered = True
        return after

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Bill]:
        bill = self.look()
        return {intent.intent_id: bill for intent in intents if bill is not None}

    def same(self, intent: Intent, found: Any) -> bool:
        return not differences(found, self.values(intent))

    def next_control_id(self, intent: Intent) -> str:
        """`...-stamp` becomes `...-stamp-again2`, then `-again3`: for a write proven absent after it was sent twice."""
        base, _, count = intent.control_id.partition("-again")
        return f"{base}-again{int(count or 1) + 1}"

    def values(self, intent: Intent) -> dict[str, str]:
        """What goes out, with the anchor of its evidence behind the decision's id."""
        values = dict(cast("Mapping[str, str]", intent.body["values"]))
        if self.anchor and self.policy.stamp:
            name = self.policy.stamp.decision_id
            values[name] = f"{values[name]} {anchor_text(self.anchor)}"
        return values


class Asks(Protocol):
    """What is asked of Intacct beside the bills."""

    def users(self) -> Sequence[IntacctUser] | None: ...

    def own_login(self) -> str: ...


class Run(Protocol):
    """The settling of one run, as far as a write needs it."""

    @property
    def decisions(self) -> Decisions: ...

    @property
    def links(self) -> Links: ...

    @property
    def policy(self) -> Policy: ...

    @property
    def asked(self) -> Asks: ...

    @property
    def now(self) -> Callable[[], datetime]: ...

    def stories(self, decision: Decision) -> Sequence[Story] | None: ...

    def advance(self, decision: Decision, to: DecisionState, said: facts.Facts, *, at: datetime | None = None) -> Decision: ...

    def begin_void(self, decision: Decision, bill: Bill, shown: Snapshot | None) -> Decision: ...

    def voided(self, decision: Decision, bill: Bill | None, *, answer: str, more: str = "") -> Decision: ...


@dataclass(slots=True, kw_only=True)
class Stamping:
    """A stamp under way: what may stop it, and what is kept with each step of its write."""

    settler: Run
    decision: Decision
    bill: Bill | None
    sent_before: bool
    is_done: bool = False

    def check(self, bill: Bill | None) -> None:
        """Raises Turned for another bill than the one that was judged, or a choice that was taken back meanwhile."""
        run, decision = self.settler, self.decision
        others = [one for one in run.decisions.of(decision.key) if one.decision_id != decision.decision_id]
        case = Case(
            decision=decision,
            policy=run.policy,
            person=None,
            stories=run.stories(decision) if self.sent_before else (),
            bill=bill,
            others=others,
            shown={decision.decision_id: shown_to(decision, run.links)},
            users=run.asked.users() if run.policy.approval.segregation_of_duties else None,
            own_login=run.asked.own_login(),
        )
        guards = (choice_counts_as_it_is, choice_stands, *BEFORE_WRITING)
        failed = [one for one in answers_of(guards, case) if not one.passed]
        if failed:
            raise Turned(failed[0].sentence, bill=bill, findings=failed)

    def keep(self, outcome: Outcome, kind: StampKind) -> None:
        state = outcome.intent.state
        if state is IntentState.SENT:
            self._sent(outcome.intent, kind)
        elif state is IntentState.DONE:
            self._there(outcome, kind)
        elif state is IntentState.REFUSED:
            self._refused(outcome)

    def _sent(self, intent: Intent, kind: StampKind) -> None:
        """The evidence of the write is kept first, so that the stamp can carry its anchor."""
        run, decision = self.settler, self.decision
        ready = replace(decision, control_id=intent.control_id, record_no=str(intent.body["record_no"]))
        values = kind.values(intent)
        said: facts.Facts = {"values": values, "before": stamp_on(self.bill, values), "bill": facts.of_bill(self.bill)}
        if decision.state is DecisionState.CLEARED:
            self.decision = run.advance(ready, DecisionState.SUBMITTED, said)
        elif decision.state is DecisionState.SUBMITTED and intent.control_id != decision.control_id:
            self.decision = run.advance(ready, DecisionState.SUBMITTED, {"sent_again_as": intent.control_id})
        kind.anchor = run.decisions.anchor(self.decision)

    def _there(self, outcome: Outcome, kind: StampKind) -> None:
        """Confirmed only on a bill that, as read after the write, still is what was decided on."""
        run, decision, bill = self.settler, self.decision, outcome.found
        shown = shown_to(decision, run.links)
        self.is_done = True
        if not still_holds(decision, bill, shown):
            self.decision = run.begin_void(decision, bill, shown)
            return
        at = run.now()
        told = replace(decision, outcome=f"Recorded in Intacct on {bill_name(bill)} at {minute(at)}.", record_no=bill.record_no)
        answer = "success" if kind.answered else "no answer kept; found on the bill when it was read back"
        held = stamp_on(bill, kind.values(outcome.intent))
        said: facts.Facts = {
            "answer": answer,
            "after": held,
            "bill": facts.of_bill(bill),
            "control_id": outcome.intent.control_id,
        }
        self.decision = run.advance(told, DecisionState.CONFIRMED, said, at=at)

    def _refused(self, outcome: Outcome) -> None:
        run, error, decision = self.settler, outcome.error, self.decision
        if decision.state is DecisionState.CONFIRMED:
            return
        self.is_done = True
        if isinstance(error, Turned):
            told, bill = with_reasons(decision, error.findings), error.bill
            against = [{"rule": one.rule, "said": one.said} for one in error.findings]
            said: facts.Facts = {"answer": "not sent", "code": None, "against": against}
        else:
            bill, message = outcome.found, error.message if error else ""
            state = f"The bill is {bill.state} in Intacct now." if bill else "The bill is gone from Intacct."
            words = f"Intacct did not take it: {short(message, longest=LONGEST_WORDS)}\n{state}"
            told = replace(decision, rule="refused by Intacct", outcome=words)
            said = {"answer": message, "code": error.code if error else None, "against": []}
        said |= {"bill": facts.of_bill(bill), "control_id": decision.control_id}
        self.decision = run.advance(told, DecisionState.REJECTED, said)


@dataclass(slots=True, kw_only=True)
class Voiding:
    """A stamp on its way to say void. It is looked for before it is sent: somebody may have seen to it."""

    settler: Run
    decision: Decision
    sent_before: bool = True
    is_done: bool = False

    def check(self, bill: Bill | None) -> None:
        stamp = read_stamp(bill, self.settler.policy.stamp)
        if stamp is None or stamp.decision_id != self.decision.decision_id:
            raise Turned("the stamp is another one by now", bill=bill)

    def keep(self, outcome: Outcome, kind: StampKind) -> None:
        run, state = self.settler, outcome.intent.state
        if state is IntentState.SENT:
            kind.anchor = run.decisions.anchor(self.decision, step="VOIDING")
        elif state is IntentState.DONE:
            self.is_done, self.decision = True, run.voided(self.decision, outcome.found, answer="its stamp says void")
        elif state is IntentState.REFUSED:
            error = outcome.error
            said = short(error.message if error else "", longest=LONGEST_WORDS)
            more = f"Intacct did not take that: {said} Its stamp has to be corrected there."
            more = "" if isinstance(error, Turned) else more
            self.is_done, self.decision = True, run.voided(self.decision, outcome.found, answer=said, more=more)


def with_reasons(decision: Decision, findings: Sequence[Finding]) -> Decision:
    """The first rule that failed gives the name, every one that failed its sentence; one line each."""
    failed = [finding for finding in findings if not finding.passed]
    return replace(decision, rule=failed[0].rule, outcome="\n".join(finding.sentence for finding in failed))
