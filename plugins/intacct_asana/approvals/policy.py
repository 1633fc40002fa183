"""Who may decide what, and where a decision goes: a flow's approval rules with names already turned into gids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from decimal import Decimal

from intacct_asana.approvals.ways import Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """One person on the list. `limits` by the bill's base currency; a currency that is not there may not be approved."""

    email: str
    limits: Mapping[str, Decimal]
    intacct_users: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_to: date | None = None

    def decides_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class StampNames:
    """Which custom field of a bill takes which part of a decision; an empty name is not written."""

    decision: str
    decided_by: str
    decided_at: str
    decision_id: str
    reason: str = ""
    task_url: str = ""
    amount: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of one flow. `stamp` None means observe: nothing is written to Intacct.

    Delegation days are days in `timezone`. `longest_stamp` is in characters, because Intacct does not tell the length of a
    custom field. A choice that came through one of `refused_sources` is taken for a rule's, whoever it names.
    """

    flow: str
    version: str
    way: Way
    approvers: tuple[Approver, ...]
    bot_gid: str
    segregation_of_duties: bool = True
    reason_field_gid: str = ""
    stamp: StampNames | None = None
    timezone: tzinfo = UTC
    longest_stamp: int = 200
    longest_reason: int = 1000
    accepts_untold_guests: bool = False
    """Whether somebody may decide of whom Asana does not tell whether they are a guest."""
    refused_sources: frozenset[str] = frozenset({"rule", "system", "automation"})

    def approver(self, email: str, *, on: date) -> Approver | None:
        """The entry of this e-mail address, in any case; of several, the one that holds `on` that day."""
        wanted = email.strip().casefold()
        entries = [one for one in self.approvers if wanted and one.email.casefold() == wanted]
        return next((one for one in entries if one.decides_on(on)), entries[0] if entries else None)
