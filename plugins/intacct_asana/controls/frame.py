"""What becomes of what the controls find: opened, opened again, ended; and the one comment about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from intacct_asana.approvals.guards.concerns import release_words
from intacct_asana.records import Intent, Link
from intacct_asana.records.concerns import BillFacts, Concern, ConcernState
from intacct_asana.records.remarks import reference
from intacct_asana.text import is_web_address, one_line, short

CONCERN = "concern"
"""The journal's name for the comments."""
LONGEST_NUMBER = 80
NO_MORE = "it holds no more"
NOT_DECLARED = "the flow file does not name this control any more"


def judged(found: Iterable[Concern], stored: Collection[Concern], *, examined: Collection[str], at: datetime) -> list[Concern]:
    """What is to be kept: concerns that are new, that hold again or say something else now, and open ones that hold no more.

    `stored` are all of the kinds that were looked for, about bills that were `examined` and those that concerns were found of.
    One that a person released stays so.
    """
    known, now = {one.concern_id: one for one in stored}, {one.concern_id: one for one in found}
    kept = [again for one in now.values() if (again := _again(one, known.get(one.concern_id)))]
    ended = [one for one in stored if one.is_open and one.key in examined and one.concern_id not in now]
    return kept + [end(one, why=NO_MORE, at=at) for one in ended]


def _again(one: Concern, before: Concern | None) -> Concern | None:
    """None where nothing changed, or a person released it."""
    if before is None:
        return one
    if before.state is ConcernState.RELEASED:
        return None
    held = replace(one, found_at=before.found_at) if before.is_open else one
    return held if held != before else None


def end(one: Concern, *, why: str, at: datetime) -> Concern:
    return replace(one, state=ConcernState.ENDED, ended_at=at, why=why)


def to_examine(changed: Mapping[str, BillFacts], opened: Iterable[Concern]) -> set[str]:
    """Keys of bills that changed, and of those whose concern is about one that did."""
    return {*changed, *(one.key for one in opened if changed.keys() & set(one.others))}


def comment_on(one: Concern, link: Link, *, others: Mapping[str, BillFacts], links: Mapping[str, Link]) -> Intent:
    """The comment on the bill's task, to be made once: what was found, where the other bills are, how it is released."""
    lines = [one.words, *(line for key in one.others if (line := _where(others.get(key), links.get(key))))]
    if one.blocks and one.release_word:
        lines.append(f"An approval of this bill waits until that is cleared up. {release_words(one.release_word)}")
    mark = reference(one.concern_id)
    body = {"text": "\n".join([*lines, mark]), "reference": mark}
    return Intent(intent_id=f"{CONCERN}-{one.concern_id}-{link.task_gid}", kind=CONCERN, subject=link.task_gid, body=body)


def _where(other: BillFacts | None, link: Link | None) -> str:
    """Where the other bill is found: its task, else its record in Intacct."""
    if other is None:
        return ""
    name = bill_words(other)
    if link and link.task_url:
        return f"The task of {name}: {link.task_url}"
    if is_web_address(other.record_url):
        return f"In Intacct {name} is here: {one_line(other.record_url)}"
    return f"In Intacct {name} is record {other.record_no}."


def bill_words(facts: BillFacts) -> str:
    """`bill INV-42`, and for one without a number `the bill of record 41`."""
    number = short(facts.number, longest=LONGEST_NUMBER)
    return f"bill {number}" if number else f"the bill of record {facts.record_no}"
