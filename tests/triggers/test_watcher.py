"""The watcher on the sandbox over real HTTP: what it reports, what it ignores, and that nothing stops it for good."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from intacct_asana.asana.hook import AsanaHook
from intacct_asana.records import FieldNeed, TaskDraft
from intacct_asana.triggers.asana_events import AsanaEventsTrigger

from sandbox import constants
from tests.asana.asana_connections import FAST, a_hook

PROJECT = constants.BILLS_PROJECT_GID
ALICE = constants.PEOPLE[0]["email"]
LOOK = "asana GET /events"
POLL_SECONDS = 0.03

pytestmark = pytest.mark.airflow


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch, sandbox: Any) -> AsanaHook:
    return a_hook(monkeypatch, sandbox.asana_url)


@pytest.fixture
def task(hook: AsanaHook) -> str:
    need = FieldNeed(name="Approval", kind="enum", options=("Pending", "Approved", "Rejected"))
    hook.setup.create_field(PROJECT, need)
    return hook.create_task(PROJECT, TaskDraft(key="CO:ap:1", name="a bill")).gid


class Watching:
    """A watcher at work, as a person at the sandbox sees it."""

    def __init__(self, sandbox: Any) -> None:
        self.sandbox, self.reports = sandbox, list[Any]()

    def looks(self) -> int:
        return int(self.sandbox.counters().get(LOOK, 0))

    def after(self, looks: int) -> None:
        """Wait until the watcher looked so many times more."""
        until = self.looks() + looks
        self.until(lambda: self.looks() >= until)

    def until(self, done: Callable[[], bool], *, seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < end, f"reports so far: {self.reports}, looks: {self.looks()}"
            time.sleep(0.01)

    def reported(self, count: int = 1) -> None:
        self.until(lambda: len(self.reports) >= count)


def watch(sandbox: Any, script: Callable[[Watching], None]) -> list[Any]:
    """What the watcher reported while `script` acted."""
    seen = Watching(sandbox)

    async def collect() -> None:
        trigger = AsanaEventsTrigger(asana_conn_id="asana_default", project_gid=PROJECT, poll_seconds=POLL_SECONDS)
        async for event in trigger.run():
            seen.reports.append(event.payload)

    async def both() -> None:
        watcher = asyncio.create_task(collect())
        acting = asyncio.create_task(asyncio.to_thread(script, seen))
        await asyncio.wait({watcher, acting}, return_when=asyncio.FIRST_COMPLETED)
        assert not watcher.done(), watcher.exception()
        watcher.cancel()
        await acting

    asyncio.run(both())
    return seen.reports


def approve(sandbox: Any, task: str) -> None:
    sandbox.act("asana", ALICE, "choose", task=task, field="Approval", option="Approved")


def test_a_choice_is_reported_once_with_everything_that_came_with_it(sandbox: Any, task: str) -> None:
    def script(seen: Watching) -> None:
        seen.after(2)
        sandbox.act("asana", ALICE, "comment", task=task, text="fine by me")
        approve(sandbox, task)
        seen.reported()
        seen.after(6)

    reports = watch(sandbox, script)
    assert [report["project"] for report in reports] == [PROJECT]
    assert reports[0]["touched"] >= 1


def test_what_the_integration_itself_does_is_no_news(sandbox: Any, hook: AsanaHook, task: str) -> None:
    def script(seen: Watching) -> None:
        seen.after(2)
        hook.comment(task, "Recorded in Intacct")
        hook.create_task(PROJECT, TaskDraft(key="CO:ap:2", name="another bill"))
        seen.after(4)

    assert watch(sandbox, script) == []


@pytest.mark.parametrize(
    ("kind", "fault", "times"),
    [
        ("GET /events", "drop", 3),
        ("GET /events", "status:503", 3),
        ("GET /events", "html", 3),
        ("GET /events", "truncated", 3),
        ("GET /events", "status:401", 3),
        ("GET /events", "status:403", 3),
        ("GET /events", "expire_tokens", 3),
        ("GET /users/{gid}", "status:500", 3),
    ],
)
def test_trouble_costs_time_only(
    sandbox: Any, task: str, kind: str, fault: str, times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    sandbox.zero_counters()
    sandbox.fault("asana", kind, fault, times=times)

    def script(seen: Watching) -> None:
        struck = f"asana {kind}"
        seen.until(lambda: sandbox.counters().get(struck, 0) >= times + 1)
        seen.after(2)
        approve(sandbox, task)
        seen.reported()

    assert len(watch(sandbox, script)) == 1
    said = capsys.readouterr().out
    assert said.count("costs only time") == (0 if fault == "expire_tokens" else 1), said
    assert constants.ASANA_TOKEN not in said


def test_asanas_limit_is_obeyed(sandbox: Any, task: str) -> None:
    quiet: list[int] = []

    def script(seen: Watching) -> None:
        seen.after(2)
        sandbox.fault("asana", "GET /events", "429:1")
        seen.after(1)
        before = seen.looks()
        time.sleep(0.7)
        quiet.append(seen.looks() - before)
        approve(sandbox, task)
        seen.reported()

    assert len(watch(sandbox, script)) == 1
    assert quiet == [0]


def test_a_mended_connection_is_taken_without_a_restart(
    sandbox: Any, task: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    good = {"conn_type": "asana_rest", "host": sandbox.asana_url, "password": constants.ASANA_TOKEN, "extra": FAST}
    monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps(good | {"password": "a-revoked-token"}))

    def script(seen: Watching) -> None:
        seen.until(lambda: sandbox.counters().get("asana GET /users/{gid}", 0) >= 3)
        monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps(good))
        seen.after(2)
        approve(sandbox, task)
        seen.reported()

    assert len(watch(sandbox, script)) == 1
    said = capsys.readouterr().out
    assert "a-revoked-token" not in said
    assert said.count("costs only time") == said.count(" again") == 1


def test_a_token_that_is_replaced_while_it_watches_is_taken(sandbox: Any, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {"conn_type": "asana_rest", "host": sandbox.asana_url, "extra": FAST}

    def script(seen: Watching) -> None:
        seen.after(2)
        sandbox.act("asana", "bot", "revoke_token", token=constants.ASANA_TOKEN)
        asked = sandbox.counters().get("asana GET /users/{gid}", 0)
        seen.until(lambda: sandbox.counters().get("asana GET /users/{gid}", 0) > asked)
        new = connection | {"password": f"sandbox-person-{constants.BOT_GID}"}
        monkeypatch.setenv("AIRFLOW_CONN_ASANA_DEFAULT", json.dumps(new))
        approve(sandbox, task)
        seen.reported()

    assert len(watch(sandbox, script)) == 1


def test_what_airflow_keeps_of_a_watcher_holds_no_secret() -> None:
    trigger = AsanaEventsTrigger(asana_conn_id="asana_acme", project_gid="12", poll_seconds=5)
    path, said = trigger.serialize()
    assert said == {"asana_conn_id": "asana_acme", "project_gid": "12", "poll_seconds": 5}
    assert path == "intacct_asana.triggers.asana_events.AsanaEventsTrigger"
