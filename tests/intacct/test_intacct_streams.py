"""Where streams of changes are asked for: rows without a change time by when they were made, deletions in the audit history."""

from __future__ import annotations

from typing import Any

import pytest
from intacct_asana.intacct import query
from intacct_asana.intacct.records import BILL, LINE
from intacct_asana.intacct.timestamps import ServerClock
from intacct_asana.intacct.walks import change_walks, deleted_keys_of, deletions_walk, together, walks
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


def test_several_walks_are_one_query_by_key_that_lets_through_what_any_of_them_does() -> None:
    several = change_walks(since_text=TEXT, created_since_text=MADE, created_field="WHENCREATED")
    new = query.all_of(NEVER_CHANGED, query.at_least("WHENCREATED", MADE))
    assert together(several).where(None) == query.any_of(query.at_least("WHENMODIFIED", TEXT), new)
    assert together(several).order_by == ("RECORDNO",)


@pytest.fixture
def hook(sandbox: Any, a_hook: Any) -> Any:
    """Of a company with seven bills of the last second, four of which have no change time, nor have their lines."""
    sandbox.reset(vendors=2, bills=9, now="2026-11-23T09:00:00Z")
    sandbox.clock(advance_seconds=3600)
    for number in range(7):
        sandbox.act("intacct", "mgarcia", "create_bill", without_change_time=number % 2 == 0)
    return a_hook()


def numbers(pages: Any) -> list[str]:
    return [row["RECORDNO"] for page in pages for row in page]


@pytest.mark.parametrize(("name", "made"), [(BILL, "AUWHENCREATED"), (LINE, "WHENCREATED")])
def test_what_fits_a_page_is_one_call_and_what_does_not_is_walked_by_time(hook: Any, name: str, made: str) -> None:
    since = "11/23/2026 10:00:00"
    several = change_walks(since_text=since, created_since_text=since, created_field=made)
    reader, select = hook.reader, ("RECORDNO", "WHENMODIFIED", made)
    apart = [number for walk in several for number in numbers(reader.pages(name, walk, page_size=2000, select=select))]
    assert len(apart) == len(set(apart)) >= 7
    for page_size, calls in ((2000, 1), (len(apart), 1), (len(apart) - 1, 3), (1, 1 + len(apart))):
        before = reader.gateway.calls[f"query {name}"]
        found = numbers(reader.pages_of(name, several, page_size=page_size, select=select))
        assert sorted(found) == sorted(apart)
        assert reader.gateway.calls[f"query {name}"] - before == calls


def test_one_walk_is_walked_as_it_is_and_nothing_in_several_is_no_page(hook: Any) -> None:
    far = "01/01/2090 00:00:00"
    several = change_walks(since_text=far, created_since_text=far, created_field="AUWHENCREATED")
    before = hook.reader.gateway.calls["query APBILL"]
    assert list(hook.reader.pages_of(BILL, several, page_size=5)) == []
    assert hook.reader.gateway.calls["query APBILL"] - before == 1
    changed = several[:1]
    assert numbers(hook.reader.pages_of(BILL, changed, page_size=2)) == numbers(
        hook.reader.pages(BILL, changed[0], page_size=2)
    )


def test_a_row_that_changes_behind_a_page_is_met_again_where_there_are_several(sandbox: Any, hook: Any) -> None:
    """A walk by record number would have passed it, and its cursor could be behind the newest change that it met."""
    since = "11/23/2026 10:00:00"
    several = change_walks(since_text=since, created_since_text=since, created_field="AUWHENCREATED")
    pages = hook.reader.pages_of(BILL, several, page_size=2)
    first = next(pages)
    sandbox.clock(advance_seconds=60)
    sandbox.act("intacct", "mgarcia", "edit_bill", record_no=first[0]["RECORDNO"], changes={"reference": "behind"})
    rest = [row for page in pages for row in page]
    (again,) = [row for row in rest if row["RECORDNO"] == first[0]["RECORDNO"]]
    assert again["WHENMODIFIED"] > first[0]["WHENMODIFIED"]
