"""Which task stands for which record, and what it showed when."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from intacct_asana.codec import draft_digest
from intacct_asana.errors import IntacctAsanaError, Refused, TryLater
from intacct_asana.records import TaskDraft
from intacct_asana.store import FlowStore, kept_open, open_store
from sqlalchemy import event

from tests.store.store_world import NOON, a_link, a_snapshot, break_table, crowd, everything, make_older, minutes, run_sql


def test_a_saved_link_comes_back_exactly(flow: FlowStore) -> None:
    fields = {"1": Decimal("12.50"), "2": "2026-11-23", "3": date(2026, 11, 23), "4": ("x", "y"), "5": None, "6": ""}
    draft = TaskDraft(key="bill-1", name="Bill é 😀", due_on=date(2026, 12, 1), fields=fields, initial_fields={"7": "700"})
    link = a_link(confirmed=draft, task_url="https://app.asana.com/0/1/2")
    flow.links("bill").save(link)
    assert flow.links("bill").all() == {"bill-1": link}
    confirmed = flow.links("bill").of(["bill-1"])["bill-1"].confirmed
    assert confirmed
    assert str(confirmed.fields["1"]) == "12.50"


def test_saving_again_replaces_the_link(flow: FlowStore) -> None:
    flow.links("bill").save(a_link(task_gid="1"))
    flow.links("bill").save(a_link(task_gid="2"))
    assert flow.links("bill").all() == {"bill-1": a_link(task_gid="2")}
    assert flow.links("bill").by_task(["1"]) == {}
    assert flow.links("bill").count() == 1


def test_links_are_found_by_key_and_by_task_however_many_are_asked_for(flow: FlowStore) -> None:
    flow.links("bill").save(a_link("a"))
    keys = [f"no {number}" for number in range(1200)]
    assert flow.links("bill").of([*keys, "a", "a"]) == {"a": a_link("a")}
    assert flow.links("bill").by_task([*keys, "task of a"]) == {"task of a": a_link("a")}
    assert flow.links("bill").of([]) == {}


def test_flows_and_kinds_do_not_see_each_other(flow: FlowStore, url: str) -> None:
    flow.links("bill").save(a_link(), shown=a_snapshot(), shown_at=NOON)
    for other in (flow.links("vendor"), open_store(url).for_flow("other").links("bill")):
        assert (other.all(), other.of(["bill-1"]), other.count()) == ({}, {}, 0)
        assert other.shown("bill-1", task_gid="task of bill-1", at=NOON) is None
        other.save(a_link())


def test_a_task_that_stands_for_one_record_cannot_stand_for_another(flow: FlowStore, url: str) -> None:
    flow.links("bill").save(a_link("a", task_gid="1"))
    before = everything(url)
    with pytest.raises(Refused, match="Task 1 already stands for a, so it cannot stand for b too"):
        flow.links("bill").save(a_link("b", task_gid="1"), shown=a_snapshot(), shown_at=NOON)
    assert everything(url) == before


def test_of_a_crowd_that_claims_one_task_one_gets_it(flow: FlowStore) -> None:
    answers = crowd(5, lambda number: flow.links("bill").save(a_link(f"bill-{number}", task_gid="1")))
    assert answers.count(None) == 1
    assert sum("Refused: Task 1 already stands for" in str(answer) for answer in answers) == 4
    assert len(flow.links("bill").all()) == 1


def test_a_crowd_can_save_one_link_at_once(flow: FlowStore) -> None:
    def save_often(number: int) -> str:
        for turn in range(5):
            flow.links("bill").save(a_link(task_gid=f"{number}-{turn}"), shown=a_snapshot(f"{number}-{turn}"), shown_at=NOON)
        return "done"

    assert crowd(4, save_often) == ["done"] * 4
    assert flow.links("bill").count() == 1


def test_a_task_showed_what_was_saved_last_before_that_instant(flow: FlowStore) -> None:
    links = flow.links("bill")
    links.save(a_link(), shown=a_snapshot("one"), shown_at=minutes(1))
    links.save(a_link())
    links.save(a_link(), shown=a_snapshot("two"), shown_at=minutes(3))
    found = [links.shown("bill-1", task_gid="task of bill-1", at=minutes(at)) for at in (0, 1, 2.9, 3, 99)]
    assert found == [None, a_snapshot("one"), a_snapshot("one"), a_snapshot("two"), a_snapshot("two")]
    assert links.showing(["bill-1", "nobody"]) == {"bill-1": a_snapshot("two")}


def test_what_a_task_showed_is_said_of_this_task_alone(flow: FlowStore) -> None:
    links = flow.links("bill")
    links.save(a_link(task_gid="1", linked_at=NOON), shown=a_snapshot("one"), shown_at=minutes(1))
    links.save(a_link(task_gid="2", linked_at=minutes(4)))
    assert links.showing(["bill-1"]) == {}
    links.save(a_link(task_gid="2", linked_at=minutes(4)), shown=a_snapshot("one"), shown_at=minutes(5))
    assert links.shown("bill-1", task_gid="2", at=minutes(4)) is None
    assert links.shown("bill-1", task_gid="2", at=minutes(5)) == a_snapshot("one")
    assert links.shown("bill-1", task_gid="1", at=minutes(1)) == a_snapshot("one")
    assert links.of(["bill-1"])["bill-1"].linked_at == minutes(4)


def test_showing_the_same_again_adds_no_row_but_showing_it_anew_does(flow: FlowStore, url: str) -> None:
    for number, digest in enumerate(["one", "one", "two", "one"]):
        flow.links("bill").save(a_link(), shown=a_snapshot(digest), shown_at=minutes(number))
    assert len(everything(url)["ia_shown"]) == 3
    assert flow.links("bill").shown("bill-1", task_gid="task of bill-1", at=minutes(3)) == a_snapshot("one")


def test_a_clock_that_went_back_does_not_put_the_newest_behind_the_one_before(flow: FlowStore) -> None:
    flow.links("bill").save(a_link(), shown=a_snapshot("by our clock"), shown_at=minutes(5))
    flow.links("bill").save(a_link(), shown=a_snapshot("by Asana's"), shown_at=minutes(3))
    assert flow.links("bill").shown("bill-1", task_gid="task of bill-1", at=minutes(9)) == a_snapshot("by Asana's")
    assert flow.links("bill").shown("bill-1", task_gid="task of bill-1", at=minutes(4)) is None


def test_a_snapshot_without_its_instant_is_refused(flow: FlowStore) -> None:
    with pytest.raises(Refused, match="without the instant"):
        flow.links("bill").save(a_link(), shown=a_snapshot())
    assert flow.links("bill").all() == {}


@pytest.mark.parametrize("table", ["ia_links", "ia_shown"])
def test_a_save_that_dies_half_way_leaves_nothing(flow: FlowStore, url: str, table: str) -> None:
    break_table(url, table)
    before = everything(url)
    with pytest.raises(IntacctAsanaError, match="broken"):
        flow.links("bill").save(a_link(), shown=a_snapshot(), shown_at=NOON)
    assert everything(url) == before


def test_many_steps_on_a_store_that_is_kept_open_share_one_connection(flow: FlowStore) -> None:
    opened: list[object] = []
    engine = flow._database._engine
    event.listen(engine, "connect", lambda connection, _record: opened.append(connection))
    with kept_open():
        for number in range(5):
            flow.links("bill").save(a_link(f"k{number}"))
            flow.links("bill").of([f"k{number}"])
    assert len(opened) == 1
    assert flow.links("bill").count() == 5


def test_a_step_that_fails_on_a_store_that_is_kept_open_takes_nothing_with_it(flow: FlowStore) -> None:
    with kept_open():
        flow.links("bill").save(a_link("a", task_gid="1"))
        with pytest.raises(Refused):
            flow.links("bill").save(a_link("b", task_gid="1"))
        flow.links("bill").save(a_link("c", task_gid="3"))
    assert set(flow.links("bill").all()) == {"a", "c"}


def test_a_store_that_is_kept_open_holds_nobody_up(flow: FlowStore) -> None:
    """Another thread writes between two steps, and what it wrote is seen by the next step."""
    with kept_open():
        flow.links("bill").save(a_link("a"))
        with ThreadPoolExecutor(1) as pool:
            pool.submit(flow.links("bill").save, a_link("b")).result(10)
        assert set(flow.links("bill").all()) == {"a", "b"}


def test_a_connection_that_the_server_ends_costs_a_step_one_transaction(flow: FlowStore, url: str) -> None:
    """The step's next one has a connection again. A file has no server that could end it."""
    with kept_open():
        flow.links("bill").save(a_link("a"))
        if url.startswith("postgresql"):
            others = "datname = current_database() AND pid != pg_backend_pid()"
            run_sql(url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}")
            with pytest.raises(TryLater):
                flow.links("bill").save(a_link("b"))
        flow.links("bill").save(a_link("c"))
        assert set(flow.links("bill").all()) == {"a", "c"}


def test_a_look_inside_a_step_works_on_a_store_that_is_kept_open(flow: FlowStore) -> None:
    flow.links("bill").save(a_link("a"))
    with kept_open(), flow._database.write():
        assert set(flow.links("bill").all()) == {"a"}


def test_what_an_older_store_noted_was_shown_by_the_linked_task(url: str) -> None:
    links = open_store(url).for_flow("demo").links("bill")
    links.save(a_link(), shown=a_snapshot("one"), shown_at=minutes(1))
    links.save(a_link(), shown=a_snapshot("two"), shown_at=minutes(2))
    links.save(a_link("never shown"))
    make_older(url, 8)
    links = open_store(url).for_flow("demo").links("bill")
    assert {key: link.linked_at for key, link in links.all().items()} == {"bill-1": minutes(1), "never shown": None}
    assert links.shown("bill-1", task_gid="task of bill-1", at=minutes(1)) == a_snapshot("one")


def test_links_tell_shortly_how_they_stand_and_what_their_task_shows(flow: FlowStore) -> None:
    links, draft = flow.links("bill"), TaskDraft(key="a", name="Bill", fields={"1": Decimal("12.50")})
    links.save(a_link("a", confirmed=draft), shown=a_snapshot("1"), shown_at=minutes(1))
    links.save(a_link("a", confirmed=replace(draft, name="Bill 2")), shown=a_snapshot("2"), shown_at=minutes(2))
    links.save(a_link("b"))
    told = links.digests(["a", "b", "c", *(f"no {number}" for number in range(1200))])
    assert told["a"] == ("a", "task of a", "17", draft_digest(replace(draft, name="Bill 2")), "2")
    assert told["b"] == ("b", "task of b", "17", "", "")
    assert told.keys() == {"a", "b"}
    # Another task that took its place shows nothing yet.
    links.save(a_link("a", task_gid="new", confirmed=draft))
    assert links.digests(["a"])["a"] == ("a", "new", "17", draft_digest(draft), "")
    links.save(a_link("a", task_gid="new"))
    assert links.digests(["a"])["a"].digest == "", "nothing of an earlier draft may stay"


def test_keys_that_nobody_named_are_found(flow: FlowStore, url: str) -> None:
    for key in "cab":
        flow.links("bill").save(a_link(key))
    open_store(url).for_flow("other").links("bill").save(a_link("z"))
    assert flow.links("bill").keys_but({"b", "x"}) == ["a", "c"]
