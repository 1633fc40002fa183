"""Random histories of people, bills and crashes: no decision is lost, none is recorded twice, none confirmed unseen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from intacct_asana.errors import OutcomeUnknown, TryLater
from intacct_asana.records import ON_THE_WAY, Bill, BillState, Decision, DecisionState, snapshot_of
from intacct_asana.records.anchors import without_anchors

from tests.approvals.settle_world import ALICE, APPROVED, BEN, BOT, ERIN, GUS, PENDING, REJECTED, Crash, World

pytestmark = pytest.mark.laws

WHO = st.sampled_from([ALICE, ALICE, BEN, ERIN, GUS, None])
MOVES = st.one_of(
    st.tuples(st.just("choose"), WHO, st.sampled_from([APPROVED, APPROVED, REJECTED, PENDING])),
    st.tuples(st.just("explain"), st.sampled_from([ALICE, BEN]), st.sampled_from(["why", "because"])),
    st.tuples(st.just("say"), st.sampled_from([ALICE, BEN]), st.sampled_from(["hm", "look"])),
    st.tuples(st.just("edit"), st.sampled_from(["900.00", "950.00", "12480.00", "70000.00"])),
    st.tuples(st.just("state"), st.sampled_from(["Posted", "Posted", "Paid", "Draft"])),
    st.tuples(st.just("recreate")),
    st.tuples(st.just("show")),
)
RUNS = st.tuples(st.just("run"), st.integers(0, 45), st.sampled_from(["before", "after", "lost", "unsent"]))


class History:
    """A world with a watcher on each of the two moments that matter: a stamp lands, a decision is confirmed."""

    def __init__(self) -> None:
        self.world = World()
        self.world.books.on_stamp = self.watch_stamp
        self.world.store.on_confirm = self.watch_confirm

    def watch_stamp(self, bill: Bill, values: Mapping[str, str]) -> None:
        decision = self.world.store.kept[without_anchors(values["ID"])]
        if values["D"] == "void":
            assert decision.state is DecisionState.VOIDING, "voided before it was noted"
            return
        is_lost = decision.state is DecisionState.CONFIRMED and not bill.custom.get("ID")
        assert decision.state is DecisionState.SUBMITTED or is_lost, "written before it was noted"
        assert decision.control_id
        assert decision.shown_digest == snapshot_of(bill).digest, "stamped onto a bill that nobody was shown"
        assert bill.state is BillState.POSTED
        assert decision.signal.decider_gid in (ALICE, BEN)
        if values["D"] == "Approved":
            assert bill.total_entered <= {ALICE: Decimal(10000), BEN: Decimal(50000)}[decision.signal.decider_gid]

    def watch_confirm(self, decision: Decision) -> None:
        assert without_anchors(self.world.bill.custom["ID"]) == decision.decision_id, "confirmed without its stamp"
        assert decision.shown_digest == snapshot_of(self.world.bill).digest or self.world.bill.state is BillState.PAID
        assert self.world.bill.custom["D"] == {"approve": "Approved", "reject": "Rejected"}[decision.signal.verdict]

    def play(self, move: tuple) -> None:
        world, (kind, *parts) = self.world, move
        match kind:
            case "choose" | "explain" | "say":
                getattr(world.board, kind)(*parts)
            case "edit":
                world.books.edit(amount=Decimal(parts[0]))
            case "state":
                world.books.edit(state=BillState(parts[0]))
            case "recreate":
                world.books.edit(record_no=str(int(world.bill.record_no) + 1), custom={})
            case "show":
                world.show()
            case "run":
                world.wire.revive(cut_at=parts[0], moment=parts[1])
                with suppress(Crash):
                    for step in (world.read, world.settle, world.look, world.tell):
                        with suppress(OutcomeUnknown, TryLater):
                            step()
                world.wire.revive()

    def settle(self) -> None:
        self.world.run_in_peace()
        self.assert_no_choice_is_lost()
        self.assert_every_decision_is_told_at_most_once()
        self.assert_stamps_are_confirmed_decisions()
        before = (len(self.world.board.history), list(self.world.books.stamped), list(self.world.store.kept.values()))
        self.world.run_in_peace()
        assert before == (len(self.world.board.history), self.world.books.stamped, list(self.world.store.kept.values()))

    def assert_no_choice_is_lost(self) -> None:
        chosen = [s.gid for s in self.world.board.history if s.new_enum_gid in (APPROVED, REJECTED) and s.author_gid != BOT]
        assert sorted(chosen) == sorted(one.signal.story_gid for one in self.world.decisions)
        for one in self.world.decisions:
            assert one.state not in ON_THE_WAY, f"{one.decision_id} has no end"
            assert one.acknowledged
            assert one.outcome

    def assert_every_decision_is_told_at_most_once(self) -> None:
        told = Counter(text.rsplit(" ", 1)[1] for text in self.world.board.comments())
        assert set(told.values()) <= {1}
        silent = {"superseded", "withdrawn"}
        for one in self.world.decisions:
            end = "-void" if one.state is DecisionState.VOID else ""
            assert told[one.decision_id + end] == 1 or one.rule in silent

    def assert_stamps_are_confirmed_decisions(self) -> None:
        bill, confirmed = self.world.bill, [one for one in self.world.decisions if one.state is DecisionState.CONFIRMED]
        assert len(set(self.world.books.stamped)) == len(self.world.books.stamped), "a stamp was written twice"
        stamped = self.world.books.stamped
        assert all(any(one.startswith(f"ia-{each.decision_id}-stamp") for one in stamped) for each in confirmed)
        if bill.custom.get("D", "void") != "void" and bill.state is BillState.POSTED:
            named = next(one for one in confirmed if one.decision_id == without_anchors(bill.custom["ID"]))
            assert named.shown_digest == snapshot_of(bill).digest, "a stamp on what nobody decided on"
        if self.world.shows in (APPROVED, REJECTED) and bill.state is BillState.POSTED:
            assert bill.custom["D"] == {APPROVED: "Approved", REJECTED: "Rejected"}[self.world.shows]
        again = {"CONFIRMED", "SUBMITTED", "VOIDING", "VOID"}
        ends = Counter((decision_id, step) for decision_id, step, _ in self.world.store.evidence if step not in again)
        assert set(ends.values()) <= {1}, "a step was recorded twice"


COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


@example([("choose", ALICE, APPROVED), ("run", 0, "before"), ("recreate",)])
@example([("choose", ALICE, APPROVED), ("run", 0, "before"), ("recreate",), ("run", 10, "after"), ("edit", "950.00")])
@example([("choose", ALICE, APPROVED), ("run", 0, "before"), ("recreate",), ("run", 10, "after"), ("recreate",)])
@settings(max_examples=300, **COMMON)
@given(st.lists(st.one_of(MOVES, RUNS), max_size=16))
def test_after_any_history_every_choice_has_one_true_end(moves: list[tuple]) -> None:
    history = History()
    for move in moves:
        history.play(move)
    history.settle()


@pytest.mark.slow
@settings(max_examples=6000, **COMMON)
@given(st.lists(st.one_of(MOVES, RUNS), max_size=40))
def test_long_histories_end_well_too(moves: list[tuple]) -> None:
    history = History()
    for move in moves:
        history.play(move)
    history.settle()
