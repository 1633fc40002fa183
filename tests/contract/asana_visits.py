"""A call to each route of Asana's stand-in, on things that have a value of every kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx

from sandbox import constants

PROJECT, WORKSPACE = constants.BILLS_PROJECT_GID, constants.WORKSPACE_GID
ALICE = constants.PEOPLE[0]


def visit_every_route(raw: httpx.Client, sandbox: Any, receiver: Any) -> set[str]:
    """Call each route once at least, on things that have a value of every kind; the kinds that were served."""

    def call(method: str, path: str, data: Any = None, **query: Any) -> Any:
        answer = raw.request(method, path, json=None if data is None else {"data": data}, params=query or None)
        assert answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json()["data"]

    def add_field(name: str, kind: str, **more: Any) -> Any:
        field = call("POST", "/custom_fields", {"workspace": WORKSPACE, "name": name, "resource_subtype": kind, **more})
        call("POST", f"/projects/{PROJECT}/addCustomFieldSetting", {"custom_field": field["gid"]})
        return field

    options = [{"name": "Pending"}, {"name": "Approved"}]
    approval, teams = (
        add_field("Approval", "enum", enum_options=options),
        add_field("Teams", "multi_enum", enum_options=options),
    )
    text, amount = add_field("Key", "text"), add_field("Amount", "number", precision=2)
    day, people = add_field("Posted", "date"), add_field("Reviewers", "people")
    extra = call("POST", f"/custom_fields/{approval['gid']}/enum_options", {"name": "Rejected"})
    first = approval["enum_options"][0]["gid"]
    move = {"enum_option": extra["gid"], "before_enum_option": first}
    call("POST", f"/custom_fields/{approval['gid']}/enum_options/insert", move)
    call("PUT", f"/enum_options/{extra['gid']}", {"name": "Refused"})
    call("PUT", f"/custom_fields/{text['gid']}", {"name": "Intacct key"})
    section = call("POST", f"/projects/{PROJECT}/sections", {"name": "Open bills"})
    call("PUT", f"/sections/{section['gid']}", {"name": "Open"})
    values = {
        approval["gid"]: first,
        teams["gid"]: [teams["enum_options"][1]["gid"]],
        text["gid"]: "CO:ap:17",
        amount["gid"]: 12.5,
        day["gid"]: {"date": "2026-11-20"},
        people["gid"]: [ALICE["gid"]],
    }
    wanted = {
        "name": "Bill 1",
        "projects": [PROJECT],
        "assignee": ALICE["gid"],
        "due_on": "2026-12-01",
        "custom_fields": values,
    }
    task = call("POST", "/tasks", wanted)["gid"]
    call("POST", "/tasks", {"name": "empty", "projects": [PROJECT], "resource_subtype": "approval"})
    token = raw.get("/events", params={"resource": PROJECT}).json()["sync"]
    call("POST", f"/sections/{section['gid']}/addTask", {"task": task})
    call("POST", f"/tasks/{task}/addProject", {"project": constants.VENDORS_PROJECT_GID})
    call("POST", f"/tasks/{task}/addFollowers", {"followers": [ALICE["gid"]]})
    call("PUT", f"/tasks/{task}", {"completed": True, "custom_fields": {amount["gid"]: 7.25, text["gid"]: None}})
    call("PUT", f"/tasks/{task}", {"custom_fields": dict.fromkeys(values)})
    call("PUT", f"/tasks/{task}", {"custom_fields": values})
    sandbox.act("asana", "rule", "choose", task=task, field="Approval", option="Approved")
    call("GET", f"/tasks/{task}/projects")
    call("POST", f"/tasks/{task}/subtasks", {"name": "Approve it", "resource_subtype": "approval", "assignee": ALICE["gid"]})
    call("GET", f"/tasks/{task}/subtasks")
    call("POST", f"/tasks/{task}/removeProject", {"project": constants.VENDORS_PROJECT_GID})
    comment = call("POST", f"/tasks/{task}/stories", {"text": "Hello"})["gid"]
    call("PUT", f"/stories/{comment}", {"text": "Hello again"})
    upload = raw.post("/attachments", data={"parent": task}, files={"file": ("bill.pdf", b"%PDF-", "application/pdf")})
    hooked = call("POST", "/webhooks", {"resource": PROJECT, "target": receiver.url})["gid"]
    call("PUT", f"/webhooks/{hooked}", {"filters": [{"resource_type": "task", "action": "changed", "fields": ["completed"]}]})
    membership = call("GET", f"/workspaces/{WORKSPACE}/workspace_memberships")[0]["gid"]
    team = sandbox.act("asana", "bot", "add_team", name="Finance", people=["alice"])["result"]["gid"]
    agent = sandbox.act("asana", "bot", "add_agent", name="Budget helper")["result"]["gid"]
    sandbox.act("asana", "bot", "share_field", field="Approval", members={"Finance": "user"})
    for path in (
        *("/workspaces", "/users", "/projects", f"/users/{ALICE['gid']}", f"/users/{ALICE['gid']}/workspace_memberships"),
        *(f"/workspaces/{WORKSPACE}{part}" for part in ("", "/users", "/projects", "/custom_fields", "/agents")),
        *(f"/teams/{team}/users", f"/agents/{agent}"),
        *(f"/projects/{PROJECT}{part}" for part in ("", "/sections", "/tasks", "/custom_field_settings")),
        *(f"/sections/{section['gid']}{part}" for part in ("", "/tasks")),
        *(f"/tasks/{task}", f"/tasks/{task}/stories", f"/stories/{comment}", f"/webhooks/{hooked}"),
        *(f"/custom_fields/{field['gid']}" for field in (approval, teams, text, amount, day, people)),
        *(f"/workspace_memberships/{membership}", f"/attachments/{upload.json()['data']['gid']}"),
    ):
        call("GET", path)
    for story in call("GET", f"/tasks/{task}/stories"):
        call("GET", f"/stories/{story['gid']}")
    call("GET", "/tasks", project=PROJECT, limit=1)
    call("GET", "/events", resource=PROJECT, sync=token)
    call("GET", "/memberships", parent=PROJECT)
    call("GET", "/memberships", parent=approval["gid"])
    call("GET", "/attachments", parent=task)
    call("GET", "/webhooks", workspace=WORKSPACE)
    call("POST", "/batch", {"actions": [{"relative_path": f"/tasks/{task}", "method": "get"}]})
    call("POST", f"/projects/{PROJECT}/removeCustomFieldSetting", {"custom_field": text["gid"]})
    visit_projects(call)
    visit_relations(call, task)
    visit_people(call, team)
    file = upload.json()["data"]["gid"]
    ended = ("attachments", file), ("stories", comment), ("webhooks", hooked), ("tasks", task), ("sections", section["gid"])
    for kind, gid in ended:
        call("DELETE", f"/{kind}/{gid}")
    call("DELETE", f"/custom_fields/{text['gid']}")
    return {kind.removeprefix("asana ") for kind in sandbox.counters() if kind.startswith("asana ")}


def visit_projects(call: Callable[..., Any]) -> None:
    whole = {"workspace": WORKSPACE, "name": "Bills of Canada", "notes": "Third", "due_on": "2026-12-31", "owner": ALICE["gid"]}
    made = call("POST", "/projects", whole)["gid"]
    call("PUT", f"/projects/{made}", {"archived": True, "color": "light-green", "html_notes": "<body><em>3</em></body>"})
    call("GET", f"/projects/{made}", opt_fields="html_notes,icon,current_status,owner,modified_at,followers.name,public")
    call("GET", "/projects", workspace=WORKSPACE, archived="true", opt_fields="name,archived")
    call("POST", f"/projects/{made}/removeMembers", {"members": ALICE["gid"]})
    call("POST", f"/projects/{made}/addMembers", {"members": ALICE["gid"]})
    membership = call("GET", f"/projects/{made}/project_memberships", user=ALICE["email"])[0]["gid"]
    call("GET", f"/project_memberships/{membership}")
    counts = ("num_tasks", "num_completed_tasks", "num_incomplete_tasks", "num_milestones")
    call("GET", f"/projects/{PROJECT}/task_counts", opt_fields=",".join(counts))
    call("GET", f"/workspaces/{WORKSPACE}/projects/search", text="canada", **{"members.any": "me"})
    call("GET", "/attachments", parent=made)
    other = call("POST", f"/workspaces/{WORKSPACE}/projects", {"name": "Bills of Japan", "privacy_setting": "private"})["gid"]
    call("DELETE", f"/projects/{other}")


def visit_relations(call: Callable[..., Any], task: str) -> None:
    first, second = (call("POST", "/tasks", {"name": name, "projects": [PROJECT]})["gid"] for name in ("one", "two"))
    call("POST", f"/tasks/{task}/addDependencies", {"dependencies": [first]})
    call("POST", f"/tasks/{task}/addDependents", {"dependents": [second]})
    for path in ("dependencies", "dependents"):
        call("GET", f"/tasks/{task}/{path}")
    call("GET", f"/tasks/{task}", opt_fields="dependencies,dependents,tags.name")
    call("POST", f"/tasks/{first}/setParent", {"parent": second})
    call("POST", f"/tasks/{task}/removeFollowers", {"followers": [ALICE["gid"]]})
    tag = call("POST", "/tags", {"workspace": WORKSPACE, "name": "urgent", "color": "dark-red"})["gid"]
    spare = call("POST", f"/workspaces/{WORKSPACE}/tags", {"name": "later", "notes": "no hurry"})["gid"]
    call("PUT", f"/tags/{spare}", {"name": "much later"})
    call("POST", f"/tasks/{task}/addTag", {"tag": tag})
    for path in (f"/tags/{tag}", f"/tags/{tag}/tasks", f"/tasks/{task}/tags", f"/workspaces/{WORKSPACE}/tags", "/tags"):
        call("GET", path)
    sought = {
        "text": "bill",
        "assignee.any": ALICE["email"],
        "tags.all": tag,
        "is_blocked": "true",
        "due_on.after": "2026-01-01",
    }
    assert [each["gid"] for each in call("GET", f"/workspaces/{WORKSPACE}/tasks/search", sort_by="due_date", **sought)] == [
        task
    ]
    for kind in ("user", "task", "project", "tag", "team", "custom_field"):
        call("GET", f"/workspaces/{WORKSPACE}/typeahead", resource_type=kind, query="a", count=5)
    call("POST", f"/tasks/{task}/removeTag", {"tag": tag})
    call("DELETE", f"/tags/{spare}")
    call("POST", f"/tasks/{task}/removeDependencies", {"dependencies": [first]})
    call("POST", f"/tasks/{task}/removeDependents", {"dependents": [second]})


def visit_people(call: Callable[..., Any], team: str) -> None:
    call("GET", f"/workspaces/{WORKSPACE}/users/{ALICE['gid']}")
    call("GET", f"/workspaces/{WORKSPACE}/teams")
    call("GET", f"/teams/{team}")
    call("GET", f"/users/{ALICE['gid']}/teams", organization=WORKSPACE)
    membership = call("GET", f"/teams/{team}/team_memberships", opt_fields="user.name,team.name,is_guest,is_limited_access")[0]
    call("GET", f"/team_memberships/{membership['gid']}")
    call("GET", "/team_memberships", team=team)
    call("GET", "/team_memberships", workspace=WORKSPACE, user=ALICE["gid"])
    call("GET", f"/users/{ALICE['gid']}/team_memberships", workspace=WORKSPACE)
    call("GET", "/portfolios", workspace=WORKSPACE, owner="me")
