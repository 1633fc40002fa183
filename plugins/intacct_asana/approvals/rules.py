"""The rules, one small function each: it looks at the case and finds in plain words, or gives None when it cannot judge.

Absent or unknown is never taken for a yes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from types import MappingProxyType

from intacct_asana.approvals.choices import (
    SUPERSEDED,
    UNPROVEN,
    WITHDRAWN,
    accounted_for,
    changes_of,
    followed_by,
    replacement,
)
from intacct_asana.approvals.guards.concerns import no_open_concern
from intacct_asana.approvals.guards.duties import SEPARATED
from intacct_asana.approvals.guards.parking import LOCKED, OPEN_BOOKS, STILL_OPEN
from intacct_asana.approvals.policy import DeclaredComment
from intacct_asana.approvals.routing import decides_on
from intacct_asana.approvals.seen import WROTE, Case, Finding, altered_parts, alterers, kept_otherwise
from intacct_asana.approvals.steps import amount_is_within_limit, every_step_is_given, person_is_due
from intacct_asana.approvals.words import (
    STILL_POSSIBLE,
    VOID,
    bill_name,
    capital,
    changes,
    content_of,
    minute,
    money,
    read_stamp,
    who,
)
from intacct_asana.records import SETTLED_STATES, BillState, Decision, DecisionState, Verdict
from intacct_asana.records.documents import UNREAD
from intacct_asana.sync.difference import said, shown_by
from intacct_asana.text import short

ALREADY_DECIDED = "already decided"
BILL_EXISTS = "bill exists"
ALTERED = "task as we wrote it"
AS_HISTORY = "task as its history says"
FOUND = "found"
FOUND_AS = MappingProxyType({Verdict.APPROVE: "found approved", Verdict.REJECT: "found rejected"})
"""Rules of a bill that carries a stamp which this store does not know. Nothing is set back or stamped over there."""
NOTHING_LEFT = frozenset({BILL_EXISTS, STILL_OPEN})
"""Rules by which a bill's task is closed, or soon will be."""
NOT_READY = MappingProxyType(
    {
        BillState.DRAFT: "Submit it in Intacct first: a stamp might submit it unseen.",
        BillState.DECLINED: "Correct and submit it in Intacct first: a stamp might submit it unseen.",
        BillState.ANALYZING: "Wait until Intacct is done with it, then choose again.",
    }
)
"""What to do about a bill in a state in which an update could do more than stamp, or nothing useful."""


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
    name = short(follower.author_name, longest=80) or "somebody else"
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
    if state in LOCKED and state not in case.policy.approval.states and case.policy.approval.locked_bills != "refuse":
        why = "chosen for a payment" if state is BillState.SELECTED else "still being read by Intacct"
        return _no(STILL_OPEN, f"{capital(name)} is locked in Intacct: it is {state}, {why}.")
    if state in NOT_READY and not (state is BillState.DRAFT and case.may_be_draft):
        return _no(STILL_OPEN, f"{capital(name)} is {state} in Intacct.", NOT_READY[state])
    if state not in case.policy.approval.states:
        late = "Money is on its way for it already, so a decision comes too late."
        others = "This flow decides about bills in other states only."
        said = f"{capital(name)} is {state} in Intacct."
        return _no(STILL_OPEN, said, late if state in (BillState.SELECTED, BillState.PARTIALLY_PAID) else others)
    return _yes(STILL_OPEN, f"{name} is {state}")


def books_are_open(case: Case) -> Finding | None:
    rule = OPEN_BOOKS
    if case.bill is None or case.policy.approval.closed_books == "accept":
        return None
    name = bill_name(case.bill)
    if case.is_closed is None:
        mend = "Whoever looks after the integration lets it read the summaries, or has the flow accept closed books."
        return _no(rule, f"Intacct does not tell whether the books of {name} are closed.", mend)
    if case.is_closed:
        return _no(rule, f"The books of {name} are closed in Intacct.", "Have them opened, or decide on it in Intacct.")
    return _yes(rule, f"the books of {name} are not closed")


def bill_carries_no_unknown_stamp(case: Case) -> Finding | None:
    """A stamp of another flow, or from before this store: it is a fact, and nobody stamps over it unseen."""
    stamp = read_stamp(case.bill, case.policy.stamp)
    known = {one.decision_id for one in (*case.others, case.decision) if one.state in WROTE}
    if case.bill is None or stamp is None or stamp.decision_id in known:
        return None
    if stamp.says.casefold() == VOID or content_of(stamp, case.bill) is False:
        return _yes(FOUND, f"what {stamp.decision_id} stamped on it holds no more")
    rule = FOUND_AS[stamp.verdict] if stamp.verdict else FOUND
    by = f" by {short(stamp.by, longest=80)}" if stamp.by else ""
    said = f"{capital(bill_name(case.bill))} carries a stamp already that was not made from here: {stamp.says or 'no word'}{by}"
    said += f", under {short(stamp.decision_id, longest=80) or 'no id'}."
    return _no(rule, said, "It stays as it is. Whoever looks after the integration has to say what it means.")


def nothing_was_decided_before(case: Case) -> Finding | None:
    """One confirmed decision holds for one content of a bill: a changed bill may be decided anew, either way.

    The opposite verdict on the same content is refused too, unless the flow lets a rejection counter an approval. The first
    one is on the bill in Intacct, where others may have acted on it; undoing it is their step, and any change of the bill (its
    due date, a line) opens it again.
    """
    if case.bill is None:
        return None
    standing = [one for one in case.others if one.state is DecisionState.CONFIRMED and case.as_shown(one)]
    if not standing:
        return _yes(ALREADY_DECIDED, "no decision is confirmed for this content of the bill")
    last = max(standing, key=lambda one: one.signal.decided_at)
    if counters(case, last):
        return _yes(ALREADY_DECIDED, f"it counters {last.decision_id}, as the flow allows")
    option = case.policy.way.option_name(last.signal.verdict)
    said = f"{who(last)} already decided {bill_name(case.bill)} as it is now: {option}, {minute(last.signal.decided_at)}."
    mend = "It can be decided again after the bill has been changed in Intacct."
    is_opposite = last.signal.verdict is Verdict.APPROVE and case.decision.signal.verdict is Verdict.REJECT
    can = STILL_POSSIBLE.get(case.bill.state, "") if is_opposite else ""
    return _no(ALREADY_DECIDED, said, f"{mend} {can}".strip())


def counters(case: Case, last: Decision) -> bool:
    """Whether it is a rejection of what was approved last, and the flow has such a one carried out."""
    verdicts = (last.signal.verdict, case.decision.signal.verdict)
    return case.policy.approval.counter_decision != "refuse" and verdicts == (Verdict.APPROVE, Verdict.REJECT)


def files_are_read(case: Case) -> Finding | None:
    """Where tasks show a bill's files, nobody decides about files that cannot be compared with those."""
    rule, bill = "attached files", case.bill
    if bill is None or not case.policy.compares_files or not bill.document_id:
        return None
    attachment = f"attachment {short(bill.document_id, longest=80)}"
    if bill.document_digest not in ("", UNREAD):
        return _yes(rule, f"those under {attachment} were read: {bill.document_digest}")
    said = f"The files of {bill_name(bill)} under {attachment} could not be read from Intacct, so nobody can tell whether they"
    mend = f"Whoever looks after the integration finds the reason in the run's log; then {case.again}."
    return _no(rule, f"{said} are those that the task shows.", mend)


def bill_is_as_shown(case: Case) -> Finding | None:
    """The bill is what this very task showed when the person chose."""
    rule, decision = "unchanged since shown", case.decision
    if case.bill is None:
        return None
    if not decision.shown_digest:
        return _no(rule, "It cannot be shown what the task said when this was chosen.", f"Please look at it and {case.again}.")
    if case.is_shown_but_for_files:
        # What cannot be read is no change; the rule about files says so.
        return None
    if case.as_shown(decision):
        return _yes(rule, f"the bill is what the task showed at {minute(decision.signal.decided_at)}")
    currency = case.bill.base_currency or case.bill.currency
    now = f"{money(case.bill.total_entered, currency)}, due {case.bill.due_on or 'on no date'}"
    told = changes(case.shown.get(decision.decision_id), case.bill)
    said = f"{capital(bill_name(case.bill))} was changed in Intacct after what the task showed; it is {now} now."
    said = " ".join([said, *(change.then for change in told)])
    return _no(rule, said, f"Please look at the updated task and {case.again}.")


def task_shows_what_its_history_says(case: Case) -> Finding | None:
    """What it shows without a story may have taken this choice back: the story is late, or lost, or cannot be read."""
    task, way, decided_at = case.chosen_on, case.policy.way, case.decision.signal.decided_at
    if task is None:
        return _no(AS_HISTORY, "The task can no longer be read, so nobody can tell what it shows.", f"Please {case.again}.")
    if not way.pending or (task.modified_at and task.modified_at < decided_at):
        # Read before it shows the choice: it says nothing against it.
        return None
    if accounted_for(task, way.shown_on(task), changes_of(case.stories or (), case.policy), case.policy):
        return _yes(AS_HISTORY, "the task shows what its history says")
    said = "The task shows something else than its history says, and Asana has no record of who changed it."
    return _no(AS_HISTORY, said, f"Please {case.again}.")


def task_is_as_we_wrote_it(case: Case) -> Finding | None:
    """Nobody approves 990.00 because somebody made the task say 9.90."""
    signal = case.decision.signal
    if case.link is None or case.task is None:
        return None
    bot, stories = case.policy.bot_gid, case.history or ()
    parts = altered_parts(case.link, case.task, stories, at=signal.decided_at, bot_gid=bot, under_way=case.under_way)
    if not parts:
        return _yes(ALTERED, "its name, its due day and the fields that Intacct owns say what we wrote")
    if not set(parts) - set(kept_otherwise(case.link, case.task)):
        return _shown_otherwise(case, parts)
    names = ", ".join(case.policy.field_names.get(part.removeprefix("field:"), part.replace("_on", " day")) for part in parts)
    by = f" by {short(', '.join(found), longest=80)}" if (found := alterers(parts, stories, bot_gid=bot)) else ""
    said = f"The task did not show what Intacct holds: {names} had been changed in Asana{by}."
    return _no(ALTERED, said, f"It is written anew. Please look at the updated task and {case.again}.")


def _shown_otherwise(case: Case, parts: Sequence[str]) -> Finding:
    assert case.link
    assert case.link.confirmed
    assert case.task
    told = []
    for part in parts:
        name = case.policy.field_names.get(part.removeprefix("field:"), part.replace("_on", " day"))
        shown, held = _plain(shown_by(case.task, part)), _plain(said(case.link.confirmed, part))
        told.append(f"{name} shows {shown!r} where Intacct holds {held!r}")
    mend = "Whoever looks after the Asana project sets the field's decimal places as they were, or decide on it in Intacct."
    return _no(ALTERED, f"Asana does not show the bill as it is: {'; '.join(told)}.", f"{mend} Then {case.again}.")


def _plain(value: object) -> str:
    return short(format(value, "f") if isinstance(value, Decimal) else str(value), longest=80)


# May this person decide?


def decider_is_a_person(case: Case) -> Finding | None:
    rule, signal, policy = "a person decides", case.decision.signal, case.policy
    again = "A person on the approver list has to choose."
    if signal.decider_gid is None:
        return _no(rule, "Asana has no record of a person who chose this: a rule or the system did.", again)
    if signal.decider_gid == policy.bot_gid:
        return _no(rule, "The integration itself cannot decide.", again)
    if case.person is None:
        return _no(rule, f"{case.who} is not a person that Asana knows.", again)
    if case.story and case.story.author_kind != "user":
        kind = f"says that it is a {case.story.author_kind}" if case.story.author_kind else "does not say so"
        return _no(rule, f"It is not proven that {case.who} is a person: Asana {kind}.", again)
    if case.person.is_guest:
        return _no(rule, f"{case.who} is a guest in Asana, and guests cannot decide.", again)
    if case.person.is_guest is None and policy.approval.guests_untold == "refuse":
        said = f"Asana does not tell whether {case.who} is a guest, and guests cannot decide."
        mend = "Whoever looks after the integration has to mend that (its preflight says how); then choose again."
        return _no(rule, said, mend)
    guest = "" if case.person.is_guest is False else "; whether they are a guest could not be asked"
    return _yes(rule, f"{case.who} (user {signal.decider_gid}){guest}")


def source_counts(case: Case) -> Finding | None:
    """Where a choice came from: scripts, rules and e-mails act in people's names."""
    rule, source, allowed = "source", case.decision.signal.source, case.policy.approval.sources
    if case.decision.signal.decider_gid is None:
        return None
    if source and source.casefold() in {one.casefold() for one in allowed}:
        return _yes(rule, f"through {source}")
    said = f"Asana says that the choice came through {source!r}" if source else "Asana does not say where the choice came from"
    return _no(
        rule, f"{said}, and only what comes through {', '.join(allowed)} counts.", f"Please {case.again} in Asana itself."
    )


def decider_is_on_the_list(case: Case) -> Finding | None:
    """By the user gid that preflight pinned: an e-mail address can move to another account."""
    rule, policy, gid, email = "approver list", case.policy, case.decision.signal.decider_gid, case.decision.decider_email
    if gid is None:
        return None
    listed = policy.email_of(gid)
    if listed and email and listed.casefold() != email.casefold():
        said = f"{case.who} is on the approver list as {listed}, and Asana shows the address {email} for that account now."
        return _no(rule, said, "Whoever looks after the flow file has to look at that and run preflight; then choose again.")
    if listed and not email:
        said = f"Asana does not show the address of that account, so nobody can tell whether it is {listed} still."
        return _no(rule, said, f"Whoever looks after the integration lets it see people's addresses; then {case.again}.")
    if listed:
        return _yes(rule, f"{listed} is on it, as user {gid}")
    if case.approver is None:
        return _no(rule, f"{case.who} is not on the approver list of this flow.", "Ask somebody who is.")
    pinned = policy.pinned(case.approver.email)
    if not pinned:
        said = f"It is not known yet which account in Asana is {case.approver.email} of the approver list."
        return _no(rule, said, f"Whoever looks after the integration has to run preflight; then {case.again}.")
    said = f"The address {case.approver.email} has moved: preflight pinned user {pinned}, and user {gid} chose this."
    return _no(rule, said, "Whoever looks after the flow file has to look at that and run preflight; then choose again.")


def delegation_is_valid(case: Case) -> Finding | None:
    rule, approver, on = "delegation dates", case.approver, case.decided_on
    if approver is None:
        return None
    if decides_on(approver, on):
        return _yes(rule, f"{on} is within {approver.valid_from or 'always'} to {approver.valid_to or 'always'}")
    if approver.valid_from and on < approver.valid_from:
        return _no(rule, f"{case.who} may decide from {approver.valid_from} on; this was chosen on {on}.")
    return _no(rule, f"{case.who} could decide until {approver.valid_to}; this was chosen on {on}.")


def rejection_has_a_reason(case: Case) -> Finding | None:
    if case.decision.signal.verdict is not Verdict.REJECT:
        return None
    if case.decision.signal.reason.strip():
        return _yes("reason", "a reason is given")
    if isinstance(case.policy.way, DeclaredComment):
        return _no("reason", "A rejection needs a reason.", "Write it behind the word, after a colon.")
    how = "Write a comment or fill in the reason" if case.policy.reason_field_gid else "Write a comment"
    return _no("reason", "A rejection needs a reason.", f"{how}, then {case.again}.")


STANDING: tuple[Guard, ...] = (choice_is_proven, choice_counts_as_it_is, choice_stands, choice_was_not_answered_before)
BILL: tuple[Guard, ...] = (
    bill_is_there,
    bill_is_open,
    books_are_open,
    bill_carries_no_unknown_stamp,
    nothing_was_decided_before,
    no_open_concern,
    files_are_read,
    bill_is_as_shown,
    task_shows_what_its_history_says,
    task_is_as_we_wrote_it,
)
LISTED: tuple[Guard, ...] = (decider_is_on_the_list, delegation_is_valid)
PERSON: tuple[Guard, ...] = (decider_is_a_person, source_counts, *LISTED, person_is_due)
BOTH: tuple[Guard, ...] = (amount_is_within_limit, *SEPARATED, rejection_has_a_reason)
STILL_THE_BILL: tuple[Guard, ...] = (
    bill_is_there,
    bill_is_open,
    bill_carries_no_unknown_stamp,
    files_are_read,
    bill_is_as_shown,
)
"""All that is asked before the stamp of a decision that stands is put on again: by whom it was decided was judged then."""
BEFORE_WRITING: tuple[Guard, ...] = (
    *STILL_THE_BILL,
    *LISTED,
    person_is_due,
    every_step_is_given,
    *BOTH,
)
"""Those that a change of the bill or of the policy can turn: asked once more on the very reading that comes before a write."""


def findings_of(case: Case) -> list[Finding]:
    """Every rule's answer. A choice that does not stand is not looked at further."""
    for guard in STANDING:
        finding = guard(case)
        if finding and not finding.passed:
            return [finding]
    return answers_of((*STANDING, *BILL, *PERSON, *BOTH), case)


def answers_of(guards: Sequence[Guard], case: Case) -> list[Finding]:
    return [finding for guard in guards if (finding := guard(case)) is not None]
