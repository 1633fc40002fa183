"""Which fault strikes a call, and what happens to events and stories on the way: lost, late, told twice."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase

from sandbox.core import Fault, World

FATES = ("drop_event", "late_event", "double_event", "drop_story", "late_story")
"""They strike what a call writes. The late ones take seconds of the sandbox's clock: `late_event:90`."""


def fault_for(world: World, kind: str) -> Fault | None:
    """The fault that strikes this call itself."""
    return next((fault for fault in world.faults if _name(fault) not in FATES and fault.strikes("asana", kind)), None)


def fate_of(world: World, what: str, *kinds: str) -> tuple[str, timedelta]:
    """What becomes of an `event` or a `story`: nothing special, `drop`, `double`, or `late` with how late.

    `kinds` are the call's kind and what it writes, as in `event task changed`.
    """
    for fault in world.faults:
        name = _name(fault)
        if name not in FATES or not name.endswith(what):
            continue
        kind = next((kind for kind in kinds if fnmatchcase(kind, fault.kind)), None)
        if kind is not None and fault.strikes("asana", kind):
            return name.partition("_")[0], timedelta(seconds=float(fault.action.partition(":")[2] or 60))
    return "", timedelta()


def _name(fault: Fault) -> str:
    return fault.action.partition(":")[0]
