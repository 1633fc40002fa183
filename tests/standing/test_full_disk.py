"""The store's disk is full in the middle of a run: nothing is lost, nothing is doubled, and the next run goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from intacct_asana.errors import IntacctAsanaError
from sqlalchemy import event

from tests.databases import rows
from tests.standing.standing_world import Standing

RAISE = "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'"


@contextmanager
def room_for(some: int, flow: Standing) -> Iterator[None]:
    """That many pages, or tasks, and not one more."""
    engine = flow.store._database._engine
    if not flow.url.startswith("sqlite"):
        condition = f"IF (SELECT count(*) FROM ia_links) > {some} THEN {RAISE}; END IF; RETURN NEW;"
        rows(flow.url, f"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {condition} END $$")
        rows(flow.url, "CREATE TRIGGER full_disk BEFORE INSERT ON ia_links FOR EACH ROW EXECUTE FUNCTION full_disk()")
        yield
        rows(flow.url, "DROP FUNCTION full_disk() CASCADE")
        return
    pages = rows(flow.url, "PRAGMA page_count")[0][0] + some

    def limited(connection: Any, *_rest: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    def unlimited(connection: Any, *_rest: Any) -> None:
        connection.execute("PRAGMA max_page_count = 1000000")

    event.listen(engine, "checkout", limited)
    yield
    event.remove(engine, "checkout", limited)
    event.listen(engine, "checkout", unlimited)


def test_bills_get_one_task_each_wherever_the_disk_was_full(a_flow: Callable[..., Standing]) -> None:
    flow = a_flow()
    flow.bills += [flow.make_bill(description="x" * 900) for _ in range(12)]
    said: list[str] = []
    for some in range(0, 6):
        with room_for(some, flow):
            try:
                flow.sync()
            except IntacctAsanaError as error:
                said.append(error.message)
    assert said
    assert all("is full; nothing was kept. Make room" in words for words in said), said
    flow.heal()
    assert [len(flow.tasks(number)) for number in range(len(flow.bills))] == [1] * len(flow.bills)


@pytest.mark.parametrize("some", [0, 1])
def test_an_approval_is_stamped_once_though_the_disk_was_full(a_flow: Callable[..., Standing], some: int) -> None:
    flow = a_flow()
    flow.approve("alice.martin@northwind.example")
    with room_for(some, flow):
        flow.cycle()
    flow.heal()
    flow.is_approved()
    assert len(flow.comments()) == 1
    assert flow.store.verify_evidence() == []
