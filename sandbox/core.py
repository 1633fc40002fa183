"""What both stand-ins share: a clock that can be moved, counters of calls, faults on demand, settings."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from fastapi import HTTPException

log = logging.getLogger("sandbox")

MOMENTS = {"act_before": ("act_before", "act"), "act_after": ("act_after",)}
"""When a person acts, and the faults that say so: as a call arrives, or after its effect and before its answer leaves."""


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
    problem: str = ""
    """Why what a person was to do in that moment could not be done."""

    @property
    def is_act(self) -> bool:
        return any(self.action in names for names in MOMENTS.values())

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
        self.billed: Counter[str] = Counter()
        """What Intacct's meter counts, by function."""
        self.faults: list[Fault] = []
        self.settings: dict[str, Any] = dict(settings or {})
        self.intacct: Any = None
        self.asana: Any = None

    def count(self, system: str, kind: str) -> None:
        """Note one call, for example `count("intacct", "getAPISession")`, `count("asana", "POST /tasks")`."""
        self.counters[f"{system} {kind}"] += 1

    def fault(self, system: str, kind: str) -> Fault | None:
        """The fault that strikes this call, if any. Ask once for each call and phase."""
        return next((fault for fault in self.faults if not fault.is_act and fault.strikes(system, kind)), None)

    def act_at(self, moment: str, system: str, kind: str, known: Mapping[str, str] | None = None) -> None:
        """What people do at this moment of this call: the `detail` of such faults, as in `/_sandbox/act`.

        They act whatever else strikes the call. A value `{name}` stands for what the call is about, as `known` has it.
        """
        for fault in self.faults:
            if fault.action in MOMENTS[moment] and fault.strikes(system, kind):
                told = {name: _filled(value, known or {}) for name, value in fault.detail.items()}
                try:
                    self.act(**{"system": system, **told})
                except (ValueError, KeyError, HTTPException) as error:
                    fault.problem = str(getattr(error, "detail", error))
                    log.warning("%s of %s: %s", fault.action, told, fault.problem)

    def act(self, *, system: str, user: str, action: str, **arguments: Any) -> Any:
        """Let a person do something in the pages of `intacct` or `asana`. Raises what the system raises."""
        return getattr(self, system).act(user, action, **arguments)

    def setting(self, name: str, default: Any) -> Any:
        return self.settings.get(name, default)


def _filled(value: Any, known: Mapping[str, str]) -> Any:
    return known.get(value[1:-1], value) if isinstance(value, str) and value[:1] == "{" else value
