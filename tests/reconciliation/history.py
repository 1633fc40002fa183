"""Random histories: what people do on bills and tasks, what Asana does to events and stories, runs in between; and the truth.

The truth is read from the sandbox and from what the history itself noted, not from our own code.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from intacct_asana.records import Decision, DecisionState
from intacct_asana.records.anchors import without_anchors

from sandbox import constants
from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import ALICE, BEN, ERIN, GUS, Reconciliation

WAYS = {
    "enum": "",
    "approval_task": "  signal: {kind: approval_task}",
    "comment": "  signal: {kind: comment}",
}
LIMITS = {ALICE: 1000, BEN: 50_000}
EMAILS = {person["gid"]: person["email"] for person in constants.PEOPLE}
STATUS = {"approve": "approved", "reject": "rejected", "changes": "changes_requested", "pending": "pending"}
OPTION = {"approve": "Approved", "reject": "Rejected", "changes": "Rejected", "pending": "Pending"}
VERDICTS = {"Approved", "Rejected", "approved", "rejected", "changes_requested"}
WITNESS = {"enum": "enum_custom_field_changed", "approval_task": "approval_status_changed", "comment": "comment_added"}
LATEST_STORY = 300
"""Seconds. A story that is later than our patience is another matter, with examples of its own."""

WHO = st.sampled_from([ALICE, BEN, BEN, ERIN, GUS, "rule"])
BILL = st.integers(0, 1)
EVENT_FATES = ["drop_event", "drop_event", "double_event", "late_event:5", "late_event:400", "late_event:100000"]
ACTS = st.one_of(
    st.tuples(st.just("decide"), WHO, st.sampled_from(["approve", "approve", "reject", "changes", "pending"]), BILL),
    st.tuples(st.just("decide"), WHO, st.sampled_from(["approve", "reject", "pending"]), BILL),
    st.tuples(st.just("chat"), WHO, st.sampled_from(["not approved", "approve it?", "looks fine"]), BILL),
    st.tuples(st.just("tick"), WHO, st.booleans(), BILL),
    st.tuples(st.just("reword"), st.sampled_from(["approve", "no, wait"]), BILL),
    st.tuples(st.just("edit"), st.sampled_from([100, 1500]), BILL),
    st.tuples(st.just("step"), st.sampled_from(["run", "run", "read", "settle", "tell", "sync"])),
    st.tuples(st.just("events"), st.sampled_from(EVENT_FATES), st.integers(1, 8)),
    st.tuples(st.just("stories"), st.integers(1, LATEST_STORY), st.integers(1, 3)),
    st.tuples(st.just("expire")),
    st.tuples(st.just("read_too_early"), WHO, st.sampled_from(["approve", "reject"]), BILL),
    st.tuples(st.just("think_again"), WHO, BILL),
    st.tuples(st.just("hide"), WHO, st.sampled_from([100, 1500]), BILL),
    st.tuples(st.just("wait"), st.sampled_from([1, 60, 700, 90_000])),
)


@dataclass
class Choice:
    """One that a person just made: what the task showed of the bill then, and whether the person may make it."""

    story: str
    shown_edits: int
    allowed: bool | None
    """None: it depends on comments around it, and is not judged here."""


@dataclass
class Told:
    """What the history notes of one bill while it happens."""

    amount: int
    edits: int = 0
    shown_edits: int = 0
    choices: list[Choice] = field(default_factory=list)
    last_change: str = ""
    ever_declared: set[str] = field(default_factory=set)
    unsaid: set[str] = field(default_factory=set)
    """Comments that were edited or deleted before they were carried out."""


class History:
    """Plays acts on a world and then compares it with the truth."""

    def __init__(self, sandbox: Any, folder: Path, way: str, *, new_store: NewStore) -> None:
        self.way = way
        self.world = Reconciliation(sandbox, folder, new_store, approval=WAYS[way], bills=2)
        self.bills = [Told(amount=500), Told(amount=500)]
        sandbox.settings(asana_requests_per_minute=1_000_000)
        sandbox.zero_counters()

    def play(self, act: tuple[Any, ...]) -> None:
        getattr(self, f"_{act[0]}")(*act[1:])

    # What happens.

    def _decide(self, who: str, what: str, bill: int) -> None:
        if self.way == "comment":
            return self._write(who, what, bill)
        if self._shown(bill) == (OPTION if self.way == "enum" else STATUS)[what]:
            return None
        explained = what == "reject" and who != "rule"
        if explained:
            self.world.act(who, "comment", bill=bill, text="because it is wrong")
        if self.way == "enum":
            self.world.choose(who, OPTION[what], bill=bill)
        else:
            self.world.act(who, "set_approval", bill=bill, status=STATUS[what])
        return self._note(bill, who, what, explained=explained)

    def _write(self, who: str, what: str, bill: int) -> None:
        if what == "pending":
            return self._delete(who, bill)
        text = {"approve": "Approve", "reject": "reject: it is wrong", "changes": "reject"}[what]
        self.world.act(who, "comment", bill=bill, text=text)
        return self._note(bill, who, what, explained=what == "reject")

    def _delete(self, who: str, bill: int) -> None:
        mine = [story for story in self._declared(bill) if story["by"] == who]
        if mine:
            self._unsay(mine[-1]["gid"], bill)
            self.world.sandbox.act("asana", who, "delete_comment", story=mine[-1]["gid"])
            self.bills[bill].choices = [one for one in self.bills[bill].choices if one.story != mine[-1]["gid"]]

    def _chat(self, who: str, text: str, bill: int) -> None:
        self.world.act(who, "comment", bill=bill, text=text)

    def _tick(self, who: str, done: bool, bill: int) -> None:
        """On an approval this decides; on another task it means nothing."""
        before = self.world.task(bill)["completed"]
        self.world.act(who, "complete" if done else "reopen", bill=bill)
        if self.way == "approval_task" and before != done:
            self._note(bill, who, "approve" if done else "pending", explained=False)

    def _reword(self, text: str, bill: int) -> None:
        """Somebody edits their last comment."""
        theirs = [s for s in self._comments(bill) if s["by"] not in (None, constants.BOT_EMAIL)]
        if self.way == "comment" and theirs:
            self._unsay(theirs[-1]["gid"], bill)
            self.world.sandbox.act("asana", theirs[-1]["by"], "edit_comment", story=theirs[-1]["gid"], text=text)
            told = self.bills[bill]
            told.choices = [one for one in told.choices if one.story != theirs[-1]["gid"]]
            if text == "approve":
                told.ever_declared.add(theirs[-1]["gid"])
                told.last_change = theirs[-1]["gid"] if self._is_last(bill, theirs[-1]["gid"]) else told.last_change

    def _unsay(self, story: str, bill: int) -> None:
        done = {one.signal.story_gid for one in self.world.decisions(bill) if one.state is DecisionState.CONFIRMED}
        self.bills[bill].unsaid |= {story} - done
        self.world.pass_time(1)

    def _edit(self, more: int, bill: int) -> None:
        told = self.bills[bill]
        told.edits += 1
        told.amount = more + told.edits
        self.world.edit_bill(f"{told.amount}.00", bill=bill)

    def _step(self, name: str) -> None:
        self.world.pass_time(1)
        getattr(self.world, name)()
        if name == "sync":
            for told in self.bills:
                told.shown_edits = told.edits

    def _events(self, fate: str, times: int) -> None:
        self.world.sandbox.fault("asana", "event *", fate, times=times)

    def _stories(self, seconds: int, times: int) -> None:
        self.world.sandbox.fault("asana", f"story {WITNESS[self.way]}", f"late_story:{seconds}", times=times)

    def _expire(self) -> None:
        self.world.sandbox.fault("asana", "GET /events", "expire_tokens")

    def _read_too_early(self, who: str, what: str, bill: int) -> None:
        """A run between a choice and its story."""
        self._stories(200, 1)
        self._decide(who, what, bill)
        self._step("read")

    def _think_again(self, who: str, bill: int) -> None:
        """A comment is edited between reading and settling; elsewhere the choice is taken back then."""
        self._decide(who, "approve", bill)
        self._step("read")
        if self.way == "comment":
            self._reword("approve", bill)
        else:
            self._decide(who, "pending", bill)

    def _hide(self, who: str, more: int, bill: int) -> None:
        """A choice that is taken back and then written over by ourselves, and no event tells of any of it."""
        self._step("run")
        self._wait(700)
        self._events("drop_event", 20)
        self._decide(who, "approve", bill)
        self._decide(who, "pending", bill)
        self._edit(more, bill)
        self._step("sync")

    def _wait(self, seconds: int) -> None:
        self.world.pass_time(seconds)

    def _note(self, bill: int, who: str, what: str, *, explained: bool) -> None:
        told = self.bills[bill]
        story = [s for s in self.world.task(bill)["stories"] if s["resource_subtype"] == WITNESS[self.way]][-1]["gid"]
        told.last_change = story
        if what == "pending":
            return
        may = who in LIMITS and (what != "approve" or told.amount <= LIMITS[who])
        judged = None if may and what != "approve" and not explained else may
        told.choices.append(Choice(story=story, shown_edits=told.shown_edits, allowed=judged))
        told.ever_declared.add(story)

    # The end, and what must be true then.

    def end(self) -> None:
        """All that is late arrives, and a last run looks at everything."""
        self.world.sandbox.clear_faults()
        for _ in range(2):
            self.world.pass_time(hours=30)
            assert self.world.run()["full_crawl"] is True

    def check(self) -> None:
        stamped = [one for bill in (0, 1) for one in self._check_bill(bill)]
        voided = sum(one.state is DecisionState.VOID for one in stamped)
        stamps = self.world.sandbox.counters().get("intacct update APBILL", 0)
        # A later choice may have gone over a stamp before it became void on the bill.
        assert 0 <= len(stamped) + voided - stamps <= voided, "each stamp and each void was written once, and nothing else"
        assert self.world.store.verify_evidence() == []
        if self.way == "approval_task":
            counts = self.world.sync(full=True)["counts"]
            assert (counts["close"], counts["reopen"]) == (0, 0), "the bill sync leaves people's answers alone"

    def _check_bill(self, bill: int) -> list[Decision]:
        """The decisions that were stamped, also those that are void by now."""
        decisions = self.world.decisions(bill)
        self._recorded_once(bill, decisions)
        self._told_once(bill, decisions)
        stamped = [one for one in decisions if one.state in (DecisionState.CONFIRMED, DecisionState.VOID)]
        newest = max(stamped, key=lambda one: one.signal.decided_at, default=None)
        held = self.world.held(bill)
        assert without_anchors(held["ASANA_DECISION_ID"]) == (newest.decision_id if newest else "")
        assert (held["ASANA_DECISION"] == "void") == (newest is not None and newest.state is DecisionState.VOID)
        assert all(one is newest or one.state is DecisionState.VOID for one in stamped), "two approvals stand"
        self._last_word(bill, decisions)
        self._shows_nothing_false(bill, [one for one in stamped if one.state is DecisionState.CONFIRMED])
        return stamped

    def _recorded_once(self, bill: int, decisions: list[Decision]) -> None:
        """Every choice that people made is there exactly once, with who and when."""
        there = {story["gid"]: story for story in self._declared(bill)}
        decided = Counter(one.signal.story_gid for one in decisions)
        assert set(decided.values()) <= {1}
        assert there.keys() <= decided.keys(), "a decision was lost"
        may = self.bills[bill].ever_declared if self.way == "comment" else there.keys()
        assert decided.keys() <= may | there.keys(), "a decision was made up"
        for one in decisions:
            assert one.state is not DecisionState.CONFIRMED or one.signal.story_gid not in self.bills[bill].unsaid
            if story := there.get(one.signal.story_gid):
                assert EMAILS.get(one.signal.decider_gid or "") == story["by"]
                assert one.signal.decided_at == datetime.fromisoformat(story["created_at"])

    def _told_once(self, bill: int, decisions: list[Decision]) -> None:
        ends = Counter(text.rstrip().splitlines()[-1].removeprefix("Reference: ") for text in self.world.comments(bill))
        for one in decisions:
            assert one.acknowledged
            assert one.state in (DecisionState.CONFIRMED, DecisionState.REFUSED, DecisionState.VOID)
            void, told = ends.pop(f"{one.decision_id}-void", 0), ends.pop(one.decision_id, 0)
            assert void == (one.state is DecisionState.VOID)
            # One that became void before it was told of is told of as void only.
            assert told == 1 or (told == 0 and void) or (told == 0 and one.rule in ("superseded", "withdrawn")), (told, one)
        assert not ends

    def _last_word(self, bill: int, decisions: list[Decision]) -> None:
        """Where the last thing that people did was a choice on the bill as it is now, it decides, or was decided before."""
        told = self.bills[bill]
        last = next((one for one in told.choices if one.story == told.last_change), None)
        if last is None or last.allowed is None:
            return
        decision = next(one for one in decisions if one.signal.story_gid == last.story)
        if not last.allowed:
            assert decision.state is DecisionState.REFUSED
        elif last.shown_edits == told.edits:
            same = [one for one in decisions if one.shown_digest == decision.shown_digest and one is not decision]
            before = [one for one in same if one.state is DecisionState.CONFIRMED]
            wanted = ("already decided", DecisionState.REFUSED) if before else ("", DecisionState.CONFIRMED)
            assert (decision.rule, decision.state) == wanted

    def _shows_nothing_false(self, bill: int, confirmed: list[Decision]) -> None:
        """A task that shows a verdict shows one that Intacct holds."""
        shown = self._shown(bill)
        if self.way != "comment" and shown in VERDICTS:
            assert ("Approved" if shown.casefold() == "approved" else "Rejected") == self.world.held(bill)["ASANA_DECISION"]
            assert confirmed

    # Reading the sandbox.

    def _shown(self, bill: int) -> str:
        task = self.world.task(bill)
        return str(task["fields"].get("Approval") if self.way == "enum" else task["approval_status"])

    def _comments(self, bill: int) -> list[dict[str, Any]]:
        return [s for s in self.world.task(bill)["stories"] if s["resource_subtype"] == "comment_added"]

    def _declared(self, bill: int) -> list[dict[str, Any]]:
        """Stories by which somebody but us approved or rejected."""
        return [s for s in self.world.task(bill)["stories"] if s["by"] != constants.BOT_EMAIL and self._is_choice(s)]

    def _is_choice(self, story: dict[str, Any]) -> bool:
        if self.way == "enum":
            return story.get("field") == "Approval" and story["new"] in VERDICTS
        if self.way == "approval_task":
            return story["new_approval_status"] in VERDICTS
        return story["resource_subtype"] == "comment_added" and story["text"].lower().split(":")[0] in ("approve", "reject")

    def _is_last(self, bill: int, gid: str) -> bool:
        declared = self._declared(bill)
        return bool(declared) and declared[-1]["gid"] == gid
