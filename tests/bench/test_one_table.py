"""All measures in one table: what a result says, what becomes of one that fails or takes too long, what the file holds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sandbox.bench import __main__ as bench
from sandbox.bench.parsing import LXML, OURS, SDK, _by_turns, _ways, ratios
from sandbox.bench.table import Result, middle, results_table

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
from sandbox.bench.table import Result, middle

def results(*, quick):
    ratio = middle("good_ratio", "times", [3.0, 1.0, 2.0], at_most=2.0, note=f"quick is {quick}")
    return [ratio, Result(id="b", value=7, unit="s")]
"""
BROKEN = """
def results(*, quick):
    print("so far so good")
    raise ValueError("the sandbox said no")
"""
ODD = """
def results(*, quick):
    return ["no result"]
"""
ENDLESS = """
import pathlib, time

def results(*, quick):
    mark = pathlib.Path({mark!r})
    mark.write_text("began")
    try:
        time.sleep(600)
    finally:
        mark.write_text("stopped its own things")
"""
Put = Callable[..., dict[str, str]]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Measures in files of their own, by name; each runs in a process of its own, as the real ones do."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{ROOT / 'plugins'}")

    def put_(**texts: str) -> dict[str, str]:
        for name, text in texts.items():
            (tmp_path / f"measure_{name}.py").write_text(text, encoding="utf-8")
        return {name: f"measure_{name}" for name in texts}

    return put_


@pytest.mark.parametrize(
    ("bounds", "value", "met"),
    [
        ({"at_most": 5.0}, 5.0, True),
        ({"at_most": 5.0}, 5.1, False),
        ({"at_least": 3.0}, 3.0, True),
        ({"at_least": 3.0}, 2.9, False),
        ({"at_most": 0.0}, 0.0, True),
        ({}, 1.0, None),
        ({"at_least": 3.0}, None, None),
    ],
)
def test_a_goal_is_met_at_its_bound_and_unknown_without_a_value(bounds: dict[str, float], value: float, met: bool) -> None:
    assert Result(id="x", value=value, unit="s", **bounds).met is met


def test_the_value_is_the_middle_of_its_rounds_and_a_row_shows_their_spread() -> None:
    ratio = middle("ratio", "times", [4.0, 1.5, 12345.0, 2.0], at_most=5)
    assert ratio.value == 3.0
    assert ratio.row() == ("ratio", "times", "1.5", "3", "12,345", "at most 5", "met")


def test_what_is_to_be_said_stands_below_the_table() -> None:
    lines = results_table([Result(id="a", value=None, unit="s", note="not measured: why"), Result(id="b", value=1, unit="s")])
    assert lines.splitlines()[-1] == "a: not measured: why"


def test_a_measure_that_fails_says_so_in_its_row_and_stops_no_other(put: Put) -> None:
    found = list(bench.measured(put(broken=BROKEN, odd=ODD, good=GOOD), quick=True))
    assert [one.id for one in found] == ["broken", "odd", "good_ratio", "b"]
    broken, odd, good, _ = found
    assert broken.note == "failed: ValueError: the sandbox said no"
    assert (broken.failed, broken.met, broken.row()[-1]) == (True, False, "FAILED")
    assert odd.failed
    assert (good.value, good.samples, good.note) == (2.0, (3.0, 1.0, 2.0), "quick is True")


def test_a_measure_that_is_not_there_has_no_row(put: Put) -> None:
    assert [one.id for one in bench.measured({"later": "measure_later", **put(good=GOOD)}, quick=False)] == ["good_ratio", "b"]


def test_a_measure_that_is_stopped_stops_what_it_started(put: Put, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    child = bench.started(put(endless=ENDLESS.format(mark=str(mark)))["endless"], quick=True)
    while not mark.exists() and child.poll() is None:
        time.sleep(0.05)
    bench.stop(child)
    assert mark.read_text() == "stopped its own things"
    assert child.returncode is not None


@pytest.mark.parametrize("seconds", [0.01, 0.0])
def test_what_has_no_time_left_is_said_to_be_unmeasured(put: Put, seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it was begun or not."""
    monkeypatch.setattr(bench, "QUICK_SECONDS", seconds)
    (late,) = bench.measured(put(endless=ENDLESS.format(mark="/dev/null")), quick=True)
    assert (late.id, late.value, late.met, late.failed) == ("endless", None, None, False)
    assert "no time was left" in late.note


def test_the_file_holds_the_machine_and_every_result(put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "MEASURES", put(good=GOOD, broken=BROKEN))
    done = CliRunner().invoke(bench.app, ["--quick", "--json", str(tmp_path / "told.json")])
    assert done.exit_code == 1, done.output
    told: dict[str, Any] = json.loads((tmp_path / "told.json").read_text())
    assert set(told) == {"machine", "results"}
    assert set(told["machine"]) == {"system", "architecture", "processors", "python", "load"}
    assert all(set(one) == {"id", "value", "unit", "goal", "met", "samples", "note"} for one in told["results"])
    assert told["results"][0] == {
        "id": "good_ratio", "value": 2.0, "unit": "times", "goal": "at most 2", "met": True, "samples": [3.0, 1.0, 2.0],
        "note": "quick is True",
    }  # fmt: skip
    assert told["results"][2]["met"] is False
    assert "good_ratio" in done.output
    assert "NOT" not in done.output


def test_a_file_that_cannot_be_written_is_said_before_anything_is_measured(tmp_path: Path) -> None:
    done = CliRunner().invoke(bench.app, ["--quick", "--json", str(tmp_path / "nowhere" / "told.json")])
    assert done.exit_code == 2
    assert "cannot be written: No such file or directory" in " ".join(done.output.replace("│", " ").split())
    assert "parsing ..." not in done.output


def test_ctrl_c_keeps_what_is_done(put: Put, tmp_path: Path) -> None:
    """Pressed while a measure runs: that one stops what it started, and those before it stand in the table and in the file."""
    mark, kept = tmp_path / "mark", tmp_path / "told.json"
    put(good=GOOD, endless=ENDLESS.format(mark=str(mark)), later=GOOD)
    names = {"good": "measure_good", "endless": "measure_endless", "later": "measure_later"}
    # Whoever started the tests in the background had Ctrl-C ignored, and that is handed down.
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = f"{heard}; from sandbox.bench import __main__ as bench; bench.MEASURES = {names}; bench.app()"
    run = subprocess.Popen(
        [sys.executable, "-c", command, "--json", str(kept)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    while not mark.exists() and run.poll() is None:
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130, err
    assert mark.read_text() == "stopped its own things"
    assert [line.split()[0] for line in out.splitlines() if line.startswith(("good", "b ", "endless", "later"))] == [
        "good_ratio", "b", "good_ratio:",
    ]  # fmt: skip
    assert [one["id"] for one in json.loads(kept.read_text())["results"]] == ["good_ratio", "b"]
    assert "Stopped" in err
    assert "Traceback" not in err


def test_a_goal_that_is_missed_is_no_failure(put: Put, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "MEASURES", put(good=GOOD.replace("at_most=2.0", "at_most=1.0")))
    done = CliRunner().invoke(bench.app, [])
    assert done.exit_code == 0, done.output
    assert "NOT met" in done.output
    assert "quick is False" in done.output


@pytest.mark.parametrize("module", [module for module in bench.MEASURES.values() if find_spec(module)])
def test_every_measure_gives_its_results(module: str) -> None:
    assert callable(import_module(module).results)


def test_both_ways_read_the_same_answers_and_the_public_client_finds_the_same_rows() -> None:
    row = "<APBILL><RECORDNO>{}</RECORDNO><VENDORID>V-1</VENDORID></APBILL>"
    bodies = [
        '<response><control><status>success</status></control><operation><authentication><status>success</status>'
        '</authentication><result><status>success</status><function>query</function><controlid>bench</controlid>'
        f'<data listtype="APBILL" count="2">{row.format(number)}{row.format(number + 1)}</data></result></operation></response>'
        for number in (1, 3)
    ]  # fmt: skip
    read: list[tuple[str, Any]] = []
    ways = _ways("APBILL", dict)
    noting = {name: lambda body, name=name, way=way: read.append((name, way(body.encode()))) for name, way in ways.items()}
    seconds = _by_turns(noting, bodies, 3)  # type: ignore[arg-type]
    assert {name: len(used) for name, used in seconds.items()} == {LXML: 3, OURS: 3, SDK: 3}
    by_name = {name: [found for who, found in read if who == name] for name in ways}
    assert by_name[OURS] == by_name[SDK]
    assert [[row["RECORDNO"] for row in rows] for rows in by_name[OURS]] == [["1", "2"], ["3", "4"], ["1", "2"], ["3", "4"]]
    assert [name for name, _ in read[:6]] == [SDK, OURS, LXML, LXML, OURS, SDK]
    assert ratios({"a": [4.0, 9.0], "b": [2.0, 3.0]}, "a", "b") == [2.0, 3.0]
