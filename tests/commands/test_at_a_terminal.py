"""What every command has in common: help with examples and exit codes, Ctrl-C, logs beside the data, the sandbox started."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import typer
from intacct_asana.__main__ import app
from intacct_asana.commands import sandbox as sandbox_command
from intacct_asana.commands.terminal import UNREADABLE, errors_told, working
from typer.core import TyperGroup
from typer.testing import CliRunner

from manuals.commands import PROGRAM, commands, examples_of
from tests.conftest import ROOT, free_port

COMMANDS = dict(commands())
CONNECTIONS = ("AIRFLOW_CONN_INTACCT_DEFAULT", "AIRFLOW_CONN_ASANA_DEFAULT")
NO_DATA = {"sandbox", "store migrate", "store backup", "prove-live"}
"""They print what was done; prove-live writes its report into files, as JSON too."""


def started(*words: str) -> subprocess.Popen[str]:
    told = {name: value for name, value in os.environ.items() if name != "AIRFLOW__CORE__UNIT_TEST_MODE"}
    told |= {"PYTHONPATH": str(ROOT / "plugins")}
    command = [sys.executable, "-m", "intacct_asana", *words]
    return subprocess.Popen(command, cwd=ROOT, env=told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples_that_can_be_said_and_exit_codes(name: str) -> None:
    said = CliRunner().invoke(app, [*name.split()[1:], "--help"])
    assert said.exit_code == 0
    assert "Exit codes: 0 " in said.stdout
    examples = examples_of(COMMANDS[name])
    assert examples
    for example in examples:
        assert example.startswith(name)
        parsed(shlex.split(example.split(" > ")[0])[1:])


def parsed(words: list[str]) -> None:
    """Raises for words and options that the command does not take; nothing is carried out."""
    here: Any = typer.main.get_command(app)
    while isinstance(here, TyperGroup):
        here, words = here.commands[words[0]], words[1:]
    here.make_context(PROGRAM, list(words))


@pytest.mark.parametrize("name", COMMANDS)
def test_what_prints_data_prints_it_as_json_too(name: str) -> None:
    options = {option for one in COMMANDS[name].params for option in one.opts}
    assert ("--json" in options) == (name.removeprefix(f"{PROGRAM} ") not in NO_DATA)


@pytest.mark.parametrize("error", [KeyboardInterrupt, typer.Abort])
def test_ctrl_c_is_one_line_and_an_exit_code_of_its_own(error: type[BaseException], capsys: Any) -> None:
    with pytest.raises(typer.Exit) as end, errors_told():
        raise error
    assert end.value.exit_code == 130
    assert capsys.readouterr().err == "Stopped.\n"


def test_ctrl_c_in_the_middle_of_asking_leaves_nothing(prompt: Any) -> None:
    prompt.write_flow()
    prompt.sandbox.fault("intacct", "*", "delay:20")
    process = started("check", "demo")
    deadline = time.monotonic() + 60
    while not prompt.sandbox.counters() and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert err.endswith("Stopped.\n")
    assert "Traceback" not in err


def test_data_alone_is_on_standard_output_and_progress_is_beside_it(prompt: Any) -> None:
    prompt.write_flow()
    process = started("check", "demo", "--json")
    out, err = process.communicate(timeout=120)
    assert process.returncode == 1, err
    assert out.startswith("[\n")
    assert err.splitlines() == ["demo: asking both systems", "Intacct", "Asana"]


def test_progress_is_a_line_for_each_thing_where_there_is_no_terminal(capsys: Any) -> None:
    with working("Reading [bills]") as say:
        say("a page of [them]")
    assert capsys.readouterr().err == "Reading [bills]\na page of [them]\n"


def test_an_empty_airflow_home_is_enough(prompt: Any, tmp_path: Path) -> None:
    """Before Airflow has a database; none is made for it."""
    home = tmp_path / "home"
    command = [sys.executable, "-m", "intacct_asana", "init", "--yes", "--flow", "acme"]
    kept = [name for name in os.environ if not name.startswith(("AIRFLOW", "_AIRFLOW")) or name in CONNECTIONS]
    told = {name: os.environ[name] for name in kept} | {"PYTHONPATH": str(ROOT / "plugins"), "AIRFLOW_HOME": str(home)}
    said = subprocess.run(command, cwd=ROOT, env=told, capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stderr
    assert "Traceback" not in said.stderr
    assert (prompt.folder / "acme.yaml").exists()
    assert [path.name for path in home.rglob("*.db")] == []


def test_the_sandbox_starts_and_ends() -> None:
    port = free_port()
    process = started("sandbox", "--port", str(port), "--vendors", "3", "--bills", "5")
    try:
        opener, deadline = urllib.request.build_opener(urllib.request.ProxyHandler({})), time.monotonic() + 60
        while True:
            try:
                assert opener.open(f"http://127.0.0.1:{port}/_sandbox/counters").status == 200
                break
            except OSError:
                assert time.monotonic() < deadline
                assert process.poll() is None, process.communicate()
                time.sleep(0.2)
    finally:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "Traceback" not in err


def test_a_port_that_is_taken_is_told_before_anything_is_said_to_be_played() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = started("sandbox", "--port", str(port))
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (UNREADABLE, "")
    assert "are played" not in err
    assert f"Nothing can listen on 127.0.0.1, port {port}" in err


def test_without_a_sandbox_one_sentence_says_where_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sandbox_command, "PROJECT_ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(app, ["sandbox"])
    assert said.exit_code == UNREADABLE
    assert said.stderr.strip() == sandbox_command.WHERE
    assert said.stderr.count(".") == 1


def test_options_of_the_sandbox_are_those_of_its_own_command() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "sandbox", "--help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    ours = {option for one in COMMANDS[f"{PROGRAM} sandbox"].params for option in one.opts} - {"--help"}
    assert {option for option in ours if option not in said.stdout} == set()
