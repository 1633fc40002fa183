"""Pages with made parts: putting a part in its place, and table rows as Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

Parts = Mapping[str, Callable[[], str]]


class NoPlace(Exception):
    """A page lacks the marks of a part that belongs there, or has marks of a part that nobody makes."""


def filled(page: str, parts: Parts) -> str:
    """The text of a page with each of its parts made anew."""
    marked = re.findall(r"<!-- made: ([\w-]+) -->", page)
    if sorted(marked) != sorted(parts):
        raise NoPlace(
            f"the page has marks of {', '.join(sorted(marked)) or 'nothing'}, and {', '.join(sorted(parts))} belong there"
        )
    for name, made in parts.items():
        begin, end = f"<!-- made: {name} -->", f"<!-- end of {name} -->"
        before, rest = page.split(begin)
        if end not in rest:
            raise NoPlace(f"the part {name} has no end: {end}")
        page = f"{before}{begin}\n{made().strip()}\n{end}{rest.split(end, 1)[1]}"
    return page


def is_current(path: Path, parts: Parts) -> bool:
    text = path.read_text(encoding="utf-8")
    return filled(text, parts) == text


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold anything but line ends."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\\|", "|").replace("|", "\\|")).strip()
