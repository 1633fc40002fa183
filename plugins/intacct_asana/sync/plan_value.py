"""What every plan is, whatever it is about: actions with reasons, which are counted, printed, kept as text, or refused.

A plan is made by reading and comparing only. So it can be looked at before anything is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import ClassVar, Generic, Protocol, TypeVar

from intacct_asana.errors import UnsafePlan
from intacct_asana.sync.difference import FIELD
from intacct_asana.text import short

LEAVE = "leave"
"""The kind of an action that does nothing. It is only counted."""

FEWEST = 10
"""With fewer things known an empty side proves nothing: a new flow looks like that."""

WAY_OUT = "Nothing was written. Read the plan; if it is right, run again with allow_unsafe_plan."
LONGEST_CELL = 160


class Planned(Protocol):
    """One action. Its reason may name fields as `field:<gid>`."""

    @property
    def kind(self) -> str: ...

    @property
    def key(self) -> str: ...

    @property
    def reason(self) -> str: ...


Act = TypeVar("Act", bound=Planned)


class Rendered(Generic[Act]):
    """What can be printed as a plan: totals by kind, the first of its actions, notes for people."""

    __slots__ = ()
    notes: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """How many of each kind; every kind is there."""
        raise NotImplementedError

    def money(self) -> dict[str, Decimal]:
        """Absolute base currency amounts, summed by kind; empty where a plan is not about money."""
        return {}

    def first(self, most: int) -> tuple[Act, ...]:
        """The first actions that do anything."""
        raise NotImplementedError

    def how_many(self) -> int:
        """How many actions do anything."""
        raise NotImplementedError

    def render(
        self,
        *,
        names: Callable[[Act], Mapping[str, str]] | Mapping[str, str] | None = None,
        records: Mapping[str, str] | None = None,
        rows: int = 50,
    ) -> str:
        """Markdown for logs: totals by kind, up to `rows` actions, the notes.

        `names` gives fields their names, or says for an action what becomes of each; `records` gives keys the names that
        people know. What is left alone is only counted.
        """
        called, known = names if callable(names) else lambda _: names or {}, records or {}
        money, more = self.money(), self.how_many() - rows
        totals = [(kind, str(count), f"{money.get(kind, Decimal(0)):f}") for kind, count in self.counts().items()]
        parts = [_table(("action", "records", "amount"), totals)]
        if said := [(one.kind, one.key, _named(one.reason, called(one))) for one in self.first(rows)]:
            if known:
                told = [(kind, known.get(key, ""), why, key) for kind, key, why in said]
                parts.append(_table(("action", "record", "why", "key"), told))
            else:
                parts.append(_table(("action", "key", "why"), said))
        if more > 0:
            parts.append(f"... and {more} more.")
        if self.notes:
            unsaid = [f"- ... and {len(self.notes) - rows} more"] if len(self.notes) > rows else []
            parts.append("\n".join([*(f"- {note}" for note in self.notes[:rows]), *unsaid]))
        return "\n\n".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanValue(Rendered[Act]):
    """Actions in the order of their keys, and notes for people. `version` is of its form as text.

    Each plan is a dataclass of its own and says the type of its actions again, because pydantic reads it by that.
    """

    version: ClassVar[int] = 1
    kinds: ClassVar[Sequence[str]]
    actions: tuple[Act, ...]
    notes: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        counted = Counter(action.kind for action in self.actions)
        return {kind: counted[kind] for kind in self.kinds}

    def first(self, most: int) -> tuple[Act, ...]:
        return tuple(islice((action for action in self.actions if action.kind != LEAVE), most))

    def how_many(self) -> int:
        return sum(action.kind != LEAVE for action in self.actions)


def refuse_if_any(reasons: Iterable[str]) -> None:
    """Raises UnsafePlan with every reason and the way out."""
    if each := tuple(reasons):
        listed = "".join(f"\n  - {reason}" for reason in each)
        raise UnsafePlan(f"The plan is bigger than the flow's limits:{listed}\n{WAY_OUT}", reasons=each)


def too_many(what: str, count: int, limit: int) -> list[str]:
    return [f"too many {what}: {count}, the limit is {limit}"] if count > limit else []


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [list(head), *([_cell(text) for text in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _cell(text: str) -> str:
    return short(text, longest=LONGEST_CELL).replace("|", "\\|")


def _named(text: str, names: Mapping[str, str]) -> str:
    # Longest first, so that one gid that begins another does not take its place.
    for gid in sorted(names, key=len, reverse=True):
        text = text.replace(FIELD + gid, names[gid])
    return text
