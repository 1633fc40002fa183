"""Webhooks: handshake, signatures, filters, retries, heartbeats, deletion."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sandbox.constants import BILLS_PROJECT_GID, WORKSPACE_GID


class Receiver:
    """A listener that echoes the handshake and keeps what it was sent."""

    def __init__(self) -> None:
        self.echo, self.status = True, 200
        self.secret = ""
        self.deliveries: list[tuple[str, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                secret = self.headers.get("X-Hook-Secret")
                receiver.take(secret, self.headers.get("X-Hook-Signature", ""), body)
                self.send_response(200 if secret else receiver.status)
                if secret and receiver.echo:
                    self.send_header("X-Hook-Secret", secret)
                self.end_headers()

            def log_message(self, *_args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?id=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, secret: str | None, signature: str, body: bytes) -> None:
        if secret:
            self.secret = secret
        else:
            self.deliveries.append((signature, body))

    def events(self) -> list[dict[str, Any]]:
        return [event for _signature, body in self.deliveries for event in json.loads(body)["events"]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


def wait_for(met: Callable[[], bool]) -> None:
    until = time.monotonic() + 5
    while not met():
        assert time.monotonic() < until, "nothing came"
        time.sleep(0.02)


def test_handshake_gives_the_secret_beside_the_data_and_an_empty_delivery(api: Any, receiver: Receiver) -> None:
    answer = api.raw("POST", "/webhooks", {"resource": BILLS_PROJECT_GID, "target": receiver.url})
    assert (answer.status_code, answer.json()["data"]["active"]) == (201, False)
    assert answer.json()["X-Hook-Secret"] == receiver.secret
    wait_for(lambda: [body for _signature, body in receiver.deliveries] == [b'{"events":[]}'])


def test_deliveries_are_signed_over_the_raw_body_and_carry_gids_only(api: Any, receiver: Receiver) -> None:
    api.post("/webhooks", {"resource": BILLS_PROJECT_GID, "target": receiver.url})
    task = api.add_task()
    wait_for(lambda: len(receiver.events()) == 2)
    for signature, body in receiver.deliveries:
        assert signature == hmac.new(receiver.secret.encode(), body, hashlib.sha256).hexdigest()
    assert receiver.events()[0]["resource"] == {"gid": task, "resource_type": "task", "resource_subtype": "default_task"}


def test_no_echo_no_webhook(api: Any, receiver: Receiver) -> None:
    receiver.echo = False
    assert api.refusal("POST", "/webhooks", {"resource": BILLS_PROJECT_GID, "target": receiver.url})[0] == 400
    assert api.get("/webhooks", workspace=WORKSPACE_GID) == []


def test_filters_let_only_what_they_name_through(api: Any, receiver: Receiver) -> None:
    filters = [{"resource_type": "task", "action": "changed", "fields": ["name"]}]
    hook = {"resource": BILLS_PROJECT_GID, "target": receiver.url, "filters": filters}
    api.post("/webhooks", hook)
    task = api.add_task()
    api.put(f"/tasks/{task}", {"name": "new", "completed": True})
    wait_for(lambda: bool(receiver.events()))
    assert [event["change"]["field"] for event in receiver.events()] == ["name"]


def test_failed_deliveries_are_retried_and_a_day_of_failure_deletes(api: Any, sandbox: Any, receiver: Receiver) -> None:
    sandbox.settings(asana_webhook_retry_seconds=0.01)
    gid = api.post("/webhooks", {"resource": BILLS_PROJECT_GID, "target": receiver.url})["gid"]
    wait_for(lambda: len(receiver.deliveries) == 1)
    receiver.status = 500
    api.add_task()
    wait_for(lambda: len(receiver.deliveries) == 5)
    wait_for(lambda: api.get(f"/webhooks/{gid}")["delivery_retry_count"] == 4)
    sandbox.clock(advance_seconds=25 * 3600)
    assert api.refusal("GET", f"/webhooks/{gid}")[0] == 404


def test_webhooks_are_seen_by_their_owner_only_and_deleted(api: Any, receiver: Receiver) -> None:
    gid = api.post("/webhooks", {"resource": BILLS_PROJECT_GID, "target": receiver.url})["gid"]
    assert api.as_person("1200000000000101").get("/webhooks", workspace=WORKSPACE_GID) == []
    assert [hook["gid"] for hook in api.get("/webhooks", workspace=WORKSPACE_GID, resource=BILLS_PROJECT_GID)] == [gid]
    assert api.delete(f"/webhooks/{gid}") == {}
    assert api.get("/webhooks", workspace=WORKSPACE_GID) == []
