"""What a cleared decision changes in Intacct: steps of one shape, carried out in the order that the flow names them.

A step says what its write puts where, what Intacct shows of that, when it may not be done, and how people read that it is
done. Each is one kind of write to the journal, exclusive for the bill: two of them can never race. A step that is not a
write over the XML gateway is one more class of this shape with a kind of write of its own (`approvals/native.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, cast

from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.words import bill_name, capital, differences, stamp_on, stamp_values
from intacct_asana.errors import Refused, TryLater, UnexpectedReply
from intacct_asana.journal import Kind
from intacct_asana.ports import Books
from intacct_asana.records import Bill, BillState, Decision, Intent
from intacct_asana.records.anchors import Anchor, anchor_text

ON_BILL = "stamp"
"""How the journal calls every write onto a bill, since the first release: one of them at a time."""
HOLD, STATE = "ONHOLD", "STATE"
MOVED_ON = (
    BillState.SUBMITTED,
    BillState.PARTIALLY_APPROVED,
    BillState.POSTED,
    BillState.SELECTED,
    BillState.PARTIALLY_PAID,
    BillState.PAID,
)
"""States that a draft comes into by being submitted, at once or later."""
AGAIN = "-again"
UNFIT = "unfit"
"""The code of a refusal of our own: nothing was asked of Intacct."""


class Step(Protocol):
    """One step. Derive from it: most need `values`, `shown` and `send` only."""

    word: str
    """As the flow file calls it."""
    noun: str
    """As sentences call it."""
    looks_first: bool = True
    """Whether it is looked for even before it is sent for the first time, since it may be so already."""
    stays: str = ""
    """What people hear when a decision ends after this step and nothing takes it back."""
    warns: str = ""
    """What people hear when a decision becomes void after this step, of what it leaves behind."""
    is_sent_once: bool = False
    """Whether it never goes out under a second control id: better asked for by nobody than twice."""
    is_for_drafts: bool = False
    """Whether a draft may be decided because this step is the first."""

    def values(self, decision: Decision, bill: Bill, policy: Policy) -> dict[str, str]:
        """What it puts where: field to text."""
        ...

    def on_bill(self, bill: Bill, values: Mapping[str, str]) -> dict[str, str]:
        """What those fields hold on this reading of the bill."""
        ...

    def shown(self, books: Books, bill: Bill, values: Mapping[str, str]) -> dict[str, str]:
        """The same, asked of Intacct where the bill itself does not tell it."""
        return self.on_bill(bill, values)

    def missing(self, shown: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
        """What of it is not there."""
        return [name for name, value in values.items() if shown.get(name) != value]

    def why_not(self, bill: Bill) -> str:
        """Why it cannot be done to this bill, and what to do; empty when it can."""
        return ""

    def send(self, books: Books, bill: Bill, values: Mapping[str, str], *, control_id: str, policy: Policy) -> None:
        """Write it once."""
        ...

    def did(self, bill: Bill) -> str:
        """A sentence for people, behind the one that it was recorded."""
        return ""

    def would(self, bill: str) -> str:
        """`would be put on hold`: for a rehearsal."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp(Step):
    """Custom fields of the bill; that a stamp is void is a write of the same form."""

    word: str = "stamp"
    noun: str = "stamp"
    looks_first: bool = False
    stays: str = ""

    def values(self, decision: Decision, bill: Bill, policy: Policy) -> dict[str, str]:
        return stamp_values(decision, bill, policy.stamp, longest=policy.longest_stamp) if policy.stamp else {}

    def on_bill(self, bill: Bill, values: Mapping[str, str]) -> dict[str, str]:
        return stamp_on(bill, values)

    def missing(self, shown: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
        return differences(shown, values)

    def send(self, books: Books, bill: Bill, values: Mapping[str, str], *, control_id: str, policy: Policy) -> None:
        due_on = bill.due_on if policy.send_due_on else None
        books.stamp_bill(bill.record_no, values=values, control_id=control_id, due_on=due_on, submit=policy.send_submit)

    def would(self, bill: str) -> str:
        return f"would be stamped on {bill} in Intacct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(Step):
    """Whether Intacct may pay the bill. Nothing that takes a decision back ever lifts a hold."""

    word: str
    noun: str
    on_hold: bool
    stays: str = ""

    def values(self, decision: Decision, bill: Bill, policy: Policy) -> dict[str, str]:
        return {HOLD: _flag(self.on_hold)}

    def on_bill(self, bill: Bill, values: Mapping[str, str]) -> dict[str, str]:
        return {HOLD: _flag(bill.on_hold)}

    def send(self, books: Books, bill: Bill, values: Mapping[str, str], *, control_id: str, policy: Policy) -> None:
        due_on = bill.due_on if policy.send_due_on else None
        books.hold_bill(bill.record_no, on_hold=self.on_hold, control_id=control_id, due_on=due_on, submit=policy.send_submit)

    def would(self, bill: str) -> str:
        return f"{bill} would be {'put on hold' if self.on_hold else 'released from hold'}"

    def did(self, bill: Bill) -> str:
        return "It is on hold there, so Intacct does not pay it." if self.on_hold else "It is not on hold there."


def _flag(value: object) -> str:
    return "true" if value else "false"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit(Step):
    """A draft goes to Intacct's own approval, or is posted at once where that is off. Nothing else may be written on a draft.

    ACTION is documented for updates, and what follows from it is not: so the state that is read back counts, whatever it is.
    Source: developer.intacct.com/api/accounts-payable/bills/#update-bill
    """

    word: str = "submit"
    noun: str = "submission"
    stays: str = "It stays submitted in Intacct."
    is_for_drafts: bool = True

    def values(self, decision: Decision, bill: Bill, policy: Policy) -> dict[str, str]:
        return {"ACTION": "Submit"}

    def on_bill(self, bill: Bill, values: Mapping[str, str]) -> dict[str, str]:
        return {STATE: str(bill.state)}

    def missing(self, shown: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
        return [] if shown.get(STATE) in MOVED_ON else [STATE]

    def why_not(self, bill: Bill) -> str:
        if bill.state in (BillState.DRAFT, *MOVED_ON):
            return ""
        return f"{capital(bill_name(bill))} is {bill.state} in Intacct, and only a draft is submitted from here."

    def send(self, books: Books, bill: Bill, values: Mapping[str, str], *, control_id: str, policy: Policy) -> None:
        books.submit_bill(bill.record_no, control_id=control_id, due_on=bill.due_on if policy.send_due_on else None)

    def did(self, bill: Bill) -> str:
        return f"It was submitted, and is {bill.state} there."

    def would(self, bill: str) -> str:
        return f"{bill} would be submitted"


STAMP = Stamp()
SUBMITTED = Submit()
HELD = Hold(word="hold", noun="hold", on_hold=True, stays="It stays on hold in Intacct.")
RELEASED = Hold(word="release_hold", noun="release of the hold", on_hold=False)
STEPS: Mapping[str, Step] = MappingProxyType({step.word: step for step in (SUBMITTED, STAMP, HELD, RELEASED)})


class Turned(Refused):
    """Not sent: by the reading right before the write, it must not be carried out any more."""

    def __init__(self, message: str, *, bill: Bill | None, findings: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.bill, self.findings = bill, findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The bill as it was read, and what was there of the step then."""

    bill: Bill
    shown: Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class StepKind(Kind):
    """Writes one step of one decision, or what takes it back; what it finds is a `Reading`.

    `look` reads the bill, `check` raises Turned for a reading on which nothing may be written. The anchor is known only when
    the evidence of the write is kept, so `keep` puts it here before the call leaves.
    """

    step: Step
    books: Books
    policy: Policy
    look: Callable[[], Bill | None]
    check: Callable[[Bill | None], None]
    anchor: Anchor | None = None
    answered: bool = False
    """Whether this very run saw the answer and what was written behind it."""
    name: str = field(default=ON_BILL, init=False)
    exclusive: bool = field(default=True, init=False)
    looks_first: bool = False
    remembered: bool = field(default=True, init=False)

    def send(self, intent: Intent) -> Reading | None:
        bill = self.look()
        self.check(bill)
        if bill is None or bill.record_no != intent.body["record_no"]:
            raise TryLater(f"The bill of {intent.subject} has another record number by now; the next run writes to that one.")
        values = self.values(intent)
        self.step.send(self.books, bill, values, control_id=intent.control_id, policy=self.policy)
        after = self._reading(self.look(), values)
        missing = self.step.missing(after.shown, values) if after else list(values)
        if missing:
            raise UnexpectedReply(
                f"The {self.step.noun} on bill {bill.bill_number or bill.record_no} (record {bill.record_no}) was answered "
                f"with success, but a read-back does not show {', '.join(missing)}. The next run reads the bill again before "
                f"it writes. If this comes again, look at those fields' length and at who else writes them "
                f"(control id {intent.control_id})."
            )
        self.answered = True
        return after

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Reading]:
        bill = self.look()
        found = {intent.intent_id: self._reading(bill, self.values(intent)) for intent in intents}
        return {intent_id: reading for intent_id, reading in found.items() if reading}

    def same(self, intent: Intent, found: Any) -> bool:
        return not self.step.missing(found.shown, self.values(intent))

    def next_control_id(self, intent: Intent) -> str:
        """`...-stamp` becomes `...-stamp-again2`, then `-again3`: for a write proven absent after it was sent twice."""
        if self.step.is_sent_once:
            return intent.control_id
        base, _, count = intent.control_id.partition(AGAIN)
        return f"{base}{AGAIN}{int(count or 1) + 1}"

    def values(self, intent: Intent) -> dict[str, str]:
        """What goes out, in a stamp with the anchor of its evidence behind the decision's id."""
        values = dict(cast("Mapping[str, str]", intent.body["values"]))
        if self.anchor and self.policy.stamp and (name := self.policy.stamp.decision_id) in values:
            values[name] = f"{values[name]} {anchor_text(self.anchor)}"
        return values

    def _reading(self, bill: Bill | None, values: Mapping[str, str]) -> Reading | None:
        return Reading(bill=bill, shown=self.step.shown(self.books, bill, values)) if bill else None


def control_id_of(decision: Decision, record_no: str, *, what: str) -> str:
    """Deterministic, so that Intacct itself refuses a repeat; 32 characters.

    Another one when Purchasing recreated the bill after the first was sent: that may have been carried out on the record that
    is gone, and Intacct would refuse its control id for ever.
    """
    plain = f"ia-{decision.decision_id}-{what}"
    return plain if record_no == decision.record_no else f"{plain}-{record_no}"


def step_id(step: Step, decision: Decision) -> str:
    """How the journal knows a decision's step."""
    return f"{step.word}-{decision.decision_id}"


def done_words(steps: Sequence[Step], bill: Bill, *, at: str) -> str:
    """`Recorded in Intacct on bill 4711 at 2026-11-23 08:00 UTC. It is not on hold there.`"""
    what = "Recorded" if STAMP in steps else "Carried out"
    more = [said for step in steps if (said := step.did(bill))]
    return " ".join([f"{what} in Intacct on {bill_name(bill)} at {at}.", *more])
