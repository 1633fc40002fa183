"""Every wrong credential, missing permission, missing field or unreachable host: one clear sentence, nothing changed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from intacct_asana.asana.wire import AsanaWire
from intacct_asana.intacct.hook import IntacctHook

from sandbox import constants

pytestmark = pytest.mark.airflow


def with_extra(world: Any, conn_id: str, **changes: Any) -> None:
    connection = world.api.connections[conn_id]
    connection["extra"] = json.dumps(json.loads(connection["extra"]) | changes)


def with_field(world: Any, conn_id: str, **changes: Any) -> None:
    world.api.connections[conn_id].update(changes)


def preflight_says(world: Any) -> str:
    """What a failed preflight said; it must have failed, and written nothing."""
    before = world.writes()
    states = world.run("preflight", create_missing=False)
    assert states["report_checks"] == "failed"
    assert world.writes() == before
    said = str(world.error)
    for secret in (constants.WS_PASSWORD, constants.SENDER_PASSWORD, constants.ASANA_TOKEN, "wrong-secret"):
        assert secret not in said
    return said


CASES = {
    "sender password": ("intacct_default", {"sender_password": "wrong-secret"}, {}, ("intacct_default", "sender")),
    "sender id": ("intacct_default", {"sender_id": "nobody"}, {}, ("intacct_default", "sender")),
    "company": ("intacct_default", {"company_id": "NOSUCH"}, {}, ("intacct_default", "company")),
    "user password": ("intacct_default", {}, {"password": "wrong-secret"}, ("intacct_default", "password")),
    "missing company": ("intacct_default", {"company_id": ""}, {}, ("intacct_default", "company_id")),
    "no password": ("intacct_default", {}, {"password": None}, ("intacct_default", "password")),
    "endpoint not allowed": (
        "intacct_default",
        {"allowed_endpoint_hosts": ["*.intacct.com"]},
        {},
        ("intacct_default", "127.0.0.1"),
    ),
    "unreachable gateway": (
        "intacct_default",
        {},
        {"host": "http://127.0.0.1:9/ia/xml/xmlgw.phtml"},
        ("intacct_default", "127.0.0.1"),
    ),
    "no TLS": ("intacct_default", {}, {"host": "http://gateway.example/xml"}, ("intacct_default", "https")),
    "Asana token": ("asana_default", {}, {"password": "wrong-secret"}, ("asana_default", "token")),
    "no Asana token": ("asana_default", {}, {"password": None}, ("asana_default", "token")),
    "unreachable Asana": ("asana_default", {}, {"host": "http://127.0.0.1:9/api/1.0"}, ("asana_default", "127.0.0.1")),
}


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that cannot be reached is tried again, as always, but not after seconds."""
    monkeypatch.setattr(AsanaWire, "first_wait_seconds", 0.01)
    monkeypatch.setitem(IntacctHook.__init__.__kwdefaults__, "first_wait_seconds", 0.01)


@pytest.mark.parametrize("name", CASES)
def test_a_bad_connection_is_one_clear_sentence_and_changes_nothing(world: Any, name: str) -> None:
    conn_id, extra, fields, words = CASES[name]
    with_extra(world, conn_id, **extra)
    with_field(world, conn_id, **fields)
    said = preflight_says(world)
    for word in words:
        assert word in said, said


def test_a_connection_that_does_not_exist_is_named(world: Any) -> None:
    del world.api.connections["asana_default"]
    assert "asana_default" in preflight_says(world)


def test_a_missing_permission_names_the_object(world: Any) -> None:
    world.sandbox.settings(denied_objects=["APBILL"])
    said = preflight_says(world)
    assert "APBILL" in said
    assert "permission" in said.lower()


def test_a_missing_stamp_field_is_named_with_its_cure(world: Any) -> None:
    world.sandbox.settings(missing_custom_fields=["ASANA_DECISION_ID"])
    said = preflight_says(world)
    assert "ASANA_DECISION_ID" in said
    assert "administrator" in said


def test_a_missing_asana_field_is_named_with_its_cure(world: Any) -> None:
    said = preflight_says(world)
    assert "GL account" in said
    assert "create_missing" in said


def test_without_preflight_the_sync_says_so_and_writes_nothing(world: Any) -> None:
    before = world.writes()
    assert world.run("bill_sync")["plan_tasks"] == "failed"
    assert "demo_preflight" in str(world.error)
    assert world.writes() == before


def test_a_read_only_connection_refuses_every_write(world: Any) -> None:
    world.must("preflight", create_missing=True)
    with_extra(world, "asana_default", read_only=True)
    before = world.writes()
    assert world.run("bill_sync")["apply_plan"] == "failed"
    assert "read-only" in str(world.error)
    assert world.writes() == before
