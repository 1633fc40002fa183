"""The meter: what a month's calls come to, and when it warns."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from intacct_asana.reports.meter import CallsOfDay, meter_state, month_before

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def calls(day: int, count: int, *, month: int = 11, **more: Any) -> CallsOfDay:
    said = {"flow": "demo", "system": "intacct", "company": "ACME", "job": "bill_sync"}
    return CallsOfDay(**{**said, **more}, day=date(2026, month, day), calls=count)


def state(*rows: CallsOfDay, at: datetime = NOON, **more: Any) -> Any:
    return meter_state(rows, company="ACME", at=at, **more)


def test_a_month_is_what_all_flows_of_the_company_called_in_it() -> None:
    rows = [
        calls(1, 10),
        calls(20, 5, flow="other", job="vendor_sync", company="acme"),
        calls(31, 900, month=10),
        calls(20, 7, company="ELSEWHERE"),
        calls(20, 7, system="asana"),
    ]
    found = state(*rows)
    assert found.used == 15
    assert found.by_flow == {"demo": 10, "other": 5}
    assert found.by_job == {"bill_sync": 10, "vendor_sync": 5}


def test_the_rest_of_the_month_is_taken_to_be_as_the_last_week() -> None:
    rows = [calls(day, 1000) for day in range(15, 21)] + [calls(21, 500)]
    assert state(*rows).forecast == 6500 + 9500


def test_a_first_sync_of_an_hour_ago_is_no_measure_of_the_month() -> None:
    assert state(calls(21, 5000), at=NOON.replace(hour=1)).forecast == 5000 + round(5000 * (10 - 1 / 24))


def test_it_warns_at_the_declared_part_and_where_the_month_will_be_over() -> None:
    used = [calls(1, 790)]
    assert not state(*used, monthly_calls=1000).warns
    assert state(*used, calls(2, 10), monthly_calls=1000).is_near
    assert state(*used, monthly_calls=1000, warn_at=0.7).is_near
    ahead = state(calls(20, 100), calls(21, 100), monthly_calls=1000)
    assert (ahead.is_near, ahead.is_to_be_over, ahead.warns) == (False, True, True)
    assert not state(calls(1, 10**6)).warns


def test_its_words_say_what_is_used_and_what_comes() -> None:
    said = state(calls(1, 61_200), monthly_calls=100_000).words
    assert said == "Intacct calls of company ACME in November: 61,200 of 100,000 used, about 61,200 by its end."


def test_it_asks_for_the_month_and_for_the_days_before_it_that_the_forecast_needs() -> None:
    assert month_before(NOON) == date(2026, 11, 1)
    assert month_before(datetime(2026, 11, 2, tzinfo=UTC)) == date(2026, 10, 26)
