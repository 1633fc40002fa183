"""One webhook for a flow's project: found again, made, mended. It only wakes runs early, so nothing here fails an approval."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from intacct_asana.asana.webhooks import DELIVERY_FIELDS, digest_of_secret, has_our_filters
from intacct_asana.errors import IntacctAsanaError, Misconfigured
from intacct_asana.journal import Kind, Outcome, carry_out
from intacct_asana.operators.flow_run import FlowOperator, FlowRun, utc_now
from intacct_asana.records import Intent, IntentState, NewWebhook, Registered, Webhook

if TYPE_CHECKING:
    from airflow.sdk.definitions.context import Context

    from intacct_asana.asana.hook import AsanaHook

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

    def work(self, context: Context) -> dict[str, Any]:
        run = self.run_parts
        if run.flow.wake != "webhook":
            raise AirflowSkipException(f"Flow {self.flow} is not woken by a webhook.")
        if run.flow.rehearsal:
            self.log.info("A rehearsal registers no webhook; the runs come by their schedule.")
            return {"webhook": "", "state": "rehearsal"}
        try:
            report = self._kept(run, now=utc_now())
        except Exception as error:  # noqa: BLE001  (whatever it is: it must not turn a good run red)
            said = error.message if isinstance(error, IntacctAsanaError) else type(error).__name__
            self.log.warning("The webhook of flow %s needs help, which costs only time: %s", self.flow, said)
            return {"webhook": "", "state": "failed", "problem": said}
        self.log.info("Webhook of flow %s: %s", self.flow, json.dumps(report))
        return report

    @staticmethod
    def _kept(run: FlowRun, *, now: datetime) -> dict[str, Any]:
        known = run.store.webhooks().active()
        if known and known.checked_at and known.checked_at > now - CHECK_EVERY:
            return {"webhook": known.webhook_gid, "state": "not checked"}
        return keep_webhook(run, board=run.own_board("bill")[0], now=now)


def keep_webhook(run: FlowRun, *, board: AsanaHook, now: datetime) -> dict[str, Any]:
    """What became of the webhook: `kept` or `made`.

    A webhook that fails stays until another one took its place. Raises our six errors.
    """
    known = run.store.webhooks().active()
    there = ours_in_asana(run, board)
    good = good_one(there, known, run, now=now)
    if good:
        kept, state = (good if has_our_filters(good) else board.set_webhook_filters(good.gid)), "kept"
    else:
        kept, state = register(run, board=board, now=now).webhook, "made"
    removed = _remove_others(run, board, there, keep=kept.gid, now=now)
    if known and good:
        run.store.webhooks().checked(known.hook_id, at=now)
    return {"webhook": kept.gid, "state": state, "removed": removed, **_said(good or _former(there, known) or kept)}


def webhook_checks(run: FlowRun, *, board: AsanaHook, create: bool) -> list[tuple[str, Callable[[], str]]]:
    """Preflight's checks for a flow that a webhook wakes: what each is about, and a look that says or raises."""
    if run.flow.wake != "webhook":
        return []
    return [
        ("Asana webhook", lambda: _checked_webhook(run, board, create=create)),
        ("Airflow service user", lambda: _checked_service_user(run)),
    ]


def _checked_webhook(run: FlowRun, board: AsanaHook, *, create: bool) -> str:
    raise_if_read_only(board)
    if create and not run.flow.rehearsal:
        report = keep_webhook(run, board=board, now=utc_now())
        return f"{report['state']}: {report['webhook']}"
    good = good_one(ours_in_asana(run, board), run.store.webhooks().active(), run, now=utc_now())
    if good is None and run.flow.rehearsal:
        return "none yet: the first run after the rehearsal registers one"
    if good is None:
        raise Misconfigured("No working webhook yet: run this DAG with create_missing, which registers one.")
    return f"works: {good.gid}"


def _checked_service_user(run: FlowRun) -> str:
    from intacct_asana.web.waker import AirflowApi

    dag_id = f"{run.flow.flow}_approval_reconciliation"
    AirflowApi(run.flow.connections.airflow).runs(dag_id)
    return f"sees the runs of {dag_id}"


def raise_if_read_only(board: AsanaHook) -> None:
    if board.read_only:
        raise Misconfigured(
            f"Connection {board.conn_id} is read-only, so no webhook can be registered: take read_only out of its "
            "extra, or let the flow say `wake: watcher`, which writes nothing.",
            code="read_only",
        )


def ours_in_asana(run: FlowRun, board: AsanaHook) -> list[Webhook]:
    """The webhooks on the bills' project that call this flow's receiver, old ones of ours too."""
    project_gid = run.flow.bills.project
    workspace_gid = board.project(project_gid)[2]
    there = board.webhooks(workspace_gid, project_gid)
    return [one for one in there if one.target.partition("?")[0] == root_of(run)]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookKind(Kind):
    """The registration of a webhook. One that is found is of no use: only the answer to our own call tells its secret."""

    name = "webhook"
    exclusive = True
    remembered = False

    run: FlowRun
    board: AsanaHook

    def send(self, intent: Intent) -> NewWebhook:
        try:
            return self.board.create_webhook(intent.subject, self._target(intent))
        except IntacctAsanaError as error:
            raise error.at(f"Asana calls {root_of(self.run)}") from error.__cause__

    def find(self, intents: Sequence[Intent]) -> Mapping[str, NewWebhook]:
        there = {one.target: NewWebhook(webhook=one, secret="") for one in ours_in_asana(self.run, self.board)}
        return {one.intent_id: there[self._target(one)] for one in intents if self._target(one) in there}

    def same(self, intent: Intent, found: NewWebhook) -> bool:
        return bool(found.secret)

    def _target(self, intent: Intent) -> str:
        return target_of(self.run, str(intent.body["hook_id"]))


def register(run: FlowRun, *, board: AsanaHook, now: datetime) -> NewWebhook:
    """A new webhook, shaken hands with and believed. Raises Refused when the handshake and Asana's answer do not agree.

    It is a write of the journal, one at a time for a project, and under way for two minutes at most. For that time a row in
    our store lets the receiver answer Asana's handshake, once. Each try has an id of its own, so no late handshake of an
    earlier one is taken; what that left in Asana is deleted when another one stands.
    """
    raise_if_read_only(board)
    hooks, hook_id, project_gid, bot_gid = run.store.webhooks(), secrets.token_hex(16), run.flow.bills.project, board.me().gid

    def keep(outcome: Outcome) -> None:
        if outcome.intent.state is IntentState.SENT:
            hooks.begin(hook_id, project_gid=project_gid, bot_gid=bot_gid, expires_at=now + IN_FLIGHT)
        elif outcome.is_done:
            made = outcome.found
            hooks.activate(hook_id, webhook_gid=made.webhook.gid, secret_digest=digest_of_secret(made.secret), at=now)

    name = WebhookKind.name
    intent = Intent(intent_id=f"{name}:{project_gid}", kind=name, subject=project_gid, body={"hook_id": hook_id})
    steps = carry_out(
        [intent],
        kinds=[WebhookKind(run=run, board=board)],
        journal=run.store.intents(),
        keep=keep,
        owner=f"registration {hook_id}",
        now=lambda: now,
        workers=1,
        longest=IN_FLIGHT,
    )
    with closing(steps):
        (outcome,) = steps
    made: NewWebhook | None = outcome.found
    if made and outcome.is_done:
        return made
    hooks.give_up(hook_id)
    if made:
        # If that fails it is deleted when the next one stands.
        with suppress(IntacctAsanaError):
            board.delete_webhook(made.webhook.gid)
    assert outcome.error is not None, "what is not done says why"
    raise outcome.error


def root_of(run: FlowRun) -> str:
    """Where this flow's receiver is called, whatever the id behind it."""
    return target_of(run, "").partition("?")[0]


def target_of(run: FlowRun, hook_id: str) -> str:
    if run.flow.waking.public_url is None:
        raise Misconfigured(f"Flow {run.flow.flow} has no waking.public_url for Asana to call.")
    return f"{run.flow.waking.public_url}{RECEIVER_PATH}/{run.flow.flow}?id={hook_id}"


def _remove_others(run: FlowRun, board: AsanaHook, there: list[Webhook], *, keep: str, now: datetime) -> int:
    """Delete what an interrupted run or a replaced registration left behind, but nothing that is just being made."""
    making = {target_of(run, row.hook_id) for row in run.store.webhooks().all() if row.in_flight(now)}
    others = [one for one in there if one.gid != keep and one.target not in making]
    for one in others:
        board.delete_webhook(one.gid)
    return len(others)


def _former(there: list[Webhook], known: Registered | None) -> Webhook | None:
    return next((one for one in there if known and one.gid == known.webhook_gid), None)


def _said(webhook: Webhook) -> dict[str, Any]:
    """What Asana says about its deliveries, as JSON."""
    said = {name: getattr(webhook, name) for name in DELIVERY_FIELDS}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items() if value}
