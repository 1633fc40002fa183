"""Limits that no cutting into bills gets round: what one person approved in some days, with this bill, stays within them.

A sum is over the limit when it is so in any run of so many days that this decision is in, so it makes no difference in which
order choices came to be known. A bill counts once, by what was decided on last, and a credit counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.routing import approver_at, base_currency
from intacct_asana.approvals.seen import Case, Finding
from intacct_asana.approvals.words import money
from intacct_asana.flow.policy import CumulativeLimit
from intacct_asana.flow.rules import Approver
from intacct_asana.records import Verdict
from intacct_asana.records.recorded import Recorded
from intacct_asana.text import money_text, one_line

CUMULATIVE = "cumulative limit"
MOST_NAMED = 8
"""Bills that are named in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What somebody approved on a day, or this bill itself."""

    on: date
    amount: Decimal
    bill_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """The fullest run of days that a decision is in: its total with this bill, and the bills before."""

    limit: CumulativeLimit
    total: Decimal
    before: tuple[Spent, ...]

    def is_over(self, currency: str) -> bool:
        return self.total > self.limit.amounts[currency]


def fullest(limit: CumulativeLimit, this: Spent, others: Sequence[Spent]) -> Sum:
    """Of all runs of `limit.days` days with this decision in them, the one in which most was approved."""
    length = timedelta(days=limit.days)
    ends = {this.on, *(one.on for one in others if this.on < one.on < this.on + length)}
    runs = [tuple(one for one in others if end - length < one.on <= end) for end in sorted(ends)]
    before = max(runs, key=lambda run: sum(one.amount for one in run))
    return Sum(limit=limit, total=sum((one.amount for one in before), this.amount), before=before)


def spent_by(email: str, approved: Sequence[Recorded], policy: Policy, *, currency: str, but_for: str) -> dict[str, Recorded]:
    """The newest approval of each bill but one by this person, for others too, and by deputies in their place."""
    found: dict[str, Recorded] = {}
    for one in sorted(approved, key=lambda one: (one.at, one.decision_id)):
        who = (policy.email_of(one.gid) or one.email).casefold()
        if one.key != but_for and one.currency == currency and email in (who, one.place_of.casefold()):
            found[one.key] = one
    return found


def sums_are_within_limits(case: Case) -> Finding | None:
    """For the decider, and for the person in whose place they decide. A rejection, and a step without limit, need none."""
    bill, voice, approver, approval = case.bill, case.voice, case.approver, case.policy.approval
    if bill is None or voice is None or approver is None or case.decision.signal.verdict is Verdict.REJECT:
        return None
    progress, place_of = case.progress, voice.email
    if progress:
        place_of = progress.place_for(voice)
        if not place_of or progress.route.steps[progress.place].step.limit == "none":
            # Who is not due is refused by another rule.
            return None
    people: list[tuple[str, str, Approver]] = [(voice.email, case.who, approver)]
    if progress and place_of != voice.email and (absent := approver_at(progress.route, place_of)):
        people.append((place_of, f"{case.name_of(place_of)} with deputies", absent))
    held = [(email, name, limit) for email, name, entry in people for limit in approval.cumulative_limits_of(entry)]
    if not held:
        return None
    approved = case.policy.approved_since(_beginning(case, max(limit.days for *_, limit in held)))
    told = [_told(case, email, name, limit, approved, currency=base_currency(bill, approval)) for email, name, limit in held]
    failed = [one for one in told if not one.passed]
    said = " ".join(one.said for one in failed) if failed else "; ".join(one.said for one in told)
    return Finding(rule=CUMULATIVE, passed=not failed, said=said, mend="Somebody else has to decide." if failed else "")


def _beginning(case: Case, days: int) -> datetime:
    first = case.decided_on - timedelta(days=days - 1)
    return datetime.combine(first, time(), tzinfo=case.policy.timezone)


def _told(case: Case, email: str, name: str, limit: CumulativeLimit, approved: Sequence[Recorded], *, currency: str) -> Finding:
    bill = case.bill
    assert bill
    if currency not in limit.amounts:
        what = f"bills in {currency}" if currency else "a bill of which Intacct does not tell the base currency"
        return Finding(rule=CUMULATIVE, passed=False, said=f"{name} has no limit for {limit.days} days for {what}.")
    theirs = spent_by(email, approved, case.policy, currency=currency, but_for=case.decision.key)
    others = list(_counted(theirs, case.policy, vendor_id=bill.vendor_id if limit.vendors == "each" else ""))
    this = Spent(on=case.decided_on, amount=max(bill.total_entered, Decimal(0)))
    found = fullest(limit, this, others)
    total, most = money(found.total, currency), money(limit.amounts[currency], currency)
    whose = f" for {one_line(bill.vendor_name) or bill.vendor_id}" if limit.vendors == "each" else ""
    in_days = f"{whose} in {limit.days} day{'s' if limit.days > 1 else ''}"
    # A credit spends nothing, whatever was approved before.
    if not this.amount or not found.is_over(currency):
        return Finding(rule=CUMULATIVE, passed=True, said=f"with this bill {name} approved {total}{in_days}, of at most {most}")
    said = f"With this bill {name} would have approved {total}{in_days}; the limit is {most}."
    return Finding(rule=CUMULATIVE, passed=False, said=f"{said}{_already(found.before)}")


def _counted(theirs: dict[str, Recorded], policy: Policy, *, vendor_id: str) -> Iterator[Spent]:
    """Of one vendor, or of all when none is named."""
    for one in theirs.values():
        on = one.at.astimezone(policy.timezone).date()
        if one.amount and one.amount > 0 and vendor_id in ("", one.vendor_id):
            yield Spent(on=on, amount=one.amount, bill_name=one_line(one.bill_name))


def _already(before: Sequence[Spent]) -> str:
    """` Already: INV-1 9,000.00, INV-2 6,400.00.`"""
    if not before:
        return ""
    named = [f"{one.bill_name} {money_text(one.amount)}" for one in before[:MOST_NAMED]]
    more = f" and {len(before) - MOST_NAMED} more" if len(before) > MOST_NAMED else ""
    return f" Already: {', '.join(named)}{more}."
