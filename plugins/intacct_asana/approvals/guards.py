"""One small function a guard. Each looks at the case and gives a finding in plain words, or None when it cannot judge."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from intacct_asana.approvals.policy import Approver, Policy
from intacct_asana.approvals.signals import SUPERSEDED, UNPROVEN, WITHDRAWN, followed_by, replacement
from intacct_asana.approvals.ways import DeclaredComment
from intacct_asana.approvals.wording import bill_name, capital, minute, money, one_line, who
from intacct_asana.records import SETTLED_STATES, Bill, BillState, Decision, DecisionState, Person, Story, Verdict, snapshot_of

ALREADY_DECIDED = "already decided"
BILL_EXISTS = "bill exists"
STILL_OPEN = "still open"
NOTHING_LEFT = frozenset({BILL_EXISTS, STILL_OPEN})
"""Rules by which a bill's task is closed, or soon will be."""
NOT_READY = MappingProxyType(
    {
        BillState.DRAFT: "Submit it in Intacct first: a stamp might submit it unseen.",
        BillState.DECLINED: "Correct and submit it in Intacct first: a stamp might submit it unseen.",
        BillState.ANALYZING: "Wait until Intacct is done with it, then choose again.",
    }
)
"""States in which an update could do more than stamp, or nothing useful; and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the guards look at: the decision, its task's stories, the person, the bill as it is now, its other decisions.

    `person` and `stories` are None where Asana knows no such person or task any more, `bill` where it is gone.
    """

    decision: Decision
    policy: Policy
    person: Person | None
    stories: Sequence[Story] | None
    bill: Bill | None
    others: Sequence[Decision] = ()

    @property
    def decided_on(self) -> date:
        return self.decision.signal.decided_at.astimezone(self.policy.timezone).date()

    @property
    def approver(self) -> Approver | None:
        return self.policy.approver(self.decision.decider_email, on=self.decided_on)

    @property
    def who(self) -> str:
        return who(self.decision)

    @property
    def story(self) -> Story | None:
        """The story that proves the choice, as it stands now."""
        return next((one for one in self.stories or () if one.gid == self.decision.signal.story_gid), None)

    @property
    def again(self) -> str:
        return self.policy.way.again


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One guard's answer. `rule` is for the auditor, `said` and `mend` (what to do) are for people."""

    rule: str
    passed: bool
    said: str
    mend: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.said} {self.mend}".strip()


Guard = Callable[[Case], Finding | None]


def _no(rule: str, said: str, mend: str = "") -> Finding:
    return Finding(rule=rule, passed=False, said=said, mend=mend)


def _yes(rule: str, said: str) -> Finding:
    return Finding(rule=rule, passed=True, said=said)


# Does the choice stand?


def choice_is_proven(case: Case) -> Finding | None:
    signal = case.decision.signal
    if case.stories is None:
        return _no(UNPROVEN, "The task is gone from Asana, and with it the record of who chose this.")
    if case.story is None and isinstance(case.policy.way, DeclaredComment):
        return _no(WITHDRAWN, "The comment was deleted before it was carried out.")
    if case.story is None:
        return _no(UNPROVEN, "Asana has no record of who chose it.", f"Please {case.again}.")
    return _yes(UNPROVEN, f"story {signal.story_gid} says who chose it")


def choice_counts_as_it_is(case: Case) -> Finding | None:
    """A comment can be changed after it was written. One that is not there is judged elsewhere."""
    flaw = case.policy.way.flaw(case.decision.signal, case.story) if case.story else None
    return _no("counts as it stands", *flaw) if flaw else None


def choice_stands(case: Case) -> Finding | None:
    follower = followed_by(case.decision, case.stories or (), case.policy)
    if follower is None:
        return _yes(SUPERSEDED, "nobody changed the choice since")
    name = one_line(follower.author_name, longest=80) or "somebody else"
    rule = replacement(follower, case.policy)
    said = f"{name} made another choice at {minute(follower.created_at)}."
    if rule == WITHDRAWN:
        said = f"{name} took the choice back at {minute(follower.created_at)}, before it was carried out."
    return _no(rule, said)


def choice_was_not_answered_before(case: Case) -> Finding | None:
    """A story that comes very late: people were told that nobody knows who chose this, and that it counts for nothing."""
    signal = case.decision.signal
    for other in case.others:
        came_before = other.signal.decided_at >= signal.decided_at and other.signal.verdict is signal.verdict
        if other.signal.source == UNPROVEN and came_before and other.state is DecisionState.REFUSED:
            said = "It had been answered already when Asana showed who chose it."
            return _no("answered before", said, f"Please {case.again}.")
    return None


# May anything be decided about the bill as it is now?


def bill_is_there(case: Case) -> Finding | None:
    bill = case.bill
    if bill is None or bill.bill_key != case.decision.key:
        return _no(BILL_EXISTS, f"The bill (record {case.decision.record_no}) no longer exists in Intacct.")
    return _yes(BILL_EXISTS, f"{bill_name(bill)} is record {bill.record_no}")


def bill_is_open(case: Case) -> Finding | None:
    if case.bill is None:
        return None
    name, state = bill_name(case.bill), case.bill.state
    if state in SETTLED_STATES:
        return _no(STILL_OPEN, f"{capital(name)} is {state} in Intacct, so there is nothing left to decide.")
    if state in NOT_READY:
        return _no(STILL_OPEN, f"{capital(name)} is {state} in Intacct.", NOT_READY[state])
    return _yes(STILL_OPEN, f"{name} is {state}")


def nothing_was_decided_before(case: Case) -> Finding | None:
    """One confirmed decision holds for one content of a bill: a changed bill may be decided anew, either way.

    The opposite verdict on the same content is refused too. The first one is on the bill in Intacct, where others may have
    acted on it; undoing it is their step, and any change of the bill (its due date, a line) opens it again.
    """
    if case.bill is None:
        return None
    digest = snapshot_of(case.bill).digest
    standing = [one for one in case.others if one.state is DecisionState.CONFIRMED and one.shown_digest == digest]
    if not standing:
        return _yes(ALREADY_DECIDED, "no decision is confirmed for this content of the bill")
    last = max(standing, key=lambda one: one.signal.decided_at)
    option = case.policy.way.option_name(last.signal.verdict)
    said = f"{who(last)} already decided {bill_name(case.bill)} as it is now: {option}, {minute(last.signal.decided_at)}."
    return _no(ALREADY_DECIDED, said, "It can be decided again after the bill has been changed in Intacct.")


def bill_is_as_shown(case: Case) -> Finding | None:
    """Vendor, amounts, currency, lines and due date are what the task showed when the person chose."""
    rule, decision = "unchanged since shown", case.decision
    if case.bill is None:
        return None
    if not decision.shown_digest:
        return _no(rule, "It cannot be shown what the task said when this was chosen.", f"Please look at it and {case.again}.")
    if snapshot_of(case.bill).digest == decision.shown_digest:
        return _yes(rule, f"the bill is what the task showed at {minute(decision.signal.decided_at)}")
    now = f"{money(case.bill.total_entered, case.bill.base_currency)}, due {case.bill.due_on or 'on no date'}"
    said = f"{capital(bill_name(case.bill))} was changed in Intacct after what the task showed; it is {now} now."
    return _no(rule, said, f"Please look at the updated task and {case.again}.")


# May this person decide?


def decider_is_a_person(case: Case) -> Finding | None:
    rule, signal, policy = "a person decides", case.decision.signal, case.policy
    again = "A person on the approver list has to choose."
    if signal.decider_gid is None or signal.source.casefold() in policy.refused_sources:
        return _no(rule, "Asana has no record of a person who chose this: a rule or the system did.", again)
    if signal.decider_gid == policy.bot_gid:
        return _no(rule, "The integration itself cannot decide.", again)
    if case.person is None:
        return _no(rule, f"{case.who} is not a person that Asana knows.", again)
    if case.person.is_guest:
        return _no(rule, f"{case.who} is a guest in Asana, and guests cannot decide.", again)
    if case.person.is_guest is None and not policy.accepts_untold_guests:
        said = f"Asana does not tell whether {case.who} is a guest, and guests cannot decide."
        return _no(
            rule, said, "Whoever looks after the integration has to mend that (its preflight says how); then choose again."
        )
    guest = "" if case.person.is_guest is False else "; whether they are a guest could not be asked"
    return _yes(rule, f"{case.who} (user {signal.decider_gid}) through {signal.source or 'an unnamed source'}{guest}")


def decider_is_on_the_list(case: Case) -> Finding | None:
    if case.decision.signal.decider_gid is None:
        return None
    if case.approver is None:
        return _no("approver list", f"{case.who} is not on the approver list of this flow.", "Ask somebody who is.")
    return _yes("approver list", f"{case.approver.email} is on it")


def delegation_is_valid(case: Case) -> Finding | None:
    rule, approver, on = "delegation dates", case.approver, case.decided_on
    if approver is None:
        return None
    if approver.decides_on(on):
        return _yes(rule, f"{on} is within {approver.valid_from or 'always'} to {approver.valid_to or 'always'}")
    if approver.valid_from and on < approver.valid_from:
        return _no(rule, f"{case.who} may decide from {approver.valid_from} on; this was chosen on {on}.")
    return _no(rule, f"{case.who} could decide until {approver.valid_to}; this was chosen on {on}.")


def amount_is_within_limit(case: Case) -> Finding | None:
    """By the bill's amount in its base currency. A rejection spends nothing and needs no limit."""
    rule, approver, bill = "limit", case.approver, case.bill
    if approver is None or bill is None or case.decision.signal.verdict is Verdict.REJECT:
        return None
    limit = approver.limits.get(bill.base_currency)
    if limit is None:
        return _no(rule, f"{case.who} has no limit for bills in {bill.base_currency or 'an unknown currency'}.")
    amount, most = money(abs(bill.total_entered), bill.base_currency), money(limit, bill.base_currency)
    if abs(bill.total_entered) > limit:
        return _no(rule, f"{amount} is over {case.who}'s limit of {most}.", "Ask somebody with a higher limit.")
    return _yes(rule, f"{amount} is within {case.who}'s limit of {most}")


def decider_did_not_enter_the_bill(case: Case) -> Finding | None:
    """Segregation of duties. What cannot be proven is refused."""
    rule, approver, bill = "segregation of duties", case.approver, case.bill
    if not case.policy.segregation_of_duties or approver is None or bill is None:
        return None
    if not bill.created_by:
        return _no(rule, f"Intacct does not say who entered {bill_name(bill)}, so it cannot be shown that somebody else did.")
    if bill.created_by.casefold() in {user.casefold() for user in (approver.email, *approver.intacct_users)}:
        return _no(rule, f"{case.who} entered this bill ({bill.created_by}).", "Somebody else has to decide.")
    return _yes(rule, f"{bill.created_by} entered it; {case.who} is {', '.join(approver.intacct_users) or 'nobody'} in Intacct")


def rejection_has_a_reason(case: Case) -> Finding | None:
    if case.decision.signal.verdict is not Verdict.REJECT:
        return None
    if case.decision.signal.reason.strip():
        return _yes("reason", "a reason is given")
    if isinstance(case.policy.way, DeclaredComment):
        return _no("reason", "A rejection needs a reason.", "Write it behind the word, after a colon.")
    return _no("reason", "A rejection needs a reason.", f"Write a comment or fill in the reason, then {case.again}.")


STANDING: tuple[Guard, ...] = (choice_is_proven, choice_counts_as_it_is, choice_stands, choice_was_not_answered_before)
BILL: tuple[Guard, ...] = (bill_is_there, bill_is_open, nothing_was_decided_before, bill_is_as_shown)
LISTED: tuple[Guard, ...] = (decider_is_on_the_list, delegation_is_valid)
PERSON: tuple[Guard, ...] = (decider_is_a_person, *LISTED)
BOTH: tuple[Guard, ...] = (amount_is_within_limit, decider_did_not_enter_the_bill, rejection_has_a_reason)
BEFORE_WRITING: tuple[Guard, ...] = (bill_is_there, bill_is_open, bill_is_as_shown, *LISTED, *BOTH)
"""Those that a change of the bill or of the policy can turn: asked once more on the very reading that comes before a write."""


def findings_of(case: Case) -> list[Finding]:
    """Every guard's answer. A choice that does not stand is not looked at further."""
    for guard in STANDING:
        finding = guard(case)
        if finding and not finding.passed:
            return [finding]
    return answers_of((*STANDING, *BILL, *PERSON, *BOTH), case)


def answers_of(guards: Sequence[Guard], case: Case) -> list[Finding]:
    return [finding for guard in guards if (finding := guard(case)) is not None]
