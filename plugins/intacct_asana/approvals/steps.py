"""The rules about steps: whether the person is due, up to which amount, and what people read of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.routing import (
    Progress,
    approver_at,
    base_currency,
    bill_words,
    due_words,
    given_words,
    policy_facts,
    progress_words,
)
from intacct_asana.approvals.seen import Case, Facts, Finding, voice_of
from intacct_asana.approvals.words import bill_name, capital, money, who
from intacct_asana.records import Bill, Decision, DecisionState, Verdict

NO_RULE, STEP = "policy rule", "step"


def _no(rule: str, said: str, mend: str = "") -> Finding:
    return Finding(rule=rule, passed=False, said=said, mend=mend)


def person_is_due(case: Case) -> Finding | None:
    """By the first rule that fits the bill as it is now. Without rules every approver is."""
    approval, bill, voice = case.policy.approval, case.bill, case.voice
    if not approval.rules or bill is None or case.approver is None or voice is None:
        return None
    progress = case.progress
    if progress is None:
        said = (
            f"No rule of the approval policy fits {bill_name(bill)}, so nobody can decide on it. {bill_words(bill, approval)}."
        )
        return _no(NO_RULE, said, "Whoever looks after the flow file has to add one.")
    route, place = progress.route, progress.place
    if place == len(route.steps):
        return _no(STEP, f"Every step of the rule {route.rule.name} is given already.", "Whoever gave one can choose again.")
    place_of = progress.place_for(voice)
    if not place_of:
        return _no(STEP, _not_due(case, progress), f"Due is {_due(case, progress)}.")
    after = progress.with_voice(voice)
    if case.decision.signal.verdict is Verdict.APPROVE and not after.can_be_ended(voice.on) and progress.can_be_ended(voice.on):
        said = f"If {case.who} gave {route.name_of(place)}, too few people would be left for the steps after it."
        return _no(STEP, said, "Somebody else has to give this one.")
    absent = f" for {case.name_of(place_of)}" if place_of != voice.email else ""
    said = f"{case.who}{absent} gives {route.name_of(place)} of the rule {route.rule.name}"
    return Finding(rule=STEP, passed=True, said=said)


def _not_due(case: Case, progress: Progress) -> str:
    """Why, with the step that is due."""
    route, voice = progress.route, case.voice
    assert voice
    due = route.name_of(progress.place)
    if voice.email in progress.gave:
        gave = route.name_of(progress.gave[voice.email])
        if progress.gave[voice.email] == progress.place:
            return f"{case.who} approved {gave} already, and others are missing there."
        return f"{case.who} gave {gave} already, and nobody gives two steps. Now {due} is due."
    return f"{case.who} is not among those who give {due} of the rule {route.rule.name}, which is due now."


def _due(case: Case, progress: Progress) -> str:
    return due_words(progress, on=case.decided_on, name_of=case.name_of)


def amount_is_within_limit(case: Case) -> Finding | None:
    """By the bill's amount in its base currency. A rejection spends nothing and needs no limit.

    A deputy has the limit of whom they stand in for.
    """
    rule, approver, bill, voice = "limit", case.approver, case.bill, case.voice
    if approver is None or bill is None or voice is None or case.decision.signal.verdict is Verdict.REJECT:
        return None
    whose = f"{case.who}'s"
    if progress := case.progress:
        place_of = progress.place_for(voice)
        if not place_of:
            # Not due: there is a rule for that.
            return None
        if progress.route.steps[progress.place].step.limit == "none":
            return Finding(rule=rule, passed=True, said="no limit holds in this step")
        if place_of != voice.email:
            approver, whose = approver_at(progress.route, place_of) or approver, f"{case.name_of(place_of)}'s"
    currency = base_currency(bill, case.policy.approval)
    if not currency:
        said = f"Intacct does not tell the base currency of {bill_name(bill)}, so no limit can be compared with it."
        return _no(rule, said, "Whoever looks after the flow file names it there (approval.base_currency).")
    limit = approver.limits.get(currency)
    if limit is None:
        return _no(rule, f"{whose[:-2]} has no limit for bills in {currency}.", "Ask somebody who has.")
    amount, most = money(abs(bill.total_entered), currency), money(limit, currency)
    if abs(bill.total_entered) > limit:
        return _no(rule, f"{amount} is over {whose} limit of {most}.", "Ask somebody with a higher limit.")
    return Finding(rule=rule, passed=True, said=f"{amount} is within {whose} limit of {most}")


def every_step_is_given(case: Case) -> Finding | None:
    """With this choice. Asked before a write: what was given before may not count any more."""
    if case.decision.signal.verdict is Verdict.REJECT or not case.policy.approval.rules or case.after is None:
        return None
    if case.after.is_complete:
        return Finding(rule=STEP, passed=True, said=f"all steps are given: {given_words(case.after, name_of=case.name_of)}")
    due = f"{capital(case.after.route.name_of(case.after.place))} is not given any more."
    return _no(STEP, due, f"Due is {_due(case, case.after)}; then {case.again}.")


def granted_words(case: Case, after: Progress, *, on: date) -> str:
    """`Carla Ruiz approved step 1 of 2 (manager). Next: Ben Okafor.`"""
    route = after.route
    place = after.gave[case.voice.email] if case.voice else 0
    given = next(one for one in after.given[place] if case.voice and one.voice.email == case.voice.email)
    absent = f" for {case.name_of(given.absent)}" if given.absent else ""
    more = "Also needed" if after.place == place else "Next"
    return (
        f"{case.who}{absent} approved {route.name_of(place)}. {more}: {due_words(after, on=on, name_of=case.name_of)}. "
        f"Rule: {route.rule.name}."
    )


def done_words(case: Case) -> str:
    """`Rule large bills. Manager: Alice Martin; controller: Ben Okafor.` Without rules it names a deputy alone."""
    if case.progress is None:
        return ""
    if not case.policy.approval.rules:
        place_of = case.progress.place_for(case.voice) if case.voice else ""
        return f"{case.who} for {case.name_of(place_of)}." if case.voice and place_of not in ("", case.voice.email) else ""
    if case.decision.signal.verdict is Verdict.REJECT:
        at = case.progress
        step = "" if at.is_complete else f", {at.route.name_of(at.place)}"
        return f"Rule {at.route.rule.name}{step}: {who(case.decision)}."
    assert case.after
    return f"Rule {case.after.route.rule.name}. {capital(given_words(case.after, name_of=case.name_of))}."


@dataclass(frozen=True, slots=True, kw_only=True)
class ByPolicy:
    """The rule and the steps by which a bill was decided, for people and for the evidence; empty where the flow has none."""

    words: str = ""
    facts: Facts = field(default_factory=dict)
    progress: str = ""


def by_policy(
    decision: Decision, bill: Bill | None, policy: Policy, *, decided: Sequence[Decision], names: Mapping[str, str]
) -> ByPolicy:
    """`decided` is everything about the bill. Nobody is asked for names, because the end of a write is being kept."""
    if not policy.approval.names_steps:
        return ByPolicy()
    earlier = given_before(decision, decided)
    told = [(voice_of(one, policy), who(one)) for one in (*earlier, decision)]
    known = {**names, **{voice.email: name for voice, name in told if voice}}
    case = Case(
        decision=decision,
        policy=policy,
        person=None,
        stories=(),
        bill=bill,
        granted=earlier,
        name_of=lambda email: known.get(email, email),
    )
    if case.after is None:
        return ByPolicy()
    is_waited_for = bool(policy.approval.rules) and decision.signal.verdict is Verdict.APPROVE
    return ByPolicy(
        words=done_words(case),
        facts={"policy": policy_facts(case.after)},
        # Nobody is waited for behind a rejection.
        progress=progress_words(case.after, on=case.decided_on, name_of=case.name_of) if is_waited_for else "",
    )


def given_before(decision: Decision, decided: Sequence[Decision]) -> list[Decision]:
    """Approvals of the same content of the bill that wait, or waited, for this decision."""
    granted = (one for one in decided if one.state is DecisionState.GRANTED and one.decision_id != decision.decision_id)
    return [one for one in granted if one.shown_digest == decision.shown_digest]
