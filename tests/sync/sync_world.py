"""A small world for pure code: a board and a store that keep state and can be cut off at any call."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from intacct_asana.codec import plan_from_json, plan_to_json
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, TryLater
from intacct_asana.ports import TellUnreadTask
from intacct_asana.records import Intent, IntentState, Link, Person, Snapshot, Story, Task, TaskDraft, UnreadTask
from intacct_asana.sync import (
    PagedPlan,
    Plan,
    Report,
    Wanted,
    apply_plan,
    creations_in_doubt,
    open_writes,
    parts_of,
    plan_records,
    tasks_by_key,
)

from tests.threads import until_ended

PROJECT = "900"
KEY, AMOUNT, VENDOR, APPROVAL = "11", "12", "13", "14"
FIELDS = (KEY, AMOUNT, VENDOR, APPROVAL)
PENDING, APPROVED = "141", "142"
BOT, SOMEBODY = "77", "78"
OWNER = "bill_sync"
OPEN, CLOSED, ELSEWHERE = "s1", "s2", "s3"


class Crash(BaseException):
    """The process dies. Not an Exception, as a kill or a task timeout is not."""


@dataclass
class Wire:
    """Every call of a run passes here, numbered from 1, and may be the last one.

    `moment`: `before` (the process dies, no effect), `after` (effect, then it dies), `lost` (effect, no answer comes),
    `unsent` (no effect, and nobody can tell).
    """

    cut_at: int = 0
    moment: str = "before"
    count: int = 0
    dead: bool = False
    may_be_lost: set[int] = field(default_factory=set)
    """Calls so far whose answer can get lost: `lost` and `unsent` are something else than `before` there only."""
    lock: threading.RLock = field(default_factory=threading.RLock)
    clock: datetime = datetime(2026, 3, 2, 8, tzinfo=UTC)

    def now(self) -> datetime:
        with self.lock:
            self.clock += timedelta(seconds=1)
            return self.clock

    def enter(self, *, may_lose: bool = False) -> str:
        if self.dead:
            raise Crash
        self.count += 1
        if may_lose:
            self.may_be_lost.add(self.count)
        if self.count != self.cut_at:
            return ""
        # A read or the store cannot lose its answer quietly: there it is a crash.
        moment = self.moment if may_lose or self.moment in ("before", "after") else "before"
        if moment == "before":
            self.die()
        if moment == "unsent":
            raise OutcomeUnknown("the connection closed while the answer was awaited")
        return moment

    def leave(self, moment: str) -> None:
        if moment == "after":
            self.die()
        if moment == "lost":
            raise OutcomeUnknown("the connection closed while the answer was awaited")

    def die(self) -> None:
        self.dead = True
        raise Crash

    def revive(self, *, cut_at: int = 0, moment: str = "before") -> None:
        until_ended()
        self.cut_at, self.moment, self.count, self.dead = cut_at, moment, 0, False
        self.may_be_lost = set()

    def every_cut(self) -> list[tuple[int, str]]:
        """Each way in which each call since `revive` can be cut."""
        both, more = ("before", "after"), ("lost", "unsent")
        calls = range(1, self.count + 1)
        return [(call, moment) for call in calls for moment in (both + more if call in self.may_be_lost else both)]


class Board:
    """Asana, as far as it matters here: attached fields on every task, trash, times, 404 for what is gone."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.there: dict[str, Task] = {}
        self.next_gid = 5000
        self.writes: list[str] = []
        self.refusals: dict[str, IntacctAsanaError] = {}
        self.deaf_to: set[str] = set()
        self.closed_to_us = False
        self.unreadable: set[str] = set()
        self.said: dict[str, list[Story]] = {}

    def clock(self) -> datetime:
        return self.wire.clock

    def tasks(
        self, project_gid: str, *, modified_since: datetime | None = None, unread: TellUnreadTask | None = None
    ) -> Iterator[list[Task]]:
        with self.wire.lock:
            moment = self.wire.enter()
            page = [task for task in self.there.values() if project_gid in task.project_gids]
            page = [task for task in page if modified_since is None or (task.modified_at or modified_since) >= modified_since]
            self.wire.leave(moment)
        for task in (task for task in page if task.gid in self.unreadable):
            assert unread
            key = str(task.fields.get(KEY, ""))
            unread(UnreadTask(gid=task.gid, why="number_value should be a number", texts={KEY: key} if key else {}))
        page = [task for task in page if task.gid not in self.unreadable]
        for start in range(0, len(page), 3):
            yield page[start : start + 3]

    def task(self, task_gid: str) -> Task | None:
        with self.wire.lock:
            moment = self.wire.enter()
            task = self.there.get(task_gid)
            self.wire.leave(moment)
            return task

    def create_task(self, project_gid: str, draft: TaskDraft) -> Task:
        with self.wire.lock:
            moment = self.wire.enter(may_lose=True)
            self._maybe_refuse(draft.key)
            self.next_gid += 1
            gid = str(self.next_gid)
            task = Task(
                gid=gid,
                name=draft.name.strip(),
                project_gids=(project_gid,),
                section_gid=draft.section_gid or OPEN,
                completed=draft.completed,
                due_on=draft.due_on,
                notes=plain(draft),
                created_by_gid=BOT,
                permalink_url=f"https://asana.example/{gid}",
                modified_at=self.wire.now(),
                fields=dict.fromkeys(FIELDS) | self._heard({**draft.fields, **draft.initial_fields}),
            )
            self.there[gid] = task
            self.writes.append(f"create {draft.key}")
            self.wire.leave(moment)
            return task

    def update_task(self, task_gid: str, draft: TaskDraft, *, changed: Collection[str]) -> Task:
        with self.wire.lock:
            moment = self.wire.enter(may_lose=True)
            self._maybe_refuse(draft.key)
            self._there(task_gid)
            self._raise_if_away(task_gid, changed)
            self.there[task_gid] = self._changed(self.there[task_gid], draft, changed)
            self.writes.append(f"update {draft.key}")
            self.wire.leave(moment)
            return self.there[task_gid]

    def add_to_project(self, task_gid: str, project_gid: str, *, section_gid: str | None = None) -> None:
        with self.wire.lock:
            moment = self.wire.enter(may_lose=True)
            self._there(task_gid)
            task = self.there[task_gid]
            if self.closed_to_us:
                raise Refused("403 You do not have access to this project.", code="403")
            others = tuple(gid for gid in task.project_gids if gid != project_gid)
            self.there[task_gid] = replace(task, project_gids=(*others, project_gid), section_gid=section_gid or OPEN)
            self.writes.append(f"put back {task_gid}")
            self.wire.leave(moment)

    def stories(self, task_gid: str) -> list[Story]:
        with self.wire.lock:
            moment = self.wire.enter()
            self._there(task_gid)
            said = list(self.said.get(task_gid, ()))
            self.wire.leave(moment)
            return said

    def comment(self, task_gid: str, text: str) -> Story:
        with self.wire.lock:
            moment = self.wire.enter(may_lose=True)
            self._there(task_gid)
            story = self.say(task_gid, text, author=BOT)
            self.writes.append(f"comment {task_gid}")
            self.wire.leave(moment)
            return story

    def say(self, task_gid: str, text: str, *, author: str = SOMEBODY) -> Story:
        """Anybody comments."""
        said = self.said.setdefault(task_gid, [])
        gid, at = f"{task_gid}-{len(said)}", self.wire.now()
        said.append(Story(gid=gid, created_at=at, author_gid=author, kind="comment_added", text=text))
        return said[-1]

    def comments(self, task_gid: str) -> list[str]:
        """What we said on the task, oldest first."""
        return [story.text for story in self.said.get(task_gid, ()) if story.author_gid == BOT]

    def set_fields(self, task_gid: str, fields: Mapping[str, str | None]) -> Task:
        raise NotImplementedError

    def person(self, gid_or_email: str) -> Person | None:
        raise NotImplementedError

    def edit(self, task_gid: str, *, fields: Mapping[str, object] | None = None, **parts: object) -> None:
        """A person edits a task by hand."""
        task = self.there[task_gid]
        merged = {**task.fields, **(fields or {})}
        self.there[task_gid] = replace(task, fields=merged, modified_at=self.wire.now(), **parts)

    def copy(self, task_gid: str) -> str:
        """A person duplicates a task; Asana copies the custom fields too, the key among them."""
        self.next_gid += 1
        gid = str(self.next_gid)
        self.there[gid] = replace(self.there[task_gid], gid=gid, created_by_gid=SOMEBODY, modified_at=self.wire.now())
        return gid

    def _changed(self, task: Task, draft: TaskDraft, changed: Collection[str]) -> Task:
        parts: dict[str, object] = {name: getattr(draft, name) for name in changed if name in ("name", "due_on", "completed")}
        if {"notes", "html_notes"} & set(changed):
            parts["notes"] = plain(draft)
        if "section_gid" in changed:
            parts["section_gid"] = draft.section_gid
        gids = [name.removeprefix("field:") for name in changed if name.startswith("field:")]
        fields = {**task.fields, **self._heard({gid: {**draft.initial_fields, **draft.fields}[gid] for gid in gids})}
        # Moving between sections alone does not count as a modification in Asana.
        moved = self.wire.now() if set(changed) - {"section_gid"} else task.modified_at
        return replace(task, fields=fields, modified_at=moved, **parts)

    def _heard(self, fields: Mapping[str, object]) -> dict[str, object]:
        return {gid: value for gid, value in fields.items() if gid not in self.deaf_to}

    def _there(self, task_gid: str) -> None:
        if task_gid not in self.there:
            raise Refused(f"task {task_gid}: 404 Not Found", code="404")

    def _raise_if_away(self, task_gid: str, changed: Collection[str]) -> None:
        """A task has the fields of its projects; the first that is on none of them is named."""
        fields = [part.removeprefix("field:") for part in changed if part.startswith("field:")]
        if fields and PROJECT not in self.there[task_gid].project_gids:
            raise Misconfigured(f"400 Custom field with ID {fields[0]} is not on given object", code="400").naming(fields[0])

    def _maybe_refuse(self, key: str) -> None:
        if key in self.refusals:
            raise self.refusals[key]


class Store:
    """Links and the journal, in memory. A transaction is one step that can be cut; all that it does comes or goes with it.

    As with SQLite, only the thread that opened it may use it.
    """

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.links: dict[str, Link] = {}
        self.intents: dict[str, Intent] = {}
        self.shown_log: dict[str, list[tuple[datetime, Snapshot, str]]] = {}
        self.thread = threading.get_ident()
        self.depth = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        assert threading.get_ident() == self.thread, "the store was used from another thread"
        with self.wire.lock:
            moment = "" if self.depth else self.wire.enter()
        before = dict(self.links), dict(self.intents), {key: list(log) for key, log in self.shown_log.items()}
        self.depth += 1
        try:
            yield
        except BaseException:
            self.links, self.intents, self.shown_log = before
            raise
        finally:
            self.depth -= 1
        self.wire.leave(moment)

    # Links

    def all(self) -> Mapping[str, Link]:
        with self.together():
            return dict(self.links)

    def of(self, keys: Collection[str]) -> Mapping[str, Link]:
        with self.together():
            return {key: self.links[key] for key in keys if key in self.links}

    def by_task(self, task_gids: Collection[str]) -> Mapping[str, Link]:
        with self.together():
            return {link.task_gid: link for link in self.links.values() if link.task_gid in task_gids}

    def save(self, link: Link, *, shown: Snapshot | None = None, shown_at: datetime | None = None) -> None:
        with self.together():
            owners = {other.task_gid: key for key, other in self.links.items()}
            assert owners.get(link.task_gid, link.key) == link.key, "one task would stand for two records"
            self.links[link.key] = link
            if shown and shown_at:
                self.shown_log.setdefault(link.key, []).append((shown_at, shown, link.task_gid))

    def shown(self, key: str, *, task_gid: str, at: datetime) -> Snapshot | None:
        past = [entry for entry in self.shown_log.get(key, ()) if entry[0] <= at and entry[2] == task_gid]
        return max(past, key=lambda entry: entry[0])[1] if past else None

    # The journal

    def note(self, intents: Sequence[Intent], *, at: datetime) -> Mapping[str, Intent]:
        with self.together():
            return {one.intent_id: self._noted(replace(one, noted_at=at)) for one in intents}

    def _noted(self, wanted: Intent) -> Intent:
        stored = self.intents.get(wanted.intent_id)
        if stored and stored.state.is_in_doubt:
            return replace(stored, body=wanted.body, since=stored.since or wanted.since)
        self.intents[wanted.intent_id] = replace(wanted, turn=stored.turn if stored else 0)
        return self.intents[wanted.intent_id]

    def move(self, before: Intent, after: Intent, *, exclusive: bool = False, at: datetime) -> None:
        with self.together():
            self._as_seen(before)
            self.intents[after.intent_id] = after

    def drop(self, intent: Intent) -> None:
        with self.together():
            self._as_seen(intent)
            del self.intents[intent.intent_id]

    def open(self, *kinds: str) -> list[Intent]:
        with self.together():
            return [one for one in self.intents.values() if one.kind in kinds and one.state.is_open]

    def _as_seen(self, intent: Intent) -> None:
        row = self.intents.get(intent.intent_id)
        if row is None or (row.state, row.turn, row.noted_at) != (intent.state, intent.turn, intent.noted_at):
            raise TryLater("another run has it")

    def unfinished(self) -> set[str]:
        """Keys of what was noted and is not known to be done."""
        return {one.subject for one in self.intents.values() if one.state.is_open}


def plain(draft: TaskDraft) -> str:
    return re.sub(r"<[^>]+>", "", draft.html_notes) if draft.html_notes else draft.notes


@dataclass
class ABill:
    """A bill as a history moves it. `open` and `paid` bills are in scope, a `void` one is not; `news` is its remark."""

    record_no: str
    amount: Decimal = Decimal("100.00")
    vendor: str = "Acme"
    state: str = "open"
    news: str = ""


class World:
    """Both sides and one flow that carries bills over, as the operators do it."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.board = Board(self.wire)
        self.links = Store(self.wire)
        self.bills: dict[str, ABill] = {}
        self.dirty: set[str] = set()

    def a_bill(self, key: str, **parts: object) -> ABill:
        self.bills[key] = ABill(record_no=f"r-{key}", **parts)
        self.dirty.add(key)
        return self.bills[key]

    def change(self, key: str, **parts: object) -> None:
        self.bills[key] = replace(self.bills[key], **parts)
        self.dirty.add(key)

    def vanish(self, key: str) -> None:
        del self.bills[key]
        self.dirty.discard(key)

    def wanted(self, key: str) -> Wanted:
        bill = self.bills[key]
        moved = {"amount": bill.amount, "vendor": bill.vendor, "state": bill.state, "news": bill.news}
        return wanted(key, record_no=bill.record_no, **moved)

    def plan(self, *, full: bool = False) -> Plan:
        keys = set(self.bills) if full else self.dirty & set(self.bills)
        unsure = open_writes(self.links, "bill")
        keys |= parts_of(unsure).keys() & set(self.bills)
        unfinished = creations_in_doubt(unsure)
        found = None
        if full or unfinished:
            since = None if full else min(unfinished.values())
            found = tasks_by_key(self.board, PROJECT, key_field_gid=KEY, since=since)
        return plan_records(
            {key: self.wanted(key) for key in keys},
            links=self.links.all() if full else self.links.of(keys),
            found=found,
            compares_all=full,
            shown=self.showing,
            doubts=parts_of(unsure),
            bot_gid=BOT,
        )

    def showing(self, key: str) -> Snapshot | None:
        link = self.links.links.get(key)
        return self.links.shown(key, task_gid=link.task_gid, at=self.wire.clock) if link else None

    def died_creating(self, key: str) -> None:
        """An earlier run noted the creation of this key's task, and died when it was leaving."""
        since = self.wire.now()
        self.links.intents[f"task:bill:{key}"] = Intent(
            intent_id=f"task:bill:{key}",
            kind="bill task",
            subject=key,
            body={"parts": ["name"]},
            since=since,
            state=IntentState.SENT,
            noted_at=since,
            claimed_by=OWNER,
            claimed_until=since + timedelta(minutes=15),
        )

    def apply(self, plan: Plan | PagedPlan, *, workers: int = 2, **more: object) -> Report:
        return apply_plan(
            plan_from_json(Plan, plan_to_json(plan)) if isinstance(plan, Plan) else plan,
            kind="bill",
            board=self.board,
            links=self.links,
            journal=self.links,
            owner=OWNER,
            project_gid=PROJECT,
            key_field_gid=KEY,
            workers=workers,
            **{"bot_gid": BOT, "now": self.wire.now, **more},
        )

    def run(self, *, full: bool = False, workers: int = 2) -> Report:
        """One run. As the cursor does, the work stays to be done until a run has no failure."""
        result = self.apply(self.plan(full=full), workers=workers)
        if not result.failures:
            self.dirty.clear()
        return result

    def writes_of(self, *, full: bool = False) -> list[str]:
        """What one more run writes to Asana."""
        before = len(self.board.writes)
        self.run(full=full).raise_if_failed()
        return self.board.writes[before:]

    def task_of(self, key: str) -> Task:
        return self.board.there[self.links.links[key].task_gid]

    def comments_of(self, key: str) -> list[str]:
        return self.board.comments(self.links.links[key].task_gid)

    def with_key(self, key: str) -> list[Task]:
        return [task for task in self.board.there.values() if task.fields.get(KEY) == key]


def remark(news: str) -> str:
    return f"Now: {news}\nReference: news-{news}" if news else ""


def wanted(
    key: str,
    *,
    record_no: str = "r",
    amount: Decimal = Decimal("100.00"),
    vendor: str = "Acme",
    state: str = "open",
    news: str = "",
) -> Wanted:
    draft = TaskDraft(
        key=key,
        name=f"{vendor} {key}",
        html_notes=f"<body>{vendor} owes {amount}</body>",
        completed=state == "paid",
        section_gid=OPEN if state == "open" else CLOSED,
        fields={KEY: key, AMOUNT: amount, VENDOR: vendor},
        initial_fields={APPROVAL: PENDING},
        remark=remark(news),
    )
    shown = Snapshot(digest=f"{vendor}/{amount}", body={"vendor": vendor, "amount": str(amount)})
    return Wanted(draft=draft, record_no=record_no, amount=amount, currency="USD", in_scope=state != "void", snapshot=shown)
