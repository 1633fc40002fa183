"""Pages of a list and their offset tokens."""

from __future__ import annotations

from typing import Any

from sandbox.constants import BILLS_PROJECT_GID


def walk(api: Any, limit: int, **query: Any) -> list[str]:
    gids, offset = [], {}
    while True:
        page = api.raw("GET", "/tasks", project=BILLS_PROJECT_GID, limit=limit, **offset, **query).json()
        gids += [task["gid"] for task in page["data"]]
        if page["next_page"] is None:
            return gids
        assert set(page["next_page"]) == {"offset", "path", "uri"}
        offset = {"offset": page["next_page"]["offset"]}


def test_pages_hold_every_task_once(api: Any) -> None:
    made = [api.add_task(f"{n}") for n in range(7)]
    assert walk(api, 3) == made
    assert walk(api, 7) == made


def test_a_task_deleted_between_pages_hides_no_other(api: Any) -> None:
    made = [api.add_task(f"{n}") for n in range(4)]
    first = api.raw("GET", "/tasks", project=BILLS_PROJECT_GID, limit=2).json()
    api.delete(f"/tasks/{made[0]}")
    rest = api.get("/tasks", project=BILLS_PROJECT_GID, limit=2, offset=first["next_page"]["offset"])
    assert [task["gid"] for task in rest] == made[2:]


def test_next_page_is_there_only_when_a_limit_was_sent(api: Any) -> None:
    assert "next_page" not in api.raw("GET", "/tasks", project=BILLS_PROJECT_GID).json()
    assert api.raw("GET", "/tasks", project=BILLS_PROJECT_GID, limit=1).json()["next_page"] is None


def test_limit_is_between_1_and_100(api: Any) -> None:
    for limit in ("0", "101", "x"):
        assert api.refusal("GET", "/tasks", project=BILLS_PROJECT_GID, limit=limit)[0] == 400


def test_offset_tokens_expire_and_belong_to_their_question(api: Any, sandbox: Any) -> None:
    for n in range(3):
        api.add_task(f"{n}")
    token = api.raw("GET", "/tasks", project=BILLS_PROJECT_GID, limit=1).json()["next_page"]["offset"]
    said = (400, "offset: Your pagination token is invalid.")
    assert api.refusal("GET", "/tasks", project=BILLS_PROJECT_GID, completed_since="now", limit=1, offset=token) == said
    assert api.refusal("GET", "/tasks", project=BILLS_PROJECT_GID, limit=1, offset="made up") == said
    assert api.get("/tasks", project=BILLS_PROJECT_GID, limit=1, offset=token)
    sandbox.clock(advance_seconds=16 * 60)
    assert api.refusal("GET", "/tasks", project=BILLS_PROJECT_GID, limit=1, offset=token) == said
