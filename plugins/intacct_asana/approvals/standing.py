"""What stands about a bill, out of everything that was decided on it, and having its task show and people hear that.

`standing_of` is the one question that both sides are made to answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from intacct_asana.approvals.choices import SUPERSEDED, WITHDRAWN, changes_of, followed_by
from intacct_asana.approvals.guards.concerns import NotChecked
from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.rules import FOUND, FOUND_AS, NOTHING_LEFT
from intacct_asana.approvals.seen import OUR_IDS, is_as_shown
from intacct_asana.approvals.words import CHANGED, comment_of, decided_words, minute, remark_id, void_words, who
from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.journal import Kind, carry_out
from intacct_asana.ports import Decisions, Journal, TaskBoard
from intacct_asana.records import (
    ON_THE_WAY,
    SETTLED_STATES,
    Bill,
    Decision,
    DecisionState,
    Intent,
    Snapshot,
    Story,
    Task,
    Verdict,
)
from intacct_asana.records.anchors import Anchor, anchors_in, without_anchors
from intacct_asana.records.remarks import comment_with, reference, reference_of
from intacct_asana.sync.report import MOST_SAID, Report

VOIDED = frozenset({DecisionState.VOIDING, DecisionState.VOID})
REFUSALS = frozenset({DecisionState.REFUSED, DecisionState.REJECTED})


class Stands(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    VOID = "void"
    """It was decided, and the bill is another one now."""


BY_VERDICT = {Verdict.APPROVE: Stands.APPROVED, Verdict.REJECT: Stands.REJECTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands, by whose choice, and why. `choice` is None where nobody's choice that we know of stands.

    `show` is what the task has to be made to show; empty where it is to be left, or shows it already.
    """

    state: Stands
    choice: Decision | None
    why: str
    show: str = ""


def standing_of(
    choices: Sequence[Decision],
    bill: Bill | None,
    task: Task | None,
    policy: Policy,
    *,
    shown: Mapping[str, Snapshot | None],
) -> Standing:
    """From every decision about a bill, oldest first, the bill and the task as they are now, and the rules: what stands.

    Without a bill (it is gone, or nobody looked) what was confirmed stands as it was; so it does on a bill that is settled.
    `shown` is what each decider saw, by decision id.
    """
    state, choice, why = _judged(choices, bill, shown)
    return Standing(state=state, choice=choice, why=why, show=_to_show(state, choices, task, policy))


def _judged(
    choices: Sequence[Decision], bill: Bill | None, shown: Mapping[str, Snapshot | None]
) -> tuple[Stands, Decision | None, str]:
    confirmed = [one for one in choices if one.state is DecisionState.CONFIRMED]
    if confirmed:
        last = confirmed[-1]
        saw = shown.get(last.decision_id)
        if still_holds(last, bill, saw):
            return BY_VERDICT[last.signal.verdict], last, f"{who(last)} decided so, and the bill is what it was"
        assert bill is not None
        return Stands.VOID, last, void_words(last, saw, bill)
    ended = [one for one in choices if one.state in VOIDED or one.rule in FOUND_AS.values()]
    if ended and ended[-1].state in VOIDED:
        return Stands.VOID, ended[-1], ended[-1].outcome
    if ended:
        verdict = next(verdict for verdict, rule in FOUND_AS.items() if rule == ended[-1].rule)
        return BY_VERDICT[verdict], None, "the bill carries a stamp that was not made from here"
    return Stands.PENDING, None, "nobody's choice was carried out"


def still_holds(decision: Decision, bill: Bill | None, shown: Snapshot | None) -> bool:
    """Whether a confirmed decision is about the bill as it is now. On one that is gone or settled nothing can be turned.

    One that was found on the bill, without a word of what it was put on, is taken as it is.
    """
    if bill is None or bill.state in SETTLED_STATES:
        return True
    found = decision.rule in FOUND_AS.values() and not decision.shown_digest
    return found or is_as_shown(decision, shown, bill)


def _to_show(state: Stands, choices: Sequence[Decision], task: Task | None, policy: Policy) -> str:
    way = policy.way
    if task is None or way.on_subtasks:
        return ""
    verdicts = {stands: verdict for verdict, stands in BY_VERDICT.items()}
    target = way.value_of(verdicts[state]) if state in verdicts else way.pending
    if target == way.pending and way.completes and any(one.rule in NOTHING_LEFT for one in choices[-1:]):
        # The bill is done, and so is its task: back to pending would open it again.
        return ""
    shown = way.shown_on(task)
    same = shown == target or (state in verdicts and way.verdicts.get(shown) is verdicts[state])
    return "" if same else target


@dataclass(slots=True, kw_only=True)
class Decided(Report):
    """What a run over decisions came to: how many ended in which state, by which rule, and what became of each.

    `bills` are those that were read, by key, to be called by their names.
    """

    noun: str = "decisions"
    bills: Mapping[str, Bill] = field(default_factory=dict)
    noted: list[Decision] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=Counter)
    put_back: int = 0
    """Newer choices that a value of ours was written over, and that the task shows again."""
    shown_again: int = 0
    """Tasks of bills that stand as they were, made to show so again."""

    def note(self, decision: Decision) -> None:
        self.count(str(decision.state))
        self.rules.update([decision.rule] if decision.rule else [])
        self.noted.append(decision)

    def sentences(self, titles: Mapping[str, str] = MappingProxyType({})) -> list[str]:
        """What became of each, then what else was said. `titles` are those of tasks, for bills that nobody read."""
        noted = [self.words_of(one, title=titles.get(one.key, "")) for one in self.noted]
        return [*noted, *(line for lines in self.said.values() for line in lines)]

    def words_of(self, decision: Decision, *, title: str = "") -> str:
        return decided_words(decision, self.bills.get(decision.key), title=title)

    def worth(self) -> dict[str, str]:
        """What was approved and carried out, by base currency."""
        sums: dict[str, Decimal] = {}
        for one in self.noted:
            bill = self.bills.get(one.key)
            if bill and one.state is DecisionState.CONFIRMED and one.signal.verdict is Verdict.APPROVE:
                currency = bill.base_currency or bill.currency
                sums[currency] = sums.get(currency, Decimal(0)) + bill.total_entered
        return {currency: str(amount) for currency, amount in sums.items()}

    def missed(self, decision: Decision, error: IntacctAsanaError) -> set[str]:
        """The bill about which nothing else may be settled in this run: nothing is under way for what was not judged yet."""
        if isinstance(error, NotChecked):
            self.waiting += 1
            self.say(decision.decision_id, error.message)
            return set()
        self.fail(f"{decision.key} ({decision.decision_id})", error)
        return {decision.key}

    def summary(self) -> dict[str, object]:
        return {
            "states": self.counts(),
            "rules": dict(self.rules),
            "failures": {failure.key: failure.error.message for failure in self.failures},
            "waiting": self.waiting,
            "not_started": self.not_started,
            "put_back": self.put_back,
            "shown_again": self.shown_again,
            "worth": self.worth(),
            "refused": [self.words_of(one) for one in self.noted if one.state in REFUSALS][:MOST_SAID],
        }


# Telling people

ONE_TASK = frozenset({"400", "403"})
"""What Asana answers about one task's field: locked, or not on it since the task left the project."""
MOST_PUTS = 3
"""How often a value is put in one go while people go on choosing; the next run goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """One run's ports and rules. `owner` names the process to the journal."""

    board: TaskBoard
    decisions: Decisions
    journal: Journal
    policy: Policy
    now: Callable[[], datetime]
    bring_back: Callable[[Task], bool] = lambda task: True
    """Sees to it that a task that is to be written is in its project; False for one that has to stay where it is."""
    owner: str = "tell_people"
    only: frozenset[str] | None = None
    """Keys of the bills that this run is about; None for all."""
    put_back: list[str] = field(default_factory=list)
    """Tasks on which a newer choice was overwritten and put back."""

    def tell_all(self) -> Decided:
        """Tell about every settled decision that people have not heard of. One that fails does not stop the others."""
        summary = Decided()
        untold = [one for one in self.decisions.unacknowledged() if self.only is None or one.key in self.only]
        for place, decision in enumerate(untold):
            try:
                self.tell(decision)
                summary.note(decision)
            except IntacctAsanaError as error:
                summary.missed(decision, error)
                if isinstance(error, Misconfigured) and error.code not in ONE_TASK:
                    summary.not_started = len(untold) - place - 1
                    break
        summary.put_back = len(self.put_back)
        return summary

    def tell(self, decision: Decision) -> Decision:
        """Comment on the decision's task, have it show what stands, note that it is done.

        The comment is looked for by its reference before it is made. Raises OutcomeUnknown when it had no answer; the next
        run looks again. Nothing is said on a task that is gone, or to people who changed their own choice.
        """
        task = self.board.task(decision.task_gid)
        stories = self.board.stories(decision.task_gid) if task else []
        story_gid, choices = "", self.decisions.of(decision.key)
        subtask = self.board.task(decision.signal.task_gid) if decision.signal.task_gid != decision.task_gid else None
        there = self.board.stories(subtask.gid) if subtask else stories
        if task and not self._is_no_news(decision, there, choices):
            wanted = standing_of(choices, None, task, self.policy, shown={}).show
            target = wanted if self._may_put(decision, choices, there) else ""
            story_gid = self._commented(decision, target, stories)
            if target:
                self.put(task, target, stories)
            if subtask:
                self._answer_there(decision, subtask, there, choices)
            self._show_progress(decision, task)
        return self.decisions.acknowledge(decision, story_gid=story_gid, at=self.now())

    def _answer_there(self, decision: Decision, subtask: Task, stories: Sequence[Story], choices: Sequence[Decision]) -> None:
        """Tell the person on their own subtask too, and have it show what stands on it: pending, where nothing does."""
        own = [one for one in choices if one.signal.task_gid == subtask.gid]
        stands = [one.signal.verdict for one in own if one.state in (DecisionState.CONFIRMED, DecisionState.GRANTED)]
        way, target = self.policy.way, ""
        shown = way.shown_on(subtask)
        is_same = way.verdicts.get(shown) is stands[-1] if stands else shown == way.pending
        if subtask.kind == "approval" and not is_same and self._may_put(decision, own, stories):
            target = way.value_of(stands[-1]) if stands else way.pending
        self._commented(decision, target, stories, on=subtask.gid)
        if target:
            self._put(subtask.gid, target, stories)

    def _show_progress(self, decision: Decision, task: Task) -> None:
        """Where the flow names a field for it. What was refused changes nothing of it."""
        gid = self.policy.progress_field_gid
        moved = decision.state in (DecisionState.GRANTED, DecisionState.CONFIRMED, *VOIDED)
        if gid and moved and (task.fields.get(gid) or "") != decision.progress and self.bring_back(task):
            self.board.set_fields(task.gid, {gid: decision.progress or None})

    def show(
        self,
        key: str,
        task: Task,
        *,
        bill: Bill | None = None,
        shown: Mapping[str, Snapshot | None] = MappingProxyType({}),
        stories: Sequence[Story] | None = None,
    ) -> str:
        """Have the task of a decided bill show what stands, unless a choice waits to be looked at. What was put.

        `stories` are the task's, where somebody has read them already.
        """
        choices = self.decisions.of(key)
        wanted = standing_of(choices, bill, task, self.policy, shown=shown).show
        if not wanted or any(one.state in ON_THE_WAY or not one.acknowledged for one in choices):
            return ""
        stories = self.board.stories(task.gid) if stories is None else stories
        if self._has_unread(choices, stories):
            return ""
        self.put(task, wanted, stories)
        return wanted

    def put(self, task: Task, value: str, stories: Sequence[Story]) -> None:
        """Have the task show `value`. A choice that somebody made in the meantime is not lost: it is shown again.

        The stories are read after each write, because only they tell what it wrote over.
        """
        if self.bring_back(task):
            self._put(task.gid, value, stories)

    def _put(self, task_gid: str, value: str, stories: Sequence[Story]) -> None:
        way, seen = self.policy.way, {story.gid for story in stories}
        for _ in range(MOST_PUTS):
            way.put(self.board, task_gid, value)
            changes = changes_of(self.board.stories(task_gid), self.policy)
            since = [story for story in changes if story.gid not in seen]
            newer = [story for story in since if story.author_gid != self.policy.bot_gid]
            over = way.said_by(newer[-1]) if newer else None
            if not over or way.said_by(since[-1]) == over:
                return
            self.put_back.append(task_gid)
            seen.update(story.gid for story in since)
            value = over

    def _is_no_news(self, decision: Decision, stories: Sequence[Story], choices: Sequence[Decision]) -> bool:
        """The evidence keeps a choice that was changed; the task is not cluttered with it.

        A later choice has a comment of its own. Only somebody whose choice another person took back would never hear of it;
        nor would somebody who commented, because the task goes on showing the comment as if it counted. One change of a bill
        takes all its steps with it, and is told with the last of them.
        """
        if decision.granted and decision.rule == CHANGED and decision.state is DecisionState.VOID:
            later = choices[[one.decision_id for one in choices].index(decision.decision_id) + 1 :]
            return any(one.rule == CHANGED and one.shown_digest == decision.shown_digest for one in later)
        if decision.rule not in (WITHDRAWN, SUPERSEDED):
            return False
        follower = followed_by(decision, stories, self.policy)
        if follower is None or follower.author_gid == decision.signal.decider_gid:
            return True
        return decision.rule == SUPERSEDED and bool(self.policy.way.pending)

    def _may_put(self, decision: Decision, choices: Sequence[Decision], stories: Sequence[Story]) -> bool:
        """Never over a newer choice, nor while another decision about the bill is on its way."""
        if decision.rule == FOUND or any(one.state in ON_THE_WAY for one in choices):
            return False
        newer = decision.rule in FOUND_AS.values() or not followed_by(decision, stories, self.policy)
        return newer and not self._has_unread(choices, stories)

    def _has_unread(self, choices: Sequence[Decision], stories: Sequence[Story]) -> bool:
        """Whether somebody chose what no decision of the store is about yet."""
        way, known = self.policy.way, {one.signal.story_gid for one in choices}
        people = (story for story in changes_of(stories, self.policy) if story.author_gid != self.policy.bot_gid)
        return any(story.gid not in known and (way.said_by(story) or "") in way.verdicts for story in people)

    def _commented(self, decision: Decision, target: str, stories: Sequence[Story], *, on: str = "") -> str:
        """gid of our comment about the decision as it stands, made once on the bill's task, and once `on` its subtask."""
        mark = reference(remark_id(decision))
        if told := comment_with(mark, stories, author_gid=self.policy.bot_gid):
            return told
        text = comment_of(decision, self.policy, goes_back_to=target, anchor=self.decisions.anchor(decision))
        body = {"text": text, "reference": mark}
        name = f"answer-{remark_id(decision)}{'-there' if on else ''}"
        intent = Intent(intent_id=name, kind="answer", subject=on or decision.task_gid, body=body)
        kind = AnswerKind(board=self.board, bot_gid=self.policy.bot_gid)
        with closing(
            carry_out([intent], kinds=[kind], journal=self.journal, owner=self.owner, now=self.now, workers=1)
        ) as outcomes:
            for outcome in outcomes:
                if outcome.error:
                    raise outcome.error
                return str(outcome.found.gid)
        return ""


def anchors_told(stories: Sequence[Story], *, bot_gid: str, since: datetime) -> list[Anchor]:
    """Anchors in our own answers since then. Each is the line above the reference, alone: other lines hold people's words."""
    found: list[Anchor] = []
    for story in stories:
        is_ours = story.author_gid == bot_gid and story.kind == "comment_added" and story.created_at >= since
        mark = reference_of(story.text)
        if is_ours and mark.startswith(reference(OUR_IDS)):
            line = story.text.rstrip().splitlines()[-2:-1]
            where = f"our comment of {minute(story.created_at)} ({mark})"
            alone = [text for text in line if not without_anchors(text)]
            found += [anchor for text in alone for anchor in anchors_in(text, where=where)]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerKind(Kind):
    """A comment that answers a decision; what it finds is the story that carries its reference.

    Where no decision keeps that it was written, its row is `remembered`, and after a lost store it `looks_first`.
    """

    board: TaskBoard
    bot_gid: str
    name: str = "answer"
    exclusive: bool = field(default=False, init=False)
    looks_first: bool = False
    remembered: bool = False

    def send(self, intent: Intent) -> Story:
        if html := str(intent.body.get("html", "")):
            return self.board.comment(intent.subject, "", html=html)
        return self.board.comment(intent.subject, str(intent.body["text"]))

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Story]:
        found: dict[str, Story] = {}
        for intent in intents:
            stories = self.board.stories(intent.subject)
            gid = comment_with(str(intent.body["reference"]), stories, author_gid=self.bot_gid)
            if gid:
                found[intent.intent_id] = next(story for story in stories if story.gid == gid)
        return found

    def same(self, intent: Intent, found: Any) -> bool:
        return isinstance(found, Story)
