"""Users as the gateway shows them: their records, and how other records name them."""

from __future__ import annotations

from typing import Any

import pytest

FIELDS = "RECORDNO LOGINID DESCRIPTION EMAIL CONTACTINFO.EMAIL1 STATUS LOGINDISABLED"
WHO = "RECORDNO CREATEDBY MODIFIEDBY CREATEDBYLOGINID MODIFIEDBYLOGINID USERID CREATEDUSERID"


def users(gateway: Any) -> dict[str, dict[str, str]]:
    return {row["LOGINID"]: row for row in gateway.rows("USERINFO", FIELDS)}


def test_users_have_logins_names_addresses_and_a_status(sandbox: Any, gateway: Any) -> None:
    sandbox.act(
        "intacct", "admin", "edit_user", login="cruiz", changes={"status": "lockedout", "email": "carla@elsewhere.example"}
    )
    sandbox.act("intacct", "admin", "delete_user", login="dpatel")
    found = users(gateway)
    assert found["amartin"]["EMAIL"] == found["amartin"]["CONTACTINFO.EMAIL1"] == "alice.martin@northwind.example"
    assert (found["amartin"]["DESCRIPTION"], found["amartin"]["STATUS"]) == ("Alice Martin", "active")
    assert (found["cruiz"]["STATUS"], found["cruiz"]["EMAIL"]) == ("lockedout", "carla@elsewhere.example")
    assert found["xml_gateway"]["LOGINDISABLED"] == "true"
    assert "dpatel" not in found


def test_users_can_be_out_of_sight(sandbox: Any, gateway: Any, said: Any) -> None:
    sandbox.settings(denied_objects=["USERINFO"])
    result = gateway.result("<query><object>USERINFO</object><select><field>LOGINID</field></select></query>")
    assert said(result)[0][0] == "PL04000005"


@pytest.mark.parametrize("held", ["login", "record_no", "name", "nothing"])
def test_what_stands_for_a_user_on_a_bill_is_a_setting(sandbox: Any, gateway: Any, held: str) -> None:
    sandbox.settings(login_fields_hold=held)
    number = sandbox.act("intacct", "mgarcia", "create_bill")["record_no"]
    sandbox.act("intacct", "jchen", "edit_bill", record_no=number, changes={"description": "x"})
    row = next(row for row in gateway.rows("APBILL", WHO) if row["RECORDNO"] == number)
    listed = users(gateway)
    maria, jun = listed["mgarcia"], listed["jchen"]
    assert (row["CREATEDBY"], row["MODIFIEDBY"]) == (maria["RECORDNO"], jun["RECORDNO"])
    called = {
        "login": ("mgarcia", "jchen"),
        "record_no": (maria["RECORDNO"], jun["RECORDNO"]),
        "name": ("Maria Garcia", "Jun Chen"),
    }
    shown = called.get(held, ("", ""))
    assert (row["CREATEDBYLOGINID"], row["MODIFIEDBYLOGINID"]) == (row["CREATEDUSERID"], row["USERID"]) == shown


def test_a_bill_need_not_say_who_made_it(sandbox: Any, gateway: Any) -> None:
    number = sandbox.act("intacct", "mgarcia", "create_bill", creator_unknown=True)["record_no"]
    row = next(row for row in gateway.rows("APBILL", WHO) if row["RECORDNO"] == number)
    assert (row["CREATEDBY"], row["CREATEDBYLOGINID"], row["MODIFIEDBYLOGINID"]) == ("", "", "mgarcia")
