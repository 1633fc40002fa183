"""A change of a vendor's record, as Intacct's history tells it, and the call-back that answers it.

Only that, when and by whom: no detail of a bank account is ever read, kept or shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

PAYEE_CHANGE = "payee change"
"""The kind of concern about a bill whose vendor changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorEdit:
    """One row of the audit history: somebody made or changed a vendor.

    `written` is the vendor as the history names it, `at` its time, which the history writes in GMT. `fields` are the names of
    the fields that changed, None where the history does not tell.
    """

    edit_id: str
    written: str
    at_text: str
    at: datetime
    by: str
    made_it: bool = False
    fields: tuple[str, ...] | None = None


class What(StrEnum):
    """What is known of a change."""

    DETAILS = "payment details changed"
    UNKNOWN = "vendor record changed, cannot tell what"


class PayeeState(StrEnum):
    """How far a change has come with people."""

    OPEN = "OPEN"
    """Nobody released it."""

    RELEASED = "RELEASED"
    """Somebody called, and a second person released it."""

    FRAUD = "FRAUD"
    """A second person said that it is fraud: nothing of it is released any more, until the vendor is changed again."""

    PASSED = "PASSED"
    """The vendor was changed again, and that is what has to be answered now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What the caller noted, numbers that look like an account's masked."""

    whom: str
    number_from: str
    when: str
    outcome: str
    by_gid: str
    by_name: str
    story_gid: str
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PayeeChange:
    """A change that has to be answered before the vendor's bills are paid.

    `vendor_ids` are the ids that the history may mean: it has been seen to write a suffix. `key` and `task_gid` are the bill
    and its task below which people are asked, `subtask_gid` is empty until that subtask is known to be there.
    `answered` are comments that we answered and that count for nothing.
    """

    change_id: str
    vendor_ids: tuple[str, ...]
    at_text: str
    at: datetime
    by: str
    what: What
    state: PayeeState = PayeeState.OPEN
    key: str = ""
    task_gid: str = ""
    subtask_gid: str = ""
    subtask_url: str = ""
    paid_since: bool = False
    """Whether the vendor was paid after it, as far as anybody asked: then it concerns no bill that comes later."""
    call: Call | None = None
    answered: tuple[str, ...] = ()
    ended_by: str = ""
    ended_story: str = ""
    ended_at: datetime | None = None
    why: str = ""

    @property
    def vendor(self) -> str:
        """The vendor, for people."""
        return self.vendor_ids[-1]
