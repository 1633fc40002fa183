"""Incidents in the store: claimed by one, told once, begun anew."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest
from intacct_asana.reports.incidents import Incident, Kind, Sighting
from intacct_asana.store import FlowStore
from intacct_asana.store.reporting import incidents as module
from intacct_asana.store.reporting.incidents import CLAIMED_FOR

from tests.store.store_world import NOON, minutes, opened

SEEN = Sighting(kind=Kind.FAILURE, what="a_bill_sync", cause="x", title="failed", words="no", error="Refused")


def told(incident: Incident) -> Incident:
    return replace(incident, told=("mail",), told_over=() if incident.is_open else ("mail",))


def test_what_is_to_be_told_is_claimed_by_one(flow: FlowStore, url: str) -> None:
    flow.incidents().note(SEEN, at=NOON)
    other = opened(url).incidents()
    [one] = flow.incidents().claim(at=NOON)
    assert other.claim(at=NOON) == []
    flow.incidents().keep(told(one), is_told=True)
    other.note(SEEN, at=minutes(1))
    assert other.claim(at=minutes(30)) == []
    assert [each.times for each in other.open()] == [2]


def test_who_died_while_telling_leaves_it_to_the_next(flow: FlowStore) -> None:
    flow.incidents().note(SEEN, at=NOON)
    assert flow.incidents().claim(at=NOON)
    assert flow.incidents().claim(at=NOON + CLAIMED_FOR) == []
    assert flow.incidents().claim(at=NOON + 2 * CLAIMED_FOR)


def test_what_ends_while_it_is_told_is_told_as_over_too(flow: FlowStore) -> None:
    incidents = flow.incidents()
    incidents.note(SEEN, at=NOON)
    [one] = incidents.claim(at=NOON)
    incidents.end(incidents.open(), why="it worked", at=minutes(1))
    incidents.keep(told(one), is_told=True)
    [over] = incidents.claim(at=minutes(1))
    assert (over.told, over.is_open, over.over) == (("mail",), False, "it worked")
    incidents.keep(told(over), is_told=True)
    assert incidents.note(SEEN, at=minutes(2)).turn == 2
    assert [each.turn for each in incidents.claim(at=minutes(2))] == [2]


def test_a_success_looks_for_nothing_where_nothing_is_open(flow: FlowStore) -> None:
    incidents = flow.incidents()
    assert not incidents.at_hand("a_bill_sync", at=NOON)
    incidents.note(SEEN, at=NOON)
    assert incidents.at_hand("another", at=NOON), "somebody is to be told"
    [one] = incidents.claim(at=NOON)
    incidents.keep(told(one), is_told=True)
    assert incidents.at_hand("a_bill_sync", at=NOON)
    assert not incidents.at_hand("another", at=NOON)


def test_a_first_look_is_kept_and_a_flow_with_open_incidents_is_known(flow: FlowStore, url: str) -> None:
    assert flow.incidents().first_look("bill_sync", at=NOON) == NOON
    assert flow.incidents().first_look("bill_sync", at=minutes(5)) == NOON
    assert flow.incidents().open() == []
    assert flow.incidents().flows() == frozenset()
    flow.incidents().note(SEEN, at=NOON)
    assert len(opened(url).incidents().flows()) == 1


def test_whoever_looked_before_it_was_met_anew_ends_nothing(flow: FlowStore, url: str) -> None:
    """The step fails anew between the look of a watch and what the watch makes of it."""
    incidents = flow.incidents()
    incidents.note(SEEN, at=NOON)
    looked = incidents.open()
    opened(url).incidents().note(replace(SEEN, run_id="r2"), at=minutes(1))
    incidents.end(looked, why="it succeeded in run r0", at=minutes(2))
    assert [one.seen.run_id for one in incidents.open()] == ["r2"]


def test_what_ended_without_a_word_and_is_back_has_to_be_told(flow: FlowStore) -> None:
    """Nobody heard of it: the mail was down, and then it was known better, or its flow had no file for a while."""
    incidents = flow.incidents()
    incidents.note(SEEN, at=NOON)
    incidents.end(incidents.open(), why="It is known now.", at=minutes(1), told=True)
    incidents.note(SEEN, at=minutes(2))
    assert [one.is_open for one in incidents.claim(at=minutes(2))] == [True]


@pytest.mark.parametrize("meanwhile", ["noted", "told"])
def test_two_processes_at_one_incident_lose_nothing(url: str, meanwhile: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One stands still between what it read and what it writes, and the other one comes by."""
    mine, other = opened(url).incidents(), opened(url).incidents()
    if meanwhile == "told":
        mine.note(SEEN, at=NOON)
        [begun] = mine.claim(at=NOON)
        mine.keep(replace(begun, told=("mail",)), is_told=True)
        other.end(other.open(), why="ok", at=minutes(1))
        [over] = mine.claim(at=minutes(1))
    stands, name = threading.Event(), "noted" if meanwhile == "noted" else "from_json"
    real = getattr(module, name)

    def slow(*given: Any, **more: Any) -> Any:
        found = real(*given, **more)
        if threading.current_thread().name == "slow" and not stands.is_set():
            stands.set()
            time.sleep(1)
        return found

    monkeypatch.setattr(module, name, slow)
    if meanwhile == "noted":
        thread = threading.Thread(name="slow", target=lambda: other.note(SEEN, at=NOON))
    else:
        thread = threading.Thread(name="slow", target=lambda: mine.keep(replace(over, told_over=("mail",)), is_told=True))
    thread.start()
    assert stands.wait(5)
    if meanwhile == "noted":
        mine.note(SEEN, at=NOON)
        first = mine.claim(at=NOON)
        thread.join()
        assert len(first) + len(other.claim(at=NOON)) == 1, "both would tell it"
    else:
        other.note(replace(SEEN, run_id="r2"), at=minutes(2))
        thread.join()
        assert [one.seen.run_id for one in other.open()] == ["r2"], "it was said to be over"
