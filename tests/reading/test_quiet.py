"""A quiet time: what is declared is kept, to the minute, and a change or a wish of people ends it at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.flow.running.meter import Idle
from intacct_asana.reading.quiet import Quiet

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def at(minutes: int, text: str | None, *, every: int = 60, glance: int | None = None, interval: int = 10) -> Quiet:
    rule = Idle(after_minutes=120, every_minutes=every, glance_minutes=glance)
    return Quiet.of(text, rule=rule, at=MIDNIGHT + timedelta(minutes=minutes), interval=timedelta(minutes=interval))


def test_it_begins_after_the_declared_time_without_a_change() -> None:
    text = at(0, None).text(changed=True)
    text = at(100, text).text(changed=False)
    assert not at(110, text).rests()
    text = at(110, text).text(changed=False)
    assert at(120, text).rests()
    changed = at(120, text).text(changed=True)
    assert not at(130, changed).rests()


def test_what_another_step_found_counts_as_a_change() -> None:
    text = at(200, at(0, None).text(changed=True)).text(changed=False)
    assert at(210, text).rests()
    assert not at(210, text).rests(changed_at=MIDNIGHT + timedelta(minutes=205))


@given(every=st.integers(10, 300), interval=st.integers(1, 120))
def test_nothing_waits_longer_than_declared(every: int, interval: int) -> None:
    """Between two readings lies at most the declared time, or the time between two runs where that is longer."""
    text, read = at(-1000, None, every=every, interval=interval).text(changed=True), [0]
    text = at(0, text, every=every, interval=interval).text(changed=False)
    for minutes in range(interval, 1500, interval):
        quiet = at(minutes, text, every=every, interval=interval)
        if not quiet.rests():
            read.append(minutes)
            text = quiet.text(changed=False)
    assert all(later - before <= max(every, interval) for before, later in pairwise(read))


def test_a_glance_that_shows_something_new_has_everything_read() -> None:
    text = at(0, at(-1000, None, every=720, glance=60).text(changed=True), every=720, glance=60).text(changed=False)
    asked = list[int]()

    def look(minutes: int, shown: str) -> tuple[bool, Quiet]:
        quiet = at(minutes, text, every=720, glance=60)
        rests = quiet.rests(lambda: asked.append(minutes) or shown)  # type: ignore[func-returns-value]
        return rests, quiet

    rests, quiet = look(60, "a")
    assert not rests
    text = quiet.text(changed=False)
    assert look(70, "a")[0]
    rests, quiet = look(120, "a")
    assert rests
    assert asked == [60, 120]
    text = quiet.glanced
    assert look(130, "b")[0], "nobody asks before it is due"
    assert not look(180, "b")[0]


def test_a_glance_that_is_no_oftener_than_the_reading_is_refused() -> None:
    with pytest.raises(ValueError, match="glance_minutes"):
        Idle(every_minutes=60, glance_minutes=60)
