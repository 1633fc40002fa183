"""Who decides on which bill, in which steps: what a flow file says of it, and which of its persons that makes.

A group stands for its people everywhere; nobody is in it who is no approver of the flow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from intacct_asana.flow.words import WHOLE, Amount, Currency, Day, Email, FieldName, Line, Part, flaw


def _need(value: Any) -> Any:
    if value in ("any", "all"):
        return value
    if re.fullmatch("[1-9][0-9]?", str(value)) and not isinstance(value, bool):
        return int(value)
    raise flaw(f"is {value!r}", "write any, all, or how many of them, as in 2")


Need = Annotated[
    str | int,
    PlainValidator(_need),
    WithJsonSchema({"anyOf": [{"type": "string", "enum": ["any", "all"]}, {"type": "integer", "minimum": 1}]}),
]
Names = Annotated[tuple[Line, ...], Field(min_length=1)]
"""People by address and groups by name."""
Ids = Annotated[tuple[Line, ...], Field(min_length=1)]


class CumulativeLimit(Part):
    """The most that one person approves within some days, in however many bills."""

    days: Annotated[int, Field(ge=1, le=366), WHOLE]
    """So many days in the flow's time zone, the day of the decision among them."""

    vendors: Literal["each", "together"] = "each"
    """`each`: what they approved for one vendor counts together. `together`: everything that they approved does."""

    amounts: Annotated[Mapping[Currency, Amount], Field(min_length=1)]
    """Highest sum for each base currency, as in `USD: 20000.00`. A bill in no listed base currency may not be approved."""


class Delegation(Part):
    """Somebody decides in another's place for some days: with the other's limit, and in their own name."""

    absent: Email = Field(alias="from")
    """The approver who is away."""

    deputy: Email = Field(alias="to")
    """The approver who decides in their place, beside them."""

    first_day: Day
    """First day on which a choice of the deputy counts so, in the flow's time zone."""

    last_day: Day
    """Last day."""

    def overlaps(self, other: Delegation) -> bool:
        return self.first_day <= other.last_day and other.first_day <= self.last_day


Days = tuple[Annotated[int, Field(ge=0, le=365), WHOLE], ...]


class Reminders(Part):
    """When those who are due hear of a bill again, by its due date, and who hears of it when they do not decide.

    At most one message a day and bill. Days are days in the flow's time zone.
    """

    before_days: Days = ()
    """So many days before the due date; 0 is the due date itself."""

    after_days: Days = ()
    """So many days after it."""

    escalate_after_days: Annotated[int, Field(ge=1, le=365), WHOLE] | None = None
    """So many days after it the deputy of whoever is due is told, once. That changes nothing about who may decide."""

    escalate_to: Email | None = None
    """Who is told where nobody who is due has a deputy that day."""

    @property
    def is_empty(self) -> bool:
        return not self.before_days and not self.after_days and self.escalate_after_days is None


class When(Part):
    """Which bills a rule is for: those that fit every line that is written here."""

    amount_from: Mapping[Currency, Amount] = {}
    """Bills of this amount and more, by base currency. Bills in another base currency do not fit."""

    amount_below: Mapping[Currency, Amount] = {}
    """Bills of less than this amount, by base currency."""

    entity: Ids | None = None
    """Ids of entities."""

    vendor: Ids | None = None
    """Ids of vendors."""

    department: Ids | None = None
    """Ids of departments: a bill fits when any of its lines has one of them."""

    gl_account: Ids | None = None
    """Numbers of GL accounts: of any line."""

    project: Ids | None = None
    """Ids of projects: of any line."""

    @property
    def is_empty(self) -> bool:
        return not any(getattr(self, name) for name in type(self).model_fields)


class Step(Part):
    """One step of a rule. Its people are named in one of three ways: `by`, `vendor_field` or `department`."""

    name: Line
    """What the step is called on the task and in the evidence."""

    by: Names | None = None
    """Who gives it: addresses of approvers, and groups."""

    vendor_field: FieldName | None = None
    """A field of the vendor's task that people own: whom it names, gives the step."""

    department: Mapping[Line, Names] | None = None
    """Who gives it, by the id of a line's department. Of a bill with several, the people of all of them."""

    need: Need = "any"
    """How many of them: `any` (one), `all`, or a number."""

    limit: Literal["own", "none"] = "own"
    """Whether each person's own limit holds in this step."""

    good_for_days: Annotated[int, Field(ge=1, le=365), WHOLE] | None = None
    """How many days an approval of this step waits for the steps that are missing. Without end when left out."""


class RoutingRule(Part):
    """Bills, and the steps in which they are approved."""

    name: Line
    """What the rule is called on the task and in the evidence."""

    when: When = When()
    """Which bills it is for; every bill when left out."""

    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    """In order: nobody gives a step before the ones above it are given, and nobody gives two."""


def people_of(names: Iterable[str], groups: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Addresses in lower case, each once: of people, and of the people of groups. A name that is neither has nobody."""
    found: list[str] = []
    for name in names:
        found += [name.casefold()] if "@" in name else [email.casefold() for email in groups.get(name, ())]
    return tuple(dict.fromkeys(found))


def count_of(need: str | int, people: Sequence[str]) -> int:
    """How many of these people a step needs; more than there are where the flow asks for that."""
    return max(1, len(people)) if need == "all" else 1 if need == "any" else int(need)


def can_be_given(steps: Sequence[tuple[Sequence[str], int]]) -> bool:
    """Whether there are enough different people for all steps, of which each is its people and how many it needs.

    Each place looks for somebody; who holds another place already moves on from it where anybody else can take that one.
    """
    places = [frozenset(people) for people, count in steps for _ in range(count)]
    holds: dict[str, int] = {}

    def finds(place: int, asked: set[str]) -> bool:
        for person in sorted(places[place] - asked):
            asked.add(person)
            if person not in holds or finds(holds[person], asked):
                holds[person] = place
                return True
        return False

    return all(finds(place, set()) for place in range(len(places)))
