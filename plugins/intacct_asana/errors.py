"""Six errors, each named for what happens next.

They are the only exceptions that leave this package on purpose. `dag_parts` maps them to Airflow's retries in
one place, and every message is the runbook: what was being done, to which key, what the other side said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that a person has to mend: where it is, what is wrong, how to mend it; of a file, the line as it is written."""

    where: str
    what: str
    mend: str = ""
    quote: str = ""

    def __str__(self) -> str:
        cure = f" ({self.mend})" if self.mend else ""
        quote = f"\n      | {self.quote}" if self.quote else ""
        return f"{self.where}: {self.what}{cure}{quote}"


class IntacctAsanaError(Exception):
    """The family of the six; never raised itself."""

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        """The other side's own error number, when it gave one (`PL04000005`, `404`)."""
        self.about: tuple[str, ...] = ()
        """What exactly was refused, where the other side says so: gids and names of properties."""

    def naming(self, *about: str) -> Self:
        """The same error, known to be about these gids or properties."""
        self.about = (*self.about, *about)
        return self

    def at(self, where: str) -> Self:
        """The same error with `where` (a connection, a key) in front of its message."""
        self.message = f"{where}: {self.message}"
        self.args = (self.message,)
        return self


class TryLater(IntacctAsanaError):
    """Nothing happened over there, and it may work later: a limit, an outage before the call had any effect."""

    def __init__(self, message: str, *, code: str | None = None, wait_seconds: float | None = None) -> None:
        super().__init__(message, code=code)
        self.wait_seconds = wait_seconds


class SessionEnded(TryLater):
    """Intacct no longer knows our session. Nothing happened; the hook logs in once more and repeats the call."""


class OutcomeUnknown(IntacctAsanaError):
    """A write left and no answer came: read the record back and compare before anything is written again."""


class Refused(IntacctAsanaError):
    """The other side understood and said no: a business rule, a record that is gone, a locked field."""


class UnsafePlan(IntacctAsanaError):
    """The plan is bigger than the flow's limits. Nothing was written; the message says the numbers and the way out."""

    def __init__(self, message: str, *, reasons: tuple[str, ...] = (), code: str | None = None) -> None:
        super().__init__(message, code=code)
        self.reasons = reasons


class Misconfigured(IntacctAsanaError):
    """A person has to mend a connection, a permission or a mapping first. Lists every problem, not just the first."""

    def __init__(self, message: str, *, problems: tuple[Problem, ...] = (), code: str | None = None) -> None:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"{message}{listed}", code=code)
        self.problems = problems


class UnexpectedReply(IntacctAsanaError):
    """The answer is not what the documentation describes. Fails closed: it is never taken for a success."""


class OddRecord(UnexpectedReply):
    """The answer is whole, and one record in it has a value of another form: that record fails, and says nothing of others."""
