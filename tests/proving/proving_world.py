"""What the sandbox holds for questions about Asana: a project with fields and tasks that people have touched."""

from __future__ import annotations

from typing import Any

import requests

from sandbox import constants

ALICE = constants.PEOPLE[0]["email"]


def asana(sandbox: Any, method: str, path: str, **data: Any) -> Any:
    """One call with the token of the integration's user, past all our code."""
    headers = {"Authorization": f"Bearer {constants.ASANA_TOKEN}"}
    body = {"json": {"data": data}} if data else {}
    said = requests.request(method, sandbox.asana_url + path, headers=headers, timeout=20, **body)
    assert said.ok, said.text
    return said.json().get("data")


def a_project_in_use(sandbox: Any, *, name: str = "Bill", tasks: int = 4) -> list[str]:
    """Fields, tasks and a few choices by a person; gids of the tasks."""
    project = constants.BILLS_PROJECT_GID
    options = [{"name": "Pending"}, {"name": "Approved"}]
    for field in (
        {"name": "Note", "resource_subtype": "text"},
        {"name": "Amount", "resource_subtype": "number", "precision": 2},
        {"name": "Approval", "resource_subtype": "enum", "enum_options": options},
    ):
        asana(sandbox, "POST", f"/projects/{project}/addCustomFieldSetting", custom_field=field)
    made = [
        str(asana(sandbox, "POST", "/tasks", name=f"{name} {number}", projects=[project], notes=f"{name} notes")["gid"])
        for number in range(tasks)
    ]
    sandbox.act("asana", ALICE, "choose", task=made[0], field="Approval", option="Approved")
    sandbox.act("asana", ALICE, "comment", task=made[0], text=f"{name} comment")
    sandbox.act("asana", ALICE, "write", task=made[1], field="Amount", value="12.34")
    return made
