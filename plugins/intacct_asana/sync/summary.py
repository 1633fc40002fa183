"""The printable plan: one table that reads well in a log and renders in markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from intacct_asana.sync.actions import Action, Leave
from intacct_asana.sync.difference import FIELD

LONGEST_CELL = 100


def render_plan(
    actions: Sequence[Action],
    notes: Sequence[str],
    *,
    counts: Mapping[str, int],
    money: Mapping[str, Decimal],
    names: Mapping[str, str],
    rows: int,
) -> str:
    """Totals by kind, then up to `rows` actions that write, then the notes. What is left alone is only counted."""
    totals = [(kind, str(count), f"{money.get(kind, Decimal(0)):f}") for kind, count in counts.items()]
    writing = [action for action in actions if not isinstance(action, Leave)]
    parts = [_table(("action", "records", "amount"), totals)]
    if writing:
        listed = [(action.kind, action.key, _named(action.reason, names)) for action in writing[:rows]]
        parts.append(_table(("action", "key", "why"), listed))
    if len(writing) > rows:
        parts.append(f"... and {len(writing) - rows} more.")
    if notes:
        more = [f"- ... and {len(notes) - rows} more"] if len(notes) > rows else []
        parts.append("\n".join([*(f"- {note}" for note in notes[:rows]), *more]))
    return "\n\n".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [list(head), *([_cell(text) for text in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in cells]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _cell(text: str) -> str:
    short = text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
    return short.replace("\n", " ").replace("|", "\\|")


def _named(text: str, names: Mapping[str, str]) -> str:
    # Longest first, so that one gid that begins another does not take its place.
    for gid in sorted(names, key=len, reverse=True):
        text = text.replace(FIELD + gid, names[gid])
    return text
