"""Questions put to the sandbox over HTTP, by connections in the environment as a deployment would give them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from intacct_asana.asana.wire import AsanaWire
from intacct_asana.intacct.hook import IntacctHook
from intacct_asana.intacct.rest.hook import IntacctRestHook
from intacct_asana.proving.at_asana import AsanaPort
from intacct_asana.proving.at_intacct import IntacctPort
from intacct_asana.proving.at_rest import RestPort
from intacct_asana.proving.catalogue import ALL
from intacct_asana.proving.question import Answer, Ports, Row, put

from sandbox import constants
from tests.asana.asana_connections import FAST
from tests.intacct.conftest import connection_to
from tests.intacct_rest.rest_world import rest_connection

Ask = Callable[..., Answer]


def connections(sandbox: Any) -> dict[str, str]:
    """The three connections as variables of the environment."""
    asana = {"conn_type": "asana_rest", "host": sandbox.asana_url, "password": constants.ASANA_TOKEN, "extra": FAST}
    bodies = {
        "INTACCT_DEFAULT": connection_to(sandbox),
        "ASANA_DEFAULT": asana,
        "INTACCT_REST_DEFAULT": rest_connection(sandbox),
    }
    return {f"AIRFLOW_CONN_{name}": json.dumps(body) for name, body in bodies.items()}


@pytest.fixture
def ports(sandbox: Any, monkeypatch: pytest.MonkeyPatch) -> Ports:
    """All three systems. Waiting moves the sandbox's clock, and takes no time."""
    for name, body in connections(sandbox).items():
        monkeypatch.setenv(name, body)

    def wait(seconds: float) -> None:
        sandbox.clock(advance_seconds=seconds)

    return Ports(
        wait=wait,
        intacct=IntacctPort(IntacctHook(read_tries=2, first_wait_seconds=0.01)),
        asana=AsanaPort(AsanaWire("asana_default"), project_gid=constants.BILLS_PROJECT_GID, wait=wait),
        rest=RestPort(IntacctRestHook(tries=2, first_wait_seconds=0.01)),
    )


@pytest.fixture
def row_of(sandbox: Any, ports: Ports) -> Callable[..., Row]:
    """`row_of("intacct-session", session_minutes=30)`: what comes of one question with these settings of the sandbox."""

    def ask(name: str, **settings: Any) -> Row:
        if settings:
            sandbox.settings(**settings)
        return next(put([one for one in ALL if one.id == name], ports, may=lambda question: ""))

    return ask


@pytest.fixture
def answer(row_of: Callable[..., Row]) -> Ask:
    def ask(name: str, **settings: Any) -> Answer:
        row = row_of(name, **settings)
        assert row.answer, f"{row.outcome}: {row.why}"
        return row.answer

    return ask
