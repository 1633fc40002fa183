"""The life of our tables: revisions of Alembic come after what older releases left, all of a change is kept or none of it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from intacct_asana.codec import draft_digest, instant_text
from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.records import Cursor, Link, TaskDraft
from intacct_asana.store import database, open_store, revisions, tables
from intacct_asana.store.migrations import LAST_STEP
from intacct_asana.store.revisions import SCHEMA_VERSION, VERSION_TABLE, downgrade
from sqlalchemy import create_engine, inspect
from sqlalchemy.pool import NullPool

from tests.databases import NewStore, rows
from tests.store.store_world import NOON, a_decision, crowd, everything, make_older, opened, run_sql, settled

HEAD = f"{SCHEMA_VERSION:04}"


def differences(url: str) -> list[object]:
    """What the tables in the database lack, or have too much, for the tables in the code."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return list(
            compare_metadata(MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}), tables.metadata)
        )


def test_there_is_one_newest_revision_and_each_is_named_for_its_number() -> None:
    scripts = ScriptDirectory(str(revisions.FOLDER), version_locations=[str(revisions.FOLDER)])
    assert scripts.get_heads() == [HEAD]
    names = {path.name[:4] for path in revisions.FOLDER.glob("[0-9]*_*.py")}
    assert {each.revision for each in scripts.walk_revisions()} == names


@pytest.mark.parametrize("version", [1, 8, 12, 16, 17])
def test_an_older_store_has_the_tables_of_a_new_one_afterwards(new_store: NewStore, version: int) -> None:
    url = new_store.ready()
    make_older(url, version)
    assert differences(url) or version == SCHEMA_VERSION
    open_store(url)
    assert differences(url) == []
    assert version == SCHEMA_VERSION or rows(url, f"SELECT version_num FROM {VERSION_TABLE}") == [(HEAD,)]
    assert max(rows(url, "SELECT version FROM ia_schema_version")) == (SCHEMA_VERSION,)


def test_exceptions_that_were_over_before_count_from_the_day_of_the_new_release(new_store: NewStore) -> None:
    url = new_store.ready()
    make_older(url, 17)
    values = "'k', '{state}', '9', '{{}}'"
    for state in ("ENDED", "OPEN"):
        run_sql(url, f"INSERT INTO ia_matters VALUES ('demo', 'exc-{state}', {values.format(state=state)})")
    before = instant_text(datetime.now(UTC))
    open_store(url)
    ended = dict(rows(url, "SELECT state, ended_at FROM ia_matters"))
    assert ended["OPEN"] is None
    assert before <= ended["ENDED"] <= instant_text(datetime.now(UTC))


def test_a_new_store_stands_at_the_newest_revision(url: str) -> None:
    open_store(url)
    assert differences(url) == []
    assert rows(url, f"SELECT version_num FROM {VERSION_TABLE}") == [(HEAD,)]


def test_each_revision_can_be_taken_back_and_made_again(new_store: NewStore) -> None:
    url = new_store.ready()
    with create_engine(url, poolclass=NullPool).begin() as connection:
        downgrade(connection, to=LAST_STEP)
    open_store(url)
    assert differences(url) == []


def test_a_store_that_the_release_before_alembic_made_loses_nothing(tmp_path: Path) -> None:
    """Made by that release itself: two decisions with their evidence, a link, a policy, a mark and a cursor."""
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as old:
        old.executescript((Path(__file__).parent / "version_17.sql").read_text())
    url = f"sqlite:///{path}"
    names = [
        name for (name,) in rows(url, "SELECT name FROM sqlite_master WHERE type = 'table'") if name != "ia_schema_version"
    ]
    before = {name: rows(url, f"SELECT * FROM {name}") for name in names}
    flow = opened(url)
    assert flow.cursor("bills") == "here"
    assert [len(found) for found in (flow.links("bill").all(), flow.evidence(), flow.policies())] == [1, 5, 1]
    assert flow.verify_evidence() == []
    for name, there in before.items():
        # A newer release may have more columns, at the end.
        assert [row[: len(old)] for row, old in zip(rows(url, f"SELECT * FROM {name}"), there, strict=True)] == there, name
    assert differences(url) == []
    flow.decisions().record([a_decision("decision-3", key="bill-3")], at=NOON)
    assert flow.verify_evidence() == []


REVISION = """
import sqlalchemy as sa
from alembic import op
from intacct_asana.store.revisions import add_column
from intacct_asana.store.tables import pins

revision = "9001"
down_revision = "{head}"

def upgrade():
    op.create_table("ia_new", sa.Column("flow", sa.String(200), primary_key=True), sa.Column("body", sa.Text, nullable=False))
    op.create_index("ia_new_body", "ia_new", ["body"])
    op.execute("INSERT INTO ia_new VALUES ('demo', 'x')")
    add_column(pins, "project_gid")
    {then}

def downgrade():
    op.drop_table("ia_new")
"""


class Next:
    """A release after this one, with one revision more."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, patch

    def install(self, then: str = "pass") -> None:
        self._folder.mkdir()
        for path in revisions.FOLDER.glob("[0-9]*_*.py"):
            shutil.copy(path, self._folder)
        (self._folder / "9001_new.py").write_text(REVISION.format(head=HEAD, then=then))
        self._patch.setattr(revisions, "FOLDER", self._folder)
        for module in (revisions, database):
            self._patch.setattr(module, "SCHEMA_VERSION", 9001)
        revisions._scripts.cache_clear()
        database.open_database.cache_clear()

    def remove(self) -> None:
        self._patch.undo()
        revisions._scripts.cache_clear()
        database.open_database.cache_clear()


@pytest.fixture
def the_next_release(tmp_path: Path) -> Iterator[Next]:
    with pytest.MonkeyPatch.context() as patch:
        release = Next(tmp_path / "revisions", patch)
        yield release
        release.remove()


def test_many_that_open_an_older_store_at_once_change_it_once(new_store: NewStore, the_next_release: Next) -> None:
    url = new_store.ready()
    make_older(url, 17)
    the_next_release.install()
    assert crowd(4, lambda number: bool(open_store(url))) == [True] * 4
    assert rows(url, "SELECT * FROM ia_new") == [("demo", "x")]
    assert max(rows(url, "SELECT version FROM ia_schema_version")) == (9001,)


def test_a_revision_that_fails_half_way_leaves_the_store_as_it_was(new_store: NewStore, the_next_release: Next) -> None:
    url = new_store()
    settled(opened(url))
    before = everything(url)
    the_next_release.install(then="op.execute('SELECT * FROM nowhere')")
    with pytest.raises(IntacctAsanaError, match="nowhere"):
        open_store(url)
    with create_engine(url, poolclass=NullPool).connect() as connection:
        assert not inspect(connection).has_table("ia_new")
    assert everything(url) == before
    the_next_release.remove()
    assert opened(url).verify_evidence() == []


def test_a_store_of_the_next_release_is_refused_and_left_alone(new_store: NewStore, the_next_release: Next) -> None:
    url = new_store.ready()
    the_next_release.install()
    open_store(url)
    the_next_release.remove()
    with pytest.raises(Misconfigured, match=f"schema version 9001; this release knows {SCHEMA_VERSION}.*newer release"):
        open_store(url)


def test_a_store_of_a_release_that_is_none_of_ours_is_refused_in_words(new_store: NewStore, the_next_release: Next) -> None:
    url = new_store.ready()
    the_next_release.install()
    run_sql(url, f"UPDATE {VERSION_TABLE} SET version_num = 'abc'")
    with pytest.raises(Misconfigured, match="left by another release"):
        open_store(url)


def test_a_store_that_is_as_it_should_be_is_opened_without_alembic_and_without_a_write(new_store: NewStore) -> None:
    """What runs the tasks may have no right to change tables."""
    url = new_store.ready()
    open_store(url)
    database.open_database.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(revisions, "_scripts", None)
        patch.setattr(database.Database, "write", None)
        open_store(url).for_flow("demo")


def test_what_is_written_before_a_change_is_there_after_it(new_store: NewStore, the_next_release: Next) -> None:
    url = new_store()
    flow = opened(url)
    flow.save_cursor(Cursor(name="bills", value="here"))
    settled(flow)
    make_older(url, 17)
    the_next_release.install()
    flow = opened(url)
    assert flow.cursor("bills") == "here"
    assert flow.verify_evidence() == []


def test_links_of_an_older_release_tell_their_digests(new_store: NewStore) -> None:
    url = new_store.ready()
    drafts = {f"k{number:04}": TaskDraft(key=f"k{number}", name=f"Bill {number}") for number in range(1100)}
    links = opened(url).links("bill")
    with open_store(url).for_flow("demo").together():
        for key, draft in drafts.items():
            links.save(Link(key=key, task_gid=f"t{key}", record_no="1", confirmed=draft))
        links.save(Link(key="bare", task_gid="t", record_no="1"))
    make_older(url, 17)
    told = opened(url).links("bill").digests([*drafts, "bare"])
    assert {key: one.digest for key, one in told.items()} == {key: draft_digest(draft) for key, draft in drafts.items()} | {
        "bare": ""
    }
