"""Who did it: people, agents and scripts; addresses that move; workspaces with guests; what Asana leaves untold."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.constants import BILLS_PROJECT_GID, PEOPLE, WORKSPACE_GID

ALICE, BEN = PEOPLE[0], PEOPLE[1]
TOLD = "created_by,created_by.name,created_by.resource_type,source,is_edited"


def chosen_by(sandbox: Any, user: str, task: str, **more: Any) -> None:
    sandbox.act("asana", user, "choose", task=task, field="Approval", option="Approved", **more)


@pytest.mark.parametrize("source", ["api", "ai_studio", "email", "web", "mobile", "unknown", ""])
def test_a_story_tells_whatever_source_the_act_had(api: Any, sandbox: Any, approval: dict[str, Any], source: str) -> None:
    task = api.add_task()
    chosen_by(sandbox, "alice", task, source=source)
    assert api.get(f"/tasks/{task}/stories", opt_fields=TOLD)[-1]["source"] == source


def test_a_story_may_tell_no_source(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task = api.add_task()
    chosen_by(sandbox, "alice", task, source=None)
    story = api.get(f"/tasks/{task}/stories", opt_fields=TOLD)[-1]
    assert "source" not in story
    assert story["created_by"]["gid"] == ALICE["gid"]


@pytest.mark.parametrize("kind", ["agent", "app", "something_new"])
def test_a_person_may_be_shown_as_an_author_of_another_kind(
    api: Any, sandbox: Any, approval: dict[str, Any], kind: str
) -> None:
    token = api.sync_token()
    made = sandbox.act("asana", "alice", "create", name="By hand", author_kind=kind)["result"]["gid"]
    chosen_by(sandbox, "alice", made, author_kind=kind)
    story = api.get(f"/tasks/{made}/stories", opt_fields=TOLD)[-1]
    author = {"gid": ALICE["gid"], "name": ALICE["name"], "resource_type": kind}
    assert story["created_by"] == author
    assert api.get(f"/tasks/{made}", opt_fields="created_by.(name|resource_type)")["created_by"] == author
    assert {event["user"]["resource_type"] for event in api.events(token)} == {kind}


def test_the_kind_of_an_author_may_be_untold(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task = api.add_task()
    chosen_by(sandbox, "alice", task, author_kind=None)
    author = api.get(f"/tasks/{task}/stories", opt_fields=TOLD)[-1]["created_by"]
    assert author == {"gid": ALICE["gid"], "name": ALICE["name"]}


def test_an_agent_acts_by_its_own_name_and_is_listed_but_is_no_user(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task = api.add_task()
    agent = sandbox.act("asana", "alice", "add_agent", name="Budget helper")["result"]
    chosen_by(sandbox, "Budget helper", task)
    author = api.get(f"/tasks/{task}/stories")[-1]["created_by"]
    assert author == {"gid": agent["gid"], "name": "Budget helper", "resource_type": "agent"}
    assert api.get(f"/workspaces/{WORKSPACE_GID}/agents") == [author]
    assert api.get(f"/agents/{agent['gid']}")["name"] == "Budget helper"
    assert api.refusal("GET", f"/users/{agent['gid']}")[0] == 404


def test_an_unknown_name_with_a_kind_is_an_actor_of_that_kind(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task = api.add_task()
    chosen_by(sandbox, "Some script", task, author_kind="app")
    author = api.get(f"/tasks/{task}/stories")[-1]["created_by"]
    assert (author["name"], author["resource_type"]) == ("Some script", "app")


def test_an_attribute_can_be_left_untold(api: Any, sandbox: Any) -> None:
    task = api.add_task()
    guests, who = f"/workspaces/{WORKSPACE_GID}/workspace_memberships", "is_guest,user"
    assert "is_edited" in api.get(f"/tasks/{task}/stories", opt_fields=TOLD)[0]
    assert "is_guest" in api.get(guests, opt_fields=who)[0]
    sandbox.settings(asana_untold=["story.is_edited", "workspace_membership.is_guest", "story.created_by"])
    assert not {"is_edited", "created_by"} & set(api.get(f"/tasks/{task}/stories", opt_fields=TOLD)[0])
    assert "is_guest" not in api.get(guests, opt_fields=who)[0]


@pytest.mark.parametrize("heir", ["ben", "Nora New"])
def test_an_address_moves_to_another_person(api: Any, sandbox: Any, heir: str) -> None:
    sandbox.act("asana", "bot", "move_email", person="alice", to=heir)
    found = api.get(f"/users/{ALICE['email']}")
    assert (found["gid"] == BEN["gid"]) is (heir == "ben")
    assert found["gid"] != ALICE["gid"]
    assert api.get(f"/users/{ALICE['gid']}")["email"] == f"former.{ALICE['email']}"
    members = api.get("/memberships", parent=BILLS_PROJECT_GID)
    assert found["gid"] in [each["member"]["gid"] for each in members]


def is_guest(api: Any, workspace: str, user: str) -> bool:
    path = f"/workspaces/{workspace}/workspace_memberships"
    (row,) = api.get(path, user=user, opt_fields="is_guest,user")
    guest: bool = row["is_guest"]
    return guest


def test_a_guest_of_the_projects_workspace_may_be_a_member_of_another(api: Any, sandbox: Any) -> None:
    other = sandbox.act("asana", "bot", "add_workspace", name="Partners", people=["bot", "alice"])["result"]["gid"]
    sandbox.act("asana", "bot", "move_project", project="Bills", workspace="Partners")
    sandbox.act("asana", "bot", "join_workspace", person="alice", workspace="Partners", guest=True)
    assert api.get(f"/projects/{BILLS_PROJECT_GID}", opt_fields="workspace")["workspace"]["gid"] == other
    assert (is_guest(api, WORKSPACE_GID, ALICE["gid"]), is_guest(api, other, ALICE["gid"])) == (False, True)
    assert [each["gid"] for each in api.get("/users/me", opt_fields="workspaces")["workspaces"]] == [WORKSPACE_GID, other]
    assert len(api.get("/users", workspace=other)) == 2
    assert [each["name"] for each in api.get(f"/workspaces/{other}/projects")] == ["Bills"]
    assert api.get(f"/tasks/{api.add_task()}", opt_fields="workspace")["workspace"]["gid"] == other
    sandbox.act("asana", "bot", "leave_workspace", person="alice", workspace="Partners")
    assert api.get(f"/workspaces/{other}/workspace_memberships", user=ALICE["gid"]) == []
