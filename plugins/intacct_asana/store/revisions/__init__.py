"""The store's tables from version 17 on: Alembic's revisions beside this file, in the transaction that opens the store.

A revision is a file `NNNN_name.py` whose `revision` is "NNNN"; the highest number is this release's schema version. What older
releases left is carried to version 17 by the steps in `store/migrations.py` first. A new store is made from the tables as
they are, and marked as being at the newest revision.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Connection, Table, delete, insert, inspect

from intacct_asana.errors import Misconfigured
from intacct_asana.store import tables
from intacct_asana.store.migrations import LAST_STEP, migrate

if TYPE_CHECKING:
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

FOLDER = Path(__file__).parent
VERSION_TABLE = "ia_alembic_version"
SCHEMA_VERSION = max(int(path.name[:4]) for path in FOLDER.glob("[0-9]*_*.py"))
"""Known without Alembic, which takes longer to import than to find a store as it should be."""

_one_at_a_time = threading.Lock()
"""Alembic's `op`, which revisions use, is one for the whole process."""


def make_tables(connection: Connection) -> None:
    """Everything in a new store."""
    tables.metadata.create_all(connection)
    tables.guard_evidence(connection)
    tables.guard_timestamps(connection)
    tables.guard_history(connection)
    connection.execute(insert(tables.versions).values(version=SCHEMA_VERSION))
    with _alembic(connection) as environment:
        environment.get_context().stamp(_scripts(), "head")


def upgrade(connection: Connection, *, found: int) -> None:
    """Carry the store from version `found` to this release's."""
    migrate(connection, found=found)
    _move(connection, to="head")


def downgrade(connection: Connection, *, to: int) -> None:
    """Back to an older version, not before 17. What only newer tables and columns hold is lost: this is for tests."""
    _move(connection, to=f"{to:04}")
    # A store that was new says one version only.
    connection.execute(delete(tables.versions).where(tables.versions.c.version >= to))
    connection.execute(insert(tables.versions).values(version=to))


def add_column(table: Table, column: str) -> None:
    """What a revision does for a column of a table that older steps make: from a very old store it is there already."""
    from alembic import op

    if column not in {each["name"] for each in inspect(op.get_bind()).get_columns(table.name)}:
        old = table.c[column]
        op.add_column(table.name, Column(old.name, old.type, nullable=old.nullable, server_default=old.server_default))


def _move(connection: Connection, *, to: str) -> None:
    from alembic.util import CommandError

    def steps(here: Any, _context: Any) -> Any:
        scripts = _scripts()
        if to == "head":
            return scripts._upgrade_revs(to, here)
        return scripts._downgrade_revs(to, here)

    try:
        with _alembic(connection, fn=steps) as environment:
            environment.run_migrations()
    except CommandError as error:
        raise Misconfigured(f"The store was left by another release than this one comes after: {error}.") from error


@contextmanager
def _alembic(connection: Connection, **how: Any) -> Iterator[EnvironmentContext]:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext

    with _one_at_a_time, EnvironmentContext(Config(), _scripts(), **how) as environment:
        environment.configure(
            connection=connection,
            target_metadata=tables.metadata,
            version_table=VERSION_TABLE,
            on_version_apply=_note_version,
        )
        yield environment


def _note_version(ctx: Any, step: Any, heads: Any, run_args: Any) -> None:
    """Older releases look at the number, so that they do not open a store that they cannot know."""
    version = int(step.up_revision_id)
    if step.is_upgrade and version > LAST_STEP:
        ctx.connection.execute(insert(tables.versions).values(version=version))


@cache
def _scripts() -> ScriptDirectory:
    from alembic.script import ScriptDirectory

    return ScriptDirectory(str(FOLDER), version_locations=[str(FOLDER)])
