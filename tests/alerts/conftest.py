"""A mailbox, a Slack channel, and a flow of some bills whose alerts go there."""

from __future__ import annotations

import email
import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.alerts.alerts_world import Alarmed
from tests.databases import NewStore
from tests.reconciliation.reconciliation_world import connections


class MailHandler(socketserver.StreamRequestHandler):
    """As much of SMTP as one mail needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        in_data, lines = False, []
        for raw in self.rfile:
            line = raw.rstrip(b"\r\n")
            if in_data and line == b".":
                self.server.mails.append(b"\r\n".join(lines))  # type: ignore[attr-defined]
                in_data, lines = False, []
                self.wfile.write(b"250 ok\r\n")
            elif in_data:
                lines.append(line)
            elif line.upper().startswith(b"DATA"):
                in_data = True
                self.wfile.write(b"354 go\r\n")
            elif line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


class Mailbox:
    """What arrived: subjects, and bodies as text."""

    def __init__(self, mails: list[bytes]) -> None:
        self._mails = mails

    @property
    def mails(self) -> list[Any]:
        return [email.message_from_bytes(one, policy=policy.default) for one in self._mails]

    @property
    def subjects(self) -> list[str]:
        return [one["Subject"] for one in self.mails]

    def body(self, index: int = -1) -> str:
        part = self.mails[index].get_body(("html",))
        text: str = part.get_content()
        return text


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailHandler) as server:
        server.mails = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", smtp(server.server_address[1]))
        yield Mailbox(server.mails)  # type: ignore[attr-defined]
        server.shutdown()


def smtp(port: int) -> str:
    extra = {"disable_ssl": True, "disable_tls": True, "retry_limit": 1, "timeout": 5}
    return json.dumps({"conn_type": "smtp", "host": "127.0.0.1", "port": port, "extra": extra})


class SlackHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.said.append((self.path, body["text"]))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Nothing on the screen."""


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`.said` is what arrived, as path and text; `.status` what is answered."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SlackHandler) as server:
        server.said, server.status = [], 200  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = {
            "conn_type": "http",
            "host": f"http://127.0.0.1:{server.server_address[1]}/services",
            "password": "T1/B2/s3cret",
        }
        monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", json.dumps(found))
        yield server
        server.shutdown()


@pytest.fixture
def alarmed(sandbox: Any, tmp_path: Path, new_store: NewStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Alarmed]:
    """A flow whose file says who is told."""
    for name, value in connections(sandbox).items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "flows"
    folder.mkdir()
    monkeypatch.setenv("INTACCT_ASANA_MAPPINGS", str(folder))

    def make(alerts: str, **how: Any) -> Alarmed:
        world = Alarmed(sandbox, folder, new_store, alerts=alerts, **how)
        monkeypatch.setenv("AIRFLOW_CONN_INTACCT_ASANA_STORE", world.store_connection())
        return world

    return make
