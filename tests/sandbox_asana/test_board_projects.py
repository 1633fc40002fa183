"""Projects that clients make: who sees them, what may be changed, and what hangs on them."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.constants import BILLS_PROJECT_GID, PEOPLE, WORKSPACE_GID

ALICE, BEN, GUEST = PEOPLE[0], PEOPLE[1], PEOPLE[-1]


def make(api: Any, **more: Any) -> dict[str, Any]:
    project: dict[str, Any] = api.post("/projects", {"workspace": WORKSPACE_GID, "name": "Third", **more})
    return project


def test_a_private_project_is_its_members_and_another_is_the_workspace_s_without_guests(api: Any) -> None:
    private, public = make(api, privacy_setting="private")["gid"], make(api)["gid"]
    ben, guest = api.as_person(BEN["gid"]), api.as_person(GUEST["gid"])
    assert ben.refusal("GET", f"/projects/{private}")[0] == 403
    assert private not in [each["gid"] for each in ben.get("/projects")]
    assert ben.get(f"/projects/{public}")["name"] == "Third"
    assert guest.refusal("GET", f"/projects/{public}")[0] == 403
    api.post(f"/projects/{private}/addMembers", {"members": f"{BEN['gid']},{GUEST['email']}"})
    assert ben.post("/tasks", {"name": "Bill 1", "projects": [private]})["gid"]
    api.post(f"/projects/{private}/removeMembers", {"members": [BEN["gid"]]})
    assert ben.refusal("GET", f"/projects/{private}")[0] == 403


def test_who_only_looks_changes_nothing_of_a_project(api: Any) -> None:
    gid = make(api, default_access_level="viewer")["gid"]
    ben = api.as_person(BEN["gid"])
    for method, path in (("PUT", ""), ("DELETE", ""), ("POST", "/addMembers")):
        assert ben.refusal(method, f"/projects/{gid}{path}", {"name": "Mine", "members": BEN["gid"]})[0] == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 7},
        {"archived": "yes"},
        {"privacy_setting": "secret"},
        {"due_on": "tomorrow"},
        {"owner": "nobody@nowhere.example"},
        {"html_notes": "<p>no</p>"},
        {"created_at": "2026-01-01T00:00:00Z"},
    ],
)
def test_a_wrong_property_changes_nothing(api: Any, wrong: dict[str, Any]) -> None:
    before = api.get(f"/projects/{BILLS_PROJECT_GID}")
    status, said = api.refusal("PUT", f"/projects/{BILLS_PROJECT_GID}", {"name": "New name", **wrong})
    assert (status, said.split(":")[0]) == (400, next(iter(wrong)))
    assert api.get(f"/projects/{BILLS_PROJECT_GID}") == before


def test_a_deleted_project_leaves_its_tasks_where_else_they_are(api: Any) -> None:
    gid = make(api)["gid"]
    task = api.add_task(projects=[BILLS_PROJECT_GID, gid])
    api.delete(f"/projects/{gid}")
    assert api.refusal("GET", f"/projects/{gid}")[0] == 404
    assert [each["gid"] for each in api.get(f"/tasks/{task}/projects")] == [BILLS_PROJECT_GID]


def test_a_task_has_thirty_ties_at_most_and_waits_for_nobody_who_waits_for_it(api: Any) -> None:
    task, *others = [api.add_task(f"Bill {number}") for number in range(32)]
    api.post(f"/tasks/{task}/addDependencies", {"dependencies": others[:30]})
    assert api.refusal("POST", f"/tasks/{task}/addDependencies", {"dependencies": others[30:]})[0] == 400
    api.post(f"/tasks/{task}/removeDependencies", {"dependencies": others[1:30]})
    api.post(f"/tasks/{others[0]}/addDependencies", {"dependencies": others[1:2]})
    assert api.refusal("POST", f"/tasks/{others[1]}/addDependencies", {"dependencies": [task]})[0] == 400
    assert [each["gid"] for each in api.get(f"/tasks/{others[1]}/dependents")] == [others[0]]


def test_subtasks_are_put_in_order_and_taken_out(api: Any) -> None:
    parent, one, two = api.add_task("parent"), api.add_task("one"), api.add_task("two")
    api.post(f"/tasks/{one}/setParent", {"parent": parent})
    api.post(f"/tasks/{two}/setParent", {"parent": parent, "insert_before": one})
    assert api.refusal("POST", f"/tasks/{parent}/setParent", {"parent": one})[0] == 400
    assert api.refusal("POST", f"/tasks/{one}/setParent", {})[0] == 400
    api.post(f"/tasks/{one}/setParent", {"parent": None})
    assert [each["gid"] for each in api.get(f"/tasks/{parent}/subtasks")] == [two]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"completed": "false", "due_on.before": "2026-06-01"}, ["early"]),
        ({"completed": "true"}, ["done"]),
        ({"due_on": "null"}, ["done"]),
        ({"assignee.any": "me"}, ["late"]),
        ({"assignee.not": "me", "sort_by": "created_at", "sort_ascending": "true"}, ["early", "done"]),
        ({"projects.not": BILLS_PROJECT_GID}, []),
        ({"text": "LATE"}, ["late"]),
    ],
)
def test_search_finds_what_its_filters_say(api: Any, asked: dict[str, str], found: list[str]) -> None:
    api.add_task("early", due_on="2026-01-01")
    api.add_task("late", due_on="2026-12-01", assignee="me")
    api.add_task("done", completed=True)
    assert [each["name"] for each in api.get(f"/workspaces/{WORKSPACE_GID}/tasks/search", **asked)] == found


@pytest.mark.parametrize(
    ("how", "found"),
    [
        (("Key", "value", "CO:1"), ["one"]),
        (("Key", "starts_with", "CO:"), ["one", "two"]),
        (("Key", "is_set", "false"), ["none"]),
        (("Amount", "greater_than", "10.5"), ["two"]),
        (("Amount", "value", "10.50"), ["one"]),
        (("Day", "before", "2026-02-01"), ["one"]),
    ],
)
def test_search_looks_into_custom_fields(api: Any, how: tuple[str, str, str], found: list[str]) -> None:
    fields = {name: api.add_field(name, kind)["gid"] for name, kind in (("Key", "text"), ("Day", "date"))}
    fields["Amount"] = api.add_field("Amount", "number", precision=2)["gid"]
    for name, key, amount, day in (("one", "CO:1", 10.5, "2026-01-31"), ("two", "CO:2", 11, "2026-02-01")):
        api.add_task(name, custom_fields={fields["Key"]: key, fields["Amount"]: amount, fields["Day"]: {"date": day}})
    api.add_task("none")
    field, test, value = how
    asked = {f"custom_fields.{fields[field]}.{test}": value, "sort_by": "created_at", "sort_ascending": "true"}
    assert [each["name"] for each in api.get(f"/workspaces/{WORKSPACE_GID}/tasks/search", **asked)] == found
    wrong = {f"custom_fields.{fields['Key']}.less_than": "1"}
    assert api.refusal("GET", f"/workspaces/{WORKSPACE_GID}/tasks/search", **wrong)[0] == 400


def test_projects_and_sections_are_one_filter_of_the_search(api: Any) -> None:
    section = api.post(f"/projects/{BILLS_PROJECT_GID}/sections", {"name": "Open"})["gid"]
    other = make(api)["gid"]
    api.add_task("in the section", memberships=[{"project": BILLS_PROJECT_GID, "section": section}])
    api.add_task("in neither")
    api.add_task("in the project", projects=[other])
    asked = {"projects.any": other, "sections.any": section, "sort_by": "created_at", "sort_ascending": "true"}
    found = [each["name"] for each in api.get(f"/workspaces/{WORKSPACE_GID}/tasks/search", **asked)]
    assert found == ["in the section", "in the project"]


@pytest.mark.parametrize("name", ["portfolios.any", "commented_on_by.not", "teams.any"])
def test_a_search_filter_that_is_not_played_is_refused_aloud(api: Any, name: str) -> None:
    status, said = api.refusal("GET", f"/workspaces/{WORKSPACE_GID}/tasks/search", **{name: "1"})
    assert (status, said.split(",")[0]) == (501, f"The sandbox does not play the search filter {name}")


def test_what_asana_has_not_stays_a_404(api: Any) -> None:
    assert api.refusal("GET", "/bills") == (404, "No matching route for request")
    assert api.refusal("PATCH", f"/projects/{BILLS_PROJECT_GID}", {}) == (404, "No matching route for request")
