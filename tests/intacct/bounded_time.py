"""A case that hangs is stopped and fails, as does one that is merely slow. In the main thread only."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """At most so much time of ours, which a busy machine does not stretch; stopped after ten times that by the clock."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise AssertionError("the case hangs")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 10 * seconds)
    started = time.process_time()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.process_time() - started < seconds
