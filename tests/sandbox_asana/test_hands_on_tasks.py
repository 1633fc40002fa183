"""What people do to tasks behind the flow's back: other values, names and keys, tasks made by hand, moved, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.constants import BILLS_PROJECT_GID, PEOPLE, VENDORS_PROJECT_GID

ALICE = PEOPLE[0]
WHO = "created_by.email,resource_subtype"


def last_story(api: Any, task: str, fields: str) -> dict[str, Any]:
    story: dict[str, Any] = api.get(f"/tasks/{task}/stories", opt_fields=f"{WHO},{fields}")[-1]
    assert story["created_by"]["email"] == ALICE["email"]
    return story


def test_a_person_writes_any_field_and_leaves_a_story(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    key, amount = api.add_field("Intacct key", "text"), api.add_field("Amount", "number", precision=2)
    parts = api.add_field("Parts", "multi_enum", enum_options=[{"name": "IT"}, {"name": "Sales"}])
    task = api.add_task(custom_fields={key["gid"]: "bill 1", amount["gid"]: 990})
    for field, value, kind, told in [
        ("Amount", "9.90", "number", ("old_number_value", 990, "new_number_value", 9.9)),
        ("Amount", 0, "number", ("old_number_value", 9.9, "new_number_value", 0)),
        ("Intacct key", "bill 2", "text", ("old_text_value", "bill 1", "new_text_value", "bill 2")),
        ("Intacct key", "", "text", ("old_text_value", "bill 2", "new_text_value", None)),
    ]:
        sandbox.act("asana", "alice", "write", task=task, field=field, value=value)
        story = last_story(api, task, f"{told[0]},{told[2]}")
        assert story["resource_subtype"] == f"{kind}_custom_field_changed"
        assert (story[told[0]], story[told[2]]) == (told[1], told[3])
    sandbox.act("asana", "alice", "write", task=task, field="Parts", value=["IT", "Sales"])
    assert last_story(api, task, "")["resource_subtype"] == "multi_enum_custom_field_changed"
    assert api.value(task, parts)["display_value"] == "IT, Sales"


def test_a_person_writes_name_and_notes_and_leaves_a_story(api: Any, sandbox: Any) -> None:
    task = api.add_task("Bill 1")
    sandbox.act("asana", "alice", "rename", task=task, name="Bill 2")
    story = last_story(api, task, "old_name,new_name")
    assert (story["resource_subtype"], story["old_name"], story["new_name"]) == ("name_changed", "Bill 1", "Bill 2")
    sandbox.act("asana", "alice", "set_notes", task=task, text="pay this")
    assert last_story(api, task, "")["resource_subtype"] == "notes_changed"


def test_a_task_made_by_hand_carries_any_value_and_its_maker(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    key, day = api.add_field("Intacct key", "text"), api.add_field("Bill date", "date")
    fields = {"Intacct key": "bill 7", "Approval": "Approved", "Bill date": "2026-01-31"}
    made = sandbox.act("asana", "alice", "create", name="By hand", fields=fields)["result"]["gid"]
    assert api.get(f"/tasks/{made}", opt_fields="created_by.email")["created_by"]["email"] == ALICE["email"]
    assert [api.value(made, each)["display_value"] for each in (key, approval)] == ["bill 7", "Approved"]
    assert api.value(made, day)["date_value"]["date"] == "2026-01-31"


@pytest.mark.parametrize(("told", "names"), [("then", ["Approved", "OK to pay"]), ("now", ["OK to pay", "OK to pay"])])
def test_a_renamed_option_has_its_name_of_then_or_of_now_in_older_stories(
    api: Any, sandbox: Any, approval: dict[str, Any], told: str, names: list[str]
) -> None:
    sandbox.settings(asana_option_names_in_stories=told)
    first, second = api.add_task(), api.add_task()
    sandbox.act("asana", "alice", "choose", task=first, field="Approval", option="Approved")
    sandbox.act("asana", "alice", "rename_option", field="Approval", option="Approved", name="OK to pay")
    sandbox.act("asana", "alice", "choose", task=second, field="Approval", option="OK to pay")
    chosen = [last_story(api, task, "new_enum_value.name")["new_enum_value"] for task in (first, second)]
    assert [option["name"] for option in chosen] == names
    assert {option["gid"] for option in chosen} == {approval["gids"]["Approved"]}
    assert api.value(first, approval)["enum_value"]["name"] == "OK to pay"


def happened(api: Any, token: str, task: str) -> list[tuple[str, str, str]]:
    events = api.events(token, opt_fields="user.email,action,resource,parent,type")
    mine = [event for event in events if event["resource"]["gid"] == task]
    return [(event["action"], event["user"]["email"], (event["parent"] or {}).get("gid", "")) for event in mine]


def test_a_deleted_task_is_told_with_who_deleted_it_and_is_gone(api: Any, sandbox: Any) -> None:
    task, token = api.add_task(), api.sync_token()
    sandbox.act("asana", "alice", "delete", task=task)
    assert happened(api, token, task) == [("deleted", ALICE["email"], "")]
    assert api.refusal("GET", f"/tasks/{task}")[0] == 404


@pytest.mark.parametrize(("action", "places"), [("remove", []), ("move_to_project", [VENDORS_PROJECT_GID])])
def test_a_task_that_left_the_project_is_told_and_can_still_be_read(
    api: Any, sandbox: Any, approval: dict[str, Any], action: str, places: list[str]
) -> None:
    task, token = api.add_task(), api.sync_token()
    sandbox.act("asana", "alice", "choose", task=task, field="Approval", option="Approved")
    more = {"project": "Vendors"} if places else {}
    sandbox.act("asana", "alice", action, task=task, **more)
    assert ("removed", ALICE["email"], BILLS_PROJECT_GID) in happened(api, token, task)
    assert api.get("/tasks", project=BILLS_PROJECT_GID) == []
    read = api.get(f"/tasks/{task}", opt_fields="projects,custom_fields.enum_value.name,custom_fields.enabled")
    assert [each["gid"] for each in read["projects"]] == places
    (entry,) = read["custom_fields"]
    assert (entry["enum_value"]["name"], entry["enabled"]) == ("Approved", False)
    assert "enum_custom_field_changed" in [each["resource_subtype"] for each in api.get(f"/tasks/{task}/stories")]
