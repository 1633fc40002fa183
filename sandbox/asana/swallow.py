"""Which fault strikes a call, and which events and stories get lost on the way."""

from __future__ import annotations

from fnmatch import fnmatchcase

from sandbox.core import Fault, World

LOSSES = ("drop_event", "drop_story")


def fault_for(world: World, kind: str) -> Fault | None:
    """The fault that strikes this call. Losses are not asked here: they strike what a call writes."""
    return next((fault for fault in world.faults if fault.action not in LOSSES and fault.strikes("asana", kind)), None)


def is_lost(world: World, action: str, *kinds: str) -> bool:
    """True when a `drop_event` or `drop_story` fault names one of `kinds` (the call's kind, or `event task changed`)."""
    for fault in world.faults:
        if fault.action != action:
            continue
        kind = next((kind for kind in kinds if fnmatchcase(kind, fault.kind)), None)
        if kind is not None and fault.strikes("asana", kind):
            return True
    return False
