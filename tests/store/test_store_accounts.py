"""The account of the DAGs works with the store, adds to its evidence, and can do nothing else to it."""

from __future__ import annotations

import pytest
from intacct_asana.errors import Misconfigured
from intacct_asana.records import Cursor
from intacct_asana.store import open_store
from intacct_asana.store.accounts import grant_to
from intacct_asana.store.database import open_database
from intacct_asana.store.migrations import LAST_STEP
from intacct_asana.store.tables import metadata
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.pool import NullPool

from tests.databases import Postgres
from tests.store.store_world import a_link, make_older, opened, run_sql, settled

ANY_CHARACTER = "p@ss:/%#?'\"$ w"


@pytest.fixture
def owned(postgres: Postgres) -> str:
    return postgres.new_database()


@pytest.fixture
def url(owned: str) -> str:
    """The store as the DAGs come to it, with a password that may hold any character."""
    open_store(owned)
    grant_to(open_database(owned), "the dags", password=ANY_CHARACTER)
    theirs = make_url(owned).set(username="the dags", password=ANY_CHARACTER)
    return theirs.render_as_string(hide_password=False)


def test_the_dags_do_their_work_with_an_account_that_owns_nothing(url: str) -> None:
    flow = opened(url)
    flow.save_cursor(Cursor(name="bills", value="here"))
    flow.links("bill").save(a_link())
    settled(flow)
    assert (flow.cursor("bills"), len(flow.evidence()), flow.verify_evidence()) == ("here", 4, [])


@pytest.mark.parametrize(
    "table", ["ia_evidence", "ia_policies", "ia_timestamps", "ia_history", "ia_evidence_heads", "ia_schema_version"]
)
def test_they_cannot_take_back_what_was_written(url: str, table: str) -> None:
    settled(opened(url))
    verbs = [f"DELETE FROM {table}", f"TRUNCATE {table}", f"DROP TABLE {table}", f"ALTER TABLE {table} DISABLE TRIGGER ALL"]
    if table != "ia_evidence_heads":
        column = metadata.tables[table].columns.keys()[0]
        verbs.append(f"UPDATE {table} SET {column} = {column}")
    for statement in (
        *verbs,
        "CREATE TABLE ia_other (x int)",
        "CREATE FUNCTION ia_only_added() RETURNS int AS '' LANGUAGE sql",
    ):
        with (
            pytest.raises(ProgrammingError, match=r"permission denied|must be owner"),
            create_engine(url, poolclass=NullPool).begin() as connection,
        ):
            connection.execute(text(statement))
    assert opened(url).verify_evidence() == []


def test_they_open_a_store_that_is_as_it_should_be_and_say_who_has_to_carry_an_older_one_over(url: str, owned: str) -> None:
    open_store(url)
    make_older(owned, LAST_STEP - 1)
    with pytest.raises(Misconfigured, match=r"this account may not make them. Run `python -m intacct_asana store migrate`"):
        open_store(url)


def test_granting_again_changes_the_password_and_takes_back_what_was_too_much(url: str, owned: str) -> None:
    run_sql(owned, 'GRANT ALL ON ia_evidence TO "the dags"', "GRANT DELETE ON ia_evidence TO PUBLIC")
    grant_to(open_database(owned), "the dags", password="another")
    with pytest.raises(Misconfigured, match="password authentication failed"):
        open_store(url)
    theirs = make_url(owned).set(username="the dags", password="another")
    with (
        pytest.raises(ProgrammingError, match="permission denied"),
        create_engine(theirs, poolclass=NullPool).begin() as connection,
    ):
        connection.execute(text("DELETE FROM ia_evidence"))


def test_an_account_that_nothing_holds_back_is_refused(owned: str) -> None:
    open_store(owned)
    with pytest.raises(Misconfigured, match="is a superuser"):
        grant_to(open_database(owned), str(make_url(owned).username))
    with pytest.raises(Misconfigured, match="no role nobody_there"):
        grant_to(open_database(owned), "nobody_there")


def test_a_file_has_no_accounts(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    open_store(url)
    with pytest.raises(Misconfigured, match="Only PostgreSQL has accounts"):
        grant_to(open_database(url), "the dags")
