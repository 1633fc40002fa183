"""One webhook for a flow's project: found again, made, mended. It only wakes runs early, so nothing here fails an approval."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from intacct_asana.asana.webhooks import DELIVERY_FIELDS, digest_of_secret, has_our_filters
from intacct_asana.errors import IntacctAsanaError, Misconfigured, OutcomeUnknown
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, utc_now
from intacct_asana.records import NewWebhook, Registered, Webhook

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

RECEIVER_PATH = "/intacct-asana/webhooks"
"""Where the plugin listens in Airflow's API server."""

IN_FLIGHT = timedelta(minutes=2)
"""How long a handshake is waited for; Asana shakes hands while our call is under way."""

CHECK_EVERY = timedelta(minutes=10)
"""A webhook that fails is deleted by Asana after a day, so this is often enough."""

SETTLING = timedelta(minutes=10)
"""Asana shows a new webhook as inactive at first."""

FAILED_TRIES = 2
"""One delivery may fail while the API server restarts."""


class KeepWebhookOperator(FlowOperator):
    """Looks after the flow's webhook and makes it anew when it is gone or failing. Never fails: the schedule suffices."""

    def execute(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        if run.flow.wake != "webhook":
            raise AirflowSkipException(f"Flow {self.flow} is not woken by a webhook.")
        try:
            report = keep_webhook(run, now=utc_now(), unless_checked_since=utc_now() - CHECK_EVERY)
        except Exception as error:  # noqa: BLE001  (whatever it is: it must not turn a good run red)
            said = error.message if isinstance(error, IntacctAsanaError) else type(error).__name__
            self.log.warning("The webhook of flow %s needs help, which costs only time: %s", self.flow, said)
            return {"webhook": "", "state": "failed", "problem": said}
        self.log.info("Webhook of flow %s: %s", self.flow, json.dumps(report))
        return report


def keep_webhook(run: FlowRun, *, now: datetime, unless_checked_since: datetime | None = None) -> dict[str, Any]:
    """What became of the webhook: `kept`, `made`, or `not checked` when it was looked at a moment ago.

    A webhook that fails stays until another one took its place. Raises our six errors.
    """
    known = run.store.webhooks().active()
    if known and unless_checked_since and known.checked_at and known.checked_at > unless_checked_since:
        return {"webhook": known.webhook_gid, "state": "not checked"}
    there = ours_in_asana(run)
    good = good_one(there, known, run, now=now)
    if good:
        kept, state = (good if has_our_filters(good) else run.unpinned_board.set_webhook_filters(good.gid)), "kept"
    else:
        kept, state = register(run, now=now).webhook, "made"
    removed = _remove_others(run, there, keep=kept.gid, now=now)
    if known and good:
        run.store.webhooks().checked(known.hook_id, at=now)
    return {"webhook": kept.gid, "state": state, "removed": removed, **_said(good or _former(there, known) or kept)}


def webhook_checks(run: FlowRun, *, create: bool) -> list[tuple[str, Callable[[], str]]]:
    """Preflight's checks for a flow that a webhook wakes: what each is about, and a look that says or raises."""
    if run.flow.wake != "webhook":
        return []
    return [
        ("Asana webhook", lambda: _checked_webhook(run, create=create)),
        ("Airflow service user", lambda: _checked_service_user(run)),
    ]


def _checked_webhook(run: FlowRun, *, create: bool) -> str:
    raise_if_read_only(run)
    if create:
        report = keep_webhook(run, now=utc_now())
        return f"{report['state']}: {report['webhook']}"
    good = good_one(ours_in_asana(run), run.store.webhooks().active(), run, now=utc_now())
    if good is None:
        raise Misconfigured("No working webhook yet: run this DAG with create_missing, which registers one.")
    return f"works: {good.gid}"


def _checked_service_user(run: FlowRun) -> str:
    from intacct_asana.web.waker import AirflowApi

    dag_id = f"{run.flow.flow}_approval_reconciliation"
    AirflowApi(run.flow.connections.airflow).runs(dag_id)
    return f"sees the runs of {dag_id}"


def raise_if_read_only(run: FlowRun) -> None:
    if run.unpinned_board.read_only:
        raise Misconfigured(
            f"Connection {run.unpinned_board.conn_id} is read-only, so no webhook can be registered: take read_only out of its "
            "extra, or let the flow say `wake: watcher`, which writes nothing.",
            code="read_only",
        )


def ours_in_asana(run: FlowRun) -> list[Webhook]:
    """The webhooks on the bills' project that call this flow's receiver, old ones of ours too."""
    project_gid = run.flow.bills.project
    workspace_gid = run.unpinned_board.project(project_gid)[2]
    root = target_of(run, "").partition("?")[0]
    return [one for one in run.unpinned_board.webhooks(workspace_gid, project_gid) if one.target.partition("?")[0] == root]


def good_one(there: list[Webhook], known: Registered | None, run: FlowRun, *, now: datetime) -> Webhook | None:
    """The one that our store knows the secret of, if it works."""
    found = _former(there, known)
    if found is None or known is None or found.target != target_of(run, known.hook_id):
        return None
    settled = not found.created_at or now - found.created_at > SETTLING
    return None if is_failing(found) or (settled and not found.active) else found


def is_failing(webhook: Webhook) -> bool:
    """Whether the newest deliveries failed more than once in a row."""
    if webhook.last_failure_at is None or webhook.delivery_retry_count < FAILED_TRIES:
        return False
    return webhook.last_success_at is None or webhook.last_success_at < webhook.last_failure_at


def register(run: FlowRun, *, now: datetime) -> NewWebhook:
    """A new webhook, shaken hands with and believed. Raises Refused when the handshake and Asana's answer do not agree.

    The row in our store is what lets the receiver answer Asana's handshake, once, for two minutes.
    """
    hooks, board = run.store.webhooks(), run.unpinned_board
    hook_id = secrets.token_hex(16)
    raise_if_read_only(run)
    project_gid = run.flow.bills.project
    bot_gid = board.me().gid
    hooks.begin(hook_id, project_gid=project_gid, bot_gid=bot_gid, at=now, expires_at=now + IN_FLIGHT)
    try:
        made = board.create_webhook(project_gid, target_of(run, hook_id))
    except OutcomeUnknown:
        # It may be there; the next look finds it without its secret and makes another.
        raise
    except IntacctAsanaError as error:
        hooks.give_up(hook_id)
        raise error.at(f"Asana calls {target_of(run, '').partition('?')[0]}") from error.__cause__
    try:
        hooks.activate(hook_id, webhook_gid=made.webhook.gid, secret_digest=digest_of_secret(made.secret), at=now)
    except IntacctAsanaError:
        hooks.give_up(hook_id)
        board.delete_webhook(made.webhook.gid)
        raise
    return made


def target_of(run: FlowRun, hook_id: str) -> str:
    if run.flow.waking.public_url is None:
        raise Misconfigured(f"Flow {run.flow.flow} has no waking.public_url for Asana to call.")
    return f"{run.flow.waking.public_url}{RECEIVER_PATH}/{run.flow.flow}?id={hook_id}"


def _remove_others(run: FlowRun, there: list[Webhook], *, keep: str, now: datetime) -> int:
    """Delete what an interrupted run or a replaced registration left behind, but nothing that is just being made."""
    making = {target_of(run, row.hook_id) for row in run.store.webhooks().all() if row.in_flight(now)}
    others = [one for one in there if one.gid != keep and one.target not in making]
    for one in others:
        run.unpinned_board.delete_webhook(one.gid)
    return len(others)


def _former(there: list[Webhook], known: Registered | None) -> Webhook | None:
    return next((one for one in there if known and one.gid == known.webhook_gid), None)


def _said(webhook: Webhook) -> dict[str, Any]:
    """What Asana says about its deliveries, as JSON."""
    said = {name: getattr(webhook, name) for name in DELIVERY_FIELDS}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items() if value}
