"""Tell people on the task what became of their choice: once, in plain words, whatever interrupts it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from intacct_asana.approvals.guards import ALREADY_DECIDED, NOTHING_LEFT
from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.signals import SUPERSEDED, WITHDRAWN, followed_by
from intacct_asana.approvals.summary import Summary
from intacct_asana.approvals.wording import comment_of
from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.ports import Decisions, TaskBoard
from intacct_asana.records import Decision, DecisionState, Story, Task
from intacct_asana.records.remarks import comment_with, reference

ONE_TASK = frozenset({"400", "403"})
"""What Asana answers about one task's field: locked, or not on it since the task left the project."""


def acknowledge_all(*, board: TaskBoard, decisions: Decisions, policy: Policy, now: Callable[[], datetime]) -> Summary:
    """Tell about every settled decision that people have not been told about. One that fails does not stop the others."""
    summary = Summary()
    untold = decisions.unacknowledged()
    for place, decision in enumerate(untold):
        try:
            acknowledge(decision, board=board, decisions=decisions, policy=policy, now=now)
            summary.count(decision)
        except IntacctAsanaError as error:
            summary.fail(decision, error)
            if isinstance(error, Misconfigured) and error.code not in ONE_TASK:
                summary.not_started = len(untold) - place - 1
                break
    return summary


def acknowledge(
    decision: Decision, *, board: TaskBoard, decisions: Decisions, policy: Policy, now: Callable[[], datetime]
) -> Decision:
    """Comment on the decision's task, put a refused choice back, note that it is done.

    Before it comments it looks for its own comment with this decision's reference. Raises OutcomeUnknown when a comment had
    no answer; the next run looks again. Nothing is said on a task that is gone, or to people who changed their own choice.
    """
    task = board.task(decision.task_gid)
    stories = board.stories(decision.task_gid) if task else []
    story_gid = ""
    if task and not _is_no_news(decision, stories, policy):
        target = _goes_back_to(decision, task, stories, decisions=decisions, policy=policy)
        story_gid = _told_by(decision, stories, policy) or _tell(decision, target, board=board, policy=policy)
        if target:
            policy.way.put(board, task.gid, target)
    return decisions.acknowledge(decision, story_gid=story_gid, at=now())


def _is_no_news(decision: Decision, stories: Sequence[Story], policy: Policy) -> bool:
    """The evidence keeps a choice that was changed; the task is not cluttered with it.

    A later choice has a comment of its own. Only somebody whose choice another person took back would never hear of it; nor
    would somebody who commented, because the task goes on showing the comment as if it counted.
    """
    if decision.rule not in (WITHDRAWN, SUPERSEDED):
        return False
    follower = followed_by(decision, stories, policy)
    if follower is None or follower.author_gid == decision.signal.decider_gid:
        return True
    return decision.rule == SUPERSEDED and bool(policy.way.pending)


def _told_by(decision: Decision, stories: Sequence[Story], policy: Policy) -> str:
    """gid of our comment about this decision, empty before it was made."""
    return comment_with(reference(decision.decision_id), stories, author_gid=policy.bot_gid)


def _tell(decision: Decision, target: str, *, board: TaskBoard, policy: Policy) -> str:
    return board.comment(decision.task_gid, comment_of(decision, policy, goes_back_to=target)).gid


def _goes_back_to(decision: Decision, task: Task, stories: Sequence[Story], *, decisions: Decisions, policy: Policy) -> str:
    """What to show, empty to leave the task: only while it still shows this very choice and nobody chose since."""
    way = policy.way
    shown = way.shown_on(task)
    shows_it = way.verdicts.get(shown) is decision.signal.verdict
    if decision.state is DecisionState.CONFIRMED or not shows_it or followed_by(decision, stories, policy):
        return ""
    if way.completes and decision.rule in NOTHING_LEFT:
        # The bill is done, and so is its task: back to pending would open it again.
        return ""
    target = _stands(decision, decisions, policy) if decision.rule == ALREADY_DECIDED else way.pending
    return "" if target == shown else target


def _stands(decision: Decision, decisions: Decisions, policy: Policy) -> str:
    """Where a bill is decided already, its task goes on showing what Intacct holds."""
    confirmed = [one for one in decisions.of(decision.key) if one.state is DecisionState.CONFIRMED]
    if not confirmed:
        return policy.way.pending
    return policy.way.value_of(max(confirmed, key=lambda one: one.signal.decided_at).signal.verdict)
