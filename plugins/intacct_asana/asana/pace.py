"""Calls at an even pace below Asana's limits, shared by every process that uses a token."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from intacct_asana.errors import TryLater

CATCH_UP_SECONDS = 1.0
"""A schedule that a busy machine is late with by no more than that is caught up with; what is lost beyond stays lost."""

AT_REST_SECONDS = 0.15
"""After a rest so much of the schedule may start together."""

MINUTE_SECONDS = 61.5
"""What a minute's calls are spread over, so that 60 seconds and a second caught up with never hold more than the limit.

Half a second is left because some calls take longer to arrive than others.
"""

SLOWED_TO = 0.75
"""A refusal says that somebody else uses the same token too, here or on another machine: both take a quarter off their rate."""

SLOWEST = 1 / 16

RECOVERY_SECONDS = 300.0
"""The whole rate would come back evenly over this time, a quarter of it in a quarter of the time."""

ROUNDING_SECONDS = 1e-6
"""Less than that is the rounding of floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one token stands. Instants are seconds of one clock; `share` of the rate was left at `slowed_at`."""

    next_at: float = 0.0
    paused_until: float = 0.0
    slowed_at: float = 0.0
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The rule. In no span of 60 seconds more than `requests_per_minute` calls start."""

    requests_per_minute: int

    def next(self, standing: Standing, *, now: float) -> tuple[float, Standing]:
        """0 and the new standing when a call may start now, else the seconds until it is worth asking again."""
        delay_seconds = max(standing.paused_until, standing.next_at) - now
        if delay_seconds > ROUNDING_SECONDS:
            return delay_seconds, standing
        is_late = now - standing.next_at <= CATCH_UP_SECONDS
        due_at = standing.next_at if is_late else now - AT_REST_SECONDS
        return 0.0, replace(standing, next_at=due_at + self._interval_seconds(self._share(standing, now)))

    def refused(self, standing: Standing, *, now: float, wait_seconds: float) -> Standing:
        """Nobody starts before `wait_seconds` are over. Refusals of calls that were under way together slow down once."""
        paused_until = max(standing.paused_until, now + wait_seconds)
        if now < standing.paused_until - ROUNDING_SECONDS:
            return replace(standing, paused_until=paused_until, next_at=max(standing.next_at, paused_until))
        share = max(SLOWEST, self._share(standing, now) * SLOWED_TO)
        # A short pause is no faster way to the next turn.
        next_at = max(paused_until, now + self._interval_seconds(share))
        return Standing(next_at=next_at, paused_until=paused_until, slowed_at=paused_until, share=share)

    def _interval_seconds(self, share: float) -> float:
        return MINUTE_SECONDS / max(1, self.requests_per_minute - 1) / share

    @staticmethod
    def _share(standing: Standing, now: float) -> float:
        return min(1.0, standing.share + max(0.0, now - standing.slowed_at) / RECOVERY_SECONDS)


PATIENCE_SECONDS = 120.0
"""The longest pause that is slept through. A longer one is Airflow's to wait for, without holding a worker."""

PAUSED = "paused"
"""The code of the TryLater that says so."""

Clock = Callable[[], float]
Sleep = Callable[[float], None]


class Pace:
    """Turns to call Asana, as `Turns` spreads them. Reads and writes have lanes of their own, as Asana counts them.

    Thread-safe. Source: developers.asana.com/docs/rate-limits.
    """

    def __init__(
        self,
        *,
        requests_per_minute: int,
        max_reads: int,
        max_writes: int,
        clock: Clock = time.monotonic,
        sleep: Sleep = time.sleep,
    ) -> None:
        self._clock, self._sleep = clock, sleep
        self._reads, self._writes = threading.BoundedSemaphore(max_reads), threading.BoundedSemaphore(max_writes)
        self._turns = Turns(requests_per_minute=requests_per_minute)
        self._lock = threading.Lock()
        self._standing = Standing()
        self._queue = threading.Lock()

    @contextmanager
    def turn(self, *, is_write: bool) -> Iterator[None]:
        """Holds a lane while the call runs. Raises TryLater when a pause is longer than anyone should sleep."""
        with self._writes if is_write else self._reads:
            self._await_start()
            yield

    def pause(self, wait_seconds: float) -> None:
        """Nobody starts before `wait_seconds` are over: refused requests count too, so one refusal stops everyone."""
        with self._lock:
            self._standing = self._turns.refused(self._standing, now=self._clock(), wait_seconds=wait_seconds)

    def _await_start(self) -> None:
        # One thread waits for the next turn and the others for that thread, or all of them would wake for each turn.
        with self._queue:
            while delay_seconds := self._delay():
                self._sleep(delay_seconds)

    def _delay(self) -> float:
        """0 when the caller may start now (and the start is counted), else the seconds to sleep before asking again."""
        with self._lock:
            now = self._clock()
            pause_seconds = self._standing.paused_until - now
            if pause_seconds > PATIENCE_SECONDS:
                raise TryLater("Asana's limit is used up for too long to wait here.", code=PAUSED, wait_seconds=pause_seconds)
            delay_seconds, self._standing = self._turns.next(self._standing, now=now)
            return delay_seconds


_paces: dict[str, Pace] = {}
_paces_lock = threading.Lock()


def pace_for(token: str, *, requests_per_minute: int, max_reads: int, max_writes: int) -> Pace:
    """The one pace of this token in this process. The limits of the hook that came first hold."""
    key = hashlib.sha256(token.encode()).hexdigest()
    with _paces_lock:
        if key not in _paces:
            _paces[key] = Pace(requests_per_minute=requests_per_minute, max_reads=max_reads, max_writes=max_writes)
        return _paces[key]
