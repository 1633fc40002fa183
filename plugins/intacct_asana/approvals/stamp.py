"""One write onto a bill, of a stamp or of its becoming void, from before it is noted until what became of it is kept.

Both are one kind of write to the journal, exclusive for each bill: two of them can never race.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from intacct_asana.approvals.grants import sorted_out
from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.rules import BEFORE_WRITING, NOT_READY, answers_of, choice_counts_as_it_is, choice_stands
from intacct_asana.approvals.seen import Asked, Case, Facts, Finding, bill_facts, shown_to
from intacct_asana.approvals.standing import still_holds
from intacct_asana.approvals.steps import by_policy, given_before
from intacct_asana.approvals.words import (
    CHANGED,
    bill_name,
    changes,
    differences,
    is_stamp_of,
    minute,
    read_stamp,
    stamp_on,
    void_values,
    void_words,
)
from intacct_asana.errors import OutcomeUnknown, Refused, TryLater, UnexpectedReply
from intacct_asana.journal import Kind, Outcome, carry_out
from intacct_asana.ports import Books, Decisions, Journal, Links, TaskBoard
from intacct_asana.records import (
    Bill,
    Decision,
    DecisionState,
    Intent,
    IntentState,
    Snapshot,
    Story,
    files_differ,
    shows,
)
from intacct_asana.records.anchors import Anchor, anchor_text
from intacct_asana.sync.writes import write_anew
from intacct_asana.text import short

FindBill = Callable[[Decision], Bill | None]
"""The decision's bill as it is now, also when Purchasing recreated it under a new record number."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One run's ports and rules, and its writes onto bills. `now` gives aware UTC instants, `owner` names us to the journal.

    `read_files` gives a bill the digest of what hangs on it. A stamp is for that too; that one is void waits for nothing.
    """

    books: Books
    board: TaskBoard
    decisions: Decisions
    links: Links
    journal: Journal
    policy: Policy
    asked: Asked
    find_bill: FindBill
    now: Callable[[], datetime]
    read_files: Callable[[Bill], Bill] = lambda bill: bill
    owner: str = "settle_decisions"
    names: dict[str, str] = field(default_factory=dict)

    def advance(self, decision: Decision, to: DecisionState, said: Facts, *, at: datetime | None = None) -> Decision:
        return self.decisions.advance(decision, to=to, facts=said, at=at or self.now())

    def stories(self, decision: Decision) -> Sequence[Story] | None:
        """The task's stories as they stand now, None when the task is gone: people may have changed their minds since."""
        try:
            return self.board.stories(decision.task_gid)
        except Refused:
            if self.board.task(decision.task_gid) is None:
                return None
            raise

    def find_whole(self, decision: Decision) -> Bill | None:
        bill = self.find_bill(decision)
        return self.read_files(bill) if bill else None

    def carried(self, intent: Intent, write: Stamping | Voiding) -> Decision:
        kind = StampKind(
            books=self.books,
            policy=self.policy,
            look=write.look,
            check=write.check,
            looks_first=write.sent_before,
        )
        keep = lambda outcome: write.keep(outcome, kind)  # noqa: E731 - the journal's own name for it
        with closing(
            carry_out([intent], kinds=[kind], journal=self.journal, keep=keep, owner=self.owner, now=self.now, workers=1)
        ) as outcomes:
            ended = list(outcomes)
        if write.is_done:
            return write.decision
        error = next((outcome.error for outcome in ended if outcome.error), None)
        if isinstance(error, OutcomeUnknown):
            # It was looked for since: as far as anybody can see, nothing happened.
            what = f"The {intent.intent_id.partition('-')[0]} of decision {write.decision.decision_id} had no clear answer"
            stays = f"The decision stays {write.decision.state}; the next run reads the bill again before it writes."
            raise TryLater(f"{what} ({error.message}) and was not seen on the bill. {stays}", code=error.code)
        raise error or TryLater(f"Decision {write.decision.decision_id} was not carried out; the next run goes on with it.")

    def write_anew(self, key: str, parts: Collection[str]) -> None:
        """Have the next bill sync read the bill and write these parts of its task, whether it changed or not."""
        write_anew(self.journal, kind="bill", key=key, parts=parts, at=self.now())

    def bring_files(self, decision: Decision, shown: Snapshot | None, bill: Bill) -> None:
        """Other files touch no bill, so the bill sync has to be told: it reads them, and has the task carry and show them."""
        if shown and files_differ(shown, bill):
            self.write_anew(decision.key, ["name"])

    def begin_void(self, decision: Decision, bill: Bill, shown: Snapshot | None, *, words: str = "") -> Decision:
        told = replace(
            decision,
            rule=CHANGED,
            outcome=words or void_words(decision, shown, bill, others=given_before(decision, self.decisions.of(decision.key))),
            record_no=bill.record_no,
            editor=self._person_who_changed(bill, decision, shown),
            progress="",
        )
        self.bring_files(decision, shown, bill)
        return self.advance(told, DecisionState.VOIDING, changed_facts(shown, bill))

    def name_of(self, email: str) -> str:
        """A person's name as Asana has it, asked for once a run; the address of somebody whom nobody knows."""
        if email not in self.names:
            gid = self.policy.pinned(email)
            person = self.board.person(gid) if gid else None
            self.names[email] = short(person.name, longest=80) if person and person.name else email
        return self.names[email]

    def begin_late_void(self, decision: Decision, bill: Bill) -> Decision:
        late = f"A stamp that had been given up turned up on {bill_name(bill)} afterwards. It does not count."
        told = replace(decision, outcome=late if decision.state is DecisionState.REJECTED else decision.outcome)
        return self.advance(told, DecisionState.VOIDING, {"answer": "found on the bill afterwards", "bill": bill_facts(bill)})

    def _person_who_changed(self, bill: Bill, decision: Decision, shown: Snapshot | None) -> str:
        """Empty where Intacct names us, or nobody: who it was cannot be known then.

        Where other files are all that is new, nobody touched the bill itself since we wrote on it.
        """
        if bill.modified_by.casefold() != self.asked.own_login().casefold():
            return bill.modified_by
        only_files = shown is not None and shows(shown, replace(bill, document_digest=""))
        return decision.editor if only_files else ""

    def unstamp(self, decision: Decision) -> Decision:
        """Have the stamp say that it is void, where it is still this decision's."""
        bill = self.find_bill(decision)
        stamp = read_stamp(bill, self.policy.stamp)
        names = self.policy.stamp
        if names is None or bill is None or stamp is None or not is_stamp_of(stamp, decision):
            return self.voided(decision, bill, answer="its stamp is not on the bill")
        if bill.state in NOT_READY:
            # An update might submit it. Once it is submitted it is looked at again.
            more = f"The bill is {bill.state}, so its stamp says so only when it has been submitted."
            return self.voided(decision, bill, answer="not written", more=more)
        plain = control_id_of(decision, bill.record_no, what="void")
        newest = self.decisions.anchor(decision, step="VOIDING")
        intent = Intent(
            intent_id=f"void-{decision.decision_id}",
            kind="stamp",
            subject=decision.key,
            body={"record_no": bill.record_no, "values": void_values(decision, names)},
            # Whoever voids the same decision a second time sends a write of its own.
            control_id=f"{plain}-{newest.sequence}" if newest else plain,
        )
        return self.carried(intent, Voiding(writer=self, decision=decision))

    def voided(self, decision: Decision, bill: Bill | None, *, answer: str, more: str = "") -> Decision:
        told = replace(decision, outcome=f"{decision.outcome}\n{more}".strip())
        said: Facts = {"answer": answer, "bill": bill_facts(bill), "values": stamp_on(bill, self._void_names())}
        return self.advance(told, DecisionState.VOID, said)

    def _void_names(self) -> Mapping[str, str]:
        names = self.policy.stamp
        return {names.decision: "", names.decision_id: ""} if names else {}


@dataclass(slots=True, kw_only=True)
class Stamping:
    """A stamp under way: what may stop it, and what is kept with each step of its write."""

    writer: Writer
    decision: Decision
    bill: Bill | None
    sent_before: bool
    is_done: bool = False

    def look(self) -> Bill | None:
        return self.writer.find_whole(self.decision)

    def check(self, bill: Bill | None) -> None:
        """Raises Turned for another bill than the one that was judged, or a choice that was taken back meanwhile."""
        run, decision = self.writer, self.decision
        others = [one for one in run.decisions.of(decision.key) if one.decision_id != decision.decision_id]
        grants = [one for one in others if one.state is DecisionState.GRANTED]
        case = Case(
            decision=decision,
            policy=run.policy,
            person=None,
            stories=run.stories(decision) if self.sent_before or grants else (),
            bill=bill,
            others=others,
            shown={one.decision_id: shown_to(one, run.links) for one in (*grants, decision)},
            users=run.asked.users() if run.policy.approval.segregation_of_duties else None,
            own_login=run.asked.own_login(),
            name_of=run.name_of,
        )
        if grants:
            case = replace(case, granted=sorted_out(case, at=decision.signal.decided_at)[0])
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
        run, decision = self.writer, self.decision
        ready = replace(decision, control_id=intent.control_id, record_no=str(intent.body["record_no"]))
        values = kind.values(intent)
        said: Facts = {"values": values, "before": stamp_on(self.bill, values), "bill": bill_facts(self.bill)}
        if decision.state is DecisionState.CLEARED:
            self.decision = run.advance(ready, DecisionState.SUBMITTED, said)
        elif decision.state is DecisionState.SUBMITTED and intent.control_id != decision.control_id:
            self.decision = run.advance(ready, DecisionState.SUBMITTED, {"sent_again_as": intent.control_id})
        kind.anchor = run.decisions.anchor(self.decision)

    def _there(self, outcome: Outcome, kind: StampKind) -> None:
        """Confirmed only on a bill that, as read after the write, still is what was decided on."""
        run, decision, bill = self.writer, self.decision, outcome.found
        shown = shown_to(decision, run.links)
        self.is_done = True
        if not still_holds(decision, bill, shown):
            self.decision = run.begin_void(decision, bill, shown)
            return
        at = run.now()
        by = by_policy(decision, bill, run.policy, decided=run.decisions.of(decision.key), names=run.names)
        words = " ".join([f"Recorded in Intacct on {bill_name(bill)} at {minute(at)}.", *([by.words] if by.words else [])])
        told = replace(decision, outcome=words, record_no=bill.record_no, progress=by.progress)
        answer = "success" if kind.answered else "no answer kept; found on the bill when it was read back"
        held = stamp_on(bill, kind.values(outcome.intent))
        said: Facts = {
            "answer": answer,
            "after": held,
            "bill": bill_facts(bill),
            "control_id": outcome.intent.control_id,
            **by.facts,
        }
        self.decision = run.advance(told, DecisionState.CONFIRMED, said, at=at)

    def _refused(self, outcome: Outcome) -> None:
        run, error, decision = self.writer, outcome.error, self.decision
        if decision.state is DecisionState.CONFIRMED:
            return
        self.is_done = True
        if isinstance(error, Turned):
            told, bill = with_reasons(decision, error.findings), error.bill
            against = [{"rule": one.rule, "said": one.said} for one in error.findings]
            if bill:
                run.bring_files(decision, shown_to(decision, run.links), bill)
            said: Facts = {"answer": "not sent", "code": None, "against": against}
        else:
            bill, message = outcome.found, error.message if error else ""
            state = f"The bill is {bill.state} in Intacct now." if bill else "The bill is gone from Intacct."
            words = f"Intacct did not take it: {short(message, longest=LONGEST_WORDS)}\n{state}"
            told = replace(decision, rule="refused by Intacct", outcome=words)
            said = {"answer": message, "code": error.code if error else None, "against": []}
        said |= {"bill": bill_facts(bill), "control_id": decision.control_id}
        self.decision = run.advance(told, DecisionState.REJECTED, said)


@dataclass(slots=True, kw_only=True)
class Voiding:
    """A stamp on its way to say void. It is looked for before it is sent: somebody may have seen to it."""

    writer: Writer
    decision: Decision
    sent_before: bool = True
    is_done: bool = False

    def look(self) -> Bill | None:
        return self.writer.find_bill(self.decision)

    def check(self, bill: Bill | None) -> None:
        stamp = read_stamp(bill, self.writer.policy.stamp)
        if stamp is None or not is_stamp_of(stamp, self.decision):
            raise Turned("the stamp is another one by now", bill=bill)

    def keep(self, outcome: Outcome, kind: StampKind) -> None:
        run, state = self.writer, outcome.intent.state
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


def changed_facts(shown: Snapshot | None, bill: Bill) -> Facts:
    changed = [
        {"what": one.what, "happened": one.happened} if one.happened else {"what": one.what, "was": one.was, "is": one.now}
        for one in changes(shown, bill)
    ]
    return {"changed": changed, "shown": shown.body if shown else {}, "bill": bill_facts(bill)}


def control_id_of(decision: Decision, record_no: str, *, what: str) -> str:
    """Deterministic, so that Intacct itself refuses a repeat; 32 characters.

    Another one when Purchasing recreated the bill after the first was sent: that may have been carried out on the record that
    is gone, and Intacct would refuse its control id for ever.
    """
    plain = f"ia-{decision.decision_id}-{what}"
    return plain if record_no == decision.record_no else f"{plain}-{record_no}"


def with_reasons(decision: Decision, findings: Sequence[Finding]) -> Decision:
    """The first rule that failed gives the name, every one that failed its sentence; one line each."""
    failed = [finding for finding in findings if not finding.passed]
    return replace(decision, rule=failed[0].rule, outcome="\n".join(finding.sentence for finding in failed))
