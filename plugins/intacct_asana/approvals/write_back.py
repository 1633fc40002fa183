"""What a decision writes onto its bill, and whether it is there."""

from __future__ import annotations

from collections.abc import Mapping

from intacct_asana.approvals.policy import StampNames
from intacct_asana.approvals.wording import one_line, second
from intacct_asana.records import Bill, Decision, Verdict

WORDS = {Verdict.APPROVE: "Approved", Verdict.REJECT: "Rejected"}
NO_REASON = "none given"
"""Written instead of nothing: whether an empty element clears a field in Intacct is not documented, and the reason of an
earlier decision must not stay on the bill."""


def stamp_values(decision: Decision, names: StampNames, *, longest: int = 200) -> dict[str, str]:
    """Custom field name to text of at most `longest` characters. Times are ISO 8601 in UTC."""
    signal = decision.signal
    by_part = {
        names.decision: WORDS[signal.verdict],
        names.decided_by: f"{signal.decider_name} <{decision.decider_email}>",
        names.decided_at: second(signal.decided_at),
        names.decision_id: decision.decision_id,
        names.reason: signal.reason.strip() or NO_REASON,
        names.task_url: decision.task_url or f"task {decision.task_gid}",
    }
    return {name: _storable(text, longest=longest) for name, text in by_part.items() if name}


def differences(bill: Bill, values: Mapping[str, str]) -> list[str]:
    """Names of the fields that do not hold what was stamped."""
    return [name for name, value in values.items() if " ".join(bill.custom.get(name, "").split()) != value]


def stamp_on(bill: Bill | None, values: Mapping[str, str]) -> dict[str, str]:
    """What the stamped fields hold on this reading of the bill."""
    return {name: bill.custom.get(name, "") for name in values} if bill else {}


def _storable(text: str, *, longest: int) -> str:
    """One line. A character beyond the basic plane (an emoji in a reason) may not survive every company's database, and the
    stamp would never compare equal; the evidence keeps the reason as it was written."""
    return one_line("".join(character if ord(character) < 0x10000 else "?" for character in text), longest=longest)
