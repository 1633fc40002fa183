"""The command: which company and project it asks, what it lets write, and what it leaves behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from intacct_asana.__main__ import app
from intacct_asana.commands import prove_live
from intacct_asana.proving.catalogue import ALL
from typer.testing import CliRunner

from sandbox import constants
from tests.proving.conftest import connections

ROOT = Path(__file__).resolve().parents[2]
COMPANY = ("--company", constants.COMPANY_ID)
PROJECT = ("--project", constants.BILLS_PROJECT_GID)
Run = Callable[..., Result]


@pytest.fixture
def run(sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with connections from a file, as somebody without Airflow has it. Waiting moves the sandbox's clock."""
    for name in connections(sandbox):
        # What the command puts into the environment is taken out again.
        monkeypatch.setenv(name, "")
    file = tmp_path / "connections.env"
    lines = [f"export {name}='{body}'" for name, body in connections(sandbox).items()]
    file.write_text("# ours\n\n" + "\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.setattr(
        prove_live.time, "sleep", lambda seconds: sandbox.clock(advance_seconds=seconds) if seconds >= 1 else None
    )
    monkeypatch.setenv("COLUMNS", "200")

    def start(*arguments: str, answers: str | None = None) -> Result:
        monkeypatch.setattr(prove_live, "_has_somebody", lambda: answers is not None)
        told = ("--connections", str(file), "--to", str(tmp_path / "out"))
        return CliRunner().invoke(app, ["prove-live", *told, *arguments], input=answers)

    return start


def report(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    return found


def rows(tmp_path: Path) -> dict[str, Any]:
    return {one["id"]: one for one in report(tmp_path)["questions"]}


def test_it_asks_both_systems_and_writes_nothing_that_was_not_allowed(run: Run, sandbox: Any, tmp_path: Path) -> None:
    sandbox.zero_counters()
    done = run(*COMPANY, *PROJECT, "--rest", "intacct_rest_default")
    assert done.exit_code == 0, done.output
    assert [kind for kind in sandbox.counters() if "WRITE" in kind] == []
    found = rows(tmp_path)
    assert [one.id for one in ALL] == list(found)
    outcomes = {one.id: found[one.id]["outcome"] for one in ALL if one.writes or one.slow}
    assert set(outcomes.values()) == {"not asked"}
    assert found["intacct-draft-times"]["why"].endswith("--allow intacct-draft-times")
    assert report(tmp_path)["counts"]["answered"] > 30
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.json", "report.md", "settings.yaml"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (PROJECT, "was not named"),
        (("--company", "OTHER-CO", *PROJECT), "leads to another company"),
        (COMPANY, "name its gid"),
        ((*COMPANY, "--project", "Bills"), "name its gid"),
        (
            ("--company", "OTHER-CO", "--intacct", "", "--asana", "", "--rest", "intacct_rest_default"),
            "leads to another company",
        ),
        ((*COMPANY, *PROJECT, "--only", "intacct-moon"), "no question 'intacct-moon'"),
        (("--intacct", "", "--asana", ""), "nobody to ask"),
        ((*COMPANY, *PROJECT, "--rest", "intacct_other"), "no line AIRFLOW_CONN_INTACCT_OTHER"),
        ((*COMPANY, *PROJECT, "--allow", "asana-events"), "only reads"),
    ],
)
def test_what_was_not_named_is_not_asked(arguments: tuple[str, ...], said: str, run: Run, sandbox: Any, tmp_path: Path) -> None:
    sandbox.zero_counters()
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert sandbox.counters() == {}
    assert not (tmp_path / "out").exists()


def test_a_company_is_the_same_in_any_case_and_a_live_sounding_one_is_warned_of(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    only = ("--asana", "", "--only", "intacct-login-leads")
    done = run("--company", "sandbox-co", *only)
    assert done.exit_code == 0, done.output
    assert "does not sound" not in done.output
    monkeypatch.setattr(prove_live, "NON_PRODUCTION", re.compile("(?!)"))
    assert "does not sound like a company for trying things out" in run("--company", "sandbox-co", *only).output


LIVE = """Northwind ACME latest Contest greatest-hits Devonshire acme-device Demolition simple copyright trainers
Equatorial industrial acme-latest Testarossa-LLC sandboxes4kids"""
TRIAL = """acme-sandbox ACME-IMP acme-test acme_dev sandbox acme-sandbox2 Test-Acme ACME.UAT acme.demo.2026 SANDBOX-CO
acme-impl acme--trial training_acme"""


@pytest.mark.parametrize("name", LIVE.split())
def test_a_word_that_only_holds_a_word_for_trying_things_out_is_no_such_company(name: str) -> None:
    assert not prove_live.NON_PRODUCTION.search(name)


@pytest.mark.parametrize("name", TRIAL.split())
def test_a_company_for_trying_things_out_says_so_in_a_word_of_its_own(name: str) -> None:
    assert prove_live.NON_PRODUCTION.search(name)


def test_each_question_that_writes_is_asked_for_by_itself(run: Run, sandbox: Any, tmp_path: Path) -> None:
    asked = ("--asana", "", "--only", "intacct-draft-times", "--only", "intacct-hold", "--only", "intacct-bill-numbers")
    done = run(*COMPANY, *asked, answers="n\ny\n\n")
    found = rows(tmp_path)
    assert {name: one["outcome"] for name, one in found.items()} == {
        "intacct-draft-times": "not asked",
        "intacct-hold": "answered",
        "intacct-bill-numbers": "not asked",
    }
    assert done.exit_code == 0
    assert done.output.count("It writes: one draft bill of 0.01") == 3
    assert "Taken back: the draft is deleted" in done.output
    assert found["intacct-hold"]["taken back"] == "yes"


def test_what_was_allowed_on_the_command_line_is_not_asked_for(run: Run, sandbox: Any, tmp_path: Path) -> None:
    before = sandbox.state("intacct")["bills"]
    done = run(*COMPANY, "--asana", "", "--only", "intacct-hold", "--allow", "intacct-hold")
    assert done.exit_code == 0, done.output
    assert rows(tmp_path)["intacct-hold"]["outcome"] == "answered"
    assert sandbox.state("intacct")["bills"] == before


def test_a_read_only_connection_writes_nothing_whatever_is_allowed(
    run: Run, sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "connections.env"
    file.write_text(file.read_text().replace('"extra": {', '"extra": {"read_only": true, '), encoding="utf-8")
    sandbox.zero_counters()
    done = run(*COMPANY, *PROJECT, "--only", "intacct-hold", "--only", "asana-comment", "--allow", "intacct-hold")
    assert done.exit_code == 0, done.output
    assert {one["why"] for one in rows(tmp_path).values()} == {"it writes, and the connection is read-only"}
    assert sandbox.counters() == {}


def test_what_is_left_is_said_with_its_place_and_only_on_the_screen(run: Run, sandbox: Any, tmp_path: Path) -> None:
    sandbox.fault("intacct", "delete", "status:503", times=100)
    done = run(*COMPANY, "--asana", "", "--only", "intacct-hold", "--allow", "intacct-hold")
    assert done.exit_code == 1
    assert f"in company {constants.COMPANY_ID}" in " ".join(done.output.split())
    for path in (tmp_path / "out").iterdir():
        assert constants.COMPANY_ID not in path.read_text()
    assert rows(tmp_path)["intacct-hold"]["taken back"] == "no: something remains"


def test_a_failed_question_is_told_by_the_exit_code(run: Run, sandbox: Any, tmp_path: Path) -> None:
    sandbox.fault("intacct", "readUserFormatting", "html", times=100)
    done = run(*COMPANY, "--asana", "", "--only", "intacct-preferences", "--only", "intacct-unknown-field")
    assert done.exit_code == 1
    assert [one["outcome"] for one in rows(tmp_path).values()] == ["failed", "answered"]


def test_a_report_is_never_written_over(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done = run(*COMPANY, *PROJECT)
    assert done.exit_code == 2
    assert "never written over" in " ".join(done.output.split())
    assert list((tmp_path / "out").iterdir()) == []


def test_what_was_answered_before_ctrl_c_is_kept(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = prove_live._say

    def say(row: Any, *, at: int, of: int) -> None:
        real(row, at=at, of=of)
        if at == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(prove_live, "_say", say)
    done = run(*COMPANY, *PROJECT)
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (130, "Stopped.")
    assert len(rows(tmp_path)) == 2


def test_ctrl_c_at_a_question_stops_as_everywhere(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_said: object, **_also: object) -> bool:
        raise typer.Abort

    monkeypatch.setattr(prove_live.typer, "confirm", pressed)
    done = run(*COMPANY, "--asana", "", "--only", "intacct-hold", answers="")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (130, "Stopped.")
    assert rows(tmp_path) == {}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_ended_takes_its_draft_back(number: signal.Signals, sandbox: Any, tmp_path: Path) -> None:
    """As a terminal that closes does, between the draft and its deletion."""
    sandbox.fault("intacct", "update APBILL", "delay:8", times=1)
    told = {**os.environ, **connections(sandbox), "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(ROOT / "plugins")}
    told.pop("AIRFLOW__CORE__UNIT_TEST_MODE", None)
    words = (*COMPANY, "--asana", "", "--only", "intacct-hold", "--allow", "intacct-hold", "--to", str(tmp_path / "out"))
    command = [sys.executable, "-m", "intacct_asana", "prove-live", *words]
    process = subprocess.Popen(command, cwd=ROOT, env=told, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not sandbox.counters().get("intacct update APBILL") and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.2)
    assert any("prove-live" in str(one.get("description")) for one in sandbox.state("intacct")["bills"])
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert (process.returncode, err.splitlines()[-1]) == (130, "Stopped.")
    assert not any("prove-live" in str(one.get("description")) for one in sandbox.state("intacct")["bills"])
    assert (tmp_path / "out" / "report.json").exists()


def test_a_wrong_password_is_tried_once_and_nothing_is_begun(run: Run, sandbox: Any, tmp_path: Path) -> None:
    file = tmp_path / "connections.env"
    file.write_text(file.read_text().replace(constants.WS_PASSWORD, "another-word"), encoding="utf-8")
    sandbox.zero_counters()
    done = run(*COMPANY, "--asana", "")
    assert (done.exit_code, "Check company id" in " ".join(done.output.split())) == (2, True)
    assert sandbox.counters() == {"intacct getAPISession": 1}
    assert not (tmp_path / "out").exists()
    assert "another-word" not in done.output


@pytest.mark.parametrize("words", [("--project", "1299999"), ("--project", constants.WORKSPACE_GID)])
def test_a_project_that_is_not_there_is_told_once(words: tuple[str, ...], run: Run, sandbox: Any, tmp_path: Path) -> None:
    done = run("--intacct", "", *words)
    assert (done.exit_code, "Asana shows no project" in " ".join(done.output.split())) == (2, True)
    assert not (tmp_path / "out").exists()


def test_a_connection_that_the_file_lacks_is_not_taken_from_elsewhere(
    run: Run, sandbox: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "connections.env"
    lines = [line for line in file.read_text().splitlines() if "ASANA_DEFAULT" not in line]
    file.write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", connections(sandbox)["AIRFLOW_CONN_ASANA_DEFAULT"])
    sandbox.zero_counters()
    done = run(*COMPANY, *PROJECT, "--only", "asana-people")
    assert (done.exit_code, sandbox.counters()) == (2, {})
    assert "no line AIRFLOW_CONN_ASANA_DEFAULT" in " ".join(done.output.split())
    assert run(*COMPANY, "--asana", "", "--only", "intacct-session").exit_code == 0


def test_examples_of_the_help_name_questions_that_there_are() -> None:
    known = {one.id for one in ALL}
    named = re.findall(r"--(?:only|allow) (\S+)", prove_live.HELP)
    assert named
    assert set(named) <= known


@pytest.mark.parametrize("line", ["AIRFLOW_CONN_X={'secret': 1", "PASSWORD='secret'", "AIRFLOW_CONN_X=a secret"])
def test_a_bad_line_of_connections_is_named_and_not_shown(line: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "connections.env"
    file.write_text(f"# ours\n{line}\n", encoding="utf-8")
    done = run(*COMPANY, *PROJECT)
    assert done.exit_code == 2
    assert "line 2" in " ".join(done.output.split())
    assert "secret" not in done.output


def test_the_list_asks_nobody(run: Run, sandbox: Any, tmp_path: Path) -> None:
    sandbox.zero_counters()
    done = run("--list")
    assert done.exit_code == 0
    assert all(one.id in done.output for one in ALL)
    assert sandbox.counters() == {}
    assert not (tmp_path / "out").exists()


def test_help_of_the_script_names_the_options_that_the_command_takes() -> None:
    command: Any = typer.main.get_command(app)
    taken = {option for one in command.commands["prove-live"].params for option in one.opts}
    named = set(re.findall(r"^  (--[a-z-]+)", (ROOT / "script" / "prove-live").read_text(), re.MULTILINE))
    assert named == taken - {"--help"}
    assert os.access(ROOT / "script" / "prove-live", os.X_OK)


def test_questions_are_told_apart_and_say_all_that_the_page_needs() -> None:
    names = [one.id for one in ALL]
    assert len(names) == len(set(names))
    for one in ALL:
        assert one.id.startswith(one.system.rpartition(" ")[2] + "-"), one.id
        assert one.asks.endswith("?"), one.id
        assert one.unsure.endswith("."), one.id
        assert one.otherwise.endswith("."), one.id
        assert bool(one.writes) == bool(one.taken_back), one.id
