"""Rate and concurrency limits, for each token on its own. Refused requests count too."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from sandbox.asana.errors import too_many
from sandbox.core import World

CONCURRENCY_RETRY_SECONDS = 1


@dataclass
class Meter:
    """One token's budget (it refills evenly) and its requests in flight."""

    left: float
    at: float
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
        if meter.left < 0:
            raise too_many(math.ceil((1 - meter.left) * 60 / self._per_minute()))
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
