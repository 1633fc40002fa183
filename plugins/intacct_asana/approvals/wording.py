"""The plain sentences that people read: amounts, times, names, and the comment on the task."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from decimal import Decimal

from intacct_asana.approvals.policy import Policy
from intacct_asana.records import Bill, Decision, DecisionState
from intacct_asana.records.remarks import reference

NONCHARACTERS = 0xFFFE


def one_line(text: str, *, longest: int) -> str:
    """`text` on one line without control and invisible characters, cut at `longest` characters with three dots."""
    line = " ".join("".join(_visible(character) for character in text).split())
    return line if len(line) <= longest else line[: longest - 3].rstrip() + "..."


def _visible(character: str) -> str:
    """Controls become a space. Marks that turn the direction of writing are dropped: they make a text read as another."""
    if ord(character) & NONCHARACTERS == NONCHARACTERS:
        return ""
    kind = unicodedata.category(character)
    return {"Cc": " ", "Cf": "", "Cs": ""}.get(kind, character)


def money(amount: Decimal, currency: str) -> str:
    """`12,480.00 USD`; more decimals than two are shown, so that an amount just over a limit is seen to be."""
    digits = max(2, -int(amount.normalize().as_tuple().exponent)) if amount else 2
    return f"{amount:,.{digits}f} {currency or '(no currency)'}"


def minute(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def second(at: datetime) -> str:
    """ISO 8601 in UTC, for machines and auditors."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def who(decision: Decision) -> str:
    """The decider's name as the story had it."""
    return one_line(decision.signal.decider_name, longest=80) or decision.decider_email or "Somebody"


def bill_name(bill: Bill) -> str:
    """`bill 4711`, as the people in accounts payable call it."""
    return f"bill {bill.bill_number or bill.record_no}"


def capital(text: str) -> str:
    """The first letter large, the rest as it is: bill numbers have capitals of their own."""
    return text[:1].upper() + text[1:]


def comment_of(decision: Decision, policy: Policy, *, goes_back_to: str) -> str:
    """What the task is told. `goes_back_to` is what it is about to show; empty: it stays as it is."""
    end = reference(decision.decision_id)
    if decision.state is DecisionState.CONFIRMED:
        return "\n".join([_carried_out(decision, policy), end])
    maker = who(decision) if decision.signal.decider_gid else "Somebody"
    lines = [f"{maker} {policy.way.did(decision.signal)}, but it was not carried out and counts for nothing:"]
    lines += [f"- {line}" for line in decision.outcome.splitlines() if line]
    lines += [policy.way.set_back(goes_back_to)] if goes_back_to else []
    return "\n".join([*lines, end])


def _carried_out(decision: Decision, policy: Policy) -> str:
    reason = one_line(decision.signal.reason, longest=policy.longest_reason)
    done = f"{policy.way.option_name(decision.signal.verdict)} by {who(decision)}."
    return " ".join([done, *([f"Reason: {reason}"] if reason else []), decision.outcome])
