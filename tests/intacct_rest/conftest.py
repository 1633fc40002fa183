"""A hook on the stand-in of Intacct's REST API, and a world in which decisions are carried out by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from intacct_asana.intacct.rest.hook import IntacctRestHook
from intacct_asana.store import FlowStore

from tests.intacct.conftest import SharedVariables, a_hook, variables
from tests.intacct_rest.rest_world import RestWorld, connection_json
from tests.store.conftest import flow, url

__all__ = ["SharedVariables", "a_hook", "flow", "url", "variables"]

ARestHook = Callable[..., IntacctRestHook]


@pytest.fixture
def a_rest_hook(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> ARestHook:
    """A new hook, as each task process has one. `extra`, and `login`, `password`, `host`, change the connection."""

    def make(*, extra: dict[str, Any] | None = None, **arguments: Any) -> IntacctRestHook:
        changed = {name: arguments.pop(name) for name in ("conn_type", "login", "password", "host") if name in arguments}
        body = connection_json(sandbox, **changed, **(extra or {}))
        monkeypatch.setenv("AIRFLOW_CONN_INTACCT_REST_DEFAULT", body)
        hook = IntacctRestHook(first_wait_seconds=0.01, **arguments)
        _ = hook.transport.connection
        return hook

    return make


@pytest.fixture
def world(sandbox: Any, a_rest_hook: ARestHook, a_hook: Any, flow: FlowStore, variables: Any) -> RestWorld:
    return RestWorld(sandbox, flow, a_rest_hook, a_hook())
