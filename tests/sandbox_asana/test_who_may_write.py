"""Who and what can write a field, as far as the API tells: members with their levels, teams, locks, agents."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.constants import BILLS_PROJECT_GID, BOT_GID, PEOPLE

ALICE, BEN = PEOPLE[0], PEOPLE[1]


def levels(api: Any, parent: str) -> dict[str, str]:
    return {each["member"]["name"]: each["access_level"] for each in api.get("/memberships", parent=parent)}


def test_members_of_a_field_are_told_with_their_levels(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    assert levels(api, approval["gid"]) == {"Intacct Sync": "admin"}
    sandbox.act("asana", "bot", "add_team", name="Finance", people=["ben", "carla"])
    members = {"alice": "user", "Finance": "editor"}
    sandbox.act("asana", "bot", "share_field", field="Approval", privacy="public", default_access_level="user", members=members)
    assert levels(api, approval["gid"]) == {"Intacct Sync": "admin", "Alice Martin": "user", "Finance": "editor"}
    shown = api.get(f"/custom_fields/{approval['gid']}", opt_fields="privacy_setting,default_access_level,is_value_read_only")
    assert (shown["privacy_setting"], shown["default_access_level"]) == ("public", "user")
    assert shown["is_value_read_only"] is False
    (own,) = api.get("/memberships", parent=approval["gid"], member=ALICE["gid"])
    assert (own["resource_type"], own["parent"]["gid"]) == ("custom_field_membership", approval["gid"])


def test_a_team_stands_among_the_members_of_a_project_and_its_people_are_listed(api: Any, sandbox: Any) -> None:
    team = sandbox.act("asana", "bot", "add_team", name="Finance", people=["ben"])["result"]
    sandbox.act("asana", "bot", "remove_member", person="ben")
    ben = api.as_person(BEN["gid"])
    assert ben.refusal("GET", f"/projects/{BILLS_PROJECT_GID}")[0] == 403
    sandbox.act("asana", "bot", "share_project", privacy="public_to_workspace", members={"Finance": "editor"})
    assert ben.get(f"/projects/{BILLS_PROJECT_GID}")["privacy_setting"] == "public_to_workspace"
    (row,) = api.get("/memberships", parent=BILLS_PROJECT_GID, member=team["gid"])
    assert (row["member"]["resource_type"], row["access_level"]) == ("team", "editor")
    assert [each["gid"] for each in api.get(f"/teams/{team['gid']}/users")] == [BEN["gid"]]
    # The project's own list of members knows people only.
    assert team["gid"] not in [each["gid"] for each in api.get(f"/projects/{BILLS_PROJECT_GID}")["members"]]


@pytest.mark.parametrize(("level", "writes"), [("admin", True), ("editor", True), ("commenter", False), ("viewer", False)])
def test_who_may_only_look_or_comment_writes_no_task(api: Any, sandbox: Any, level: str, writes: bool) -> None:
    task = api.add_task()
    sandbox.act("asana", "bot", "share_project", members={"alice": level})
    assert levels(api, BILLS_PROJECT_GID)["Alice Martin"] == level
    alice = api.as_person(ALICE["gid"])
    assert alice.raw("PUT", f"/tasks/{task}", {"name": "x"}).status_code == (200 if writes else 403)
    assert alice.get(f"/tasks/{task}")["name"] == ("x" if writes else "Bill 1")


def test_a_locked_field_is_read_only_for_everybody_else(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    wanted, path = "custom_field.(is_value_read_only|default_access_level)", f"/projects/{BILLS_PROJECT_GID}"
    sandbox.act("asana", "bot", "lock_field", field="Approval")
    for client, read_only in ((api, False), (api.as_person(ALICE["gid"]), True)):
        (setting,) = client.get(f"{path}/custom_field_settings", opt_fields=wanted)
        assert setting["custom_field"]["is_value_read_only"] is read_only
        assert setting["custom_field"]["default_access_level"] == "user"
    assert [each["gid"] for each in api.get("/memberships", parent=BILLS_PROJECT_GID)][:1]
    assert BOT_GID in [each["member"]["gid"] for each in api.get("/memberships", parent=approval["gid"])]
