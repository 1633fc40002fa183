"""docs/mapping-guide.md: its examples are flows that load, and no key lacks its words."""

from __future__ import annotations

from pathlib import Path

import pytest
from intacct_asana.flow.load import load_flow
from intacct_asana.flow.model import Flow
from intacct_asana.flow.schema import json_schema

from manuals.keys import every_key_flows, example_at, keys


@pytest.mark.parametrize("text", every_key_flows(), ids=lambda text: text.partition("flow: ")[2].split()[0])
def test_the_examples_are_flows_that_load(text: str, tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(text)
    assert load_flow(tmp_path / "one.yaml")


def test_nearly_every_key_has_an_example() -> None:
    """The last few are keys that came later, and show their choices or default instead: add them to every_key.yaml."""
    without = [f"{part.__name__}.{name}" for part, name in keys() if example_at(part, name) is None]
    assert len(without) <= 10, without


def test_every_key_says_what_it_is() -> None:
    definitions = json_schema()["$defs"]
    for part, name in keys():
        told = definitions.get(part.__name__, json_schema() if part is Flow else {})["properties"][name]
        assert told.get("description") or "$ref" in told, f"{part.__name__}.{name} has no text under it"


def test_values_in_the_guide_are_written_as_a_file_may_have_them() -> None:
    from manuals.keys import PARTS

    page = PARTS["keys"]()
    for shown in ('`"*/15 * * * *"`', "`[Submitted, Partially Approved, Posted", "`true`", "`{USD: 5000000.00}`"):
        assert shown in page, shown
