"""The access matrix over the sandbox: each class of finding, and next to it what must not be one."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from intacct_asana.__main__ import app
from intacct_asana.audit.access import COLUMNS, Matrix
from intacct_asana.audit.powers import Can, Power
from intacct_asana.operators.evidence import EvidenceFormOperator
from intacct_asana.operators.flow_run import FlowRun
from intacct_asana.operators.people.access import access_matrix, row_of_access
from typer.testing import CliRunner

from sandbox import constants
from tests.evidence.test_evidence_of_a_flow import airflow, flow, report
from tests.reconciliation.reconciliation_world import ALICE, BEN
from tests.standing.standing_world import Standing

__all__ = ["airflow", "flow"]
pytestmark = pytest.mark.airflow

BASE = {"approves_and_enters"}
"""Alice enters bills and approves bills, as segregation of duties needs somebody who does."""
PAYS, EDITS, READS = "AP Payments", "Vendor Desk", "Reader"
Act = tuple[str, str, str, Mapping[str, Any]]


def intacct(action: str, **how: Any) -> Act:
    return ("intacct", "admin", action, how)


def asana(action: str, **how: Any) -> Act:
    return ("asana", "erin", action, how)


def setting(**how: Any) -> Act:
    return ("settings", "", "", how)


def give(login: str, role: str) -> Act:
    return intacct("give_role", login=login, role=role)


ENTERS_NOTHING = intacct("take_roles", login="amartin")
NOBODY_ELSE_CHOOSES = [asana("remove_member", person=one["email"]) for one in constants.PEOPLE[2:]]
"""Whoever is left in the project is an approver, or this integration."""

FLAGGED: Mapping[str, tuple[list[Act], list[Act]]] = {
    "approves_and_pays": ([give("bokafor", PAYS)], [give("mgarcia", PAYS)]),
    "approves_and_edits_vendors": ([give("bokafor", EDITS)], [give("bokafor", READS)]),
    "approves_and_enters": ([], [ENTERS_NOTHING]),
    "pays_and_edits_vendors": (
        [give("jchen", PAYS), give("jchen", EDITS)],
        [give("jchen", PAYS), give("mgarcia", EDITS), give("xml_gateway", PAYS), give("xml_gateway", EDITS)],
    ),
    "cannot_be_known": ([setting(denied_objects=["ROLEPOLICYASSIGNMENT"])], [intacct("take_roles", login="bokafor")]),
    "left_asana": ([asana("leave_workspace", person="ben")], [asana("leave_workspace", person="erin")]),
    "guest_approver": (
        [asana("join_workspace", person="ben", guest=True)],
        [asana("join_workspace", person="ben", admin=True)],
    ),
    "no_member": ([asana("remove_member", person="ben")], [asana("remove_member", person="erin")]),
    "cannot_write": (
        [asana("share_project", members={"ben": "commenter"})],
        [asana("share_project", members={"ben": "admin", "erin": "commenter"})],
    ),
    "login_unknown": ([intacct("delete_user", login="bokafor")], [intacct("delete_user", login="cruiz")]),
    "left_intacct": (
        [intacct("edit_user", login="bokafor", changes={"status": "inactive"})],
        [intacct("edit_user", login="bokafor", changes={"status": "lockedout"})],
    ),
    "integration_pays": ([give("xml_gateway", PAYS)], [give("xml_gateway", READS)]),
    "integration_approves": (
        [intacct("edit_user", login="xml_gateway", changes={"email": BEN})],
        [intacct("edit_user", login="xml_gateway", changes={"email": "erin.wolf@northwind.example"})],
    ),
    "integration_admin": (
        [asana("join_workspace", person="bot", admin=True)],
        [asana("join_workspace", person="erin", admin=True)],
    ),
    "others_can_choose": ([], NOBODY_ELSE_CHOOSES),
    "agents": ([asana("add_agent", name="Triage")], [asana("add_team", name="Triage", people=["erin"])]),
}
"""By kind of finding: what makes it one, and what looks like it and is none."""


def done(flow: Standing, *acts: Act) -> Standing:
    for system, who, action, how in acts:
        if system == "settings":
            flow.sandbox.settings(**how)
        else:
            flow.sandbox.act(system, who, action, **how)
    return flow


def matrix(flow: Standing) -> Matrix:
    run = FlowRun(flow.flow)
    run.__dict__["store"] = flow.store
    board, pins = run.own_board("bill")
    return access_matrix(run, board, pins)


def kinds(flow: Standing) -> set[str]:
    return {one.kind for one in matrix(flow).findings}


def of(found: Matrix, kind: str) -> Any:
    (one,) = [one for one in found.findings if one.kind == kind]
    return one


@pytest.mark.parametrize("kind", FLAGGED)
def test_each_class_of_finding_is_found(flow: Standing, kind: str) -> None:
    assert kind in kinds(done(flow, *FLAGGED[kind][0]))


@pytest.mark.parametrize("kind", FLAGGED)
def test_what_looks_like_it_is_not_flagged(flow: Standing, kind: str) -> None:
    assert kind not in kinds(done(flow, *FLAGGED[kind][1]))


def test_as_it_stands_only_the_clerk_who_approves_is_named(flow: Standing) -> None:
    found = matrix(done(flow, *NOBODY_ELSE_CHOOSES))
    assert {one.kind for one in found.findings} == BASE
    (one,) = found.findings
    assert (one.severity, one.persons) == ("warning", (f"Alice Martin <{ALICE}>",))
    assert "AP Clerk: Bills, List|Readonly|Add|Modify|Post" in one.reason
    holders = {one.name: one for one in found.holders}
    alice, ours, maria = holders["Alice Martin"], holders[constants.BOT_NAME], holders["Maria Garcia"]
    assert (alice.asana, alice.decides, alice.logins, alice.roles) == ("editor", "approver", ("amartin",), ("AP Clerk",))
    assert [answer.can for answer in alice.powers.values()] == [Can.YES, Can.NO, Can.NO]
    assert (ours.asana, maria.asana, maria.may(Power.ENTER)) == ("this integration, editor", "", True)
    assert any("lists no rules" in sentence for sentence in found.untold)
    assert "Carla Ruiz" not in holders, "who can do nothing on either side is not in it"


def test_roles_that_may_not_be_read_hide_everybody_and_are_one_finding(flow: Standing) -> None:
    found = matrix(done(flow, setting(denied_objects=["ROLEPOLICYASSIGNMENT", "ROLEASSIGNMENT"])))
    assert {answer.can for one in found.holders if one.logins for answer in one.powers.values()} == {Can.UNKNOWN}
    assert of(found, "cannot_be_known").persons == (f"Alice Martin <{ALICE}>", f"Ben Okafor <{BEN}>")
    assert any("who has which role is not told to this connection" in sentence for sentence in found.untold)
    assert of(found, "cannot_be_known").reason.endswith("cannot be known: who has which role cannot be read")


def test_a_group_gives_its_roles_and_one_that_cannot_be_read_hides_them(flow: Standing) -> None:
    done(flow, intacct("join_group", group="Treasury", login="bokafor"), intacct("give_role", group="Treasury", role=PAYS))
    assert of(matrix(flow), "approves_and_pays").persons == (f"Ben Okafor <{BEN}>",)
    found = matrix(done(flow, setting(denied_objects=["MEMBERUSERGROUP"])))
    assert "approves_and_pays" not in {one.kind for one in found.findings}
    assert f"Ben Okafor <{BEN}>" in of(found, "cannot_be_known").persons


def test_an_approver_who_left_and_can_still_sign_in_to_intacct_is_serious(flow: Standing) -> None:
    done(flow, asana("leave_workspace", person="ben"))
    one = of(matrix(flow), "left_asana")
    assert (one.severity, "bokafor" in one.reason) == ("serious", True)
    done(flow, intacct("edit_user", login="bokafor", changes={"status": "inactive"}))
    assert of(matrix(flow), "left_asana").severity == "warning"


def test_an_account_that_is_shut_off_has_left_too(flow: Standing) -> None:
    assert "left_asana" in kinds(done(flow, asana("join_workspace", person="ben", active=False)))


def test_what_asana_does_not_tell_is_said_and_flags_nobody(flow: Standing) -> None:
    for path in ("GET /workspaces/{gid}/workspace_memberships", "GET /memberships", "GET /users"):
        flow.sandbox.fault("asana", path, "status:403", times=100)
    found = matrix(flow)
    assert not {one.kind for one in found.findings} & {"left_asana", "no_member", "guest_approver", "others_can_choose"}
    assert sum("not told to this connection" in sentence for sentence in found.untold) == 3, found.untold


def test_a_team_gives_its_people_access(flow: Standing) -> None:
    ben_by_team = [
        asana("remove_member", person="ben"),
        asana("add_team", name="Approvers", people=["ben"]),
        asana("share_project", members={"Approvers": "editor"}),
    ]
    found = matrix(done(flow, *ben_by_team))
    assert "no_member" not in {one.kind for one in found.findings}
    assert "editor by team Approvers" in {one.asana for one in found.holders}


def test_a_private_field_leaves_those_who_may_write_it(flow: Standing) -> None:
    private = asana("share_field", field="Approval", privacy="private", members={"alice": "editor", "carla": "user"})
    assert "others_can_choose" not in kinds(done(flow, private))
    (one,) = [
        one
        for one in matrix(done(flow, asana("share_field", field="Approval", members={"dev": "editor"}))).findings
        if one.kind == "others_can_choose"
    ]
    assert one.persons == ("Dev Patel",)


def test_preflight_says_how_much_there_is_and_fails_nothing(flow: Standing) -> None:
    run = FlowRun(flow.flow)
    run.__dict__["store"] = flow.store
    row = row_of_access(run, run.own_board("bill")[0])
    assert row["ok"] == "yes"
    assert row["result"].startswith(f"2 findings: 1 warning, 1 note; Alice Martin <{ALICE}>: approves and enters"), row
    assert "python -m intacct_asana access small" in row["mend"]


def test_the_dags_format_writes_a_file_and_stays_green(flow: Standing) -> None:
    made = flow.step(EvidenceFormOperator(task_id="export", flow="small"), format="access")
    said = json.loads(Path(made["file"]).read_text())
    assert (made["access"], made["findings"]) == ("2 findings: 1 warning, 1 note", [])
    assert {one["kind"] for one in said["findings"]} == {"approves_and_enters", "others_can_choose"}
    assert made["rows"] == len(said["holders"])
    report(made)


def test_the_command_prints_a_table_csv_and_json(flow: Standing) -> None:
    def run(*words: str) -> tuple[int, str]:
        said = CliRunner().invoke(app, ["access", "small", *words])
        assert said.exception is None or isinstance(said.exception, SystemExit), said.exception
        return said.exit_code, said.stdout

    code, table = run()
    assert (code, "Alice Martin" in table, "can enter bills and approve bills" in " ".join(table.split())) == (1, True, True), (
        table
    )
    code, text = run("--format", "csv")
    rows = {row["name"]: row for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))}
    assert (code, tuple(rows["Alice Martin"])) == (1, COLUMNS)
    assert (rows["Alice Martin"]["enter bills"], rows["Alice Martin"]["findings"]) == ("yes", "approves_and_enters")
    assert json.loads(run("--format", "json")[1])["untold"]
    assert CliRunner().invoke(app, ["access", "none"]).exit_code == 2
