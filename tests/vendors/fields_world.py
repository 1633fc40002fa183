"""Both sides of vendors' fields in memory, for laws and cuts: every call passes a wire and may be the last one."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from intacct_asana.codec import plan_from_json, plan_to_json
from intacct_asana.errors import OutcomeUnknown, Refused, TryLater, UnexpectedReply
from intacct_asana.records import Intent, Link, Story, Task, ValueState, Vendor, VendorValue
from intacct_asana.sync import Report
from intacct_asana.vendors import (
    VendorPlan,
    VendorPolicy,
    VendorRule,
    plan_fields,
    tell_people,
    write_vendors,
)

from tests.sync.sync_world import Wire

KEYS = ("CO:vendor:A", "CO:vendor:b:1")
TEAM, APPROVER = "TEAM", "APPROVER"
GIDS = {TEAM: "11", APPROVER: "12"}
RULES = (
    VendorRule(name="Team", field_gid="11", intacct_field=TEAM),
    VendorRule(name="Approver", field_gid="12", intacct_field=APPROVER, clears=True),
)
BOT = "bot"


@dataclass
class Books:
    """Intacct: vendors with an approval queue, and control ids that are never carried out twice."""

    wire: Wire
    approvals: bool = False
    shows_before: bool = False
    hides_state: bool = False
    others_came_first: bool = False
    unreadable: str = ""
    vendors: dict[str, Vendor] = field(default_factory=dict)
    waiting: dict[str, dict[str, str]] = field(default_factory=dict)
    before: dict[str, Mapping[str, str]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)
    writes: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def vendor(self, vendor_id: str) -> Vendor | None:
        moment = self.wire.enter()
        found = next((one for one in self.vendors.values() if one.vendor_id == vendor_id), None)
        if found and found.vendor_key == self.unreadable:
            raise UnexpectedReply("a vendor without its state")
        self.wire.leave(moment)
        return found

    def update_vendor(self, record_no: str, *, values: Mapping[str, str], control_id: str) -> None:
        moment = self.wire.enter(may_lose=True)
        key, vendor = next((key, one) for key, one in self.vendors.items() if one.record_no == record_no)
        assert all(vendor.custom.get(name, "") != value for name, value in values.items()), "a write of what is there already"
        if control_id in self.done:
            raise OutcomeUnknown("a result without status")
        if self.others_came_first:
            self.vendors[key] = replace(vendor, approval_state="S")
            raise Refused("another change of the vendor waits for approval", code="BL01")
        assert self.hides_state or key not in self.waiting, "a write while an earlier one waits"
        self.done.add(control_id)
        self.writes.append((key, dict(values)))
        self._take(key, values)
        self.wire.leave(moment)

    def _take(self, key: str, values: Mapping[str, str]) -> None:
        vendor = self.vendors[key]
        if not self.approvals:
            self.vendors[key] = replace(vendor, custom={**vendor.custom, **values})
            return
        self.before.setdefault(key, vendor.custom)
        self.waiting[key] = {**self.waiting.get(key, {}), **values}
        shown = {**vendor.custom, **values} if self.shows_before else vendor.custom
        self.vendors[key] = replace(vendor, approval_state="A" if self.hides_state else "S", custom=shown)

    def answer(self, key: str, *, approved: bool) -> None:
        if key in self.waiting and key in self.vendors:
            waiting, before = self.waiting.pop(key), self.before.pop(key)
            vendor = self.vendors[key]
            custom = {**vendor.custom, **waiting} if approved else before
            self.vendors[key] = replace(vendor, custom=custom, approval_state="A" if approved else "R")

    def edit(self, key: str, name: str, value: str) -> None:
        """Somebody in Intacct; an edit of what is approved only."""
        if key in self.vendors and key not in self.waiting:
            vendor = self.vendors[key]
            self.vendors[key] = replace(vendor, custom={**vendor.custom, name: value})


@dataclass
class Board:
    """Asana's tasks, their histories and our comments."""

    wire: Wire
    tasks: dict[str, Task] = field(default_factory=dict)
    told: list[Story] = field(default_factory=list)
    history: dict[str, list[Story]] = field(default_factory=dict)

    def task(self, task_gid: str) -> Task | None:
        moment = self.wire.enter()
        self.wire.leave(moment)
        return next((task for task in self.tasks.values() if task.gid == task_gid), None)

    def stories(self, task_gid: str) -> list[Story]:
        moment = self.wire.enter()
        self.wire.leave(moment)
        if not any(task.gid == task_gid for task in self.tasks.values()):
            raise Refused("404", code="404")
        return [*self.history.get(task_gid, ())]

    def comment(self, task_gid: str, text: str) -> Story:
        moment = self.wire.enter(may_lose=True)
        story = self._story(task_gid, kind="comment_added", author_gid=BOT, text=text)
        self.told.append(story)
        self.wire.leave(moment)
        return story

    def choose(self, key: str, name: str, value: str) -> None:
        task = self.tasks[key]
        if (task.fields.get(GIDS[name]) or "") == value:
            return
        self.tasks[key] = replace(task, fields={**task.fields, GIDS[name]: value or None})
        self._story(task.gid, kind="text_custom_field_changed", author_gid="ben", author_name="Ben", field_gid=GIDS[name])

    def _story(self, task_gid: str, **parts: object) -> Story:
        at = self.wire.now()
        number = sum(map(len, self.history.values()))
        story = Story(gid=f"s{number}", created_at=at, **parts)  # type: ignore[arg-type]
        self.history.setdefault(task_gid, []).append(story)
        return story


@dataclass
class Store:
    """The store in memory: vendors' values and the journal, whose transactions are kept wholly or not at all."""

    wire: Wire
    rows: dict[tuple[str, str], VendorValue] = field(default_factory=dict)
    evidence: list[VendorValue] = field(default_factory=list)
    intents: dict[str, Intent] = field(default_factory=dict)
    depth: int = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        moment = "" if self.depth else self.wire.enter()
        before = dict(self.rows), list(self.evidence), dict(self.intents)
        self.depth += 1
        try:
            yield
        except BaseException:
            self.rows, self.evidence, self.intents = before
            raise
        finally:
            self.depth -= 1
        self.wire.leave(moment)

    # The journal

    def note(self, intents: Sequence[Intent], *, at: datetime) -> Mapping[str, Intent]:
        with self.together():
            return {intent.intent_id: self._noted(replace(intent, noted_at=at)) for intent in intents}

    def _noted(self, wanted: Intent) -> Intent:
        stored = self.intents.get(wanted.intent_id)
        if stored is None or not stored.state.is_in_doubt:
            self.intents[wanted.intent_id] = replace(wanted, turn=stored.turn if stored else 0)
            return self.intents[wanted.intent_id]
        again = stored if stored.body == wanted.body else replace(stored, control_id="", tries=0)
        return replace(again, body=wanted.body)

    def move(self, before: Intent, after: Intent, *, exclusive: bool = False, at: datetime) -> None:
        with self.together():
            self._as_seen(before)
            self.intents[after.intent_id] = after

    def drop(self, intent: Intent) -> None:
        with self.together():
            self._as_seen(intent)
            del self.intents[intent.intent_id]

    def open(self, *kinds: str) -> list[Intent]:
        self.wire.leave(self.wire.enter())
        return [one for one in self.intents.values() if one.kind in kinds and one.state.is_open]

    def _as_seen(self, intent: Intent) -> None:
        row = self.intents.get(intent.intent_id)
        if row is None or (row.state, row.turn) != (intent.state, intent.turn):
            raise TryLater("another run has it")

    # The values

    def of(self, keys: Collection[str]) -> Mapping[str, Mapping[str, VendorValue]]:
        self.wire.leave(self.wire.enter())
        found: dict[str, dict[str, VendorValue]] = {}
        for (key, name), row in self.rows.items():
            if key in keys:
                found.setdefault(key, {})[name] = row
        return found

    def save(self, rows: Sequence[VendorValue], *, facts: Mapping[str, object] | None = None) -> None:
        if rows:
            with self.together():
                self.rows.update({(row.key, row.field): row for row in rows})
                self.evidence += rows if facts is not None else []

    def untold(self) -> list[VendorValue]:
        self.wire.leave(self.wire.enter())
        return sorted((row for row in self.rows.values() if not row.told), key=lambda row: row.at)

    def tell(self, row: VendorValue) -> None:
        with self.together():
            if self.rows.get((row.key, row.field)) == row:
                self.rows[row.key, row.field] = replace(row, told=True)


class Links:
    def __init__(self, board: Board) -> None:
        self.board = board

    def of(self, keys: Collection[str]) -> Mapping[str, Link]:
        return {key: Link(key=key, task_gid=task.gid, record_no="") for key, task in self.board.tasks.items() if key in keys}


class FieldsWorld:
    """Two vendors with a task each, and runs as the DAG makes them."""

    def __init__(self, *, approvals: bool = False, shows_before: bool = False, hides_state: bool = False) -> None:
        self.wire = Wire()
        self.books = Books(self.wire, approvals=approvals, shows_before=shows_before, hides_state=hides_state)
        self.board, self.values = Board(self.wire), Store(self.wire)
        self.policy = VendorPolicy(flow="demo", rules=RULES, bot_gid=BOT, edits_wait=hides_state)
        for place, key in enumerate(KEYS):
            vendor_id = key.split(":", 2)[2]
            vendor = Vendor(vendor_key=key, record_no=str(place), vendor_id=vendor_id, name="N", approval_state="A")
            self.books.vendors[key] = vendor
            self.board.tasks[key] = Task(gid=f"t{place}", name="N")

    def run(self) -> Report:
        plan = plan_fields(
            self.policy,
            tasks=self.board.tasks,
            vendors=self.books.vendors,
            rows=self.values.of(KEYS),
            gone=frozenset(KEYS) - self.books.vendors.keys(),
        )
        plan = plan_from_json(VendorPlan, plan_to_json(plan.acting()))
        kept = {"values": self.values, "journal": self.values, "owner": "run", "now": self.wire.now}
        written = write_vendors(plan, policy=self.policy, books=self.books, board=self.board, **kept)
        told = tell_people(policy=self.policy, board=self.board, links=Links(self.board), **kept)
        written.failures += told.failures
        return written

    def wanted(self, key: str, name: str) -> str:
        return str(self.board.tasks[key].fields.get(GIDS[name]) or "")

    def actual(self, key: str, name: str) -> str:
        return str(self.books.vendors[key].custom.get(name, ""))

    def state(self, key: str, name: str) -> ValueState | None:
        row = self.values.rows.get((key, name))
        return row.state if row else None

    def in_doubt(self) -> list[object]:
        """Writes of which nobody knows what became of them, in the journal and among the values."""
        intents = [one for one in self.values.intents.values() if one.state.is_in_doubt]
        return [*intents, *(row for row in self.values.rows.values() if row.state is ValueState.SENT)]
