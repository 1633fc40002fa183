"""What a decision writes onto its bill, whether it is there, and the one way to write it.

Both a stamp and its becoming void are one kind of write, exclusive for each bill: two of them can never race.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from intacct_asana.approvals.words import second
from intacct_asana.flow.rules import StampFields
from intacct_asana.records import Bill, Decision, Verdict, snapshot_of
from intacct_asana.records.anchors import without_anchors
from intacct_asana.text import amount_text, short

WORDS = {Verdict.APPROVE: "Approved", Verdict.REJECT: "Rejected"}
VOID = "void"
NO_REASON = "none given"
"""Written instead of nothing: whether an empty element clears a field in Intacct is not documented, and the reason of an
earlier decision must not stay on the bill."""


def stamp_values(decision: Decision, bill: Bill, names: StampFields, *, longest: int = 200) -> dict[str, str]:
    """Custom field name to text of at most `longest` characters. Times are ISO 8601 in UTC. No anchor stands in them yet."""
    signal = decision.signal
    by_part = {
        names.decision: WORDS[signal.verdict],
        names.decided_by: f"{signal.decider_name} <{decision.decider_email}>",
        names.decided_at: second(signal.decided_at),
        names.decision_id: decision.decision_id,
        names.reason: signal.reason.strip() or NO_REASON,
        names.task_url: decision.task_url or f"task {decision.task_gid}",
        names.amount: f"{amount_text(bill.total_entered)} {bill.base_currency or bill.currency}".rstrip(),
        names.digest: snapshot_of(bill).digest,
    }
    return {name: _storable(text, longest=longest) for name, text in by_part.items() if name}


def void_values(decision: Decision, names: StampFields) -> dict[str, str]:
    """The rest of the stamp stays: it says what was decided, on what."""
    return {names.decision: VOID, names.decision_id: decision.decision_id}


def differences(bill: Bill, values: Mapping[str, str]) -> list[str]:
    """Names of the fields that do not hold what was stamped; anchors behind it make no difference."""
    return [name for name, value in values.items() if without_anchors(bill.custom.get(name, "")) != without_anchors(value)]


def stamp_on(bill: Bill | None, values: Mapping[str, str]) -> dict[str, str]:
    """What the stamped fields hold on this reading of the bill."""
    return {name: bill.custom.get(name, "") for name in values} if bill else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBill:
    """The stamp as it stands on a bill: by which decision, what it says, and on which content."""

    decision_id: str
    says: str
    digest: str = ""
    by: str = ""

    @property
    def verdict(self) -> Verdict | None:
        return next((verdict for verdict, word in WORDS.items() if word.casefold() == self.says.casefold()), None)


def read_stamp(bill: Bill | None, names: StampFields | None) -> OnBill | None:
    """None where nothing is stamped, or where the flow does not say where."""
    if bill is None or names is None:
        return None
    held = bill.custom
    found = OnBill(
        decision_id=without_anchors(held.get(names.decision_id, "")),
        says=held.get(names.decision, "").strip(),
        digest=held.get(names.digest, "").strip() if names.digest else "",
        by=held.get(names.decided_by, "").strip(),
    )
    return found if found.decision_id or found.says else None


def content_of(stamp: OnBill, bill: Bill) -> bool | None:
    """Whether the bill is still what the stamp was put on; None where the stamp does not tell."""
    return stamp.digest == snapshot_of(bill).digest if stamp.digest else None


def control_id_of(decision: Decision, record_no: str, *, what: str) -> str:
    """Deterministic, so that Intacct itself refuses a repeat; 32 characters.

    Another one when Purchasing recreated the bill after the first was sent: that may have been carried out on the record that
    is gone, and Intacct would refuse its control id for ever.
    """
    plain = f"ia-{decision.decision_id}-{what}"
    return plain if record_no == decision.record_no else f"{plain}-{record_no}"


def _storable(text: str, *, longest: int) -> str:
    """One line. A character beyond the basic plane (an emoji in a reason) may not survive every company's database, and the
    stamp would never compare equal; the evidence keeps the reason as it was written."""
    return short("".join(character if ord(character) < 0x10000 else "?" for character in text), longest=longest)
