"""The flow files to begin with: each loads, none is a flow by itself, and the command prints them."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from intacct_asana.__main__ import app
from intacct_asana.deployment import example_files
from intacct_asana.flow.load import load_flow, load_flows
from intacct_asana.flow.schema import json_schema
from typer.testing import CliRunner

from tests.flow.test_flow_schema import EditorLoader

MAPPINGS = Path(__file__).resolve().parents[2] / "include" / "mappings"
EXAMPLES = sorted((MAPPINGS / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_loads_rehearses_and_is_what_editors_take(path: Path) -> None:
    assert load_flow(path).rehearsal
    jsonschema.validate(yaml.load(path.read_text(), Loader=EditorLoader), json_schema())
    assert path.read_text().startswith("# yaml-language-server: $schema=flow.schema.json\n"), "as it is right once it is copied"


def test_examples_are_no_flows_by_themselves() -> None:
    flows, errors = load_flows(MAPPINGS)
    assert ([flow.flow for flow in flows], errors) == (["demo"], [])


def test_what_the_examples_are_for_is_what_they_say() -> None:
    flows = {path.stem: load_flow(path) for path in EXAMPLES}
    assert not flows["minimal"].write_back.used
    assert not flows["observe"].write_back.used
    assert flows["one_company"].write_back.used == {"stamp", "release_hold", "hold"}
    assert len(flows["two_entities"].approval.rules[-1].steps) == 2
    assert flows["two_entities"].approval.signal.kind == "approval_subtasks"
    assert flows["two_entities"].bills.entities == ("US01", "UK01")


def test_the_smallest_flow_has_nothing_that_could_be_left_out(tmp_path: Path) -> None:
    text = (MAPPINGS / "examples" / "minimal.yaml").read_text()
    parts = yaml.safe_load(text)
    for name in ("flow", "bills", "vendors", "approval"):
        less = tmp_path / f"without_{name}.yaml"
        less.write_text(yaml.safe_dump({key: value for key, value in parts.items() if key != name}))
        assert load_flows(tmp_path)[0] == []
        less.unlink()


def test_the_page_shows_the_smallest_flow_as_it_is() -> None:
    page = (MAPPINGS.parents[1] / "docs" / "flow-file.md").read_text()
    shown = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    assert yaml.safe_load((MAPPINGS / "examples" / "minimal.yaml").read_text()) in shown


def test_the_command_lists_and_prints_them(tmp_path: Path) -> None:
    listed = CliRunner().invoke(app, ["example"]).stdout
    assert [line.split()[0] for line in listed.splitlines()] == list(example_files())
    printed = CliRunner().invoke(app, ["example", "minimal"]).stdout
    (tmp_path / "acme.yaml").write_text(printed)
    assert load_flow(tmp_path / "acme.yaml").flow == "acme"
    wrong = CliRunner().invoke(app, ["example", "minimall"])
    assert (wrong.exit_code, "did you mean 'minimal'?" in wrong.output) == (2, True)
