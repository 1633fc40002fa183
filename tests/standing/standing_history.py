"""Random histories of people on both sides, and what must be true whenever a run has come to its end.

The truth is told by a model that knows nothing of our code. What a bill says, and who made it say so, the history notes
while it happens; what a task showed when somebody chose is read from the task's own stories, in their order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from intacct_asana.approvals.stamp import COUNTER
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.records import ON_THE_WAY, DecisionState

from sandbox import constants
from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN, GUS
from tests.standing.standing_world import CLERK, Standing

BILLS = 3
LIMITS = {ALICE: 1_000, BEN: 50_000}
LOGINS = {ALICE: "amartin", BEN: "bokafor"}
NEW_NAMES = {"Approved": "Do not pay", "Rejected": "OK to pay"}
LOSSES = ("lost_answer", "drop", "status:503", "status_after:500")
WRITES = ("update APBILL", "PUT /tasks/{gid}", "POST /tasks/{gid}/stories", "POST /tasks", "*")

WHO = st.sampled_from([ALICE, ALICE, BEN, BEN, ERIN, GUS, "rule"])
BILL = st.integers(0, BILLS - 1)
OPTION = st.sampled_from(["Approved", "Approved", "Approved", "Rejected", "Pending"])
AMOUNT = st.sampled_from([500, 500, 700, 900, 1500, 40_000, 60_000])
CLERKS = st.sampled_from([CLERK, CLERK, "jchen", "amartin"])
MOMENT = st.sampled_from(["act_before", "act_after"])
SOURCE = st.sampled_from(["web"] * 8 + ["mobile", "api", None])
ACTS = st.one_of(
    st.tuples(st.just("choose"), WHO, OPTION, BILL, SOURCE),
    st.tuples(st.just("choose"), WHO, OPTION, BILL, SOURCE),
    st.tuples(st.just("approve_and_run"), st.sampled_from([ALICE, BEN]), BILL),
    st.tuples(st.just("edit"), CLERKS, AMOUNT, BILL),
    st.tuples(st.just("change_vendor"), BILL),
    st.tuples(st.just("run")),
    st.tuples(st.just("run")),
    st.tuples(st.just("run_approvals")),
    st.tuples(st.just("edit_in_the_moment"), MOMENT, st.sampled_from(WRITES[:2]), AMOUNT, BILL),
    st.tuples(st.just("choose_in_the_moment"), MOMENT, WHO, OPTION),
    st.tuples(st.just("lose"), st.sampled_from(WRITES), st.sampled_from(LOSSES), st.integers(1, 12)),
    st.tuples(st.just("alter"), st.sampled_from([ERIN, ALICE]), st.sampled_from([5, 500, 700]), BILL),
    st.tuples(st.just("rename"), st.sampled_from(sorted(NEW_NAMES))),
    st.tuples(st.just("by_hand"), st.sampled_from([ALICE, ERIN]), st.sampled_from(["Approved", "Pending"]), BILL),
    st.tuples(st.just("duplicate"), BILL),
    st.tuples(st.just("delete"), BILL),
    st.tuples(st.just("remove"), BILL),
    st.tuples(st.just("lose_store")),
    st.tuples(st.just("full")),
    st.tuples(st.just("wait"), st.sampled_from([60, 1_000, 90_000])),
)

Task = dict[str, Any]
Content = tuple[int, str]


@dataclass(frozen=True)
class Choice:
    """One that somebody made on a task of ours, with what the task showed then."""

    who: str
    option: str
    shown: Content
    at: str
    counts: bool
    """By a person, from a source that is declared."""
    story: str = ""


@dataclass
class Noted:
    """What the history notes of one bill."""

    contents: list[tuple[Content, str]] = field(default_factory=list)
    """What it said, and which login made it say so; the last is what it says."""
    deleted: list[Task] = field(default_factory=list)
    """Its tasks of ours as they were when somebody deleted them."""
    editors: list[tuple[str, str]] = field(default_factory=list)
    """When somebody saved the bill, and which login that was; saving it without a change counts too, for choices after it."""
    meddled: bool = False
    """Whether people did to its tasks what may rightly keep a choice from counting; only then a choice may come to nothing."""

    def edited_before(self, choice: Choice) -> list[str]:
        """Who had saved the bill last when somebody chose; of one second nobody knows which came first."""
        before = [(at, who) for at, who in self.editors if at[:19] <= choice.at[:19]]
        last = [who for at, who in before if at[:19] < choice.at[:19]][-1:] or [CLERK]
        return [*last, *(who for at, who in before if at[:19] == choice.at[:19])]


class History:
    """Plays acts on a small company and compares, after each run that met no trouble, both sides with the model.

    Here each approver decides alone; `approved_by` is what another kind of company says otherwise.
    """

    ACTS = ACTS

    def __init__(self, sandbox: Any, folder: Path, new_store: NewStore) -> None:
        self.flow = self.company(sandbox, folder, new_store)
        self.keys = [key_of(bill) for bill in self._bills()]
        self.store_since, self.approvals_seen = "", 0
        self.vendors = [one["vendor_id"] for one in sandbox.state("intacct")["vendors"]][:2]
        self.noted = [Noted() for _ in range(BILLS)]
        for noted, bill in zip(self.noted, self._bills(), strict=True):
            noted.contents.append(((500, bill["vendor_id"]), CLERK))
        self.by_hand: set[str] = set()
        self.renamed: set[str] = set()
        self.clean = True

    def company(self, sandbox: Any, folder: Path, new_store: NewStore) -> Standing:
        return Standing(sandbox, folder, new_store, bills=BILLS)

    def play(self, act: tuple[Any, ...]) -> None:
        getattr(self, f"_{act[0]}")(*act[1:])

    # What people do.

    def _choose(self, who: str, option: str, bill: int, source: str | None = "web") -> None:
        if task := self._task(bill):
            name = NEW_NAMES[option] if option in self.renamed else option
            if option == "Rejected":
                self._act(who, "comment", task=task["gid"], text="because it is wrong")
            self._act(who, "choose", task=task["gid"], field="Approval", option=name, source=source)

    def _approve_and_run(self, who: str, bill: int) -> None:
        """What happens most: a bill is approved by somebody who may, and stamped."""
        self._choose(who, "Approved", bill)
        self._run()

    def _edit(self, who: str, amount: int, bill: int) -> None:
        self.flow.edit(bill=bill, who=who, amount=f"{amount}.00")
        self._note(bill, (amount, self._content(bill)[1]), who)

    def _change_vendor(self, bill: int) -> None:
        amount, vendor = self._content(bill)
        other = next(one for one in self.vendors if one != vendor)
        self.flow.edit(bill=bill, vendor_id=other)
        self._note(bill, (amount, other), CLERK)

    def _edit_in_the_moment(self, when: str, kind: str, amount: int, bill: int) -> None:
        self.clean = False
        detail = {"record_no": self.flow.bills[bill], "changes": {"amount": f"{amount}.00"}}
        system = "intacct" if kind.endswith("APBILL") else "asana"
        told = {"system": "intacct", "user": CLERK, "action": "edit_bill", **detail}
        self.flow.sandbox.fault(system, kind, when, detail=told)

    def _choose_in_the_moment(self, when: str, who: str, option: str) -> None:
        """On the very task that we are just writing, whichever it is."""
        self.clean = False
        told = {"user": who, "action": "choose", "task": "{gid}", "field": "Approval", "option": option}
        self.flow.sandbox.fault("asana", "PUT /tasks/{gid}", when, detail=told)
        for noted in self.noted:
            noted.meddled = True

    def _lose(self, kind: str, what: str, on_call: int) -> None:
        self.clean = False
        system = "*" if kind == "*" else "intacct" if kind.endswith("APBILL") else "asana"
        # Only faults of the line strike both systems.
        action = what if kind != "*" or not what.startswith("status") else "drop"
        self.flow.sandbox.fault(system, kind, action, on_call=on_call if kind == "*" else 1)

    def _alter(self, who: str, amount: int, bill: int) -> None:
        if task := self._task(bill):
            self.noted[bill].meddled = True
            self._act(who, "write", task=task["gid"], field="Amount", value=f"{amount}")

    def _rename(self, option: str) -> None:
        back = option in self.renamed
        old, new = (NEW_NAMES[option], option) if back else (option, NEW_NAMES[option])
        self.renamed ^= {option}
        self.flow.rename_option(old, new)
        for noted in self.noted:
            noted.meddled = True

    def _by_hand(self, who: str, option: str, bill: int) -> None:
        """Somebody makes a task with the bill's key and an answer."""
        name = NEW_NAMES[option] if option in self.renamed else option
        self.by_hand.add(self.flow.make_by_hand(who, **{"Intacct key": self.keys[bill], "Approval": name}))
        self.noted[bill].meddled = True

    def _duplicate(self, bill: int) -> None:
        if task := self._task(bill):
            made = self._act(ERIN, "duplicate", task=task["gid"])
            self.by_hand.add(made["result"]["gid"])
            self.noted[bill].meddled = True

    def _delete(self, bill: int) -> None:
        if task := self._task(bill):
            self.noted[bill].deleted.append(task)
            self._act(ERIN, "delete", task=task["gid"])
            self.noted[bill].meddled = True

    def _remove(self, bill: int) -> None:
        if task := self._task(bill):
            self._act(ERIN, "remove", task=task["gid"], project=constants.BILLS_PROJECT_GID)

    def _wait(self, seconds: int) -> None:
        self.flow.pass_time(seconds)

    # What runs.

    def _run(self) -> None:
        self._ends_well(self.flow.cycle())

    def _run_approvals(self) -> None:
        """Without a bill sync before it: a change is seen by the approvals too."""
        failed: list[Any] = []
        try:
            self.flow.run()
        except IntacctAsanaError as error:
            failed.append(error)
        self._ends_well(failed)

    def _full(self) -> None:
        self.flow.pass_time(1)
        try:
            self.flow.sync(full=True)
        except IntacctAsanaError:
            if self.clean:
                raise
        self._run()

    def _lose_store(self) -> None:
        """It is lost between two runs; the first run on the new one is judged as any other."""
        self._calm()
        self._name_options_back()
        self.flow.pass_time(1)
        self.flow.open_new_store()
        self.store_since = self._clock()
        self.flow.preflight()
        for noted in self.noted:
            noted.meddled = True
        self._run()

    def _ends_well(self, failed: list[Any]) -> None:
        """A run that met no trouble leaves both sides saying what stands; with trouble, the runs after it do."""
        self._take_moments()
        if self.clean:
            assert not failed, [error.message for error in failed]
            self.check()

    def _take_moments(self) -> None:
        """Edits that happened in the second of a write are edits like any other, by now."""
        faults = self.flow.sandbox.call("GET", "/_sandbox/faults")
        for fault in faults:
            detail = fault["detail"]
            if fault["struck"] and not fault["problem"] and detail.get("action") == "edit_bill" and "noted" not in detail:
                bill = self.flow.bills.index(detail["record_no"])
                amount = int(float(detail["changes"]["amount"]))
                self._note(bill, (amount, self._content(bill)[1]), CLERK)
        self.flow.sandbox.call("DELETE", "/_sandbox/faults")
        for fault in faults:
            if not fault["struck"]:
                again = {name: fault[name] for name in ("system", "kind", "action", "on_call", "times", "detail")}
                self.flow.sandbox.call("POST", "/_sandbox/faults", {**again, "on_call": fault["on_call"] - fault["seen"]})

    def _calm(self) -> None:
        """Nothing goes wrong any more, and two runs see to what had."""
        self._take_moments()
        self.flow.sandbox.clear_faults()
        if not self.clean:
            for _ in range(2):
                self.flow.cycle()
            self.clean = True

    def end(self) -> None:
        """All is calm, options have their names, and everything is looked at once more."""
        self._calm()
        self._name_options_back()
        self._run()
        self.flow.pass_time(hours=26)
        self._run()
        self.nothing_is_lost()
        self.each_choice_is_answered()
        self.nothing_is_done_twice()
        assert self.flow.store.verify_evidence() == []

    def _name_options_back(self) -> None:
        for option in sorted(self.renamed):
            self._rename(option)

    # What must be true.

    def check(self) -> None:
        """No bill says approved on either side whose content was not approved by somebody who may, where it was shown."""
        board, books = self._tasks(), self._bills()
        for bill, noted in enumerate(self.noted):
            if not self.judges(books[bill]):
                continue
            stamp = books[bill]["stamps"]["ASANA_DECISION"].casefold()
            ours = [task for task in self._ours(board, bill) if constants.BILLS_PROJECT_GID in task["projects"]]
            shown = [task for task in ours if task["fields"].get("Approval") in ("Approved", "Do not pay")]
            content = noted.contents[-1][0]
            assert content == self._content_of(books[bill]), "the model lost track"
            if stamp == "approved" or shown:
                self.approvals_seen += 1
                told = [choices(task) for task in [*self._ours(board, bill), *noted.deleted]]
                assert any(self.approved_by(one, content, noted) for one in told), (
                    f"bill {bill} says {content}, edited by {noted.editors}; its stamp says {stamp or 'nothing'}, "
                    f"{len(shown)} of its tasks show Approved; choices: {told}"
                )
            assert len(ours) < 2 or not shown, "two tasks of ours"

    def judges(self, bill: dict[str, Any]) -> bool:
        """Whether what the bill says has to be what stands by now."""
        return True

    def approved_by(self, told: list[Choice], content: Content, noted: Noted) -> bool:
        """Whether what people chose on one task is an approval of this content."""
        return any(self._approves(one, content, editor) for one in told for editor in noted.edited_before(one))

    def _approves(self, choice: Choice, content: Content, editor: str) -> bool:
        may = content[0] <= LIMITS.get(choice.who, -1) and editor != LOGINS.get(choice.who)
        return choice.option == "Approved" and choice.counts and may and choice.shown == content

    def nothing_is_lost(self) -> None:
        """Where people did nothing odd to a bill's task, its last choice on what it says now stands, if it may."""
        board, books = self._tasks(), self._bills()
        for bill, noted in enumerate(self.noted):
            told = [one for task in self._ours(board, bill) for one in choices(task)]
            if noted.meddled or not told:
                continue
            content, editor = noted.contents[-1]
            alike = [one for one in told if one.shown == content and self._may(one, content, editor)]
            if not alike or told[-1] is not alike[-1]:
                continue
            first = self._stamped(books[bill])
            assert first in ("approved", "rejected"), f"bill {bill}: {told[-1]} was lost"

    def each_choice_is_answered(self) -> None:
        """Whatever somebody chose on a task that is still there was settled, and told to them."""
        decided = (one for key in self.keys for one in self.flow.store.decisions().of(key))
        known, board = {one.signal.story_gid: one for one in decided}, self._tasks()
        for bill in range(BILLS):
            for choice in (one for task in self._ours(board, bill) for one in choices(task)):
                if choice.option != "Pending" and choice.at > self.store_since:
                    answer = known.get(choice.story)
                    assert answer, f"bill {bill}: nobody looked at {choice}"
                    assert answer.state not in ON_THE_WAY, f"bill {bill}: {choice} is {answer.state}"
                    assert answer.acknowledged, f"bill {bill}: nobody was told about {choice}"

    def nothing_is_done_twice(self) -> None:
        """Each write onto a bill changed more than the evidence's anchor, and of each content one decision is carried out."""
        for write in self.flow.sandbox.state("intacct")["api_writes"]:
            assert set(write["changed"]) - {"ASANA_DECISION_ID"}, f"written twice: {write}"
        for key in self.keys:
            confirmed = [one for one in self.flow.store.decisions().of(key) if one.state is DecisionState.CONFIRMED]
            carried_out = [one.shown_digest for one in confirmed if one.rule != COUNTER]
            assert len(carried_out) == len(set(carried_out)), f"{key}: {confirmed}"

    def _may(self, choice: Choice, content: Content, editor: str) -> bool:
        person = choice.who in LIMITS and choice.counts and editor != LOGINS[choice.who]
        return person and (choice.option == "Rejected" or self._approves(choice, content, editor))

    @staticmethod
    def _stamped(bill: dict[str, Any]) -> str:
        return str(bill["stamps"]["ASANA_DECISION"]).casefold()

    # Reading the sandbox, and noting.

    def _act(self, who: str, action: str, **arguments: Any) -> Any:
        self.flow.pass_time(1)
        return self.flow.sandbox.act("asana", who, action, **arguments)

    def _clock(self) -> str:
        now: str = self.flow.sandbox.call("GET", "/_sandbox/clock")["now"]
        return now

    def _note(self, bill: int, content: Content, who: str) -> None:
        self.noted[bill].editors.append((self._clock(), who))
        if content != self._content(bill):
            self.noted[bill].contents.append((content, who))
        else:
            self.noted[bill].contents[-1] = (content, who)

    def _content(self, bill: int) -> Content:
        return self.noted[bill].contents[-1][0]

    @staticmethod
    def _content_of(bill: dict[str, Any]) -> Content:
        return int(float(bill["total_entered"])), bill["vendor_id"]

    def _bills(self) -> list[dict[str, Any]]:
        there = {one["record_no"]: one for one in self.flow.sandbox.state("intacct")["bills"]}
        return [there[number] for number in self.flow.bills]

    def _tasks(self) -> list[Task]:
        tasks: list[Task] = self.flow.sandbox.state("asana")["tasks"]
        return tasks

    def _ours(self, board: list[Task], bill: int) -> list[Task]:
        key = self.keys[bill]
        return [task for task in board if task["fields"].get("Intacct key") == key and task["gid"] not in self.by_hand]

    def _task(self, bill: int) -> Task | None:
        """The task of ours on which people act, where there is one in the project."""
        ours = [task for task in self._ours(self._tasks(), bill) if constants.BILLS_PROJECT_GID in task["projects"]]
        return ours[0] if ours else None


def key_of(bill: dict[str, Any]) -> str:
    """What is made anew by Purchasing keeps it."""
    document = bill["source_document"]
    return f"{constants.COMPANY_ID}:po:{document}" if document else f"{constants.COMPANY_ID}:ap:{bill['record_no']}"


def choices(task: Task) -> list[Choice]:
    """What others chose on it, each with what the task's fields showed at that place of its history."""
    stories = task["stories"]
    made = [(place, story) for place, story in enumerate(stories) if story.get("field") == "Approval"]
    return [
        Choice(
            who=story["by"] or "",
            option=str(story["new"]),
            shown=(int(float(shown_at(task, "Amount", place) or 0)), shown_at(task, "Vendor", place)),
            at=story["created_at"],
            counts=story["source"] in ("web", "mobile") and story["by_kind"] == "user",
            story=story["gid"],
        )
        for place, story in made
        if story["by"] != constants.BOT_EMAIL
    ]


def shown_at(task: Task, name: str, place: int) -> str:
    """A field's value as it was when the story at `place` was written: what the change before it set, or the next one found."""
    changes = [(at, story) for at, story in enumerate(task["stories"]) if story.get("field") == name]
    before = [story["new"] for at, story in changes if at < place]
    after = [story["old"] for at, story in changes if at > place]
    return str(before[-1] if before else after[0] if after else task["fields"].get(name))
