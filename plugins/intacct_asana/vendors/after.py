"""What became of a write, judged by the vendor as it was read back."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from intacct_asana.errors import OutcomeUnknown, Refused
from intacct_asana.records import ValueState, Vendor, VendorValue
from intacct_asana.vendors.decide import APPROVALS, Approval
from intacct_asana.vendors.rules import VendorPolicy, VendorRule

WAITS = "it waits for the vendor's approval in Intacct"
LONGEST_WORDS = 400


def conclude(
    sent: VendorValue,
    after: Vendor | None,
    *,
    rule: VendorRule,
    policy: VendorPolicy,
    problem: Refused | OutcomeUnknown | None,
    sent_before: bool,
    at: datetime,
) -> VendorValue:
    """The row that follows `sent`; it stays SENT while nobody can tell. `problem` is what came instead of a success."""
    if after is None:
        return replace(sent, state=ValueState.HELD, reason="the vendor vanished from Intacct", told=False, at=at)
    there = rule.actual(after) == sent.wanted
    approval = APPROVALS.get(after.approval_state, Approval.WAITING)
    if there and approval is Approval.APPROVED:
        return replace(sent, state=ValueState.AGREED, agreed=sent.wanted, reason="", at=at)
    if isinstance(problem, Refused) and not there:
        words = " ".join(problem.message.split())[:LONGEST_WORDS]
        return replace(sent, state=ValueState.REFUSED, reason=f"Intacct did not take it: {words}", told=False, at=at)
    # It was approved before the write, so what waits now is the write; hidden queues are the flow file's to tell.
    repeat_refused = sent_before and isinstance(problem, OutcomeUnknown)
    hidden = policy.edits_wait and (problem is None or repeat_refused)
    if approval is not Approval.APPROVED or hidden:
        return replace(sent, state=ValueState.WAITING, reason=WAITS, told=False, at=at)
    return sent
