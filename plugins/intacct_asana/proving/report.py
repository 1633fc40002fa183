"""What came of the questions, as JSON, as a page, and as lines for the connections and the flow file. Pure; names nobody."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from intacct_asana.proving.question import SYSTEMS, Answer, Row, Setting

VERSION = 1
SHORTEST = 4
"""What is shorter cannot be taken out of a text without taking words of the language along."""


def as_data(rows: Sequence[Row], *, package: str, day: date) -> dict[str, Any]:
    """Everything, for programmes: one object a question, in the order in which they were asked."""
    return {
        "report": "prove-live",
        "version": VERSION,
        "package": package,
        "day": day.isoformat(),
        "counts": {outcome: sum(row.outcome == outcome for row in rows) for outcome in ("answered", "failed", "not asked")},
        "questions": [_one(row) for row in rows],
        "settings": [_setting(one) for one in settings_of(rows)],
    }


def _one(row: Row) -> dict[str, Any]:
    question = row.question
    told: dict[str, Any] = {"id": question.id, "system": question.system, "asks": question.asks, "outcome": row.outcome}
    if row.answer:
        told |= {"seen": row.answer.seen, "figures": dict(row.answer.figures)}
    if row.why:
        told["why"] = row.why
    if question.writes:
        told["wrote"] = question.writes if row.outcome != "not asked" else ""
        told["taken back"] = "no: something remains" if row.remains else "yes" if row.outcome != "not asked" else ""
    return told


def _setting(one: Setting) -> dict[str, Any]:
    return {"place": one.place, "key": one.key, "value": one.value, "why": one.why}


def settings_of(rows: Iterable[Row]) -> list[Setting]:
    """What follows, each key once: what a bill of our own showed, which is asked last, counts more than what old ones did."""
    found = {(one.place, one.key): one for row in rows if row.answer for one in row.answer.settings}
    if ("connection intacct", "timestamp_zone") in found:
        found.pop(("connection intacct", "timestamp_offset"), None)
    return list(found.values())


def without(text: str, identifiers: Iterable[str]) -> str:
    """`text` with each identifier of the connections taken out, whatever put it there."""
    for one in sorted({one for one in identifiers if len(one) >= SHORTEST}, key=len, reverse=True):
        text = re.sub(re.escape(one), "…", text, flags=re.IGNORECASE)
    return text


def anonymous(rows: Iterable[Row], identifiers: Iterable[str]) -> list[Row]:
    """The rows without any identifier in what the systems said. Our own words stay: a user may be called `asana`."""
    named = tuple(identifiers)

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return without(value, named)
        if isinstance(value, Mapping):
            return {clean(name): clean(each) for name, each in value.items()}
        return [clean(each) for each in value] if isinstance(value, list | tuple) else value

    return [
        replace(
            row,
            why=clean(row.why),
            answer=row.answer
            and Answer(
                seen=clean(row.answer.seen),
                figures=clean(row.answer.figures),
                settings=tuple(replace(one, value=clean(one.value), why=clean(one.why)) for one in row.answer.settings),
            ),
        )
        for row in rows
    ]


def as_json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def as_page(rows: Sequence[Row], *, package: str, day: date) -> str:
    """The report for people, in Markdown."""
    return "\n".join(_lines(rows, package=package, day=day)) + "\n"


def _lines(rows: Sequence[Row], *, package: str, day: date) -> Iterator[str]:
    answered = sum(row.outcome == "answered" for row in rows)
    failed = sum(row.outcome == "failed" for row in rows)
    yield f"# What the live systems answered, {day}"
    yield ""
    yield f"intacct-asana {package}: {answered} questions answered, {failed} failed, {len(rows) - answered - failed} not asked."
    yield "It holds shapes, counts, codes and our own words; of other texts what any error may say, with … for the rest."
    if any(row.remains for row in rows):
        yield ""
        yield "**Not everything that was written could be taken back:** the screen said what remains, and where."
    for system in SYSTEMS:
        of_system = [row for row in rows if row.question.system == system]
        if not of_system:
            continue
        yield ""
        yield f"## {system.capitalize()}"
        for row in of_system:
            yield from _section(row)


def _section(row: Row) -> Iterator[str]:
    question = row.question
    yield ""
    yield f"### {question.id}"
    yield ""
    yield f"{question.asks} *{question.unsure}*"
    yield ""
    if row.answer:
        yield f"**{row.answer.seen}**"
        yield ""
        yield from (f"- {name}: {_shown(value)}" for name, value in row.answer.figures.items())
        yield ""
        yield f"If it is otherwise than this project takes it to be: {question.otherwise}"
    else:
        yield f"{row.outcome.capitalize()}: {row.why}"
    if question.writes and row.outcome != "not asked":
        yield ""
        yield "Something that was written remains." if row.remains else "What was written was taken back."


def _shown(value: Any) -> str:
    return f"`{json.dumps(value, ensure_ascii=False)}`" if isinstance(value, dict | list) else str(value)


HEAD = """# Lines that follow from the answers. Each needs a look: a value in <> is yours to write.
# Keys of connections belong into their extra (docs/connections.md), the others into the flow file (docs/flow-file.md).
"""


def as_settings(rows: Iterable[Row]) -> str:
    """YAML: a part for each connection and one for the flow file, with the reason above each line."""
    found = settings_of(rows)
    parts = [HEAD]
    for place in dict.fromkeys(one.place for one in found):
        parts.append(f"{place.replace('connection ', '')}:")
        parts += _tree([(one.key.split("."), one) for one in found if one.place == place], depth=1)
        parts.append("")
    if not found:
        parts.append("{}  # nothing: what is left out in connections and flow file fits\n")
    return "\n".join(parts)


def _tree(keys: list[tuple[list[str], Setting]], *, depth: int) -> Iterator[str]:
    for name in dict.fromkeys(path[0] for path, _ in keys):
        below = [(path[1:], one) for path, one in keys if path[0] == name]
        indent = "  " * depth
        if below[0][0]:
            yield f"{indent}{name}:"
            yield from _tree(below, depth=depth + 1)
            continue
        one = below[0][1]
        yield f"{indent}# {one.why}"
        yield f"{indent}{name}: {_value(one.value)}"


def _value(value: Any) -> str:
    return '"<...>"' if value in ("", []) else json.dumps(value, ensure_ascii=False)
