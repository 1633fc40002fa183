"""One aligned table of plain text, since figures are made to be pasted, and the results that stand in it."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

GAP = "   "


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one measure came to.

    `value` is in `unit`, most often the middle of the `samples`, of which each is a round in which all that is compared took
    its turn. It is None where nothing was measured, and then `note` says why. A goal is an upper or a lower bound, if any;
    a measure that failed has met none.
    """

    id: str
    value: float | None
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    samples: tuple[float, ...] = ()
    note: str = ""
    failed: bool = False

    @property
    def goal(self) -> str:
        """`at most 5`; empty without one."""
        bounds = {"at most": self.at_most, "at least": self.at_least}
        return " and ".join(f"{name} {bound:g}" for name, bound in bounds.items() if bound is not None)

    @property
    def met(self) -> bool | None:
        """None without a goal, and where nothing was measured on purpose."""
        if self.failed:
            return False
        if self.value is None or not self.goal:
            return None
        return (self.at_most is None or self.value <= self.at_most) and (self.at_least is None or self.value >= self.at_least)

    def row(self) -> tuple[str, ...]:
        value = "-" if self.value is None else _figure(self.value)
        spread = (min(self.samples), max(self.samples)) if self.samples else ()
        low, high = map(_figure, spread) if spread else ("", "")
        verdict = "FAILED" if self.failed else {True: "met", False: "NOT met", None: ""}[self.met]
        return self.id, self.unit, low, value, high, self.goal, verdict

    def json(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in ("id", "value", "unit", "goal", "met", "note")}
        return told | {"samples": list(self.samples)}


HEAD = ("measure", "unit", "min", "value", "max", "goal", "")


def middle(id: str, unit: str, samples: Sequence[float], **more: Any) -> Result:
    """The result of several rounds."""
    return Result(id=id, value=statistics.median(samples), unit=unit, samples=tuple(samples), **more)


def results_table(results: Sequence[Result]) -> str:
    """All results in one table, and what is to be said about one below it."""
    notes = [f"{one.id}: {one.note}" for one in results if one.note]
    return "\n".join([table(HEAD, [one.row() for one in results]), *notes])


def machine() -> dict[str, Any]:
    """What figures depend on, and nothing that names the machine."""
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "processors": os.cpu_count(),
        "python": platform.python_version(),
        "load": list(os.getloadavg()),
    }


def _figure(value: float) -> str:
    """Four digits that count, and all of a larger number."""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Rows below `head`; the first column stands left, figures stand right. Every row is as long as the head."""
    cells = [tuple(head), *(tuple(str(cell) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [GAP.join(_aligned(line, widths)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * max(map(len, lines)), *lines[1:]])


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *others = zip(line, widths, strict=True)
    return [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]


def load() -> str:
    """How busy this machine is: figures of a busy one say little."""
    one, five, fifteen = os.getloadavg()
    return f"load {one:.1f} {five:.1f} {fifteen:.1f} (1, 5, 15 minutes) on {os.cpu_count()} processors"
