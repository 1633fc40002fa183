"""What somebody who chose was shown, what there is to be seen now, and how an auditor reads it.

A task shows a bill as it was written there; whether anybody altered it is in its stories.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from intacct_asana.approvals.policy import Policy
from intacct_asana.approvals.routing import NameOf, Progress, Voice, decides_on, policy_facts, progress_of, route_of
from intacct_asana.approvals.words import second, who
from intacct_asana.errors import Misconfigured
from intacct_asana.flow.rules import Approval, Approver
from intacct_asana.ports import Books, Links, TaskBoard
from intacct_asana.records import (
    Bill,
    Decision,
    DecisionState,
    IntacctUser,
    Link,
    Person,
    Signal,
    Snapshot,
    Story,
    Task,
    Vendor,
    Verdict,
    is_content,
    shows,
    snapshot_of,
)
from intacct_asana.records.concerns import Concern
from intacct_asana.records.documents import UNREAD
from intacct_asana.sync.difference import FIELD, parts_edited, shown_otherwise

Facts = dict[str, object]
"""Plain values that JSON can carry, money as text."""

WROTE = frozenset(
    {
        DecisionState.SUBMITTED,
        DecisionState.CONFIRMED,
        DecisionState.UNDOING,
        DecisionState.VOIDING,
        DecisionState.VOID,
    }
)
"""States of a decision whose stamp may be on its bill."""
NAMED_STORIES = {"name_changed": "name", "due_date_changed": "due_on", "notes_changed": "notes"}
"""Stories about the parts of a task that are no custom fields. Others of their kind only miss a second look at the past."""

OUR_IDS = "dec-"
"""What every decision's id begins with."""


def decision_id_of(flow: str, signal: Signal) -> str:
    """The same story always gives the same id, so a story that is read twice is one decision."""
    text = "|".join((flow, signal.task_gid, signal.story_gid))
    return f"{OUR_IDS}{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def decisions_of(
    signals: Iterable[Signal],
    *,
    flow: str,
    link: Link,
    board: TaskBoard,
    links: Links,
    known: Collection[str] = (),
    asked_about: str = "",
) -> list[Decision]:
    """A decision for each signal whose id is not in `known`.

    Asks the board for each person's e-mail address once, and the store for what the task showed. A subtask goes on showing
    what its person was asked about, `asked_about` by digest, also when the bill's task shows a change already.
    """
    new = [signal for signal in signals if decision_id_of(flow, signal) not in known]
    gids = sorted({signal.decider_gid for signal in new if signal.decider_gid})
    people = {gid: board.person(gid) for gid in gids}
    emails = {gid: person.email for gid, person in people.items() if person}
    return [
        replace(one, shown_digest=asked_about) if asked_about else one
        for signal in new
        for one in [_decision(signal, flow=flow, link=link, links=links, email=emails.get(signal.decider_gid or "", ""))]
    ]


def _decision(signal: Signal, *, flow: str, link: Link, links: Links, email: str) -> Decision:
    # A task that stood for the record before, and then another one did, showed who knows what in between.
    is_after = link.linked_at is None or signal.decided_at >= link.linked_at
    shown = _shown_at(links, link.key, task_gid=link.task_gid, at=signal.decided_at) if is_after else None
    return Decision(
        decision_id=decision_id_of(flow, signal),
        key=link.key,
        task_gid=link.task_gid,
        task_url=link.task_url,
        record_no=link.record_no,
        signal=signal,
        shown_digest=shown.digest if shown else "",
        decider_email=email,
    )


def _shown_at(links: Links, key: str, *, task_gid: str, at: datetime) -> Snapshot | None:
    """What this very task showed of the record then; None before it was written by us, and for another task."""
    return links.shown(key, task_gid=task_gid, at=at)


def shown_to(decision: Decision, links: Links) -> Snapshot | None:
    """What the decider saw, with its values; None where it is not kept, and then the digest alone answers for it."""
    shown = _shown_at(links, decision.key, task_gid=decision.task_gid, at=decision.signal.decided_at)
    return shown if shown and shown.digest == decision.shown_digest else None


def is_as_shown(decision: Decision, shown: Snapshot | None, bill: Bill) -> bool:
    """Whether the bill is what was decided on, also by a snapshot of an older release."""
    return shows(shown, bill) if shown else bool(decision.shown_digest) and is_content(decision.shown_digest, bill)


FIELD_CHANGED = "custom_field_changed"
UNNAMED = "a field that is not named"


def altered_parts(
    link: Link | None,
    task: Task | None,
    stories: Sequence[Story],
    *,
    at: datetime,
    bot_gid: str,
    under_way: Collection[str] = (),
) -> list[str]:
    """Parts of the task that Intacct owns and that did not say what we wrote, now or when somebody chose `at` that time.

    The task has to say exactly what we wrote: 990 is no 990.40, whoever rounded it. A part said something else then when
    somebody else had changed it last, and it was changed once more afterwards; without a later change the task still shows
    what it showed. `under_way` are parts that a write of ours may have changed just now.
    """
    if link is None or link.confirmed is None or task is None or task.gid != link.task_gid:
        return []
    ours = {"name", "due_on", *(FIELD + gid for gid in link.confirmed.fields)}
    now = {part for part in parts_edited(link.confirmed, task) if part != "completed"} - set(under_way)
    then = {part for part in ours if _was_altered(part, stories, at=at, bot_gid=bot_gid)}
    return sorted(now | then)


def kept_otherwise(link: Link | None, task: Task | None) -> tuple[str, ...]:
    """Parts that nobody changed, and that Asana shows in another form than we wrote: with fewer decimal places, or cut."""
    return shown_otherwise(link.confirmed, task) if link and link.confirmed and task else ()


def alterers(parts: Collection[str], stories: Sequence[Story], *, bot_gid: str) -> list[str]:
    """Who changed these parts, by name, each once."""
    found = [story.author_name for story in stories if _part_of(story) in parts and story.author_gid not in (None, bot_gid)]
    return [name for name in dict.fromkeys(found) if name]


def _was_altered(part: str, stories: Sequence[Story], *, at: datetime, bot_gid: str) -> bool:
    # A change of a field that Asana does not name may have been one of this field.
    names = (part, UNNAMED) if part.startswith(FIELD) else (part,)
    about = [story for story in stories if _part_of(story) in names]
    before = [story for story in about if story.created_at <= at]
    return bool(before) and before[-1].author_gid != bot_gid and len(before) < len(about)


def _part_of(story: Story) -> str:
    if story.kind.endswith(FIELD_CHANGED) and not story.field_gid:
        return UNNAMED
    return FIELD + story.field_gid if story.field_gid else NAMED_STORIES.get(story.kind, "")


@dataclass(slots=True, kw_only=True)
class Asked:
    """What is asked of Intacct beside the bills: at most once a run, and only when a decision is judged."""

    books: Books
    _users: Sequence[IntacctUser] | None = None
    _login: str | None = None
    _asked: bool = False
    _closed: dict[str, bool | None] = field(default_factory=dict)
    _vendors: dict[str, Vendor | None] = field(default_factory=dict)

    def users(self) -> Sequence[IntacctUser] | None:
        """None where the role may not list them."""
        if not self._asked:
            try:
                self._users = self.books.users()
            except Misconfigured:
                self._users = None
            self._asked = True
        return self._users

    def vendor(self, bill: Bill | None, approval: Approval) -> Vendor | None:
        """Asked where somebody's duties depend on it. None where the role may not see it."""
        if bill is None or not (approval.segregation_of_duties and approval.segregation_from_vendors):
            return None
        if bill.vendor_id not in self._vendors:
            try:
                self._vendors[bill.vendor_id] = self.books.vendor(bill.vendor_id)
            except Misconfigured:
                self._vendors[bill.vendor_id] = None
        return self._vendors[bill.vendor_id]

    def own_login(self) -> str:
        if self._login is None:
            self._login = self.books.identity().user_id
        return self._login

    def is_closed(self, summary_no: str) -> bool | None:
        """None where summaries may not be read. A bill that is not posted stands in no summary."""
        if summary_no and summary_no not in self._closed:
            try:
                self._closed[summary_no] = summary_no in self.books.closed_summaries([summary_no])
            except Misconfigured:
                self._closed[summary_no] = None
        return self._closed[summary_no] if summary_no else False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What the rules look at: the decision, its task as it is, the person, the bill as it is, its other decisions.

    `stories` are those of the task on which the person chose: the bill's own, or the `subtask`. `histories` are others' by gid.
    `person`, `task` and `stories` are None where Asana knows no such person or task any more, `bill` where it is gone.
    `under_way` are parts of the task that a write of ours may have changed, and nobody kept its answer.
    `shown` is what was seen, by decision id. `users` is Intacct's list of them, None where it may not be read; `own_login`
    is who we are there. `is_closed` says whether the bill's books are closed, None where Intacct does not tell.
    `known_editor` is who changed the bill before we wrote on it without another decision, empty where that is not kept.
    """

    decision: Decision
    policy: Policy
    person: Person | None
    stories: Sequence[Story] | None
    bill: Bill | None
    others: Sequence[Decision] = ()
    task: Task | None = None
    subtask: Task | None = None
    histories: Mapping[str, Sequence[Story] | None] = field(default_factory=dict)
    link: Link | None = None
    under_way: Collection[str] = ()
    shown: Mapping[str, Snapshot | None] = field(default_factory=dict)
    users: Sequence[IntacctUser] | None = None
    own_login: str = ""
    is_closed: bool | None = False
    vendor: Vendor | None = None
    """The bill's vendor, where the flow asks who made it; None where Intacct does not show it."""
    known_editor: str = ""
    may_be_draft: bool = False
    """Whether the first thing that is written submits it."""
    granted: Sequence[Decision] = ()
    """Approvals of earlier steps, by others or for the same step, that stand; oldest first."""
    name_of: NameOf = str
    concerns: Sequence[Concern] = ()
    """Everything that the controls ever found about the bill, oldest first."""

    @property
    def voice(self) -> Voice | None:
        """The person's choice as routing looks at it; None where nobody knows who it was."""
        return voice_of(self.decision, self.policy)

    @property
    def progress(self) -> Progress | None:
        """What was given before this choice. None without a bill, and where no rule fits it.

        Where a policy that was changed needs no more than was given, somebody who gave a step gives it once more.
        """
        route = self.bill and route_of(self.bill, self.policy.approval, vendor_person=self.policy.vendor_person)
        if not route:
            return None
        earlier = self.granted if self.policy.approval.rules else ()
        voices = [voice for one in earlier if (voice := voice_of(one, self.policy))]
        progress = progress_of(route, voices)
        if progress.is_complete and self.voice:
            progress = progress_of(route, [one for one in voices if self.voice.email != one.email])
        return progress

    @property
    def after(self) -> Progress | None:
        """What was given with this choice. A rejection gives nothing."""
        is_rejection = self.decision.signal.verdict is Verdict.REJECT
        return self.progress.with_voice(self.voice) if self.progress and self.voice and not is_rejection else self.progress

    @property
    def waits_for_others(self) -> bool:
        """Whether the choice counts for a step, and more is missing."""
        if not self.policy.approval.rules or self.decision.signal.verdict is Verdict.REJECT:
            return False
        return self.after is not None and not self.after.is_complete

    @property
    def decided_on(self) -> date:
        return day_of(self.decision, self.policy)

    @property
    def approver(self) -> Approver | None:
        """The list's entry of the decider: the one that holds on the day, of several."""
        email = self.policy.email_of(self.decision.signal.decider_gid) or self.decision.decider_email
        entries = self.policy.entries(email)
        return next((one for one in entries if decides_on(one, self.decided_on)), entries[0] if entries else None)

    @property
    def who(self) -> str:
        return who(self.decision)

    @property
    def story(self) -> Story | None:
        """The story that proves the choice, as it stands now."""
        return next((one for one in self.stories or () if one.gid == self.decision.signal.story_gid), None)

    @property
    def chosen_on(self) -> Task | None:
        """The task on which the person chose, as it is now."""
        return self.subtask or self.task

    @property
    def history(self) -> Sequence[Story] | None:
        """The stories of the bill's own task."""
        return self.stories_of(self.decision.task_gid)

    def stories_of(self, task_gid: str) -> Sequence[Story] | None:
        return self.stories if task_gid == self.decision.signal.task_gid else self.histories.get(task_gid)

    @property
    def again(self) -> str:
        return self.policy.way.again

    @property
    def editor(self) -> str | None:
        """Login of the person who changed the bill last; our own writes aside. None where that cannot be known."""
        if self.bill is None:
            return None
        return last_editor(self.bill, self.others, own_login=self.own_login, known=self.known_editor)

    @property
    def is_shown_but_for_files(self) -> bool:
        """Whether the bill is what was shown, as far as it can be told while its files cannot be read."""
        shown, bill = self.shown.get(self.decision.decision_id), self.bill
        is_unread = bill is not None and bill.document_digest == UNREAD
        return is_unread and shown is not None and bill is not None and shows(shown, replace(bill, document_digest=""))

    def as_shown(self, decision: Decision) -> bool:
        return self.bill is not None and is_as_shown(decision, self.shown.get(decision.decision_id), self.bill)


def day_of(decision: Decision, policy: Policy) -> date:
    return decision.signal.decided_at.astimezone(policy.timezone).date()


def voice_of(decision: Decision, policy: Policy) -> Voice | None:
    email = (policy.email_of(decision.signal.decider_gid) or decision.decider_email).casefold()
    return Voice(email=email, on=day_of(decision, policy), decision_id=decision.decision_id) if email else None


def last_editor(bill: Bill, decisions: Sequence[Decision], *, own_login: str, known: str = "") -> str | None:
    """Who changed the bill last. After our own stamp Intacct names us, so the one before is kept with the stamp's decision.

    `known` goes before that: who it was when we wrote on it last for something else.
    """
    if not bill.modified_by:
        # A bill that was never changed is as its creator left it.
        return None if bill.modified_at_text else bill.created_by
    if bill.modified_by.casefold() != own_login.casefold():
        return bill.modified_by
    wrote = [one for one in decisions if _wrote(one)]
    return known or (wrote[-1].editor if wrote else "") or None


def _wrote(decision: Decision) -> bool:
    """Whether we wrote on the bill for it, as far as its state tells. A step's approval that waited wrote nothing."""
    if decision.state is DecisionState.REJECTED:
        return bool(decision.editor)
    return decision.state in WROTE and not decision.granted


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


# For the auditor


def judged_facts(case: Case, findings: Sequence[Finding]) -> Facts:
    """Who chose what, when, by which story; each rule with its numbers; what was shown, and what the bill is now."""
    decision, approver = case.decision, case.approver
    return {
        "who": _decider(case),
        "chosen": _chosen(decision),
        "policy_version": case.policy.version,
        "rules": [{"rule": one.rule, "passed": one.passed, "said": one.said} for one in findings],
        "limits": {currency: str(limit) for currency, limit in approver.limits.items()} if approver else {},
        "shown_digest": decision.shown_digest,
        "bill": bill_facts(case.bill),
        **({"policy": policy_facts(case.after)} if case.after and case.policy.approval.names_steps else {}),
        **({"concerns": [concern_facts(one) for one in case.concerns]} if case.concerns else {}),
    }


def concern_facts(one: Concern) -> Facts:
    """What was found about the bill, and who released it or why it ended."""
    ended: Facts = {"ended_at": second(one.ended_at), "why": one.why} if one.ended_at else {}
    by: Facts = {"released_by": one.released_by} if one.released_by else {}
    told = {"concern_id": one.concern_id, "kind": one.kind, "said": one.words, "blocks": one.blocks}
    return {**told, "state": str(one.state), "found_at": second(one.found_at), **ended, **by}


def _decider(case: Case) -> Facts:
    guest, signal = case.person.is_guest if case.person else None, case.decision.signal
    email = case.decision.decider_email
    return {"gid": signal.decider_gid, "name": signal.decider_name, "email": email, "is_guest": guest}


def _chosen(decision: Decision) -> Facts:
    signal = decision.signal
    return {
        "verdict": str(signal.verdict),
        "said": signal.said,
        "at": second(signal.decided_at),
        "story_gid": signal.story_gid,
        "source": signal.source,
        "reason": signal.reason,
    }


def bill_facts(bill: Bill | None) -> Facts:
    """The bill as it was read; empty when it was gone. `digest` is that of the part a decision is about."""
    if bill is None:
        return {}
    snapshot = snapshot_of(bill)
    more = {"record_no": bill.record_no, "state": str(bill.state), "digest": snapshot.digest}
    people = {"created_by": bill.created_by, "modified_by": bill.modified_by, "modified_at_text": bill.modified_at_text}
    return {**snapshot.body, **more, **people}
