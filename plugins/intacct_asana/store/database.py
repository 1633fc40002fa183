"""Opening the database, and the one way to use it: a transaction that keeps all of its work or none, and fails in our words."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, func, inspect, make_url, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from tenacity import retry, retry_if_exception, stop_after_delay, wait_random

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused, TryLater, UnexpectedReply
from intacct_asana.store import tables
from intacct_asana.store.revisions import SCHEMA_VERSION, make_tables, upgrade

WAIT_SECONDS = 30
"""How long a transaction waits for another's locks before it gives up with TryLater."""

CONNECT_SECONDS = 10
TABLE_LOCK = 741_852_963
"""PostgreSQL advisory lock that lets one process at a time make the tables."""

FIRST_WORDS = {
    # The write lock is taken at once: two writers wait for each other instead of failing half-way.
    ("sqlite", "write"): "BEGIN IMMEDIATE",
    ("sqlite", "read"): "BEGIN",
    ("postgresql", "write"): f"SET LOCAL lock_timeout = '{WAIT_SECONDS}s'",
    # Everything read in one transaction is of one instant, as it is in SQLite.
    ("postgresql", "read"): "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
}

MENDED_BY_PEOPLE_SQLITE = (
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
    "SQLITE_NOTADB",
    "SQLITE_CORRUPT",
    "SQLITE_PERM",
    "SQLITE_AUTH",
)

MENDED_BY_PEOPLE_POSTGRESQL = ("28", "3D", "3F", "42")
"""Classes of SQLSTATE: authorization, unknown database, unknown schema, missing right or table.
https://www.postgresql.org/docs/current/errcodes-appendix.html"""

MENDED_BY_PEOPLE_WORDS = ("authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry")
"""A PostgreSQL server that turns a login away gives the driver its words only, without an SQLSTATE."""

FULL = ("database or disk is full", "No space left on device", "DiskFull")
AWAY = (
    *("connection failed", "could not connect", "Connection refused", "server closed the connection"),
    *("connection already closed", "terminating connection", "the database system is", "timeout expired"),
)
"""How the driver says that nobody is there, or that the server goes down or comes up just now."""

NOT_THE_OWNER = ("permission denied for schema", "must be owner of")

_kept = threading.local()


@contextmanager
def kept_open() -> Iterator[None]:
    """Within it, this thread's transactions on a database follow each other on one connection instead of opening one each.

    For work with many small transactions: a connection takes longer to make than a row to write, and SQLite tidies up
    its files each time when nobody is connected any more. No lock is held between two transactions.
    """
    if getattr(_kept, "connections", None) is not None:
        yield
        return
    _kept.connections = {}
    try:
        yield
    finally:
        connections, _kept.connections = _kept.connections, None
        for connection in connections.values():
            connection.close()


class Database:
    """An engine and its two ways of use: `with database.write() as connection`, and `read`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held = threading.local()
        self.name = engine.url.render_as_string(hide_password=True)

    def __repr__(self) -> str:
        return f"Database({self.name})"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it is kept, or nothing. Raises our six errors only.

        Within another one of the same thread it is a part of it: kept when the whole is kept, undone alone when it fails.
        """
        whole: Connection | None = getattr(self._held, "writing", None)
        if whole is not None:
            with self._part_of(whole):
                yield whole
            return
        with self._transaction("write") as connection:
            self._held.writing = connection
            try:
                yield connection
            finally:
                self._held.writing = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One look at the database as it is at one instant; waits for no writer. Within `write` it sees what was written."""
        whole: Connection | None = getattr(self._held, "writing", None)
        if whole is not None:
            yield whole
            return
        with self._transaction("read") as connection:
            yield connection

    @contextmanager
    def _part_of(self, whole: Connection) -> Iterator[None]:
        try:
            with whole.begin_nested():
                yield
        except (SQLAlchemyError, ValueError) as error:
            raise self._failure(error) from error

    @contextmanager
    def _begun(self) -> Iterator[Connection]:
        held = self._kept()
        if held is None or held.in_transaction():
            with self._engine.begin() as connection:
                yield connection
        else:
            with held.begin():
                yield held

    def _kept(self) -> Connection | None:
        kept: dict[Database, Connection] | None = getattr(_kept, "connections", None)
        if kept is None:
            return None
        if self not in kept:
            kept[self] = self._engine.connect()
        return kept[self]

    @contextmanager
    def _transaction(self, purpose: str) -> Iterator[Connection]:
        try:
            with self._begun() as connection:
                connection.exec_driver_sql(FIRST_WORDS[self._engine.dialect.name, purpose])
                yield connection
        except (SQLAlchemyError, ValueError) as error:
            raise self._failure(error) from error

    def _failure(self, error: SQLAlchemyError | ValueError) -> IntacctAsanaError:
        return _failure(error, store=self.name, secret=str(self._engine.url.password or ""))

    def for_reading(self) -> Database:
        """The same database, in which nothing is changed: a write is Misconfigured before it begins."""
        return _ForReading(self._engine)


class _ForReading(Database):
    @contextmanager
    def write(self) -> Iterator[Connection]:
        raise Misconfigured(
            "The flow says `rehearsal: true`, and a step wanted to note something as done. Nothing was noted. This is a "
            "mistake in this program: report it.",
            code="rehearsal",
        )
        yield


@lru_cache(maxsize=8)
def open_database(url: str) -> Database:
    """The database with its tables, one for each URL in a process.

    Connections are not pooled, so forked task processes never share one.
    """
    database = Database(_engine(_parsed(url)))
    _make_tables(database)
    return database


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Not chained: what the parser complains about can be a piece of the password.
        raise Misconfigured("The store's URL cannot be understood; it should look like postgresql+psycopg2://...") from None
    dialect = parsed.get_backend_name()
    if dialect not in ("sqlite", "postgresql"):
        raise Misconfigured(f"The store needs PostgreSQL or SQLite, not {dialect}.")
    if dialect == "sqlite" and _is_in_memory(parsed):
        raise Misconfigured("The store needs a SQLite file; a database in memory is gone after each step.")
    return parsed


def _is_in_memory(url: URL) -> bool:
    return not url.database or ":memory:" in url.database or url.query.get("mode") == "memory"


def _engine(url: URL) -> Engine:
    waits = {"connect_timeout": CONNECT_SECONDS} if "psycopg" in url.drivername else {}
    try:
        # Parameters are the rows of the books; an error that is logged should not show them.
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args=waits)
    except (NoSuchModuleError, ImportError) as error:
        raise Misconfigured(
            f"The store's driver for {url.drivername} is not installed: {error}. "
            "Airflow's PostgreSQL provider brings psycopg2; SQLite needs nothing."
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
    return engine


def _on_sqlite_connect(connection: Any, _record: Any) -> None:
    # None: the driver begins nothing by itself, the first words of a transaction are ours.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {WAIT_SECONDS * 1000}")
    _switch_to_wal(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


@retry(
    retry=retry_if_exception(lambda error: isinstance(error, sqlite3.OperationalError) and "locked" in str(error)),
    wait=wait_random(0.01, 0.1),
    stop=stop_after_delay(WAIT_SECONDS),
    reraise=True,
)
def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """Lets readers and a writer work side by side. A database that is switched already stays as it is.

    Where another process is just writing to a database that is not switched yet, SQLite answers "locked" at once instead of
    waiting out its busy timeout, because waiting with a read lock held could be a deadlock.
    Source: https://www.sqlite.org/c3ref/busy_handler.html
    """
    cursor.execute("PRAGMA journal_mode = WAL")


def _make_tables(database: Database) -> None:
    """Once for each database and release; of two processes that open one, the second finds everything made."""
    with database.read() as connection:
        if _version(connection, database.name) == SCHEMA_VERSION:
            return
    try:
        with database.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({TABLE_LOCK})")
            found = _version(connection, database.name)
            if found is None:
                make_tables(connection)
            elif found != SCHEMA_VERSION:
                upgrade(connection, found=found)
    except Misconfigured as error:
        if any(words in error.message for words in NOT_THE_OWNER):
            raise Misconfigured(
                f"The store {database.name} has not the tables of this release (version {SCHEMA_VERSION}), and this account "
                "may not make them. Run `python -m intacct_asana store migrate` as their owner."
            ) from error
        raise


def _version(connection: Connection, name: str) -> int | None:
    """The schema version found, None in a new database. Raises Misconfigured when a newer release made it."""
    if not inspect(connection).has_table(tables.versions.name):
        return None
    found: int | None = connection.execute(select(func.max(tables.versions.c.version))).scalar()
    if found is not None and found > SCHEMA_VERSION:
        raise Misconfigured(
            f"The store {name} has schema version {found}; this release knows {SCHEMA_VERSION}. "
            "Install the newer release again."
        )
    return found


AT_ONCE = 500
"""Values in one IN list: below the variable limit of every database."""


def in_chunks(values: Collection[str]) -> Iterator[list[str]]:
    """Each value once, in their order, as many at a time as one IN list takes; nothing of none."""
    wanted = sorted(set(values))
    return (wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE))


def put(connection: Connection, table: Table, *rows: Mapping[str, Any]) -> None:
    """Insert rows of the same columns, each over the row that has its primary key. No key comes twice."""
    if rows:
        connection.execute(_putting(table, connection.dialect.name, tuple(rows[0])), list(rows))


def add(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert `row` unless its primary key is there; True when it was new."""
    return connection.execute(_adding(table, connection.dialect.name), row).rowcount == 1


def add_all(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """`add` for many rows at once."""
    if rows:
        connection.execute(_adding(table, connection.dialect.name), list(rows))


# Made once: to put a statement together takes longer than to carry it out.


@cache
def _putting(table: Table, dialect: str, columns: tuple[str, ...]) -> postgresql.Insert | sqlite.Insert:
    keys = [column.name for column in table.primary_key]
    statement = _insert(table, dialect)
    values = {name: statement.excluded[name] for name in columns if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=values)


@cache
def _adding(table: Table, dialect: str) -> postgresql.Insert | sqlite.Insert:
    return _insert(table, dialect).on_conflict_do_nothing()


def _insert(table: Table, dialect: str) -> postgresql.Insert | sqlite.Insert:
    """This database's own INSERT: the general one does not know ON CONFLICT."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def _failure(error: SQLAlchemyError | ValueError, *, store: str, secret: str) -> IntacctAsanaError:
    """Ours for `error`; `store` is the database's name without its password, which is `secret`."""
    cause = (error.orig if isinstance(error, DBAPIError) else None) or error
    said = f"{type(cause).__name__}: {_first_line(cause, secret)}"
    if isinstance(error, ValueError) and not isinstance(error, SQLAlchemyError):
        return UnexpectedReply(f"The store {store} holds, or was given, a value that cannot be read or kept: {said}")
    if isinstance(error, IntegrityError | DataError):
        return Refused(f"The store {store} refused a row: {said}")
    if _needs_a_person(cause, said):
        return Misconfigured(f"The store {store} cannot be used: {said}. Check its connection, its rights and its file.")
    if any(words in said for words in FULL):
        return TryLater(f"The disk of the store {store} is full; nothing was kept. Make room, and the next try goes on: {said}")
    if any(words in said for words in AWAY):
        # Whether the last transaction was kept just before, the next try sees.
        return TryLater(f"The store {store} could not be used: it is down, or was restarted. The next try goes on: {said}")
    return TryLater(f"The store {store} could not be used; nothing was kept: {said}")


def _needs_a_person(cause: BaseException, said: str) -> bool:
    sqlite_name = getattr(cause, "sqlite_errorname", None) or ""
    state = getattr(cause, "pgcode", None) or getattr(cause, "sqlstate", None) or ""
    return (
        sqlite_name.startswith(MENDED_BY_PEOPLE_SQLITE)
        or state[:2] in MENDED_BY_PEOPLE_POSTGRESQL
        or any(words in said for words in MENDED_BY_PEOPLE_WORDS)
    )


def _first_line(cause: BaseException, secret: str) -> str:
    line = next(iter(str(cause).splitlines()), "")
    return line.replace(secret, "***") if secret else line
