"""Where the two sides of a flow differ although nobody is about to write anything."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Drift(StrEnum):
    """The classes by name. What each one means in words stands in docs/drift-and-exceptions.md."""

    MISSING = "missing"
    """An open bill has no task that stands for it."""
    STALE = "stale"
    """The task says something else than its bill."""
    EXTRA = "extra"
    """A task that somebody else made carries a bill's key."""
    DUPLICATE = "duplicate"
    """Several tasks of our own carry one key."""
    ORPHANED = "orphaned"
    """An open task whose bill is not there."""
    UNRECORDED = "decided without a record"
    """Task or bill says that it was decided, and no decision that stands is behind it."""
    BYPASS = "bypass"
    """Selected, paid or posted in Intacct without the approval that it needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifted:
    """One difference. `cause` is what exactly differs: the same class and key with another cause is news.

    `parts` are those of the task that the bill sync would have to write for it to be over, where that is all it takes.
    `record_no` names a bill that the bill sync has to read for that, `others` are gids of tasks beside the one that counts.
    """

    drift: Drift
    key: str
    cause: str
    words: str
    name: str = ""
    task_gid: str = ""
    task_url: str = ""
    entity: str = ""
    currency: str = ""
    amount: Decimal | None = None
    parts: tuple[str, ...] = ()
    record_no: str = ""
    others: tuple[str, ...] = ()

    @property
    def finding_id(self) -> str:
        text = "|".join((self.drift, self.key, self.task_gid if self.drift is Drift.EXTRA else ""))
        return hashlib.sha256(text.encode()).hexdigest()[:20]
