"""The pace of one token: never over the limit in any minute, lanes apart, one refusal stops everyone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intacct_asana.asana.pace import PATIENCE_SECONDS, Pace, pace_for
from intacct_asana.errors import TryLater


class Time:
    """A clock that moves only when somebody sleeps, or when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def a_pace(time: Time, *, requests_per_minute: int = 150, max_reads: int = 50, max_writes: int = 15) -> Pace:
    return Pace(
        requests_per_minute=requests_per_minute,
        max_reads=max_reads,
        max_writes=max_writes,
        clock=lambda: time.now,
        sleep=time.sleep,
    )


def start(pace: Pace, time: Time) -> float:
    with pace.turn(is_write=False):
        return time.now


@given(
    st.integers(min_value=1, max_value=300),
    st.lists(st.floats(min_value=0, max_value=20), min_size=1, max_size=40),
)
def test_no_minute_ever_has_more_starts_than_the_limit(requests_per_minute: int, idle: list[float]) -> None:
    time = Time()
    pace = a_pace(time, requests_per_minute=requests_per_minute)
    starts: list[float] = []
    for seconds in idle:
        time.now += seconds
        starts += [start(pace, time) for _ in range(min(requests_per_minute + 1, 12))]
    for first in starts:
        assert sum(first <= at < first + 59.99 for at in starts) <= max(requests_per_minute, 1)


def test_calls_start_evenly_whoever_is_waiting() -> None:
    time = Time()
    pace = a_pace(time, requests_per_minute=150)
    starts = [start(pace, time) for _ in range(40)]
    gaps = [after - before for before, after in pairwise(starts)]
    assert gaps[1:] == pytest.approx([61.5 / 149] * 38)


def test_one_refusal_stops_everyone_for_as_long_as_asana_says() -> None:
    time = Time()
    pace = a_pace(time)
    pace.pause(30)
    assert start(pace, time) == pytest.approx(1030)


def test_a_pause_that_is_too_long_is_handed_back() -> None:
    time = Time()
    pace = a_pace(time)
    pace.pause(PATIENCE_SECONDS + 60)
    with pytest.raises(TryLater) as caught:
        start(pace, time)
    assert caught.value.wait_seconds == pytest.approx(PATIENCE_SECONDS + 60)
    assert time.now == 1000.0


def test_a_lane_is_free_again_after_a_call_that_failed() -> None:
    time = Time()
    pace = a_pace(time, max_writes=1)
    for _ in range(3):
        with pytest.raises(RuntimeError), pace.turn(is_write=True):
            raise RuntimeError


def test_reads_and_writes_have_lanes_of_their_own() -> None:
    pace = a_pace(Time(), max_reads=3, max_writes=2, requests_per_minute=100_000)
    in_flight = {False: 0, True: 0}
    most = {False: 0, True: 0}
    lock, gate = threading.Lock(), threading.Event()

    def call(is_write: bool) -> None:
        with pace.turn(is_write=is_write):
            with lock:
                in_flight[is_write] += 1
                most[is_write] = max(most[is_write], in_flight[is_write])
                if most == {False: 3, True: 2}:
                    gate.set()
            gate.wait(5)
            with lock:
                in_flight[is_write] -= 1

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(call, [True, False] * 10))
    assert most == {False: 3, True: 2}


def test_hooks_of_one_token_share_a_pace_and_others_do_not() -> None:
    limits = {"requests_per_minute": 100, "max_reads": 2, "max_writes": 1}
    assert pace_for("pace-token-a", **limits) is pace_for("pace-token-a", **limits)
    assert pace_for("pace-token-a", **limits) is not pace_for("pace-token-b", **limits)
