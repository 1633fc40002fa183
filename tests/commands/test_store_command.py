"""`store migrate` makes the tables, `store status` counts their rows, and pruning as JSON asks nothing."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.store.revisions import SCHEMA_VERSION


def test_the_tables_are_made_and_counted(prompt: Any) -> None:
    made = prompt.say("store", "migrate")
    assert (made.exit_code, f"schema version {SCHEMA_VERSION}" in made.stdout) == (0, True)
    assert prompt.store.exists()
    told = prompt.data("store", "status")
    assert told["version"] == SCHEMA_VERSION
    assert told["rows"]["ia_links"] == 0
    prompt.write_flow()
    prompt.make_missing()
    assert prompt.data("store", "status")["rows"]["ia_pins"] > 0


def test_json_never_asks(prompt: Any) -> None:
    prompt.say("store", "migrate")
    refused = prompt.say("store", "prune", "--older-than", "400d", "--json")
    assert (refused.exit_code, "--dry-run or --yes" in refused.stderr) == (2, True)
    assert prompt.data("store", "prune", "--older-than", "400d", "--dry-run")["dry_run"] is True


@pytest.mark.parametrize("words", [("status",), ("prune", "--older-than", "400d", "--dry-run")])
def test_a_store_that_is_not_there_is_not_made(words: tuple[str, ...], prompt: Any) -> None:
    said = prompt.say("store", *words)
    assert (said.exit_code, "There is no store at" in said.stderr) == (2, True)
    assert not prompt.store.exists()
