"""Whatever goes wrong, and wherever processes die: in the end each write happened once, or is proven absent and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intacct_asana.records import Intent
from intacct_asana.store import FlowStore, kept_open, open_store

from tests.databases import NewStore
from tests.journal.journal_world import Crash, World, a_stamp, a_task

pytestmark = pytest.mark.laws

WISHES = [a_task("a"), a_task("b"), a_task("c"), a_stamp("d1"), a_stamp("d2"), a_stamp("d3", bill="bill-2")]
FAULTS = st.lists(st.sampled_from(["", "lost", "dropped", "busy", "no", "wrong"]), max_size=5)
_numbers = count()

RUNS = st.fixed_dictionaries(
    {
        "wishes": st.sets(st.integers(0, len(WISHES) - 1), min_size=1),
        "cut_at": st.one_of(st.none(), st.integers(1, 25)),
        "after": st.booleans(),
        "faults": FAULTS,
        "blind": st.integers(0, 1),
        "later": st.sampled_from([0, 3, 16]),
        "turns": st.lists(st.sampled_from(["one", "two"]), min_size=1, max_size=12),
    }
)


class History:
    """Two processes that want the same things, each dying where the draw says."""

    def __init__(self, flow: FlowStore) -> None:
        self.world = World(flow, guarded=True)

    def due(self, numbers: Sequence[int]) -> list[Intent]:
        """What the caller still wants: its own rows say what is settled."""
        return [WISHES[number] for number in numbers if self.world.held(WISHES[number]) is None]

    def play(self, run: dict[str, Any]) -> None:
        wire = self.world.wire
        wire.cut_at, wire.after, wire.steps = run["cut_at"], run["after"], 0
        wire.faults, wire.blind = list(run["faults"]), run["blind"]
        order = sorted(run["wishes"])
        wanted = {"one": self.due(order), "two": self.due(order[::-1])}
        one = self.world.start(*wanted["one"], owner="one")
        two = self.world.start(*wanted["two"], owner="two")
        with suppress(Crash), closing(one), closing(two):
            self._alternately({"one": one, "two": two}, run["turns"])
        self.world.revive()
        self.world.later(run["later"])
        self.check_always()

    def _alternately(self, processes: dict[str, Any], turns: list[str]) -> None:
        """Each goes on when it is its turn; at the end both run out."""
        for name in [*turns, *["one"] * 50, *["two"] * 50]:
            next(processes[name], None)

    def check_always(self) -> None:
        happened = Counter(self.world.there.made_ids + self.world.there.stamped_ids)
        assert not [each for each, times in happened.items() if times > 1], "a write happened twice"
        for wish in WISHES:
            if self.world.held(wish) == "DONE":
                assert happened[wish.intent_id] == 1, "said to be done, and is not there"
            elif self.world.held(wish) == "REFUSED":
                assert happened[wish.intent_id] == 0, "said to be refused, and is there"
        doubtful = [row for row in self.world.flow.intents().open("stamp") if row.state.is_in_doubt]
        assert max(Counter(row.subject for row in doubtful).values(), default=0) <= 1

    def end(self) -> None:
        """The other side is well, and whoever died is long dead."""
        for _ in range(4):
            if due := self.due(range(len(WISHES))):
                self.world.later()
                self.world.run(*due)
        self.check_always()
        assert all(self.world.held(wish) for wish in WISHES), "something is neither done nor refused"
        rows = [row for kind in ("task", "stamp") for row in self.world.flow.intents().open(kind)]
        assert not [row for row in rows if row.state.is_in_doubt]


@pytest.fixture
def new_flow(url: str) -> Callable[[], FlowStore]:
    """Another flow of the same store, so that each history begins with nothing."""
    store = open_store(url)
    return lambda: store.for_flow(f"flow {next(_numbers)}")


def tell(new_flow: Callable[[], FlowStore], runs: list[dict[str, Any]]) -> None:
    history = History(new_flow())
    # As a step does.
    with kept_open():
        for run in runs:
            history.play(run)
        history.end()


@given(runs=st.lists(RUNS, max_size=5))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_write_happens_once_or_is_proven_absent(new_flow: Callable[[], FlowStore], runs: list[dict[str, Any]]) -> None:
    tell(new_flow, runs)


@pytest.mark.slow
@given(runs=st.lists(RUNS, max_size=8))
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_write_happens_once_or_is_proven_absent_over_many_histories(
    new_flow: Callable[[], FlowStore], runs: list[dict[str, Any]]
) -> None:
    tell(new_flow, runs)


def test_every_single_cut_ends_well(
    new_flow: Callable[[], FlowStore], new_store: NewStore, figures: Callable[[str, object], None]
) -> None:
    """Before or after each call and each commit, the other one on the other database; with and without a lost answer."""
    cuts = [(cut_at, after) for cut_at in range(1, 24) for after in ((False, True) if cut_at % 2 else (True, False))]
    for cut_at, after in new_store.share(cuts):
        faults = ["lost", "dropped", "", "lost"]
        run = {"wishes": {0, 1, 3, 4}, "cut_at": cut_at, "after": after, "faults": faults, "blind": 0, "later": 16}
        tell(new_flow, [{**run, "turns": ["one"] * 30}])
    figures("cuts of the journal", len(cuts) // 2)
