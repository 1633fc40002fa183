"""Whatever happened before - bills moved, people edited, runs died anywhere - one more run puts everything right."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intacct_asana.sync import Adopt, Create, Plan

from tests.sync.sync_world import AMOUNT, APPROVAL, APPROVED, ELSEWHERE, KEY, PENDING, VENDOR, Crash, World, remark

pytestmark = pytest.mark.laws

KEYS = st.sampled_from(["a", "b", "c", "d"])
MOMENTS = st.sampled_from(["before", "after", "lost", "unsent"])
AMOUNTS = st.sampled_from([Decimal("1.00"), Decimal("2.50"), Decimal("999999.99")])

BILL_MOVES = st.one_of(
    st.tuples(st.just("bill"), KEYS, AMOUNTS),
    st.tuples(st.just("state"), KEYS, st.sampled_from(["open", "paid", "void"])),
    st.tuples(st.just("recreated"), KEYS, st.integers(1, 9)),
    st.tuples(st.just("news"), KEYS),
)
CUT_RUNS = st.tuples(st.just("run"), st.booleans(), st.integers(0, 40), MOMENTS)
EDITS = st.tuples(
    st.just("edit"),
    KEYS,
    st.sampled_from(["rename", "amount", "toggle", "delete", "copy", "clear key", "steal key", "section", "approve", "remove"]),
)
VANISHING = st.tuples(st.just("vanish"), KEYS)


class History:
    """Plays moves on a world, and remembers what people did on purpose."""

    def __init__(self) -> None:
        self.world = World()
        self.copies: set[str] = set()
        self.approved: set[str] = set()
        self.toggled: set[str] = set()
        self.shown_at_first: dict[str, set[str]] = {}
        self.met: dict[str, str] = {}
        self.told = 0

    def play(self, move: tuple) -> None:
        name, *rest = move
        getattr(self, name)(*rest)

    def bill(self, key: str, amount: Decimal) -> None:
        if key in self.world.bills:
            self.world.change(key, amount=amount)
        else:
            self.world.a_bill(key, amount=amount)

    def state(self, key: str, state: str) -> None:
        if key in self.world.bills:
            self.world.change(key, state=state)

    def recreated(self, key: str, number: int) -> None:
        if key in self.world.bills:
            self.world.change(key, record_no=f"r-{key}-{number}")

    def news(self, key: str) -> None:
        """Something that was never said before, about a bill."""
        if key in self.world.bills:
            self.told += 1
            self.world.change(key, news=f"n{self.told}")

    def vanish(self, key: str) -> None:
        if key in self.world.links.links and key in self.world.bills:
            self.world.vanish(key)

    def run(self, full: bool, cut_at: int, moment: str) -> None:
        self.world.wire.revive(cut_at=cut_at, moment=moment)
        with suppress(Crash):
            self.remember(plan := self.world.plan(full=full))
            if not self.world.apply(plan).failures:
                self.world.dirty.clear()
        self.world.wire.revive()
        self.meet()

    def remember(self, plan: Plan) -> None:
        """What a task said from its first day on was never told in a comment."""
        for action in plan.writing:
            if isinstance(action, Create | Adopt):
                self.shown_at_first.setdefault(action.key, set()).add(action.desired.remark)

    def meet(self) -> None:
        """The same of a task that was made anew, because the one before was gone when it was to be written."""
        for key, link in self.world.links.links.items():
            if link.confirmed and self.met.get(key) != link.task_gid:
                self.shown_at_first.setdefault(key, set()).add(link.confirmed.remark)
            self.met[key] = link.task_gid

    def edit(self, key: str, what: str) -> None:
        board, link = self.world.board, self.world.links.links.get(key)
        if link is None or link.task_gid not in board.there:
            return
        gid = link.task_gid
        match what:
            case "rename":
                board.edit(gid, name="hello")
            case "amount":
                board.edit(gid, fields={AMOUNT: Decimal("7")})
            case "toggle":
                board.edit(gid, completed=not board.there[gid].completed)
                self.toggled.add(gid)
            case "delete":
                del board.there[gid]
            case "copy":
                self.copies.add(board.copy(gid))
            case "clear key":
                board.edit(gid, fields={KEY: None})
            case "steal key":
                board.edit(gid, fields={KEY: "b"})
            case "section":
                board.edit(gid, section_gid=ELSEWHERE)
            case "approve":
                board.edit(gid, fields={APPROVAL: APPROVED})
                self.approved.add(gid)
            case "remove":
                board.edit(gid, project_gids=("another",))

    def assert_one_task_a_bill(self) -> None:
        world = self.world
        for key, bill in world.bills.items():
            if bill.state == "void":
                continue
            task = world.task_of(key)
            # A copy made by a person, or another record's task with a stolen key, is people's to clear up.
            others = self.copies | {link.task_gid for link in world.links.links.values() if link.key != key}
            ours = {task.gid for task in world.with_key(key) if task.gid not in others}
            assert ours | {task.gid} == {task.gid}, f"{key} has more than one task"
            assert task.fields[KEY] == key
            assert "900" in task.project_gids
            assert (task.name, task.fields[AMOUNT], task.fields[VENDOR]) == (f"{bill.vendor} {key}", bill.amount, bill.vendor)
            assert task.notes == f"{bill.vendor} owes {bill.amount}"
            assert task.completed == (bill.state == "paid")
            assert world.links.links[key].record_no == bill.record_no
            shown = world.showing(key)
            assert shown
            assert shown.digest == f"{bill.vendor}/{bill.amount}"

    def assert_the_rest_is_closed(self) -> None:
        in_scope = {key for key, bill in self.world.bills.items() if bill.state != "void"}
        for key, link in self.world.links.links.items():
            task = self.world.board.there.get(link.task_gid)
            if key not in in_scope and task and task.gid not in self.toggled:
                assert task.completed, f"{key} is out of scope and its task is open"

    def assert_news_was_told_once(self) -> None:
        world = self.world
        for task_gid in world.board.there:
            comments = world.board.comments(task_gid)
            assert len(comments) == len(set(comments)), f"said twice on {task_gid}: {comments}"
        for key, bill in world.bills.items():
            untold = {"", *self.shown_at_first.get(key, ())}
            if bill.state != "void" and remark(bill.news) not in untold:
                assert world.comments_of(key)[-1:] == [remark(bill.news)], f"{key} was not told"

    def assert_answers_are_kept(self) -> None:
        for gid, task in self.world.board.there.items():
            if gid in self.approved:
                assert task.fields[APPROVAL] == APPROVED
            elif gid not in self.copies:
                assert task.fields[APPROVAL] == PENDING


def settle(history: History, *, full: bool) -> None:
    """One more run in peace; what it could only find out while writing, the next one finishes."""
    history.remember(plan := history.world.plan(full=full))
    history.world.apply(plan).raise_if_failed()
    history.world.dirty.clear()
    history.meet()
    history.assert_news_was_told_once()
    history.assert_one_task_a_bill()
    history.assert_the_rest_is_closed()
    history.assert_answers_are_kept()
    assert history.world.writes_of(full=False) == []
    assert history.world.writes_of(full=full) == []


COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


@settings(max_examples=120, **COMMON)
@given(st.lists(st.one_of(BILL_MOVES, BILL_MOVES, CUT_RUNS), max_size=14))
def test_after_any_history_of_bills_and_crashes_one_ordinary_run_settles_everything(moves: list[tuple]) -> None:
    history = History()
    for move in moves:
        history.play(move)
    settle(history, full=False)


@settings(max_examples=150, **COMMON)
@given(st.lists(st.one_of(BILL_MOVES, CUT_RUNS, EDITS, VANISHING), max_size=18))
def test_after_any_history_with_people_editing_one_full_run_settles_everything(moves: list[tuple]) -> None:
    history = History()
    for move in moves:
        history.play(move)
    settle(history, full=True)


@pytest.mark.slow
@settings(max_examples=4000, **COMMON)
@given(st.lists(st.one_of(BILL_MOVES, CUT_RUNS, EDITS, VANISHING), max_size=40))
def test_long_histories_settle_too(moves: list[tuple]) -> None:
    history = History()
    for move in moves:
        history.play(move)
    settle(history, full=True)
