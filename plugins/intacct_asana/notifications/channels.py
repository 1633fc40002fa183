"""Ways by which a message leaves that is no task and no comment: mail, Slack, the log. Each is sent as it stands.

Nothing here is rendered: a template could read every connection's password, and what a flow file, a bill or an error says is
text. A copy may arrive twice where an answer is lost; the incident's id in the message says so.
"""

from __future__ import annotations

import logging
from html import escape

from airflow.sdk.log import mask_secret

from intacct_asana.errors import IntacctAsanaError, Misconfigured, Refused, TryLater
from intacct_asana.flow.running.alerts import Notifier
from intacct_asana.http import Transport

LONGEST_SLACK = 3500
"""A longer message is cut in two by Slack, or refused. https://api.slack.com/reference/messaging/payload"""

log = logging.getLogger(__name__)


def send(notifier: Notifier, *, subject: str, text: str) -> None:
    """One message by mail, to Slack, or into the log. Raises our six errors only."""
    if notifier.kind == "smtp":
        _mail(notifier, subject, text)
    elif notifier.kind == "slack":
        Slack(notifier.connection_id).say(f"*{subject}*\n{text}")
    else:
        log.error("Alert (by the log alone): %s\n%s", subject, text)


def _mail(notifier: Notifier, subject: str, text: str) -> None:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    try:
        with SmtpHook(smtp_conn_id=notifier.connection_id) as hook:
            hook.send_email_smtp(
                to=list(notifier.to),
                subject=subject,
                html_content=f"<pre>{escape(text)}</pre>",
                from_email=notifier.from_email,
            )
    except Exception as error:  # noqa: BLE001 - whatever it is, it hides nobody's own error
        # The hook raises what Airflow, smtplib and the socket raise. Their texts may quote the login, so the kind is told.
        kind = TryLater if isinstance(error, OSError) else Misconfigured
        said = error.strerror if isinstance(error, OSError) and error.strerror else ""
        why = f"{type(error).__name__}{f': {said}' if said else ''}"
        raise kind(f"the mail was not sent ({why}); look at connection {notifier.connection_id}") from None


class Slack(Transport):
    """An incoming webhook: a connection of type HTTP whose password is the part of the webhook's address behind its host.

    https://api.slack.com/messaging/webhooks
    """

    def __init__(self, conn_id: str) -> None:
        super().__init__(conn_id, timeout_seconds=20, most_bytes=1 << 16)

    def say(self, text: str) -> None:
        """One message as text: `&`, `<` and `>` are what Slack would take for markup."""
        shown = text if len(text) <= LONGEST_SLACK else f"{text[:LONGEST_SLACK]} ..."
        body = {"text": shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")}
        asked = "message to Slack"
        answer = self.send("POST", self._address(), headers={}, json=body, is_write=True, asked=asked)
        if answer.status == 429 or answer.status >= 500:
            raise TryLater(f"Connection {self.http_conn_id}, {asked}: Slack answered {answer.status}.")
        if answer.status != 200:
            raise Refused(
                f"Connection {self.http_conn_id}, {asked}: Slack answered {answer.status}; make the webhook anew and put it "
                "into the connection."
            )

    def _address(self) -> str:
        found = self.connection
        secret = (found.password or "").strip().lstrip("/")
        host = (found.host or "").strip().rstrip("/")
        if not secret or not host:
            raise Misconfigured(
                f"Connection {self.http_conn_id} needs the host https://hooks.slack.com/services and, as its password, the "
                "rest of the webhook's address."
            )
        mask_secret(secret)
        base = host if "://" in host else f"{found.schema or 'https'}://{host}"
        return f"{base}{f':{found.port}' if found.port else ''}/{secret}"


def delivered(notifier: Notifier, *, subject: str, text: str) -> str:
    """Empty where it left; else why not, in one sentence. A notifier that is down never raises."""
    try:
        send(notifier, subject=subject, text=text)
    except IntacctAsanaError as error:
        return error.message
    return ""
