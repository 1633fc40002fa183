"""The six errors mapped to Airflow's retries, in one place."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import RetryDecision, RetryPolicy

from intacct_asana.errors import Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply, UnsafePlan

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

LONGEST_WAIT_SECONDS = 3600.0

ARRIVES_WITHIN = timedelta(minutes=2)
"""A write whose answer got lost is done by then and shows where it is looked for, or it never was done."""

NO_USE_RETRYING = (Misconfigured, Refused, UnsafePlan, UnexpectedReply)


class SixErrorsPolicy(RetryPolicy):
    """Wait as long as the other side asked; never repeat what a person has to mend.

    | error | what Airflow does |
    |---|---|
    | TryLater | retry, after the other side's own waiting time when it gave one |
    | OutcomeUnknown | retry after two minutes: the next try reads back first, and by then what was written shows |
    | Misconfigured, Refused, UnsafePlan, UnexpectedReply | fail at once: a person decides |
    | anything else | the task's own retries |
    """

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        if isinstance(exception, NO_USE_RETRYING):
            return RetryDecision.fail(f"{type(exception).__name__}: a person has to look at it")
        if isinstance(exception, TryLater) and exception.wait_seconds:
            wait = min(exception.wait_seconds, LONGEST_WAIT_SECONDS)
            return RetryDecision.retry(delay=timedelta(seconds=wait), reason="the other side asked to wait")
        if isinstance(exception, OutcomeUnknown):
            return RetryDecision.retry(delay=ARRIVES_WITHIN, reason="OutcomeUnknown: what was written has to show first")
        if isinstance(exception, TryLater):
            return RetryDecision.retry(reason="TryLater: safe to try again")
        return RetryDecision.default()

    def serialize(self) -> dict[str, Any]:
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> SixErrorsPolicy:
        return cls()
