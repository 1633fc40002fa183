"""A small world for approvals: a board, books and a store that keep state and can be cut off at any call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from intacct_asana.approvals import (
    Asked,
    ChoiceField,
    Decided,
    Policy,
    Settler,
    Teller,
    decisions_of,
    signals_of,
)
from intacct_asana.approvals.native import NativeApprovals
from intacct_asana.approvals.seen import shown_to
from intacct_asana.errors import IntacctAsanaError, OutcomeUnknown, Refused, TryLater
from intacct_asana.flow.rules import Approval, Approver
from intacct_asana.flow.write_back import RestWorkflow, StampFields
from intacct_asana.records import (
    NEXT_STATES,
    ON_THE_WAY,
    SETTLED_STATES,
    Bill,
    BillLine,
    BillState,
    Decision,
    DecisionState,
    IntacctIdentity,
    IntacctUser,
    Intent,
    Link,
    PaymentOrder,
    Person,
    PurchasingDocument,
    RequestedPayment,
    Snapshot,
    Story,
    Task,
    Verdict,
    snapshot_of,
)
from intacct_asana.records.anchors import Anchor
from intacct_asana.records.native import NativeBill

from tests.threads import until_ended

APPROVAL, REASON = "71", "72"
PENDING, APPROVED, REJECTED = "710", "711", "712"
BOT, ALICE, BEN, ERIN, GUS = "1", "101", "102", "105", "110"
PEOPLE = {
    ALICE: Person(gid=ALICE, name="Alice Martin", email="alice@x.example", is_guest=False),
    BEN: Person(gid=BEN, name="Ben Okafor", email="ben@x.example", is_guest=False),
    ERIN: Person(gid=ERIN, name="Erin Wolf", email="erin@x.example", is_guest=False),
    GUS: Person(gid=GUS, name="Gus Guest", email="gus@x.example", is_guest=True),
}
NAMES = StampFields(decision="D", decided_by="BY", decided_at="AT", decision_id="ID", reason="WHY", task_url="URL")
TASK, KEY = "5001", "co:ap:65"
START = datetime(2026, 11, 23, 10, tzinfo=UTC)


USERS = [
    IntacctUser(record_no=str(n), login=login) for n, login in enumerate(("mgarcia", "amartin", "bokafor", "xml_ws"), start=1)
]
NAMES_OF = {APPROVED: "Approved", REJECTED: "Rejected", PENDING: "Pending"}


class Crash(BaseException):
    """The process dies. Not an Exception, as a kill or a task timeout is not."""


def a_bill(**changes: object) -> Bill:
    amount = changes.pop("amount", Decimal("900.00"))
    line = BillLine(record_no="1", line_no=1, account_no="6000", account_title="Rent", amount=amount, transaction_amount=amount)
    parts: dict[str, object] = {
        "bill_key": KEY,
        "record_no": "65",
        "bill_number": "INV-4711",
        "vendor_id": "V1",
        "vendor_name": "Acme",
        "state": BillState.POSTED,
        "due_on": date(2026, 12, 1),
        "currency": "USD",
        "base_currency": "USD",
        "total_entered": amount,
        "transaction_total_entered": amount,
        "created_by": "mgarcia",
        "lines": (line,),
    }
    return Bill(**{**parts, **changes})


def a_policy(**changes: object) -> Policy:
    """Parts of the flow's own approval rules go there, the others into what names them by gid."""
    alice = Approver(email="Alice@x.example", limits={"USD": Decimal("10000.00")}, intacct_users=("amartin",))
    ben = Approver(email="ben@x.example", limits={"USD": Decimal("50000.00")}, intacct_users=("bokafor",))
    approval = {name: changes.pop(name) for name in list(changes) if name in Approval.model_fields}
    names = {APPROVED: ("Approved",), REJECTED: ("Rejected",)}
    verdicts = {APPROVED: Verdict.APPROVE, REJECTED: Verdict.REJECT}
    parts: dict[str, object] = {
        "flow": "demo",
        "approval": Approval(**{"approvers": (alice, ben), **approval}),
        "way": ChoiceField(field_gid=APPROVAL, pending=PENDING, verdicts=verdicts, known_names=names),
        "people": {"alice@x.example": ALICE, "ben@x.example": BEN},
        "bot_gid": BOT,
        "reason_field_gid": REASON,
        "stamp": NAMES,
    }
    return Policy(**{**parts, **changes})


@dataclass
class Wire:
    """Every port call passes here, numbered from 1, and may be the last one.

    `moment`: `before` (the process dies, no effect), `after` (effect, then it dies), `lost` (effect, no answer comes),
    `unsent` (no effect, and nobody can tell).
    """

    cut_at: int = 0
    moment: str = "before"
    count: int = 0
    dead: bool = False
    clock: datetime = START
    names: list[str] = field(default_factory=list)

    def now(self) -> datetime:
        self.clock += timedelta(seconds=1)
        return self.clock

    def call(self, name: str, work: Callable[[], object], *, may_lose: bool = False) -> object:
        if self.dead:
            raise Crash
        self.count += 1
        self.names.append(name)
        if self.count != self.cut_at:
            return work()
        # A read or the store cannot lose its answer quietly: there it is a crash.
        moment = self.moment if may_lose or self.moment in ("before", "after") else "before"
        if moment in ("after", "lost"):
            work()
        if moment in ("before", "after"):
            self.dead = True
            raise Crash
        raise OutcomeUnknown("the connection closed while the answer was awaited")

    def revive(self, *, cut_at: int = 0, moment: str = "before") -> None:
        until_ended()
        self.cut_at, self.moment, self.count, self.dead, self.names = cut_at, moment, 0, False, []


class Board:
    """One task with its history. People act through `choose` and `say`; the integration through the port's methods."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.there = Task(gid=TASK, name="INV-4711", fields={APPROVAL: PENDING, REASON: None}, modified_at=START)
        self.history: list[Story] = []
        self.deleted = False
        self.people = dict(PEOPLE)
        self.failing: IntacctAsanaError | None = None

    def task(self, task_gid: str) -> Task | None:
        return self.wire.call("task", lambda: None if self.deleted else self.there)

    def stories(self, task_gid: str) -> list[Story]:
        def work() -> list[Story]:
            if self.deleted:
                raise Refused("task 5001: 404 Not Found", code="404")
            return list(self.history)

        return self.wire.call("stories", work)

    def comment(self, task_gid: str, text: str) -> Story:
        if self.failing:
            raise self.failing
        return self.wire.call("comment", lambda: self.say(BOT, text), may_lose=True)

    def set_fields(self, task_gid: str, fields: Mapping[str, str | None]) -> Task:
        def work() -> Task:
            self.choose(BOT, fields[APPROVAL])
            return self.there

        return self.wire.call("set_fields", work, may_lose=True)

    def person(self, gid_or_email: str) -> Person | None:
        return self.wire.call("person", lambda: self.people.get(gid_or_email))

    def choose(self, who: str | None, option: str | None, *, source: str = "web", story: bool = True) -> Story | None:
        """A change of the approval field; nothing at all when it is what was there."""
        old = self.there.fields[APPROVAL]
        if old == option:
            return None
        self._set(APPROVAL, option)
        if not story:
            return None
        return self._story(
            who,
            "enum_custom_field_changed",
            source=source,
            field_gid=APPROVAL,
            old_enum_gid=old,
            new_enum_gid=option,
            new_enum_name=NAMES_OF.get(option, ""),
        )

    def explain(self, who: str, text: str) -> None:
        self._set(REASON, text)
        self._story(who, "text_custom_field_changed", field_gid=REASON)

    def say(self, who: str, text: str) -> Story:
        return self._story(who, "comment_added", text=text)

    def comments(self) -> list[str]:
        return [story.text for story in self.history if story.author_gid == BOT and story.kind == "comment_added"]

    def _set(self, gid: str, value: str | None) -> None:
        self.there = replace(self.there, fields={**self.there.fields, gid: value}, modified_at=self.wire.now())

    def _story(self, who: str | None, kind: str, *, source: str = "web", **parts: object) -> Story:
        at = self.wire.now()
        name = PEOPLE[who].name if who in PEOPLE else ""
        story = Story(
            gid=f"s{len(self.history) + 1}",
            created_at=at,
            author_gid=who,
            author_name=name,
            kind=kind,
            source=source,
            author_kind="user" if who else "",
            **parts,
        )
        self.history.append(story)
        self.there = replace(self.there, modified_at=at)
        return story


class Books:
    """Bills by record number. A control id that was carried out once is refused, and that refusal is no clear answer."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.bills: dict[str, Bill] = {"65": a_bill()}
        self.used: set[str] = set()
        self.stamped: list[str] = []
        self.held: list[str] = []
        self.submitted: list[str] = []
        self.payments: list[PaymentOrder] = []
        self.document = PurchasingDocument(record_no="77", name="Purchase Order-PO0213", state="Submitted")
        self.approvals: list[str] = []
        """What was approved over there: the document's name, or the bill's number where that was natively."""
        self.closed = frozenset[str]()
        self.refusal: IntacctAsanaError | None = None
        self.refuses = "nothing"
        """What stands in the control ids of writes that are refused."""
        self.loses_stamp = False
        self.keeps: Callable[[Mapping[str, str]], Mapping[str, str]] = lambda values: values
        self.on_stamp: Callable[[Bill, Mapping[str, str]], None] = lambda bill, values: None

    def find(self, decision: Decision) -> Bill | None:
        found = self.wire.call("find_bill", lambda: next((b for b in self.bills.values() if b.bill_key == decision.key), None))
        return found

    def stamp_bill(
        self, record_no: str, *, values: Mapping[str, str], control_id: str, due_on: date | None = None, submit: bool = False
    ) -> None:
        def work() -> None:
            if self.refusal:
                raise self.refusal
            if self.refuses in control_id:
                raise Refused("the bill may not be changed now", code="BL34000075")
            if record_no not in self.bills:
                raise Refused(f"bill {record_no} is not there", code="BL01001973")
            if control_id in self.used:
                raise OutcomeUnknown(f"control id {control_id}: a result without status")
            self.used.add(control_id)
            bill = self.bills[record_no]
            assert due_on is None
            self.on_stamp(bill, values)
            self.stamped.append(control_id)
            if not self.loses_stamp:
                bill = self.bills[record_no]
                self.bills[record_no] = replace(bill, custom={**bill.custom, **self.keeps(values)})

        self.wire.call("stamp_bill", work, may_lose=True)

    def hold_bill(
        self, record_no: str, *, on_hold: bool, control_id: str, due_on: date | None = None, submit: bool = False
    ) -> None:
        def work() -> None:
            self.held.append(control_id)
            self.bills[record_no] = replace(self.bills[record_no], on_hold=on_hold)

        self._write("hold_bill", work, control_id)

    def submit_bill(self, record_no: str, *, control_id: str, due_on: date | None = None) -> None:
        def work() -> None:
            self.submitted.append(record_no)
            self.bills[record_no] = replace(self.bills[record_no], state=BillState.POSTED)

        self._write("submit_bill", work, control_id)

    def request_payment(self, order: PaymentOrder, *, control_id: str) -> None:
        self._write("request_payment", lambda: self.payments.append(order), control_id)

    def requested_payments(self, marker: str) -> list[RequestedPayment]:
        def work() -> list[RequestedPayment]:
            found = [(str(place), one) for place, one in enumerate(self.payments, start=900) if one.marker == marker]
            return [
                RequestedPayment(record_no=number, state="Draft", bill_no=one.bill_no, amount=one.amount)
                for number, one in found
            ]

        return self.wire.call("requested_payments", work)

    def purchasing_document(self, record_no: str) -> PurchasingDocument | None:
        return self.wire.call("purchasing_document", lambda: self.document if record_no == self.document.record_no else None)

    def approve_document(self, document: PurchasingDocument, *, comment: str, control_id: str) -> None:
        def work() -> None:
            self.approvals.append(document.name)
            self.document = replace(self.document, state="Approved")

        self._write("approve_document", work, control_id)

    def _write(self, name: str, work: Callable[[], None], control_id: str) -> None:
        def once() -> None:
            if self.refuses in control_id:
                raise Refused("the bill may not be changed now", code="BL34000075")
            if control_id in self.used:
                raise OutcomeUnknown(f"control id {control_id}: a result without status")
            self.used.add(control_id)
            work()

        self.wire.call(name, once, may_lose=True)

    def users(self) -> list[IntacctUser]:
        return USERS

    def identity(self) -> IntacctIdentity:
        return IntacctIdentity(company_id="co", user_id="xml_ws")

    def closed_summaries(self, summary_nos: Collection[str]) -> frozenset[str]:
        return self.closed & frozenset(summary_nos)

    def edit(self, **changes: object) -> None:
        """Somebody changes the bill in Intacct."""
        bill = next(iter(self.bills.values()))
        custom = changes.pop("custom", bill.custom)
        parts = {"amount": bill.total_entered, "record_no": bill.record_no, "state": bill.state, "due_on": bill.due_on}
        self.bills = {
            str({**parts, **changes}["record_no"]): a_bill(
                **{**parts, "created_by": bill.created_by, "on_hold": bill.on_hold, **changes}, custom=custom
            )
        }


class Workflow:
    """Intacct's own approval of the same bills: it knows no control id, and a second approval counts as one more."""

    def __init__(self, books: Books) -> None:
        self.books = books

    def bill(self, record_no: str) -> NativeBill | None:
        return self.books.wire.call("native bill", lambda: self._shown(self.books.bills.get(record_no)))

    def _shown(self, bill: Bill | None) -> NativeBill | None:
        return bill and NativeBill(
            key=bill.record_no,
            state=bill.state,
            bill_number=bill.bill_number,
            vendor_id=bill.vendor_id,
            total=bill.transaction_total_entered,
            modified_at_text=str(len(self.books.approvals)),
        )

    def approve(self, record_no: str, *, notes: str) -> None:
        def work() -> None:
            if "native" in self.books.refuses:
                raise Refused("the bill may not be approved now", code="workflow")
            bill = self.books.bills[record_no]
            self.books.approvals.append(bill.bill_number)
            self.books.bills[record_no] = replace(bill, state=BillState.POSTED)

        self.books.wire.call("native approve", work, may_lose=True)


@dataclass
class Store:
    """Decisions, in memory: the same promises as the real one, evidence included."""

    wire: Wire
    kept: dict[str, Decision] = field(default_factory=dict)
    evidence: list[tuple[str, str, Mapping[str, object]]] = field(default_factory=list)
    rows: dict[str, Intent] = field(default_factory=dict)
    on_confirm: Callable[[Decision], None] = lambda decision: None

    def record(self, decisions: Sequence[Decision], *, at: datetime, cursors: Sequence[object] = ()) -> list[Decision]:
        def work() -> list[Decision]:
            new = [one for one in decisions if one.decision_id not in self.kept]
            self.kept.update((one.decision_id, one) for one in new)
            return new

        return self.wire.call("record", work)

    def advance(self, decision: Decision, *, to: DecisionState, facts: Mapping[str, object], at: datetime) -> Decision:
        def work() -> Decision:
            stored = self.kept[decision.decision_id]
            assert to in NEXT_STATES[stored.state]
            if stored.state is not decision.state:
                raise Refused("another run moved it")
            moved = replace(decision, state=to, acknowledged=stored.acknowledged and to is not DecisionState.VOID)
            if to is DecisionState.CONFIRMED:
                self.on_confirm(moved)
            self.kept[decision.decision_id] = moved
            self.evidence.append((decision.decision_id, str(to), facts))
            return moved

        return self.wire.call(f"advance to {to}", work)

    def acknowledge(self, decision: Decision, *, story_gid: str, at: datetime) -> Decision:
        def work() -> Decision:
            told = replace(self.kept[decision.decision_id], acknowledged=True)
            self.kept[decision.decision_id] = told
            return told

        return self.wire.call("acknowledge", work)

    def unsettled(self) -> list[Decision]:
        return self.wire.call("unsettled", lambda: [one for one in self._all() if one.state in ON_THE_WAY])

    def granted(self) -> list[Decision]:
        return self.wire.call("granted", lambda: [one for one in self._all() if one.state is DecisionState.GRANTED])

    def unacknowledged(self) -> list[Decision]:
        return self.wire.call(
            "unacknowledged", lambda: [one for one in self._all() if one.state not in ON_THE_WAY and not one.acknowledged]
        )

    def anchor(self, decision: Decision, *, step: str = "") -> Anchor | None:
        rows = [
            place
            for place, (decision_id, said, _) in enumerate(self.evidence, start=1)
            if decision_id == decision.decision_id and step in ("", said)
        ]
        return Anchor(sequence=rows[-1], digest="a" * 64) if rows else None

    def of(self, key: str) -> list[Decision]:
        return self.wire.call("of", lambda: [one for one in self._all() if one.key == key])

    # The journal.

    @contextmanager
    def together(self) -> Iterator[None]:
        before = dict(self.kept), list(self.evidence), dict(self.rows)
        try:
            yield
        except BaseException:
            self.kept, self.evidence, self.rows = before
            raise

    def note(self, intents: Sequence[Intent], *, at: datetime) -> Mapping[str, Intent]:
        def work() -> Mapping[str, Intent]:
            return {one.intent_id: self._noted(one, at) for one in intents}

        return self.wire.call("note", work)

    def _noted(self, wanted: Intent, at: datetime) -> Intent:
        stored = self.rows.get(wanted.intent_id)
        if stored is None or not stored.state.is_in_doubt:
            self.rows[wanted.intent_id] = replace(wanted, noted_at=at, turn=stored.turn if stored else 0)
            return self.rows[wanted.intent_id]
        is_repeat = stored.body == wanted.body
        control_id = stored.control_id if is_repeat else wanted.control_id
        return replace(stored, body=wanted.body, control_id=control_id, tries=stored.tries if is_repeat else 0)

    def move(self, before: Intent, after: Intent, *, exclusive: bool = False, at: datetime) -> None:
        def work() -> None:
            seen = self.rows.get(before.intent_id)
            if seen is None or (seen.state, seen.turn) != (before.state, before.turn):
                raise TryLater("another run has it")
            others = [one for one in self.rows.values() if one.intent_id != after.intent_id and one.kind == after.kind]
            busy = exclusive and any(one.subject == after.subject and one.state.is_in_doubt for one in others)
            if busy and after.state.is_in_doubt:
                raise TryLater("only one at a time")
            self.rows[after.intent_id] = after

        self.wire.call(f"move to {after.state}", work)

    def drop(self, intent: Intent) -> None:
        self.wire.call("drop", lambda: self.rows.pop(intent.intent_id))

    def intents_of(self, intent_ids: Collection[str]) -> Mapping[str, Intent]:
        return {one: self.rows[one] for one in intent_ids if one in self.rows}

    def _all(self) -> list[Decision]:
        return sorted(self.kept.values(), key=lambda one: (one.signal.decided_at, one.decision_id))


class Journal:
    """The store's side for writes."""

    def __init__(self, store: Store) -> None:
        self.together, self.note, self.move, self.drop = store.together, store.note, store.move, store.drop
        self.of = store.intents_of
        self.about = lambda subjects: [row for row in store.rows.values() if row.subject in subjects]


class Shown:
    """What the task showed, as bill_sync notes it."""

    def __init__(self) -> None:
        self.link = Link(key=KEY, task_gid=TASK, record_no="65", task_url="https://asana.example/5001")
        self.log: list[tuple[datetime, Snapshot]] = []

    def shown(self, key: str, *, task_gid: str, at: datetime) -> Snapshot | None:
        past = [snapshot for since, snapshot in self.log if since <= at]
        return past[-1] if past else None

    def of(self, keys: Collection[str]) -> Mapping[str, Link]:
        return {KEY: self.link}


class World:
    """One bill, one task, one flow, run as the operators run it."""

    def __init__(self, **policy: object) -> None:
        self.wire = Wire()
        self.board = Board(self.wire)
        self.books = Books(self.wire)
        self.store = Store(self.wire)
        self.links = Shown()
        self.policy = a_policy(**policy)
        self.show()

    def show(self) -> None:
        """The bill's sync brings the task up to date."""
        self.links.log.append((self.wire.now(), snapshot_of(next(iter(self.books.bills.values())))))

    def read(self) -> list[Decision]:
        link = self.links.link
        task = self.board.task(TASK)
        signals = signals_of(task, self.board.stories(TASK), self.policy) if task else []
        found = decisions_of(signals, flow="demo", link=link, board=self.board, links=self.links, known=self.store.kept)
        return self.store.record(found, at=self.wire.now())

    @property
    def settler(self) -> Settler:
        return Settler(
            books=self.books,
            board=self.board,
            decisions=self.store,
            links=self.links,
            journal=Journal(self.store),
            policy=self.policy,
            asked=Asked(books=self.books),
            find_bill=self.books.find,
            now=self.wire.now,
            native=NativeApprovals(workflow=Workflow(self.books), rules=RestWorkflow(approve=True, repeats=2)),
        )

    @property
    def teller(self) -> Teller:
        journal = Journal(self.store)
        return Teller(board=self.board, decisions=self.store, journal=journal, policy=self.policy, now=self.wire.now)

    def settle(self) -> Decided:
        return self.settler.settle_all()

    def look(self) -> None:
        """As the operator does after new choices were settled; and the task is made to show what stands."""
        if not self.settler.look(KEY, self.bill):
            self.show_what_stands()

    def show_what_stands(self) -> None:
        task = self.board.task(TASK)
        if task and self.bill.state not in SETTLED_STATES:
            shown = {one.decision_id: shown_to(one, self.links) for one in self.store.of(KEY)}
            self.teller.show(KEY, task, bill=self.bill, shown=shown)

    def tell(self) -> Decided:
        return self.teller.tell_all()

    def run(self) -> list[Decided]:
        self.read()
        settled = self.settle()
        self.look()
        told = self.tell()
        self.show_what_stands()
        return [settled, told]

    def run_in_peace(self) -> None:
        for summary in self.run():
            summary.raise_if_failed()

    @property
    def bill(self) -> Bill:
        return next(iter(self.books.bills.values()))

    @property
    def shows(self) -> object:
        return self.board.there.fields[APPROVAL]

    @property
    def decisions(self) -> list[Decision]:
        return self.store._all()

    @property
    def last(self) -> Decision:
        return self.decisions[-1]
