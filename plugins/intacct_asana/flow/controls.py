"""What is looked at around each bill before it is approved. Every part is off when a flow file does not name it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from intacct_asana.flow.words import Line, Part


class ControlRule(Part):
    """What every control has in common."""

    mode: Literal["advise", "block"] = "advise"
    """`advise` says what it found on the bill's task, once. With `block` an approval waits, too, until a person released what
    was found or it holds no more."""


class DuplicateRule(ControlRule):
    """Bills that may be entered twice."""

    window_days: Annotated[int, Field(ge=1, le=400)] = 60
    """How many days lie between the dates of two bills at most, for the one to be the other once more."""

    near_days: Annotated[int, Field(ge=0, le=31)] = 3
    """The same where less speaks for it: bills without a number, or of one number and different amounts."""

    except_vendors: tuple[Line, ...] = ()
    """Ids of vendors that write the same number on each of their bills, such as the number of a customer."""

    release_word: Line = "Not a duplicate"
    """`block`: how a comment begins by which an approver releases the bill. What stands behind a colon is the reason."""


class Controls(Part):
    """Controls around a bill."""

    wait_days: Annotated[int, Field(ge=1, le=366)] = 30
    """How many days an approval waits for what a blocking control found. Then it is refused."""

    history_days: Annotated[int, Field(ge=1, le=1500)] = 180
    """How far back bills are read at first: all that are dated, were made or were changed since. What comes later is kept."""

    duplicates: DuplicateRule | None = None
    """Bills that may be entered twice are told on both tasks."""

    @property
    def declared(self) -> tuple[ControlRule, ...]:
        """Those that the file names."""
        named = (getattr(self, name) for name in type(self).model_fields)
        return tuple(one for one in named if isinstance(one, ControlRule))

    @property
    def known_days(self) -> int:
        """How far back bills have to be known."""
        return max([self.history_days, *(int(getattr(one, "window_days", 0)) for one in self.declared)])
