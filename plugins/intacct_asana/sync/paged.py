"""A plan of any size: made a page of actions at a time, added up meanwhile, kept as text, and read again page by page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from intacct_asana.codec import plan_from_json, plan_to_json
from intacct_asana.sync.difference import REMARK
from intacct_asana.sync.plan import Action, Adopt, Create, Leave, Plan, Retire, Writing
from intacct_asana.sync.plan_value import LEAVE, Rendered

PAGE = 500
"""Actions of a page. One takes a few kB as text and some 15 kB in memory."""


class Texts(Protocol):
    """Where texts are put, and come from in their order, as often as they are asked for: a list, or a file."""

    def append(self, text: str, /) -> None: ...

    def __iter__(self) -> Iterator[str]: ...


@dataclass(slots=True)
class Totals:
    """What a plan comes to. Money is absolute: `money` by kind, `at_stake` of what would be written, by base currency.

    `lost` are linked tasks that a full listing did not show, `completed` tasks that stand for nothing and would be completed,
    `calls` those to Asana that carrying it out takes, a few more or less.
    """

    counts: Counter[str] = field(default_factory=Counter)
    money: dict[str, Decimal] = field(default_factory=dict)
    at_stake: dict[str, Decimal] = field(default_factory=dict)
    lost: int = 0
    completed: int = 0
    calls: int = 0

    def add(self, action: Action) -> None:
        self.counts[action.kind] += 1
        self.money[action.kind] = self.money.get(action.kind, Decimal(0)) + abs(action.amount)
        if isinstance(action, Retire):
            self.completed += action.completes
            self.calls += 3
        elif not isinstance(action, Leave):
            self.at_stake[action.currency] = self.at_stake.get(action.currency, Decimal(0)) + abs(action.amount)
            self.lost += bool(isinstance(action, Create | Adopt) and action.replaces)
            self.calls += _calls(action)


@dataclass(frozen=True, slots=True, kw_only=True)
class PagedPlan(Rendered[Action]):
    """A plan whose first page, with all of its notes, is at hand; `more` are texts of the others, in the order of the keys.

    It says what a `Plan` of the same actions says, but that what is left alone is counted and not kept. `known` are its
    totals, where somebody added them up.
    """

    head: Plan
    more: Iterable[str] = ()
    known: Totals | None = None

    @property
    def notes(self) -> tuple[str, ...]:  # type: ignore[override]
        return self.head.notes

    def pages(self) -> Iterator[Plan]:
        """Plans of its actions, page by page."""
        yield self.head
        for text in self.more:
            yield plan_from_json(Plan, text)

    def totals(self) -> Totals:
        return self.known or _added_up(self.pages())

    def counts(self) -> dict[str, int]:
        counted = self.totals().counts
        told = {Retire.kind: counted[Retire.kind]} if counted[Retire.kind] else {}
        return {kind: counted[kind] for kind in Plan.kinds} | told

    def money(self) -> dict[str, Decimal]:
        return dict(self.totals().money)

    def at_stake(self) -> dict[str, Decimal]:
        return dict(self.totals().at_stake)

    def first(self, most: int) -> tuple[Action, ...]:
        found: list[Action] = []
        for page in self.pages():
            found += page.first(most - len(found))
            if len(found) >= most:
                break
        return tuple(found)

    def how_many(self) -> int:
        return sum(count for kind, count in self.totals().counts.items() if kind != LEAVE)


class PlanPages:
    """Puts a plan together: plans of some keys each, in the order of the keys. `more` takes all but the first page."""

    def __init__(self, more: Texts) -> None:
        self._more, self._head, self._page = more, list[Action](), list[Action]()
        self._notes, self._totals = list[str](), Totals()

    def add(self, plan: Plan) -> None:
        self._notes += plan.notes
        for action in plan.actions:
            self._totals.add(action)
            if not isinstance(action, Leave):
                self._keep(action)

    def whole(self) -> PagedPlan:
        if self._page:
            self._more.append(_text(self._page))
            self._page = []
        head = Plan(actions=tuple(self._head), notes=tuple(self._notes))
        return PagedPlan(head=head, more=self._more, known=self._totals)

    def _keep(self, action: Action) -> None:
        if len(self._head) < PAGE:
            self._head.append(action)
            return
        self._page.append(action)
        if len(self._page) == PAGE:
            self._more.append(_text(self._page))
            self._page = []


def totals_of(plan: Plan | PagedPlan) -> Totals:
    return plan.totals() if isinstance(plan, PagedPlan) else _added_up([plan])


def stored_plan(body: str, more: Iterable[str] = ()) -> PagedPlan:
    """The plan that `PlanPages` made, or an older release, from its texts."""
    return PagedPlan(head=plan_from_json(Plan, body), more=more)


def _added_up(pages: Iterable[Plan]) -> Totals:
    totals = Totals()
    for page in pages:
        for action in page.actions:
            totals.add(action)
    return totals


def _text(actions: Iterable[Action]) -> str:
    return plan_to_json(Plan(actions=tuple(actions)))


def _calls(action: Writing) -> int:
    """A section and followers are calls of their own, and before a comment is made it is looked for."""
    if isinstance(action, Create):
        return 1 + action.desired.completed
    parts = [part for part in action.changed if part not in ("section_gid", "followers", REMARK)]
    apart = ("section_gid" in action.changed) + ("followers" in action.changed)
    return bool(parts) + apart + 2 * (REMARK in action.changed)
