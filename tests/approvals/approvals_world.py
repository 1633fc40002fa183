"""A small world for approvals: Intacct and Asana as in-memory ports with state, the real store, and cuts at any call.

The ports are fakes of the wire; signals, guards, settling and the store are the real ones.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from intacct_asana.approvals import (
    Asked,
    ChoiceField,
    Policy,
    Settler,
    Teller,
    decisions_of,
    signals_of,
)
from intacct_asana.approvals.seen import shown_to
from intacct_asana.errors import IntacctAsanaError, OutcomeUnknown, Refused
from intacct_asana.flow.rules import Approval, Approver
from intacct_asana.flow.write_back import StampFields
from intacct_asana.records import (
    SETTLED_STATES,
    Bill,
    BillLine,
    BillState,
    Decision,
    DecisionState,
    IntacctIdentity,
    IntacctUser,
    Link,
    Person,
    Story,
    Task,
    TaskDraft,
    Verdict,
    snapshot_of,
)
from intacct_asana.store import kept_open, open_store

from tests.conftest import evidence_keys

START = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
FIELD, REASON, PENDING, APPROVED, REJECTED, BOT = "900", "901", "1", "2", "3", "bot"
ALICE = Person(gid="a", name="Alice Martin", email="alice@northwind.example", is_guest=False)
BEN = Person(gid="b", name="Ben Okafor", email="ben@northwind.example", is_guest=False)
ERIN = Person(gid="e", name="Erin Wolf", email="erin@northwind.example", is_guest=False)
GUS = Person(gid="g", name="Gus Guest", email="gus@partner.example", is_guest=True)
PEOPLE = {person.gid: person for person in (ALICE, BEN, ERIN, GUS)}
STAMP = StampFields(decision="D", decided_by="D_BY", decided_at="D_AT", decision_id="D_ID", reason="D_REASON", task_url="D_URL")


OPTIONS = {PENDING: "Pending", APPROVED: "Approved", REJECTED: "Rejected"}
USERS = ("mgarcia", "amartin", "bokafor", "ggus", "xml_ws")


class Crash(BaseException):
    """The process is gone."""


def a_bill(**changes: Any) -> Bill:
    """A bill of 500.00 USD that a clerk entered."""
    line = BillLine(
        record_no="11",
        line_no=1,
        account_no="6200",
        account_title="Office",
        amount=Decimal(500),
        transaction_amount=Decimal(500),
    )
    plain = Bill(
        bill_key="CO:ap:1",
        record_no="1",
        bill_number="INV-1",
        vendor_id="V1",
        vendor_name="Harbor Supply",
        state=BillState.SUBMITTED,
        due_on=date(2026, 12, 1),
        currency="USD",
        base_currency="USD",
        total_entered=Decimal("500.00"),
        total_due=Decimal("500.00"),
        created_by="mgarcia",
        lines=(line,),
        custom=dict.fromkeys(("D", "D_BY", "D_AT", "D_ID", "D_REASON", "D_URL"), ""),
    )
    return replace(plain, **changes)


def a_policy(**changes: Any) -> Policy:
    """Parts of the flow's own approval rules go there, the others into what names them by gid."""
    approvers = (
        Approver(email="Alice@northwind.example", limits={"USD": Decimal(10000)}, intacct_users=("amartin",)),
        Approver(email="ben@northwind.example", limits={"USD": Decimal(50000)}, intacct_users=("bokafor",)),
        Approver(email="gus@partner.example", limits={"USD": Decimal(50000)}, intacct_users=("ggus",)),
    )
    approval = {name: changes.pop(name) for name in list(changes) if name in Approval.model_fields}
    verdicts = {APPROVED: Verdict.APPROVE, REJECTED: Verdict.REJECT}
    plain = Policy(
        flow="demo",
        approval=Approval(**{"approvers": approvers, **approval}),
        way=ChoiceField(
            field_gid=FIELD,
            pending=PENDING,
            verdicts=verdicts,
            known_names={APPROVED: ("Approved",), REJECTED: ("Rejected",)},
        ),
        people={person.email: person.gid for person in (ALICE, BEN, GUS)},
        bot_gid=BOT,
        reason_field_gid=REASON,
        stamp=STAMP,
    )
    return replace(plain, **changes)


class CutJournal:
    """The real journal, cut off like everything else."""

    def __init__(self, world: World) -> None:
        self.world, self.real = world, world.store.intents()

    def __getattr__(self, name: str) -> Any:
        real = getattr(self.real, name)
        if name not in ("note", "move", "drop"):
            return real
        return lambda *given, **how: self.world.cuts.run(name, lambda: real(*given, **how))


@dataclass
class Cuts:
    """Counts port calls and cuts one: before it, after it, or with its answer lost."""

    at: int = 0
    mode: str = "before"
    calls: int = 0
    names: list[str] = field(default_factory=list)

    def run(self, name: str, effect: Callable[[], Any], *, writes: bool = False) -> Any:
        self.calls += 1
        self.names.append(name)
        if self.calls != self.at:
            return effect()
        if self.mode == "before":
            raise Crash
        effect()
        if self.mode == "lost" and writes:
            raise OutcomeUnknown(f"{name}: no answer came")
        raise Crash


class World:
    """One bill, one task. `reconcile` is one run of the DAG; people act in between."""

    store_url: ClassVar[str]
    """A test says on which database: `usefixtures("on_each_database")`."""
    worlds: ClassVar[Iterator[int]]

    def __init__(self, path: Path, *, policy: Policy | None = None, bill: Bill | None = None, store_url: str = "") -> None:
        path.mkdir(exist_ok=True)
        self.folder = path
        self.policy = policy or a_policy()
        self.bill_now: Bill | None = bill or a_bill()
        self.stamps = 0
        self.lose_stamps = 0
        self.unclear_stamps = 0
        self.refuse_with: str = ""
        self.failures: list[IntacctAsanaError] = []
        self.used_control_ids: set[str] = set()
        self.at = START
        self.gids = itertools.count(100)
        self.task_now: Task | None = Task(
            gid="T1", name="INV-1", project_gids=("P",), modified_at=START, fields={FIELD: PENDING, REASON: None}
        )
        self.history: list[Story] = []
        self.cuts = Cuts()
        # Worlds of one test are flows of one store: that is sooner made than a database for each. One with a store of its
        # own is the same flow there.
        self.flow = "demo" if store_url else f"demo{next(World.worlds) or ''}"
        self.store = open_store(store_url or World.store_url, evidence_keys=evidence_keys).for_flow(self.flow)
        self.links = self.store.links("bill")
        self.real_decisions = self.store.decisions()
        self.show()

    # --- what people do ---

    def now(self) -> datetime:
        self.at += timedelta(seconds=1)
        return self.at

    def show(self) -> None:
        """bill_sync: the task shows the bill as it is now."""
        assert self.bill_now
        draft = TaskDraft(key=self.bill_now.bill_key, name="INV-1")
        link = Link(
            key=self.bill_now.bill_key,
            task_gid="T1",
            record_no=self.bill_now.record_no,
            confirmed=draft,
            task_url="u",
            linked_at=START,
        )
        self.links.save(link, shown=snapshot_of(self.bill_now), shown_at=self.now())

    def choose(self, who: Person | None, option: str, **more: Any) -> Story:
        assert self.task_now
        before = self.task_now.fields.get(FIELD)
        story = Story(
            gid=str(next(self.gids)),
            created_at=self.now(),
            author_gid=who.gid if who else None,
            author_name=who.name if who else "",
            kind="enum_custom_field_changed",
            source="web",
            field_gid=FIELD,
            old_enum_gid=str(before) if before else None,
            new_enum_gid=option,
            **{"new_enum_name": OPTIONS.get(option, ""), "author_kind": "user" if who else "", **more},
        )
        self.history.append(story)
        self._set(FIELD, option)
        return story

    def say(self, who: Person | None, text: str) -> Story:
        story = Story(
            gid=str(next(self.gids)),
            created_at=self.now(),
            author_gid=who.gid if who else BOT,
            kind="comment_added",
            text=text,
        )
        self.history.append(story)
        return story

    def fill_in(self, who: Person, text: str) -> None:
        """The reason field."""
        self._set(REASON, text)
        at, gid = self.now(), str(next(self.gids))
        self.history.append(
            Story(gid=gid, created_at=at, author_gid=who.gid, kind="text_custom_field_changed", field_gid=REASON)
        )

    def edit_bill(self, **changes: Any) -> None:
        assert self.bill_now
        self.bill_now = replace(self.bill_now, **changes)

    def _set(self, gid: str, value: str | None) -> None:
        assert self.task_now
        self.task_now = replace(self.task_now, fields={**self.task_now.fields, gid: value}, modified_at=self.now())

    # --- Books, TaskBoard, Decisions ---

    def stamp_bill(
        self, record_no: str, *, values: Mapping[str, str], control_id: str, due_on: date | None = None, submit: bool = False
    ) -> None:
        def write() -> None:
            if self.refuse_with:
                raise Refused(self.refuse_with)
            if self.unclear_stamps:
                self.unclear_stamps -= 1
                raise OutcomeUnknown("HTTP 524")
            if control_id in self.used_control_ids:
                raise OutcomeUnknown("a result without a status: the control id was used before")
            self.used_control_ids.add(control_id)
            if self.lose_stamps:
                self.lose_stamps -= 1
                return
            assert self.bill_now
            self.stamps += values["D"] != "void"
            self.edit_bill(custom={**self.bill_now.custom, **values})

        self.cuts.run("stamp_bill", write, writes=True)

    def task(self, task_gid: str) -> Task | None:
        found: Task | None = self.cuts.run("task", lambda: self.task_now)
        return found

    def stories(self, task_gid: str) -> list[Story]:
        found: list[Story] = self.cuts.run("stories", lambda: list(self.history))
        return found

    def comment(self, task_gid: str, text: str) -> Story:
        said: Story = self.cuts.run("comment", lambda: self.say(None, text), writes=True)
        return said

    def set_fields(self, task_gid: str, fields: Mapping[str, str | None]) -> Task:
        def write() -> Task:
            for gid, value in fields.items():
                if gid == FIELD:
                    self.choose(Person(gid=BOT, name="Intacct Sync"), str(value))
                else:
                    self._set(gid, value)
            assert self.task_now
            return self.task_now

        done: Task = self.cuts.run("set_fields", write, writes=True)
        return done

    def person(self, gid: str) -> Person | None:
        found: Person | None = self.cuts.run("person", lambda: PEOPLE.get(gid))
        return found

    def find_bill(self, decision: Decision) -> Bill | None:
        found: Bill | None = self.cuts.run("find_bill", lambda: self.bill_now)
        return found

    def users(self) -> list[IntacctUser]:
        return [IntacctUser(record_no=str(place), login=login) for place, login in enumerate(USERS)]

    def identity(self) -> IntacctIdentity:
        return IntacctIdentity(company_id="CO", user_id="xml_ws")

    def closed_summaries(self, summary_nos: Any) -> frozenset[str]:
        return frozenset()

    def anchor(self, decision: Decision, **how: Any) -> Any:
        return self.real_decisions.anchor(decision, **how)

    def record(self, decisions: list[Decision], **how: Any) -> Any:
        return self.cuts.run("record", lambda: self.real_decisions.record(decisions, **how))

    def advance(self, decision: Decision, **how: Any) -> Any:
        return self.cuts.run("advance", lambda: self.real_decisions.advance(decision, **how))

    def acknowledge(self, decision: Decision, **how: Any) -> Any:
        return self.cuts.run("acknowledge", lambda: self.real_decisions.acknowledge(decision, **how))

    def unsettled(self) -> list[Decision]:
        return self.real_decisions.unsettled()

    def unacknowledged(self) -> list[Decision]:
        return self.real_decisions.unacknowledged()

    def of(self, key: str) -> list[Decision]:
        return self.real_decisions.of(key)

    # --- one run ---

    def reconcile(self) -> list[str]:
        """Read, settle, tell, as the DAG does; messages of what failed."""
        with kept_open():
            return self._reconcile()

    def _reconcile(self) -> list[str]:
        ports: Any = self
        approval = self.policy.approval
        self.store.keep_policy(approval.policy_version, text=approval.policy_text, at=self.now())
        link = self.links.of(["CO:ap:1"])["CO:ap:1"]
        if self.task_now:
            signals = signals_of(self.task_now, self.stories("T1"), self.policy)
            self.record(decisions_of(signals, flow=self.flow, link=link, board=ports, links=self.links), at=self.now())
        journal: Any = CutJournal(self)
        settler = Settler(
            books=ports,
            board=ports,
            decisions=ports,
            links=self.links,
            journal=journal,
            policy=self.policy,
            asked=Asked(books=ports),
            find_bill=self.find_bill,
            now=self.now,
        )
        teller = Teller(board=ports, decisions=ports, journal=journal, policy=self.policy, now=self.now)
        settled = settler.settle_all()
        if self.bill_now and self.task_now and not settler.look("CO:ap:1", self.bill_now):
            shown = {one.decision_id: shown_to(one, self.links) for one in self.decisions()}
            if self.bill_now.state not in SETTLED_STATES:
                teller.show("CO:ap:1", self.task_now, bill=self.bill_now, shown=shown)
        told = teller.tell_all()
        self.failures = [failure.error for summary in (settled, told) for failure in summary.failures]
        return [error.message for error in self.failures]

    # --- what an observer sees ---

    def decisions(self) -> list[Decision]:
        return self.real_decisions.of("CO:ap:1")

    def the_decision(self) -> Decision:
        [decision] = self.decisions()
        return decision

    def held(self) -> str:
        return self.bill_now.custom["D"] if self.bill_now else ""

    def comments(self) -> list[str]:
        return [story.text for story in self.history if story.author_gid == BOT and story.kind == "comment_added"]

    def shown_option(self) -> Any:
        return self.task_now.fields[FIELD] if self.task_now else None

    def state(self) -> DecisionState:
        return self.the_decision().state
