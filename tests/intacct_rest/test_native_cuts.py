"""A native approval, and a decline, cut at every call and every commit: the same end, and one effective approval."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import count

import pytest
from intacct_asana.flow.write_back import RestWorkflow
from intacct_asana.records import IntentState, Verdict

from tests.databases import NewStore
from tests.intacct.conftest import SharedVariables
from tests.intacct_rest.rest_world import RestWorld, a_decision
from tests.journal.journal_world import Crash, Wire
from tests.threads import until_ended

LINE = ("drop", "lost_answer")
MORE_LINE = ("status:503", "status_after:500", "html", "truncated")
WORLDS = {
    "approve": (Verdict.APPROVE, {}, "done"),
    "decline": (Verdict.REJECT, {}, "done"),
    "approve the first of two levels": (Verdict.APPROVE, {"approval_levels": 2, "same_approver_again": False}, "partly"),
}
_numbers = count(1)


def every_cut(steps: int) -> list[tuple[int, bool]]:
    """Before and after each step, in such an order that every second one has both."""
    return [(at, after) for at in range(1, steps + 1) for after in ((False, True) if at % 2 else (True, False))]


class Morning:
    """One bill after another in one company; each is decided on and carried out, with something in between."""

    def __init__(self, world: RestWorld, verdict: Verdict) -> None:
        self.world, self.verdict = world, verdict

    def begin(self) -> None:
        self.bill = self.world.a_bill()
        self.decision = a_decision(self.bill, verdict=self.verdict, number=next(_numbers))
        # Each begins without a token.
        SharedVariables.values.clear()
        self.world.wire = Wire()

    def die(self, at: int, *, after: bool) -> None:
        self.world.wire = Wire(cut_at=at, after=after)
        with suppress(Crash):
            self.world.run(self.decision, self.bill)
        until_ended()
        self.world.wire = Wire()

    def end(self) -> tuple[object, ...]:
        """What is left, but for names: how it ended, the bill's state, what took effect, the journal's row."""
        end, row = self.world.run_to_the_end(self.decision, self.bill), self.world.row(self.decision)
        state = self.world.sandbox.state("intacct")
        [bill] = [each for each in state["bills"] if each["record_no"] == self.bill.record_no]
        done = [each["act"] for each in state["approvals"] if each["record_no"] == self.bill.record_no]
        assert row is not None
        return end.how, bill["state"], done, row.state


@pytest.mark.cuts
@pytest.mark.parametrize("how", WORLDS)
def test_a_run_that_dies_anywhere_is_finished_by_the_next_one(
    world: RestWorld, how: str, new_store: NewStore, figures: Callable[[str, int], None]
) -> None:
    """Half of these cuts on each database."""
    verdict, settings, wanted = WORLDS[how]
    world.sandbox.settings(**settings)
    morning = Morning(world, verdict)
    morning.begin()
    smooth = morning.end()
    assert (smooth[0], smooth[3], len(smooth[2])) == (wanted, IntentState.DONE, 1)  # type: ignore[arg-type]
    steps = world.wire.steps
    assert steps >= 8
    cuts = new_store.share(every_cut(steps))
    for at, after in cuts:
        morning.begin()
        morning.die(at, after=after)
        assert morning.end() == smooth, (at, after)
    figures(f"cuts of a run, {how}", len(cuts))


@pytest.mark.parametrize("line", [LINE, pytest.param(MORE_LINE, marks=pytest.mark.slow)], ids=["dead", "odd"])
@pytest.mark.parametrize("how", WORLDS)
def test_a_call_that_goes_wrong_in_any_way_leads_to_the_same_end(
    world: RestWorld, how: str, line: tuple[str, ...], figures: Callable[[str, int], None]
) -> None:
    verdict, settings, _ = WORLDS[how]
    world.sandbox.settings(**settings)
    morning = Morning(world, verdict)
    morning.begin()
    smooth = morning.end()
    world.sandbox.zero_counters()
    morning.begin()
    world.run_to_the_end(morning.decision, morning.bill)
    calls = sum(number for kind, number in world.sandbox.counters().items() if kind.startswith("intacct REST"))
    assert calls == 5
    for at in range(1, calls + 1):
        for action in line:
            morning.begin()
            with world.strikes("REST *", action, on_call=at):
                with suppress(AssertionError):
                    morning.end()
                assert world.sandbox.call("GET", "/_sandbox/faults")[0]["struck"] == 1
            assert morning.end() == smooth, (at, action)
    figures(f"calls that go wrong, {how}, {line[0]}", calls * len(line))


@pytest.mark.cuts
def test_from_partially_approved_no_cut_makes_a_second_approval(
    world: RestWorld, new_store: NewStore, figures: Callable[[str, int], None]
) -> None:
    """Of three levels: where nobody can tell, a person is asked. What was never sent is sent. Half on each database."""
    world.rules = RestWorkflow(approve=True, partly_approved="approve")
    world.sandbox.settings(approval_levels=3)
    morning, ends = Morning(world, Verdict.APPROVE), set()
    cuts = new_store.share(every_cut(10))
    for at, after in cuts:
        morning.begin()
        world.sandbox.act("intacct", "bokafor", "approve_bill", record_no=morning.bill.record_no)
        morning.die(at, after=after)
        how, state, done, row = morning.end()
        ends.add(how)
        assert state == "Partially Approved"
        assert len(done) == 2 or (how == "unclear" and row.is_in_doubt), (at, after)  # type: ignore[arg-type, attr-defined]
        assert len(done) <= 2, (at, after)  # type: ignore[arg-type]
    assert ends == {"partly", "unclear"}
    figures("cuts of a run from Partially Approved", len(cuts))
