"""What an auditor reads about each step: plain values that JSON can carry, money as text."""

from __future__ import annotations

from collections.abc import Sequence

from intacct_asana.approvals.rules import Case, Finding
from intacct_asana.approvals.words import second
from intacct_asana.records import Bill, Decision, snapshot_of

Facts = dict[str, object]


def judged(case: Case, findings: Sequence[Finding]) -> Facts:
    """Who chose what, when, by which story; each rule with its numbers; what was shown, and what the bill is now."""
    decision, approver = case.decision, case.approver
    return {
        "who": who(decision, case),
        "chosen": chosen(decision),
        "policy_version": case.policy.version,
        "rules": [{"rule": one.rule, "passed": one.passed, "said": one.said} for one in findings],
        "limits": {currency: str(limit) for currency, limit in approver.limits.items()} if approver else {},
        "shown_digest": decision.shown_digest,
        "bill": of_bill(case.bill),
    }


def who(decision: Decision, case: Case) -> Facts:
    guest = case.person.is_guest if case.person else None
    signal = decision.signal
    return {"gid": signal.decider_gid, "name": signal.decider_name, "email": decision.decider_email, "is_guest": guest}


def chosen(decision: Decision) -> Facts:
    signal = decision.signal
    return {
        "verdict": str(signal.verdict),
        "said": signal.said,
        "at": second(signal.decided_at),
        "story_gid": signal.story_gid,
        "source": signal.source,
        "reason": signal.reason,
    }


def of_bill(bill: Bill | None) -> Facts:
    """The bill as it was read; empty when it was gone. `digest` is that of the part a decision is about."""
    if bill is None:
        return {}
    snapshot = snapshot_of(bill)
    more = {"record_no": bill.record_no, "state": str(bill.state), "digest": snapshot.digest}
    people = {"created_by": bill.created_by, "modified_by": bill.modified_by, "modified_at_text": bill.modified_at_text}
    return {**snapshot.body, **more, **people}
