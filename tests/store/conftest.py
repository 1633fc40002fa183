"""Each test of the store runs on SQLite, and on PostgreSQL where a server can be started on this machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from intacct_asana.store import FlowStore

from tests.conftest import free_port
from tests.store.store_world import PASSWORD, opened, run_sql

_numbers = count(1)


class Postgres:
    """A server of our own, with nothing in it and no care for power cuts."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self.programs, self.folder, self.port = programs, folder, free_port()
        # The server refuses to run as root, so there it runs as the package's own user.
        self.user = "postgres" if os.geteuid() == 0 else None

    def start(self) -> None:
        word = self.folder / "password"
        word.write_text(PASSWORD)
        if self.user:
            shutil.chown(self.folder, self.user)
            shutil.chown(word, self.user)
        as_asked = (
            "--no-locale",
            "--encoding=UTF8",
            "--username=store",
            "--auth=scram-sha-256",
            f"--pwfile={word}",
            "--no-sync",
        )
        self._run("initdb", *as_asked)
        # No socket file: the path of a nested temporary folder can be too long for one.
        only_tcp = f"-p {self.port} -c unix_socket_directories= -c listen_addresses=127.0.0.1"
        settings = f"{only_tcp} -c fsync=off -c max_connections=40"
        self._run("pg_ctl", "--wait", "-o", settings, "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        self._run("pg_ctl", "--wait", "-m", "immediate", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg2://store:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """A schema of its own: as empty as a new database, and made a hundred times faster."""
        name = f"store_{next(_numbers)}"
        run_sql(self.url("postgres"), f"CREATE SCHEMA {name}")
        return f"{self.url('postgres')}?options=-csearch_path%3D{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(command, check=True, user=self.user, cwd=self.folder, stdout=subprocess.DEVNULL)


def _programs() -> Path | None:
    """The folder with initdb and pg_ctl; Debian keeps them out of the PATH."""
    on_path = shutil.which("initdb")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return Path(on_path).resolve().parent if on_path else debian[-1].parent if debian else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server on this machine (Debian: apt-get install postgresql)")
    if importlib.util.find_spec("psycopg2") is None:
        pytest.skip("no driver for PostgreSQL (pip install psycopg2-binary)")
    server = Postgres(programs, Path(tempfile.mkdtemp(prefix="intacct-asana-postgres-")))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def flow(url: str) -> FlowStore:
    return opened(url)
