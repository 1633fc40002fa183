"""Values that Asana answers with 200: stored ones are believed, dropped ones are a failure that names the field."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.asana.hook import AsanaHook
from intacct_asana.records import FieldNeed, FieldValue, TaskDraft
from intacct_asana.store import open_store
from intacct_asana.sync import Report, Wanted, apply_plan, plan_records
from intacct_asana.text import TEXT_FIELD_CHARACTERS, joined

from sandbox import constants
from tests.asana.asana_connections import a_hook

PROJECT = constants.BILLS_PROJECT_GID
ALICE, BEN = constants.PEOPLE[0], constants.PEOPLE[1]
Sync = Callable[[str, FieldValue], Report]


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> AsanaHook:
    return a_hook(monkeypatch, sandbox.asana_url)


@pytest.fixture
def sync(hook: AsanaHook, tmp_path: Path) -> Sync:
    """Brings one task to one value of a field of that kind, as a run does."""
    gids = {kind: hook.setup.create_field(PROJECT, FieldNeed(name=kind, kind=kind)).gid for kind in ("text", "people")}
    store = open_store(f"sqlite:///{tmp_path / 'store.db'}").for_flow("demo")
    links = store.links("bill")

    def run(kind: str, value: FieldValue) -> Report:
        draft = TaskDraft(key="K", name="Bill", fields={gids["text"]: "K", gids[kind]: value})
        wanted = {"K": Wanted(draft=draft, record_no="1", amount=Decimal(1), in_scope=True)}
        return apply_plan(
            plan_records(wanted, links=links.of(["K"]), found=None),
            kind="bill",
            board=hook,
            links=links,
            journal=store.intents(),
            owner="here",
            project_gid=PROJECT,
            key_field_gid=gids["text"],
            bot_gid=constants.BOT_GID,
            names={gid: kind for kind, gid in gids.items()},
            now=lambda: datetime.now(UTC),
        )

    return run


def test_people_that_asana_drops_silently_are_a_failure_and_the_next_ones_are_kept(sync: Sync, sandbox: Any) -> None:
    (failure,) = sync("people", ("999999999999",)).failures
    assert "does not show field 'people'" in failure.error.message
    both = tuple(sorted((ALICE["gid"], BEN["gid"])))
    assert sync("people", both).counts() == {"update": 1}
    assert sync("people", tuple(reversed(both))).writes == 0
    (task,) = sandbox.state("asana")["tasks"]
    assert set(task["fields"]["people"].split(", ")) == {ALICE["name"], BEN["name"]}


@pytest.mark.parametrize("letter", ["x", "é", "日", "😀"])
def test_text_is_cut_by_characters_with_a_mark_and_arrives_whole(hook: AsanaHook, letter: str) -> None:
    field = hook.setup.create_field(PROJECT, FieldNeed(name="Long", kind="text"))
    for length in (TEXT_FIELD_CHARACTERS, TEXT_FIELD_CHARACTERS + 1, 10_000):
        value = joined([letter * length])
        assert len(value) == TEXT_FIELD_CHARACTERS
        assert value.endswith("…") == (length > TEXT_FIELD_CHARACTERS)
        task = hook.create_task(PROJECT, TaskDraft(key="K", name="Bill", fields={field.gid: value}))
        assert task.fields[field.gid] == value
