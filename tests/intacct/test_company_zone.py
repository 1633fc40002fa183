"""A company that writes change times by its own clocks: windows find everything, also in the night that has an hour twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.errors import Misconfigured
from intacct_asana.intacct.timestamps import ServerClock
from intacct_asana.records import ReadWindow, UserFormatting

ZONE = "America/Los_Angeles"
ZONES = (ZONE, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
SET_BACK = datetime(2026, 11, 1, 9, tzinfo=UTC)
MINUTES = st.integers(-300, 300)


@given(zone=st.sampled_from(ZONES), at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)), length=st.integers(1, 600))  # noqa: DTZ001
def test_a_window_holds_whatever_happened_in_it(zone: str, at: datetime, length: int) -> None:
    holds_all(zone, at.replace(tzinfo=UTC, microsecond=0), length)


@given(start=MINUTES, length=st.integers(1, 300))
def test_a_window_holds_whatever_happened_around_the_hour_that_comes_twice(start: int, length: int) -> None:
    holds_all(ZONE, SET_BACK + timedelta(minutes=start), length)


def holds_all(zone: str, start: datetime, length: int) -> None:
    clock = ServerClock(zone=ZoneInfo(zone))
    end = start + timedelta(minutes=length)
    low, high = clock.naive(clock.lowest_text(start)), clock.naive(clock.highest_text(end))
    for minute in range(length):
        assert low <= clock.naive(clock.text_of(start + timedelta(minutes=minute))) < high
    assert high - low <= end - start + timedelta(hours=2)


def test_with_a_fixed_offset_bounds_are_the_instants_themselves() -> None:
    clock = ServerClock(gmt_offset=timedelta(hours=-8))
    assert {clock.text_of(SET_BACK), clock.lowest_text(SET_BACK), clock.highest_text(SET_BACK)} == {"11/01/2026 01:00:00"}


def changed_in(hook: Any, start: str, end: str) -> set[str]:
    day = "2026-11-01T{}:00+00:00"
    window = ReadWindow(
        modified_from=datetime.fromisoformat(day.format(start)), modified_to=datetime.fromisoformat(day.format(end))
    )
    return {bill.record_no for page in hook.bills(window) for bill in page if bill.modified_at_text}


def test_a_manual_window_follows_the_companys_clocks(sandbox: Any, a_hook: Any) -> None:
    sandbox.reset(now="2026-11-01T08:40:00Z", settings={"company_zone": ZONE})
    first, second, third = (str(bill["record_no"]) for bill in sandbox.state("intacct")["bills"][:3])
    for record_no in (first, second, third):
        sandbox.act("intacct", "mgarcia", "edit_bill", record_no=record_no, changes={"description": "x"})
        sandbox.clock(advance_seconds=30 * 60)
    hook = a_hook(extra={"timestamp_zone": ZONE})
    told = {number: hook.bill(number).modified_at_text[11:] for number in (first, second, third)}
    assert told == {first: "01:40:00", second: "01:10:00", third: "01:40:00"}
    assert {first, second} <= changed_in(hook, "08:30", "09:20")
    assert second in changed_in(hook, "09:05", "09:30")
    assert changed_in(hook, "11:00", "12:00") == set()


def test_preflight_takes_the_zone_that_the_connection_names(sandbox: Any, a_hook: Any) -> None:
    formatting = UserFormatting(locale="en_US", date_format="/mdY", gmt_offset="-08:00", clock="24")
    assert a_hook(extra={"timestamp_zone": ZONE}).check_formatting(formatting).endswith(ZONE)
    with pytest.raises(Misconfigured, match="no time zone such as"):
        a_hook(extra={"timestamp_zone": "Mars/Olympus"}).probe("VENDOR")
    with pytest.raises(Misconfigured, match="both timestamp_offset and timestamp_zone"):
        a_hook(extra={"timestamp_zone": ZONE, "timestamp_offset": "-8"}).probe("VENDOR")
