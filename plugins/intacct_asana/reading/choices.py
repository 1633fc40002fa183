"""Where people may have decided: which tasks are worth reading, which are gone for good, and where the next run goes on.

Three nets, because none of Asana's own holds everything. Events are delivered at most once. The listing by time of change
brings what events lost, but not a task that came back from another project. The crawl, at least every `crawl_hours`, brings
both. All of them only say where to look: what counts is in the task's stories, wherever the task is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from intacct_asana.approvals import UNPROVEN, Policy, Stands, standing_of
from intacct_asana.approvals.choices import followed_by
from intacct_asana.approvals.words import copy_words, minute
from intacct_asana.errors import OddRecord
from intacct_asana.reading.watch import touched_task
from intacct_asana.records import (
    Cursor,
    Decision,
    DecisionState,
    Event,
    EventPage,
    Intent,
    Link,
    Mark,
    Signal,
    Story,
    Task,
    UnreadTask,
)
from intacct_asana.records.asks import Ask
from intacct_asana.records.remarks import reference
from intacct_asana.sync.report import Report
from intacct_asana.text import short

OVERLAP = timedelta(minutes=10)
"""How far the listing by time of change reaches behind the last one."""
SETTLES = timedelta(minutes=10)
"""How long a task's history may still fill up after its last change. Until then it is read again."""
TO_SHOW = "approvals_to_show"
"""Cursor: keys of decided bills whose tasks say something else than what stands, until they were made to say it again."""
TO_LOOK_AT = "approvals_taken_back"
"""Cursor: keys of bills of which somebody took the approval of a step back, until the settling looked at them."""
COPY = "copy"
"""The journal's name for answers on copies."""
TASK_GONE = "task gone"
"""What such evidence is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the last run left off in one project, as its cursors tell."""

    project_gid: str
    sync_token: str = ""
    seen_until: datetime | None = None
    crawled_at: datetime | None = None
    away: frozenset[str] = frozenset()
    """Linked tasks that were out of the project: no listing and no event of it tells of them, so each run asks."""
    owed: frozenset[str] = frozenset()
    """Linked tasks that could not be read, and that the other places went past: each run asks for them too."""

    @staticmethod
    def names(project_gid: str) -> tuple[str, ...]:
        return tuple(f"asana_{what}:{project_gid}" for what in ("events", "seen", "crawl", "away", "owed"))

    @classmethod
    def of(cls, project_gid: str, cursors: Mapping[str, str | None]) -> Places:
        events, seen, crawl, away, owed = (cursors.get(name) or "" for name in cls.names(project_gid))
        return cls(
            project_gid=project_gid,
            sync_token=events,
            seen_until=datetime.fromisoformat(seen) if seen else None,
            crawled_at=datetime.fromisoformat(crawl) if crawl else None,
            away=_gids(away),
            owed=_gids(owed),
        )

    def crawl_is_due(self, *, every_hours: int, now: datetime) -> bool:
        return self.crawled_at is None or now - self.crawled_at >= timedelta(hours=every_hours)

    def cursors(self) -> list[Cursor]:
        seen, crawl = (at.isoformat() if at else "" for at in (self.seen_until, self.crawled_at))
        values = (self.sync_token, seen, crawl, ",".join(sorted(self.away)), ",".join(sorted(self.owed)))
        return [Cursor(name=name, value=value) for name, value in zip(self.names(self.project_gid), values, strict=True)]


@dataclass(slots=True)
class Hints:
    """What Asana's events say may have changed: tasks that people touched or deleted, and where to read on next time."""

    bot_gid: str
    sync_token: str = ""
    reset: bool = False
    events: int = 0
    unreadable: int = 0
    more: bool = False
    """Whether Asana has more events, which are for the next run."""
    touched: set[str] = field(default_factory=set)
    deleted: dict[str, Event] = field(default_factory=dict)
    """The latest deletion of each task, by anybody, ourselves too."""

    @property
    def tell_too_little(self) -> bool:
        """Whether the whole project has to be looked at, because nobody knows what the events were about."""
        return self.reset or self.unreadable > 0

    def take(self, page: EventPage) -> None:
        self.sync_token = page.sync_token
        self.reset = self.reset or page.reset
        self.more = page.has_more
        self.events += len(page.events)
        self.unreadable += page.unreadable
        self.touched.update(gid for event in page.events if (gid := touched_task(event, self.bot_gid)))
        self.deleted |= {
            event.resource_gid: event for event in page.events if event.action == "deleted" and event.resource_type == "task"
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A bill's task that can no longer be read, and with it what people chose on it since `read_until`.

    `event` is Asana's word on who deleted it and when; without one, nobody can say.
    """

    key: str
    task_gid: str
    event: Event | None = None
    read_until: datetime | None = None

    @property
    def facts(self) -> dict[str, object]:
        """For the evidence. Two readings of one event give the same."""
        return {
            "about": TASK_GONE,
            "task_gid": self.task_gid,
            "user_gid": self.event.user_gid if self.event else None,
            "deleted_at": _instant(self.event.created_at if self.event else None),
            "read_until": _instant(self.read_until),
        }

    def is_noted(self, bodies: Iterable[Mapping[str, object]]) -> bool:
        """Whether the evidence has it: this very deletion, or, where nobody can say who it was, that the task is gone."""
        known = [body for body in bodies if body.get("about") == TASK_GONE and body.get("task_gid") == self.task_gid]
        mine = self.facts
        return any(self.event is None or all(body[name] == mine[name] for name in ("user_gid", "deleted_at")) for body in known)

    def __str__(self) -> str:
        who = f"user {self.event.user_gid}" if self.event and self.event.user_gid else "nobody that Asana names"
        at = f" at {minute(self.event.created_at)}" if self.event and self.event.created_at else ""
        told = f"was deleted by {who}{at}" if self.event else "is deleted or hidden, and no event tells by whom"
        since = f" since {minute(self.read_until)}" if self.read_until else ""
        return f"Task {self.task_gid} of {self.key} {told}; what was chosen on it{since} cannot be read."


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A task that carries the key of a bill for which another task stands: who duplicates a task copies the key too.

    `chosen` is what a person chose on it last, which counts for nothing.
    """

    task: Task
    link: Link
    chosen: Signal | None = None

    def answer(self, policy: Policy) -> Intent | None:
        """What whoever chose on it has to be told, once a copy; None where nobody chose."""
        if self.chosen is None:
            return None
        mark = reference(f"copy-{self.task.gid}")
        text = copy_words(self.chosen, policy, counts=self.link.task_url or f"task {self.link.task_gid}")
        body = {"text": f"{text}\n{mark}", "reference": mark}
        return Intent(intent_id=f"copy:{self.task.gid}", kind=COPY, subject=self.task.gid, body=body)

    def __str__(self) -> str:
        closed = ", which is closed," if self.link.confirmed and self.link.confirmed.completed else ""
        who = f" {short(self.chosen.decider_name, longest=80) or 'Somebody'} chose on it." if self.chosen else ""
        return (
            f"Task {self.task.gid} carries the key of {self.link.key}, for which task {self.link.task_gid}{closed} stands; "
            f"what is chosen on it counts for nothing.{who} Delete it, or its key, in Asana."
        )


@dataclass(slots=True)
class Look:
    """One run's look: tasks worth reading, what was found on them, newest change seen, what has to be looked at again.

    `began_at` is Asana's own clock before the first listing; None where its answers carry none.
    """

    crawls: bool
    began_at: datetime | None = None
    newest: datetime | None = None
    listed: set[str] = field(default_factory=set)
    tasks: dict[str, Task] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    losses: list[Loss] = field(default_factory=list)
    again: list[datetime] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    to_show: set[str] = field(default_factory=set)
    taken_back: set[str] = field(default_factory=set)
    """Keys of bills of which somebody took the approval of a step back."""
    gone: list[Ask] = field(default_factory=list)
    """Subtasks that asked somebody and were deleted."""
    copies: list[Copy] = field(default_factory=list)
    marks: dict[str, Mark] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    """Tasks that cannot be read, by gid, and why."""
    owed: set[str] = field(default_factory=set)
    is_stuck: bool = False
    """Whether something kept us from asking, so that the next run begins where this one did."""
    report: Report = field(default_factory=lambda: Report(noun="readings of tasks"))

    @property
    def since(self) -> datetime | None:
        """From which time of change on tasks are listed; None for all of them."""
        return self.newest - OVERLAP if self.newest and not self.crawls else None

    def tell_unread(self, task: UnreadTask) -> None:
        self.unread[task.gid] = task.why
        self.listed.add(task.gid)

    def owe(self, link: Link, task_gid: str, error: OddRecord) -> None:
        """The bill's task, one below it, or a story of one cannot be read: it fails by name, and holds up no other."""
        self.report.fail(f"{link.key}, task {task_gid}", error)
        self.owed.add(task_gid)

    def list_page(self, page: Collection[Task], marks: Mapping[str, Mark], policy: Policy, *, touched: Collection[str]) -> None:
        """Keep the tasks of a page that people touched, and those that somebody else may have changed."""
        for task in page:
            self.listed.add(task.gid)
            self.newest = max((at for at in (self.newest, task.modified_at) if at), default=None)
            if task.gid in touched or may_be_news(task, marks.get(task.gid), policy, crawls=self.crawls):
                self.tasks[task.gid] = task

    def note_read(
        self, task: Task, signals: Collection[Signal], settled: Collection[Signal], shown: str, now: datetime
    ) -> None:
        """A task's stories were read. A young history may still fill up, so it is not marked as read."""
        if task.modified_at and not is_young(task, now):
            self.marks[task.gid] = Mark(read_at=task.modified_at, value=shown)
        elif task.modified_at and len(settled) < len(signals):
            self.again.append(task.modified_at)

    def places(self, hints: Hints, before: Places, *, began: datetime) -> Places:
        """Where the next run goes on. Where nothing changes time passes too, so that old changes are left behind."""
        seen = max((at for at in (self.newest, self.began_at) if at), default=None)
        return Places(
            project_gid=before.project_gid,
            sync_token=hints.sync_token,
            seen_until=min([*self.again, seen]) if seen else None,
            crawled_at=began if self.crawls else before.crawled_at,
            away=frozenset(self.away),
            owed=frozenset(self.owed),
        )


def may_be_news(task: Task, mark: Mark | None, policy: Policy, *, crawls: bool) -> bool:
    """Whether somebody else may have changed the task since its stories were read.

    A crawl goes by what was read alone. Between two crawls our own writes count as known, or a bill sync that wrote
    thousands of tasks would have all of them read; what a person did just before such a write is brought by its event, by
    the verdict that the task shows now, or by the next crawl.
    """
    if mark is None or task.modified_at is None:
        return True
    if task.modified_at <= mark.read_at:
        return False
    if crawls or mark.wrote_at is None or task.modified_at > mark.wrote_at:
        return True
    shown = policy.way.shown_on(task)
    return shown in policy.way.verdicts and shown != mark.value


def says_something_else(task: Task, decided: Collection[Decision], policy: Policy) -> bool:
    """Whether the task of a bill that was decided was set by hand to something else than what stands."""
    standing = standing_of(list(decided), None, task, policy, shown={})
    return standing.state in (Stands.APPROVED, Stands.REJECTED) and bool(standing.show)


def is_taken_back(decision: Decision, stories: Sequence[Story], policy: Policy) -> bool:
    """Whether an approval of a step that waits for others is not what its person chose last, or not there any more."""
    if decision.state is not DecisionState.GRANTED:
        return False
    is_there = any(story.gid == decision.signal.story_gid for story in stories)
    return not is_there or followed_by(decision, stories, policy) is not None


def is_young(task: Task, now: datetime) -> bool:
    """Whether its history may still fill up."""
    return task.modified_at is not None and task.modified_at > now - SETTLES


def is_too_young(signal: Signal, now: datetime) -> bool:
    """Asana may write the story a little after the change. Nobody is told that it is missing before it is really late."""
    return signal.source == UNPROVEN and signal.decided_at > now - SETTLES


def unlinked(tasks: Iterable[Task], *, linked: Collection[str], key_field_gid: str) -> Iterator[tuple[str, Task]]:
    """Tasks that carry a bill's key and do not stand for one (yet), each behind its key."""
    for task in tasks:
        key = task.fields.get(key_field_gid)
        if task.gid not in linked and isinstance(key, str):
            yield key, task


def may_be_chosen_on(task: Task, policy: Policy) -> bool:
    """Whether its history is worth reading: it shows a verdict, or people decide in a way that no field shows."""
    return not policy.way.pending or policy.way.shown_on(task) in policy.way.verdicts


def chosen_by_people(signals: Iterable[Signal]) -> Signal | None:
    """The last choice that a person made. A copy shows what the task showed that it was made from; nobody chose that."""
    return next((one for one in reversed(list(signals)) if one.decider_gid and one.source != UNPROVEN), None)


def no_approvals(tasks: Iterable[Task], links: Mapping[str, Link], policy: Policy) -> list[tuple[Task, Link]]:
    """Tasks that are no approvals, where people decide by approval: nothing that is done on them can be a decision."""
    if not policy.way.completes:
        return []
    return [(task, links[task.gid]) for task in tasks if task.gid in links and task.kind != "approval"]


def _gids(text: str) -> frozenset[str]:
    return frozenset(gid for gid in text.split(",") if gid)


def _instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
