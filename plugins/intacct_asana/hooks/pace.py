"""How fast and how many at once: Asana's limits for one token, kept by all threads of this process together."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from intacct_asana.errors import TryLater
from intacct_asana.hooks.turns import Standing, Turns

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
