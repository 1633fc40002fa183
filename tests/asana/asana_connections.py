"""Airflow connections to Asana for tests, through the environment as people set them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from intacct_asana.asana.hook import AsanaHook

from sandbox import constants

FAST = {"requests_per_minute": 100_000}


def a_hook(
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    *,
    conn_type: str = "asana_rest",
    password: str | None = constants.ASANA_TOKEN,
    **extra: Any,
) -> AsanaHook:
    """A hook whose connection has this URL, and which does not wait long between attempts."""
    connection = {"conn_type": conn_type, "host": url, "password": password, "extra": {**FAST, **extra}}
    monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps(connection))
    hook = AsanaHook()
    hook.first_wait_seconds = 0.01
    return hook
