"""Rate and concurrency limits."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sandbox.constants import BILLS_PROJECT_GID, PEOPLE


def statuses(api: Any, method: str, path: str, count: int, data: Any = None) -> list[int]:
    with ThreadPoolExecutor(count) as pool:
        return sorted(answer.status_code for answer in pool.map(lambda _n: api.raw(method, path, data), range(count)))


def test_too_many_requests_a_minute_are_429_with_the_seconds_to_wait(api: Any, sandbox: Any) -> None:
    sandbox.settings(asana_requests_per_minute=3)
    answers = [api.raw("GET", "/users/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["errors"][0]["message"].startswith("You've made too many requests")
    assert int(answers[-1].headers["Retry-After"]) >= 20


def test_refused_requests_count_too(api: Any, sandbox: Any) -> None:
    sandbox.settings(asana_requests_per_minute=2)
    waits = [int(api.raw("GET", "/users/me").headers.get("Retry-After", 0)) for _ in range(4)]
    assert waits[:2] == [0, 0]
    assert waits[3] > waits[2] > 0


def test_tokens_are_counted_apart(api: Any, sandbox: Any) -> None:
    sandbox.settings(asana_requests_per_minute=1)
    api.get("/users/me")
    assert api.raw("GET", "/users/me").status_code == 429
    assert api.as_person(PEOPLE[0]["gid"]).get("/users/me")


def test_more_than_15_writes_in_flight_are_refused_while_reads_go_on(api: Any, sandbox: Any) -> None:
    sandbox.settings(asana_latency_ms=2000)
    writes = statuses(api, "POST", "/tasks", 20, {"name": "x", "projects": [BILLS_PROJECT_GID]})
    assert writes.count(201) == 15
    assert writes.count(429) == 5
    assert len(sandbox.state("asana")["tasks"]) == 15
    assert statuses(api, "GET", "/users/me", 20) == [200] * 20


def test_a_batch_costs_one_request_for_each_action(api: Any, sandbox: Any) -> None:
    actions = [{"relative_path": "/users/me", "method": "get"}] * 3
    sandbox.settings(asana_requests_per_minute=5)
    assert api.raw("POST", "/batch", {"actions": actions}).status_code == 200
    assert api.raw("POST", "/batch", {"actions": actions}).status_code == 429


def test_a_rested_token_may_not_spend_more_than_the_quota_within_a_minute(api: Any, sandbox: Any) -> None:
    """The budget would have refilled by two requests."""
    sandbox.settings(asana_requests_per_minute=240)
    for _ in range(240):
        api.raw("GET", "/users/me")
    time.sleep(0.5)
    refused = api.raw("GET", "/users/me")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 50


def test_a_shorter_window_allows_its_share_of_the_quota_only(api: Any, sandbox: Any) -> None:
    sandbox.settings(asana_requests_per_minute=120, asana_window_seconds=1)
    answers = [api.raw("GET", "/users/me") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].headers["Retry-After"] == "1"
    time.sleep(1.1)
    assert api.get("/users/me")


def test_refusals_are_counted_for_whoever_steers_the_sandbox(api: Any, sandbox: Any) -> None:
    sandbox.settings(asana_requests_per_minute=1)
    for _ in range(3):
        api.raw("GET", "/users/me")
    assert sandbox.counters()["asana 429"] == 2
