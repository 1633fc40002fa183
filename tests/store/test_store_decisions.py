"""Decisions: recorded once, moved along one arrow at a time by one run at a time, never without their evidence."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime

import pytest
from intacct_asana.errors import IntacctAsanaError, Refused
from intacct_asana.records import NEXT_STATES, ON_THE_WAY, Cursor, Decision, DecisionState
from intacct_asana.store import FlowStore, kept_open, open_store

from tests.store.store_world import NOON, STATES, a_decision, break_table, crowd, everything, minutes, settled

TOKEN = Cursor(name="events", value="token-2")
ROADS = {
    STATES.RECORDED: (),
    STATES.PARKED: (STATES.PARKED,),
    STATES.CLEARED: (STATES.CLEARED,),
    STATES.GRANTED: (STATES.GRANTED,),
    STATES.REFUSED: (STATES.REFUSED,),
    STATES.SUBMITTED: (STATES.CLEARED, STATES.SUBMITTED),
    STATES.CONFIRMED: (STATES.CLEARED, STATES.SUBMITTED, STATES.CONFIRMED),
    STATES.REJECTED: (STATES.CLEARED, STATES.SUBMITTED, STATES.REJECTED),
    STATES.UNDOING: (STATES.CLEARED, STATES.SUBMITTED, STATES.UNDOING),
    STATES.VOIDING: (STATES.CLEARED, STATES.SUBMITTED, STATES.CONFIRMED, STATES.VOIDING),
    STATES.VOID: (STATES.CLEARED, STATES.SUBMITTED, STATES.CONFIRMED, STATES.VOIDING, STATES.VOID),
}


def brought_to(flow: FlowStore, state: DecisionState, *, decision_id: str = "decision-1") -> Decision:
    (decision,) = flow.decisions().record([a_decision(decision_id)], at=NOON)
    for step in ROADS[state]:
        decision = flow.decisions().advance(decision, to=step, facts={}, at=NOON)
    return decision


def test_a_decision_is_new_once(flow: FlowStore) -> None:
    one, two = a_decision("one"), a_decision("two")
    assert flow.decisions().record([one, one], at=NOON) == [one]
    assert flow.decisions().record([one, two], at=minutes(1)) == [two]
    assert flow.decisions().of("bill-1") == [one, two]
    assert [row.decision_id for row in flow.evidence()] == ["one", "two"]


def test_recording_again_leaves_a_decision_where_it_is(flow: FlowStore) -> None:
    moved = brought_to(flow, STATES.SUBMITTED)
    assert flow.decisions().record([a_decision()], at=minutes(1)) == []
    assert flow.decisions().of("bill-1") == [moved]


def test_recording_moves_the_cursors_even_when_nothing_is_new(flow: FlowStore) -> None:
    flow.decisions().record([a_decision()], at=NOON, cursors=[Cursor(name="events", value="token-1")])
    flow.decisions().record([a_decision()], at=NOON, cursors=[TOKEN, Cursor(name="other", value="x")])
    assert (flow.cursor("events"), flow.cursor("other")) == ("token-2", "x")


def test_a_decision_cannot_begin_anywhere_but_at_the_beginning(flow: FlowStore, url: str) -> None:
    with pytest.raises(Refused, match="cannot begin as CONFIRMED"):
        flow.decisions().record([a_decision("good"), a_decision(state=STATES.CONFIRMED)], at=NOON, cursors=[TOKEN])
    assert flow.decisions().unsettled() == []
    assert flow.cursor("events") is None


@pytest.mark.parametrize("table", ["ia_decisions", "ia_evidence", "ia_evidence_heads", "ia_cursors"])
def test_a_recording_that_dies_half_way_leaves_nothing(flow: FlowStore, url: str, table: str) -> None:
    break_table(url, table)
    before = everything(url)
    with pytest.raises(IntacctAsanaError, match="broken"):
        flow.decisions().record([a_decision("one"), a_decision("two")], at=NOON, cursors=[TOKEN])
    assert everything(url) == before


def test_a_process_that_is_killed_half_way_leaves_nothing_and_blocks_nobody(flow: FlowStore, url: str) -> None:
    class Deadly(Cursor):
        @property
        def name(self) -> str:  # type: ignore[override]
            # By now decisions and evidence are written, and not yet committed.
            os._exit(9)

        @name.setter
        def name(self, value: str) -> None: ...

    before = everything(url)
    killed = crowd(1, lambda number: flow.decisions().record([a_decision()], at=NOON, cursors=[Deadly(name="", value="")]))
    assert killed == [None]
    assert everything(url) == before
    assert flow.decisions().record([a_decision()], at=NOON) == [a_decision()]


@pytest.mark.parametrize("state", list(DecisionState))
def test_only_the_arrows_that_exist_can_be_taken(flow: FlowStore, state: DecisionState) -> None:
    # As every step does.
    with kept_open():
        _try_every_arrow(flow, state)
    assert flow.verify_evidence() == []


def _try_every_arrow(flow: FlowStore, state: DecisionState) -> None:
    for to in DecisionState:
        decision = brought_to(flow, state, decision_id=f"to {to}")
        written = len(flow.evidence())
        if to in NEXT_STATES[state]:
            assert flow.decisions().advance(decision, to=to, facts={}, at=NOON).state is to
            assert len(flow.evidence()) == written + 1
        else:
            with pytest.raises(Refused, match=f"cannot go from {state} to {to}"):
                flow.decisions().advance(decision, to=to, facts={}, at=NOON)
            assert len(flow.evidence()) == written


def test_advancing_keeps_what_the_run_found_out_and_what_people_did(flow: FlowStore) -> None:
    (decision,) = flow.decisions().record([a_decision()], at=NOON)
    changed = replace(decision, control_id="c-1", rule="limit of alice", outcome="cleared")
    tampered = replace(changed, key="bill-2", signal=replace(changed.signal, decider_name="Somebody Else"))
    moved = flow.decisions().advance(tampered, to=STATES.CLEARED, facts={}, at=NOON)
    assert moved == replace(changed, state=STATES.CLEARED)
    assert flow.decisions().of("bill-1") == [moved]


def test_a_run_that_comes_second_is_refused_and_leaves_nothing(flow: FlowStore, url: str) -> None:
    (decision,) = flow.decisions().record([a_decision()], at=NOON)
    flow.decisions().advance(decision, to=STATES.CLEARED, facts={}, at=NOON)
    before = everything(url)
    with pytest.raises(Refused, match=r"decision-1 is CLEARED by now, not RECORDED: another run moved it"):
        flow.decisions().advance(decision, to=STATES.REFUSED, facts={}, at=NOON)
    assert everything(url) == before


def test_of_a_crowd_that_submits_one_decision_one_may(flow: FlowStore) -> None:
    decision = brought_to(flow, STATES.CLEARED)

    def submit(number: int) -> str:
        flow.decisions().advance(replace(decision, control_id=f"c-{number}"), to=STATES.SUBMITTED, facts={}, at=NOON)
        return f"c-{number}"

    answers = crowd(6, submit)
    (winner,) = [answer for answer in answers if answer.startswith("c-")]
    assert sum("another run moved it" in answer for answer in answers) == 5
    assert [each.control_id for each in flow.decisions().of("bill-1")] == [winner]
    assert flow.verify_evidence() == []


def test_of_a_crowd_that_reads_the_same_stories_each_decision_is_new_to_one(flow: FlowStore) -> None:
    all_of_them = [a_decision(f"decision-{number}") for number in range(12)]

    def record(number: int) -> list[str]:
        # From different ends, so that the runs would wait for each other's rows crosswise.
        mine = all_of_them if number % 2 else all_of_them[::-1]
        new = [flow.decisions().record(mine[start : start + 4], at=NOON, cursors=[TOKEN]) for start in (0, 4, 8)]
        return [decision.decision_id for batch in new for decision in batch]

    answers = crowd(4, record)
    assert sorted(each for answer in answers for each in answer) == sorted(decision.decision_id for decision in all_of_them)
    assert [row.sequence for row in flow.evidence()] == list(range(1, 13))
    assert flow.verify_evidence() == []


def test_an_advance_that_dies_half_way_leaves_nothing(flow: FlowStore, url: str) -> None:
    (decision,) = flow.decisions().record([a_decision()], at=NOON)
    break_table(url, "ia_evidence")
    before = everything(url)
    with pytest.raises(IntacctAsanaError, match="broken"):
        flow.decisions().advance(decision, to=STATES.CLEARED, facts={}, at=NOON)
    assert everything(url) == before


def test_an_unknown_decision_is_refused(flow: FlowStore) -> None:
    with pytest.raises(Refused, match="decision-1 is not in the store of demo"):
        flow.decisions().advance(a_decision(), to=STATES.CLEARED, facts={}, at=NOON)
    with pytest.raises(Refused, match="decision-1 is not in the store of demo"):
        flow.decisions().acknowledge(a_decision(), story_gid="1", at=NOON)


def test_acknowledging_twice_is_once(flow: FlowStore) -> None:
    decision = settled(flow)
    told = flow.decisions().acknowledge(decision, story_gid="story-1", at=NOON)
    assert told == replace(decision, acknowledged=True)
    assert flow.decisions().acknowledge(decision, story_gid="story-2", at=NOON) == told
    assert [row.body["story_gid"] for row in flow.evidence() if row.body["step"] == "ACKNOWLEDGED"] == ["story-1"]
    assert flow.decisions().unacknowledged() == []
    assert flow.decisions().of("bill-1") == [told]


def test_a_decision_under_way_cannot_be_acknowledged(flow: FlowStore) -> None:
    decision = brought_to(flow, STATES.SUBMITTED)
    with pytest.raises(Refused, match="SUBMITTED and cannot be acknowledged yet"):
        flow.decisions().acknowledge(decision, story_gid="1", at=NOON)


@pytest.mark.parametrize("state", list(DecisionState))
def test_a_decision_is_either_unsettled_or_unacknowledged_until_its_task_is_told(flow: FlowStore, state: DecisionState) -> None:
    decision = brought_to(flow, state)
    on_the_way = state in ON_THE_WAY
    assert flow.decisions().unsettled() == ([decision] if on_the_way else [])
    assert flow.decisions().unacknowledged() == ([] if on_the_way else [decision])
    assert flow.decisions().granted() == ([decision] if state is STATES.GRANTED else [])


def test_decisions_come_oldest_first_by_when_people_decided(flow: FlowStore) -> None:
    early = datetime.fromisoformat("2026-11-23T13:59:59+02:00")
    late, first = a_decision("a", decided_at=minutes(9)), a_decision("z", decided_at=early)
    flow.decisions().record([late, a_decision("m"), first], at=NOON)
    assert [each.decision_id for each in flow.decisions().unsettled()] == ["z", "m", "a"]
    assert [each.decision_id for each in flow.decisions().of("bill-1")] == ["z", "m", "a"]


def test_flows_do_not_see_each_others_decisions(flow: FlowStore, url: str) -> None:
    decision = settled(flow)
    other = open_store(url).for_flow("other")
    assert (other.decisions().of("bill-1"), other.decisions().unacknowledged(), other.evidence()) == ([], [], [])
    assert other.decisions().record([a_decision()], at=NOON) == [a_decision()]
    assert flow.decisions().of("bill-1") == [decision]
