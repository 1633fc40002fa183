"""Faults on demand, and what the counters say about them."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from sandbox.constants import BILLS_PROJECT_GID

TASK = {"name": "x", "projects": [BILLS_PROJECT_GID]}


def tasks_there(sandbox: Any) -> int:
    return len(sandbox.state("asana")["tasks"])


@pytest.mark.parametrize(("action", "made"), [("drop", 0), ("lost_answer", 1)])
def test_a_closed_connection_comes_before_or_after_the_effect(api: Any, sandbox: Any, action: str, made: int) -> None:
    sandbox.fault("asana", "POST /tasks", action)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        api.raw("POST", "/tasks", TASK)
    assert tasks_there(sandbox) == made
    assert api.raw("POST", "/tasks", TASK).status_code == 201


@pytest.mark.parametrize(
    ("action", "status", "made"),
    [
        ("status:500", 500, 0),
        ("status_after:500", 500, 1),
        ("status_after:502", 502, 1),
        ("status:403", 403, 0),
        ("html", 200, 0),
        ("empty", 201, 1),
        ("truncated", 201, 1),
        ("429:3", 429, 0),
    ],
)
def test_odd_answers_with_and_without_effect(api: Any, sandbox: Any, action: str, status: int, made: int) -> None:
    sandbox.fault("asana", "POST /tasks", action)
    answer = api.raw("POST", "/tasks", TASK)
    assert (answer.status_code, tasks_there(sandbox)) == (status, made)
    if action == "429:3":
        assert answer.headers["Retry-After"] == "3"
    if status == 500:
        assert "phrase" in answer.json()["errors"][0]
    if action in ("status_after:502", "html"):
        assert answer.headers["Content-Type"].startswith("text/html")
    if action in ("empty", "truncated"):
        with pytest.raises(ValueError):
            answer.json()


def test_faults_strike_by_kind_and_call_number(api: Any, sandbox: Any) -> None:
    sandbox.fault("asana", "PUT /tasks/{gid}", "status:503", on_call=2, times=1)
    task = api.add_task()
    answers = [api.raw("PUT", f"/tasks/{task}", {"name": f"{n}"}).status_code for n in range(3)]
    assert answers == [200, 503, 200]


def test_a_delayed_answer_is_late(api: Any, sandbox: Any) -> None:
    sandbox.fault("asana", "GET /users/{gid}", "delay:0.4")
    begun = time.monotonic()
    assert api.get("/users/me")
    assert time.monotonic() - begun >= 0.4


def test_an_unknown_fault_is_told(api: Any, sandbox: Any) -> None:
    sandbox.fault("asana", "GET /users/{gid}", "nonsense")
    assert "nonsense" in api.raw("GET", "/users/me").text


def test_calls_are_counted_by_kind_and_writes_together(api: Any, sandbox: Any) -> None:
    sandbox.zero_counters()
    task = api.add_task()
    api.post(f"/tasks/{task}/stories", {"text": "a"})
    api.get(f"/tasks/{task}")
    actions = [{"relative_path": f"/tasks/{task}", "method": "put", "data": {"name": "b"}}]
    api.post("/batch", {"actions": actions})
    counters = {name: count for name, count in sandbox.counters().items() if name.startswith("asana")}
    assert counters == {
        "asana POST /tasks": 1,
        "asana POST /tasks/{gid}/stories": 1,
        "asana GET /tasks/{gid}": 1,
        "asana POST /batch": 1,
        "asana PUT /tasks/{gid}": 1,
        "asana WRITE": 3,
    }
