"""Rate and concurrency limits, for each token on its own. Refused requests count too.

Asana tells a quota for each minute, which it looks at more often than once a minute, and not how. So there are two checks. A
budget refills evenly: whoever rested may spend a whole minute's quota at once. And no span of `asana_window_seconds` (a minute)
may hold more than its share of the quota, however long one rested; a shorter span is a stricter Asana.
"""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass, field

from sandbox.asana.errors import too_many
from sandbox.core import World

CONCURRENCY_RETRY_SECONDS = 1


@dataclass
class Meter:
    """One token's budget, the times of its latest requests, and its requests in flight."""

    left: float
    at: float
    times: deque[float] = field(default_factory=deque)
    reads: int = 0
    writes: int = 0


class Limits:
    def __init__(self, world: World) -> None:
        self.world = world
        self.meters: dict[str, Meter] = {}

    def enter(self, token: str, *, reads: int, writes: int) -> None:
        """Admit requests, or raise 429 with Retry-After. Every admitted one must `leave`."""
        meter = self._refilled(token)
        meter.left = max(meter.left - reads - writes, -self._per_minute())
        wait_seconds = max(self._until_refilled(meter), self._until_window_has_room(meter, reads + writes))
        if wait_seconds > 0:
            raise too_many(math.ceil(wait_seconds))
        too_many_reads = reads and meter.reads + reads > int(self.world.setting("asana_max_reads", 50))
        too_many_writes = writes and meter.writes + writes > int(self.world.setting("asana_max_writes", 15))
        if too_many_reads or too_many_writes:
            raise too_many(CONCURRENCY_RETRY_SECONDS)
        meter.reads += reads
        meter.writes += writes

    def leave(self, token: str, *, reads: int, writes: int) -> None:
        meter = self.meters.get(token)
        if meter:
            meter.reads = max(meter.reads - reads, 0)
            meter.writes = max(meter.writes - writes, 0)

    def _until_refilled(self, meter: Meter) -> float:
        return (1 - meter.left) * 60 / self._per_minute() if meter.left < 0 else 0

    def _until_window_has_room(self, meter: Meter, count: int) -> float:
        """Notes `count` requests. Seconds until one more fits, when they were too many for the window; else 0."""
        window_seconds = float(self.world.setting("asana_window_seconds", 60))
        most = max(1, int(self._per_minute() * window_seconds / 60))
        while meter.times and meter.times[0] <= meter.at - window_seconds:
            meter.times.popleft()
        meter.times.extend([meter.at] * count)
        if len(meter.times) <= most:
            return 0
        return meter.times[-most] + window_seconds - meter.at

    def _per_minute(self) -> float:
        default = 150 if self.world.setting("asana_free_plan", False) else 1500
        return float(self.world.setting("asana_requests_per_minute", default))

    def _refilled(self, token: str) -> Meter:
        """The budget refills by real time, so that a test which freezes the clock is not locked out."""
        now, full = time.monotonic(), self._per_minute()
        meter = self.meters.setdefault(token, Meter(left=full, at=now))
        meter.left = min(full, meter.left + (now - meter.at) * full / 60)
        meter.at = now
        return meter
