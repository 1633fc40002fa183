"""One write to the other side, from before its call leaves until it is known what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class IntentState(StrEnum):
    """How far a write has come. What is SENT or UNKNOWN is looked for over there before it is sent again."""

    NOTED = "NOTED"
    """To be sent. Nothing that we know of left for it."""

    SENT = "SENT"
    """Its call is leaving, or left and nobody kept the answer."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"
    """It left, no clear answer came, and it was not seen over there when we last looked."""

    @property
    def is_open(self) -> bool:
        return self in (IntentState.NOTED, IntentState.SENT, IntentState.UNKNOWN)

    @property
    def is_in_doubt(self) -> bool:
        return self in (IntentState.SENT, IntentState.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What is to be written, and how far that has come.

    `intent_id` is made from what the write is, so that whoever wants the same thing finds the same row. `subject` is what
    it is about: a bill key, a task gid, a project gid. `body` is what goes out, as JSON can carry it. `since` is the other
    system's own clock when it was first noted: looking back begins there.

    `turn` counts the times that it was sent in all, `tries` those with this body under this control id. `answer` is what
    became of it: the gid that was made, the words of a refusal. `claimed_by` is sending it, until `claimed_until` at most.
    """

    intent_id: str
    kind: str
    subject: str
    body: Mapping[str, object]
    since: datetime | None = None
    state: IntentState = IntentState.NOTED
    control_id: str = ""
    turn: int = 0
    tries: int = 0
    noted_at: datetime | None = None
    answer: Mapping[str, object] = field(default_factory=dict)
    claimed_by: str = ""
    claimed_until: datetime | None = None
