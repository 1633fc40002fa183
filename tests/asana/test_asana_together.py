"""Many threads and several hooks of one token at once: lanes as Asana documents them, one pause for everyone."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from intacct_asana.asana.hook import AsanaHook
from intacct_asana.errors import Refused
from intacct_asana.records import TaskDraft

from sandbox import constants
from tests.asana.asana_connections import a_hook

PROJECT = constants.BILLS_PROJECT_GID


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> list[AsanaHook]:
    """Three hooks of one token, whose pace no other test has used."""
    monkeypatch.setattr("intacct_asana.asana.pace._paces", {})
    sandbox.settings(asana_requests_per_minute=100_000)
    return [a_hook(monkeypatch, sandbox.asana_url) for _ in range(3)]


def all_at_once(hooks: list[AsanaHook], call: Callable[[AsanaHook, int], Any], *, count: int) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(lambda number: call(hooks[number % len(hooks)], number), range(count)))


def test_writes_and_reads_fill_their_lanes_and_none_is_refused(hooks: list[AsanaHook], sandbox: Any) -> None:
    sandbox.settings(asana_latency_ms=100)
    all_at_once(hooks, lambda hook, number: hook.create_task(PROJECT, TaskDraft(key=str(number), name="x")), count=40)
    all_at_once(hooks, lambda hook, _number: hook.me(), count=120)
    assert sandbox.counters()["asana POST /tasks"] == 40
    assert sandbox.counters().get("asana 429", 0) == 0


def test_more_lanes_than_asana_documents_would_be_refused(hooks: list[AsanaHook], sandbox: Any) -> None:
    """What the test above would see if the lanes were not kept."""
    sandbox.settings(asana_latency_ms=100, asana_max_writes=5)
    all_at_once(hooks, lambda hook, number: hook.create_task(PROJECT, TaskDraft(key=str(number), name="x")), count=15)
    assert sandbox.counters()["asana 429"] > 0


def test_one_refusal_stops_every_thread_and_every_hook_of_the_token(hooks: list[AsanaHook], sandbox: Any) -> None:
    sandbox.settings(asana_latency_ms=20)
    sandbox.fault("asana", "GET /users/{gid}", "429:2", on_call=30)

    def asked() -> int:
        counters: dict[str, int] = sandbox.counters()
        return counters.get("asana GET /users/{gid}", 0)

    with ThreadPoolExecutor(6) as pool:
        calls: list[Future[Any]] = [pool.submit(hooks[number % 3].me) for number in range(60)]
        while not sandbox.counters().get("asana 429"):
            time.sleep(0.01)
        time.sleep(0.3)
        before = asked()
        time.sleep(1)
        assert asked() == before < 40
        assert all(call.result(30) for call in calls)
    assert sandbox.counters()["asana 429"] == 1


@pytest.mark.parametrize(
    ("status", "words"), [(402, "paid"), (403, "access"), (404, "Unknown object"), (451, "Request failed")]
)
def test_a_no_is_told_at_once_and_never_repeated(hooks: list[AsanaHook], sandbox: Any, status: int, words: str) -> None:
    sandbox.fault("asana", "GET /projects/{gid}", f"status:{status}", times=9)
    with pytest.raises(Refused, match=words) as caught:
        hooks[0].project(PROJECT)
    assert caught.value.code == str(status)
    assert sandbox.counters()["asana GET /projects/{gid}"] == 1


@pytest.mark.parametrize("status", [424, 429, 500, 502, 503, 504])
def test_what_passes_is_waited_out(hooks: list[AsanaHook], sandbox: Any, status: int) -> None:
    sandbox.fault("asana", "GET /projects/{gid}", f"status:{status}")
    assert hooks[0].project(PROJECT)[0] == PROJECT
    assert sandbox.counters()["asana GET /projects/{gid}"] == 2
