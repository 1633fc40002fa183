"""Another system that does what it is told to go wrong with, two kinds of write to it, and runs that can be cut anywhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown, Refused, TryLater
from intacct_asana.journal import Kind, Outcome, carry_out
from intacct_asana.records import Cursor, Intent, IntentState
from intacct_asana.store import FlowStore
from intacct_asana.store.intents import StoredIntents

from tests.threads import until_ended

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Crash(BaseException):
    """The process is gone from here on."""


@dataclass
class Wire:
    """Every step that can be cut is counted here.

    `faults` are what the next writes meet, one each, and `blind` is how many looks fail; then all is well.
    """

    cut_at: int | None = None
    after: bool = False
    faults: list[str] = field(default_factory=list)
    blind: int = 0
    steps: int = 0

    @contextmanager
    def step(self) -> Iterator[None]:
        """One thing that happens or does not: the process can die before it or after it."""
        self.steps += 1
        dies = self.cut_at == self.steps
        if dies and not self.after:
            raise Crash
        yield
        if dies:
            raise Crash

    def fault(self) -> str:
        return self.faults.pop(0) if self.faults else ""


@dataclass
class There:
    """What the other system holds. It carries a control id out once only, and does not mind a thing made twice without."""

    wire: Wire = field(default_factory=Wire)
    made: list[tuple[str, str]] = field(default_factory=list)
    stamped: list[tuple[str, str]] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    sent: list[Intent] = field(default_factory=list)
    looks: Counter[str] = field(default_factory=Counter)

    @property
    def made_ids(self) -> list[str]:
        return [one for one, _ in self.made]

    @property
    def stamped_ids(self) -> list[str]:
        return [f"stamp:{value}" for _, value in self.stamped]

    def look(self, kind: str) -> None:
        self.looks[kind] += 1
        if self.wire.blind:
            self.wire.blind -= 1
            raise TryLater("nobody can look just now")

    def write(self, intent: Intent, effect: list[tuple[str, str]], thing: tuple[str, str]) -> None:
        self.sent.append(intent)
        with self.wire.step():
            fault = self.wire.fault()
            if fault == "busy":
                raise TryLater("try later", code="429")
            if fault == "wrong":
                raise Misconfigured("the token is wrong", code="401")
            if fault == "no":
                raise Refused("it is locked", code="BL01")
            if fault == "burnt":
                self.used.add(intent.control_id)
            if fault in ("dropped", "burnt"):
                raise OutcomeUnknown("the line went dead")
            if intent.control_id and intent.control_id in self.used:
                raise Refused("this control id was carried out already", code="DUP")
            self.used.add(intent.control_id)
            effect.append(thing)
            if fault == "lost":
                raise OutcomeUnknown("500 after it was done", code="500")


class Creation(Kind):
    """Something made anew each time it is sent; found again in one listing by its id."""

    name = "task"

    def __init__(self, there: There, *, remembered: bool = False) -> None:
        self.there, self.remembered = there, remembered

    def send(self, intent: Intent) -> Mapping[str, Any]:
        self.there.write(intent, self.there.made, (intent.intent_id, f"gid {len(self.there.made)}"))
        return {"id": intent.intent_id, "gid": dict(self.there.made)[intent.intent_id]}

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Any]:
        with self.there.wire.step():
            self.there.look(self.name)
            return {one: {"id": one, "gid": gid} for one, gid in self.there.made}

    def same(self, intent: Intent, found: Any) -> bool:
        return found["id"] == intent.intent_id


class Stamp(Kind):
    """One value on a bill, whose answer proves nothing; the next one waits until this one is settled."""

    name = "stamp"
    exclusive = True

    def __init__(self, there: There) -> None:
        self.there = there

    def send(self, intent: Intent) -> None:
        self.there.write(intent, self.there.stamped, (intent.subject, str(intent.body["value"])))

    def find(self, intents: Sequence[Intent]) -> Mapping[str, Any]:
        with self.there.wire.step():
            self.there.look(self.name)
            now = dict(self.there.stamped)
            return {one.intent_id: now[one.subject] for one in intents if one.subject in now}

    def same(self, intent: Intent, found: Any) -> bool:
        return bool(found == intent.body["value"])

    def next_control_id(self, intent: Intent) -> str:
        return f"{intent.intent_id}-{intent.turn}"


class CutJournal(StoredIntents):
    """The real one, whose process can die before or after each commit."""

    wire: Wire
    depth = 0

    def note(self, intents: Sequence[Intent], *, at: datetime) -> Mapping[str, Intent]:
        with self.wire.step():
            return super().note(intents, at=at)

    @contextmanager
    def together(self) -> Iterator[None]:
        self.depth += 1
        try:
            if self.depth > 1:
                with super().together():
                    yield
                return
            with self.wire.step(), super().together():
                yield
        finally:
            self.depth -= 1


def a_task(key: str = "a", **more: Any) -> Intent:
    return Intent(intent_id=f"task:{key}", kind="task", subject=key, **{"body": {"name": key}, "since": NOON, **more})


def a_stamp(key: str = "d1", *, bill: str = "bill-1", **more: Any) -> Intent:
    return Intent(intent_id=f"stamp:{key}", kind="stamp", subject=bill, **{"body": {"value": key}, "since": NOON, **more})


@dataclass
class World:
    """One flow's store, the other system, and processes that write from one to the other."""

    flow: FlowStore
    there: There = field(default_factory=There)
    now: datetime = NOON
    kept: list[Outcome] = field(default_factory=list)
    guarded: bool = False

    @property
    def wire(self) -> Wire:
        return self.there.wire

    def keep(self, outcome: Outcome) -> Mapping[str, object]:
        """What the caller holds of it: a row of its own, which stands or falls with the intent's state."""
        self.kept.append(outcome)
        if outcome.intent.state is IntentState.SENT and self.guarded and self.held(outcome.intent):
            raise Refused("another run settled it since this one was planned")
        if outcome.intent.state in (IntentState.DONE, IntentState.REFUSED):
            self.flow.save_cursor(Cursor(name=outcome.intent.intent_id, value=str(outcome.intent.state)))
        return {"seen": outcome.found} if outcome.found else {}

    def start(self, *intents: Intent, owner: str = "run-1", **more: Any) -> Any:
        """A process that goes on with each `next`."""
        journal = CutJournal(self.flow._database, flow=self.flow._flow)
        journal.wire = self.wire
        given = {"kinds": [Creation(self.there), Stamp(self.there)], "keep": self.keep, "workers": 1, **more}
        return carry_out(intents, journal=journal, owner=owner, now=lambda: self.now, **given)

    def run(self, *intents: Intent, owner: str = "run-1", **more: Any) -> list[Outcome]:
        with closing(self.start(*intents, owner=owner, **more)) as outcomes:
            return list(outcomes)

    def crash(self, *intents: Intent, cut_at: int, after: bool = False, owner: str = "run-1") -> None:
        self.wire.cut_at, self.wire.after, self.wire.steps = cut_at, after, 0
        with suppress(Crash):
            self.run(*intents, owner=owner)
        self.revive()

    def revive(self) -> None:
        """What was under way over there has ended, and nothing dies any more."""
        until_ended()
        self.wire.cut_at = None
        self.wire.faults, self.wire.blind = [], 0

    def later(self, minutes: float = 16) -> None:
        self.now += timedelta(minutes=minutes)

    def row(self, intent: Intent) -> Intent | None:
        return self.flow.intents().of([intent.intent_id]).get(intent.intent_id)

    def held(self, intent: Intent) -> str | None:
        return self.flow.cursor(intent.intent_id)


def how(outcomes: Sequence[Outcome]) -> list[tuple[str, str, type[IntacctAsanaError] | None]]:
    """Which ended how, and with what error."""
    return [(one.intent.intent_id, str(one.intent.state), type(one.error) if one.error else None) for one in outcomes]
