"""Failure alerts: one message, sent through the notifiers that the flow names.

Task callbacks run in the worker and know the exception. DAG callbacks run in the DAG processor and are the safety net for
a task that was killed, which no task callback sees (reference: Airflow's own documentation of callbacks).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from intacct_asana.flow.model import Flow

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

SUBJECT = "[{{ dag.dag_id }}] failed{{ ' at ' ~ ti.task_id if ti is defined and ti else '' }}"
TEXT = (
    "{{ dag.dag_id }} run {{ run_id }} failed"
    "{{ ' at ' ~ ti.task_id ~ ', try ' ~ ti.try_number if ti is defined and ti else '' }}.\n"
    "{{ exception if exception is defined and exception else reason | default('') }}\n"
    "{{ ti.log_url if ti is defined and ti and ti.log_url is defined else '' }}\n"
    "Nothing is lost: the next run goes on from what was confirmed. "
    "The DAG's documentation says how to stop and how to re-run it."
)


class LogNotifier(BaseNotifier):
    """Writes the alert to the log: what would have been sent if the flow named somebody."""

    template_fields: Sequence[str] = ("subject", "text")

    def __init__(self, *, subject: str = SUBJECT, text: str = TEXT) -> None:
        super().__init__()
        self.subject = subject
        self.text = text

    def notify(self, context: Context) -> None:
        self.log.error("Alert (no notifier is configured, so nobody was told): %s\n%s", self.subject, self.text)


def notifiers_of(flow: Flow) -> list[Any]:
    """The flow's failure notifiers, in order; the log alone when it names none."""
    return [_notifier(alert) for alert in flow.alerts.on_failure] or [LogNotifier()]


def _notifier(alert: Any) -> Any:
    if alert.kind == "log":
        return LogNotifier()
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    class OurMail(SmtpNotifier):
        """A template can read every connection's password, so nothing that a flow file says is taken for one."""

        template_fields = ("subject", "html_content")  # type: ignore[assignment]

    return OurMail(
        smtp_conn_id=alert.connection,
        from_email=alert.from_email,
        to=list(alert.to),
        subject=SUBJECT,
        html_content="<pre>{% filter e %}" + TEXT + "{% endfilter %}</pre>",
    )
