"""What preflight warns of, by itself: rights, single people, pools; and as rows of the real preflight."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from intacct_asana.audit.powers import IntacctSide, Power, unneeded
from intacct_asana.operators.preflight import CheckAsanaOperator, CheckIntacctOperator
from intacct_asana.records import IntacctUser
from intacct_asana.records.access import RoleAssignment, RoleRight

from sandbox import constants
from tests.alerts.alerts_world import Alarmed
from tests.reconciliation.reconciliation_world import BEN

Make = Callable[..., Alarmed]


def a_side(*rights: tuple[str, str], admin: str = "off") -> IntacctSide:
    return IntacctSide(
        login="xml_gateway",
        users=[IntacctUser(record_no="1", login="XML_Gateway", admin=admin)],
        assignments=[RoleAssignment(role_no="r", role="Integration", holder_no="1")],
        rights=[RoleRight(role_no="r", permission=name, rights=words) for name, words in rights],
        groups=[],
        untold={},
    )


@pytest.mark.parametrize(
    ("rights", "needed", "told"),
    [
        (("Bills", "List|Readonly|Modify"), {Power.ENTER: frozenset({"modify"})}, []),
        (("Bills", "List|Readonly|Modify"), {}, ["Integration: Bills, Modify"]),
        (("Bills", "List|Add|Modify"), {Power.ENTER: frozenset({"modify"})}, ["Integration: Bills, Add"]),
        (("Pay bills", "Run"), {}, ["Integration: Pay bills, Run"]),
        (("Journal entries", "List|Readonly"), {}, []),
        (("Journal entries", "Add"), {}, ["Integration: Journal entries, Add"]),
    ],
)
def test_rights_beyond_what_the_flow_needs_are_named(rights: tuple[str, str], needed: Any, told: list[str]) -> None:
    assert unneeded(a_side(rights), needed=needed) == told


def test_admin_privileges_are_more_than_any_flow_needs() -> None:
    assert unneeded(a_side(admin="full"), needed={}) == ["full admin privileges"]


def rows(world: Alarmed, *operators: Any) -> dict[str, dict[str, str]]:
    return {row["check"]: row for operator in operators for row in world.step(operator)}


def of_intacct(world: Alarmed) -> dict[str, dict[str, str]]:
    world.books = None
    return rows(world, CheckIntacctOperator(task_id="check", flow="small"))


def of_asana(world: Alarmed) -> dict[str, dict[str, str]]:
    return rows(world, CheckAsanaOperator(task_id="check", flow="small"))


def test_preflight_says_what_intacct_may_do_by_itself_and_which_rights_are_not_needed(alarmed: Make) -> None:
    found = of_intacct(alarmed("{}", make_bill={"state": "Submitted"}))
    assert "1 wait for approval in Intacct" in found["Intacct bill approvals"]["result"]
    assert "its vendor has no approver" in found["Intacct approves by itself"]["result"]
    assert "Vendors, Modify" in found["Intacct least privilege"]["result"]
    assert "Bills" not in found["Intacct least privilege"]["result"]
    assert "without it every DAG stops" in found["Intacct user of this integration"]["result"]
    assert "no task may ask for it" in found["Airflow pool intacct_api"]["result"]
    assert {row["ok"] for name, row in found.items() if name.startswith("Airflow")} == {"yes"}


def test_bills_that_none_of_them_waits_are_told(alarmed: Make) -> None:
    world = alarmed("{}", make_bill={"state": "Posted"})
    assert "none waits and 1 are Posted" in of_intacct(world)["Intacct bill approvals"]["result"]


def test_one_on_whom_everything_hangs_is_named(alarmed: Make) -> None:
    rule = f"  rules: [{{name: All, steps: [{{name: Budget, by: [{BEN}]}}]}}]"
    found = of_asana(alarmed("{}", approval=rule))
    assert f"All, Budget: without {BEN} nothing is approved" in found["single approvers"]["result"]
    assert "every DAG stops" in found["Asana user of this integration"]["result"]


def test_alerts_that_cannot_leave_fail_preflight(alarmed: Make) -> None:
    named = "{kind: slack, connection: no_slack}, {kind: asana_comment, task: '99999'}, {kind: asana_task, project: '88888'}"
    found = of_asana(alarmed(f"{{on_failure: [{named}]}}"))
    told = {name: row["ok"] for name, row in found.items() if name.startswith("alerts by")}
    assert told == {
        "alerts by slack no_slack": "no",
        "alerts by asana_comment 99999": "no",
        "alerts by asana_task 88888": "no",
    }


class PoolsHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self._answer(201, {"access_token": "t"})

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self._answer(200, {"name": name, "slots": 8}) if name == "intacct_api" else self._answer(404, {})

    def _answer(self, status: int, body: Any) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Nothing on the screen."""


@pytest.fixture
def airflow_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), PoolsHandler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        found = {"conn_type": "http", "host": f"http://127.0.0.1:{server.server_address[1]}", "login": "s", "password": "w"}
        monkeypatch.setenv("AIRFLOW_CONN_INTACCT_ASANA_AIRFLOW", json.dumps(found))
        yield
        server.shutdown()


def test_a_pool_that_is_missing_or_too_big_is_told(alarmed: Make, airflow_api: None, monkeypatch: pytest.MonkeyPatch) -> None:
    intacct = json.loads(os.environ["AIRFLOW_CONN_INTACCT_DEFAULT"])
    world = alarmed("{}")
    intacct["extra"]["max_concurrency"] = 3
    monkeypatch.setenv("AIRFLOW_CONN_INTACCT_DEFAULT", json.dumps(intacct))
    found = of_intacct(world)
    assert "8 slots, and max_concurrency of the connection is 3" in found["Airflow pool intacct_api"]["result"]
    assert (found["Airflow pool asana_api"]["ok"], "there is no pool" in found["Airflow pool asana_api"]["result"]) == (
        "no",
        True,
    )


def test_flows_of_one_company_in_two_pools_are_told(alarmed: Make, tmp_path: Path) -> None:
    world = alarmed("{}")
    other = world.path.read_text(encoding="utf-8").replace("flow: small", "flow: other\npools: {intacct: second}")
    for gid in (constants.BILLS_PROJECT_GID, constants.VENDORS_PROJECT_GID):
        other = other.replace(gid, gid[:-4] + "7" + gid[-3:])
    (world.path.parent / "other.yaml").write_text(other, encoding="utf-8")
    assert "other calls the same company in pool second" in of_intacct(world)["Airflow pools per company and token"]["result"]
