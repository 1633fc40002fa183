"""Rows that Intacct shows long after the time that they tell are read all the same, and few runs look far back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from intacct_asana.errors import IntacctAsanaError
from intacct_asana.flow.load import load_flow
from intacct_asana.intacct.timestamps import ServerClock
from intacct_asana.reading.late import LookBack

from sandbox import constants
from tests.flow.mapping_builders import DEMO

BEGIN = datetime(2026, 5, 4, 8, tzinfo=UTC)
HOUR = 3600


class Days:
    """A company of which both clocks are the sandbox's; a bill changes now and then, so that cursors move."""

    def __init__(self, company: Any) -> None:
        self.company, self.at, self.kinds = company, BEGIN, ("vendor", "bill")
        company.now = lambda: self.at
        pins = company.pinned()
        told = {"payments_touch_bill": False, "line_changes_touch_header": False}
        company.sandbox.reset(vendors=3, bills=4, now=BEGIN.isoformat(), settings=told, keep_fields=True)
        company.new_store()
        company.pin_again(pins)
        company.small_flow(limits={"empty_side": False})
        self.ticking = company.a_bill(state="Posted", amount="1.00")
        self.run()

    def run(self) -> None:
        for kind in self.kinds:
            self.company.sync(kind)

    def wait(self, hours: float, *, every: float = 0.25, ticks: bool = True) -> None:
        """So many hours with a run every so many, and something of each kind before it."""
        for _ in range(round(hours / every)):
            self.at += timedelta(hours=every)
            self.company.sandbox.clock(advance_seconds=every * HOUR)
            if ticks:
                self.company.edit(self.ticking, reference=f"{self.at}", line=1, description=f"{self.at}")
                self.company.act("edit_vendor", vendor_id="V1001", changes={"comments": f"{self.at}"})
            self.run()

    def looked_back(self) -> bool:
        return "hours" in self.company.plan["why"]

    def missing(self) -> list[str]:
        vendors = {one["vendor_id"] for one in self.company.sandbox.state("intacct")["vendors"]}
        tasks = self.company.tasks(constants.VENDORS_PROJECT_GID)
        shown = {str(task["fields"]["Intacct vendor key"]).rpartition(":")[2] for task in tasks}
        return [*self.company.differences(), *(f"vendor {one}: no task" for one in vendors - shown)]


@pytest.fixture
def days(company: Any) -> Days:
    return Days(company)


@pytest.mark.parametrize(("late", "every"), [(1.5, 0.5), (40, 10)])
def test_what_shows_up_hours_late_is_read_by_a_later_run(days: Days, late: float, every: float) -> None:
    """A new bill and a new vendor, and a payment and a changed line of bills that are there."""
    paid, changed = (days.company.a_bill(state="Posted", amount="9.00") for _ in range(2))
    days.run()
    for action, arguments in (
        ("create_bill", {"amount": "12.34"}),
        ("create_vendor", {"vendor_id": "LATE", "name": "Late & Co"}),
        ("pay_bill", {"record_no": paid, "amount": "0.25"}),
        ("edit_bill", {"record_no": changed, "changes": {"line": 1, "amount": "7.00"}}),
    ):
        days.company.act(action, **arguments, late_seconds=late * HOUR)
    days.wait(late - every, every=every)
    assert days.missing() == []
    days.wait(2 if late < 2 else 30, every=every)
    assert days.missing() == []
    assert len(days.company.bills()) == 8


def test_a_wide_look_is_made_once_an_hour_and_a_run_between_costs_nothing_more(days: Days) -> None:
    days.kinds = ("bill",)
    days.wait(1, every=1)
    seen = []
    for _ in range(4):
        days.company.sandbox.zero_counters()
        days.wait(0.25)
        seen.append((days.looked_back(), sum(days.company.sandbox.counters().values())))
    assert [wide for wide, _ in seen] == [False, False, False, True]
    days.company.small_flow(limits={"empty_side": False}, hourly_look_back_hours=0, daily_look_back_hours=0)
    for _ in range(2):
        days.company.sandbox.zero_counters()
        days.wait(0.25)
        seen.append((days.looked_back(), sum(days.company.sandbox.counters().values())))
    # Of the runs between, the first two read whole what looking back finds again; then it is known, until a wide look writes.
    first, second, third, _, after_a_look, last = (calls for _, calls in seen)
    assert first == second == after_a_look > third == last


def test_a_wide_look_writes_nothing_about_what_did_not_change_and_counts_only_when_its_run_ended_well(days: Days) -> None:
    days.kinds = ("bill",)
    days.wait(1, every=1, ticks=False)
    assert days.looked_back()
    assert days.company.plan["read"]
    assert not days.company.plan["counts"]["update"]
    days.company.a_bill()
    days.company.sandbox.fault("asana", "POST /tasks", "status:503", times=9)
    with pytest.raises(IntacctAsanaError):
        days.wait(1, every=1)
    days.company.sandbox.clear_faults()
    seen = []
    for _ in range(2):
        days.wait(0.25)
        seen.append(days.looked_back())
    assert seen == [True, False]


def test_a_stream_that_had_not_begun_at_the_last_look_is_read_from_its_beginning() -> None:
    """Its first rows can be older than those that came first."""
    flow = load_flow(DEMO)
    stood = {"lines": "05/01/2026 08:00:00", "payments": "", "new": None}
    first = LookBack(flow.bills, kept={}.get, texts=ServerClock(), now=BEGIN)
    kept = first.made(stood)
    back = LookBack(flow.bills, kept=kept.get, texts=ServerClock(), now=BEGIN + timedelta(days=2))
    assert {stream: back.begin(stream, "05/03/2026 08:00:00") for stream in stood} == {
        "lines": "04/29/2026 08:00:00",
        "payments": "",
        "new": "05/01/2026 08:00:00",
    }
    assert back.begin("payments", "") == ""


ACT = st.sampled_from(["create_bill", "create_vendor", "pay_bill", "line", "delete_bill"])
DELAY = st.sampled_from([0, 0.1, 1.5, 2.5, 7, 24, 40]) | st.floats(0, 40)
STEP = st.tuples(ACT, st.integers(0, 30), DELAY, st.sampled_from([0.25, 1, 5]), st.booleans())

ALL_KINDS = [
    ("create_bill", 0, 40, 1, True),
    ("create_vendor", 0, 24, 1, True),
    ("line", 1, 30, 1, True),
    ("pay_bill", 0, 7, 5, True),
]


def play(days: Days, history: list[tuple[str, int, float, float, bool]]) -> None:
    """Acts that come to light up to 40 hours late, with runs between them; then three quiet days."""
    for number, (action, which, late, gap, ticks) in enumerate(history):
        arguments = asked(days, action, which, number)
        if arguments is not None:
            name = "edit_bill" if action == "line" else action
            days.company.act_if_possible(name, **arguments, late_seconds=late * HOUR)
        days.wait(gap, every=gap, ticks=ticks)
    days.wait(72, every=18, ticks=False)
    assert days.missing() == []


def asked(days: Days, action: str, which: int, number: int) -> dict[str, Any] | None:
    if action == "create_bill":
        return {"amount": f"{number}.50", "state": "Posted"}
    if action == "create_vendor":
        return {"vendor_id": f"N{number}", "name": f"Newcomer {number}"}
    open_bills = [one for one in days.company.bills().values() if one["state"] == "Posted" and not one["on_hold"]]
    bill = [one for one in open_bills if one["record_no"] != days.ticking][which % 3 : which % 3 + 1]
    if not bill:
        return None
    changes = {"changes": {"line": 1, "amount": f"{number}.75"}} if action == "line" else {}
    return {"record_no": bill[0]["record_no"], **changes, **({"amount": "0.01"} if action == "pay_bill" else {})}


def law(company: Any, histories: int, *, derandomize: bool) -> None:
    @settings(
        max_examples=histories, deadline=None, derandomize=derandomize, suppress_health_check=list(HealthCheck), print_blob=True
    )
    @example(ALL_KINDS)
    @given(st.lists(STEP, min_size=1, max_size=4))
    def holds(history: list[tuple[str, int, float, float, bool]]) -> None:
        play(Days(company), history)

    holds()


@pytest.mark.laws
def test_whatever_comes_to_light_within_forty_hours_reaches_its_task(company: Any) -> None:
    law(company, 1, derandomize=True)


@pytest.mark.laws
@pytest.mark.slow
def test_whatever_comes_to_light_within_forty_hours_reaches_its_task_in_many_histories(company: Any) -> None:
    law(company, 30, derandomize=False)
