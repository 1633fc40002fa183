"""Which approvals of earlier steps still stand: each is bound to what it was given for, by whom, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from intacct_asana.approvals.choices import followed_by
from intacct_asana.approvals.guards.duties import SEPARATED
from intacct_asana.approvals.routing import progress_of, route_of
from intacct_asana.approvals.rules import LISTED, answers_of, choice_counts_as_it_is, choice_is_proven
from intacct_asana.approvals.seen import Case, voice_of
from intacct_asana.approvals.words import CHANGED, minute, void_words, who
from intacct_asana.records import Decision, DecisionState

TAKEN_BACK, EXPIRED, POLICY = "taken back", "no longer good", "policy changed"
"""Rules by which an approval of a step becomes void."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapse:
    """An approval of a step that counts no more, by which rule and in which words."""

    grant: Decision
    rule: str
    words: str


def open_grants(case: Case) -> list[Decision]:
    """Approvals that wait for others. Once the bill as it is was decided they are a part of that, and fall with it."""
    decisions = [*case.others, case.decision]
    if any(one.state is DecisionState.CONFIRMED and case.as_shown(one) for one in decisions):
        return []
    return [one for one in decisions if one.state is DecisionState.GRANTED]


def sorted_out(case: Case, *, at: datetime) -> tuple[list[Decision], list[Lapse]]:
    """Approvals of the bill that stand at that time, and those that are void from now on.

    One that a guard is against just now is in neither: it counts again when the guard is content.
    """
    kept: list[Decision] = []
    held: set[str] = set()
    lapses: list[Lapse] = []
    decisions = [*case.others, case.decision]
    for grant in open_grants(case):
        gid = grant.signal.task_gid
        others = [one for one in decisions if one is not grant]
        own = replace(case, decision=grant, others=others, stories=case.stories_of(gid))
        if lapse := _lapse(own, at=at, knows_stories=gid == case.decision.signal.task_gid or gid in case.histories):
            lapses.append(lapse)
            continue
        kept.append(grant)
        if not all(one.passed for one in answers_of((*LISTED, *SEPARATED), own)):
            held.add(grant.decision_id)
    late = _out_of_policy(case, kept)
    gone = held | {one.grant.decision_id for one in late}
    return [one for one in kept if one.decision_id not in gone], [*lapses, *late]


def _lapse(case: Case, *, at: datetime, knows_stories: bool) -> Lapse | None:
    """Why this grant is void, whoever looks at it. `case` is its own, maybe with the stories of another task."""
    grant, bill = case.decision, case.bill
    if bill is None:
        return None
    if not case.as_shown(grant) and not case.is_shown_but_for_files:
        return Lapse(grant=grant, rule=CHANGED, words=void_words(grant, case.shown.get(grant.decision_id), bill))
    what = f"The approval of {grant.granted} by {who(grant)}"
    if case.link and case.link.task_gid != grant.task_gid:
        return Lapse(grant=grant, rule=TAKEN_BACK, words=f"{what} was given on a task that stands for the bill no more.")
    if not knows_stories:
        return expired(grant, at=at)
    if follower := followed_by(grant, case.stories or (), case.policy):
        words = f"{who(grant)} took the approval of {grant.granted} back at {minute(follower.created_at)}."
        return Lapse(grant=grant, rule=TAKEN_BACK, words=words)
    for finding in answers_of((choice_is_proven, choice_counts_as_it_is), case):
        if not finding.passed:
            return Lapse(grant=grant, rule=TAKEN_BACK, words=f"{what} no longer counts. {finding.said}")
    return expired(grant, at=at)


def expired(grant: Decision, *, at: datetime) -> Lapse | None:
    if grant.good_until is None or at <= grant.good_until:
        return None
    words = (
        f"The approval of {grant.granted} by {who(grant)} was good until {minute(grant.good_until)}, and was not followed by"
    )
    return Lapse(grant=grant, rule=EXPIRED, words=f"{words} what is missing. It has to be given again.")


def _out_of_policy(case: Case, grants: Sequence[Decision]) -> list[Lapse]:
    """By who is in the steps now: the policy may have changed, or what came before is void."""
    if case.bill is None:
        return []
    route = route_of(case.bill, case.policy.approval, vendor_person=case.policy.vendor_person)
    voices = [voice for one in grants if (voice := voice_of(one, case.policy))]
    progress = progress_of(route, voices) if route else None
    lapses = []
    for one in grants:
        if not (progress and progress.counts(one.decision_id)):
            words = f"The approval of {one.granted} by {who(one)} no longer counts"
            why = "by the policy as it is now, or because a step before it is not given any more."
            lapses.append(Lapse(grant=one, rule=POLICY, words=f"{words}: {why}"))
    return lapses
