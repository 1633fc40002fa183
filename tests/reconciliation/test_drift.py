"""What people rename or switch off in Asana is told by every run, and approvers are the users whom preflight pinned."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from intacct_asana.operators.preflight import CheckAsanaOperator, CheckIntacctOperator

from sandbox import constants
from tests.reconciliation.reconciliation_world import ALICE, BEN

pytestmark = pytest.mark.airflow
ALICE_GID, BEN_GID = constants.PEOPLE[0]["gid"], constants.PEOPLE[1]["gid"]


@pytest.fixture
def world(a_world: Any) -> Any:
    return a_world()


def in_asana(world: Any, action: str, **arguments: Any) -> Any:
    return world.sandbox.act("asana", ALICE, action, project=constants.BILLS_PROJECT_GID, **arguments)


def preflight(world: Any, **how: Any) -> dict[str, Any]:
    rows = world.step(CheckAsanaOperator(task_id="check", flow="small", **how))
    return {row["check"]: row for row in rows}


def intacct(world: Any) -> dict[str, Any]:
    world.books = None
    rows = world.step(CheckIntacctOperator(task_id="check", flow="small"))
    return {row["check"]: row for row in rows}


def test_a_workspace_that_the_token_does_not_know_is_one_line(world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was four about approvers, or none."""
    connection = json.loads(os.environ["AIRFLOW_CONN_ASANA_DEFAULT"])
    connection["extra"]["workspace"] = "999"
    monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps(connection))
    wrong = [row for row in preflight(world).values() if row["ok"] != "yes"]
    assert [row["check"] for row in wrong] == ["Asana workspace"]
    assert "knows no workspace 999" in wrong[0]["result"]
    assert "connection's extra" in wrong[0]["mend"]


# Fields and options.


def test_nothing_changed_and_nothing_is_told(world: Any) -> None:
    assert (world.run()["drift"], world.sync()["drift"]) == ([], [])


@pytest.mark.parametrize(
    ("action", "arguments", "told"),
    [
        (
            "rename_option",
            {"option": "Approved", "name": "Do not pay"},
            "is called 'Do not pay' now, and a choice of it counts",
        ),
        ("disable_option", {"option": "Approved"}, "its option 'Approved' is disabled"),
        ("rename_field", {"name": "Approval 2"}, "it is called 'Approval 2' now"),
        ("detach_field", {}, "it is gone from the project"),
    ],
)
def test_a_changed_approval_field_is_told_by_reconciliation_and_by_the_bill_sync(
    world: Any, action: str, arguments: dict[str, str], told: str
) -> None:
    in_asana(world, action, field="Approval", **arguments)
    for said in (world.run()["drift"], world.sync(dry_run=True)["drift"]):
        assert len(said) == 1
        assert told in said[0]


def test_a_declared_other_name_of_an_option_is_no_drift(a_world: Any) -> None:
    world = a_world(approval="  signal: {field: Approval, other_names: {Approved: [OK to pay]}}")
    in_asana(world, "rename_option", field="Approval", option="Approved", name="OK to pay")
    assert world.run()["drift"] == []


def test_a_run_looks_at_the_fields_once(world: Any) -> None:
    world.sandbox.zero_counters()
    world.read()
    assert world.sandbox.counters()["asana GET /projects/{gid}/custom_field_settings"] == 1


def test_fields_that_cannot_be_listed_keep_nothing_from_being_read(world: Any) -> None:
    world.choose(ALICE, "Approved")
    world.sandbox.fault("asana", "GET /projects/{gid}/custom_field_settings", "status:403")
    assert "could not be seen" in world.run()["drift"][0]
    assert len(world.decisions()) == 1


# People.


def test_preflight_pins_approvers_and_the_projects_workspace(world: Any) -> None:
    pins = world.store.pins("bill")
    assert pins.people == {ALICE: ALICE_GID, BEN: BEN_GID}
    assert pins.workspace_gid == constants.WORKSPACE_GID


def test_a_moved_address_fails_preflight_and_keeps_its_pin_until_somebody_confirms_it(world: Any) -> None:
    in_asana(world, "move_email", person=ALICE, to="Mallory")
    row = preflight(world)[f"approver {ALICE}"]
    assert row["ok"] == "no"
    assert f"belonged to user {ALICE_GID} (Alice Martin" in row["result"]
    assert "(Mallory)" in row["result"]
    assert "People to pin anew" in row["mend"]
    assert world.store.pins("bill").people[ALICE] == ALICE_GID
    assert preflight(world, confirm_people=f"{BEN}")[f"approver {ALICE}"]["ok"] == "no"
    assert preflight(world, confirm_people=f"{BEN}, {ALICE}")[f"approver {ALICE}"]["ok"] == "yes"
    assert world.store.pins("bill").people[ALICE] != ALICE_GID
    assert preflight(world)[f"approver {ALICE}"]["ok"] == "yes"


def test_an_address_that_nobody_has_any_more_keeps_its_pin(world: Any) -> None:
    in_asana(world, "move_email", person=ALICE, to="Mallory")
    in_asana(world, "move_email", person="Mallory", to="Nobody", left_with="mallory@northwind.example")
    assert preflight(world)[f"approver {ALICE}"]["ok"] == "no"
    assert world.store.pins("bill").people[ALICE] == ALICE_GID


def test_who_is_a_guest_of_the_projects_own_workspace_is_refused_whatever_they_are_in_the_connections(world: Any) -> None:
    other = in_asana(world, "add_workspace", name="Other", people=[BEN])["result"]["gid"]
    in_asana(world, "move_project", workspace=other)
    in_asana(world, "join_workspace", person=ALICE, workspace=other, guest=True)
    rows = preflight(world)
    assert "is a guest" in rows[f"approver {ALICE}"]["result"]
    assert rows[f"approver {BEN}"]["ok"] == "yes"
    assert world.store.pins("bill").workspace_gid == other


def test_a_membership_that_does_not_tell_is_no_proof(world: Any) -> None:
    world.sandbox.settings(asana_untold=["workspace_membership.is_guest"])
    row = preflight(world)[f"approver {ALICE}"]
    assert row["ok"] == "no"
    assert "whether they are a guest is not told" in row["result"]


# Who and what can write the approval field.


def test_preflight_lists_who_and_what_can_write_the_approval_field(world: Any) -> None:
    in_asana(world, "add_team", name="Payables", people=[BEN])
    in_asana(world, "share_project", members={"Payables": "editor", ALICE: "commenter"}, default_access_level="viewer")
    in_asana(world, "share_field", field="Approval", privacy="public", default_access_level="editor", members={ALICE: "admin"})
    in_asana(world, "add_agent", name="Robo")
    rows = preflight(world)
    writers = rows["Asana who may write field Approval"]["result"]
    assert "team Payables (editor: Ben Okafor)" in writers
    assert "Alice Martin (commenter)" in writers
    assert "whoever joins becomes viewer" in writers
    access = rows["Asana access of field Approval"]
    assert "the field is public, whoever joins becomes editor" in access["result"]
    assert "Alice Martin (admin)" in access["result"]
    assert "make the field private" in access["mend"]
    assert "Robo" in rows["Asana agents"]["result"]
    assert "Asana's API tells nothing of rules and apps" in rows["Asana rules and apps"]["result"]


def test_a_private_field_needs_no_advice(world: Any) -> None:
    in_asana(world, "share_field", field="Approval", privacy="private")
    assert preflight(world)["Asana access of field Approval"]["mend"] == ""


def test_sources_are_shown_and_doubtful_ones_named(a_world: Any) -> None:
    world = a_world(approval="  sources: [web, api]")
    row = preflight(world)["approval sources"]
    assert "choices count from web, api" in row["result"]
    assert "leave out api" in row["mend"]


# Logins and the base currency in Intacct.


def test_logins_of_approvers_are_looked_up_in_intacct(world: Any) -> None:
    rows = intacct(world)
    assert (rows["Intacct login amartin"]["ok"], rows["Intacct login bokafor"]["ok"]) == ("yes", "yes")
    world.sandbox.act("intacct", "admin", "edit_user", login="amartin", changes={"status": "inactive"})
    world.sandbox.act("intacct", "admin", "delete_user", login="bokafor")
    rows = intacct(world)
    assert "is inactive" in rows["Intacct login amartin"]["result"]
    assert "no such user" in rows["Intacct login bokafor"]["result"]
    assert (rows["Intacct login amartin"]["ok"], rows["Intacct login bokafor"]["ok"]) == ("no", "no")


def test_a_login_with_an_approvers_address_that_the_flow_does_not_list_is_told(world: Any) -> None:
    world.sandbox.act("intacct", "admin", "edit_user", login="alice2", changes={"email": ALICE})
    row = intacct(world)["Intacct login alice2"]
    assert (row["ok"], "is not listed" in row["result"]) == ("no", True)


def test_without_the_right_to_users_logins_are_compared_as_declared_and_preflight_says_how_to_mend_it(world: Any) -> None:
    world.sandbox.settings(denied_objects=["USERINFO"])
    row = intacct(world)["Intacct logins of approvers"]
    assert row["ok"] == "yes"
    assert "compared as declared" in row["result"]
    assert "List and View on users (USERINFO)" in row["mend"]


def test_the_stamps_amount_and_digest_are_recommended_where_the_flow_names_none(world: Any) -> None:
    row = intacct(world)["Intacct stamp"]
    assert "carries no amount and no digest" in row["result"]
    assert "name amount and digest too" in row["mend"]


def test_some_bills_may_lack_the_base_currency_that_others_tell(a_world: Any) -> None:
    world = a_world()
    world.sandbox.act("intacct", "mgarcia", "create_bill", state="Posted", lacks=["base_currency"])
    row = intacct(world)["Intacct base currency"]
    assert (row["ok"], "base_currency" in row["mend"]) == ("no", True)
    assert row["result"].startswith("1 of the bills do not tell it")


@pytest.mark.parametrize(("approval", "ok"), [("", "no"), ("  base_currency: USD", "yes")])
def test_a_company_whose_bills_name_no_base_currency_needs_one_in_the_flow(a_world: Any, approval: str, ok: str) -> None:
    world = a_world(approval=approval)
    assert intacct(world)["Intacct base currency"]["ok"] == "yes"
    world.sandbox.settings(single_currency=True)
    row = intacct(world)["Intacct base currency"]
    assert row["ok"] == ok
    assert ("taken to be in USD" in row["result"]) is (ok == "yes")
    assert ("base_currency" in row["mend"]) is (ok == "no")
