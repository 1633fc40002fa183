"""What stands around a bill: what is known of each bill of the company, and what is to be heard before one is approved."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from intacct_asana.records.intacct import SETTLED_STATES, BillState

GONE = "Gone"
"""The state of a bill that does not come any more when it is asked for by its number."""
COUNTS_FOR_NOTHING = frozenset({BillState.REVERSED, BillState.REVERSAL, BillState.DECLINED})
"""Nobody pays these as they are. A declined one that is corrected and submitted is another bill then, and is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillFacts:
    """What is kept of each bill that Intacct shows us, with a task or without, so that bills can be compared with each other.

    `amount` is in `currency`, `base_amount` in the company's own. `number_like` is the bill's number as people mean it, and
    `number_stem` that without what is put behind a number when it is used again. `vendor_like` is the same of the vendor's
    name. `first_no` is the record number under which it was first met, also after Purchasing made it anew: bills came in
    that order. The two texts are the server's own times, compared for being equal only.
    """

    key: str
    record_no: str
    first_no: str
    number: str
    vendor_id: str
    vendor_name: str
    currency: str
    amount: Decimal
    state: str
    number_like: str = ""
    number_stem: str = ""
    vendor_like: str = ""
    base_currency: str = ""
    base_amount: Decimal = Decimal(0)
    bill_date: date | None = None
    due_on: date | None = None
    paid_on: date | None = None
    created_by: str = ""
    modified_by: str = ""
    created_at_text: str = ""
    modified_at_text: str = ""
    document_id: str = ""
    module: str = ""
    source_document: str = ""
    entity_id: str = ""
    record_url: str = ""

    @property
    def is_there(self) -> bool:
        """Whether it is a bill that somebody pays, or has paid: not gone, taken back or declined, and no credit."""
        return self.state != GONE and self.state not in COUNTS_FOR_NOTHING and self.amount > 0

    @property
    def is_open(self) -> bool:
        """Whether anything can still be decided about it."""
        return self.is_there and self.state not in SETTLED_STATES

    @property
    def came(self) -> tuple[int, str]:
        """Sorts bills by when they came."""
        return int(self.first_no) if self.first_no.isdecimal() else 0, self.key


class ConcernState(StrEnum):
    OPEN = "OPEN"
    RELEASED = "RELEASED"
    """A person looked and says that it is well. The same cause is not brought up again."""
    ENDED = "ENDED"
    """What it was about holds no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """One thing that speaks against approving a bill, or that whoever does should know.

    `concern_id` is made of the bill's key, kind and cause, so the same cause is the same concern. `words` are what people
    read. `others` are keys of the bills that it is about beside its own. While one that `blocks` is open, approvals of the
    bill wait. A comment on the bill's task that begins with `release_word` releases it; where that is empty, something else
    does. `why` says why it ended, or what whoever released it said; `released_by` who that was.
    """

    concern_id: str
    key: str
    kind: str
    cause: str
    words: str
    blocks: bool
    found_at: datetime
    others: tuple[str, ...] = ()
    state: ConcernState = ConcernState.OPEN
    ended_at: datetime | None = None
    why: str = ""
    released_by: str = ""
    release_word: str = ""

    @property
    def is_open(self) -> bool:
        return self.state is ConcernState.OPEN


def concern_id_of(key: str, kind: str, cause: str) -> str:
    return f"con-{hashlib.sha256('|'.join((key, kind, cause)).encode()).hexdigest()[:20]}"
