"""Tasks over HTTP: what is answered, refused, listed, moved and trashed."""

from __future__ import annotations

from typing import Any

import httpx

from sandbox.constants import BILLS_PROJECT_GID, BOT_GID, PEOPLE, VENDORS_PROJECT_GID

ALICE = PEOPLE[0]


def test_created_task_answers_201_with_location_and_the_whole_task(api: Any) -> None:
    answer = api.raw("POST", "/tasks", {"name": "Bill 1", "projects": [BILLS_PROJECT_GID], "notes": "n"})
    task = answer.json()["data"]
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/tasks/{task['gid']}")
    assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
    assert (task["notes"], task["memberships"][0]["section"]["name"]) == ("n", "Untitled section")
    assert "html_notes" not in task


def test_opt_fields_replace_the_default_set_and_reach_into_groups(api: Any) -> None:
    task = api.add_task(assignee=ALICE["email"])
    shown = api.get(f"/tasks/{task}", opt_fields="this.(assignee|created_by).email,memberships.section.name")
    assert shown == {
        "gid": task,
        "assignee": {"gid": ALICE["gid"], "email": ALICE["email"]},
        "created_by": {"gid": BOT_GID, "email": "intacct-sync@northwind.example"},
        "memberships": [{"section": {"gid": shown["memberships"][0]["section"]["gid"], "name": "Untitled section"}}],
    }


def test_fields_may_be_asked_for_in_the_body_too(api: Any) -> None:
    body = {"data": {"name": "A", "projects": [BILLS_PROJECT_GID]}, "options": {"fields": ["name"]}}
    assert set(api.http.post("/tasks", json=body).json()["data"]) == {"gid", "name"}


def test_list_answers_compact_tasks(api: Any) -> None:
    task = api.add_task()
    assert api.get("/tasks", project=BILLS_PROJECT_GID, limit=10) == [
        {"gid": task, "resource_type": "task", "name": "Bill 1", "resource_subtype": "default_task"}
    ]


def test_listing_wants_exactly_one_container(api: Any) -> None:
    said = (400, "Must specify exactly one of project, tag, section, user task list, or assignee + workspace")
    assert api.refusal("GET", "/tasks") == said
    assert api.refusal("GET", "/tasks", project=BILLS_PROJECT_GID, section="1") == said


def test_modified_since_sees_comments_and_changes_but_not_moves(api: Any, sandbox: Any) -> None:
    sandbox.clock(freeze="2026-05-01T00:00:00Z")
    quiet, commented, renamed, moved = (api.add_task(name) for name in "abcd")
    section = api.post(f"/projects/{BILLS_PROJECT_GID}/sections", {"name": "Done"})["gid"]
    sandbox.clock(advance_seconds=60)
    api.post(f"/tasks/{commented}/stories", {"text": "hello"})
    api.put(f"/tasks/{renamed}", {"name": "new"})
    api.post(f"/sections/{section}/addTask", {"task": moved})
    rows = api.get("/tasks", project=BILLS_PROJECT_GID, modified_since="2026-05-01T00:00:30Z", limit=100)
    assert {row["gid"] for row in rows} == {commented, renamed}
    assert quiet not in {row["gid"] for row in rows}
    assert api.get(f"/tasks/{moved}")["memberships"][0]["section"]["gid"] == section


def test_completed_since_now_lists_incomplete_tasks_only(api: Any) -> None:
    done, todo = api.add_task("done", completed=True), api.add_task("todo")
    assert [row["gid"] for row in api.get("/tasks", project=BILLS_PROJECT_GID, completed_since="now")] == [todo]
    assert len(api.get(f"/projects/{BILLS_PROJECT_GID}/tasks")) == 2
    assert api.get(f"/tasks/{done}")["completed_by"]["gid"] == BOT_GID


def test_unwritable_properties_and_half_good_requests_change_nothing(api: Any) -> None:
    task = api.add_task()
    assert api.refusal("PUT", f"/tasks/{task}", {"name": "x", "projects": []}) == (400, "projects: Cannot write this property")
    assert api.refusal("PUT", f"/tasks/{task}", {"name": "x", "due_on": "1/2/2026"})[0] == 400
    assert api.refusal("PUT", f"/tasks/{task}", {"due_on": "2026-01-01", "due_at": "2026-01-01T00:00:00Z"}) == (
        400,
        "You may only provide one of due_on or due_at!",
    )
    assert api.get(f"/tasks/{task}")["name"] == "Bill 1"


def test_task_needs_a_container_that_exists(api: Any) -> None:
    assert api.refusal("POST", "/tasks", {"name": "x"}) == (400, "You should specify one of workspace, parent, projects")
    assert api.refusal("POST", "/tasks", {"name": "x", "projects": ["99"]}) == (400, "projects: [0]: Unknown object: 99")
    assert api.refusal("POST", "/tasks", {"name": "x", "projects": [99]}) == (
        400,
        "projects: [0]: Not a valid GID type: number",
    )


def test_rejected_approval_task_counts_as_completed(api: Any) -> None:
    task = api.add_task(resource_subtype="approval")
    assert (api.get(f"/tasks/{task}")["approval_status"], api.get(f"/tasks/{task}")["completed"]) == ("pending", False)
    rejected = api.put(f"/tasks/{task}", {"approval_status": "rejected"})
    assert (rejected["approval_status"], rejected["completed"]) == ("rejected", True)
    reopened = api.put(f"/tasks/{task}", {"completed": False})
    assert reopened["approval_status"] == "pending"
    ticked = api.put(f"/tasks/{task}", {"completed": True})
    assert ticked["approval_status"] == "approved"
    statuses = [
        story.get("new_approval_status") for story in api.get(f"/tasks/{task}/stories", opt_fields="new_approval_status")
    ]
    assert statuses[1:] == ["rejected", "pending", "approved"]


def test_malformed_html_notes_are_refused_misleadingly_on_create(api: Any) -> None:
    said = api.refusal("POST", "/tasks", {"projects": [BILLS_PROJECT_GID], "html_notes": "<body>a & b</body>"})
    assert said == (400, "You should specify one of workspace, parent, projects")
    task = api.add_task(html_notes="<body><strong>Total</strong> 5 &amp; more</body>")
    assert api.get(f"/tasks/{task}")["notes"] == "Total 5 & more"
    for markup in ("<body><p>x</p></body>", "<b>x</b>", "<body><em class='x'>y</em></body>", "<body>", "plain"):
        status, message = api.refusal("PUT", f"/tasks/{task}", {"html_notes": markup})
        assert (status, message[:26]) == (400, "html_notes: XML is invalid")


def test_a_reference_that_asana_does_not_decode_is_shown_as_its_source(api: Any) -> None:
    task = api.add_task(html_notes="<body>O&#x27;Brien &amp;&nbsp;&quot;Sons&quot; &amp;#39;</body>")
    assert api.get(f"/tasks/{task}")["notes"] == 'O&#x27;Brien &&nbsp;"Sons" &#39;'


def test_plain_notes_come_back_as_escaped_markup(api: Any) -> None:
    task = api.add_task(notes="a < b & c")
    assert api.get(f"/tasks/{task}", opt_fields="html_notes")["html_notes"] == "<body>a &lt; b &amp; c</body>"


def test_deleted_task_is_gone_from_reads_and_lists(api: Any, sandbox: Any) -> None:
    task = api.add_task()
    assert api.delete(f"/tasks/{task}") == {}
    assert api.refusal("GET", f"/tasks/{task}") == (404, f"task: Unknown object: {task}")
    assert api.get("/tasks", project=BILLS_PROJECT_GID) == []
    sandbox.settings(asana_trashed_task=403)
    assert api.refusal("GET", f"/tasks/{task}")[0] == 403


def test_task_in_two_projects_leaves_one(api: Any) -> None:
    task = api.add_task()
    api.post(f"/tasks/{task}/addProject", {"project": VENDORS_PROJECT_GID})
    assert {each["gid"] for each in api.get(f"/tasks/{task}")["projects"]} == {BILLS_PROJECT_GID, VENDORS_PROJECT_GID}
    api.post(f"/tasks/{task}/removeProject", {"project": BILLS_PROJECT_GID})
    assert api.get("/tasks", project=BILLS_PROJECT_GID) == []
    assert [row["gid"] for row in api.get("/tasks", project=VENDORS_PROJECT_GID)] == [task]


def test_task_with_a_parent_is_silently_not_put_into_its_projects(api: Any) -> None:
    parent = api.add_task()
    child = api.post("/tasks", {"name": "c", "parent": parent, "projects": [BILLS_PROJECT_GID]})
    assert child["projects"] == []
    assert [row["gid"] for row in api.get(f"/tasks/{parent}/subtasks")] == [child["gid"]]


def test_subtasks_are_counted_where_asked_for_and_go_with_their_task(api: Any) -> None:
    parent, more = api.add_task(), {"resource_subtype": "approval", "assignee": ALICE["gid"], "due_on": "2026-04-01"}
    child = api.post(f"/tasks/{parent}/subtasks", {"name": "Approve bill 1", **more})
    assert (child["parent"]["gid"], child["approval_status"], child["assignee"]["gid"]) == (parent, "pending", ALICE["gid"])
    assert "num_subtasks" not in api.get(f"/tasks/{parent}")
    assert api.get(f"/tasks/{parent}", opt_fields="num_subtasks")["num_subtasks"] == 1
    assert [row["gid"] for row in api.get("/tasks", project=BILLS_PROJECT_GID)] == [parent]
    api.delete(f"/tasks/{parent}")
    assert api.refusal("GET", f"/tasks/{child['gid']}")[0] == 404


def test_a_subtask_is_for_whoever_may_see_and_edit_its_task(api: Any, sandbox: Any) -> None:
    parent = api.add_task()
    child = api.post(f"/tasks/{parent}/subtasks", {"name": "c", "resource_subtype": "approval"})["gid"]
    assert api.as_person(ALICE["gid"]).put(f"/tasks/{child}", {"approval_status": "approved"})["completed"] is True
    sandbox.act("asana", "bot", "share_project", members={"alice": "viewer"})
    assert api.as_person(ALICE["gid"]).refusal("PUT", f"/tasks/{child}", {"name": "d"})[0] == 403


def test_memberships_on_create_choose_the_section(api: Any) -> None:
    section = api.post(f"/projects/{BILLS_PROJECT_GID}/sections", {"name": "Open"})["gid"]
    place = [{"project": BILLS_PROJECT_GID, "section": section}]
    task = api.post("/tasks", {"name": "x", "projects": [BILLS_PROJECT_GID], "memberships": place})
    assert task["memberships"][0]["section"]["name"] == "Open"
    assert [row["gid"] for row in api.get("/tasks", section=section)] == [task["gid"]]


def test_body_must_be_wrapped_json(api: Any) -> None:
    unwrapped: httpx.Response = api.http.post("/tasks", json={"name": "x"})
    assert unwrapped.status_code == 400
    assert unwrapped.json()["errors"][0]["message"].startswith("Unrecognized request field name . The only allowed keys")
    broken = api.http.post("/tasks", content=b"{", headers={"Content-Type": "application/json"})
    assert broken.json()["errors"][0]["message"] == "Could not parse request data, invalid JSON"
