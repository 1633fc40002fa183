"""Rules of a flow file: fields and who owns them, how people decide, who may approve what."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, WithJsonSchema

from intacct_asana.flow.policy import CumulativeLimit, Delegation, Reminders, RoutingRule
from intacct_asana.flow.signals import ApprovalSubtasksSignal, CommentSignal, EnumSignal, SignalRule
from intacct_asana.flow.sources import BILL_SOURCES, VENDOR_SOURCES, Shape, Source
from intacct_asana.flow.words import (
    WHOLE,
    Amount,
    Currency,
    Day,
    Email,
    FieldName,
    IntacctName,
    Line,
    Part,
    did_you_mean,
    flaw,
    said_otherwise,
)
from intacct_asana.records import BillState
from intacct_asana.text import amount_text, one_line

PAIR_FORMAT = "{id} {name}"
PAIR_PLACEHOLDERS = ("id", "name")
MONEY_PLACES = 2
MOST_OPTIONS = 500


def _options(value: Any) -> Any:
    """A list of option names stands for a map of each name to itself."""
    if not isinstance(value, list | tuple):
        return value
    if any(not isinstance(name, str) for name in value):
        raise flaw("has an option that is no text", "list the option names, or write a map of Intacct's value to the option")
    if len(set(value)) < len(value):
        twice = next(name for name in value if list(value).count(name) > 1)
        raise flaw(f"names {twice!r} twice", "keep one of them")
    return {name: name for name in value}


def _folded(options: Mapping[str, str]) -> Mapping[str, str]:
    """Intacct's values with single blanks, as they are compared: it has some with two."""
    folded = {one_line(value): name for value, name in options.items()}
    if len(folded) < len(options):
        twice = next(value for value in options if [one_line(other) for other in options].count(one_line(value)) > 1)
        raise flaw(f"names {one_line(twice)!r} twice, but for blanks", "keep one of them")
    return folded


def _few_enough(options: Mapping[str, str]) -> Mapping[str, str]:
    """Asana counts disabled options too. Source: developers.asana.com/docs/custom-fields-guide."""
    names = len(set(options.values()))
    if names > MOST_OPTIONS:
        what = f"name {names} options, and a field in Asana holds {MOST_OPTIONS} at most"
        raise flaw(what, "write `kind: text` without `options`, or let several values share an option")
    return options


Options = Annotated[
    Mapping[str, Line],
    BeforeValidator(_options),
    AfterValidator(_folded),
    AfterValidator(_few_enough),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 500},
                {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1, "maxProperties": 500},
            ]
        }
    ),
]


class FieldRule(Part):
    """One custom field of the tasks."""

    sources: ClassVar[Mapping[str, Source[Any]]] = {}

    name: FieldName
    """Name of the custom field in Asana, or its gid."""

    kind: Literal["text", "number", "enum", "multi_enum", "date", "people"]
    """Asana's kind of field. Money is a number, a choice is an enum. A people field is for people to fill: it has no source."""

    source: str | None = None

    owner: Literal["intacct", "asana"] = "intacct"
    """Who owns the value. `intacct`: it comes from `source` and is put right when somebody changes it in Asana.
    `asana`: people own it, and it is never overwritten."""

    precision: Annotated[int, Field(ge=0, le=6), WHOLE] | None = None
    """Decimal places of a number. 2 for money when left out."""

    currency: Currency | None = None
    """Currency that Asana shows a number with, as in USD. For amounts that are all in one currency."""

    options: Options | None = None
    """Options of an enum: a list of names, or a map of Intacct's value to the option's name.
    May be left out where the source has a closed set of values, such as `state`."""

    other: Line | None = None
    """Option for values that `options` does not list. Without it a record with such a value fails by name."""

    format: Line | None = None
    """How an id and a name become one text: `{id}`, `{name}` or both. `{id} {name}` when left out."""

    initial: Line | None = None
    """First value of a field that Asana owns, written when the task is created and never again."""

    @property
    def reads(self) -> Source[Any] | None:
        return self.sources.get(self.source or "")

    @property
    def places(self) -> int | None:
        """Decimal places that a number needs; None for other kinds."""
        if self.kind != "number":
            return None
        if self.precision is not None:
            return self.precision
        return 0 if self.reads and self.reads.shape is Shape.COUNT else MONEY_PLACES

    @property
    def choices(self) -> Mapping[str, str]:
        """Intacct's value to the option's name. The closed values of the source stand for themselves."""
        return self.options or {value: value for value in (self.reads.choices if self.reads else ())}

    @property
    def option_names(self) -> tuple[str, ...]:
        """Every option that the field must have in Asana, each once, in the order of the file."""
        if self.kind not in ("enum", "multi_enum"):
            return ()
        names = [*self.choices.values(), self.other, self.initial]
        return tuple(dict.fromkeys(name for name in names if name))


def _known_in(sources: Mapping[str, Source[Any]]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in sources:
            raise flaw(f"is {value!r}, which is no source", did_you_mean(value, sources))
        return value

    return AfterValidator(check)


def _schema_of(sources: Mapping[str, Source[Any]]) -> WithJsonSchema:
    """Editors offer the sources by name, with what each means."""
    meanings = [source.what for source in sources.values()]
    return WithJsonSchema({"type": "string", "enum": list(sources), "enumDescriptions": meanings})


class BillField(FieldRule):
    """One custom field of the bills' tasks."""

    sources: ClassVar[Mapping[str, Source[Any]]] = BILL_SOURCES

    source: Annotated[str, _known_in(BILL_SOURCES), _schema_of(BILL_SOURCES)] | None = None
    """What of the bill the field shows. The list is closed: plugins/intacct_asana/flow/sources.py says what each means."""


class VendorField(FieldRule):
    """One custom field of the vendors' tasks."""

    sources: ClassVar[Mapping[str, Source[Any]]] = VENDOR_SOURCES

    source: Annotated[str, _known_in(VENDOR_SOURCES), _schema_of(VENDOR_SOURCES)] | None = None
    """What of the vendor the field shows. The list is closed: plugins/intacct_asana/flow/sources.py says what each means."""

    intacct_field: IntacctName | None = None
    """Custom field of the vendor in Intacct that takes what people fill in here: its integration id. For `owner: asana`,
    text and enums only; bank, tax and Intacct's own fields are refused."""

    clears: bool = False
    """Whether emptying the field in Asana empties it in Intacct too. Intacct keeps its value when left out."""

    @property
    def intacct_values(self) -> Mapping[str, str]:
        """Option name to Intacct's value, for an enum that flows to Intacct."""
        return {option: value for value, option in (self.options or {}).items()}


DECIDABLE = (BillState.SUBMITTED, BillState.PARTIALLY_APPROVED, BillState.NO_VALUE, BillState.POSTED)
"""States in which nothing was paid and a stamp does no more than stamp."""


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
        said = {name: getattr(value, name) for name in type(value).model_fields}
        # An approver who does not say it has the text that they had before anybody could.
        return {name: part for name, part in said.items() if name != "cumulative_limits" or part is not None}
    if isinstance(value, Decimal):
        return amount_text(value)
    return str(value)


class Approver(Part):
    """One person who may decide, and up to which amount."""

    email: Email
    """The person's e-mail address in Asana."""

    limits: Annotated[Mapping[Currency, Amount], Field(min_length=1)]
    """Highest amount for each base currency, as in `USD: 10000.00`. A bill in no listed base currency may not be approved."""

    intacct_users: tuple[Line, ...] | None = None
    """The same person's logins in Intacct, so that nobody approves a bill that they entered. `[]` says that they have none."""

    cumulative_limits: tuple[CumulativeLimit, ...] | None = None
    """The most that they approve within some days. Those of the policy when left out; `[]` says that none holds for them."""

    valid_from: Day | None = None
    """First day on which the person may decide."""

    valid_to: Day | None = None
    """Last day on which the person may decide, for a deputy."""

    @property
    def logins(self) -> tuple[str, ...]:
        return self.intacct_users or ()

    @property
    def has_no_login(self) -> bool:
        """Whether the file says so. One that leaves `intacct_users` out says neither."""
        return self.intacct_users == ()


DECIDES_NOTHING = ("crawl_hours", "progress_field", "assign_next", "remind", "park_after")
SAID_LATER: Mapping[str, object] = {
    "groups": {},
    "delegations": (),
    "rules": (),
    "counter_decision": "refuse",
    "segregation_from_vendors": False,
    "locked_bills": "refuse",
    "cumulative_limits": (),
}
"""What parts of the policy that came with later releases are where a file does not name them."""


class Approval(Part):
    """The approval policy."""

    signal: SignalRule = EnumSignal()
    """How a decision looks in Asana."""

    reason_field: FieldName | None = "Decision reason"
    """Text field for the reason, which a rejection needs. Not used where people decide by comment or on subtasks: there the
    reason is a comment."""

    approvers: Annotated[tuple[Approver, ...], Field(min_length=1)]
    """Who may decide. Nobody else's choice counts."""

    cumulative_limits: tuple[CumulativeLimit, ...] = ()
    """The most that each approver approves within some days, beside the limit for one bill. None when left out."""

    groups: Mapping[Line, tuple[Email, ...]] = {}
    """Approvers by the name of a group, for the steps below."""

    delegations: tuple[Delegation, ...] = ()
    """Who decides in whose place for some days."""

    rules: tuple[RoutingRule, ...] = ()
    """Who decides on which bill, in which steps: the first rule that fits a bill is its rule. A bill that none fits can be
    decided by nobody. Without rules every approver may decide alone."""

    progress_field: FieldName | None = None
    """Text field that shows how far a bill's steps are, as in `1 of 2, waiting for Ben Okafor`. None when left out."""

    assign_next: bool = False
    """Whether a bill's task is assigned to who is next, each time a step begins."""

    remind: Reminders | None = None
    """When those who are due hear of a bill again, and who else is told in the end. Nobody is reminded when left out."""

    segregation_of_duties: bool = True
    """Refuse a decision by the person who entered the bill in Intacct."""

    segregation_from_vendors: bool = False
    """Refuse one by the person who made or last changed the bill's vendor, too. What Intacct does not tell is refused."""

    creator_untold: tuple[Email, ...] = ()
    """Approvers who may decide about a bill of which Intacct does not tell who entered it. Nobody may when left out."""

    guests_untold: Literal["refuse", "accept"] = "refuse"
    """What becomes of a decision when Asana does not tell this connection whether the person is a guest. Guests never count."""

    sources: tuple[Line, ...] = ("web", "mobile")
    """Where a choice may come from, in Asana's own words. Every other source, and none, counts for nothing."""

    states: Annotated[tuple[BillState, ...], Field(min_length=1)] = DECIDABLE
    """States of a bill in which it may be decided. Selected and partly paid bills may be added; settled ones never count."""

    closed_books: Annotated[
        Literal["refuse", "accept"] | Annotated[int, Field(ge=1, le=366), WHOLE],
        said_otherwise("write refuse, accept, or how many days it waits, from 1 to 366"),
    ] = "refuse"
    """What becomes of a decision about a bill whose books are closed. A number: it waits so many days for them to be opened."""

    locked_bills: Annotated[
        Literal["refuse"] | Annotated[int, Field(ge=1, le=366), WHOLE],
        said_otherwise("write refuse, or how many days it waits, from 1 to 366"),
    ] = "refuse"
    """What becomes of a decision about a bill that is chosen for a payment, or that Intacct is still reading. A number: it
    waits so many days for the bill to come free."""

    park_after: Annotated[int, Field(ge=1, le=168), WHOLE] | None = None
    """After so many hours without an answer from Intacct a decision is parked: its task is told, once, and every run tries on.
    Nobody is told when left out."""

    counter_decision: Literal["refuse", "hold", "stamp"] = "refuse"
    """What becomes of a rejection of what was approved and is in Intacct already. `hold` puts the bill on hold and leaves the
    stamp, `stamp` does what any rejection does."""

    base_currency: Currency | None = None
    """The company's currency, for limits, where Intacct does not tell it with the bill."""

    crawl_hours: Annotated[int, Field(ge=1, le=168), WHOLE] = 24
    """At least this often a run looks at the whole project, because Asana may lose what it tells of changes."""

    @property
    def names_steps(self) -> bool:
        """Whether comments and evidence say by which step, or for whom, somebody decided."""
        return bool(self.rules or self.delegations)

    def cumulative_limits_of(self, approver: Approver) -> tuple[CumulativeLimit, ...]:
        return self.cumulative_limits if approver.cumulative_limits is None else approver.cumulative_limits

    def decides_without_creator(self, email: str) -> bool:
        """Whether this approver may decide about a bill of which Intacct does not tell who entered it."""
        return email.casefold() in {one.casefold() for one in self.creator_untold}

    @property
    def reason_text_field(self) -> str | None:
        """The field that holds the reason, where there is one."""
        return None if isinstance(self.signal, CommentSignal | ApprovalSubtasksSignal) else self.reason_field

    @property
    def policy_text(self) -> str:
        """Everything that decides who may decide what, as JSON; kept in full with the evidence."""
        parts = {name: value for name, value in _canonical(self).items() if name not in DECIDES_NOTHING}
        # What a file does not say leaves its text as it was before it could say it.
        said = {name for name in parts if name not in SAID_LATER or parts[name] != SAID_LATER[name]}
        return text_of({name: value for name, value in parts.items() if name in said})

    @property
    def policy_version(self) -> str:
        """SHA-256 hex of `policy_text`; every decision's evidence carries it."""
        return _sha256(self.policy_text)
