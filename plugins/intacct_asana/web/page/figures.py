"""Decisions a day, and calls against what the company may make, as small plots that can be read as tables too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, timedelta

from fastapi import Response

from intacct_asana.flow.model import Flow
from intacct_asana.reports.meter import ASANA, INTACCT, CallsOfDay, meter_state, month_before
from intacct_asana.web.page.frame import Asked, Page, Seen
from intacct_asana.web.page.rows import DECISIONS, Cell, Table

DAYS = 30
SERIES = {"carried-out": "Carried out", "refused": "Refused", "given": "Given for a step", "void": "Void"}
WAITING = "On their way"


def add_to(page: Page) -> None:
    page.tab("figures", "Figures")
    page.get("/flows/{flow}/figures", figures)


def figures(asked: Asked) -> Response:
    seen = asked.flow()
    today = asked.now.astimezone(UTC).date()
    days = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    decided = seen.store.listing().decided_by_day(days[0])
    calls = seen.store.calls().by_day(days[0])
    return asked.html(
        "figures.html",
        seen,
        tab="figures",
        decisions=decisions_by_day(days, decided),
        calls=calls_by_day(days, calls),
        meter=_meter(asked, seen),
    )


def decisions_by_day(days: Sequence[date], decided: Mapping[tuple[date, str], int]) -> Table:
    named = {str(state): SERIES.get(name, WAITING) for name, states in DECISIONS.items() for state in states}
    series = [*SERIES.values(), WAITING]

    def count(day: date, name: str) -> int:
        return sum(number for (on, state), number in decided.items() if on == day and named.get(state) == name)

    return _table(days, series, count, empty="Nobody decided anything in these days.")


def calls_by_day(days: Sequence[date], calls: Sequence[CallsOfDay]) -> Table:
    systems = {"Intacct": INTACCT, "Asana": ASANA}

    def count(day: date, name: str) -> int:
        return sum(row.calls for row in calls if row.day == day and row.system == systems[name])

    return _table(days, list(systems), count, empty="No run has noted its calls yet.")


def _table(days: Sequence[date], series: Sequence[str], count: Callable[[date, str], int], *, empty: str) -> Table:
    """Series of which no day has anything are left out."""
    counted = {name: [count(day, name) for day in days] for name in series}
    told = [name for name in series if any(counted[name])]
    rows = [
        (Cell(text=day.isoformat()), *(Cell(text=str(counted[name][place]), is_number=True) for name in told))
        for place, day in enumerate(days)
    ]
    return Table(headings=("Day", *told), rows=tuple(rows) if told else (), empty=empty)


def _meter(asked: Asked, seen: Seen) -> Mapping[str, object]:
    """The month's calls of the company, of all flows in this store. Nothing before preflight has pinned the company."""
    pins = seen.store.pins("bill")
    if pins is None or not pins.company_id:
        return {}
    rows = seen.store.calls().of_company(pins.company_id, since=month_before(asked.now))
    monthly, warn_at = declared(seen.flow)
    state = meter_state(rows, company=pins.company_id, at=asked.now, monthly_calls=monthly, warn_at=warn_at)
    return {
        "words": state.words,
        "used": state.used,
        "of": monthly,
        "warn_at": warn_at,
        "forecast": state.forecast,
        "warns": state.warns,
    }


def declared(flow: Flow) -> tuple[int, float]:
    """What the flow file declares of the company's calls a month; 0 where it declares nothing."""
    return (flow.meter.monthly_calls, flow.meter.warn_at) if flow.meter else (0, 0.8)
