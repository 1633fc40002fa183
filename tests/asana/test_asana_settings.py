"""What an Asana connection may say, and how every problem with it is told at once."""

from __future__ import annotations

import json
from typing import Any

import pytest
from intacct_asana.asana.hook import AsanaHook, ProjectSetup
from intacct_asana.errors import Misconfigured


def connect(monkeypatch: pytest.MonkeyPatch, **said: Any) -> AsanaHook:
    connection = {"conn_type": "asana_rest", "password": "settings-token", **said}
    monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps(connection))
    return AsanaHook()


def test_a_token_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = connect(monkeypatch).settings
    assert settings.base_url == "https://app.asana.com/api/1.0"
    assert (settings.requests_per_minute, settings.max_reads, settings.max_writes) == (1500, 50, 15)
    assert not settings.read_only


@pytest.mark.parametrize(
    ("said", "url"),
    [
        ({"host": "https://asana.example/api/1.0/"}, "https://asana.example/api/1.0"),
        ({"host": "asana.example"}, "https://asana.example/api/1.0"),
        ({"host": "https://asana.example:8443"}, "https://asana.example:8443/api/1.0"),
        ({"host": "http://127.0.0.1:8099/api/1.0"}, "http://127.0.0.1:8099/api/1.0"),
        ({"host": "http://[::1]:8099"}, "http://[::1]:8099/api/1.0"),
        ({"host": "localhost", "schema": "http", "port": 8099}, "http://localhost:8099/api/1.0"),
    ],
)
def test_the_host_may_be_a_url_or_a_name(monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], url: str) -> None:
    assert connect(monkeypatch, **said).settings.base_url == url


@pytest.mark.parametrize("host", ["http://asana.example", "ftp://127.0.0.1", "https://user@asana.example", "https://a:b", "//"])
def test_a_token_is_never_sent_in_clear_or_to_nowhere(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    with pytest.raises(Misconfigured, match="host"):
        _ = connect(monkeypatch, host=host).settings


def test_the_asana_providers_own_connection_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connect(monkeypatch, conn_type="asana", extra={"workspace": "1", "project": "2"})
    assert hook.settings.workspace_gid == "1"


def test_every_problem_is_told_at_once_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"client_secret": "oauth-app-secret", "max_reads": 0, "max_writes": "many", "read_only": "perhaps"}
    with pytest.raises(Misconfigured, match="asana_default") as caught:
        _ = connect(monkeypatch, conn_type="http", password=None, extra=extra).settings
    places = {problem.where for problem in caught.value.problems}
    assert places == {
        "type",
        "extra client_id",
        "extra refresh_token",
        "extra max_reads",
        "extra max_writes",
        "extra read_only",
    }
    assert "oauth-app-secret" not in str(caught.value)


def test_a_missing_token_is_told_with_the_connections_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match=r"asana_default(.|\n)*password: is empty"):
        connect(monkeypatch, password="").me()


def test_a_connection_that_does_not_exist_is_named() -> None:
    works, said = AsanaHook("no_such_asana").test_connection()
    assert not works
    assert "no_such_asana" in said


def test_secrets_are_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    oauth = {"client_id": "app", "client_secret": "hush-1", "refresh_token": "hush-2"}
    assert "settings-token" not in repr(connect(monkeypatch).settings)
    assert "hush" not in repr(connect(monkeypatch, password="", extra=oauth).settings)


PARTS = {
    name: part
    for part in (AsanaHook, ProjectSetup)
    for name, method in vars(part).items()
    if hasattr(method, "changes_other_system")
}


def test_the_methods_that_write_are_known() -> None:
    assert set(PARTS) == {
        "add_option",
        "add_to_project",
        "attach_field",
        "attach_file",
        "attach_link",
        "assign",
        "complete",
        "create_approval",
        "create_subtask",
        "make_ordinary",
        "unassign",
        "comment",
        "create_field",
        "create_section",
        "create_task",
        "set_approval",
        "set_fields",
        "update_task",
        "create_webhook",
        "set_webhook_filters",
        "delete_webhook",
    }


@pytest.mark.parametrize("name", PARTS)
def test_a_read_only_connection_writes_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Nothing listens at this port, so anything that left would be another error."""
    hook = connect(monkeypatch, host="http://127.0.0.1:9", extra={"read_only": True})
    with pytest.raises(Misconfigured, match="read-only"):
        getattr(hook if PARTS[name] is AsanaHook else hook.setup, name)("1", "2")
    assert not hook.calls


@pytest.mark.parametrize("name", PARTS)
def test_in_a_rehearsal_nothing_is_written(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    hook = connect(monkeypatch, host="http://127.0.0.1:9")
    hook.rehearses = True
    with pytest.raises(Misconfigured, match="rehearsal: true"):
        getattr(hook if PARTS[name] is AsanaHook else hook.setup, name)("1", "2")
    assert not hook.calls
