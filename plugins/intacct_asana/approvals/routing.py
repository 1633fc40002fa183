"""Which rule is for a bill, which steps that has, who gives them, and who is due, given what was approved so far.

Pure, and without a memory: an approval counts for the step that is due when its turn comes, by the policy as it is now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from intacct_asana.approvals.policy import VendorPerson
from intacct_asana.approvals.words import money
from intacct_asana.flow.policy import RoutingRule, Step, When, can_be_given, count_of, people_of
from intacct_asana.flow.rules import Approval, Approver
from intacct_asana.records import Bill

ANY_APPROVER = "any approver"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteStep:
    """A step for one bill: its people's addresses and how many of them it needs."""

    step: Step
    people: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The rule of a bill with its steps. Amounts are in `currency`, the bill's base currency, empty where nobody tells it."""

    rule: RoutingRule
    steps: tuple[RouteStep, ...]
    bill: Bill
    approval: Approval
    currency: str

    def name_of(self, place: int) -> str:
        """`step 1 of 2 (manager)`."""
        return f"step {place + 1} of {len(self.steps)} ({self.steps[place].step.name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """An approval as far as routing looks at it: whose, on which day."""

    email: str
    on: date
    decision_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A place in a step that somebody took: in their own name, or for another whose deputy they are."""

    voice: Voice
    place_of: str

    @property
    def absent(self) -> str:
        """Whom the deputy stood in for; empty for a person of their own."""
        return self.place_of if self.place_of != self.voice.email else ""


def base_currency(bill: Bill, approval: Approval) -> str:
    return bill.base_currency or approval.base_currency or ""


def route_of(bill: Bill, approval: Approval, *, vendor_person: VendorPerson = lambda field, bill: "") -> Route | None:
    """The first rule that fits the bill. None where none does. A flow without rules has one step for every approver."""
    currency = base_currency(bill, approval)
    if approval.rules:
        rule = next((one for one in approval.rules if _fits(one.when, bill, currency)), None)
    else:
        everybody = tuple(one.email for one in approval.approvers)
        rule = RoutingRule(name=ANY_APPROVER, steps=(Step(name="approval", by=everybody),))
    if rule is None:
        return None
    steps = []
    for step in rule.steps:
        people = _people(step, bill, approval, vendor_person)
        steps.append(RouteStep(step=step, people=people, count=count_of(step.need, people)))
    return Route(rule=rule, steps=tuple(steps), bill=bill, approval=approval, currency=currency)


def _fits(when: When, bill: Bill, currency: str) -> bool:
    """Absent is never taken for a yes: an amount in a currency that the rule does not name does not fit."""
    amount = abs(bill.total_entered)
    if when.amount_from and not (currency in when.amount_from and amount >= when.amount_from[currency]):
        return False
    if when.amount_below and not (currency in when.amount_below and amount < when.amount_below[currency]):
        return False
    held = (
        (when.entity, {bill.entity_id}),
        (when.vendor, {bill.vendor_id}),
        (when.department, {line.department_id for line in bill.lines}),
        (when.gl_account, {line.account_no for line in bill.lines}),
        (when.project, {line.project_id for line in bill.lines}),
    )
    return all(wanted is None or set(wanted) & there for wanted, there in held)


def _people(step: Step, bill: Bill, approval: Approval, vendor_person: VendorPerson) -> tuple[str, ...]:
    if step.by is not None:
        return people_of(step.by, approval.groups)
    if step.department is not None:
        there = dict.fromkeys(line.department_id for line in bill.lines)
        return people_of([name for one in there for name in step.department.get(one, ())], approval.groups)
    named = vendor_person(step.vendor_field or "", bill).casefold()
    return (named,) if named and _entry(approval, named) else ()


def _entry(approval: Approval, email: str) -> Approver | None:
    return next((one for one in approval.approvers if one.email.casefold() == email), None)


def decides_on(approver: Approver, day: date) -> bool:
    after = approver.valid_from is None or approver.valid_from <= day
    return after and (approver.valid_to is None or day <= approver.valid_to)


# Who may take which place.


def places_of(email: str, approval: Approval, on: date) -> list[str]:
    """Whose places somebody may take that day: their own first, then those of the people whose deputy they are."""
    away = [one.absent for one in approval.delegations if one.deputy == email and one.first_day <= on <= one.last_day]
    return [email, *(one for one in away if (entry := _entry(approval, one)) and decides_on(entry, on))]


def approver_at(route: Route, place_of: str) -> Approver | None:
    """The entry whose limit counts at this place."""
    return _entry(route.approval, place_of)


def is_within(route: Route, step: Step, place_of: str) -> bool:
    if step.limit == "none":
        return True
    entry = approver_at(route, place_of)
    limit = entry.limits.get(route.currency) if entry else None
    return limit is not None and abs(route.bill.total_entered) <= limit


def able(route: Route, at: RouteStep, on: date) -> list[tuple[str, str]]:
    """Who can give the step that day, and in whose place: its people whose limit is enough, and their deputies."""
    everybody = dict.fromkeys([*at.people, *(one.deputy for one in route.approval.delegations)])
    found = []
    for email in everybody:
        places = [one for one in places_of(email, route.approval, on) if one in at.people and is_within(route, at.step, one)]
        found += [(email, place) for place in places[:1]]
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What was given of a route so far, step by step."""

    route: Route
    given: tuple[tuple[Given, ...], ...]

    @property
    def place(self) -> int:
        """The step that is due; the number of steps when all are given."""
        missing = (place for place, one in enumerate(self.route.steps) if len(self.given[place]) < one.count)
        return next(missing, len(self.route.steps))

    @property
    def is_complete(self) -> bool:
        return self.place == len(self.route.steps)

    @property
    def gave(self) -> dict[str, int]:
        """The step that each person gave."""
        return {one.voice.email: place for place, step in enumerate(self.given) for one in step}

    def place_for(self, voice: Voice) -> str:
        """Whose place at the step that is due the person can take, one with a limit that is enough first; empty for none."""
        if self.is_complete or voice.email in self.gave:
            return ""
        at = self.route.steps[self.place]
        taken = {one.place_of for one in self.given[self.place]}
        free = [one for one in places_of(voice.email, self.route.approval, voice.on) if one in at.people and one not in taken]
        return next((one for one in free if is_within(self.route, at.step, one)), free[0] if free else "")

    def due(self, on: date) -> list[tuple[str, str]]:
        """Who can give the step that is due, and in whose place."""
        if self.is_complete:
            return []
        taken = {one.place_of for one in self.given[self.place]}
        at = self.route.steps[self.place]
        return [one for one in able(self.route, at, on) if one[0] not in self.gave and one[1] not in taken]

    def can_be_ended(self, on: date) -> bool:
        """Whether enough people are left for everything that is missing."""
        steps = []
        for place, at in enumerate(self.route.steps):
            left = [email for email, _ in able(self.route, at, on) if email not in self.gave]
            steps.append((left, at.count - len(self.given[place])))
        return can_be_given([one for one in steps if one[1] > 0])

    def with_voice(self, voice: Voice) -> Progress:
        """What stands with one more approval; the same where it counts for nothing."""
        at, place_of = self.place, self.place_for(voice)
        if not place_of or not is_within(self.route, self.route.steps[at].step, place_of):
            return self
        more = (*self.given[at], Given(voice=voice, place_of=place_of))
        return Progress(route=self.route, given=(*self.given[:at], more, *self.given[at + 1 :]))

    def counts(self, decision_id: str) -> bool:
        return any(one.voice.decision_id == decision_id for step in self.given for one in step)


def progress_of(route: Route, voices: Iterable[Voice]) -> Progress:
    """`voices` are approvals of this very content of the bill, oldest first."""
    progress = Progress(route=route, given=((),) * len(route.steps))
    for voice in voices:
        progress = progress.with_voice(voice)
    return progress


# In words.

NameOf = Callable[[str], str]
"""A person's name by their address."""


def due_words(progress: Progress, *, on: date, name_of: NameOf) -> str:
    """`Ben Okafor`, `Ben Okafor or Dev Patel for Carla Ruiz`, `2 of Ben Okafor, Carla Ruiz, Dev Patel`."""
    people = [name_of(email) + (f" for {name_of(place)}" if place != email else "") for email, place in progress.due(on)]
    missing = progress.route.steps[progress.place].count - len(progress.given[progress.place])
    if len({place for _, place in progress.due(on)}) < missing or not people:
        return "nobody who could give it by the policy as it is"
    if missing == 1:
        return _listed(people, "or")
    return _listed(people, "and") if missing == len(people) else f"{missing} of {', '.join(people)}"


def progress_words(progress: Progress, *, on: date, name_of: NameOf) -> str:
    """`1 of 2, waiting for Ben Okafor`, `2 of 2`."""
    steps = f"{progress.place} of {len(progress.route.steps)}"
    return steps if progress.is_complete else f"{steps}, waiting for {due_words(progress, on=on, name_of=name_of)}"


def given_words(progress: Progress, *, name_of: NameOf) -> str:
    """`manager: Alice Martin; controller: Carla Ruiz for Ben Okafor`."""
    steps = zip(progress.route.steps, progress.given, strict=True)
    told = [(at.step.name, [_by(one, name_of) for one in given]) for at, given in steps]
    return "; ".join(f"{name}: {_listed(people, 'and')}" for name, people in told if people)


def policy_facts(progress: Progress) -> dict[str, object]:
    """The rule that fired, its steps, their people, and who gave them, for the evidence."""
    steps = [
        {
            "step": at.step.name,
            "needs": at.count,
            "people": list(at.people),
            "given": [{"decision_id": one.voice.decision_id, "by": one.voice.email, "for": one.absent} for one in given],
        }
        for at, given in zip(progress.route.steps, progress.given, strict=True)
    ]
    return {"rule": progress.route.rule.name, "steps": steps}


def _by(given: Given, name_of: NameOf) -> str:
    return name_of(given.voice.email) + (f" for {name_of(given.absent)}" if given.absent else "")


def _listed(names: Sequence[str], word: str) -> str:
    return f" {word} ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def bill_words(bill: Bill, approval: Approval) -> str:
    """What rules look at, for people who ask why none fits: amount, entity, vendor, departments, accounts, projects."""
    lists = {
        "department": [line.department_id for line in bill.lines],
        "GL account": [line.account_no for line in bill.lines],
        "project": [line.project_id for line in bill.lines],
    }
    told = [money(abs(bill.total_entered), base_currency(bill, approval))]
    told += [f"{what} {one}" for what, one in (("entity", bill.entity_id), ("vendor", bill.vendor_id)) if one]
    told += [f"{what} {', '.join(sorted(set(filter(None, ids))))}" for what, ids in lists.items() if any(ids)]
    return ", ".join(told)
