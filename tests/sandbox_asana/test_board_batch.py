"""Several calls in one, and attachments."""

from __future__ import annotations

from typing import Any

import httpx

from sandbox import constants
from sandbox.constants import BILLS_PROJECT_GID


def test_batch_answers_each_action_in_order_even_when_one_fails(api: Any) -> None:
    actions = [
        {"relative_path": "/tasks", "method": "post", "data": {"name": "a", "projects": [BILLS_PROJECT_GID]}},
        {"relative_path": "/tasks/1", "method": "get"},
        {"relative_path": "/users/me", "method": "GET", "options": {"fields": ["email"]}},
        {"relative_path": "/tasks", "method": "get", "data": {"project": BILLS_PROJECT_GID}, "options": {"limit": 1}},
        {"relative_path": "/batch", "method": "post", "data": {"actions": []}},
    ]
    answers = api.post("/batch", {"actions": actions})
    assert [answer["status_code"] for answer in answers] == [201, 404, 200, 200, 400]
    assert answers[0]["headers"]["location"].endswith(answers[0]["body"]["data"]["gid"])
    assert set(answers[2]["body"]["data"]) == {"gid", "email"}
    assert answers[3]["body"]["data"][0]["name"] == "a"


def test_batch_takes_one_to_ten_actions(api: Any) -> None:
    action = {"relative_path": "/users/me", "method": "get"}
    assert api.refusal("POST", "/batch", {"actions": []})[0] == 400
    assert api.refusal("POST", "/batch", {"actions": [action] * 11})[0] == 400


def test_external_attachment_is_a_link_and_answers_200(api: Any) -> None:
    task = api.add_task()
    wanted = {"parent": task, "resource_subtype": "external", "name": "Bill in Intacct", "url": "https://intacct.example/1"}
    answer = api.raw("POST", "/attachments", wanted)
    assert (answer.status_code, answer.json()["data"]["view_url"]) == (200, "https://intacct.example/1")
    assert [each["name"] for each in api.get("/attachments", parent=task)] == ["Bill in Intacct"]


def test_a_form_that_cannot_be_read_is_refused(sandbox: Any) -> None:
    """Found by Schemathesis: it was an error of the server's own."""
    headers = {"Authorization": f"Bearer {constants.ASANA_TOKEN}", "Content-Type": "multipart/form-data; boundary=b"}
    body = b'--b\r\nContent-Disposition\r: form-data; name="parent"\r\n\r\n1\r\n--b--\r\n'
    answer = httpx.post(f"{sandbox.asana_url}/attachments", content=body, headers=headers, trust_env=False)
    assert (answer.status_code, "errors" in answer.json()) == (400, True)


def test_file_is_uploaded_as_a_form(api: Any) -> None:
    task = api.add_task()
    answer = api.http.post("/attachments", data={"parent": task}, files={"file": ("bill.pdf", b"%PDF-1.7", "application/pdf")})
    shown = api.get(f"/attachments/{answer.json()['data']['gid']}")
    assert (shown["name"], shown["size"], shown["parent"]["gid"]) == ("bill.pdf", 8, task)
    assert api.get(f"/tasks/{task}/stories")[-1]["resource_subtype"] == "attachment_added"
