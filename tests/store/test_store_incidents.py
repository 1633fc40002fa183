"""Incidents in the store: claimed by one, told once, begun anew."""

from __future__ import annotations

from dataclasses import replace

from intacct_asana.reports.incidents import Incident, Kind, Sighting
from intacct_asana.store import FlowStore
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
