"""When the next call may start: evenly spread below a limit a minute, and slower for a while after a refusal. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

BURST = 5
"""So many calls may start together after a rest; a hiccup of the machine is caught up with as many."""

MINUTE_SECONDS = 61.0
"""Calls arrive a little after they started, some later than others: a minute of arrivals holds more than one of starts."""

SLOWED_TO = 0.5
"""A refusal says that somebody else uses the same token too, here or on another machine: the rate is halved, as theirs is."""

SLOWEST = 1 / 16

RECOVERY_SECONDS = 300.0
"""The whole rate comes back evenly over this time, half of it in half the time."""

ROUNDING_SECONDS = 1e-6
"""Less than that is the rounding of floats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where one token stands. Instants are seconds of one clock; `share` of the rate was left at `slowed_at`."""

    due_at: float = 0.0
    paused_until: float = 0.0
    slowed_at: float = 0.0
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """The rule. In no span of 60 seconds more than `requests_per_minute` calls start."""

    requests_per_minute: int

    def next(self, standing: Standing, *, now: float) -> tuple[float, Standing]:
        """0 and the new standing when a call may start now, else the seconds until it is worth asking again."""
        interval_seconds = self._interval_seconds(self._share(standing, now))
        delay_seconds = max(standing.paused_until, standing.due_at - self._slack_seconds(interval_seconds)) - now
        if delay_seconds > ROUNDING_SECONDS:
            return delay_seconds, standing
        return 0.0, replace(standing, due_at=max(standing.due_at, now) + interval_seconds)

    def refused(self, standing: Standing, *, now: float, wait_seconds: float) -> Standing:
        """Nobody starts before `wait_seconds` are over. Refusals of calls that were under way together slow down once."""
        paused_until = max(standing.paused_until, now + wait_seconds)
        if now < standing.paused_until - ROUNDING_SECONDS:
            return replace(standing, paused_until=paused_until)
        share = max(SLOWEST, self._share(standing, now) * SLOWED_TO)
        interval_seconds = self._interval_seconds(share)
        # No burst when the pause ends, and a short pause is no faster way to the next turn.
        due_at = max(paused_until, now + interval_seconds) + self._slack_seconds(interval_seconds)
        return Standing(due_at=due_at, paused_until=paused_until, slowed_at=paused_until, share=share)

    @property
    def _burst(self) -> int:
        return max(1, min(BURST, self.requests_per_minute // 10))

    def _interval_seconds(self, share: float) -> float:
        # A full burst and a minute's turns together must not exceed the limit.
        return MINUTE_SECONDS / max(1, self.requests_per_minute - self._burst) / share

    def _slack_seconds(self, interval_seconds: float) -> float:
        return (self._burst - 1) * interval_seconds

    @staticmethod
    def _share(standing: Standing, now: float) -> float:
        return min(1.0, standing.share + max(0.0, now - standing.slowed_at) / RECOVERY_SECONDS)
