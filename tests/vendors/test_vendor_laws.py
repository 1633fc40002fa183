"""Whatever people did on both sides, whatever queue Intacct keeps and wherever runs died: it converges, and the owner wins."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from intacct_asana.records import ValueState

from tests.sync.sync_world import Crash
from tests.vendors.fields_world import APPROVER, KEYS, TEAM, FieldsWorld

pytestmark = pytest.mark.laws

KEY, NAME = st.sampled_from(KEYS), st.sampled_from([TEAM, APPROVER])
VALUE = st.sampled_from(["", "IT", "HR"])
MOVES = st.one_of(
    st.tuples(st.just("asana"), KEY, NAME, VALUE),
    st.tuples(st.just("asana"), KEY, NAME, VALUE),
    st.tuples(st.just("intacct"), KEY, NAME, VALUE),
    st.tuples(st.just("answer"), KEY, st.booleans()),
    st.tuples(st.just("status"), KEY, st.sampled_from(["active", "inactive"])),
    st.tuples(st.just("run"), st.integers(0, 40), st.sampled_from(["before", "after", "lost", "unsent"])),
)
WORLDS = st.sampled_from(
    [
        {},
        {"approvals": True},
        {"approvals": True, "shows_before": True},
        {"approvals": True, "hides_state": True},
    ]
)


def play(world: FieldsWorld, move: tuple) -> None:
    match move:
        case ("asana", key, name, value):
            world.board.choose(key, name, value)
        case ("intacct", key, name, value):
            world.books.edit(key, name, value)
        case ("answer", key, approved):
            world.books.answer(key, approved=approved)
        case ("status", key, status):
            world.books.vendors[key] = replace(world.books.vendors[key], status=status)
        case ("run", cut_at, moment):
            world.wire.revive(cut_at=cut_at, moment=moment)
            with suppress(Crash):
                world.run()
            world.wire.revive()


def settle(world: FieldsWorld) -> None:
    """Runs in peace, with every queue answered yes, until a run has nothing more to do."""
    for _ in range(8):
        written = world.run()
        if not written.failures and not written.done and not world.books.waiting:
            return
        for key in KEYS:
            world.books.answer(key, approved=True)
    raise AssertionError("it does not come to rest")


def assert_settled(world: FieldsWorld) -> None:
    for key in KEYS:
        for name in (TEAM, APPROVER):
            wanted, actual, state = world.wanted(key, name), world.actual(key, name), world.state(key, name)
            if wanted == actual:
                assert state in (None, ValueState.AGREED), (key, name, state)
            elif state is ValueState.HELD:
                inactive = world.books.vendors[key].status == "inactive"
                declined = world.books.vendors[key].approval_state == "R"
                kept = not wanted and (name == TEAM or world.values.rows[key, name].agreed is None)
                assert inactive or declined or kept, "held without a reason"
            elif state is ValueState.WAITING:
                # What a hidden queue did with a value that somebody changed again cannot be told from waiting.
                assert world.books.hides_state
            elif state is not ValueState.REFUSED:
                assert not wanted, f"{key} {name}: Asana says {wanted!r}, Intacct {actual!r}, and the value is {state}"


def assert_told_once(world: FieldsWorld) -> None:
    references = [story.text.rpartition("\n")[2] for story in world.board.told]
    assert len(references) == len(set(references)), "people were told the same twice"


def assert_asana_is_the_only_source(world: FieldsWorld) -> None:
    for row in world.values.evidence:
        if row.state is ValueState.SENT and row.wanted:
            assert row.changed_by == "Ben", "a written value that nobody chose"


def assert_in_peace(world: FieldsWorld) -> None:
    """Without a cut nothing fails, also when a value comes back that was written before."""
    for value in ("IT", "HR", "IT"):
        for key in KEYS:
            world.board.choose(key, APPROVER, value)
        world.run().raise_if_failed()
        for key in KEYS:
            world.books.answer(key, approved=True)
        world.run().raise_if_failed()


COMMENT_IN_DOUBT = [
    ("status", KEYS[0], "inactive"),
    ("intacct", KEYS[0], TEAM, "IT"),
    ("asana", KEYS[0], TEAM, "HR"),
    ("run", 8, "after"),
    ("asana", KEYS[0], TEAM, "IT"),
]
"""The run dies behind a comment about a value that is no news when the next one begins: it stayed in doubt for ever."""


@example({}, COMMENT_IN_DOUBT)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WORLDS, st.lists(MOVES, max_size=14))
def test_any_history_converges_and_the_owner_wins(how: dict[str, bool], moves: list[tuple]) -> None:
    check(how, moves)


@pytest.mark.slow
@settings(max_examples=3000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(WORLDS, st.lists(MOVES, max_size=40))
def test_long_histories_converge_too(how: dict[str, bool], moves: list[tuple]) -> None:
    check(how, moves)


def check(how: dict[str, bool], moves: list[tuple]) -> None:
    world = FieldsWorld(**how)
    half = len(moves) // 2
    for part in (moves[:half], moves[half:]):
        for move in part:
            play(world, move)
        settle(world)
        assert_settled(world)
        assert world.in_doubt() == []
    assert_told_once(world)
    assert_asana_is_the_only_source(world)
    assert_in_peace(world)
    before = len(world.books.writes), len(world.board.told)
    world.run().raise_if_failed()
    assert (len(world.books.writes), len(world.board.told)) == before
