"""What people chose, as a task's history proves it. Only stories count: a field's value alone says neither who nor when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import zip_longest

from intacct_asana.approvals.policy import Policy
from intacct_asana.records import Decision, Signal, Story, Task, Verdict
from intacct_asana.text import short

REASON_WINDOW = timedelta(hours=24)
"""How long before a choice a comment of the same person still explains it."""
UNPROVEN = "unproven"
SUPERSEDED = "superseded"
WITHDRAWN = "withdrawn"


def signals_of(task: Task, stories: Sequence[Story], policy: Policy, *, closed_by_us: bool = False) -> list[Signal]:
    """Every choice of approve or reject on this task, oldest first, also those that were set back before anybody looked.

    `task` must have been read before `stories`. Our own changes (the reset to Pending) are no choices. One that a person
    changed or took back is there too, marked `replaced`. A task that says approve or reject without a story for it gives a
    signal without a decider and with source `unproven`: it is refused, and people are asked to choose again. An approval
    that we completed ourselves, because its bill is done, says so too and means nothing.
    """
    changes = changes_of(stories, policy)
    choices = [story for story in changes if _verdict(story, policy) and story.author_gid != policy.bot_gid]
    return [_signal(task, stories, choices, place, policy) for place in range(len(choices))] + (
        [] if closed_by_us and policy.way.completes else _unproven(task, changes, policy)
    )


def changes_of(stories: Sequence[Story], policy: Policy) -> list[Story]:
    """Every story that is about the decision, by anybody, in order, each once."""
    once = {story.gid: story for story in stories if policy.way.said_by(story) is not None}
    return sorted(once.values(), key=lambda story: story.created_at)


def followed_by(decision: Decision, stories: Sequence[Story], policy: Policy) -> Story | None:
    """What people chose after this choice: their latest change. None while the choice stands.

    Where several approve a bill, one's approval takes nothing from another's, and an approval that was given for a step is
    taken back by whoever gave it.
    """
    changes = changes_of(stories, policy)
    gids = [story.gid for story in changes]
    if decision.signal.story_gid in gids:
        later = changes[gids.index(decision.signal.story_gid) + 1 :]
    else:
        later = [story for story in changes if story.created_at > decision.signal.decided_at]
    signal = decision.signal
    own = [story for story in later if story.author_gid == signal.decider_gid]
    if decision.granted:
        return next((story for story in own[-1:] if _verdict(story, policy) is not signal.verdict), None)
    if policy.approval.rules and signal.verdict is Verdict.APPROVE:
        later = [story for story in later if story in own or _verdict(story, policy) is not Verdict.APPROVE]
    return _latest_by_people(later, policy)


def replacement(follower: Story, policy: Policy) -> str:
    return SUPERSEDED if _verdict(follower, policy) else WITHDRAWN


def reason_of(
    task: Task, stories: Sequence[Story], choice: Story, *, previous: Story | None, following: Story | None, policy: Policy
) -> str:
    """Why: what the choice itself says, where that is the place for it. Otherwise what the same person wrote into the reason
    field, else their latest comment around the choice; empty when there is neither.

    What another person wrote there is theirs, and is never stamped as the decider's. Nothing said before the `previous` choice
    explains this one: what explained a rejection must not be stamped onto the approval that follows it. Only for the same
    verdict does the field's old text go on speaking.
    """
    if (own_words := policy.way.reason_in(choice)) is not None:
        return short(own_words, longest=policy.longest_reason)
    written = task.fields.get(policy.reason_field_gid) if policy.reason_field_gid else None
    if isinstance(written, str) and written.strip() and _speaks_for(choice, previous, stories, policy):
        return short(written, longest=policy.longest_reason)
    own = [
        story.text
        for story in stories
        if story.kind == "comment_added"
        and story.author_gid is not None
        and story.author_gid == choice.author_gid
        and story.created_at >= choice.created_at - REASON_WINDOW
        and (previous is None or story.created_at > previous.created_at)
        and (following is None or story.created_at < following.created_at)
    ]
    return short(next((text for text in reversed(own) if text.strip()), ""), longest=policy.longest_reason)


def _speaks_for(choice: Story, previous: Story | None, stories: Sequence[Story], policy: Policy) -> bool:
    writings = [story for story in stories if story.field_gid == policy.reason_field_gid]
    if not writings or choice.author_gid is None or writings[-1].author_gid != choice.author_gid:
        return False
    if previous is None or _verdict(previous, policy) is _verdict(choice, policy):
        return True
    return writings[-1].created_at > previous.created_at


def _signal(task: Task, stories: Sequence[Story], choices: Sequence[Story], place: int, policy: Policy) -> Signal:
    story = choices[place]
    verdict = _verdict(story, policy)
    assert verdict is not None
    previous = choices[place - 1] if place else None
    following = choices[place + 1] if place + 1 < len(choices) else None
    return Signal(
        task_gid=task.gid,
        story_gid=story.gid,
        verdict=verdict,
        decider_gid=story.author_gid,
        decider_name=story.author_name,
        decided_at=story.created_at,
        source=story.source,
        reason=reason_of(task, stories, story, previous=previous, following=following, policy=policy),
        replaced=_replaced(story, stories, policy),
        said=policy.way.said_text(story),
    )


def _replaced(choice: Story, stories: Sequence[Story], policy: Policy) -> str:
    changes = changes_of(stories, policy)
    follower = _latest_by_people(changes[changes.index(choice) + 1 :], policy)
    return replacement(follower, policy) if follower else ""


def _latest_by_people(changes: Sequence[Story], policy: Policy) -> Story | None:
    return next((story for story in reversed(changes) if story.author_gid != policy.bot_gid), None)


def _unproven(task: Task, changes: Sequence[Story], policy: Policy) -> list[Signal]:
    """The task says approve or reject, and no story accounts for it.

    The id is made from the last change that is known, not from the time of the task's last modification: our own comment
    would move that, and the same gap would be told again and again.
    """
    value = policy.way.shown_on(task)
    verdict = policy.way.verdicts.get(value)
    if verdict is None or task.modified_at is None or accounted_for(task, value, changes, policy):
        return []
    last = changes[-1].gid if changes else "none"
    return [
        Signal(
            task_gid=task.gid,
            story_gid=f"{UNPROVEN}:{value}:after:{last}",
            verdict=verdict,
            decider_gid=None,
            decider_name="",
            decided_at=task.modified_at,
            source=UNPROVEN,
        )
    ]


def accounted_for(task: Task, value: str, changes: Sequence[Story], policy: Policy) -> bool:
    """Whether a story set this value and nothing replaced it by the time the task was read.

    Stories are read after the task, so a change in between stands in them and not yet on the task.
    """
    for story, after in zip_longest(changes, changes[1:]):
        replaced_by_then = after and (task.modified_at is None or after.created_at <= task.modified_at)
        if policy.way.said_by(story) == value and not replaced_by_then:
            return True
    return False


def _verdict(story: Story, policy: Policy) -> Verdict | None:
    return policy.way.verdicts.get(policy.way.said_by(story) or "")
