"""Who is told when something fails, and what Airflow does with each of the six errors."""

from __future__ import annotations

import email
import json
import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import policy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply, UnsafePlan

from tests.conftest import live_demo

pytestmark = pytest.mark.airflow


class MailHandler(socketserver.StreamRequestHandler):
    """As much of SMTP as one mail needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        in_data, lines = False, []
        for raw in self.rfile:
            line = raw.rstrip(b"\r\n")
            if in_data and line == b".":
                self.server.mails.append(b"\r\n".join(lines))  # type: ignore[attr-defined]
                in_data = False
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


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailHandler) as server:
        server.mails = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        connection = {
            "conn_type": "smtp",
            "host": "127.0.0.1",
            "port": server.server_address[1],
            "extra": {"disable_ssl": True, "disable_tls": True},
        }
        monkeypatch.setenv("AIRFLOW_CONN_SMTP_DEFAULT", json.dumps(connection))
        yield server.mails  # type: ignore[attr-defined]
        server.shutdown()


def flow_with(alerts: str, tmp_path: Path) -> Any:
    from intacct_asana.flow.load import load_flow

    text = live_demo()
    path = tmp_path / "demo.yaml"
    path.write_text(text.replace("    - {kind: log}\n", alerts))
    return load_flow(path)


def context() -> dict[str, Any]:
    instance = SimpleNamespace(task_id="apply_plan", try_number=2, log_url="http://airflow/log")
    return {
        "ti": instance,
        "run_id": "r1",
        "exception": UnsafePlan("too many creates: <b>900</b> & more"),
    }


def render(notifier: Any) -> None:
    from airflow.sdk import DAG

    found = context() | {"dag": DAG("demo_bill_sync", schedule=None)}
    notifier(found)


def test_a_named_address_gets_a_mail_with_the_error_as_text(mailbox: list[bytes], tmp_path: Path) -> None:
    from intacct_asana.notifications.alerts import notifiers_of

    line = "    - {kind: smtp, connection: smtp_default, to: [ap@northwind.example], from_email: af@northwind.example}\n"
    [notifier] = notifiers_of(flow_with(line, tmp_path))
    render(notifier)
    [mail] = mailbox
    message = email.message_from_bytes(mail, policy=policy.default)
    assert message["To"] == "ap@northwind.example"
    assert message["Subject"] == "[demo_bill_sync] failed at apply_plan"
    body = message.get_body(("html",))
    assert body is not None
    assert "too many creates: &lt;b&gt;900&lt;/b&gt; &amp; more" in body.get_content()
    assert "http://airflow/log" in body.get_content()


def test_what_a_flow_file_says_is_never_rendered(mailbox: list[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even an address that got past the check of the file."""
    from intacct_asana.flow.model import Notifier
    from intacct_asana.notifications import alerts

    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_DEFAULT", json.dumps({"conn_type": "intacct", "password": "hunter2"}))
    word = "{{conn.intacct_default.password}}@evil.example"
    alert = Notifier.model_construct(kind="smtp", connection="smtp_default", to=(word,), from_email=word)
    render(alerts._notifier(alert))
    [mail] = mailbox
    assert b"hunter2" not in mail
    assert b"conn.intacct_default.password" in mail


def test_an_address_with_braces_is_refused_with_its_line(tmp_path: Path) -> None:
    line = "    - {kind: smtp, connection: smtp_default, to: ['{{conn.x.password}}@evil.example'], from_email: a@b.example}\n"
    with pytest.raises(Misconfigured) as refused:
        flow_with(line, tmp_path)
    assert "which is no e-mail address (write it as name@example.com)" in str(refused.value)


def test_without_a_notifier_the_log_says_what_would_have_been_sent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from intacct_asana.notifications.alerts import LogNotifier, notifiers_of

    [notifier] = notifiers_of(flow_with("    []\n", tmp_path))
    assert isinstance(notifier, LogNotifier)
    render(notifier)
    said = capsys.readouterr().out
    assert "nobody was told" in said
    assert "too many creates" in said


@pytest.mark.parametrize("error", [Misconfigured("x"), Refused("x"), UnsafePlan("x"), UnexpectedReply("x")])
def test_what_a_person_must_mend_is_not_retried(error: Exception) -> None:
    from airflow.sdk import RetryAction
    from intacct_asana.dag_parts import SixErrorsPolicy

    assert SixErrorsPolicy().evaluate(error, 1, 3).action is RetryAction.FAIL


def test_what_may_pass_is_retried_after_the_wait_that_was_asked_for() -> None:
    from airflow.sdk import RetryAction
    from intacct_asana.dag_parts import SixErrorsPolicy

    decide = SixErrorsPolicy().evaluate
    asked = decide(TryLater("x", wait_seconds=90), 1, 3)
    assert (asked.action, asked.retry_delay) == (RetryAction.RETRY, timedelta(seconds=90))
    assert decide(TryLater("x", wait_seconds=1e9), 1, 3).retry_delay == timedelta(hours=1)
    unknown = decide(OutcomeUnknown("x"), 1, 3)
    assert (unknown.action, unknown.retry_delay) == (RetryAction.RETRY, timedelta(minutes=2))
    assert decide(KeyError("x"), 1, 3).action is RetryAction.DEFAULT


def test_airflow_finds_the_connection_types_and_their_hooks() -> None:
    from importlib import import_module

    from intacct_asana.get_provider_info import get_provider_info

    info = get_provider_info()
    assert info["package-name"] == "intacct-asana"
    for entry in info["connection-types"]:
        module, name = entry["hook-class-name"].rsplit(".", 1)
        hook = getattr(import_module(module), name)
        assert hook.conn_type == entry["connection-type"]
        assert hook.hook_name == entry["hook-name"]
        assert "__" not in entry["connection-type"]
        secrets = [key for key, field in entry["conn-fields"].items() if field["schema"].get("format") == "password"]
        wanted = {"intacct": ["sender_password"], "intacct_rest": [], "asana_rest": ["client_secret", "refresh_token"]}
        assert secrets == wanted[hook.conn_type]
