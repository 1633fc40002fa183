"""The meter: Intacct bills a company's own integrations by call, so the calls of a month are counted and looked ahead.

Counted as Intacct counts: each read is one call however many rows it brings, each page of a long one is one more, and each
record that is written is one. Source: Intacct's release notes 2024 R1, API usage dashboard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

INTACCT = "intacct"
ASANA = "asana"
SYSTEMS = (INTACCT, ASANA)

LOOKS_BACK = timedelta(days=7)
"""The forecast takes the rest of the month to be as these days were: all days of a week, and no first sync of long ago."""
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsOfDay:
    """Calls that one job of a flow made to one account (an Intacct company, an Asana workspace) on one day, UTC."""

    flow: str
    system: str
    company: str
    job: str
    day: date
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterState:
    """A company's calls in a month, of all flows of the store together. `monthly_calls` is 0 where none is declared."""

    company: str
    month: date
    used: int
    forecast: int
    by_flow: Mapping[str, int]
    by_job: Mapping[str, int]
    monthly_calls: int = 0
    warn_at: float = 0.8

    @property
    def is_near(self) -> bool:
        """So much of the month's calls is used that people should know."""
        return bool(self.monthly_calls) and self.used >= self.warn_at * self.monthly_calls

    @property
    def is_to_be_over(self) -> bool:
        """As the last days were, the month needs more calls than are declared."""
        return bool(self.monthly_calls) and self.forecast > self.monthly_calls

    @property
    def warns(self) -> bool:
        return self.is_near or self.is_to_be_over

    @property
    def words(self) -> str:
        """`Intacct calls of company ACME in November: 61,200 of 100,000 used, about 98,000 by its end.`"""
        of = f" of {self.monthly_calls:,}" if self.monthly_calls else ""
        ahead = f"about {self.forecast:,} by its end"
        return f"Intacct calls of company {self.company} in {self.month:%B}: {self.used:,}{of} used, {ahead}."


def meter_state(
    rows: Iterable[CallsOfDay], *, company: str, at: datetime, monthly_calls: int = 0, warn_at: float = 0.8
) -> MeterState:
    """The state of a company's meter at `at`, from its calls since `month_before(at)`."""
    own = [row for row in rows if row.system == INTACCT and row.company.casefold() == company.casefold()]
    month = at.astimezone(UTC).date().replace(day=1)
    of_month = [row for row in own if month <= row.day <= at.astimezone(UTC).date()]
    used = sum(row.calls for row in of_month)
    left = _start_of(_next(month)) - at
    return MeterState(
        company=company,
        month=month,
        used=used,
        forecast=used + round(_a_day(own, at=at) * (left / A_DAY)),
        by_flow=_summed((row.flow, row.calls) for row in of_month),
        by_job=_summed((row.job, row.calls) for row in of_month),
        monthly_calls=monthly_calls,
        warn_at=warn_at,
    )


def month_before(at: datetime) -> date:
    """The first day whose calls the meter asks for: the month's own, and the days that the forecast goes by."""
    today = at.astimezone(UTC).date()
    return min(today.replace(day=1), today - LOOKS_BACK)


def _a_day(rows: Iterable[CallsOfDay], *, at: datetime) -> float:
    """Calls a day of late. What is younger than a day counts as a day: a first sync is no measure of what follows."""
    since = at - LOOKS_BACK
    late = [row for row in rows if since.date() < row.day <= at.date()]
    if not late:
        return 0.0
    began = _start_of(min(row.day for row in late))
    return sum(row.calls for row in late) / max(1.0, (at - began) / A_DAY)


def _summed(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    counted: Counter[str] = Counter()
    for name, calls in pairs:
        counted[name] += calls
    return dict(counted.most_common())


def _next(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
