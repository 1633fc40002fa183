"""docs/policy-cookbook.md: each policy loads with the people of the page, and its table of bills is what comes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from intacct_asana.commands.policy import policy_differences

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "policy-cookbook.md").read_text(encoding="utf-8")
PEOPLE, *BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
HEADER = """\
flow: cookbook
bills: {project: 1, states: [Posted]}
vendors: {project: 2, fields: [{name: Approver, kind: text, owner: asana}]}
"""
RECIPES = dict(zip(re.findall(r"^## (\d+)\.", PAGE, re.MULTILINE), zip(BLOCKS[::2], BLOCKS[1::2], strict=True), strict=True))


def test_there_are_ten_and_each_has_a_table_that_expects_something() -> None:
    assert list(RECIPES) == [str(number) for number in range(1, 11)]
    for policy, bills in RECIPES.values():
        assert policy.startswith("approval:\n")
        assert bills.count("expect:") == bills.count("bill: ")


@pytest.mark.parametrize("number", RECIPES)
def test_the_policy_gives_what_its_table_says_and_no_other_one_does(number: str, tmp_path: Path) -> None:
    table = tmp_path / "table.yaml"
    table.write_text(RECIPES[number][1])
    for other, (policy, _) in RECIPES.items():
        flow = tmp_path / f"flow{other}.yaml"
        flow.write_text(HEADER + PEOPLE + policy.removeprefix("approval:\n"))
        assert (policy_differences(flow, table) == []) == (other == number)
