"""How a run reads is decided from how it was started."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from intacct_asana.errors import Misconfigured
from intacct_asana.reading.following import Reading, reading_of
from intacct_asana.records import ReadWindow

SCOPE = ReadWindow(entity_ids=("US01",))
INTERVAL = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))


def reading(*, since_text: str = "", run_type: str = "scheduled", **params: object) -> Reading:
    return reading_of(params, run_type=run_type, interval=INTERVAL, since_text=since_text, scope=SCOPE)


def test_a_run_with_a_cursor_reads_on_from_it_and_moves_it() -> None:
    found = reading(since_text="03/01/2026 10:00:00")
    assert found.window == ReadWindow(entity_ids=("US01",), since_text="03/01/2026 10:00:00")
    assert (found.moves_cursor, found.compares_all) == (True, False)


def test_a_lost_cursor_means_a_full_pass() -> None:
    found = reading()
    assert found.window == SCOPE
    assert (found.moves_cursor, found.compares_all) == (True, True)


def test_a_backfill_reads_its_interval_and_moves_no_cursor() -> None:
    found = reading(run_type="backfill", since_text="03/01/2026 10:00:00", full=True)
    assert (found.window.modified_from, found.window.modified_to) == INTERVAL
    assert (found.moves_cursor, found.compares_all) == (False, False)


def test_a_window_run_moves_no_cursor() -> None:
    found = reading(since="2026-02-01T00:00:00+01:00", since_text="03/01/2026 10:00:00")
    assert found.window.modified_from == datetime(2026, 1, 31, 23, tzinfo=UTC)
    assert found.window.modified_to is None
    assert not found.moves_cursor


@pytest.mark.parametrize("narrowed", [{"vendor_ids": ["V1"]}, {"bill_numbers": ["4711"]}])
def test_a_narrowed_run_moves_no_cursor_and_compares_only_what_it_names(narrowed: dict[str, list[str]]) -> None:
    found = reading(full=True, **narrowed)
    assert not found.moves_cursor
    assert not found.compares_all


def test_a_bad_since_says_what_it_wants() -> None:
    with pytest.raises(Misconfigured, match="2026-11-23T08:00:00Z"):
        reading(since="last tuesday")
