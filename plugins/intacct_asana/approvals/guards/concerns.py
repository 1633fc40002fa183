"""Concerns about a bill, as whoever judges its approval meets them: which are open, and who released one by a comment.

Where a control blocks, an approval is judged only on a bill that was looked at as it is; until then it waits. A rejection waits
for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from intacct_asana.approvals.policy import DeclaredComment, Policy
from intacct_asana.approvals.routing import decides_on
from intacct_asana.approvals.seen import Case, Finding
from intacct_asana.control_ports import Concerns, Ledger
from intacct_asana.errors import TryLater
from intacct_asana.records import Bill, Decision, DecisionState, Story, Verdict
from intacct_asana.records.concerns import BillFacts, Concern, ConcernState
from intacct_asana.records.remarks import reference
from intacct_asana.text import short

OPEN_CONCERN = "open concern"
JUDGED = (DecisionState.RECORDED, DecisionState.PARKED, DecisionState.CLEARED)
LONGEST_WHY = 500


class NotChecked(TryLater):
    """The controls have not seen the bill as it is. That is no failure: the next run's `check_bills` comes before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What the controls found, put into each case that is judged, where the flow `has_controls`; and one of them `blocks`."""

    ledger: Ledger
    concerns: Concerns
    now: Callable[[], datetime]
    has_controls: bool = True
    blocks: bool = True
    unlooked: Callable[[Decision], str] = lambda decision: ""
    """Why a control that blocks cannot tell yet: said in the log, and on no task."""

    def __call__(self, case: Case) -> Case:
        """The case with everything that was found about its bill. Raises NotChecked for an approval of a bill unseen."""
        key = case.decision.key
        if not self.has_controls:
            return case
        is_judged = case.decision.state in JUDGED and case.decision.signal.verdict is Verdict.APPROVE
        if is_judged and self.blocks and case.bill:
            if why := self.unlooked(case.decision):
                raise NotChecked(f"Approval {case.decision.decision_id} waits for the next run. {why}")
            raise_unless_checked(case.decision, case.bill, self.ledger.of([key]).get(key))
        stored = self.concerns.of([key])
        # Who is a second person is a matter of the approval that waits, so no other one is asked.
        now = [released(as_open_for(case, one), case, at=self.now()) if is_judged else one for one in stored]
        if moved := [one for one in now if one not in stored]:
            self.concerns.save(moved)
        return replace(case, concerns=tuple(now))


def raise_unless_checked(decision: Decision, bill: Bill, facts: BillFacts | None) -> None:
    is_same = facts and (facts.record_no, facts.modified_at_text) == (bill.record_no, bill.modified_at_text)
    if not is_same:
        since = "it was changed since" if facts else "they did not see it yet"
        raise NotChecked(
            f"Approval {decision.decision_id} waits for the next run: the controls have not looked at bill {bill.record_no} "
            f"as it is now; {since}."
        )


def as_open_for(case: Case, concern: Concern) -> Concern:
    """One that the decider released, for an approval of somebody else that came to nothing, is open for their own."""
    email = case.policy.email_of(case.decision.signal.decider_gid)
    is_own = concern.state is ConcernState.RELEASED and concern.release_word and concern.released_by.endswith(f"({email})")
    if not is_own or any(one.state is DecisionState.GRANTED for one in case.others):
        return concern
    return replace(concern, state=ConcernState.OPEN, ended_at=None, why="", released_by="")


def released(concern: Concern, case: Case, *, at: datetime) -> Concern:
    """The concern, ended where a comment on the bill's task releases it."""
    story = _release(concern, case) if concern.is_open else None
    if story is None:
        return concern
    why = short(_way(concern).reason_in(story) or "", longest=LONGEST_WHY).strip()
    said = f"{why or 'no reason was given'} (story {story.gid})"
    by = f"{story.author_name} ({case.policy.email_of(story.author_gid)})"
    return replace(concern, state=ConcernState.RELEASED, ended_at=at, why=said, released_by=by)


def _way(concern: Concern) -> DeclaredComment:
    return DeclaredComment(words={concern.release_word.casefold(): Verdict.APPROVE})


def _release(concern: Concern, case: Case) -> Story | None:
    """The first comment behind ours about it that begins with the word and is by somebody who may release it."""
    if not concern.release_word:
        return None
    stories, way = case.history or (), _way(concern)
    mark = reference(concern.concern_id)
    told = [place for place, story in enumerate(stories) if _is_ours(story, mark, case.policy)]
    after: Sequence[Story] = stories[told[0] + 1 :] if told else ()
    said = (story for story in after if way.said_by(story) is not None)
    return next((story for story in said if may_release(story, case)), None)


def _is_ours(story: Story, mark: str, policy: Policy) -> bool:
    return story.author_gid == policy.bot_gid and story.text.rstrip().endswith(mark)


def may_release(story: Story, case: Case) -> bool:
    """A second person of the approver list: not whose approval waits, and not who entered the bill.

    The comment has to stand as it was written, and to come from where choices may come from.
    """
    policy, gid = case.policy, story.author_gid
    email = policy.email_of(gid)
    if not email or gid == case.decision.signal.decider_gid or story.author_kind != "user":
        return False
    if story.is_edited is not False or not story.html.strip():
        return False
    if story.source.casefold() not in {one.casefold() for one in policy.approval.sources}:
        return False
    entries, day = policy.entries(email), story.created_at.astimezone(policy.timezone).date()
    logins = {login.casefold() for one in entries for login in one.logins}
    logins |= {user.login.casefold() for user in case.users or () if user.email.casefold() == email.casefold()}
    return _is_anothers(case, email, logins) and any(decides_on(one, day) for one in entries)


def _is_anothers(case: Case, email: str, logins: Collection[str]) -> bool:
    """Whether somebody else entered the bill. Where Intacct tells nobody, the flow says who may decide about such bills."""
    bill, approval = case.bill, case.policy.approval
    if bill is None:
        return False
    by_number = (user.login for user in case.users or () if user.record_no == bill.created_by_no)
    creator = bill.created_by or next(by_number, "")
    if creator or not approval.segregation_of_duties:
        return creator.casefold() not in logins
    return approval.decides_without_creator(email)


def no_open_concern(case: Case) -> Finding | None:
    """Nothing that blocks is open about the bill. What only advises was told on the task, and is no answer here."""
    if case.decision.signal.verdict is not Verdict.APPROVE or not case.concerns:
        return None
    held = [one for one in case.concerns if one.is_open and one.blocks]
    if not held:
        return Finding(rule=OPEN_CONCERN, passed=True, said=f"{len(case.concerns)} were found, and none is open that blocks")
    told = dict[str, dict[str, None]]()
    for one in sorted(held, key=lambda one: bool(one.release_word)):
        told.setdefault(one.release_word, {})[one.words] = None
    # Each way of releasing stands right behind what it releases.
    parts = [part for word, words in told.items() for part in (*words, release_words(word) if word else "")]
    return Finding(rule=OPEN_CONCERN, passed=False, said=" ".join(part for part in parts[:-1] if part), mend=parts[-1])


def release_words(word: str) -> str:
    """How people release it, in a sentence."""
    return (
        f'To release it, another approver, who did not enter the bill, writes a comment here that begins with "{word}:" '
        "and says why."
    )
