"""An Intacct hook on the sandbox, by a connection in the environment as a deployment would give it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from intacct_asana.hooks.intacct import IntacctHook

from sandbox import constants

AHook = Callable[..., IntacctHook]
SECRETS = (constants.SENDER_PASSWORD, constants.WS_PASSWORD)


class SharedVariables:
    """Stands for Airflow's Variables, which need a running task. Counts writes."""

    values: dict[str, Any]
    writes: int

    @classmethod
    def get(cls, key: str, default: Any = None, deserialize_json: bool = False) -> Any:
        return cls.values.get(key, default)

    @classmethod
    def set(cls, key: str, value: Any, description: str | None = None, serialize_json: bool = False) -> None:
        cls.values[key] = value
        cls.writes += 1


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> type[SharedVariables]:
    SharedVariables.values, SharedVariables.writes = {}, 0
    monkeypatch.setattr("airflow.sdk.Variable", SharedVariables)
    return SharedVariables


@pytest.fixture
def a_hook(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> AHook:
    """A new hook, as each task process has one. `extra`, `login`, `password`, `host` change the connection."""

    def make(
        *,
        extra: dict[str, Any] | None = None,
        login: str = constants.WS_USER,
        password: str = constants.WS_PASSWORD,
        host: str = sandbox.gateway_url,
        **arguments: Any,
    ) -> IntacctHook:
        base = {
            "company_id": constants.COMPANY_ID,
            "sender_id": constants.SENDER_ID,
            "sender_password": constants.SENDER_PASSWORD,
            "allowed_endpoint_hosts": ["127.0.0.1"],
        }
        body = {"conn_type": "intacct", "host": host, "login": login, "password": password, "extra": base | (extra or {})}
        monkeypatch.setenv("AIRFLOW_CONN_INTACCT_DEFAULT", json.dumps(body))
        arguments.setdefault("custom_fields", constants.STAMP_FIELDS)
        hook = IntacctHook(first_wait_seconds=0.01, **arguments)
        _ = hook.transport.connection
        return hook

    return make
