"""Opening the store: new, again, by many, and every way in which it cannot be opened."""

from __future__ import annotations

import os
import sqlite3
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from intacct_asana.errors import IntacctAsanaError, Misconfigured, TryLater, UnexpectedReply
from intacct_asana.records import Cursor
from intacct_asana.store import FlowStore, database, open_store, revisions
from intacct_asana.store.migrations import LAST_STEP
from intacct_asana.store.revisions import SCHEMA_VERSION
from sqlalchemy import inspect

from tests.databases import PASSWORD, Postgres
from tests.store.store_world import NOON, a_decision, a_link, break_table, crowd, everything, make_older, opened, run_sql


def test_opening_twice_keeps_what_is_there(url: str) -> None:
    open_store(url).for_flow("demo").save_cursor(Cursor(name="bills", value="here"))
    database.open_database.cache_clear()
    assert open_store(url).for_flow("demo").cursor("bills") == "here"


def test_one_process_opens_each_database_once(url: str) -> None:
    assert open_store(url)._database is open_store(url)._database


def test_a_crowd_can_open_a_new_database_at_once(url: str) -> None:
    def open_and_write(number: int) -> str | None:
        flow = open_store(url).for_flow("demo")
        flow.save_cursor(Cursor(name=str(number), value="there"))
        return flow.cursor(str(number))

    assert crowd(6, open_and_write) == ["there"] * 6
    assert everything(url)["ia_schema_version"] == [(SCHEMA_VERSION,)]


def test_a_new_file_that_another_process_is_just_writing_is_waited_for(tmp_path: Path) -> None:
    """SQLite gives up at once when it cannot switch such a file to WAL, whatever its busy timeout says."""
    path = tmp_path / "store.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    end = threading.Timer(0.3, other.execute, ["COMMIT"])
    end.start()
    open_store(f"sqlite:///{path}").for_flow("demo").save_cursor(Cursor(name="bills", value="here"))
    end.join()


def test_a_forked_process_uses_the_store_that_its_parent_opened(flow: FlowStore) -> None:
    flow.save_cursor(Cursor(name="bills", value="parent"))
    assert crowd(3, lambda number: flow.cursor("bills")) == ["parent"] * 3


def test_all_tables_have_our_prefix(url: str) -> None:
    open_store(url)
    with open_store(url)._database.read() as connection:
        assert all(name.startswith("ia_") for name in inspect(connection).get_table_names())


def test_a_newer_schema_is_refused_and_left_alone(url: str) -> None:
    open_store(url)
    run_sql(url, "UPDATE ia_schema_version SET version = 99")
    database.open_database.cache_clear()
    before = everything(url)
    with pytest.raises(Misconfigured, match=r"schema version 99; this release knows \d+.*newer release"):
        open_store(url)
    assert everything(url) == before


@pytest.mark.parametrize(
    ("bad_url", "what"),
    [
        ("", "cannot be understood"),
        (f"nonsense {PASSWORD}", "cannot be understood"),
        (f"postgresql+psycopg2://u:{PASSWORD}@host:port/x", "cannot be understood"),
        ("sqlite://", "gone after each step"),
        ("sqlite:///:memory:", "gone after each step"),
        (f"mysql://u:{PASSWORD}@h/x", "not mysql"),
        (f"postgresql+pg8000://u:{PASSWORD}@h/x", "pg8000 is not installed"),
        (f"postgresql+nosuch://u:{PASSWORD}@h/x", "nosuch is not installed"),
    ],
)
def test_a_url_that_cannot_work_is_a_matter_for_people(bad_url: str, what: str) -> None:
    with pytest.raises(Misconfigured, match=what) as caught:
        open_store(bad_url)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_a_missing_folder_is_a_matter_for_people(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"unable to open database file.*Check its connection"):
        open_store(f"sqlite:///{tmp_path / 'nowhere' / 'store.db'}")


def test_a_file_that_is_no_database_is_a_matter_for_people(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_text("just some text, long enough to be no header of a database" * 20)
    with pytest.raises(Misconfigured, match="file is not a database"):
        open_store(f"sqlite:///{tmp_path / 'store.db'}")


def test_a_server_that_is_down_is_tried_later_and_named_without_its_password() -> None:
    with pytest.raises(TryLater, match=r"postgresql\+psycopg2://u:\*\*\*@127.0.0.1:1/x could not be used") as caught:
        open_store(f"postgresql+psycopg2://u:{PASSWORD}@127.0.0.1:1/x")
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_a_wrong_password_or_database_is_a_matter_for_people(postgres: Postgres) -> None:
    wrong = PASSWORD[::-1]
    with pytest.raises(Misconfigured, match="password authentication failed") as caught:
        open_store(postgres.url("postgres").replace(PASSWORD, wrong))
    assert wrong not in "".join(traceback.format_exception(caught.value))
    with pytest.raises(Misconfigured, match="does not exist"):
        open_store(postgres.url("nowhere"))


def test_no_face_of_the_store_shows_the_password(postgres: Postgres) -> None:
    store = open_store(postgres.new_database())
    flow = store.for_flow("demo")
    faces = [store, flow, store._database, store._database._engine, store._database._engine.url]
    assert all(PASSWORD not in f"{face!r} {face}" for face in faces)
    assert "store:***@127.0.0.1" in repr(store)


def test_an_error_does_not_show_the_rows(flow: FlowStore, url: str) -> None:
    break_table(url, "ia_evidence")
    amount = "".join(["98", "76.54"])
    with pytest.raises(IntacctAsanaError) as caught:
        flow.decisions().record([a_decision(key=amount)], at=NOON)
    assert amount not in "".join(traceback.format_exception(caught.value))


def test_a_busy_database_is_tried_later(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.1)
    monkeypatch.setitem(database.FIRST_WORDS, ("postgresql", "write"), "SET LOCAL lock_timeout = '100ms'")
    flow = open_store(url).for_flow("demo")
    flow.save_cursor(Cursor(name="bills", value="1"))
    with ThreadPoolExecutor(1) as another, open_store(url)._database.write() as connection:
        connection.exec_driver_sql("UPDATE ia_cursors SET value = '2'")
        with pytest.raises(TryLater, match="nothing was kept"):
            another.submit(flow.save_cursor, Cursor(name="bills", value="3")).result()
        assert another.submit(flow.cursor, "bills").result() == "1", "a reader waits for no writer"
    assert flow.cursor("bills") == "2"


def test_a_writer_waits_for_no_reader(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "WAIT_SECONDS", 0.1)
    flow = open_store(url).for_flow("demo")
    with open_store(url)._database.read() as connection:
        count = "SELECT count(*) FROM ia_cursors"
        assert connection.exec_driver_sql(count).scalar() == 0
        flow.save_cursor(Cursor(name="bills", value="1"))
        assert connection.exec_driver_sql(count).scalar() == 0, "what is read in one transaction is of one instant"


def test_a_row_damaged_by_hand_is_reported_as_ours(flow: FlowStore, url: str) -> None:
    flow.decisions().record([a_decision()], at=NOON)
    run_sql(url, "UPDATE ia_decisions SET body = 'no json'")
    with pytest.raises(UnexpectedReply, match="cannot be read"):
        flow.decisions().unsettled()


@pytest.mark.parametrize(
    ("key", "databases"), [("a\x00b", "postgresql"), ("\ud83d", "sqlite postgresql"), ("k" * 201, "postgresql")]
)
def test_a_key_that_the_database_cannot_hold_is_refused_in_our_words(
    flow: FlowStore, url: str, key: str, databases: str
) -> None:
    links = flow.links("bill")
    if url.split(":")[0].split("+")[0] not in databases:
        links.save(a_link(key))
        assert links.all() == {key: a_link(key)}
        return
    with pytest.raises(IntacctAsanaError, match=r"cannot be read or kept|refused a row"):
        links.save(a_link(key))
    assert links.all() == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_file_is_a_matter_for_people(tmp_path: Path) -> None:
    (tmp_path / "store.db").touch(mode=0o444)
    with pytest.raises(Misconfigured, match="readonly"):
        open_store(f"sqlite:///{tmp_path / 'store.db'}")


def test_a_store_of_the_first_version_is_carried_over_with_everything_in_it(url: str) -> None:
    open_store(url).for_flow("demo").save_cursor(Cursor(name="bills", value="here"))
    opened(url, keys=()).decisions().record([a_decision()], at=NOON)
    make_older(url, 1)
    flow = opened(url)
    assert flow.cursor("bills") == "here"
    flow.decisions().record([a_decision("decision-2")], at=NOON)
    assert flow.verify_evidence() == []
    flow.marks().made({"900": NOON})
    assert flow.marks().of(["900"])["900"].read_at == NOON
    database.open_database.cache_clear()
    assert open_store(url).for_flow("demo").marks().of(["900"]) != {}


def test_a_store_of_the_second_version_learns_about_webhooks(url: str) -> None:
    open_store(url).for_flow("demo").marks().made({"900": NOON})
    make_older(url, 2)
    flow = open_store(url).for_flow("demo")
    assert flow.marks().of(["900"])
    flow.webhooks().begin("a" * 32, project_gid="1", bot_gid="2", expires_at=NOON + timedelta(minutes=2))
    assert [row.hook_id for row in flow.webhooks().all()] == ["a" * 32]
    later = {int(path.name[:4]) for path in revisions.FOLDER.glob("[0-9]*_*.py")}
    assert {version for (version,) in everything(url)["ia_schema_version"]} == {*range(2, LAST_STEP + 1), *later}


def test_a_registration_that_an_older_store_had_in_flight_is_given_up(url: str) -> None:
    hooks = open_store(url).for_flow("demo").webhooks()
    hooks.begin("a" * 32, project_gid="1", bot_gid="2", expires_at=NOON + timedelta(minutes=2))
    hooks.shake("a" * 32, secret_digest="d", sealed_secret="s", at=NOON)
    hooks.activate("a" * 32, webhook_gid="9", secret_digest="d", at=NOON)
    hooks.begin("b" * 32, project_gid="1", bot_gid="2", expires_at=NOON + timedelta(minutes=2))
    make_older(url, 9)
    assert [row.hook_id for row in open_store(url).for_flow("demo").webhooks().all()] == ["a" * 32]
