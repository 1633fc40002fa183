"""What people were asked in Asana: a subtask of the bill's task for each person who is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class AskState(StrEnum):
    """How far an ask has come."""

    OPEN = "OPEN"
    """The person is due; the subtask is there, or about to be made."""

    ANSWERED = "ANSWERED"
    """What the person chose on it stands."""

    CLOSED = "CLOSED"
    """Nobody waits for an answer any more; the subtask says why, or is about to."""

    GONE = "GONE"
    """Somebody deleted the subtask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One person asked about one content of a bill, for one step.

    `task_gid` is the bill's task, `subtask_gid` empty until the subtask is known to be there. `digest` is what the bill's task
    showed when the person was asked, `email` their address on the approver list. `why` says why it was closed.
    """

    ask_id: str
    key: str
    task_gid: str
    step: str
    email: str
    digest: str
    opened_at: datetime
    state: AskState = AskState.OPEN
    subtask_gid: str = ""
    closed_at: datetime | None = None
    why: str = ""

    @property
    def is_live(self) -> bool:
        """Whether its subtask may still be answered, or be asked about again."""
        return self.state in (AskState.OPEN, AskState.ANSWERED)
