"""Marks: how far a task's history is known."""

from __future__ import annotations

from intacct_asana.records import Mark
from intacct_asana.store import FlowStore

from tests.store.store_world import minutes


def test_what_was_read_and_what_we_wrote_are_kept_apart(flow: FlowStore) -> None:
    flow.marks().made({"1": minutes(0)})
    flow.marks().wrote({"1": minutes(5)})
    assert flow.marks().of(["1", "2"]) == {"1": Mark(read_at=minutes(0), wrote_at=minutes(5))}
    flow.marks().read({"1": Mark(read_at=minutes(7), value="approved")})
    assert flow.marks().of(["1"]) == {"1": Mark(read_at=minutes(7), wrote_at=minutes(5), value="approved")}


def test_writing_a_task_that_was_never_read_leaves_it_unread(flow: FlowStore) -> None:
    flow.marks().wrote({"1": minutes(5)})
    assert flow.marks().of(["1"]) == {}


def test_a_task_that_was_read_is_not_made_again(flow: FlowStore) -> None:
    flow.marks().read({"1": Mark(read_at=minutes(3), value="x")})
    flow.marks().made({"1": minutes(9)})
    assert flow.marks().of(["1"])["1"].read_at == minutes(3)


def test_thousands_of_tasks_and_none(flow: FlowStore) -> None:
    flow.marks().made({str(number): minutes(number) for number in range(1200)})
    flow.marks().wrote({})
    flow.marks().read({})
    assert len(flow.marks().of([str(number) for number in range(1200)])) == 1200
