"""The table of the docs runs against the rules of the docs, as people would run it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import Result
from intacct_asana.__main__ import app
from intacct_asana.commands.policy import policy_differences
from intacct_asana.errors import Misconfigured
from typer.testing import CliRunner

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "approval-policy.md").read_text(encoding="utf-8")
FLOW = "flow: docs\nbills: {project: 1, states: [Posted]}\nvendors: {project: 2}\nwrite_back: {steps: [observe]}\n"


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    rules, table = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    flow_file, table_file = tmp_path / "flow.yaml", tmp_path / "table.yaml"
    flow_file.write_text(FLOW + rules, encoding="utf-8")
    table_file.write_text(table, encoding="utf-8")
    return flow_file, table_file


def policy_test(*files: Path) -> Result:
    return CliRunner(env={"COLUMNS": "250"}).invoke(app, ["policy", "test", *map(str, files)])


def test_the_table_of_the_docs_is_what_its_rules_give(files: tuple[Path, Path]) -> None:
    assert policy_differences(*files) == []


def test_what_differs_is_said_a_sentence_each(files: tuple[Path, Path]) -> None:
    text = files[1].read_text(encoding="utf-8")
    files[1].write_text(text.replace("rule: software, steps: [IT, controller]", "rule: small bills, steps: [controller]"))
    said = policy_differences(*files)
    assert [line.partition(": ")[2] for line in said] == [
        "rule is software, expected small bills",
        "steps is IT, controller, expected controller",
    ]


def test_the_command_prints_rule_steps_and_people_and_fails_for_what_differs(files: tuple[Path, Path]) -> None:
    good = policy_test(*files)
    assert good.exit_code == 0, good.output
    for words in ("everything else in dollars", "owner, controller", "carla.ruiz@northwind.example", "nobody can decide"):
        assert words in good.stdout
    files[1].write_text("bills:\n  - {bill: one, amount: 5.00, expect: {rule: software}}\n", encoding="utf-8")
    bad = policy_test(*files)
    assert bad.exit_code == 1
    assert "one: rule is small bills, expected software" in bad.stdout
    files[1].write_text("bills:\n  - {bil: one, amount: 5}\n", encoding="utf-8")
    unreadable = policy_test(*files)
    assert unreadable.exit_code == 2
    assert "table.yaml:2: the key `bil` does not exist" in unreadable.stderr


def test_a_table_with_mistakes_names_their_lines(files: tuple[Path, Path]) -> None:
    files[1].write_text("bills:\n  - bill: one\n    amount: much\n", encoding="utf-8")
    with pytest.raises(Misconfigured, match=r"table\.yaml:3"):
        policy_differences(*files)
