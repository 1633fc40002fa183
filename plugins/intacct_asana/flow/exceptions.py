"""What becomes of what nobody is about to mend: the audit of drift, and exceptions as tasks that somebody owns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from intacct_asana.flow.words import Email, Gid, Part

DriftName = Literal["missing", "stale", "extra", "duplicate", "orphaned", "decided without a record", "bypass"]
ExceptionName = Literal[
    "missing",
    "stale",
    "extra",
    "duplicate",
    "orphaned",
    "decided without a record",
    "bypass",
    "parked",
    "refused",
    "rejected",
    "unmapped",
    "unread",
    "unwritten",
    "concern",
    "too many at once",
]


class DriftRule(Part):
    """What the daily audit of both sides does about what it finds. It repairs nothing."""

    fail_on: tuple[DriftName, ...] = ()
    """Classes of drift that fail the audit's run. It is green whatever it finds where none is named."""

    posted_counts: bool = False
    """Whether a bill that is Posted without an approval is a bypass too. Selected and paid ones always are. Say yes only where
    Intacct's own approvals keep bills from being posted: else every new bill is Posted before anybody can decide."""


class Exceptions(Part):
    """Whatever a person has to see to becomes a task with an owner, and is closed when it is over."""

    project: Gid | None = None
    """gid of the Asana project of these tasks; several flows may share one. The bills' own project when left out."""

    owner: Email
    """E-mail address in Asana of whoever new ones are assigned to."""

    owners: Mapping[ExceptionName, Email] = {}
    """Owners of some kinds of exceptions, as in `bypass: controller@example.com`."""

    most: Annotated[int, Field(ge=1, le=2000)] = 200
    """Most exceptions that have a task of their own. When there are more, one task says how many, until there are fewer."""

    def owner_of(self, kind: str) -> str:
        owners: Mapping[str, str] = {str(name): email for name, email in self.owners.items()}
        return owners.get(kind, self.owner)
