"""The plain sentences that people read: amounts, times, names, what changed, and the comment on the task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from intacct_asana.records import Bill, Decision, DecisionState, Snapshot, snapshot_of
from intacct_asana.records.anchors import Anchor, anchor_text
from intacct_asana.records.remarks import reference
from intacct_asana.text import money_text, one_line, short

if TYPE_CHECKING:
    from intacct_asana.approvals.policy import Policy

LONGEST_NAME = 80
SINGLE = {
    "vendor_id": "The vendor",
    "bill_number": "The bill's number",
    "description": "The description",
    "currency": "The currency",
    "due_on": "The due date",
    "document_id": "The attachment",
}
"""What of a snapshot is told with its old and its new value; amounts come with their currency."""


def money(amount: Decimal, currency: str) -> str:
    """An amount as tasks show it; what is decided by a currency says so when there is none."""
    return money_text(amount, one_line(currency) or "(no currency)")


def minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def second(at: datetime) -> str:
    """ISO 8601 in UTC, for machines and auditors."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def who(decision: Decision) -> str:
    """The decider's name as the story had it."""
    return short(decision.signal.decider_name, longest=LONGEST_NAME) or decision.decider_email or "Somebody"


def bill_name(bill: Bill) -> str:
    """`bill 4711`, as the people in accounts payable call it."""
    return f"bill {one_line(bill.bill_number) or bill.record_no}"


def capital(text: str) -> str:
    """The first letter large, the rest as it is: bill numbers have capitals of their own."""
    return text[:1].upper() + text[1:]


def changes(shown: Snapshot | None, bill: Bill) -> list[tuple[str, str, str]]:
    """What of the bill is not what was shown: its name, the value then, the value now."""
    if shown is None:
        return []
    before, now = shown.body, snapshot_of(bill).body
    found = [_amount(before, now), *_singles(before, now)]
    told = [one for one in found if one]
    lines = before.get("lines") != now["lines"]
    return told or ([("The bill's lines", "others", "as the bill shows them")] if lines else [])


def _amount(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[str, str, str] | None:
    for name, currency in (("total_entered", "base_currency"), ("transaction_total_entered", "currency")):
        old, new = Decimal(str(before.get(name) or 0)), Decimal(str(now[name]))
        if old != new:
            return "The amount", money(old, str(before.get(currency) or "")), money(new, str(now[currency] or ""))
    return None


def _singles(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, called in SINGLE.items():
        old, new = str(before.get(name, "")), str(now[name])
        if name in before and old != new:
            yield called, short(old, longest=LONGEST_NAME) or "empty", short(new, longest=LONGEST_NAME) or "empty"


def void_words(decision: Decision, shown: Snapshot | None, bill: Bill) -> str:
    """`The amount was 500.00 USD when Alice Martin approved it and is 40,000.00 USD now, so the approval no longer counts.`"""
    did, noun = ("approved", "approval") if decision.signal.verdict == "approve" else ("rejected", "rejection")
    when = f"when {who(decision)} {did} it"
    first, *more = changes(shown, bill) or [("The bill", "another one", "changed")]
    what = f"{first[0]} was {first[1]} {when} and is {first[2]} now"
    if first[1] in ("others", "another one"):
        what = f"{first[0]} {'were' if first[1] == 'others' else 'was'} changed in Intacct after {who(decision)} {did} it"
    also = "".join(f" {called} was {old} and is {new}." for called, old, new in more)
    return f"{what}, so the {noun} no longer counts.{also}"


def comment_of(decision: Decision, policy: Policy, *, goes_back_to: str, anchor: Anchor | None = None) -> str:
    """What the task is told. `goes_back_to` is what it is about to show; empty: it stays as it is.

    The anchor of the decision's evidence stands on a line of its own, so that its end cannot be taken away unseen.
    """
    back = [policy.way.set_back(goes_back_to)] if goes_back_to else []
    end = [*([anchor_text(anchor)] if anchor else []), reference(remark_id(decision))]
    if decision.state is DecisionState.CONFIRMED:
        return "\n".join([_carried_out(decision, policy), *back, *end])
    if decision.state is DecisionState.VOID:
        return "\n".join([*decision.outcome.splitlines(), *back, *end])
    maker = who(decision) if decision.signal.decider_gid else "Somebody"
    lines = [f"{maker} {policy.way.did(decision.signal)}, but it was not carried out and counts for nothing:"]
    lines += [f"- {line}" for line in decision.outcome.splitlines() if line]
    return "\n".join([*lines, *back, *end])


def remark_id(decision: Decision) -> str:
    """What the comment about the decision as it stands is found by. That it became void is news of its own."""
    return decision.decision_id + ("-void" if decision.state is DecisionState.VOID else "")


def _carried_out(decision: Decision, policy: Policy) -> str:
    reason = short(decision.signal.reason, longest=policy.longest_reason)
    done = f"{policy.way.option_name(decision.signal.verdict)} by {who(decision)}."
    return " ".join([done, *([f"Reason: {reason}"] if reason else []), decision.outcome])
