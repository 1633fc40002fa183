"""A run's words as the note that Airflow shows beside the run: short, and Markdown that shows them as they are."""

from __future__ import annotations

import re

LONGEST_NOTE = 1000
"""What Airflow's table and its API take."""
SIGNED = "*Written by the run itself; what stands below is people's.*"
MORE = "- more in the log of the run's last step"
MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!]|:(?=//)|(?<=www)\.)")


def note_of(words: str, *, before: str = "") -> str:
    """The note for `words`. What people wrote into the note `before` stays below; a note that they filled is left alone."""
    theirs = before.partition(SIGNED)[2].strip() if SIGNED in before else before.strip()
    below = f"\n\n{SIGNED}" + (f"\n\n{theirs}" if theirs else "")
    room = LONGEST_NOTE - len(below)
    lines = [_shown(line) for line in words.split("\n")]
    if len(lines[0]) + len(MORE) + 2 > room:
        return before
    return _fitting(lines, room=room) + below


def _fitting(lines: list[str], *, room: int) -> str:
    """As many lines as fit, and a word about those that do not."""
    if len("\n".join(lines)) <= room:
        return "\n".join(lines)
    kept, used = list[str](), len(MORE)
    for line in lines:
        used += len(line) + 1
        if used > room:
            break
        kept.append(line)
    return "\n".join([*kept, MORE])


def _shown(line: str) -> str:
    """A vendor's name is no link, no picture from elsewhere and no heading."""
    lead = "- " if line.startswith("- ") else ""
    return lead + MARKUP.sub(lambda found: f"\\{found.group()}", line.removeprefix(lead))
