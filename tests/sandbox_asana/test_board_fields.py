"""Custom fields: definitions, and what each type takes, refuses and shows."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.constants import BILLS_PROJECT_GID, PEOPLE, VENDORS_PROJECT_GID, WORKSPACE_GID


def write(api: Any, task: str, field: dict[str, Any], value: Any) -> Any:
    return api.put(f"/tasks/{task}", {"custom_fields": {field["gid"]: value}})


def refused(api: Any, task: str, field: dict[str, Any], value: Any) -> tuple[int, str]:
    said: tuple[int, str] = api.refusal("PUT", f"/tasks/{task}", {"custom_fields": {field["gid"]: value}})
    return said


def test_text_is_limited_to_1024_characters(api: Any) -> None:
    field, task = api.add_field("Key", "text"), api.add_task()
    write(api, task, field, "x" * 1024)
    assert refused(api, task, field, "x" * 1025)[0] == 400
    assert refused(api, task, field, 5)[0] == 400
    assert api.value(task, field)["text_value"] == "x" * 1024


@pytest.mark.parametrize(
    ("sent", "kept", "display"),
    [
        ("12.345", 12.35, "12.35"),
        ("12", 12, "12.00"),
        ("9999999999.99", 9999999999.99, "9999999999.99"),
        ("-0.005", -0.01, "-0.01"),
    ],
)
def test_number_is_rounded_to_its_precision(api: Any, sent: str, kept: float, display: str) -> None:
    field, task = api.add_field("Amount", "number", precision=2), api.add_task()
    body = f'{{"data":{{"custom_fields":{{"{field["gid"]}":{sent}}}}}}}'
    assert api.http.put(f"/tasks/{task}", content=body).status_code == 200
    value = api.value(task, field)
    assert (value["number_value"], value["display_value"], value["precision"]) == (kept, display, 2)
    assert "text_value" not in value


def test_numbers_in_quotes_are_refused(api: Any) -> None:
    field, task = api.add_field("Amount", "number", precision=2), api.add_task()
    assert refused(api, task, field, "12.5")[0] == 400
    assert refused(api, task, field, True)[0] == 400


def test_enum_takes_an_enabled_option_of_its_own_field(api: Any, approval: dict[str, Any]) -> None:
    task, gids = api.add_task(), approval["gids"]
    write(api, task, approval, gids["Approved"])
    assert api.value(task, approval)["enum_value"]["name"] == "Approved"
    assert api.value(task, approval)["display_value"] == "Approved"
    assert refused(api, task, approval, "Approved") == (400, "custom_fields: Not a recognized ID: Approved")
    api.put(f"/enum_options/{gids['Rejected']}", {"enabled": False})
    assert refused(api, task, approval, gids["Rejected"])[0] == 400
    write(api, task, approval, None)
    assert (api.value(task, approval)["enum_value"], api.value(task, approval)["display_value"]) == (None, None)


def test_date_wants_an_object(api: Any) -> None:
    field, task = api.add_field("Bill date", "date"), api.add_task()
    assert refused(api, task, field, "2026-01-31") == (400, "custom_fields: Value is not a JSON object: 2026-01-31")
    assert refused(api, task, field, {"date": "2026-02-30"})[0] == 400
    write(api, task, field, {"date": "2026-01-31"})
    assert api.value(task, field)["date_value"] == {"date": "2026-01-31", "date_time": None}


def test_people_of_the_wrong_shape_answer_200_and_are_dropped(api: Any) -> None:
    field, task = api.add_field("Approver", "people"), api.add_task()
    write(api, task, field, [PEOPLE[0]["email"], "me"])
    assert [one["name"] for one in api.value(task, field)["people_value"]] == ["Alice Martin", "Intacct Sync"]
    write(api, task, field, PEOPLE[1]["gid"])
    assert len(api.value(task, field)["people_value"]) == 2


def test_multi_enum_is_replaced_as_a_whole(api: Any) -> None:
    field = api.add_field("Tags", "multi_enum", enum_options=[{"name": "a"}, {"name": "b"}])
    task, (one, two) = api.add_task(), [option["gid"] for option in field["enum_options"]]
    write(api, task, field, [one, two])
    assert api.value(task, field)["display_value"] == "a, b"
    write(api, task, field, [two])
    assert [each["gid"] for each in api.value(task, field)["multi_enum_values"]] == [two]
    assert refused(api, task, field, one)[0] == 400


def test_field_of_another_project_is_not_on_the_task(api: Any) -> None:
    field, task = api.add_field("Team", "text", project=VENDORS_PROJECT_GID), api.add_task()
    assert refused(api, task, field, "x") == (400, f"Custom field with ID {field['gid']} is not on given object")


def test_detached_field_keeps_a_disabled_value_that_can_only_be_cleared(api: Any) -> None:
    field, task = api.add_field("Key", "text"), api.add_task()
    write(api, task, field, "k")
    api.post(f"/projects/{BILLS_PROJECT_GID}/removeCustomFieldSetting", {"custom_field": field["gid"]})
    assert (api.value(task, field)["enabled"], api.value(task, field)["text_value"]) == (False, "k")
    assert refused(api, task, field, "new")[0] == 400
    write(api, task, field, None)
    assert api.get(f"/tasks/{task}")["custom_fields"] == []


def test_locked_field_is_403_for_everybody_but_its_locker(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task = api.add_task()
    sandbox.act("asana", PEOPLE[0]["email"], "lock_field", field="Approval")
    assert refused(api, task, approval, approval["gids"]["Approved"])[0] == 403
    assert api.refusal("POST", f"/custom_fields/{approval['gid']}/enum_options", {"name": "More"})[0] == 403
    assert api.value(task, approval)["is_value_read_only"] is True
    alice = api.as_person(PEOPLE[0]["gid"])
    assert write(alice, task, approval, approval["gids"]["Approved"])["gid"] == task


def test_hidden_field_is_silently_left_out(api: Any, sandbox: Any, approval: dict[str, Any]) -> None:
    task = api.add_task()
    sandbox.act("asana", PEOPLE[0]["email"], "hide_field", field="Approval")
    assert api.get(f"/projects/{BILLS_PROJECT_GID}/custom_field_settings") == []
    assert api.get(f"/tasks/{task}")["custom_fields"] == []
    assert api.refusal("GET", f"/custom_fields/{approval['gid']}")[0] == 404
    assert refused(api, task, approval, approval["gids"]["Approved"])[0] == 400


def test_settings_are_compact_until_asked(api: Any, approval: dict[str, Any]) -> None:
    path = f"/projects/{BILLS_PROJECT_GID}/custom_field_settings"
    (compact,) = api.get(path)
    assert set(compact) == {"gid", "resource_type"}
    wanted = "custom_field.(name|resource_subtype|precision),custom_field.enum_options.(name|enabled)"
    (shown,) = api.get(path, opt_fields=wanted)
    assert shown["custom_field"]["name"] == "Approval"
    assert [option["name"] for option in shown["custom_field"]["enum_options"]] == ["Pending", "Approved", "Rejected"]
    assert "precision" not in shown["custom_field"]


def test_field_names_are_unique_in_the_workspace_and_not_built_in(api: Any, approval: dict[str, Any]) -> None:
    more = {"workspace": WORKSPACE_GID, "resource_subtype": "text"}
    assert api.refusal("POST", "/custom_fields", {**more, "name": "approval"})[0] == 400
    assert api.refusal("POST", "/custom_fields", {**more, "name": "Due Date"})[0] == 400
    assert api.refusal("POST", "/custom_fields", {"name": "x", "resource_subtype": "text"}) == (400, "workspace: Missing input")
    assert len(api.get(f"/workspaces/{WORKSPACE_GID}/custom_fields")) == 1


def test_inline_field_object_belongs_to_its_project_only(api: Any) -> None:
    wanted = {"custom_field": {"name": "Local", "resource_subtype": "number", "precision": 3}}
    setting = api.post(f"/projects/{BILLS_PROJECT_GID}/addCustomFieldSetting", wanted)
    assert (setting["custom_field"]["precision"], setting["custom_field"]["is_global_to_workspace"]) == (3, False)
    assert api.get(f"/workspaces/{WORKSPACE_GID}/custom_fields") == []


def test_renames_keep_gids_and_the_last_option_stays_enabled(api: Any, approval: dict[str, Any]) -> None:
    option = api.put(f"/enum_options/{approval['gids']['Approved']}", {"name": "OK"})
    assert option == {**option, "gid": approval["gids"]["Approved"], "name": "OK"}
    assert api.put(f"/custom_fields/{approval['gid']}", {"name": "Verdict"})["gid"] == approval["gid"]
    for name in ("Pending", "Approved"):
        api.put(f"/enum_options/{approval['gids'][name]}", {"enabled": False})
    assert api.refusal("PUT", f"/enum_options/{approval['gids']['Rejected']}", {"enabled": False})[0] == 400


def test_enum_option_is_inserted_where_asked(api: Any, approval: dict[str, Any]) -> None:
    path = f"/custom_fields/{approval['gid']}/enum_options"
    answer = api.raw("POST", path, {"name": "Parked", "insert_before": approval["gids"]["Approved"]})
    assert answer.status_code == 201
    names = [option["name"] for option in api.get(f"/custom_fields/{approval['gid']}")["enum_options"]]
    assert names == ["Pending", "Parked", "Approved", "Rejected"]


def test_free_plan_answers_402(api: Any, sandbox: Any) -> None:
    sandbox.settings(asana_free_plan=True)
    said = (402, "Custom Field Settings are not available for free users.")
    assert api.refusal("GET", f"/projects/{BILLS_PROJECT_GID}/custom_field_settings") == said


def test_bare_custom_fields_are_compact_inside_a_list(api: Any) -> None:
    api.add_field("Amount", "number", precision=2)
    api.add_task()
    (row,) = api.get("/tasks", project=BILLS_PROJECT_GID, opt_fields="custom_fields", limit=5)
    assert {"display_value", "number_value", "enabled"} <= set(row["custom_fields"][0])
    assert "precision" not in row["custom_fields"][0]
