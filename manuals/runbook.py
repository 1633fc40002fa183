"""docs/runbook.md: what people may see in a log or on a task, in the groups of `cures`, with sentences as the code says them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from manuals.cures import SECTIONS, Cure
from manuals.messages import HOLE, Message, messages
from manuals.pages import Parts

LONGEST = 170


class NoCure(Exception):
    """Messages that the code raises and nobody says anything about."""


def cure_of(message: Message) -> Cure | None:
    """The first cure one of whose patterns fits. What is certain of a message counts before what its module says of it."""
    return next((cure for cure in all_cures() if any(re.search(pattern, message.sign) for pattern in cure.patterns)), None)


def all_cures() -> Iterator[Cure]:
    for cures in SECTIONS.values():
        yield from cures


def cured() -> dict[str, list[Message]]:
    """Messages by what somebody sees. Raises NoCure that names every one without."""
    found: dict[str, list[Message]] = {cure.see: [] for cure in all_cures()}
    without = []
    for message in messages():
        if cure := cure_of(message):
            found[cure.see].append(message)
        else:
            without.append(message.sign)
    if without:
        listed = "\n  ".join(without)
        raise NoCure(f"these messages have no cure in manuals/cures.py:\n  {listed}")
    return found


def runbook() -> str:
    found = cured()
    return "\n\n".join(
        f"## {section}\n\n" + "\n\n".join(_entry(cure, found[cure.see]) for cure in cures)
        for section, cures in SECTIONS.items()
    )


def _entry(cure: Cure, found: list[Message]) -> str:
    errors = ", ".join(dict.fromkeys(message.error for message in found))
    quotes = _quotes(found, most=cure.shown)
    shown = "".join(f"\n> {quote}\n>" for quote in quotes).removesuffix("\n>")
    more = len(found) - len(quotes)
    others = f"\n>\n> and {more} more like it" if more and quotes else ""
    return f"### {cure.see}\n{shown}{others}\n\n*{errors}.* {cure.means}\n\n**Do:** {cure.do}"


def _quotes(found: list[Message], *, most: int) -> list[str]:
    """The sentences that say most by themselves, in the order of the code."""
    telling = [message.text for message in found if _words(message.text) >= 3]
    best = sorted(dict.fromkeys(telling), key=_words, reverse=True)[:most]
    return [_short(text) for text in dict.fromkeys(telling) if text in best]


def _words(text: str) -> int:
    return len(re.findall(r"[A-Za-z]{2,}", text))


def _short(text: str) -> str:
    text = text.removeprefix(f"{HOLE}: ")
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(" ", 1)[0] + " ..."


PARTS: Parts = {"messages": runbook}
