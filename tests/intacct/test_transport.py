"""The transport against a real echo server on loopback: what leaves, what never leaves, and what each failure becomes."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from intacct_asana.errors import Misconfigured, OutcomeUnknown, TryLater, UnexpectedReply
from intacct_asana.http import Transport

SECRETS = {
    "login": "the-login",
    "password": "the-password",
    "extra": {"company_id": "ACME", "sender_password": "sender-secret", "entity_id": "US01", "timeout_seconds": 2},
}


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent, unless the path asks for something worse."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/hang-up":
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if self.path == "/redirect":
            self.send_response(307)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        seen = json.dumps({"headers": dict(self.headers), "body": body.decode(), "path": self.path}).encode()
        if self.path == "/cut":
            self.send_response(200)
            self.send_header("Content-Length", str(len(seen) + 10))
            self.end_headers()
            self.wfile.write(seen)
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(seen)))
        self.send_header("Set-Cookie", "a=b")
        self.end_headers()
        self.wfile.write(seen)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def echo_url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def a_transport(monkeypatch: pytest.MonkeyPatch, *, most_bytes: int = 1 << 20, **extra: object) -> Transport:
    connection = {"conn_type": "intacct", **SECRETS, "extra": {**SECRETS["extra"], **extra}}  # type: ignore[dict-item]
    monkeypatch.setenv("AIRFLOW_CONN_ECHO", json.dumps(connection))
    return Transport("echo", most_bytes=most_bytes)


def test_no_credential_and_no_unknown_extra_leaves_as_a_header(
    monkeypatch: pytest.MonkeyPatch, echo_url: str, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login from-netrc password netrc-secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    transport = a_transport(monkeypatch)
    answer = transport.send("POST", echo_url, headers={"X-Ours": "yes"}, content=b"hello", is_write=False, asked="echo")
    seen = json.loads(answer.body)
    assert seen["body"] == "hello"
    assert set(seen["headers"]) == {
        "Host", "User-Agent", "Accept-Encoding", "Accept", "Connection", "Content-Length", "X-Ours",
    }  # fmt: skip
    text = json.dumps(seen)
    assert not any(word in text for word in ("the-login", "the-password", "sender-secret", "ACME", "US01", "netrc"))


def test_httphooks_own_methods_send_no_credential_either(monkeypatch: pytest.MonkeyPatch, echo_url: str) -> None:
    session = a_transport(monkeypatch).get_conn({"a": "b"})
    text = session.post(echo_url, timeout=5).text
    assert "Authorization" not in text
    assert "sender-secret" not in text


def test_cookies_are_not_kept(monkeypatch: pytest.MonkeyPatch, echo_url: str) -> None:
    transport = a_transport(monkeypatch)
    for _ in range(2):
        answer = transport.send("POST", echo_url, headers={}, is_write=False, asked="echo")
    assert "Cookie" not in json.loads(answer.body)["headers"]


def test_a_redirect_is_an_answer_and_is_not_followed(monkeypatch: pytest.MonkeyPatch, echo_url: str) -> None:
    answer = a_transport(monkeypatch).send("POST", f"{echo_url}/redirect", headers={}, is_write=True, asked="echo")
    assert (answer.status, answer.headers["location"], answer.body) == (307, "/elsewhere", b"")


@pytest.mark.parametrize("path", ["/hang-up", "/cut"])
def test_a_write_without_a_whole_answer_is_an_unknown_outcome(
    monkeypatch: pytest.MonkeyPatch, echo_url: str, path: str
) -> None:
    transport = a_transport(monkeypatch)
    with pytest.raises(OutcomeUnknown, match="update of bill 12"):
        transport.send("POST", echo_url + path, headers={}, is_write=True, asked="update of bill 12")
    with pytest.raises(TryLater):
        transport.send("POST", echo_url + path, headers={}, is_write=False, asked="query")


def test_a_server_that_never_answers_ends_with_the_connections_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        transport = a_transport(monkeypatch, timeout_seconds=0.2)
        with pytest.raises(OutcomeUnknown, match="ReadTimeout"):
            transport.send("POST", url, headers={}, is_write=True, asked="update")


def test_a_write_that_never_left_may_be_tried_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(TryLater, match="nothing was sent"):
        a_transport(monkeypatch).send("POST", f"http://127.0.0.1:{port}", headers={}, is_write=True, asked="update")


def test_a_body_over_the_bound_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch, echo_url: str) -> None:
    transport = a_transport(monkeypatch, most_bytes=1000)
    with pytest.raises(UnexpectedReply, match="over 1000 bytes"):
        transport.send("POST", echo_url, headers={}, content=b"x" * 5000, is_write=False, asked="echo")


def test_a_bad_header_is_reported_without_its_value(monkeypatch: pytest.MonkeyPatch, echo_url: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        a_transport(monkeypatch).send("POST", echo_url, headers={"A": "secret\nB: c"}, is_write=False, asked="echo")
    assert "secret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_tls_cannot_be_switched_off(monkeypatch: pytest.MonkeyPatch, echo_url: str) -> None:
    with pytest.raises(Misconfigured, match="CA bundle"):
        a_transport(monkeypatch, verify=False).send("POST", echo_url, headers={}, is_write=False, asked="echo")


def test_a_missing_connection_is_named() -> None:
    with pytest.raises(Misconfigured, match="AIRFLOW_CONN_NO_SUCH"):
        _ = Transport("no_such").connection


def test_environment_proxies_are_used_only_as_the_connection_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert a_transport(monkeypatch).session.trust_env
    assert not a_transport(monkeypatch, trust_env=False).session.trust_env
