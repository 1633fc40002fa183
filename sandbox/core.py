"""What both stand-ins share: a clock that can be moved, counters of calls, faults on demand, settings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any


class Clock:
    """Real time plus an offset, or a frozen instant. All instants are aware UTC."""

    def __init__(self) -> None:
        self.offset = timedelta()
        self.frozen: datetime | None = None

    def now(self) -> datetime:
        return self.frozen if self.frozen else datetime.now(UTC) + self.offset

    def advance(self, seconds: float) -> None:
        if self.frozen:
            self.frozen += timedelta(seconds=seconds)
        else:
            self.offset += timedelta(seconds=seconds)

    def freeze(self, at: datetime | None = None) -> None:
        self.frozen = at or self.now()

    def release(self) -> None:
        """Run on again from the instant at which it was frozen."""
        if self.frozen:
            self.offset, self.frozen = self.frozen - datetime.now(UTC), None


@dataclass
class Fault:
    """One thing that goes wrong. `kind` is a pattern over call kinds (`update APBILL`, `POST /tasks`, `*`), and `system`
    `*` means both, so that `on_call` counts every call there is.

    It strikes from the `on_call`-th matching call on, `times` times. What `action` does is the stand-in's business.
    """

    system: str
    kind: str
    action: str
    on_call: int = 1
    times: int = 1
    detail: dict[str, Any] = field(default_factory=dict)
    seen: int = 0
    struck: int = 0

    def strikes(self, system: str, kind: str) -> bool:
        if self.system not in ("*", system) or not fnmatchcase(kind, self.kind) or self.struck >= self.times:
            return False
        self.seen += 1
        if self.seen < self.on_call:
            return False
        self.struck += 1
        return True


class World:
    """Everything that lives in one sandbox process. All handlers run on one event loop, so no locks are needed."""

    def __init__(self, settings: dict[str, Any] | None = None) -> None:
        self.clock = Clock()
        self.counters: Counter[str] = Counter()
        self.faults: list[Fault] = []
        self.settings: dict[str, Any] = dict(settings or {})
        self.intacct: Any = None
        self.asana: Any = None

    def count(self, system: str, kind: str) -> None:
        """Note one call, for example `count("intacct", "getAPISession")`, `count("asana", "POST /tasks")`."""
        self.counters[f"{system} {kind}"] += 1

    def fault(self, system: str, kind: str) -> Fault | None:
        """The fault that strikes this call, if any. Ask once for each call and phase."""
        return next((fault for fault in self.faults if fault.strikes(system, kind)), None)

    def setting(self, name: str, default: Any) -> Any:
        return self.settings.get(name, default)
