"""What somebody looks for in a list, the piece of it that they get, and what is known of a bill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from intacct_asana.records import Link
from intacct_asana.records.concerns import BillFacts

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What is looked for; all that is said has to fit. Each word is found anywhere in a row, in either case of its letters.

    `states` are those of the list that is asked for; none stands for the list's own choice. `piece` counts from 1.
    """

    text: str = ""
    person: str = ""
    vendor: str = ""
    states: frozenset[str] = frozenset()
    piece: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece(Generic[Record]):
    """The rows of one piece, and whether others follow."""

    rows: tuple[Record, ...]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the store knows of a bill: its task, what the task shows, and what the ledger has where controls keep one."""

    key: str
    link: Link | None = None
    shown: Mapping[str, object] | None = None
    facts: BillFacts | None = None
