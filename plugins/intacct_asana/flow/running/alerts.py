"""Who is told of what: one message when something begins that a person should know of, and one when it is over."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, WithJsonSchema

from intacct_asana.flow.words import ConnectionId, Email, Gid, Part, flaw

UNITS = {"m": "minutes", "h": "hours", "d": "days"}
WATCHED = Literal["bill_sync", "vendor_sync", "approval_reconciliation", "drift_audit"]
"""Jobs that come by themselves, and so can be late."""


def _span(value: Any) -> Any:
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", value) if isinstance(value, str) else None
    if found is None and not isinstance(value, timedelta):
        raise flaw(f"has {value!r}, which is no length of time", "write a number and m, h or d, as in 90m, 2h or 1d")
    return timedelta(**{UNITS[found[2]]: int(found[1])}) if found else value


Span = Annotated[
    timedelta,
    BeforeValidator(_span),
    WithJsonSchema({"type": "string", "pattern": "^[1-9][0-9]{0,4}[mhd]$", "examples": ["2h"]}),
]


class Notifier(Part):
    """One way to tell people."""

    kind: Literal["smtp", "slack", "asana_comment", "asana_task", "log"]
    """`smtp` sends a mail, `slack` a message to a channel, `asana_comment` comments on a task, `asana_task` makes a task that
    is completed when it is over; `log` writes to the log of whoever found it."""

    connection: ConnectionId | None = None
    """Airflow connection of a mail or of Slack. `smtp_default` or `slack_default` when left out."""

    to: tuple[Email, ...] = ()
    """`smtp`: who gets the mail."""

    from_email: Email | None = None
    """`smtp`: sender of the mail. The connection's own when left out."""

    task: Gid | None = None
    """`asana_comment`: gid of the task."""

    project: Gid | None = None
    """`asana_task`: gid of the project of the tasks."""

    assignee: Email | None = None
    """`asana_task`: whose the tasks are. Nobody's when left out."""

    @property
    def connection_id(self) -> str:
        return self.connection or f"{self.kind}_default"


class Alerts(Part):
    """Who is told of what. What nobody is named for stands in the log and on the page."""

    on_failure: tuple[Notifier, ...] = ()
    """Told when a run fails for good, and when a DAG has not succeeded for as long as `not_succeeded_for` says."""

    on_refusal: tuple[Notifier, ...] = ()
    """Told when a decision is refused, by the flow's rules or by Intacct, and somebody has to decide anew."""

    on_parked: tuple[Notifier, ...] = ()
    """Told when a decision waits, as for closed books."""

    on_drift: tuple[Notifier, ...] = ()
    """Told when the audit of both sides finds something."""

    on_meter: tuple[Notifier, ...] = ()
    """Told when the month's calls to Intacct come near what the flow declares."""

    not_succeeded_for: Mapping[WATCHED, Span] = {}
    """The longest that each DAG may go without a run that succeeds, as in `bill_sync: 2h`. It counts for a paused DAG too."""

    @property
    def watches(self) -> bool:
        """Whether anything is told that somebody has to look for, or tell again."""
        named = (*self.on_failure, *self.on_refusal, *self.on_parked, *self.on_drift, *self.on_meter)
        return bool(self.not_succeeded_for) or any(one.kind != "log" for one in named)
