"""A full disk and a database that goes away: one clear sentence, nothing lost, and the next try goes on."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.errors import TryLater
from intacct_asana.records import Cursor
from intacct_asana.store import FlowStore
from sqlalchemy import event

from tests.databases import Postgres, rows
from tests.store.store_world import NOON, a_decision, everything, opened, run_sql, settled

FULL_THERE = (
    "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION "
    "'could not extend file \"base/1\": No space left on device' USING ERRCODE = 'disk_full'; END $$",
    "CREATE TRIGGER full_disk BEFORE INSERT ON ia_evidence FOR EACH ROW EXECUTE FUNCTION full_disk()",
)


def fill_disk(flow: FlowStore, url: str) -> Any:
    """From now on there is no room for one page more; the answer makes room again."""
    if not url.startswith("sqlite"):
        run_sql(url, *FULL_THERE)
        return lambda: run_sql(url, "DROP FUNCTION full_disk() CASCADE")

    def no_more(connection: Any, *_rest: Any) -> None:
        # SQLite takes the number of pages that there are, where it is more than this.
        connection.execute("PRAGMA max_page_count = 1")

    event.listen(flow._database._engine, "connect", no_more)
    return lambda: event.remove(flow._database._engine, "connect", no_more)


def test_a_full_disk_is_told_in_words_and_nothing_of_the_transaction_is_kept(flow: FlowStore, url: str) -> None:
    settled(flow)
    before = everything(url)
    make_room = fill_disk(flow, url)
    many = [a_decision(f"decision-{number}", key=f"bill-{number}") for number in range(2, 60)]
    with pytest.raises(TryLater, match=r"^The disk of the store .* is full; nothing was kept. Make room, and the next"):
        flow.decisions().record(many, at=NOON, cursors=[Cursor(name="events", value="gone on")])
    assert everything(url) == before
    make_room()
    assert len(flow.decisions().record(many, at=NOON)) == len(many)
    assert flow.verify_evidence() == []


def test_a_database_that_ends_connections_in_the_middle_is_tried_later(postgres: Postgres) -> None:
    """What a restart, or a move to another machine, does to whoever is connected."""
    url = postgres.new_database()
    flow = opened(url)
    settled(flow)
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
    away = pytest.raises(TryLater, match=r"could not be used: it is down, or was restarted. The next try goes on")
    with away, flow.together():
        flow.save_cursor(Cursor(name="bills", value="half"))
        rows(url, f"{others} AND pid <> pg_backend_pid()")
        flow.save_cursor(Cursor(name="bills", value="whole"))
    assert flow.cursor("bills") is None
    flow.save_cursor(Cursor(name="bills", value="whole"))
    assert (flow.cursor("bills"), flow.verify_evidence()) == ("whole", [])


def test_a_server_that_starts_or_stops_just_now_is_tried_later(postgres: Postgres) -> None:
    nowhere = postgres.url("postgres").replace(f":{postgres.port}/", ":1/")
    with pytest.raises(TryLater, match=r"could not be used: it is down, or was restarted"):
        opened(nowhere)
