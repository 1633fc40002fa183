"""The lists of a flow: what waits for whom, decisions, drift, exceptions, concerns. Each can be narrowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Response

from intacct_asana.asking.turns import turn_id
from intacct_asana.records.concerns import ConcernState
from intacct_asana.records.drift import Drift
from intacct_asana.records.matters import LIVE, MatterState
from intacct_asana.reports.listed import Piece, Sought
from intacct_asana.store.reporting.closing import due_now
from intacct_asana.web.page.flows import shown_for
from intacct_asana.web.page.frame import Asked, Page, Seen, Sentence
from intacct_asana.web.page.rows import (
    DECISIONS,
    Table,
    concern_table,
    decision_table,
    drift_table,
    matter_table,
    waiting_table,
)

LAST_PIECE = 2000
"""So deep nobody turns pages; whoever looks for something narrows the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a list can be narrowed to, by the word in the address; each with the states that it stands for."""

    states: Mapping[str, frozenset[str]]

    def sought(self, asked: Asked) -> Sought:
        name, place = asked.one_of("state", {name: name for name in self.states}), asked.place()
        if place > LAST_PIECE:
            raise Sentence(400, f"Lists end at page {LAST_PIECE:,}; narrow the list instead.")
        return Sought(
            text=asked.query("text"),
            person=asked.query("person"),
            vendor=asked.query("vendor"),
            states=self.states[name] if name else frozenset(),
            piece=place,
        )


def _each(names: Iterable[str]) -> dict[str, frozenset[str]]:
    return {name.lower(): frozenset({name}) for name in names}


NONE = Choice(states={})
OF_DECISIONS = Choice(states={name: frozenset(map(str, states)) for name, states in DECISIONS.items()})
OF_DRIFT = Choice(states=_each(map(str, Drift)))
OF_MATTERS = Choice(states=_each(map(str, (state for state in MatterState if state in LIVE))))
OF_CONCERNS = Choice(states=_each(map(str, ConcernState)))


def add_to(page: Page) -> None:
    for name, words, view in (
        ("waiting", "Waiting", waiting),
        ("decisions", "Decisions", decisions),
        ("drift", "Drift", drift),
        ("exceptions", "Exceptions", exceptions),
        ("concerns", "Concerns", concerns),
    ):
        page.tab(name, words)
        page.get(f"/flows/{{flow}}/{name}", view)


def waiting(asked: Asked) -> Response:
    seen = asked.flow()
    sought = NONE.sought(asked)
    piece = seen.store.listing().waiting(sought)
    keys = [link.key for link in piece.rows]
    turns = {intent.intent_id: intent for intent in seen.store.intents().of([turn_id(key) for key in keys]).values()}
    table = waiting_table(
        piece.rows,
        seen.store.listing().known(keys),
        {key: turns[turn_id(key)] for key in keys if turn_id(key) in turns},
        seen.store.asks().of(keys),
        due_now(seen.flow, seen.store.history(), seen.store.decisions(), keys, at=asked.now),
        shown_for(asked, seen.flow),
    )
    about = "Bills with an open task and no decision that counts, the oldest first."
    return _list(asked, seen, "waiting", table, piece, sought=sought, choice=NONE, about=about)


def decisions(asked: Asked) -> Response:
    seen = asked.flow()
    sought = OF_DECISIONS.sought(asked)
    piece = seen.store.listing().decisions(sought)
    known = seen.store.listing().known([one.key for one in piece.rows])
    runs = seen.store.listing().moved_in([one.decision_id for one in piece.rows])
    dag_id = f"{seen.flow.flow}_approval_reconciliation"
    table = decision_table(piece.rows, known, shown_for(asked, seen.flow), dag_id=dag_id, runs=runs)
    about = "What people chose in Asana and what became of it, the newest first."
    return _list(asked, seen, "decisions", table, piece, sought=sought, choice=OF_DECISIONS, about=about)


def drift(asked: Asked) -> Response:
    seen = asked.flow()
    sought = OF_DRIFT.sought(asked)
    piece = seen.store.listing().drift(sought)
    known = seen.store.listing().known([one.key for one, _ in piece.rows])
    table = drift_table(piece.rows, known, shown_for(asked, seen.flow))
    about = "Where both sides differ and no run is about to mend it, as the last audit found it."
    return _list(asked, seen, "drift", table, piece, sought=sought, choice=OF_DRIFT, about=about)


def exceptions(asked: Asked) -> Response:
    seen = asked.flow()
    sought = OF_MATTERS.sought(asked)
    piece = seen.store.listing().exceptions(sought)
    table = matter_table(piece.rows, shown_for(asked, seen.flow))
    about = "What needs a person, each a task with an owner in Asana."
    if seen.flow.exceptions is None:
        about += " This flow does not declare `exceptions`, so it makes no such tasks."
    return _list(asked, seen, "exceptions", table, piece, sought=sought, choice=OF_MATTERS, about=about)


def concerns(asked: Asked) -> Response:
    seen = asked.flow()
    sought = OF_CONCERNS.sought(asked)
    piece = seen.store.listing().concerns(sought)
    known = seen.store.listing().known([one.key for one in piece.rows])
    table = concern_table(piece.rows, known, shown_for(asked, seen.flow))
    about = "What controls found against bills; open ones unless you choose a state."
    return _list(asked, seen, "concerns", table, piece, sought=sought, choice=OF_CONCERNS, about=about)


def _list(
    asked: Asked, seen: Seen, tab: str, table: Table, piece: Piece[Any], *, sought: Sought, choice: Choice, about: str
) -> Response:
    said = {name: asked.query(name) for name in ("text", "person", "vendor", "state")}

    def turned(by: int) -> str:
        return asked.url("flows", seen.flow.flow, tab, **said, page=sought.piece + by)

    return asked.html(
        "list.html",
        seen,
        tab=tab,
        title=asked.page.tabs[tab],
        about=about,
        table=table,
        said=said,
        states=list(choice.states),
        piece=sought.piece,
        back=turned(-1) if sought.piece > 1 else "",
        onward=turned(1) if piece.has_more else "",
    )
