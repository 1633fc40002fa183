"""Who may approve what, how Asana says so, and what is written back to Intacct."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from intacct_asana.mapping.field_rules import Part
from intacct_asana.mapping.signal_rules import CommentSignal, EnumSignal, SignalRule
from intacct_asana.mapping.words import Amount, Currency, Day, Email, FieldName, IntacctName, Line


def digest_of(*parts: object) -> str:
    """Twelve hex characters that change when a part changes in meaning; `10000.0` and `10000.00` are one amount."""
    return _sha256(text_of(parts))[:12]


def text_of(value: object) -> str:
    """Canonical JSON of a part of the flow file: what means the same gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_canonical)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return {name: getattr(value, name) for name in type(value).model_fields}
    if isinstance(value, Decimal):
        return format(value.normalize(), "f") if value else "0"
    return str(value)


class Approver(Part):
    """One person who may decide, and up to which amount."""

    email: Email
    """The person's e-mail address in Asana."""

    limits: Annotated[Mapping[Currency, Amount], Field(min_length=1)]
    """Highest amount for each base currency, as in `USD: 10000.00`. A bill in no listed base currency may not be approved."""

    intacct_users: tuple[Line, ...] = ()
    """The same person's logins in Intacct, so that nobody approves a bill that they entered."""

    valid_from: Day | None = None
    """First day on which the person may decide."""

    valid_to: Day | None = None
    """Last day on which the person may decide, for a deputy."""


class Approval(Part):
    """The approval policy."""

    signal: SignalRule = EnumSignal()
    """How a decision looks in Asana."""

    reason_field: FieldName | None = "Decision reason"
    """Text field for the reason, which a rejection needs. Not used where people decide by comment: the reason stands there."""

    approvers: Annotated[tuple[Approver, ...], Field(min_length=1)]
    """Who may decide. Nobody else's choice counts."""

    segregation_of_duties: bool = True
    """Refuse a decision by the person who entered the bill in Intacct."""

    guests_untold: Literal["refuse", "accept"] = "refuse"
    """What becomes of a decision when Asana does not tell this connection whether the person is a guest. Guests never count."""

    crawl_hours: Annotated[int, Field(ge=1, le=168)] = 24
    """At least this often a run looks at the whole project, because Asana may lose what it tells of changes."""

    @property
    def reason_text_field(self) -> str | None:
        """The field that holds the reason, where there is one."""
        return None if isinstance(self.signal, CommentSignal) else self.reason_field

    @property
    def policy_text(self) -> str:
        """Everything that decides who may decide what, as JSON; kept in full with the evidence."""
        return text_of({name: value for name, value in _canonical(self).items() if name != "crawl_hours"})

    @property
    def policy_version(self) -> str:
        """SHA-256 hex of `policy_text`; every decision's evidence carries it."""
        return _sha256(self.policy_text)


class StampFields(Part):
    """Custom text fields on APBILL that take the decision. An administrator creates them in Intacct first."""

    decision: IntacctName
    """Takes `approved` or `rejected`."""

    decided_by: IntacctName
    """Takes who decided."""

    decided_at: IntacctName
    """Takes when."""

    decision_id: IntacctName
    """Takes the id under which the evidence is kept."""

    reason: IntacctName | None = None
    """Takes the reason."""

    task_url: IntacctName | None = None
    """Takes the address of the task in Asana."""


class WriteBack(Part):
    """What a cleared decision changes in Intacct."""

    steps: Annotated[tuple[Literal["stamp", "observe"], ...], Field(min_length=1)] = ("observe",)
    """`stamp` writes the decision into custom fields of the bill. `observe` writes nothing and keeps the evidence only."""

    stamp: StampFields | None = None
    """Where `stamp` writes. Needed for that step."""
