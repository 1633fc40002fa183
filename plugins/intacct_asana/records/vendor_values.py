"""What we hold of a vendor's field that people own in Asana: the value both sides agreed on, and a write that is under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ValueState(StrEnum):
    """Where a value stands on its way from Asana into Intacct."""

    AGREED = "AGREED"
    """Both sides say the same."""
    SENT = "SENT"
    """Written down before the call left; nothing is proven until the vendor is read back."""
    WAITING = "WAITING"
    """Intacct took it, and it waits for the vendor's approval over there."""
    REFUSED = "REFUSED"
    """Declined or refused in Intacct. It is not tried again until somebody changes the value in Asana."""
    HELD = "HELD"
    """Not written now, for the reason that it carries. Each run looks again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorValue:
    """One field of one vendor. `field` is its name in Intacct, or its name in the flow where it is kept here only.

    `agreed` is the last value that both sides had, None when there was none yet; `wanted` is the value of Asana that `state`
    is about. `turn` counts writes that were sent. `replaced` is what Intacct said before, `changed_by` and `changed_at` who
    set the value in Asana and when, as `story_gid` tells. `told` is False while people on the task have to hear of it.
    """

    key: str
    field: str
    state: ValueState
    agreed: str | None
    wanted: str
    at: datetime
    reason: str = ""
    control_id: str = ""
    turn: int = 0
    replaced: str = ""
    changed_by: str = ""
    changed_at: datetime | None = None
    story_gid: str = ""
    told: bool = True
