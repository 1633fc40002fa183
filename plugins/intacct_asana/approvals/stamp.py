"""One write onto a bill, of a decision's step or of what takes it back, from before it is noted until its end is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType

from intacct_asana.approvals.grants import sorted_out
from intacct_asana.approvals.native import NATIVE, OUR_REASONS, NativeApprovals, NativeKind
from intacct_asana.approvals.onward.payment_request import PAYMENT_REQUEST
from intacct_asana.approvals.onward.purchasing import PURCHASING
from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.rules import (
    BEFORE_WRITING,
    NOT_READY,
    STILL_THE_BILL,
    answers_of,
    choice_counts_as_it_is,
    choice_stands,
)
from intacct_asana.approvals.seen import Asked, Case, Facts, Finding, bill_facts, changed_facts, shown_to, with_reasons
from intacct_asana.approvals.standing import still_holds
from intacct_asana.approvals.steps import by_policy, given_before
from intacct_asana.approvals.words import (
    CHANGED,
    bill_name,
    is_stamp_of,
    minute,
    read_stamp,
    stamp_on,
    void_values,
    void_words,
)
from intacct_asana.approvals.write_steps import (
    HELD,
    HOLD,
    ON_BILL,
    RELEASED,
    STAMP,
    STEPS,
    Step,
    StepKind,
    Turned,
    control_id_of,
    done_words,
    step_id,
)
from intacct_asana.errors import OutcomeUnknown, Refused, TryLater
from intacct_asana.journal import Outcome, carry_out
from intacct_asana.ports import Books, Decisions, Journal, Links, TaskBoard
from intacct_asana.records import (
    SETTLED_STATES,
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
from intacct_asana.sync.writes import write_anew
from intacct_asana.text import short

FindBill = Callable[[Decision], Bill | None]
"""The decision's bill as it is now, also when Purchasing recreated it under a new record number."""
LONGEST_WORDS = 500
EVERY_STEP: Mapping[str, Step] = MappingProxyType(
    {**STEPS, **{step.word: step for step in (NATIVE, PURCHASING, PAYMENT_REQUEST)}}
)
COUNTER = "counter-decision"
"""Rule of a rejection that was carried out on an approved bill."""


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
    watch: Callable[[Case], Case] = lambda case: case
    native: NativeApprovals | None = None
    """Intacct's own approval, where the flow has decisions carried out so."""
    away_since: datetime | None = None
    """Since when Intacct does not answer, as far as the runs before this one could tell."""
    owner: str = "settle_decisions"
    names: dict[str, str] = field(default_factory=dict)
    only: frozenset[str] | None = None
    """Keys of the bills that this run is about; None for all."""
    bills: dict[str, Bill] = field(default_factory=dict)
    """Those that were read, by key, for whoever tells what the run did."""

    def advance(self, decision: Decision, to: DecisionState, said: Facts, *, at: datetime | None = None) -> Decision:
        return self.decisions.advance(decision, to=to, facts=said, at=at or self.now())

    def stories(self, task_gid: str) -> Sequence[Story] | None:
        """The task's stories as they stand now, None when the task is gone: people may have changed their minds since."""
        try:
            return self.board.stories(task_gid)
        except Refused:
            if self.board.task(task_gid) is None:
                return None
            raise

    def histories(self, decision: Decision, grants: Sequence[Decision], *, also: str = "") -> dict[str, Sequence[Story] | None]:
        """Stories of `also` and of the subtasks on which the earlier steps were given: each where it is not the decision's."""
        there = [one.signal.task_gid for one in grants if one.signal.task_gid != one.task_gid]
        wanted = {*there, also} - {decision.signal.task_gid, ""}
        return {gid: self.stories(gid) for gid in sorted(wanted)}

    def find_whole(self, decision: Decision) -> Bill | None:
        if bill := self.find_bill(decision):
            self.bills[decision.key] = bill
        return self.read_files(bill) if bill else None

    def today(self) -> date:
        return self.now().astimezone(self.policy.timezone).date()

    def steps_for(self, decision: Decision) -> list[Step]:
        if decision.rule == COUNTER and self.policy.approval.counter_decision == "hold":
            return [HELD]
        return [EVERY_STEP[word] for word in self.policy.steps_for(decision.signal.verdict)]

    def carried(self, intent: Intent, write: Writing | Undoing) -> Decision:
        kind = StepKind(
            step=write.step,
            books=self.books,
            policy=self.policy,
            look=write.look,
            check=write.check,
            looks_first=write.sent_before or write.step.looks_first,
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
            called = intent.intent_id.partition("-")[0].replace("_", " ")
            what = f"The {called} of decision {write.decision.decision_id} had no clear answer"
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
        words = words or void_words(decision, shown, bill, others=given_before(decision, self.decisions.of(decision.key)))
        told = replace(
            decision,
            rule=CHANGED,
            outcome="\n".join([words, *self._left_behind(decision)]),
            record_no=bill.record_no,
            editor=self._person_who_changed(bill, decision, shown),
            progress="",
        )
        self.bring_files(decision, shown, bill)
        return self.advance(told, DecisionState.VOIDING, changed_facts(shown, bill))

    def _left_behind(self, decision: Decision) -> list[str]:
        """What is done in Intacct, or may be, and is not taken back."""
        steps = {step_id(step, decision): step for step in self.steps_for(decision) if step.warns}
        rows = self.journal.of(list(steps)) if steps else {}
        return [step.warns for one, step in steps.items() if one in rows and rows[one].turn]

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

    # UNDOING, VOIDING: take back what was written

    def begin_undo(self, decision: Decision, bill: Bill | None, said: Facts, *, done: Sequence[Step]) -> Decision:
        """A later step cannot be done, so those before it are taken back. What stays is said."""
        shown, stays = shown_to(decision, self.links), [step.stays for step in done if step.stays]
        told = replace(
            decision,
            outcome="\n".join([decision.outcome, "What was written before that is taken back.", *stays]),
            record_no=bill.record_no if bill else decision.record_no,
            editor=self._person_who_changed(bill, decision, shown) if bill else decision.editor,
        )
        return self.advance(told, DecisionState.UNDOING, said)

    def take_back(self, decision: Decision) -> Decision:
        """One write more, or the end: a hold that was lifted is set again first, then the stamp says that it is void.

        What was begun is ended, whatever the bill shows by now: until then no other write onto this bill may be on its way.
        """
        self.end_stamp(decision)
        bill = self.find_bill(decision)
        record_no = bill.record_no if bill else decision.record_no
        if self._is_to_be_held(decision, bill):
            body = {"record_no": record_no, "values": {HOLD: "true"}}
            control_id = control_id_of(decision, record_no, what="held-again")
            held = Intent(intent_id=_held_again(decision), kind=ON_BILL, subject=decision.key, body=body, control_id=control_id)
            return self.carried(held, Undoing(writer=self, decision=decision, step=HELD))
        return self._unstamp(decision, bill, record_no=record_no)

    def end_stamp(self, decision: Decision, *, but_on: str = "") -> None:
        """A stamp that is on its way again, onto another record than `but_on`, is looked for and not sent any more."""
        row = self.journal.of([step_id(STAMP, decision)]).get(step_id(STAMP, decision))
        if row and row.state.is_open and row.body["record_no"] != but_on:
            self.carried(row, Undoing(writer=self, decision=decision, step=STAMP, is_wanted=False))

    def _is_to_be_held(self, decision: Decision, bill: Bill | None) -> bool:
        """Once a decision: whoever lifts the hold after that does so on purpose."""
        rows = self.journal.of([step_id(RELEASED, decision), _held_again(decision)])
        lifted, held = rows.get(step_id(RELEASED, decision)), rows.get(_held_again(decision))
        if held is not None:
            return held.state.is_open
        if bill is None or bill.on_hold or bill.state in NOT_READY or bill.state in SETTLED_STATES:
            return False
        return lifted is not None and lifted.turn > 0

    def _unstamp(self, decision: Decision, bill: Bill | None, *, record_no: str) -> Decision:
        """Have the stamp say that it is void, where it is still this decision's."""
        stamp, names = read_stamp(bill, self.policy.stamp), self.policy.stamp
        void = f"void-{decision.decision_id}"
        begun = self.journal.of([void]).get(void)
        if names is None:
            if begun and begun.state.is_open:
                # The flow stamps no more: what was begun before that is looked for, and ended.
                self.carried(begun, Undoing(writer=self, decision=decision, step=STAMP, is_wanted=False))
            return self.taken_back(decision, bill, answer="its stamp is not on the bill")
        if begun is None or not begun.state.is_open:
            if bill is None or stamp is None or not is_stamp_of(stamp, decision):
                return self.taken_back(decision, bill, answer="its stamp is not on the bill")
            if bill.state in NOT_READY:
                # An update might submit it. Once it is submitted it is looked at again.
                more = f"The bill is {bill.state}, so its stamp says so only when it has been submitted."
                return self.taken_back(decision, bill, answer="not written", more=more)
        plain = control_id_of(decision, record_no, what="void")
        newest = self.decisions.anchor(decision, step=str(decision.state))
        intent = Intent(
            intent_id=void,
            kind=ON_BILL,
            subject=decision.key,
            body={"record_no": record_no, "values": void_values(decision, names)},
            # Whoever voids the same decision a second time sends a write of its own.
            control_id=f"{plain}-{newest.sequence}" if newest else plain,
        )
        return self.carried(intent, Undoing(writer=self, decision=decision, step=STAMP))

    def taken_back(self, decision: Decision, bill: Bill | None, *, answer: str, more: str = "") -> Decision:
        told = replace(decision, outcome=f"{decision.outcome}\n{more}".strip())
        said: Facts = {"answer": answer, "bill": bill_facts(bill), "values": stamp_on(bill, self._void_names())}
        end = DecisionState.VOID if decision.state is DecisionState.VOIDING else DecisionState.REJECTED
        return self.advance(told, end, said)

    def _void_names(self) -> Mapping[str, str]:
        names = self.policy.stamp
        return {names.decision: "", names.decision_id: ""} if names else {}


@dataclass(slots=True, kw_only=True)
class Writing:
    """A step under way: what may stop it, and what is kept with each state of its write.

    `done` are the steps before it, `later` those after it. The decision is confirmed with the last one.
    """

    writer: Writer
    decision: Decision
    bill: Bill | None
    sent_before: bool
    step: Step = STAMP
    done: Sequence[Step] = ()
    later: Sequence[Step] = ()
    is_done: bool = False

    def look(self) -> Bill | None:
        return self.writer.find_whole(self.decision)

    def check(self, bill: Bill | None) -> None:
        """Raises Turned for another bill than the one that was judged, or a choice that was taken back meanwhile.

        What a later step needs is asked too, since a sequence is not begun that cannot be ended.
        """
        run, decision = self.writer, self.decision
        others = [one for one in run.decisions.of(decision.key) if one.decision_id != decision.decision_id]
        grants = [one for one in others if one.state is DecisionState.GRANTED]
        case = Case(
            decision=decision,
            policy=run.policy,
            person=None,
            stories=run.stories(decision.signal.task_gid) if self.sent_before or grants else (),
            histories=run.histories(decision, grants),
            bill=bill,
            others=others,
            shown={one.decision_id: shown_to(one, run.links) for one in (*grants, decision)},
            users=run.asked.users() if run.policy.approval.segregation_of_duties else None,
            own_login=run.asked.own_login(),
            vendor=run.asked.vendor(bill, run.policy.approval),
            name_of=run.name_of,
            known_editor=decision.editor,
            may_be_draft=self.step.is_for_drafts,
        )
        if grants:
            case = replace(case, granted=sorted_out(case, at=decision.signal.decided_at)[0])
        stands = decision.state is DecisionState.CONFIRMED
        guards = STILL_THE_BILL if stands else (choice_counts_as_it_is, choice_stands, *BEFORE_WRITING)
        failed = [one for one in answers_of(guards, case) if not one.passed]
        why = [said for step in (self.step, *self.later) if bill and (said := step.why_not(bill))]
        failed += [Finding(rule="can be written", passed=False, said=said) for said in why]
        if failed:
            raise Turned(failed[0].sentence, bill=bill, findings=failed)

    def keep(self, outcome: Outcome, kind: StepKind | NativeKind) -> None:
        state = outcome.intent.state
        if state is IntentState.SENT:
            self._sent(outcome.intent, kind)
        elif state is IntentState.DONE:
            self._there(outcome, kind)
        elif state is IntentState.REFUSED:
            self._refused(outcome)

    def _sent(self, intent: Intent, kind: StepKind | NativeKind) -> None:
        """The evidence of the write is kept first, so that the stamp can carry its anchor."""
        run, decision = self.writer, self.decision
        ready = replace(decision, control_id=intent.control_id, record_no=str(intent.body["record_no"]))
        values = kind.values(intent)
        before = self.step.on_bill(self.bill, values) if self.bill else {}
        said: Facts = {"values": values, "before": before, "bill": bill_facts(self.bill), **self._named()}
        if decision.state is DecisionState.CLEARED:
            self.decision = run.advance(ready, DecisionState.SUBMITTED, said)
        elif decision.state is DecisionState.SUBMITTED and intent.control_id != decision.control_id:
            said = said if intent.turn == 1 else {"sent_again_as": intent.control_id}
            self.decision = run.advance(ready, DecisionState.SUBMITTED, said)
        kind.anchor = run.decisions.anchor(self.decision)

    def _there(self, outcome: Outcome, kind: StepKind | NativeKind) -> None:
        """Confirmed only on a bill that, as read after the last write, still is what was decided on."""
        run, decision, bill = self.writer, self.decision, outcome.found.bill
        shown = shown_to(decision, run.links)
        self.is_done = True
        if decision.state is DecisionState.CLEARED:
            # It was so before anything was sent.
            decision = run.advance(decision, DecisionState.SUBMITTED, {"values": {}, "bill": bill_facts(bill), **self._named()})
        if not still_holds(decision, bill, shown):
            self.decision = run.begin_void(decision, bill, shown)
            return
        at = run.now()
        said: Facts = {
            "answer": "success" if kind.answered else "no answer kept; found on the bill when it was read back",
            "after": dict(outcome.found.shown),
            "bill": bill_facts(bill),
            "control_id": outcome.intent.control_id,
            **self._named(),
        }
        told = replace(decision, record_no=bill.record_no)
        if self.later:
            self.decision = run.advance(told, DecisionState.SUBMITTED, said, at=at)
            return
        by = by_policy(decision, bill, run.policy, decided=run.decisions.of(decision.key), names=run.names)
        words = [done_words((*self.done, self.step), bill, at=minute(at)), *([by.words] if by.words else [])]
        told = replace(told, outcome=" ".join(words), progress=by.progress)
        self.decision = run.advance(told, DecisionState.CONFIRMED, {**said, **by.facts}, at=at)

    def _refused(self, outcome: Outcome) -> None:
        run, error, decision = self.writer, outcome.error, self.decision
        if decision.state is DecisionState.CONFIRMED:
            return
        self.is_done = True
        shown = shown_to(decision, run.links)
        if isinstance(error, Turned):
            told, bill = with_reasons(decision, error.findings), error.bill
            against = [{"rule": one.rule, "said": one.said} for one in error.findings]
            if bill:
                run.bring_files(decision, shown, bill)
            said: Facts = {"answer": "not sent", "code": None, "against": against}
        else:
            bill, message = outcome.found.bill if outcome.found else None, error.message if error else ""
            state = f"The bill is {bill.state} in Intacct now." if bill else "The bill is gone from Intacct."
            words = short(message, longest=LONGEST_WORDS)
            if not (error and error.code in OUR_REASONS):
                words = f"Intacct did not take it: {words}\n{state}"
            told = replace(decision, rule="refused by Intacct", outcome=words)
            said = {"answer": message, "code": error.code if error else None, "against": []}
        said |= {"bill": bill_facts(bill), "control_id": decision.control_id, **self._named()}
        if not self.done:
            self.decision = run.advance(told, DecisionState.REJECTED, said)
        elif bill and not still_holds(decision, bill, shown):
            self.decision = run.begin_void(decision, bill, shown)
        else:
            self.decision = run.begin_undo(told, bill, said, done=self.done)

    def _named(self) -> Facts:
        """Which step it is, where there are several."""
        return {"write": self.step.word} if self.done or self.later or self.step is not STAMP else {}


@dataclass(slots=True, kw_only=True)
class Undoing:
    """What takes a step back, on its way: a stamp to say void, a hold set again. It is looked for before it is sent.

    A write that is wanted no more (`is_wanted`) is looked for alone: found it counts as done, and it is not sent.
    """

    writer: Writer
    decision: Decision
    step: Step
    sent_before: bool = True
    is_wanted: bool = True
    is_done: bool = False

    def look(self) -> Bill | None:
        return self.writer.find_bill(self.decision)

    def check(self, bill: Bill | None) -> None:
        if not self.is_wanted:
            raise Turned("it is wanted no more", bill=bill)
        if bill is not None and self.step is STAMP and bill.state in NOT_READY:
            raise Turned(f"the bill is {bill.state}, and an update might submit it", bill=bill)
        if self.step is not STAMP:
            if bill is None or bill.state in NOT_READY or bill.state in SETTLED_STATES:
                raise Turned("the bill cannot be put on hold any more", bill=bill)
            return
        stamp = read_stamp(bill, self.writer.policy.stamp)
        if stamp is None or not is_stamp_of(stamp, self.decision):
            raise Turned("the stamp is another one by now", bill=bill)

    def keep(self, outcome: Outcome, kind: StepKind) -> None:
        run, state, error = self.writer, outcome.intent.state, outcome.error
        answer, more, mend = BACK[self.step.word]
        if not self.is_wanted:
            self.is_done = not state.is_open
        elif state is IntentState.SENT:
            kind.anchor = run.decisions.anchor(self.decision, step=str(self.decision.state))
        elif state is IntentState.DONE:
            self._end(outcome.found.bill, answer=answer, more=more)
        elif state is IntentState.REFUSED:
            said = short(error.message if error else "", longest=LONGEST_WORDS)
            more = "" if isinstance(error, Turned) else f"Intacct did not take that: {said} {mend}"
            self._end(outcome.found.bill if outcome.found else None, answer=said, more=more)

    def _end(self, bill: Bill | None, *, answer: str, more: str) -> None:
        run, decision = self.writer, self.decision
        self.is_done = True
        if self.step is STAMP:
            self.decision = run.taken_back(decision, bill, answer=answer, more=more)
            return
        told = replace(decision, outcome=f"{decision.outcome}\n{more}".strip())
        self.decision = run.advance(told, decision.state, {"answer": answer, "write": self.step.word, "bill": bill_facts(bill)})


BACK = {
    STAMP.word: ("its stamp says void", "", "Its stamp has to be corrected there."),
    HELD.word: ("it is on hold again", "It is on hold in Intacct again.", "It has to be put on hold there."),
}
"""Of each write that takes a step back: what the evidence says, what people hear, and what to do where Intacct refuses it."""


def _held_again(decision: Decision) -> str:
    return f"held_again-{decision.decision_id}"
