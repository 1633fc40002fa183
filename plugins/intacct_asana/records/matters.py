"""Exceptions: what a person has to see to, each a task with an owner in Asana, for as long as its cause holds."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

PARKED, REFUSED, REJECTED = "parked", "refused", "rejected"
UNMAPPED, UNREAD, UNWRITTEN = "unmapped", "unread", "unwritten"
CONCERN, FLOOD = "concern", "too many at once"
"""Kinds beside the classes of drift."""


class MatterState(StrEnum):
    OPEN = "OPEN"
    """Its task is open, or about to be."""
    ACCEPTED = "ACCEPTED"
    """Somebody completed the task and said why it may stay so; that holds as long as the cause is the same."""
    LEFT = "LEFT"
    """Somebody completed the task once more after it was opened again, without a reason."""
    ENDED = "ENDED"
    """The cause is gone."""
    ADOPTED = "ADOPTED"
    """Another store of the flow made its task. Whether its cause holds, the next audit of both sides tells."""


LIVE = frozenset({MatterState.OPEN, MatterState.ACCEPTED, MatterState.LEFT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """Something that holds now. `subject` tells it from others of its kind, `cause` is what exactly it is at the moment.

    `about` is the bill's key where there is one, `ends` what ends it, in words.
    """

    kind: str
    subject: str
    cause: str
    title: str
    words: str
    since: datetime
    ends: str
    about: str = ""
    task_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """An exception and its task. `turns` counts what was told on the task, `caused_at` is when its cause became what it is."""

    matter_id: str
    kind: str
    cause: str
    title: str
    words: str
    opened_at: datetime
    caused_at: datetime
    state: MatterState = MatterState.OPEN
    about: str = ""
    task_gid: str = ""
    task_url: str = ""
    turns: int = 0
    accepted_by: str = ""
    accepted_gid: str = ""
    why: str = ""


def matter_id_of(flow: str, cause: Cause) -> str:
    """The same for the same thing, in every run and in a new store. It names the flow: several may share a project."""
    text = "|".join((cause.kind, cause.subject))
    return f"{prefix_of(flow)}{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def prefix_of(flow: str) -> str:
    return f"exc-{flow}-"
