"""One native approval or decline in Intacct: compared before, read back after, and never sent twice on a guess.

Intacct's workflow has no idempotency key and shows no history, so all there is to look at is the bill's state and when it was
last changed. From Submitted both staying says that nothing arrived. From Partially Approved the state says nothing, since an
approval may leave it there.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.words import bill_name, capital, minute, money, who
from intacct_asana.approvals.write_steps import UNFIT, Step, step_id
from intacct_asana.errors import IntacctAsanaError, OutcomeUnknown, Refused, TryLater, UnexpectedReply
from intacct_asana.flow.write_back import RestWorkflow
from intacct_asana.journal import TWICE, Kind, Outcome
from intacct_asana.ports import Books, NativeWorkflow
from intacct_asana.records import Bill, BillState, Decision, Intent, IntentState, Verdict
from intacct_asana.records.anchors import Anchor
from intacct_asana.records.native import NativeBill
from intacct_asana.text import amount_text, one_line, short

Look = Callable[[], Bill | None]
Check = Callable[[Bill | None], None]
WORD, STATE = "rest_workflow", "state"
WAITING = (BillState.SUBMITTED, BillState.PARTIALLY_APPROVED)
APPROVED = (BillState.POSTED, BillState.SELECTED, BillState.PARTIALLY_PAID, BillState.PAID)
"""States that a bill comes into only when nothing of its approval is due any more."""

ACTS = {Verdict.APPROVE: "approve", Verdict.REJECT: "decline"}
PURCHASING = "purchasing"
UNMOVED = "unmoved"
"""The code of an answer that said yes, after which the bill was what it had been."""

OUR_REASONS = ("gone", UNFIT)
LONGEST_WORDS = 500


class NobodyKnows(OutcomeUnknown):
    """Nothing that can be read tells whether it arrived, and sent again it might count twice: a person has to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The bill as read back: `native` by REST, `bill` by the gateway where it was asked too.

    `answered` says that this very run had the answer to its write before.
    """

    native: NativeBill
    answered: bool = False
    bill: Bill | None = None

    @property
    def shown(self) -> dict[str, str]:
        return {STATE: str(self.native.state)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Natively(Step):
    """The step as the flow file has it. It is not sent as the others are: `NativeKind` does that."""

    word: str = WORD
    noun: str = "native approval"
    stays: str = "What Intacct approved or declined itself stays so."

    def values(self, decision: Decision, bill: Bill, policy: Policy) -> dict[str, str]:
        return {"act": ACTS[decision.signal.verdict]}

    def on_bill(self, bill: Bill, values: Mapping[str, str]) -> dict[str, str]:
        return {STATE: str(bill.state)}

    def missing(self, shown: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
        ended = (BillState.DECLINED,) if values["act"] == "decline" else (BillState.PARTIALLY_APPROVED, *APPROVED)
        return [] if shown.get(STATE) in ended else [STATE]

    def why_not(self, bill: Bill) -> str:
        if bill.state in (*WAITING, *APPROVED):
            return ""
        return f"{capital(bill_name(bill))} is {bill.state} in Intacct, where it does not wait for an approval."

    def send(self, books: Books, bill: Bill, values: Mapping[str, str], *, control_id: str, policy: Policy) -> None:
        raise NotImplementedError

    def did(self, bill: Bill) -> str:
        if bill.state is BillState.PARTIALLY_APPROVED:
            return "One approval is recorded in Intacct itself, where it waits for a further one."
        return f"Intacct itself holds it as {bill.state}."

    def would(self, bill: str) -> str:
        return f"{bill} would be approved or declined in Intacct itself"


NATIVE = Natively()


@dataclass(slots=True, kw_only=True)
class NativeKind(Kind):
    """Approves or declines one bill; what it finds is the bill as Intacct's REST API shows it.

    `look` reads the bill by the gateway, `check` raises one of our errors for a reading on which nothing may be done any more.
    `first` is the bill as it was read by REST when the intent was made.
    """

    workflow: NativeWorkflow
    rules: RestWorkflow
    look: Look = lambda: None
    check: Check = lambda bill: None
    first: NativeBill | None = None
    anchor: Anchor | None = None
    answered: bool = False
    """Whether this very run saw the answer and what was done behind it."""
    refused: set[str] = field(default_factory=set)
    """What was refused in this run, by us or clearly by Intacct: of that try it is known that nothing arrived."""
    name: str = field(default=WORD, init=False)
    exclusive: bool = field(default=True, init=False)
    looks_first: bool = field(default=True, init=False)
    remembered: bool = field(default=True, init=False)

    def send(self, intent: Intent) -> Seen:
        act, key = str(intent.body["act"]), str(intent.body["record_no"])
        before = self.workflow.bill(key)
        try:
            raise_unless_fit(before, intent.body, self.rules, was_out=times_sent(intent) > 1)
            if before and str(before.state) != intent.body["from_state"]:
                raise TryLater(f"Bill {key} became {before.state} just now; nothing was sent, and the next run looks again.")
            self.check(self.look())
            (self.workflow.approve if act == "approve" else self.workflow.decline)(key, notes=str(intent.body["notes"]))
        except Refused:
            self.refused.add(intent.intent_id)
            raise
        after = self.workflow.bill(key)
        if after is None or (after.state == intent.body["from_state"] and not stays(intent, after)):
            shown = f"is {after.state} still" if after else "is not there any more"
            raise UnexpectedReply(f"Intacct answered the {act} of bill {key} with success, but it {shown}.", code=UNMOVED)
        self.answered = True
        return Seen(native=after, answered=True, bill=self.look())

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Any]:
        looks = {intent.intent_id: self._look(intent) for intent in intents}
        return {intent_id: look for intent_id, look in looks.items() if look is not None}

    def _look(self, intent: Intent) -> Seen | IntacctAsanaError | None:
        bill = self.workflow.bill(str(intent.body["record_no"])) if times_sent(intent) else self.first
        if bill is None:
            return None
        if self._is_anyones_guess(intent, bill):
            return NobodyKnows(unclear_words(intent, bill))
        return Seen(native=bill, bill=self.look())

    def _is_anyones_guess(self, intent: Intent, bill: NativeBill) -> bool:
        """From Partially Approved always; from Submitted when somebody touched it, after its repeats, after an empty yes."""
        if not self._may_be_out(intent) or str(bill.state) != intent.body["from_state"]:
            return False
        # Declined and submitted anew it looks as if nothing had arrived.
        is_touched = bill.modified_at_text != intent.body["from_modified"]
        said_yes = intent.answer.get("code") == UNMOVED
        # A try that was refused just now did not arrive, and the bill stands as it did before the earlier ones.
        unclear_tries = times_sent(intent) - (intent.intent_id in self.refused)
        return stays(intent, bill) or is_touched or said_yes or unclear_tries > self.rules.repeats

    def same(self, intent: Intent, found: Any) -> bool:
        bill, may_be_out = found.native, self._may_be_out(intent)
        if not may_be_out and differences(bill, intent.body):
            return False
        if intent.body["act"] == "decline":
            return bool(bill.state is BillState.DECLINED)
        was_submitted = intent.body["from_state"] == BillState.SUBMITTED
        moved_on = bill.state is BillState.PARTIALLY_APPROVED and (found.answered or (was_submitted and may_be_out))
        return bill.state in APPROVED or moved_on

    def _may_be_out(self, intent: Intent) -> bool:
        """Whether a try of it may have arrived, as far as anybody here knows."""
        return intent.state.is_in_doubt and times_sent(intent) > (intent.intent_id in self.refused)

    def values(self, intent: Intent) -> dict[str, str]:
        """What goes out, for the evidence."""
        return {name: str(intent.body[name]) for name in ("act", "notes")}

    def next_control_id(self, intent: Intent) -> str:
        """It goes nowhere; what it says is how often a write was sent before its count began anew."""
        base, _, count = intent.control_id.partition("-again")
        return f"{base}-again{int(count or 1) + 1}" if base else f"{intent.intent_id}-sent"


def stays(intent: Intent, bill: NativeBill) -> bool:
    """Whether what was to be done may leave a bill in this state as it is."""
    return intent.body["act"] == "approve" and bill.state is BillState.PARTIALLY_APPROVED


def times_sent(intent: Intent) -> int:
    """How often it left so that something may have arrived."""
    _, _, count = intent.control_id.partition("-again")
    return intent.tries + TWICE * (int(count or 1) - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeApprovals:
    """Intacct's own approval as far as the flow allows it."""

    workflow: NativeWorkflow
    rules: RestWorkflow

    def prepared(
        self, decision: Decision, bill: Bill | None, *, earlier: Intent | None, look: Look, check: Check
    ) -> tuple[NativeKind, Intent]:
        """What the journal needs: the kind of write, and the intent. One that may be out already stays as it was noted.

        Whoever has the journal carry it out keeps `facts_of` each outcome on its row.
        """
        kind = NativeKind(workflow=self.workflow, rules=self.rules, look=look, check=check)
        intent = Intent(intent_id=step_id(NATIVE, decision), kind=kind.name, subject=decision.key, body={})
        if earlier and earlier.state.is_in_doubt and times_sent(earlier):
            return kind, replace(intent, body=earlier.body, control_id=earlier.control_id)
        if bill is None:
            raise TryLater(f"The bill of decision {decision.decision_id} cannot be read; the next run looks again.")
        kind.first = self.workflow.bill(bill.record_no)
        return kind, replace(intent, body=body_of(decision, bill, before=kind.first, longest=self.rules.longest_notes))


def unclear(outcome: Outcome) -> NobodyKnows:
    """Why nobody can tell whether it arrived, of a write that came to no end. Raises what the next run can mend."""
    intent, error = outcome.intent, outcome.error
    if isinstance(error, NobodyKnows):
        return error
    if isinstance(error, OutcomeUnknown | UnexpectedReply):
        name = f"The {intent.body['act']} of bill {intent.body['record_no']}"
        raise TryLater(f"{name} had no clear answer ({error.message}). The next run looks at the bill before it writes.")
    raise error or TryLater(f"{intent.intent_id} was not carried out; the next run goes on with it.")


def facts_of(outcome: Outcome) -> dict[str, object]:
    """What stays on the journal's row, and what evidence may show of it."""
    error, seen = outcome.error, outcome.found
    said: dict[str, object] = {}
    if error:
        said = {"error": type(error).__name__, "said": short(error.message, longest=LONGEST_WORDS), "code": error.code}
    if error and outcome.intent.state is IntentState.REFUSED:
        said["words"] = refused_words(error, seen)
    if seen is None:
        return said
    state = seen.native.state
    if outcome.is_done:
        how = "partly" if state is BillState.PARTIALLY_APPROVED else "done"
        said |= {"how": how, "words": done_words(outcome.intent, seen)}
    return said | {"state": str(state), "answered": seen.answered}


def body_of(decision: Decision, bill: Bill, *, before: NativeBill | None, longest: int) -> dict[str, object]:
    """What is to be done, what the bill has to be for it, as far as both APIs tell it, and how it stood before."""
    return {
        "act": ACTS[decision.signal.verdict],
        "record_no": bill.record_no,
        "from_state": str(before.state) if before else "",
        "from_modified": before.modified_at_text if before else "",
        "bill": bill_name(bill),
        "bill_number": one_line(bill.bill_number),
        "vendor_id": bill.vendor_id,
        "total": amount_text(bill.transaction_total_entered),
        "currency": bill.currency,
        "entity_id": bill.entity_id,
        "notes": notes_of(decision, longest=longest),
    }


def differences(bill: NativeBill, body: Mapping[str, object]) -> list[str]:
    """What of the bill is not what it has to be, in words. A currency or an entity that nobody tells is not compared."""
    total, currency = Decimal(str(body["total"])), str(body["currency"])
    found = {
        "number": (one_line(bill.bill_number), body["bill_number"]),
        "vendor": (bill.vendor_id, body["vendor_id"]),
        "total": (money(bill.total, bill.currency or currency), money(total, currency or bill.currency)),
        "entity": (bill.entity_id or body["entity_id"], body["entity_id"] or bill.entity_id),
    }
    said = {what: (one_line(str(now)) or "empty", then or "empty") for what, (now, then) in found.items()}
    return [f"its {what} is {now}, not {then}" for what, (now, then) in said.items() if now != then]


def raise_unless_fit(
    bill: NativeBill | None, body: Mapping[str, object], rules: RestWorkflow, *, was_out: bool = False
) -> None:
    """Raises Refused, with every reason, for a bill that must not be approved or declined, as it is now.

    `was_out` says that it was sent before, and that nobody knows what came of that.
    """
    act, name = str(body["act"]), str(body["bill"])
    if bill is None:
        sent = f"It is not known whether Intacct had {act}d it before that." if was_out else "Nothing was sent."
        raise Refused(f"Intacct has no {name} any more (record {body['record_no']}). {sent}", code="gone")
    against = list(differences(bill, body))
    if not (rules.approve if act == "approve" else rules.decline):
        against.append(f"this flow does not {act} in Intacct (`rest_workflow`)")
    if bill.module == PURCHASING:
        against.append("it comes from Purchasing, which has an approval of its own")
    if bill.on_hold and act == "approve" and rules.on_hold == "refuse":
        against.append("it is on hold")
    if bill.state not in WAITING:
        against.append(f"it is {bill.state}, and only a bill that is Submitted can be {act}d")
    elif bill.state is BillState.PARTIALLY_APPROVED and act == "approve" and rules.partly_approved == "refuse":
        against.append("it is Partially Approved, and this flow leaves further approvals to people in Intacct")
    if against:
        raise Refused(f"Intacct was not asked to {act} {name}: {'; '.join(against)}.", code=UNFIT)


def notes_of(decision: Decision, *, longest: int) -> str:
    """Person, time and decision id, and the task where it fits: plain ASCII, since nobody says what a note may hold."""
    signal, verb = decision.signal, {"approve": "Approved", "decline": "Rejected"}[ACTS[decision.signal.verdict]]
    ending = f" in Asana, {minute(signal.decided_at)}, decision {decision.decision_id}."
    name = short(_plain(who(decision)), longest=max(10, longest - len(ending) - 16)).replace("…", "...")
    text = f"{verb} by {name}{ending}"
    more = f"{text} {_plain(decision.task_url)}"
    return more if decision.task_url and len(more) <= longest else text[:longest]


def done_words(intent: Intent, seen: Seen) -> str:
    name, state = str(intent.body["bill"]), seen.native.state
    if state is BillState.PARTIALLY_APPROVED:
        return f"One approval of {name} is recorded in Intacct. It is {state} there and waits for a further approval."
    did = "Declined" if intent.body["act"] == "decline" else "Approved"
    if not times_sent(intent):
        return f"Nothing was left to do in Intacct: {name} is {state} there already."
    return f"{did} in Intacct itself: {name} is {state} there."


def refused_words(error: IntacctAsanaError, seen: Seen | None) -> str:
    """Our own reasons as they are; Intacct's in a sentence, with the state that the bill is in."""
    said = short(error.message, longest=LONGEST_WORDS)
    if error.code in OUR_REASONS:
        return said
    state = f"The bill is {seen.native.state} in Intacct now." if seen else "The bill is gone from Intacct."
    return f"Intacct did not take it: {said}\n{state}"


def unclear_words(intent: Intent, bill: NativeBill) -> str:
    act = str(intent.body["act"])
    return (
        f"Whether Intacct took the {act} of {intent.body['bill']} is not known: no clear answer came, and the bill is still "
        f"{bill.state} there. It is not sent again, since it might count twice. Please look at the bill's approval history in "
        f"Intacct, and {act} it there if that is missing."
    )


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", one_line(text))
    return "".join(each if each.isascii() else "?" for each in letters if not unicodedata.combining(each))
