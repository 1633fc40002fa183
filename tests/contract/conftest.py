"""A webhook's target, for whoever registers one with the stand-in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class Receiver:
    """A webhook's target: echoes the handshake and keeps what it was sent."""

    def __init__(self) -> None:
        self.secret = ""
        self.deliveries: list[tuple[str, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(200)
                if secret := self.headers.get("X-Hook-Secret"):
                    receiver.secret = secret
                    self.send_header("X-Hook-Secret", secret)
                else:
                    receiver.deliveries.append((self.headers["X-Hook-Signature"], body))
                self.end_headers()

            def log_message(self, *_args: Any) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?id=1"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def events(self) -> list[dict[str, Any]]:
        return [event for _signature, body in self.deliveries for event in json.loads(body)["events"]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()
