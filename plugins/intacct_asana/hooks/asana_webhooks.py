"""Webhooks as this token's user sees them: list, make, change, delete."""

from __future__ import annotations

from airflow.sdk.log import mask_secret

from intacct_asana.errors import Refused
from intacct_asana.hooks.asana_setup import AsanaSetup
from intacct_asana.hooks.guard import mutates
from intacct_asana.protocol import asana_webhook_calls as calls
from intacct_asana.protocol.asana_replies import nothing, one
from intacct_asana.records import NewWebhook, Webhook

GONE = ("403", "404")


class AsanaWebhooks(AsanaSetup):
    """Reads and makes webhooks of a project. Other people's are not shown by Asana, so they cannot be touched."""

    def webhooks(self, workspace_gid: str, project_gid: str) -> list[Webhook]:
        return self.all_of(calls.read_webhooks(workspace_gid, project_gid), calls.webhook_from)

    @mutates
    def create_webhook(self, project_gid: str, target: str) -> NewWebhook:
        """The new webhook; `target` shook hands meanwhile. OutcomeUnknown when no clear answer came.

        Raises Refused when Asana could not reach the target, or the target did not answer as it must.
        """
        made = self.ask(calls.create_webhook(project_gid, target), calls.new_webhook_from)
        mask_secret(made.secret)
        return made

    @mutates
    def set_webhook_filters(self, webhook_gid: str) -> Webhook:
        return self.ask(calls.change_filters(webhook_gid), one(calls.webhook_from))

    @mutates
    def delete_webhook(self, webhook_gid: str) -> None:
        """Gone afterwards, also when it was gone before."""
        try:
            self.ask(calls.delete_webhook(webhook_gid), nothing)
        except Refused as error:
            if error.code not in GONE:
                raise
