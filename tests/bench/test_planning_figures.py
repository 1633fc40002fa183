"""Planning and the plain comparison find the same bills, and the table says how they compare."""

from __future__ import annotations

import pytest

from sandbox.bench import planning
from sandbox.bench.planning import HELD, OURS, READ, Measured, measure


def test_each_way_finds_the_bills_that_changed() -> None:
    measured = measure(bills=1200, percent=1, rounds=2)
    assert (measured.bills, measured.changed) == (1200, 12)
    assert {way: len(seconds) for way, seconds in measured.seconds.items()} == {OURS: 2, READ: 2, HELD: 2}


def test_a_way_that_finds_others_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "_compared", lambda desired, held: [])
    with pytest.raises(AssertionError, match="found"):
        measure(bills=200, percent=1, rounds=1)


def test_a_row_tells_the_ratio_of_the_rounds_and_its_spread() -> None:
    measured = Measured(bills=1000, changed=10, seconds={OURS: [2.0, 3.0, 4.0], READ: [1.0, 1.0, 1.0], HELD: [0.5, 0.5, 0.5]})
    assert measured.rows()[1] == (READ, "1.00", "1000.0", "3.00", "2.00 to 4.00")
