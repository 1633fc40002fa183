"""The rule of turns on its own: what a refusal changes, and that strangers with one token end up sharing it."""

from __future__ import annotations

import heapq
import math
from bisect import bisect_left
from collections import Counter, deque

import pytest
from intacct_asana.asana.pace import RECOVERY_SECONDS, Standing, Turns

TURNS = Turns(requests_per_minute=1500)


def went(turns: Turns, standing: Standing, *, since: float, seconds: float) -> tuple[list[float], Standing]:
    """When calls start if somebody always waits for a turn, and the standing after that."""
    now = since
    found: list[float] = []
    while now < since + seconds:
        delay_seconds, standing = turns.next(standing, now=now)
        if delay_seconds:
            now += delay_seconds
        else:
            found.append(now)
    return found, standing


def starts(turns: Turns, standing: Standing, *, since: float, seconds: float) -> list[float]:
    return went(turns, standing, since=since, seconds=seconds)[0]


def test_nearly_the_whole_limit_is_used() -> None:
    assert 0.97 * 1500 < len(starts(TURNS, Standing(), since=1000, seconds=60)) <= 1500


@pytest.mark.parametrize("window_seconds", [10, 30, 60])
def test_a_limit_that_is_counted_over_shorter_spans_holds_too(window_seconds: float) -> None:
    found = starts(TURNS, Standing(), since=1000, seconds=65)
    most = max(bisect_left(found, first + window_seconds) - index for index, first in enumerate(found))
    assert most <= 1500 * window_seconds / 60 + 1


def test_after_a_refusal_the_rate_is_a_quarter_lower_and_comes_back() -> None:
    standing = TURNS.refused(Standing(), now=1000, wait_seconds=3)
    after = starts(TURNS, standing, since=1000, seconds=13)
    assert min(after) == pytest.approx(1003, abs=0.001)
    assert 170 < len(after) < 200
    later = 1003 + RECOVERY_SECONDS / 4
    assert len(starts(TURNS, standing, since=later, seconds=10)) > 240


def test_refusals_of_calls_that_were_under_way_together_slow_down_once() -> None:
    once = TURNS.refused(Standing(), now=1000, wait_seconds=3)
    again = TURNS.refused(once, now=1000.2, wait_seconds=5)
    assert (again.share, again.paused_until) == (once.share, 1005.2)


def test_refusals_without_end_still_leave_a_trickle() -> None:
    standing = Standing()
    for number in range(50):
        standing = TURNS.refused(standing, now=1000 + number * 2, wait_seconds=1)
    assert len(starts(TURNS, standing, since=1099, seconds=10)) >= 10


def test_after_a_rest_only_a_few_calls_start_together() -> None:
    found = starts(TURNS, Standing(next_at=1000), since=5000, seconds=1)
    assert 1 < sum(at == 5000 for at in found) < 6


def test_a_hiccup_of_the_machine_is_caught_up_with() -> None:
    """Nobody gets to run during half of every second."""
    count, standing = 0, Standing(next_at=1000)
    for second in range(60):
        found, standing = went(TURNS, standing, since=1000.5 + second, seconds=0.5)
        count += len(found)
    assert 0.97 * 1500 < count <= 1500


def test_a_long_standstill_is_not_caught_up_with() -> None:
    assert len(starts(TURNS, Standing(next_at=1000), since=1030, seconds=30)) < 0.51 * 1500


class SlidingMinute:
    """An Asana that allows 1,500 requests in any 60 seconds."""

    def __init__(self) -> None:
        self.times: deque[float] = deque()

    def wait_seconds(self, now: float) -> float:
        """How long a request that comes now is sent away for; 0 when it is served. Counts either way."""
        while self.times and self.times[0] <= now - 60:
            self.times.popleft()
        self.times.append(now)
        return self.times[-1500] + 60 - now if len(self.times) > 1500 else 0


class Budget:
    """An Asana whose budget refills evenly, so that the wait is always short."""

    def __init__(self) -> None:
        self.left, self.at = 1500.0, 0.0

    def wait_seconds(self, now: float) -> float:
        self.left, self.at = min(1500.0, self.left + (now - self.at) * 25) - 1, now
        return (1 - self.left) / 25 if self.left < 0 else 0


@pytest.mark.parametrize("asana", [SlidingMinute, Budget])
@pytest.mark.parametrize("strangers", [2, 4])
def test_strangers_with_one_token_are_rarely_refused(strangers: int, asana: type[SlidingMinute | Budget]) -> None:
    """Processes that do not know of each other, each believing in the whole limit."""
    limiter, counted = asana(), Counter[bool]()
    standings = [Standing() for _ in range(strangers)]
    turn = [(0.0, number) for number in range(strangers)]
    while (event := heapq.heappop(turn))[0] < 900:
        now, number = event
        delay_seconds, standings[number] = TURNS.next(standings[number], now=now)
        heapq.heappush(turn, (now + delay_seconds, number))
        if not delay_seconds:
            wait_seconds = math.ceil(limiter.wait_seconds(now))
            counted[wait_seconds > 0] += 1
            if wait_seconds:
                standings[number] = TURNS.refused(standings[number], now=now, wait_seconds=wait_seconds)
    assert counted[True] / counted.total() < 0.01
    assert counted[False] > 0.85 * 1500 * 15
