"""The questions of docs/prove-live.md, by system, as the code asks them."""

from __future__ import annotations

from functools import partial

from intacct_asana.proving.catalogue import ALL
from intacct_asana.proving.question import SYSTEMS, System

from manuals.pages import Parts, table


def question_table(system: System, *, writes: bool) -> str:
    """One row a question: those that only read, or those that write."""
    chosen = [one for one in ALL if one.system == system and bool(one.writes) is writes]
    if not writes:
        rows = [(f"`{one.id}`{' (patient)' if one.slow else ''}", one.asks, one.unsure, one.otherwise) for one in chosen]
        return table(("question", "asks", "why it is not sure", "what this project does if it is otherwise"), rows)
    rows = [
        (f"`{one.id}`", one.asks, one.unsure, one.otherwise, f"{one.writes}. Taken back: {one.taken_back}") for one in chosen
    ]
    head = ("question", "asks", "why it is not sure", "what this project does if it is otherwise", "what it writes")
    return table(head, rows)


PARTS: Parts = {
    f"{system.replace(' ', '-')}-{'writes' if writes else 'reads'}": partial(question_table, system, writes=writes)
    for system in SYSTEMS
    for writes in (False, True)
    if any(one.system == system and bool(one.writes) is writes for one in ALL)
}
