"""One aligned table of plain text: figures are made to be pasted."""

from __future__ import annotations

import os
from collections.abc import Sequence

GAP = "   "


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
