"""docs/connections.md: every key that the code reads is told, and the commands are ones that Airflow and our hooks take."""

from __future__ import annotations

import json
import re
import shlex
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Connection
from intacct_asana.asana import connection as asana
from intacct_asana.http import Transport
from intacct_asana.intacct import session as intacct
from intacct_asana.intacct.rest import connection as intacct_rest

from manuals.connections import FIELDS, FORMS, STANDARD
from sandbox.demo.airflow_server import connections

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, STEPS, SANDBOX = (
    (DOCS / name).read_text(encoding="utf-8") for name in ("connections.md", "connect-real-accounts.md", "sandbox.md")
)
SETTINGS = {
    "intacct": intacct.settings_of,
    "intacct_rest": intacct_rest.settings_of,
    "asana_rest": lambda connection, conn_id: asana.settings_of(connection, connection.extra_dejson, conn_id=conn_id),
}
NEEDED = {
    "intacct": {"company_id": "ACME", "sender_id": "acme-ws", "sender_password": "x"},
    "intacct_rest": {"username": "xml_gateway@ACME"},
    "asana_rest": {},
}


class Noting(dict[str, Any]):
    """An extra that notes which of its keys are asked for."""

    def __init__(self, known: dict[str, Any]) -> None:
        super().__init__(known)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)


class Given:
    """A connection as the settings read it."""

    host, login, password, port, schema = None, "user", "word", None, None

    def __init__(self, kind: str) -> None:
        self.conn_type = kind
        self.extra_dejson = Noting(NEEDED[kind])


class Line(Transport):
    @cached_property
    def connection(self) -> Any:
        return Given("asana_rest")


def keys_of_any_line() -> set[str]:
    line = Line("any")
    assert line.session.verify is True
    assert line.timeout_seconds == 60
    return line.connection.extra_dejson.asked


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_key_of_the_extra_that_is_read_is_told_and_no_other(kind: str) -> None:
    given = Given(kind)
    assert SETTINGS[kind](given, conn_id="any")
    told = FIELDS[kind].keys() - set(STANDARD)
    assert told == given.extra_dejson.asked | keys_of_any_line()


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_field_of_the_form_is_told(kind: str) -> None:
    fields = FORMS[kind]["conn-fields"]
    assert fields.keys() <= FIELDS[kind].keys()
    assert set(FORMS[kind]["ui-field-behaviour"]["relabeling"]) == FIELDS[kind].keys() & set(STANDARD)
    for name, field in fields.items():
        default = field["schema"].get("default")
        assert default is None or FIELDS[kind][name].default.strip("`") == json.dumps(default)


def commands_in(page: str) -> list[list[str]]:
    """The page's airflow commands, as a shell takes them apart."""
    blocks = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    lines = [line for block in blocks for line in re.split(r"\n+(?=airflow |python |intacct-asana )", block)]
    return [shlex.split(line) for line in lines if line.startswith("airflow ")]


COMMANDS = commands_in(PAGE)


def test_every_kind_of_connection_has_its_command() -> None:
    kinds = {
        json.loads(command[command.index("--conn-json") + 1])["conn_type"] for command in COMMANDS if "--conn-json" in command
    }
    assert kinds == SETTINGS.keys() | {"postgres", "http"}


@pytest.mark.parametrize("command", [*COMMANDS, *commands_in(STEPS), *commands_in(SANDBOX)], ids=lambda command: command[3])
def test_each_command_is_one_that_airflow_takes_and_makes_a_connection_that_works(command: list[str]) -> None:
    from airflow.cli.cli_parser import get_parser

    taken = get_parser().parse_args(command[1:])
    if not hasattr(taken, "conn_json"):
        return
    connection = Connection.from_json(taken.conn_json, conn_id=taken.conn_id)
    if connection.conn_type in SETTINGS:
        settings = SETTINGS[connection.conn_type](connection, conn_id=taken.conn_id)
        assert settings.read_only == ("read_only" in taken.conn_json)


def test_the_names_are_those_that_a_flow_takes_when_it_says_none() -> None:
    from intacct_asana.flow.model import Connections, Pools

    names = {command[3] for command in COMMANDS}
    assert names == {*Connections().model_dump().values(), *Pools().model_dump().values()}


def test_the_connections_that_the_sandboxs_page_shows_are_those_of_the_demo() -> None:
    """Which the demo's runs use against a sandbox, so that they are known to work."""
    shown = [json.loads(command[command.index("--conn-json") + 1]) for command in commands_in(SANDBOX)]
    used = [json.loads(text) for name, text in connections("http://127.0.0.1:8099").items() if "_REST_" not in name]
    assert shown == used
