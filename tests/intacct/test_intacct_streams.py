"""Where streams of changes are asked for: rows without a change time by when they were made, deletions in the audit history."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.intacct import query
from intacct_asana.intacct.timestamps import ServerClock
from intacct_asana.intacct.walks import change_walks, deleted_keys_of, deletions_walk, walks
from intacct_asana.records import ReadWindow

TEXT, MADE = "09/16/2026 15:50:21", "09/16/2026 22:50:21"
NEVER_CHANGED = query.is_null("WHENMODIFIED")


def test_rows_without_a_change_time_are_read_from_when_they_were_made() -> None:
    window = ReadWindow(since_text=TEXT, created_since_text=MADE)
    _, without_time = walks(window, scope=(), clock=ServerClock(), created_field="AUWHENCREATED")
    made_since = query.any_of(query.at_least("AUWHENCREATED", MADE), query.is_null("AUWHENCREATED"))
    assert without_time.where(None) == query.all_of(NEVER_CHANGED, made_since)


@pytest.mark.parametrize(("created_since_text", "created_field"), [("", "AUWHENCREATED"), (MADE, "")])
def test_without_a_cursor_or_a_field_all_of_them_are_read(created_since_text: str, created_field: str) -> None:
    window = ReadWindow(since_text=TEXT, created_since_text=created_since_text)
    _, without_time = walks(window, scope=(), clock=ServerClock(), created_field=created_field)
    assert without_time.where(None) == NEVER_CHANGED


def test_a_stream_of_changes_goes_by_change_time_and_by_time_of_creation() -> None:
    changed, made = change_walks(since_text=TEXT, created_since_text=MADE, created_field="WHENCREATED")
    assert (changed.order_by, changed.where(None)) == (("WHENMODIFIED", "RECORDNO"), query.at_least("WHENMODIFIED", TEXT))
    assert made.order_by == ("WHENCREATED", "RECORDNO")
    assert made.where(None) == query.all_of(NEVER_CHANGED, query.at_least("WHENCREATED", MADE))


def test_a_stream_without_a_cursor_is_read_from_its_beginning() -> None:
    changed, made = change_walks(since_text="", created_since_text="", created_field="WHENCREATED")
    assert changed.where(None) == query.is_known("WHENMODIFIED")
    assert made.where(None) == query.all_of(NEVER_CHANGED, query.is_known("WHENCREATED"))


def test_deletions_are_asked_for_by_lower_case_object_and_code_and_ties_told_apart_by_id() -> None:
    walk = deletions_walk("APBILL", since_text=TEXT)
    start = (query.equal("OBJECTTYPE", "apbill"), query.equal("ACCESSMODE", "D"), query.at_least("ACCESSTIME", TEXT))
    assert walk.where(None) == query.all_of(*start)
    assert walk.order_by == ("ACCESSTIME", "ID")
    behind = query.any_of(
        query.more_than("ACCESSTIME", TEXT), query.all_of(query.equal("ACCESSTIME", TEXT), query.more_than("ID", "9"))
    )
    assert walk.where((TEXT, "9")) == query.all_of(*start, behind)


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("41", {"41"}),
        ("41--REC", {"41", "41--REC"}),
        (" V-1 ", {"V-1"}),
        ("ACME--WEST", {"ACME", "ACME--WEST"}),
        ("--", {"--"}),
        ("", set()),
    ],
)
def test_a_deleted_key_comes_in_several_forms(written: str, keys: set[str]) -> None:
    assert deleted_keys_of({"OBJECTKEY": written}) == keys
    assert deleted_keys_of({}) == frozenset()


def test_what_was_made_or_changed_is_no_deletion(sandbox: Any, a_hook: Any) -> None:
    sandbox.act("intacct", "mgarcia", "create_bill")
    sandbox.act("intacct", "mgarcia", "create_vendor", vendor_id="V-NEW", name="New")
    sandbox.act("intacct", "mgarcia", "edit_vendor", vendor_id="V1001", changes={"comments": "x"})
    trails = a_hook().trails
    assert [trails.deletions(kind, since_text="").keys for kind in ("bill", "vendor")] == [frozenset(), frozenset()]
