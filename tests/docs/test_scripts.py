"""The scripts say what they do without doing it, also in a fresh clone; the demo's ports and its copy of the flow files."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

import pytest
import typer
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

from sandbox.demo import prompt
from sandbox.demo.airflow_local_settings import LOOP_MILLISECONDS, create_metadata_engine
from sandbox.demo.airflow_server import DemoFailed, put_other_flows
from sandbox.demo.steering import free_port, ports

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ("setup", "test", "demo", "check", "bench", "docs", "pictures", "cluster-test", "prove-live")


@pytest.fixture
def fresh_clone(tmp_path: Path) -> Path:
    """A folder as it is before anything was installed: the scripts alone, since they may not even look at the rest."""
    shutil.copytree(ROOT / "script", tmp_path / "script")
    return tmp_path


def run(clone: Path, name: str, argument: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([clone / "script" / name, argument], capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("name", SCRIPTS)
def test_help_is_given_in_a_fresh_clone_and_nothing_is_installed(name: str, flag: str, fresh_clone: Path) -> None:
    said = run(fresh_clone, name, flag)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith(f"Usage: script/{name}")
    assert not said.stderr
    assert [path.name for path in fresh_clone.iterdir()] == ["script"]


def test_an_unknown_argument_installs_nothing(fresh_clone: Path) -> None:
    said = subprocess.run(
        [fresh_clone / "script" / "setup", "--develop"], capture_output=True, text=True, timeout=20, check=False
    )
    assert said.returncode == 2
    assert "--develop" in said.stderr
    assert [path.name for path in fresh_clone.iterdir()] == ["script"]


def test_help_of_the_demo_names_the_options_that_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(typer.Typer, "__call__", lambda self: None)
    from sandbox.demo import __main__ as demo

    taken = {option for one in typer.main.get_command(demo.app).params for option in one.opts}
    named = set(re.findall(r"^  (--[a-z]+)", (ROOT / "script" / "demo").read_text(), re.MULTILINE))
    assert named == taken - {"--help"}


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_the_demo_takes_the_port_that_is_named_and_the_next(taken_port: int) -> None:
    with pytest.raises(DemoFailed, match=f"Port {taken_port} cannot be used"):
        ports(taken_port)
    assert len(set(ports(None))) == 4
    for first in (free_port() for _ in range(20)):
        # The next one may be somebody else's just now.
        with suppress(DemoFailed):
            assert ports(first)[:2] == [first, first + 1]
            return
    pytest.fail("no port was taken that is free, as is the next")


def test_a_flow_file_beside_the_demo_comes_changes_and_goes(tmp_path: Path) -> None:
    source, copies = tmp_path / "source", tmp_path / "copies"
    for folder in (source, copies):
        folder.mkdir()
        (folder / "demo.yaml").write_text(folder.name)
    (source / "examples").mkdir()
    (source / "examples" / "one.yaml").write_text("flow: one")
    assert put_other_flows(copies, source=source) == []
    (source / "acme.yaml").write_text("flow: acme")
    assert put_other_flows(copies, source=source) == ["acme.yaml"]
    assert put_other_flows(copies, source=source) == []
    (source / "acme.yaml").write_text("flow: acme2")
    assert put_other_flows(copies, source=source) == ["acme.yaml"]
    assert (copies / "acme.yaml").read_text() == "flow: acme2"
    (source / "acme.yaml").unlink()
    assert put_other_flows(copies, source=source) == ["acme.yaml"]
    assert sorted(path.name for path in copies.iterdir()) == ["demo.yaml"]
    assert (copies / "demo.yaml").read_text() == "copies", "the demo's own flow stays the demo's"


def test_the_demos_command_lines_have_its_environment_and_hide_it_from_others(tmp_path: Path) -> None:
    home = tmp_path / "a demo"
    home.mkdir()
    env = {"AIRFLOW_HOME": str(home / "airflow"), "PYTHONPATH": str(ROOT / "plugins"), "INTACCT_ASANA_MAPPINGS": str(home)}
    folder = prompt.put_commands(home, {**env, "HOME": "/nowhere"})
    (home / "acme.yaml").write_text((ROOT / "include" / "mappings" / "examples" / "minimal.yaml").read_text())
    command = [folder / "intacct-asana", "check", "acme", "--offline"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert (home / "environment.json").stat().st_mode & 0o077 == 0
    assert json.loads((home / "environment.json").read_text()) == env
    assert sorted(path.name for path in folder.iterdir()) == ["airflow", "intacct-asana"]


@pytest.mark.parametrize(("locked", "runs", "code"), [(2, 3, 0), (9, 4, 1)])
def test_a_backfill_is_asked_for_again_while_sqlite_is_busy(
    locked: int, runs: int, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Airflow's own answer, from a stand-in for it: so many times locked, and then taken."""
    (tmp_path / "asked").write_text("")
    (tmp_path / "airflow.py").write_text(
        "import pathlib, sys\n"
        f"asked = pathlib.Path({str(tmp_path / 'asked')!r})\n"
        "asked.write_text(asked.read_text() + '.')\n"
        f"if len(asked.read_text()) <= {locked}: sys.exit('OperationalError: database is locked')\n"
    )
    monkeypatch.setattr(prompt, "WAITS", (0.01, 0.01, 0.01))
    kept = tmp_path / "environment.json"
    kept.write_text(json.dumps({"PYTHONPATH": str(tmp_path)}))
    assert prompt.main([str(kept), "airflow", "backfill", "create"]) == code
    assert len((tmp_path / "asked").read_text()) == runs
    said = capfd.readouterr().err
    assert said.count("asking again") == runs - 1
    assert ("database is locked" in said) is bool(code)


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_savepoint_of_the_demos_airflow_waits_for_its_turn_instead_of_being_refused(is_ours: bool, tmp_path: Path) -> None:
    """As a backfill does: read within a savepoint, write afterwards, while somebody else would write in between."""
    url = f"sqlite:///{tmp_path / 'airflow.db'}?timeout=0.2"
    engine = create_metadata_engine(url, engine_args={}, connect_args={}) if is_ours else create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        connection.exec_driver_sql("CREATE TABLE runs (number INT)")
        connection.commit()
    other = sqlite3.connect(tmp_path / "airflow.db", timeout=0.2)
    with engine.connect() as connection, connection.begin(), connection.begin_nested():
        connection.execute(text("SELECT * FROM runs")).all()
        with suppress(sqlite3.OperationalError), other:
            other.execute("INSERT INTO runs VALUES (1)")
        wanted = nullcontext() if is_ours else pytest.raises(OperationalError, match="database is locked")
        with wanted:
            connection.execute(text("INSERT INTO runs VALUES (2)"))
    found = [number for (number,) in other.execute("SELECT number FROM runs")]
    assert found == ([2] if is_ours else [1])
    other.close()
    engine.dispose()


def test_on_an_event_loop_a_lock_is_waited_for_a_moment_only(tmp_path: Path) -> None:
    """The request that holds it may end on that very loop. Whoever waits elsewhere waits as long as its address says."""
    url = f"sqlite:///{tmp_path / 'airflow.db'}?timeout=60"
    engine = create_metadata_engine(url, engine_args={"poolclass": StaticPool}, connect_args={})

    def waits() -> int:
        with engine.connect() as connection:
            milliseconds: int = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
            return milliseconds

    async def on_a_loop() -> tuple[int, int]:
        return waits(), await asyncio.to_thread(waits)

    assert (waits(), asyncio.run(on_a_loop()), waits()) == (60_000, (LOOP_MILLISECONDS, 60_000), 60_000)
    engine.dispose()


def test_a_request_that_ends_on_the_loop_is_not_waited_for_there(tmp_path: Path) -> None:
    """As Airflow's API server does: one request wrote in a thread and ends on the loop, another one writes on the loop."""
    engine = create_metadata_engine(f"sqlite:///{tmp_path / 'airflow.db'}?timeout=60", engine_args={}, connect_args={})
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE log (word TEXT)")

    def write(connection: Connection, word: str) -> None:
        connection.exec_driver_sql("INSERT INTO log VALUES (?)", (word,))

    async def requests() -> None:
        first = await asyncio.to_thread(engine.connect)
        await asyncio.to_thread(write, first, "heartbeat")
        with engine.connect() as second, pytest.raises(OperationalError, match="database is locked"):
            write(second, "a run is asked for")
        await asyncio.to_thread(first.commit)
        with engine.begin() as again:
            write(again, "it is asked for again")
        first.close()

    asyncio.run(asyncio.wait_for(requests(), 30))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT word FROM log")).scalars().all() == ["heartbeat", "it is asked for again"]
    engine.dispose()


def test_the_settings_for_sqlite_leave_another_database_alone() -> None:
    """Whoever copied them goes on to PostgreSQL, whose connections know no `BEGIN IMMEDIATE`."""
    engines = [
        create_metadata_engine(url, engine_args={}, connect_args={})
        for url in ("sqlite://", "postgresql+psycopg2://airflow@db/a")
    ]
    assert [len(engine.dispatch.savepoint) for engine in engines] == [1, 0]  # type: ignore[attr-defined]
    assert [len(engine.dispatch.before_cursor_execute) for engine in engines] == [1, 0]  # type: ignore[attr-defined]
