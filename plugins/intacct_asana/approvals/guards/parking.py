"""Decisions that wait: what for, how long, and what people hear of it, once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from intacct_asana.approvals.guards.concerns import OPEN_CONCERN
from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.seen import Case
from intacct_asana.approvals.words import parked_words
from intacct_asana.errors import TryLater
from intacct_asana.records import BillState, Decision, DecisionState, Intent
from intacct_asana.records.remarks import reference

PARKED = "parked"
"""The journal's name for comments that say that a decision waits."""
OPEN_BOOKS, STILL_OPEN = "open books", "still open"
LOCKED = (BillState.SELECTED, BillState.ANALYZING)
"""States out of which a bill may come back to be decided: a payment took it, or Intacct itself is busy with it."""
AWAY = "Intacct answers"
LONGEST_AWAY = timedelta(days=30)
Known = Callable[[Collection[str]], Mapping[str, Intent]]
"""Rows of the journal by id."""


class Away(TryLater):
    """Intacct does not answer, asked for a bill that is to be decided."""


def waits_until(case: Case, failed: Collection[str], *, now: datetime) -> datetime | None:
    """None for one that is refused: what speaks against it does not pass, or it has waited long enough."""
    days = [_days(case, rule) for rule in failed]
    if not days or None in days:
        return None
    until = case.decision.signal.decided_at + timedelta(days=min(each for each in days if each))
    return until if now < until else None


def _days(case: Case, rule: str) -> int | None:
    approval, bill = case.policy.approval, case.bill
    if rule == OPEN_CONCERN:
        return case.policy.concern_days
    if rule == OPEN_BOOKS and not isinstance(approval.closed_books, str):
        return approval.closed_books
    is_locked = rule == STILL_OPEN and bill is not None and bill.state in LOCKED
    return None if isinstance(approval.locked_bills, str) or not is_locked else approval.locked_bills


def away_until(decision: Decision, policy: Policy, *, now: datetime, away_since: datetime | None) -> datetime | None:
    """Until when one waits for an Intacct that does not answer; None as long as that is no news to people, or no more.

    One failed answer is no long time, however old the choice is: it counts from when Intacct was first found away.
    """
    hours, until = policy.approval.park_after, _end_of(decision, policy)
    if hours is None or away_since is None:
        return None
    since = max(decision.signal.decided_at, away_since)
    return until if since + timedelta(hours=hours) <= now < until else None


def away_told(decision: Decision) -> Decision:
    return replace(decision, rule=AWAY, outcome="Intacct does not answer.")


def refused_away(decision: Decision, policy: Policy, *, now: datetime) -> Decision | None:
    """One that was parked for it, and has waited long enough. What waits for something else is judged once Intacct answers."""
    if decision.state is not DecisionState.PARKED or decision.rule != AWAY or now < _end_of(decision, policy):
        return None
    days = (_end_of(decision, policy) - decision.signal.decided_at).days
    return replace(decision, outcome=f"Intacct did not answer for {days} days, so this counts no more.")


def _end_of(decision: Decision, policy: Policy) -> datetime:
    """Not before the end of what else it may be waiting for: it is parked once, and Intacct may have answered meanwhile."""
    rules = (policy.approval.closed_books, policy.approval.locked_bills, policy.concern_days)
    longest = max([LONGEST_AWAY, *(timedelta(days=each) for each in rules if isinstance(each, int))])
    return decision.signal.decided_at + longest


def parked_note(refused: Decision, policy: Policy, *, until: datetime, which: str = PARKED) -> Intent:
    """The comment, to be made once."""
    mark = reference(f"{refused.decision_id}-{which}")
    body = {"text": f"{parked_words(refused, policy, until=until)}\n{mark}", "reference": mark}
    return Intent(intent_id=f"{which}-{refused.decision_id}", kind=PARKED, subject=refused.task_gid, body=body)


def note_next(
    parked: Decision, refused: Decision, policy: Policy, *, until: datetime, tell: Callable[[Intent], None], known: Known
) -> None:
    """Where people were told that Intacct does not answer, and now it does and something else is waited for: that, once."""
    note = parked_note(refused, policy, until=until, which=f"{PARKED}_again")
    if parked.rule == AWAY and not known([note.intent_id]):
        tell(note)
